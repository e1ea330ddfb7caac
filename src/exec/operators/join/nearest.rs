//! The nearest of the right rows with a key: their values in order, searched by halves.

use super::build::Keyed;
use crate::data::Batch;
use crate::exec::gather::{expand, i32_values, i64_values};
use crate::exec::keys::canonical_bits;
use crate::exec::table::NOT_FOUND;
use crate::functions::kernel::Operand;
use crate::ir::Comparison;
use crate::types::{DataType, Type};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_buffer::NullBuffer;
use rayon::prelude::*;

/// What a join of nearest rows goes by.
#[derive(Clone, Debug)]
pub struct NearestBy {
    /// The type of both values.
    pub ty: Type,
    /// What the left one is to the right one.
    pub comparison: Comparison,
    /// Is there a limit, which follows the left value?
    pub is_bound: bool,
}

/// Right rows by key and value.
pub(super) struct Sorted {
    by: NearestBy,
    /// Where the rows of each key begin, and the end.
    starts: Vec<u32>,
    rows: Vec<u32>,
    values: Values,
}

/// Numbers that are in the order of the values; of a null any.
enum Values {
    Narrow(Vec<i64>),
    Wide(Vec<i128>),
}

/// The values of some rows, and which of them are null.
struct Column {
    values: Values,
    nulls: Option<NullBuffer>,
}

impl Column {
    fn new(operand: &Operand, ty: &DataType, rows: usize) -> Column {
        let array = expand(operand, rows);
        let values = match ty {
            DataType::Decimal { .. } => {
                Values::Wide(array.as_primitive::<Decimal128Type>().values().to_vec())
            }
            DataType::Float => {
                let values = array.as_primitive::<Float64Type>().values();
                Values::Narrow(values.iter().map(|value| in_order(*value)).collect())
            }
            DataType::Date => {
                Values::Narrow(i32_values(&array).iter().map(|day| i64::from(*day)).collect())
            }
            _ => Values::Narrow(i64_values(&array).to_vec()),
        };
        Column { values, nulls: array.nulls().filter(|nulls| nulls.null_count() > 0).cloned() }
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Floats as numbers in their order: NaN is the greatest, and both zeros are the same.
fn in_order(value: f64) -> i64 {
    let bits = canonical_bits(value) as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// Keys that are put in order by one thread at a time.
const KEYS: usize = 1 << 12;

impl Sorted {
    /// The rows of all batches, which are numbered from `firsts` on, by their keys.
    pub fn new(
        by: &NearestBy,
        keyed: &Keyed,
        keys: usize,
        (batches, given): (&[Batch], &[Operand]),
    ) -> Sorted {
        let columns: Vec<Column> = batches
            .par_iter()
            .zip(given)
            .map(|(batch, value)| Column::new(value, &by.ty.data, batch.rows))
            .collect();
        match by.ty.data {
            DataType::Decimal { .. } => Sorted::of(by, keyed, keys, &columns, Values::wide),
            _ => Sorted::of(by, keyed, keys, &columns, Values::narrow),
        }
    }

    fn of<T: Copy + Ord + Send + Sync + Default>(
        by: &NearestBy,
        keyed: &Keyed,
        keys: usize,
        columns: &[Column],
        of: fn(&Values) -> &Vec<T>,
    ) -> Sorted
    where
        Values: From<Vec<T>>,
    {
        let mut all: Vec<T> = Vec::new();
        let mut nulls = vec![];
        for column in columns {
            if let Some(of_column) = &column.nulls {
                let is_null = (0..of_column.len()).filter(|row| of_column.is_null(*row));
                nulls.extend(is_null.map(|row| (all.len() + row) as u32));
            }
            all.extend_from_slice(of(&column.values));
        }
        let is_null = |row: u32| !nulls.is_empty() && nulls.binary_search(&row).is_ok();
        let pieces: Vec<(Vec<u32>, Vec<u32>, Vec<T>)> = (0..keys.div_ceil(KEYS))
            .into_par_iter()
            .map(|piece| {
                let (mut counts, mut rows, mut values) = (vec![], vec![], vec![]);
                let mut pairs: Vec<(T, u32)> = vec![];
                for key in piece * KEYS..keys.min((piece + 1) * KEYS) {
                    let of_key = keyed.rows_of(key).iter().copied();
                    let of_key = of_key.filter(|row| *row != NOT_FOUND && !is_null(*row));
                    pairs.clear();
                    pairs.extend(of_key.map(|row| (all[row as usize], row)));
                    // Inputs often come in the order of time.
                    if !pairs.is_sorted() {
                        pairs.sort_unstable();
                    }
                    counts.push(pairs.len() as u32);
                    rows.extend(pairs.iter().map(|(_, row)| *row));
                    values.extend(pairs.iter().map(|(value, _)| *value));
                }
                (counts, rows, values)
            })
            .collect();
        let mut starts = Vec::with_capacity(keys + 1);
        let (mut rows, mut values) = (Vec::with_capacity(all.len()), all);
        values.clear();
        starts.push(0);
        for (counts, piece_rows, piece_values) in pieces {
            for count in counts {
                starts.push(starts[starts.len() - 1] + count);
            }
            rows.extend(piece_rows);
            values.extend(piece_values);
        }
        Sorted { by: by.clone(), starts, rows, values: values.into() }
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        let values = match &self.values {
            Values::Narrow(values) => values.len() * 8,
            Values::Wide(values) => values.len() * 16,
        };
        values + (self.starts.len() + self.rows.len()) * 4
    }

    /// Puts the right row of each left one in the place of its key, or [`NOT_FOUND`]. What follows the
    /// keys among the operands: the left values, and the limits if there are some.
    pub fn find(&self, given: &[Operand], found: &mut [u32]) {
        let column = |operand: &Operand| Column::new(operand, &self.by.ty.data, found.len());
        let left = column(&given[0]);
        let bound = self.by.is_bound.then(|| column(&given[1]));
        match &self.values {
            Values::Narrow(values) => {
                self.find_among(values, &left, bound.as_ref(), Values::narrow, found);
            }
            Values::Wide(values) => {
                self.find_among(values, &left, bound.as_ref(), Values::wide, found);
            }
        }
    }

    fn find_among<T: Copy + Ord>(
        &self,
        values: &[T],
        left: &Column,
        bound: Option<&Column>,
        of: fn(&Values) -> &Vec<T>,
        found: &mut [u32],
    ) {
        let given = of(&left.values);
        let bounds = bound.map(|bound| (bound, of(&bound.values)));
        for (row, key) in found.iter_mut().enumerate() {
            if *key == NOT_FOUND {
                continue;
            }
            let start = self.starts[*key as usize] as usize;
            let end = self.starts[*key as usize + 1] as usize;
            *key = NOT_FOUND;
            if left.is_null(row) {
                continue;
            }
            let (of_key, value) = (&values[start..end], given[row]);
            let Some(at) = nearest(of_key, value, self.by.comparison) else { continue };
            let is_near = bounds.is_none_or(|(bound, limits)| {
                bound.is_null(row)
                    || match self.by.comparison {
                        Comparison::Less | Comparison::LessEqual => of_key[at] <= limits[row],
                        _ => of_key[at] >= limits[row],
                    }
            });
            if is_near {
                *key = self.rows[start + at];
            }
        }
    }
}

/// The place of the nearest of these values, which are in order: the last one before, or the first
/// one behind.
#[inline]
fn nearest<T: Copy + Ord>(values: &[T], value: T, comparison: Comparison) -> Option<usize> {
    let before = |end: usize| end.checked_sub(1);
    let behind = |start: usize| (start < values.len()).then_some(start);
    match comparison {
        Comparison::GreaterEqual => before(values.partition_point(|other| *other <= value)),
        Comparison::Greater => before(values.partition_point(|other| *other < value)),
        Comparison::LessEqual => behind(values.partition_point(|other| *other < value)),
        Comparison::Less => behind(values.partition_point(|other| *other <= value)),
        Comparison::Equal | Comparison::NotEqual => unreachable!("they say nothing of order"),
    }
}

impl Values {
    fn narrow(&self) -> &Vec<i64> {
        let Values::Narrow(values) = self else { unreachable!("they are of one type") };
        values
    }

    fn wide(&self) -> &Vec<i128> {
        let Values::Wide(values) = self else { unreachable!("they are of one type") };
        values
    }
}

impl From<Vec<i64>> for Values {
    fn from(values: Vec<i64>) -> Values {
        Values::Narrow(values)
    }
}

impl From<Vec<i128>> for Values {
    fn from(values: Vec<i128>) -> Values {
        Values::Wide(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_the_last_before_or_the_first_behind() {
        let values = [1, 3, 3, 5];
        let all = |comparison| (0..7).map(|value| nearest(&values, value, comparison)).collect();
        let found: Vec<Option<usize>> = all(Comparison::GreaterEqual);
        assert_eq!(found, [None, Some(0), Some(0), Some(2), Some(2), Some(3), Some(3)]);
        let found: Vec<Option<usize>> = all(Comparison::Greater);
        assert_eq!(found, [None, None, Some(0), Some(0), Some(2), Some(2), Some(3)]);
        let found: Vec<Option<usize>> = all(Comparison::LessEqual);
        assert_eq!(found, [Some(0), Some(0), Some(1), Some(1), Some(3), Some(3), None]);
        let found: Vec<Option<usize>> = all(Comparison::Less);
        assert_eq!(found, [Some(0), Some(1), Some(1), Some(3), Some(3), None, None]);
    }

    #[test]
    fn floats_keep_their_order() {
        let values = [f64::NEG_INFINITY, -1.5, -1e-300, 0.0, 1e-300, 2.0, f64::INFINITY, f64::NAN];
        assert!(values.iter().map(|value| in_order(*value)).is_sorted_by(|a, b| a < b));
        assert_eq!(in_order(-0.0), in_order(0.0));
    }
}
