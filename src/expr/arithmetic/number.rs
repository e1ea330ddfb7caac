//! Arithmetic of `int` and `float`.
//!
//! An `int` never wraps: what is beyond 64 bits fails. A `float` may become infinite or NaN by
//! `+ - *` as IEEE 754 has it, but not by a division by zero, nor by a power without a real value.

use super::super::lanes::{fallible1, fallible2, strict1, strict2};
use super::{BY_ZERO, Fallible, is_harmless};
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::ir::Arithmetic;
use crate::types::{DataType, Scalar};
use arrow_array::ArrayRef;

/// The kernel of an operator on two ints.
pub fn int(op: Arithmetic, divisor: Option<&Scalar>) -> Fallible {
    let harmless = match op {
        Arithmetic::Divide => is_harmless(divisor) || divisor == Some(&Scalar::Int(-1)),
        Arithmetic::IntDivide | Arithmetic::Remainder => is_harmless(divisor),
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply | Arithmetic::Power => false,
    };
    (Box::new(Int(op)), !harmless)
}

/// The kernel of an operator on two floats.
pub fn float(op: Arithmetic, divisor: Option<&Scalar>) -> Fallible {
    let fallible = match op {
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply => false,
        Arithmetic::Divide | Arithmetic::IntDivide | Arithmetic::Remainder => !is_harmless(divisor),
        Arithmetic::Power => true,
    };
    (Box::new(Float(op)), fallible)
}

/// The kernel of `-x` for what is held as 64-bit integers.
pub fn negate_int(ty: &DataType) -> Fallible {
    (Box::new(NegateInt(ty.clone())), true)
}

/// The kernel of `-x` for floats.
pub fn negate_float() -> Fallible {
    (Box::new(NegateFloat), false)
}

struct Int(Arithmetic);

impl ScalarKernel for Int {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let ty = &DataType::Int;
        let beyond = |sign| move |a: i64, b: i64| format!("{a} {sign} {b} is beyond int");
        let quotient =
            |sign| move |a: i64, b: i64| if b == 0 { BY_ZERO.into() } else { beyond(sign)(a, b) };
        match self.0 {
            Arithmetic::Add => fallible2(context, operands, ty, i64::overflowing_add, beyond("+")),
            Arithmetic::Subtract => {
                fallible2(context, operands, ty, i64::overflowing_sub, beyond("-"))
            }
            Arithmetic::Multiply => {
                fallible2(context, operands, ty, i64::overflowing_mul, beyond("*"))
            }
            Arithmetic::Divide => {
                let divide = |a: i64, b: i64| (a as f64 / b as f64, b == 0);
                fallible2(context, operands, &DataType::Float, divide, |_, _| BY_ZERO.into())
            }
            Arithmetic::IntDivide => {
                let divide = |a: i64, b: i64| a.checked_div(b).map_or((0, true), |q| (q, false));
                fallible2(context, operands, ty, divide, quotient("//"))
            }
            Arithmetic::Remainder => {
                // The remainder by -1 is 0 even of the smallest int.
                let remainder = |a: i64, b: i64| {
                    if b == 0 { (0, true) } else { (a.wrapping_rem(b), false) }
                };
                fallible2(context, operands, ty, remainder, |_, _| BY_ZERO.into())
            }
            Arithmetic::Power => fallible2(context, operands, ty, power, no_power),
        }
    }
}

fn power(base: i64, exponent: i64) -> (i64, bool) {
    let power = match base {
        1 => Some(1),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        0 if exponent > 0 => Some(0),
        // Any other base is beyond 64 bits well before the exponent is beyond 32.
        _ => u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent)),
    };
    power.map_or((0, true), |power| (power, false))
}

fn no_power(base: i64, exponent: i64) -> String {
    match (base, exponent) {
        (0, ..0) => BY_ZERO.into(),
        (_, ..0) => format!("{base} ** {exponent} is not an int: raise a float"),
        _ => format!("{base} ** {exponent} is beyond int"),
    }
}

struct Float(Arithmetic);

impl ScalarKernel for Float {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let ty = &DataType::Float;
        let by_zero = |_: f64, _: f64| BY_ZERO.into();
        match self.0 {
            Arithmetic::Add => strict2(context, operands, ty, |a: f64, b: f64| a + b),
            Arithmetic::Subtract => strict2(context, operands, ty, |a: f64, b: f64| a - b),
            Arithmetic::Multiply => strict2(context, operands, ty, |a: f64, b: f64| a * b),
            Arithmetic::Divide => {
                let divide = |a: f64, b: f64| (a / b, b == 0.0);
                fallible2(context, operands, ty, divide, by_zero)
            }
            Arithmetic::IntDivide => {
                let divide = |a: f64, b: f64| ((a / b).trunc(), b == 0.0);
                fallible2(context, operands, ty, divide, by_zero)
            }
            Arithmetic::Remainder => {
                let remainder = |a: f64, b: f64| (a % b, b == 0.0);
                fallible2(context, operands, ty, remainder, by_zero)
            }
            Arithmetic::Power => fallible2(context, operands, ty, float_power, no_float_power),
        }
    }
}

fn float_power(base: f64, exponent: f64) -> (f64, bool) {
    let power = base.powf(exponent);
    let unreal = power.is_nan() && !base.is_nan() && !exponent.is_nan();
    (power, unreal || (base == 0.0 && exponent < 0.0))
}

fn no_float_power(base: f64, exponent: f64) -> String {
    if base == 0.0 {
        return BY_ZERO.into();
    }
    format!("{base:?} ** {exponent:?} is not a real number")
}

struct NegateInt(DataType);

impl ScalarKernel for NegateInt {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let reason = |a: i64| format!("-({a}) is beyond {}", self.0);
        fallible1(context, operands, &self.0, i64::overflowing_neg, reason)
    }
}

struct NegateFloat;

impl ScalarKernel for NegateFloat {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        strict1(context, operands, &DataType::Float, |a: f64| -a)
    }
}
