//! Texts to dates and times and back, by `strftime` formats.

use super::zones::as_timestamp;
use crate::data::{civil_from_days, days_from_civil};
use crate::functions::columns::{
    Prepared, Values, data, fallible, fallible_texts, kernel, literal_text, texts, values,
};
use crate::functions::kernel::{Call, KernelContext, LiteralError, Operand};
use crate::types::{DataType, MICROS_PER_DAY};
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, ArrowPrimitiveType};
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};

fn days_of(date: Date) -> i64 {
    days_from_civil(i64::from(date.year()), date.month() as u32, date.day() as u32)
}

fn micros_of(at: DateTime) -> i64 {
    let seconds =
        (i64::from(at.hour()) * 60 + i64::from(at.minute())) * 60 + i64::from(at.second());
    let micros = seconds * 1_000_000 + i64::from(at.subsec_nanosecond()) / 1_000;
    days_of(at.date()) * MICROS_PER_DAY + micros
}

/// A reading whose every field is of two digits, for trying formats.
fn sample() -> DateTime {
    DateTime::constant(2023, 11, 22, 13, 44, 55, 0)
}

/// Is this format one that a time can be had from? Tries it on a time.
fn check_format<T>(
    call: &Call,
    what: &str,
    convert: fn(&BrokenDownTime) -> Result<T, jiff::Error>,
) -> Result<String, LiteralError> {
    let format = literal_text(call, 1)?;
    let error = |reason: String| LiteralError { argument: 1, reason };
    let zoned = sample().in_tz("UTC");
    let zoned = zoned.map_err(|wrong| error(wrong.to_string()))?;
    let text = strtime::format(format, &zoned).map_err(|wrong| error(wrong.to_string()))?;
    let parsed = strtime::parse(format, &text).map_err(|wrong| error(wrong.to_string()))?;
    convert(&parsed).map_err(|_| error(format!("the format \"{format}\" does not tell {what}")))?;
    Ok(format.to_owned())
}

/// Parses every row of the first argument.
fn parse<P: ArrowPrimitiveType>(
    context: &mut KernelContext,
    arguments: &[Operand],
    format: &str,
    convert: impl Fn(&BrokenDownTime) -> Result<P::Native, jiff::Error>,
) -> ArrayRef {
    let all = texts(&arguments[0]);
    fallible::<P>(context, &arguments[..1], |row| {
        let text = all.at(row);
        strtime::parse(format, text)
            .and_then(|parsed| convert(&parsed))
            .map(Some)
            .map_err(|_| format!("\"{text}\" does not match the format \"{format}\""))
    })
}

/// `parse_date(text, format)`
pub(super) fn parse_date(call: &Call) -> Prepared {
    let format = check_format(call, "a date", BrokenDownTime::to_date)?;
    kernel(move |context, arguments| {
        parse::<Date32Type>(context, arguments, &format, |parsed| {
            parsed.to_date().map(|date| days_of(date) as i32)
        })
    })
}

/// `parse_datetime(text, format)`
pub(super) fn parse_datetime(call: &Call) -> Prepared {
    let format = check_format(call, "a date and a time", BrokenDownTime::to_datetime)?;
    kernel(move |context, arguments| {
        parse::<TimestampMicrosecondType>(context, arguments, &format, |parsed| {
            parsed.to_datetime().map(micros_of)
        })
    })
}

/// `parse_timestamp(text, format)`
pub(super) fn parse_timestamp(call: &Call) -> Prepared {
    let format = check_format(
        call,
        "an instant; a zone is `%z` or `%Q`, a count of seconds `%s`",
        BrokenDownTime::to_timestamp,
    )?;
    kernel(move |context, arguments| {
        as_timestamp(parse::<TimestampMicrosecondType>(context, arguments, &format, |parsed| {
            parsed.to_timestamp().map(|at| at.as_microsecond())
        }))
    })
}

fn date_of(days: i64) -> Option<Date> {
    let (year, month, day) = civil_from_days(days);
    Date::new(i16::try_from(year).ok()?, month as i8, day as i8).ok()
}

fn datetime_of(micros: i64) -> Option<DateTime> {
    let of_day = micros.rem_euclid(MICROS_PER_DAY);
    let seconds = of_day / 1_000_000;
    let date = date_of(micros.div_euclid(MICROS_PER_DAY))?;
    let nanos = (of_day % 1_000_000 * 1_000) as i32;
    let (hour, minute) = ((seconds / 3600) as i8, (seconds / 60 % 60) as i8);
    Some(date.at(hour, minute, (seconds % 60) as i8, nanos))
}

/// `format_date(date, format)`, `format_date(datetime, format)`
pub(super) fn format_date(call: &Call) -> Prepared {
    let format = literal_text(call, 1)?.to_owned();
    let is_date = *data(call, 0) == DataType::Date;
    let tried = if is_date {
        strtime::format(&format, sample().date())
    } else {
        strtime::format(&format, sample())
    };
    tried.map_err(|wrong| LiteralError { argument: 1, reason: wrong.to_string() })?;
    kernel(move |context, arguments| {
        if is_date {
            let all = values::<Date32Type>(&arguments[0]);
            write(context, arguments, &format, all, |days| {
                date_of(i64::from(days)).map(BrokenDownTime::from)
            })
        } else {
            let all = values::<TimestampMicrosecondType>(&arguments[0]);
            write(context, arguments, &format, all, |micros| {
                datetime_of(micros).map(BrokenDownTime::from)
            })
        }
    })
}

fn write<T: Copy>(
    context: &mut KernelContext,
    arguments: &[Operand],
    format: &str,
    all: Values<T>,
    time: impl Fn(T) -> Option<BrokenDownTime>,
) -> ArrayRef {
    fallible_texts(context, &arguments[..1], |row, column| {
        let time = time(all.at(row)).ok_or("the year is beyond 9999")?;
        let mut written = Ok(());
        column.write(|out| written = time.format(format, out));
        // The format was tried when the call was prepared.
        written.map_err(|wrong| wrong.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_through_jiff() {
        for micros in [0, -1, 1_700_000_000_123_456, -62_000_000_000_000_000] {
            assert_eq!(datetime_of(micros).map(micros_of), Some(micros));
        }
        assert_eq!(date_of(3_000_000), None);
    }
}
