//! Values as bytes, appended to a buffer: the spelling of [`crate::data::display`], a column at a
//! time and without an allocation per value.

use crate::data::{binary, display, scalar_at};
use crate::types::{DataType, MICROS_PER_DAY, civil_from_days};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray};
use arrow_buffer::NullBuffer;

/// The values of a column, ready to be spelled.
pub struct Cells<'a> {
    /// Which are null.
    pub nulls: Option<&'a NullBuffer>,
    /// The values.
    pub values: Values<'a>,
}

/// Values by layout.
pub enum Values<'a> {
    /// Nothing but nulls.
    Null,
    /// `bool`
    Bool(&'a BooleanArray),
    /// `int`
    Int(&'a [i64]),
    /// `float`
    Float(&'a [f64]),
    /// `decimal` and its scale
    Decimal(&'a [i128], u8),
    /// `json`, in its one spelling
    Json(&'a StringViewArray),
    /// `string`, `uuid`
    String(&'a StringViewArray),
    /// `bytes`
    Bytes(&'a StringViewArray),
    /// `date`
    Date(&'a [i32]),
    /// `datetime`
    Datetime(&'a [i64]),
    /// `timestamp`
    Timestamp(&'a [i64]),
    /// `duration`
    Duration(&'a [i64]),
    /// `time`
    Time(&'a [i64]),
    /// The members' texts, and which one.
    Enum(Vec<&'a str>, &'a [i32]),
    /// Lists, maps and records.
    Nested(&'a ArrayRef, &'a DataType),
}

impl<'a> Cells<'a> {
    /// The cells of an array of type `ty`.
    pub fn of(array: &'a ArrayRef, ty: &'a DataType) -> Cells<'a> {
        let values = match ty {
            DataType::Unknown | DataType::Null => Values::Null,
            DataType::Bool => Values::Bool(array.as_boolean()),
            DataType::Int => Values::Int(array.as_primitive::<Int64Type>().values()),
            DataType::Float => Values::Float(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal { scale, .. } => {
                Values::Decimal(array.as_primitive::<Decimal128Type>().values(), *scale)
            }
            DataType::String | DataType::Uuid => Values::String(array.as_string_view()),
            DataType::Bytes => Values::Bytes(array.as_string_view()),
            DataType::Time => {
                Values::Time(array.as_primitive::<DurationMicrosecondType>().values())
            }
            DataType::Json => Values::Json(array.as_string_view()),
            DataType::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            DataType::Datetime => {
                Values::Datetime(array.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Timestamp => {
                Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Duration => {
                Values::Duration(array.as_primitive::<DurationMicrosecondType>().values())
            }
            DataType::Enum(declared) => {
                let texts = declared.members.iter().map(|member| &*member.text).collect();
                Values::Enum(texts, array.as_primitive::<Int32Type>().values())
            }
            DataType::List(_) | DataType::Map(_) | DataType::Record(_) => Values::Nested(array, ty),
            DataType::Named(named) => return Cells::of(array, &named.of),
        };
        Cells { nulls: array.nulls(), values }
    }

    /// Is the value of a row null?
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the value of a row that is not null.
    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Null => {}
            Values::Bool(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
            Values::Int(values) => write_int(values[row], out),
            Values::Float(values) => write_float(values[row], out),
            Values::Decimal(values, scale) => write_decimal(values[row], *scale, out),
            Values::String(values) | Values::Json(values) => {
                out.extend_from_slice(values.value(row).as_bytes());
            }
            Values::Bytes(values) => {
                binary::encode(binary::held(values.value(row)), |digit| out.push(digit));
            }
            Values::Time(values) => write_time(values[row], out),
            Values::Date(values) => write_date(i64::from(values[row]), out),
            Values::Datetime(values) => write_datetime(values[row], out),
            Values::Timestamp(values) => {
                write_datetime(values[row], out);
                out.push(b'Z');
            }
            Values::Duration(values) => write_duration(values[row], out),
            Values::Enum(texts, values) => {
                let text = texts.get(values[row] as usize).copied().unwrap_or_default();
                out.extend_from_slice(text.as_bytes());
            }
            Values::Nested(array, ty) => {
                out.extend_from_slice(display(&scalar_at(array, ty, row), ty).as_bytes());
            }
        }
    }
}

/// Appends an int.
#[inline]
pub fn write_int(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a float: the shortest text that reads back the same.
#[inline]
pub fn write_float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    }
}

/// Appends `unscaled / 10^scale` with exactly `scale` digits after the point.
#[inline]
pub fn write_decimal(unscaled: i128, scale: u8, out: &mut Vec<u8>) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = match u64::try_from(unscaled.unsigned_abs()) {
        Ok(small) => buffer.format(small),
        Err(_) => buffer.format(unscaled.unsigned_abs()),
    };
    let (digits, scale) = (digits.as_bytes(), usize::from(scale));
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if digits.len() > scale {
        let (whole, part) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(part);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    }
}

fn two(value: u64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

/// Appends a day.
#[inline]
pub fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    if year < 0 {
        out.push(b'-');
    }
    let year = year.unsigned_abs();
    if year < 10_000 {
        out.extend_from_slice(&two(year / 100));
        out.extend_from_slice(&two(year % 100));
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
    }
    let ([m, n], [d, e]) = (two(u64::from(month)), two(u64::from(day)));
    out.extend_from_slice(&[b'-', m, n, b'-', d, e]);
}

/// Appends a wall clock reading.
#[inline]
pub fn write_datetime(micros: i64, out: &mut Vec<u8>) {
    write_date(micros.div_euclid(MICROS_PER_DAY), out);
    out.push(b'T');
    write_time(micros, out);
}

/// Appends what a clock shows.
#[inline]
fn write_time(micros: i64, out: &mut Vec<u8>) {
    let of_day = micros.rem_euclid(MICROS_PER_DAY) as u64;
    let seconds = of_day / 1_000_000;
    let ([h, i], [m, n], [s, t]) = (two(seconds / 3600), two(seconds / 60 % 60), two(seconds % 60));
    out.extend_from_slice(&[h, i, b':', m, n, b':', s, t]);
    write_fraction(of_day % 1_000_000, out);
}

fn write_fraction(micros: u64, out: &mut Vec<u8>) {
    if micros != 0 {
        out.push(b'.');
        for pair in [micros / 10_000, micros / 100 % 100, micros % 100] {
            out.extend_from_slice(&two(pair));
        }
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Appends a length of time in ISO 8601.
pub fn write_duration(micros: i64, out: &mut Vec<u8>) {
    if micros < 0 {
        out.push(b'-');
    }
    let day = MICROS_PER_DAY as u64;
    let (days, rest) = (micros.unsigned_abs() / day, micros.unsigned_abs() % day);
    let part = |value: u64, unit: u8, out: &mut Vec<u8>| {
        if value > 0 {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            out.push(unit);
        }
    };
    out.push(b'P');
    part(days, b'D', out);
    if rest == 0 && days > 0 {
        return;
    }
    out.push(b'T');
    let seconds = rest / 1_000_000;
    part(seconds / 3600, b'H', out);
    part(seconds / 60 % 60, b'M', out);
    if seconds % 60 > 0 || rest % 1_000_000 > 0 || rest == 0 {
        out.extend_from_slice(itoa::Buffer::new().format(seconds % 60).as_bytes());
        write_fraction(rest % 1_000_000, out);
        out.push(b'S');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::array_of;
    use crate::types::Scalar;

    #[test]
    fn columns_are_spelled_like_single_values() {
        let mut state = 9u64;
        let numbers: Vec<i64> = (0..2000)
            .map(|at| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                [i64::MIN, i64::MAX, 0, 1].get(at).copied().unwrap_or(state as i64 >> (at % 64))
            })
            .collect();
        type Make = fn(i64) -> Scalar;
        let decimal = |scale| DataType::Decimal { precision: 38, scale };
        let kinds: [(DataType, Make); 9] = [
            (DataType::Bool, |n| Scalar::Bool(n > 0)),
            (DataType::Int, Scalar::Int),
            (DataType::Float, |n| Scalar::Float(f64::from_bits(n as u64))),
            (decimal(0), |n| Scalar::Decimal(i128::from(n))),
            (decimal(7), |n| Scalar::Decimal(i128::from(n) * 7_919_234_771)),
            (DataType::Date, |n| Scalar::Date(n as i32)),
            (DataType::Datetime, Scalar::Datetime),
            (DataType::Timestamp, Scalar::Timestamp),
            (DataType::Duration, Scalar::Duration),
        ];
        for (ty, make) in kinds {
            let values: Vec<Scalar> = numbers.iter().map(|&number| make(number)).collect();
            let array = array_of(&ty, &values);
            let cells = Cells::of(&array, &ty);
            for (row, value) in values.iter().enumerate() {
                let mut out = Vec::new();
                cells.write(row, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), display(value, &ty), "{value:?}");
            }
        }
    }
}
