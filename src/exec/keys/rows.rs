//! Packed keys that are kept, with the bytes of their long texts beside them: one piece of memory
//! for all columns, which is copied row by row.

use super::tails::tail_of;
use super::{INLINE_BYTES_MAX, KeyColumns, KeyLayout, LongTexts, Packed, is_long};
use std::ops::Range;

/// Packed keys, one after the other.
pub struct PackedRows {
    width: usize,
    /// The first word of each column that may hold long texts.
    long_words: Vec<usize>,
    words: Vec<u64>,
    /// For each of those columns the bytes of its long texts; none while there are no long texts.
    long: Vec<LongColumn>,
}

#[derive(Clone, Default)]
struct LongColumn {
    /// Where the long text of each row begins; the last rows may have none.
    starts: Vec<usize>,
    bytes: Vec<u8>,
}

/// Some of the rows, from the first of them.
pub struct RowsFrom<'r> {
    rows: &'r PackedRows,
    first: usize,
}

impl PackedRows {
    /// Room for so many keys.
    pub fn with_capacity(layout: &KeyLayout, rows: usize) -> PackedRows {
        PackedRows {
            width: layout.width(),
            long_words: layout.long_words().collect(),
            words: Vec::with_capacity(rows * layout.width()),
            long: vec![],
        }
    }

    /// How many keys there are.
    fn count(&self) -> usize {
        self.words.len() / self.width
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        let long = self.long.iter().map(|column| column.starts.len() * 8 + column.bytes.len());
        self.words.len() * 8 + long.sum::<usize>()
    }

    /// Forgets all keys, and keeps the memory for others.
    pub fn clear(&mut self) {
        self.words.clear();
        self.long.clear();
    }

    /// Appends keys that were just packed, whose long texts `long` has.
    pub fn append(&mut self, packed: &Packed, long: &KeyColumns) {
        let first = self.count();
        self.words.extend_from_slice(&packed.words);
        if !packed.tails.is_empty() {
            let bytes = |column, row| long.bytes(column, row);
            (0..packed.len()).for_each(|row| self.append_long(first + row, row, bytes));
        }
    }

    /// Appends one key of others.
    #[inline]
    pub fn push(&mut self, from: &PackedRows, row: usize) {
        self.words.extend_from_slice(&from.words[row * self.width..(row + 1) * self.width]);
        if !from.long.is_empty() {
            self.append_long(self.count() - 1, row, |column, row| from.long_text(column, row));
        }
    }

    /// Keeps the long texts of `row`, which is row `at` here.
    fn append_long<'t>(&mut self, at: usize, row: usize, text: impl Fn(usize, usize) -> &'t [u8]) {
        for (column, &word) in self.long_words.iter().enumerate() {
            if is_long(self.words[at * self.width + word]) {
                self.long.resize(self.long_words.len(), LongColumn::default());
                let LongColumn { starts, bytes } = &mut self.long[column];
                starts.resize(at, 0);
                starts.push(bytes.len());
                bytes.extend_from_slice(text(column, row));
            }
        }
    }

    /// The rows from `first` on, to look up their long texts.
    pub fn from(&self, first: usize) -> RowsFrom<'_> {
        RowsFrom { rows: self, first }
    }

    /// Copies some of the keys, to be looked up.
    pub fn copy(&self, rows: Range<usize>, out: &mut Packed) {
        out.words.clear();
        out.words.extend_from_slice(&self.words[rows.start * self.width..rows.end * self.width]);
        out.tails.clear(rows.len(), self.long_words.len());
        for (column, &word) in self.long_words.iter().enumerate().take(self.long.len()) {
            for (at, row) in rows.clone().enumerate() {
                if is_long(self.words[row * self.width + word]) {
                    let text = self.long_text(column, row);
                    out.tails.set(at, column, tail_of(text));
                }
            }
        }
        out.hash(self.width);
    }

    /// The long text of a row in one of the columns that may have some.
    fn long_text(&self, column: usize, row: usize) -> &[u8] {
        let length = self.words[row * self.width + self.long_words[column]] as u32 as usize;
        debug_assert!(length > INLINE_BYTES_MAX, "only long texts are kept");
        let LongColumn { starts, bytes } = &self.long[column];
        &bytes[starts[row]..starts[row] + length]
    }
}

impl LongTexts for RowsFrom<'_> {
    fn bytes(&self, long: usize, row: usize) -> &[u8] {
        self.rows.long_text(long, self.first + row)
    }
}
