//! What `group by` does when memory is used up: the groups so far go to disk with the states of
//! their aggregates, parted by the hash of their key, and the thread begins again with none. In the
//! end each part is merged by itself, again in parts if it is too large.

use super::Plan;
use super::groups::Groups;
use super::order::{Failed, SORTED_GROUPS_MAX, first_failed, first_failure, part_by_hash};
use crate::data::Batch;
use crate::exec::gather::{compact, take_rows};
use crate::exec::operators::parted::{LEVELS_MAX, PARTS, PartedFile, part_of};
use crate::exec::operators::runs::{BLOCK_ROWS, RunWriter, SortedRuns};
use crate::exec::operators::sort::Sort;
use crate::exec::operators::{Output, Pieces, numbered};
use crate::exec::order::Direction;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::{Spool, SpoolFile};
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Writes groups that were parted `level` times before.
pub(super) fn write(
    groups: Groups,
    level: u32,
    file: &mut PartedFile,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let saved = groups.save();
    let mut parts: Vec<Vec<u32>> = vec![vec![]; PARTS];
    for (row, &hash) in saved.hashes.iter().enumerate() {
        parts[part_of(hash, level)].push(row as u32);
    }
    for (part, rows) in parts.iter().enumerate() {
        for rows in rows.chunks(BLOCK_ROWS) {
            go_on(stop)?;
            let block: Vec<ArrayRef> =
                saved.columns.iter().map(|column| take_rows(column, rows)).collect();
            file.append(part, &compact(&block), rows.len())?;
        }
    }
    Ok(())
}

/// The rows of all groups, in the order of their keys, or, when they are many, of their hashes.
pub(super) fn finish(
    plan: &Arc<Plan>,
    spilled: Vec<PartedFile>,
    spool: &Arc<Spool>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    let parts_of_thread = PARTS.div_ceil(rayon::current_num_threads());
    let parts: Vec<usize> = (0..PARTS).collect();
    let results: Vec<Results> = parts
        .par_chunks(parts_of_thread)
        .map(|parts| {
            let file = spool.file()?;
            let mut results =
                Results { spool, stop, file, pieces: vec![], rows: 0, failed: vec![] };
            parts.iter().try_for_each(|&part| results.add(plan, &spilled, part, 1))?;
            Ok(results)
        })
        .collect::<Result<_, Error>>()?;
    drop(spilled);
    let (mut failed, mut by_hash) = (vec![], ByHash { files: vec![], pieces: vec![], rows: 0 });
    for mut results in results {
        failed.append(&mut results.failed);
        by_hash.push(results);
    }
    match first_failure(plan, failed) {
        Some(error) => Err(error),
        None if by_hash.rows > SORTED_GROUPS_MAX as u64 => Ok(Output::Pieces(Arc::new(by_hash))),
        None => sorted_by_key(plan, &by_hash, spool, stop),
    }
}

/// The finished groups of some parts on disk.
struct Results<'s> {
    spool: &'s Arc<Spool>,
    stop: &'s AtomicBool,
    file: SpoolFile,
    /// The blocks of groups that were in memory together.
    pieces: Vec<Range<usize>>,
    rows: u64,
    failed: Vec<Failed>,
}

impl Results<'_> {
    /// Adds a part, which was parted `level` times.
    fn add(
        &mut self,
        plan: &Plan,
        spilled: &[PartedFile],
        part: usize,
        level: u32,
    ) -> Result<(), Error> {
        let mut groups = Groups::new(plan);
        let mut parted = None;
        for block in spilled.iter().flat_map(|file| file.read(part)) {
            go_on(self.stop)?;
            groups.load(plan, &block?);
            if groups.bytes() > self.spool.part_bytes() && level < LEVELS_MAX {
                let file = match &mut parted {
                    Some(file) => file,
                    none => none.insert(PartedFile::new(self.spool)?),
                };
                write(std::mem::replace(&mut groups, Groups::new(plan)), level, file, self.stop)?;
            }
        }
        if let Some(mut file) = parted {
            write(groups, level, &mut file, self.stop)?;
            let parted = [file];
            return (0..PARTS).try_for_each(|part| self.add(plan, &parted, part, level + 1));
        }
        self.finish(plan, groups)
    }

    fn finish(&mut self, plan: &Plan, groups: Groups) -> Result<(), Error> {
        if groups.len() == 0 {
            return Ok(());
        }
        let finished = groups.finish(plan);
        self.failed.extend(first_failed(plan, &finished));
        self.rows += finished.groups as u64;
        let start = self.file.blocks();
        for batch in part_by_hash(plan, finished) {
            self.file.append(&compact(&batch.columns), batch.rows)?;
        }
        self.pieces.push(start..self.file.blocks());
        Ok(())
    }
}

/// Groups in the order of the hashes of their keys.
struct ByHash {
    files: Vec<SpoolFile>,
    /// In which file, and which blocks of it.
    pieces: Vec<(usize, Range<usize>)>,
    rows: u64,
}

impl ByHash {
    fn push(&mut self, results: Results) {
        let file = self.files.len();
        self.files.push(results.file);
        self.pieces.extend(results.pieces.into_iter().map(|blocks| (file, blocks)));
        self.rows += results.rows;
    }
}

impl Pieces for ByHash {
    fn count(&self) -> usize {
        self.pieces.len()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn read(&self, piece: usize, _: bool) -> Result<Vec<Batch>, Error> {
        let (file, blocks) = &self.pieces[piece];
        let mut batches = vec![];
        for block in blocks.clone() {
            let columns = self.files[*file].read(block)?;
            let rows = columns.first().map_or(0, |column| column.len());
            batches.push(Batch::new(columns, rows, 0));
        }
        Ok(numbered(batches, piece))
    }
}

/// Sorts finished groups by their keys, which are their first columns.
fn sorted_by_key(
    plan: &Plan,
    groups: &ByHash,
    spool: &Arc<Spool>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    let keys = plan.keys.len();
    let columns = (0..keys).map(Some).collect();
    let sort = Sort { directions: vec![Direction::default(); keys], columns, first: None };
    let mut runs = RunWriter::new(sort.clone(), spool, stop);
    for piece in 0..groups.count() {
        go_on(stop)?;
        for batch in groups.read(piece, false)? {
            let keys = batch.columns[..keys].iter().cloned().map(Operand::column).collect();
            runs.push(batch, keys)?;
        }
    }
    Ok(Output::Pieces(Arc::new(SortedRuns::new(sort, runs.finish()?, stop)?)))
}
