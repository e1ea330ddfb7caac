//! gzip and zstd, chosen by the extension of a path, both ways.
//!
//! Reading takes several gzip members and several zstd frames after one another and refuses
//! damage. What is written depends on the bytes alone: no time, no threads, fixed levels.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

    /// Reads a file through this compression, counting the stored bytes in `progress`.
    pub fn reader(self, file: File, progress: Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
        let counted = Counted { file, progress };
        Ok(match self {
            Compression::None => Box::new(counted),
            Compression::Gzip => {
                let buffered = io::BufReader::with_capacity(1 << 18, counted);
                Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
            }
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(counted)?),
        })
    }

    /// Writes to a file through this compression.
    pub fn writer(self, file: File) -> io::Result<Packer> {
        Ok(match self {
            Compression::None => Packer::None(io::BufWriter::with_capacity(1 << 18, file)),
            Compression::Gzip => {
                let level = flate2::Compression::default();
                Packer::Gzip(Box::new(flate2::write::GzEncoder::new(file, level)))
            }
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(file, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Packer::Zstd(encoder)
            }
        })
    }
}

/// Writes bytes to a file through a compression.
pub enum Packer {
    /// As they are.
    None(io::BufWriter<File>),
    /// gzip
    Gzip(Box<flate2::write::GzEncoder<File>>),
    /// zstd
    Zstd(zstd::stream::write::Encoder<'static, File>),
}

impl Packer {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Packer::None(writer) => writer.write_all(bytes),
            Packer::Gzip(writer) => writer.write_all(bytes),
            Packer::Zstd(writer) => writer.write_all(bytes),
        }
    }

    /// Writes what is left and gives the file back.
    pub fn finish(self) -> io::Result<File> {
        match self {
            Packer::None(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error),
            Packer::Gzip(writer) => writer.finish(),
            Packer::Zstd(writer) => writer.finish(),
        }
    }
}

struct Counted {
    file: File,
    progress: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.progress.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
