//! `approx_count_distinct` and `approx_quantile`: aggregates that need little memory however many
//! rows a group has.
//!
//! What each knows of a group depends on the values alone, not on the order in which they came or
//! were merged: exactly what they are while they are few, then registers of a HyperLogLog, or a
//! histogram whose steps are a fixed share of the values. So the result is the same whatever the
//! threads.

use super::grouped::{Aggregate, for_each_value, grouped};
use super::quantiles::{interpolated, literal_share};
use super::saved::{Saved, saved_struct};
use crate::data::Positions;
use crate::functions::columns::{data, scale_of, texts, values};
use crate::functions::kernel::{Call, KernelContext, LiteralError, NewAccumulator, Operand};
use crate::functions::order::{compare_floats, float_key, write_key};
use crate::types::DataType;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use std::collections::BTreeMap;
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// So many different hashes are kept as they are, and counted exactly.
const HASHES_MAX: usize = 1024;

/// 2^14 registers: the standard error is 0.81 %.
const REGISTER_BITS: u32 = 14;
const REGISTERS: usize = 1 << REGISTER_BITS;

/// The hashes that a group has.
#[derive(Default)]
struct Hashes {
    /// While they are few; some may be there twice.
    few: Vec<u64>,
    /// Of each the greatest rank; empty while they are few.
    registers: Vec<u8>,
}
saved_struct!(Hashes { few, registers });

impl Hashes {
    fn insert(&mut self, hash: u64) {
        if !self.registers.is_empty() {
            return raise(&mut self.registers, hash);
        }
        if self.few.len() == 2 * HASHES_MAX {
            self.tidy();
            if !self.registers.is_empty() {
                return raise(&mut self.registers, hash);
            }
        }
        self.few.push(hash);
    }

    /// Each hash once; registers when they are too many.
    fn tidy(&mut self) {
        self.few.sort_unstable();
        self.few.dedup();
        if self.few.len() > HASHES_MAX {
            self.registers = vec![0; REGISTERS];
            for hash in std::mem::take(&mut self.few) {
                raise(&mut self.registers, hash);
            }
        }
    }

    fn merge(&mut self, mut other: Hashes) {
        if !other.registers.is_empty() && self.registers.is_empty() {
            std::mem::swap(self, &mut other);
        }
        for (own, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *own = (*own).max(*theirs);
        }
        other.few.into_iter().for_each(|hash| self.insert(hash));
    }

    fn count(&mut self) -> i64 {
        self.tidy();
        if self.registers.is_empty() { self.few.len() as i64 } else { estimate(&self.registers) }
    }
}

fn raise(registers: &mut [u8], hash: u64) {
    let at = (hash >> (64 - REGISTER_BITS)) as usize;
    // The rank is where the first 1 is among the other bits.
    let rank = (hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)).leading_zeros() as u8 + 1;
    registers[at] = registers[at].max(rank);
}

/// How many hashes have made the registers: the estimator of Otmar Ertl ("New cardinality estimation
/// algorithms for HyperLogLog sketches", 2017), which needs no tables and has no bias.
fn estimate(registers: &[u8]) -> i64 {
    const MOST: usize = 64 - REGISTER_BITS as usize + 1;
    let mut counts = [0u32; MOST + 1];
    registers.iter().for_each(|&rank| counts[usize::from(rank)] += 1);
    let all = REGISTERS as f64;
    let share = |rank: usize| f64::from(counts[rank]) / all;
    let mut sum = all * of_full(1.0 - share(MOST));
    for rank in (1..MOST).rev() {
        sum = 0.5 * (sum + f64::from(counts[rank]));
    }
    sum += all * of_empty(share(0));
    (0.5 / std::f64::consts::LN_2 * all * all / sum).round() as i64
}

/// What registers add that cannot count further.
fn of_full(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        y *= 0.5;
        let before = sum;
        sum -= (1.0 - x).powi(2) * y;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// What registers add that have counted nothing.
fn of_empty(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if sum == before {
            return sum;
        }
    }
}

#[derive(Clone)]
struct CountDistinct {
    ty: DataType,
    heap: usize,
}

impl CountDistinct {
    fn insert(&mut self, state: &mut Hashes, hash: u64) {
        let before = bytes_of(state);
        state.insert(hash);
        self.heap += bytes_of(state);
        self.heap = self.heap.saturating_sub(before);
    }
}

fn bytes_of(state: &Hashes) -> usize {
    state.few.capacity() * size_of::<u64>() + state.registers.capacity()
}

impl Aggregate for CountDistinct {
    type State = Hashes;

    fn update(&mut self, states: &mut [Hashes], groups: &[u32], args: &[Operand], _: &Positions) {
        let argument = &args[0];
        let ty = self.ty.clone();
        let mut insert = |row: usize, hash| self.insert(&mut states[groups[row] as usize], hash);
        match ty {
            DataType::String => {
                let all = texts(argument);
                for_each_value(groups.len(), &args[..1], |row| {
                    insert(row, XxHash3_64::oneshot(all.at(row).as_bytes()));
                });
            }
            DataType::Int => {
                let all = values::<Int64Type>(argument);
                for_each_value(groups.len(), &args[..1], |row| {
                    insert(row, XxHash3_64::oneshot(&all.at(row).to_le_bytes()));
                });
            }
            ty => {
                let mut key = vec![];
                for_each_value(groups.len(), &args[..1], |row| {
                    key.clear();
                    write_key(&mut key, &ty, &argument.array, argument.index(row));
                    insert(row, XxHash3_64::oneshot(&key));
                });
            }
        }
    }

    fn adopt(&mut self, other: &mut Self) {
        self.heap += other.heap;
    }

    fn loaded(&mut self, bytes: usize) {
        self.heap += bytes;
    }

    fn merge(&mut self, into: &mut Hashes, from: Hashes) {
        into.merge(from);
    }

    fn finish(&mut self, mut states: Vec<Hashes>, _: &mut KernelContext) -> ArrayRef {
        Arc::new(states.iter_mut().map(|state| Some(state.count())).collect::<Int64Array>())
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

/// `approx_count_distinct(x)`
pub(super) fn approx_count_distinct(call: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(CountDistinct { ty: data(call, 0).clone(), heap: 0 })
}

/// So many values are kept as they are, and their quantiles are exact.
const VALUES_MAX: usize = 512;

/// A step of the histogram is a power of two divided by 2^8, so the middle of it is at most 0.2 % away
/// from any value in it.
const STEP_BITS: u32 = 64 - 12 - 8;

/// The values that a group has.
#[derive(Default)]
struct Values {
    /// While they are few.
    few: Vec<f64>,
    /// How many values there are in each step, by the upper bits of the key of a float; empty while
    /// they are few.
    steps: BTreeMap<u32, u64>,
    least: Option<f64>,
    greatest: Option<f64>,
}

impl Saved for Values {
    fn save(&self, out: &mut Vec<u8>) {
        let steps: Vec<(u32, u64)> =
            self.steps.iter().map(|(step, count)| (*step, *count)).collect();
        self.few.save(out);
        steps.save(out);
        self.least.save(out);
        self.greatest.save(out);
    }

    fn load(from: &mut &[u8]) -> Values {
        let few = Saved::load(from);
        let steps = Vec::<(u32, u64)>::load(from).into_iter().collect();
        Values { few, steps, least: Saved::load(from), greatest: Saved::load(from) }
    }
}

fn step_of(value: f64) -> u32 {
    (float_key(value) >> STEP_BITS) as u32
}

/// The middle of a step.
fn middle_of(step: u32) -> f64 {
    for edge in [0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        if step == step_of(edge) {
            return edge;
        }
    }
    let key = u64::from(step) << STEP_BITS | 1 << (STEP_BITS - 1);
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

impl Values {
    fn insert(&mut self, value: f64) {
        if self.steps.is_empty() && self.few.len() < VALUES_MAX {
            return self.few.push(value);
        }
        self.spread();
        self.count(value, 1);
    }

    /// From now on in steps.
    fn spread(&mut self) {
        for value in std::mem::take(&mut self.few) {
            self.count(value, 1);
        }
    }

    fn count(&mut self, value: f64, times: u64) {
        *self.steps.entry(step_of(value)).or_default() += times;
        let is_before = |a: f64, b: f64| compare_floats(a, b).is_lt();
        if self.least.is_none_or(|least| is_before(value, least)) {
            self.least = Some(value);
        }
        if self.greatest.is_none_or(|greatest| is_before(greatest, value)) {
            self.greatest = Some(value);
        }
    }

    fn merge(&mut self, mut other: Values) {
        if other.steps.is_empty() {
            return other.few.into_iter().for_each(|value| self.insert(value));
        }
        self.spread();
        other.spread();
        for (step, count) in other.steps {
            *self.steps.entry(step).or_default() += count;
        }
        for edge in [other.least, other.greatest].into_iter().flatten() {
            self.count(edge, 0);
        }
    }

    fn quantile(mut self, q: f64) -> Option<f64> {
        if self.steps.is_empty() {
            return interpolated(&mut self.few, q);
        }
        let all: u64 = self.steps.values().sum();
        let rank = (q * (all - 1) as f64).round() as u64;
        let mut before = 0;
        let is_reached = |(_, count): &(&u32, &u64)| {
            before += **count;
            before > rank
        };
        let middle = middle_of(*self.steps.iter().find(is_reached)?.0);
        let (least, greatest) = (self.least?, self.greatest?);
        Some(match rank {
            0 => least,
            _ if rank == all - 1 => greatest,
            _ if compare_floats(middle, least).is_lt() => least,
            _ if compare_floats(middle, greatest).is_gt() => greatest,
            _ => middle,
        })
    }
}

#[derive(Clone)]
struct Quantile {
    q: f64,
    ty: DataType,
    heap: usize,
}

/// About what a step takes in the histogram.
const STEP_BYTES: usize = 24;

impl Quantile {
    fn insert(&mut self, state: &mut Values, value: f64) {
        let bytes = |state: &Values| state.few.capacity() * 8 + state.steps.len() * STEP_BYTES;
        let before = bytes(state);
        state.insert(value);
        self.heap = (self.heap + bytes(state)).saturating_sub(before);
    }
}

impl Aggregate for Quantile {
    type State = Values;

    fn update(&mut self, states: &mut [Values], groups: &[u32], args: &[Operand], _: &Positions) {
        let ty = self.ty.clone();
        let mut insert = |row: usize, value| self.insert(&mut states[groups[row] as usize], value);
        match ty {
            DataType::Int => {
                let all = values::<Int64Type>(&args[0]);
                for_each_value(groups.len(), &args[..1], |row| insert(row, all.at(row) as f64));
            }
            DataType::Decimal { .. } => {
                let all = values::<Decimal128Type>(&args[0]);
                let one = 10f64.powi(i32::from(scale_of(&ty)));
                for_each_value(groups.len(), &args[..1], |row| {
                    insert(row, all.at(row) as f64 / one)
                });
            }
            _ => {
                let all = values::<Float64Type>(&args[0]);
                for_each_value(groups.len(), &args[..1], |row| insert(row, all.at(row)));
            }
        }
    }

    fn adopt(&mut self, other: &mut Self) {
        self.heap += other.heap;
    }

    fn loaded(&mut self, bytes: usize) {
        self.heap += bytes;
    }

    fn merge(&mut self, into: &mut Values, from: Values) {
        into.merge(from);
    }

    fn finish(&mut self, states: Vec<Values>, _: &mut KernelContext) -> ArrayRef {
        let q = self.q;
        Arc::new(states.into_iter().map(|state| state.quantile(q)).collect::<Float64Array>())
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

/// `approx_quantile(x, q)`
pub(super) fn approx_quantile(call: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(Quantile { q: literal_share(call)?, ty: data(call, 0).clone(), heap: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like chance, the same each time.
    fn numbers(count: u64) -> impl Iterator<Item = u64> + Clone {
        (0..count).map(|at| XxHash3_64::oneshot(&at.to_le_bytes()))
    }

    #[test]
    fn counts_are_near_and_the_same_in_any_order() {
        for count in [0, 1, 1000, 1024, 1025, 3000, 20_000, 300_000] {
            let mut all = Hashes::default();
            numbers(count).chain(numbers(count / 2)).for_each(|hash| all.insert(hash));
            let mut parts = Hashes::default();
            for part in (0..7).rev() {
                let mut some = Hashes::default();
                let own = numbers(count).enumerate().filter(|(at, _)| at % 7 == part);
                own.for_each(|(_, hash)| some.insert(hash));
                let mut bytes = vec![];
                some.save(&mut bytes);
                parts.merge(Hashes::load(&mut &bytes[..]));
            }
            let found = all.count();
            assert_eq!(found, parts.count());
            let error = (found - count as i64).abs() as f64;
            let most = if count <= 1024 { 0.0 } else { count as f64 * 0.03 };
            assert!(error <= most, "{found} of {count}");
        }
    }

    #[test]
    fn quantiles_are_near_and_the_same_in_any_order() {
        let value = |number: u64| (number >> 11) as f64 / (1u64 << 53) as f64 * 2000.0 - 500.0;
        for count in [1, 512, 513, 40_000] {
            let mut exact: Vec<f64> = numbers(count).map(value).collect();
            exact.sort_by(f64::total_cmp);
            for q in [0.0, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0] {
                let mut all = Values::default();
                numbers(count).map(value).for_each(|value| all.insert(value));
                let mut parts = Values::default();
                for part in [3, 0, 2, 1] {
                    let mut some = Values::default();
                    let own = numbers(count).map(value).enumerate();
                    own.filter(|(at, _)| at % 4 == part).for_each(|(_, value)| some.insert(value));
                    let mut bytes = vec![];
                    some.save(&mut bytes);
                    parts.merge(Values::load(&mut &bytes[..]));
                }
                let found = all.quantile(q).expect("there are values");
                assert_eq!(parts.quantile(q), Some(found), "{count} {q}");
                let near = exact[(q * (count - 1) as f64).round() as usize];
                let close = if count <= 512 { 10.0 } else { near.abs() * 0.002 };
                assert!((found - near).abs() <= close + 1e-9, "{found} for {near}: {count} {q}");
            }
        }
    }

    #[test]
    fn steps_hold_their_middles() {
        let edges = [f64::MIN, -1.0, -1e-300, -0.0, 0.0, 5e-324, 1.0, 1.5, f64::MAX];
        for value in edges.into_iter().chain([f64::INFINITY, f64::NEG_INFINITY, f64::NAN]) {
            let middle = middle_of(step_of(value));
            assert_eq!(step_of(middle), step_of(value), "{value}");
            let is_near = (middle - value).abs() <= value.abs() * 0.002 || value.abs() < 1e-307;
            assert!(is_near || !value.is_finite() || middle == value, "{middle} for {value}");
        }
    }
}
