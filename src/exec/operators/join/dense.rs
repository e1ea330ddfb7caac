//! Right rows by keys that are whole numbers close to each other, as ids mostly are: each number has
//! a place, so that nothing is hashed and no key is compared or kept.
//!
//! Where most places would be empty, as when a filter has left few of the ids, they are bits, and
//! those that are taken are numbered ([`Ranks`]).

use super::bounds::bounds;
use super::build::{Index, Keyed};
use super::ranks::{Marks, Ranks};
use crate::exec::gather::i64_values;
use crate::exec::table::NOT_FOUND;
use crate::functions::kernel::Operand;
use crate::types::{DataType, Type};
use arrow_array::Array;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// So many places there may be for each row: they then take no more than a hash table would.
const PLACES_PER_ROW_MAX: usize = 8;
/// The same of places that are bits.
const BITS_PER_ROW_MAX: usize = 64;
/// So many bits there may be for any number of rows.
const BITS_MAX: usize = 1 << 22;

/// Numbers from the least key on, or those of them that are taken.
pub(super) struct Dense {
    least: i64,
    places: usize,
    ranks: Option<Ranks>,
}

/// The keys of a batch, and the number of its first row.
type Keys<'k> = (&'k Operand, u32);

/// The rows of all batches by their keys, if these are few numbers close to each other; `rows` is how
/// many there are.
pub(super) fn keyed(types: &[Type], keys: &[Vec<Operand>], firsts: &[u32]) -> Option<Keyed> {
    // Null has no place among numbers.
    let [Type { data: DataType::Int, nullable: false }] = types else { return None };
    let keys: Vec<Keys> = keys.iter().map(|keys| &keys[0]).zip(firsts.iter().copied()).collect();
    // A constant stands for rows whose number it does not say.
    if keys.iter().any(|(key, _)| key.constant) {
        return None;
    }
    let rows: usize = keys.iter().map(|(key, _)| key.array.len() - key.array.null_count()).sum();
    let operands: Vec<&Operand> = keys.iter().map(|(key, _)| *key).collect();
    let (least, greatest) = bounds(&operands, &DataType::Int)?;
    let span = usize::try_from(greatest.checked_sub(least)?).ok()?;
    let dense = Dense { least, places: span + 1, ranks: None };
    if span < rows.saturating_mul(PLACES_PER_ROW_MAX) {
        return Some(dense.fill(&keys, rows));
    }
    let is_ranked = span < BITS_MAX.max(rows.saturating_mul(BITS_PER_ROW_MAX));
    is_ranked.then(|| dense.ranked(&keys).fill(&keys, rows))
}

/// All keys that are not null, with their rows.
fn for_each(key: &Operand, mut take: impl FnMut(usize, i64)) {
    let values = i64_values(&key.array);
    match key.array.nulls() {
        None => values.iter().enumerate().for_each(|(row, &key)| take(row, key)),
        Some(nulls) => nulls.valid_indices().for_each(|row| take(row, values[row])),
    }
}

impl Dense {
    /// How many numbers have a place.
    pub fn places(&self) -> usize {
        self.places
    }

    /// How much memory it holds.
    pub fn bytes(&self) -> usize {
        self.ranks.as_ref().map_or(0, Ranks::bytes)
    }

    fn distance(&self, key: i64) -> usize {
        // What is less than the least wraps to far behind the last place.
        key.wrapping_sub(self.least) as u64 as usize
    }

    /// The place of a key of the right side.
    fn place(&self, key: i64) -> usize {
        let distance = self.distance(key);
        match &self.ranks {
            None => distance,
            Some(ranks) => ranks.of(distance).expect("all keys are marked") as usize,
        }
    }

    /// The same with places for those numbers only that are keys.
    fn ranked(self, keys: &[Keys]) -> Dense {
        let marks = Marks::new(self.places);
        keys.par_iter().for_each(|(key, _)| {
            for_each(key, |_, key| marks.mark(self.distance(key)));
        });
        let (ranks, places) = Ranks::new(marks);
        Dense { ranks: Some(ranks), places, ..self }
    }

    fn fill(self, keys: &[Keys], rows: usize) -> Keyed {
        let of_place: Vec<AtomicU32> =
            (0..self.places).into_par_iter().map(|_| AtomicU32::new(NOT_FOUND)).collect();
        keys.par_iter().for_each(|(key, first)| {
            for_each(key, |row, key| of_place[self.place(key)].store(first + row as u32, Relaxed));
        });
        let taken = of_place.par_iter().filter(|row| row.load(Relaxed) != NOT_FOUND).count();
        if taken < rows {
            drop(of_place);
            return self.count(keys, rows);
        }
        let rows_of = of_place.into_iter().map(AtomicU32::into_inner).collect();
        Keyed {
            index: Index::Dense(self),
            starts: vec![],
            rows: rows_of,
            kept: rows,
            repeated: None,
        }
    }

    /// The same where some key comes twice: the rows of each in the order of the input.
    fn count(self, keys: &[Keys], rows: usize) -> Keyed {
        let mut starts = vec![0; self.places + 1];
        let mut repeated = None;
        for (key, first) in keys {
            for_each(key, |row, key| {
                let count = &mut starts[self.place(key) + 1];
                if *count == 1 && repeated.is_none() {
                    repeated = Some(first + row as u32);
                }
                *count += 1;
            });
        }
        for place in 0..self.places {
            starts[place + 1] += starts[place];
        }
        let mut next = starts.clone();
        let mut by_key = vec![0; rows];
        for (key, first) in keys {
            for_each(key, |row, key| {
                let next = &mut next[self.place(key)];
                by_key[*next as usize] = first + row as u32;
                *next += 1;
            });
        }
        Keyed { index: Index::Dense(self), starts, rows: by_key, kept: rows, repeated }
    }

    /// Puts the place of each key into `out` where there is a row, else [`NOT_FOUND`]; so for nulls,
    /// which are counted.
    pub fn find(
        &self,
        key: &Operand,
        rows: usize,
        is_taken: impl Fn(usize) -> bool,
        out: &mut Vec<u32>,
    ) -> usize {
        match &self.ranks {
            None => numbers(key, rows, out, |key| {
                let place = self.distance(key);
                if place < self.places && is_taken(place) { place as u32 } else { NOT_FOUND }
            }),
            Some(ranks) => {
                numbers(key, rows, out, |key| ranks.of(self.distance(key)).unwrap_or(NOT_FOUND))
            }
        }
    }
}

/// Puts the number of each key into `out`, and [`NOT_FOUND`] for nulls, which are counted.
fn numbers(key: &Operand, rows: usize, out: &mut Vec<u32>, number: impl Fn(i64) -> u32) -> usize {
    out.clear();
    let values = i64_values(&key.array);
    match key.constant {
        true => out.resize(rows, number(values[0])),
        false => out.extend(values.iter().map(|&key| number(key))),
    }
    let Some(nulls) = key.array.nulls() else { return 0 };
    for (row, number) in out.iter_mut().enumerate() {
        if nulls.is_null(key.index(row)) {
            *number = NOT_FOUND;
        }
    }
    if key.constant { nulls.null_count() * rows } else { nulls.null_count() }
}
