//! Literals as SQL writes them, which would be taken for something else.

use super::{Foreign, Habit, Line};
use crate::diagnostics::{Diagnostic, habits, literals};
use crate::syntax::lower::{is_unit, unsigned_date};
use crate::syntax::parser::Parser;
use crate::syntax::tokens::TokenKind;
use crate::text::Span;
use std::ops::Range;

impl Parser<'_> {
    /// A literal of SQL that would be taken for something else: `date '2024-01-31'`,
    /// `interval '1 day'`, `4 GB`; or `over (...)`.
    pub fn foreign_literal(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let line = self.meaningful(tokens);
        (1..line.at.len()).find_map(|at| {
            if let Some(found) = line.over(at) {
                return Some(found);
            }
            if let Some(date) = line.unsigned_date(at) {
                return Some(date);
            }
            let habit = line.literal(at)?;
            let Range { start, end } = habit.place;
            let span = self.span(line.at[start]..line.at[end - 1] + 1);
            Some(habits::habit(habit.foreign, span, &habit.written))
        })
    }
}

impl Line<'_> {
    /// A date, and perhaps a time, without its `@`.
    fn unsigned_date(&self, at: usize) -> Option<Diagnostic> {
        if self.kind(at) != Some(TokenKind::Number) {
            return None;
        }
        let token = self.parser.span(self.at[at]..self.at[at] + 1);
        let (text, meant) = unsigned_date(self.parser.source, token.range().start)?;
        let span = Span::new(token.file, token.range().start, token.range().start + text.len());
        Some(literals::unsigned_date(span, text, &meant))
    }

    /// The literal of SQL that begins here.
    fn literal(&self, at: usize) -> Option<Habit> {
        let quoted = |at: usize| {
            let is_text = matches!(self.kind(at), Some(TokenKind::Text | TokenKind::Quoted));
            is_text.then(|| self.text(at).trim_matches(['\'', '"']).trim())
        };
        let word = self.text(at).to_lowercase();
        let next = self.text(at + 1);
        Some(match word.as_str() {
            "date" | "datetime" | "timestamp" => {
                let text = quoted(at + 1).filter(|text| is_time(text))?;
                let written = format!("@{}", text.replacen(' ', "T", 1));
                let foreign = if word == "date" { "date '…'" } else { "timestamp '…'" };
                Habit { place: at..at + 2, written, foreign: Foreign::Form(foreign) }
            }
            "interval" if self.kind(at + 1) == Some(TokenKind::Number) => {
                self.interval(at, at + 3, next, self.text(at + 2))?
            }
            "interval" => {
                let (text, unit) = (quoted(at + 1)?, self.text(at + 2));
                let (count, inner) = text.split_once(' ').unwrap_or((text, unit));
                let end = if inner == unit && !unit.is_empty() { at + 3 } else { at + 2 };
                self.interval(at, end, count, inner)?
            }
            _ if self.kind(at) == Some(TokenKind::Number)
                && self.kind(at + 1) == Some(TokenKind::Word)
                && !self.touches(at) =>
            {
                Habit {
                    place: at..at + 2,
                    written: length(self.text(at), next)?,
                    foreign: Foreign::UnitApart,
                }
            }
            _ => return None,
        })
    }

    /// `interval '1 day'`; months, which have no fixed length, with what they are added to.
    fn interval(&self, at: usize, end: usize, count: &str, unit: &str) -> Option<Habit> {
        let months = match literals::unit(unit) {
            Some("mo") => 1,
            Some("y") => 12,
            _ => {
                let written = length(count, unit)?;
                return Some(Habit { place: at..end, written, foreign: Foreign::Form("interval") });
            }
        };
        let months = count.parse::<i32>().ok()?.checked_mul(months)?;
        let sign = self.text(at - 1);
        let start = self.value_before(at - 1).filter(|_| matches!(sign, "+" | "-"))?;
        let minus = if sign == "-" { "-" } else { "" };
        let written = format!("add_months({}, {minus}{months})", self.slice(start..at - 1));
        Some(Habit { place: start..end, written, foreign: Foreign::Form("interval") })
    }
}

/// Does a text look like a date, or like one and a time?
fn is_time(text: &str) -> bool {
    let is_date = text.get(..10).is_some_and(literals::is_date);
    is_date && text.bytes().skip(10).all(|byte| b"0123456789 T:.+-Z".contains(&byte))
}

/// A count and a unit as they are written together: `1d`, `4GB`.
fn length(count: &str, unit: &str) -> Option<String> {
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let short = if is_unit(unit) { unit } else { literals::unit(unit)? };
    if matches!(short, "mo" | "y") {
        return None;
    }
    Some(format!("{count}{short}"))
}
