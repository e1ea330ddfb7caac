//! Literals: numbers, texts, dates, lengths of time. The values are computed here; types are
//! given to them by the checker.

use super::super::ast::{Expr, ExprKind, Text, TextPart};
use super::{Lower, Pair, first};
use crate::diagnostics::literals;
use crate::text::Span;
use crate::types::{MICROS, MICROS_PER_DAY, days_of};
use batchc_grammar::Rule;

/// Units of time in microseconds.
const DURATIONS: &[(&str, i64)] = &[
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", MICROS_PER_DAY),
    ("w", 7 * MICROS_PER_DAY),
];

/// Units of memory and storage in bytes.
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Is it a unit of time or of storage?
pub fn is_unit(text: &str) -> bool {
    DURATIONS.iter().any(|(unit, _)| *unit == text) || SIZES.iter().any(|(unit, _)| *unit == text)
}

impl Lower<'_> {
    /// A whole number; the least `int` has one that no `int` is without its sign.
    pub(super) fn magnitude(&self, pair: &Pair) -> Option<u64> {
        let value = pair.as_str().trim_end().replace('_', "").parse().ok();
        let value = value.filter(|value| *value <= i64::MIN.unsigned_abs());
        if value.is_none() {
            self.report(literals::number_too_large(self.span(pair), pair.as_str().trim_end()));
        }
        value
    }

    /// The number of an edition.
    pub fn edition(&self, pair: &Pair) -> u32 {
        self.count(pair)
    }

    /// A count of a setting; who uses it says how many there may be, which is always fewer.
    pub(super) fn count(&self, pair: &Pair) -> u32 {
        pair.as_str().trim_end().replace('_', "").parse().unwrap_or(u32::MAX)
    }

    /// A share: 0.1 of `10%`.
    pub(super) fn percent(&self, pair: &Pair) -> f64 {
        let digits = pair.as_str().trim_end().trim_end_matches('%').replace('_', "");
        // As it would be written with a point, so that it is rounded once.
        format!("{digits}e-2").parse().expect("the grammar gives digits and perhaps a point")
    }

    pub(super) fn quantity(&self, pair: &Pair) -> ExprKind {
        let text = pair.as_str().trim_end();
        let (digits, unit) =
            text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
        let digits = digits.replace('_', "");
        let months = match unit {
            "mo" => Some(1),
            "y" => Some(12),
            _ => None,
        };
        let value = if let Some((_, size)) = DURATIONS.iter().find(|(name, _)| *name == unit) {
            scaled(&digits, *size as i128)
                .and_then(|value| i64::try_from(value).ok())
                .map(ExprKind::Duration)
        } else if let Some((_, size)) = SIZES.iter().find(|(name, _)| *name == unit) {
            scaled(&digits, *size as i128)
                .and_then(|value| u64::try_from(value).ok())
                .map(ExprKind::Bytes)
        } else if let Some(size) = months {
            scaled(&digits, size).and_then(|value| i32::try_from(value).ok()).map(ExprKind::Months)
        } else {
            self.report(literals::unknown_unit(self.span(pair), &digits, unit));
            return ExprKind::Bad;
        };
        value.unwrap_or_else(|| {
            self.report(literals::quantity_out_of_range(self.span(pair), text));
            ExprKind::Bad
        })
    }

    /// A length of time that is not counted in months, where only such a one makes sense.
    pub(super) fn duration(&self, pair: &Pair) -> i64 {
        match self.quantity(pair) {
            ExprKind::Duration(micros) => micros,
            ExprKind::Bad => 0,
            _ => {
                self.report(literals::not_a_duration(self.span(pair), pair.as_str().trim_end()));
                0
            }
        }
    }

    pub(super) fn date(&self, pair: &Pair) -> ExprKind {
        let text = pair.as_str().trim_end();
        match moment(&text[1..]) {
            Ok(kind) => kind,
            Err(Wrong::Form) => {
                self.report(literals::malformed_date(self.span(pair), text));
                ExprKind::Bad
            }
            Err(Wrong::Day { year, month }) => {
                self.report(literals::no_such_date(self.span(pair), &text[1..], year, month));
                ExprKind::Bad
            }
            Err(Wrong::Year) => {
                self.report(literals::no_such_year(self.span(pair), &text[1..]));
                ExprKind::Bad
            }
            Err(Wrong::Time) => {
                self.report(literals::no_such_time(self.span(pair), &text[1..]));
                ExprKind::Bad
            }
        }
    }

    /// A regular expression as it is written.
    pub(super) fn regex(&self, pair: &Pair) -> Text {
        Text { value: regex_source(pair).to_owned(), span: self.span(pair) }
    }

    /// A text in which nothing may be interpolated, or a regular expression.
    pub(super) fn plain_text(&self, pair: Pair) -> Text {
        let span = self.span(&pair);
        let inner = first(pair);
        if inner.as_rule() == Rule::regex {
            return self.regex(&inner);
        }
        let (mut value, mut bad) = (String::new(), vec![]);
        for part in inner.clone().into_inner() {
            match part.as_rule() {
                Rule::text_run | Rule::long_run => {
                    value.push_str(&self.unescaped(&part, &mut bad));
                }
                Rule::text_hole => self.report(literals::no_interpolation_here(self.span(&part))),
                _ => {}
            }
        }
        self.bad_escapes(&inner, &bad);
        Text { value, span }
    }

    /// The parts of a text; `inner` builds what is interpolated.
    pub(super) fn text_parts(
        &self,
        pair: Pair,
        mut inner: impl FnMut(Pair) -> Expr,
    ) -> Vec<TextPart> {
        let (mut parts, mut bad) = (Vec::new(), vec![]);
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::text_run | Rule::long_run => {
                    parts.push(TextPart::Literal(self.unescaped(&part, &mut bad)));
                }
                Rule::text_hole => parts.push(TextPart::Expr(inner(first(first(part))))),
                _ => {}
            }
        }
        self.bad_escapes(&pair, &bad);
        if parts.is_empty() {
            parts.push(TextPart::Literal(String::new()));
        }
        parts
    }

    /// Says that a text has escapes that there are not: once, for a regular expression has many.
    pub(super) fn bad_escapes(&self, pair: &Pair, bad: &[Span]) {
        let Some(first) = bad.first() else { return };
        let start = self.base + pair.as_span().start();
        let text = pair.as_str().trim_end();
        let whole = Span::new(self.file, start, start + text.len());
        let escape = &text[first.start as usize - start..first.end as usize - start];
        self.report(literals::bad_escape(*first, escape, whole, text));
    }

    pub(super) fn unescaped(&self, pair: &Pair, bad: &mut Vec<Span>) -> String {
        let source = pair.as_str();
        let start = self.base + pair.as_span().start();
        let mut value = String::with_capacity(source.len());
        let mut at = 0;
        while let Some(character) = source[at..].chars().next() {
            let next = source[at + character.len_utf8()..].chars().next();
            match (character, next) {
                ('\\', Some(next)) => {
                    let span = Span::new(self.file, start + at, start + at + 1 + next.len_utf8());
                    match self.escape(&source[at..], next, span, &mut value) {
                        Some(length) => at += length,
                        None => {
                            bad.push(span);
                            value.extend([character, next]);
                            at += 1 + next.len_utf8();
                        }
                    }
                }
                ('{', Some('{')) | ('}', Some('}')) => {
                    value.push(character);
                    at += 2;
                }
                _ => {
                    value.push(character);
                    at += character.len_utf8();
                }
            }
        }
        value
    }

    /// Reads one escape; gives its length. None when there is no such escape.
    fn escape(&self, rest: &str, next: char, span: Span, value: &mut String) -> Option<usize> {
        let length = 1 + next.len_utf8();
        match next {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            '"' | '\\' => value.push(next),
            'u' if rest[length..].starts_with('{') => {
                let behind = &rest[length + 1..];
                let digits = behind.find(['}', '{', '"', '\\', '\n']).unwrap_or(behind.len());
                let length = length + 1 + digits + usize::from(behind[digits..].starts_with('}'));
                match code_point(&behind[..digits]).filter(|_| rest[..length].ends_with('}')) {
                    Some(character) => value.push(character),
                    None => {
                        let start = span.start as usize;
                        let span = Span::new(self.file, start, start + length);
                        self.report(literals::bad_code_point(span, &rest[..length]));
                    }
                }
                return Some(length);
            }
            _ => return None,
        }
        Some(length)
    }
}

/// What is between `r"` and `"`.
pub(super) fn regex_source<'i>(pair: &Pair<'i>) -> &'i str {
    let text = pair.as_str().trim_end();
    &text[2..text.len() - 1]
}

/// The character of a number in hexadecimal digits.
fn code_point(digits: &str) -> Option<char> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_number).and_then(char::from_u32)
}

/// `digits` (with a point, perhaps) times `size`, when that is a whole number.
fn scaled(digits: &str, size: i128) -> Option<i128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let power = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = format!("{whole}{fraction}").parse::<i128>().ok()?.checked_mul(size)?;
    (value % power == 0).then_some(value / power)
}

/// Why a date literal is none.
pub(super) enum Wrong {
    /// It does not look like one.
    Form,
    /// The month has no such day, or the year no such month.
    Day {
        /// The year.
        year: i64,
        /// The month.
        month: u32,
    },
    /// It is outside the years that there are.
    Year,
    /// The day has no such time.
    Time,
}

/// `2024-01-31`, `2024-01-31T10:00`, `2024-01-31T10:00:00.5+02:00`
pub(super) fn moment(text: &str) -> Result<ExprKind, Wrong> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let (year, month, day) =
        (digits(parts.next(), 4)?, digits(parts.next(), 2)?, digits(parts.next(), 2)?);
    if parts.next().is_some() {
        return Err(Wrong::Form);
    }
    let (month, day) = (month as u32, day as u32);
    let days = days_of(year, month, day).ok_or(Wrong::Day { year, month })?;
    if year == 0 {
        return Err(Wrong::Year);
    }
    let Some(time) = time else {
        return i32::try_from(days).map(ExprKind::Date).map_err(|_| Wrong::Form);
    };
    let (clock, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], Some(offset(&time[at..])?)),
        None => (time, None),
    };
    let micros = days * MICROS_PER_DAY + clock_micros(clock)? - offset.unwrap_or(0);
    match offset {
        _ if !MICROS.contains(&micros) => Err(Wrong::Year),
        Some(_) => Ok(ExprKind::Timestamp(micros)),
        None => Ok(ExprKind::Datetime(micros)),
    }
}

/// A number of exactly `length` digits.
fn digits(text: Option<&str>, length: usize) -> Result<i64, Wrong> {
    let text =
        text.filter(|text| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or(Wrong::Form)
}

/// `10:00`, `10:00:00`, `10:00:00.123456` in microseconds.
fn clock_micros(text: &str) -> Result<i64, Wrong> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next(), 2)?, digits(parts.next(), 2)?);
    let second = parts.next().map_or(Ok(0), |second| digits(Some(second), 2))?;
    if parts.next().is_some()
        || fraction.len() > 6
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(Wrong::Form);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Wrong::Time);
    }
    let micros = format!("{fraction:0<6}").parse::<i64>().map_err(|_| Wrong::Form)?;
    Ok(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// `Z`, `+02:00`: what is to be subtracted to come to UTC, in microseconds.
fn offset(text: &str) -> Result<i64, Wrong> {
    if text == "Z" {
        return Ok(0);
    }
    let (hour, minute) = text[1..].split_once(':').ok_or(Wrong::Form)?;
    let (hour, minute) = (digits(Some(hour), 2)?, digits(Some(minute), 2)?);
    if hour > 23 || minute > 59 {
        return Err(Wrong::Time);
    }
    let micros = (hour * 60 + minute) * 60_000_000;
    Ok(if text.starts_with('-') { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_units_must_come_out_even() {
        assert_eq!(scaled("1.5", 60), Some(90));
        assert_eq!(scaled("1.005", 60), None);
    }
}
