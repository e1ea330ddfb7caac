//! `dedupe by` and `distinct`: one row for each key, each where it stood in the input.
//!
//! Each thread keeps the best row that it has seen of each key, and the threads' tables are
//! merged part by part. When memory is used up, rows go to disk ([`spill`]).

mod spill;

use super::collected::downcast;
use super::kept::Kept;
use super::parted::PartedFile;
use super::{Breaker, Output, State};
use crate::data::Batch;
use crate::exec::gather::{RowRef, expand, row_ref};
use crate::exec::order::{Direction, RowOrder};
use crate::exec::table::GroupTable;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use crate::types::Type;
use rayon::prelude::*;
use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which of several rows of a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepRow {
    /// The first of the input.
    First,
    /// The last of the input.
    Last,
    /// The one with the smallest value; null loses. Equal ones fall back on all columns in order,
    /// the smallest row winning, then on the input order.
    Smallest,
    /// The one with the largest value; else as for the smallest.
    Largest,
}

/// Keeps one row a key. Its values: the keys, then for [`KeepRow::Smallest`] and
/// [`KeepRow::Largest`] the value.
pub struct Dedupe {
    plan: Arc<Plan>,
}

/// Keeps the first of equal rows. It has no values.
pub struct Distinct {
    plan: Arc<Plan>,
}

struct Plan {
    keys: Vec<Type>,
    /// Of each key that is a column, which.
    columns: Vec<Option<usize>>,
    keep: KeepRow,
    /// Are the columns the keys?
    by_all: bool,
}

impl Dedupe {
    /// By keys of these types, of which some are columns.
    pub fn new(keys: Vec<Type>, columns: Vec<Option<usize>>, keep: KeepRow) -> Dedupe {
        Dedupe { plan: Arc::new(Plan { keys, columns, keep, by_all: false }) }
    }
}

impl Distinct {
    /// Of rows with columns of these types.
    pub fn new(columns: Vec<Type>) -> Distinct {
        let keys = columns;
        let columns = (0..keys.len()).map(Some).collect();
        Distinct { plan: Arc::new(Plan { keys, columns, keep: KeepRow::First, by_all: true }) }
    }
}

impl Breaker for Dedupe {
    fn state(&self) -> Box<dyn State> {
        Box::new(BestRows::new(self.plan.clone()))
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        finish(&self.plan, states, stop)
    }
}

impl Breaker for Distinct {
    fn state(&self) -> Box<dyn State> {
        Box::new(BestRows::new(self.plan.clone()))
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        finish(&self.plan, states, stop)
    }
}

impl Plan {
    fn compares_values(&self) -> bool {
        matches!(self.keep, KeepRow::Smallest | KeepRow::Largest)
    }

    /// Columns that are kept behind those of the rows: keys that are none of them, and the value.
    fn hidden(&self) -> usize {
        let keys = self.columns.iter().filter(|column| column.is_none()).count();
        keys + usize::from(self.compares_values())
    }

    /// The directions of the value and all columns; `columns` in all.
    fn directions(&self, columns: usize) -> Vec<Direction> {
        let mut directions = vec![Direction::default(); columns];
        directions[0].descending = self.keep == KeepRow::Largest;
        directions
    }

    /// The order of the rows of `kept`, if values are compared.
    fn order(&self, kept: &Kept) -> RowOrder {
        let (true, Some(first)) = (self.compares_values(), kept.batches().first()) else {
            return RowOrder::empty(&[]);
        };
        let keys: Vec<Vec<Operand>> = kept.batches().iter().map(order_keys).collect();
        let rows: Vec<_> =
            keys.iter().zip(kept.batches()).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
        RowOrder::new(&rows, &self.directions(first.columns.len()))
    }

    /// The rank of a row; of two rows with one rank, [`Self::wins_tie`] decides.
    fn rank(&self, order: &RowOrder, row: RowRef, position: u64) -> Rank {
        match self.keep {
            KeepRow::First => position,
            KeepRow::Last => !position,
            KeepRow::Smallest | KeepRow::Largest => order.coarse(row),
        }
    }

    /// Is `row` better than `other`, which came before it if they stand at the same position?
    fn wins_tie(
        &self,
        order: &RowOrder,
        (position, row): (u64, RowRef),
        (other_position, other): (u64, RowRef),
    ) -> bool {
        match self.keep {
            KeepRow::First => false,
            KeepRow::Last => true,
            KeepRow::Smallest | KeepRow::Largest => {
                order.compare(row, other).then(position.cmp(&other_position)) == Ordering::Less
            }
        }
    }
}

/// Best first.
type Rank = u64;

/// So many rows that are no longer the best are kept before they are dropped.
const BEATEN_ROWS_MIN: usize = 1 << 16;
/// So many keys are worth to be merged by several threads.
const MERGED_KEYS_MIN: usize = 1 << 16;

/// The best row of each key that one thread has seen.
struct BestRows {
    plan: Arc<Plan>,
    table: GroupTable,
    /// The key of each row of the batch at hand.
    numbers: Vec<u32>,
    /// For each key, the rank of its row and the row.
    best: Vec<(Rank, RowRef)>,
    /// The rows, with the hidden columns behind theirs.
    kept: Kept,
    /// Of the rows in `kept`, if values are compared.
    order: RowOrder,
    /// Rows in `kept` that are no longer the best.
    beaten: usize,
    /// What is on disk.
    spilled: Option<PartedFile>,
    /// How often the rows were parted by their hash before.
    level: u32,
}

impl BestRows {
    fn new(plan: Arc<Plan>) -> BestRows {
        BestRows {
            table: GroupTable::new(&plan.keys),
            plan,
            numbers: vec![],
            best: vec![],
            kept: Kept::default(),
            order: RowOrder::empty(&[]),
            beaten: 0,
            spilled: None,
            level: 0,
        }
    }

    /// The best rows in the order of the input, at their positions.
    fn into_result(self) -> Vec<Batch> {
        let mut kept = self.kept;
        kept.drop_last_columns(self.plan.hidden());
        kept.into_positioned(self.best.into_iter().map(|best| best.1).collect())
    }

    /// Makes the rows of the batch the best of their keys where they are.
    fn note_best(&mut self, batch: &Batch) {
        let at = self.kept.next_batch();
        for (row, &number) in self.numbers.iter().enumerate() {
            let position = batch.positions.at(row);
            let name = row_ref(at, row);
            let rank = self.plan.rank(&self.order, name, position);
            let Some(&(best, other)) = self.best.get(number as usize) else {
                self.best.push((rank, name));
                continue;
            };
            let is_better = rank < best
                || rank == best && {
                    let in_batch = other >= row_ref(at, 0);
                    let other_position = match in_batch {
                        true => batch.positions.at((other - row_ref(at, 0)) as usize),
                        false => self.kept.position(other),
                    };
                    self.plan.wins_tie(&self.order, (position, name), (other_position, other))
                };
            if is_better {
                self.beaten += usize::from(other < row_ref(at, 0));
                self.best[number as usize] = (rank, name);
            }
        }
    }

    /// Keeps those rows of the batch that are the best of their keys.
    fn keep_best(&mut self, batch: &Batch) {
        let at = self.kept.next_batch();
        let mut rows: Vec<u32> = vec![];
        for (row, &number) in self.numbers.iter().enumerate() {
            let best = &mut self.best[number as usize].1;
            if *best == row_ref(at, row) {
                *best = row_ref(at, rows.len());
                rows.push(row as u32);
            }
        }
        if self.plan.compares_values() {
            self.order.pop();
        }
        if !rows.is_empty() {
            let kept = self.kept.push(batch, &rows);
            if self.plan.compares_values() {
                self.order.push(&order_keys(kept), kept.rows);
            }
        }
    }

    /// Drops the rows that are no longer the best.
    fn prune(&mut self) {
        let mut names: Vec<RowRef> = self.best.iter().map(|best| best.1).collect();
        self.kept.retain(&mut names);
        for (best, name) in self.best.iter_mut().zip(names) {
            best.1 = name;
        }
        self.order = self.plan.order(&self.kept);
        self.beaten = 0;
    }
}

impl State for BestRows {
    fn push(&mut self, mut batch: Batch, mut values: Vec<Operand>) -> Result<(), Error> {
        if batch.rows == 0 {
            return Ok(());
        }
        if self.plan.by_all {
            values = batch.columns.iter().cloned().map(Operand::column).collect();
        }
        self.table.find_or_insert(&values[..self.plan.keys.len()], batch.rows, &mut self.numbers);
        let keys = values.iter().zip(&self.plan.columns);
        let hidden = keys.filter(|(_, column)| column.is_none());
        batch.columns.extend(hidden.map(|(key, _)| expand(key, batch.rows)));
        if self.plan.compares_values() {
            batch.columns.push(expand(&values[self.plan.keys.len()], batch.rows));
            if self.kept.next_batch() == 0 {
                self.order = RowOrder::empty(&self.plan.directions(batch.columns.len()));
            }
            self.order.push(&order_keys(&batch), batch.rows);
        }
        self.note_best(&batch);
        self.keep_best(&batch);
        if self.beaten > self.best.len() + BEATEN_ROWS_MIN {
            self.prune();
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.table.bytes() + self.kept.bytes() + self.best.capacity() * 16
    }

    fn spill(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<bool, Error> {
        spill::write(self, spool, stop)?;
        Ok(true)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The last column, which is the value, and all others.
fn order_keys(batch: &Batch) -> Vec<Operand> {
    let mut columns = batch.columns.clone();
    columns.rotate_right(1);
    columns.into_iter().map(Operand::column).collect()
}

/// The best rows of all threads, in the order of the input.
fn finish(
    plan: &Arc<Plan>,
    states: Vec<Box<dyn State>>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    go_on(stop)?;
    let states: Vec<BestRows> = states.into_iter().map(downcast::<BestRows>).collect();
    let spool = states.iter().flat_map(|state| &state.spilled).next().map(PartedFile::spool);
    if let Some(spool) = spool.cloned() {
        return spill::finish(plan, states, &spool, stop);
    }
    let (mut tables, mut bests, mut all) = (vec![], vec![], vec![]);
    for state in states {
        if !state.best.is_empty() {
            tables.push(state.table);
            bests.push(state.best);
            all.push(state.kept);
        }
    }
    let (mut kept, starts) = Kept::join(all);
    for (best, start) in bests.iter_mut().zip(starts) {
        best.iter_mut().for_each(|best| best.1 += row_ref(start, 0));
    }
    let rows = if tables.len() == 1 {
        bests.concat().into_iter().map(|best| best.1).collect()
    } else {
        best_of_all(plan, &kept, &tables, &bests, stop)?
    };
    kept.drop_last_columns(plan.hidden());
    Ok(kept.into_output(rows))
}

/// The best rows of the keys of several tables.
fn best_of_all(
    plan: &Plan,
    kept: &Kept,
    tables: &[GroupTable],
    bests: &[Vec<(Rank, RowRef)>],
    stop: &AtomicBool,
) -> Result<Vec<RowRef>, Error> {
    let order = plan.order(kept);
    let keys: usize = tables.iter().map(GroupTable::len).sum();
    let bits = if keys < MERGED_KEYS_MIN { 0 } else { 8 };
    let parts: Vec<Vec<Vec<u32>>> = tables.par_iter().map(|table| table.parts(bits)).collect();
    let rows: Vec<Vec<RowRef>> = (0..1 << bits)
        .into_par_iter()
        .map(|part| {
            go_on(stop)?;
            let mut merged = GroupTable::new(&plan.keys);
            let mut best: Vec<(Rank, RowRef)> = vec![];
            let mut numbers = vec![];
            for ((table, theirs), parts) in tables.iter().zip(bests).zip(&parts) {
                merged.insert_from(table, &parts[part], &mut numbers);
                for (&number, &mine) in numbers.iter().zip(&parts[part]) {
                    let (rank, row) = theirs[mine as usize];
                    let Some(&(other_rank, other)) = best.get(number as usize) else {
                        best.push((rank, row));
                        continue;
                    };
                    let place = |row| (kept.position(row), row);
                    if rank < other_rank
                        || rank == other_rank && plan.wins_tie(&order, place(row), place(other))
                    {
                        best[number as usize] = (rank, row);
                    }
                }
            }
            Ok(best.into_iter().map(|best| best.1).collect())
        })
        .collect::<Result<_, Error>>()?;
    Ok(rows.concat())
}

#[cfg(test)]
mod tests;
