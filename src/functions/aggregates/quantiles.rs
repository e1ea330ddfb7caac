//! `median` and `quantile`, exact: all values of a group are kept. Between two values the result
//! is interpolated, as SQL's `percentile_cont` does.

use super::grouped::{Aggregate, for_each_value, grouped};
use crate::data::{Positions, arrow_type};
use crate::functions::columns::{data, literal, scale_of, values};
use crate::functions::kernel::{Call, KernelContext, LiteralError, NewAccumulator, Operand};
use crate::functions::order::compare_floats;
use crate::types::{DataType, Scalar};
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, Decimal128Array, Float64Array};
use arrow_buffer::i256;
use std::cmp::Ordering;
use std::sync::Arc;

/// The rank of the value below the quantile of so many, and how far that is from it to the next one,
/// 0 to 1.
fn place(count: usize, q: f64) -> Option<(usize, f64)> {
    let last = count.checked_sub(1)?;
    let rank = q * last as f64;
    Some(((rank as usize).min(last), rank.fract()))
}

/// The two neighbours of the quantile and how far it is from the first to the second, 0 to 1.
fn neighbours<T: Copy>(
    values: &mut [T],
    q: f64,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Option<(T, T, f64)> {
    let (at, between) = place(values.len(), q)?;
    let (_, low, above) = values.select_nth_unstable_by(at, &compare);
    let low = *low;
    let high = above.iter().copied().min_by(&compare).unwrap_or(low);
    Some((low, high, between))
}

/// The quantile of floats.
pub(super) fn interpolated(values: &mut [f64], q: f64) -> Option<f64> {
    let compare = |a: &f64, b: &f64| compare_floats(*a, *b);
    let (low, high, between) = neighbours(values, q, compare)?;
    Some(between_floats(low, high, between))
}

#[derive(Clone)]
struct OfFloats {
    q: f64,
    /// Are the values ints? Each becomes the nearest float.
    ints: bool,
    heap: usize,
}

impl Aggregate for OfFloats {
    type State = Vec<f64>;

    fn update(&mut self, states: &mut [Vec<f64>], groups: &[u32], args: &[Operand], _: &Positions) {
        let heap = &mut self.heap;
        let mut push = |row: usize, number: f64| {
            states[groups[row] as usize].push(number);
            *heap += size_of::<f64>();
        };
        if self.ints {
            let numbers = values::<Int64Type>(&args[0]);
            for_each_value(groups.len(), &args[..1], |row| push(row, numbers.at(row) as f64));
        } else {
            let numbers = values::<Float64Type>(&args[0]);
            for_each_value(groups.len(), &args[..1], |row| push(row, numbers.at(row)));
        }
    }

    fn adopt(&mut self, other: &mut Self) {
        self.heap += other.heap;
    }

    fn loaded(&mut self, bytes: usize) {
        self.heap += bytes;
    }

    fn merge(&mut self, into: &mut Vec<f64>, mut from: Vec<f64>) {
        into.append(&mut from);
    }

    fn finish(&mut self, states: Vec<Vec<f64>>, _: &mut KernelContext) -> ArrayRef {
        let value = |mut values: Vec<f64>| interpolated(&mut values, self.q);
        Arc::new(states.into_iter().map(value).collect::<Float64Array>())
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

fn between_floats(low: f64, high: f64, between: f64) -> f64 {
    // Equal infinities have no difference, and others are not reached by adding one.
    if between == 0.0 || low == high {
        return low;
    }
    let gap = high - low;
    match gap.is_finite() {
        true => low + gap * between,
        false => low * (1.0 - between) + high * between,
    }
}

#[derive(Clone)]
struct OfDecimals {
    q: f64,
    scale: u8,
    result: DataType,
    heap: usize,
}

/// A fraction of one as a fixed-point number, as fine as a float's.
const ONE: i128 = 1 << 52;

/// Between two numbers, with so many more digits.
fn between_decimals(low: i128, high: i128, between: f64, more_digits: u8) -> Option<i128> {
    let finer = 10i128.pow(u32::from(more_digits));
    let wide = i256::from_i128;
    let share = wide((between * ONE as f64).round() as i128);
    let step = wide(high).wrapping_sub(wide(low)).wrapping_mul(wide(finer));
    let half = wide(ONE / 2);
    // High is not below low, so there is no sign to round by.
    let step = step.wrapping_mul(share).wrapping_add(half).wrapping_div(wide(ONE));
    wide(low).wrapping_mul(wide(finer)).wrapping_add(step).to_i128()
}

impl OfDecimals {
    fn quantile(&self, values: &mut [i128]) -> Option<i128> {
        let (low, high, between) = neighbours(values, self.q, i128::cmp)?;
        between_decimals(low, high, between, scale_of(&self.result) - self.scale)
    }
}

impl Aggregate for OfDecimals {
    type State = Vec<i128>;

    fn update(
        &mut self,
        states: &mut [Vec<i128>],
        groups: &[u32],
        args: &[Operand],
        _: &Positions,
    ) {
        let numbers = values::<Decimal128Type>(&args[0]);
        let heap = &mut self.heap;
        for_each_value(groups.len(), &args[..1], |row| {
            states[groups[row] as usize].push(numbers.at(row));
            *heap += size_of::<i128>();
        });
    }

    fn adopt(&mut self, other: &mut Self) {
        self.heap += other.heap;
    }

    fn loaded(&mut self, bytes: usize) {
        self.heap += bytes;
    }

    fn merge(&mut self, into: &mut Vec<i128>, mut from: Vec<i128>) {
        into.append(&mut from);
    }

    fn finish(&mut self, states: Vec<Vec<i128>>, _: &mut KernelContext) -> ArrayRef {
        let values = states.into_iter().map(|mut values| self.quantile(&mut values));
        let values = values.collect::<Decimal128Array>();
        Arc::new(values.with_data_type(arrow_type(&self.result)))
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

fn quantile_of(call: &Call, q: f64) -> Result<NewAccumulator, LiteralError> {
    match data(call, 0) {
        DataType::Decimal { scale, .. } => {
            let (scale, result) = (*scale, call.result.data.clone());
            grouped(OfDecimals { q, scale, result, heap: 0 })
        }
        ty => grouped(OfFloats { q, ints: *ty == DataType::Int, heap: 0 }),
    }
}

/// `median(x)`
pub(super) fn median(call: &Call) -> Result<NewAccumulator, LiteralError> {
    quantile_of(call, 0.5)
}

/// `quantile(x, q)`
pub(super) fn quantile(call: &Call) -> Result<NewAccumulator, LiteralError> {
    quantile_of(call, literal_share(call)?)
}

/// The share that is the second argument.
pub(super) fn literal_share(call: &Call) -> Result<f64, LiteralError> {
    let q = match literal(call, 1)? {
        Scalar::Float(q) => *q,
        Scalar::Int(q) => *q as f64,
        _ => f64::NAN,
    };
    if !(0.0..=1.0).contains(&q) {
        let reason = "a quantile is between 0 and 1".into();
        return Err(LiteralError { argument: 1, reason });
    }
    Ok(q)
}

/// A quantile of values that somebody else has in their order.
pub(super) struct Share {
    q: f64,
    of: DataType,
    result: DataType,
}

impl Share {
    /// Of the first argument of a call.
    pub fn of(call: &Call, q: f64) -> Share {
        Share { q, of: data(call, 0).clone(), result: call.result.data.clone() }
    }

    /// The rank of the value below it, of so many, and how far it is from it to the next one.
    pub fn place(&self, count: usize) -> Option<(usize, f64)> {
        place(count, self.q)
    }

    /// The quantiles, each so far from the value in one row to that in another.
    pub fn between(
        &self,
        values_in: &Operand,
        places: Vec<Option<(usize, usize, f64)>>,
    ) -> ArrayRef {
        let places = places.into_iter();
        match &self.of {
            DataType::Decimal { scale, .. } => {
                let (numbers, more) = (values::<Decimal128Type>(values_in), scale_of(&self.result));
                let value = |(low, high, between): (usize, usize, f64)| {
                    between_decimals(numbers.at(low), numbers.at(high), between, more - scale)
                };
                let found = places.map(|place| place.and_then(value)).collect::<Decimal128Array>();
                Arc::new(found.with_data_type(arrow_type(&self.result)))
            }
            DataType::Int => {
                let numbers = values::<Int64Type>(values_in);
                of_floats(places, |row| numbers.at(row) as f64)
            }
            _ => {
                let numbers = values::<Float64Type>(values_in);
                // Zeros are one value, whichever row it is taken from.
                of_floats(places, |row| numbers.at(row) + 0.0)
            }
        }
    }
}

fn of_floats(
    places: impl Iterator<Item = Option<(usize, usize, f64)>>,
    number: impl Fn(usize) -> f64,
) -> ArrayRef {
    let value = |(low, high, between)| between_floats(number(low), number(high), between);
    Arc::new(places.map(|place| place.map(value)).collect::<Float64Array>())
}
