//! Functions on numbers. Operators (`+`, `/`, `**`) are computed in `exec`; `greatest`, `least`
//! and `clamp` work on every ordered type and are in [`super::conditionals`].

use super::columns::{
    Prepared, booleans, data, dense, fallible, kernel, precision_of, scale_of, values,
};
use super::kernel::{Call, LiteralError, PrepareScalar};
use crate::data::{arrow_type, decimal_text};
use crate::types::{DECIMAL_DIGITS_MAX, DataType, Scalar};
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use std::sync::{Arc, LazyLock};

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("abs", abs),
    ("sign", sign),
    ("ceil", |call| rounded(call, Rounding::Up)),
    ("floor", |call| rounded(call, Rounding::Down)),
    ("truncate", |call| rounded(call, Rounding::TowardsZero)),
    ("round", |call| rounded(call, Rounding::HalfAway)),
    ("round_even", |call| rounded(call, Rounding::HalfEven)),
    ("sqrt", |_| partial(f64::sqrt, |x| x >= 0.0, "the square root of a negative number")),
    ("cbrt", |_| total(f64::cbrt)),
    ("exp", |_| total(f64::exp)),
    ("ln", |_| partial(f64::ln, |x| x > 0.0, LOGARITHM)),
    ("log10", |_| partial(f64::log10, |x| x > 0.0, LOGARITHM)),
    ("log2", |_| partial(f64::log2, |x| x > 0.0, LOGARITHM)),
    ("log1p", |_| partial(f64::ln_1p, |x| x > -1.0, LOGARITHM)),
    ("expm1", |_| total(f64::exp_m1)),
    ("power", power),
    ("sin", |_| total(f64::sin)),
    ("cos", |_| total(f64::cos)),
    ("tan", |_| total(f64::tan)),
    ("asin", |_| partial(f64::asin, |x| (-1.0..=1.0).contains(&x), ARC)),
    ("acos", |_| partial(f64::acos, |x| (-1.0..=1.0).contains(&x), ARC)),
    ("atan", |_| total(f64::atan)),
    ("atan2", |_| {
        kernel(|context, arguments| {
            let [y, x] = [0, 1].map(|at| values::<Float64Type>(&arguments[at]));
            dense::<Float64Type>(context, arguments, |row| y.at(row).atan2(x.at(row)))
        })
    }),
    ("radians", |_| total(f64::to_radians)),
    ("degrees", |_| total(f64::to_degrees)),
    ("pi", |_| {
        kernel(|context, arguments| {
            dense::<Float64Type>(context, arguments, |_| std::f64::consts::PI)
        })
    }),
    ("great_circle", great_circle),
    ("mod", modulo),
    ("is_nan", |_| predicate(f64::is_nan)),
    ("is_finite", |_| predicate(f64::is_finite)),
    ("width_bucket", width_bucket),
];

const ARC: &str = "the arc of a number outside of -1 to 1";

const LOGARITHM: &str = "the logarithm of a number that is not positive";

fn total(compute: fn(f64) -> f64) -> Prepared {
    kernel(move |context, arguments| {
        let x = values::<Float64Type>(&arguments[0]);
        dense::<Float64Type>(context, arguments, |row| compute(x.at(row)))
    })
}

/// A function that is not defined everywhere; NaN gives NaN.
fn partial(compute: fn(f64) -> f64, defined: fn(f64) -> bool, what: &'static str) -> Prepared {
    kernel(move |context, arguments| {
        let x = values::<Float64Type>(&arguments[0]);
        fallible::<Float64Type>(context, arguments, |row| {
            let x = x.at(row);
            if defined(x) || x.is_nan() {
                Ok(Some(compute(x)))
            } else {
                Err(format!("{what}, {x:?}, is not a number"))
            }
        })
    })
}

/// The mean radius of the Earth in metres, by the International Union of Geodesy and Geophysics.
const EARTH: f64 = 6_371_008.8;

/// `great_circle(latitude, longitude, to_latitude, to_longitude)`: by the haversine formula.
fn great_circle(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let degrees = [0, 1, 2, 3].map(|at| values::<Float64Type>(&arguments[at]));
        dense::<Float64Type>(context, arguments, |row| {
            let [lat, lon, to_lat, to_lon] = degrees.map(|value| value.at(row).to_radians());
            let half = |difference: f64| (difference / 2.0).sin().powi(2);
            let share = half(to_lat - lat) + lat.cos() * to_lat.cos() * half(to_lon - lon);
            2.0 * EARTH * share.clamp(0.0, 1.0).sqrt().asin()
        })
    })
}

fn predicate(holds: fn(f64) -> bool) -> Prepared {
    kernel(move |context, arguments| {
        let x = values::<Float64Type>(&arguments[0]);
        booleans(context, arguments, |row| holds(x.at(row)))
    })
}

/// The values as decimals of this type.
pub(super) fn as_decimal(array: ArrayRef, ty: &DataType) -> ArrayRef {
    Arc::new(array.as_primitive::<Decimal128Type>().clone().with_data_type(arrow_type(ty)))
}

fn abs(call: &Call) -> Prepared {
    match data(call, 0) {
        DataType::Float => total(f64::abs),
        DataType::Decimal { .. } => {
            let ty = call.result.data.clone();
            kernel(move |context, arguments| {
                let x = values::<Decimal128Type>(&arguments[0]);
                // No decimal of 38 digits is the smallest 128-bit integer.
                let all =
                    dense::<Decimal128Type>(context, arguments, |row| x.at(row).wrapping_abs());
                as_decimal(all, &ty)
            })
        }
        _ => kernel(|context, arguments| {
            let x = values::<Int64Type>(&arguments[0]);
            fallible::<Int64Type>(context, arguments, |row| {
                let x = x.at(row);
                let positive = x.checked_abs().map(Some);
                positive.ok_or_else(|| format!("{} does not fit int", x.unsigned_abs()))
            })
        }),
    }
}

fn sign(call: &Call) -> Prepared {
    match data(call, 0) {
        // Neither zero nor NaN has a sign.
        DataType::Float => total(|x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
        DataType::Decimal { .. } => kernel(|context, arguments| {
            let x = values::<Decimal128Type>(&arguments[0]);
            dense::<Int64Type>(context, arguments, |row| x.at(row).signum() as i64)
        }),
        _ => kernel(|context, arguments| {
            let x = values::<Int64Type>(&arguments[0]);
            dense::<Int64Type>(context, arguments, |row| x.at(row).signum())
        }),
    }
}

/// Which neighbour a number between two becomes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Rounding {
    Up,
    Down,
    TowardsZero,
    HalfAway,
    HalfEven,
}

fn rounded(call: &Call, rounding: Rounding) -> Prepared {
    match data(call, 0) {
        DataType::Decimal { precision, scale } => {
            let digits = match call.literals.get(1) {
                Some(Some(Scalar::Int(digits))) => *digits,
                _ => 0,
            };
            let is_full = precision - scale == DECIMAL_DIGITS_MAX;
            if is_full && digits < 0 && rounding != Rounding::TowardsZero {
                let reason = format!(
                    "rounding to tens may need a digit more than a {} has; make it shorter: \
                     `… as decimal(37, {scale})`",
                    data(call, 0)
                );
                return Err(LiteralError { argument: 1, reason });
            }
            let (scale, ty) = (*scale, call.result.data.clone());
            kernel(move |context, arguments| {
                let x = values::<Decimal128Type>(&arguments[0]);
                let all = fallible::<Decimal128Type>(context, &arguments[..1], |row| {
                    round_decimal(x.at(row), scale, digits, &ty, rounding).map(Some)
                });
                as_decimal(all, &ty)
            })
        }
        DataType::Float => kernel(move |context, arguments| {
            let x = values::<Float64Type>(&arguments[0]);
            match arguments.get(1) {
                None => dense::<Float64Type>(context, arguments, |row| {
                    round_float(x.at(row), 0, rounding)
                }),
                Some(digits) => {
                    let digits = values::<Int64Type>(digits);
                    dense::<Float64Type>(context, arguments, |row| {
                        round_float(x.at(row), digits.at(row), rounding)
                    })
                }
            }
        }),
        _ => kernel(move |context, arguments| {
            let x = values::<Int64Type>(&arguments[0]);
            let digits = arguments.get(1).map(values::<Int64Type>);
            fallible::<Int64Type>(context, arguments, |row| {
                let (x, digits) = (x.at(row), digits.map_or(0, |digits| digits.at(row)));
                let value = round_integer(i128::from(x), digits.saturating_neg(), rounding);
                let value = value.and_then(|value| i64::try_from(value).ok());
                value.map(Some).ok_or_else(|| format!("{x} rounded does not fit int"))
            })
        }),
    }
}

/// `value` to the nearest multiple of `10^zeros`; none when that is beyond 128 bits.
fn round_integer(value: i128, zeros: i64, rounding: Rounding) -> Option<i128> {
    if zeros <= 0 {
        return Some(value);
    }
    let Some(unit) = u32::try_from(zeros).ok().and_then(|zeros| 10i128.checked_pow(zeros)) else {
        // A unit above 2^127 is more than twice any value there is.
        let away = match rounding {
            Rounding::Up => value > 0,
            Rounding::Down => value < 0,
            Rounding::TowardsZero | Rounding::HalfAway | Rounding::HalfEven => false,
        };
        return (!away).then_some(0);
    };
    divide(value, unit, rounding).checked_mul(unit)
}

/// `value / unit` to a whole number.
pub(super) fn divide(value: i128, unit: i128, rounding: Rounding) -> i128 {
    // Dividing 128 bits takes ten times as long, and is seldom needed.
    let (quotient, rest) = match (i64::try_from(value), i64::try_from(unit)) {
        (Ok(value), Ok(unit)) if unit > 0 => (i128::from(value / unit), i128::from(value % unit)),
        _ => (value / unit, value % unit),
    };
    let away = if value < 0 { -1 } else { 1 };
    let half = rest.unsigned_abs().cmp(&(unit.unsigned_abs() - rest.unsigned_abs()));
    let outwards = match rounding {
        Rounding::Up => rest > 0,
        Rounding::Down => rest < 0,
        Rounding::TowardsZero => false,
        Rounding::HalfAway => half.is_ge(),
        Rounding::HalfEven => half.is_gt() || half.is_eq() && quotient % 2 != 0,
    };
    quotient + if outwards && rest != 0 { away } else { 0 }
}

/// A decimal rounded to so many digits after the point, as a value of `ty`.
fn round_decimal(
    value: i128,
    scale: u8,
    digits: i64,
    ty: &DataType,
    rounding: Rounding,
) -> Result<i128, String> {
    let too_long = || {
        let text = decimal_text(value, scale);
        format!("{text} rounded does not fit {ty}")
    };
    let whole = round_integer(value, i64::from(scale).saturating_sub(digits), rounding)
        .ok_or_else(too_long)?;
    let result_scale = scale_of(ty);
    let rescaled = if result_scale >= scale {
        whole.checked_mul(10i128.pow(u32::from(result_scale - scale)))
    } else {
        // What is cut off are zeros.
        Some(whole / 10i128.pow(u32::from(scale - result_scale)))
    };
    let limit = 10i128.pow(u32::from(precision_of(ty)));
    rescaled.filter(|value| value.abs() < limit).ok_or_else(too_long)
}

/// The float nearest to 10^digits. `powi` would differ in its last digits from one machine, and
/// one compiler, to another.
pub(super) fn power_of_ten(digits: u64) -> f64 {
    static POWERS: LazyLock<Vec<f64>> = LazyLock::new(|| {
        (0..=308).map(|digits| format!("1e{digits}").parse().unwrap_or(f64::INFINITY)).collect()
    });
    POWERS.get(digits as usize).copied().unwrap_or(f64::INFINITY)
}

/// The float nearest to `x` rounded to so many decimal digits. Rounds the binary value itself:
/// what is written 1.005 is a little less than that and becomes 1.0.
pub(super) fn round_float(x: f64, digits: i64, rounding: Rounding) -> f64 {
    if !x.is_finite() || digits > 308 {
        return x;
    }
    if digits == 0 {
        return round_whole(x, 0.0, rounding);
    }
    let factor = power_of_ten(digits.unsigned_abs());
    if digits > 0 {
        let scaled = x * factor;
        // Beyond 2^52 there is nothing after the point.
        if scaled.abs() >= 4_503_599_627_370_496.0 {
            return x;
        }
        round_whole(scaled, x.mul_add(factor, -scaled), rounding) / factor
    } else {
        if factor.is_infinite() {
            return 0.0;
        }
        round_whole(x / factor, 0.0, rounding) * factor
    }
}

/// `x + error` to a whole number, where `error` is far smaller than a unit.
fn round_whole(x: f64, error: f64, rounding: Rounding) -> f64 {
    let down = x.floor();
    // On a whole number or half way between two the error decides.
    let above = x - down;
    match rounding {
        Rounding::Down => down - f64::from(above == 0.0 && error < 0.0),
        Rounding::Up => x.ceil() + f64::from(above == 0.0 && error > 0.0),
        Rounding::TowardsZero => {
            round_whole(x, error, if x < 0.0 { Rounding::Up } else { Rounding::Down })
        }
        Rounding::HalfAway | Rounding::HalfEven if above != 0.5 || error != 0.0 => {
            down + f64::from(above > 0.5 || above == 0.5 && error > 0.0)
        }
        Rounding::HalfAway => x.round(),
        Rounding::HalfEven => x.round_ties_even(),
    }
}

fn power(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (x, y) = (values::<Float64Type>(&arguments[0]), values::<Float64Type>(&arguments[1]));
        fallible::<Float64Type>(context, arguments, |row| {
            let (x, y) = (x.at(row), y.at(row));
            let value = x.powf(y);
            let undefined = value.is_nan() && !x.is_nan() && !y.is_nan() || x == 0.0 && y < 0.0;
            if undefined { Err(format!("{x:?} ** {y:?} is not a number")) } else { Ok(Some(value)) }
        })
    })
}

fn modulo(call: &Call) -> Prepared {
    let by_zero = || "division by zero".to_owned();
    match &call.result.data {
        DataType::Float => kernel(move |context, arguments| {
            let a = values::<Float64Type>(&arguments[0]);
            let b = values::<Float64Type>(&arguments[1]);
            fallible::<Float64Type>(context, arguments, |row| match b.at(row) {
                0.0 => Err(by_zero()),
                divisor => Ok(Some(a.at(row) % divisor)),
            })
        }),
        ty @ DataType::Decimal { .. } => {
            let ty = ty.clone();
            kernel(move |context, arguments| {
                let a = values::<Decimal128Type>(&arguments[0]);
                let b = values::<Decimal128Type>(&arguments[1]);
                let rests = fallible::<Decimal128Type>(context, arguments, |row| {
                    a.at(row).checked_rem(b.at(row)).map(Some).ok_or_else(by_zero)
                });
                as_decimal(rests, &ty)
            })
        }
        _ => kernel(move |context, arguments| {
            let a = values::<Int64Type>(&arguments[0]);
            let b = values::<Int64Type>(&arguments[1]);
            fallible::<Int64Type>(context, arguments, |row| match b.at(row) {
                0 => Err(by_zero()),
                divisor => Ok(Some(a.at(row).wrapping_rem(divisor))),
            })
        }),
    }
}

fn width_bucket(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let [x, low, high] = [0, 1, 2].map(|at| values::<Float64Type>(&arguments[at]));
        let counts = values::<Int64Type>(&arguments[3]);
        fallible::<Int64Type>(context, arguments, |row| {
            let (x, low, high, count) = (x.at(row), low.at(row), high.at(row), counts.at(row));
            let width = high - low;
            if count < 1 || !(width > 0.0 && width.is_finite()) || x.is_nan() {
                return Err(format!(
                    "there are no {count} buckets from {low:?} to {high:?} for {x:?}"
                ));
            }
            if x >= high {
                return count.checked_add(1).map(Some).ok_or(format!("{count} + 1 is beyond int"));
            }
            // Rounding must not lift the last value below `high` out of the last bucket.
            let bucket = ((x - low) / width * count as f64) as i64;
            Ok(Some(if x < low { 0 } else { bucket.saturating_add(1).min(count) }))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_by_their_binary_value() {
        let round = |x, digits| round_float(x, digits, Rounding::HalfAway);
        assert_eq!(round(2.5, 0), 3.0);
        assert_eq!(round(-2.5, 0), -3.0);
        assert_eq!(round_float(2.5, 0, Rounding::HalfEven), 2.0);
        assert_eq!(round(1.005, 2), 1.0);
        assert_eq!(round(1.015, 2), 1.01);
        assert_eq!(round(1.025, 2), 1.02);
        assert_eq!(round(0.125, 2), 0.13);
        assert_eq!(round(-0.125, 2), -0.13);
        assert_eq!(round(1e300, 5), 1e300);
        assert_eq!(round(1234.0, -2), 1200.0);
        assert_eq!(round(5e307, -308), 1e308);
        assert_eq!(round(1e308, -400), 0.0);
        assert_eq!(round(0.499_999_999_999_999_94, 0), 0.0);
        assert_eq!(round_float(-1.29, 1, Rounding::TowardsZero), -1.2);
        assert!(round(f64::NAN, 2).is_nan());
    }

    #[test]
    fn integers_round_in_every_way() {
        let all = [
            Rounding::Up,
            Rounding::Down,
            Rounding::TowardsZero,
            Rounding::HalfAway,
            Rounding::HalfEven,
        ];
        let results = |value| all.map(|rounding| round_integer(value, 1, rounding));
        let tens = |tens: [i128; 5]| tens.map(|ten| Some(ten * 10));
        assert_eq!(results(25), tens([3, 2, 2, 3, 2]));
        assert_eq!(results(-25), tens([-2, -3, -2, -3, -2]));
        assert_eq!(results(-35), tens([-3, -4, -3, -4, -4]));
        assert_eq!(results(30), tens([3; 5]));
        assert_eq!(round_integer(1, 60, Rounding::HalfAway), Some(0));
        assert_eq!(round_integer(1, 60, Rounding::Up), None);
        assert_eq!(round_integer(i128::MAX, 38, Rounding::HalfAway), None);
    }

    #[test]
    fn decimals_round_to_the_digits_of_the_result() {
        let ty = DataType::Decimal { precision: 5, scale: 1 };
        let round = |value, digits| round_decimal(value, 3, digits, &ty, Rounding::HalfAway);
        assert_eq!(round(12_345, 1), Ok(123));
        assert_eq!(round(12_350, 1), Ok(124));
        assert_eq!(round(-12_350, 1), Ok(-124));
        assert_eq!(round(12_345, -1), Ok(100));
        assert!(round(12_345_678, 1).is_err());
    }
}
