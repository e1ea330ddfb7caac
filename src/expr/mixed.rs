//! Numbers of two types compared as the numbers that they are.

use super::arithmetic::pow10;
use super::compare::{Side, Test};
use super::lanes::{Lane, Native, test2};
use crate::types::DataType;
use arrow_buffer::BooleanBuffer;
use std::cmp::Ordering;

/// Compares the values, whatever is null. None where they are of one type.
pub fn test_mixed(rows: usize, test: Test, (a, x): Side, (b, y): Side) -> Option<BooleanBuffer> {
    use DataType as D;
    let scale = |ty: &DataType| match ty {
        D::Decimal { scale, .. } => *scale,
        _ => 0,
    };
    let (s, t) = (scale(a), scale(b));
    Some(match (a, b) {
        (D::Int, D::Float) => by(rows, test, Lane::of(x), Lane::of(y), int_and_float),
        (D::Float, D::Int) => {
            by(rows, test, Lane::of(x), Lane::of(y), |x, y| int_and_float(y, x).reverse())
        }
        (D::Int, D::Decimal { .. }) => {
            by(rows, test, Lane::of(x), Lane::of(y), |x: i64, y| decimals(x.into(), s, y, t))
        }
        (D::Decimal { .. }, D::Int) => {
            by(rows, test, Lane::of(x), Lane::of(y), |x, y: i64| decimals(x, s, y.into(), t))
        }
        (D::Decimal { .. }, D::Decimal { .. }) if s != t => {
            by(rows, test, Lane::of(x), Lane::of(y), |x, y| decimals(x, s, y, t))
        }
        _ => return None,
    })
}

fn by<A: Native, B: Native>(
    rows: usize,
    test: Test,
    a: Lane<A>,
    b: Lane<B>,
    order: impl Fn(A, B) -> Ordering,
) -> BooleanBuffer {
    match test {
        Test::Equal => test2(rows, a, b, |a, b| order(a, b).is_eq()),
        Test::Less => test2(rows, a, b, |a, b| order(a, b).is_lt()),
        Test::LessEqual => test2(rows, a, b, |a, b| order(a, b).is_le()),
    }
}

/// The order of an int and a float; NaN is above all ints.
pub fn int_and_float(a: i64, b: f64) -> Ordering {
    // To round keeps the order, but may make equal what is not. A float that an int rounds to is
    // a whole number, which 128 bits hold.
    match (a as f64).partial_cmp(&b) {
        Some(Ordering::Equal) => i128::from(a).cmp(&(b as i128)),
        Some(order) => order,
        None => Ordering::Less,
    }
}

/// The order of two decimals with `s` and `t` digits after the point.
fn decimals(a: i128, s: u8, b: i128, t: u8) -> Ordering {
    if s > t {
        return decimals(b, t, a, s).reverse();
    }
    match a.checked_mul(pow10(u32::from(t - s))) {
        Some(a) => a.cmp(&b),
        // It is longer than anything that `b` can be.
        None => a.cmp(&0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_floats_compare_as_numbers() {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        for (a, b, order) in [
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater),
            (9_007_199_254_740_991, 9_007_199_254_740_992.0, Ordering::Less),
            (9_007_199_254_740_992, 9_007_199_254_740_992.0, Ordering::Equal),
            (i64::MAX, LIMIT, Ordering::Less),
            (i64::MIN, -LIMIT, Ordering::Equal),
            (i64::MIN, f64::NEG_INFINITY, Ordering::Greater),
            (i64::MAX, f64::INFINITY, Ordering::Less),
            (i64::MAX, f64::NAN, Ordering::Less),
            (0, -0.0, Ordering::Equal),
            (1, 1.5, Ordering::Less),
        ] {
            assert_eq!(int_and_float(a, b), order, "{a} and {b}");
        }
    }

    #[test]
    fn decimals_of_any_scales_compare_as_numbers() {
        assert_eq!(decimals(12, 1, 120, 2), Ordering::Equal);
        assert_eq!(decimals(i128::MAX, 0, 1, 38), Ordering::Greater);
        assert_eq!(decimals(1, 38, i128::MIN, 0), Ordering::Greater);
        assert_eq!(decimals(0, 0, 0, 38), Ordering::Equal);
    }
}
