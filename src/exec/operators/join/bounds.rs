//! The least and the greatest key of the right side, by which parts of the left one need not be read.

use crate::exec::gather::{i32_values, i64_values};
use crate::functions::kernel::Operand;
use crate::types::{DataType, Scalar, Type};
use arrow_array::Array;
use rayon::prelude::*;

/// Of each key that is a whole number, a day or a time.
pub(super) fn ranges(types: &[Type], keys: &[Vec<Operand>]) -> Vec<Option<(Scalar, Scalar)>> {
    let range = |(at, ty): (usize, &Type)| {
        let scalar: fn(i64) -> Scalar = match ty.data {
            DataType::Int => Scalar::Int,
            DataType::Datetime => Scalar::Datetime,
            DataType::Timestamp => Scalar::Timestamp,
            DataType::Date => |day| Scalar::Date(day as i32),
            _ => return None,
        };
        let keys: Vec<&Operand> = keys.iter().map(|keys| &keys[at]).collect();
        bounds(&keys, &ty.data).map(|(least, greatest)| (scalar(least), scalar(greatest)))
    };
    types.iter().enumerate().map(range).collect()
}

/// The least and the greatest number of these that is not null, if there is one.
pub(super) fn bounds(keys: &[&Operand], data: &DataType) -> Option<(i64, i64)> {
    let of_batch = |key: &&Operand| match data {
        DataType::Date => span(key, i32_values(&key.array)),
        _ => span(key, i64_values(&key.array)),
    };
    let both = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
    let (least, greatest) = keys.par_iter().map(of_batch).reduce(|| NONE, both);
    (least <= greatest).then_some((least, greatest))
}

/// The bounds of no numbers.
const NONE: (i64, i64) = (i64::MAX, i64::MIN);

fn span<T: Copy + Into<i64>>(key: &Operand, values: &[T]) -> (i64, i64) {
    let wider = |(least, greatest): (i64, i64), value: T| {
        let value = value.into();
        (least.min(value), greatest.max(value))
    };
    match key.array.nulls() {
        None => values.iter().copied().fold(NONE, wider),
        Some(nulls) => nulls.valid_indices().map(|row| values[row]).fold(NONE, wider),
    }
}
