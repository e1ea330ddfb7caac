//! Values that are written in other forms elsewhere: choices, methods, literals.

use super::{Habit, Line};
use crate::syntax::tokens::TokenKind;

impl Line<'_> {
    /// Values of other forms.
    pub(super) fn expression(&self, at: usize) -> Option<Habit> {
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
