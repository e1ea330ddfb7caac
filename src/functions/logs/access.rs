//! Access logs of web servers: the common and the combined format.

use crate::data::parse::refuse;
use crate::functions::columns::Prepared;
use crate::functions::kernel::Call;
use crate::functions::records::{Cell, read_records};
use crate::types::{MICROS, MICROS_PER_DAY, days_from_civil, days_in_month};
use std::borrow::Cow;
use std::ops::Range;

/// What is left of a line.
struct Rest<'t> {
    line: &'t str,
    rest: &'t str,
}

impl<'t> Rest<'t> {
    fn refuse<T>(&self, wanted: &str) -> Result<T, String> {
        let place = self.line.len() - self.rest.len();
        let place = self.line[..place].chars().count() + 1;
        Err(refuse(self.line, &format!("no line of this log: {wanted} is missing at {place}")))
    }

    /// Up to a space, which is taken too; or all of it.
    fn word(&mut self, what: &str) -> Result<&'t str, String> {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        if word.is_empty() {
            return self.refuse(what);
        }
        self.rest = rest;
        Ok(word)
    }

    /// Between quotes, and the space behind them.
    fn quoted(&mut self, what: &str) -> Result<Cow<'t, str>, String> {
        let Some(inner) = self.rest.strip_prefix('"') else { return self.refuse(what) };
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let is_end = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            is_end
        });
        let Some(end) = end else { return self.refuse("a closing quote") };
        let behind = &inner[end + 1..];
        self.rest = behind.strip_prefix(' ').unwrap_or(behind);
        Ok(unescaped(&inner[..end]))
    }
}

/// Without the backslashes before quotes and backslashes; what else servers escape stays.
fn unescaped(text: &str) -> Cow<'_, str> {
    match text.contains("\\\"") || text.contains("\\\\") {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.replace("\\\"", "\"").replace("\\\\", "\\")),
    }
}

/// `parse_common_log(line)`
pub(super) fn parse_common_log(call: &Call) -> Prepared {
    read_records(call, |line, cells| {
        let mut rest = Rest { line, rest: line.trim_end() };
        common(&mut rest, cells)?;
        match rest.rest.is_empty() {
            true => Ok(()),
            false => rest.refuse("the end, which `parse_combined_log` reads,"),
        }
    })
}

/// `parse_combined_log(line)`
pub(super) fn parse_combined_log(call: &Call) -> Prepared {
    read_records(call, |line, cells| {
        let mut rest = Rest { line, rest: line.trim_end() };
        common(&mut rest, cells)?;
        for (cell, what) in cells[10..].iter_mut().zip(["the referer", "the agent"]) {
            *cell = dashed(rest.quoted(what)?);
        }
        match rest.rest.is_empty() {
            true => Ok(()),
            false => rest.refuse("the end"),
        }
    })
}

fn dashed(text: Cow<'_, str>) -> Cell<'_> {
    if text == "-" { Cell::Null } else { Cell::Text(text) }
}

/// The ten fields that both formats begin with.
fn common<'t>(rest: &mut Rest<'t>, cells: &mut [Cell<'t>]) -> Result<(), String> {
    cells[0] = Cell::text(rest.word("the host")?);
    cells[1] = Cell::dashed(rest.word("the identity")?);
    cells[2] = Cell::dashed(rest.word("the user")?);
    let (stamp, behind) = match rest.rest.strip_prefix('[').and_then(|text| text.split_once("] ")) {
        Some(found) => found,
        None => return rest.refuse("the time in brackets"),
    };
    let Some(at) = instant(stamp) else { return rest.refuse("a time") };
    cells[3] = Cell::Timestamp(at);
    rest.rest = behind;
    let request = rest.quoted("the request in quotes")?;
    // What scanners send is often no request.
    if let Some([method, path, protocol]) = parts(&request) {
        let piece = |part: Range<usize>| match &request {
            Cow::Borrowed(request) => Cell::text(&request[part]),
            Cow::Owned(request) => Cell::made(request[part].to_owned()),
        };
        (cells[5], cells[6], cells[7]) = (piece(method), piece(path), piece(protocol));
    }
    cells[4] = dashed(request);
    let status = rest.word("the status")?;
    let Ok(status) = status.parse() else { return rest.refuse("a status") };
    cells[8] = Cell::Int(status);
    cells[9] = match rest.word("the number of bytes")? {
        "-" => Cell::Null,
        bytes => match bytes.parse() {
            Ok(bytes) => Cell::Int(bytes),
            Err(_) => return rest.refuse("a number of bytes"),
        },
    };
    Ok(())
}

/// Where the method, the path and the protocol of a request are.
fn parts(request: &str) -> Option<[Range<usize>; 3]> {
    let first = request.find(' ')?;
    let last = first + 1 + request[first + 1..].find(' ')?;
    let is_end = !request[last + 1..].contains(' ');
    is_end.then_some([0..first, first + 1..last, last + 1..request.len()])
}

/// The names of months in logs.
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `10/Oct/2000:13:55:36 -0700` in microseconds.
fn instant(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0i64, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    };
    let signs = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':'), (20, b' ')];
    if bytes.len() != 26 || !text.is_ascii() || signs.iter().any(|(at, sign)| bytes[*at] != *sign) {
        return None;
    }
    let month = MONTHS.iter().position(|month| *month == &text[3..6])? as u32 + 1;
    let (year, day) = (number(7..11)?, number(0..2)? as u32);
    if !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let (hour, minute, second) = (number(12..14)?, number(15..17)?, number(18..20)?);
    let (east, west) = (bytes[21] == b'+', bytes[21] == b'-');
    if hour > 23 || minute > 59 || second > 59 || !(east || west) {
        return None;
    }
    let offset = (number(22..24)? * 60 + number(24..26)?) * 60;
    let seconds = (hour * 60 + minute) * 60 + second - if east { offset } else { -offset };
    let micros = days_from_civil(year, month, day) * MICROS_PER_DAY + seconds * 1_000_000;
    Some(micros).filter(|micros| MICROS.contains(micros))
}
