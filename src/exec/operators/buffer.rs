//! Keeps all rows in the order of the input: for what is read more than once or as a whole.

use super::collected::{Collected, downcast, in_order};
use super::runs::{RunFile, SortedRuns, by_position, positions_of};
use super::{Breaker, Output, State};
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::exec::gather::expand;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use arrow_array::Array;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Rows of a batch of a gathered result, but for the last.
const BATCH_ROWS: usize = 1 << 16;

/// The operator.
pub struct Buffer {
    /// Are its expressions the columns that it keeps? So it is in a union.
    pub takes_values: bool,
    /// May rows go to disk? Not where somebody knows each by its number.
    pub may_spill: bool,
}

/// What one thread has collected: rows in memory, and runs on disk that came before them.
struct Buffered {
    takes_values: bool,
    may_spill: bool,
    collected: Collected,
    runs: Option<RunFile>,
}

impl Breaker for Buffer {
    fn state(&self) -> Box<dyn State> {
        let collected = Collected::default();
        let Buffer { takes_values, may_spill } = *self;
        Box::new(Buffered { takes_values, may_spill, collected, runs: None })
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        let mut states: Vec<Buffered> = states.into_iter().map(downcast::<Buffered>).collect();
        let spool = states.iter().find_map(|state| state.runs.as_ref()).map(RunFile::spool);
        if let Some(spool) = spool.cloned() {
            states.iter_mut().try_for_each(|state| state.spill(&spool, stop).map(drop))?;
            let runs = states.into_iter().filter_map(|state| state.runs);
            let runs = runs.flat_map(RunFile::into_runs).collect();
            return Ok(Output::Pieces(Arc::new(SortedRuns::new(by_position(), runs, stop)?)));
        }
        let collected = states.into_iter().map(|state| Box::new(state.collected) as _).collect();
        let batches = in_order(collected).into_iter().map(|(batch, _)| batch);
        Ok(renumber(batches.collect()).into())
    }
}

impl State for Buffered {
    fn push(&mut self, mut batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        if self.takes_values {
            let columns = values.iter().map(|value| expand(value, batch.rows)).collect();
            batch = batch.with_columns(columns);
        }
        self.collected.push(batch, vec![])
    }

    fn bytes(&self) -> usize {
        self.collected.bytes()
    }

    fn spill(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<bool, Error> {
        if self.may_spill && !self.collected.is_empty() {
            let collected = std::mem::take(&mut self.collected);
            let keyed = |(batch, _): (Batch, _)| {
                let position = Operand::column(positions_of(&batch));
                (batch, vec![position])
            };
            let rows = in_order(vec![Box::new(collected)]).into_iter().map(keyed).collect();
            let runs = match &mut self.runs {
                Some(runs) => runs,
                none => none.insert(RunFile::new(spool)?),
            };
            runs.write(&by_position(), rows, stop)?;
        }
        Ok(self.may_spill)
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
