//! Avro files as a source: blocks that follow each other are a morsel, of which only the wanted columns
//! are made.

use super::file::{AvroFile, Block, words};
use super::plain::{plain, plain_type};
use crate::connect::convert::{How, convert, fits, spelling};
use crate::connect::guard::guarded;
use crate::connect::input::{Inputs, missing_column, refuse_more};
use crate::connect::meter::Meter;
use crate::connect::options::TRUNCATED;
use crate::connect::{
    BadValue, Beginning, Column, ConnectError, Extent, Morsel, RowLines, Rows, Source, SourceSpec,
    Volume,
};
use crate::data::{Batch, Positions};
use arrow_array::RecordBatch;
use arrow_avro::reader::Decoder;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

/// A block of so few bytes may hold so many records that take none: nothing but nulls.
const EMPTY_RECORDS_MAX: u64 = 1 << 20;

/// Opens a source.
pub fn open(spec: &SourceSpec) -> Result<Box<dyn Source>, ConnectError> {
    let inputs = Inputs::find(spec)?;
    let bind = |at| Bound::new(AvroFile::open(&inputs, at)?, spec).map(Arc::new);
    let files = (0..inputs.names.len()).map(bind).collect::<Result<Vec<_>, _>>()?;
    let columns = spec.projection.iter().map(|&at| spec.columns[at].clone()).collect();
    let at = inputs.start(0).max(files.first().map_or(0, |first| first.file.start));
    let next = Mutex::new(Place { file: 0, at });
    let chunk = spec.chunk as u64;
    Ok(Box::new(AvroSource { inputs, files, columns, next, chunk, meter: Arc::default() }))
}

struct AvroSource {
    inputs: Inputs,
    files: Vec<Arc<Bound>>,
    columns: Arc<[Column]>,
    /// Where the next morsel begins.
    next: Mutex<Place>,
    /// About how many bytes a morsel has.
    chunk: u64,
    meter: Arc<Meter>,
}

#[derive(Clone, Copy)]
struct Place {
    file: usize,
    at: u64,
}

/// A file whose columns were bound.
struct Bound {
    file: AvroFile,
    /// The columns that are decoded, by their places in the file; None: all.
    decoded: Option<Vec<usize>>,
    /// For each projected column its place among those.
    places: Vec<usize>,
    /// How values are taken.
    how: How,
}

impl Bound {
    fn new(file: AvroFile, spec: &SourceSpec) -> Result<Bound, ConnectError> {
        let schema = file.decoder(None)?.schema();
        let found = schema.fields();
        let names: Vec<String> = found.iter().map(|field| field.name().clone()).collect();
        if spec.is_whole {
            refuse_more(&file.name, &spec.columns, &names)?;
        }
        let mut roots = Vec::with_capacity(spec.columns.len());
        for column in &spec.columns {
            let Some(root) = names.iter().position(|name| **name == *column.external) else {
                return Err(missing_column(&file.name, &column.external, &names));
            };
            let from = plain_type(found[root].data_type());
            if !fits(&from, &column.ty.data) {
                let (name, from) = (&file.name, spelling(&from));
                return Err(ConnectError::new(format!(
                    "column `{}` of {name} is {from}, and {} is declared",
                    column.external, column.ty.data
                )));
            }
            roots.push(root);
        }
        let wanted: Vec<usize> = spec.projection.iter().map(|&at| roots[at]).collect();
        let mut decoded = wanted.clone();
        decoded.sort_unstable();
        decoded.dedup();
        // A type that is defined in a column which is left out may be named in one which is not:
        // then all are decoded.
        let of_some = file.decoder(Some(decoded.clone())).map(|decoder| decoder.schema());
        let is_same = of_some.is_ok_and(|some| {
            let types = some.fields().iter().map(|field| field.data_type());
            types.eq(decoded.iter().map(|&at| found[at].data_type()))
        });
        let place = |root: &usize| decoded.partition_point(|at| at < root);
        let places = if is_same { wanted.iter().map(place).collect() } else { wanted };
        let truncates = spec.arguments.bool(TRUNCATED.name).unwrap_or(false);
        let how = How { is_utf8: true, truncates };
        Ok(Bound { file, decoded: is_same.then_some(decoded), places, how })
    }
}

impl Source for AvroSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(bound) = self.files.get(next.file) {
            let mut blocks = vec![];
            let start = next.at;
            while next.at < bound.file.size && (blocks.is_empty() || next.at - start < self.chunk) {
                // What is wrong with a file that is written over is that.
                let block = bound.file.block(next.at);
                let block =
                    block.map_err(|error| bound.file.check_unchanged().err().unwrap_or(error))?;
                next.at = block.end();
                blocks.push(block);
            }
            if blocks.is_empty() {
                next.file += 1;
                next.at = self.files.get(next.file).map_or(0, |bound| bound.file.start);
                continue;
            }
            let (bound, columns, meter) = (bound.clone(), self.columns.clone(), self.meter.clone());
            let (file, end) = (next.file, next.at);
            let morsel = AvroMorsel { bound, file, start, end, blocks, columns, meter };
            return Ok(Some(Box::new(morsel)));
        }
        Ok(None)
    }

    fn files(&self) -> &[Arc<str>] {
        &self.inputs.names
    }

    fn after(&self) -> Beginning {
        self.inputs.after
    }

    fn position(&self) -> Option<(usize, u64)> {
        let Place { file, at } = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let bound = self.files.get(file)?;
        Some((file, if at == bound.file.start { 0 } else { at }))
    }

    fn volume(&self) -> Volume {
        self.meter.volume()
    }
}

struct AvroMorsel {
    bound: Arc<Bound>,
    file: usize,
    start: u64,
    end: u64,
    blocks: Vec<Block>,
    columns: Arc<[Column]>,
    meter: Arc<Meter>,
}

impl Morsel for AvroMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let file = &self.bound.file;
        let records = self.blocks.iter().map(|block| block.records).sum();
        // A file that is written over may look damaged; say so rather than that.
        self.rows(emit).map_err(|error| file.check_unchanged().err().unwrap_or(error))?;
        file.check_unchanged()?;
        Ok(Extent { file: self.file, records, lines: records })
    }
}

impl AvroMorsel {
    fn rows(&self, emit: &mut dyn FnMut(Rows) -> bool) -> Result<(), ConnectError> {
        let file = &self.bound.file;
        let bytes = file.read(self.start, self.end, &self.meter)?;
        let mut decoder = file.decoder(self.bound.decoded.clone())?;
        let mut given = 0;
        for block in &self.blocks {
            let records = file.unpack(block, &bytes, self.start)?;
            self.meter.unpacked.fetch_add(records.len() as u64, Relaxed);
            if block.records > (records.len() as u64).max(EMPTY_RECORDS_MAX) {
                return Err(file.damaged(block.at, "it has fewer bytes than records"));
            }
            let (mut rest, mut left) = (&*records, block.records);
            while left > 0 {
                let taken = self.decode(&mut decoder, block, &mut rest, left)?;
                left -= taken;
                if decoder.batch_is_full() && !self.give(&mut decoder, &mut given, emit)? {
                    return Ok(());
                }
            }
            if !rest.is_empty() {
                return Err(file.damaged(block.at, "there is more in it than its records"));
            }
        }
        self.give(&mut decoder, &mut given, emit).map(drop)
    }

    /// Decodes as many records of a block as there is room for, of those that are left; how many.
    fn decode(
        &self,
        decoder: &mut Decoder,
        block: &Block,
        rest: &mut &[u8],
        left: u64,
    ) -> Result<u64, ConnectError> {
        let file = &self.bound.file;
        guarded(&file.name, || {
            let taken = left.min(decoder.capacity() as u64);
            for at in 0..taken {
                let read = decoder.decode(rest).map_err(|error| {
                    let (record, why) = (block.records - left + at + 1, words(&error));
                    file.damaged(block.at, &format!("its record {record} is damaged, {why}"))
                })?;
                *rest = &rest[read..];
            }
            Ok(taken)
        })
    }

    /// Hands on what was decoded; false when no more is wanted.
    fn give(
        &self,
        decoder: &mut Decoder,
        given: &mut u64,
        emit: &mut dyn FnMut(Rows) -> bool,
    ) -> Result<bool, ConnectError> {
        let file = &self.bound.file;
        let rows = guarded(&file.name, || {
            let batch = decoder.flush().map_err(|error| {
                file.damaged(self.start, &format!("a value is damaged, {}", words(&error)))
            })?;
            Ok(batch.map(|batch| self.converted(&batch, *given)))
        })?;
        let Some(rows) = rows else { return Ok(true) };
        *given += rows.batch.rows as u64;
        Ok(emit(rows))
    }

    fn converted(&self, batch: &RecordBatch, start: u64) -> Rows {
        let how = self.bound.how;
        let mut bad = Vec::new();
        let columns = self.columns.iter().zip(&self.bound.places).enumerate();
        let columns = columns.map(|(at, (column, &place))| {
            let mut issues = Vec::new();
            let array = convert(&plain(batch.column(place)), &column.ty, how, &mut issues);
            bad.extend(issues.into_iter().map(|issue| issue.in_column(at)));
            array
        });
        let columns = columns.collect();
        bad.sort_by_key(|bad: &BadValue| bad.row);
        let batch = Batch { columns, rows: batch.num_rows(), positions: Positions::Range(start) };
        Rows { batch, bad, file: self.file, lines: RowLines::None }
    }
}
