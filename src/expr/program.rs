//! A compiled program and how it runs over a batch.
//!
//! The program is a straight line: no jumps. Branches are masks: an operation that may fail knows
//! the bitmap of rows in which its result is used, and only those can fail. Masks are computed
//! only where such an operation needs one. How expressions become programs is in `compile`.

use super::choose::null_where;
use super::logic::{nulls_of, rows_false, rows_true};
use crate::data::Batch;
use crate::functions::kernel::{Failure, KernelContext, Operand, ScalarKernel};
use crate::text::Span;
use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;
use std::collections::HashMap;

/// Expressions compiled to run over batches.
pub struct Program {
    pub(super) code: Code,
    pub(super) outputs: Vec<Output>,
    pub(super) sites: Vec<Span>,
}

/// The result of one expression.
pub(super) struct Output {
    pub value: Value,
    /// The operations that make it fail.
    pub sites: Vec<u32>,
}

/// A straight line of operations.
#[derive(Default)]
pub(super) struct Code {
    pub operations: Vec<Operation>,
    pub constants: Vec<Operand>,
    pub registers: usize,
    /// Mask 0 of the body of a lambda is given from outside.
    pub masks: usize,
    pub catches: usize,
}

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    /// A column of the input.
    Column(usize),
    /// A value known when the program was compiled.
    Constant(usize),
    /// The result of an operation.
    Register(usize),
}

pub(super) struct Operation {
    pub action: Action,
    pub operands: Vec<Value>,
    /// Registers that are not used after this operation.
    pub frees: Vec<usize>,
}

pub(super) enum Action {
    /// Computes a column.
    Kernel { kernel: Box<dyn ScalarKernel>, out: usize, place: Place },
    /// Computes the body of a lambda for every item of the list that is the first operand (the
    /// others are what it captures) and calls the function with the operands of `call`, then the
    /// result of the body.
    Lambda { lambda: Box<LambdaCode>, out: usize, place: Place },
    /// Computes a mask from the operand.
    Mask { rule: MaskRule, parent: Option<usize>, out: usize },
    /// Gives the operand, null where something failed into the catch.
    Caught { catch: usize, out: usize },
}

/// Where the result of an operation is used, and where its failures go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub site: u32,
    /// The rows in which the result is used; None: all.
    pub mask: Option<usize>,
    /// The enclosing `try`.
    pub catch: Option<usize>,
}

/// Which rows of an operand a branch is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum MaskRule {
    True,
    False,
    NotTrue,
    NotFalse,
    Null,
}

pub(super) struct LambdaCode {
    pub body: Code,
    pub result: Value,
    pub kernel: Box<dyn ScalarKernel>,
    /// How many of the operands are the function's; those captured by the body follow.
    pub arguments: usize,
    /// Which of them is the list.
    pub over: usize,
}

/// What a program works in: kept by a thread from batch to batch, for any programs.
#[derive(Default)]
pub struct Registers {
    values: Vec<Option<Operand>>,
    masks: Vec<Option<BooleanBuffer>>,
    /// The rows that failed inside each `try`.
    caught: Vec<Vec<u32>>,
    /// Those of the bodies of lambdas.
    inner: Option<Box<Registers>>,
}

impl Program {
    /// Computes the expressions, in order, over the rows of a batch. An expression that is the
    /// same for all rows gives a constant.
    ///
    /// Adds what failed to `failures`: operations in the order of evaluation, rows in order within
    /// each; a row may be there more than once, and the first of a row is what went wrong first.
    /// An expression is null in the rows in which a part of it failed.
    pub fn eval(
        &self,
        batch: &Batch,
        registers: &mut Registers,
        failures: &mut Vec<Failure>,
    ) -> Vec<Operand> {
        let before = failures.len();
        self.code.run(&batch.columns, batch.rows, None, registers, failures);
        let mut results: Vec<Operand> = self
            .outputs
            .iter()
            .map(|output| self.code.operand(output.value, &batch.columns, registers))
            .collect();
        let mut failed: HashMap<u32, Vec<u32>> = HashMap::new();
        for failure in &failures[before..] {
            failed.entry(failure.site).or_default().push(failure.row);
        }
        if !failed.is_empty() {
            for (output, result) in self.outputs.iter().zip(&mut results) {
                let rows = output.sites.iter().filter_map(|site| failed.get(site)).flatten();
                *result = null_where(result, batch.rows, rows.copied());
            }
        }
        registers.values.clear();
        results
    }

    /// The place in the text of the operation that a [`Failure`] names.
    pub fn span(&self, site: u32) -> Span {
        self.sites[site as usize]
    }

    /// Can a row fail?
    pub fn is_fallible(&self) -> bool {
        self.outputs.iter().any(|output| !output.sites.is_empty())
    }
}

impl Code {
    pub fn operand(&self, value: Value, columns: &[ArrayRef], registers: &Registers) -> Operand {
        match value {
            Value::Column(column) => Operand::column(columns[column].clone()),
            Value::Constant(constant) => self.constants[constant].clone(),
            Value::Register(register) => {
                registers.values[register].clone().expect("a register is set before it is read")
            }
        }
    }

    /// Runs all operations; `within` is the mask of the whole.
    pub fn run(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        within: Option<BooleanBuffer>,
        registers: &mut Registers,
        failures: &mut Vec<Failure>,
    ) {
        registers.values.clear();
        registers.values.resize(self.registers, None);
        registers.masks.clear();
        registers.masks.resize(self.masks, None);
        registers.caught.clear();
        registers.caught.resize(self.catches, Vec::new());
        if let (Some(mask), Some(first)) = (within, registers.masks.first_mut()) {
            *first = Some(mask);
        }
        for operation in &self.operations {
            let operands: Vec<Operand> = operation
                .operands
                .iter()
                .map(|&value| self.operand(value, columns, registers))
                .collect();
            for &free in &operation.frees {
                registers.values[free] = None;
            }
            operation.action.run(rows, operands, registers, failures);
        }
    }
}

impl Action {
    fn run(
        &self,
        rows: usize,
        operands: Vec<Operand>,
        registers: &mut Registers,
        failures: &mut Vec<Failure>,
    ) {
        match self {
            Action::Kernel { kernel, out, place } => {
                let array = place
                    .run(rows, registers, failures, |context, _| kernel.eval(context, &operands));
                registers.values[*out] = Some(Operand::column(array));
            }
            Action::Lambda { lambda, out, place } => {
                let array = place.run(rows, registers, failures, |context, inner| {
                    lambda.run(context, operands, inner)
                });
                registers.values[*out] = Some(Operand::column(array));
            }
            Action::Mask { rule, parent, out } => {
                let mask = rule.rows(rows, &operands[0]);
                let parent = parent.and_then(|parent| registers.masks[parent].as_ref());
                registers.masks[*out] = Some(parent.map_or_else(|| mask.clone(), |p| p & &mask));
            }
            Action::Caught { catch, out } => {
                let failed = std::mem::take(&mut registers.caught[*catch]);
                registers.values[*out] = Some(null_where(&operands[0], rows, failed.into_iter()));
            }
        }
    }
}

impl Value {
    pub fn register(&self) -> Option<usize> {
        match self {
            Value::Register(register) => Some(*register),
            Value::Column(_) | Value::Constant(_) => None,
        }
    }
}

impl Place {
    /// Of an operation that never fails.
    pub const INFALLIBLE: Place = Place { site: u32::MAX, mask: None, catch: None };

    /// Calls `compute` with the context of this place and puts what failed where it belongs.
    fn run(
        &self,
        rows: usize,
        registers: &mut Registers,
        failures: &mut Vec<Failure>,
        compute: impl FnOnce(&mut KernelContext, &mut Registers) -> ArrayRef,
    ) -> ArrayRef {
        let Registers { masks, caught, inner, .. } = registers;
        let active = self.mask.and_then(|mask| masks[mask].as_ref());
        let before = failures.len();
        let mut context = KernelContext { rows, active, site: self.site, failures };
        let array = compute(&mut context, inner.get_or_insert_default());
        debug_assert_eq!(array.len(), rows);
        debug_assert!(self.site != u32::MAX || failures.len() == before, "{failures:?}");
        if let Some(catch) = self.catch {
            caught[catch].extend(failures.drain(before..).map(|failure| failure.row));
        }
        array
    }
}

impl MaskRule {
    fn rows(self, rows: usize, operand: &Operand) -> BooleanBuffer {
        match self {
            MaskRule::True => rows_true(rows, operand),
            MaskRule::False => rows_false(rows, operand),
            MaskRule::NotTrue => !&rows_true(rows, operand),
            MaskRule::NotFalse => !&rows_false(rows, operand),
            MaskRule::Null => nulls_of(rows, operand),
        }
    }
}
