//! The loops of all kernels: over one or two operands, each a slice or one value for all rows.
//!
//! A loop sees values only and runs over every row, null or not, so that it stays a plain loop
//! over slices that the compiler can turn into vector instructions. What is null, and which rows
//! fail, is decided on bitmaps afterwards; a failing row costs a second loop over the batch, one
//! that never fails costs nothing. What the values mean is for the kernels to say.

use crate::data::arrow_type;
use crate::functions::kernel::{KernelContext, Operand};
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use std::sync::Arc;

/// The values of an operand.
#[derive(Clone, Copy)]
pub enum Lane<'a, T> {
    /// One a row.
    Column(&'a [T]),
    /// The same for every row.
    Constant(T),
}

impl<'a, T: Native> Lane<'a, T> {
    /// The values of `operand`, whose type must be held as `T`.
    pub fn of(operand: &'a Operand) -> Lane<'a, T> {
        let values = T::values(&operand.array);
        if operand.constant { Lane::Constant(values[0]) } else { Lane::Column(values) }
    }

    /// The value of row `row`.
    pub fn at(&self, row: usize) -> T {
        match self {
            Lane::Column(values) => values[row],
            Lane::Constant(value) => *value,
        }
    }
}

/// A machine type that values of some language types are held as.
pub trait Native: Copy + Default + Send + Sync + 'static {
    /// The values of an array that is held so.
    fn values(array: &ArrayRef) -> &[Self];

    /// The array of language type `ty` with these values.
    fn array(ty: &DataType, values: Vec<Self>, nulls: Option<NullBuffer>) -> ArrayRef;
}

macro_rules! primitive {
    ($kind:ty, $ty:expr, $values:expr, $nulls:expr) => {
        Arc::new(
            PrimitiveArray::<$kind>::new(ScalarBuffer::from($values), $nulls)
                .with_data_type(arrow_type($ty)),
        )
    };
}

impl Native for i32 {
    fn values(array: &ArrayRef) -> &[i32] {
        match array.data_type() {
            ArrowType::Date32 => array.as_primitive::<Date32Type>().values(),
            _ => array.as_primitive::<Int32Type>().values(),
        }
    }

    fn array(ty: &DataType, values: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
        match ty {
            DataType::Date => primitive!(Date32Type, ty, values, nulls),
            _ => primitive!(Int32Type, ty, values, nulls),
        }
    }
}

impl Native for i64 {
    fn values(array: &ArrayRef) -> &[i64] {
        match array.data_type() {
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
                array.as_primitive::<TimestampMicrosecondType>().values()
            }
            ArrowType::Duration(TimeUnit::Microsecond) => {
                array.as_primitive::<DurationMicrosecondType>().values()
            }
            _ => array.as_primitive::<Int64Type>().values(),
        }
    }

    fn array(ty: &DataType, values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        match ty {
            DataType::Datetime | DataType::Timestamp => {
                primitive!(TimestampMicrosecondType, ty, values, nulls)
            }
            DataType::Duration | DataType::Time => {
                primitive!(DurationMicrosecondType, ty, values, nulls)
            }
            _ => primitive!(Int64Type, ty, values, nulls),
        }
    }
}

impl Native for i128 {
    fn values(array: &ArrayRef) -> &[i128] {
        array.as_primitive::<Decimal128Type>().values()
    }

    fn array(ty: &DataType, values: Vec<i128>, nulls: Option<NullBuffer>) -> ArrayRef {
        primitive!(Decimal128Type, ty, values, nulls)
    }
}

impl Native for f64 {
    fn values(array: &ArrayRef) -> &[f64] {
        array.as_primitive::<Float64Type>().values()
    }

    fn array(ty: &DataType, values: Vec<f64>, nulls: Option<NullBuffer>) -> ArrayRef {
        primitive!(Float64Type, ty, values, nulls)
    }
}

/// `f` of every value.
pub fn map<A: Native, O>(rows: usize, a: Lane<A>, f: impl Fn(A) -> O) -> Vec<O> {
    match a {
        Lane::Column(a) => a.iter().map(|&a| f(a)).collect(),
        Lane::Constant(a) => (0..rows).map(|_| f(a)).collect(),
    }
}

/// `f` of every pair.
pub fn map2<A: Native, B: Native, O>(
    rows: usize,
    a: Lane<A>,
    b: Lane<B>,
    mut f: impl FnMut(A, B) -> O,
) -> Vec<O> {
    match (a, b) {
        (Lane::Column(a), Lane::Column(b)) => a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect(),
        (Lane::Column(a), Lane::Constant(b)) => a.iter().map(|&a| f(a, b)).collect(),
        (Lane::Constant(a), Lane::Column(b)) => b.iter().map(|&b| f(a, b)).collect(),
        (Lane::Constant(a), Lane::Constant(b)) => (0..rows).map(|_| f(a, b)).collect(),
    }
}

/// The bits `f` of every pair.
pub fn test2<A: Native, B: Native>(
    rows: usize,
    a: Lane<A>,
    b: Lane<B>,
    f: impl Fn(A, B) -> bool,
) -> BooleanBuffer {
    match (a, b) {
        (Lane::Column(a), Lane::Column(b)) => {
            let words = a.chunks(64).zip(b.chunks(64));
            bits(rows, words.map(|(a, b)| word(a.iter().zip(b).map(|(&a, &b)| f(a, b)))))
        }
        (Lane::Column(a), Lane::Constant(b)) => test(a, |a| f(a, b)),
        (Lane::Constant(a), Lane::Column(b)) => test(b, |b| f(a, b)),
        (Lane::Constant(a), Lane::Constant(b)) => same_bits(rows, f(a, b)),
    }
}

/// The bits `f` of every value.
pub fn test<A: Copy>(a: &[A], f: impl Fn(A) -> bool) -> BooleanBuffer {
    bits(a.len(), a.chunks(64).map(|a| word(a.iter().map(|&a| f(a)))))
}

/// The first 64 truths as a word, the first in the lowest bit.
fn word(truths: impl Iterator<Item = bool>) -> u64 {
    truths.enumerate().fold(0, |word, (bit, truth)| word | u64::from(truth) << bit)
}

fn bits(rows: usize, words: impl Iterator<Item = u64>) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(words.collect::<Vec<u64>>()), 0, rows)
}

/// `rows` times the same bit.
pub fn same_bits(rows: usize, bit: bool) -> BooleanBuffer {
    if bit { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) }
}

/// The rows in which an operand is not null, as a bitmap; None when it is never null.
pub fn validity(rows: usize, operand: &Operand) -> Option<NullBuffer> {
    if operand.array.data_type() == &ArrowType::Null {
        return Some(NullBuffer::new_null(rows));
    }
    if !operand.constant {
        return operand.array.nulls().cloned();
    }
    operand.array.is_null(0).then(|| NullBuffer::new_null(rows))
}

/// The rows in which no operand is null: the validity of a strict result.
pub fn strict(rows: usize, operands: &[Operand]) -> Option<NullBuffer> {
    let mut all: Option<NullBuffer> = None;
    for operand in operands {
        match (&all, validity(rows, operand)) {
            (Some(a), Some(b)) => all = NullBuffer::union(Some(a), Some(&b)),
            (None, b) => all = b,
            (Some(_), None) => {}
        }
    }
    all
}

/// Takes the rows out of `nulls` that `failed` says, telling the context why.
pub fn note_failures(
    context: &mut KernelContext,
    nulls: Option<NullBuffer>,
    failed: impl Fn(usize) -> bool,
    reason: impl Fn(usize) -> String,
) -> Option<NullBuffer> {
    let valid = BooleanBuffer::collect_bool(context.rows, |row| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return false;
        }
        let failed = failed(row);
        if failed {
            context.fail(row, || reason(row));
        }
        !failed
    });
    Some(NullBuffer::new(valid))
}

/// A strict result that cannot fail.
pub fn strict2<A: Native, B: Native, O: Native>(
    context: &KernelContext,
    operands: &[Operand],
    ty: &DataType,
    f: impl Fn(A, B) -> O,
) -> ArrayRef {
    let (a, b) = (Lane::of(&operands[0]), Lane::of(&operands[1]));
    let values = map2(context.rows, a, b, f);
    O::array(ty, values, strict(context.rows, operands))
}

/// A strict result of one operand that cannot fail.
pub fn strict1<A: Native, O: Native>(
    context: &KernelContext,
    operands: &[Operand],
    ty: &DataType,
    f: impl Fn(A) -> O,
) -> ArrayRef {
    let values = map(context.rows, Lane::of(&operands[0]), f);
    O::array(ty, values, strict(context.rows, operands))
}

/// A strict result that fails where `f` says true beside the value.
pub fn fallible2<A: Native, B: Native, O: Native>(
    context: &mut KernelContext,
    operands: &[Operand],
    ty: &DataType,
    f: impl Fn(A, B) -> (O, bool),
    reason: impl Fn(A, B) -> String,
) -> ArrayRef {
    let (a, b) = (Lane::<A>::of(&operands[0]), Lane::<B>::of(&operands[1]));
    let mut any = false;
    let values = map2(context.rows, a, b, |a, b| {
        let (value, failed) = f(a, b);
        any |= failed;
        value
    });
    let mut nulls = strict(context.rows, operands);
    if any {
        let failed = |row| f(a.at(row), b.at(row)).1;
        nulls = note_failures(context, nulls, failed, |row| reason(a.at(row), b.at(row)));
    }
    O::array(ty, values, nulls)
}

/// A strict result of one operand that fails where `f` says true beside the value.
pub fn fallible1<A: Native, O: Native>(
    context: &mut KernelContext,
    operands: &[Operand],
    ty: &DataType,
    f: impl Fn(A) -> (O, bool),
    reason: impl Fn(A) -> String,
) -> ArrayRef {
    let a = Lane::<A>::of(&operands[0]);
    let mut any = false;
    let values = map2(context.rows, a, Lane::Constant(0i32), |a, _| {
        let (value, failed) = f(a);
        any |= failed;
        value
    });
    let mut nulls = strict(context.rows, operands);
    if any {
        nulls = note_failures(context, nulls, |row| f(a.at(row)).1, |row| reason(a.at(row)));
    }
    O::array(ty, values, nulls)
}

/// The truths of a `bool` operand, null or not.
pub fn truths(rows: usize, operand: &Operand) -> BooleanBuffer {
    match operand.array.as_boolean_opt() {
        Some(array) if operand.constant => same_bits(rows, array.value(0)),
        Some(array) => array.values().clone(),
        None => BooleanBuffer::new_unset(rows),
    }
}

/// A `bool` array.
pub fn bools(values: BooleanBuffer, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(BooleanArray::new(values, nulls))
}
