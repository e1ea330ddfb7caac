//! Parquet files as a sink. The bytes depend on the rows alone: rows are handed to the encoders in
//! slabs of a fixed number and cut into row groups of a fixed number, whatever the batches were.

use super::convert::{file_type, to_file};
use super::dictionaries::encoders_for;
use crate::connect::output::{stage_files, target_of};
use crate::connect::stage::{self, Staging};
use crate::connect::{ConnectError, Piece, Sink, SinkSpec, Staged};
use crate::data::Batch;
use crate::types::DataType;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rows that are encoded together. The pages of a file depend on it.
const SLAB_ROWS: usize = 1 << 16;

/// Slabs of a row group: 256 Ki rows, so that also a file of a million rows is read in parallel.
const GROUP_SLABS: usize = 4;

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
    let part = |(path, file)| {
        let buffered = BufWriter::with_capacity(1 << 16, file);
        let root = root.root_schema_ptr();
        let writer = SerializedFileWriter::new(buffered, root.clone(), properties.clone());
        let empty = Part {
            path,
            writer: writer.map_err(unwritable)?,
            encoders: None,
            root,
            properties: properties.clone(),
            schema: schema.clone(),
            pending: Vec::new(),
            pending_rows: 0,
            columns: Vec::new(),
            slabs: 0,
            groups: 0,
            rows: 0,
            encoding: Duration::ZERO,
        };
        Ok(Mutex::new(empty))
    };
    let parts = files.into_iter().map(part).collect::<Result<_, ConnectError>>()?;
    let types = spec.columns.iter().map(|column| column.ty.data.clone()).collect();
    Ok(Box::new(ParquetSink { staging, parts, types }))
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
    parts: Vec<Mutex<Part>>,
    types: Vec<DataType>,
}

struct Part {
    path: PathBuf,
    writer: SerializedFileWriter<BufWriter<File>>,
    /// What makes encoders, once the first rows are known.
    encoders: Option<ArrowRowGroupWriterFactory>,
    root: TypePtr,
    properties: Arc<WriterProperties>,
    schema: Arc<Schema>,
    /// Columns of rows that do not yet fill a slab.
    pending: Vec<Vec<ArrayRef>>,
    pending_rows: usize,
    /// The encoders of the row group that is being written, one a leaf column.
    columns: Vec<ArrowColumnWriter>,
    slabs: usize,
    groups: usize,
    rows: u64,
    /// Time of making bytes of values.
    encoding: Duration,
}

impl Sink for ParquetSink {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        let columns = batch.columns.iter().zip(&self.types);
        let columns = columns.map(|(array, ty)| to_file(array, ty)).collect();
        Ok(Piece::Rows(batch.with_columns(columns)))
    }

    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError> {
        let Piece::Rows(batch) = piece else {
            return Err(ConnectError::new("bytes cannot be appended to a Parquet file"));
        };
        let mut part = self.parts[part as usize].lock().unwrap_or_else(PoisonError::into_inner);
        part.append(batch).map_err(|error| part.failed(&error))
    }

    fn late_encoding(&self) -> Duration {
        let parts = self.parts.iter();
        parts.map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).encoding).sum()
    }

    fn finish(self: Box<Self>) -> Result<Staged, ConnectError> {
        let (mut rows, mut bytes) = (0, 0);
        for part in self.parts {
            let mut part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
            let ended = part.end();
            ended.map_err(|error| part.failed(&error))?;
            let path = part.path.clone();
            let failed =
                |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", path.display());
            let buffered = part.writer.into_inner().map_err(|e| ConnectError::new(failed(&e)))?;
            let file = buffered.into_inner().map_err(|e| ConnectError::new(failed(e.error())))?;
            stage::sync(&file, &path)?;
            rows += part.rows;
            bytes += file.metadata().map_err(|e| ConnectError::new(failed(&e)))?.len();
        }
        self.staging.finish(rows, bytes)
    }
}

impl Part {
    fn failed(&self, error: &ParquetError) -> ConnectError {
        ConnectError::new(format!("cannot write {}: {error}", self.path.display()))
    }

    fn append(&mut self, batch: Batch) -> Result<(), ParquetError> {
        self.rows += batch.rows as u64;
        self.pending_rows += batch.rows;
        self.pending.push(batch.columns);
        while self.pending_rows >= SLAB_ROWS {
            let started = Instant::now();
            self.write_slab(SLAB_ROWS)?;
            self.encoding += started.elapsed();
            if self.slabs == GROUP_SLABS {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ParquetError> {
        if self.pending_rows > 0 {
            self.write_slab(self.pending_rows)?;
        }
        self.end_group()
    }

    /// Encodes the first `rows` pending rows, a column a thread.
    ///
    /// Threads of its own, not the engine's pool: a worker that waits for the pool may be given
    /// another piece of work that waits for this very sink.
    fn write_slab(&mut self, rows: usize) -> Result<(), ParquetError> {
        let slab = self.take_pending(rows)?;
        if self.columns.is_empty() {
            let encoders = match self.encoders.take() {
                Some(encoders) => encoders,
                None => encoders_for(&self.schema, &self.root, &self.properties, &slab)?,
            };
            self.columns = encoders.create_column_writers(self.groups)?;
            self.encoders = Some(encoders);
        }
        let mut leaves = Vec::with_capacity(self.columns.len());
        for (field, array) in self.schema.fields().iter().zip(&slab) {
            leaves.extend(compute_leaves(field, array)?);
        }
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = threads.min(leaves.len()).max(1);
        let mut lanes: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
        for (at, work) in self.columns.iter_mut().zip(leaves).enumerate() {
            lanes[at % threads].push(work);
        }
        let encode = |lane: Vec<(&mut ArrowColumnWriter, _)>| {
            lane.into_iter().try_for_each(|(column, leaf)| column.write(&leaf))
        };
        let mut lanes = lanes.into_iter();
        let own = lanes.next().unwrap_or_default();
        std::thread::scope(|scope| {
            let others: Vec<_> = lanes.map(|lane| scope.spawn(move || encode(lane))).collect();
            let mut result = encode(own);
            for other in others {
                let panicked = |_| Err(ParquetError::General("an encoder panicked".into()));
                result = result.and(other.join().unwrap_or_else(panicked));
            }
            result
        })?;
        self.slabs += 1;
        Ok(())
    }

    /// The columns of the first `rows` pending rows.
    fn take_pending(&mut self, rows: usize) -> Result<Vec<ArrayRef>, ParquetError> {
        let mut pieces: Vec<Vec<ArrayRef>> = vec![Vec::new(); self.schema.fields().len()];
        let mut missing = rows;
        let mut rest = Vec::new();
        for batch in std::mem::take(&mut self.pending) {
            let len = batch.first().map_or(0, |column| column.len());
            let taken = missing.min(len);
            if taken < len {
                rest.push(batch.iter().map(|column| column.slice(taken, len - taken)).collect());
            }
            if taken > 0 {
                for (pieces, column) in pieces.iter_mut().zip(&batch) {
                    pieces.push(column.slice(0, taken));
                }
            }
            missing -= taken;
        }
        self.pending = rest;
        self.pending_rows -= rows;
        let concat = |pieces: Vec<ArrayRef>| {
            let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
            Ok(arrow_select::concat::concat(&pieces)?)
        };
        pieces.into_iter().map(concat).collect()
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        if self.slabs == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in self.columns.drain(..) {
            column.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.slabs = 0;
        self.groups += 1;
        Ok(())
    }
}
