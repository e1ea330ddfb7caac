//! Avro files as a sink. The bytes depend on the rows alone: a block ends with the record that fills it,
//! whatever the batches were, and the mark behind blocks is a digest of the header.
//!
//! Blocks are packed by whatever thread has time, and written in their order.

use super::codec::Codec;
use super::rows::{Node, write_long};
use super::schema::schema;
use crate::connect::append::Head;
use crate::connect::output::Outputs;
use crate::connect::{Behind, Column, ConnectError, Encode, Piece, Sink, SinkSpec, Staged};
use crate::data::Batch;
use md5::{Digest, Md5};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A block ends with the record with which it has so many bytes, before it is packed.
const BLOCK_BYTES: usize = 1 << 16;

/// Behind an encoded record, how many bytes it has, as so many bytes.
const LENGTH_BYTES: usize = 4;

/// What brings rows into the form of a file.
pub fn encoder(spec: &SinkSpec) -> Box<dyn Encode> {
    Box::new(AvroEncoder { columns: spec.columns.clone() })
}

/// Opens a sink.
pub fn open(spec: &SinkSpec) -> Result<Box<dyn Sink>, ConnectError> {
    let codec = Codec::of_option(spec.arguments.text("compression"));
    let (head, sync) = header(&spec.columns, codec);
    let mut first = Part::default();
    // The records of the block that was begun are not in the file, and are counted once they are.
    let spec = &match &spec.behind {
        Some(behind) => {
            first.go_on(&behind.pending);
            let (pending, rows) = (vec![], behind.rows - first.records);
            let behind = Some(Behind { pending, rows, ..behind.clone() });
            SinkSpec { behind, ..spec.clone() }
        }
        None => spec.clone(),
    };
    let other = "it does not begin as a file of these columns does that is packed in this way";
    let outputs = Outputs::open_behind(spec, "avro", Head::Binary(&head, other))?;
    let others = (1..spec.parts.unwrap_or(1)).map(|_| Part::default());
    let parts = std::iter::once(first).chain(others).map(Mutex::new).collect();
    let encoder = AvroEncoder { columns: spec.columns.clone() };
    let (ready, encoding_nanos) = (Mutex::default(), AtomicU64::new(0));
    Ok(Box::new(AvroSink { encoder, codec, sync, outputs, parts, ready, encoding_nanos }))
}

/// What a file begins with, and the mark behind its blocks.
fn header(columns: &[Column], codec: Codec) -> (Vec<u8>, [u8; 16]) {
    let mut head = b"Obj\x01".to_vec();
    let facts = [("avro.schema", schema(columns)), ("avro.codec", codec.name().to_owned())];
    write_long(facts.len() as i64, &mut head);
    for (name, value) in &facts {
        for text in [*name, value] {
            write_long(text.len() as i64, &mut head);
            head.extend_from_slice(text.as_bytes());
        }
    }
    write_long(0, &mut head);
    let sync: [u8; 16] = Md5::digest(&head).0;
    head.extend_from_slice(&sync);
    (head, sync)
}

struct AvroSink {
    encoder: AvroEncoder,
    codec: Codec,
    sync: [u8; 16],
    outputs: Outputs,
    parts: Vec<Mutex<Part>>,
    /// Blocks that are full and not yet packed.
    ready: Mutex<VecDeque<Full>>,
    /// Time of making bytes of values.
    encoding_nanos: AtomicU64,
}

/// A file of the output.
#[derive(Default)]
struct Part {
    /// The records of the block that is not yet full.
    open: Vec<u8>,
    /// How many these are.
    records: u64,
    /// How many blocks were full.
    blocks: u64,
    /// How many of them are written.
    written: u64,
    /// Those that were packed before their turn, and how many records each has.
    packed: BTreeMap<u64, (Vec<u8>, u64)>,
}

/// A block that is full.
struct Full {
    part: usize,
    number: u64,
    bytes: Vec<u8>,
    records: u64,
}

impl Part {
    /// Takes encoded records; gives the blocks that are full with them.
    fn push(&mut self, mut encoded: &[u8]) -> Vec<(u64, Vec<u8>, u64)> {
        let mut full = vec![];
        while let Some((length, rest)) = encoded.split_first_chunk::<LENGTH_BYTES>() {
            let (record, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
            encoded = rest;
            self.open.extend_from_slice(record);
            self.records += 1;
            // Records of nulls alone have no bytes.
            if self.open.len().max(self.records as usize) >= BLOCK_BYTES {
                full.push(self.cut());
            }
        }
        full
    }

    /// The block that was begun, as a later run goes on with it.
    fn pending(&self) -> Vec<u8> {
        [&self.records.to_le_bytes(), &*self.open].concat()
    }

    /// Goes on with such a block.
    fn go_on(&mut self, pending: &[u8]) {
        if let Some((records, open)) = pending.split_first_chunk() {
            (self.records, self.open) = (u64::from_le_bytes(*records), open.to_vec());
        }
    }

    /// Ends the block that was begun.
    fn cut(&mut self) -> (u64, Vec<u8>, u64) {
        let block = (self.blocks, std::mem::take(&mut self.open), self.records);
        (self.records, self.blocks) = (0, self.blocks + 1);
        block
    }
}

struct AvroEncoder {
    columns: Vec<Column>,
}

impl Encode for AvroEncoder {
    /// Records, each behind its length.
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        let columns = batch.columns.iter().zip(&self.columns);
        let columns: Vec<Node<'_>> =
            columns.map(|(array, column)| Node::of_column(array, column)).collect();
        let mut bytes = Vec::with_capacity(batch.rows * (LENGTH_BYTES + 8 * columns.len()));
        for row in 0..batch.rows {
            let start = bytes.len();
            bytes.extend_from_slice(&[0; LENGTH_BYTES]);
            columns.iter().for_each(|column| column.write(row, &mut bytes));
            let length = u32::try_from(bytes.len() - start - LENGTH_BYTES);
            let length = length.map_err(|_| {
                ConnectError::new("a row is longer than 4 GiB, which no record can be")
            })?;
            bytes[start..][..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        }
        Ok(Piece::Bytes { bytes, rows: batch.rows as u64 })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink for AvroSink {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        self.encoder.encode(batch)
    }

    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError> {
        let Piece::Bytes { bytes, .. } = piece else {
            return Err(ConnectError::new("rows cannot be appended to an Avro file"));
        };
        let part = part as usize;
        let full = lock(&self.parts[part]).push(&bytes);
        let full =
            full.into_iter().map(|(number, bytes, records)| Full { part, number, bytes, records });
        lock(&self.ready).extend(full);
        Ok(())
    }

    fn work(&self) -> Result<(), ConnectError> {
        loop {
            let next = lock(&self.ready).pop_front();
            let Some(full) = next else { return Ok(()) };
            let started = Instant::now();
            let (part, number, records) = (full.part, full.number, full.records);
            let block = self.block(full)?;
            self.encoding_nanos.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
            let mut state = lock(&self.parts[part]);
            state.packed.insert(number, (block, records));
            loop {
                let next = state.written;
                let Some((block, records)) = state.packed.remove(&next) else { break };
                self.outputs.append(part as u32, &block, records)?;
                state.written += 1;
            }
        }
    }

    fn late_encoding(&self) -> Duration {
        Duration::from_nanos(self.encoding_nanos.load(Relaxed))
    }

    fn can_pause(&self) -> bool {
        self.outputs.can_pause()
    }

    fn pause(&self) -> Result<Option<Behind>, ConnectError> {
        self.work()?;
        let part = lock(&self.parts[0]);
        if part.written < part.blocks {
            return Ok(None);
        }
        let behind = self.outputs.pause()?;
        Ok(behind.map(|behind| {
            let rows = behind.rows + part.records;
            Behind { pending: part.pending(), rows, ..behind }
        }))
    }

    fn keep(&self) {
        self.outputs.keep();
    }

    fn finish(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.end();
        let threads = (0..rayon::current_num_threads()).into_par_iter();
        threads.try_for_each(|_| self.work())?;
        self.outputs.finish()
    }

    fn finish_alone(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.end();
        self.work()?;
        self.outputs.finish()
    }
}

impl AvroSink {
    /// The bytes of a block.
    fn block(&self, full: Full) -> Result<Vec<u8>, ConnectError> {
        let packed = self.codec.pack(full.bytes);
        let packed =
            packed.map_err(|error| ConnectError::new(format!("cannot pack a block: {error}")))?;
        let mut block = Vec::with_capacity(packed.len() + 36);
        write_long(full.records as i64, &mut block);
        write_long(packed.len() as i64, &mut block);
        block.extend_from_slice(&packed);
        block.extend_from_slice(&self.sync);
        Ok(block)
    }

    /// No more rows come.
    fn end(&self) {
        for (part, state) in self.parts.iter().enumerate() {
            let mut state = lock(state);
            if state.records > 0 {
                let (number, bytes, records) = state.cut();
                lock(&self.ready).push_back(Full { part, number, bytes, records });
            }
        }
    }
}
