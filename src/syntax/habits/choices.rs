//! Values that are chosen among, and members of enums, as other languages write them.

use super::{Foreign, Habit, Line};
use crate::diagnostics::{Diagnostic, foreign, habits};
use crate::syntax::is_name;
use crate::syntax::parser::Parser;
use crate::syntax::tokens::TokenKind;
use std::ops::Range;

impl Parser<'_> {
    /// `enum E = A | B`, `type E = "a" | "b"`
    pub(in crate::syntax) fn members(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let line = self.meaningful(tokens);
        let written = line.members()?;
        Some(habits::members_in_braces(self.span(tokens.clone()), &written))
    }
}

impl Line<'_> {
    fn members(&self) -> Option<String> {
        let is_enum = self.text(0) == "enum";
        let sign = self.text(2);
        if !(is_enum || self.text(0) == "type" && sign == "=") || !matches!(sign, "=" | "{" | "(") {
            return None;
        }
        let mut members = vec![];
        let mut is_separated = false;
        for at in 3..self.at.len() {
            let text = self.text(at);
            match self.kind(at)? {
                TokenKind::Close => {}
                TokenKind::Text => {
                    let name = text.trim_matches('"').to_uppercase().replace([' ', '-'], "_");
                    members.push(format!("{name} = {text}"));
                    is_name(&name).then_some(())?;
                }
                TokenKind::Word if text != "or" => members.push(text.to_owned()),
                _ if matches!(text, "|" | "," | "or") => is_separated |= text != ",",
                _ => return None,
            }
        }
        // With commas and braces something else is wrong.
        let is_foreign = is_separated || is_enum && sign != "{";
        (is_foreign && members.len() > 1)
            .then(|| format!("enum {} {{ {} }}", self.text(1), members.join(", ")))
    }

    /// A choice, a conversion or a condition of an aggregate.
    pub(super) fn other_form(&self, at: usize) -> Option<Habit> {
        if self.text(at) == "match" && self.is_word(at + 1) && self.text(at + 2) == "{" {
            let written = "case".to_owned();
            return Some(Habit { place: at..at + 1, written, foreign: Foreign::Form("match") });
        }
        self.whens(at).or_else(|| self.cast(at)).or_else(|| self.filtered(at))
    }

    /// `case { a > 1 -> 1, else: 2 }`, whose arms have `=>` here.
    pub(super) fn arms(&self, case: usize) -> Option<Habit> {
        let open = (case + 1..self.at.len()).find(|at| self.text(*at) == "{")?;
        let close = self.behind(open)? - 1;
        let mut foreign = None;
        let (mut arms, mut at) = (vec![], open + 1);
        while at < close {
            let is_else = matches!(self.text(at), "else" | "default" | "otherwise" | "_");
            let from = at + usize::from(self.text(at) == "when");
            let sign = if is_else { Some(at + 1) } else { self.sign_of_arm(from, close) }?;
            let (written, behind) = match self.text(sign) {
                "=>" => ("=>", sign + 1),
                "->" => ("->", sign + 1),
                ":" => (":", sign + 1),
                "then" => ("then", sign + 1),
                _ => ("else", sign),
            };
            let end = self.end_of_arm(behind, close);
            let word = match self.text(at) {
                "when" => Some("when"),
                "default" => Some("default"),
                "otherwise" => Some("otherwise"),
                "_" => Some("_"),
                _ => (written != "=>").then_some(written),
            };
            foreign = foreign.or(word);
            let condition = if is_else { "else" } else { self.slice(from..sign) };
            arms.push(format!("{condition} => {}", self.slice(behind..end)));
            at = end + usize::from(matches!(self.text(end), "," | ";"));
        }
        let subject = self.slice(case + 1..open);
        let space = if subject.is_empty() { "" } else { " " };
        let written = format!("case {subject}{space}{{ {} }}", arms.join(", "));
        let foreign = Foreign::Form(foreign?);
        Some(Habit { place: case..close + 1, written, foreign })
    }

    /// What is between the condition and the value of an arm.
    fn sign_of_arm(&self, from: usize, close: usize) -> Option<usize> {
        self.outside(from, close)
            .find(|at| matches!(self.text(*at), "=>" | "->" | ":" | "then" | "," | ";"))
            .filter(|at| !matches!(self.text(*at), "," | ";"))
    }

    fn end_of_arm(&self, from: usize, close: usize) -> usize {
        let is_end = |at: &usize| match self.text(*at) {
            "," | ";" => true,
            "else" => !(from..*at).any(|at| self.text(at) == "if"),
            _ => *at > from && self.begins_line(*at),
        };
        self.outside(from, close).find(is_end).unwrap_or(close)
    }

    /// The tokens that are in no bracket within these.
    pub(super) fn outside(&self, from: usize, close: usize) -> impl Iterator<Item = usize> {
        let mut next = from;
        std::iter::from_fn(move || {
            let at = next;
            next = match self.kind(at) {
                Some(TokenKind::Open | TokenKind::TextOpen) => self.behind(at).unwrap_or(close),
                _ => at + 1,
            };
            (at < close).then_some(at)
        })
    }

    /// `when(a, "x").when(b, "y").otherwise("z")`, `when(a).then("x").otherwise("z")`
    fn whens(&self, first: usize) -> Option<Habit> {
        let start = match (self.text(first), self.text(first + 2)) {
            ("when", _) => first,
            (_, "when") if self.text(first + 1) == "." => first + 2,
            _ => return None,
        };
        let (mut at, mut written) = (start, String::new());
        loop {
            let (word, arguments) = (self.text(at), self.arguments(at + 1));
            let end = self.behind(at + 1)?;
            match (word, arguments[..].as_ref()) {
                ("when", [condition]) => written.push_str(&format!("if {condition}")),
                ("when", [condition, value]) => {
                    written.push_str(&format!("if {condition} then {value} else "));
                }
                ("then", [value]) => written.push_str(&format!(" then {value} else ")),
                ("otherwise", [value]) => {
                    written.push_str(value);
                    let foreign = Foreign::Form("when(…).otherwise(…)");
                    return Some(Habit { place: first..end, written, foreign });
                }
                _ => return None,
            }
            at = (self.text(end) == ".").then_some(end + 1)?;
        }
    }

    /// `sum(x) filter (where x > 1)`
    fn filtered(&self, at: usize) -> Option<Habit> {
        let is_filter = self.text(at).eq_ignore_ascii_case("filter") && self.text(at + 1) == "(";
        if at == 0 || !is_filter || !self.text(at + 2).eq_ignore_ascii_case("where") {
            return None;
        }
        let (start, end) = (self.value_before(at)?, self.behind(at + 1)?);
        let condition = self.slice(at + 3..end - 1);
        let written = match (self.text(start).to_lowercase().as_str(), self.text(start + 1)) {
            ("count", "(") => format!("count_if({condition})"),
            ("sum", "(") => format!("sum_if({}, {condition})", self.slice(start + 2..at - 1)),
            (name, "(") => {
                format!("{name}(if {condition} then {} else null)", self.slice(start + 2..at - 1))
            }
            _ => return None,
        };
        Some(Habit { place: start..end, written, foreign: Foreign::Form("filter (where …)") })
    }

    /// `CAST(name AS type)`
    fn cast(&self, at: usize) -> Option<Habit> {
        let word = self.text(at).to_lowercase();
        if !matches!(word.as_str(), "cast" | "try_cast" | "safe_cast") || self.text(at + 1) != "(" {
            return None;
        }
        let end = self.behind(at + 1)?;
        let written = foreign::call(&word, &[self.slice(at + 2..end - 1)])?;
        Some(Habit { place: at..end, written, foreign: Foreign::Form("cast(… as …)") })
    }
}
