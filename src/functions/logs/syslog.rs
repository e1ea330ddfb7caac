//! Lines of syslog: RFC 5424, and the older form of RFC 3164 as files have it.

use super::access::MONTHS;
use crate::data::parse::{Clock, refuse, timestamp};
use crate::data::time_zone;
use crate::functions::columns::{Prepared, literal_int, literal_text};
use crate::functions::kernel::{Call, LiteralError};
use crate::functions::records::{Cell, read_records};
use jiff::tz::TimeZone;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const SEVERITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// The places of the fields.
const FACILITY: usize = 0;
const SEVERITY: usize = 1;
const AT: usize = 2;
const STAMP: usize = 3;
const HOST: usize = 4;
const APP: usize = 5;
const PROCESS: usize = 6;
const MESSAGE_ID: usize = 7;
const DATA: usize = 8;
const MESSAGE: usize = 9;

/// `parse_syslog(line)`, `parse_syslog(line, year, zone)`
pub(super) fn parse_syslog(call: &Call) -> Prepared {
    let place = match call.arguments.len() {
        1 => None,
        _ => {
            let year = literal_int(call, 1)?;
            if !(1..=9999).contains(&year) {
                let reason = format!("{year} is not a year from 1 to 9999");
                return Err(LiteralError { argument: 1, reason });
            }
            let zone = time_zone(literal_text(call, 2)?)
                .map_err(|reason| LiteralError { argument: 2, reason })?;
            Some((year, zone))
        }
    };
    read_records(call, move |line, cells| {
        let wrong = |what: &str| refuse(line, &format!("no line of syslog: {what}"));
        let text = line.trim_end_matches(['\r', '\n']);
        let rest = match text.strip_prefix('<') {
            None => text,
            Some(behind) => {
                let (number, behind) =
                    behind.split_once('>').ok_or_else(|| wrong("its priority has no `>`"))?;
                let number = number.parse::<usize>().ok().filter(|number| *number < 192);
                let number = number.ok_or_else(|| wrong("its priority is none from 0 to 191"))?;
                cells[FACILITY] = Cell::text(FACILITIES[number / 8]);
                cells[SEVERITY] = Cell::text(SEVERITIES[number % 8]);
                behind
            }
        };
        match rest.strip_prefix("1 ") {
            Some(rest) => new_form(rest, cells).map_err(wrong),
            None => old_form(rest, place.as_ref(), cells).map_err(|reason| wrong(&reason)),
        }
    })
}

/// What stands behind the version of RFC 5424.
fn new_form<'t>(text: &'t str, cells: &mut [Cell<'t>]) -> Result<(), &'static str> {
    let mut rest = text;
    let mut word = || {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = behind;
        (!word.is_empty()).then_some(word).ok_or("its header is not complete")
    };
    let stamp = word()?;
    cells[STAMP] = Cell::dashed(stamp);
    if stamp != "-" {
        let at = timestamp(stamp.as_bytes(), &Clock::default());
        cells[AT] = Cell::Timestamp(at.map_err(|_| "its time is none")?);
    }
    for field in [HOST, APP, PROCESS, MESSAGE_ID] {
        cells[field] = Cell::dashed(word()?);
    }
    let message = match rest.strip_prefix('-') {
        Some(behind) => behind,
        None => {
            let end = end_of_data(rest).ok_or("its structured data is not complete")?;
            cells[DATA] = Cell::text(&rest[..end]);
            &rest[end..]
        }
    };
    let message = message.strip_prefix(' ').unwrap_or(message);
    cells[MESSAGE] = Cell::text(message.strip_prefix('\u{feff}').unwrap_or(message));
    Ok(())
}

/// Where `[id name="value"][id]` ends.
fn end_of_data(text: &str) -> Option<usize> {
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if inside => quoted = !quoted,
            _ if quoted => {}
            b'[' if !inside => inside = true,
            b']' if inside => inside = false,
            _ if !inside => return (at > 0).then_some(at),
            _ => {}
        }
    }
    (!inside && !text.is_empty()).then_some(text.len())
}

/// `Oct 11 22:14:15 host app[123]: message`, or with a time of ISO 8601.
fn old_form<'t>(
    text: &'t str,
    place: Option<&(i64, TimeZone)>,
    cells: &mut [Cell<'t>],
) -> Result<(), String> {
    let rest = if text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        let (stamp, rest) = text.split_once(' ').ok_or("it is not complete")?;
        let at = timestamp(stamp.as_bytes(), &Clock::default()).map_err(|_| "its time is none")?;
        cells[AT] = Cell::Timestamp(at);
        cells[STAMP] = Cell::text(stamp);
        rest
    } else {
        let stamp = text.get(..15).ok_or("it begins with no time")?;
        let (month, day, clock) = date(stamp).ok_or("it begins with no time")?;
        cells[STAMP] = Cell::text(stamp);
        if let Some((year, zone)) = place {
            let text = format!("{year:04}-{month:02}-{day:02}T{clock}");
            let clock = Clock { format: None, zone: Some(zone.clone()) };
            let at = timestamp(text.as_bytes(), &clock).map_err(|why| refuse(&text, &why))?;
            cells[AT] = Cell::Timestamp(at);
        }
        text[15..].strip_prefix(' ').ok_or("behind its time is no space")?
    };
    let (host, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    cells[HOST] = Cell::dashed(host);
    cells[MESSAGE] = Cell::text(rest);
    // The tag is what stands before a colon, without spaces.
    let end = rest.find([':', '[', ' ']).unwrap_or(rest.len());
    let (tag, behind) = rest.split_at(end);
    let (process, behind) = match behind.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((process, behind)) => (Some(process), behind),
        None => (None, behind),
    };
    if let Some(message) = behind.strip_prefix(':')
        && !tag.is_empty()
    {
        cells[APP] = Cell::text(tag);
        cells[PROCESS] = process.map_or(Cell::Null, Cell::dashed);
        cells[MESSAGE] = Cell::text(message.strip_prefix(' ').unwrap_or(message));
    }
    Ok(())
}

/// The month, the day and the clock of `Oct  1 22:14:15`.
fn date(stamp: &str) -> Option<(usize, u32, &str)> {
    let month = MONTHS.iter().position(|month| stamp.starts_with(month))? + 1;
    let day = stamp.get(4..6)?.trim_start().parse().ok()?;
    let clock = stamp.get(7..)?;
    let is_clock = clock.bytes().enumerate().all(|(at, byte)| match at {
        2 | 5 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    (is_clock && stamp.as_bytes()[3] == b' ' && stamp.as_bytes()[6] == b' ')
        .then_some((month, day, clock))
}
