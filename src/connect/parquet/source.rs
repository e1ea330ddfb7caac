//! Parquet files as a source: a row group is a morsel, of which only the wanted columns are read.

use super::finer::{Finer, whole_micros};
use super::skip::{self, Sound};
use crate::connect::convert::{How, convert, fits, hint, spelling};
use crate::connect::guard::guarded;
use crate::connect::input::{Identity, Inputs, missing_column, refuse_more};
use crate::connect::meter::Meter;
use crate::connect::options::TRUNCATED;
use crate::connect::{
    BadValue, Beginning, Column, ConnectError, Extent, Morsel, RowLines, Rows, Source, SourceSpec,
    Volume, Within,
};
use crate::data::{Batch, Positions, array_of};
use crate::files::Input;
use crate::types::{DataType, Scalar};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, ConvertedType, Type as PhysicalType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a batch: few enough for a cache, many enough to forget the cost of a batch.
const BATCH_ROWS: usize = 1 << 14;

/// Opens a source.
pub fn open(spec: &SourceSpec) -> Result<Box<dyn Source>, ConnectError> {
    let inputs = Inputs::find(spec)?;
    let mut files = Vec::with_capacity(inputs.names.len());
    let mut groups = Vec::new();
    let meter = Arc::new(Meter::default());
    for (at, name) in inputs.names.iter().enumerate() {
        let (file, identity) = inputs.open_plain(at)?;
        let file =
            guarded(name, || OpenFile::new(name, Positioned::new(file, &meter), identity, spec))?;
        let first = inputs.start(at) as usize;
        groups.extend((first..file.metadata.metadata().num_row_groups()).map(|group| (at, group)));
        files.push(Arc::new(file));
    }
    let columns = spec.projection.iter().map(|&at| spec.columns[at].clone()).collect();
    // Of columns by their places in the projection.
    let place = |within: &Within| {
        let column = spec.projection.iter().position(|&at| at == within.column)?;
        Some(Within { column, ..within.clone() })
    };
    let wanted = spec.wanted.iter().map(|all| all.iter().filter_map(place).collect()).collect();
    let next = AtomicUsize::new(0);
    Ok(Box::new(ParquetSource { inputs, files, groups, columns, wanted, next, meter }))
}

struct ParquetSource {
    inputs: Inputs,
    files: Vec<Arc<OpenFile>>,
    /// File and row group, in order.
    groups: Vec<(usize, usize)>,
    columns: Arc<[Column]>,
    wanted: Arc<[Vec<Within>]>,
    next: AtomicUsize,
    meter: Arc<Meter>,
}

/// A file whose footer was read and whose columns were bound.
struct OpenFile {
    name: Arc<str>,
    file: Positioned,
    identity: Identity,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// For each projected column its place among the columns of the file.
    roots: Vec<usize>,
    /// For each projected column its place among the columns of the mask.
    places: Vec<usize>,
    /// How the values of the projected columns are taken.
    hows: Vec<How>,
    /// Of the times that may be finer than a microsecond, the nanoseconds.
    finer: Option<Finer>,
    /// For each projected column its place among them.
    finer_places: Vec<Option<usize>>,
}

impl Source for ParquetSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(&(file, group)) = self.groups.get(at) else { return Ok(None) };
        let open = self.files[file].clone();
        let columns = self.columns.clone();
        let wanted = self.wanted.clone();
        Ok(Some(Box::new(ParquetMorsel { open, file, group, columns, wanted })))
    }

    fn files(&self) -> &[Arc<str>] {
        &self.inputs.names
    }

    fn after(&self) -> Beginning {
        self.inputs.after
    }

    fn position(&self) -> Option<(usize, u64)> {
        let next = self.groups.get(self.next.load(Ordering::Relaxed));
        next.map(|&(file, group)| (file, group as u64))
    }

    fn volume(&self) -> Volume {
        self.meter.volume()
    }
}

/// A compression of some column that no decoder is built in for.
fn unread_compression(loaded: &ArrowReaderMetadata) -> Option<&'static str> {
    let groups = loaded.metadata().row_groups().iter();
    groups.flat_map(|group| group.columns()).find_map(|column| match column.compression() {
        Compression::BROTLI(_) => Some("brotli"),
        Compression::LZO => Some("LZO"),
        _ => None,
    })
}

/// The metadata with the types as which the declared columns, at these places, are best read.
fn as_declared(
    loaded: ArrowReaderMetadata,
    spec: &SourceSpec,
    places: &[usize],
) -> ArrowReaderMetadata {
    let found = loaded.schema().fields();
    let hints = found.iter().enumerate().map(|(at, field)| {
        let wanted = places.iter().position(|&place| place == at);
        let wanted = wanted.map(|column| &spec.columns[column].ty.data);
        let ty = match (int96(&loaded, at), wanted) {
            (true, Some(DataType::Timestamp)) => {
                ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            (true, _) => ArrowType::Timestamp(TimeUnit::Microsecond, None),
            (false, wanted) => hint(field.data_type(), wanted),
        };
        ArrowField::clone(field).with_data_type(ty)
    });
    let hinted = Arc::new(Schema::new(hints.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(hinted);
    let parsed = loaded.metadata().clone();
    ArrowReaderMetadata::try_new(parsed, options).unwrap_or(loaded)
}

impl OpenFile {
    fn new(
        name: &Arc<str>,
        file: Positioned,
        identity: Identity,
        spec: &SourceSpec,
    ) -> Result<OpenFile, ConnectError> {
        let broken = |error: ParquetError| {
            let damaged = || {
                ConnectError::new(format!("cannot read {name}: {error}"))
                    .help("is it a whole Parquet file?")
            };
            file.failed(name).unwrap_or_else(damaged)
        };
        let loaded = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(broken)?;
        if let Some(packed) = unread_compression(&loaded) {
            let message = format!("{name} is packed with {packed}, which is not read here");
            let help = "pack its columns with snappy, gzip, zstd or lz4, or not at all";
            return Err(ConnectError::new(message).help(help));
        }
        let found = loaded.schema().fields();
        let names: Vec<String> = found.iter().map(|field| field.name().clone()).collect();
        if spec.is_whole {
            refuse_more(name, &spec.columns, &names)?;
        }
        let mut places = Vec::with_capacity(spec.columns.len());
        for column in &spec.columns {
            let Some(place) = names.iter().position(|name| **name == *column.external) else {
                return Err(missing_column(name, &column.external, &names));
            };
            places.push(place);
        }
        let metadata = as_declared(loaded, spec, &places);
        for (column, &place) in spec.columns.iter().zip(&places) {
            let from = metadata.schema().field(place).data_type();
            if !fits(from, &column.ty.data) {
                return Err(ConnectError::new(format!(
                    "column `{}` of {name} is {}, and {} is declared",
                    column.external,
                    spelling(from),
                    column.ty.data
                )));
            }
        }
        let wanted: Vec<usize> = spec.projection.iter().map(|&at| places[at]).collect();
        let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted.iter().copied());
        let truncates = spec.arguments.bool(TRUNCATED.name).unwrap_or(false);
        let how = |&root: &usize| How { is_utf8: is_utf8(&metadata, root), truncates };
        let hows = wanted.iter().map(how).collect();
        let is_finer = |root: &usize| !truncates && int96(&metadata, *root);
        let times = wanted.iter().copied().filter(is_finer).collect();
        let finer = Finer::new(&metadata, times);
        let finer_place = |root: &usize| finer.as_ref().and_then(|finer| finer.place(*root));
        let finer_places = wanted.iter().map(finer_place).collect();
        let mut sorted = wanted.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let places = wanted.iter().map(|place| sorted.partition_point(|s| s < place)).collect();
        Ok(OpenFile {
            name: name.clone(),
            file,
            identity,
            metadata,
            mask,
            roots: wanted,
            places,
            hows,
            finer,
            finer_places,
        })
    }
}

impl OpenFile {
    /// Counts the bytes of the wanted columns of a row group.
    fn count_unpacked(&self, group: usize) {
        let columns = self.metadata.metadata().row_group(group).columns().iter().enumerate();
        let wanted = columns.filter(|(leaf, _)| self.mask.leaf_included(*leaf));
        let bytes = wanted.map(|(_, column)| column.uncompressed_size().max(0) as u64).sum();
        self.file.meter.unpacked.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Does the file say of all the column's texts that they are UTF-8? The reader checks those, and
/// only those; not JSON, and not bytes that a schema beside the file's own calls a text.
fn is_utf8(metadata: &ArrowReaderMetadata, root: usize) -> bool {
    let schema = metadata.parquet_schema();
    let leaves = schema.columns().iter().enumerate();
    leaves.filter(|(leaf, _)| schema.get_column_root_idx(*leaf) == root).all(|(_, leaf)| {
        leaf.physical_type() != PhysicalType::BYTE_ARRAY
            || leaf.converted_type() == ConvertedType::UTF8
    })
}

/// Is a column an INT96 time, which writers meant as an instant?
fn int96(metadata: &ArrowReaderMetadata, root: usize) -> bool {
    let fields = metadata.parquet_schema().root_schema().get_fields();
    fields[root].is_primitive() && fields[root].get_physical_type() == PhysicalType::INT96
}

struct ParquetMorsel {
    open: Arc<OpenFile>,
    file: usize,
    group: usize,
    columns: Arc<[Column]>,
    wanted: Arc<[Vec<Within>]>,
}

impl Morsel for ParquetMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let open = &self.open;
        let records = open.metadata.metadata().row_group(self.group).num_rows().max(0) as u64;
        let file = open.file.anew();
        let failed = |error: &dyn std::fmt::Display| {
            let (name, group) = (&open.name, self.group);
            let damaged =
                || ConnectError::new(format!("cannot read row group {group} of {name}: {error}"));
            file.failed(name).unwrap_or_else(damaged)
        };
        let reader = |metadata: &ArrowReaderMetadata, mask: &ProjectionMask| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata.clone())
                .with_projection(mask.clone())
                .with_row_groups(vec![self.group])
                .with_batch_size(BATCH_ROWS)
                .build()
                .map_err(|error| failed(&error))
        };
        if let Some(values) = self.unwanted() {
            open.file.meter.skipped.fetch_add(records, Ordering::Relaxed);
            self.stand_in(&values, records as usize, emit);
            return Ok(Extent { file: self.file, records, lines: records });
        }
        open.count_unpacked(self.group);
        let mut batches = guarded(&open.name, || reader(&open.metadata, &open.mask))?;
        let nanos = |finer: &Finer| guarded(&open.name, || reader(&finer.metadata, &finer.mask));
        let mut nanos = open.finer.as_ref().map(nanos).transpose()?;
        let mut start = 0u64;
        // A file that is written over may look damaged; say so rather than that.
        let unchanged = || Inputs::check_unchanged(&open.name, &open.file.file, &open.identity);
        loop {
            let read = guarded(&open.name, || {
                let batch = batches.next().transpose().map_err(|error| failed(&error))?;
                let nanos = nanos.as_mut().and_then(Iterator::next).transpose();
                let nanos = nanos.map_err(|error| failed(&error))?;
                Ok(batch.map(|batch| self.rows(&batch, nanos.as_ref(), start)))
            });
            let rows = match read {
                Ok(Some(rows)) => rows,
                Ok(None) => break,
                Err(error) => return Err(unchanged().err().unwrap_or(error)),
            };
            start += rows.batch.rows as u64;
            if !emit(rows) {
                break;
            }
        }
        unchanged()?;
        Ok(Extent { file: self.file, records, lines: records })
    }
}

impl ParquetMorsel {
    /// Values of the columns that are as little wanted as those of all rows, if no row is wanted.
    fn unwanted(&self) -> Option<Vec<Scalar>> {
        if self.wanted.is_empty() {
            return None;
        }
        let open = &self.open;
        let (schema, group) =
            (open.metadata.schema(), open.metadata.metadata().row_group(self.group));
        let leaves = open.metadata.parquet_schema();
        let sound = |(at, column): (usize, &Column)| {
            let root = open.roots[at];
            let leaf =
                (0..leaves.num_columns()).find(|leaf| leaves.get_column_root_idx(*leaf) == root)?;
            let from = schema.field(root).data_type();
            skip::sound(group.column(leaf), from, &column.ty, open.hows[at])
        };
        let columns: Vec<Sound> =
            self.columns.iter().enumerate().map(sound).collect::<Option<_>>()?;
        let is_outside = |within: &Within| skip::is_outside(&columns[within.column], within);
        let is_unwanted = self.wanted.iter().all(|all| all.iter().any(is_outside));
        is_unwanted.then(|| columns.into_iter().map(|column| column.least).collect())
    }

    /// Gives rows that all have these values.
    fn stand_in(&self, values: &[Scalar], rows: usize, emit: &mut dyn FnMut(Rows) -> bool) {
        let arrays = self.columns.iter().zip(values).map(|(column, value)| {
            array_of(&column.ty.data, &vec![value.clone(); rows.min(BATCH_ROWS)])
        });
        let arrays: Vec<ArrayRef> = arrays.collect();
        for start in (0..rows).step_by(BATCH_ROWS) {
            let rows = BATCH_ROWS.min(rows - start);
            let columns = arrays.iter().map(|array| array.slice(0, rows)).collect();
            let batch = Batch { columns, rows, positions: Positions::Range(start as u64) };
            if !emit(Rows { batch, bad: vec![], file: self.file, lines: RowLines::None }) {
                break;
            }
        }
    }

    /// The rows of a batch; `nanos` are those of its times that may be finer than a microsecond.
    fn rows(&self, batch: &RecordBatch, nanos: Option<&RecordBatch>, start: u64) -> Rows {
        let mut bad = Vec::new();
        let columns = self.columns.iter().zip(&self.open.places).enumerate();
        let arrays = columns
            .map(|(at, (column, &place))| {
                let mut issues = Vec::new();
                let mut array =
                    convert(batch.column(place), &column.ty, self.open.hows[at], &mut issues);
                if let (Some(nanos), Some(place)) = (nanos, self.open.finer_places[at]) {
                    let nanos = nanos.column(place);
                    array = whole_micros(array, nanos, &column.ty.data, &mut issues);
                }
                bad.extend(issues.into_iter().map(|issue| issue.in_column(at)));
                array
            })
            .collect();
        bad.sort_by_key(|bad: &BadValue| bad.row);
        let positions = Positions::Range(start);
        let batch = Batch { columns: arrays, rows: batch.num_rows(), positions };
        Rows { batch, bad, file: self.file, lines: RowLines::None }
    }
}

/// A file that many threads read at their own places.
#[derive(Clone)]
struct Positioned {
    file: Arc<Input>,
    meter: Arc<Meter>,
    /// What the system said when it could not be read: of what others make of it only words are left.
    error: Arc<Mutex<Option<io::Error>>>,
}

impl Positioned {
    fn new(file: Input, meter: &Arc<Meter>) -> Positioned {
        Positioned { file: Arc::new(file), meter: meter.clone(), error: Arc::default() }
    }

    /// The same file for another reader.
    fn anew(&self) -> Positioned {
        Positioned { error: Arc::default(), ..self.clone() }
    }

    /// That it could not be read, if it is so.
    fn failed(&self, name: &str) -> Option<ConnectError> {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.as_ref().map(|error| ConnectError::io("read", name, error))
    }

    fn noted<T>(&self, read: io::Result<T>) -> io::Result<T> {
        read.inspect_err(|error| {
            // Who is interrupted reads on.
            let number = error.raw_os_error().filter(|number| *number != libc::EINTR);
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) =
                number.map(io::Error::from_raw_os_error);
        })
    }
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |found| found.len())
    }
}

impl ChunkReader for Positioned {
    type T = io::BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(io::BufReader::new(From { file: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<bytes::Bytes> {
        // The length comes from the file, so it is checked before memory is taken.
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF("a column lies beyond the end of the file".into()));
        }
        let mut bytes = vec![0; length];
        let read = || self.file.read_exact_at(&mut bytes, start);
        self.noted(self.meter.timed(length, read))?;
        Ok(bytes.into())
    }
}

/// Reads on from a place of its own.
struct From {
    file: Positioned,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.noted(self.file.file.read_at(buffer, self.at))?;
        self.at += read as u64;
        Ok(read)
    }
}
