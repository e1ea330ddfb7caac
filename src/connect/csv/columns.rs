//! One column of a batch from the fields of its records: a tight loop for the common spelling, and
//! [`slow`](Reader::slow) for quoted, null and bad values.
//!
//! Where the fields stand is [`Spans`]' business: the loops are the same for indexed chunks and
//! for those that were split byte by byte.

use super::dialect::Dialect;
use crate::connect::chunk::SLACK;
use crate::connect::shown::shown;
use crate::connect::value::{self, Clock, LastDay, Reason};
use crate::connect::views::{Texts, Utf8Bytes};
use crate::connect::{BadValue, json};
use crate::data::parse::NOT_UTF8;
use crate::data::{TextBuilder, arrow_type, null_array};
use crate::types::{DataType, EnumType};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type,
    Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Where the fields of one column stand.
pub trait Spans: Copy {
    /// Start and end of the field of a record, quotes included; `start > end` if it is missing.
    fn get(self, row: usize) -> (usize, usize);
}

/// How a column is read.
pub struct Plan {
    /// Its type.
    pub data: DataType,
    /// May it be null?
    pub nullable: bool,
    /// Are `NaN` and `Infinity` floats?
    pub nan: bool,
    /// How times are spelled.
    pub clock: Clock,
    /// Could a value in its common spelling be a spelling of null?
    pub null_looks_like_value: bool,
}

/// What all columns of a batch share.
pub struct Reader<'a> {
    /// The chunk and its slack.
    pub bytes: &'a [u8],
    /// The same, kept alive by the arrays.
    pub buffer: &'a Buffer,
    /// The same as text, if it is UTF-8.
    pub text: Option<Utf8Bytes<'a>>,
    /// The spelling of the file.
    pub dialect: &'a Dialect,
    /// Rows of the batch.
    pub rows: Range<usize>,
    /// Values that are not of their column's type.
    pub bad: Vec<BadValue>,
}

/// A field without its quotes.
struct Field<'a> {
    text: Cow<'a, [u8]>,
    is_quoted: bool,
}

impl Reader<'_> {
    /// Reads column `column` of the projection.
    pub fn column<S: Spans>(&mut self, column: u32, plan: &Plan, spans: S) -> ArrayRef {
        let mut last = LastDay::default();
        let format = plan.clock.format.is_some();
        let utc = plan.clock.is_utc();
        macro_rules! array {
            ($ty:ty, $fast:expr, $slow:expr) => {
                self.primitive::<$ty, S>(column, plan, spans, $fast, $slow)
            };
        }
        match &plan.data {
            DataType::Int => array!(Int64Type, value::fast_int, value::int),
            DataType::Float => {
                array!(Float64Type, value::fast_float, |text| value::float(text, plan.nan))
            }
            DataType::Decimal { precision, scale } => {
                let (precision, scale) = (*precision, *scale);
                array!(
                    Decimal128Type,
                    |bytes, start, end| value::fast_decimal(bytes, start, end, precision, scale),
                    |text| value::decimal(text, precision, scale)
                )
            }
            DataType::Date if format => {
                array!(Date32Type, |_, _, _| None, |text| value::date(text, &plan.clock))
            }
            DataType::Date => array!(
                Date32Type,
                |bytes, start, end| value::fast_date(bytes, start, end, &mut last),
                |text| value::date(text, &plan.clock)
            ),
            DataType::Datetime => array!(
                TimestampMicrosecondType,
                |bytes, start, end| match value::fast_datetime(bytes, start, end, &mut last) {
                    Some((micros, false)) if !format => Some(micros),
                    _ => None,
                },
                |text| value::datetime(text, &plan.clock)
            ),
            DataType::Timestamp => array!(
                TimestampMicrosecondType,
                |bytes, start, end| match value::fast_datetime(bytes, start, end, &mut last) {
                    Some((micros, zone)) if !format && (zone || utc) => Some(micros),
                    _ => None,
                },
                |text| value::timestamp(text, &plan.clock)
            ),
            DataType::Duration => {
                array!(DurationMicrosecondType, |_, _, _| None, value::duration)
            }
            DataType::Enum(declared) => {
                let members = Members::of(declared);
                let mut last = 0;
                array!(
                    Int32Type,
                    |bytes, start, end| members.find(bytes.get(start..end)?, &mut last),
                    |text| members.find(text, &mut 0).ok_or_else(|| declared.refusal().into())
                )
            }
            DataType::Bool => self.booleans(column, plan, spans),
            DataType::String => self.strings(column, plan, spans),
            DataType::Json | DataType::Uuid | DataType::Bytes => self.held(column, plan, spans),
            DataType::Time => array!(DurationMicrosecondType, |_, _, _| None, value::time),
            DataType::List(_) | DataType::Map(_) | DataType::Record(_) => {
                self.nested(column, plan, spans)
            }
            DataType::Named(_) => unreachable!("what runs knows the types behind"),
            DataType::Unknown | DataType::Null => null_array(&plan.data, self.rows.len()),
        }
    }

    fn primitive<T: ArrowPrimitiveType, S: Spans>(
        &mut self,
        column: u32,
        plan: &Plan,
        spans: S,
        mut fast: impl FnMut(&[u8], usize, usize) -> Option<T::Native>,
        mut slow: impl FnMut(&[u8]) -> Result<T::Native, Reason>,
    ) -> ArrayRef {
        let mut nulls = Nulls::default();
        let (rows, bytes) = (self.rows.clone(), self.bytes);
        let careful = plan.null_looks_like_value;
        let mut values: Vec<T::Native> = Vec::with_capacity(rows.len());
        values.extend(rows.map(|row| {
            let (start, end) = spans.get(row);
            let value = if careful { None } else { fast(bytes, start, end) };
            match value {
                Some(value) => value,
                None => self
                    .slow(column, plan, row, (start, end), &mut slow)
                    .unwrap_or_else(|| nulls.add(row - self.rows.start)),
            }
        }));
        let array = PrimitiveArray::<T>::new(values.into(), nulls.finish(self.rows.len()));
        Arc::new(array.with_data_type(arrow_type(&plan.data)))
    }

    fn booleans<S: Spans>(&mut self, column: u32, plan: &Plan, spans: S) -> ArrayRef {
        let mut nulls = Nulls::default();
        let rows = self.rows.clone();
        let values = BooleanBuffer::collect_bool(rows.len(), |at| {
            let span = spans.get(rows.start + at);
            self.slow(column, plan, rows.start + at, span, &mut value::boolean)
                .unwrap_or_else(|| nulls.add(at))
        });
        Arc::new(BooleanArray::new(values, nulls.finish(rows.len())))
    }

    /// Values that are held as texts in one spelling.
    fn held<S: Spans>(&mut self, column: u32, plan: &Plan, spans: S) -> ArrayRef {
        let mut texts = TextBuilder::with_capacity(self.rows.len());
        for row in self.rows.clone() {
            let mut read = |text: &[u8]| value::held(text, &plan.data);
            match self.slow(column, plan, row, spans.get(row), &mut read) {
                Some(text) => texts.push(&text),
                None => texts.push_null(),
            }
        }
        Arc::new(texts.finish())
    }

    fn strings<S: Spans>(&mut self, column: u32, plan: &Plan, spans: S) -> ArrayRef {
        let mut nulls = Nulls::default();
        let mut texts = Texts::with_capacity(self.rows.len());
        let quote = self.dialect.quote.unwrap_or(0);
        let has_quote = self.dialect.quote.is_some();
        let careful = plan.nullable && self.dialect.nulls.iter().any(|null| !null.is_empty());
        for row in self.rows.clone() {
            let (start, end) = spans.get(row);
            let plain = start < end && !(has_quote && self.bytes[start] == quote) && !careful;
            match self.text {
                Some(text) if plain => texts.push(text, start, end),
                _ => {
                    if !self.slow_text(column, plan, row, (start, end), &mut texts) {
                        nulls.add::<()>(row - self.rows.start);
                    }
                }
            }
        }
        Arc::new(texts.finish(self.text, self.buffer, nulls.finish(self.rows.len())))
    }

    /// Lists, maps and records, which are JSON in a field.
    fn nested<S: Spans>(&mut self, column: u32, plan: &Plan, spans: S) -> ArrayRef {
        let (mut texts, mut values) = (Vec::new(), Vec::new());
        for row in self.rows.clone() {
            let mut whole = |text: &[u8]| Ok(text.to_vec());
            let text = self.slow(column, plan, row, spans.get(row), &mut whole);
            let start = texts.len();
            texts.extend_from_slice(text.as_deref().unwrap_or_default());
            values.push(text.map(|_| start..texts.len()));
        }
        let len = texts.len();
        texts.resize(len + SLACK, 0);
        let buffer = Buffer::from_vec(texts);
        let ty = plan.data.clone().optional();
        let mut cells = json::Cells::new(&ty);
        for (at, value) in values.into_iter().enumerate() {
            if let Some(value) = value
                && !cells.read_whole(&buffer, value.clone())
            {
                let empty = value.is_empty() && !plan.nullable;
                let reason = if empty { "empty, and the column has no `?`" } else { "not JSON" };
                self.add_bad(column, self.rows.start + at, &buffer[value], reason.into());
            }
            if cells.at.len() == at {
                cells.push_absent();
            }
        }
        let text = Utf8Bytes::check(&buffer, len);
        let builder = json::Builder { bytes: &buffer, buffer: &buffer, text };
        let spelling = json::Spelling { clock: plan.clock.clone(), nan: plan.nan };
        let mut issues = Vec::new();
        let array = builder.column(&cells, 0..self.rows.len(), &ty, &spelling, &mut issues);
        self.bad.extend(issues.into_iter().map(|issue| issue.into_bad(column, &buffer)));
        array
    }

    /// Appends a text in quotes, an empty one, or one of a chunk that is not UTF-8. False if it is
    /// null or bad.
    fn slow_text(
        &mut self,
        column: u32,
        plan: &Plan,
        row: usize,
        (start, end): (usize, usize),
        texts: &mut Texts,
    ) -> bool {
        if start > end {
            texts.push_empty();
            return false;
        }
        let field = self.field(start, end);
        // In quotes a text is always a text, so that `""` can be told from nothing.
        if plan.nullable && !field.is_quoted && self.dialect.is_null(&field.text) {
            texts.push_empty();
            return false;
        }
        match (&field.text, self.text) {
            (Cow::Borrowed(found), Some(text)) => {
                let start = start + usize::from(field.is_quoted);
                texts.push(text, start, start + found.len());
                true
            }
            (found, _) => match simdutf8::basic::from_utf8(found) {
                Ok(found) => {
                    texts.push_copy(found);
                    true
                }
                Err(_) => {
                    let shown = found.to_vec();
                    texts.push_empty();
                    self.add_bad(column, row, &shown, NOT_UTF8.into());
                    false
                }
            },
        }
    }

    /// A value in any spelling; None if it is null or bad.
    #[cold]
    #[inline(never)]
    fn slow<T>(
        &mut self,
        column: u32,
        plan: &Plan,
        row: usize,
        (start, end): (usize, usize),
        parse: &mut impl FnMut(&[u8]) -> Result<T, Reason>,
    ) -> Option<T> {
        if start > end {
            return None;
        }
        let Field { text, is_quoted } = self.field(start, end);
        // Quoted, no bytes are a value.
        let is_value = is_quoted && plan.data == DataType::Bytes;
        if plan.nullable && !is_value && self.dialect.is_null(&text) {
            return None;
        }
        match parse(&text) {
            Ok(value) => Some(value),
            Err(_) if text.is_empty() => {
                let reason = if plan.nullable {
                    "empty, and `null` does not hold \"\""
                } else {
                    "empty, and the column has no `?`"
                };
                self.add_bad(column, row, b"", reason.into());
                None
            }
            Err(reason) => {
                let text = text.into_owned();
                self.add_bad(column, row, &text, reason);
                None
            }
        }
    }

    fn field(&self, start: usize, end: usize) -> Field<'_> {
        unquote(&self.bytes[start..end], self.dialect)
    }

    fn add_bad(&mut self, column: u32, row: usize, text: &[u8], reason: Reason) {
        self.bad.push(BadValue {
            row: (row - self.rows.start) as u32,
            column: Some(column),
            path: String::new(),
            text: shown(text),
            record: None,
            is_literal: false,
            reason: reason.into_owned(),
        });
    }
}

/// A field without its quotes, and whether it had some. It is well formed: a record whose quotes
/// are not is refused before.
fn unquote<'a>(raw: &'a [u8], dialect: &Dialect) -> Field<'a> {
    match dialect.quote {
        Some(quote) if raw.len() >= 2 && raw[0] == quote => {
            let inner = &raw[1..raw.len() - 1];
            let text = if memchr::memchr(quote, inner).is_some() {
                let mut text = Vec::with_capacity(inner.len());
                let mut pieces = inner.split(|&byte| byte == quote);
                text.extend_from_slice(pieces.next().unwrap_or_default());
                // Quotes come in pairs, so between two of a pair stands an empty piece.
                while pieces.next().is_some() {
                    text.push(quote);
                    text.extend_from_slice(pieces.next().unwrap_or_default());
                }
                Cow::Owned(text)
            } else {
                Cow::Borrowed(inner)
            };
            Field { text, is_quoted: true }
        }
        _ => Field { text: Cow::Borrowed(raw), is_quoted: false },
    }
}

/// The text of a field without its quotes.
pub fn unquoted(raw: &[u8], dialect: &Dialect) -> String {
    String::from_utf8_lossy(&unquote(raw, dialect).text).into_owned()
}

/// The rows that are null, few or none.
#[derive(Default)]
struct Nulls {
    rows: Vec<u32>,
}

impl Nulls {
    fn add<T: Default>(&mut self, row: usize) -> T {
        self.rows.push(row as u32);
        T::default()
    }

    fn finish(self, rows: usize) -> Option<NullBuffer> {
        if self.rows.is_empty() {
            return None;
        }
        let mut valid = BooleanBufferBuilder::new(rows);
        valid.append_n(rows, true);
        for row in self.rows {
            valid.set_bit(row as usize, false);
        }
        Some(NullBuffer::new(valid.finish()))
    }
}

/// The members of an enum by their text.
struct Members<'a> {
    texts: Vec<&'a [u8]>,
    /// Only when there are many.
    by_text: hashbrown::HashMap<&'a [u8], i32>,
}

/// Up to here looking at every member is faster than hashing.
const SEARCHED_MAX: usize = 8;

impl Members<'_> {
    fn of(declared: &EnumType) -> Members<'_> {
        let texts: Vec<&[u8]> = declared.members.iter().map(|m| m.text.as_bytes()).collect();
        let mut by_text = hashbrown::HashMap::new();
        if texts.len() > SEARCHED_MAX {
            by_text.extend(texts.iter().enumerate().map(|(at, text)| (*text, at as i32)));
        }
        Members { texts, by_text }
    }

    fn find(&self, text: &[u8], last: &mut usize) -> Option<i32> {
        if self.texts.get(*last).is_some_and(|member| *member == text) {
            return Some(*last as i32);
        }
        let found = if self.by_text.is_empty() {
            self.texts.iter().position(|member| *member == text)? as i32
        } else {
            *self.by_text.get(text)?
        };
        *last = found as usize;
        Some(found)
    }
}
