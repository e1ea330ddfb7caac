//! Batches that a breaker keeps until all have come, for those that need every row.

use super::State;
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::{bytes_of, compact};
use crate::functions::kernel::Operand;
use arrow_array::ArrayRef;
use std::any::Any;
use std::sync::Arc;

/// The batches of one thread and their values.
#[derive(Debug, Default)]
pub struct Collected {
    batches: Vec<(Batch, Vec<Operand>)>,
    rows: usize,
    bytes: usize,
}

impl Collected {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Is there nothing?
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

impl State for Collected {
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        if batch.rows > 0 {
            let (batch, values) = compact_batch(batch, values);
            self.rows += batch.rows;
            self.bytes += bytes_of_batch(&batch, &values);
            self.batches.push((batch, values));
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// All batches of all states, in the order of the input.
pub fn in_order(states: Vec<Box<dyn State>>) -> Vec<(Batch, Vec<Operand>)> {
    let mut batches: Vec<_> =
        states.into_iter().flat_map(|state| downcast::<Collected>(state).batches).collect();
    // Batches do not overlap. Those that begin at the same position are of one row of the input,
    // hence of one thread, and come in their order.
    batches.sort_by_key(|(batch, _)| batch.positions.at(0));
    batches
}

/// The state that an operator made itself.
pub fn downcast<S: State + 'static>(state: Box<dyn State>) -> S {
    *state.into_any().downcast().expect("a state of this operator")
}

/// Compacts columns and values alike; a value that is a column stays the same array.
pub fn compact_batch(batch: Batch, values: Vec<Operand>) -> (Batch, Vec<Operand>) {
    let mut arrays = batch.columns.clone();
    arrays.extend(values.iter().map(|value| value.array.clone()));
    let compacted = compact(&arrays);
    let columns = compacted[..batch.columns.len()].to_vec();
    let values = values
        .into_iter()
        .zip(&compacted[batch.columns.len()..])
        .map(|(value, array)| {
            let same = batch.columns.iter().position(|column| Arc::ptr_eq(column, &value.array));
            let array = same.map_or(array, |same| &columns[same]).clone();
            Operand { array, constant: value.constant }
        })
        .collect();
    (batch.with_columns(columns), values)
}

/// Compacts values, see [`compact`].
pub fn compact_operands(values: &mut [Operand]) {
    let arrays: Vec<ArrayRef> = values.iter().map(|value| value.array.clone()).collect();
    for (value, array) in values.iter_mut().zip(compact(&arrays)) {
        value.array = array;
    }
}

/// About how much memory a batch and its values take.
pub fn bytes_of_batch(batch: &Batch, values: &[Operand]) -> usize {
    let mut arrays: Vec<ArrayRef> = batch.columns.clone();
    for value in values {
        if !arrays.iter().any(|array| Arc::ptr_eq(array, &value.array)) {
            arrays.push(value.array.clone());
        }
    }
    let positions =
        if let crate::data::Positions::At(at) = &batch.positions { at.len() } else { 0 };
    bytes_of(&arrays) + positions * 8
}
