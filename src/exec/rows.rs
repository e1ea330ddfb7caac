//! Leaving rows out of batches, and letting go of memory that only the left-out rows needed.
//!
//! Which rows are left out is decided elsewhere.

use crate::data::{Batch, Positions};
use crate::functions::kernel::{Failure, Operand};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, NullArray, StructArray, UInt32Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType as ArrowType;
use arrow_select::filter::{FilterBuilder, FilterPredicate};
use arrow_select::take::take;
use std::collections::HashMap;
use std::sync::Arc;

/// A column that nobody reads.
pub fn hollow(rows: usize) -> ArrayRef {
    Arc::new(NullArray::new(rows))
}

/// The rows that none of the failures names; they may name a row more than once, in any order.
pub fn without_failed<'a>(
    rows: usize,
    failures: impl IntoIterator<Item = &'a Failure>,
) -> BooleanBuffer {
    let mut keep = vec![true; rows];
    for failure in failures {
        keep[failure.row as usize] = false;
    }
    BooleanBuffer::from(keep)
}

/// The rows of the batch that are set in `keep`, and the same of the values that go with it.
pub fn filter_rows(batch: &Batch, values: &mut [Operand], keep: &BooleanBuffer) -> Batch {
    let kept = keep.count_set_bits();
    if kept == batch.rows {
        return batch.clone();
    }
    let mut filter = Filter::new(keep);
    let columns = batch.columns.iter().map(|column| filter.apply(column)).collect();
    for value in values.iter_mut().filter(|value| !value.constant) {
        value.array = filter.apply(&value.array);
    }
    let positions = keep.set_indices().map(|row| batch.positions.at(row)).collect();
    Batch { columns, rows: kept, positions: Positions::At(positions) }
}

/// Filters columns; one that comes again, as a value that is a column as it stands does, is not
/// filtered again.
struct Filter {
    predicate: FilterPredicate,
    done: HashMap<*const (), ArrayRef>,
}

impl Filter {
    fn new(keep: &BooleanBuffer) -> Filter {
        let keep = BooleanArray::new(keep.clone(), None);
        Filter { predicate: FilterBuilder::new(&keep).optimize().build(), done: HashMap::new() }
    }

    fn apply(&mut self, array: &ArrayRef) -> ArrayRef {
        let filter = || self.predicate.filter(array).expect("the bitmap has the column's length");
        self.done.entry(Arc::as_ptr(array).cast()).or_insert_with(filter).clone()
    }
}

/// Memory below this is not worth a copy.
const WASTE_MIN: usize = 16 * 1024;

/// The batch without memory that its rows do not need, where that is more than half: a text of
/// twenty bytes keeps the whole chunk of the file that it was read from. For what is held on to.
pub fn compact(batch: &Batch) -> Batch {
    batch.with_columns(batch.columns.iter().map(compact_array).collect())
}

fn is_waste(used: usize, held: usize) -> bool {
    held > WASTE_MIN && used < held / 2
}

fn compact_array(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        ArrowType::Utf8View => {
            let texts = array.as_string_view();
            let buffers = texts.data_buffers().iter().map(|buffer| buffer.capacity());
            let held: usize = buffers.chain([texts.views().inner().capacity()]).sum();
            // Texts of up to twelve bytes stand in the views, of 16 bytes each.
            let lengths = texts.views().iter().map(|&view| view as u32 as usize);
            let used: usize = lengths.map(|length| 16 + if length > 12 { length } else { 0 }).sum();
            if is_waste(used, held) { Arc::new(texts.gc()) } else { array.clone() }
        }
        ArrowType::Struct(_) => {
            let (fields, columns, nulls) = array.as_struct().clone().into_parts();
            let columns = columns.iter().map(compact_array).collect();
            let record = StructArray::try_new_with_length(fields, columns, nulls, array.len());
            Arc::new(record.expect("the columns keep type and length"))
        }
        ArrowType::List(_) => {
            let list = array.as_list::<i32>();
            let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
            let list = if is_waste((last - first) as usize * 8, list.values().len() * 8) {
                copy(array).as_list().clone()
            } else {
                list.clone()
            };
            let (field, offsets, items, nulls) = list.into_parts();
            Arc::new(ListArray::new(field, offsets, compact_array(&items), nulls))
        }
        _ => {
            let data = array.to_data();
            let used = data.get_slice_memory_size().unwrap_or(usize::MAX);
            if is_waste(used, data.get_buffer_memory_size()) { copy(array) } else { array.clone() }
        }
    }
}

fn copy(array: &ArrayRef) -> ArrayRef {
    let all: UInt32Array = (0..array.len() as u32).collect();
    take(array, &all, None).expect("all rows are in the column")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{array_of, scalar_at};
    use crate::types::{DataType, Scalar};

    fn texts(rows: usize) -> (DataType, ArrayRef) {
        let text = |row| Scalar::String(format!("a text of more than twelve bytes {row}").into());
        let values: Vec<Scalar> = (0..rows).map(text).collect();
        (DataType::String, array_of(&DataType::String, &values))
    }

    fn failure(row: u32) -> Failure {
        Failure { row, site: 0, reason: String::new() }
    }

    #[test]
    fn failed_rows_are_left_out_everywhere() {
        let (ty, column) = texts(4);
        let batch = Batch::new(vec![column.clone()], 4, 1);
        let one = array_of(&DataType::Int, &[Scalar::Int(1)]);
        let mut values = vec![Operand::column(column), Operand::constant(one)];
        let keep = without_failed(4, &[failure(2), failure(0), failure(2)]);
        let batch = filter_rows(&batch, &mut values, &keep);
        assert_eq!((batch.rows, batch.positions.at(0)), (2, (1 << 32) + 1));
        assert_eq!(batch.positions.at(1), (1 << 32) + 3);
        assert!(Arc::ptr_eq(&batch.columns[0], &values[0].array));
        assert_eq!(values[1].array.len(), 1);
        assert_eq!(
            scalar_at(&batch.columns[0], &ty, 1),
            Scalar::String("a text of more than twelve bytes 3".into())
        );
    }

    #[test]
    fn a_compact_batch_has_the_same_rows_in_less_memory() {
        let (ty, column) = texts(10_000);
        let numbers = array_of(&DataType::Int, &vec![Scalar::Int(7); 10_000]);
        let batch = Batch::new(vec![column.slice(5000, 10), numbers.slice(0, 10)], 10, 0);
        let small = compact(&batch);
        for (before, after) in batch.columns.iter().zip(&small.columns) {
            assert_eq!(before, after);
            assert!(after.get_buffer_memory_size() < 4096);
        }
        assert_eq!(scalar_at(&small.columns[0], &ty, 0), scalar_at(&column, &ty, 5000));
    }
}
