//! Rows scattered into parts by the hash of their key, so that each part can be worked on by
//! itself, by one thread and within the caches.

use super::keys::{KeyColumns, KeyLayout, Packed, PackedRows};
use super::table::part_of;
use crate::functions::kernel::Operand;
use std::ops::Range;

/// Keys in the order of their parts; those of one part in the order of the input.
pub struct Scattered {
    /// The keys.
    pub keys: PackedRows,
    /// The numbers of their rows.
    pub rows: Vec<u32>,
    starts: Vec<usize>,
}

impl Scattered {
    /// Which of the keys are of a part.
    pub fn part(&self, part: usize) -> Range<usize> {
        self.starts[part]..self.starts[part + 1]
    }
}

/// The part of a row that belongs to none; there are at most 2^12 parts.
const LEFT_OUT: u16 = u16::MAX;

/// Scatters the keys of some batches, whose lengths are given and whose rows are numbered from
/// `first` on, into `1 << bits` parts. Rows with a null key are left out if the layout has no place
/// for nulls.
pub fn scatter(
    layout: &KeyLayout,
    batches: &[(&[Operand], usize)],
    first: u32,
    bits: u32,
) -> Scattered {
    let count = batches.iter().map(|(_, rows)| rows).sum();
    let mut keys = PackedRows::with_capacity(layout, count);
    let mut parts = Vec::with_capacity(count);
    let mut packed = Packed::default();
    for (values, rows) in batches {
        let mut columns = KeyColumns::new(layout, values, *rows);
        columns.pack(0..*rows, &mut packed);
        keys.append(&packed, &columns);
        let nulls = columns.nulls_without_place();
        parts.extend(packed.hashes.iter().enumerate().map(|(row, &hash)| {
            let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            if is_null { LEFT_OUT } else { part_of(hash, bits) as u16 }
        }));
    }
    let (starts, order) = by_part(&parts, 1 << bits);
    let mut scattered = PackedRows::with_capacity(layout, order.len());
    order.iter().for_each(|&row| scattered.push(&keys, row as usize));
    let rows = order.iter().map(|row| first + row).collect();
    Scattered { keys: scattered, rows, starts }
}

/// Where the rows of each of `count` parts begin, and the end, in the order of the rows by their
/// parts.
pub fn by_part(parts: &[u16], count: usize) -> (Vec<usize>, Vec<u32>) {
    let is_in = |part: &&u16| **part != LEFT_OUT;
    let mut starts = vec![0; count + 1];
    for &part in parts.iter().filter(is_in) {
        starts[usize::from(part) + 1] += 1;
    }
    for part in 0..count {
        starts[part + 1] += starts[part];
    }
    let mut next = starts.clone();
    let mut order = vec![0; starts[count]];
    for (row, part) in parts.iter().enumerate().filter(|(_, part)| is_in(part)) {
        let place = &mut next[usize::from(*part)];
        order[*place] = row as u32;
        *place += 1;
    }
    (starts, order)
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
