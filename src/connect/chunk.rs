//! Files in pieces that hold whole records: the serial part of every text source.
//!
//! Bytes are read in order into pooled buffers under the source's mutex; a [`Cut`] says where the
//! last whole record ends, and what follows is carried to the next chunk. So a chunk always begins
//! with a record, whatever is quoted and however it is compressed. Nothing is parsed here.

use super::ConnectError;
use super::input::{Inputs, OpenInput};
use super::meter::Meter;
use super::plain;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that may be read, not used, after the end of a chunk, so that word-wise code needs no
/// special end.
pub const SLACK: usize = 128;

/// A longer record is refused: it is damage, or a quote that nobody closed.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Bigger chunks leave the second-level cache, smaller ones take the mutex too often.
pub const CHUNK_BYTES: usize = 512 << 10;

/// Buffers that wait to be used again: fresh pages cost as much as parsing.
const POOLED_MAX: usize = 64;

/// Says where records end.
pub trait Cut: Send {
    /// What it learned about the records.
    type Shape: Send;

    /// The length of the whole records at the beginning of `bytes[..len]`, after which [`SLACK`]
    /// bytes may be read; 0 when there is none. At the end of a file all is taken.
    fn cut(&mut self, bytes: &[u8], len: usize, place: Place) -> (usize, Self::Shape);

    /// Does a carriage return stand where a record could end and others follow? Asked of the beginning of
    /// a file that has no line feed.
    fn has_lines_by_return(&self, bytes: &[u8]) -> bool {
        memchr::memchr(b'\r', bytes).is_some_and(|at| at + 1 < bytes.len())
    }
}

/// Where a chunk stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Does the file begin here?
    pub first: bool,
    /// Does it end here?
    pub last: bool,
}

/// Whole records of one file.
pub struct Chunk<S> {
    /// The buffer; [`SLACK`] bytes may be read after `len`.
    pub buffer: bytes::Bytes,
    /// Bytes of records; the last one is a line end.
    pub len: usize,
    /// Was that line end added because the file ends without one?
    pub line_end_added: bool,
    /// Position of the file.
    pub file: usize,
    /// Where in the file.
    pub place: Place,
    /// Bytes of the file before it, unpacked.
    pub offset: u64,
    /// What the cut learned.
    pub shape: S,
}

/// Dispenses the chunks of all files in order.
pub struct Chunks<C> {
    inputs: Arc<Inputs>,
    meter: Arc<Meter>,
    pool: Arc<Pool>,
    cut: C,
    file: usize,
    open: Option<OpenInput>,
    /// Records that were read and not yet dispensed.
    carry: Vec<u8>,
    /// Bytes of the open file before the carry, after decompression.
    offset: u64,
    first: bool,
}

impl<C: Cut> Chunks<C> {
    /// Chunks of about `chunk_bytes` of the files.
    pub fn new(inputs: Arc<Inputs>, meter: Arc<Meter>, cut: C, chunk_bytes: usize) -> Chunks<C> {
        let pool = Arc::new(Pool { free: Mutex::default(), bytes: chunk_bytes.max(1) + SLACK });
        let carry = Vec::new();
        Chunks { inputs, meter, pool, cut, file: 0, open: None, carry, offset: 0, first: true }
    }

    /// The next chunk. Every file gives at least one, an empty file an empty one.
    pub fn next(&mut self) -> Result<Option<Chunk<C::Shape>>, ConnectError> {
        loop {
            if self.file == self.inputs.names.len() {
                return Ok(None);
            }
            if self.open.is_none() {
                self.open = Some(self.inputs.open(self.file, self.meter.clone())?);
                self.offset = self.inputs.start(self.file);
                self.first = self.offset == 0;
            }
            if let Some(chunk) = self.read()? {
                return Ok(Some(chunk));
            }
        }
    }

    /// Says where records end.
    pub fn cut(&self) -> &C {
        &self.cut
    }

    /// Where the next chunk begins: the file, and so many of its bytes before it, unpacked.
    pub fn position(&self) -> Option<(usize, u64)> {
        let start = if self.open.is_some() { self.offset } else { 0 };
        (self.file < self.inputs.names.len()).then_some((self.file, start))
    }

    /// One chunk of the open file; None when nothing is left of it.
    fn read(&mut self) -> Result<Option<Chunk<C::Shape>>, ConnectError> {
        let mut buffer = Pool::take(&self.pool);
        let mut filled = self.carry.len();
        buffer.grow(filled + SLACK);
        buffer.bytes[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        loop {
            let room = buffer.bytes.len() - SLACK;
            let open = self.open.as_mut().expect("a file was opened before");
            let read = open.fill(&mut buffer.bytes[filled..room])?;
            self.meter.unpacked.fetch_add(read as u64, Relaxed);
            let last = filled + read < room;
            filled += read;
            if self.first {
                self.refuse_others(&buffer.bytes[..filled], last)?;
            }
            let place = Place { first: self.first, last };
            let mut line_end_added = false;
            if last {
                let file = self.file;
                (self.open, self.file) = (None, file + 1);
                if filled == 0 && !self.first {
                    return Ok(None);
                }
                if filled > 0 && buffer.bytes[filled - 1] != b'\n' {
                    buffer.bytes[filled] = b'\n';
                    filled += 1;
                    line_end_added = true;
                }
                let (_, shape) = self.cut.cut(&buffer.bytes, filled, place);
                let (buffer, offset) = (bytes::Bytes::from_owner(buffer), self.offset);
                let len = filled;
                let chunk = Chunk { buffer, len, line_end_added, file, place, offset, shape };
                return Ok(Some(chunk));
            }
            let (len, shape) = self.cut.cut(&buffer.bytes, filled, place);
            if len > 0 {
                self.carry.extend_from_slice(&buffer.bytes[len..filled]);
                self.first = false;
                let (buffer, file) = (bytes::Bytes::from_owner(buffer), self.file);
                let offset = self.offset;
                self.offset += len as u64;
                let chunk = Chunk { buffer, len, line_end_added, file, place, offset, shape };
                return Ok(Some(chunk));
            }
            if filled >= RECORD_BYTES_MAX {
                return Err(self.endless_record()?);
            }
            buffer.grow(2 * filled + SLACK);
        }
    }

    /// Refuses a file that is not of text as it is read; all of it is known where it has ended.
    fn refuse_others(&self, bytes: &[u8], has_ended: bool) -> Result<(), ConnectError> {
        let name = &self.inputs.names[self.file];
        plain::refuse_utf16(name, bytes)?;
        match has_ended || bytes.len() >= RECORD_BYTES_MAX {
            true => {
                plain::refuse_carriage_returns(name, bytes, |all| self.cut.has_lines_by_return(all))
            }
            false => Ok(()),
        }
    }

    fn endless_record(&self) -> Result<ConnectError, ConnectError> {
        let (name, megabytes) = (&self.inputs.names[self.file], RECORD_BYTES_MAX >> 20);
        let line = self.inputs.line_at(self.file, self.offset)?;
        Ok(ConnectError::new(format!(
            "a record of {name} is longer than {megabytes} MiB; it begins in line {line}"
        ))
        .help("look there for a quote that is never closed, or a file of another format"))
    }
}

struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
    bytes: usize,
}

/// A buffer that goes back to its pool when nobody uses it any more.
struct Pooled {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Pool {
    fn take(pool: &Arc<Pool>) -> Pooled {
        let free = pool.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; pool.bytes]);
        Pooled { bytes, pool: pool.clone() }
    }
}

impl Pooled {
    fn grow(&mut self, len: usize) {
        if self.bytes.len() < len {
            self.bytes.resize(len, 0);
        }
    }
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bytes.len() == self.pool.bytes && free.len() < POOLED_MAX {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}
