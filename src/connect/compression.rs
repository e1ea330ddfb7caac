//! gzip and zstd, chosen by the extension of a path, both ways.
//!
//! Reading takes several gzip members and several zstd frames after one another and refuses
//! damage. What is written depends on the bytes alone: no time, no threads, no sizes of pieces,
//! fixed levels.

use super::meter::Meter;
use super::readings::Digesting;
use crate::files::{Input, NewFile};
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

/// What gzip files begin with.
const GZIP_MAGIC: &[u8] = b"\x1F\x8B";

/// What zstd files begin with.
const ZSTD_MAGIC: &[u8] = b"\x28\xB5\x2F\xFD";

/// zstd's own default; gzip's is 6.
const ZSTD_LEVEL: i32 = 3;

impl Compression {
    /// What the extension says.
    pub fn of(path: &Path) -> Compression {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Compression::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// How a file whose extension says nothing is packed all the same, by its first bytes, with the
    /// extension for that. No text begins so.
    pub fn unsaid(file: &Input) -> Option<(&'static str, &'static str)> {
        let mut head = [0; 4];
        let read = file.read_at(&mut head, 0).ok()?;
        let packed = [(GZIP_MAGIC, ("gzip", "gz")), (ZSTD_MAGIC, ("zstd", "zst"))];
        packed.into_iter().find(|(magic, _)| head[..read].starts_with(magic)).map(|found| found.1)
    }

    /// Reads a file through this compression, counting the stored bytes, of which a digest may be
    /// wanted.
    pub fn reader(
        self,
        file: Input,
        meter: Arc<Meter>,
        digesting: Option<Digesting>,
    ) -> io::Result<Box<dyn Read + Send>> {
        let counted = Counted { file, position: 0, meter, digesting };
        let buffered = |counted| io::BufReader::with_capacity(1 << 18, counted);
        Ok(match self {
            Compression::None => Box::new(counted),
            Compression::Gzip => Box::new(Members::<GzDecoder<Stored>>::new(buffered(counted))?),
            Compression::Zstd => Box::new(Members::<ZstdFrame>::new(buffered(counted))?),
        })
    }

    /// Writes to a file through this compression, behind what it holds unless it `is_empty`.
    pub fn writer(self, file: NewFile, is_empty: bool) -> Packer {
        match self {
            Compression::None => Packer::Plain(io::BufWriter::with_capacity(1 << 18, file)),
            Compression::Gzip | Compression::Zstd => {
                Packer::Blocks(Blocks { compression: self, file, pending: vec![], is_empty })
            }
        }
    }

    /// How many bytes are packed by themselves. Smaller blocks pack worse, zstd more so since it
    /// looks further back; larger ones hold more memory: each part of a directory has one for
    /// every thread.
    fn block_bytes(self) -> usize {
        match self {
            Compression::None | Compression::Gzip => 1 << 20,
            Compression::Zstd => 4 << 20,
        }
    }

    /// A gzip member or a zstd frame that holds these bytes.
    fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(bytes.to_vec()),
            Compression::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Compression::Zstd => {
                let mut packer = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
                packer.include_checksum(true)?;
                packer.compress(bytes)
            }
        }
    }
}

/// Writes bytes to a file through a compression.
pub enum Packer {
    /// As they are.
    Plain(io::BufWriter<NewFile>),
    /// Packed.
    Blocks(Blocks),
}

impl Packer {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Packer::Plain(writer) => writer.write_all(bytes),
            Packer::Blocks(blocks) => blocks.write(bytes),
        }
    }

    /// Has what was appended be in the file, but for bytes that do not yet fill a block.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Packer::Plain(writer) => writer.flush(),
            Packer::Blocks(_) => Ok(()),
        }
    }

    /// The file.
    pub fn file(&self) -> &NewFile {
        match self {
            Packer::Plain(writer) => writer.get_ref(),
            Packer::Blocks(blocks) => &blocks.file,
        }
    }

    /// Bytes that do not yet fill a block.
    pub fn pending(&self) -> &[u8] {
        match self {
            Packer::Plain(_) => &[],
            Packer::Blocks(blocks) => &blocks.pending,
        }
    }

    /// Gives up what was written behind so many bytes of a file that is not packed.
    pub fn rewind(&mut self, bytes: u64) -> io::Result<()> {
        match self {
            Packer::Plain(writer) => {
                writer.flush()?;
                writer.get_mut().truncate(bytes)
            }
            Packer::Blocks(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Writes what is left and gives the file back.
    pub fn finish(self) -> io::Result<NewFile> {
        match self {
            Packer::Plain(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error),
            Packer::Blocks(blocks) => blocks.finish(),
        }
    }
}

/// Blocks of a fixed size, each packed by itself: what is written depends on the bytes and not on
/// the pieces in which they come, and blocks can be packed by several threads.
pub struct Blocks {
    compression: Compression,
    file: NewFile,
    /// Bytes that do not yet fill a block for every thread.
    pending: Vec<u8>,
    is_empty: bool,
}

impl Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(bytes);
        let block = self.compression.block_bytes();
        if self.pending.len() >= block * rayon::current_num_threads() {
            self.pack(self.pending.len() / block * block)?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<NewFile> {
        self.pack(self.pending.len())?;
        if self.is_empty {
            // No bytes at all are no packed file.
            self.file.write_all(&self.compression.pack(&[])?)?;
        }
        Ok(self.file)
    }

    /// Packs the first `len` pending bytes, a block a thread.
    ///
    /// Threads of its own, not the engine's pool: a worker that waits for the pool may be given
    /// another piece of work that waits for this very sink.
    fn pack(&mut self, len: usize) -> io::Result<()> {
        let compression = self.compression;
        let blocks: Vec<&[u8]> = self.pending[..len].chunks(compression.block_bytes()).collect();
        for group in blocks.chunks(rayon::current_num_threads()) {
            let packed: Vec<io::Result<Vec<u8>>> = std::thread::scope(|scope| {
                let (own, others) = group.split_first().expect("a group is not empty");
                let others: Vec<_> = others
                    .iter()
                    .map(|&block| scope.spawn(move || compression.pack(block)))
                    .collect();
                let own = compression.pack(own);
                let panicked = |_| Err(io::Error::other("a packer panicked"));
                let others = others.into_iter().map(|other| other.join().unwrap_or_else(panicked));
                std::iter::once(own).chain(others).collect()
            });
            for block in packed {
                self.file.write_all(&block?)?;
            }
            self.is_empty = false;
        }
        self.pending.drain(..len);
        Ok(())
    }
}

/// The bytes of a file as they are stored.
type Stored = io::BufReader<Counted>;

type ZstdFrame = zstd::stream::read::Decoder<'static, Stored>;

/// A gzip member or a zstd frame, of which a file may hold several.
trait Member: Read + Sized {
    const NAME: &'static str;
    fn open(stored: Stored) -> io::Result<Self>;
    fn stored(&mut self) -> &mut Stored;
    fn into_stored(self) -> Stored;
    /// May one begin with these bytes, of which there are four unless the file ends?
    fn begins(head: &[u8]) -> bool;
}

impl Member for GzDecoder<Stored> {
    const NAME: &'static str = "gzip";

    fn open(stored: Stored) -> io::Result<Self> {
        Ok(GzDecoder::new(stored))
    }

    fn stored(&mut self) -> &mut Stored {
        self.get_mut()
    }

    fn into_stored(self) -> Stored {
        self.into_inner()
    }

    fn begins(head: &[u8]) -> bool {
        head.iter().zip(GZIP_MAGIC).all(|(byte, magic)| byte == magic)
    }
}

impl Member for ZstdFrame {
    const NAME: &'static str = "zstd";

    fn open(stored: Stored) -> io::Result<Self> {
        Ok(Self::with_buffer(stored)?.single_frame())
    }

    fn stored(&mut self) -> &mut Stored {
        self.get_mut()
    }

    fn into_stored(self) -> Stored {
        self.into_inner()
    }

    fn begins(head: &[u8]) -> bool {
        // A frame, or one that readers skip.
        let skipped = [head.first().map_or(0, |byte| byte & 0x0F) | 0x50, 0x2A, 0x4D, 0x18];
        let begins = |magic: &[u8]| head.iter().zip(magic).all(|(byte, magic)| byte == magic);
        begins(ZSTD_MAGIC) || begins(&skipped)
    }
}

/// Reads the members of a file one after the other.
struct Members<M> {
    /// The one that is read; None at the end of the file.
    member: Option<M>,
}

impl<M: Member> Members<M> {
    fn new(stored: Stored) -> io::Result<Members<M>> {
        Ok(Members { member: Some(M::open(stored)?) })
    }
}

impl<M: Member> Read for Members<M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer).map_err(|error| damaged(member, error))?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let stored = member.stored();
            stored.fill_buf()?;
            let next = stored.buffer();
            if !M::begins(&next[..next.len().min(4)]) {
                let (name, shown) = (M::NAME, next[..next.len().min(20)].escape_ascii());
                let message = format!(
                    "the {name} data ends at byte {}, and behind it is something else, `{shown}`",
                    stored.get_ref().position - next.len() as u64,
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            let is_end = next.is_empty();
            let rest = self.member.take().map(M::into_stored).filter(|_| !is_end);
            self.member = rest.map(M::open).transpose()?;
        }
        Ok(0)
    }
}

/// What a library says of packed bytes that it cannot read, in words of the file; errors of the system
/// stay as they are.
fn damaged<M: Member>(member: &mut M, error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    let stored = member.stored();
    let (name, at) = (M::NAME, stored.get_ref().position - stored.buffer().len() as u64);
    let said = error.to_string();
    let is_cut = error.kind() == io::ErrorKind::UnexpectedEof || said.contains("incomplete");
    let is_other = said.contains("gzip header") || said.contains("frame descriptor");
    let message = match (is_cut, is_other) {
        (true, _) => format!("the file ends in the middle of its {name} data, at byte {at}"),
        (false, true) => format!(
            "it is no {name} data, though it is called so: `compression: \"none\"` reads it as it is"
        ),
        (false, false) => format!("its {name} data is damaged before byte {at} ({said})"),
    };
    io::Error::new(error.kind(), message)
}

struct Counted {
    file: Input,
    /// How many bytes have been read.
    position: u64,
    meter: Arc<Meter>,
    digesting: Option<Digesting>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position += read as u64;
        self.meter.stored.fetch_add(read as u64, Ordering::Relaxed);
        if let Some(digesting) = &mut self.digesting
            && !buffer.is_empty()
        {
            digesting.see(&buffer[..read]);
        }
        Ok(read)
    }
}
