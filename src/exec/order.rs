//! The order of rows: keys as a sequence of words that compare as the keys do, and a sort that
//! looks at no more words than it needs.
//!
//! A row's keys give one word after the other: a number is one, a text one for each seven bytes.
//! Rows are spread by their first word over ever smaller ranges, and only rows whose words are
//! equal so far are asked for the next one. As their words are equal, the next word means the same
//! for all of them, whatever the lengths of their texts. Which values are keys, and what is moved
//! in the end, is the operators' business.

use super::gather::{
    BATCH_ROWS_MAX, RowRef, batch_and_row, expand, i32_values, i64_values, row_ref,
};
use super::keys::nested::{Encoded, ordered_bits};
use crate::data::prefetch::prefetch;
use crate::functions::kernel::Operand;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{Array, StringViewArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::DataType as ArrowType;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Rows whose values are asked for before the first of them is read: they lie anywhere.
const AHEAD: usize = 64;

/// The direction of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// Largest first?
    pub descending: bool,
    /// Nulls before all others, in either direction?
    pub nulls_first: bool,
}

/// Texts give a word for so many bytes; the eighth says how many of them there are.
const TEXT_BYTES: usize = 7;
/// The eighth byte when there are more than [`TEXT_BYTES`] left. It is at least 1 otherwise, so
/// that no word of a text is 0 or all ones, which are null.
const TEXT_GOES_ON: u64 = 9;

/// Up to so many rows are sorted by comparing.
const COMPARED_ROWS_MAX: usize = 1 << 12;
/// Of so many rows with equal words the next words are computed before they are compared.
const REFILLED_ROWS_MIN: usize = 16;
/// After so many steps down all is compared. Only texts with long common beginnings get there.
const DEPTH_MAX: u32 = 64;
/// More rows are spread over up to so many ranges.
const RANGES_BITS: u32 = 10;

/// The keys of the rows of some batches.
pub struct RowOrder {
    columns: Vec<OrderColumn>,
    /// Rows of each batch.
    lengths: Vec<usize>,
}

struct OrderColumn {
    direction: Direction,
    /// A number of 64 bits has a word before it that says whether it is null, if some are.
    null_word: bool,
    pieces: Vec<Piece>,
}

/// The keys of one batch.
struct Piece {
    nulls: Option<NullBuffer>,
    values: Values,
}

enum Values {
    Null,
    Bool(BooleanBuffer),
    Small(ScalarBuffer<i32>),
    Number(ScalarBuffer<i64>),
    Float(ScalarBuffer<f64>),
    Decimal { values: ScalarBuffer<i128>, narrow: bool },
    Text(StringViewArray),
    Nested(Encoded),
}

/// Which word of a row's keys is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    column: usize,
    part: usize,
}

/// A row and its word at some cursor.
type Entry = (u64, RowRef);

impl RowOrder {
    /// The order of the rows of some batches, whose keys and lengths are given.
    pub fn new(batches: &[(&[Operand], usize)], directions: &[Direction]) -> RowOrder {
        let mut order = RowOrder::empty(directions);
        let pieces: Vec<Vec<Piece>> =
            batches.par_iter().map(|(keys, rows)| pieces_of(keys, *rows)).collect();
        for (pieces, (_, rows)) in pieces.into_iter().zip(batches) {
            order.push_pieces(pieces, *rows);
        }
        order
    }

    /// The order of the rows of no batches yet.
    pub fn empty(directions: &[Direction]) -> RowOrder {
        let column = |&direction| OrderColumn { direction, null_word: false, pieces: vec![] };
        RowOrder { columns: directions.iter().map(column).collect(), lengths: vec![] }
    }

    /// Adds the next batch.
    pub fn push(&mut self, keys: &[Operand], rows: usize) {
        self.push_pieces(pieces_of(keys, rows), rows);
    }

    /// Removes the last batch.
    pub fn pop(&mut self) {
        self.lengths.pop();
        for column in &mut self.columns {
            column.pieces.pop();
        }
    }

    fn push_pieces(&mut self, pieces: Vec<Piece>, rows: usize) {
        assert_eq!(pieces.len(), self.columns.len(), "one operand a key");
        self.lengths.push(rows);
        for (column, piece) in self.columns.iter_mut().zip(pieces) {
            column.null_word |= matches!(piece.values, Values::Number(_)) && piece.nulls.is_some();
            column.pieces.push(piece);
        }
    }

    /// A number that is less only for rows whose first key is less. The largest is null's alone
    /// if nulls come last.
    pub fn coarse(&self, row: RowRef) -> u64 {
        let Some(column) = self.columns.first() else { return 0 };
        let part = usize::from(column.null_word);
        let word = column.word(part, row);
        if word == column.null() && column.is_null(row) { word } else { word >> 1 }
    }

    /// Compares two rows by their keys alone.
    pub fn compare(&self, a: RowRef, b: RowRef) -> Ordering {
        self.compare_from(self.first(), a, b)
    }

    /// In how many of their first keys two rows agree.
    pub fn agreement(&self, a: RowRef, b: RowRef) -> usize {
        let mut cursor = self.first();
        while let Some(at) = cursor {
            let word = self.word(at, a);
            if word != self.word(at, b) {
                return at.column;
            }
            cursor = self.next(at, word);
        }
        self.columns.len()
    }

    /// For each row of an order, but the first, in how many of its first keys it agrees with the row
    /// before it.
    pub fn agreements<'o>(&'o self, order: &'o [RowRef]) -> impl Iterator<Item = usize> + 'o {
        (1..order.len()).map(|at| {
            if let Some(row) = order.get(at + AHEAD) {
                self.columns.iter().for_each(|column| column.prefetch(*row));
            }
            self.agreement(order[at - 1], order[at])
        })
    }

    /// All rows sorted; equal ones in the order of the batches.
    pub fn sort(&self) -> Vec<RowRef> {
        self.sort_until(&AtomicBool::new(false))
    }

    /// The same; once `stop` is set, it gives soon, and gives anything.
    pub fn sort_until(&self, stop: &AtomicBool) -> Vec<RowRef> {
        let lengths = &self.lengths;
        let Some(first) = self.first() else {
            return names(lengths, 0..lengths.len());
        };
        let total: usize = lengths.iter().sum();
        if total <= BATCH_ROWS_MAX {
            let mut entries = self.entries(first, lengths, 0..lengths.len(), stop);
            self.sort_entries(&mut entries, first, DEPTH_MAX, stop);
            return entries.into_iter().map(|(_, row)| row).collect();
        }
        let runs = runs_of(lengths, total);
        let runs: Vec<Vec<Entry>> =
            runs.into_par_iter().map(|run| self.entries(first, lengths, run, stop)).collect();
        let spread = runs.par_iter().map(|run| Spread::over(run)).reduce_with(Spread::and);
        let Some(spread) = spread else { return vec![] };
        let runs: Vec<Spreaded> = runs.into_par_iter().map(|run| spread.apply(&run)).collect();
        let sorted: Vec<Vec<RowRef>> = (0..spread.ranges)
            .into_par_iter()
            .map(|range| {
                if stop.load(Relaxed) {
                    return vec![];
                }
                let pieces: Vec<&[Entry]> = runs.iter().map(|run| run.range(range)).collect();
                let mut entries = pieces.concat();
                self.sort_entries(&mut entries, first, DEPTH_MAX, stop);
                entries.into_iter().map(|(_, row)| row).collect()
            })
            .collect();
        sorted.concat()
    }

    /// Sorts entries that come in the order of their names and have their words at `cursor`.
    /// `depth` bounds the recursion, whatever the data.
    fn sort_entries(
        &self,
        entries: &mut [Entry],
        mut cursor: Cursor,
        depth: u32,
        stop: &AtomicBool,
    ) {
        loop {
            if entries.len() < 2 {
                return;
            }
            if entries.len() <= COMPARED_ROWS_MAX || depth == 0 {
                return self.sort_few(entries, cursor, depth);
            }
            // Also when nearly all words begin alike, and all rows are in one range.
            if stop.load(Relaxed) {
                return;
            }
            let spread = Spread::over(entries);
            if !spread.is_one_word() {
                let spreaded = spread.apply(entries);
                entries.copy_from_slice(&spreaded.entries);
                let parts = split_mut(entries, &spreaded.starts);
                return parts
                    .into_par_iter()
                    .for_each(|part| self.sort_entries(part, cursor, depth - 1, stop));
            }
            let Some(next) = self.next(cursor, entries[0].0) else { return };
            self.refill_until(stop, entries, next);
            cursor = next;
        }
    }

    fn sort_few(&self, entries: &mut [Entry], cursor: Cursor, depth: u32) {
        entries.sort_unstable();
        for equal in entries.chunk_by_mut(|a, b| a.0 == b.0) {
            let Some(next) = self.next(cursor, equal[0].0) else { continue };
            if equal.len() > REFILLED_ROWS_MIN && depth > 0 {
                self.refill(equal, next);
                self.sort_few(equal, next, depth - 1);
            } else if equal.len() > 1 {
                equal.sort_unstable_by(|a, b| {
                    self.compare_from(Some(next), a.1, b.1).then(a.1.cmp(&b.1))
                });
            }
        }
    }

    fn compare_from(&self, from: Option<Cursor>, a: RowRef, b: RowRef) -> Ordering {
        let mut cursor = from;
        while let Some(at) = cursor {
            let (left, right) = (self.word(at, a), self.word(at, b));
            if left != right {
                return left.cmp(&right);
            }
            cursor = self.next(at, left);
        }
        Ordering::Equal
    }

    fn entries(
        &self,
        cursor: Cursor,
        lengths: &[usize],
        batches: std::ops::Range<usize>,
        stop: &AtomicBool,
    ) -> Vec<Entry> {
        let mut entries: Vec<Entry> =
            names(lengths, batches).into_iter().map(|row| (0, row)).collect();
        self.refill_until(stop, &mut entries, cursor);
        entries
    }

    fn refill(&self, entries: &mut [Entry], cursor: Cursor) {
        let column = &self.columns[cursor.column];
        for entries in entries.chunks_mut(AHEAD) {
            entries.iter().for_each(|(_, row)| column.prefetch(*row));
            for (word, row) in entries {
                *word = column.word(cursor.part, *row);
            }
        }
    }

    /// The same for very many, until `stop` is set.
    fn refill_until(&self, stop: &AtomicBool, entries: &mut [Entry], cursor: Cursor) {
        let chunks = entries.chunks_mut(BATCH_ROWS_MAX).take_while(|_| !stop.load(Relaxed));
        chunks.for_each(|chunk| self.refill(chunk, cursor));
    }

    fn first(&self) -> Option<Cursor> {
        (!self.columns.is_empty()).then_some(Cursor { column: 0, part: 0 })
    }

    fn word(&self, cursor: Cursor, row: RowRef) -> u64 {
        self.columns[cursor.column].word(cursor.part, row)
    }

    /// The cursor after `cursor`, for rows that have `word` there; None at the end.
    fn next(&self, cursor: Cursor, word: u64) -> Option<Cursor> {
        if self.columns[cursor.column].goes_on(cursor.part, word) {
            return Some(Cursor { part: cursor.part + 1, ..cursor });
        }
        let column = cursor.column + 1;
        (column < self.columns.len()).then_some(Cursor { column, part: 0 })
    }
}

impl OrderColumn {
    fn null(&self) -> u64 {
        if self.direction.nulls_first { 0 } else { u64::MAX }
    }

    fn is_null(&self, row: RowRef) -> bool {
        let (batch, row) = batch_and_row(row);
        self.pieces[batch].nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    #[inline]
    fn word(&self, part: usize, row: RowRef) -> u64 {
        if self.is_null(row) {
            return self.null();
        }
        let (batch, row) = batch_and_row(row);
        let piece = &self.pieces[batch];
        if self.null_word && part == 0 {
            return !self.null();
        }
        let word = piece.values.word(part, row);
        if self.direction.descending { !word } else { word }
    }

    /// Has the value of a row, or where a text begins, fetched into the caches.
    fn prefetch(&self, row: RowRef) {
        let (batch, row) = batch_and_row(row);
        match &self.pieces[batch].values {
            Values::Small(values) => prefetch(&values[row]),
            Values::Number(values) => prefetch(&values[row]),
            Values::Float(values) => prefetch(&values[row]),
            Values::Decimal { values, .. } => prefetch(&values[row]),
            Values::Text(texts) => prefetch(&texts.views()[row]),
            Values::Null | Values::Bool(_) | Values::Nested(_) => {}
        }
    }

    /// Has a row more words of this column after the part with this word?
    fn goes_on(&self, part: usize, word: u64) -> bool {
        match self.pieces.first().map(|piece| &piece.values) {
            Some(Values::Number(_)) => self.null_word && part == 0 && word != self.null(),
            Some(Values::Decimal { narrow, .. }) => !narrow && part == 0 && word != self.null(),
            Some(Values::Text(_) | Values::Nested(_)) => {
                let plain = if self.direction.descending { !word } else { word };
                word != self.null() && plain & 0xFF == TEXT_GOES_ON
            }
            Some(Values::Null | Values::Bool(_) | Values::Small(_) | Values::Float(_)) | None => {
                false
            }
        }
    }
}

fn pieces_of(keys: &[Operand], rows: usize) -> Vec<Piece> {
    keys.iter().map(|key| Piece::new(key, rows)).collect()
}

impl Piece {
    fn new(key: &Operand, rows: usize) -> Piece {
        let array = expand(key, rows);
        let values = match array.data_type() {
            ArrowType::Null => Values::Null,
            ArrowType::Boolean => Values::Bool(array.as_boolean().values().clone()),
            ArrowType::Int32 | ArrowType::Date32 => Values::Small(i32_values(&array).clone()),
            ArrowType::Float64 => {
                Values::Float(array.as_primitive::<Float64Type>().values().clone())
            }
            ArrowType::Decimal128(precision, _) => Values::Decimal {
                values: array.as_primitive::<Decimal128Type>().values().clone(),
                narrow: *precision <= 18,
            },
            ArrowType::Utf8View => Values::Text(array.as_string_view().clone()),
            ArrowType::List(_) | ArrowType::Struct(_) => Values::Nested(Encoded::new(&array)),
            _ => Values::Number(i64_values(&array).clone()),
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Piece { nulls, values }
    }
}

impl Values {
    /// A word of a value that is not null, in ascending order; never 0 or all ones unless nulls
    /// have a word of their own.
    #[inline]
    fn word(&self, part: usize, row: usize) -> u64 {
        match self {
            Values::Null => 1,
            Values::Bool(values) => 1 + u64::from(values.value(row)),
            Values::Small(values) => 1 + u64::from(values[row] as u32 ^ 1 << 31),
            Values::Number(values) => values[row] as u64 ^ 1 << 63,
            Values::Float(values) => ordered_bits(values[row]),
            Values::Decimal { values, narrow: true } => values[row] as i64 as u64 ^ 1 << 63,
            Values::Decimal { values, .. } if part == 0 => (values[row] >> 64) as u64 ^ 1 << 63,
            Values::Decimal { values, .. } => values[row] as u64,
            Values::Text(texts) => text_word(texts.value(row).as_bytes(), part),
            Values::Nested(encoded) => text_word(encoded.get(row), part),
        }
    }
}

/// Seven bytes of a text and how many they are.
fn text_word(text: &[u8], part: usize) -> u64 {
    let rest = text.get(part * TEXT_BYTES..).unwrap_or_default();
    if let Some(eight) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(*eight) & !0xFF | TEXT_GOES_ON;
    }
    let mut bytes = [0; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(bytes) | (rest.len() as u64 + 1)
}

fn names(lengths: &[usize], batches: std::ops::Range<usize>) -> Vec<RowRef> {
    batches.flat_map(|batch| (0..lengths[batch]).map(move |row| row_ref(batch, row))).collect()
}

/// Neighbouring batches put together, so that there is work for all threads and not more.
fn runs_of(lengths: &[usize], total: usize) -> Vec<std::ops::Range<usize>> {
    let rows_max = (total / (rayon::current_num_threads() * 4)).max(BATCH_ROWS_MAX);
    let mut runs = vec![];
    let (mut start, mut rows) = (0, 0);
    for (batch, length) in lengths.iter().enumerate() {
        rows += length;
        if rows >= rows_max || batch + 1 == lengths.len() {
            runs.push(start..batch + 1);
            (start, rows) = (batch + 1, 0);
        }
    }
    runs
}

/// How entries are spread over ranges of words of equal width.
struct Spread {
    least: u64,
    most: u64,
    shift: u32,
    ranges: usize,
}

/// Entries in the order of their ranges.
struct Spreaded {
    entries: Vec<Entry>,
    /// Where each range begins, and the end.
    starts: Vec<usize>,
}

impl Spreaded {
    fn range(&self, range: usize) -> &[Entry] {
        &self.entries[self.starts[range]..self.starts[range + 1]]
    }
}

impl Spread {
    fn new(least: u64, most: u64) -> Spread {
        let width = 64 - (most - least).leading_zeros();
        let shift = width.saturating_sub(RANGES_BITS);
        Spread { least, most, shift, ranges: ((most - least) >> shift) as usize + 1 }
    }

    /// The ranges of some entries, of which there is one at least.
    fn over(entries: &[Entry]) -> Spread {
        let (least, most) = entries
            .iter()
            .fold((u64::MAX, 0), |(least, most), entry| (least.min(entry.0), most.max(entry.0)));
        Spread::new(least, most)
    }

    /// The ranges of the entries of both.
    fn and(self, other: Spread) -> Spread {
        Spread::new(self.least.min(other.least), self.most.max(other.most))
    }

    fn is_one_word(&self) -> bool {
        self.least == self.most
    }

    fn range_of(&self, entry: &Entry) -> usize {
        ((entry.0 - self.least) >> self.shift) as usize
    }

    /// Spreads entries, keeping the order of those of one range.
    fn apply(&self, entries: &[Entry]) -> Spreaded {
        let mut starts = vec![0; self.ranges + 1];
        for entry in entries {
            starts[self.range_of(entry) + 1] += 1;
        }
        for range in 0..self.ranges {
            starts[range + 1] += starts[range];
        }
        let mut next = starts.clone();
        let mut spread = vec![(0, 0); entries.len()];
        for entry in entries {
            let range = self.range_of(entry);
            spread[next[range]] = *entry;
            next[range] += 1;
        }
        Spreaded { entries: spread, starts }
    }
}

/// The parts of `entries` between neighbouring `starts`.
fn split_mut<'a>(entries: &'a mut [Entry], starts: &[usize]) -> Vec<&'a mut [Entry]> {
    let mut rest = entries;
    starts
        .windows(2)
        .map(|ends| rest.split_off_mut(..ends[1] - ends[0]).expect("starts lie inside"))
        .collect()
}
