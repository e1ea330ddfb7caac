//! `if` as other languages write it: with `?`, with braces, as a function, behind its value.

use super::{Foreign, Habit, Line};
use crate::syntax::tokens::TokenKind;

impl Line<'_> {
    /// `if` and what stands for it elsewhere.
    pub(super) fn conditional(&self, at: usize) -> Option<Habit> {
        match self.text(at) {
            "?" => self.question(at),
            "if" if self.text(at + 1) == "(" && self.arguments(at + 1).len() == 3 => {
                self.if_function(at)
            }
            "if" => {
                let python = || self.python_if(at);
                self.braced(at).or_else(python).or_else(|| self.without_a_word(at))
            }
            _ => None,
        }
    }

    /// `n > 1 ? "a" : "b"`; of choices in brackets within each other the inner one is told first.
    fn question(&self, at: usize) -> Option<Habit> {
        let start = self.condition_start(at)?;
        let (written, end) = self.chosen(start, self.item_end(start))?;
        Some(Habit { place: start..end, written, foreign: Foreign::Form("a ? b : c") })
    }

    /// The value that begins here, up to a `:`, with all its questions as `if`; and where it ends.
    fn chosen(&self, from: usize, end: usize) -> Option<(String, usize)> {
        let is_over =
            |at: &usize| matches!(self.text(*at), "?" | ":") || *at > from && self.begins_step(*at);
        let stop = self.outside(from, end).find(is_over).unwrap_or(end);
        if (from..stop).any(|at| self.text(at) == "?") {
            return None;
        }
        let value = Some(self.slice(from..stop)).filter(|value| !value.is_empty())?;
        if self.text(stop) != "?" || stop == end {
            return Some((value.to_owned(), stop));
        }
        let (then, colon) = self.chosen(stop + 1, end)?;
        if self.text(colon) != ":" {
            return None;
        }
        let (otherwise, last) = self.chosen(colon + 1, end)?;
        Some((format!("if {value} then {then} else {otherwise}"), last))
    }

    /// Does a line begin here that goes not on with the one above?
    fn begins_step(&self, at: usize) -> bool {
        self.begins_line(at) && matches!(self.kind(at), Some(TokenKind::Word))
    }

    /// `if n > 1 { "a" } else if n > 0 { "b" } else { "c" }`
    fn braced(&self, at: usize) -> Option<Habit> {
        let (mut written, mut from) = (String::new(), at);
        loop {
            let open = (from + 1..self.at.len()).find(|at| self.text(*at) == "{")?;
            let end = self.behind(open)?;
            let (condition, value) = (self.slice(from + 1..open), self.slice(open + 1..end - 1));
            // Braces of something else stand behind these.
            let is_other =
                |at| matches!(self.text(at), "then" | "else" | "case" | ":" | "," | "=>");
            if condition.is_empty() || value.is_empty() || (from + 1..open).any(is_other) {
                return None;
            }
            written.push_str(&format!("if {condition} then {value} else "));
            match (self.text(end), self.text(end + 1)) {
                ("else", "if") => from = end + 1,
                ("elif", _) => from = end,
                ("else", "{") => {
                    let last = self.behind(end + 1)?;
                    written.push_str(self.slice(end + 2..last - 1));
                    let foreign = Foreign::Form("if a { b } else { c }");
                    return Some(Habit { place: at..last, written, foreign });
                }
                _ => {
                    written.push_str("null");
                    return Some(Habit { place: at..end, written, foreign: Foreign::IfAlone });
                }
            }
        }
    }

    /// `if(n > 1, "a", "b")`
    fn if_function(&self, at: usize) -> Option<Habit> {
        let behind = self.behind(at + 1)?;
        let [condition, yes, no] = self.arguments(at + 1)[..] else { return None };
        let mut written = format!("if {condition} then {yes} else {no}");
        if !matches!(self.text(behind), "" | "," | ")" | "]" | "}") {
            written = format!("({written})");
        }
        Some(Habit { place: at..behind, written, foreign: Foreign::Form("if(a, b, c)") })
    }

    /// `if a then b` without its `else`, and `b if a else c`.
    fn without_a_word(&self, at: usize) -> Option<Habit> {
        let end = self.at.len();
        let start = (0..at).rev().find(|at| matches!(self.text(*at), "=" | "(" | ","));
        let start = start.map_or(1, |sign| sign + 1);
        match (self.find(at, "then"), self.find(at, "else")) {
            (Some(then), None) => {
                if then == at + 1 || then + 1 == end {
                    return None;
                }
                let written = format!("{} else null", self.slice(at..end));
                Some(Habit { place: at..end, written, foreign: Foreign::IfAlone })
            }
            (None, Some(otherwise)) if start < at && at + 1 < otherwise && otherwise + 1 < end => {
                let written = format!(
                    "if {} then {} {}",
                    self.slice(at + 1..otherwise),
                    self.slice(start..at),
                    self.slice(otherwise..end)
                );
                let foreign = Foreign::Form("a if b else c");
                Some(Habit { place: start..end, written, foreign })
            }
            _ => None,
        }
    }

    /// `if n > 1: "a" elif n > 0: "b" else: "c"`
    fn python_if(&self, at: usize) -> Option<Habit> {
        let end = self.at.len();
        let is_colon = |at: &usize| matches!(self.text(*at), ":" | "then");
        let colon = self.outside(at, end).find(is_colon);
        let mut colon = colon.filter(|at| self.text(*at) == ":")?;
        let (mut written, mut from) = (String::new(), at);
        loop {
            let otherwise = (colon..end).find(|at| matches!(self.text(*at), "else" | "elif"))?;
            let (condition, value) =
                (self.slice(from + 1..colon), self.slice(colon + 1..otherwise));
            if condition.is_empty() || value.is_empty() {
                return None;
            }
            written.push_str(&format!("if {condition} then {value} else "));
            from = otherwise;
            if self.text(otherwise) == "else" {
                break;
            }
            colon = self.find(otherwise, ":")?;
        }
        let from = from + 1 + usize::from(self.text(from + 1) == ":");
        let last = Some(self.slice(from..end)).filter(|last| !last.is_empty())?;
        written.push_str(last);
        Some(Habit { place: at..end, written, foreign: Foreign::Form("if a: b else: c") })
    }
}
