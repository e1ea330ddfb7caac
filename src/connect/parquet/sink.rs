//! Parquet files as a sink. The bytes depend on the rows alone: rows are handed to the encoders in
//! slabs of a fixed number and cut into row groups of a fixed number, whatever the batches were.

use super::append::copy_in_front;
use super::groups::{Cutter, Encoded, Ready, Task};
use super::pause::{Pages, end_of, pack, pages_of, unpack};
use crate::connect::convert::{file_type, to_file};
use crate::connect::error::io_text;
use crate::connect::output::{held, stage_files, target_of};
use crate::connect::stage::{self, Staging};
use crate::connect::{Behind, ConnectError, Digest, Encode, Piece, Sink, SinkSpec, Staged};
use crate::data::Batch;
use crate::files::NewFile;
use crate::types::DataType;
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema};
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What brings rows into the form of a file.
pub fn encoder(spec: &SinkSpec) -> Box<dyn Encode> {
    Box::new(ParquetEncoder::new(spec))
}

/// Opens a sink.
pub fn open(spec: &SinkSpec) -> Result<Box<dyn Sink>, ConnectError> {
    let compression = match spec.arguments.text("compression").unwrap_or("zstd") {
        "zstd" => Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()),
        "snappy" => Compression::SNAPPY,
        "lz4" => Compression::LZ4_RAW,
        "gzip" => Compression::GZIP(GzipLevel::default()),
        _ => Compression::UNCOMPRESSED,
    };
    let field = |column: &crate::connect::Column| {
        ArrowField::new(&*column.external, file_type(&column.ty.data), column.ty.nullable)
    };
    let schema = Arc::new(Schema::new(spec.columns.iter().map(field).collect::<Vec<_>>()));
    let target = target_of(spec)?;
    let unwritable = |error: ParquetError| {
        ConnectError::new(format!("cannot write {}: {error}", target.display()))
    };
    let mut properties = WriterProperties::builder()
        .set_compression(compression)
        .set_created_by("batchc".into())
        .build();
    add_encoded_arrow_schema_to_metadata(&for_others(&schema), &mut properties);
    let properties = Arc::new(properties);
    let root = ArrowSchemaConverter::new().convert(&schema).map_err(unwritable)?;
    let (staging, files) = stage_files(spec, "parquet")?;
    let can_pause = spec.parts.is_none() && staging.is_file();
    let (ready, encoding_nanos) = (Ready::default(), AtomicU64::new(0));
    let part = |(at, file): (usize, NewFile)| {
        let path = file.path().to_owned();
        let buffered = BufWriter::with_capacity(1 << 16, file);
        let root = root.root_schema_ptr();
        let writer = SerializedFileWriter::new(buffered, root.clone(), properties.clone());
        let mut writer = writer.map_err(unwritable)?;
        let mut pages = Pages::default();
        let mut cutter = Cutter::new(at, schema.clone(), root, properties.clone());
        if can_pause {
            cutter.hold();
        }
        if let Some(behind) = &spec.behind {
            let without = unpack(behind)?;
            pages = copy_in_front(&behind.staged, &mut writer)?;
            let rest: usize = behind.rest.iter().map(|batch| batch.rows).sum();
            cutter.go_on(pages.0.len(), behind.rows - rest as u64, without);
            for batch in behind.rest.clone() {
                cutter.push(batch, &ready).map_err(unwritable)?;
            }
        } else if let Some(old) = held(spec, &target, at, "parquet") {
            pages = copy_in_front(&old, &mut writer)?;
        }
        // Row groups that the target held are not counted among those that are taken.
        let (next, before) = match spec.behind {
            Some(_) => (pages.0.len(), 0),
            None => (0, pages.0.len()),
        };
        let (encoded, writer) = (BTreeMap::new(), Some(writer));
        let file = PartFile { next, before, encoded, writer, pages };
        Ok(Part { path, cutter: cutter.into(), file: file.into() })
    };
    let parts = files.into_iter().enumerate().map(part).collect::<Result<_, ConnectError>>()?;
    let encoder = ParquetEncoder::new(spec);
    Ok(Box::new(ParquetSink { staging, parts, encoder, ready, encoding_nanos, can_pause }))
}

/// The schema that is kept in the file for other readers: with texts as Arrow first had them, since
/// not all that others do with a table knows views.
fn for_others(schema: &Schema) -> Schema {
    fn known(ty: &ArrowType) -> ArrowType {
        let field = |field: &Arc<ArrowField>| {
            let ty = known(field.data_type());
            Arc::new(field.as_ref().clone().with_data_type(ty))
        };
        match ty {
            ArrowType::Utf8View => ArrowType::Utf8,
            ArrowType::BinaryView => ArrowType::Binary,
            ArrowType::Map(entries, is_sorted) => ArrowType::Map(field(entries), *is_sorted),
            ArrowType::List(item) => ArrowType::List(field(item)),
            ArrowType::Struct(fields) => ArrowType::Struct(fields.iter().map(field).collect()),
            other => other.clone(),
        }
    }
    let field = |field: &Arc<ArrowField>| {
        let ty = known(field.data_type());
        field.as_ref().clone().with_data_type(ty)
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

struct ParquetSink {
    staging: Staging,
    parts: Vec<Part>,
    encoder: ParquetEncoder,
    ready: Ready,
    /// Time of making bytes of values.
    encoding_nanos: AtomicU64,
    /// Is it a single file, of which rows are held until their row group is complete?
    can_pause: bool,
}

struct Part {
    path: PathBuf,
    cutter: Mutex<Cutter>,
    file: Mutex<PartFile>,
}

struct PartFile {
    /// The number of the row group that is to be written next.
    next: usize,
    /// Row groups that the target held.
    before: usize,
    /// Of the row groups that are in the file, what is known of their pages.
    pages: Pages,
    /// Those that have come before it.
    encoded: BTreeMap<usize, Vec<ArrowColumnChunk>>,
    /// The file, unless a thread is writing.
    writer: Option<SerializedFileWriter<BufWriter<NewFile>>>,
}

struct ParquetEncoder {
    types: Vec<DataType>,
}

impl ParquetEncoder {
    fn new(spec: &SinkSpec) -> ParquetEncoder {
        let types = spec.columns.iter().map(|column| column.ty.data.clone()).collect();
        ParquetEncoder { types }
    }
}

impl Encode for ParquetEncoder {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        let columns = batch.columns.iter().zip(&self.types);
        let columns = columns.map(|(array, ty)| to_file(array, ty)).collect();
        Ok(Piece::Rows(batch.with_columns(columns)))
    }
}

impl Sink for ParquetSink {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        self.encoder.encode(batch)
    }

    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError> {
        let Piece::Rows(batch) = piece else {
            return Err(ConnectError::new("bytes cannot be appended to a Parquet file"));
        };
        let part = &self.parts[part as usize];
        part.cutter().push(batch, &self.ready).map_err(|error| part.failed(&error))
    }

    fn work(&self) -> Result<(), ConnectError> {
        while let Some(task) = Task::take(&self.ready) {
            let part = &self.parts[task.part()];
            let failed = |error: ParquetError| part.failed(&error);
            let started = Instant::now();
            let encoded = task.run().map_err(failed)?;
            self.encoding_nanos.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
            if let Some(group) = encoded {
                part.write(group).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn late_encoding(&self) -> Duration {
        Duration::from_nanos(self.encoding_nanos.load(Relaxed))
    }

    fn can_pause(&self) -> bool {
        self.can_pause
    }

    fn pause(&self) -> Result<Option<Behind>, ConnectError> {
        self.work()?;
        self.parts[0].pause(&self.staging)
    }

    fn keep(&self) {
        self.staging.keep();
    }

    fn finish(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.end()?;
        let threads = (0..rayon::current_num_threads()).into_par_iter();
        threads.try_for_each(|_| self.work())?;
        self.close()
    }

    fn finish_alone(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.end()?;
        self.work()?;
        self.close()
    }
}

impl ParquetSink {
    /// No more rows come.
    fn end(&self) -> Result<(), ConnectError> {
        let end = |part: &Part| part.cutter().end(&self.ready).map_err(|error| part.failed(&error));
        self.parts.iter().try_for_each(end)
    }

    /// All rows are encoded.
    fn close(self) -> Result<Staged, ConnectError> {
        let (mut rows, mut bytes, mut digest) = (0, 0, None);
        for part in self.parts {
            rows += part.cutter().rows;
            let (length, of_file) = part.close()?;
            bytes += length;
            digest = of_file;
        }
        self.staging.finish(rows, bytes, digest)
    }
}

impl Part {
    fn failed(&self, error: &(dyn std::error::Error + 'static)) -> ConnectError {
        // What the system says of the file stands within what the format says.
        let mut cause = error;
        while let Some(within) = cause.source() {
            cause = within;
        }
        let cause = match cause.downcast_ref() {
            Some(error) => io_text(error),
            None => cause.to_string(),
        };
        ConnectError::new(format!("cannot write {}: {cause}", self.path.display())).because(error)
    }

    fn cutter(&self) -> MutexGuard<'_, Cutter> {
        self.cutter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> MutexGuard<'_, PartFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a row group, and those behind it that have come before, once it is its turn; what
    /// comes while a thread writes is written by that one.
    fn write(&self, group: Encoded) -> Result<(), ParquetError> {
        let mut file = self.file();
        file.encoded.insert(group.number, group.chunks);
        let Some(mut writer) = file.writer.take() else { return Ok(()) };
        let mut next = file.next;
        while let Some(chunks) = file.encoded.remove(&next) {
            drop(file);
            let pages = pages_of(&chunks);
            let mut group = writer.next_row_group()?;
            chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
            let written = group.close()?;
            next += 1;
            file = self.file();
            file.pages.push(pages, &written);
        }
        (file.next, file.writer) = (next, Some(writer));
        Ok(())
    }

    /// How far the file has come, once that is durable: its row groups, and the rows behind them; none as
    /// long as a row group is on its way.
    fn pause(&self, staging: &Staging) -> Result<Option<Behind>, ConnectError> {
        let (cutter, mut file) = (self.cutter(), self.file());
        let (groups, without) = cutter.groups();
        let PartFile { next, before, pages, writer, .. } = &mut *file;
        let writer = writer.as_mut().filter(|_| *next == groups);
        let Some(writer) = writer.filter(|_| pages.0.len() == *before + groups) else {
            return Ok(None);
        };
        writer.flush().map_err(|error| self.failed(&error))?;
        let written = writer.inner().get_ref();
        stage::sync(written)?;
        let end = end_of(writer, pages).map_err(|error| self.failed(&error))?;
        let behind = staging.behind(written, cutter.rows, pack(without, &end))?;
        Ok(behind.map(|behind| Behind { rest: cutter.rest(), ..behind }))
    }

    /// Ends and fsyncs the file; says how many bytes it has, and their digest if that is made.
    fn close(self) -> Result<(u64, Option<String>), ConnectError> {
        let writer = self.file().writer.take();
        let writer = writer
            .ok_or_else(|| self.failed(&std::io::Error::other("writing has failed before")))?;
        let buffered = writer.into_inner().map_err(|error| self.failed(&error))?;
        let file = buffered.into_inner().map_err(|error| self.failed(error.error()))?;
        stage::sync(&file)?;
        let bytes = file.metadata().map_err(|error| self.failed(&error))?.len();
        Ok((bytes, file.digest().map(Digest::value)))
    }
}
