//! What a join does when its right side does not fit into memory: the rows of both sides go to
//! disk, parted by the hash of their keys, and are joined part by part, again in parts if one is
//! too large. The pairs are then put in the order of the left rows.

use super::build::{JoinBuild, JoinTable, NoTable};
use super::probe::JoinProbe;
use crate::data::{Batch, Positions};
use crate::exec::gather::{BATCH_ROWS_MAX, RowRef, expand, gather_batches, row_ref};
use crate::exec::keys::{KeyLayout, hash as key_hash};
use crate::exec::operators::collected::{Collected, compact_batch, downcast, in_order};
use crate::exec::operators::parted::{LEVELS_MAX, PARTS, PartedFile, part_of};
use crate::exec::operators::runs::{
    BLOCK_ROWS, RunWriter, SortedRuns, by_position, stored_positions, with_positions,
};
use crate::exec::operators::{Output, State, Streaming};
use crate::exec::scatter::each_hash;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use arrow_array::{Array, ArrayRef, new_empty_array};
use rayon::prelude::*;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// The right side of a join on disk.
pub struct SpilledRight {
    build: JoinBuild,
    files: Vec<PartedFile>,
}

impl SpilledRight {
    /// The rows that were written.
    pub(super) fn new(build: JoinBuild, files: Vec<PartedFile>) -> SpilledRight {
        SpilledRight { build, files }
    }
}

/// Makes the probe for the table of a part.
type MakeProbe<'m> = dyn Fn(Arc<JoinTable>) -> JoinProbe + Sync + 'm;

/// A join with a right side on disk. Unlike one with a table in memory it needs all left rows
/// before it gives any. Its values: the left keys.
pub struct SpilledJoin {
    right: Arc<SpilledRight>,
    left_out: AtomicU64,
    null_keys: AtomicU64,
    breaches: Mutex<Breaches>,
}

/// The first row that breaks each of the promises of a join: that of the right side as the table is
/// built, and as [`JoinProbe::breaches`] says.
#[derive(Default)]
struct Breaches([Option<(u64, Error)>; 4]);

impl Breaches {
    fn note(&mut self, of: usize, breach: Option<(u64, Error)>) {
        let first = &mut self.0[of];
        if let Some((position, error)) = breach
            && first.as_ref().is_none_or(|(before, _)| position < *before)
        {
            *first = Some((position, error));
        }
    }
}

impl SpilledJoin {
    /// A join with this right side.
    pub fn new(right: Arc<SpilledRight>) -> SpilledJoin {
        SpilledJoin {
            right,
            left_out: AtomicU64::new(0),
            null_keys: AtomicU64::new(0),
            breaches: Mutex::default(),
        }
    }

    /// The state of one thread, which takes in left rows.
    pub fn state(&self) -> Box<dyn State> {
        let spool = self.right.files[0].spool().clone();
        let layout = KeyLayout::new(&self.right.build.keys);
        Box::new(LeftRows { layout, spool, collected: Collected::default(), file: None })
    }

    /// The pairs of all rows, in the order of the left ones. Fails if rows matched more than they
    /// may.
    pub fn finish(
        &self,
        states: Vec<Box<dyn State>>,
        make: &MakeProbe,
        stop: &AtomicBool,
    ) -> Result<Output, Error> {
        let spool = self.right.files[0].spool();
        let mut states: Vec<LeftRows> = states.into_iter().map(downcast::<LeftRows>).collect();
        states.iter_mut().try_for_each(LeftRows::write)?;
        let left: Vec<PartedFile> = states.into_iter().filter_map(|state| state.file).collect();
        let parts_of_thread = PARTS.div_ceil(rayon::current_num_threads());
        let parts: Vec<usize> = (0..PARTS).collect();
        let runs = parts
            .par_chunks(parts_of_thread)
            .map(|parts| {
                let joined = RunWriter::new(by_position(), spool, stop);
                let mut join = JoinParts { join: self, make, stop, joined };
                for &part in parts {
                    join.add(&self.right.files, &left, part, 1)?;
                }
                join.joined.finish()
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let breaches = std::mem::take(&mut *self.breaches());
        if let Some((_, error)) = breaches.0.into_iter().flatten().next() {
            return Err(error);
        }
        let runs = SortedRuns::new(by_position(), runs.into_iter().flatten().collect(), stop)?;
        Ok(Output::Pieces(Arc::new(runs)))
    }

    /// The left rows that gave no pair.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Relaxed)
    }

    /// The left rows that had a null key, which matches nothing.
    pub fn null_keys(&self) -> u64 {
        self.null_keys.load(Relaxed)
    }

    /// Forgets what it has seen: its stage failed, and all left rows come again.
    pub fn begin_anew(&self) {
        self.left_out.store(0, Relaxed);
        self.null_keys.store(0, Relaxed);
        *self.breaches() = Breaches::default();
    }

    fn breaches(&self) -> std::sync::MutexGuard<'_, Breaches> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pairs of some parts.
struct JoinParts<'j> {
    join: &'j SpilledJoin,
    make: &'j MakeProbe<'j>,
    stop: &'j AtomicBool,
    joined: RunWriter<'j>,
}

impl JoinParts<'_> {
    /// Joins a part, whose rows were parted `level` times.
    fn add(
        &mut self,
        right: &[PartedFile],
        left: &[PartedFile],
        part: usize,
        level: u32,
    ) -> Result<(), Error> {
        let bytes: u64 = right.iter().map(|file| file.bytes(part)).sum();
        let spool = right[0].spool();
        if bytes > spool.part_bytes() as u64 && level < LEVELS_MAX {
            let keeps_nulls = self.join.right.build.keeps_nulls();
            let build = &self.join.right.build;
            let values = build.right_values();
            let right =
                [self.join.part_again(right, part, level, (values, keeps_nulls), self.stop)?];
            let values = build.left_values();
            let left = [self.join.part_again(left, part, level, (values, true), self.stop)?];
            return (0..PARTS).try_for_each(|part| self.add(&right, &left, part, level + 1));
        }
        let Some((table, positions)) = self.join.table(right, part, self.stop)? else {
            return Ok(());
        };
        let probe = (self.make)(Arc::new(table));
        for block in left.iter().flat_map(|file| file.read(part)) {
            go_on(self.stop)?;
            let (batch, keys) = stored_rows(block?, self.join.right.build.left_values());
            probe.apply(batch, keys, &mut |pairs| self.joined.push_at_positions(pairs))?;
        }
        if probe.keeps_right() {
            self.add_unmatched(&probe, &positions)?;
        }
        self.join.left_out.fetch_add(probe.left_out(), Relaxed);
        self.join.null_keys.fetch_add(probe.null_keys(), Relaxed);
        for (of, breach) in probe.breaches().into_iter().enumerate() {
            self.join.breaches().note(1 + of, breach);
        }
        Ok(())
    }
}

impl JoinParts<'_> {
    /// The right rows that have matched nothing, behind all others.
    fn add_unmatched(&mut self, probe: &JoinProbe, positions: &[u64]) -> Result<(), Error> {
        for start in (0..positions.len()).step_by(BATCH_ROWS_MAX) {
            go_on(self.stop)?;
            let rows = start..positions.len().min(start + BATCH_ROWS_MAX);
            let (mut batch, rows) = probe.unmatched_right(rows);
            let behind = |row: &u32| BEHIND_LEFT + positions[*row as usize];
            batch.positions = Positions::At(rows.iter().map(behind).collect());
            if batch.rows > 0 {
                self.joined.push_at_positions(batch)?;
            }
        }
        Ok(())
    }
}

impl SpilledJoin {
    /// The rows of a part, parted by the next bits of their hash.
    fn part_again(
        &self,
        files: &[PartedFile],
        part: usize,
        level: u32,
        (values, keeps_nulls): (usize, bool),
        stop: &AtomicBool,
    ) -> Result<PartedFile, Error> {
        let spool = self.right.files[0].spool();
        let layout = KeyLayout::new(&self.right.build.keys);
        let mut parted = PartedFile::new(spool)?;
        let mut rows = Collected::default();
        let mut write = |rows: &mut Collected| {
            write_parted((&layout, level), std::mem::take(rows), keeps_nulls, &mut parted, stop)
        };
        for block in files.iter().flat_map(|file| file.read(part)) {
            let (batch, keys) = stored_rows(block?, values);
            rows.push(batch, keys)?;
            if rows.bytes() > spool.part_bytes() {
                write(&mut rows)?;
            }
        }
        write(&mut rows)?;
        Ok(parted)
    }

    /// The table over the right rows of a part, and the positions of these; none if a key comes twice
    /// that must not.
    fn table(
        &self,
        right: &[PartedFile],
        part: usize,
        stop: &AtomicBool,
    ) -> Result<Option<(JoinTable, Vec<u64>)>, Error> {
        let mut blocks = vec![];
        for block in right.iter().flat_map(|file| file.read(part)) {
            let columns = block?;
            let rows = columns[0].len();
            blocks.push(Batch::new(columns, rows, 0));
        }
        let mut order: Vec<(u64, RowRef)> = vec![];
        for (at, block) in blocks.iter().enumerate() {
            let positions = stored_positions(&block.columns[block.columns.len() - 1]);
            let rows = positions.iter().enumerate();
            order.extend(rows.map(|(row, &position)| (position, row_ref(at, row))));
        }
        // Rows of one position are in one file, in their order.
        order.sort_unstable();
        let rows: Vec<RowRef> = order.iter().map(|&(_, row)| row).collect();
        let ordered = gather_batches(&blocks, &rows);
        drop(blocks);
        let (batches, keys) =
            ordered.into_iter().map(|batch| self.right_rows(batch.columns)).unzip();
        match self.right.build.table(batches, keys, stop) {
            Ok(mut table) => {
                if table.columns.is_empty() {
                    table.columns = self.no_rows()?;
                }
                Ok(Some((table, order.into_iter().map(|(position, _)| position).collect())))
            }
            Err(NoTable::Failed(error)) => Err(error),
            Err(NoTable::Repeated(row, error)) => {
                self.breaches().note(0, Some((order[row as usize].0, error)));
                Ok(None)
            }
        }
    }

    /// The right columns without a row, for parts that have none: where nobody reads a column it is
    /// of no type, and that has to be so in all parts.
    fn no_rows(&self) -> Result<Vec<ArrayRef>, Error> {
        let blocks = self.right.files.iter();
        let mut blocks = blocks.flat_map(|file| (0..PARTS).flat_map(|part| file.read(part)));
        let Some(block) = blocks.next() else { return Ok(vec![]) };
        let (batch, _) = self.right_rows(block?);
        Ok(batch.columns.iter().map(|column| new_empty_array(column.data_type())).collect())
    }

    fn right_rows(&self, stored: Vec<ArrayRef>) -> (Batch, Vec<Operand>) {
        stored_rows(stored, self.right.build.right_values())
    }
}

/// Rows as [`write_parted`] wrote them, and their keys with so many values in all.
fn stored_rows(mut stored: Vec<ArrayRef>, values: usize) -> (Batch, Vec<Operand>) {
    let positions = stored.pop().expect("positions are stored");
    let keys = stored.split_off(stored.len() - values);
    let rows = positions.len();
    let positions = Positions::At(stored_positions(&positions));
    (Batch { columns: stored, rows, positions }, keys.into_iter().map(Operand::column).collect())
}

/// The left rows of one thread.
struct LeftRows {
    layout: KeyLayout,
    spool: Arc<Spool>,
    collected: Collected,
    file: Option<PartedFile>,
}

impl LeftRows {
    fn write(&mut self) -> Result<(), Error> {
        // It is never much, and need not be stopped.
        let (spool, stop) = (&self.spool, &AtomicBool::new(false));
        write_to(&mut self.file, &self.layout, &mut self.collected, true, (spool, stop))
    }
}

impl State for LeftRows {
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        self.collected.push(batch, values)?;
        if self.collected.bytes() > self.spool.part_bytes() { self.write() } else { Ok(()) }
    }

    fn bytes(&self) -> usize {
        self.collected.bytes()
    }

    fn spill(&mut self, _: &Arc<Spool>, _: &AtomicBool) -> Result<bool, Error> {
        self.write()?;
        Ok(true)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Writes what was collected, if it is anything, into a file that is made when it is needed.
pub(super) fn write_to(
    file: &mut Option<PartedFile>,
    layout: &KeyLayout,
    collected: &mut Collected,
    keeps_nulls: bool,
    (spool, stop): (&Arc<Spool>, &AtomicBool),
) -> Result<(), Error> {
    if collected.is_empty() {
        return Ok(());
    }
    let file = match file {
        Some(file) => file,
        none => none.insert(PartedFile::new(spool)?),
    };
    write_parted((layout, 0), std::mem::take(collected), keeps_nulls, file, stop)
}

/// Added to the positions of right rows that match nothing, which come behind all left ones.
const BEHIND_LEFT: u64 = 1 << 62;

/// Writes rows that were parted `level` times: the columns, the keys and the positions. Rows with a
/// null key are left out, or put into any part, since they match nothing: by their position, so
/// that no part has too many.
fn write_parted(
    (layout, level): (&KeyLayout, u32),
    collected: Collected,
    keeps_nulls: bool,
    file: &mut PartedFile,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let mut parts: Vec<Vec<RowRef>> = vec![vec![]; PARTS];
    let mut stored = vec![];
    for (at, (batch, keys)) in in_order(vec![Box::new(collected)]).into_iter().enumerate() {
        each_hash(layout, &keys[..layout.columns()], batch.rows, &mut |row, hash| {
            let of_null = || keeps_nulls.then(|| key_hash(&[batch.positions.at(row)]));
            if let Some(hash) = hash.or_else(of_null) {
                parts[part_of(hash, level)].push(row_ref(at, row));
            }
        });
        let mut columns = batch.columns.clone();
        columns.extend(keys.iter().map(|key| expand(key, batch.rows)));
        stored.push(with_positions(&batch.with_columns(columns)));
    }
    for (part, rows) in parts.iter().enumerate() {
        for rows in rows.chunks(BLOCK_ROWS) {
            go_on(stop)?;
            let (block, _) = compact_batch(gather_batches(&stored, rows).remove(0), vec![]);
            file.append(part, &block.columns, block.rows)?;
        }
    }
    Ok(())
}
