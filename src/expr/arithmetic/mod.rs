//! `+ - * / // % **` and the sign, for numbers and times.
//!
//! All are strict. What does not fit its type, and division by zero, fails the row. The kernel
//! for the types of the operands is chosen here, once a program; each kind of value has a file.

mod decimal;
mod number;
mod time;

pub use decimal::{pow10, rescale};

use decimal::round_quotient;

use crate::functions::kernel::ScalarKernel;
use crate::ir::Arithmetic;
use crate::types::{DataType, Scalar};

/// The kernel, and whether it may fail.
pub type Fallible = (Box<dyn ScalarKernel>, bool);

/// The reason of a division by zero.
const BY_ZERO: &str = "division by zero";

/// The kernel of an operator on operands of these types; `divisor` is the right one's value, if
/// it is constant.
pub fn prepare(
    op: Arithmetic,
    operands: [&DataType; 2],
    result: &DataType,
    divisor: Option<&Scalar>,
) -> Fallible {
    use DataType as D;
    match operands {
        [D::Int, D::Int] => number::int(op, divisor),
        [D::Float, D::Float] => number::float(op, divisor),
        [D::Decimal { .. }, D::Decimal { .. }] => decimal::prepare(op, operands, result, divisor),
        _ => time::prepare(op, operands, result, divisor),
    }
}

/// The kernel of `-x`.
pub fn negate(ty: &DataType) -> Fallible {
    match ty {
        DataType::Float => number::negate_float(),
        DataType::Decimal { .. } => decimal::negate(ty),
        _ => number::negate_int(ty),
    }
}

/// Is the divisor known, and not one that a quotient is lost by: 0, or -1, which takes the
/// smallest int out of range?
fn is_harmless(divisor: Option<&Scalar>) -> bool {
    match divisor {
        Some(Scalar::Int(value) | Scalar::Duration(value)) => *value != 0 && *value != -1,
        Some(Scalar::Float(value)) => *value != 0.0,
        Some(Scalar::Decimal(value)) => *value != 0,
        _ => false,
    }
}
