//! Operators that are other words or signs elsewhere.

use super::{Foreign, Habit, Line};
use crate::syntax::tokens::TokenKind;
use std::ops::Range;

/// Words within expressions as SQL likes to write them.
const CAPITALS: &[&str] =
    &["AND", "OR", "NOT", "IN", "IS", "BETWEEN", "NULL", "TRUE", "FALSE", "AS"];

fn is_capital(word: &str) -> bool {
    CAPITALS.contains(&word)
}

impl Line<'_> {
    /// Operators that are words or signs elsewhere.
    pub(super) fn operator(&self, at: usize) -> Option<Habit> {
        if is_capital(self.text(at)) {
            return self.capitals(at);
        }
        Some(match self.text(at).to_lowercase().as_str() {
            "like" | "ilike" if self.kind(at + 1) == Some(TokenKind::Text) => return self.like(at),
            ":" if self.touches(at) && self.text(at + 1) == ":" => {
                let start = self.value_before(at)?;
                let end = self.value_behind(at + 2)?;
                let written = format!("{} as {}", self.slice(start..at), self.slice(at + 2..end));
                Habit { place: start..end, written, foreign: Foreign::Form("::") }
            }
            "=>" if self.is_in_call(at) => {
                Habit { place: at..at + 1, written: "->".into(), foreign: Foreign::Form("=>") }
            }
            "||" => return self.concatenation(at),
            word @ ("mod" | "div") if at > 0 && self.value_follows(at) => {
                let start = self.value_before(at)?;
                let (sign, foreign) = if word == "mod" { ("%", "mod") } else { ("//", "div") };
                let written = format!("{} {sign} {}", self.slice(start..at), self.text(at + 1));
                Habit { place: start..at + 2, written, foreign: Foreign::Form(foreign) }
            }
            "elif" | "elsif" | "elseif" => Habit {
                place: at..at + 1,
                written: "else if".into(),
                foreign: Foreign::Form("elif"),
            },
            "in" if self.text(at + 1) == "("
                && !self.text(at + 2).eq_ignore_ascii_case("select") =>
            {
                let end = self.behind(at + 1)?;
                let written = format!("in [{}]", self.slice(at + 2..end - 1));
                Habit { place: at..end, written, foreign: Foreign::Form("in (…)") }
            }
            "is" => {
                let not = usize::from(self.text(at + 1) == "not");
                let place = at + 1 + not..at + 2 + not;
                match self.text(place.start).to_lowercase().as_str() {
                    "null" if self.text(place.start) == "null" => return None,
                    word @ ("none" | "null" | "nil") => {
                        let foreign = if word == "null" { "NULL" } else { "None" };
                        let written = format!("{} null", self.slice(at..place.start));
                        Habit { place: at..place.end, written, foreign: Foreign::Form(foreign) }
                    }
                    value @ ("true" | "false") => {
                        let start = self.value_before(at)?;
                        let yes = (value == "true") == (not == 0);
                        let value = self.slice(start..at);
                        let written = if yes { value.to_owned() } else { format!("not {value}") };
                        Habit {
                            place: start..place.end,
                            written,
                            foreign: Foreign::Form("is true"),
                        }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// `amount BETWEEN 1 AND 5`, `city IS NOT NULL`: the whole condition.
    fn capitals(&self, at: usize) -> Option<Habit> {
        let goes_on =
            |here: &usize| *here == at || !self.begins_line(*here) && self.text(*here) != ",";
        let operators = self.outside(at, self.at.len()).take_while(goes_on);
        let last = operators.filter(|at| is_capital(self.text(*at))).last()?;
        let place = self.condition_start(at)?..self.condition_end(last);
        let written = self.in_small_letters(place.clone());
        Some(Habit { place, written, foreign: Foreign::Capitals })
    }

    /// Where the condition begins that this is in: behind a sign, a bracket or the word of the step.
    fn condition_start(&self, at: usize) -> Option<usize> {
        let mut start = at;
        while start > 1
            && !self.begins_line(start)
            && !matches!(self.text(start - 1), "=" | "," | ":")
        {
            start = match self.kind(start - 1)? {
                TokenKind::Close => self.value_before(start)?,
                TokenKind::Open => break,
                _ => start - 1,
            };
        }
        Some(start)
    }

    /// Behind the condition whose last operator this is.
    fn condition_end(&self, last: usize) -> usize {
        const BEHIND: &[&str] = &[",", ")", "]", "}", "else", "then", "nulls", "=>", "->", "with"];
        let is_over = |at: &usize| BEHIND.contains(&self.text(*at)) || self.begins_line(*at);
        self.outside(last + 1, self.at.len()).find(is_over).unwrap_or(self.at.len())
    }

    /// Some tokens with what is between them, words in capitals in small letters, and `IN (…)` as a list.
    fn in_small_letters(&self, tokens: Range<usize>) -> String {
        let is_list = |open: &usize| {
            self.text(*open) == "(" && *open > tokens.start && self.text(open - 1) == "IN"
        };
        let lists: Vec<Range<usize>> = tokens
            .clone()
            .filter(is_list)
            .filter_map(|open| Some(open..self.behind(open)?))
            .collect();
        let mut written = String::new();
        for at in tokens.clone() {
            let text = self.text(at);
            if is_capital(text) {
                written.push_str(&text.to_lowercase());
            } else if lists.iter().any(|list| list.start == at) {
                written.push('[');
            } else if lists.iter().any(|list| list.end == at + 1) {
                written.push(']');
            } else {
                written.push_str(text);
            }
            if at + 1 < tokens.end {
                let both = self.slice(at..at + 2);
                written.push_str(&both[text.len()..both.len() - self.text(at + 1).len()]);
            }
        }
        written
    }

    /// Is the innermost bracket that is open here one of a call?
    fn is_in_call(&self, at: usize) -> bool {
        let open = (0..at).rev().find(|open| {
            self.kind(*open) == Some(TokenKind::Open)
                && self.behind(*open).is_none_or(|end| end > at)
        });
        open.is_some_and(|open| self.text(open) == "(" && open > 0 && self.is_word(open - 1))
    }

    fn value_follows(&self, at: usize) -> bool {
        let starts = |kind| matches!(kind, TokenKind::Word | TokenKind::Number | TokenKind::Open);
        self.kind(at + 1).is_some_and(starts)
    }

    /// `a || " " || b`, which makes one text of them in SQL; where no text is among them, it may
    /// also be the `or` of other languages.
    fn concatenation(&self, at: usize) -> Option<Habit> {
        let start = self.value_before(at)?;
        let (mut from, mut end) = (start, at);
        let (mut written, mut has_text) = (String::new(), false);
        loop {
            let value = self.slice(from..end);
            let is_text = matches!(self.kind(from), Some(TokenKind::Text | TokenKind::TextOpen));
            if is_text {
                written.push_str(value.trim_matches('"'));
            } else {
                written.push_str(&format!("{{{value}}}"));
            }
            has_text |= is_text;
            if self.text(end) != "||" {
                break;
            }
            from = end + 1;
            end = self.value_behind(from)?;
        }
        let habit = Habit {
            place: start..end,
            written: format!("\"{written}\""),
            foreign: Foreign::Form("||"),
        };
        has_text.then_some(habit)
    }

    /// `city like "B%"`
    fn like(&self, at: usize) -> Option<Habit> {
        let not = usize::from(at > 1 && self.text(at - 1) == "not");
        let start = self.value_before(at - not)?;
        let mut value = self.slice(start..at - not).to_owned();
        let mut pattern = self.text(at + 1).trim_matches('"').to_owned();
        if self.text(at).eq_ignore_ascii_case("ilike") {
            (value, pattern) = (format!("lower({value})"), pattern.to_lowercase());
        }
        let inner = pattern.trim_matches('%');
        let call = |name: &str| format!("{name}({value}, \"{inner}\")");
        let written = match (pattern.starts_with('%'), pattern.ends_with('%')) {
            _ if inner.contains(['%', '_']) => {
                format!("{value} matches r\"(?s)^{}$\"", as_regex(&pattern))
            }
            (true, true) => call("contains"),
            (false, true) => call("starts_with"),
            (true, false) => call("ends_with"),
            (false, false) => format!("{value} == \"{inner}\""),
        };
        let written = if not == 1 { format!("not {written}") } else { written };
        Some(Habit { place: start..at + 2, written, foreign: Foreign::Form("like") })
    }
}

/// The pattern of a `like` as a regular expression: `%` for any text, `_` for any character, and
/// all else for itself.
fn as_regex(pattern: &str) -> String {
    let mut regex = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => {
                regex.push('\\');
                regex.extend(characters.next());
            }
            '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                regex.extend(['\\', character]);
            }
            _ => regex.push(character),
        }
    }
    regex
}
