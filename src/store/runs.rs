//! What is kept of each run beside the ledger: a folder of its own in the state folder, with what
//! happened, line by line.

use super::{StateError, make_folder};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The folder of a run. Names of runs have no separators.
fn folder(state: &Path, run: &str) -> PathBuf {
    state.join("runs").join(run)
}

/// Where a run keeps what happened.
fn path(state: &Path, run: &str) -> PathBuf {
    folder(state, run).join("events.jsonl")
}

/// Makes the file of a run; its owner's alone.
pub fn create(state: &Path, run: &str) -> Result<File, StateError> {
    let path = path(state, run);
    let mut options = OpenOptions::new();
    let options = options.append(true).create_new(true).mode(crate::files::PRIVATE);
    let made = make_folder(&folder(state, run)).and_then(|()| options.open(&path));
    made.map_err(|error| StateError::io("create", &path, &error))
}

/// What a run has kept, if it has.
pub fn read(state: &Path, run: &str) -> Result<String, StateError> {
    let path = path(state, run);
    fs::read_to_string(&path).map_err(|error| StateError::io("read", &path, &error))
}

/// Forgets a run. What cannot be removed stays.
pub fn forget(state: &Path, run: &str) {
    let _ = fs::remove_dir_all(folder(state, run));
}
