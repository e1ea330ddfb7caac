//! `explode`: one row for each item of a list; none for an empty list or null.

use super::Streaming;
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, take_batch, take_rows};
use crate::functions::kernel::Operand;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Replaces a list column by its items, the other columns and the position repeated. It has no
/// values.
#[derive(Debug)]
pub struct Explode {
    column: usize,
    left_out: AtomicU64,
}

impl Streaming for Explode {
    fn apply(
        &self,
        batch: Batch,
        _: Vec<Operand>,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let list = batch.columns[self.column].as_list::<i32>();
        let offsets = list.value_offsets();
        // Items of rows that are null stand between others, if there are some.
        let gaps = |row: &usize| list.is_null(*row) && offsets[*row] != offsets[row + 1];
        let has_gaps = list.null_count() > 0 && (0..batch.rows).any(|row| gaps(&row));
        let mut items = Items { first: offsets[0] as u32, ..Items::default() };
        let is_empty = |row: &usize| list.is_null(*row) || offsets[*row] == offsets[row + 1];
        self.left_out.fetch_add((0..batch.rows).filter(is_empty).count() as u64, Relaxed);
        for row in (0..batch.rows).filter(|&row| list.is_valid(row)) {
            let (mut item, end) = (offsets[row] as u32, offsets[row + 1] as u32);
            while item < end {
                let room = (BATCH_ROWS_MAX - items.rows.len()) as u32;
                let taken = room.min(end - item);
                items.rows.resize(items.rows.len() + taken as usize, row as u32);
                if has_gaps {
                    items.at.extend(item..item + taken);
                }
                item += taken;
                if items.rows.len() == BATCH_ROWS_MAX {
                    emit(self.exploded(&batch, list, &items))?;
                    items.rows.clear();
                    items.at.clear();
                    items.first = item;
                }
            }
        }
        if items.rows.is_empty() { Ok(()) } else { emit(self.exploded(&batch, list, &items)) }
    }

    fn left_out(&self) -> u64 {
        self.left_out.load(Relaxed)
    }

    fn begin_anew(&self) {
        self.left_out.store(0, Relaxed);
    }
}

/// Rows of a batch, and for each an item of its list.
#[derive(Default)]
struct Items {
    rows: Vec<u32>,
    /// Where the items are; they stand one after the other from the first on if this is empty.
    at: Vec<u32>,
    first: u32,
}

impl Items {
    fn take(&self, values: &ArrayRef) -> ArrayRef {
        if self.at.is_empty() {
            return values.slice(self.first as usize, self.rows.len());
        }
        take_rows(values, &self.at)
    }
}

impl Explode {
    /// Explodes the list in this column.
    pub fn new(column: usize) -> Explode {
        Explode { column, left_out: AtomicU64::new(0) }
    }

    fn exploded(&self, batch: &Batch, list: &ListArray, items: &Items) -> Batch {
        // The list itself is not repeated.
        let mut others = batch.clone();
        let list_column = others.columns.remove(self.column);
        drop(list_column);
        let mut exploded = take_batch(&others, &items.rows);
        exploded.columns.insert(self.column, items.take(list.values()));
        exploded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::operators::testing::{
        Values, batch_of, batches_of, rows_of, shown, stream, table,
    };
    use crate::types::{DataType, Scalar, Type};

    fn check(types: &[Type], rows: &[Values], batches: &[Batch]) -> Vec<Batch> {
        let exploded = stream(&Explode::new(1), batches, &[]);
        let mut expected = vec![];
        for row in rows {
            let Scalar::List(items) = &row[1] else { continue };
            expected.extend(items.iter().map(|item| vec![row[0].clone(), item.clone()]));
        }
        let DataType::List(item) = &types[1].data else { panic!("it is a list") };
        let types = [types[0].clone(), (**item).clone()];
        assert_eq!(shown(&types, &rows_of(&types, &exploded)), shown(&types, &expected));
        exploded
    }

    #[test]
    fn each_item_becomes_a_row() {
        let list = DataType::List(Box::new(DataType::String.optional()));
        let types = [DataType::String.optional(), list.optional()];
        let rows = table(3, &types, 500, 30);
        check(&types, &rows, &batches_of(&types, &rows, 90));
        let slices: Vec<Batch> = batches_of(&types, &rows, 90)
            .iter()
            .map(|batch| crate::exec::gather::slice_batch(batch, 3, 20))
            .collect();
        let kept: Vec<Values> =
            rows.chunks(90).flat_map(|rows| rows[3..23].iter().cloned()).collect();
        check(&types, &kept, &slices);
    }

    #[test]
    fn long_lists_are_split_and_keep_their_position() {
        let types = [DataType::Int, DataType::List(Box::new(DataType::Int.required()))]
            .map(DataType::required);
        let list = |n: i64| Scalar::List((0..n).map(Scalar::Int).collect());
        let rows = vec![
            vec![Scalar::Int(1), list(10)],
            vec![Scalar::Int(2), list(150_000)],
            vec![Scalar::Int(3), list(10)],
        ];
        let exploded = check(&types, &rows, &[batch_of(&types, &rows, 4)]);
        assert_eq!(exploded.iter().map(|b| b.rows).collect::<Vec<_>>(), [65536, 65536, 18948]);
        assert_eq!(exploded[0].positions.at(9), 4 << 32);
        assert_eq!(exploded[1].positions.at(9), (4 << 32) + 1);
    }
}
