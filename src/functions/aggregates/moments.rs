//! `variance`, `stddev` and `corr`, of samples.
//!
//! They are computed from the exact sums of values and products, so they do not depend on the
//! order of rows. The sums are used with about 106 bits: what is left after subtracting the
//! square of the mean is right even where the mean is a million times the deviation.

use super::exact::ExactSum;
use super::grouped::{Aggregate, for_each_value, grouped};
use super::saved::saved_struct;
use super::sliding::rows::best_rows;
use super::sliding::{Slide, sliding};
use crate::data::Positions;
use crate::functions::columns::{Values, data, scale_of, strict, values};
use crate::functions::kernel::{
    Call, KernelContext, LiteralError, Neighbours, NewAccumulator, Operand, WindowKernel,
};
use crate::functions::math::power_of_ten;
use crate::types::DataType;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{ArrayRef, Float64Array};
use std::sync::Arc;

/// A number as the sum of two floats, of which the second is far smaller.
#[derive(Clone, Copy)]
struct Double(f64, f64);

impl Double {
    /// Knuth's two-sum: the rounded sum and what rounding lost.
    fn sum(a: f64, b: f64) -> Double {
        let high = a + b;
        let part = high - a;
        Double(high, (a - (high - part)) + (b - part))
    }

    fn product(a: f64, b: f64) -> Double {
        let high = a * b;
        Double(high, a.mul_add(b, -high))
    }

    fn times(self, other: Double) -> Double {
        let Double(high, low) = Double::product(self.0, other.0);
        Double::sum(high, low + self.0 * other.1 + self.1 * other.0)
    }

    fn minus(self, other: Double) -> Double {
        let Double(high, low) = Double::sum(self.0, -other.0);
        Double::sum(high, low + self.1 - other.1)
    }
}

/// Sums of a variable, and of its products with itself.
#[derive(Clone)]
struct Moments {
    sum: ExactSum,
    squares: ExactSum,
    /// The least and the greatest value: where they are one, the variance is 0 and not what
    /// rounding leaves of it.
    range: (f64, f64),
}

saved_struct!(Moments { sum, squares, range });

impl Default for Moments {
    fn default() -> Moments {
        let (sum, squares) = Default::default();
        Moments { sum, squares, range: (f64::INFINITY, f64::NEG_INFINITY) }
    }
}

fn add_product(sum: &mut ExactSum, a: f64, b: f64) {
    let Double(high, low) = Double::product(a, b);
    sum.add(high);
    if high.is_finite() {
        sum.add(low);
    }
}

fn remove_product(sum: &mut ExactSum, a: f64, b: f64) {
    let Double(high, low) = Double::product(a, b);
    sum.remove(high);
    if high.is_finite() {
        sum.remove(low);
    }
}

fn pair(sum: &ExactSum) -> Double {
    let (high, low) = sum.pair();
    Double(high, low)
}

/// `count * products - a * b`: count squared times the covariance.
fn spread(count: i64, products: &ExactSum, a: &ExactSum, b: &ExactSum) -> f64 {
    let scaled = pair(products).times(Double(count as f64, 0.0));
    let Double(high, low) = scaled.minus(pair(a).times(pair(b)));
    high + low
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.sum.add(value);
        add_product(&mut self.squares, value, value);
        self.widen((value, value));
    }

    /// Gives up a value; the range is that of before.
    fn remove(&mut self, value: f64) {
        self.sum.remove(value);
        remove_product(&mut self.squares, value, value);
    }

    fn widen(&mut self, (low, high): (f64, f64)) {
        self.range = (self.range.0.min(low), self.range.1.max(high));
    }

    fn merge(&mut self, other: &Moments) {
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        self.widen(other.range);
    }

    /// Count squared times the variance; infinite when a square is beyond the largest float.
    fn spread(&self, count: i64) -> f64 {
        let (sum, (low, high)) = (self.sum.value(), self.range);
        if sum.is_nan() || low.is_infinite() || high.is_infinite() {
            return f64::NAN;
        }
        if low == high {
            return 0.0;
        }
        if sum.is_infinite() {
            return f64::INFINITY;
        }
        let spread = spread(count, &self.squares, &self.sum, &self.sum);
        // Rounding must not make it negative.
        if spread.is_nan() { f64::INFINITY } else { spread.max(0.0) }
    }
}

/// The least and the greatest value of each frame. NaN is neither, as in [`Moments::widen`].
fn ranges(
    rows: &Neighbours,
    value: &dyn Fn(usize) -> f64,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<(f64, f64)> {
    let is_number = |row: usize| counts(row) && !value(row).is_nan();
    let least = best_rows(rows, is_number, |a, b| value(a) < value(b));
    let most = best_rows(rows, is_number, |a, b| value(a) > value(b));
    let range = |(least, most): (Option<usize>, Option<usize>)| {
        (least.map_or(f64::INFINITY, value), most.map_or(f64::NEG_INFINITY, value))
    };
    least.into_iter().zip(most).map(range).collect()
}

#[derive(Clone)]
struct Variance {
    /// By what a decimal's integer is divided; none for floats.
    decimal: Option<f64>,
    /// Of the variance?
    root: bool,
}

impl Aggregate for Variance {
    type State = (Moments, i64);

    fn update(
        &mut self,
        states: &mut [(Moments, i64)],
        groups: &[u32],
        args: &[Operand],
        _: &Positions,
    ) {
        let mut add = |row: usize, value: f64| {
            let (moments, count) = &mut states[groups[row] as usize];
            moments.add(value);
            *count += 1;
        };
        if let Some(unit) = self.decimal {
            let numbers = values::<Decimal128Type>(&args[0]);
            for_each_value(groups.len(), args, |row| add(row, numbers.at(row) as f64 / unit));
        } else {
            let numbers = values::<Float64Type>(&args[0]);
            for_each_value(groups.len(), args, |row| add(row, numbers.at(row)));
        }
    }

    fn merge(&mut self, into: &mut (Moments, i64), from: (Moments, i64)) {
        into.0.merge(&from.0);
        into.1 += from.1;
    }

    fn finish(&mut self, states: Vec<(Moments, i64)>, _: &mut KernelContext) -> ArrayRef {
        let value = |(moments, count): (Moments, i64)| {
            (count > 1).then(|| {
                let variance = moments.spread(count) / count as f64 / (count - 1) as f64;
                if self.root { variance.sqrt() } else { variance }
            })
        };
        Arc::new(states.into_iter().map(value).collect::<Float64Array>())
    }
}

/// The values of a variance, and the range of each frame.
struct Varying<'a> {
    values: Numbers<'a>,
    ranges: Vec<(f64, f64)>,
}

enum Numbers<'a> {
    Floats(Values<'a, f64>),
    Decimals(Values<'a, i128>, f64),
}

impl Numbers<'_> {
    fn at(&self, row: usize) -> f64 {
        match self {
            Numbers::Floats(values) => values.at(row),
            Numbers::Decimals(values, unit) => values.at(row) as f64 / unit,
        }
    }
}

impl Slide for Variance {
    type View<'a> = Varying<'a>;

    fn view<'a>(&self, arguments: &'a [Operand], rows: &Neighbours) -> Varying<'a> {
        let values = match self.decimal {
            Some(unit) => Numbers::Decimals(values::<Decimal128Type>(&arguments[0]), unit),
            None => Numbers::Floats(values::<Float64Type>(&arguments[0])),
        };
        let valid = strict(rows.count(), arguments);
        let counts = |row: usize| valid.as_ref().is_none_or(|valid| valid.is_valid(row));
        let ranges = ranges(rows, &|row| values.at(row), &counts);
        Varying { values, ranges }
    }

    fn add(&self, (moments, count): &mut (Moments, i64), view: &Varying, row: usize) {
        moments.add(view.values.at(row));
        *count += 1;
    }

    fn remove(&self, (moments, count): &mut (Moments, i64), view: &Varying, row: usize) {
        moments.remove(view.values.at(row));
        *count -= 1;
    }

    fn settle(&self, (moments, _): &mut (Moments, i64), view: &Varying, row: usize) {
        moments.range = view.ranges[row];
    }
}

fn variance_aggregate(call: &Call, root: bool) -> Variance {
    let decimal = match data(call, 0) {
        ty @ DataType::Decimal { .. } => Some(power_of_ten(u64::from(scale_of(ty)))),
        _ => None,
    };
    Variance { decimal, root }
}

/// `variance(x)`
pub(super) fn variance(call: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(variance_aggregate(call, false))
}

/// `variance(x)` over frames
pub(super) fn sliding_variance(call: &Call) -> Result<Box<dyn WindowKernel>, LiteralError> {
    sliding(variance_aggregate(call, false))
}

/// `stddev(x)`
pub(super) fn stddev(call: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(variance_aggregate(call, true))
}

/// `stddev(x)` over frames
pub(super) fn sliding_stddev(call: &Call) -> Result<Box<dyn WindowKernel>, LiteralError> {
    sliding(variance_aggregate(call, true))
}

#[derive(Clone)]
struct Correlation;

#[derive(Clone, Default)]
struct Pairs {
    x: Moments,
    y: Moments,
    products: ExactSum,
    count: i64,
}

saved_struct!(Pairs { x, y, products, count });

impl Aggregate for Correlation {
    type State = Pairs;

    fn update(&mut self, states: &mut [Pairs], groups: &[u32], args: &[Operand], _: &Positions) {
        let (x, y) = (values::<Float64Type>(&args[0]), values::<Float64Type>(&args[1]));
        for_each_value(groups.len(), args, |row| {
            let pairs = &mut states[groups[row] as usize];
            let (x, y) = (x.at(row), y.at(row));
            pairs.x.add(x);
            pairs.y.add(y);
            add_product(&mut pairs.products, x, y);
            pairs.count += 1;
        });
    }

    fn merge(&mut self, into: &mut Pairs, from: Pairs) {
        into.x.merge(&from.x);
        into.y.merge(&from.y);
        into.products.merge(&from.products);
        into.count += from.count;
    }

    fn finish(&mut self, states: Vec<Pairs>, _: &mut KernelContext) -> ArrayRef {
        let value = |pairs: Pairs| {
            let Pairs { x, y, products, count } = pairs;
            if count < 2 {
                return None;
            }
            let both = spread(count, &products, &x.sum, &y.sum);
            let deviations = x.spread(count).sqrt() * y.spread(count).sqrt();
            // A variable that does not vary is correlated with nothing.
            (deviations != 0.0).then(|| (both / deviations).clamp(-1.0, 1.0))
        };
        Arc::new(states.into_iter().map(value).collect::<Float64Array>())
    }
}

/// `corr(x, y)`
pub(super) fn corr(_: &Call) -> Result<NewAccumulator, LiteralError> {
    grouped(Correlation)
}

/// Two variables, and the range of each in each frame.
struct VaryingPairs<'a> {
    x: Values<'a, f64>,
    y: Values<'a, f64>,
    ranges: [Vec<(f64, f64)>; 2],
}

impl Slide for Correlation {
    type View<'a> = VaryingPairs<'a>;

    fn view<'a>(&self, arguments: &'a [Operand], rows: &Neighbours) -> VaryingPairs<'a> {
        let (x, y) = (values::<Float64Type>(&arguments[0]), values::<Float64Type>(&arguments[1]));
        let valid = strict(rows.count(), arguments);
        let counts = |row: usize| valid.as_ref().is_none_or(|valid| valid.is_valid(row));
        let ranges = [x, y].map(|values| ranges(rows, &|row| values.at(row), &counts));
        VaryingPairs { x, y, ranges }
    }

    fn add(&self, pairs: &mut Pairs, view: &VaryingPairs, row: usize) {
        let (x, y) = (view.x.at(row), view.y.at(row));
        pairs.x.add(x);
        pairs.y.add(y);
        add_product(&mut pairs.products, x, y);
        pairs.count += 1;
    }

    fn remove(&self, pairs: &mut Pairs, view: &VaryingPairs, row: usize) {
        let (x, y) = (view.x.at(row), view.y.at(row));
        pairs.x.remove(x);
        pairs.y.remove(y);
        remove_product(&mut pairs.products, x, y);
        pairs.count -= 1;
    }

    fn settle(&self, pairs: &mut Pairs, view: &VaryingPairs, row: usize) {
        pairs.x.range = view.ranges[0][row];
        pairs.y.range = view.ranges[1][row];
    }
}

/// `corr(x, y)` over frames
pub(super) fn sliding_corr(_: &Call) -> Result<Box<dyn WindowKernel>, LiteralError> {
    sliding(Correlation)
}
