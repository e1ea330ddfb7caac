//! What stands behind the words of a long text, so that most long texts are compared without
//! fetching their bytes from anywhere else.

use super::{hash, is_long};
use twox_hash::XxHash3_64;

/// Texts up to this length are held by their words and their tail.
pub const TAIL_BYTES_MAX: usize = 20;

/// Bytes 4 to 12 of a text that does not fit into its words, and, up to [`TAIL_BYTES_MAX`], its
/// last 8 bytes. Zeros for shorter texts.
pub type Tail = [u64; 2];

/// What has no equal in a table, which has a place there: these tails alone say nothing.
const BEYOND: u64 = u64::MAX;

/// Is the text with this first word too long for its words and its tail?
pub fn is_beyond_tail(first: u64) -> bool {
    is_long(first) && first as u32 as usize > TAIL_BYTES_MAX
}

/// The tail of a long text.
#[inline(always)]
pub fn tail_of(text: &[u8]) -> Tail {
    let eight = |at: usize| u64::from_le_bytes(text[at..at + 8].try_into().expect("8 bytes"));
    [eight(4), if text.len() <= TAIL_BYTES_MAX { eight(text.len() - 8) } else { BEYOND }]
}

/// The tail of a long text with this first word, as it was before it got a place.
pub fn without_place(first: u64, tail: Tail) -> Tail {
    if is_beyond_tail(first) { [tail[0], BEYOND] } else { tail }
}

/// The second word of a long text with this tail.
#[inline(always)]
pub fn second_word(text: &[u8], tail: Tail) -> u64 {
    if text.len() <= TAIL_BYTES_MAX { hash(&tail) } else { XxHash3_64::oneshot(text) }
}

/// The text that its first word and its tail hold, and its length.
pub fn text_of(first: u64, tail: Tail) -> ([u8; TAIL_BYTES_MAX], usize) {
    let length = first as u32 as usize;
    let mut text = [0; TAIL_BYTES_MAX];
    text[..4].copy_from_slice(&first.to_le_bytes()[4..]);
    text[4..12].copy_from_slice(&tail[0].to_le_bytes());
    text[length - 8..length].copy_from_slice(&tail[1].to_le_bytes());
    (text, length)
}

/// The tails of some packed keys, for each column that may have long texts.
#[derive(Default, Debug)]
pub struct Tails {
    /// One key after the other; none while there is no long text.
    tails: Vec<Tail>,
    keys: usize,
    columns: usize,
    /// The keys and columns of the texts that do not fit into their tails either.
    beyond: Vec<(u32, u32)>,
}

impl Tails {
    /// Makes room for those of so many keys.
    pub fn clear(&mut self, keys: usize, columns: usize) {
        self.tails.clear();
        self.beyond.clear();
        (self.keys, self.columns) = (keys, columns);
    }

    /// Is there no long text?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.tails.is_empty()
    }

    /// Takes the tail of a long text.
    #[inline(always)]
    pub fn set(&mut self, key: usize, column: usize, tail: Tail) {
        if self.tails.is_empty() {
            self.tails.resize(self.keys * self.columns, [0; 2]);
        }
        self.tails[key * self.columns + column] = tail;
        if tail[1] == BEYOND {
            self.beyond.push((key as u32, column as u32));
        }
    }

    /// Those of a key; there are long texts.
    #[inline(always)]
    pub fn of(&self, key: usize) -> &[Tail] {
        &self.tails[key * self.columns..][..self.columns]
    }

    /// The tail of a text, zeros if it is not long.
    pub fn get(&self, key: usize, column: usize) -> Tail {
        self.tails.get(key * self.columns + column).copied().unwrap_or_default()
    }

    /// The keys and columns of the texts that do not fit into their tails.
    pub fn beyond(&self) -> &[(u32, u32)] {
        &self.beyond
    }
}
