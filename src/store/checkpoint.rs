//! What a stage has made, in a file: blocks of bytes, and behind them a manifest that says what they
//! are.
//!
//! ```text
//! batchc checkpoint 1\n | block … block | manifest (JSON) | its place, length and digest
//! ```
//!
//! Nothing in a file is believed before its digest fits: of the manifest when the file is opened, of a
//! block when it is read. Files are not synced, since one that a power cut has torn is noticed and
//! costs no more than the computing that it would have saved.

use super::spool::{decode, encode};
use super::{StateError, make_folder};
use crate::files::{self, NewFile};
use arrow_array::ArrayRef;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_128;

/// The form of the file.
const FORM: &[u8] = b"batchc checkpoint 1\n";
/// Place and length of the manifest, and its digest.
const TAIL: u64 = 32;

/// A block of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    start: u64,
    bytes: u64,
    digest: String,
}

/// A file that is being written; it has its name once it is whole.
pub struct Writer {
    file: NewFile,
    target: PathBuf,
    end: u64,
}

impl Writer {
    /// Begins a file that will be there under this name.
    pub fn create(target: &Path) -> Result<Writer, StateError> {
        let staged = target.with_extension("new");
        let failed = |error| StateError::io("write", &staged, &error);
        make_folder(target.parent().expect("it is in the state folder")).map_err(failed)?;
        if staged.exists() {
            files::remove(&staged).map_err(failed)?;
        }
        let file = NewFile::create(&staged, files::PRIVATE).map_err(failed)?;
        let mut writer = Writer { file, target: target.to_owned(), end: 0 };
        writer.write(FORM)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| StateError::io("write", self.file.path(), &error))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Appends a block of bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<Block, StateError> {
        let digest = digest(bytes);
        let block = Block { start: self.end, bytes: bytes.len() as u64, digest };
        self.write(bytes)?;
        Ok(block)
    }

    /// Appends a block of columns of so many rows.
    pub fn columns(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Block, StateError> {
        let encoded = encode(columns, rows);
        let failed = |error| StateError::io("write", self.file.path(), &error);
        self.bytes(&encoded.map_err(failed)?)
    }

    /// Ends the file; how long it is.
    pub fn finish(mut self, manifest: &impl Serialize) -> Result<u64, StateError> {
        let manifest = serde_json::to_vec(manifest).expect("names and numbers can be written");
        let mut tail = self.end.to_le_bytes().to_vec();
        tail.extend((manifest.len() as u64).to_le_bytes());
        tail.extend(XxHash3_128::oneshot(&manifest).to_le_bytes());
        self.write(&manifest)?;
        self.write(&tail)?;
        let renamed = files::rename(self.file.path(), &self.target);
        renamed.map_err(|error| StateError::io("write", &self.target, &error))?;
        Ok(self.end)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What was not ended is nothing.
        let _ = std::fs::remove_file(self.file.path());
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(bytes))
}

/// Removes a file. Best effort: one that is left is found again.
pub fn remove(path: &Path) {
    let _ = files::remove(path);
}

/// A file that was written whole.
#[derive(Debug)]
pub struct Checkpoint {
    file: File,
    path: PathBuf,
    /// Where the blocks end.
    end: u64,
}

impl Checkpoint {
    /// Opens a file and reads its manifest; none if there is no such file, or if it is not what was
    /// written: cut, damaged, or of another form.
    pub fn open<M: DeserializeOwned>(path: &Path) -> Option<(Checkpoint, M)> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let read = |start: u64, bytes: u64| {
            let mut read = vec![0; usize::try_from(bytes).ok()?];
            file.read_exact_at(&mut read, start).ok().map(|()| read)
        };
        let tail_at = length.checked_sub(TAIL)?;
        let tail = read(tail_at, TAIL)?;
        let number = |at: usize| u64::from_le_bytes(tail[at..at + 8].try_into().expect("8 bytes"));
        let (start, bytes) = (number(0), number(8));
        if start.checked_add(bytes)? != tail_at || read(0, FORM.len() as u64)? != FORM {
            return None;
        }
        let manifest = read(start, bytes)?;
        if tail[16..] != XxHash3_128::oneshot(&manifest).to_le_bytes() {
            return None;
        }
        let manifest = serde_json::from_slice(&manifest).ok()?;
        Some((Checkpoint { file, path: path.to_owned(), end: start }, manifest))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a block.
    pub fn bytes(&self, block: &Block) -> Result<Vec<u8>, StateError> {
        let failed = |error| StateError::io("read", &self.path, &error);
        let is_inside = block.start.checked_add(block.bytes).is_some_and(|end| end <= self.end);
        let length = usize::try_from(block.bytes).ok().filter(|_| is_inside);
        let mut read = vec![0; length.ok_or_else(|| self.damaged())?];
        self.file.read_exact_at(&mut read, block.start).map_err(failed)?;
        if digest(&read) == block.digest { Ok(read) } else { Err(self.damaged()) }
    }

    /// The columns of a block.
    pub fn columns(&self, block: &Block) -> Result<Vec<ArrayRef>, StateError> {
        decode(self.bytes(block)?).map_err(|error: io::Error| {
            StateError::io("read", &self.path, &error).help("run again with --fresh")
        })
    }

    fn damaged(&self) -> StateError {
        StateError::new(format!("{} is damaged", self.path.display()))
            .help("run again with --fresh")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Int64Array;
    use std::fs;
    use std::sync::Arc;

    #[test]
    fn a_file_is_what_was_written_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a");
        let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![Some(1), None]))];
        let mut writer = Writer::create(&path).unwrap();
        let blocks = vec![writer.bytes(b"some").unwrap(), writer.columns(&columns, 2).unwrap()];
        assert!(!path.exists());
        let bytes = writer.finish(&blocks).unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len() as u64, bytes);
        let read = || -> Option<(Vec<u8>, Vec<ArrayRef>)> {
            let (found, blocks) = Checkpoint::open::<Vec<Block>>(&path)?;
            Some((found.bytes(&blocks[0]).ok()?, found.columns(&blocks[1]).ok()?))
        };
        assert_eq!(read(), Some((b"some".to_vec(), columns)));
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert_eq!(read(), None, "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&path, &damaged).unwrap();
            assert_eq!(read(), None, "a bit of byte {at}");
        }
    }

    #[test]
    fn what_is_not_ended_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&folder.path().join("a")).unwrap();
        writer.bytes(b"some").unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
