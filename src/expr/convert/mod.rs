//! `as`, and the widening that the checker puts in.
//!
//! Strict. Numbers lose digits by rounding half away from zero and never lose magnitude: what does
//! not fit fails. Text has to be a value as a whole, without spaces around it. A day becomes its
//! midnight and a wall clock reading its day; instants have neither without a zone. Lists and
//! records are converted item by item, and fail with their item.

mod json;
mod nested;
mod number;
mod text;

pub use text::Concat;

use super::choose::column;
use super::lanes::strict1;
use crate::data::null_array;
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::types::{DataType, MICROS_PER_DAY, Scalar};
use arrow_array::ArrayRef;

/// Converts from one type to another.
pub struct Conversion {
    from: DataType,
    to: DataType,
}

impl Conversion {
    /// Between two types that the checker lets convert.
    pub fn new(from: &DataType, to: &DataType) -> Conversion {
        Conversion { from: from.clone(), to: to.clone() }
    }
}

/// May a row fail?
pub fn is_fallible(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    match (from, to) {
        _ if from == to => false,
        (D::Unknown | D::Null, _) | (_, D::String | D::Unknown) => false,
        (D::Int | D::Decimal { .. }, D::Float) | (D::Bool, D::Int) => false,
        (D::Date, D::Datetime) | (D::Datetime, D::Date | D::Time) => false,
        (D::Int | D::Decimal { .. }, D::Decimal { .. }) => !number::fits(from, to),
        (D::List(from), D::List(to)) | (D::Map(from), D::Map(to)) => {
            is_fallible(&from.data, &to.data)
        }
        (D::Record(from), D::Record(to)) => {
            from.iter().zip(to.iter()).any(|(from, to)| is_fallible(&from.ty.data, &to.ty.data))
        }
        _ => true,
    }
}

impl ScalarKernel for Conversion {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let array = column(&operands[0], context.rows);
        convert(context, &array, &self.from, &self.to)
    }
}

/// The column converted; it has the context's rows.
fn convert(
    context: &mut KernelContext,
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
) -> ArrayRef {
    use DataType as D;
    if from == to {
        return array.clone();
    }
    let operands = &[Operand::column(array.clone())];
    match (from, to) {
        (D::Unknown | D::Null, _) => null_array(to, context.rows),
        (D::Json, _) => json::parse(context, &operands[0], to),
        (D::String, D::Json) => json::of_text(context, &operands[0]),
        (_, D::String) => text::spell(context, array, from),
        (D::String, _) => text::parse(context, &operands[0], to),
        (D::Int | D::Float | D::Decimal { .. }, _) => number::convert(context, operands, from, to),
        (D::Bool, D::Int) => number::from_bool(context, &operands[0]),
        (D::Date, D::Datetime) => {
            // What stands in the rows that are null may be any number.
            let midnight = |days: i32| i64::from(days).wrapping_mul(MICROS_PER_DAY);
            strict1(context, operands, to, midnight)
        }
        (D::Datetime, D::Date) => {
            strict1(context, operands, to, |micros: i64| micros.div_euclid(MICROS_PER_DAY) as i32)
        }
        (D::Datetime, D::Time) => {
            strict1(context, operands, to, |micros: i64| micros.rem_euclid(MICROS_PER_DAY))
        }
        (D::List(from), D::List(to)) | (D::Map(from), D::Map(to)) => {
            nested::list(context, array, &from.data, &to.data)
        }
        (D::Record(_), D::Record(_)) => nested::record(context, array, from, to),
        _ => unreachable!("the checker has no conversion from {from} to {to}"),
    }
}

/// The reason of a value that the type has no room for.
fn beyond(value: &Scalar, from: &DataType, to: &DataType) -> String {
    format!("{} is beyond {to}", crate::data::display(value, from))
}
