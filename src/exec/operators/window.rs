//! `window`: columns that are computed over the neighbours of each row. Rows stay where they are.
//!
//! Rows are collected and sorted as by a `sort`, by the keys and then by the sort keys. Partitions,
//! rows of equal keys, are computed some together ([`partitions`]), in parallel, and what came of
//! them is put beside the rows ([`beside`]). When memory is used up, sorted rows go to disk, are
//! computed piece by piece, and come back to their places by a second sort ([`spill`]).

mod beside;
mod frames;
mod partitions;
mod sessions;
mod spill;

use super::collected::downcast;
use super::sort::{Sort, Sorting, Taken};
use super::{Breaker, Output, State};
use crate::data::Batch;
use crate::exec::gather::expand;
use crate::exec::{Error, go_on};
use crate::functions::kernel::{Operand, WindowKernel};
use crate::store::spool::Spool;
use crate::text::Span;
use crate::types::Type;
pub use frames::{Distance, Frame};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A new column.
pub struct WindowColumn {
    /// What it is.
    pub value: Value,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// The call, for its failures.
    pub span: Span,
}

/// What a column is computed by.
pub enum Value {
    /// Nobody reads it.
    Unread,
    /// A function over neighbours.
    Kernel(Box<dyn WindowKernel>),
    /// The number of the session, with at most so many microseconds between its rows.
    Session(i64),
}

/// Where an argument is found.
pub enum Argument {
    /// It is the same for all rows.
    Constant(Operand),
    /// A column of the input, or, behind those, one of the values that are no keys.
    Column(usize),
}

/// Computes windows. Its values: the keys, the sort keys, and what else arguments need; its columns:
/// those of its input, then the new ones.
pub struct Window {
    plan: Arc<Plan>,
}

/// What is computed, which all states of an operator share.
pub struct Plan {
    /// By the keys, then by the sort keys.
    pub sort: Sort,
    /// The types of the keys.
    pub keys: Vec<Type>,
    /// The type of the first sort key, if there is one.
    pub sort_key: Option<Type>,
    /// Which neighbours a row looks at.
    pub frame: Frame,
    /// The new columns.
    pub columns: Vec<WindowColumn>,
    /// How many columns the input has.
    pub width: usize,
}

impl Window {
    /// The operator.
    pub fn new(plan: Plan) -> Window {
        Window { plan: Arc::new(plan) }
    }
}

/// The rows of one thread, with what arguments need as columns behind the others.
struct Windowing {
    /// How many of the values are sorted by.
    keys: usize,
    sorting: Sorting,
}

impl State for Windowing {
    fn push(&mut self, batch: Batch, mut values: Vec<Operand>) -> Result<(), Error> {
        let arguments = values.split_off(self.keys);
        let mut columns = batch.columns.clone();
        columns.extend(arguments.iter().map(|argument| expand(argument, batch.rows)));
        self.sorting.push(batch.with_columns(columns), values)
    }

    fn bytes(&self) -> usize {
        self.sorting.bytes()
    }

    fn spill(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<bool, Error> {
        self.sorting.spill(spool, stop)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Breaker for Window {
    fn state(&self) -> Box<dyn State> {
        let keys = self.plan.sort.directions.len();
        Box::new(Windowing { keys, sorting: Sorting::new(self.plan.sort.clone()) })
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        let states = states.into_iter().map(|state| downcast::<Windowing>(state).sorting);
        match Sorting::take(states.collect(), stop)? {
            Taken::Memory(batches, keys) => beside::compute(&self.plan, batches, keys, stop),
            Taken::Runs(runs) => spill::compute(&self.plan, runs, stop),
        }
    }
}

#[cfg(test)]
mod tests;
