//! JSON files as a source. A file whose first character is `[` is one array, any other a record a
//! line; empty lines are skipped.

use super::cells::Fields;
use super::columns::{Builder, Spelling};
use super::scan::{Fault, Scanner};
use crate::connect::chunk::{Chunk, Chunks, Cut, Place};
use crate::connect::input::Inputs;
use crate::connect::meter::Meter;
use crate::connect::shown::{keep_records, shown};
use crate::connect::value::{self, Clock};
use crate::connect::views::Utf8Bytes;
use crate::connect::{
    BadValue, Beginning, Column, ConnectError, Extent, Morsel, RowLines, Rows, Source, SourceSpec,
    Volume,
};
use crate::data::{Batch, Positions};
use crate::types::DataType;
use arrow_buffer::Buffer;
use std::sync::{Arc, Mutex, PoisonError};

/// The most rows of a batch.
const BATCH_ROWS_MAX: usize = 1 << 16;

/// Opens a source.
pub fn open(spec: &SourceSpec) -> Result<Box<dyn Source>, ConnectError> {
    Ok(Box::new(JsonSource::open(spec, spec.chunk)?))
}

pub(super) struct JsonSource {
    inputs: Arc<Inputs>,
    meter: Arc<Meter>,
    table: Arc<Table>,
    chunks: Mutex<Chunks<JsonCut>>,
}

struct Table {
    names: Vec<Arc<str>>,
    /// The projected columns.
    columns: Vec<(Column, Spelling)>,
}

impl JsonSource {
    pub(super) fn open(spec: &SourceSpec, chunk_bytes: usize) -> Result<JsonSource, ConnectError> {
        let zone = value::zone_of(spec.arguments.text("zone"));
        let column = |&at: &usize| {
            let column = spec.columns[at].clone();
            let nan = column.ty.data == DataType::Float && column.format.as_deref() == Some("nan");
            let clock =
                Clock { format: column.format.clone().filter(|_| !nan), zone: zone.clone() };
            (column, Spelling { clock, nan })
        };
        let columns = spec.projection.iter().map(column).collect();
        let inputs = Arc::new(Inputs::find(spec)?);
        let meter = Arc::new(Meter::default());
        let chunks = Chunks::new(inputs.clone(), meter.clone(), JsonCut::default(), chunk_bytes);
        let table = Arc::new(Table { names: inputs.names.clone(), columns });
        Ok(JsonSource { inputs, meter, table, chunks: Mutex::new(chunks) })
    }
}

impl Source for JsonSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let chunk = self.chunks.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        let table = self.table.clone();
        Ok(chunk.map(|chunk| Box::new(JsonMorsel { chunk, table }) as Box<dyn Morsel>))
    }

    fn files(&self) -> &[Arc<str>] {
        &self.inputs.names
    }

    fn after(&self) -> Beginning {
        self.inputs.after
    }

    fn position(&self) -> Option<(usize, u64)> {
        let chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        let position = chunks.position();
        // Within an array nobody would know that it is one.
        position.filter(|(_, bytes)| *bytes == 0 || !chunks.cut().is_array)
    }

    fn volume(&self) -> Volume {
        self.meter.volume()
    }
}

/// What the records of a chunk stand in.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Lines, the first one at an offset.
    Lines(usize),
    /// An array: the elements between two offsets, commas included, or what is wrong with it.
    Array(usize, usize, Option<Fault>),
}

#[derive(Default)]
struct JsonCut {
    is_array: bool,
    /// The array of the file has ended.
    is_over: bool,
}

impl Cut for JsonCut {
    type Shape = Shape;

    fn cut(&mut self, bytes: &[u8], len: usize, place: Place) -> (usize, Shape) {
        let mut start = 0;
        if place.first {
            start = if bytes[..len].starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            let mut scanner = Scanner::new(bytes, start, len);
            self.is_over = false;
            // The first character decides, so it must be seen, after a whole byte order mark.
            if !place.last && (len < 3 || scanner.peek() == 0) {
                return (0, Shape::Lines(start));
            }
            self.is_array = scanner.take(b'[');
            if self.is_array {
                start = scanner.at;
            }
        }
        if self.is_array {
            return self.cut_array(bytes, start, len, place);
        }
        (memchr::memrchr(b'\n', &bytes[..len]).map_or(0, |at| at + 1), Shape::Lines(start))
    }

    /// Between two objects; elsewhere it is white space.
    fn has_lines_by_return(&self, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        // The last byte that is no white space, and is there a carriage return behind it?
        let (mut last, mut is_text, mut has_return) = (0, false, false);
        let mut rest = bytes.iter();
        while let Some(&byte) = rest.next() {
            match byte {
                b'\\' if is_text => {
                    rest.next();
                }
                b'"' => (last, is_text, has_return) = (byte, !is_text, false),
                b'\r' => has_return |= !is_text,
                _ if is_text || byte.is_ascii_whitespace() => {}
                b'{' if last == b'}' && has_return => return true,
                // The elements of an array are no lines.
                b'[' if last == 0 => return false,
                _ => (last, has_return) = (byte, false),
            }
        }
        false
    }
}

impl JsonCut {
    /// Elements are taken together with the comma that follows them.
    fn cut_array(
        &mut self,
        bytes: &[u8],
        start: usize,
        len: usize,
        place: Place,
    ) -> (usize, Shape) {
        let mut scanner = Scanner::new(bytes, start, len);
        let mut end = start;
        let mut fault = None;
        while !self.is_over {
            if end == start && place.first && scanner.take(b']') {
                self.is_over = true;
            } else if let Err(found) = scanner.value(1) {
                fault = Some(found);
                break;
            } else if scanner.take(b',') {
                end = scanner.at;
            } else if scanner.peek() == b']' {
                end = scanner.at;
                scanner.at += 1;
                self.is_over = true;
            } else {
                let is_end = scanner.at >= len;
                fault = Some(Fault { at: scanner.at, what: "a comma or `]` is missing", is_end });
                break;
            }
        }
        if self.is_over && scanner.peek() != 0 {
            fault = Some(Fault { at: scanner.at, what: "text follows the array", is_end: false });
        }
        match fault {
            Some(fault) if !fault.is_end || place.last => {
                (len, Shape::Array(start, end, Some(fault)))
            }
            Some(_) => (if end > start { end } else { 0 }, Shape::Array(start, end, None)),
            None => (len, Shape::Array(start, end, None)),
        }
    }
}

struct JsonMorsel {
    chunk: Chunk<Shape>,
    table: Arc<Table>,
}

/// The records of a chunk.
struct Records {
    /// The values of each projected column.
    fields: Fields,
    /// Where each record begins.
    starts: Vec<u32>,
    /// Records that are not an object, where they end, and why.
    faults: Vec<(u32, u32, String)>,
}

impl Morsel for JsonMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let chunk = &self.chunk;
        let bytes: &[u8] = &chunk.buffer;
        let records = match chunk.shape {
            Shape::Lines(start) => self.lines(start),
            Shape::Array(_, _, Some(fault)) => {
                let name = &self.table.names[chunk.file];
                let what = format!("{name} is not JSON: {}", fault.what);
                let text = shown(bytes[..chunk.len][fault.at.min(chunk.len)..].trim_ascii_start());
                let near: String = text.chars().take(40).collect();
                let near = near.trim_end();
                let place =
                    if near.is_empty() { "at its end".into() } else { format!("at `{near}`") };
                return Err(ConnectError::new(format!("{what} {place}")));
            }
            Shape::Array(start, end, None) => self.elements(start, end),
        };
        let ends = memchr::memchr_iter(b'\n', &bytes[..chunk.len]).count();
        let rows = records.starts.len();
        let is_regular = matches!(chunk.shape, Shape::Lines(_)) && ends == rows;
        let lines = match is_regular {
            true => RowLines::From(0),
            false => RowLines::at(bytes, records.starts.iter().map(|&start| start as usize)),
        };
        self.emit(&records, &lines, emit);
        let lines = (ends - usize::from(chunk.line_end_added)) as u64;
        Ok(Extent { file: chunk.file, records: rows as u64, lines })
    }
}

impl JsonMorsel {
    fn lines(&self, start: usize) -> Records {
        let bytes: &[u8] = &self.chunk.buffer;
        let mut reader = RecordReader::new(bytes, &self.table);
        let mut at = start;
        for end in memchr::memchr_iter(b'\n', &bytes[..self.chunk.len]).filter(|end| *end >= start)
        {
            let mut scanner = Scanner::new(bytes, at, end);
            if scanner.peek() != 0 || scanner.at < end {
                let begin = scanner.at;
                reader.record(&mut scanner, begin, Some(end));
            }
            at = end + 1;
        }
        reader.records
    }

    fn elements(&self, start: usize, end: usize) -> Records {
        let bytes: &[u8] = &self.chunk.buffer;
        let mut reader = RecordReader::new(bytes, &self.table);
        let mut scanner = Scanner::new(bytes, start, end);
        while scanner.peek() != 0 {
            let begin = scanner.at;
            let whole = scanner.value(1);
            let next = scanner.at;
            debug_assert!(whole.is_ok(), "the cut looked at it");
            let mut element = Scanner::new(bytes, begin, next);
            reader.record(&mut element, begin, Some(next));
            if !scanner.take(b',') {
                break;
            }
        }
        reader.records
    }

    /// The text of a record.
    fn record(&self, records: &Records, row: usize) -> &[u8] {
        let start = records.starts[row] as usize;
        let fault = records.faults.binary_search_by_key(&(row as u32), |fault| fault.0);
        let end = fault.map_or_else(
            |_| {
                let mut scanner = Scanner::new(&self.chunk.buffer, start, self.chunk.len);
                let whole = scanner.value(1);
                debug_assert!(whole.is_ok(), "it was read before");
                scanner.at
            },
            |fault| records.faults[fault].1 as usize,
        );
        &self.chunk.buffer[start..end]
    }

    fn emit(&self, records: &Records, lines: &RowLines, emit: &mut dyn FnMut(Rows) -> bool) {
        let (chunk, rows) = (&self.chunk, records.starts.len());
        let bytes: &[u8] = &chunk.buffer;
        let buffer = Buffer::from(chunk.buffer.clone());
        let text = Utf8Bytes::check(bytes, chunk.len);
        let builder = Builder { bytes, buffer: &buffer, text };
        let mut faults = records.faults.iter().peekable();
        for first in (0..rows).step_by(BATCH_ROWS_MAX) {
            let count = BATCH_ROWS_MAX.min(rows - first);
            let mut bad = Vec::new();
            while let Some((row, end, reason)) = faults.next_if(|f| (f.0 as usize) < first + count)
            {
                let start = records.starts[*row as usize] as usize;
                let record = &bytes[start..*end as usize];
                let row = row - first as u32;
                bad.push(BadValue {
                    row,
                    column: None,
                    path: String::new(),
                    text: shown(record.trim_ascii_end()),
                    record: None,
                    is_literal: true,
                    reason: reason.clone(),
                });
            }
            let faulty: Vec<u32> = bad.iter().map(|bad| bad.row).collect();
            let columns = self.table.columns.iter().zip(&records.fields.cells).enumerate();
            let arrays = columns.map(|(column, ((declared, spelling), cells))| {
                let mut issues = Vec::new();
                let rows = first..first + count;
                let array = builder.column(cells, rows, &declared.ty, spelling, &mut issues);
                let issues = issues.into_iter();
                let own = issues.filter(|issue| faulty.binary_search(&(issue.row as u32)).is_err());
                bad.extend(own.map(|issue| issue.into_bad(column as u32, bytes)));
                array
            });
            let columns = arrays.collect();
            bad.sort_by_key(|bad| bad.row);
            keep_records(&mut bad, |row| self.record(records, first + row));
            let positions = Positions::Range(first as u64);
            let batch = Batch { columns, rows: count, positions };
            if !emit(Rows { batch, bad, file: chunk.file, lines: lines.clone() }) {
                break;
            }
        }
    }
}

struct RecordReader<'a> {
    bytes: &'a [u8],
    records: Records,
}

impl<'a> RecordReader<'a> {
    fn new(bytes: &'a [u8], table: &Table) -> RecordReader<'a> {
        let columns = table.columns.iter().map(|(column, _)| (&*column.external, &column.ty));
        let fields = Fields::new(columns);
        RecordReader { bytes, records: Records { fields, starts: Vec::new(), faults: Vec::new() } }
    }

    /// Reads the object at `scanner`, which must be all there is before `end`.
    fn record(&mut self, scanner: &mut Scanner<'_>, begin: usize, end: Option<usize>) {
        let (bytes, fields) = (self.bytes, &mut self.records.fields);
        let row = self.records.starts.len();
        self.records.starts.push(begin as u32);
        let scanned = fields.read(scanner, 0, row);
        let reason = match scanned {
            Err(_) if bytes[begin] != b'{' => "not a JSON object".into(),
            Err(fault) if fault.is_end => format!("not JSON: it ends, and {}", fault.what),
            Err(fault) => {
                format!("not JSON: {} at character {}", fault.what, fault.at - begin + 1)
            }
            Ok(()) if scanner.peek() != 0 => "not JSON: text follows the object".into(),
            Ok(()) => return,
        };
        fields.truncate(row);
        fields.push_absent();
        let end = end.unwrap_or(scanner.at) as u32;
        self.records.faults.push((row as u32, end, reason));
    }
}
