//! Sorted rows on disk: runs that one thread has written when memory was used up, for [`merge`] to
//! put together. Which operator sorted is not known here; [`super::sort`] does.

mod merge;

pub(super) use merge::SortedRuns;

use super::collected::{bytes_of_batch, compact_batch};
use super::sort::Sort;
use crate::data::Batch;
use crate::exec::gather::{
    RowRef, compact, concat_compact, gather_batches, i64_values, take_batch,
};
use crate::exec::order::{Direction, RowOrder};
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::{Spool, SpoolFile};
use arrow_array::{ArrayRef, Int64Array};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The most rows of a block.
pub(super) const BLOCK_ROWS: usize = 1 << 11;

/// Sorted rows in a file: of each block the columns, the keys that are no columns, and the
/// positions. The first key of every block is kept in memory.
pub(super) struct Run {
    file: Arc<SpoolFile>,
    at: Place,
}

/// Where a run is in its file.
struct Place {
    first_block: usize,
    /// The keys and the position of the first row of each block.
    fences: Batch,
    bytes: u64,
    rows: u64,
    columns: usize,
}

impl Run {
    /// The columns of a block.
    fn read(&self, block: usize) -> Result<Vec<ArrayRef>, Error> {
        Ok(self.file.read(self.at.first_block + block)?)
    }
}

/// The runs of one thread, in one file, however many they are.
pub(super) struct RunFile {
    file: SpoolFile,
    runs: Vec<Place>,
}

impl RunFile {
    /// Without runs.
    pub fn new(spool: &Arc<Spool>) -> Result<RunFile, Error> {
        Ok(RunFile { file: spool.file()?, runs: vec![] })
    }

    /// Where it is written.
    pub fn spool(&self) -> &Arc<Spool> {
        self.file.spool()
    }

    /// Sorts rows, which come in the order of the input, and writes them as a run.
    pub fn write(
        &mut self,
        sort: &Sort,
        rows: Vec<(Batch, Vec<Operand>)>,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        let (batches, keys): (Vec<Batch>, Vec<Vec<Operand>>) = rows.into_iter().unzip();
        let order = sort.order(&keys, &batches).sort_until(stop);
        go_on(stop)?;
        let stored: Vec<Batch> =
            batches.into_iter().zip(keys).map(|(batch, keys)| stored(sort, batch, keys)).collect();
        let bytes = stored.iter().map(|batch| bytes_of_batch(batch, &[])).sum::<usize>() as u64;
        let columns = stored.first().map_or(0, |batch| batch.columns.len());
        let mut run = self.begin(sort, bytes, order.len() as u64, columns);
        run.append(&stored, &order, stop)?;
        run.end();
        Ok(())
    }

    /// Begins a run of about so many bytes and rows.
    fn begin<'f>(
        &'f mut self,
        sort: &'f Sort,
        bytes: u64,
        rows: u64,
        columns: usize,
    ) -> RunEnd<'f> {
        let block_bytes = self.spool().block_bytes(columns) as u64;
        let block_rows = (rows * block_bytes / bytes.max(1)).clamp(1, BLOCK_ROWS as u64) as usize;
        let (first_block, start) = (self.file.blocks(), self.file.bytes());
        RunEnd { of: self, sort, block_rows, columns, first_block, start, fences: vec![], rows: 0 }
    }

    /// All runs, in the order in which they were written.
    pub fn into_runs(self) -> impl Iterator<Item = Run> {
        let file = Arc::new(self.file);
        self.runs.into_iter().map(move |at| Run { file: file.clone(), at })
    }
}

/// The run that is being written.
struct RunEnd<'f> {
    of: &'f mut RunFile,
    sort: &'f Sort,
    block_rows: usize,
    columns: usize,
    first_block: usize,
    start: u64,
    fences: Vec<Batch>,
    rows: u64,
}

impl RunEnd<'_> {
    /// Appends stored rows in this order.
    fn append(
        &mut self,
        stored: &[Batch],
        order: &[RowRef],
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        for rows in order.chunks(self.block_rows) {
            go_on(stop)?;
            let block = gather_batches(stored, rows).remove(0);
            let (block, _) = compact_batch(block, vec![]);
            let first = take_batch(&block, &[0]);
            // Copied, or it would keep the whole block in memory.
            let keys = compact(&ordered_columns(self.sort, &first));
            self.fences.push(first.with_columns(keys));
            self.of.file.append(&block.columns, block.rows)?;
            self.rows += block.rows as u64;
        }
        Ok(())
    }

    fn end(self) {
        let blocks = self.fences.len();
        let fences = Batch::new(concat_compact(self.fences), blocks, 0);
        let bytes = self.of.file.bytes() - self.start;
        let RunEnd { first_block, rows, columns, .. } = self;
        let place = Place { first_block, fences, bytes, rows, columns };
        self.of.runs.push(place);
    }
}

/// Rows that are written as runs, each when it is large enough.
pub(super) struct RunWriter<'s> {
    sort: Sort,
    spool: &'s Arc<Spool>,
    stop: &'s AtomicBool,
    rows: Vec<(Batch, Vec<Operand>)>,
    bytes: usize,
    file: Option<RunFile>,
}

impl<'s> RunWriter<'s> {
    /// Of rows to be sorted like this.
    pub fn new(sort: Sort, spool: &'s Arc<Spool>, stop: &'s AtomicBool) -> RunWriter<'s> {
        RunWriter { sort, spool, stop, rows: vec![], bytes: 0, file: None }
    }

    /// Where they are written.
    pub fn spool(&self) -> &'s Arc<Spool> {
        self.spool
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
        Ok(self.file.into_iter().flat_map(RunFile::into_runs).collect())
    }

    fn write(&mut self) -> Result<(), Error> {
        if !self.rows.is_empty() {
            let rows = std::mem::take(&mut self.rows);
            self.bytes = 0;
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(RunFile::new(self.spool)?),
            };
            file.write(&self.sort, rows, self.stop)?;
        }
        Ok(())
    }
}

/// The order of the input: the only key is the position.
pub(super) fn by_position() -> Sort {
    Sort { directions: vec![Direction::default()], columns: vec![None], first: None }
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
pub(super) fn ordered_columns(sort: &Sort, stored: &Batch) -> Vec<ArrayRef> {
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

/// The order by keys and positions, or by some first keys alone.
fn total_order(sort: &Sort, first: Option<usize>, ordered: &[Batch]) -> RowOrder {
    let mut directions = sort.directions.clone();
    directions.push(Direction::default());
    let count = first.unwrap_or(directions.len());
    directions.truncate(count);
    let keys: Vec<Vec<Operand>> = ordered
        .iter()
        .map(|batch| batch.columns[..count].iter().cloned().map(Operand::column).collect())
        .collect();
    let rows: Vec<_> =
        keys.iter().zip(ordered).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
    RowOrder::new(&rows, &directions)
}
