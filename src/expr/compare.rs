//! `== != < <= > >=`.
//!
//! `==` and `!=` are total: null equals null and nothing else, the result is never null. The
//! others are null when an operand is. NaN equals NaN and is above all other floats; -0.0 equals
//! 0.0. Texts are ordered by their bytes, enums as declared, false before true. Lists and records
//! have equality only: item by item, null equal to null.
//!
//! Numbers of two types are compared as the numbers that they are, which is not always so of what
//! they would be in a type common to both: the nearest float to 2^53 + 1 is 2^53.

use super::lanes::{Lane, Native, bools, strict, test2, truths, validity};
use super::mixed::test_mixed;
use super::nested::Equality;
use super::texts::{TextLane, TextOrder, test_texts};
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::ir::Comparison;
use crate::types::DataType;
use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, NullBuffer};

/// Compares two operands of one type, or numbers of two.
pub struct Compare {
    comparison: Comparison,
    types: [DataType; 2],
}

impl Compare {
    /// Of operands of these types.
    pub fn new(comparison: Comparison, types: [&DataType; 2]) -> Compare {
        Compare { comparison, types: types.map(DataType::clone) }
    }
}

impl ScalarKernel for Compare {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let rows = context.rows;
        let (a, b) = ((&self.types[0], &operands[0]), (&self.types[1], &operands[1]));
        let total = |equal| total(rows, a.1, b.1, equal);
        let strict = |values| bools(values, strict(rows, operands));
        match self.comparison {
            Comparison::Equal => bools(total(test(rows, Test::Equal, a, b)), None),
            Comparison::NotEqual => bools(!&total(test(rows, Test::Equal, a, b)), None),
            Comparison::Less => strict(test(rows, Test::Less, a, b)),
            Comparison::LessEqual => strict(test(rows, Test::LessEqual, a, b)),
            Comparison::Greater => strict(test(rows, Test::Less, b, a)),
            Comparison::GreaterEqual => strict(test(rows, Test::LessEqual, b, a)),
        }
    }
}

/// The three comparisons that the others are made of.
#[derive(Clone, Copy)]
pub enum Test {
    /// `==`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
}

/// A side of a comparison.
pub type Side<'a> = (&'a DataType, &'a Operand);

/// Compares the values, whatever is null.
fn test(rows: usize, test: Test, left: Side, right: Side) -> BooleanBuffer {
    if let Some(mixed) = test_mixed(rows, test, left, right) {
        return mixed;
    }
    let ((ty, a), (_, b)) = (left, right);
    match ty {
        DataType::Int
        | DataType::Datetime
        | DataType::Timestamp
        | DataType::Duration
        | DataType::Time => test_native::<i64>(rows, test, a, b),
        DataType::Float => test_native::<f64>(rows, test, a, b),
        DataType::Decimal { .. } => test_native::<i128>(rows, test, a, b),
        DataType::Date | DataType::Enum(_) => test_native::<i32>(rows, test, a, b),
        DataType::Bool => test_bool(rows, test, a, b),
        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
            let order = match test {
                Test::Equal => TextOrder::Equal,
                Test::Less => TextOrder::Less,
                Test::LessEqual => TextOrder::LessEqual,
            };
            test_texts(rows, order, TextLane::of(a), TextLane::of(b))
        }
        DataType::List(_) | DataType::Map(_) | DataType::Record(_) => {
            let equality = Equality::new(ty, &a.array, &b.array);
            BooleanBuffer::collect_bool(rows, |row| equality.test(a.index(row), b.index(row)))
        }
        DataType::Named(_) => unreachable!("what runs knows the types behind"),
        DataType::Unknown | DataType::Null => BooleanBuffer::new_unset(rows),
    }
}

/// `==` from the equality of the values: both null, or none and equal.
pub fn total(rows: usize, a: &Operand, b: &Operand, equal: BooleanBuffer) -> BooleanBuffer {
    let (a, b) = (validity(rows, a), validity(rows, b));
    let Some(both) = NullBuffer::union(a.as_ref(), b.as_ref()) else { return equal };
    let equal = &equal & both.inner();
    match (a, b) {
        (Some(a), Some(b)) => &equal | &!&(a.inner() | b.inner()),
        _ => equal,
    }
}

/// The order of a type.
pub trait Ordered: Native {
    /// `==`
    fn equal(self, other: Self) -> bool;
    /// `<`
    fn less(self, other: Self) -> bool;
    /// `<=`
    fn less_equal(self, other: Self) -> bool;
}

macro_rules! ordered {
    ($($int:ty),*) => {
        $(impl Ordered for $int {
            fn equal(self, other: $int) -> bool {
                self == other
            }
            fn less(self, other: $int) -> bool {
                self < other
            }
            fn less_equal(self, other: $int) -> bool {
                self <= other
            }
        })*
    };
}

ordered!(i32, i64, i128);

impl Ordered for f64 {
    fn equal(self, other: f64) -> bool {
        (self == other) | (self.is_nan() & other.is_nan())
    }
    fn less(self, other: f64) -> bool {
        (self < other) | (other.is_nan() & !self.is_nan())
    }
    fn less_equal(self, other: f64) -> bool {
        (self <= other) | other.is_nan()
    }
}

fn test_native<T: Ordered>(rows: usize, test: Test, a: &Operand, b: &Operand) -> BooleanBuffer {
    let (a, b) = (Lane::<T>::of(a), Lane::<T>::of(b));
    match test {
        Test::Equal => test2(rows, a, b, T::equal),
        Test::Less => test2(rows, a, b, T::less),
        Test::LessEqual => test2(rows, a, b, T::less_equal),
    }
}

fn test_bool(rows: usize, test: Test, a: &Operand, b: &Operand) -> BooleanBuffer {
    let (a, b) = (truths(rows, a), truths(rows, b));
    match test {
        Test::Equal => !&(&a ^ &b),
        Test::Less => &!&a & &b,
        Test::LessEqual => &!&a | &b,
    }
}
