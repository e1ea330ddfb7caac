//! Formats of dates and times, `%d.%m.%Y`: which there are, and reading by one.

use super::{Clock, Reason, date, datetime, timestamp};
use crate::types::DataType;
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{Offset, TimeZone};

/// A reading whose every field is of two digits, for trying formats.
pub fn sample() -> DateTime {
    DateTime::constant(2023, 11, 22, 13, 44, 55, 0)
}

/// Can values of this type be read by the format? An error says why not. `has_zone` says whether
/// a text without a zone has one from elsewhere.
pub fn check_format(format: &str, data: &DataType, has_zone: bool) -> Result<(), String> {
    check_fields(format)?;
    let wrong = |error: jiff::Error| error.to_string();
    let text = strtime::format(format, &sample().in_tz("UTC").map_err(wrong)?).map_err(wrong)?;
    let zone = has_zone.then_some(TimeZone::UTC);
    let clock = Clock { format: Some(format.into()), zone };
    let (told, read) = match data {
        DataType::Date => ("a day", date(text.as_bytes(), &clock).is_ok()),
        DataType::Datetime => ("a day and a time", datetime(text.as_bytes(), &clock).is_ok()),
        _ => ("an instant", timestamp(text.as_bytes(), &clock).is_ok()),
    };
    if read {
        return Ok(());
    }
    let hint = match data {
        DataType::Timestamp if format.ends_with('Z') => "; write `%z` for its `Z`",
        DataType::Timestamp => "; a zone is `%z`, a count of seconds `%s`",
        DataType::Datetime => "; a day is `%Y-%m-%d`, a time `%H:%M:%S`",
        _ => "; a day is `%Y-%m-%d`",
    };
    Err(format!("the format \"{format}\" does not tell {told}{hint}"))
}

/// Every field of a format must be one that reads.
fn check_fields(format: &str) -> Result<(), String> {
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let field = &rest[at + 1..];
        let letter =
            field.trim_start_matches(|c: char| "-_0^#:.".contains(c) || c.is_ascii_digit());
        let Some(last) = letter.chars().next() else {
            return Err("the format ends within a field; a percent sign is `%%`".into());
        };
        let shown = &rest[at..rest.len() - letter.len() + last.len_utf8()];
        rest = &letter[last.len_utf8()..];
        match last {
            'c' | 'x' | 'X' | 'r' => {
                return Err(format!(
                    "`{shown}` differs from country to country; write its fields, as `%d.%m.%Y %H:%M`"
                ));
            }
            'Z' | 'Q' => {
                return Err(format!(
                    "`{shown}`, a zone by its name, is not read; `%z` is an offset"
                ));
            }
            _ if "%AaBbCDdeFfGgHhIjklMmNnPpRSsTtUuVWwYyz".contains(last) => {}
            _ => {
                return Err(format!(
                    "formats have no field `{shown}`; there are `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%z` and others"
                ));
            }
        }
    }
    Ok(())
}

/// The fields of a text. `%z` at the end of a format reads `Z` too.
pub(super) fn formatted(text: &[u8], format: &str) -> Result<BrokenDownTime, Reason> {
    let wrong = |_| Reason::from(format!("not as `{format}` says"));
    let before_zone = format.strip_suffix("%:z").or_else(|| format.strip_suffix("%z"));
    let parsed = match (before_zone, text) {
        (Some(format), [text @ .., b'Z' | b'z']) => {
            let mut parsed = strtime::parse(format, text).map_err(wrong)?;
            parsed.set_offset(Some(Offset::UTC));
            parsed
        }
        _ => strtime::parse(format, text).map_err(wrong)?,
    };
    if parsed.subsec_nanosecond().is_some_and(|nanos| nanos % 1_000 != 0) {
        return Err("finer than a microsecond".into());
    }
    // A year of fewer digits is one of this century more likely than of the first.
    if let Some(year @ 0..1000) = parsed.year()
        && ["%Y", "%F"].iter().any(|field| format.contains(field))
        && !String::from_utf8_lossy(text).contains(&format!("{year:04}"))
    {
        return Err(format!("not as `{format}` says: a year has four digits").into());
    }
    Ok(parsed)
}
