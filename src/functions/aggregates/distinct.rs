//! `count_distinct`, `distinct_rate` and `mode`: aggregates that must know which values a group
//! has. Those of numbers are counted in [`super::distinct_numbers`].

use super::distinct_numbers::numbers;
use super::grouped::{for_each_value, same_kind, save_each};
use super::saved::Saved;
use super::seen::{KEYS_TOGETHER, SeenKeys};
use crate::data::{Positions, array_of, scalar_at};
use crate::functions::columns::data;
use crate::functions::kernel::{
    Accumulator, Call, KernelContext, LiteralError, NewAccumulator, Operand,
};
use crate::functions::order::write_key;
use crate::types::{DataType, Scalar};
use arrow_array::{ArrayRef, Float64Array, Int64Array, LargeBinaryArray};
use std::any::Any;
use std::cmp::Reverse;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq)]
enum Finish {
    Count,
    Rate,
    Mode,
}

/// What is known of the values of all groups.
struct Distinct {
    ty: DataType,
    finish: Finish,
    seen: SeenKeys,
    /// The values, by the number of their key; only of a mode.
    values: Vec<Scalar>,
}

impl Distinct {
    fn new(ty: DataType, finish: Finish) -> Distinct {
        Distinct { ty, finish, seen: SeenKeys::default(), values: Vec::new() }
    }

    fn modes(&self, count: usize) -> ArrayRef {
        let mut best: Vec<Option<usize>> = vec![None; count];
        let rank = |at: usize| {
            // The most frequent; of equally frequent ones the smallest.
            (self.seen.times(at), Reverse(self.seen.key(at)))
        };
        for at in 0..self.seen.len() {
            let best = &mut best[self.seen.group(at) as usize];
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
        let mut rows = vec![];
        for_each_value(groups.len(), arguments, |row| rows.push(row));
        for rows in rows.chunks(KEYS_TOGETHER) {
            for &row in rows {
                self.seen.ask(groups[row], 1, |key| {
                    write_key(key, &self.ty, &argument.array, argument.index(row));
                });
            }
            self.seen.answer(|at| {
                if self.finish == Finish::Mode {
                    let at = argument.index(rows[at]);
                    self.values.push(scalar_at(&argument.array, &self.ty, at));
                }
            });
        }
    }

    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], _: usize) {
        let other = same_kind::<Distinct>(other);
        let numbers: Vec<usize> = (0..other.seen.len()).collect();
        for numbers in numbers.chunks(KEYS_TOGETHER) {
            for &number in numbers {
                let group = groups[other.seen.group(number) as usize];
                let key = other.seen.key(number);
                self.seen.ask(group, other.seen.times(number), |to| to.extend_from_slice(key));
            }
            self.seen.answer(|at| self.values.extend(other.values.get(numbers[at]).cloned()));
        }
        *other = Distinct::new(other.ty.clone(), other.finish);
    }

    fn save(&mut self, count: usize) -> LargeBinaryArray {
        let mut states: Vec<Vec<(Vec<u8>, (u64, Option<Scalar>))>> = vec![vec![]; count];
        let mut values = std::mem::take(&mut self.values).into_iter();
        for number in 0..self.seen.len() {
            let key = self.seen.key(number).to_vec();
            let state = (key, (self.seen.times(number), values.next()));
            states[self.seen.group(number) as usize].push(state);
        }
        *self = Distinct::new(self.ty.clone(), self.finish);
        save_each(states.into_iter())
    }

    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], _: usize) {
        for (&group, mut bytes) in groups.iter().zip(saved.iter().flatten()) {
            let keys = <Vec<(Vec<u8>, (u64, Option<Scalar>))>>::load(&mut bytes);
            for keys in keys.chunks(KEYS_TOGETHER) {
                for (key, (times, _)) in keys {
                    self.seen.ask(group, *times, |to| to.extend_from_slice(key));
                }
                self.seen.answer(|at| self.values.extend(keys[at].1.1.clone()));
            }
        }
    }

    fn finish(&mut self, count: usize, _: &mut KernelContext) -> ArrayRef {
        let result: ArrayRef = if self.finish == Finish::Mode {
            self.modes(count)
        } else {
            let (mut distinct, mut rows) = (vec![0i64; count], vec![0u64; count]);
            for number in 0..self.seen.len() {
                let group = self.seen.group(number) as usize;
                distinct[group] += 1;
                rows[group] += self.seen.times(number);
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
        self.seen.bytes() + self.values.capacity() * size_of::<Scalar>()
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
