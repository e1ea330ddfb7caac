//! Row groups of which no row is wanted, by the least and greatest values that the file says.
//!
//! Such a group is not read. Rows stand in for its rows that are as little wanted, each with the
//! least values, so that all of them are counted as if they had been read. That is right only where
//! no value of the group could fail to be one of its column's type.

use crate::connect::Within;
use crate::connect::convert::How;
use crate::types::{DAYS, DataType, MICROS, Scalar, Type};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use std::ops::Bound;

/// A column of a row group whose values are all of the declared type.
pub struct Sound {
    /// The least of them, or less, if that is known; else any value of the type.
    pub least: Scalar,
    /// The greatest, or more.
    pub most: Option<Scalar>,
}

/// Looks at a column of a row group, read as this type; none if a value may fail.
pub fn sound(chunk: &ColumnChunkMetaData, from: &ArrowType, to: &Type, how: How) -> Option<Sound> {
    let told = chunk.statistics();
    let has_no_nulls = chunk.column_descr().max_def_level() == 0
        || told.and_then(Statistics::null_count_opt) == Some(0);
    if !to.nullable && !has_no_nulls {
        return None;
    }
    let told = told.filter(|told| !told.is_min_max_deprecated());
    let numbers = || told.and_then(numbers);
    let any = |least| Some(Sound { least, most: None });
    let micros = |scalar: fn(i64) -> Scalar| {
        let (least, most) = numbers()?;
        let is_time = |time: i128| i64::try_from(time).is_ok_and(|time| MICROS.contains(&time));
        let is_int64 = chunk.column_type() == PhysicalType::INT64;
        let scalar = |time| scalar(time as i64);
        (is_int64 && is_time(least) && is_time(most))
            .then(|| Sound { least: scalar(least), most: Some(scalar(most)) })
    };
    use ArrowType as A;
    match (from, &to.data) {
        (A::Boolean, DataType::Bool) => any(Scalar::Bool(false)),
        (A::Float32 | A::Float64, DataType::Float) => any(Scalar::Float(0.0)),
        (A::Int8 | A::Int16 | A::Int32 | A::Int64, DataType::Int) => match numbers() {
            Some((least, most)) => Some(Sound {
                least: Scalar::Int(least as i64),
                most: Some(Scalar::Int(most as i64)),
            }),
            None => any(Scalar::Int(0)),
        },
        (A::UInt8 | A::UInt16 | A::UInt32, DataType::Int) => any(Scalar::Int(0)),
        (A::Decimal128(p, s), DataType::Decimal { precision, scale })
            if p == precision && i16::from(*s) == i16::from(*scale) =>
        {
            match numbers() {
                Some((least, most)) => {
                    Some(Sound { least: Scalar::Decimal(least), most: Some(Scalar::Decimal(most)) })
                }
                None => any(Scalar::Decimal(0)),
            }
        }
        (A::Date32, DataType::Date) => {
            let (least, most) = numbers()?;
            let is_day = |day: i128| i32::try_from(day).is_ok_and(|day| DAYS.contains(&day));
            (is_day(least) && is_day(most)).then_some(Sound {
                least: Scalar::Date(least as i32),
                most: Some(Scalar::Date(most as i32)),
            })
        }
        (A::Timestamp(TimeUnit::Microsecond, _), DataType::Datetime) => micros(Scalar::Datetime),
        (A::Timestamp(TimeUnit::Microsecond, _), DataType::Timestamp) => micros(Scalar::Timestamp),
        (A::Duration(TimeUnit::Microsecond), DataType::Duration) => any(Scalar::Duration(0)),
        (A::Utf8View, DataType::String) if how.is_utf8 => match told.and_then(texts) {
            Some((least, most)) => Some(Sound { least, most: Some(most) }),
            None => any(Scalar::String("".into())),
        },
        _ => None,
    }
}

/// The least and greatest of signed numbers.
fn numbers(told: &Statistics) -> Option<(i128, i128)> {
    let of_bytes = |bytes: &[u8]| {
        let first = bytes.first().filter(|_| bytes.len() <= 16)?;
        let mut wide = [if first & 0x80 == 0 { 0 } else { 0xFF }; 16];
        wide[16 - bytes.len()..].copy_from_slice(bytes);
        Some(i128::from_be_bytes(wide))
    };
    Some(match told {
        Statistics::Int32(told) => ((*told.min_opt()?).into(), (*told.max_opt()?).into()),
        Statistics::Int64(told) => ((*told.min_opt()?).into(), (*told.max_opt()?).into()),
        Statistics::FixedLenByteArray(told) if told.min_is_exact() && told.max_is_exact() => {
            (of_bytes(told.min_opt()?.data())?, of_bytes(told.max_opt()?.data())?)
        }
        _ => return None,
    })
}

/// Not above the least text and not below the greatest.
fn texts(told: &Statistics) -> Option<(Scalar, Scalar)> {
    let Statistics::ByteArray(told) = told else { return None };
    let text = |bytes| Some(Scalar::String(str::from_utf8(bytes).ok()?.into()));
    Some((text(told.min_opt()?.data())?, text(told.max_opt()?.data())?))
}

/// Is no value of the column in the range?
pub fn is_outside(column: &Sound, within: &Within) -> bool {
    let Some(most) = &column.most else { return false };
    let (from, to) = &within.range;
    let is_below = match from {
        Bound::Included(from) => is_less(most, from),
        Bound::Excluded(from) => is_less(most, from) || most == from,
        Bound::Unbounded => false,
    };
    let least = &column.least;
    is_below
        || match to {
            Bound::Included(to) => is_less(to, least),
            Bound::Excluded(to) => is_less(to, least) || to == least,
            Bound::Unbounded => false,
        }
}

/// Is a value less than another of its type? False of others than numbers, times and texts.
fn is_less(a: &Scalar, b: &Scalar) -> bool {
    use Scalar as S;
    match (a, b) {
        (S::Int(a), S::Int(b)) | (S::Datetime(a), S::Datetime(b)) => a < b,
        (S::Timestamp(a), S::Timestamp(b)) => a < b,
        (S::Decimal(a), S::Decimal(b)) => a < b,
        (S::Date(a), S::Date(b)) => a < b,
        (S::String(a), S::String(b)) => a < b,
        _ => false,
    }
}
