//! Records split byte by byte as RFC 4180 says: for what the index cannot take, and as the
//! definition that the index is tested against.
//!
//! A quote in a field that does not begin with one is text. After a closing quote the field must
//! end; otherwise the record is refused, and the field goes on to the next delimiter. A carriage
//! return before a line feed belongs to the line end; alone it is text. Empty lines are skipped
//! unless the file has one column, where they are an empty field.

use super::dialect::Dialect;

/// A field as it stands in the bytes, quotes included; `start > end` for one that is missing.
pub type Cell = (u32, u32);

/// The cell of a record that has no usable fields.
pub const ABSENT: Cell = (1, 0);

/// What is wrong with a whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It has another number of fields than the file has columns.
    Fields(usize),
    /// Text follows a closing quote, so many lines behind the opening one.
    TextAfterQuote(u32),
    /// The file ends inside quotes that open here.
    OpenQuote(u32),
}

/// One line or more of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where the next one begins.
    pub next: usize,
    /// Is it a record, not a comment?
    pub is_data: bool,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
}

/// The records of a chunk.
#[derive(Debug, Default)]
pub struct Records {
    /// The fields of all records, each of as many as the file has columns.
    pub cells: Vec<Cell>,
    /// Where each record begins.
    pub starts: Vec<u32>,
    /// The records that are refused.
    pub refused: Vec<Refused>,
}

/// A record that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which one.
    pub row: u32,
    /// After its line end; comments and empty lines may follow before the next record.
    pub end: u32,
    /// Why.
    pub flaw: Flaw,
}

/// Splits the record that begins at `start` and appends its fields. The bytes end with a line end;
/// a record that they do not hold whole is a [`Flaw::OpenQuote`].
pub fn split_record(
    bytes: &[u8],
    start: usize,
    dialect: &Dialect,
    cells: &mut Vec<Cell>,
) -> Record {
    let line_end = |at: usize| memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
    if dialect.comment.is_some() && bytes.get(start).copied() == dialect.comment {
        let next = (line_end(start) + 1).min(bytes.len());
        return Record { next, is_data: false, flaw: None };
    }
    let (mut at, mut flaw) = (start, None);
    loop {
        let begin = at;
        if dialect.quote.is_some() && bytes.get(at).copied() == dialect.quote {
            let Some(after) = quoted_end(bytes, at, bytes[at]) else {
                cells.push((begin as u32, bytes.len() as u32));
                let flaw = Some(Flaw::OpenQuote(begin as u32));
                return Record { next: bytes.len(), is_data: true, flaw };
            };
            at = after;
            let ends = bytes[at..].starts_with(b"\r\n")
                || matches!(bytes.get(at), Some(&byte) if byte == b'\n' || byte == dialect.delimiter);
            if !ends {
                let lines = memchr::memchr_iter(b'\n', &bytes[begin..at]).count();
                flaw = flaw.or(Some(Flaw::TextAfterQuote(lines as u32)));
            }
        }
        let rest = &bytes[at..];
        at += memchr::memchr2(dialect.delimiter, b'\n', rest).unwrap_or(rest.len());
        if bytes.get(at) == Some(&dialect.delimiter) {
            cells.push((begin as u32, at as u32));
            at += 1;
            continue;
        }
        let carriage_return = at > begin && bytes[at - 1] == b'\r';
        cells.push((begin as u32, at as u32 - u32::from(carriage_return)));
        return Record { next: (at + 1).min(bytes.len()), is_data: true, flaw };
    }
}

/// After the quote that closes the one at `start`.
fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr(quote, &bytes[at..])? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// Does a carriage return stand outside of quotes, and other bytes behind it? The bytes have no line feed.
pub fn has_lines_by_return(bytes: &[u8], dialect: &Dialect) -> bool {
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut begins = true;
    while let Some(&byte) = bytes.get(at) {
        if begins && Some(byte) == dialect.quote {
            let Some(after) = quoted_end(bytes, at, byte) else { return false };
            (at, begins) = (after, false);
            continue;
        }
        if byte == b'\r' {
            return at + 1 < bytes.len();
        }
        (at, begins) = (at + 1, byte == dialect.delimiter);
    }
    false
}

/// Splits all records of `bytes`, which has `columns` columns.
pub fn split_records(bytes: &[u8], start: usize, dialect: &Dialect, columns: usize) -> Records {
    let mut records = Records::default();
    let mut at = start;
    while at < bytes.len() {
        let before = records.cells.len();
        let record = split_record(bytes, at, dialect, &mut records.cells);
        let fields = records.cells.len() - before;
        let is_empty = fields == 1 && records.cells[before].0 == records.cells[before].1;
        if !record.is_data || is_empty && columns != 1 {
            records.cells.truncate(before);
        } else {
            let ragged = (fields != columns).then_some(Flaw::Fields(fields));
            if let Some(flaw) = record.flaw.or(ragged) {
                let (row, end) = (records.starts.len() as u32, record.next as u32);
                records.refused.push(Refused { row, end, flaw });
                records.cells.truncate(before);
                records.cells.resize(before + columns, ABSENT);
            }
            records.starts.push(at as u32);
        }
        at = record.next;
    }
    records
}

/// The length of the whole records at the beginning of `bytes`, which may break off anywhere.
pub fn records_end(bytes: &[u8], dialect: &Dialect) -> usize {
    let (mut end, mut cells) = (0, Vec::new());
    while end < bytes.len() {
        cells.clear();
        let record = split_record(bytes, end, dialect, &mut cells);
        if bytes[record.next - 1] != b'\n' || matches!(record.flaw, Some(Flaw::OpenQuote(_))) {
            break;
        }
        end = record.next;
    }
    end
}
