//! Rows that a breaker keeps of its input, by name: the store of `distinct`, `dedupe` and `take`.

use super::Output;
use super::collected::{bytes_of_batch, compact_batch};
use super::gathered::Gathered;
use crate::data::{Batch, Positions};
use crate::exec::gather::{
    BATCH_ROWS_MAX, RowRef, batch_and_row, gather_batches, row_ref, take_batch,
};
use rayon::prelude::*;

/// Rows in the order in which they came.
#[derive(Debug, Default)]
pub struct Kept {
    batches: Vec<Batch>,
    bytes: usize,
}

impl Kept {
    /// How many batches there are: the number of the next one.
    pub fn next_batch(&self) -> usize {
        self.batches.len()
    }

    /// Keeps these rows of a batch, as rows 0, 1 ... of [`Self::next_batch`], and gives that batch.
    pub fn push(&mut self, batch: &Batch, rows: &[u32]) -> &Batch {
        let kept = if rows.len() == batch.rows { batch.clone() } else { take_batch(batch, rows) };
        let (kept, _) = compact_batch(kept, vec![]);
        self.bytes += bytes_of_batch(&kept, &[]);
        self.batches.push(kept);
        &self.batches[self.batches.len() - 1]
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The batches.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Drops all rows but those that are named, and renames these.
    pub fn retain(&mut self, names: &mut [RowRef]) {
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_unstable_by_key(|&at| names[at]);
        let rows: Vec<RowRef> = order.iter().map(|&at| names[at]).collect();
        let mut batches = gather_batches(&self.batches, &rows);
        for (batch, rows) in batches.iter_mut().zip(rows.chunks(BATCH_ROWS_MAX)) {
            batch.positions = Positions::At(rows.iter().map(|&row| self.position(row)).collect());
            *batch = compact_batch(batch.clone(), vec![]).0;
        }
        self.bytes = batches.iter().map(|batch| bytes_of_batch(batch, &[])).sum();
        self.batches = batches;
        for (at, name) in order.into_iter().enumerate() {
            names[name] = row_ref(at / BATCH_ROWS_MAX, at % BATCH_ROWS_MAX);
        }
    }

    /// Where a row stood in the input.
    pub fn position(&self, row: RowRef) -> u64 {
        let (batch, row) = batch_and_row(row);
        self.batches[batch].positions.at(row)
    }

    /// The rows of all; `starts` says by how much the batches of each have moved.
    pub fn join(all: Vec<Kept>) -> (Kept, Vec<usize>) {
        let mut joined = Kept::default();
        let mut starts = vec![];
        for mut kept in all {
            starts.push(joined.batches.len());
            joined.batches.append(&mut kept.batches);
            joined.bytes += kept.bytes;
        }
        (joined, starts)
    }

    /// Drops the last columns of all rows.
    pub fn drop_last_columns(&mut self, count: usize) {
        for batch in &mut self.batches {
            batch.columns.truncate(batch.columns.len() - count);
        }
    }

    /// The named rows in the order of the input.
    pub fn into_output(self, rows: Vec<RowRef>) -> Output {
        let rows: Vec<RowRef> = self.in_order(rows).into_iter().map(|(_, row)| row).collect();
        let batches = self.batches.into_iter();
        let batches = batches.map(|batch| Batch { positions: Positions::Range(0), ..batch });
        Gathered::output(batches.collect(), rows)
    }

    /// The named rows in the order of the input, at their positions.
    pub fn into_positioned(self, rows: Vec<RowRef>) -> Vec<Batch> {
        let (positions, rows): (Vec<u64>, Vec<RowRef>) = self.in_order(rows).into_iter().unzip();
        let mut batches = gather_batches(&self.batches, &rows);
        for (batch, positions) in batches.iter_mut().zip(positions.chunks(BATCH_ROWS_MAX)) {
            batch.positions = Positions::At(positions.into());
        }
        batches
    }

    /// Rows of one position come from one thread, in their order.
    fn in_order(&self, rows: Vec<RowRef>) -> Vec<(u64, RowRef)> {
        let mut rows: Vec<(u64, RowRef)> =
            rows.into_par_iter().map(|row| (self.position(row), row)).collect();
        rows.par_sort_unstable();
        rows
    }
}
