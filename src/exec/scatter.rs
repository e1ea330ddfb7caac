//! Rows scattered into parts by the hash of their key, so that each part can be worked on by
//! itself, by one thread and within the caches.

use super::gather::{expand, gather_column};
use super::keys::{KeyColumns, KeyLayout, Packed};
use super::table::part_of;
use crate::functions::kernel::Operand;
use arrow_array::{Array, ArrayRef};
use std::ops::Range;

/// The values of some batches, whose lengths are given.
pub type Inputs<'i> = &'i [(&'i [Operand], usize)];

/// Rows of some batches in the order of their parts; those of one part in the order of the input.
pub struct ScatteredRows {
    /// The batch and the row that each came from.
    pub from: Vec<(usize, usize)>,
    /// Where each part begins, and the end.
    pub starts: Vec<usize>,
}

impl ScatteredRows {
    /// The rows of a part.
    pub fn part(&self, part: usize) -> Range<usize> {
        self.starts[part]..self.starts[part + 1]
    }
}

/// Such rows with their values.
pub struct Scattered {
    /// Where they came from, and their parts.
    pub rows: ScatteredRows,
    /// The values that were scattered.
    pub values: Vec<ArrayRef>,
}

impl Scattered {
    /// The values of a part.
    pub fn values_of(&self, part: usize) -> Vec<Operand> {
        let rows = self.rows.part(part);
        let slice = |array: &ArrayRef| Operand::column(array.slice(rows.start, rows.len()));
        self.values.iter().map(slice).collect()
    }
}

/// Scatters the values of some batches, see [`scatter_rows`].
pub fn scatter(layout: &KeyLayout, inputs: Inputs, bits: u32) -> Scattered {
    let rows = scatter_rows(layout, inputs, bits);
    Scattered { values: gather(inputs, &rows.from), rows }
}

/// Scatters the rows of some batches by the hash of the first of their values, which are the keys.
/// Rows with a null key are left out if the layout has no place for nulls.
pub fn scatter_rows(layout: &KeyLayout, inputs: Inputs, bits: u32) -> ScatteredRows {
    let parts: Vec<Vec<u16>> =
        inputs.iter().map(|(values, rows)| parts_of_rows(layout, values, *rows, bits)).collect();
    let mut starts = vec![0; (1 << bits) + 1];
    for part in parts.iter().flatten().filter(|&&part| part != LEFT_OUT) {
        starts[*part as usize + 1] += 1;
    }
    for part in 0..1 << bits {
        starts[part + 1] += starts[part];
    }
    let mut next = starts.clone();
    let mut from = vec![(0, 0); starts[1 << bits]];
    for (input, parts) in parts.iter().enumerate() {
        for (row, &part) in parts.iter().enumerate() {
            if part != LEFT_OUT {
                from[next[part as usize]] = (input, row);
                next[part as usize] += 1;
            }
        }
    }
    ScatteredRows { from, starts }
}

/// The values of these rows.
pub fn gather(inputs: Inputs, rows: &[(usize, usize)]) -> Vec<ArrayRef> {
    let columns = inputs.first().map_or(0, |(values, _)| values.len());
    let column = |column: usize| {
        let pieces: Vec<ArrayRef> =
            inputs.iter().map(|(values, rows)| expand(&values[column], *rows)).collect();
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        gather_column(&pieces, rows)
    };
    (0..columns).map(column).collect()
}

/// The part of a row that belongs to none; there are at most 2^12 parts.
const LEFT_OUT: u16 = u16::MAX;

fn parts_of_rows(layout: &KeyLayout, values: &[Operand], rows: usize, bits: u32) -> Vec<u16> {
    let mut parts = Vec::with_capacity(rows);
    each_hash(layout, &values[..layout.columns()], rows, &mut |_, hash| {
        parts.push(hash.map_or(LEFT_OUT, |hash| part_of(hash, bits) as u16));
    });
    parts
}

/// Gives each row with the hash of its keys; none if one is null that the layout has no place for.
pub fn each_hash(
    layout: &KeyLayout,
    keys: &[Operand],
    rows: usize,
    give: &mut impl FnMut(usize, Option<u64>),
) {
    let mut packed = Packed::default();
    let mut columns = KeyColumns::new(layout, keys, rows);
    columns.pack(0..rows, &mut packed);
    let nulls = columns.nulls_without_place();
    for (row, &hash) in packed.hashes.iter().enumerate() {
        let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        give(row, (!is_null).then_some(hash));
    }
}
