//! Columns on disk for what does not fit into memory: written once, read back block by block.
//!
//! A block is one Arrow IPC stream, so that threads can read blocks of one file apart from each
//! other. Files have no name: the system removes them when they are closed, also after a crash.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema};
use std::fs::File;
use std::io::{self, Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// So many sorted runs are merged at once, however little memory there is.
const RUNS_MIN: usize = 8;

/// How much memory there is, and where to go when it is used up.
pub struct Spool {
    folder: PathBuf,
    memory: usize,
    threads: usize,
    written: AtomicU64,
}

/// Something could not be written to disk or read back.
#[derive(Clone, Debug)]
pub struct SpoolError {
    /// What, and why.
    pub message: String,
    /// Can it be over by itself in a while? Files are made anew by who tries again.
    pub may_pass: bool,
}

impl Spool {
    /// A run of so many threads that is to use up to `memory` bytes and may write into `folder`,
    /// which is made when it is needed.
    pub fn new(folder: PathBuf, memory: usize, threads: usize) -> Spool {
        Spool { folder, memory, threads: threads.max(1), written: AtomicU64::new(0) }
    }

    /// Should operators write what they hold to disk? Half of the memory is left for what they
    /// need while they do, and for everything that they do not hold.
    pub fn is_full(&self) -> bool {
        crate::memory::used() > self.memory / 2
    }

    /// Can an operator take so many more bytes for a while?
    pub fn has_room(&self, bytes: usize) -> bool {
        crate::memory::used() + bytes <= self.memory
    }

    /// States of fewer bytes are not worth a file, however little memory is left: what a run needs
    /// besides may be more than it was given. Only where it was given less than that, as tests do,
    /// everything is written.
    pub fn state_bytes_min(&self) -> usize {
        (self.memory / (self.threads * 8)).max(self.memory.min(1 << 18))
    }

    /// Bytes of rows of so many columns that a thread may work on at once: they are read, sorted and
    /// copied, and all threads do so at the same time. As many as the blocks of a few runs.
    pub fn piece_bytes(&self, columns: usize) -> usize {
        self.piece_bytes_of_narrow_rows().max(2 * RUNS_MIN * self.block_bytes(columns))
    }

    fn piece_bytes_of_narrow_rows(&self) -> usize {
        (self.memory / (self.threads * 10)).max(1 << 18)
    }

    /// Bytes of a block of sorted rows: so few that a thread can read blocks of many runs at once,
    /// and so many that they are worth it, also beside what the block says of each column.
    pub fn block_bytes(&self, columns: usize) -> usize {
        let bytes = (self.piece_bytes_of_narrow_rows() / 64).clamp(1 << 14, 1 << 18);
        bytes.max(columns << 11)
    }

    /// Sorted runs that a thread can merge: of each it reads, beside the rows that it needs, up to
    /// two blocks of others.
    pub fn runs_max(&self, columns: usize) -> usize {
        (self.piece_bytes(columns) / (2 * self.block_bytes(columns))).max(RUNS_MIN)
    }

    /// Bytes that a thread may collect before it writes them.
    pub fn part_bytes(&self) -> usize {
        (self.memory / (self.threads * 6)).max(1 << 16)
    }

    /// Bytes that a thread may hold of what it has made for others that are not there yet. More
    /// would not make it faster.
    pub fn held_bytes(&self) -> usize {
        (self.memory / (self.threads * 8)).clamp(1 << 16, 64 << 20)
    }

    /// Bytes that may wait between threads.
    pub fn waiting_bytes(&self) -> usize {
        (self.memory / 8).max(1 << 20)
    }

    /// Bytes that were written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// A new file.
    pub fn file(self: &Arc<Spool>) -> Result<SpoolFile, SpoolError> {
        let made =
            super::make_folder(&self.folder).and_then(|()| tempfile::tempfile_in(&self.folder));
        let file = made.map_err(|error| self.failed("write", &error))?;
        Ok(SpoolFile { file, blocks: vec![], end: 0, spool: self.clone() })
    }

    fn failed(&self, what: &str, error: &dyn std::fmt::Display) -> SpoolError {
        let folder = self.folder.display();
        let message = format!("cannot {what} temporary files in {folder}: {error}");
        SpoolError { message, may_pass: true }
    }
}

/// A file of blocks of columns.
pub struct SpoolFile {
    file: File,
    blocks: Vec<Block>,
    end: u64,
    spool: Arc<Spool>,
}

#[derive(Clone, Copy)]
struct Block {
    start: u64,
    bytes: usize,
}

impl SpoolFile {
    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Bytes of all blocks.
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// The spool that the file belongs to.
    pub fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    /// Appends a block: columns of `rows` rows, of the same types in all blocks. Texts should have
    /// been copied out of larger buffers before, which are written whole.
    pub fn append(&mut self, columns: &[ArrayRef], rows: usize) -> Result<(), SpoolError> {
        let bytes = encode(columns, rows).map_err(|error| self.spool.failed("write", &error))?;
        self.file.write_all(&bytes).map_err(|error| self.spool.failed("write", &error))?;
        self.blocks.push(Block { start: self.end, bytes: bytes.len() });
        self.end += bytes.len() as u64;
        self.spool.written.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    /// The columns of a block.
    pub fn read(&self, block: usize) -> Result<Vec<ArrayRef>, SpoolError> {
        let Block { start, bytes } = self.blocks[block];
        let mut read = vec![0; bytes];
        let done = self.file.read_exact_at(&mut read, start);
        done.map_err(|error| self.spool.failed("read", &error))?;
        decode(read).map_err(|error| self.spool.failed("read", &error))
    }
}

pub(super) fn encode(columns: &[ArrayRef], rows: usize) -> io::Result<Vec<u8>> {
    let field = |column: &ArrayRef| Field::new("", column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns.to_vec(), &options)
        .map_err(io::Error::other)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).map_err(io::Error::other)?;
    writer.write(&batch).map_err(io::Error::other)?;
    writer.into_inner().map_err(io::Error::other)
}

pub(super) fn decode(bytes: Vec<u8>) -> io::Result<Vec<ArrayRef>> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(io::Error::other)?;
    let batch = reader.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(batch.map_err(io::Error::other)?.columns().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringViewArray};

    #[test]
    fn blocks_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Arc::new(Spool::new(folder.path().join("new"), 1 << 20, 2));
        let mut file = spool.file().unwrap();
        let blocks: Vec<Vec<ArrayRef>> = (0..3)
            .map(|at| {
                let numbers = Int64Array::from(vec![Some(at), None, Some(-at)]);
                let long = format!("a text of more than twelve bytes {at}");
                let texts = StringViewArray::from(vec![Some("é"), None, Some(&long)]);
                vec![Arc::new(numbers) as ArrayRef, Arc::new(texts)]
            })
            .collect();
        for block in &blocks {
            file.append(block, 3).unwrap();
        }
        for at in [2, 0, 1] {
            assert_eq!(&file.read(at).unwrap(), &blocks[at]);
        }
        assert_eq!(spool.written(), file.bytes());
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let spool = Arc::new(Spool::new(file.join("below"), 1 << 20, 1));
        let error = spool.file().map(|_| ()).unwrap_err();
        assert!(error.message.contains("file/below"), "{}", error.message);
    }
}
