//! CSV files as a sink: RFC 4180 with line feeds, quotes only where they are needed.
//!
//! Null is nothing (or the spelling given); a text that is empty or spells null is quoted, so that
//! every text reads back as itself.

use super::dialect::Dialect;
use crate::connect::output::Outputs;
use crate::connect::spell::{Cells, Values};
use crate::connect::{ConnectError, Encode, Piece, Sink, SinkSpec, Staged};
use crate::data::Batch;
use crate::types::DataType;

/// What spells rows.
pub fn encoder(spec: &SinkSpec) -> Box<dyn Encode> {
    Box::new(CsvEncoder::new(spec))
}

/// Opens a sink.
pub fn open(spec: &SinkSpec) -> Result<Box<dyn Sink>, ConnectError> {
    let encoder = CsvEncoder::new(spec);
    let writer = &encoder.writer;
    let mut head = Vec::new();
    if writer.dialect.header {
        for (at, column) in spec.columns.iter().enumerate() {
            if at > 0 {
                head.push(writer.dialect.delimiter);
            }
            writer.write_text(column.external.as_bytes(), &mut head);
        }
        head.push(b'\n');
    }
    let outputs = Outputs::open(spec, "csv", &head)?;
    Ok(Box::new(CsvSink { encoder, outputs }))
}

struct CsvSink {
    encoder: CsvEncoder,
    outputs: Outputs,
}

struct CsvEncoder {
    writer: Writer,
    types: Vec<DataType>,
}

impl CsvEncoder {
    fn new(spec: &SinkSpec) -> CsvEncoder {
        let escape_formulas = spec.arguments.text("formulas") == Some("escape");
        let writer = Writer::new(Dialect::of(&spec.arguments), escape_formulas);
        let types = spec.columns.iter().map(|column| column.ty.data.clone()).collect();
        CsvEncoder { writer, types }
    }

    fn spell(&self, batch: &Batch) -> Vec<u8> {
        self.writer.encode(batch, &self.types)
    }
}

impl Encode for CsvEncoder {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        Ok(Piece::Bytes { bytes: self.spell(batch), rows: batch.rows as u64 })
    }
}

impl Sink for CsvSink {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        self.encoder.encode(batch)
    }

    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError> {
        let (bytes, rows) = match piece {
            Piece::Bytes { bytes, rows } => (bytes, rows),
            Piece::Rows(batch) => (self.encoder.spell(&batch), batch.rows as u64),
        };
        self.outputs.append(part, &bytes, rows)
    }

    fn outputs(&self) -> Option<&Outputs> {
        Some(&self.outputs)
    }

    fn finish(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.outputs.finish()
    }
}

struct Writer {
    dialect: Dialect,
    null: Box<[u8]>,
    quote: u8,
    escape_formulas: bool,
    /// Which bytes make a field need quotes.
    needs_quotes: [bool; 256],
    /// Could the delimiter be part of a number or a time?
    is_delimiter_in_values: bool,
}

impl Writer {
    fn new(dialect: Dialect, escape_formulas: bool) -> Writer {
        let quote = dialect.quote.unwrap_or(b'"');
        let null = dialect.nulls.first().cloned().unwrap_or_default();
        let mut needs_quotes = [false; 256];
        for byte in [dialect.delimiter, quote, b'\n', b'\r'] {
            needs_quotes[usize::from(byte)] = true;
        }
        let delimiter = dialect.delimiter;
        let is_delimiter_in_values =
            delimiter.is_ascii_alphanumeric() || b"+-.:".contains(&delimiter);
        Writer { dialect, null, quote, escape_formulas, needs_quotes, is_delimiter_in_values }
    }

    fn encode(&self, batch: &Batch, types: &[DataType]) -> Vec<u8> {
        let columns: Vec<Cells<'_>> =
            batch.columns.iter().zip(types).map(|(array, ty)| Cells::of(array, ty)).collect();
        let mut out = Vec::with_capacity(batch.rows * (types.len() * 12 + 1));
        let mut scratch = Vec::new();
        for row in 0..batch.rows {
            for (at, cells) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(self.dialect.delimiter);
                }
                if cells.is_null(row) {
                    out.extend_from_slice(&self.null);
                    continue;
                }
                match &cells.values {
                    Values::String(values) | Values::Json(values) => {
                        self.write_text(values.value(row).as_bytes(), &mut out);
                    }
                    Values::Bytes(_) => {
                        scratch.clear();
                        cells.write(row, &mut scratch);
                        self.write_raw(&scratch, &mut out);
                    }
                    Values::Enum(..) | Values::Nested(..) => {
                        scratch.clear();
                        cells.write(row, &mut scratch);
                        self.write_text(&scratch, &mut out);
                    }
                    _ if self.is_delimiter_in_values => {
                        scratch.clear();
                        cells.write(row, &mut scratch);
                        self.write_raw(&scratch, &mut out);
                    }
                    _ => cells.write(row, &mut out),
                }
            }
            out.push(b'\n');
        }
        out
    }

    /// A text; a spreadsheet takes one that begins like a formula for one.
    #[inline]
    fn write_text(&self, text: &[u8], out: &mut Vec<u8>) {
        if self.escape_formulas
            && matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
        {
            self.write_raw(&[b"'", text].concat(), out);
        } else {
            self.write_raw(text, out);
        }
    }

    #[inline]
    fn write_raw(&self, text: &[u8], out: &mut Vec<u8>) {
        let special = text.is_empty() || *text == *self.null;
        if !special && !text.iter().any(|&byte| self.needs_quotes[usize::from(byte)]) {
            out.extend_from_slice(text);
            return;
        }
        out.push(self.quote);
        for &byte in text {
            if byte == self.quote {
                out.push(byte);
            }
            out.push(byte);
        }
        out.push(self.quote);
    }
}
