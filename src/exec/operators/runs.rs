//! Sorted rows on disk: runs of one thread each, written when memory was used up, and their merge.
//!
//! The merge is by ranges of keys: every piece of the result is what all runs have between two
//! keys, read, sorted and given by whichever thread comes for it. So it is parallel, can be read
//! again by another stage, and needs memory for a piece a thread. Which operator sorted is not
//! known here; [`super::sort`] does.

use super::Pieces;
use super::collected::{bytes_of_batch, compact_batch};
use super::sort::Sort;
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::exec::Error;
use crate::exec::gather::{
    RowRef, compact, concat_compact, gather_batches, i64_values, row_ref, slice_batch, take_batch,
};
use crate::exec::order::{Direction, RowOrder};
use crate::functions::kernel::Operand;
use crate::store::spool::{Spool, SpoolFile};
use arrow_array::{Array, ArrayRef, Int64Array};
use std::ops::Range;
use std::sync::Arc;

/// Rows of a block. The first key of every block is kept in memory, and a piece reads whole blocks,
/// up to two more of each run than it needs.
pub(super) const BLOCK_ROWS: usize = 1 << 11;

/// Sorted rows in a file: of each block the columns, the keys that are no columns, and the
/// positions.
pub(super) struct Run {
    file: SpoolFile,
    /// The keys and the position of the first row of each block.
    fences: Vec<Batch>,
    rows: u64,
}

impl Run {
    /// Sorts and writes rows, which come in the order of the input.
    pub fn write(
        sort: &Sort,
        rows: Vec<(Batch, Vec<Operand>)>,
        spool: &Arc<Spool>,
    ) -> Result<Run, Error> {
        let (batches, keys): (Vec<Batch>, Vec<Vec<Operand>>) = rows.into_iter().unzip();
        let order = sort.order(&keys, &batches).sort();
        let stored: Vec<Batch> =
            batches.into_iter().zip(keys).map(|(batch, keys)| stored(sort, batch, keys)).collect();
        let mut run = Run { file: spool.file()?, fences: vec![], rows: order.len() as u64 };
        for rows in order.chunks(BLOCK_ROWS) {
            let block = gather_batches(&stored, rows).remove(0);
            let (block, _) = compact_batch(block, vec![]);
            let first = take_batch(&block, &[0]);
            // Copied, or it would keep the whole block in memory.
            let keys = compact(&ordered_columns(sort, &first));
            run.fences.push(first.with_columns(keys));
            run.file.append(&block.columns, block.rows)?;
        }
        run.fences = fences_together(run.fences);
        Ok(run)
    }

    /// Where it was written.
    pub fn spool(&self) -> &Arc<Spool> {
        self.file.spool()
    }
}

/// Rows that are written as runs, each when it is large enough.
pub(super) struct RunWriter<'s> {
    sort: Sort,
    spool: &'s Arc<Spool>,
    rows: Vec<(Batch, Vec<Operand>)>,
    bytes: usize,
    runs: Vec<Run>,
}

impl<'s> RunWriter<'s> {
    /// Of rows to be sorted like this.
    pub fn new(sort: Sort, spool: &'s Arc<Spool>) -> RunWriter<'s> {
        RunWriter { sort, spool, rows: vec![], bytes: 0, runs: vec![] }
    }

    /// Takes in rows with their keys. Those of one position come in their order.
    pub fn push(&mut self, batch: Batch, keys: Vec<Operand>) -> Result<(), Error> {
        self.bytes += bytes_of_batch(&batch, &keys);
        self.rows.push((batch, keys));
        if self.bytes > self.spool.part_bytes() { self.write() } else { Ok(()) }
    }

    /// Takes in rows to be sorted by their positions.
    pub fn push_at_positions(&mut self, batch: Batch) -> Result<(), Error> {
        let position = Operand::column(positions_of(&batch));
        self.push(batch, vec![position])
    }

    /// All runs.
    pub fn finish(mut self) -> Result<Vec<Run>, Error> {
        self.write()?;
        Ok(self.runs)
    }

    fn write(&mut self) -> Result<(), Error> {
        if !self.rows.is_empty() {
            let rows = std::mem::take(&mut self.rows);
            self.runs.push(Run::write(&self.sort, rows, self.spool)?);
            self.bytes = 0;
        }
        Ok(())
    }
}

/// The order of the input: the only key is the position.
pub(super) fn by_position() -> Sort {
    Sort { directions: vec![Direction::default()], columns: vec![None] }
}

/// The first rows of all blocks as one batch.
fn fences_together(fences: Vec<Batch>) -> Vec<Batch> {
    let rows = fences.len();
    vec![Batch::new(concat_compact(fences), rows, 0)]
}

/// The columns, the keys that are none, and the positions.
fn stored(sort: &Sort, batch: Batch, keys: Vec<Operand>) -> Batch {
    let mut columns = batch.columns.clone();
    let others = keys.iter().zip(&sort.columns).filter(|(_, column)| column.is_none());
    columns.extend(others.map(|(key, _)| crate::exec::gather::expand(key, batch.rows)));
    with_positions(&batch.with_columns(columns))
}

/// The columns, and the positions of the rows as one more.
pub(super) fn with_positions(batch: &Batch) -> Batch {
    let mut columns = batch.columns.clone();
    columns.push(positions_of(batch));
    batch.with_columns(columns)
}

/// The positions of the rows as a column.
pub(super) fn positions_of(batch: &Batch) -> ArrayRef {
    let positions = (0..batch.rows).map(|row| batch.positions.at(row) as i64);
    Arc::new(Int64Array::from_iter_values(positions))
}

/// The positions that [`with_positions`] has put into a column.
pub(super) fn stored_positions(column: &ArrayRef) -> Arc<[u64]> {
    i64_values(column).iter().map(|&position| position as u64).collect()
}

/// The keys and the position of stored rows: what they are ordered by, without ties but between
/// rows of one position.
fn ordered_columns(sort: &Sort, stored: &Batch) -> Vec<ArrayRef> {
    let columns = &stored.columns;
    let others = sort.columns.iter().filter(|column| column.is_none()).count();
    let mut other = columns.len() - 1 - others;
    let mut ordered: Vec<ArrayRef> = vec![];
    for column in &sort.columns {
        match column {
            Some(column) => ordered.push(columns[*column].clone()),
            None => {
                ordered.push(columns[other].clone());
                other += 1;
            }
        }
    }
    ordered.push(columns[columns.len() - 1].clone());
    ordered
}

/// The merged result of some runs.
pub(super) struct SortedRuns {
    sort: Sort,
    runs: Vec<Run>,
    /// The keys and positions at which pieces begin, but for the first.
    splitters: Batch,
    /// The blocks of each run that a piece may have rows of.
    pieces: Vec<Vec<Range<usize>>>,
}

impl SortedRuns {
    /// The rows of the runs; of equal rows of one position, those of earlier runs come first.
    pub fn new(sort: Sort, runs: Vec<Run>) -> Result<SortedRuns, Error> {
        let bytes: u64 = runs.iter().map(|run| run.file.bytes()).sum();
        let piece_bytes = runs.first().map_or(1, |run| run.file.spool().piece_bytes()) as u64;
        let fences: Vec<Batch> = runs.iter().flat_map(|run| run.fences.clone()).collect();
        let order = total_order(&sort, &fences);
        let sorted = order.sort();
        // A block is read by the pieces before and behind its splitters.
        let count = (bytes.div_ceil(piece_bytes) as usize).clamp(1, sorted.len().max(1));
        let splitters: Vec<RowRef> =
            (1..count).map(|piece| sorted[piece * sorted.len() / count]).collect();
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
        Ok(SortedRuns { sort, runs, splitters, pieces })
    }

    /// The rows of a piece that are in one block.
    fn cut(&self, at: usize, block: Batch) -> Option<Batch> {
        if self.splitters.rows == 0 {
            return Some(block);
        }
        let keys = block.with_columns(ordered_columns(&self.sort, &block));
        let order = total_order(&self.sort, &[self.splitters.clone(), keys]);
        let is_before = |row: usize, splitter: usize| {
            order.compare(row_ref(1, row), row_ref(0, splitter)).is_lt()
        };
        let first = |splitter: usize| partition_point(block.rows, |row| is_before(row, splitter));
        let start = at.checked_sub(1).map_or(0, first);
        let end = if at < self.splitters.rows { first(at) } else { block.rows };
        (start < end).then(|| slice_batch(&block, start, end - start))
    }
}

/// The order by keys and positions.
fn total_order(sort: &Sort, ordered: &[Batch]) -> RowOrder {
    let mut directions = sort.directions.clone();
    directions.push(Direction::default());
    let keys: Vec<Vec<Operand>> = ordered
        .iter()
        .map(|batch| batch.columns.iter().cloned().map(Operand::column).collect())
        .collect();
    let rows: Vec<_> =
        keys.iter().zip(ordered).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
    RowOrder::new(&rows, &directions)
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

    fn rows(&self) -> u64 {
        self.runs.iter().map(|run| run.rows).sum()
    }

    fn read(&self, piece: usize) -> Result<Vec<Batch>, Error> {
        let mut cuts = vec![];
        for (run, blocks) in self.runs.iter().zip(&self.pieces[piece]) {
            for block in blocks.clone() {
                let columns = run.file.read(block)?;
                let rows = columns.first().map_or(0, |column| column.len());
                cuts.extend(self.cut(piece, Batch::new(columns, rows, 0)));
            }
        }
        let ordered: Vec<Batch> =
            cuts.iter().map(|cut| cut.with_columns(ordered_columns(&self.sort, cut))).collect();
        let order = total_order(&self.sort, &ordered).sort();
        let others = self.sort.columns.iter().filter(|column| column.is_none()).count();
        for cut in &mut cuts {
            let columns = cut.columns.len() - 1 - others;
            cut.columns.truncate(columns);
        }
        Ok(numbered(gather_batches(&cuts, &order), piece))
    }
}

/// Batches whose positions count through a piece.
pub(super) fn numbered(mut batches: Vec<Batch>, piece: usize) -> Vec<Batch> {
    let mut start = (piece as u64) << POSITION_ROW_BITS;
    for batch in &mut batches {
        batch.positions = Positions::Range(start);
        start += batch.rows as u64;
    }
    batches
}
