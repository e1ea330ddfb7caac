//! Rows from many batches into new ones, and what it takes to hold batches for long: memory that
//! is counted, and not pinned by a few short texts.
//!
//! A row of a collection is named by a [`RowRef`]. Which rows are wanted in which order is the
//! operators' business.

use crate::data::prefetch::prefetch;
use crate::data::{Batch, Positions};
use crate::functions::kernel::Operand;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ListArray, StructArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::DataType as ArrowType;
use arrow_select::concat::concat;
use arrow_select::interleave::interleave;
use arrow_select::take::take;
use rayon::prelude::*;
use std::sync::Arc;

/// The most rows that a batch has.
pub const BATCH_ROWS_MAX: usize = 1 << 16;

/// A row of a list of batches: `batch << 32 | row`.
pub type RowRef = u64;

/// Names a row.
pub fn row_ref(batch: usize, row: usize) -> RowRef {
    (batch as u64) << 32 | row as u64
}

/// Which batch, and which row of it.
pub fn batch_and_row(at: RowRef) -> (usize, usize) {
    ((at >> 32) as usize, at as u32 as usize)
}

/// The numbers of an `int`, `datetime`, `timestamp` or `duration` column.
pub fn i64_values(array: &ArrayRef) -> &ScalarBuffer<i64> {
    match array.data_type() {
        ArrowType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().values(),
        ArrowType::Duration(_) => array.as_primitive::<DurationMicrosecondType>().values(),
        _ => array.as_primitive::<Int64Type>().values(),
    }
}

/// The numbers of a `date` or enum column.
pub fn i32_values(array: &ArrayRef) -> &ScalarBuffer<i32> {
    match array.data_type() {
        ArrowType::Date32 => array.as_primitive::<Date32Type>().values(),
        _ => array.as_primitive::<Int32Type>().values(),
    }
}

/// The operand as a column of `rows` rows.
pub fn expand(operand: &Operand, rows: usize) -> ArrayRef {
    if operand.constant {
        return take_rows(&operand.array, &vec![0; rows]);
    }
    debug_assert_eq!(operand.array.len(), rows);
    operand.array.clone()
}

/// The rows at `rows` of a column.
pub fn take_rows(array: &ArrayRef, rows: &[u32]) -> ArrayRef {
    let rows = UInt32Array::from(rows.to_vec());
    take(array, &rows, None).expect("rows are inside of the column")
}

/// Rows that are null where they say `none`.
pub fn optional_rows(rows: &[u32], none: u32) -> UInt32Array {
    let nulls = rows
        .contains(&none)
        .then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), |at| rows[at] != none)));
    UInt32Array::new(rows.to_vec().into(), nulls)
}

/// The rows at `rows` of a column, null where there is none.
pub fn take_optional(array: &ArrayRef, rows: &UInt32Array) -> ArrayRef {
    take(array, rows, None).expect("rows are inside of the column")
}

/// The rows at `rows` of a batch, in that order.
pub fn take_batch(batch: &Batch, rows: &[u32]) -> Batch {
    let indices = UInt32Array::from(rows.to_vec());
    let column =
        |array: &ArrayRef| take(array, &indices, None).expect("rows are inside of the batch");
    let columns = batch.columns.iter().map(column).collect();
    Batch { columns, rows: rows.len(), positions: batch.positions.take(rows) }
}

/// The positions of `count` ascending rows, which stay a range when they are neighbours.
pub fn take_positions(
    positions: &Positions,
    rows: impl Iterator<Item = usize>,
    count: usize,
) -> Positions {
    let mut at = Vec::with_capacity(count);
    at.extend(rows.map(|row| positions.at(row)));
    match (&at[..], positions) {
        ([first, .., last], Positions::Range(_)) if last - first == count as u64 - 1 => {
            Positions::Range(*first)
        }
        _ => Positions::At(at.into()),
    }
}

/// The rows `start..start + rows` of a batch, without a copy.
pub fn slice_batch(batch: &Batch, start: usize, rows: usize) -> Batch {
    let columns = batch.columns.iter().map(|column| column.slice(start, rows)).collect();
    let positions = match &batch.positions {
        Positions::Range(first) => Positions::Range(first + start as u64),
        Positions::At(at) => Positions::At(at[start..start + rows].into()),
    };
    Batch { columns, rows, positions }
}

/// More texts than this do not stay in the caches until they are read.
const AHEAD_MAX: usize = 4096;

/// The rows `at` of one column whose pieces are `pieces`. Few texts are then in the caches, for who
/// copies them next.
pub fn gather_column(pieces: &[&dyn Array], at: &[(usize, usize)]) -> ArrayRef {
    let gather = || interleave(pieces, at).expect("rows are inside of their batches");
    let are_texts = pieces.first().is_some_and(|piece| *piece.data_type() == ArrowType::Utf8View);
    if !are_texts || at.len() > AHEAD_MAX {
        return gather();
    }
    for &(piece, row) in at {
        prefetch(&pieces[piece].as_string_view().views()[row]);
    }
    let gathered = gather();
    let texts = gathered.as_string_view();
    for view in texts.views().iter().map(|view| ByteView::from(*view)) {
        if view.length > MAX_INLINE_VIEW_LEN {
            let buffer = &texts.data_buffers()[view.buffer_index as usize];
            prefetch(&buffer[view.offset as usize]);
        }
    }
    gathered
}

/// The rows of `batches` in `order`, as batches whose positions count through the whole result.
pub fn gather_batches(batches: &[Batch], order: &[RowRef]) -> Vec<Batch> {
    let Some(first) = batches.first() else { return vec![] };
    let pieces: Vec<Vec<&dyn Array>> = (0..first.columns.len())
        .map(|column| batches.iter().map(|batch| &*batch.columns[column]).collect())
        .collect();
    order
        .par_chunks(BATCH_ROWS_MAX)
        .enumerate()
        .map(|(morsel, rows)| {
            let at: Vec<(usize, usize)> = rows.iter().map(|&row| batch_and_row(row)).collect();
            let columns = pieces.iter().map(|pieces| gather_column(pieces, &at)).collect();
            Batch::new(columns, rows.len(), morsel as u64)
        })
        .collect()
}

/// The columns of the batches, each as one, with its texts copied into few buffers.
pub fn concat_compact(batches: Vec<Batch>) -> Vec<ArrayRef> {
    let columns = batches.first().map_or(0, |batch| batch.columns.len());
    (0..columns)
        .into_par_iter()
        .map(|column| {
            let pieces: Vec<&dyn Array> = batches.iter().map(|b| &*b.columns[column]).collect();
            copy_texts(&concat(&pieces).expect("batches of one table have the same columns"))
        })
        .collect()
}

/// How much more memory than its texts need a batch may keep alive before they are copied.
const PINNED_FACTOR: usize = 2;

/// The same columns, with texts copied out of buffers that are mostly not theirs: a text of 20
/// bytes would otherwise keep the whole piece of the file alive that it was read from.
pub fn compact(columns: &[ArrayRef]) -> Vec<ArrayRef> {
    compact_beyond(columns, |memory| memory.used)
}

/// The same where rows are held as they are: what is not text counts too.
pub fn compact_rows(columns: &[ArrayRef]) -> Vec<ArrayRef> {
    compact_beyond(columns, |memory| memory.used + memory.fixed)
}

fn compact_beyond(columns: &[ArrayRef], needed: impl Fn(&Memory) -> usize) -> Vec<ArrayRef> {
    let mut memory = Memory::default();
    columns.iter().for_each(|column| memory.add(column));
    if memory.pinned <= needed(&memory) * PINNED_FACTOR {
        return columns.to_vec();
    }
    columns.iter().map(copy_texts).collect()
}

/// About how much memory these columns keep alive, buffers that they share counted once.
pub fn bytes_of(columns: &[ArrayRef]) -> usize {
    let mut memory = Memory::default();
    columns.iter().for_each(|column| memory.add(column));
    memory.fixed + memory.pinned
}

#[derive(Default)]
struct Memory {
    /// Values, offsets and nulls.
    fixed: usize,
    /// Long texts.
    used: usize,
    /// The buffers in which they are.
    pinned: usize,
    seen: Vec<*const u8>,
}

impl Memory {
    fn add(&mut self, array: &ArrayRef) {
        self.fixed += array.nulls().map_or(0, |nulls| nulls.len() / 8);
        match array.data_type() {
            ArrowType::Utf8View => {
                let texts = array.as_string_view();
                self.fixed += texts.len() * 16;
                self.used += texts.total_buffer_bytes_used();
                for buffer in texts.data_buffers().iter() {
                    // Buffers are few: those of one or two pieces of a file, or of one column.
                    if !self.seen.contains(&buffer.as_ptr()) {
                        self.seen.push(buffer.as_ptr());
                        self.pinned += buffer.len();
                    }
                }
            }
            ArrowType::List(_) => {
                self.fixed += array.len() * 4;
                let list = array.as_list::<i32>();
                let (start, end) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
                self.add(&list.values().slice(start as usize, (end - start) as usize));
            }
            ArrowType::Struct(_) => array.as_struct().columns().iter().for_each(|c| self.add(c)),
            ArrowType::Boolean => self.fixed += array.len() / 8,
            ty => self.fixed += array.len() * ty.primitive_width().unwrap_or(0),
        }
    }
}

fn copy_texts(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        ArrowType::Utf8View => Arc::new(array.as_string_view().gc()),
        ArrowType::List(_) => {
            let (field, offsets, items, nulls) = array.as_list::<i32>().clone().into_parts();
            Arc::new(ListArray::new(field, offsets, copy_texts(&items), nulls))
        }
        ArrowType::Struct(_) => {
            let (fields, columns, nulls) = array.as_struct().clone().into_parts();
            Arc::new(StructArray::new(fields, columns.iter().map(copy_texts).collect(), nulls))
        }
        _ => array.clone(),
    }
}
