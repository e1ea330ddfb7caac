//! JSON lines as a sink: every column of every row, nulls included, in the order of the columns.

use crate::connect::output::Outputs;
use crate::connect::spell::{Cells, Values};
use crate::connect::{ConnectError, Encode, Piece, Sink, SinkSpec, Staged};
use crate::data::Batch;
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{NullBuffer, OffsetBuffer};

/// What spells rows.
pub fn encoder(spec: &SinkSpec) -> Box<dyn Encode> {
    Box::new(JsonEncoder::new(spec))
}

/// Opens a sink.
pub fn open(spec: &SinkSpec) -> Result<Box<dyn Sink>, ConnectError> {
    let encoder = JsonEncoder::new(spec);
    Ok(Box::new(JsonSink { encoder, outputs: Outputs::open(spec, "jsonl", &[])? }))
}

struct JsonSink {
    encoder: JsonEncoder,
    outputs: Outputs,
}

struct JsonEncoder {
    /// `"name":` and the type of every column.
    columns: Vec<(Vec<u8>, DataType)>,
}

impl Encode for JsonEncoder {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        Ok(Piece::Bytes { bytes: self.spell(batch), rows: batch.rows as u64 })
    }
}

impl Sink for JsonSink {
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

impl JsonEncoder {
    fn new(spec: &SinkSpec) -> JsonEncoder {
        let column =
            |column: &crate::connect::Column| (key(&column.external), column.ty.data.clone());
        JsonEncoder { columns: spec.columns.iter().map(column).collect() }
    }

    fn spell(&self, batch: &Batch) -> Vec<u8> {
        let columns: Vec<Node<'_>> = batch
            .columns
            .iter()
            .zip(&self.columns)
            .map(|(array, (_, ty))| Node::of(array, ty))
            .collect();
        let mut out = Vec::with_capacity(batch.rows * 24 * (columns.len() + 1));
        for row in 0..batch.rows {
            out.push(b'{');
            for (at, (node, (key, _))) in columns.iter().zip(&self.columns).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                node.write(row, &mut out);
            }
            out.extend_from_slice(b"}\n");
        }
        out
    }
}

/// A column ready to be spelled.
enum Node<'a> {
    /// A number or a truth value.
    Bare(Cells<'a>),
    /// Not a number in JSON if it is not finite.
    Float(Cells<'a>, &'a [f64]),
    /// A text that may need escapes.
    Text(Cells<'a>),
    /// A text that never does: a time.
    Plain(Cells<'a>),
    List(Option<&'a NullBuffer>, &'a OffsetBuffer<i32>, Box<Node<'a>>),
    Map(Option<&'a NullBuffer>, &'a OffsetBuffer<i32>, Cells<'a>, Box<Node<'a>>),
    Record(Option<&'a NullBuffer>, Vec<(Vec<u8>, Node<'a>)>),
}

impl<'a> Node<'a> {
    fn of(array: &'a ArrayRef, ty: &'a DataType) -> Node<'a> {
        let cells = Cells::of(array, ty);
        match ty {
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let items = Node::of(list.values(), &item.data);
                return Node::List(list.nulls(), list.offsets(), Box::new(items));
            }
            DataType::Map(entry) => {
                let list = array.as_list::<i32>();
                let (keys, values) = match (list.values().as_struct().columns(), entry.entry()) {
                    ([keys, values], Some((key, value))) => {
                        (Cells::of(keys, &key.data), Node::of(values, &value.data))
                    }
                    _ => unreachable!("a map has keys and values"),
                };
                return Node::Map(list.nulls(), list.offsets(), keys, Box::new(values));
            }
            DataType::Record(fields) => {
                let record = array.as_struct();
                let columns = record.columns().iter().zip(fields.iter());
                let field = |(column, field): (&'a ArrayRef, &'a crate::types::Field)| {
                    (key(&field.name), Node::of(column, &field.ty.data))
                };
                return Node::Record(record.nulls(), columns.map(field).collect());
            }
            _ => {}
        }
        match cells.values {
            Values::Float(floats) => Node::Float(cells, floats),
            Values::Null
            | Values::Bool(_)
            | Values::Int(_)
            | Values::Decimal(..)
            | Values::Json(_) => Node::Bare(cells),
            Values::String(_) | Values::Enum(..) | Values::Nested(..) => Node::Text(cells),
            Values::Date(_)
            | Values::Datetime(_)
            | Values::Timestamp(_)
            | Values::Duration(_)
            | Values::Time(_)
            | Values::Bytes(_) => Node::Plain(cells),
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Node::Bare(cells) | Node::Float(cells, _) | Node::Text(cells) | Node::Plain(cells) => {
                cells.is_null(row)
            }
            Node::List(nulls, ..) | Node::Map(nulls, ..) | Node::Record(nulls, _) => {
                nulls.is_some_and(|nulls| nulls.is_null(row))
            }
        }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match self {
            Node::Bare(cells) => cells.write(row, out),
            Node::Float(cells, floats) if floats[row].is_finite() => cells.write(row, out),
            Node::Float(cells, _) | Node::Plain(cells) => {
                out.push(b'"');
                cells.write(row, out);
                out.push(b'"');
            }
            Node::Text(Cells { values: Values::String(texts), .. }) => {
                write_text(texts.value(row).as_bytes(), out);
            }
            Node::Text(cells) => {
                let mut text = Vec::new();
                cells.write(row, &mut text);
                write_text(&text, out);
            }
            Node::List(_, offsets, items) => {
                out.push(b'[');
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                for at in range.clone() {
                    if at > range.start {
                        out.push(b',');
                    }
                    items.write(at, out);
                }
                out.push(b']');
            }
            Node::Map(_, offsets, keys, values) => {
                out.push(b'{');
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                let mut name = vec![];
                for at in range.clone() {
                    if at > range.start {
                        out.push(b',');
                    }
                    name.clear();
                    keys.write(at, &mut name);
                    write_text(&name, out);
                    out.push(b':');
                    values.write(at, out);
                }
                out.push(b'}');
            }
            Node::Record(_, fields) => {
                out.push(b'{');
                for (at, (key, node)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(key);
                    node.write(row, out);
                }
                out.push(b'}');
            }
        }
    }
}

/// `"name":`
fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    write_text(name.as_bytes(), &mut key);
    key.push(b':');
    key
}

/// Appends a JSON text.
#[inline]
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    let mut rest = text;
    while let Some(at) = rest.iter().position(is_special) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
