//! Row groups that are encoded by all threads at once: the columns of a group do not depend on each
//! other, nor does one group on another.
//!
//! A thread works on a column as long as there are rows for it, and on none when others work on all
//! that have some: it then goes on making rows. So nobody waits, and there are about as many groups
//! at work as threads.

use super::dictionaries::{self, encoders_for};
use crate::data::{Batch, Positions};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_schema::{Field as ArrowField, Schema};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::TypePtr;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows that are encoded together. The pages of a file depend on it.
const SLAB_ROWS: usize = 1 << 16;

/// Slabs of a row group: 256 Ki rows, so that also a file of a million rows is read in parallel.
const GROUP_SLABS: usize = 4;

/// Columns that somebody has to encode, in the order in which their rows came.
pub type Ready = Mutex<VecDeque<Task>>;

/// Cuts the rows of a part into slabs and row groups.
pub struct Cutter {
    /// Rows that were taken.
    pub rows: u64,
    part: usize,
    schema: Arc<Schema>,
    root: TypePtr,
    properties: Arc<WriterProperties>,
    /// What makes encoders, once the first rows are known.
    encoders: Option<ArrowRowGroupWriterFactory>,
    /// Columns of rows that do not yet fill a slab.
    pending: Vec<Vec<ArrayRef>>,
    pending_rows: usize,
    /// The row group to which the next slab belongs, if it has one already.
    group: Option<Arc<Group>>,
    /// Slabs of that group.
    slabs: usize,
    groups: usize,
    /// Which columns have no dictionary, once that is known.
    without: Option<Vec<bool>>,
    /// The rows of the open row group, if somebody may want them before it is written.
    held: Option<Vec<Vec<ArrayRef>>>,
}

/// A row group at work.
struct Group {
    part: usize,
    number: usize,
    columns: Vec<Mutex<Column>>,
    /// Columns that are not encoded to their end.
    open: AtomicUsize,
}

/// A column of a row group.
struct Column {
    field: Arc<ArrowField>,
    /// The pieces of the slabs that are to be encoded.
    slabs: VecDeque<Vec<ArrayRef>>,
    /// There is no slab behind these.
    is_last: bool,
    /// The encoders of its leaves, unless a task has them.
    encoders: Option<Vec<ArrowColumnWriter>>,
    /// What they gave in the end.
    chunks: Vec<ArrowColumnChunk>,
}

/// A column with rows to encode, and its encoders.
pub struct Task {
    group: Arc<Group>,
    at: usize,
    encoders: Vec<ArrowColumnWriter>,
}

/// A row group that is to be written.
pub struct Encoded {
    /// Its number in the part.
    pub number: usize,
    /// What is written of its leaves.
    pub chunks: Vec<ArrowColumnChunk>,
}

impl Cutter {
    /// Of a part without rows.
    pub fn new(
        part: usize,
        schema: Arc<Schema>,
        root: TypePtr,
        properties: Arc<WriterProperties>,
    ) -> Cutter {
        Cutter {
            rows: 0,
            part,
            schema,
            root,
            properties,
            encoders: None,
            pending: vec![],
            pending_rows: 0,
            group: None,
            slabs: 0,
            groups: 0,
            without: None,
            held: None,
        }
    }

    /// Goes on behind so many row groups of so many rows; which columns have no dictionary, if that is
    /// known.
    pub fn go_on(&mut self, groups: usize, rows: u64, without: Option<Vec<bool>>) {
        (self.groups, self.rows, self.without) = (groups, rows, without);
    }

    /// Holds the rows of a row group until all of it is taken.
    pub fn hold(&mut self) {
        self.held = Some(vec![]);
    }

    /// So many row groups were taken whole, and which columns have no dictionary, once that is known.
    pub fn groups(&self) -> (usize, Option<&[bool]>) {
        (self.groups, self.without.as_deref())
    }

    /// The rows behind them, if they are held.
    pub fn rest(&self) -> Vec<Batch> {
        let batch = |columns: &Vec<ArrayRef>| {
            let rows = columns.first().map_or(0, |column| column.len());
            Batch { columns: columns.clone(), rows, positions: Positions::Range(0) }
        };
        self.held.iter().flatten().chain(&self.pending).map(batch).collect()
    }

    /// Takes the next rows.
    pub fn push(&mut self, batch: Batch, ready: &Ready) -> Result<(), ParquetError> {
        self.rows += batch.rows as u64;
        self.pending_rows += batch.rows;
        self.pending.push(batch.columns);
        while self.pending_rows >= SLAB_ROWS {
            self.cut(SLAB_ROWS, ready)?;
            if self.slabs == GROUP_SLABS {
                self.end_group(ready);
            }
        }
        Ok(())
    }

    /// Takes no more rows.
    pub fn end(&mut self, ready: &Ready) -> Result<(), ParquetError> {
        if self.pending_rows > 0 {
            self.cut(self.pending_rows, ready)?;
        }
        self.end_group(ready);
        Ok(())
    }

    /// Gives the first pending rows to the row group.
    fn cut(&mut self, rows: usize, ready: &Ready) -> Result<(), ParquetError> {
        let slab = self.take_pending(rows);
        if let Some(held) = &mut self.held {
            let pieces = slab.first().map_or(0, Vec::len);
            let piece = |at: usize| slab.iter().map(|column| column[at].clone()).collect();
            held.extend((0..pieces).map(piece));
        }
        let group = match &self.group {
            Some(group) => group.clone(),
            None => self.begin_group(&slab)?,
        };
        for (at, pieces) in slab.into_iter().enumerate() {
            group.give(at, ready, |column| column.slabs.push_back(pieces));
        }
        self.slabs += 1;
        Ok(())
    }

    fn begin_group(&mut self, slab: &[Vec<ArrayRef>]) -> Result<Arc<Group>, ParquetError> {
        let factory = match self.encoders.take() {
            Some(factory) => factory,
            None => {
                let without = match &self.without {
                    Some(without) => without,
                    None => {
                        let first = slab.iter().map(|pieces| whole(pieces));
                        let first = first.collect::<Result<Vec<_>, _>>()?;
                        self.without.insert(dictionaries::without(&first))
                    }
                };
                encoders_for(&self.schema, &self.root, &self.properties, without)?
            }
        };
        let mut encoders = factory.create_column_writers(self.groups)?.into_iter();
        self.encoders = Some(factory);
        let leaves = |field: &ArrowField| -> Result<usize, ParquetError> {
            Ok(compute_leaves(field, &arrow_array::new_empty_array(field.data_type()))?.len())
        };
        let column = |field: &Arc<ArrowField>| {
            Ok(Mutex::new(Column {
                field: field.clone(),
                slabs: VecDeque::new(),
                is_last: false,
                encoders: Some(encoders.by_ref().take(leaves(field)?).collect()),
                chunks: vec![],
            }))
        };
        let columns: Vec<_> =
            self.schema.fields().iter().map(column).collect::<Result<_, ParquetError>>()?;
        let open = AtomicUsize::new(columns.len());
        let group = Group { part: self.part, number: self.groups, columns, open };
        Ok(self.group.insert(Arc::new(group)).clone())
    }

    fn end_group(&mut self, ready: &Ready) {
        let Some(group) = self.group.take() else { return };
        for at in 0..group.columns.len() {
            group.give(at, ready, |column| column.is_last = true);
        }
        self.held.iter_mut().for_each(Vec::clear);
        self.slabs = 0;
        self.groups += 1;
    }

    /// The pieces of each column of the first pending rows.
    fn take_pending(&mut self, rows: usize) -> Vec<Vec<ArrayRef>> {
        let mut pieces: Vec<Vec<ArrayRef>> = vec![Vec::new(); self.schema.fields().len()];
        let mut missing = rows;
        let mut rest = Vec::new();
        for batch in std::mem::take(&mut self.pending) {
            let len = batch.first().map_or(0, |column| column.len());
            let taken = missing.min(len);
            if taken < len {
                rest.push(batch.iter().map(|column| column.slice(taken, len - taken)).collect());
            }
            if taken > 0 {
                for (pieces, column) in pieces.iter_mut().zip(&batch) {
                    pieces.push(column.slice(0, taken));
                }
            }
            missing -= taken;
        }
        self.pending = rest;
        self.pending_rows -= rows;
        pieces
    }
}

/// The pieces of a column as one array, without a mask of nulls where none is null: with one the writer
/// cuts pages elsewhere, and whether there is one depends on how the rows came to be.
fn whole(pieces: &[ArrayRef]) -> Result<ArrayRef, ParquetError> {
    let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
    // Data has no such masks, nor has what it is made of.
    Ok(make_array(arrow_select::concat::concat(&pieces)?.to_data()))
}

impl Group {
    fn column(&self, at: usize) -> MutexGuard<'_, Column> {
        self.columns[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a column something to do, which is a new task if none has its encoders.
    fn give(self: &Arc<Group>, at: usize, ready: &Ready, change: impl FnOnce(&mut Column)) {
        let mut column = self.column(at);
        change(&mut column);
        if let Some(encoders) = column.encoders.take() {
            let task = Task { group: self.clone(), at, encoders };
            ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(task);
        }
    }
}

impl Task {
    /// The first task, if there is one.
    pub fn take(ready: &Ready) -> Option<Task> {
        ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// The part of the target that it belongs to.
    pub fn part(&self) -> usize {
        self.group.part
    }

    /// Encodes all rows that the column has; gives the row group if this was the last it needed.
    pub fn run(mut self) -> Result<Option<Encoded>, ParquetError> {
        loop {
            let mut column = self.group.column(self.at);
            let Some(pieces) = column.slabs.pop_front() else {
                if !column.is_last {
                    column.encoders = Some(self.encoders);
                    return Ok(None);
                }
                break;
            };
            let field = column.field.clone();
            drop(column);
            let leaves = compute_leaves(&field, &whole(&pieces)?)?;
            drop(pieces);
            for (encoder, leaf) in self.encoders.iter_mut().zip(&leaves) {
                encoder.write(leaf)?;
            }
        }
        let chunks = self.encoders.into_iter().map(ArrowColumnWriter::close);
        let chunks = chunks.collect::<Result<_, ParquetError>>()?;
        self.group.column(self.at).chunks = chunks;
        if self.group.open.fetch_sub(1, AcqRel) > 1 {
            return Ok(None);
        }
        let number = self.group.number;
        let columns = 0..self.group.columns.len();
        let chunks = columns.flat_map(|at| std::mem::take(&mut self.group.column(at).chunks));
        Ok(Some(Encoded { number, chunks: chunks.collect() }))
    }
}
