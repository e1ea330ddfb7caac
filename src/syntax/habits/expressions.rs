//! Values that are written in other forms elsewhere: choices, methods, literals.

use super::{Foreign, Habit, Line};
use crate::diagnostics::{Diagnostic, foreign, formats, habits, operand};
use crate::syntax::tokens::TokenKind;

/// What packages of functions are called in Python and Spark.
const PACKAGES: &[&str] = &["pd", "np", "pl", "F", "math"];

impl Line<'_> {
    /// Values of other forms.
    pub(super) fn expression(&self, at: usize) -> Option<Habit> {
        Some(match (self.text(at), self.text(at + 1)) {
            ("*", ")") if at > 1 && self.text(at - 1) == "(" && self.is_count(at - 2) => Habit {
                place: at - 2..at + 2,
                written: "count()".into(),
                foreign: Foreign::Form("count(*)"),
            },
            ("distinct" | "DISTINCT", _)
                if at > 1 && self.text(at - 1) == "(" && self.is_count(at - 2) =>
            {
                let end = self.behind(at - 1)?;
                let written = format!("count_distinct({})", self.slice(at + 1..end - 1));
                Habit { place: at - 2..end, written, foreign: Foreign::Form("count(distinct …)") }
            }
            (".", _)
                if self.kind(at + 1) == Some(TokenKind::Number)
                    && self.touches(at)
                    && !self.is_of_a_value(at) =>
            {
                let written = format!("0.{}", self.text(at + 1));
                Habit { place: at..at + 2, written, foreign: Foreign::Fraction }
            }
            ("{", _) if self.kind(at + 1) == Some(TokenKind::Text) && self.text(at + 2) == ":" => {
                return self.record(at);
            }
            ("[", _) if self.find(at, "for").is_some() => return self.comprehension(at),
            (":", _) => return self.format_in_text(at),
            ("case" | "CASE", _) => return self.case(at).or_else(|| self.arms(at)),
            ("f" | "F", _)
                if self.touches(at)
                    && matches!(self.kind(at + 1), Some(TokenKind::Text | TokenKind::TextOpen)) =>
            {
                let text = self.behind(at + 1)?;
                let written = self.slice(at + 1..text).to_owned();
                Habit { place: at..text, written, foreign: Foreign::Form("f\"…\"") }
            }
            ("lambda", variable) if self.text(at + 2) == ":" => {
                let end = self.item_end(at + 3);
                let written = format!("{variable} -> {}", self.slice(at + 3..end));
                Habit { place: at..end, written, foreign: Foreign::Form("lambda") }
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
                Habit { place: at..end, written, foreign: Foreign::TimeApart }
            }
            (word, "(")
                if word.eq_ignore_ascii_case("extract")
                    && self.find(at, "from") == Some(at + 3) =>
            {
                return self.extract(at);
            }
            (".", _) if self.text(at + 2) == "(" && self.is_word(at + 1) => {
                return self.methods(at);
            }
            ("if" | "?", _) => return self.conditional(at),
            _ => return self.other_form(at),
        })
    }

    /// `extract(year from day)`
    fn extract(&self, at: usize) -> Option<Habit> {
        let end = self.behind(at + 1)?;
        let time = Some(self.slice(at + 4..end - 1)).filter(|time| !time.is_empty())?;
        let part = foreign::part_of_time(self.text(at + 2), time)?;
        let written = foreign::in_place(part, self.before(at), self.rest(end));
        Some(Habit { place: at..end, written, foreign: Foreign::Form("extract") })
    }

    fn is_count(&self, at: usize) -> bool {
        self.text(at).eq_ignore_ascii_case("count")
    }

    /// Is the point here one behind a value, for a field of it?
    fn is_of_a_value(&self, point: usize) -> bool {
        point > 0
            && self.touches(point - 1)
            && (self.is_word(point - 1) || self.text(point - 1) == ")")
    }

    /// `{"a": 1}`
    fn record(&self, open: usize) -> Option<Habit> {
        let end = self.behind(open)?;
        let mut written = self.slice(open..end).to_owned();
        for at in (open..end).filter(|at| self.text(at + 1) == ":") {
            let name = self.text(at).trim_matches('"');
            let is_name = name
                .starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if self.kind(at) == Some(TokenKind::Text) {
                let name = is_name.then_some(name)?;
                written = written.replacen(self.text(at), name, 1);
            }
        }
        Some(Habit { place: open..end, written, foreign: Foreign::Form("{\"name\": …}") })
    }

    /// `[x * 2 for x in xs if x > 1]`
    fn comprehension(&self, open: usize) -> Option<Habit> {
        let (end, each) = (self.behind(open)?, self.find(open, "for")?);
        let within = (self.text(each + 2) == "in").then_some(each + 3)?;
        let condition = self.find(within, "if").filter(|at| *at < end);
        let (item, name) = (self.slice(open + 1..each), self.text(each + 1));
        let list = self.slice(within..condition.unwrap_or(end - 1));
        let list = match condition {
            Some(at) => format!("filter_list({list}, {name} -> {})", self.slice(at + 1..end - 1)),
            None => list.to_owned(),
        };
        let written = if item == name { list } else { format!("map({list}, {name} -> {item})") };
        Some(Habit { place: open..end, written, foreign: Foreign::Form("[… for … in …]") })
    }

    /// `tags[0:2]`, which may be of a list or a text.
    pub(super) fn items(&self, open: usize) -> Option<Diagnostic> {
        let (end, start) = (self.behind(open)?, self.value_before(open)?);
        let colon = self.find(open, ":").filter(|at| *at < end)?;
        let (from, to) = (self.slice(open + 1..colon), self.slice(colon + 1..end - 1));
        let list = self.slice(start..open);
        let from = if from.is_empty() { "0" } else { from };
        let last = if to.is_empty() { format!("length({list})") } else { to.to_owned() };
        let of_list = format!("slice({list}, {from}, {last})");
        let place = self.parser.span(self.at[start]..self.at[end - 1] + 1);
        if self.text(start) == "split" {
            return Some(habits::habit(Foreign::Form("list[from:to]"), place, &of_list));
        }
        // Characters are counted from 1, and items from 0.
        let of_text = match (from.parse::<u32>(), to.parse::<u32>()) {
            (Ok(from), Ok(to)) if from < to => {
                format!("substring({list}, {}, {})", u64::from(from) + 1, to - from)
            }
            (Ok(from), Err(_)) if to.is_empty() => {
                format!("substring({list}, {})", u64::from(from) + 1)
            }
            _ => "substring(text, start, length)".to_owned(),
        };
        Some(habits::items_or_characters(place, &of_list, &of_text))
    }

    /// `"{id:05d}"`, `"{share:.2f}"`
    fn format_in_text(&self, colon: usize) -> Option<Habit> {
        let is_text = |kind| matches!(kind, Some(TokenKind::TextMiddle | TokenKind::TextClose));
        let end = (colon..self.at.len()).find(|at| is_text(self.kind(*at)))?;
        let opens = |kind| matches!(kind, Some(TokenKind::TextOpen | TokenKind::TextMiddle));
        let open = (0..colon).rev().find(|at| opens(self.kind(*at)))?;
        let picture = formats::picture_of_python(self.slice(colon + 1..end))?;
        let written = format!("format({}, \"{picture}\")", self.slice(open + 1..colon));
        Some(Habit { place: open + 1..end, written, foreign: Foreign::Form("{value:format}") })
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
                    let mut items = self.arguments(at + 2);
                    // The name of a package is no value.
                    if !PACKAGES.contains(&written.as_str()) {
                        items.insert(0, &written);
                    }
                    written = match foreign::call(name, &items) {
                        Some(form) if end == self.at.len() || self.text(end) != "." => {
                            foreign::in_place(form, self.before(start), self.rest(end))
                        }
                        Some(form) => form,
                        None => {
                            let name = foreign::same(name).unwrap_or(name);
                            format!("{name}({})", items.join(", "))
                        }
                    };
                    at = end;
                }
                ("[", _) if self.touches(at - 1) => {
                    let end = self.behind(at)?;
                    written = format!("{}{}", operand(&written), self.slice(at..end));
                    at = end;
                }
                _ => break,
            }
        }
        Some(Habit { place: start..at, written, foreign: Foreign::Form("value.function()") })
    }

    /// Behind the item that begins here: at its comma, or at the bracket that closes its list.
    pub(super) fn item_end(&self, from: usize) -> usize {
        let mut at = from;
        while at < self.at.len() && !matches!(self.text(at), "," | ")" | "]" | "}") {
            at = self
                .kind(at)
                .filter(|kind| matches!(kind, TokenKind::Open | TokenKind::TextOpen))
                .and_then(|_| self.behind(at))
                .unwrap_or(at + 1);
        }
        at
    }

    /// The text of the line before a token, and that from it on.
    pub(super) fn before(&self, at: usize) -> &str {
        self.slice(0..at)
    }

    pub(super) fn rest(&self, at: usize) -> &str {
        self.slice(at..self.at.len())
    }

    /// The arguments between the bracket at `open` and its partner.
    pub(super) fn arguments(&self, open: usize) -> Vec<&str> {
        let Some(end) = self.behind(open) else { return vec![] };
        let (mut arguments, mut start, mut at) = (vec![], open + 1, open + 1);
        while at < end {
            if self.text(at) == "," || at == end - 1 && start < at {
                arguments.push(self.slice(start..at));
                start = at + 1;
            }
            let is_open = matches!(self.kind(at), Some(TokenKind::Open | TokenKind::TextOpen));
            at = if is_open { self.behind(at).unwrap_or(end) } else { at + 1 };
        }
        arguments
    }

    /// `case when a then b else c end`, with no other choice within.
    fn case(&self, at: usize) -> Option<Habit> {
        let end = self.find(at, "end")?;
        // Of choices within each other the inner one is told first.
        let is_choice = |at: usize| {
            self.text(at).eq_ignore_ascii_case("case")
                && !(at + 1..at + 3).any(|at| self.text(at) == "{")
        };
        if (at + 1..end).any(is_choice) {
            return None;
        }
        let subject = self.find(at, "when")?;
        let (mut arms, mut from) = (vec![], subject);
        while self.text(from).eq_ignore_ascii_case("when") {
            let then = self.find(from, "then")?;
            // Each `if` within has an `else` of its own.
            let mut ifs = 0;
            let is_next = |at: &usize| match self.text(*at).to_lowercase().as_str() {
                "if" => {
                    ifs += 1;
                    false
                }
                "else" if ifs > 0 => {
                    ifs -= 1;
                    false
                }
                word => matches!(word, "when" | "else" | "end"),
            };
            let next = self.outside(then, end + 1).find(is_next)?;
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
        Some(Habit { place: at..end + 1, written, foreign: Foreign::Form("case … end") })
    }
}
