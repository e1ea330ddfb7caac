//! Numbers to numbers: rounded half away from zero, never cut short.

use super::super::arithmetic::{pow10, rescale};
use super::super::lanes::{Native, fallible1, strict1, truths, validity};
use super::beyond;
use crate::data::decimal_text;
use crate::functions::kernel::{KernelContext, Operand};
use crate::types::{DataType, Scalar};
use arrow_array::ArrayRef;

/// Digits in all and after the point of an int or a decimal.
fn digits(ty: &DataType) -> (u32, u32) {
    match ty {
        DataType::Decimal { precision, scale } => (u32::from(*precision), u32::from(*scale)),
        // 19 digits hold every 64-bit integer.
        _ => (19, 0),
    }
}

/// Has every value of the one type room in the other, without being rounded?
pub fn fits(from: &DataType, to: &DataType) -> bool {
    let ((p, s), (q, t)) = (digits(from), digits(to));
    t >= s && q - t >= p - s
}

/// A column of numbers as another number type.
pub fn convert(
    context: &mut KernelContext,
    operands: &[Operand],
    from: &DataType,
    to: &DataType,
) -> ArrayRef {
    use DataType as D;
    match (from, to) {
        (D::Int, D::Float) => strict1(context, operands, to, |value: i64| value as f64),
        (D::Int, D::Decimal { .. }) => scaled::<i64>(context, operands, from, to),
        (D::Decimal { .. }, D::Decimal { .. }) => scaled::<i128>(context, operands, from, to),
        (D::Decimal { scale, .. }, D::Float) => {
            strict1(context, operands, to, |value: i128| decimal_to_float(value, *scale))
        }
        (D::Decimal { scale, .. }, D::Int) => {
            let scale = u32::from(*scale);
            let whole = |value: i128| {
                let whole = rescale(value, scale, 0).and_then(|whole| i64::try_from(whole).ok());
                whole.map_or((0, true), |whole| (whole, false))
            };
            let reason = |value| beyond(&Scalar::Decimal(value), from, to);
            fallible1(context, operands, to, whole, reason)
        }
        (D::Float, D::Int) => fallible1(context, operands, to, float_to_int, not_int),
        (D::Float, D::Decimal { precision, scale }) => {
            let (bound, scale) = (pow10(u32::from(*precision)), *scale);
            let decimal = |value: f64| {
                let value = float_to_decimal(value, scale);
                let value = value.filter(|value| -bound < *value && *value < bound);
                value.map_or((0, true), |value| (value, false))
            };
            let reason = |value: f64| {
                let is = if value.is_nan() { "not a" } else { "beyond" };
                format!("{} is {is} {to}", shown(value))
            };
            fallible1(context, operands, to, decimal, reason)
        }
        _ => unreachable!("the checker has no conversion from {from} to {to}"),
    }
}

/// A `bool` column as 0 and 1.
pub fn from_bool(context: &KernelContext, operand: &Operand) -> ArrayRef {
    let values = truths(context.rows, operand).iter().map(i64::from).collect();
    i64::array(&DataType::Int, values, validity(context.rows, operand))
}

/// Ints and decimals as decimals.
fn scaled<T: Native + Into<i128>>(
    context: &mut KernelContext,
    operands: &[Operand],
    from: &DataType,
    to: &DataType,
) -> ArrayRef {
    let ((_, scale), (precision, new_scale)) = (digits(from), digits(to));
    if fits(from, to) {
        let factor = pow10(new_scale - scale);
        return strict1(context, operands, to, |value: T| {
            let value: i128 = value.into();
            value.wrapping_mul(factor)
        });
    }
    let bound = pow10(precision);
    let convert = |value: T| match rescale(value.into(), scale, new_scale) {
        Some(value) if -bound < value && value < bound => (value, false),
        _ => (0, true),
    };
    let reason = |value: T| {
        let from = DataType::Decimal { precision: 38, scale: scale as u8 };
        beyond(&Scalar::Decimal(value.into()), &from, to)
    };
    fallible1(context, operands, to, convert, reason)
}

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The nearest float.
fn decimal_to_float(value: i128, scale: u8) -> f64 {
    // Both are exact as doubles, so their quotient is rounded once (Clinger).
    if let Some(power) = POWERS.get(usize::from(scale))
        && value.unsigned_abs() < 1 << 53
    {
        return value as f64 / power;
    }
    decimal_text(value, scale).parse().expect("a decimal is spelled like a float")
}

/// 2^63, the first float beyond the ints.
const INT_END: f64 = 9_223_372_036_854_775_808.0;

fn float_to_int(value: f64) -> (i64, bool) {
    let whole = value.round();
    (whole as i64, !(-INT_END..INT_END).contains(&whole))
}

fn not_int(value: f64) -> String {
    let is = if value.is_nan() { "not an" } else { "beyond" };
    format!("{} is {is} int", shown(value))
}

fn shown(value: f64) -> String {
    crate::data::display(&Scalar::Float(value), &DataType::Float)
}

/// The decimal of the shortest text of a float, rounded: 0.285 is 0.29 with two digits, though
/// the float is a little less than that.
fn float_to_decimal(value: f64, scale: u8) -> Option<i128> {
    if let Some(power) = POWERS.get(usize::from(scale)) {
        // Below 2^40 the product is right to 2^-12, so unless it is that close to a half its
        // rounding is that of the text.
        let product = value * power;
        let part = product.abs().fract();
        if product.abs() < (1u64 << 40) as f64 && (part - 0.5).abs() > 0.001 {
            return Some(i128::from(product.round() as i64));
        }
    }
    if !value.is_finite() {
        return None;
    }
    let text = zmij::Buffer::new().format_finite(value).to_owned();
    text_to_decimal(&text, i32::from(scale))
}

/// The text of a float, with an exponent or without, times 10^scale.
fn text_to_decimal(text: &str, scale: i32) -> Option<i128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let shift = exponent + scale - part.len() as i32;
    match u32::try_from(shift) {
        Ok(up) => digits.checked_mul(10i128.checked_pow(up)?),
        // A float has 17 digits, so 38 places below it nothing is left to round.
        Err(_) if shift < -38 => Some(0),
        Err(_) => rescale(digits, shift.unsigned_abs(), 0),
    }
}
