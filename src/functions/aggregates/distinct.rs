//! `count_distinct`, `distinct_rate` and `mode`: aggregates that must know which values a group
//! has. Those of numbers are counted in [`super::distinct_numbers`].

use super::distinct_numbers::numbers;
use super::grouped::{for_each_value, same_kind, save_each};
use super::saved::Saved;
use crate::data::{Positions, array_of, scalar_at};
use crate::functions::columns::data;
use crate::functions::kernel::{
    Accumulator, Call, KernelContext, LiteralError, NewAccumulator, Operand,
};
use crate::functions::order::write_key;
use crate::types::{DataType, Scalar};
use arrow_array::{ArrayRef, Float64Array, Int64Array, LargeBinaryArray};
use hashbrown::HashTable;
use std::any::Any;
use std::cmp::Reverse;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

#[derive(Clone, Copy, PartialEq)]
enum Finish {
    Count,
    Rate,
    Mode,
}

/// The values of all groups, each once a group, in the order in which they came.
struct Distinct {
    ty: DataType,
    finish: Finish,
    table: HashTable<u32>,
    entries: Vec<Entry>,
    /// The keys of the entries, end to end.
    keys: Vec<u8>,
    /// The values of the entries; only of a mode.
    values: Vec<Scalar>,
    key: Vec<u8>,
}

struct Entry {
    hash: u64,
    key: std::ops::Range<usize>,
    group: u32,
    /// How often the value came.
    count: u64,
}

impl Distinct {
    fn new(ty: DataType, finish: Finish) -> Distinct {
        Distinct {
            ty,
            finish,
            table: HashTable::new(),
            entries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            key: Vec::new(),
        }
    }

    /// Counts a key of a group; is it new?
    fn note(&mut self, group: u32, key: &[u8], count: u64) -> bool {
        let hash = xxh3_64_with_seed(key, u64::from(group));
        let (entries, keys) = (&mut self.entries, &mut self.keys);
        let same = |&at: &u32| {
            let entry = &entries[at as usize];
            entry.hash == hash && entry.group == group && &keys[entry.key.clone()] == key
        };
        if let Some(&at) = self.table.find(hash, same) {
            entries[at as usize].count += count;
            return false;
        }
        let start = keys.len();
        keys.extend_from_slice(key);
        let at = u32::try_from(entries.len()).expect("fewer than 2^32 distinct values");
        entries.push(Entry { hash, key: start..keys.len(), group, count });
        self.table.insert_unique(hash, at, |&at| entries[at as usize].hash);
        true
    }

    fn modes(&self, count: usize) -> ArrayRef {
        let mut best: Vec<Option<usize>> = vec![None; count];
        let rank = |at: usize| {
            let entry = &self.entries[at];
            // The most frequent; of equally frequent ones the smallest.
            (entry.count, Reverse(&self.keys[entry.key.clone()]))
        };
        for (at, entry) in self.entries.iter().enumerate() {
            let best = &mut best[entry.group as usize];
            if best.is_none_or(|best| rank(at) > rank(best)) {
                *best = Some(at);
            }
        }
        let values: Vec<Scalar> = best
            .into_iter()
            .map(|best| best.map_or(Scalar::Null, |at| self.values[at].clone()))
            .collect();
        array_of(&self.ty, &values)
    }
}

impl Accumulator for Distinct {
    fn update(&mut self, groups: &[u32], _: usize, arguments: &[Operand], _: &Positions) {
        let argument = &arguments[0];
        let mut key = std::mem::take(&mut self.key);
        for_each_value(groups.len(), arguments, |row| {
            let at = argument.index(row);
            key.clear();
            write_key(&mut key, &self.ty, &argument.array, at);
            if self.note(groups[row], &key, 1) && self.finish == Finish::Mode {
                self.values.push(scalar_at(&argument.array, &self.ty, at));
            }
        });
        self.key = key;
    }

    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], _: usize) {
        let other = same_kind::<Distinct>(other);
        let mut values = std::mem::take(&mut other.values).into_iter();
        for entry in &other.entries {
            let group = groups[entry.group as usize];
            let new = self.note(group, &other.keys[entry.key.clone()], entry.count);
            let value = values.next();
            if new {
                self.values.extend(value);
            }
        }
        *other = Distinct::new(other.ty.clone(), other.finish);
    }

    fn save(&mut self, count: usize) -> LargeBinaryArray {
        let mut states: Vec<Vec<(Vec<u8>, (u64, Option<Scalar>))>> = vec![vec![]; count];
        let mut values = std::mem::take(&mut self.values).into_iter();
        for entry in &self.entries {
            let key = self.keys[entry.key.clone()].to_vec();
            states[entry.group as usize].push((key, (entry.count, values.next())));
        }
        *self = Distinct::new(self.ty.clone(), self.finish);
        save_each(states.into_iter())
    }

    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], _: usize) {
        for (&group, mut bytes) in groups.iter().zip(saved.iter().flatten()) {
            for (key, (count, value)) in <Vec<(Vec<u8>, (u64, Option<Scalar>))>>::load(&mut bytes) {
                if self.note(group, &key, count) {
                    self.values.extend(value);
                }
            }
        }
    }

    fn finish(&mut self, count: usize, _: &mut KernelContext) -> ArrayRef {
        let result: ArrayRef = if self.finish == Finish::Mode {
            self.modes(count)
        } else {
            let (mut distinct, mut rows) = (vec![0i64; count], vec![0u64; count]);
            for entry in &self.entries {
                distinct[entry.group as usize] += 1;
                rows[entry.group as usize] += entry.count;
            }
            if self.finish == Finish::Count {
                Arc::new(Int64Array::from(distinct))
            } else {
                let rate = |(distinct, rows): (i64, u64)| {
                    (rows > 0).then(|| distinct as f64 / rows as f64)
                };
                Arc::new(distinct.into_iter().zip(rows).map(rate).collect::<Float64Array>())
            }
        };
        *self = Distinct::new(self.ty.clone(), self.finish);
        result
    }

    fn bytes(&self) -> usize {
        self.table.capacity() * size_of::<u32>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.keys.capacity()
            + self.values.capacity() * size_of::<Scalar>()
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn distinct(call: &Call, finish: Finish) -> Result<NewAccumulator, LiteralError> {
    let ty = data(call, 0).clone();
    if finish != Finish::Mode
        && let Some(new) = numbers(&ty, finish == Finish::Rate)
    {
        return Ok(new);
    }
    Ok(Box::new(move || Box::new(Distinct::new(ty.clone(), finish))))
}

/// `count_distinct(x)`
pub(super) fn count_distinct(call: &Call) -> Result<NewAccumulator, LiteralError> {
    distinct(call, Finish::Count)
}

/// `distinct_rate(x)`
pub(super) fn distinct_rate(call: &Call) -> Result<NewAccumulator, LiteralError> {
    distinct(call, Finish::Rate)
}

/// `mode(x)`
pub(super) fn mode(call: &Call) -> Result<NewAccumulator, LiteralError> {
    distinct(call, Finish::Mode)
}
