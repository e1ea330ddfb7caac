//! What operators gave for what they were given, as far as runs of a pipeline have seen it: so that a
//! later run knows that nothing that follows can come out differently. Only digests and counts; the
//! rows themselves are in outputs, and in [`super::checkpoints`].

use crate::store::StateError;
use crate::store::checkpoint::{Checkpoint, Writer};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// So many operators are remembered.
const RECORDS_MAX: usize = 1024;

/// What is known of an operator with a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub key: String,
    /// The digest of the rows that it gave; none of one that writes them.
    pub rows: Option<String>,
    /// What it has counted, and what those before it have, up to such whose rows are known.
    pub counts: Vec<[u64; 9]>,
}

/// What is known of operators.
#[derive(Debug, Default)]
pub(super) struct Memo(HashMap<String, Record>);

impl Memo {
    /// What earlier runs have written there. What cannot be read is not known.
    pub(super) fn read(path: &Path) -> Memo {
        let records = read(path).into_iter();
        Memo(records.map(|record| (record.key.clone(), record)).collect())
    }

    pub(super) fn of(&self, key: &str) -> Option<&Record> {
        self.0.get(key)
    }
}

fn read(path: &Path) -> Vec<Record> {
    Checkpoint::open(path).map_or(vec![], |(_, records)| records)
}

/// Adds what a run has seen to what is there; what was seen long ago is forgotten.
pub(super) fn add(path: &Path, new: Vec<Record>) -> Result<(), StateError> {
    let mut all = read(path);
    all.retain(|old| new.iter().all(|record| record.key != old.key));
    let all: Vec<Record> = new.into_iter().chain(all).take(RECORDS_MAX).collect();
    Writer::create(path)?.finish(&all).map(drop)
}
