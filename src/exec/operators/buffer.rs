//! Keeps all rows in the order of the input: for what is read more than once or as a whole.

use super::{Breaker, Output, State};
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::exec::gather::expand;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use arrow_array::Array;
use std::any::Any;
use std::sync::atomic::AtomicBool;

/// Rows of a batch of a gathered result, but for the last.
const BATCH_ROWS: usize = 1 << 16;

/// The operator. With `projects`, its expressions are the columns that it keeps.
pub struct Buffer {
    /// Are columns computed?
    pub projects: bool,
}

struct Buffered {
    projects: bool,
    batches: Vec<Batch>,
}

impl Breaker for Buffer {
    fn state(&self) -> Box<dyn State> {
        Box::new(Buffered { projects: self.projects, batches: vec![] })
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        let mut batches: Vec<Batch> = states
            .into_iter()
            .filter_map(|state| state.into_any().downcast::<Buffered>().ok())
            .flat_map(|state| state.batches)
            .collect();
        // A stable sort keeps several batches of one position (of `explode`, of a join) in order:
        // they come from one morsel and so from one thread.
        batches.sort_by_key(|batch| batch.positions.at(0));
        Ok(renumber(batches).into())
    }
}

impl State for Buffered {
    fn push(&mut self, mut batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        if self.projects {
            let columns = values.iter().map(|value| expand(value, batch.rows)).collect();
            batch = batch.with_columns(columns);
        }
        self.batches.push(batch);
        Ok(())
    }

    fn bytes(&self) -> usize {
        let columns = self.batches.iter().flat_map(|batch| &batch.columns);
        columns.map(|column| column.get_array_memory_size()).sum()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Batches of equal size, but for the last, with positions that count through them: batch `b` is
/// morsel `b`, so that the number of a row follows from its position.
pub fn renumber(batches: Vec<Batch>) -> Vec<Batch> {
    let Some(first) = batches.first() else { return batches };
    let width = first.columns.len();
    let rows: usize = batches.iter().map(|batch| batch.rows).sum();
    let mut out = Vec::with_capacity(rows.div_ceil(BATCH_ROWS));
    let (mut from, mut skipped) = (0, 0);
    for number in 0..rows.div_ceil(BATCH_ROWS) {
        let wanted = BATCH_ROWS.min(rows - number * BATCH_ROWS);
        let mut pieces: Vec<Batch> = vec![];
        let mut have = 0;
        while have < wanted {
            let batch = &batches[from];
            let take = (batch.rows - skipped).min(wanted - have);
            pieces.push(slice(batch, skipped, take));
            have += take;
            skipped += take;
            if skipped == batch.rows {
                from += 1;
                skipped = 0;
            }
        }
        let columns = (0..width)
            .map(|column| {
                let arrays: Vec<&dyn Array> =
                    pieces.iter().map(|piece| piece.columns[column].as_ref()).collect();
                match arrays[..] {
                    [_] => pieces[0].columns[column].clone(),
                    _ => arrow_select::concat::concat(&arrays).expect("columns of one type"),
                }
            })
            .collect();
        out.push(Batch::new(columns, wanted, number as u64));
    }
    out
}

fn slice(batch: &Batch, from: usize, rows: usize) -> Batch {
    let columns = batch.columns.iter().map(|column| column.slice(from, rows)).collect();
    Batch { columns, rows, positions: Positions::Range(0) }
}

/// The number of a row in a renumbered result.
pub fn row_number(position: u64) -> usize {
    let batch = (position >> POSITION_ROW_BITS) as usize;
    batch * BATCH_ROWS + (position & ((1 << POSITION_ROW_BITS) - 1)) as usize
}
