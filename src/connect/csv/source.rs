//! CSV files as a source: the serial part dispenses chunks of whole records, the parallel part
//! indexes a chunk and reads the wanted columns.

use super::columns::{Plan, Reader, Spans, unquoted};
use super::dialect::Dialect;
use super::exact::{self, Cell, Flaw, Records, Refused};
use super::index::{self, Signs};
use super::simd::Level;
use crate::connect::chunk::{Chunk, Chunks, Cut, Place};
use crate::connect::input::{Inputs, missing_column, refuse_more};
use crate::connect::meter::Meter;
use crate::connect::shown::{keep_records, shown};
use crate::connect::value::{self, Clock};
use crate::connect::views::Utf8Bytes;
use crate::connect::{
    BadValue, Beginning, Column, ConnectError, Extent, Morsel, RowLines, Rows, Source, SourceSpec,
    Volume, to_utf8,
};
use crate::data::parse::NOT_UTF8;
use crate::data::{Batch, Positions};
use crate::types::DataType;
use arrow_buffer::Buffer;
use std::sync::{Arc, Mutex, PoisonError};

/// The most rows of a batch.
const BATCH_ROWS_MAX: usize = 1 << 16;

/// Opens a source.
pub fn open(spec: &SourceSpec) -> Result<Box<dyn Source>, ConnectError> {
    Ok(Box::new(CsvSource::open(spec, spec.chunk, Level::best())?))
}

pub struct CsvSource {
    inputs: Arc<Inputs>,
    meter: Arc<Meter>,
    plan: Arc<Table>,
    serial: Mutex<Serial>,
}

/// What is read of every file.
struct Table {
    dialect: Dialect,
    level: Level,
    declared: Vec<Column>,
    projection: Vec<usize>,
    is_whole: bool,
    /// The projected columns.
    plans: Vec<Plan>,
    /// Index vectors to be used again.
    scratch: Mutex<Vec<Vec<u32>>>,
}

struct Serial {
    chunks: Chunks<CsvCut>,
    /// Read when the source was opened, to see the header.
    ahead: Option<Chunk<Shape>>,
    /// Of the file that is being read.
    binding: Arc<Binding>,
}

/// Where the declared columns stand in a file.
#[derive(Debug, Default)]
struct Binding {
    /// Columns of the file.
    columns: usize,
    /// The fields of the projected columns.
    fields: Vec<usize>,
}

/// What the serial part learned about a chunk.
struct Shape {
    /// Where its first record begins, a byte order mark and skipped lines not counted.
    start: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No quotes.
    Plain,
    /// Quotes where they belong.
    Quoted,
    /// To be split byte by byte.
    Irregular,
}

struct CsvCut {
    dialect: Dialect,
    level: Level,
}

impl Cut for CsvCut {
    type Shape = Shape;

    fn cut(&mut self, bytes: &[u8], len: usize, place: Place) -> (usize, Shape) {
        let start = match place.first.then(|| preamble(&bytes[..len], self.dialect.skip_lines)) {
            Some(Some(start)) => start,
            // All of it is skipped, as far as it was read.
            Some(None) => {
                let shape = Shape { start: len, kind: Kind::Plain };
                return (if place.last { len } else { 0 }, shape);
            }
            None => 0,
        };
        let quote = self.dialect.quote.filter(|q| memchr::memchr(*q, &bytes[start..len]).is_some());
        let (records_end, kind) = if self.dialect.comment.is_some() {
            (None, Kind::Irregular)
        } else if quote.is_none() {
            let end = memchr::memrchr(b'\n', &bytes[start..len]).map_or(0, |at| at + 1);
            (Some(end), Kind::Plain)
        } else {
            let signs = Signs { delimiter: self.dialect.delimiter, quote };
            let outline = index::outline(self.level, &bytes[start..], len - start, signs);
            let kind = if outline.is_regular { Kind::Quoted } else { Kind::Irregular };
            (outline.is_regular.then_some(outline.records_end), kind)
        };
        if place.last {
            // An open quote is found by the exact way.
            let whole = records_end == Some(len - start);
            return (len, Shape { start, kind: if whole { kind } else { Kind::Irregular } });
        }
        let end =
            records_end.unwrap_or_else(|| exact::records_end(&bytes[start..len], &self.dialect));
        // A header is not looked for behind the first chunk.
        let is_enough = !place.first
            || !self.dialect.header
            || find_header(&bytes[..start + end], start, &self.dialect, &mut vec![]).is_some();
        (if end == 0 || !is_enough { 0 } else { start + end }, Shape { start, kind })
    }

    fn has_lines_by_return(&self, bytes: &[u8]) -> bool {
        exact::has_lines_by_return(bytes, &self.dialect)
    }
}

/// The first record from `at` on that is no comment and not empty, with its fields in `cells`.
fn find_header(
    bytes: &[u8],
    mut at: usize,
    dialect: &Dialect,
    cells: &mut Vec<(u32, u32)>,
) -> Option<exact::Record> {
    while at < bytes.len() {
        cells.clear();
        let record = exact::split_record(bytes, at, dialect, cells);
        let is_empty = cells.len() == 1 && cells[0].0 == cells[0].1;
        if record.is_data && !is_empty {
            return Some(record);
        }
        at = record.next;
    }
    None
}

/// The length of the byte order mark and the skipped lines; None if the lines go on.
fn preamble(bytes: &[u8], skip_lines: usize) -> Option<usize> {
    let mut start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    for _ in 0..skip_lines {
        start += memchr::memchr(b'\n', &bytes[start..])? + 1;
    }
    Some(start)
}

impl CsvSource {
    pub fn open(
        spec: &SourceSpec,
        chunk_bytes: usize,
        level: Level,
    ) -> Result<CsvSource, ConnectError> {
        let dialect = Dialect::of(&spec.arguments);
        let zone = value::zone_of(spec.arguments.text("zone"));
        let plan = |&at: &usize| Plan::of(&spec.columns[at], &dialect, zone.clone());
        let plans = spec.projection.iter().map(plan).collect();
        let inputs = Arc::new(Inputs::find(spec)?);
        let meter = Arc::new(Meter::default());
        let cut = CsvCut { dialect: dialect.clone(), level };
        let mut chunks = Chunks::new(inputs.clone(), meter.clone(), cut, chunk_bytes);
        let table = Table {
            is_whole: spec.is_whole,
            dialect,
            level,
            declared: spec.columns.clone(),
            projection: spec.projection.clone(),
            plans,
            scratch: Mutex::default(),
        };
        // The header of a file that is read from its middle on.
        let mut head = match inputs.start(0) {
            0 => None,
            _ => {
                let cut = CsvCut { dialect: table.dialect.clone(), level };
                Chunks::new(Arc::new(inputs.whole()), Arc::default(), cut, chunk_bytes).next()?
            }
        };
        let mut ahead = if head.is_none() { chunks.next()? } else { None };
        let binding = match ahead.as_mut().or(head.as_mut()) {
            Some(chunk) => Arc::new(table.bind(chunk, &inputs.names[chunk.file])?),
            None => Arc::default(),
        };
        let serial = Mutex::new(Serial { chunks, ahead, binding });
        Ok(CsvSource { inputs, meter, plan: Arc::new(table), serial })
    }
}

impl Source for CsvSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let mut serial = self.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let chunk = match serial.ahead.take() {
            Some(chunk) => chunk,
            None => {
                let Some(mut chunk) = serial.chunks.next()? else { return Ok(None) };
                if chunk.place.first {
                    let name = &self.inputs.names[chunk.file];
                    serial.binding = Arc::new(self.plan.bind(&mut chunk, name)?);
                }
                chunk
            }
        };
        let binding = serial.binding.clone();
        Ok(Some(Box::new(CsvMorsel {
            inputs: self.inputs.clone(),
            chunk,
            binding,
            table: self.plan.clone(),
        })))
    }

    fn files(&self) -> &[Arc<str>] {
        &self.inputs.names
    }

    fn after(&self) -> Beginning {
        self.inputs.after
    }

    fn position(&self) -> Option<(usize, u64)> {
        let serial = self.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = serial.ahead.as_ref().map(|chunk| (chunk.file, chunk.offset));
        ahead.or_else(|| serial.chunks.position())
    }

    fn volume(&self) -> Volume {
        self.meter.volume()
    }
}

impl Table {
    /// Finds the declared columns in the first chunk of a file, and moves its start after the
    /// header.
    fn bind(&self, chunk: &mut Chunk<Shape>, name: &str) -> Result<Binding, ConnectError> {
        let bytes = &chunk.buffer[..chunk.len];
        if !self.dialect.header {
            let fields = self.projection.clone();
            return Ok(Binding { columns: self.declared.len(), fields });
        }
        let mut cells = Vec::new();
        let Some(record) = find_header(bytes, chunk.shape.start, &self.dialect, &mut cells) else {
            return Err(ConnectError::new(format!("{name} is empty, and a header was expected"))
                .help("write `header: false` if it has none"));
        };
        if record.flaw.is_some() {
            let message = format!("the quotes of the header of {name} do not match");
            return Err(ConnectError::new(message));
        }
        let header: Vec<String> = cells
            .iter()
            .map(|&(start, end)| unquoted(&bytes[start as usize..end as usize], &self.dialect))
            .collect();
        chunk.shape.start = record.next;
        if header.iter().any(|name| name.replace("\r\n", "").contains('\r')) {
            return Err(ConnectError::new(format!(
                "the header of {name} has a carriage return, which ends no line by itself"
            ))
            .help("end lines with a line feed; a name cannot have one inside"));
        }
        if self.is_whole {
            refuse_more(name, &self.declared, &header)?;
        }
        let bound = bind_header(&self.declared, &self.projection, &header, name);
        // Its names may be those that are looked for.
        let is_text = |&(start, end): &(u32, u32)| {
            simdutf8::basic::from_utf8(&bytes[start as usize..end as usize]).is_ok()
        };
        match cells.iter().position(|cell| !is_text(cell)) {
            Some(at) if bound.is_err() => Err(not_utf8(name, &header[at])),
            _ => bound,
        }
    }
}

fn not_utf8(name: &str, column: &str) -> ConnectError {
    let column = crate::connect::input::shown(column);
    ConnectError::new(format!("the header of {name} is {NOT_UTF8}: `{column}`"))
        .help(format!("if it is in Latin-1, convert it: {}", to_utf8(name)))
}

/// Finds every declared column by its name in the file; which is wanted does not matter, so that
/// what is an error does not depend on what is read.
fn bind_header(
    declared: &[Column],
    projection: &[usize],
    header: &[String],
    name: &str,
) -> Result<Binding, ConnectError> {
    let mut found = Vec::with_capacity(declared.len());
    for column in declared {
        let mut places = (0..header.len()).filter(|&at| header[at] == *column.external);
        let Some(place) = places.next() else {
            return Err(missing_column(name, &column.external, header));
        };
        if places.next().is_some() {
            let message = format!("{name} has two columns `{}`", column.external);
            return Err(ConnectError::new(message));
        }
        found.push(place);
    }
    let fields = projection.iter().map(|&at| found[at]).collect();
    Ok(Binding { columns: header.len(), fields })
}

impl Plan {
    fn of(column: &Column, dialect: &Dialect, zone: Option<jiff::tz::TimeZone>) -> Plan {
        let data = column.ty.data.clone();
        let nan = data == DataType::Float && column.format.as_deref() == Some("nan");
        let clock = Clock { format: column.format.clone().filter(|_| !nan), zone };
        let nullable = column.ty.nullable;
        let null_looks_like_value = nullable && dialect.nulls.iter().any(|null| !null.is_empty());
        Plan { data, nullable, nan, clock, null_looks_like_value }
    }
}

struct CsvMorsel {
    inputs: Arc<Inputs>,
    chunk: Chunk<Shape>,
    binding: Arc<Binding>,
    table: Arc<Table>,
}

/// The fields of an indexed chunk.
#[derive(Clone, Copy)]
struct Marked<'a> {
    bytes: &'a [u8],
    marks: &'a [u32],
    columns: usize,
    field: usize,
    /// A carriage return before the line end is not part of the last field.
    is_last: bool,
}

impl Spans for Marked<'_> {
    #[inline(always)]
    fn get(self, row: usize) -> (usize, usize) {
        let at = row * self.columns + self.field;
        let [before, end] = self.marks[at..at + 2] else { unreachable!("two marks") };
        let (start, end) = (before.wrapping_add(1) as usize, end as usize);
        let carriage_return = self.is_last && end > start && self.bytes[end - 1] == b'\r';
        (start, end - usize::from(carriage_return))
    }
}

/// The fields of a chunk that was split byte by byte.
#[derive(Clone, Copy)]
struct Listed<'a> {
    cells: &'a [Cell],
    columns: usize,
    field: usize,
}

impl Spans for Listed<'_> {
    fn get(self, row: usize) -> (usize, usize) {
        let (start, end) = self.cells[row * self.columns + self.field];
        (start as usize, end as usize)
    }
}

/// How the records of a chunk were found.
enum Layout<'a> {
    Marked(&'a [u32]),
    Listed(Records),
}

impl Morsel for CsvMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let scratch = &self.table.scratch;
        let pooled = scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut marks = pooled.unwrap_or_default();
        let extent = self.read_with(&mut marks, emit);
        scratch.lock().unwrap_or_else(PoisonError::into_inner).push(marks);
        extent
    }
}

impl CsvMorsel {
    fn read_with(
        &self,
        marks: &mut Vec<u32>,
        emit: &mut dyn FnMut(Rows) -> bool,
    ) -> Result<Extent, ConnectError> {
        let (chunk, table, columns) = (&self.chunk, &*self.table, self.binding.columns);
        let bytes: &[u8] = &chunk.buffer;
        let (layout, rows) = self.layout(marks);
        self.check_end(&layout)?;
        let lines_in = |range: std::ops::Range<usize>| memchr::memchr_iter(b'\n', &bytes[range]);
        let before = lines_in(0..chunk.shape.start).count();
        let ends = match &layout {
            Layout::Marked(_) if chunk.shape.kind == Kind::Plain => rows,
            _ => lines_in(chunk.shape.start..chunk.len).count(),
        };
        let lines = match &layout {
            Layout::Marked(_) if ends == rows => RowLines::From(before as u64),
            _ => RowLines::at(bytes, (0..rows).map(|row| self.record_start(&layout, row))),
        };
        let line_ends = before + ends - usize::from(chunk.line_end_added);
        let extent = Extent { file: chunk.file, records: rows as u64, lines: line_ends as u64 };
        let buffer = Buffer::from(chunk.buffer.clone());
        let has_text = table.plans.iter().any(|plan| plan.data == DataType::String);
        let text = has_text.then(|| Utf8Bytes::check(bytes, chunk.len)).flatten();
        for first in (0..rows).step_by(BATCH_ROWS_MAX) {
            let range = first..rows.min(first + BATCH_ROWS_MAX);
            let mut reader = Reader {
                bytes,
                buffer: &buffer,
                text,
                dialect: &table.dialect,
                rows: range.clone(),
                bad: Vec::new(),
            };
            let wanted = table.plans.iter().zip(&self.binding.fields).enumerate();
            let arrays = wanted
                .map(|(at, (plan, &field))| match &layout {
                    Layout::Marked(marks) => {
                        let is_last = field + 1 == columns;
                        let spans = Marked { bytes, marks, columns, field, is_last };
                        reader.column(at as u32, plan, spans)
                    }
                    Layout::Listed(records) => {
                        let spans = Listed { cells: &records.cells, columns, field };
                        reader.column(at as u32, plan, spans)
                    }
                })
                .collect();
            let mut bad = reader.bad;
            self.add_flaws(&layout, range.clone(), &mut bad);
            bad.sort_by_key(|bad| bad.row);
            keep_records(&mut bad, |row| &bytes[self.record(&layout, first + row)]);
            let positions = Positions::Range(first as u64);
            let batch = Batch { columns: arrays, rows: range.len(), positions };
            if !emit(Rows { batch, bad, file: chunk.file, lines: lines.clone() }) {
                break;
            }
        }
        Ok(extent)
    }

    /// Finds the fields of all records, and how many records there are.
    fn layout<'m>(&self, marks: &'m mut Vec<u32>) -> (Layout<'m>, usize) {
        let (chunk, columns) = (&self.chunk, self.binding.columns);
        let (bytes, start) = (&chunk.buffer, chunk.shape.start);
        if chunk.shape.kind != Kind::Irregular {
            let dialect = &self.table.dialect;
            let quote = dialect.quote.filter(|_| chunk.shape.kind == Kind::Quoted);
            let signs = Signs { delimiter: dialect.delimiter, quote };
            let found = index::index(self.table.level, bytes, start, chunk.len, signs, marks);
            let rows = found.records;
            // With as many line ends as records and one at the end of each, there is none inside.
            // In a file of one column an empty line is a record, in others `rows * columns` is not
            // the number of fields.
            let is_regular = found.fields == rows * columns
                && (1..=rows).all(|row| bytes[marks[row * columns] as usize] == b'\n');
            if is_regular {
                return (Layout::Marked(marks), rows);
            }
        }
        let records =
            exact::split_records(&bytes[..chunk.len], start, &self.table.dialect, columns);
        let rows = records.starts.len();
        (Layout::Listed(records), rows)
    }

    fn record_start(&self, layout: &Layout<'_>, row: usize) -> usize {
        match layout {
            Layout::Marked(marks) => marks[row * self.binding.columns].wrapping_add(1) as usize,
            Layout::Listed(records) => records.starts[row] as usize,
        }
    }

    /// Where a record stands, without comments and empty lines behind it.
    fn record(&self, layout: &Layout<'_>, row: usize) -> std::ops::Range<usize> {
        let last = (row + 1) * self.binding.columns;
        let end = match layout {
            Layout::Marked(marks) => marks[last],
            Layout::Listed(Records { cells, refused, .. }) => {
                match refused.binary_search_by_key(&(row as u32), |one| one.row) {
                    Ok(at) => refused[at].end,
                    Err(_) => cells[last - 1].1,
                }
            }
        };
        self.record_start(layout, row)..end as usize
    }

    /// Reports the records of `rows` that are bad as a whole.
    fn add_flaws(
        &self,
        layout: &Layout<'_>,
        rows: std::ops::Range<usize>,
        bad: &mut Vec<BadValue>,
    ) {
        let Layout::Listed(records) = layout else { return };
        let refused = records.refused.iter().filter(|one| rows.contains(&(one.row as usize)));
        for &Refused { row, flaw, .. } in refused {
            let record = self.record(layout, row as usize);
            bad.push(BadValue {
                row: row - rows.start as u32,
                column: None,
                path: String::new(),
                text: shown(self.chunk.buffer[record].trim_ascii_end()),
                record: None,
                is_literal: true,
                reason: self.reason(flaw),
            });
        }
    }

    fn reason(&self, flaw: Flaw) -> String {
        let columns = self.binding.columns;
        match flaw {
            Flaw::Fields(fields) => {
                let s = if fields == 1 { "" } else { "s" };
                if self.table.dialect.header {
                    format!("{fields} field{s} where the header has {columns}")
                } else {
                    let are = if columns == 1 { "is" } else { "are" };
                    format!("{fields} field{s} where {columns} {are} declared")
                }
            }
            Flaw::TextAfterQuote(0) => "text follows a closing quote".into(),
            Flaw::TextAfterQuote(lines) => {
                let s = if lines == 1 { "" } else { "s" };
                format!("text follows a closing quote, whose opening one is {lines} line{s} before")
            }
            Flaw::OpenQuote(_) => "a quote is never closed".into(),
        }
    }

    /// A quote that is never closed has taken the rest of the file, unless it stands in the last
    /// line.
    fn check_end(&self, layout: &Layout<'_>) -> Result<(), ConnectError> {
        let Layout::Listed(Records { refused, .. }) = layout else { return Ok(()) };
        let Some(&Refused { flaw: Flaw::OpenQuote(quote), .. }) = refused.last() else {
            return Ok(());
        };
        let (chunk, quote) = (&self.chunk, quote as usize);
        let rest = chunk.buffer[quote..chunk.len].trim_ascii_end();
        let lines = memchr::memchr_iter(b'\n', rest).count();
        if lines == 0 {
            return Ok(());
        }
        let name = &self.inputs.names[chunk.file];
        let line = self.inputs.line_at(chunk.file, chunk.offset + quote as u64)?;
        let s = if lines == 1 { "" } else { "s" };
        Err(ConnectError::new(format!(
            "the quote that opens in line {line} of {name} is never closed, \
             and the {lines} line{s} behind it cannot be read"
        ))
        .help("correct that line; or, if quotes mean nothing in the file, give the source `quote: \"\"`"))
    }
}
