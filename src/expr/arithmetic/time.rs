//! Arithmetic of dates, times and durations, all in microseconds.
//!
//! A day here has 24 hours: a `datetime` is a wall clock without a zone, a `timestamp` is an
//! instant, and neither knows of clocks put forward. A time outside the
//! years 0001 to 9999 fails, as does a duration beyond 64 bits, and a `date` moved by a duration
//! that is not a whole number of days.

use super::super::lanes::{Native, fallible2};
use super::{BY_ZERO, Fallible, is_harmless, round_quotient};
use crate::data::display;
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::ir::Arithmetic;
use crate::types::{DAYS, DataType, MICROS, MICROS_PER_DAY, OUTSIDE_YEARS, Scalar};
use arrow_array::ArrayRef;

/// The kernel of an operator of which one side at least is a time.
pub fn prepare(
    op: Arithmetic,
    [left, right]: [&DataType; 2],
    result: &DataType,
    divisor: Option<&Scalar>,
) -> Fallible {
    use DataType as D;
    let harmless = match (op, left, right) {
        (Arithmetic::Divide | Arithmetic::Remainder, D::Duration, D::Duration) => {
            is_harmless(divisor)
        }
        (Arithmetic::Divide | Arithmetic::IntDivide, D::Duration, D::Int) => is_harmless(divisor),
        (Arithmetic::IntDivide, D::Duration, D::Duration) => is_harmless(divisor),
        _ => false,
    };
    let types = [left.clone(), right.clone(), result.clone()];
    (Box::new(Time { op, types }), !harmless)
}

struct Time {
    op: Arithmetic,
    types: [DataType; 3],
}

impl ScalarKernel for Time {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        use DataType as D;
        let [left, right, result] = &self.types;
        let minus = self.op == Arithmetic::Subtract;
        let divides = self.op == Arithmetic::Divide;
        match (left, right) {
            (D::Date, D::Date) => self.run(context, operands, |a: i32, b: i32| {
                Some((i64::from(a) - i64::from(b)) * MICROS_PER_DAY)
            }),
            (D::Date, D::Duration) if *result == D::Date => {
                self.run(context, operands, |date, by| move_date(date, signed(by, minus)?))
            }
            (D::Date, D::Duration) => self
                .run(context, operands, |date, by| move_time(midnight(date), signed(by, minus)?)),
            (D::Duration, D::Date) if *result == D::Date => {
                self.run(context, operands, |by, date| move_date(date, by))
            }
            (D::Duration, D::Date) => {
                self.run(context, operands, |by: i64, date| move_time(midnight(date), by))
            }
            (D::Duration, D::Duration) if *result == D::Float => {
                self.run(context, operands, |a: i64, b: i64| (b != 0).then(|| a as f64 / b as f64))
            }
            (D::Duration, D::Float) => self.run(context, operands, |a: i64, b: f64| {
                rounded(if divides { a as f64 / b } else { a as f64 * b })
            }),
            (D::Float, D::Duration) => {
                self.run(context, operands, |a: f64, b: i64| rounded(a * b as f64))
            }
            _ => self.integers(context, operands),
        }
    }
}

impl Time {
    /// Where both sides and the result are 64-bit integers.
    fn integers(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let by_int = self.types[1] == DataType::Int;
        let gives_time = matches!(self.types[2], DataType::Datetime | DataType::Timestamp);
        match self.op {
            Arithmetic::Add if gives_time => self.run(context, operands, move_time),
            Arithmetic::Subtract if gives_time => {
                self.run(context, operands, |time, by: i64| move_time(time, by.checked_neg()?))
            }
            Arithmetic::Add => self.run(context, operands, i64::checked_add),
            Arithmetic::Subtract => self.run(context, operands, i64::checked_sub),
            Arithmetic::Multiply => self.run(context, operands, i64::checked_mul),
            Arithmetic::Divide if by_int => self.run(context, operands, |a: i64, b: i64| {
                let quotient = (b != 0).then(|| round_quotient(i128::from(a), i128::from(b)));
                quotient.and_then(|quotient| i64::try_from(quotient).ok())
            }),
            Arithmetic::Divide | Arithmetic::IntDivide => {
                self.run(context, operands, i64::checked_div)
            }
            Arithmetic::Remainder => {
                self.run(context, operands, |a: i64, b: i64| (b != 0).then(|| a.wrapping_rem(b)))
            }
            Arithmetic::Power => unreachable!("a time has no powers"),
        }
    }

    fn run<A: Shown, B: Shown, O: Native>(
        &self,
        context: &mut KernelContext,
        operands: &[Operand],
        compute: impl Fn(A, B) -> Option<O>,
    ) -> ArrayRef {
        let compute = |a, b| compute(a, b).map_or((O::default(), true), |value| (value, false));
        fallible2(context, operands, &self.types[2], compute, |a: A, b: B| self.reason(a, b))
    }

    fn reason<A: Shown, B: Shown>(&self, a: A, b: B) -> String {
        let [left, right, result] = &self.types;
        let sign = match self.op {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Power => "**",
            Arithmetic::Divide => "/",
            Arithmetic::IntDivide => "//",
            Arithmetic::Remainder => "%",
        };
        let divides = !matches!(sign, "+" | "-" | "*");
        let (a, zero) = (a.show(left), b.is_zero());
        let b = b.show(right);
        if divides && zero {
            return BY_ZERO.into();
        }
        match result {
            DataType::Date | DataType::Datetime | DataType::Timestamp => {
                format!("{a} {sign} {b} is {OUTSIDE_YEARS}")
            }
            _ => format!("{a} {sign} {b} is beyond {result}"),
        }
    }
}

/// A value that can be shown in a reason.
trait Shown: Native {
    fn show(self, ty: &DataType) -> String;
    fn is_zero(self) -> bool;
}

impl Shown for i32 {
    fn show(self, ty: &DataType) -> String {
        display(&Scalar::Date(self), ty)
    }
    fn is_zero(self) -> bool {
        self == 0
    }
}

impl Shown for i64 {
    fn show(self, ty: &DataType) -> String {
        let value = match ty {
            DataType::Datetime => Scalar::Datetime(self),
            DataType::Timestamp => Scalar::Timestamp(self),
            DataType::Duration => Scalar::Duration(self),
            _ => Scalar::Int(self),
        };
        display(&value, ty)
    }
    fn is_zero(self) -> bool {
        self == 0
    }
}

impl Shown for f64 {
    fn show(self, ty: &DataType) -> String {
        display(&Scalar::Float(self), ty)
    }
    fn is_zero(self) -> bool {
        self == 0.0
    }
}

fn signed(by: i64, minus: bool) -> Option<i64> {
    if minus { by.checked_neg() } else { Some(by) }
}

fn midnight(date: i32) -> i64 {
    // What stands in a row that is null may be any number.
    i64::from(date).wrapping_mul(MICROS_PER_DAY)
}

fn move_time(micros: i64, by: i64) -> Option<i64> {
    micros.checked_add(by).filter(|micros| MICROS.contains(micros))
}

fn move_date(date: i32, by: i64) -> Option<i32> {
    let days = i32::try_from(by / MICROS_PER_DAY).ok().filter(|_| by % MICROS_PER_DAY == 0)?;
    date.checked_add(days).filter(|date| DAYS.contains(date))
}

/// Rounded half away from zero, if it fits 64 bits.
fn rounded(micros: f64) -> Option<i64> {
    let micros = micros.round();
    // 2^63 is a float, the largest i64 is not.
    (-(2f64.powi(63)) <= micros && micros < 2f64.powi(63)).then_some(micros as i64)
}
