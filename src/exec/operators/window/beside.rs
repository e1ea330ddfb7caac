//! Windows over rows in memory: the new columns are computed in the order of partitions and put
//! beside the rows, which nobody moves.

use super::partitions::{Computed, Partitions};
use super::{Plan, Value, sessions};
use crate::data::Batch;
use crate::exec::gather::{BATCH_ROWS_MAX, RowRef, batch_and_row, expand, gather_column, row_ref};
use crate::exec::operators::{Output, Pieces, numbered};
use crate::exec::order::RowOrder;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Partitions of about so many rows are computed together.
const ROWS_TOGETHER: usize = BATCH_ROWS_MAX;

/// The rows with their new columns.
pub(super) fn compute(
    plan: &Plan,
    mut batches: Vec<Batch>,
    keys: Vec<Vec<Operand>>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    let order = plan.sort.order(&keys, &batches);
    let rows = order.sort_until(stop);
    go_on(stop)?;
    let groups = groups(plan, &order, &rows);
    drop(order);
    let computed: Vec<Computed> = groups
        .par_iter()
        .map(|group| {
            go_on(stop)?;
            compute_group(plan, group, &rows, &batches, &keys)
        })
        .collect::<Vec<Result<Computed, Error>>>()
        .into_iter()
        .collect::<Result<_, Error>>()?;
    drop(keys);
    let computed = number_sessions(plan, computed);
    let places = places(&batches, &groups, &rows);
    for batch in &mut batches {
        batch.columns.truncate(plan.width);
    }
    Ok(Output::Pieces(Arc::new(Beside { batches, computed, places })))
}

/// Partitions that are computed together.
struct Group {
    /// The first of its rows, in the order of the partitions.
    first: usize,
    rows: usize,
    starts: Vec<u32>,
    peers: Vec<u32>,
}

/// All partitions, in groups of about [`ROWS_TOGETHER`] rows.
fn groups(plan: &Plan, order: &RowOrder, rows: &[RowRef]) -> Vec<Group> {
    let (keys, needs_peers) = (plan.keys.len(), plan.needs_peers());
    let all = plan.sort.directions.len();
    // Where partitions begin, and where rows begin that sort equal.
    let borders: Vec<(Vec<usize>, Vec<usize>)> = (0..rows.len())
        .step_by(ROWS_TOGETHER)
        .collect::<Vec<usize>>()
        .into_par_iter()
        .map(|first| {
            let (mut starts, mut peers) = (vec![], vec![]);
            let before = first.saturating_sub(1);
            let piece = &rows[before..rows.len().min(first + ROWS_TOGETHER)];
            for (at, agreement) in (before + 1..).zip(order.agreements(piece)) {
                if agreement < keys {
                    starts.push(at);
                }
                if needs_peers && agreement < all {
                    peers.push(at);
                }
            }
            (starts, peers)
        })
        .collect();
    let mut groups = vec![];
    let mut open = Group { first: 0, rows: 0, starts: vec![0], peers: vec![0] };
    let mut peers = borders.iter().flat_map(|(_, peers)| peers).copied().peekable();
    let starts = borders.iter().flat_map(|(starts, _)| starts).copied();
    for start in starts.chain([rows.len()]) {
        while let Some(at) = peers.next_if(|at| *at < start) {
            open.peers.push((at - open.first) as u32);
        }
        open.rows = start - open.first;
        open.starts.push(open.rows as u32);
        if open.rows >= ROWS_TOGETHER || start == rows.len() {
            open.peers.push(open.rows as u32);
            let next = Group { first: start, rows: 0, starts: vec![0], peers: vec![0] };
            groups.push(std::mem::replace(&mut open, next));
            peers.next_if(|at| *at == start);
        } else if let Some(at) = peers.next_if(|at| *at == start) {
            open.peers.push((at - open.first) as u32);
        }
    }
    if rows.is_empty() { vec![] } else { groups }
}

fn compute_group(
    plan: &Plan,
    group: &Group,
    rows: &[RowRef],
    batches: &[Batch],
    keys: &[Vec<Operand>],
) -> Result<Computed, Error> {
    let rows = &rows[group.first..group.first + group.rows];
    let at: Vec<(usize, usize)> = rows.iter().map(|row| batch_and_row(*row)).collect();
    let column = |column: usize| {
        let pieces: Vec<&dyn Array> = batches.iter().map(|batch| &*batch.columns[column]).collect();
        gather_column(&pieces, &at)
    };
    let key = |key: usize| {
        let pieces: Vec<ArrayRef> =
            keys.iter().zip(batches).map(|(keys, batch)| expand(&keys[key], batch.rows)).collect();
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        gather_column(&pieces, &at)
    };
    plan.compute(&Partitions {
        rows: group.rows,
        starts: group.starts.clone(),
        peers: group.peers.clone(),
        column: &column,
        key: &key,
    })
}

/// The new columns of all groups, with sessions numbered through all of them.
fn number_sessions(plan: &Plan, computed: Vec<Computed>) -> Vec<Vec<ArrayRef>> {
    let columns = plan.columns.iter().enumerate();
    let columns = columns.filter(|(_, column)| matches!(column.value, Value::Session(_)));
    let columns: Vec<usize> = columns.map(|(at, _)| at).collect();
    let mut before = vec![0; columns.len()];
    computed
        .into_iter()
        .map(|mut group| {
            for (at, column) in columns.iter().enumerate() {
                let numbers = &mut group.columns[*column];
                *numbers = sessions::behind(numbers, before[at]);
                before[at] += group.sessions[at];
            }
            group.columns
        })
        .collect()
}

/// Of each row, where it is among the computed ones.
fn places(batches: &[Batch], groups: &[Group], rows: &[RowRef]) -> Vec<Vec<RowRef>> {
    let zeros = |batch: &Batch| (0..batch.rows).map(|_| AtomicU64::new(0)).collect();
    let places: Vec<Vec<AtomicU64>> = batches.par_iter().map(zeros).collect();
    groups.par_iter().enumerate().for_each(|(at, group)| {
        for (place, row) in rows[group.first..group.first + group.rows].iter().enumerate() {
            let (batch, row) = batch_and_row(*row);
            places[batch][row].store(row_ref(at, place), Relaxed);
        }
    });
    let plain = |places: Vec<AtomicU64>| places.into_iter().map(AtomicU64::into_inner).collect();
    places.into_iter().map(plain).collect()
}

/// Rows, and the new columns in another order.
struct Beside {
    batches: Vec<Batch>,
    computed: Vec<Vec<ArrayRef>>,
    places: Vec<Vec<RowRef>>,
}

impl Pieces for Beside {
    fn count(&self) -> usize {
        self.batches.len()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.batches.iter().map(|batch| batch.rows as u64).sum())
    }

    fn read(&self, piece: usize, _: bool) -> Result<Vec<Batch>, Error> {
        let batch = &self.batches[piece];
        let at: Vec<(usize, usize)> =
            self.places[piece].iter().map(|place| batch_and_row(*place)).collect();
        let mut columns = batch.columns.clone();
        let new = self.computed.first().map_or(0, Vec::len);
        columns.extend((0..new).map(|column| {
            let pieces: Vec<&dyn Array> =
                self.computed.iter().map(|columns| &*columns[column]).collect();
            gather_column(&pieces, &at)
        }));
        Ok(numbered(vec![batch.with_columns(columns)], piece))
    }
}
