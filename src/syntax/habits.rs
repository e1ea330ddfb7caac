//! What is written as in SQL or Python: recognised by its tokens in a line that did not parse, with
//! the same in this language.

mod literals;

use super::parser::Parser;
use super::tokens::TokenKind;
use super::words::is_reserved;
use crate::diagnostics::{Diagnostic, syntax};
use crate::text::Span;
use std::ops::Range;

/// The tokens of a line that mean something, by position.
struct Line<'p> {
    parser: &'p Parser<'p>,
    at: Vec<usize>,
}

/// Tokens of a line, what is written in their place, and the sign or word that is foreign.
struct Habit {
    place: Range<usize>,
    written: String,
    foreign: &'static str,
}

impl Parser<'_> {
    /// The first habit in these tokens.
    pub(super) fn habit(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let at = tokens.clone().filter(|at| !self.layout.tokens[*at].kind.is_trivia()).collect();
        let line = Line { parser: self, at };
        if let Some((at, sign)) = (1..line.at.len()).find_map(|at| Some((at, line.comment(at)?))) {
            let start = self.span(line.at[at]..line.at[at] + 1).start as usize;
            let span = Span::new(self.file, start, start + sign.len());
            return Some(syntax::foreign_comment(span, sign));
        }
        if let Some(at) = line.find(2, "having") {
            let end = line.find(at, "{").unwrap_or(line.at.len());
            let filter = format!("filter {}", line.slice(at + 1..end));
            let span = self.span(line.at[at]..line.at[at] + 1);
            return Some(syntax::on_the_next_line(
                "having",
                span,
                &filter,
                "behind the group's `}`",
            ));
        }
        if line.text(0) == "select" && line.text(1) == "distinct" && line.at.len() > 2 {
            let span = self.span(line.at[1]..line.at[1] + 1);
            return Some(syntax::on_the_next_line("distinct", span, "distinct", "behind `select`"));
        }
        let habit = (0..line.at.len()).find_map(|at| {
            let habit =
                line.statement(at).or_else(|| line.operator(at)).or_else(|| line.expression(at));
            // An operator at the end of its line has no right side to be written with.
            habit.filter(|habit| habit.place.end <= line.at.len())
        })?;
        let Range { start, end } = habit.place;
        let span = self.span(line.at[start]..line.at[end - 1] + 1);
        Some(syntax::habit(habit.foreign, span, &habit.written))
    }
}

impl Line<'_> {
    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.at.get(at).map(|at| self.parser.layout.tokens[*at].kind)
    }

    fn text(&self, at: usize) -> &str {
        self.at.get(at).map_or("", |at| self.parser.layout.source(*at))
    }

    /// The text of some tokens with what is between them.
    fn slice(&self, tokens: Range<usize>) -> &str {
        if tokens.is_empty() || tokens.end > self.at.len() {
            return "";
        }
        let span = self.parser.span(self.at[tokens.start]..self.at[tokens.end - 1] + 1);
        &self.parser.source[span.range()]
    }

    /// Is nothing between a token and the next?
    fn touches(&self, at: usize) -> bool {
        at + 1 < self.at.len() && self.at[at] + 1 == self.at[at + 1]
    }

    fn is_word(&self, at: usize) -> bool {
        self.kind(at) == Some(TokenKind::Word) && !is_reserved(self.text(at))
    }

    fn find(&self, from: usize, word: &str) -> Option<usize> {
        (from..self.at.len()).find(|at| self.text(*at) == word)
    }

    /// Behind the bracket that closes the one at `open`.
    fn behind(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        (open..self.at.len()).find_map(|at| {
            match self.kind(at)? {
                TokenKind::Open | TokenKind::TextOpen => depth += 1,
                TokenKind::Close | TokenKind::TextClose => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at + 1)
        })
    }

    /// Where the value before `at` begins: a name, a literal, a call.
    fn value_before(&self, at: usize) -> Option<usize> {
        let mut start = at.checked_sub(1)?;
        loop {
            if self.kind(start) == Some(TokenKind::Close) {
                let behind = start + 1;
                start = (0..start).rev().find(|open| self.behind(*open) == Some(behind))?;
                let is_of_a_value = start > 0
                    && (self.is_word(start - 1) || self.kind(start - 1) == Some(TokenKind::Close));
                if is_of_a_value && self.touches(start - 1) {
                    start -= 1;
                    continue;
                }
            }
            if start < 2 || self.text(start - 1) != "." {
                return Some(start);
            }
            start -= 2;
        }
    }

    /// Behind the value that begins at `at`: a name, a literal, a call, with its fields and items.
    fn value_behind(&self, at: usize) -> Option<usize> {
        let mut end = match self.kind(at)? {
            TokenKind::Open | TokenKind::TextOpen => self.behind(at)?,
            TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Date => at + 1,
            _ => return None,
        };
        loop {
            end = match self.text(end) {
                "(" | "[" if self.touches(end - 1) => self.behind(end)?,
                "." if self.is_word(end + 1) => end + 2,
                _ => return Some(end),
            };
        }
    }

    /// Does a comment of another language begin here, behind something?
    fn comment(&self, at: usize) -> Option<&'static str> {
        let words = |from: usize| self.is_word(from) && self.is_word(from + 1);
        match self.text(at) {
            "//" if words(at + 1) => Some("//"),
            "-" if self.touches(at) && self.text(at + 1) == "-" && words(at + 2) => Some("--"),
            "/" if self.touches(at) && self.text(at + 1).starts_with('*') => Some("/*"),
            _ => None,
        }
    }

    /// What begins a statement, or belongs to it.
    fn statement(&self, at: usize) -> Option<Habit> {
        let rest = |from: usize| self.slice(from..self.at.len());
        let verb = self.text(0);
        Some(match (self.text(at), self.text(at + 1)) {
            ("outer", "join") if at > 0 => {
                let written = format!("{} {}", self.slice(0..at), rest(at + 1));
                Habit { place: 0..self.at.len(), written, foreign: "outer" }
            }
            ("select", "*") if at == 0 && self.text(2) == "," => return self.more_columns(),
            ("distinct", _) if at == 0 && self.at.len() > 1 => {
                let from = 1 + usize::from(self.text(1) == "on");
                let keys = rest(from).trim_start_matches('(').trim_end_matches(')');
                let written = format!("dedupe by {keys}");
                Habit { place: 0..self.at.len(), written, foreign: "distinct" }
            }
            ("union" | "drop", "all" | "column" | "columns") if at == 0 && self.at.len() > 2 => {
                let foreign = if verb == "union" { "union all" } else { "drop column" };
                Habit { place: 0..self.at.len(), written: format!("{verb} {}", rest(2)), foreign }
            }
            ("using", "(") if verb == "join" || self.text(1) == "join" => {
                let end = self.behind(at + 1)?;
                let written = format!("on {}", self.slice(at + 2..end - 1));
                Habit { place: at..end, written, foreign: "using" }
            }
            (sign @ ("to" | "->"), _) if verb == "rename" && at > 1 => {
                let written = format!("{} as {}", self.slice(0..at), rest(at + 1));
                let foreign = if sign == "to" { "to" } else { "->" };
                Habit { place: 0..self.at.len(), written, foreign }
            }
            ("warn" | "drop" | "fail" | "quarantine", _)
                if verb == "expect" && at > 1 && self.text(at - 1) != "else" =>
            {
                let written = format!("{} else {}", self.slice(0..at), rest(at));
                Habit { place: 0..self.at.len(), written, foreign: "expect" }
            }
            ("+" | "-" | "*" | "/", "=") if verb == "set" && self.touches(at) && at == 2 => {
                let column = self.text(1);
                let written = format!("set {column} = {column} {} {}", self.text(at), rest(at + 2));
                Habit { place: 0..self.at.len(), written, foreign: "+=" }
            }
            _ => return None,
        })
    }

    /// `select *, upper(city) as large`
    fn more_columns(&self) -> Option<Habit> {
        let (mut items, mut at) = (vec![], 3);
        while at < self.at.len() {
            let start = at;
            while at < self.at.len() && self.text(at) != "," {
                at = if self.kind(at) == Some(TokenKind::Open) { self.behind(at)? } else { at + 1 };
            }
            let has_alias = at > start + 2 && self.text(at - 2) == "as";
            let item = if has_alias {
                format!("{} = {}", self.text(at - 1), self.slice(start..at - 2))
            } else if self.text(start + 1) == "=" {
                self.slice(start..at).to_owned()
            } else {
                format!("name = {}", self.slice(start..at))
            };
            // A column alone is there already.
            if at > start + 1 {
                items.push(item);
            }
            at += 1;
        }
        let written = format!("derive {}", items.join(", "));
        let habit = Habit { place: 0..self.at.len(), written, foreign: "select *" };
        (!items.is_empty()).then_some(habit)
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
        let habit = Habit { place: start..end, written: format!("\"{written}\""), foreign: "||" };
        has_text.then_some(habit)
    }

    /// Operators that are words or signs elsewhere.
    fn operator(&self, at: usize) -> Option<Habit> {
        Some(match self.text(at).to_lowercase().as_str() {
            "like" | "ilike" if self.kind(at + 1) == Some(TokenKind::Text) => return self.like(at),
            ":" if self.touches(at) && self.text(at + 1) == ":" => {
                let start = self.value_before(at)?;
                let written = format!("{} as {}", self.slice(start..at), self.text(at + 2));
                Habit { place: start..(at + 3).min(self.at.len()), written, foreign: "::" }
            }
            "||" => return self.concatenation(at),
            word @ ("mod" | "div") if at > 0 && self.value_follows(at) => {
                let start = self.value_before(at)?;
                let (sign, foreign) = if word == "mod" { ("%", "mod") } else { ("//", "div") };
                let written = format!("{} {sign} {}", self.slice(start..at), self.text(at + 1));
                Habit { place: start..at + 2, written, foreign }
            }
            "elif" | "elsif" | "elseif" => {
                Habit { place: at..at + 1, written: "else if".into(), foreign: "elif" }
            }
            "in" if self.text(at + 1) == "(" => {
                let end = self.behind(at + 1)?;
                let written = format!("in [{}]", self.slice(at + 2..end - 1));
                Habit { place: at..end, written, foreign: "in (…)" }
            }
            "is" => {
                let not = usize::from(self.text(at + 1) == "not");
                let place = at + 1 + not..at + 2 + not;
                match self.text(place.start).to_lowercase().as_str() {
                    "null" if self.text(place.start) == "null" => return None,
                    word @ ("none" | "null" | "nil") => {
                        let foreign = if word == "null" { "NULL" } else { "None" };
                        let written = format!("{} null", self.slice(at..place.start));
                        Habit { place: at..place.end, written, foreign }
                    }
                    value @ ("true" | "false") => {
                        let start = self.value_before(at)?;
                        let yes = (value == "true") == (not == 0);
                        let value = self.slice(start..at);
                        let written = if yes { value.to_owned() } else { format!("not {value}") };
                        Habit { place: start..place.end, written, foreign: "is true" }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    fn value_follows(&self, at: usize) -> bool {
        let starts = |kind| matches!(kind, TokenKind::Word | TokenKind::Number | TokenKind::Open);
        self.kind(at + 1).is_some_and(starts)
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
        Some(Habit { place: start..at + 2, written, foreign: "like" })
    }

    /// Values of other forms.
    fn expression(&self, at: usize) -> Option<Habit> {
        Some(match (self.text(at), self.text(at + 1)) {
            ("*", ")") if at > 1 && self.text(at - 1) == "(" && self.text(at - 2) == "count" => {
                Habit { place: at - 2..at + 2, written: "count()".into(), foreign: "count(*)" }
            }
            ("case", _) => return self.case(at),
            ("f" | "F", _)
                if self.touches(at)
                    && matches!(self.kind(at + 1), Some(TokenKind::Text | TokenKind::TextOpen)) =>
            {
                let text = self.behind(at + 1)?;
                let written = self.slice(at + 1..text).to_owned();
                Habit { place: at..text, written, foreign: "f\"…\"" }
            }
            ("lambda", variable) if self.text(at + 2) == ":" => {
                Habit { place: at..at + 3, written: format!("{variable} ->"), foreign: "lambda" }
            }
            (day, hour)
                if self.kind(at) == Some(TokenKind::Date)
                    && self.kind(at + 1) == Some(TokenKind::Number)
                    && self.text(at + 2) == ":" =>
            {
                let mut end = at + 4;
                while self.text(end) == ":" && self.touches(end) {
                    end += 2;
                }
                let written = format!("{day}T{hour}{}", self.slice(at + 2..end));
                Habit { place: at..end, written, foreign: "time" }
            }
            ("extract", "(") if self.text(at + 3) == "from" => {
                let end = self.behind(at + 1)?;
                let written = format!("{}({})", self.text(at + 2), self.slice(at + 4..end - 1));
                Habit { place: at..end, written, foreign: "extract" }
            }
            (".", _) if self.text(at + 2) == "(" && self.is_word(at + 1) => {
                return self.methods(at);
            }
            ("if" | "?", _) => return self.choice(at),
            _ => return None,
        })
    }

    /// `email.split("@")[1].lower()`
    fn methods(&self, first: usize) -> Option<Habit> {
        let start = self.value_before(first)?;
        let value = self.slice(start..first).trim_end_matches(".str").trim_end_matches(".dt");
        let (mut written, mut at) = (value.to_owned(), first);
        loop {
            match (self.text(at), self.text(at + 1)) {
                (".", "str" | "dt") => at += 2,
                (".", name) if self.text(at + 2) == "(" => {
                    let end = self.behind(at + 2)?;
                    let more = self.slice(at + 3..end - 1);
                    let comma = if more.is_empty() { "" } else { ", " };
                    written = format!("{name}({written}{comma}{more})");
                    at = end;
                }
                ("[", _) if self.touches(at - 1) => {
                    let end = self.behind(at)?;
                    written.push_str(self.slice(at..end));
                    at = end;
                }
                _ => break,
            }
        }
        Some(Habit { place: start..at, written, foreign: "value.function()" })
    }

    /// `if` and what stands for it elsewhere.
    fn choice(&self, at: usize) -> Option<Habit> {
        let end = self.at.len();
        Some(match self.text(at) {
            "if" => {
                let start = (0..at).rev().find(|at| matches!(self.text(*at), "=" | "(" | ","));
                let start = start.map_or(1, |sign| sign + 1);
                let otherwise = self.find(at, "else");
                match (self.find(at, "then"), otherwise) {
                    (Some(_), None) => {
                        let written = format!("{} else null", self.slice(at..end));
                        Habit { place: at..end, written, foreign: "if" }
                    }
                    (None, Some(otherwise)) if start < at => {
                        let written = format!(
                            "if {} then {} {}",
                            self.slice(at + 1..otherwise),
                            self.slice(start..at),
                            self.slice(otherwise..end)
                        );
                        Habit { place: start..end, written, foreign: "a if b else c" }
                    }
                    _ => return None,
                }
            }
            "?" => {
                let start = (0..at).rev().find(|at| self.text(*at) == "=").map_or(1, |at| at + 1);
                let colon = self.find(at, ":")?;
                let written = format!(
                    "if {} then {} else {}",
                    self.slice(start..at),
                    self.slice(at + 1..colon),
                    self.slice(colon + 1..end)
                );
                Habit { place: start..end, written, foreign: "a ? b : c" }
            }
            _ => return None,
        })
    }

    /// `case when a then b else c end`
    fn case(&self, at: usize) -> Option<Habit> {
        let end = self.find(at, "end")?;
        let subject = self.find(at, "when")?;
        let (mut arms, mut from) = (vec![], subject);
        while self.text(from) == "when" {
            let then = self.find(from, "then")?;
            let next = (then..=end).find(|at| matches!(self.text(*at), "when" | "else" | "end"))?;
            let (when, value) = (self.slice(from + 1..then), self.slice(then + 1..next));
            arms.push(format!("{when} => {value}"));
            from = next;
        }
        let otherwise = if from < end { self.slice(from + 1..end) } else { "null" };
        arms.push(format!("else => {otherwise}"));
        let subject = match self.slice(at + 1..subject) {
            "" => String::new(),
            subject => format!("{subject} "),
        };
        let written = format!("case {subject}{{ {} }}", arms.join(", "));
        Some(Habit { place: at..end + 1, written, foreign: "case … end" })
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
