//! Windows over rows that did not fit into memory: sorted rows are read in pieces of whole
//! partitions, computed by whichever thread comes for them, and written to be sorted back to their
//! places.

use super::partitions::Partitions;
use super::{Plan, Value, sessions};
use crate::data::{Batch, Positions};
use crate::exec::Error;
use crate::exec::gather::{concat_compact, row_ref};
use crate::exec::operators::runs::{
    Run, RunWriter, SortedRuns, by_position, ordered_columns, stored_positions,
};
use crate::exec::operators::{Output, Pieces};
use crate::exec::order::RowOrder;
use crate::functions::kernel::Operand;
use arrow_array::ArrayRef;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The rows with their new columns, in the order of the input.
pub(super) fn compute(plan: &Plan, runs: Vec<Run>, stop: &AtomicBool) -> Result<Output, Error> {
    let together = Some(plan.keys.len());
    let sorted = SortedRuns::keeping_together(together, plan.sort.clone(), runs, stop)?;
    let Some(spool) = sorted.spool().cloned() else { return Ok(vec![].into()) };
    let sessions = sessions_before(plan, &sorted)?;
    let threads = rayon::current_num_threads();
    let written: Vec<Result<Vec<Run>, (usize, Error)>> = (0..threads)
        .into_par_iter()
        .map(|thread| {
            let mut writer = RunWriter::new(by_position(), &spool, stop);
            for piece in (thread..sorted.count()).step_by(threads) {
                let write = |writer: &mut RunWriter| {
                    let batches = sorted.stored(piece)?;
                    match compute_piece(plan, batches, &sessions[piece])? {
                        Some(rows) => writer.push_at_positions(rows),
                        None => Ok(()),
                    }
                };
                write(&mut writer).map_err(|error| (piece, error))?;
            }
            writer.finish().map_err(|error| (sorted.count(), error))
        })
        .collect();
    let (mut runs, mut failed) = (vec![], vec![]);
    for written in written {
        match written {
            Ok(of_thread) => runs.extend(of_thread),
            Err(error) => failed.push(error),
        }
    }
    // The first in the order of the keys, whichever thread has come upon it.
    if let Some((_, error)) = failed.into_iter().min_by_key(|(piece, _)| *piece) {
        return Err(error);
    }
    Ok(Output::Pieces(Arc::new(SortedRuns::new(by_position(), runs, stop)?)))
}

/// The rows of a piece in one batch, the keys that they are sorted by, and their neighbours.
struct Piece {
    rows: Batch,
    keys: Vec<ArrayRef>,
    starts: Vec<u32>,
    peers: Vec<u32>,
}

impl Piece {
    fn new(plan: &Plan, batches: Vec<Batch>) -> Option<Piece> {
        let count: usize = batches.iter().map(|batch| batch.rows).sum();
        if count == 0 {
            return None;
        }
        let rows = Batch::new(concat_compact(batches), count, 0);
        let mut keys = ordered_columns(&plan.sort, &rows);
        keys.pop();
        let operands: Vec<Operand> = keys.iter().cloned().map(Operand::column).collect();
        let order = RowOrder::new(&[(&operands[..], count)], &plan.sort.directions);
        let names: Vec<_> = (0..count).map(|row| row_ref(0, row)).collect();
        let (mut starts, mut peers) = (vec![0], vec![0]);
        for (at, agreement) in (1..).zip(order.agreements(&names)) {
            if agreement < plan.keys.len() {
                starts.push(at);
            }
            if agreement < plan.sort.directions.len() {
                peers.push(at);
            }
        }
        starts.push(count as u32);
        peers.push(count as u32);
        Some(Piece { rows, keys, starts, peers })
    }

    fn partitions<'p>(
        &'p self,
        column: &'p dyn Fn(usize) -> ArrayRef,
        key: &'p dyn Fn(usize) -> ArrayRef,
    ) -> Partitions<'p> {
        let (starts, peers) = (self.starts.clone(), self.peers.clone());
        Partitions { rows: self.rows.rows, starts, peers, column, key }
    }
}

/// The rows of a piece with their new columns, at their positions.
fn compute_piece(
    plan: &Plan,
    batches: Vec<Batch>,
    sessions: &[u64],
) -> Result<Option<Batch>, Error> {
    let Some(piece) = Piece::new(plan, batches) else { return Ok(None) };
    let column = |at: usize| piece.rows.columns[at].clone();
    let key = |at: usize| piece.keys[at].clone();
    let mut computed = plan.compute(&piece.partitions(&column, &key))?;
    let columns = computed.columns.iter_mut().zip(&plan.columns);
    let numbers = columns.filter(|(_, of)| matches!(of.value, Value::Session(_)));
    // Before the first piece there are none.
    for ((numbers, _), before) in numbers.zip(sessions) {
        *numbers = sessions::behind(numbers, *before);
    }
    let mut columns = piece.rows.columns[..plan.width].to_vec();
    columns.append(&mut computed.columns);
    let last = piece.rows.columns.last().expect("positions are stored behind the columns");
    let positions = Positions::At(stored_positions(last));
    Ok(Some(Batch { columns, rows: piece.rows.rows, positions }))
}

/// Of each piece, how many sessions there are in those before it; of each column that numbers them.
fn sessions_before(plan: &Plan, sorted: &SortedRuns) -> Result<Vec<Vec<u64>>, Error> {
    let has_sessions = plan.columns.iter().any(|column| matches!(column.value, Value::Session(_)));
    if !has_sessions {
        return Ok(vec![vec![]; sorted.count()]);
    }
    let of = |piece: usize| -> Result<Vec<u64>, Error> {
        let Some(piece) = Piece::new(plan, sorted.stored(piece)?) else { return Ok(vec![]) };
        let column = |at: usize| piece.rows.columns[at].clone();
        let key = |at: usize| piece.keys[at].clone();
        Ok(plan.compute(&piece.partitions(&column, &key))?.sessions)
    };
    let counts: Vec<Result<Vec<u64>, Error>> =
        (0..sorted.count()).into_par_iter().map(of).collect();
    let mut before: Vec<u64> = vec![];
    let mut all = vec![];
    for counts in counts {
        all.push(before.clone());
        let counts = counts?;
        before.resize(before.len().max(counts.len()), 0);
        before.iter_mut().zip(counts).for_each(|(before, count)| *before += count);
    }
    Ok(all)
}
