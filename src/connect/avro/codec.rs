//! How the blocks of a file are packed, both ways, at fixed levels.

use std::io::{self, Read, Write};

/// A block may be so large once it is unpacked: what claims to be more is damaged, or made to use up
/// memory.
const UNPACKED_MAX: u64 = 1 << 30;

/// zstd's own default; that of deflate is 6.
const ZSTD_LEVEL: i32 = 3;

/// How blocks are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    Null,
    /// RFC 1951, without header and checksum.
    Deflate,
    /// Snappy without frames, and a checksum.
    Snappy,
    /// A zstd frame.
    Zstd,
}

impl Codec {
    /// What the option `compression` says.
    pub fn of_option(compression: Option<&str>) -> Codec {
        match compression {
            Some("snappy") => Codec::Snappy,
            Some("zstd") => Codec::Zstd,
            Some("none") => Codec::Null,
            _ => Codec::Deflate,
        }
    }

    /// Its name in a header.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Null => "null",
            Codec::Deflate => "deflate",
            Codec::Snappy => "snappy",
            Codec::Zstd => "zstandard",
        }
    }

    /// The bytes of a block as they are stored.
    pub fn pack(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Codec::Null => Ok(bytes),
            Codec::Deflate => {
                let level = flate2::Compression::default();
                let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), level);
                packer.write_all(&bytes)?;
                packer.finish()
            }
            Codec::Snappy => {
                let mut packed = snap::raw::Encoder::new().compress_vec(&bytes)?;
                packed.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
                Ok(packed)
            }
            Codec::Zstd => zstd::bulk::Compressor::new(ZSTD_LEVEL)?.compress(&bytes),
        }
    }

    /// The bytes of a block that is stored so.
    pub fn unpack(self, stored: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Codec::Null => Ok(stored.to_vec()),
            Codec::Deflate => read_bounded(flate2::bufread::DeflateDecoder::new(stored)),
            Codec::Snappy => unpack_snappy(stored),
            Codec::Zstd => read_bounded(zstd::stream::read::Decoder::with_buffer(stored)?),
        }
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn too_large() -> io::Error {
    damaged("it would be more than a gigabyte once it is unpacked")
}

fn read_bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(UNPACKED_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > UNPACKED_MAX { Err(too_large()) } else { Ok(bytes) }
}

fn unpack_snappy(stored: &[u8]) -> io::Result<Vec<u8>> {
    let (packed, sum) =
        stored.split_last_chunk().ok_or_else(|| damaged("its checksum is missing"))?;
    if snap::raw::decompress_len(packed)? as u64 > UNPACKED_MAX {
        return Err(too_large());
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(packed)?;
    if crc32fast::hash(&bytes) != u32::from_be_bytes(*sum) {
        return Err(damaged("its checksum is not that of its bytes"));
    }
    Ok(bytes)
}
