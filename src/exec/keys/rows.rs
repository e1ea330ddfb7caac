//! Packed keys that are kept, with the bytes of their long texts beside them: one piece of memory
//! for all columns, which is copied row by row.

use super::frame::Frame;
use super::tails::tail_of;
use super::{INLINE_BYTES_MAX, KeyColumns, KeyLayout, LongTexts, Packed, is_long};
use std::ops::Range;

/// Packed keys, one after the other.
pub struct PackedRows {
    width: usize,
    /// The first word of each column that may hold long texts.
    long_words: Vec<usize>,
    words: Vec<u64>,
    /// What all keys have in common, if that is left out of the words.
    frame: Option<Frame>,
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
            frame: None,
            long: vec![],
        }
    }

    /// Room for so many of the keys of `from`.
    pub fn for_some_of(from: &PackedRows, rows: usize) -> PackedRows {
        PackedRows {
            width: from.width,
            long_words: from.long_words.clone(),
            words: Vec::with_capacity(rows * from.kept_width()),
            frame: from.frame.clone(),
            long: vec![],
        }
    }

    /// Leaves out what all keys have in common; no other keys are appended before [`Self::clear`].
    pub fn squeeze(&mut self) {
        self.frame = Frame::of(&self.words, self.width);
        if let Some(frame) = &self.frame {
            frame.squeeze(&mut self.words);
        }
    }

    /// How many keys there are.
    fn count(&self) -> usize {
        self.words.len() / self.kept_width()
    }

    /// The words that are kept of each key.
    fn kept_width(&self) -> usize {
        self.frame.as_ref().map_or(self.width, Frame::width)
    }

    /// The words that are kept of these keys.
    fn kept(&self, rows: Range<usize>) -> &[u64] {
        let width = self.kept_width();
        &self.words[rows.start * width..rows.end * width]
    }

    /// One word of a key.
    fn word(&self, row: usize, word: usize) -> u64 {
        let kept = self.kept(row..row + 1);
        self.frame.as_ref().map_or_else(|| kept[word], |frame| frame.word(kept, word))
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        let long = self.long.iter().map(|column| column.starts.len() * 8 + column.bytes.len());
        self.words.len() * 8 + long.sum::<usize>()
    }

    /// Forgets all keys, and keeps the memory for others.
    pub fn clear(&mut self) {
        self.words.clear();
        self.frame = None;
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

    /// Appends one key of those that it was made for.
    #[inline]
    pub fn push(&mut self, from: &PackedRows, row: usize) {
        self.words.extend_from_slice(from.kept(row..row + 1));
        if !from.long.is_empty() {
            self.append_long(self.count() - 1, row, |column, row| from.long_text(column, row));
        }
    }

    /// Keeps the long texts of `row`, which is row `at` here.
    fn append_long<'t>(&mut self, at: usize, row: usize, text: impl Fn(usize, usize) -> &'t [u8]) {
        for column in 0..self.long_words.len() {
            let word = self.long_words[column];
            if is_long(self.word(at, word)) {
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
        match &self.frame {
            Some(frame) => frame.expand(self.kept(rows.clone()), &mut out.words),
            None => out.words.extend_from_slice(self.kept(rows.clone())),
        }
        out.tails.clear(rows.len(), self.long_words.len());
        for (column, &word) in self.long_words.iter().enumerate().take(self.long.len()) {
            for (at, row) in rows.clone().enumerate() {
                if is_long(out.words[at * self.width + word]) {
                    let text = self.long_text(column, row);
                    out.tails.set(at, column, tail_of(text));
                }
            }
        }
        out.hash(self.width);
    }

    /// The long text of a row in one of the columns that may have some.
    fn long_text(&self, column: usize, row: usize) -> &[u8] {
        let length = self.word(row, self.long_words[column]) as u32 as usize;
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
