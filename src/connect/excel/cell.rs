//! A cell as a value of a declared type. A spreadsheet knows numbers, texts, truth values and times,
//! whatever a column is meant to be: what a cell holds otherwise is read where nothing is lost.

use crate::connect::value::{self, Clock, Reason};
use crate::types::{DataType, MICROS_PER_DAY, Scalar, civil_from_days, days_from_civil};
use calamine::{Data, ExcelDateTime};

/// What a cell holds, as it is shown.
pub fn shown(cell: &Data) -> String {
    match cell {
        Data::Int(number) => number.to_string(),
        Data::Float(number) => digits(*number),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(time) => match moment(time) {
            _ if time.is_duration() => spelled_duration(time),
            Ok((_, micros)) if time.as_f64() < 1.0 => spelled_time(micros),
            Ok((days, 0)) => spelled_date(days),
            Ok((days, micros)) => format!("{}T{}", spelled_date(days), spelled_time(micros)),
            Err(_) => digits(time.as_f64()),
        },
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

/// The value of a cell; `""` is null for all types but texts.
pub fn scalar(cell: &Data, ty: &DataType, clock: &Clock) -> Result<Scalar, Reason> {
    match (cell, ty) {
        (Data::Empty, _) => Ok(Scalar::Null),
        (Data::Error(_), _) => Err("an error of the sheet".into()),
        (_, DataType::String) => Ok(Scalar::String(shown(cell).into())),
        (Data::String(text), _) if text.is_empty() => Ok(Scalar::Null),
        (Data::Bool(value), DataType::Bool) => Ok(Scalar::Bool(*value)),
        (Data::Float(number), DataType::Float) => Ok(Scalar::Float(*number)),
        (Data::DateTime(time), _) => of_time(time, ty, clock),
        (Data::DateTimeIso(text), _) => {
            of_text(&iso(text, ty), ty, &Clock { format: None, ..clock.clone() })
        }
        (Data::DurationIso(text), DataType::Time) => match value::duration(text.as_bytes())? {
            micros if (0..MICROS_PER_DAY).contains(&micros) => Ok(Scalar::Duration(micros)),
            _ => Err("not a time of the day".into()),
        },
        (Data::DurationIso(text), DataType::Duration) => of_text(text, ty, clock),
        (Data::DurationIso(_), _) => {
            Err(Reason::from(format!("a length of time, and not {}", an(ty))))
        }
        (
            Data::Float(_) | Data::Int(_),
            DataType::Date | DataType::Datetime | DataType::Timestamp,
        ) => Err("a number, and not a date (give its cells the format of dates)".into()),
        _ => of_text(&shown(cell), ty, clock),
    }
}

fn an(ty: &DataType) -> String {
    let name = ty.to_string();
    let article = if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// A text that is spelled as in other files.
fn of_text(text: &str, ty: &DataType, clock: &Clock) -> Result<Scalar, Reason> {
    let bytes = text.as_bytes();
    match ty {
        DataType::Bool => value::boolean(bytes).map(Scalar::Bool),
        DataType::Int => value::int(bytes).map(Scalar::Int),
        DataType::Float => {
            let is_nan = clock.format.as_deref() == Some("nan");
            value::float(bytes, is_nan).map(Scalar::Float)
        }
        DataType::Decimal { precision, scale } => {
            value::decimal(bytes, *precision, *scale).map(Scalar::Decimal)
        }
        DataType::Json | DataType::Uuid | DataType::Bytes => {
            value::held(bytes, ty).map(|text| Scalar::String(text.into()))
        }
        DataType::Date => value::date(bytes, clock).map(Scalar::Date),
        DataType::Time => value::time(bytes).map(Scalar::Duration),
        DataType::Datetime => value::datetime(bytes, clock).map(Scalar::Datetime),
        DataType::Timestamp => value::timestamp(bytes, clock).map(Scalar::Timestamp),
        DataType::Duration => value::duration(bytes).map(Scalar::Duration),
        DataType::Enum(declared) => match declared.by_text(text) {
            Some(at) => Ok(Scalar::Enum(at as i32)),
            None => Err(declared.refusal().into()),
        },
        DataType::Named(named) => of_text(text, &named.of, clock),
        _ => Ok(Scalar::String(text.into())),
    }
}

/// A cell that has the format of a time.
fn of_time(time: &ExcelDateTime, ty: &DataType, clock: &Clock) -> Result<Scalar, Reason> {
    if *ty == DataType::Duration {
        return Ok(Scalar::Duration(length(time)?));
    }
    let is_moment = matches!(ty, DataType::Date | DataType::Datetime | DataType::Timestamp);
    if *ty == DataType::Time {
        return match length(time)? {
            micros if (0..MICROS_PER_DAY).contains(&micros) => Ok(Scalar::Duration(micros)),
            _ => Err("a date, and not only a time of the day".into()),
        };
    }
    if !is_moment {
        return Err(format!("a date or a time, and not {}", an(ty)).into());
    }
    if time.is_duration() {
        return Err(format!("a length of time, and not {}", an(ty)).into());
    }
    let (days, micros) = moment(time)?;
    match ty {
        DataType::Date if micros > 0 => Err("has a time of the day: declare a `datetime`".into()),
        DataType::Date => Ok(Scalar::Date(days as i32)),
        DataType::Datetime => Ok(Scalar::Datetime(days * MICROS_PER_DAY + micros)),
        _ => {
            let clock = Clock { format: None, ..clock.clone() };
            let text = format!("{}T{}", spelled_date(days), spelled_time(micros));
            value::timestamp(text.as_bytes(), &clock).map(Scalar::Timestamp)
        }
    }
}

/// Days since 1970 and microseconds of the day, to the millisecond that a sheet knows.
fn moment(time: &ExcelDateTime) -> Result<(i64, i64), Reason> {
    let serial = time.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return Err("outside of the years that a sheet has".into());
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    if (year, month, day) == (1900, 2, 29) {
        return Err("the day 1900-02-29, which there was not".into());
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let days = days_from_civil(year.into(), month.into(), day.into());
    // Days that a sheet counts before its first one are the day 0.
    Ok((days, seconds * 1_000_000 + i64::from(milli) * 1000))
}

/// A length of time in microseconds, to the millisecond.
fn length(time: &ExcelDateTime) -> Result<i64, Reason> {
    let millis = (time.as_f64() * (MICROS_PER_DAY / 1000) as f64).round();
    if millis.abs() > 1e15 {
        return Err("too long".into());
    }
    Ok(millis as i64 * 1000)
}

/// A number with the 15 digits that a spreadsheet shows of it, without an exponent.
fn digits(number: f64) -> String {
    let exact = format!("{number:.14e}");
    let Some((digits, exponent)) = exact.split_once('e') else { return exact };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    let (count, whole) = (digits.len() as i32, exponent + 1);
    let zeros = |count: i32| "0".repeat(count.max(0) as usize);
    if whole <= 0 {
        format!("{sign}0.{}{digits}", zeros(-whole))
    } else if whole >= count {
        format!("{sign}{digits}{}", zeros(whole - count))
    } else {
        let (whole, part) = digits.split_at(whole as usize);
        format!("{sign}{whole}.{part}")
    }
}

/// A date and a time of ISO 8601 as a text of the type: one without the other where that is midnight.
fn iso(text: &str, ty: &DataType) -> String {
    match (ty, text.split_once('T')) {
        (DataType::Date, Some((day, clock))) if clock.trim_matches(['0', ':', '.']).is_empty() => {
            day.to_owned()
        }
        (DataType::Datetime | DataType::Timestamp, None) => format!("{text}T00:00:00"),
        _ => text.to_owned(),
    }
}

fn spelled_date(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn spelled_time(micros: i64) -> String {
    let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if millis == 0 { clock } else { format!("{clock}.{millis:03}") }
}

fn spelled_duration(time: &ExcelDateTime) -> String {
    let mut text = vec![];
    crate::data::spell::write_duration(length(time).unwrap_or(0), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_a_spreadsheet_shows() {
        let all = [
            (0.0, "0"),
            (12.5, "12.5"),
            (0.1 + 0.2, "0.3"),
            (-1e-7, "-0.0000001"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345.0, "123456789012345"),
            (2.999_999_999_999_999_6, "3"),
        ];
        for (number, text) in all {
            assert_eq!(digits(number), text);
        }
    }
}
