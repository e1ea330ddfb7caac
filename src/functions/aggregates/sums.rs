//! `sum`, `sum_if` and `avg`: integers and decimals in 128 bits and more, floats exactly, so that
//! the result does not depend on the order of rows.

use super::exact::ExactSum;
use super::grouped::{Aggregate, for_each_value, grouped};
use super::saved::saved_struct;
use super::sliding::{Slide, sliding};
use crate::data::{Positions, arrow_type, decimal_text};
use crate::functions::columns::{Bools, Values, bools, data, precision_of, scale_of, values};
use crate::functions::kernel::{
    Call, KernelContext, LiteralError, Neighbours, NewAccumulator, Operand, WindowKernel,
};
use crate::types::DataType;
use arrow_array::types::{Decimal128Type, DurationMicrosecondType, Float64Type, Int64Type};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, Decimal128Array, DurationMicrosecondArray, Float64Array,
    Int64Array,
};
use arrow_buffer::{NullBuffer, i256};
use std::marker::PhantomData;
use std::sync::Arc;

/// What the sum of a group becomes.
#[derive(Clone, Copy)]
enum Finish {
    Sum,
    Average,
}

/// A sum of integers that cannot overflow: `low + high * 2^128`.
#[derive(Clone, Copy, Default)]
struct Wide {
    low: i128,
    high: i32,
    count: i64,
}

saved_struct!(Wide { low, high, count });

impl Wide {
    #[inline(always)]
    fn add(&mut self, value: i128) {
        let (low, overflow) = self.low.overflowing_add(value);
        self.low = low;
        if overflow {
            self.high += if value < 0 { -1 } else { 1 };
        }
    }

    fn merge(&mut self, other: Wide) {
        self.add(other.low);
        self.high += other.high;
        self.count += other.count;
    }

    fn value(self) -> i256 {
        // The upper half of two's complement has the sign of the lower.
        i256::from_parts(self.low as u128, i128::from(self.high) + (self.low >> 127))
    }
}

/// Sums of `int`, `duration` or `decimal`.
struct Integers<P> {
    result: DataType,
    scale: u8,
    finish: Finish,
    kind: PhantomData<fn() -> P>,
}

impl<P> Clone for Integers<P> {
    fn clone(&self) -> Self {
        Integers { result: self.result.clone(), ..*self }
    }
}

impl<P: ArrowPrimitiveType> Aggregate for Integers<P>
where
    P::Native: Into<i128>,
{
    type State = Wide;

    fn update(&mut self, states: &mut [Wide], groups: &[u32], args: &[Operand], _: &Positions) {
        let numbers = values::<P>(&args[0]);
        let add = |row: usize| {
            let state = &mut states[groups[row] as usize];
            state.add(numbers.at(row).into());
            state.count += 1;
        };
        for_each_value(groups.len(), &args[..1], add);
    }

    fn merge(&mut self, into: &mut Wide, from: Wide) {
        into.merge(from);
    }

    fn finish(&mut self, states: Vec<Wide>, context: &mut KernelContext) -> ArrayRef {
        match (self.finish, &self.result) {
            (Finish::Average, DataType::Float) => {
                Arc::new(states.into_iter().map(Wide::average_as_float).collect::<Float64Array>())
            }
            (Finish::Average, result) => {
                let scale = scale_of(result);
                let average = |state: Wide| state.average(u32::from(scale - self.scale));
                let values = states.into_iter().map(average).collect::<Decimal128Array>();
                Arc::new(values.with_data_type(arrow_type(result)))
            }
            (Finish::Sum, result) => sums(states, result, context),
        }
    }
}

impl<P: ArrowPrimitiveType> Slide for Integers<P>
where
    P::Native: Into<i128>,
{
    type View<'a> = Values<'a, P::Native>;

    fn view<'a>(&self, arguments: &'a [Operand], _: &Neighbours) -> Values<'a, P::Native> {
        values::<P>(&arguments[0])
    }

    #[inline(always)]
    fn add(&self, state: &mut Wide, numbers: &Self::View<'_>, row: usize) {
        state.add(numbers.at(row).into());
        state.count += 1;
    }

    #[inline(always)]
    fn remove(&self, state: &mut Wide, numbers: &Self::View<'_>, row: usize) {
        // No number that is summed is so small that it has no opposite in 128 bits.
        state.add(-numbers.at(row).into());
        state.count -= 1;
    }
}

impl Wide {
    fn average_as_float(self) -> Option<f64> {
        (self.count > 0).then(|| nearest_quotient(self.low, self.count))
    }

    /// The average with so many more digits, half away from zero.
    fn average(self, more_digits: u32) -> Option<i128> {
        if self.count == 0 {
            return None;
        }
        let power = i256::from_i128(10i128.pow(more_digits));
        let count = i256::from_i128(i128::from(self.count));
        let scaled = self.value().wrapping_mul(power);
        let half = count.wrapping_div(i256::from_i128(2));
        let negative = scaled < i256::ZERO;
        let magnitude = if negative { scaled.wrapping_neg() } else { scaled };
        let rounded = magnitude.wrapping_add(half).wrapping_div(count).to_i128()?;
        Some(if negative { -rounded } else { rounded })
    }
}

/// The float nearest to a quotient, rounded once; `count` is positive.
fn nearest_quotient(sum: i128, count: i64) -> f64 {
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    let magnitude = sum.unsigned_abs();
    if magnitude <= EXACT && i128::from(count) <= EXACT as i128 {
        return sum as f64 / count as f64;
    }
    // At least 64 digits of the quotient, of which the last says whether any were cut off.
    let shift = magnitude.leading_zeros();
    let (dividend, divisor) = (magnitude << shift, count.unsigned_abs().into());
    let digits = (dividend / divisor) | u128::from(!dividend.is_multiple_of(divisor));
    let quotient = digits as f64 / (1u128 << shift) as f64;
    if sum < 0 { -quotient } else { quotient }
}

fn sums(states: Vec<Wide>, result: &DataType, context: &mut KernelContext) -> ArrayRef {
    let decimal = matches!(result, DataType::Decimal { .. });
    let limit = if decimal { 10i128.pow(38) - 1 } else { i128::from(i64::MAX) };
    let mut failed = vec![];
    let sums = states.into_iter().enumerate().map(|(group, state)| {
        let sum = state.value().to_i128().filter(|sum| {
            (-limit..=limit).contains(sum) || !decimal && *sum == i128::from(i64::MIN)
        });
        if sum.is_none() {
            failed.push(group);
            context.fail(group, || match (state.value().to_i128(), decimal) {
                (Some(sum), true) => {
                    let text = decimal_text(sum, scale_of(result));
                    format!("the sum {text} has more than 38 digits")
                }
                (Some(sum), false) => format!("the sum {sum} does not fit {result}"),
                (None, _) => "the sum has more than 38 digits".into(),
            });
        }
        sum.unwrap_or(0)
    });
    // There may be very many, so they are in memory once, where possible in the place of the states.
    let (wide, narrow): (Vec<i128>, Vec<i64>) = match decimal {
        true => (sums.collect(), vec![]),
        false => (vec![], sums.map(|sum| sum as i64).collect()),
    };
    let nulls = (!failed.is_empty()).then(|| {
        let mut valid = vec![true; wide.len().max(narrow.len())];
        failed.iter().for_each(|&group| valid[group] = false);
        NullBuffer::from(valid)
    });
    match result {
        DataType::Decimal { .. } => {
            let sums = Decimal128Array::new(wide.into(), nulls);
            Arc::new(sums.with_data_type(arrow_type(result)))
        }
        DataType::Duration => Arc::new(DurationMicrosecondArray::new(narrow.into(), nulls)),
        _ => Arc::new(Int64Array::new(narrow.into(), nulls)),
    }
}

/// Sums of floats.
#[derive(Clone)]
struct Floats {
    finish: Finish,
}

impl Slide for Floats {
    type View<'a> = Values<'a, f64>;

    fn view<'a>(&self, arguments: &'a [Operand], _: &Neighbours) -> Values<'a, f64> {
        values::<Float64Type>(&arguments[0])
    }

    #[inline(always)]
    fn add(&self, (sum, count): &mut (ExactSum, i64), numbers: &Values<f64>, row: usize) {
        sum.add(numbers.at(row));
        *count += 1;
    }

    #[inline(always)]
    fn remove(&self, (sum, count): &mut (ExactSum, i64), numbers: &Values<f64>, row: usize) {
        sum.remove(numbers.at(row));
        *count -= 1;
    }
}

impl Aggregate for Floats {
    type State = (ExactSum, i64);

    fn update(
        &mut self,
        states: &mut [(ExactSum, i64)],
        groups: &[u32],
        args: &[Operand],
        _: &Positions,
    ) {
        let numbers = values::<Float64Type>(&args[0]);
        for_each_value(groups.len(), &args[..1], |row| {
            let (sum, count) = &mut states[groups[row] as usize];
            sum.add(numbers.at(row));
            *count += 1;
        });
    }

    fn merge(&mut self, into: &mut (ExactSum, i64), from: (ExactSum, i64)) {
        into.0.merge(&from.0);
        into.1 += from.1;
    }

    fn finish(&mut self, states: Vec<(ExactSum, i64)>, _: &mut KernelContext) -> ArrayRef {
        let value = |(sum, count): (ExactSum, i64)| match self.finish {
            Finish::Sum => Some(sum.value()),
            Finish::Average => (count > 0).then(|| sum.average(count)),
        };
        Arc::new(states.into_iter().map(value).collect::<Float64Array>())
    }
}

/// Hands on only the rows whose condition is true.
#[derive(Clone)]
struct If<A>(A);

impl<A: Aggregate> Aggregate for If<A> {
    type State = A::State;

    fn update(&mut self, states: &mut [A::State], groups: &[u32], args: &[Operand], p: &Positions) {
        let conditions = bools(&args[1]);
        let mut rows = Vec::new();
        for_each_value(groups.len(), args, |row| {
            if conditions.at(row) {
                rows.push(row as u32);
            }
        });
        let groups: Vec<u32> = rows.iter().map(|&row| groups[row as usize]).collect();
        let value = if args[0].constant {
            args[0].clone()
        } else {
            let indices = arrow_array::UInt32Array::from(rows);
            let taken = arrow_select::take::take(&args[0].array, &indices, None);
            Operand::column(taken.expect("the rows are within the batch"))
        };
        self.0.update(states, &groups, &[value], p);
    }

    fn merge(&mut self, into: &mut A::State, from: A::State) {
        self.0.merge(into, from);
    }

    fn loaded(&mut self, bytes: usize) {
        self.0.loaded(bytes);
    }

    fn finish(&mut self, states: Vec<A::State>, context: &mut KernelContext) -> ArrayRef {
        self.0.finish(states, context)
    }
}

impl<A: Slide> Slide for If<A> {
    type View<'a> = (A::View<'a>, Bools<'a>);

    fn view<'a>(&self, arguments: &'a [Operand], rows: &Neighbours) -> Self::View<'a> {
        (self.0.view(arguments, rows), bools(&arguments[1]))
    }

    fn add(&self, state: &mut A::State, (values, conditions): &Self::View<'_>, row: usize) {
        if conditions.at(row) {
            self.0.add(state, values, row);
        }
    }

    fn remove(&self, state: &mut A::State, (values, conditions): &Self::View<'_>, row: usize) {
        if conditions.at(row) {
            self.0.remove(state, values, row);
        }
    }
}

fn integers<P>(call: &Call, finish: Finish) -> Integers<P> {
    let scale = scale_of(data(call, 0));
    debug_assert!(precision_of(data(call, 0)) >= scale);
    Integers { result: call.result.data.clone(), scale, finish, kind: PhantomData }
}

macro_rules! by_type {
    ($call:expr, $finish:expr, $make:ident, $wrap:expr) => {
        match data($call, 0) {
            DataType::Float => $make($wrap(Floats { finish: $finish })),
            DataType::Decimal { .. } => $make($wrap(integers::<Decimal128Type>($call, $finish))),
            DataType::Duration => $make($wrap(integers::<DurationMicrosecondType>($call, $finish))),
            _ => $make($wrap(integers::<Int64Type>($call, $finish))),
        }
    };
}

/// `sum(x)`
pub(super) fn sum(call: &Call) -> Result<NewAccumulator, LiteralError> {
    by_type!(call, Finish::Sum, grouped, std::convert::identity)
}

/// `sum_if(x, condition)`
pub(super) fn sum_if(call: &Call) -> Result<NewAccumulator, LiteralError> {
    by_type!(call, Finish::Sum, grouped, If)
}

/// `avg(x)`
pub(super) fn avg(call: &Call) -> Result<NewAccumulator, LiteralError> {
    by_type!(call, Finish::Average, grouped, std::convert::identity)
}

type Sliding = Result<Box<dyn WindowKernel>, LiteralError>;

/// `sum(x)` over frames
pub(super) fn sliding_sum(call: &Call) -> Sliding {
    by_type!(call, Finish::Sum, sliding, std::convert::identity)
}

/// `sum_if(x, condition)` over frames
pub(super) fn sliding_sum_if(call: &Call) -> Sliding {
    by_type!(call, Finish::Sum, sliding, If)
}

/// `avg(x)` over frames
pub(super) fn sliding_avg(call: &Call) -> Sliding {
    by_type!(call, Finish::Average, sliding, std::convert::identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded_once() {
        let far = 9_007_199_254_740_993;
        assert_eq!(nearest_quotient(10, 3), 10.0 / 3.0);
        assert_eq!(nearest_quotient(0, 7), 0.0);
        assert_eq!(nearest_quotient(-3 * far, 3), -9_007_199_254_740_992.0);
        assert_eq!(nearest_quotient(2 * far + 1, 2), 9_007_199_254_740_994.0);
        assert_eq!(nearest_quotient(2 * far - 1, 2), 9_007_199_254_740_992.0);
        assert_eq!(nearest_quotient(far, 2), 4_503_599_627_370_496.5);
        let least = i128::from(i64::MIN);
        assert_eq!(nearest_quotient(least * 1_000, 1_000), least as f64);
        assert_eq!(nearest_quotient(i128::from(i64::MAX), i64::MAX), 1.0);
    }
}
