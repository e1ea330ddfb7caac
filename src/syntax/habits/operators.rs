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
            "between" => return self.bounds(at),
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
                        let value_is_true = value == "true";
                        let yes = value_is_true == (not == 0);
                        let value = self.slice(start..at);
                        let written = if yes { value.to_owned() } else { format!("not {value}") };
                        let foreign = if value_is_true { "is true" } else { "is false" };
                        let foreign = Foreign::Form(foreign);
                        Habit { place: start..place.end, written, foreign }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// `id between 1, 5`, `id between (1, 5)`
    fn bounds(&self, at: usize) -> Option<Habit> {
        let first = at + 1;
        let (low, high, end) = match (self.text(first), &self.arguments(first)[..]) {
            ("(" | "[", [low, high]) => (*low, *high, self.behind(first)?),
            _ => {
                let comma = self.operands_behind(first).filter(|end| self.text(*end) == ",")?;
                let end = self.operands_behind(comma + 1)?;
                (self.slice(first..comma), self.slice(comma + 1..end), end)
            }
        };
        let written = format!("between {low} and {high}");
        let foreign = Foreign::Form("between a, b");
        (self.text(end) != "and").then_some(Habit { place: at..end, written, foreign })
    }

    /// `amount BETWEEN 1 AND 5`, `city IS NOT NULL`: the whole condition.
    fn capitals(&self, at: usize) -> Option<Habit> {
        let goes_on =
            |here: &usize| *here == at || !self.begins_line(*here) && self.text(*here) != ",";
        let operators = self.outside(at, self.at.len()).take_while(goes_on);
        let last = operators.filter(|at| is_capital(self.text(*at))).last()?;
        let place = self.condition_start(at)?..self.condition_end(last);
        if self.lacks_a_side(&place) {
            return None;
        }
        let written = self.in_small_letters(place.clone());
        Some(Habit { place, written, foreign: Foreign::Capitals })
    }

    /// Does a condition begin or end with an operator whose other side is on no other line?
    fn lacks_a_side(&self, condition: &Range<usize>) -> bool {
        let Range { start, end } = *condition;
        let is = |at: usize, words: &[&str]| words.contains(&self.text(at));
        let goes_on = end < self.at.len() && self.begins_line(end);
        is(start, &["AND", "OR", "IN", "IS", "BETWEEN", "AS"]) && !self.begins_line(start)
            || is(end - 1, &["AND", "OR", "NOT", "IN", "IS", "BETWEEN", "AS"]) && !goes_on
    }

    /// Where the condition begins that this is in: behind a sign, a bracket or the word of the step.
    pub(super) fn condition_start(&self, at: usize) -> Option<usize> {
        let mut start = at;
        while start > 1
            && !self.begins_line(start)
            && !matches!(self.text(start - 1), "," | ":" | "=>" | "->" | "on")
            && !self.is_assigned(start - 1)
        {
            start = match self.kind(start - 1)? {
                TokenKind::Close => self.value_before(start)?,
                TokenKind::Open => break,
                _ => start - 1,
            };
        }
        Some(start)
    }

    /// Is it a `=` that gives a name to what is behind it, and compares nothing?
    fn is_assigned(&self, sign: usize) -> bool {
        let is_on = || (0..sign).any(|at| self.text(at) == "on");
        let is_condition = matches!(self.text(0), "filter" | "expect") || is_on();
        self.text(sign) == "=" && !is_condition
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
            } else if let Some(sign) = self.comparison(at) {
                written.push_str(sign);
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

    /// A comparison of SQL in a condition; with null it is asked with `is`.
    fn comparison(&self, at: usize) -> Option<&'static str> {
        let is_null = self.text(at + 1).eq_ignore_ascii_case("null");
        Some(match self.text(at) {
            "=" if is_null => "is",
            "<>" | "!=" if is_null => "is not",
            "=" => "==",
            "<>" => "!=",
            _ => return None,
        })
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
        let start = self.operands_before(at)?;
        let (mut from, mut end) = (start, at);
        let (mut written, mut has_text) = (String::new(), false);
        loop {
            let value = self.slice(from..end);
            let is_text = self.value_behind(from) == Some(end)
                && matches!(self.kind(from), Some(TokenKind::Text | TokenKind::TextOpen));
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
            end = self.operands_behind(from)?;
        }
        let habit = Habit {
            place: start..end,
            written: format!("\"{written}\""),
            foreign: Foreign::Form("||"),
        };
        has_text.then_some(habit)
    }

    /// Does an operator stand here that holds its sides together more tightly than `||`?
    fn is_tight(&self, at: usize) -> bool {
        matches!(self.text(at), "+" | "-" | "*" | "/" | "//" | "%" | "**" | "as")
    }

    /// Where `id + 1` begins, which ends before `at`.
    fn operands_before(&self, at: usize) -> Option<usize> {
        let mut start = self.value_before(at)?;
        while start > 1 && self.is_tight(start - 1) {
            start = self.value_before(start - 1)?;
        }
        Some(start)
    }

    /// Behind `id + 1`, which begins here.
    fn operands_behind(&self, at: usize) -> Option<usize> {
        let mut end = self.value_behind(at)?;
        while self.is_tight(end) {
            end = self.value_behind(end + 1)?;
        }
        Some(end)
    }
}
