//! JSON values as columns of the declared types, lists and records included.
//!
//! Strict as to kinds: a number is no text and a text no number, except that decimals may be texts
//! (which keeps their digits in other programs) and times always are.

use super::cells::{Cells, Within};
use super::scan::{ABSENT, Cell};
use crate::connect::BadValue;
use crate::connect::chunk::SLACK;
use crate::connect::shown::shown;
use crate::connect::value::{self, Clock, LastDay, Reason};
use crate::connect::views::{Texts, Utf8Bytes};
use crate::data::parse::NOT_UTF8;
use crate::data::{arrow_type, maps, null_array};
use crate::types::{DataType, Field, Type};
use arrow_array::types::*;
use arrow_array::{ArrayRef, BooleanArray, ListArray, PrimitiveArray, StructArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, Field as ArrowField};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Builds columns from values in one buffer.
pub struct Builder<'a> {
    /// The buffer, with slack at its end.
    pub bytes: &'a [u8],
    /// The same, kept alive by the arrays.
    pub buffer: &'a Buffer,
    /// The same as text, if it is UTF-8.
    pub text: Option<Utf8Bytes<'a>>,
}

/// How the values of a column are spelled.
#[derive(Clone, Default)]
pub struct Spelling {
    /// Times.
    pub clock: Clock,
    /// Are the texts `NaN` and `Infinity` floats?
    pub nan: bool,
}

/// A value that is not of its type.
#[derive(Debug)]
pub struct Issue {
    /// Which of the cells.
    pub row: usize,
    /// Where in the cell: `[2].name`.
    pub path: String,
    /// Where its text stands.
    pub cell: Cell,
    /// What is wrong.
    pub reason: Reason,
}

impl Issue {
    fn new(row: usize, cell: Cell, reason: Reason) -> Issue {
        Issue { row, path: String::new(), cell, reason }
    }

    /// The bad value of a column, whose text stands in `bytes`. Its line and record are set later.
    pub fn into_bad(self, column: u32, bytes: &[u8]) -> BadValue {
        let text = bytes.get(self.cell.0 as usize..self.cell.1 as usize).unwrap_or(b"");
        BadValue {
            row: self.row as u32,
            column: Some(column),
            path: self.path,
            text: if text == b"null" { String::new() } else { shown(text) },
            record: None,
            is_literal: true,
            reason: self.reason.into_owned(),
        }
    }
}

/// Which cells are null, for want of a value or because it is bad.
struct Validity {
    valid: Vec<bool>,
    nulls: usize,
}

impl Validity {
    fn finish(self) -> Option<NullBuffer> {
        (self.nulls > 0).then(|| NullBuffer::from(self.valid))
    }
}

impl Builder<'_> {
    /// Some rows as a column of type `ty`; values that are not of it are null and an issue.
    pub fn column(
        &self,
        found: &Cells,
        rows: Range<usize>,
        ty: &Type,
        spelling: &Spelling,
        issues: &mut Vec<Issue>,
    ) -> ArrayRef {
        let cells = &found.at[rows.clone()];
        let clock = &spelling.clock;
        let (format, utc) = (clock.format.is_some(), clock.is_utc());
        let mut last = LastDay::default();
        macro_rules! array {
            ($ty:ty, $read:expr) => {{
                let (values, nulls) = self.values(cells, ty, issues, $read);
                let array = PrimitiveArray::<$ty>::new(values.into(), nulls);
                Arc::new(array.with_data_type(arrow_type(&ty.data)))
            }};
        }
        match &ty.data {
            DataType::Int => array!(Int64Type, |cell| self.int(cell)),
            DataType::Float => array!(Float64Type, |cell| self.float(cell, spelling.nan)),
            DataType::Decimal { precision, scale } => {
                array!(Decimal128Type, |cell| self.decimal(cell, *precision, *scale))
            }
            DataType::Bool => {
                let (values, nulls) = self.values(cells, ty, issues, |cell| self.boolean(cell));
                Arc::new(BooleanArray::new(values.into(), nulls))
            }
            DataType::Date => array!(Date32Type, |(start, end)| {
                let (from, to) = (start as usize + 1, (end as usize).saturating_sub(1));
                match value::fast_date(self.bytes, from, to, &mut last) {
                    Some(days) if !format && self.is_text((start, end)) => Ok(days),
                    _ => value::date(&self.inner((start, end), "not a date")?, clock),
                }
            }),
            DataType::Datetime | DataType::Timestamp => {
                let zoned = ty.data == DataType::Timestamp;
                array!(TimestampMicrosecondType, |(start, end)| {
                    let (from, to) = (start as usize + 1, (end as usize).saturating_sub(1));
                    let fast = value::fast_datetime(self.bytes, from, to, &mut last);
                    let is_text = self.is_text((start, end));
                    match fast.filter(|_| !format && is_text) {
                        Some((micros, zone)) if zone == zoned || zoned && utc => Ok(micros),
                        _ if zoned => {
                            value::timestamp(&self.inner((start, end), "not a timestamp")?, clock)
                        }
                        _ => value::datetime(&self.inner((start, end), "not a datetime")?, clock),
                    }
                })
            }
            DataType::Duration => array!(DurationMicrosecondType, |cell| {
                value::duration(&self.inner(cell, "not a duration")?)
            }),
            DataType::Enum(declared) => array!(Int32Type, |cell| {
                let text = self.inner(cell, "not a text")?;
                let text = std::str::from_utf8(&text).map_err(|_| NOT_UTF8)?;
                let member = declared.by_text(text).map(|at| at as i32);
                member.ok_or_else(|| declared.refusal().into())
            }),
            DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
                self.texts(cells, ty, issues)
            }
            DataType::Time => array!(DurationMicrosecondType, |cell| {
                value::time(&self.inner(cell, "not a time")?)
            }),
            DataType::Map(entry) => self.maps(cells, ty, entry, spelling, issues),
            DataType::List(item) => self.lists(found, rows, (ty, item), spelling, issues),
            DataType::Record(fields) => self.records(found, rows, (ty, fields), spelling, issues),
            DataType::Named(_) => unreachable!("what runs knows the types behind"),
            DataType::Unknown | DataType::Null => null_array(&ty.data, cells.len()),
        }
    }

    fn values<T: Default>(
        &self,
        cells: &[Cell],
        ty: &Type,
        issues: &mut Vec<Issue>,
        mut read: impl FnMut(Cell) -> Result<T, Reason>,
    ) -> (Vec<T>, Option<NullBuffer>) {
        let mut nulls = Vec::new();
        let value = |(row, &cell)| {
            let read = if self.is_null(cell) { self.null(cell, ty) } else { read(cell).map(Some) };
            match read {
                Ok(Some(value)) => return value,
                Ok(None) => {}
                Err(reason) => issues.push(Issue::new(row, cell, reason)),
            }
            nulls.push(row);
            T::default()
        };
        let values = cells.iter().enumerate().map(value).collect();
        let validity = (!nulls.is_empty()).then(|| {
            let mut valid = vec![true; cells.len()];
            nulls.into_iter().for_each(|row| valid[row] = false);
            NullBuffer::from(valid)
        });
        (values, validity)
    }

    #[inline]
    fn is_null(&self, (start, end): Cell) -> bool {
        start > end || self.bytes[start as usize] == b'n'
    }

    fn null<T>(&self, cell: Cell, ty: &Type) -> Result<Option<T>, Reason> {
        if ty.nullable {
            return Ok(None);
        }
        let what = if cell == ABSENT { "missing" } else { "null" };
        Err(format!("{what}, and its type has no `?`").into())
    }

    #[inline]
    fn is_text(&self, (start, _): Cell) -> bool {
        self.bytes[start as usize] == b'"'
    }

    #[inline]
    fn raw(&self, (start, end): Cell) -> &[u8] {
        &self.bytes[start as usize..end as usize]
    }

    /// The text of a value that is one.
    fn inner(&self, cell: Cell, reason: &'static str) -> Result<Cow<'_, [u8]>, Reason> {
        let raw = self.raw(cell);
        if raw[0] != b'"' {
            return Err(reason.into());
        }
        unescape(&raw[1..raw.len() - 1])
    }

    fn is_number(&self, cell: Cell) -> bool {
        matches!(self.bytes[cell.0 as usize], b'-' | b'0'..=b'9')
    }

    #[inline]
    fn int(&self, cell: Cell) -> Result<i64, Reason> {
        match value::fast_int(self.bytes, cell.0 as usize, cell.1 as usize) {
            Some(value) => Ok(value),
            None => value::int(self.raw(cell)),
        }
    }

    #[inline]
    fn float(&self, cell: Cell, nan: bool) -> Result<f64, Reason> {
        match value::fast_float(self.bytes, cell.0 as usize, cell.1 as usize) {
            Some(value) => Ok(value),
            None if self.is_number(cell) => value::float(self.raw(cell), false),
            None => {
                let text = self.inner(cell, "not a float")?;
                // A number must not be a text, and only a text can be no number.
                let is_number = text.iter().any(u8::is_ascii_digit);
                if is_number { Err("not a float".into()) } else { value::float(&text, nan) }
            }
        }
    }

    fn decimal(&self, cell: Cell, precision: u8, scale: u8) -> Result<i128, Reason> {
        let (start, end) = (cell.0 as usize, cell.1 as usize);
        match value::fast_decimal(self.bytes, start, end, precision, scale) {
            Some(value) => Ok(value),
            None if self.is_number(cell) => value::decimal(self.raw(cell), precision, scale),
            None if self.is_text(cell) => {
                value::decimal(&self.inner(cell, "not a text")?, precision, scale)
            }
            None => Err(format!("not a decimal({precision}, {scale})").into()),
        }
    }

    fn boolean(&self, cell: Cell) -> Result<bool, Reason> {
        match self.bytes[cell.0 as usize] {
            b't' => Ok(true),
            b'f' => Ok(false),
            _ => Err("not a bool".into()),
        }
    }

    fn texts(&self, cells: &[Cell], ty: &Type, issues: &mut Vec<Issue>) -> ArrayRef {
        let mut texts = Texts::with_capacity(cells.len());
        let mut validity = Validity { valid: Vec::new(), nulls: 0 };
        validity.valid.resize(cells.len(), true);
        for (row, &cell) in cells.iter().enumerate() {
            let pushed = if self.is_null(cell) {
                self.null::<()>(cell, ty)
            } else {
                match ty.data {
                    DataType::Json => self.push_held(self.raw(cell), ty, &mut texts).map(Some),
                    DataType::Uuid => self.push_inner(cell, "not a uuid", ty, &mut texts),
                    DataType::Bytes => self.push_inner(cell, "not bytes", ty, &mut texts),
                    _ => self.push_text(cell, &mut texts).map(Some),
                }
            };
            if let Ok(Some(())) = pushed {
                continue;
            }
            texts.push_empty();
            validity.valid[row] = false;
            validity.nulls += 1;
            if let Err(reason) = pushed {
                issues.push(Issue::new(row, cell, reason));
            }
        }
        Arc::new(texts.finish(self.text, self.buffer, validity.finish()))
    }

    /// The value as it is held.
    fn push_held(&self, text: &[u8], ty: &Type, texts: &mut Texts) -> Result<(), Reason> {
        texts.push_copy(&value::held(text, &ty.data)?);
        Ok(())
    }

    /// The same of what a text spells.
    fn push_inner(
        &self,
        cell: Cell,
        reason: &'static str,
        ty: &Type,
        texts: &mut Texts,
    ) -> Result<Option<()>, Reason> {
        let text = self.inner(cell, reason)?;
        self.push_held(&text, ty, texts).map(Some)
    }

    /// Objects as the lists of entries that maps are.
    fn maps(
        &self,
        cells: &[Cell],
        ty: &Type,
        entry: &Type,
        spelling: &Spelling,
        issues: &mut Vec<Issue>,
    ) -> ArrayRef {
        let list = DataType::List(Box::new(entry.clone())).optional();
        let (mut texts, mut places) = (String::new(), vec![]);
        for (row, &cell) in cells.iter().enumerate() {
            let before = texts.len();
            let written = match self.is_null(cell) {
                true => self.null::<()>(cell, ty),
                false => self.push_entries(cell, entry, &mut texts).map(Some),
            };
            if !matches!(written, Ok(Some(()))) {
                texts.truncate(before);
            }
            places.push(matches!(written, Ok(Some(()))).then(|| before..texts.len()));
            if let Err(reason) = written {
                issues.push(Issue::new(row, cell, reason));
            }
        }
        let len = texts.len();
        let mut texts = texts.into_bytes();
        texts.resize(len + SLACK, 0);
        let buffer = Buffer::from_vec(texts);
        let mut inner = Cells::new(&list);
        for place in places {
            if !place.is_some_and(|place| inner.read_whole(&buffer, place)) {
                inner.push_absent();
            }
        }
        let text = Utf8Bytes::check(&buffer, len);
        let builder = Builder { bytes: &buffer, buffer: &buffer, text };
        let mut found = vec![];
        let array = builder.column(&inner, 0..cells.len(), &list, spelling, &mut found);
        issues.extend(found.into_iter().map(|issue| {
            let reason = match issue.reason.starts_with("not ") {
                true => format!("a map with a value that is {}", issue.reason),
                false => format!("not a map: of a value, {}", issue.reason),
            };
            Issue::new(issue.row, cells[issue.row], reason.into())
        }));
        array
    }

    fn push_entries(&self, cell: Cell, entry: &Type, out: &mut String) -> Result<(), Reason> {
        let json = value::held(self.raw(cell), &DataType::Json)?;
        let (key, _) = entry.entry().ok_or("not a map")?;
        maps::write_entries(&json, key, out)
    }

    #[inline]
    fn push_text(&self, cell: Cell, texts: &mut Texts) -> Result<(), Reason> {
        let raw = self.raw(cell);
        if raw[0] != b'"' {
            return Err("not a string".into());
        }
        let inner = &raw[1..raw.len() - 1];
        match self.text {
            Some(text) if !inner.contains(&b'\\') => {
                texts.push(text, cell.0 as usize + 1, cell.1 as usize - 1);
            }
            _ => {
                let text = unescape(inner)?;
                texts.push_copy(simdutf8::basic::from_utf8(&text).map_err(|_| NOT_UTF8)?);
            }
        }
        Ok(())
    }

    /// Finds the cells that hold a value that begins with `open`.
    fn opened(
        &self,
        cells: &[Cell],
        ty: &Type,
        (open, reason): (u8, &'static str),
        issues: &mut Vec<Issue>,
    ) -> Option<NullBuffer> {
        let (_, nulls) = self.values(cells, ty, issues, |cell| {
            if self.bytes[cell.0 as usize] == open { Ok(()) } else { Err(reason.into()) }
        });
        nulls
    }

    fn lists(
        &self,
        found: &Cells,
        rows: Range<usize>,
        (ty, item): (&Type, &Type),
        spelling: &Spelling,
        issues: &mut Vec<Issue>,
    ) -> ArrayRef {
        let Within::Items { ends, items } = &found.within else { unreachable!("a list") };
        let nulls = self.opened(&found.at[rows.clone()], ty, (b'[', "not a list"), issues);
        let first = rows.start.checked_sub(1).map_or(0, |before| ends[before]);
        let ends = ends[rows].iter().map(|end| (end - first) as i32);
        let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
        let offsets = OffsetBuffer::new(offsets.into());
        let mut inner = Vec::new();
        let range = first as usize..first as usize + offsets[offsets.len() - 1] as usize;
        let array = self.column(items, range, item, spelling, &mut inner);
        issues.extend(inner.into_iter().map(|issue| {
            let row = offsets.partition_point(|&start| start as usize <= issue.row) - 1;
            let path = format!("[{}]{}", issue.row - offsets[row] as usize, issue.path);
            Issue { row, path, ..issue }
        }));
        let field = Arc::new(ArrowField::new("item", arrow_type(&item.data), true));
        Arc::new(ListArray::new(field, offsets, array, nulls))
    }

    fn records(
        &self,
        found: &Cells,
        rows: Range<usize>,
        (ty, fields): (&Type, &Arc<[Field]>),
        spelling: &Spelling,
        issues: &mut Vec<Issue>,
    ) -> ArrayRef {
        let Within::Fields(values) = &found.within else { unreachable!("a record") };
        let nulls = self.opened(&found.at[rows.clone()], ty, (b'{', "not a record"), issues);
        let is_null = |row| nulls.as_ref().is_some_and(|nulls: &NullBuffer| nulls.is_null(row));
        let columns = fields.iter().zip(&values.cells).map(|(field, cells)| {
            let mut inner = Vec::new();
            let column = self.column(cells, rows.clone(), &field.ty, spelling, &mut inner);
            // The fields of a record that is null are not missing.
            issues.extend(inner.into_iter().filter(|issue| !is_null(issue.row)).map(|issue| {
                let path = format!(".{}{}", field.name, issue.path);
                Issue { path, ..issue }
            }));
            column
        });
        let columns = columns.collect();
        let ArrowType::Struct(fields) = arrow_type(&ty.data) else { unreachable!("a record") };
        Arc::new(StructArray::new(fields, columns, nulls))
    }
}

/// A text without its escapes.
pub fn unescape(text: &[u8]) -> Result<Cow<'_, [u8]>, Reason> {
    let Some(first) = memchr::memchr(b'\\', text) else { return Ok(Cow::Borrowed(text)) };
    let mut out = text[..first].to_vec();
    let mut rest = &text[first..];
    while let [b'\\', escape, after @ ..] = rest {
        rest = after;
        let plain = match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (code, after) = code_point(rest)?;
                rest = after;
                out.extend_from_slice(code.encode_utf8(&mut [0; 4]).as_bytes());
                let next = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
                out.extend_from_slice(&rest[..next]);
                rest = &rest[next..];
                continue;
            }
            _ => return Err("an escape that JSON does not have".into()),
        };
        out.push(plain);
        let next = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..next]);
        rest = &rest[next..];
    }
    Ok(Cow::Owned(out))
}

/// The character of `XXXX` or of the pair `XXXX\uXXXX`.
fn code_point(text: &[u8]) -> Result<(char, &[u8]), Reason> {
    let unit = |text: &[u8]| {
        let digits = std::str::from_utf8(text.get(..4)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(text).ok_or("`\\u` without four digits")?;
    if let Some(code) = char::from_u32(first) {
        return Ok((code, &text[4..]));
    }
    let low = text.get(4..6).filter(|next| *next == b"\\u").and_then(|_| unit(&text[6..]));
    match low {
        Some(low @ 0xDC00..=0xDFFF) if first < 0xDC00 => {
            let code = 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            Ok((char::from_u32(code).ok_or("half a character")?, &text[10..]))
        }
        _ => Err("half a character (a lone surrogate)".into()),
    }
}
