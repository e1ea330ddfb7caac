//! Rows on disk, parted by the hash of their key: so that each part is worked on by itself, and
//! parted again by the next bits of the hash when it is too large. For breakers that keep something
//! for each key.

use crate::exec::Error;
use crate::store::spool::{Spool, SpoolFile};
use arrow_array::ArrayRef;
use std::sync::Arc;

/// Each level parts rows by the next bits of their hash.
const PART_BITS: u32 = 6;
/// How many parts there are on each level.
pub(super) const PARTS: usize = 1 << PART_BITS;
/// So many levels use up the hash.
pub(super) const LEVELS_MAX: u32 = 64 / PART_BITS;

/// The part of a row, after rows were parted `level` times; parts are in the order of the hashes.
pub(super) fn part_of(hash: u64, level: u32) -> usize {
    (hash << (PART_BITS * level) >> (64 - PART_BITS)) as usize
}

/// Rows of all parts in one file.
pub(super) struct PartedFile {
    file: SpoolFile,
    /// The blocks of each part, in the order in which they came.
    blocks: Vec<Vec<usize>>,
    /// The bytes of each part.
    bytes: Vec<u64>,
}

impl PartedFile {
    /// Without rows.
    pub fn new(spool: &Arc<Spool>) -> Result<PartedFile, Error> {
        Ok(PartedFile { file: spool.file()?, blocks: vec![vec![]; PARTS], bytes: vec![0; PARTS] })
    }

    /// Where it is written.
    pub fn spool(&self) -> &Arc<Spool> {
        self.file.spool()
    }

    /// Appends rows of a part.
    pub fn append(&mut self, part: usize, columns: &[ArrayRef], rows: usize) -> Result<(), Error> {
        let before = self.file.bytes();
        self.blocks[part].push(self.file.blocks());
        self.file.append(columns, rows)?;
        self.bytes[part] += self.file.bytes() - before;
        Ok(())
    }

    /// How many bytes a part has.
    pub fn bytes(&self, part: usize) -> u64 {
        self.bytes[part]
    }

    /// The columns of the blocks of a part, as they were appended.
    pub fn read(&self, part: usize) -> impl Iterator<Item = Result<Vec<ArrayRef>, Error>> + '_ {
        self.blocks[part].iter().map(|&block| Ok(self.file.read(block)?))
    }
}
