//! Keys as machine words: how the values of one or several key columns are packed so that equal
//! keys have equal words.
//!
//! Null is a value like others, NaN equals NaN and -0.0 equals 0.0, as the language says. Words
//! say nothing about order; that is [`super::order`]'s business. What is done with packed keys is
//! [`super::table`]'s.

mod frame;
pub mod nested;
mod pack;
mod rows;
mod tails;
mod unpack;

pub(super) use pack::hash;
pub use pack::{KeyColumns, LongTexts, Packed};
pub use rows::PackedRows;
pub use tails::{Tail, is_beyond_tail, text_of, without_place};
pub use unpack::{LongBuffers, unpack};

use crate::types::{DataType, Type};

/// Texts up to this length are inside of their words; longer ones are represented by their
/// length, first bytes and hash, and the rest is compared when these are equal ([`Tail`]).
pub const INLINE_BYTES_MAX: usize = 12;

/// What a null text has in place of its length, prefix and rest. No text is that long.
const NULL_TEXT: u64 = u64::MAX;
/// No valid float has these bits: NaN is made canonical.
const NULL_FLOAT: u64 = u64::MAX;
/// No decimal of 38 digits is that small.
const NULL_DECIMAL: i128 = i128::MIN;
/// Keys of at most so many bits are numbered by an array instead of a hash table.
const DIRECT_BITS_MAX: u32 = 12;

/// Where each key column has its place in the words of a key.
#[derive(Clone, Debug)]
pub struct KeyLayout {
    fields: Vec<KeyField>,
    width: usize,
    direct_bits: Option<u32>,
}

/// The place of one key column.
#[derive(Clone, Debug)]
struct KeyField {
    ty: Type,
    place: Place,
}

/// How a column is packed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// The type whose only value is null.
    Nothing,
    /// Bits of a word that it shares with others: a value below `null`, or `null`.
    Small { word: usize, shift: u32, bits: u32, null: u64 },
    /// A 64-bit number; null is a bit of a shared word, since the number needs all of its own.
    Number { word: usize, null: Option<(usize, u32)> },
    /// The bits of a float.
    Float { word: usize },
    /// A decimal, in two words.
    Decimal { word: usize },
    /// A text or an encoded list or record, in two words; `long` numbers such columns.
    Text { word: usize, long: usize, nested: bool },
}

impl KeyLayout {
    /// The layout of keys of these types.
    pub fn new(types: &[Type]) -> KeyLayout {
        let mut words = 0;
        let mut long = 0;
        let mut small = SmallWords::default();
        let mut fields = Vec::with_capacity(types.len());
        for ty in types {
            let mut take = |count: usize| {
                words += count;
                words - count
            };
            let place = match &ty.data {
                DataType::Unknown | DataType::Null => Place::Nothing,
                DataType::Named(_) => unreachable!("what runs knows the types behind"),
                DataType::Bool => small.place(2, ty.nullable),
                DataType::Date => small.place(1 << 32, ty.nullable),
                DataType::Enum(declared) => small.place(declared.members.len(), ty.nullable),
                DataType::Int
                | DataType::Datetime
                | DataType::Timestamp
                | DataType::Duration
                | DataType::Time => {
                    let null = ty.nullable.then(|| small.take(1));
                    Place::Number { word: take(1), null }
                }
                DataType::Float => Place::Float { word: take(1) },
                DataType::Decimal { .. } => Place::Decimal { word: take(2) },
                DataType::String
                | DataType::Json
                | DataType::Uuid
                | DataType::Bytes
                | DataType::List(_)
                | DataType::Map(_)
                | DataType::Record(_) => {
                    long += 1;
                    let nested = !matches!(
                        ty.data,
                        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes
                    );
                    Place::Text { word: take(2), long: long - 1, nested }
                }
            };
            fields.push(KeyField { ty: ty.clone(), place });
        }
        for field in &mut fields {
            field.place.shift_small_words(words);
        }
        let direct_bits = small.only_bits(words).filter(|&bits| bits <= DIRECT_BITS_MAX);
        KeyLayout { fields, width: (words + small.used.len()).max(1), direct_bits }
    }

    /// Words per key, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of key columns.
    pub fn columns(&self) -> usize {
        self.fields.len()
    }

    /// The bits of a key when they are few: its only word is then below `1 << bits`.
    pub(super) fn direct_bits(&self) -> Option<u32> {
        self.direct_bits
    }

    /// The first word of each column that may hold texts that do not fit into their words.
    pub(super) fn long_words(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        self.fields.iter().filter_map(|field| match field.place {
            Place::Text { word, .. } => Some(word),
            _ => None,
        })
    }
}

/// The words shared by small values, numbered after all others in the end.
#[derive(Default)]
struct SmallWords {
    used: Vec<u32>,
}

impl SmallWords {
    fn take(&mut self, bits: u32) -> (usize, u32) {
        let word = self.used.iter().position(|used| used + bits <= 64).unwrap_or_else(|| {
            self.used.push(0);
            self.used.len() - 1
        });
        self.used[word] += bits;
        (word, self.used[word] - bits)
    }

    fn place(&mut self, values: usize, nullable: bool) -> Place {
        let codes = values as u64 + u64::from(nullable);
        let bits = (64 - codes.saturating_sub(1).leading_zeros()).max(1);
        let (word, shift) = self.take(bits);
        // Where null has no place, it gets a code that fits, like any value.
        let null = if nullable { values as u64 } else { 0 };
        Place::Small { word, shift, bits, null }
    }

    /// All bits, when there are no other words and at most one of these.
    fn only_bits(&self, other_words: usize) -> Option<u32> {
        (other_words == 0 && self.used.len() <= 1).then(|| self.used.first().map_or(0, |&b| b))
    }
}

impl Place {
    fn shift_small_words(&mut self, by: usize) {
        match self {
            Place::Small { word, .. } => *word += by,
            Place::Number { null: Some((word, _)), .. } => *word += by,
            Place::Number { .. }
            | Place::Nothing
            | Place::Float { .. }
            | Place::Decimal { .. }
            | Place::Text { .. } => {}
        }
    }
}

/// Does the text with this first word not fit into its words?
pub(super) fn is_long(first: u64) -> bool {
    (first != NULL_TEXT) & (first as u32 as usize > INLINE_BYTES_MAX)
}

/// The bits of a float, the same for all NaNs and for both zeros.
pub fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}
