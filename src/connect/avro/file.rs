//! A file: the header, which says how records are laid out, and where its blocks are.

use super::codec::Codec;
use crate::connect::ConnectError;
use crate::connect::guard::guarded;
use crate::connect::input::{Identity, Inputs};
use crate::connect::meter::Meter;
use crate::files::Input;
use arrow_avro::reader::{Decoder, DecoderMode, ReaderBuilder, read_header_info};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

/// Rows of a batch: few enough for a cache, many enough to forget the cost of a batch.
pub const BATCH_ROWS: usize = 1 << 14;

/// The bytes behind each block by which it is known to be whole.
pub const SYNC_BYTES: u64 = 16;

/// The most bytes of a number.
const NUMBER_BYTES: usize = 10;

/// A header is not longer.
const HEADER_BYTES_MAX: u64 = 64 << 20;

/// A file whose header was read.
pub struct AvroFile {
    /// Its name as it is shown.
    pub name: Arc<str>,
    input: Input,
    identity: Identity,
    /// How records are laid out, as JSON.
    schema: AvroSchema,
    codec: Codec,
    sync: [u8; SYNC_BYTES as usize],
    /// Where the first block begins.
    pub start: u64,
    /// Its length.
    pub size: u64,
}

/// A block as it stands in a file.
pub struct Block {
    /// Where it begins.
    pub at: u64,
    /// How many records it holds.
    pub records: u64,
    /// Where its bytes begin.
    bytes_at: u64,
    /// Where they end, and the mark behind them begins.
    bytes_end: u64,
}

impl Block {
    /// Behind all of it.
    pub fn end(&self) -> u64 {
        self.bytes_end + SYNC_BYTES
    }
}

impl AvroFile {
    /// Opens file `at` and reads its header.
    pub fn open(inputs: &Inputs, at: usize) -> Result<AvroFile, ConnectError> {
        let name = inputs.names[at].clone();
        let (input, identity) = inputs.open_plain(at)?;
        let failed = |error: std::io::Error| ConnectError::io("read", &name, &error);
        let size = input.metadata().map_err(failed)?.len();
        let mut reader = BufReader::new(input.again().map_err(failed)?.take(HEADER_BYTES_MAX));
        if !reader.fill_buf().map_err(failed)?.starts_with(b"Obj\x01") {
            return Err(ConnectError::new(format!("{name} is not an Avro file"))
                .help("what is read is an object container file, which begins with `Obj`"));
        }
        let broken = |error: &dyn std::fmt::Display| {
            ConnectError::new(format!("cannot read the header of {name}: {}", words(error)))
                .help("is it a whole Avro file?")
        };
        let (codec, header, schema) = guarded(&name, || {
            let header = read_header_info(reader).map_err(|error| broken(&error))?;
            let schema = header.writer_schema().map_err(|error| broken(&error))?;
            Ok((codec_of(&name, &header)?, header, schema))
        })?;
        let (sync, start) = (header.sync(), header.header_len());
        Ok(AvroFile { name, input, identity, schema, codec, sync, start, size })
    }

    /// What decodes its records, or these columns of them.
    pub fn decoder(&self, columns: Option<Vec<usize>>) -> Result<Decoder, ConnectError> {
        let failed = |error: arrow_schema::ArrowError| {
            let (name, reason) = (&self.name, words(&error));
            ConnectError::new(format!("cannot read the schema of {name}: {reason}"))
        };
        guarded(&self.name, || {
            let (id, mut schemas) =
                (Fingerprint::Id(0), SchemaStore::new_with_type(FingerprintAlgorithm::Id));
            schemas.set(id, self.schema.clone()).map_err(failed)?;
            let builder = ReaderBuilder::new()
                .with_batch_size(BATCH_ROWS)
                .with_decoder_mode(DecoderMode::UnframedDatum)
                .with_writer_schema_store(schemas)
                .with_active_fingerprint(id);
            let builder = match columns {
                Some(columns) => builder.with_projection(columns),
                None => builder,
            };
            builder.build_decoder().map_err(failed)
        })
    }

    /// The block that begins here.
    pub fn block(&self, at: u64) -> Result<Block, ConnectError> {
        let mut head = [0; 2 * NUMBER_BYTES];
        let length = (head.len() as u64).min(self.size.saturating_sub(at)) as usize;
        let read = self.input.read_exact_at(&mut head[..length], at);
        read.map_err(|error| ConnectError::io("read", &self.name, &error))?;
        let mut rest = &head[..length];
        let block = number(&mut rest).zip(number(&mut rest)).and_then(|(records, bytes)| {
            let bytes_at = at + (length - rest.len()) as u64;
            let (records, bytes) = (u64::try_from(records).ok()?, u64::try_from(bytes).ok()?);
            let bytes_end = bytes_at.checked_add(bytes)?;
            let is_within = bytes_end.checked_add(SYNC_BYTES)? <= self.size;
            is_within.then_some(Block { at, records, bytes_at, bytes_end })
        });
        block.ok_or_else(|| self.damaged(at, "it does not end within the file"))
    }

    /// Reads what lies between two places.
    pub fn read(&self, start: u64, end: u64, meter: &Meter) -> Result<Vec<u8>, ConnectError> {
        let mut bytes = vec![0; (end - start) as usize];
        let read = || self.input.read_exact_at(&mut bytes, start);
        meter
            .timed((end - start) as usize, read)
            .map_err(|error| ConnectError::io("read", &self.name, &error))?;
        Ok(bytes)
    }

    /// The records of a block, of which these are the bytes from `start` of the file on.
    pub fn unpack(&self, block: &Block, bytes: &[u8], start: u64) -> Result<Vec<u8>, ConnectError> {
        let (from, to) = ((block.bytes_at - start) as usize, (block.bytes_end - start) as usize);
        if bytes[to..][..SYNC_BYTES as usize] != self.sync {
            return Err(self.damaged(block.at, "the mark behind it is not that of the file"));
        }
        let unpacked = self.codec.unpack(&bytes[from..to]);
        unpacked.map_err(|error| self.damaged(block.at, &words(&error)))
    }

    /// That the block which begins there cannot be read, and why.
    pub fn damaged(&self, at: u64, why: &str) -> ConnectError {
        let name = &self.name;
        ConnectError::new(format!("cannot read the block at byte {at} of {name}: {why}"))
            .help("is it a whole Avro file?")
    }

    /// Fails if it is not any more what it was when it was opened.
    pub fn check_unchanged(&self) -> Result<(), ConnectError> {
        Inputs::check_unchanged(&self.name, &self.input, &self.identity)
    }
}

fn codec_of(name: &str, header: &arrow_avro::reader::HeaderInfo) -> Result<Codec, ConnectError> {
    use arrow_avro::compression::CompressionCodec as Known;
    let unread = |packed: &str| {
        let message = format!("{name} is packed with {packed}, which is not read here");
        let help = "pack its blocks with deflate, snappy or zstandard, or not at all";
        Err(ConnectError::new(message).help(help))
    };
    match header.compression() {
        Ok(None) => Ok(Codec::Null),
        Ok(Some(Known::Deflate)) => Ok(Codec::Deflate),
        Ok(Some(Known::Snappy)) => Ok(Codec::Snappy),
        Ok(Some(Known::ZStandard)) => Ok(Codec::Zstd),
        Ok(Some(Known::Bzip2)) => unread("bzip2"),
        Ok(Some(Known::Xz)) => unread("xz"),
        Err(_) => unread("a codec that is unknown here"),
    }
}

/// Takes a number off the bytes: seven bits a byte, the lowest first, the sign in the lowest of all.
fn number(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7F);
        value |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// What a library says, in lower case and without its names for kinds of errors.
pub fn words(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let kinds = [
        "Parser error: ",
        "Avro error: ",
        "Schema error: ",
        "Invalid argument error: ",
        "Arrow: ",
        "External: ",
        "EOF: ",
    ];
    let mut rest = &*text;
    while let Some(shorter) = kinds.iter().find_map(|kind| rest.strip_prefix(kind)) {
        rest = shorter;
    }
    let mut letters = rest.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
