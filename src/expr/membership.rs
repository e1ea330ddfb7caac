//! `in` and `matches`.
//!
//! `in` compares by `==`: null is found where there is a null, and the result is never null unless
//! the list itself is. A list that is written out is looked up in a set made once a program.

use super::lanes::{Lane, Native, bools, same_bits, strict, validity};
use super::nested::{Equality, range};
use super::texts::TextLane;
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::types::{DataType, Scalar};
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_buffer::BooleanBuffer;
use hashbrown::HashSet;
use regex::Regex;
use std::sync::Arc;

/// Is the operand one of these?
pub struct InSet {
    values: Set,
    has_null: bool,
}

enum Set {
    I32(HashSet<i32>),
    I64(HashSet<i64>),
    I128(HashSet<i128>),
    /// The bits of floats, equal ones made the same.
    F64(HashSet<u64>),
    Bool([bool; 2]),
    Text(HashSet<Arc<str>>),
}

impl InSet {
    /// Of constants of type `ty`; None of a type that has no set.
    pub fn new(ty: &DataType, items: &[Scalar]) -> Option<InSet> {
        macro_rules! set {
            ($kind:ident, $($variant:ident)|+) => {
                Set::$kind(items.iter().filter_map(|item| match item {
                    $(Scalar::$variant(value))|+ => Some(value.clone()),
                    _ => None,
                }).collect())
            };
        }
        let values = match ty {
            DataType::Int
            | DataType::Datetime
            | DataType::Timestamp
            | DataType::Duration
            | DataType::Time => {
                set!(I64, Int | Datetime | Timestamp | Duration)
            }
            DataType::Date | DataType::Enum(_) => set!(I32, Date | Enum),
            DataType::Decimal { .. } => set!(I128, Decimal),
            DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
                set!(Text, String)
            }
            DataType::Float => {
                let bits = items.iter().filter_map(|item| match item {
                    Scalar::Float(value) => Some(same_bits_of(*value)),
                    _ => None,
                });
                Set::F64(bits.collect())
            }
            DataType::Bool => {
                Set::Bool([false, true].map(|value| items.contains(&Scalar::Bool(value))))
            }
            DataType::Named(named) => return InSet::new(&named.of, items),
            DataType::Unknown
            | DataType::Null
            | DataType::List(_)
            | DataType::Map(_)
            | DataType::Record(_) => {
                return None;
            }
        };
        Some(InSet { values, has_null: items.iter().any(Scalar::is_null) })
    }
}

/// One pattern of bits for all floats that are equal.
fn same_bits_of(value: f64) -> u64 {
    match value {
        _ if value.is_nan() => f64::NAN.to_bits(),
        0.0 => 0,
        _ => value.to_bits(),
    }
}

impl ScalarKernel for InSet {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let (rows, operand) = (context.rows, &operands[0]);
        let found = match &self.values {
            Set::I32(set) => test(rows, operand, |value: i32| set.contains(&value)),
            Set::I64(set) => test(rows, operand, |value: i64| set.contains(&value)),
            Set::I128(set) => test(rows, operand, |value: i128| set.contains(&value)),
            Set::F64(set) => test(rows, operand, |value: f64| set.contains(&same_bits_of(value))),
            Set::Bool([no, yes]) => {
                let values = super::lanes::truths(rows, operand);
                let some = |wanted: bool, values: BooleanBuffer| {
                    if wanted { values } else { same_bits(rows, false) }
                };
                &some(*no, !&values) | &some(*yes, values)
            }
            Set::Text(set) => {
                let texts = TextLane::of(operand);
                BooleanBuffer::collect_bool(rows, |row| set.contains(texts.at(row)))
            }
        };
        let found = match validity(rows, operand) {
            Some(valid) if self.has_null => &found | &!valid.inner(),
            Some(valid) => &found & valid.inner(),
            None => found,
        };
        bools(found, None)
    }
}

fn test<T: Native>(rows: usize, operand: &Operand, found: impl Fn(T) -> bool) -> BooleanBuffer {
    match Lane::of(operand) {
        Lane::Column(values) => super::lanes::test(values, found),
        Lane::Constant(value) => same_bits(rows, found(value)),
    }
}

/// Is the first operand equal to an item of the second, a list?
pub struct InList {
    value: DataType,
    item: DataType,
}

impl InList {
    /// Of a value and lists of these types.
    pub fn new(value: &DataType, list: &DataType) -> InList {
        match list {
            DataType::List(item) | DataType::Map(item) => {
                InList { value: value.clone(), item: item.data.clone() }
            }
            _ => unreachable!("the checker asks for a list"),
        }
    }
}

impl ScalarKernel for InList {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let (value, list) = (&operands[0], &operands[1]);
        let lists = list.array.as_list::<i32>();
        let equality = match (&self.value, &self.item) {
            (DataType::Int, DataType::Float) => Equality::mixed(&value.array, lists.values()),
            _ => Equality::new(&self.item, &value.array, lists.values()),
        };
        let found = BooleanBuffer::collect_bool(context.rows, |row| {
            let (value, mut items) = (value.index(row), range(lists, list.index(row)));
            items.any(|item| equality.test_total(value, item))
        });
        bools(found, strict(context.rows, &operands[1..]))
    }
}

/// Does the pattern match anywhere in the text?
pub struct Matches(pub Regex);

impl ScalarKernel for Matches {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let texts = TextLane::of(&operands[0]);
        let valid = strict(context.rows, operands);
        let used = |row| valid.as_ref().is_none_or(|valid| valid.is_valid(row));
        let found = BooleanBuffer::collect_bool(context.rows, |row| {
            used(row) && self.0.is_match(texts.at(row))
        });
        bools(found, valid)
    }
}
