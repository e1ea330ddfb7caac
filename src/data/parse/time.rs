//! Days, wall clock readings, instants and lengths of time from text: ISO 8601 and RFC 3339, with
//! a space for the `T` too, or as a `format` says.
//!
//! Nothing is cut off: a text finer than a microsecond is refused, as is one without a zone where
//! an instant is wanted and no zone was named.

use super::Reason;
use super::format::formatted;
use crate::types::{
    DAYS, MICROS, MICROS_PER_DAY, OUTSIDE_YEARS, civil_from_days, days_from_civil, days_of,
    why_no_day,
};
use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// How the times of a column are spelled.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// `%d.%m.%Y`, if not as in ISO 8601.
    pub format: Option<Arc<str>>,
    /// The zone of texts that name none.
    pub zone: Option<TimeZone>,
}

impl Clock {
    /// Are texts without a zone in UTC?
    pub fn is_utc(&self) -> bool {
        self.zone.as_ref() == Some(&TimeZone::UTC)
    }

    /// The instant at which the clocks of the zone show `micros`.
    fn instant(&self, micros: i64) -> Result<i64, Reason> {
        let Some(zone) = &self.zone else {
            return Err("has no zone (`zone:` of the source names one)".into());
        };
        if zone == &TimeZone::UTC {
            return within(micros);
        }
        let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
        let of_day = micros.rem_euclid(MICROS_PER_DAY);
        let seconds = of_day / 1_000_000;
        let clock = i16::try_from(year).ok().and_then(|year| {
            let time = civil::Time::new(
                (seconds / 3600) as i8,
                (seconds / 60 % 60) as i8,
                (seconds % 60) as i8,
                (of_day % 1_000_000 * 1000) as i32,
            );
            Some(civil::Date::new(year, month as i8, day as i8).ok()?.to_datetime(time.ok()?))
        });
        let Some(clock) = clock else { return Err(OUTSIDE_YEARS.into()) };
        let found = zone.to_ambiguous_timestamp(clock);
        if found.is_ambiguous() {
            return Err("skipped or shown twice by the clocks of the zone".into());
        }
        match found.unambiguous() {
            Ok(instant) => within(instant.as_microsecond()),
            Err(_) => Err(OUTSIDE_YEARS.into()),
        }
    }
}

/// A day.
pub fn date(text: &[u8], clock: &Clock) -> Result<i32, Reason> {
    if let Some(format) = &clock.format {
        let parsed = formatted(text, format)?;
        let day = parsed.to_date().map_err(|_| not("a date", format))?;
        let (year, month, day) = (i64::from(day.year()), day.month() as u32, day.day() as u32);
        return day_within(days_from_civil(year, month, day));
    }
    let mut cursor = Cursor { text, at: 0 };
    let days = cursor.date().filter(|_| cursor.at == text.len());
    day_within(days.ok_or_else(|| missing_day(text).unwrap_or("not a date (`2024-12-31`)".into()))?)
}

/// Why a text that is spelled as a date is none, if it is one that the calendar does not have.
fn missing_day(text: &[u8]) -> Option<Reason> {
    let mut cursor = Cursor { text, at: 0 };
    let year = cursor.number().filter(|_| cursor.at == 4)?;
    let month = cursor.skip(b"-").then(|| cursor.two_digits()).flatten()?;
    let day = cursor.skip(b"-").then(|| cursor.two_digits()).flatten()?;
    if cursor.at != text.len() || day == 0 || month == 0 {
        return None;
    }
    Some(format!("not a date: {}", why_no_day(year, month as u32)).into())
}

/// A wall clock reading; a zone is refused.
pub fn datetime(text: &[u8], clock: &Clock) -> Result<i64, Reason> {
    if let Some(format) = &clock.format {
        let parsed = formatted(text, format)?;
        return within(clock_micros(&parsed).ok_or_else(|| not("a datetime", format))?);
    }
    let mut cursor = Cursor { text, at: 0 };
    let micros = cursor.datetime("not a datetime (`2024-12-31T23:59:59`)")?;
    if cursor.at < text.len() {
        return Err(match cursor.zone() {
            Some(_) if cursor.at == text.len() => "has a zone: declare a `timestamp`".into(),
            _ => "not a datetime (`2024-12-31T23:59:59`)".into(),
        });
    }
    within(micros)
}

/// An instant.
pub fn timestamp(text: &[u8], clock: &Clock) -> Result<i64, Reason> {
    let wrong = "not a timestamp (`2024-12-31T23:59:59Z`)";
    if let Some(format) = &clock.format {
        let parsed = formatted(text, format)?;
        if parsed.offset().is_some() || parsed.iana_time_zone().is_some() {
            let instant = parsed.to_timestamp().map_err(|_| not("a timestamp", format))?;
            return within(instant.as_microsecond());
        }
        if let Ok(instant) = parsed.to_timestamp() {
            return within(instant.as_microsecond());
        }
        return clock.instant(clock_micros(&parsed).ok_or_else(|| not("a timestamp", format))?);
    }
    let mut cursor = Cursor { text, at: 0 };
    let micros = cursor.datetime(wrong)?;
    if cursor.at == text.len() {
        return clock.instant(micros);
    }
    match cursor.zone() {
        Some(offset) if cursor.at == text.len() => within(micros - offset),
        _ => Err(wrong.into()),
    }
}

/// A time of the day, in microseconds since midnight.
pub fn time(text: &[u8]) -> Result<i64, Reason> {
    let wrong = "not a time (`23:59:59`)";
    let mut cursor = Cursor { text, at: 0 };
    let micros = cursor.clock(wrong)?;
    if cursor.at == text.len() { Ok(micros) } else { Err(wrong.into()) }
}

/// A length of time in ISO 8601, weeks as the largest unit: `P1DT2H3M4.5S`.
pub fn duration(text: &[u8]) -> Result<i64, Reason> {
    let wrong = "not a duration (`P1DT2H3M4.5S`)";
    let mut cursor = Cursor { text, at: 0 };
    let negative = cursor.skip(b"-");
    if !negative {
        cursor.skip(b"+");
    }
    if !cursor.skip(b"P") {
        return Err(wrong.into());
    }
    // Each unit once, larger before smaller.
    let day = i128::from(MICROS_PER_DAY);
    let units = [(b'W', 7 * day), (b'D', day), (b'T', 0), (b'H', 3_600_000_000)];
    let units = units.into_iter().chain([(b'M', 60_000_000), (b'S', 1_000_000)]);
    let mut units = units.peekable();
    let (mut micros, mut parts) = (0i128, 0);
    while cursor.at < text.len() {
        if cursor.skip(b"T") {
            if !units.any(|(unit, _)| unit == b'T') || cursor.at == text.len() {
                return Err(wrong.into());
            }
            continue;
        }
        let number = cursor.number().ok_or(wrong)?;
        let fraction = cursor.fraction()?;
        let unit = text.get(cursor.at).copied().unwrap_or(0);
        cursor.at += 1;
        if matches!(unit, b'Y') || unit == b'M' && units.clone().any(|(unit, _)| unit == b'T') {
            return Err("months and years have no fixed length".into());
        }
        let known = units.by_ref().take_while(|(unit, _)| *unit != b'T').find(|(u, _)| *u == unit);
        let Some((_, length)) = known.filter(|_| fraction == 0 || unit == b'S') else {
            return Err(wrong.into());
        };
        micros += i128::from(number) * length + i128::from(fraction);
        parts += 1;
    }
    if parts == 0 {
        return Err(wrong.into());
    }
    i64::try_from(if negative { -micros } else { micros }).map_err(|_| "too long".into())
}

fn not(what: &str, format: &str) -> Reason {
    format!("not {what} as `{format}` spells it").into()
}

fn clock_micros(parsed: &strtime::BrokenDownTime) -> Option<i64> {
    let clock = parsed
        .to_datetime()
        .ok()
        .or_else(|| Some(parsed.to_date().ok()?.to_datetime(civil::Time::midnight())))?;
    let days = days_from_civil(i64::from(clock.year()), clock.month() as u32, clock.day() as u32);
    let seconds =
        i64::from(clock.hour()) * 3600 + i64::from(clock.minute()) * 60 + i64::from(clock.second());
    let micros = i64::from(clock.subsec_nanosecond()) / 1000;
    Some(days * MICROS_PER_DAY + seconds * 1_000_000 + micros)
}

/// These microseconds, if they are of a year that times may have.
fn within(micros: i64) -> Result<i64, Reason> {
    if MICROS.contains(&micros) { Ok(micros) } else { Err(OUTSIDE_YEARS.into()) }
}

fn day_within(days: i64) -> Result<i32, Reason> {
    let days = i32::try_from(days).ok().filter(|days| DAYS.contains(days));
    days.ok_or_else(|| OUTSIDE_YEARS.into())
}

/// Reads a text from left to right.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn skip(&mut self, any: &[u8]) -> bool {
        let found = self.text.get(self.at).is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    /// At least one digit, at most 18.
    fn number(&mut self) -> Option<i64> {
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=18).contains(&len) {
            return None;
        }
        self.at += len;
        Some(rest[..len].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn two_digits(&mut self) -> Option<i64> {
        let before = self.at;
        self.number().filter(|_| self.at == before + 2)
    }

    /// Years of four digits, or more with or without a sign: that those do not exist is another
    /// mistake.
    fn date(&mut self) -> Option<i64> {
        let negative = self.skip(b"-");
        if !negative {
            self.skip(b"+");
        }
        let before = self.at;
        let year = self.number().filter(|&year| self.at - before >= 4 && year < 10_000_000)?;
        let month = self.skip(b"-").then(|| self.two_digits()).flatten()?;
        let day = self.skip(b"-").then(|| self.two_digits()).flatten()?;
        days_of(if negative { -year } else { year }, month as u32, day as u32)
    }

    /// Date, `T` or space, hours, minutes, and seconds if there are.
    fn datetime(&mut self, wrong: &'static str) -> Result<i64, Reason> {
        let text = self.text;
        let missing = || text.get(..10).and_then(missing_day).unwrap_or(wrong.into());
        let days = i64::from(day_within(self.date().ok_or_else(missing)?)?);
        if !self.skip(b"Tt ") {
            return Err(if self.at == self.text.len() {
                "has no time".into()
            } else {
                wrong.into()
            });
        }
        Ok(days * MICROS_PER_DAY + self.clock(wrong)?)
    }

    /// Hours, minutes, and seconds if there are.
    fn clock(&mut self, wrong: &'static str) -> Result<i64, Reason> {
        let hour = self.two_digits().filter(|&hour| hour < 24).ok_or(wrong)?;
        let minute = self.skip(b":").then(|| self.two_digits()).flatten();
        let minute = minute.filter(|&minute| minute < 60).ok_or(wrong)?;
        let (mut second, mut micros) = (0, 0);
        if self.skip(b":") {
            second = self.two_digits().filter(|&second| second < 60).ok_or(wrong)?;
            micros = self.fraction()?;
        }
        let seconds = hour * 3600 + minute * 60 + second;
        Ok(seconds * 1_000_000 + micros)
    }

    /// `.25` or `,25` as microseconds; 0 when there is none.
    fn fraction(&mut self) -> Result<i64, Reason> {
        if !self.skip(b".,") {
            return Ok(0);
        }
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len == 0 {
            return Err("no digits after the point of the seconds".into());
        }
        if rest[..len].iter().skip(6).any(|&digit| digit != b'0') {
            return Err("finer than a microsecond".into());
        }
        self.at += len;
        let digit = |at: usize| if at < len { i64::from(rest[at] - b'0') } else { 0 };
        Ok((0..6).fold(0, |micros, at| micros * 10 + digit(at)))
    }

    /// `Z`, ` UTC`, `+01:00`, `+0100` or `+01`, as microseconds.
    fn zone(&mut self) -> Option<i64> {
        self.skip(b" ");
        if self.skip(b"Zz") {
            return Some(0);
        }
        if self.text[self.at..].starts_with(b"UTC") {
            self.at += 3;
            return Some(0);
        }
        let negative = self.text.get(self.at) == Some(&b'-');
        if !self.skip(b"+-") {
            return None;
        }
        let before = self.at;
        let mut number = self.number()?;
        let mut minutes = 0;
        match self.at - before {
            2 if self.skip(b":") => minutes = self.two_digits()?,
            2 => {}
            4 => (number, minutes) = (number / 100, number % 100),
            _ => return None,
        }
        if number > 23 || minutes > 59 {
            return None;
        }
        let micros = (number * 60 + minutes) * 60_000_000;
        Some(if negative { -micros } else { micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::display;
    use crate::types::{DataType, Scalar};

    fn iso(text: &str) -> Result<i64, Reason> {
        timestamp(text.as_bytes(), &Clock::default())
    }

    #[test]
    fn instants_are_read_as_rfc_3339_spells_them() {
        let noon = iso("2024-02-29T12:00:00Z").unwrap();
        for same in [
            "2024-02-29 12:00:00Z",
            "2024-02-29T12:00Z",
            "2024-02-29T13:00:00+01:00",
            "2024-02-29 07:00:00.000-0500",
            "2024-02-29 12:00:00 UTC",
            "2024-02-29T12:00:00.000000000+00",
        ] {
            assert_eq!(iso(same), Ok(noon), "{same}");
        }
        for wrong in [
            "2024-02-30T12:00:00Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29",
            "",
            "x",
            "2024-02-29T12:00:00",
            "2024-02-29T12:00:00Zx",
            "2024-02-29T12:00:00.Z",
            "2024-02-29T12:00:00.1234567Z",
        ] {
            assert!(iso(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_zone_can_be_named_for_texts_without_one() {
        let clock = |zone: &str| Clock { format: None, zone: Some(TimeZone::get(zone).unwrap()) };
        let text = b"2024-03-31T01:30:00";
        let utc = timestamp(text, &clock("UTC")).unwrap();
        assert_eq!(timestamp(text, &clock("America/New_York")), Ok(utc + 4 * 3_600_000_000));
        assert!(timestamp(b"2024-03-31T02:30:00", &clock("Europe/Berlin")).is_err());
    }

    #[test]
    fn a_format_gives_the_spelling() {
        let clock = |format: &str| Clock { format: Some(format.into()), zone: Some(TimeZone::UTC) };
        let plain = Clock::default();
        assert_eq!(date(b"31.12.2024", &clock("%d.%m.%Y")), date(b"2024-12-31", &plain));
        assert_eq!(
            datetime(b"31.12.2024 01:02:03", &clock("%d.%m.%Y %H:%M:%S")),
            datetime(b"2024-12-31T01:02:03", &plain)
        );
        assert_eq!(
            timestamp(b"31/Dec/2024:01:02:03 +0100", &clock("%d/%b/%Y:%H:%M:%S %z")),
            iso("2024-12-31T00:02:03Z")
        );
        assert_eq!(timestamp(b"1700000000", &clock("%s")), Ok(1_700_000_000_000_000));
        assert!(date(b"2024-12-31", &clock("%d.%m.%Y")).is_err());
        let zoned = "%FT%T%.f%z";
        let instant = timestamp(b"2024-12-31T00:02:03.000001+0000", &clock(zoned));
        assert_eq!(timestamp(b"2024-12-31T00:02:03.000001Z", &clock(zoned)), instant);
        assert_eq!(
            timestamp(b"2024-12-31T00:02:03.0000001Z", &clock(zoned)),
            Err("finer than a microsecond".into())
        );
    }

    #[test]
    fn the_years_are_those_of_four_digits() {
        let (plain, utc) = (Clock::default(), Clock { format: None, zone: Some(TimeZone::UTC) });
        assert_eq!(date(b"0001-01-01", &plain), Ok(*DAYS.start()));
        assert_eq!(date(b"9999-12-31", &plain), Ok(*DAYS.end()));
        assert_eq!(iso("0001-01-01T00:00:00Z"), Ok(*MICROS.start()));
        assert_eq!(datetime(b"9999-12-31T23:59:59.999999", &plain), Ok(*MICROS.end()));
        for outside in ["0000-12-31", "10000-01-01", "-2024-01-31", "20240-01-31"] {
            assert_eq!(date(outside.as_bytes(), &plain), Err(OUTSIDE_YEARS.into()), "{outside}");
            let midnight = format!("{outside} 00:00");
            assert_eq!(timestamp(midnight.as_bytes(), &utc), Err(OUTSIDE_YEARS.into()));
        }
        assert_eq!(iso("9999-12-31T23:00:00-02:00"), Err(OUTSIDE_YEARS.into()));
    }

    #[test]
    fn what_is_displayed_reads_back() {
        let mut state = 5u64;
        for at in 0..4000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let long = match at {
                0 => i64::MIN,
                1 => i64::MAX,
                _ => state as i64 >> (at % 60),
            };
            let micros = long.clamp(*MICROS.start(), *MICROS.end());
            let text = display(&Scalar::Timestamp(micros), &DataType::Timestamp);
            assert_eq!(iso(&text), Ok(micros), "{text}");
            let text = display(&Scalar::Duration(long), &DataType::Duration);
            assert_eq!(duration(text.as_bytes()), Ok(long), "{text}");
            let days = ((state as i32) >> (at % 31)).clamp(*DAYS.start(), *DAYS.end());
            let text = display(&Scalar::Date(days), &DataType::Date);
            assert_eq!(date(text.as_bytes(), &Clock::default()), Ok(days), "{text}");
        }
        for wrong in ["P", "PT", "P1M", "P1Y", "1D", "P1.5D", "PT1S1M", "P1DT", "PT1H1H"] {
            assert!(duration(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
