//! `text`: a line a row, in the column `line: string`.
//!
//! A line ends with `\n` or `\r\n`; the last one may go without. Empty lines are rows.

use super::chunk::{Chunk, Chunks, Cut, Place};
use super::input::Inputs;
use super::meter::Meter;
use super::options::{FILENAME, PATH, independent};
use super::output::Outputs;
use super::shown::{kept, shown};
use super::views::{Texts, Utf8Bytes};
use super::{
    BadValue, Beginning, ColumnRule, ConnectError, Connector, Encode, Extent, Morsel, Piece,
    RowLines, Rows, Sink, SinkSpec, Source, SourceSpec, Staged, Volume,
};
use crate::data::parse::NOT_UTF8;
use crate::data::{Batch, Positions};
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{Buffer, NullBuffer};
use std::sync::{Arc, Mutex, PoisonError};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "text",
    extension: "txt",
    summary: "Lines of text; .gz and .zst are unpacked and packed",
    options: &[PATH, FILENAME],
    together: independent,
    has_formats: false,
    may_skip: false,
    reads_on: Some(|_| None),
    columns: ColumnRule::Fixed(&[("line", "string")]),
    source: Some(open_source),
    sink: Some(open_sink),
    encoder: |_| Box::new(TextEncoder),
};

/// The most rows of a batch.
const BATCH_ROWS_MAX: usize = 1 << 16;

/// Cuts after the last line end.
pub struct CutLines;

impl Cut for CutLines {
    type Shape = ();

    fn cut(&mut self, bytes: &[u8], len: usize, _: Place) -> (usize, ()) {
        (memchr::memrchr(b'\n', &bytes[..len]).map_or(0, |at| at + 1), ())
    }
}

fn open_source(spec: &SourceSpec) -> Result<Box<dyn Source>, ConnectError> {
    let inputs = Arc::new(Inputs::find(spec)?);
    let meter = Arc::new(Meter::default());
    let chunks = Chunks::new(inputs.clone(), meter.clone(), CutLines, spec.chunk);
    let columns = spec.projection.len();
    Ok(Box::new(TextSource { inputs, meter, chunks: Mutex::new(chunks), columns }))
}

struct TextSource {
    inputs: Arc<Inputs>,
    meter: Arc<Meter>,
    chunks: Mutex<Chunks<CutLines>>,
    /// Projected columns: the line, or none.
    columns: usize,
}

impl Source for TextSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let chunk = self.chunks.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        let columns = self.columns;
        Ok(chunk.map(|chunk| Box::new(TextMorsel { chunk, columns }) as Box<dyn Morsel>))
    }

    fn files(&self) -> &[Arc<str>] {
        &self.inputs.names
    }

    fn after(&self) -> Beginning {
        self.inputs.after
    }

    fn position(&self) -> Option<(usize, u64)> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).position()
    }

    fn volume(&self) -> Volume {
        self.meter.volume()
    }
}

struct TextMorsel {
    chunk: Chunk<()>,
    columns: usize,
}

impl Morsel for TextMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let chunk = &self.chunk;
        let bytes: &[u8] = &chunk.buffer;
        let buffer = Buffer::from(chunk.buffer.clone());
        let text = Utf8Bytes::check(bytes, chunk.len);
        let mut start = if chunk.place.first && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let mut ends = memchr::memchr_iter(b'\n', &bytes[..chunk.len]).peekable();
        let mut lines = 0;
        let mut go_on = true;
        while go_on && ends.peek().is_some() {
            let (mut texts, mut bad) = (Texts::default(), Vec::new());
            for end in ends.by_ref().take(BATCH_ROWS_MAX) {
                let carriage_return = end > start && bytes[end - 1] == b'\r';
                let trimmed = end - usize::from(carriage_return);
                match text {
                    Some(text) => texts.push(text, start, trimmed),
                    None => push_unsure(&bytes[start..trimmed], &mut texts, &mut bad),
                }
                start = end + 1;
            }
            let rows = texts.len();
            let nulls = (!bad.is_empty()).then(|| {
                let mut valid = vec![true; rows];
                bad.iter().for_each(|bad| valid[bad.row as usize] = false);
                NullBuffer::from(valid)
            });
            let array: ArrayRef = Arc::new(texts.finish(text, &buffer, nulls));
            let columns = vec![array; self.columns];
            let batch = Batch { columns, rows, positions: Positions::Range(lines) };
            lines += rows as u64;
            go_on = emit(Rows { batch, bad, file: chunk.file, lines: RowLines::From(0) });
        }
        let line_ends = lines - u64::from(chunk.line_end_added);
        Ok(Extent { file: chunk.file, records: lines, lines: line_ends })
    }
}

/// A line of a chunk that is not UTF-8 somewhere.
fn push_unsure(line: &[u8], texts: &mut Texts, bad: &mut Vec<BadValue>) {
    match simdutf8::basic::from_utf8(line) {
        Ok(line) => texts.push_copy(line),
        Err(_) => {
            let row = texts.len() as u32;
            texts.push_empty();
            bad.push(BadValue {
                row,
                column: Some(0),
                path: String::new(),
                text: shown(line),
                record: Some(kept(line)),
                is_literal: false,
                reason: NOT_UTF8.into(),
            });
        }
    }
}

fn open_sink(spec: &SinkSpec) -> Result<Box<dyn Sink>, ConnectError> {
    match spec.columns.as_slice() {
        [column] if column.ty.data == DataType::String => {}
        columns => {
            let message = format!("`text` writes one column of type string, not {}", columns.len());
            return Err(ConnectError::new(message)
                .help("select one string column, or write `csv` or `json`"));
        }
    }
    Ok(Box::new(TextSink { outputs: Outputs::open(spec, "txt", &[])? }))
}

struct TextSink {
    outputs: Outputs,
}

struct TextEncoder;

impl Encode for TextEncoder {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        let lines = batch.columns[0].as_string_view();
        let mut bytes = Vec::with_capacity(batch.rows * 32);
        for row in 0..batch.rows {
            let line = if lines.is_null(row) { "" } else { lines.value(row) };
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        // Texts are written as they are, so one with a line end would read back as two.
        if memchr::memchr_iter(b'\n', &bytes).count() != batch.rows {
            return Err(ConnectError::new(
                "a text holds a line end, and `text` writes a line a row",
            )
            .help("replace it first, or write `csv` or `json`"));
        }
        Ok(Piece::Bytes { bytes, rows: batch.rows as u64 })
    }
}

impl Sink for TextSink {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        TextEncoder.encode(batch)
    }

    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError> {
        let piece = match piece {
            Piece::Rows(batch) => self.encode(&batch)?,
            bytes @ Piece::Bytes { .. } => bytes,
        };
        let Piece::Bytes { bytes, rows } = piece else { return Ok(()) };
        self.outputs.append(part, &bytes, rows)
    }

    fn outputs(&self) -> Option<&Outputs> {
        Some(&self.outputs)
    }

    fn finish(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.outputs.finish()
    }
}
