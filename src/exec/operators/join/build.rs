//! The right side of a join: its rows by key.

use super::bounds::ranges;
use super::dense::{self, Dense};
use super::key_text;
use super::nearest::{NearestBy, Sorted};
use super::spill::{SpilledRight, write_to};
use crate::data::Batch;
use crate::exec::gather::{concat_compact, expand};
use crate::exec::keys::KeyLayout;
use crate::exec::operators::State;
use crate::exec::operators::collected::{Collected, downcast, in_order};
use crate::exec::operators::parted::PartedFile;
use crate::exec::scatter::{Scattered, scatter};
use crate::exec::table::{Block, GroupTable, NOT_FOUND, PartedTable};
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::ir::Promise;
use crate::store::spool::Spool;
use crate::types::{Scalar, Type};
use arrow_array::{ArrayRef, NullArray};
use rayon::prelude::*;
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Collects the right side. Its values: the keys.
#[derive(Clone)]
pub struct JoinBuild {
    pub(super) keys: Vec<Type>,
    columns: Arc<[usize]>,
    right_unique: Option<Promise>,
    may_spill: bool,
    /// Where only the nearest row matches, by what; its value follows the keys.
    nearest: Option<NearestBy>,
    /// The keys that are kept as columns; none if rows that match nothing are not kept.
    outer_keys: Option<Arc<[usize]>>,
}

/// The right side when all its rows have come.
pub enum Built {
    /// In memory.
    Table(Arc<JoinTable>),
    /// On disk.
    Spilled(Arc<SpilledRight>),
}

/// Why there is no table over some rows.
pub(super) enum NoTable {
    /// A key comes twice and must not: the number of the row that first does.
    Repeated(u32, Error),
    /// Something else.
    Failed(Error),
}

impl From<Error> for NoTable {
    fn from(error: Error) -> NoTable {
        NoTable::Failed(error)
    }
}

/// The right side, ready to be looked up in.
pub struct JoinTable {
    pub(super) keys: Vec<Type>,
    pub(super) columns: Vec<ArrayRef>,
    /// The least and the greatest of each key.
    pub(super) ranges: Vec<Option<(Scalar, Scalar)>>,
    index: Index,
    /// Where the rows of each key begin in `rows`, and the end; empty if each key has one.
    starts: Vec<u32>,
    rows: Vec<u32>,
    row_count: usize,
    null_keys: u64,
    /// Keys as columns, by their positions.
    key_columns: Vec<(usize, ArrayRef)>,
    /// The rows of each key by what is near.
    nearest: Option<Sorted>,
}

/// What numbers the keys.
pub(super) enum Index {
    /// In an order that means nothing.
    Hashed(PartedTable),
    /// In their own order, with numbers of no key among them.
    Dense(Dense),
}

/// The keys of the right side and their rows, as [`JoinTable`] has them.
pub(super) struct Keyed {
    pub index: Index,
    pub starts: Vec<u32>,
    pub rows: Vec<u32>,
    /// How many rows have a key.
    pub kept: usize,
    /// The first row whose key has come before.
    pub repeated: Option<u32>,
}

impl JoinBuild {
    /// With keys of these types, those of the left side; `columns` are the positions of the right
    /// columns that the result or the residual needs. `right_unique` is the promise, if
    /// there is one, that no key comes twice.
    pub fn new(
        keys: &[Type],
        columns: &[usize],
        right_unique: Option<Promise>,
        may_spill: bool,
    ) -> JoinBuild {
        // Null keys are left out, so the table needs no place for them.
        let keys = keys.iter().map(|ty| ty.with_nullable(false)).collect();
        let columns = columns.into();
        JoinBuild { keys, columns, right_unique, may_spill, nearest: None, outer_keys: None }
    }

    /// The same where only the nearest row matches.
    pub fn by_nearest(mut self, by: NearestBy) -> JoinBuild {
        self.nearest = Some(by);
        self
    }

    /// How many values there are of each right row: its keys, and what may follow them.
    pub(super) fn right_values(&self) -> usize {
        self.keys.len() + usize::from(self.nearest.is_some())
    }

    /// The same of each left row.
    pub(super) fn left_values(&self) -> usize {
        let is_bound = self.nearest.as_ref().is_some_and(|nearest| nearest.is_bound);
        self.right_values() + usize::from(is_bound)
    }

    /// The same where rows that match nothing are kept, with these of their keys.
    pub fn keeping_rows(mut self, keys: &[usize]) -> JoinBuild {
        self.outer_keys = Some(keys.into());
        self
    }

    /// The same where null equals null, with keys of these types on both sides.
    pub fn matching_nulls(mut self, keys: Vec<Type>) -> JoinBuild {
        self.keys = keys;
        self
    }

    /// Are rows kept that have a null key, which matches nothing?
    pub(super) fn keeps_nulls(&self) -> bool {
        self.outer_keys.is_some()
    }

    /// The state of one thread.
    pub fn state(&self) -> Box<dyn State> {
        Box::new(Building { build: self.clone(), collected: Collected::default(), file: None })
    }

    /// The rows of all states. Fails if a key comes twice that must not: with the key that first
    /// does; when they are on disk, only the join finds that out.
    pub fn finish(
        &self,
        states: Vec<Box<dyn State>>,
        spool: &Arc<Spool>,
        stop: &AtomicBool,
    ) -> Result<Built, Error> {
        let mut states: Vec<Building> = states.into_iter().map(downcast::<Building>).collect();
        let rows: usize = states.iter().map(|state| state.collected.rows()).sum();
        let is_large = self.may_spill && rows > 0 && !spool.has_room(rows * TABLE_BYTES_PER_ROW);
        if is_large || states.iter().any(|state| state.file.is_some()) {
            states.iter_mut().try_for_each(|state| state.write(spool, stop))?;
            let files = states.into_iter().filter_map(|state| state.file).collect();
            return Ok(Built::Spilled(Arc::new(SpilledRight::new(self.clone(), files))));
        }
        let collected = states.into_iter().map(|state| Box::new(state.collected) as _).collect();
        let (batches, keys) = in_order(collected).into_iter().unzip();
        match self.table(batches, keys, stop) {
            Ok(table) => Ok(Built::Table(Arc::new(table))),
            Err(NoTable::Repeated(_, error) | NoTable::Failed(error)) => Err(error),
        }
    }

    /// The table over these rows.
    pub(super) fn table(
        &self,
        batches: Vec<Batch>,
        mut keys: Vec<Vec<Operand>>,
        stop: &AtomicBool,
    ) -> Result<JoinTable, NoTable> {
        let near: Vec<Operand> =
            keys.iter_mut().flat_map(|values| values.split_off(self.keys.len())).collect();
        let rows: usize = batches.iter().map(|batch| batch.rows).sum();
        assert!(rows < u32::MAX as usize, "the right side has fewer than 2^32 rows");
        let firsts = first_rows(&batches);
        let keyed = match dense::keyed(&self.keys, &keys, &firsts) {
            Some(keyed) => keyed,
            None => self.hashed(&batches, &keys, &firsts, stop)?,
        };
        if let (Some(promise), Some(row)) = (self.right_unique, keyed.repeated) {
            let batch = firsts.partition_point(|&first| first <= row) - 1;
            let key = key_text(&self.keys, &keys[batch], (row - firsts[batch]) as usize);
            let error = Error::Cardinality { promise, side: "right", key };
            return Err(NoTable::Repeated(row, error));
        }
        let nearest = self
            .nearest
            .as_ref()
            .map(|by| Sorted::new(by, &keyed, keyed.index.len(), (&batches, &near)));
        drop(near);
        let ranges = ranges(&self.keys, &keys);
        let key_columns = self.key_columns(&batches, &keys);
        drop(keys);
        Ok(JoinTable {
            keys: self.keys.clone(),
            ranges,
            columns: concat_compact(batches),
            index: keyed.index,
            starts: keyed.starts,
            rows: keyed.rows,
            row_count: rows,
            null_keys: (rows - keyed.kept) as u64,
            key_columns,
            nearest,
        })
    }

    /// The keys that are kept as columns.
    fn key_columns(&self, batches: &[Batch], keys: &[Vec<Operand>]) -> Vec<(usize, ArrayRef)> {
        let Some(kept) = &self.outer_keys else { return vec![] };
        let of_batch = |(batch, keys): (&Batch, &Vec<Operand>)| {
            batch.with_columns(kept.iter().map(|&key| expand(&keys[key], batch.rows)).collect())
        };
        let columns = concat_compact(batches.iter().zip(keys).map(of_batch).collect());
        kept.iter().copied().zip(columns).collect()
    }

    fn hashed(
        &self,
        batches: &[Batch],
        keys: &[Vec<Operand>],
        firsts: &[u32],
        stop: &AtomicBool,
    ) -> Result<Keyed, Error> {
        let rows: usize = batches.iter().map(|batch| batch.rows).sum();
        let bits = (rows / PART_ROWS).next_power_of_two().ilog2().min(PART_BITS_MAX);
        let layout = KeyLayout::new(&self.keys);
        let inputs: Vec<(&[Operand], usize)> =
            keys.iter().zip(batches).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
        let scattered: Vec<Scattered> = blocks_of(firsts)
            .into_par_iter()
            .map(|block| {
                let first = firsts[block.start];
                go_on(stop).map(|()| scatter(&layout, &inputs[block], first, bits))
            })
            .collect::<Result<_, Error>>()?;
        let parts: Vec<Part> = (0..1 << bits)
            .into_par_iter()
            .map(|part| go_on(stop).map(|()| Part::new(&self.keys, &scattered, part)))
            .collect::<Result<_, Error>>()?;
        Ok(Keyed::of_parts(&self.keys, parts, bits))
    }
}

/// What a row takes while the table is built, beside its columns: its key twice, its place among
/// the others, its slot.
const TABLE_BYTES_PER_ROW: usize = 64;
/// About so many rows make a part, whose table then fits into the second cache.
const PART_ROWS: usize = 1 << 15;
const PART_BITS_MAX: u32 = 8;
/// About so many rows are scattered together.
const BLOCK_ROWS: u32 = 1 << 17;

/// The right rows that one thread has collected.
struct Building {
    build: JoinBuild,
    collected: Collected,
    /// What is on disk.
    file: Option<PartedFile>,
}

impl Building {
    fn write(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<(), Error> {
        let layout = KeyLayout::new(&self.build.keys);
        let keeps_nulls = self.build.keeps_nulls();
        write_to(&mut self.file, &layout, &mut self.collected, keeps_nulls, (spool, stop))
    }
}

impl State for Building {
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        let column = |(at, array): (usize, &ArrayRef)| -> ArrayRef {
            if self.build.columns.contains(&at) {
                array.clone()
            } else {
                Arc::new(NullArray::new(batch.rows))
            }
        };
        let columns = batch.columns.iter().enumerate().map(column).collect();
        self.collected.push(batch.with_columns(columns), values)
    }

    fn bytes(&self) -> usize {
        self.collected.bytes()
    }

    fn spill(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<bool, Error> {
        if self.build.may_spill {
            self.write(spool, stop)?;
        }
        Ok(self.build.may_spill)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Batches that are scattered together, so that a part gets more than a few rows of them.
fn blocks_of(firsts: &[u32]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = vec![];
    for (batch, &first) in firsts.iter().enumerate() {
        match blocks.last_mut() {
            Some(block) if first - firsts[block.start] < BLOCK_ROWS => block.end = batch + 1,
            _ => blocks.push(batch..batch + 1),
        }
    }
    blocks
}

/// The number of the first row of each batch.
fn first_rows(batches: &[Batch]) -> Vec<u32> {
    let mut next = 0;
    let first = |batch: &Batch| {
        next += batch.rows as u32;
        next - batch.rows as u32
    };
    batches.iter().map(first).collect()
}

/// The keys of one part, and their rows.
struct Part {
    table: GroupTable,
    /// Where the rows of each key begin in `rows`, and the end.
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// The first row whose key has come before.
    repeated: Option<u32>,
}

impl Part {
    fn new(types: &[Type], scattered: &[Scattered], part: usize) -> Part {
        let mut table = GroupTable::new(types);
        let count = scattered.iter().map(|scattered| scattered.part(part).len()).sum();
        table.reserve(count);
        // Rows in the order of the input, and the numbers of their keys.
        let (mut rows, mut numbers) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut block = vec![];
        for scattered in scattered {
            let range = scattered.part(part);
            rows.extend_from_slice(&scattered.rows[range.clone()]);
            table.find_or_insert_packed(&scattered.keys, range, &mut block);
            numbers.extend_from_slice(&block);
        }
        let mut starts = vec![0; table.len() + 1];
        let mut repeated = None;
        for (&number, &row) in numbers.iter().zip(&rows) {
            let count = &mut starts[number as usize + 1];
            if *count == 1 && repeated.is_none() {
                repeated = Some(row);
            }
            *count += 1;
        }
        for number in 0..table.len() {
            starts[number + 1] += starts[number];
        }
        let mut next = starts.clone();
        let mut by_key = vec![0; rows.len()];
        for (number, row) in numbers.into_iter().zip(rows) {
            let place = &mut next[number as usize];
            by_key[*place as usize] = row;
            *place += 1;
        }
        Part { table, starts, rows: by_key, repeated }
    }
}

impl Index {
    /// The numbers of keys are below this.
    fn len(&self) -> usize {
        match self {
            Index::Hashed(table) => table.len(),
            Index::Dense(dense) => dense.places(),
        }
    }
}

impl Keyed {
    /// The rows of a key; where each has one at most, that may be none.
    pub(super) fn rows_of(&self, key: usize) -> &[u32] {
        match self.starts.is_empty() {
            true => &self.rows[key..key + 1],
            false => &self.rows[self.starts[key] as usize..self.starts[key + 1] as usize],
        }
    }

    fn of_parts(keys: &[Type], parts: Vec<Part>, bits: u32) -> Keyed {
        let repeated = parts.iter().filter_map(|part| part.repeated).min();
        let (mut tables, mut starts, mut rows) = (vec![], vec![], vec![]);
        for part in parts {
            if repeated.is_some() {
                let before = rows.len() as u32;
                let own = &part.starts[..part.starts.len() - 1];
                starts.extend(own.iter().map(|start| before + start));
            }
            rows.extend(part.rows);
            tables.push(part.table);
        }
        if repeated.is_some() {
            starts.push(rows.len() as u32);
        }
        let index = Index::Hashed(PartedTable::new(keys, tables, bits));
        Keyed { index, starts, kept: rows.len(), rows, repeated }
    }
}

impl JoinTable {
    /// The right rows that had a null key, which matches nothing.
    pub fn null_keys(&self) -> u64 {
        self.null_keys
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        let columns = crate::exec::gather::bytes_of(&self.columns);
        let index = match &self.index {
            Index::Hashed(table) => table.bytes(),
            Index::Dense(dense) => dense.bytes(),
        };
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|(_, key)| key.clone()).collect();
        let nearest = self.nearest.as_ref().map_or(0, Sorted::bytes);
        let columns = columns + nearest + crate::exec::gather::bytes_of(&keys);
        columns + index + (self.starts.len() + self.rows.len()) * 4
    }

    /// The numbers of keys are below this.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many rows there are, those with null keys included.
    pub(super) fn rows(&self) -> usize {
        self.row_count
    }

    /// A key that is kept as a column.
    pub(super) fn key_column(&self, key: usize) -> &ArrayRef {
        let column = self.key_columns.iter().find(|(kept, _)| *kept == key);
        column.map(|(_, column)| column).expect("it is kept")
    }

    /// Has each key one row?
    pub(super) fn is_unique(&self) -> bool {
        self.starts.is_empty()
    }

    /// Puts the number of the key of each row into `out`, or that of the nearest row, and gives the
    /// number of rows with null keys.
    pub(super) fn find(
        &self,
        values: &[Operand],
        rows: usize,
        block: &mut Block,
        out: &mut Vec<u32>,
    ) -> usize {
        let (keys, near) = values.split_at(self.keys.len());
        let null_keys = self.find_keys(keys, rows, block, out);
        if let Some(nearest) = &self.nearest {
            nearest.find(near, out);
        }
        null_keys
    }

    fn find_keys(
        &self,
        keys: &[Operand],
        rows: usize,
        block: &mut Block,
        out: &mut Vec<u32>,
    ) -> usize {
        match &self.index {
            Index::Hashed(table) => table.find(keys, rows, block, out),
            Index::Dense(dense) if self.is_unique() => {
                dense.find(&keys[0], rows, |key| self.rows[key] != NOT_FOUND, out)
            }
            Index::Dense(dense) => {
                let is_taken = |key: usize| self.starts[key] < self.starts[key + 1];
                dense.find(&keys[0], rows, is_taken, out)
            }
        }
    }

    /// The row of each key, if each has one.
    pub(super) fn rows_of_keys(&self) -> Option<&[u32]> {
        (self.is_unique() && self.nearest.is_none()).then_some(&self.rows)
    }

    /// Is a row, and not a key, found for each left row?
    pub(super) fn finds_rows(&self) -> bool {
        self.nearest.is_some()
    }

    /// The rows of a key that was found.
    #[inline]
    pub(super) fn matches(&self, key: u32) -> &[u32] {
        let key = key as usize;
        if self.is_unique() {
            return &self.rows[key..key + 1];
        }
        &self.rows[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}
