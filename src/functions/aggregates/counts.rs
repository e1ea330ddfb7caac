//! `count`, `count_if` and `null_rate`.

use super::grouped::{Aggregate, for_each_value, grouped};
use super::sliding::{Slide, sliding};
use crate::data::Positions;
use crate::functions::columns::{Bools, bools, is_null};
use crate::functions::kernel::{
    Call, KernelContext, LiteralError, Neighbours, NewAccumulator, Operand, WindowKernel,
};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};
use std::sync::Arc;

#[derive(Clone)]
struct Count;

impl Aggregate for Count {
    type State = i64;

    fn update(&mut self, states: &mut [i64], groups: &[u32], arguments: &[Operand], _: &Positions) {
        for_each_value(groups.len(), arguments, |row| states[groups[row] as usize] += 1);
    }

    fn merge(&mut self, into: &mut i64, from: i64) {
        *into += from;
    }

    fn finish(&mut self, states: Vec<i64>, _: &mut KernelContext) -> ArrayRef {
        Arc::new(Int64Array::from(states))
    }
}

/// `count()`, `count(x)`
pub(super) fn count(_: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(Count)
}

impl Slide for Count {
    type View<'a> = ();

    fn view(&self, _: &[Operand], _: &Neighbours) {}

    fn add(&self, state: &mut i64, _: &(), _: usize) {
        *state += 1;
    }

    fn remove(&self, state: &mut i64, _: &(), _: usize) {
        *state -= 1;
    }
}

/// `count()`, `count(x)` over frames
pub(super) fn sliding_count(_: &Call) -> Result<Box<dyn WindowKernel>, LiteralError> {
    sliding(Count)
}

#[derive(Clone)]
struct CountIf;

impl Aggregate for CountIf {
    type State = i64;

    fn update(&mut self, states: &mut [i64], groups: &[u32], arguments: &[Operand], _: &Positions) {
        let conditions = bools(&arguments[0]);
        for_each_value(groups.len(), arguments, |row| {
            states[groups[row] as usize] += i64::from(conditions.at(row));
        });
    }

    fn merge(&mut self, into: &mut i64, from: i64) {
        *into += from;
    }

    fn finish(&mut self, states: Vec<i64>, _: &mut KernelContext) -> ArrayRef {
        Arc::new(Int64Array::from(states))
    }
}

/// `count_if(condition)`
pub(super) fn count_if(_: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(CountIf)
}

impl Slide for CountIf {
    type View<'a> = Bools<'a>;

    fn view<'a>(&self, arguments: &'a [Operand], _: &Neighbours) -> Bools<'a> {
        bools(&arguments[0])
    }

    fn add(&self, state: &mut i64, conditions: &Bools, row: usize) {
        *state += i64::from(conditions.at(row));
    }

    fn remove(&self, state: &mut i64, conditions: &Bools, row: usize) {
        *state -= i64::from(conditions.at(row));
    }
}

/// `count_if(condition)` over frames
pub(super) fn sliding_count_if(_: &Call) -> Result<Box<dyn WindowKernel>, LiteralError> {
    sliding(CountIf)
}

#[derive(Clone)]
struct NullRate;

impl Aggregate for NullRate {
    /// Nulls, and rows.
    type State = (i64, i64);

    fn update(
        &mut self,
        states: &mut [(i64, i64)],
        groups: &[u32],
        arguments: &[Operand],
        _: &Positions,
    ) {
        let argument = &arguments[0];
        for (row, &group) in groups.iter().enumerate() {
            let state = &mut states[group as usize];
            state.0 += i64::from(argument.array.is_null(argument.index(row)));
            state.1 += 1;
        }
    }

    fn merge(&mut self, into: &mut (i64, i64), from: (i64, i64)) {
        into.0 += from.0;
        into.1 += from.1;
    }

    fn finish(&mut self, states: Vec<(i64, i64)>, _: &mut KernelContext) -> ArrayRef {
        // Of no rows none is null.
        let rate = |(nulls, rows): (i64, i64)| nulls as f64 / rows.max(1) as f64;
        Arc::new(Float64Array::from_iter_values(states.into_iter().map(rate)))
    }
}

/// `null_rate(x)`
pub(super) fn null_rate(_: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(NullRate)
}

impl Slide for NullRate {
    const SKIPS_NULLS: bool = false;
    type View<'a> = &'a Operand;

    fn view<'a>(&self, arguments: &'a [Operand], _: &Neighbours) -> &'a Operand {
        &arguments[0]
    }

    fn add(&self, state: &mut (i64, i64), argument: &&Operand, row: usize) {
        state.0 += i64::from(is_null(argument, row));
        state.1 += 1;
    }

    fn remove(&self, state: &mut (i64, i64), argument: &&Operand, row: usize) {
        state.0 -= i64::from(is_null(argument, row));
        state.1 -= 1;
    }
}

/// `null_rate(x)` over frames
pub(super) fn sliding_null_rate(_: &Call) -> Result<Box<dyn WindowKernel>, LiteralError> {
    sliding(NullRate)
}
