//! Texts to dates and times and back, by `strftime` formats.

use super::zones::as_timestamp;
use crate::data::parse::{Clock, Reason, check_format, date, datetime, refuse, sample, timestamp};
use crate::functions::columns::{
    Prepared, Values, data, fallible, fallible_texts, kernel, literal_text, texts, values,
};
use crate::functions::kernel::{Call, KernelContext, LiteralError, Operand};
use crate::types::{DataType, MICROS_PER_DAY, civil_from_days};
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, ArrowPrimitiveType};
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};

/// `parse_date(text, format)`, `parse_datetime(text, format)`, `parse_timestamp(text, format)`
fn parse<P: ArrowPrimitiveType>(
    call: &Call,
    data: &DataType,
    read: fn(&[u8], &Clock) -> Result<P::Native, Reason>,
) -> Prepared {
    let format = literal_text(call, 1)?;
    check_format(format, data, false).map_err(|reason| LiteralError { argument: 1, reason })?;
    let clock = Clock { format: Some(format.into()), zone: None };
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        fallible::<P>(context, &arguments[..1], |row| {
            let text = all.at(row);
            read(text.as_bytes(), &clock).map(Some).map_err(|reason| refuse(text, &reason))
        })
    })
}

/// `parse_date(text, format)`
pub(super) fn parse_date(call: &Call) -> Prepared {
    parse::<Date32Type>(call, &DataType::Date, date)
}

/// `parse_datetime(text, format)`
pub(super) fn parse_datetime(call: &Call) -> Prepared {
    parse::<TimestampMicrosecondType>(call, &DataType::Datetime, datetime)
}

/// `parse_timestamp(text, format)`
pub(super) fn parse_timestamp(call: &Call) -> Prepared {
    let inner = parse::<TimestampMicrosecondType>(call, &DataType::Timestamp, timestamp)?;
    kernel(move |context, arguments| as_timestamp(inner.eval(context, arguments)))
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
    if !format.contains('%') {
        let reason = format!("the format \"{format}\" has no field, such as %Y, %m or %d");
        return Err(LiteralError { argument: 1, reason });
    }
    let tried = if is_date {
        strtime::format(&format, sample().date())
    } else {
        strtime::format(&format, sample())
    };
    tried.map_err(|_| {
        let has_clock = is_date && strtime::format(&format, sample()).is_ok();
        let reason = match has_clock {
            true => format!(
                "a date has no time of day for the format \"{format}\"; write what a date has: `%Y`, `%m`, `%d`, `%a`"
            ),
            false => format!(
                "\"{format}\" is not a format for it; fields are `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, a percent sign is `%%`"
            ),
        };
        LiteralError { argument: 1, reason }
    })?;
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
    fn days_and_times_are_of_jiff_up_to_its_last_year() {
        let shown = |micros| datetime_of(micros).map(|at| at.to_string());
        assert_eq!(shown(-1), Some("1969-12-31T23:59:59.999999".to_owned()));
        assert_eq!(shown(1_700_000_000_123_456), Some("2023-11-14T22:13:20.123456".to_owned()));
        assert_eq!(date_of(3_000_000), None);
    }
}
