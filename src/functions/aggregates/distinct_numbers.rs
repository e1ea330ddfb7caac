//! `count_distinct` and `distinct_rate` of values that are numbers inside: each pair of a group and
//! a value once, in a table that holds them themselves. Values of other types are in
//! [`super::distinct`].

use super::grouped::{for_each_value, same_kind, save_each};
use super::saved::Saved;
use crate::data::Positions;
use crate::functions::columns::values;
use crate::functions::kernel::{Accumulator, KernelContext, NewAccumulator, Operand};
use crate::types::DataType;
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, Float64Array, Int64Array, LargeBinaryArray};
use hashbrown::HashTable;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// The distinct values of all groups.
struct Numbers<P> {
    is_rate: bool,
    pairs: HashTable<(i64, u32)>,
    /// How many distinct values, and how many values, each group has.
    counts: Vec<(i64, u64)>,
    kind: PhantomData<fn() -> P>,
}

/// The seed is fixed, since nothing may differ from run to run.
#[inline]
fn hash(value: i64, group: u32) -> u64 {
    const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
    let mixed = (value as u64) ^ u64::from(group).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let product = u128::from(mixed ^ FACTOR.rotate_left(17)) * u128::from(FACTOR);
    (product as u64) ^ ((product >> 64) as u64)
}

impl<P> Numbers<P> {
    fn new(is_rate: bool) -> Numbers<P> {
        Numbers { is_rate, pairs: HashTable::new(), counts: vec![], kind: PhantomData }
    }

    #[inline]
    fn note(&mut self, value: i64, group: u32) {
        let pair = (value, group);
        let entry =
            self.pairs.entry(hash(value, group), |held| *held == pair, |held| hash(held.0, held.1));
        if let hashbrown::hash_table::Entry::Vacant(free) = entry {
            free.insert(pair);
            self.counts[group as usize].0 += 1;
        }
    }

    fn grow(&mut self, count: usize) {
        if self.counts.len() < count {
            self.counts.resize(count, (0, 0));
        }
    }
}

impl<P: ArrowPrimitiveType> Accumulator for Numbers<P>
where
    P::Native: Into<i64>,
{
    fn update(&mut self, groups: &[u32], count: usize, arguments: &[Operand], _: &Positions) {
        self.grow(count);
        let numbers = values::<P>(&arguments[0]);
        for_each_value(groups.len(), &arguments[..1], |row| {
            let group = groups[row];
            self.counts[group as usize].1 += 1;
            self.note(numbers.at(row).into(), group);
        });
    }

    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], count: usize) {
        self.grow(count);
        let other = same_kind::<Self>(other);
        for (&(_, rows), &group) in other.counts.iter().zip(groups) {
            self.counts[group as usize].1 += rows;
        }
        // In whatever order: what is kept is a set.
        for (value, group) in std::mem::take(&mut other.pairs) {
            self.note(value, groups[group as usize]);
        }
        *other = Numbers::new(other.is_rate);
    }

    fn save(&mut self, count: usize) -> LargeBinaryArray {
        self.grow(count);
        let mut states: Vec<(u64, Vec<i64>)> =
            self.counts.iter().map(|&(_, rows)| (rows, vec![])).collect();
        for &(value, group) in &self.pairs {
            states[group as usize].1.push(value);
        }
        *self = Numbers::new(self.is_rate);
        save_each(states.into_iter())
    }

    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], count: usize) {
        self.grow(count);
        for (&group, mut bytes) in groups.iter().zip(saved.iter().flatten()) {
            let (rows, values) = <(u64, Vec<i64>)>::load(&mut bytes);
            self.counts[group as usize].1 += rows;
            values.into_iter().for_each(|value| self.note(value, group));
        }
    }

    fn finish(&mut self, count: usize, _: &mut KernelContext) -> ArrayRef {
        self.grow(count);
        let counts = std::mem::take(&mut self.counts);
        let result: ArrayRef = if self.is_rate {
            let rate =
                |(distinct, rows): (i64, u64)| (rows > 0).then(|| distinct as f64 / rows as f64);
            Arc::new(counts.into_iter().map(rate).collect::<Float64Array>())
        } else {
            Arc::new(counts.into_iter().map(|(distinct, _)| distinct).collect::<Int64Array>())
        };
        *self = Numbers::new(self.is_rate);
        result
    }

    fn bytes(&self) -> usize {
        self.pairs.capacity() * size_of::<(i64, u32)>()
            + self.counts.capacity() * size_of::<(i64, u64)>()
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// Makes accumulators for values of this type; none if they are not numbers inside.
pub(super) fn numbers(ty: &DataType, is_rate: bool) -> Option<NewAccumulator> {
    Some(match ty {
        DataType::Int => Box::new(move || Box::new(Numbers::<Int64Type>::new(is_rate))),
        DataType::Date => Box::new(move || Box::new(Numbers::<Date32Type>::new(is_rate))),
        DataType::Datetime | DataType::Timestamp => {
            Box::new(move || Box::new(Numbers::<TimestampMicrosecondType>::new(is_rate)))
        }
        DataType::Duration | DataType::Time => {
            Box::new(move || Box::new(Numbers::<DurationMicrosecondType>::new(is_rate)))
        }
        _ => return None,
    })
}
