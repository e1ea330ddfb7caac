//! What is being published: written before the first output of a run is made visible, removed behind
//! the last. A run that dies in between is completed by the next one from it, so that the outputs of
//! a run become visible together.
//!
//! The file is a line with a checksum and a line of JSON: data only, and never believed when the
//! checksum does not fit.

use super::{StateError, sync_folder_of, write_whole};
use crate::files;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_128;

/// The form of the file.
const FORM: &str = "batchc journal 1";

/// Outputs that are complete and are to become visible.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The run that made them.
    pub run: String,
    /// Staged path and target, in the order in which they are published.
    pub moves: Vec<(PathBuf, PathBuf)>,
    /// What the ledger is told when they are visible.
    pub entries: Vec<super::ledger::Entry>,
    /// The files that they were made from.
    pub files: Vec<super::ledger::FileEntry>,
}

/// What a journal says.
#[derive(Debug, PartialEq)]
pub enum Found {
    /// Nothing is being published.
    Nothing,
    /// A run began to publish this and did not end.
    Commit(Box<Commit>),
    /// It is damaged: nothing was published yet, since it is whole before anything is.
    Damaged,
}

/// Says durably what will be published.
pub fn begin(path: &Path, commit: &Commit) -> Result<(), StateError> {
    let body = serde_json::to_string(commit).expect("paths of outputs are UTF-8");
    let text = format!("{FORM} {:032x}\n{body}\n", XxHash3_128::oneshot(body.as_bytes()));
    write_whole(path, text.as_bytes()).map_err(|error| StateError::io("write", path, &error))
}

/// All of it is published.
pub fn end(path: &Path) -> Result<(), StateError> {
    let removed = files::remove(path).and_then(|()| sync_folder_of(path));
    removed.map_err(|error| StateError::io("remove", path, &error))
}

/// What was being published when a run died.
pub fn read(path: &Path) -> Result<Found, StateError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(StateError::io("read", path, &error)),
    };
    Ok(parse(&text).map_or(Found::Damaged, |commit| Found::Commit(Box::new(commit))))
}

fn parse(text: &[u8]) -> Option<Commit> {
    let (head, body) = std::str::from_utf8(text).ok()?.split_once('\n')?;
    let body = body.strip_suffix('\n')?;
    let sum = head.strip_prefix(FORM)?.strip_prefix(' ')?;
    let is_whole = sum == format!("{:032x}", XxHash3_128::oneshot(body.as_bytes()));
    serde_json::from_str(body).ok().filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        assert_eq!(read(&path).unwrap(), Found::Nothing);
        let commit = Commit {
            run: "r".into(),
            moves: vec![("a".into(), "b".into())],
            entries: vec![],
            files: vec![],
        };
        begin(&path, &commit).unwrap();
        let text = fs::read(&path).unwrap();
        assert_eq!(read(&path).unwrap(), Found::Commit(Box::new(commit)));
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), None, "cut at {end}");
        }
        for bit in 0..text.len() * 8 {
            let mut text = text.clone();
            text[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&text), None, "bit {bit}");
        }
        end(&path).unwrap();
        assert_eq!(read(&path).unwrap(), Found::Nothing);
    }
}
