//! Turns packed keys back into columns.

use super::nested;
use super::{INLINE_BYTES_MAX, KeyLayout, NULL_DECIMAL, NULL_FLOAT, NULL_TEXT, Place};
use crate::data::{UTC, array_of, null_array};
use crate::types::{DataType, Scalar, Type};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, DurationMicrosecondType, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, PrimitiveArray, StringViewArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use std::sync::Arc;

/// The bytes of the long texts of keys.
pub struct LongBuffers {
    /// The bytes.
    pub buffers: Vec<Buffer>,
    /// For each long column, for each key: `buffer << 32 | offset`, where it has a long text.
    pub places: Vec<Vec<u64>>,
}

/// The columns that the keys with these words came from, with NaN and zero made canonical.
pub fn unpack(layout: &KeyLayout, words: &[u64], long: &LongBuffers) -> Vec<ArrayRef> {
    let keys = words.len() / layout.width();
    layout
        .fields
        .iter()
        .map(|field| column(layout, words, keys, &field.ty, field.place, long))
        .collect()
}

fn column(
    layout: &KeyLayout,
    words: &[u64],
    keys: usize,
    ty: &Type,
    place: Place,
    long: &LongBuffers,
) -> ArrayRef {
    let words = |at: usize| words.iter().skip(at).step_by(layout.width()).copied().take(keys);
    match place {
        Place::Nothing => null_array(&ty.data, keys),
        Place::Small { word, shift, bits, null } => {
            let codes = words(word).map(|word| word >> shift & (u64::MAX >> (64 - bits)));
            let nulls = ty.nullable.then(|| codes.clone().map(|code| code != null).collect());
            if ty.data == DataType::Bool {
                let values: BooleanBuffer = codes.map(|code| code == 1).collect();
                return Arc::new(BooleanArray::new(values, no_nulls(nulls)));
            }
            let values = codes.map(|code| code as u32 as i32).collect();
            match ty.data {
                DataType::Date => primitive::<Date32Type>(values, nulls),
                _ => primitive::<Int32Type>(values, nulls),
            }
        }
        Place::Number { word, null } => {
            let nulls = null
                .map(|(flags, shift)| words(flags).map(|word| word >> shift & 1 == 0).collect());
            let values = words(word).map(|word| word as i64).collect();
            match ty.data {
                DataType::Datetime => primitive::<TimestampMicrosecondType>(values, nulls),
                DataType::Timestamp => Arc::new(
                    PrimitiveArray::<TimestampMicrosecondType>::new(values, no_nulls(nulls))
                        .with_timezone(UTC),
                ),
                DataType::Duration | DataType::Time => {
                    primitive::<DurationMicrosecondType>(values, nulls)
                }
                _ => primitive::<Int64Type>(values, nulls),
            }
        }
        Place::Float { word } => {
            let nulls = words(word).map(|word| word != NULL_FLOAT).collect();
            let values = words(word).map(f64::from_bits).collect();
            Arc::new(Float64Array::new(values, no_nulls(Some(nulls))))
        }
        Place::Decimal { word } => {
            let whole = words(word)
                .zip(words(word + 1))
                .map(|(low, high)| (u128::from(low) | u128::from(high) << 64) as i128);
            let nulls = whole.clone().map(|value| value != NULL_DECIMAL).collect();
            let array = Decimal128Array::new(whole.collect(), no_nulls(Some(nulls)));
            Arc::new(array.with_data_type(crate::data::arrow_type(&ty.data)))
        }
        Place::Text { word, long: at, nested } => {
            let pairs = words(word).zip(words(word + 1));
            if nested {
                nested_column(pairs, &ty.data, long, at)
            } else {
                text_column(pairs, long, at)
            }
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: ScalarBuffer<T::Native>,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values, no_nulls(nulls)))
}

/// None when nothing is null, which makes what follows faster.
fn no_nulls(nulls: Option<NullBuffer>) -> Option<NullBuffer> {
    nulls.filter(|nulls| nulls.null_count() > 0)
}

/// Short texts are their words, long ones stay where they are.
fn text_column(
    pairs: impl Iterator<Item = (u64, u64)> + Clone,
    long: &LongBuffers,
    at: usize,
) -> ArrayRef {
    let view = |(key, (first, second)): (usize, (u64, u64))| {
        if first == NULL_TEXT {
            0
        } else if first as u32 as usize > INLINE_BYTES_MAX {
            let place = long.places[at][key];
            u128::from(first) | u128::from(place >> 32) << 64 | u128::from(place as u32) << 96
        } else {
            u128::from(first) | u128::from(second) << 64
        }
    };
    let nulls = pairs.clone().map(|(first, _)| first != NULL_TEXT).collect();
    let views = pairs.enumerate().map(view).collect();
    Arc::new(StringViewArray::new(views, long.buffers.clone(), no_nulls(Some(nulls))))
}

/// Lists and records are decoded value by value: they are rare as keys, and there is one a group.
fn nested_column(
    pairs: impl Iterator<Item = (u64, u64)>,
    ty: &DataType,
    long: &LongBuffers,
    at: usize,
) -> ArrayRef {
    let value = |(key, (first, second)): (usize, (u64, u64))| {
        if first == NULL_TEXT {
            return Scalar::Null;
        }
        let length = first as u32 as usize;
        if length > INLINE_BYTES_MAX {
            let place = long.places[at][key];
            let start = place as u32 as usize;
            let bytes = &long.buffers[(place >> 32) as usize][start..start + length];
            return nested::decode(bytes, ty);
        }
        let mut inline = [0; 16];
        inline[..8].copy_from_slice(&first.to_le_bytes());
        inline[8..].copy_from_slice(&second.to_le_bytes());
        nested::decode(&inline[4..4 + length], ty)
    };
    let values: Vec<Scalar> = pairs.enumerate().map(value).collect();
    array_of(ty, &values)
}
