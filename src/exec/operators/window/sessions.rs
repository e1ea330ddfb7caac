//! Sessions: rows of a partition that follow each other closely.

use crate::functions::kernel::Neighbours;
use crate::types::MICROS_PER_DAY;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::DataType as ArrowType;
use std::sync::Arc;

/// The number of the session of each row, from 1, with times that are sorted within each partition,
/// nulls last; and how many sessions there are. Rows without a time are in none.
pub(super) fn number(rows: &Neighbours, times: &ArrayRef, gap: i64) -> (ArrayRef, u64) {
    let micros = |row: usize| match times.data_type() {
        ArrowType::Date32 => {
            i64::from(times.as_primitive::<Date32Type>().value(row)) * MICROS_PER_DAY
        }
        _ => times.as_primitive::<TimestampMicrosecondType>().value(row),
    };
    let mut numbers = vec![0; times.len()];
    let mut last = 0;
    for partition in rows.ranges() {
        let mut before = None;
        for row in partition {
            if times.is_null(row) {
                continue;
            }
            let now = micros(row);
            // Times are of the years 1 to 9999, so that their difference is an int.
            if before.is_none_or(|before| now - before > gap) {
                last += 1;
            }
            before = Some(now);
            numbers[row] = last;
        }
    }
    (Arc::new(Int64Array::new(numbers.into(), times.nulls().cloned())), last as u64)
}

/// The numbers behind so many sessions of other partitions.
pub(super) fn behind(numbers: &ArrayRef, sessions: u64) -> ArrayRef {
    let numbers = numbers.as_primitive::<arrow_array::types::Int64Type>();
    Arc::new(numbers.unary::<_, arrow_array::types::Int64Type>(|number| number + sessions as i64))
}
