//! The merge of sorted runs.
//!
//! It is by ranges of keys: every piece of the result is what all runs have between two keys, read,
//! sorted and given by whichever thread comes for it. So it is parallel, can be read again by
//! another stage, and needs memory for a piece a thread. A piece reads whole blocks, up to two more
//! of each run than it needs; so there must not be too many runs, and those that are too many are
//! merged into longer ones before.

use super::{Run, RunFile, ordered_columns, total_order};
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::{RowRef, concat_compact, gather_batches, row_ref, slice_batch};
use crate::exec::operators::sort::Sort;
use crate::exec::operators::{Pieces, numbered};
use crate::exec::order::RowOrder;
use crate::store::spool::Spool;
use arrow_array::Array;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The merged result of some runs.
pub(in crate::exec::operators) struct SortedRuns {
    sort: Sort,
    /// Rows that are equal in so many first keys are in one piece; none if they need not be.
    together: Option<usize>,
    runs: Vec<Run>,
    /// The keys and positions at which pieces begin, but for the first.
    splitters: Batch,
    /// The blocks of each run that a piece may have rows of.
    pieces: Vec<Vec<Range<usize>>>,
}

impl SortedRuns {
    fn row_count(&self) -> u64 {
        self.runs.iter().map(|run| run.at.rows).sum()
    }

    /// The rows of the runs; of equal rows of one position, those of earlier runs come first.
    pub fn new(sort: Sort, runs: Vec<Run>, stop: &AtomicBool) -> Result<SortedRuns, Error> {
        SortedRuns::keeping_together(None, sort, runs, stop)
    }

    /// The same in pieces of which each holds all rows that are equal in so many first keys.
    pub fn keeping_together(
        together: Option<usize>,
        sort: Sort,
        mut runs: Vec<Run>,
        stop: &AtomicBool,
    ) -> Result<SortedRuns, Error> {
        let runs_max = runs.first().map_or(1, |run| run.file.spool().runs_max(run.at.columns));
        while runs.len() > runs_max {
            runs = fewer(&sort, runs, runs_max, stop)?;
        }
        Ok(SortedRuns::of(together, sort, runs))
    }

    /// Where it is.
    pub fn spool(&self) -> Option<&Arc<Spool>> {
        self.runs.first().map(|run| run.file.spool())
    }

    fn of(together: Option<usize>, sort: Sort, runs: Vec<Run>) -> SortedRuns {
        let bytes: u64 = runs.iter().map(|run| run.at.bytes).sum();
        let piece_bytes = |run: &Run| run.file.spool().piece_bytes(run.at.columns);
        let piece_bytes = runs.first().map_or(1, piece_bytes) as u64;
        let fences: Vec<Batch> = runs.iter().map(|run| run.at.fences.clone()).collect();
        let order = total_order(&sort, together, &fences);
        let sorted = order.sort();
        // A block is read by the pieces before and behind its splitters.
        let count = (bytes.div_ceil(piece_bytes) as usize).clamp(1, sorted.len().max(1));
        let mut splitters: Vec<RowRef> =
            (1..count).map(|piece| sorted[piece * sorted.len() / count]).collect();
        splitters.dedup_by(|a, b| order.compare(*a, *b).is_eq());
        let count = splitters.len() + 1;
        let pieces = (0..count)
            .map(|piece| {
                let low = piece.checked_sub(1).map(|at| splitters[at]);
                let high = splitters.get(piece).copied();
                let blocks = |run: usize| blocks_between(&order, &fences, run, low, high);
                (0..runs.len()).map(blocks).collect()
            })
            .collect();
        let splitters = gather_batches(&fences, &splitters);
        let rows = splitters.iter().map(|batch| batch.rows).sum();
        let splitters = Batch::new(concat_compact(splitters), rows, 0);
        SortedRuns { sort, together, runs, splitters, pieces }
    }

    /// The stored rows of a piece, and their order.
    fn ordered(&self, piece: usize) -> Result<(Vec<Batch>, Vec<RowRef>), Error> {
        let mut cuts = vec![];
        for (run, blocks) in self.runs.iter().zip(&self.pieces[piece]) {
            for block in blocks.clone() {
                let columns = run.read(block)?;
                let rows = columns.first().map_or(0, |column| column.len());
                cuts.extend(self.cut(piece, Batch::new(columns, rows, 0)));
            }
        }
        let ordered: Vec<Batch> =
            cuts.iter().map(|cut| cut.with_columns(ordered_columns(&self.sort, cut))).collect();
        let order = total_order(&self.sort, None, &ordered).sort();
        Ok((cuts, order))
    }

    /// The rows of a piece in their order, as they are stored: with the keys that are no columns, and
    /// the positions.
    pub fn stored(&self, piece: usize) -> Result<Vec<Batch>, Error> {
        let (stored, order) = self.ordered(piece)?;
        Ok(gather_batches(&stored, &order))
    }

    /// The rows of a piece that are in one block.
    fn cut(&self, at: usize, block: Batch) -> Option<Batch> {
        let first = at.saturating_sub(1);
        let ends = slice_batch(&self.splitters, first, self.splitters.rows.min(at + 1) - first);
        if ends.rows == 0 {
            return Some(block);
        }
        let keys = block.with_columns(ordered_columns(&self.sort, &block));
        let order = total_order(&self.sort, self.together, &[ends, keys]);
        let is_before = |row: usize, splitter: usize| {
            order.compare(row_ref(1, row), row_ref(0, splitter - first)).is_lt()
        };
        let first_behind =
            |splitter: usize| partition_point(block.rows, |row| is_before(row, splitter));
        let start = at.checked_sub(1).map_or(0, first_behind);
        let end = if at < self.splitters.rows { first_behind(at) } else { block.rows };
        (start < end).then(|| slice_batch(&block, start, end - start))
    }
}

/// Merges some of the runs, so that there are at most `runs_max`, or, if that takes more than one
/// pass, all of them. Only neighbours are merged, or equal rows of one position would change their
/// order.
fn fewer(
    sort: &Sort,
    runs: Vec<Run>,
    runs_max: usize,
    stop: &AtomicBool,
) -> Result<Vec<Run>, Error> {
    let spool = runs[0].file.spool().clone();
    let mut too_many = runs.len() - runs_max;
    let mut runs = runs.into_iter();
    let mut groups: Vec<Vec<Run>> = vec![];
    while runs.len() > 0 {
        let group: Vec<Run> = runs.by_ref().take(runs_max.min(too_many + 1)).collect();
        too_many -= group.len() - 1;
        groups.push(group);
    }
    let groups_of_thread = groups.len().div_ceil(rayon::current_num_threads());
    let merged: Vec<Vec<Run>> = groups
        .par_chunks_mut(groups_of_thread)
        .map(|groups| {
            let mut file = None;
            for group in groups.iter_mut().filter(|group| group.len() > 1) {
                let file = match &mut file {
                    Some(file) => file,
                    none => none.insert(RunFile::new(&spool)?),
                };
                merge(sort, std::mem::take(group), file, stop)?;
            }
            let mut merged = file.into_iter().flat_map(RunFile::into_runs);
            let runs = groups.iter_mut().flat_map(|group| group.pop().or_else(|| merged.next()));
            Ok(runs.collect())
        })
        .collect::<Result<_, Error>>()?;
    Ok(merged.into_iter().flatten().collect())
}

/// Merges runs into one.
fn merge(sort: &Sort, runs: Vec<Run>, into: &mut RunFile, stop: &AtomicBool) -> Result<(), Error> {
    let runs = SortedRuns::of(None, sort.clone(), runs);
    let bytes = runs.runs.iter().map(|run| run.at.bytes).sum();
    let columns = runs.runs.first().map_or(0, |run| run.at.columns);
    let mut merged = into.begin(sort, bytes, runs.row_count(), columns);
    for piece in 0..runs.count() {
        let (stored, order) = runs.ordered(piece)?;
        merged.append(&stored, &order, stop)?;
    }
    merged.end();
    Ok(())
}

/// The blocks of a run that may have rows from `low` to before `high`, both rows of `fences`.
fn blocks_between(
    order: &RowOrder,
    fences: &[Batch],
    run: usize,
    low: Option<RowRef>,
    high: Option<RowRef>,
) -> Range<usize> {
    let blocks = fences[run].rows;
    let begins_before = |block: usize, at: RowRef| order.compare(row_ref(run, block), at).is_lt();
    let first = |at: RowRef| partition_point(blocks, |block| begins_before(block, at));
    // The block before the first that begins at `low` or later may hold some.
    let start = low.map_or(0, |low| first(low).saturating_sub(1));
    let end = high.map_or(blocks, first);
    start..end.max(start)
}

/// How many of `0..count` are, all before those that are not.
fn partition_point(count: usize, mut is: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if is(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

impl Pieces for SortedRuns {
    fn count(&self) -> usize {
        self.pieces.len()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row_count())
    }

    fn read(&self, piece: usize, _: bool) -> Result<Vec<Batch>, Error> {
        let (mut stored, order) = self.ordered(piece)?;
        let others = self.sort.columns.iter().filter(|column| column.is_none()).count();
        for batch in &mut stored {
            let columns = batch.columns.len() - 1 - others;
            batch.columns.truncate(columns);
        }
        Ok(numbered(gather_batches(&stored, &order), piece))
    }
}
