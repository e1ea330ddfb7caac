//! Packs key columns into words and hashes, some rows at a time.

use super::{
    INLINE_BYTES_MAX, KeyField, KeyLayout, NULL_DECIMAL, NULL_FLOAT, NULL_TEXT, Place,
    canonical_bits, is_long, nested,
    tails::{Tails, second_word, tail_of},
};
use crate::exec::gather::{expand, i32_values, i64_values};
use crate::functions::kernel::Operand;
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_buffer::NullBuffer;
use std::ops::Range;

/// The words of some keys, one key after the other, and their hashes.
#[derive(Default, Debug)]
pub struct Packed {
    /// [`KeyLayout::width`] words per key.
    pub words: Vec<u64>,
    /// One per key.
    pub hashes: Vec<u64>,
    /// What does not fit into the words.
    pub tails: Tails,
    /// Memory for the keys that have a long text in one column.
    long: Vec<u32>,
}

/// Where the bytes of long texts are.
pub trait LongTexts {
    /// The whole text of column `long` of packed key `row`, which has one that is
    /// [`super::is_beyond_tail`].
    fn bytes(&self, long: usize, row: usize) -> &[u8];
}

/// The key columns of a batch, packed some rows at a time.
pub struct KeyColumns<'a> {
    layout: &'a KeyLayout,
    arrays: Vec<ArrayRef>,
    texts: Vec<Texts>,
    start: usize,
}

enum Texts {
    Views(StringViewArray),
    Encoded(nested::Encoded),
}

impl Texts {
    #[inline(always)]
    fn bytes(&self, row: usize) -> &[u8] {
        match self {
            Texts::Views(array) => array.value(row).as_bytes(),
            Texts::Encoded(encoded) => encoded.get(row),
        }
    }
}

impl LongTexts for KeyColumns<'_> {
    fn bytes(&self, long: usize, row: usize) -> &[u8] {
        self.texts[long].bytes(self.start + row)
    }
}

impl<'a> KeyColumns<'a> {
    /// The key columns of a batch of `rows` rows. A null in a column whose type has none gets some
    /// words; see [`Self::nulls_without_place`].
    pub fn new(layout: &'a KeyLayout, keys: &[Operand], rows: usize) -> KeyColumns<'a> {
        assert_eq!(keys.len(), layout.columns(), "one operand a key");
        let arrays: Vec<ArrayRef> = keys.iter().map(|key| expand(key, rows)).collect();
        let mut texts = Vec::new();
        for (array, field) in arrays.iter().zip(&layout.fields) {
            if let Place::Text { nested, .. } = field.place {
                texts.push(if nested {
                    Texts::Encoded(nested::Encoded::new(array))
                } else {
                    Texts::Views(array.as_string_view().clone())
                });
            }
        }
        KeyColumns { layout, arrays, texts, start: 0 }
    }

    /// The rows that have a null in a column whose type has none: the key of a join that can
    /// match nothing. None when there are no such rows.
    pub fn nulls_without_place(&self) -> Option<NullBuffer> {
        let columns = self.arrays.iter().zip(&self.layout.fields);
        columns
            .filter(|(_, field)| !field.ty.nullable && field.place != Place::Nothing)
            .filter_map(|(array, _)| array.nulls().filter(|nulls| nulls.null_count() > 0))
            .fold(None, |all, nulls| NullBuffer::union(all.as_ref(), Some(nulls)))
    }

    /// Packs the rows in `rows`; [`LongTexts::bytes`] is then about these.
    pub fn pack(&mut self, rows: Range<usize>, out: &mut Packed) {
        out.clear(rows.len(), self.layout);
        self.start = rows.start;
        for (array, field) in self.arrays.iter().zip(&self.layout.fields) {
            self.pack_column(array, field, rows.clone(), out);
        }
        out.hash(self.layout.width());
    }

    fn pack_column(
        &self,
        array: &ArrayRef,
        field: &KeyField,
        rows: Range<usize>,
        out: &mut Packed,
    ) {
        let width = self.layout.width();
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
        let words = &mut out.words;
        match field.place {
            Place::Nothing => {}
            Place::Small { word, shift, null, .. } if field.ty.data == DataType::Bool => {
                let bits = array.as_boolean().values();
                let code = |row| if valid(row) { u64::from(bits.value(row)) } else { null };
                store(words, width, word, rows.map(|row| code(row) << shift));
            }
            Place::Small { word, shift, null, .. } => {
                let values = i32_values(array);
                let code = |row| if valid(row) { u64::from(values[row] as u32) } else { null };
                store(words, width, word, rows.map(|row| code(row) << shift));
            }
            Place::Number { word, null } => {
                let values = i64_values(array);
                if let (Some(nulls), Some((flags, shift))) = (nulls, null) {
                    let flag = |row| u64::from(nulls.is_null(row)) << shift;
                    store(words, width, flags, rows.clone().map(flag));
                    let value = |row| if nulls.is_valid(row) { values[row] as u64 } else { 0 };
                    store(words, width, word, rows.map(value));
                } else {
                    store(words, width, word, values[rows].iter().map(|&value| value as u64));
                }
            }
            Place::Float { word } => {
                let values = array.as_primitive::<Float64Type>().values();
                let bits = |row| if valid(row) { canonical_bits(values[row]) } else { NULL_FLOAT };
                store(words, width, word, rows.map(bits));
            }
            Place::Decimal { word } => {
                let values = array.as_primitive::<Decimal128Type>().values();
                let value = |row| if valid(row) { values[row] } else { NULL_DECIMAL };
                store_pairs(words, width, word, rows.map(|row| halves(value(row) as u128)));
            }
            Place::Text { word, long, .. } => self.pack_texts(nulls, word, long, rows, out),
        }
    }

    /// Packs the texts of column `long` of those that may have long ones.
    fn pack_texts(
        &self,
        nulls: Option<&NullBuffer>,
        word: usize,
        long: usize,
        rows: Range<usize>,
        out: &mut Packed,
    ) {
        let Packed { words, tails, long: found, .. } = out;
        let (width, first) = (self.layout.width(), rows.start);
        let null = [NULL_TEXT, 0];
        let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
        found.resize(rows.len(), 0);
        let mut count = 0;
        let mut note = |row: usize, pair: [u64; 2]| {
            // Which texts are long is anyone's guess, so this is no branch.
            found[count] = (row - first) as u32;
            count += usize::from(is_long(pair[0]));
            pair
        };
        match &self.texts[long] {
            Texts::Views(texts) => {
                let views = texts.views();
                let pair = |row| if valid(row) { halves(views[row]) } else { null };
                store_pairs(words, width, word, rows.map(|row| note(row, pair(row))));
            }
            Texts::Encoded(texts) => {
                let pair = |row| if valid(row) { text_words(texts.get(row)) } else { null };
                store_pairs(words, width, word, rows.map(|row| note(row, pair(row))));
            }
        }
        for &at in &found[..count] {
            let at = at as usize;
            let text = self.texts[long].bytes(first + at);
            let tail = tail_of(text);
            tails.set(at, long, tail);
            words[at * width + word + 1] = second_word(text, tail);
        }
    }
}

/// Puts `values` into word `at` of each key; the bits were zero or belong to other columns.
fn store(words: &mut [u64], width: usize, at: usize, values: impl Iterator<Item = u64>) {
    for (key, value) in words.chunks_exact_mut(width).zip(values) {
        key[at] |= value;
    }
}

#[inline(always)]
fn store_pairs(words: &mut [u64], width: usize, at: usize, pairs: impl Iterator<Item = [u64; 2]>) {
    for (key, pair) in words.chunks_exact_mut(width).zip(pairs) {
        key[at..at + 2].copy_from_slice(&pair);
    }
}

fn halves(value: u128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

/// The words that a text with these bytes has, as in a view; the second of a long one is missing.
fn text_words(bytes: &[u8]) -> [u64; 2] {
    let mut view = [0; 16];
    let shown = if bytes.len() <= INLINE_BYTES_MAX { bytes } else { &bytes[..4] };
    view[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    view[4..4 + shown.len()].copy_from_slice(shown);
    halves(u128::from_le_bytes(view))
}

impl Packed {
    /// Makes room for `rows` keys of zeros.
    pub fn clear(&mut self, rows: usize, layout: &KeyLayout) {
        self.words.clear();
        self.words.resize(rows * layout.width(), 0);
        self.tails.clear(rows, layout.long_words().count());
    }

    /// Computes the hashes of the words.
    pub fn hash(&mut self, width: usize) {
        self.hashes.clear();
        match width {
            1 => self.hashes.extend(self.words.iter().map(|&word| hash(&[word]))),
            2 => self.hashes.extend(self.words.as_chunks::<2>().0.iter().map(|key| hash(key))),
            _ => self.hashes.extend(self.words.chunks_exact(width).map(hash)),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// The hash of a key: a folded 64 by 64 bit multiplication a word. Its seeds are fixed, since
/// nothing may differ from run to run.
#[inline]
pub(crate) fn hash(key: &[u64]) -> u64 {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
    key.iter().fold(SEED, |state, word| {
        let product = u128::from(state ^ word) * u128::from(FACTOR);
        (product as u64) ^ ((product >> 64) as u64)
    })
}
