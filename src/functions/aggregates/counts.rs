//! `count`, `count_if` and `null_rate`.

use super::grouped::{Aggregate, for_each_value, grouped};
use crate::data::Positions;
use crate::functions::columns::bools;
use crate::functions::kernel::{Call, KernelContext, LiteralError, NewAccumulator, Operand};
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
        let rate = |(nulls, rows): (i64, i64)| (rows > 0).then(|| nulls as f64 / rows as f64);
        Arc::new(states.into_iter().map(rate).collect::<Float64Array>())
    }
}

/// `null_rate(x)`
pub(super) fn null_rate(_: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(NullRate)
}
