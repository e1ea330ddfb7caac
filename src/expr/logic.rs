//! Kleene logic and tests for null, on bitmaps.
//!
//! Which rows a right side may fail in is not decided here but by the masks of the program.

use super::lanes::{bools, same_bits, truths, validity};
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, NullBuffer};

/// `not`
pub struct Not;

/// `and`
pub struct And;

/// `or`
pub struct Or;

/// `is null`
pub struct IsNull;

impl ScalarKernel for Not {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let values = truths(context.rows, &operands[0]);
        bools(!&values, validity(context.rows, &operands[0]))
    }
}

impl ScalarKernel for And {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let (a, b) =
            (Kleene::of(context.rows, &operands[0]), Kleene::of(context.rows, &operands[1]));
        let Some(known) = a.known_with(&b, |kleene| kleene.are_false()) else {
            return bools(&a.truth & &b.truth, None);
        };
        bools(&a.are_true() & &b.are_true(), Some(NullBuffer::new(known)))
    }
}

impl ScalarKernel for Or {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let (a, b) =
            (Kleene::of(context.rows, &operands[0]), Kleene::of(context.rows, &operands[1]));
        let Some(known) = a.known_with(&b, |kleene| kleene.are_true()) else {
            return bools(&a.truth | &b.truth, None);
        };
        bools(&a.are_true() | &b.are_true(), Some(NullBuffer::new(known)))
    }
}

impl ScalarKernel for IsNull {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        bools(nulls_of(context.rows, &operands[0]), None)
    }
}

/// The rows in which an operand is null.
pub fn nulls_of(rows: usize, operand: &Operand) -> BooleanBuffer {
    match validity(rows, operand) {
        Some(valid) => !valid.inner(),
        None => same_bits(rows, false),
    }
}

/// Truths of which some are unknown.
struct Kleene {
    truth: BooleanBuffer,
    valid: Option<NullBuffer>,
}

impl Kleene {
    fn of(rows: usize, operand: &Operand) -> Kleene {
        Kleene { truth: truths(rows, operand), valid: validity(rows, operand) }
    }

    fn are_true(&self) -> BooleanBuffer {
        match &self.valid {
            Some(valid) => &self.truth & valid.inner(),
            None => self.truth.clone(),
        }
    }

    fn are_false(&self) -> BooleanBuffer {
        match &self.valid {
            Some(valid) => valid.inner() & &!&self.truth,
            None => !&self.truth,
        }
    }

    /// The rows in which the two together are known: both are, or one has the value that decides.
    /// None: all rows.
    fn known_with(
        &self,
        other: &Kleene,
        deciding: impl Fn(&Kleene) -> BooleanBuffer,
    ) -> Option<BooleanBuffer> {
        let both = NullBuffer::union(self.valid.as_ref(), other.valid.as_ref())?;
        Some(&(both.inner() | &deciding(self)) | &deciding(other))
    }
}

/// The rows in which a `bool` operand is true, false, or neither.
pub fn rows_true(rows: usize, operand: &Operand) -> BooleanBuffer {
    Kleene::of(rows, operand).are_true()
}

/// The rows in which a `bool` operand is false; where it is null it is not.
pub fn rows_false(rows: usize, operand: &Operand) -> BooleanBuffer {
    Kleene::of(rows, operand).are_false()
}
