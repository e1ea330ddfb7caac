//! Arithmetic of `decimal`: exact, rounded half away from zero where digits are cut.
//!
//! Operands keep their own scales. Intermediate values are 128 bits wide, and 256 where that is
//! not enough; a result with more digits than its type has fails. Where the digits of the operands
//! show that the result fits, nothing is checked.

use super::super::lanes::{fallible2, strict1, strict2};
use super::{BY_ZERO, Fallible, is_harmless};
use crate::data::display;
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::ir::Arithmetic;
use crate::types::{DECIMAL_DIGITS_MAX, DataType, Scalar};
use arrow_array::ArrayRef;
use arrow_buffer::i256;

/// Digits in all, and after the point.
#[derive(Clone, Copy)]
struct Digits {
    precision: u32,
    scale: u32,
}

impl Digits {
    fn of(ty: &DataType) -> Digits {
        match ty {
            DataType::Decimal { precision, scale } => {
                Digits { precision: u32::from(*precision), scale: u32::from(*scale) }
            }
            // An int, as the result of `//`.
            _ => Digits { precision: 19, scale: 0 },
        }
    }

    fn whole(self) -> u32 {
        self.precision - self.scale
    }
}

/// The kernel of an operator on two decimals.
pub fn prepare(
    op: Arithmetic,
    [left, right]: [&DataType; 2],
    result: &DataType,
    divisor: Option<&Scalar>,
) -> Fallible {
    let (a, b, r) = (Digits::of(left), Digits::of(right), Digits::of(result));
    let digits_max = u32::from(DECIMAL_DIGITS_MAX);
    let scale = a.scale.max(b.scale);
    let (needed, exact_scale) = match op {
        Arithmetic::Add | Arithmetic::Subtract => (a.whole().max(b.whole()) + 1 + scale, scale),
        Arithmetic::Multiply => (a.precision + b.precision, a.scale + b.scale),
        _ => (u32::MAX, r.scale),
    };
    let fits = needed <= digits_max.min(r.precision) && exact_scale == r.scale;
    let fallible = match op {
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply => !fits,
        // A remainder never exceeds the dividend.
        Arithmetic::Remainder => {
            let fits = a.whole() + scale <= r.precision && scale == r.scale;
            !(is_harmless(divisor) && fits)
        }
        Arithmetic::Divide | Arithmetic::IntDivide | Arithmetic::Power => true,
    };
    let types = [left.clone(), right.clone(), result.clone()];
    (Box::new(Decimal { op, a, b, r, fits, types }), fallible)
}

/// The kernel of `-x`; a decimal has as many negative values as positive ones.
pub fn negate(ty: &DataType) -> Fallible {
    (Box::new(Negate(ty.clone())), false)
}

struct Negate(DataType);

impl ScalarKernel for Negate {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        strict1(context, operands, &self.0, |a: i128| a.wrapping_neg())
    }
}

struct Decimal {
    op: Arithmetic,
    a: Digits,
    b: Digits,
    r: Digits,
    /// Is the result always right with 128 bits and the digits of its type?
    fits: bool,
    types: [DataType; 3],
}

impl ScalarKernel for Decimal {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        if self.fits {
            self.eval_fitting(context, operands)
        } else {
            self.eval_checked(context, operands)
        }
    }
}

impl Decimal {
    /// By what the operands are multiplied to have one scale.
    fn alignment(&self) -> (i128, i128) {
        let scale = self.a.scale.max(self.b.scale);
        (pow10(scale - self.a.scale), pow10(scale - self.b.scale))
    }

    fn eval_fitting(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let ty = &self.types[2];
        let (up, vp) = self.alignment();
        match self.op {
            Arithmetic::Multiply => strict2(context, operands, ty, i128::wrapping_mul),
            // One scale is the common case, and multiplying by 1 is not free.
            Arithmetic::Add if up == vp => strict2(context, operands, ty, i128::wrapping_add),
            Arithmetic::Subtract if up == vp => strict2(context, operands, ty, i128::wrapping_sub),
            Arithmetic::Add => strict2(context, operands, ty, |a: i128, b: i128| {
                a.wrapping_mul(up).wrapping_add(b.wrapping_mul(vp))
            }),
            _ => strict2(context, operands, ty, |a: i128, b: i128| {
                a.wrapping_mul(up).wrapping_sub(b.wrapping_mul(vp))
            }),
        }
    }

    fn eval_checked(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let Decimal { op, a, b, r, .. } = *self;
        let scale = a.scale.max(b.scale);
        let (up, vp) = self.alignment();
        match op {
            Arithmetic::Add => {
                self.checked(context, operands, |a, b| sum(a, up, b, vp, scale, r.scale))
            }
            Arithmetic::Subtract => {
                self.checked(context, operands, |a, b| sum(a, up, -b, vp, scale, r.scale))
            }
            Arithmetic::Multiply => {
                let scale = a.scale + b.scale;
                self.checked(context, operands, |a, b| product(a, b, scale, r.scale))
            }
            Arithmetic::Divide => {
                // a / 10^sa over b / 10^sb, times 10^sr.
                let more = (r.scale + b.scale).saturating_sub(a.scale);
                let less = a.scale.saturating_sub(r.scale + b.scale);
                self.checked(context, operands, |a, b| quotient(a, more, b, less))
            }
            Arithmetic::IntDivide => self.checked(context, operands, |a, b| {
                let (narrow, wide) = (i128::checked_div, i256::checked_div);
                rescale(aligned(a, up, b, vp, narrow, wide)?, 0, r.scale)
            }),
            Arithmetic::Remainder => self.checked(context, operands, |a, b| {
                let (narrow, wide) = (i128::checked_rem, i256::checked_rem);
                rescale(aligned(a, up, b, vp, narrow, wide)?, scale, r.scale)
            }),
            Arithmetic::Power => unreachable!("a power of decimals is computed as float"),
        }
    }

    fn checked(
        &self,
        context: &mut KernelContext,
        operands: &[Operand],
        compute: impl Fn(i128, i128) -> Option<i128>,
    ) -> ArrayRef {
        let [left, right, result] = &self.types;
        let divides =
            !matches!(self.op, Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply);
        let sign = match self.op {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::IntDivide => "//",
            Arithmetic::Remainder => "%",
            Arithmetic::Power => "**",
        };
        let reason = |a: i128, b: i128| {
            if divides && b == 0 {
                return BY_ZERO.to_owned();
            }
            let a = display(&Scalar::Decimal(a), left);
            let b = display(&Scalar::Decimal(b), right);
            format!("{a} {sign} {b} is beyond {result}")
        };
        if *result == DataType::Int {
            let compute = |a: i128, b: i128| match compute(a, b).map(i64::try_from) {
                Some(Ok(value)) => (value, false),
                _ => (0, true),
            };
            return fallible2(context, operands, result, compute, reason);
        }
        let bound = pow10(self.r.precision);
        let compute = |a: i128, b: i128| match compute(a, b) {
            Some(value) if -bound < value && value < bound => (value, false),
            _ => (0, true),
        };
        fallible2(context, operands, result, compute, reason)
    }
}

/// 10 to a power of at most 38.
pub fn pow10(exponent: u32) -> i128 {
    10i128.pow(exponent)
}

fn wide(value: i128) -> i256 {
    i256::from_i128(value)
}

/// `a / b` rounded half away from zero; `b` is not 0.
pub fn round_quotient(a: i128, b: i128) -> i128 {
    // Most values fit 64 bits, whose division is several times as fast.
    let (whole, rest) = match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) if a != i64::MIN => (i128::from(a / b), i128::from(a % b)),
        _ => (a / b, a % b),
    };
    let away = if (a < 0) == (b < 0) { 1 } else { -1 };
    // Twice the rest may not fit, so the rest is compared with what it is away from the divisor.
    let (rest, divisor) = (rest.unsigned_abs(), b.unsigned_abs());
    if rest != 0 && rest >= divisor - rest { whole + away } else { whole }
}

/// The same with 256 bits; None when the quotient does not fit 128.
fn wide_quotient(a: i256, b: i256) -> Option<i128> {
    let (whole, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let away = if (a < i256::ZERO) == (b < i256::ZERO) { i256::ONE } else { i256::MINUS_ONE };
    let (rest, divisor) = (rest.wrapping_abs(), b.wrapping_abs());
    let up = rest != i256::ZERO && rest >= divisor.wrapping_sub(rest);
    if up { whole.checked_add(away)?.to_i128() } else { whole.to_i128() }
}

/// The unscaled value at another scale.
pub fn rescale(value: i128, from: u32, to: u32) -> Option<i128> {
    if to >= from {
        value.checked_mul(pow10(to - from))
    } else {
        Some(round_quotient(value, pow10(from - to)))
    }
}

fn wide_rescale(value: i256, from: u32, to: u32) -> Option<i128> {
    if to >= from {
        value.checked_mul(wide(pow10(to - from)))?.to_i128()
    } else {
        wide_quotient(value, wide(pow10(from - to)))
    }
}

/// `a * up + b * vp`, both at scale `from`.
fn sum(a: i128, up: i128, b: i128, vp: i128, from: u32, to: u32) -> Option<i128> {
    let narrow = a.checked_mul(up).zip(b.checked_mul(vp)).and_then(|(a, b)| a.checked_add(b));
    match narrow {
        Some(sum) => rescale(sum, from, to),
        None => {
            let (a, b) = (wide(a).wrapping_mul(wide(up)), wide(b).wrapping_mul(wide(vp)));
            wide_rescale(a.wrapping_add(b), from, to)
        }
    }
}

/// `a * b`, which has scale `from`.
fn product(a: i128, b: i128, from: u32, to: u32) -> Option<i128> {
    match a.checked_mul(b) {
        Some(product) => rescale(product, from, to),
        None => wide_rescale(wide(a).wrapping_mul(wide(b)), from, to),
    }
}

/// `a * 10^more / (b * 10^less)`, rounded; None when `b` is 0 or the quotient does not fit.
fn quotient(a: i128, more: u32, b: i128, less: u32) -> Option<i128> {
    if b == 0 {
        return None;
    }
    let narrow = |exponent: u32, value: i128| {
        10i128.checked_pow(exponent).and_then(|power| value.checked_mul(power))
    };
    match (narrow(more, a), narrow(less, b)) {
        (Some(a), Some(b)) => Some(round_quotient(a, b)),
        _ => {
            let ten = wide(10);
            let a = ten.checked_pow(more)?.checked_mul(wide(a))?;
            wide_quotient(a, ten.checked_pow(less)?.checked_mul(wide(b))?)
        }
    }
}

/// `f` of both at one scale, with 128 bits where they fit; None for a divisor of 0.
fn aligned(
    a: i128,
    up: i128,
    b: i128,
    vp: i128,
    f: impl Fn(i128, i128) -> Option<i128>,
    f_wide: impl Fn(i256, i256) -> Option<i256>,
) -> Option<i128> {
    match (a.checked_mul(up), b.checked_mul(vp)) {
        (Some(a), Some(b)) => f(a, b),
        _ => {
            let (a, b) = (wide(a).wrapping_mul(wide(up)), wide(b).wrapping_mul(wide(vp)));
            f_wide(a, b)?.to_i128()
        }
    }
}
