//! The hash table of groups, joins, `distinct` and `dedupe`: it numbers distinct keys in the order
//! in which they first come.
//!
//! What is kept for each number (sums, rows) is kept by others, in vectors beside the table. Keys
//! are packed by [`super::keys`]; nothing is ever removed.
//!
//! Open addressing with linear probing over slots of 8 bytes: half of the hash, and the number of
//! the key, whose words stand in a vector of their own. Keys are looked up in blocks: first the
//! slots of all of them are fetched, then the words that these name, so that the cache misses
//! overlap; then the words are compared; only what is left after that is probed one by one. Keys of
//! very few bits (a bool, an enum) index an array of numbers directly.

mod parted;

pub use parted::PartedTable;

use super::keys::{
    KeyColumns, KeyLayout, LongBuffers, LongTexts, Packed, PackedRows, Tail, hash, is_beyond_tail,
    is_long, text_of, unpack, without_place,
};
use crate::data::prefetch::prefetch;
use crate::functions::kernel::Operand;
use crate::types::Type;
use arrow_array::ArrayRef;
use arrow_buffer::Buffer;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// What [`find`] gives for a key that is not there.
pub const NOT_FOUND: u32 = u32::MAX;

/// Keys that are looked up together: their words, hashes and slots fit into the first cache.
const BLOCK: usize = 512;

/// Long texts are kept in pieces, each twice as large as the one before up to this size: a single
/// one would be copied whenever it has to grow.
const ARENA_PIECE_BYTES: RangeInclusive<usize> = 1 << 12..=1 << 22;

/// Smaller tables are in the caches anyway.
const PREFETCHED_WORDS_MIN: usize = 1 << 15;

/// The slot of no key; those of keys hold their number plus one in the low half.
const EMPTY: u64 = 0;

/// A hash table that numbers keys.
pub struct GroupTable {
    layout: Arc<KeyLayout>,
    /// By hash, or by the key itself when it has few bits. A power of two.
    slots: Vec<u64>,
    /// The words of the keys in the order of their numbers. As soon as one of them has a long
    /// text, the tails of its texts stand behind each, for each column that may have long ones; of
    /// a text that does not fit into it, the second word of the tail is the place in the arena:
    /// `piece << 32 | offset`. What is read together stands together.
    keys: Vec<u64>,
    /// From key to key; the width of the layout, or with tails.
    stride: usize,
    count: usize,
    /// How many keys fit before the slots must grow; all when they are indexed directly.
    room: usize,
    arena: Vec<Vec<u8>>,
    block: Block,
}

/// What is needed while a block of keys is looked up; kept to be used again.
#[derive(Default)]
pub struct Block {
    packed: Packed,
    slots: Vec<u64>,
    missed: Vec<u32>,
}

impl GroupTable {
    /// A table for keys of these types.
    pub fn new(types: &[Type]) -> GroupTable {
        let layout = Arc::new(KeyLayout::new(types));
        let (slots, room) = match layout.direct_bits() {
            Some(bits) => (1 << bits, usize::MAX),
            None => (1024, room_of(1024)),
        };
        GroupTable {
            stride: layout.width(),
            layout,
            slots: vec![EMPTY; slots],
            keys: vec![],
            count: 0,
            room,
            arena: vec![],
            block: Block::default(),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        let arena: usize = self.arena.iter().map(Vec::capacity).sum();
        (self.slots.capacity() + self.keys.capacity()) * 8 + arena
    }

    /// Puts the number of each row's key into `out`; new keys get the next numbers.
    pub fn find_or_insert(&mut self, keys: &[Operand], rows: usize, out: &mut Vec<u32>) {
        out.clear();
        out.reserve(rows);
        let layout = self.layout.clone();
        let mut columns = KeyColumns::new(&layout, keys, rows);
        assert!(columns.nulls_without_place().is_none(), "required keys are not null");
        let mut block = std::mem::take(&mut self.block);
        for start in (0..rows).step_by(BLOCK) {
            columns.pack(start..rows.min(start + BLOCK), &mut block.packed);
            self.insert_block(&mut block, &columns, out);
        }
        self.block = block;
    }

    /// The same for keys that are packed.
    pub fn find_or_insert_packed(
        &mut self,
        keys: &PackedRows,
        rows: Range<usize>,
        out: &mut Vec<u32>,
    ) {
        out.clear();
        out.reserve(rows.len());
        let mut block = std::mem::take(&mut self.block);
        for start in rows.clone().step_by(BLOCK) {
            keys.copy(start..rows.end.min(start + BLOCK), &mut block.packed);
            self.insert_block(&mut block, &keys.from(start), out);
        }
        self.block = block;
    }

    /// Makes room for so many more keys.
    pub fn reserve(&mut self, keys: usize) {
        self.keys.reserve(keys * self.stride);
        if self.layout.direct_bits().is_none() {
            self.grow_for(keys);
        }
    }

    /// Takes in the keys `numbers` of another table of the same layout, and puts the number that
    /// each has here into `out`.
    pub fn insert_from(&mut self, other: &GroupTable, numbers: &[u32], out: &mut Vec<u32>) {
        out.clear();
        out.reserve(numbers.len());
        let width = self.layout.width();
        let mut block = std::mem::take(&mut self.block);
        for numbers in numbers.chunks(BLOCK) {
            let packed = &mut block.packed;
            packed.clear(0, &self.layout);
            for &number in numbers {
                packed.words.extend_from_slice(other.key(number as usize));
            }
            other.copy_tails(numbers, packed);
            packed.hash(width);
            self.insert_block(&mut block, &Selected { table: other, numbers }, out);
        }
        self.block = block;
    }

    /// The hashes of the keys in the order of their numbers.
    pub fn hashes(&self) -> impl Iterator<Item = u64> + '_ {
        let width = self.layout.width();
        self.keys.chunks_exact(self.stride).map(move |key| hash(&key[..width]))
    }

    /// The numbers of the keys of each of `1 << bits` parts.
    pub fn parts(&self, bits: u32) -> Vec<Vec<u32>> {
        let mut parts = vec![vec![]; 1 << bits];
        for (number, hash) in self.hashes().enumerate() {
            parts[part_of(hash, bits)].push(number as u32);
        }
        parts
    }

    /// The columns of the keys in the order of their numbers.
    pub fn into_arrays(mut self) -> Vec<ArrayRef> {
        let (width, stride, count) = (self.layout.width(), self.stride, self.count);
        let mut places = vec![];
        if stride > width {
            let words: Vec<usize> = self.layout.long_words().collect();
            for (column, word) in words.into_iter().enumerate() {
                let place = |number| self.place_of(number, column, word);
                places.push((0..count).map(place).collect());
            }
            for number in 0..count {
                let start = number * stride;
                self.keys.copy_within(start..start + width, number * width);
            }
            self.keys.truncate(count * width);
        }
        let buffers = self.arena.into_iter().map(Buffer::from).collect();
        unpack(&self.layout, &self.keys, &LongBuffers { buffers, places })
    }

    fn key(&self, number: usize) -> &[u64] {
        &self.keys[number * self.stride..][..self.layout.width()]
    }

    fn insert_block(&mut self, block: &mut Block, long: &impl LongTexts, out: &mut Vec<u32>) {
        if self.layout.direct_bits().is_some() {
            for (row, &word) in block.packed.words.iter().enumerate() {
                let slot = self.slots[word as usize];
                let number = if slot == EMPTY {
                    let number = self.push_key(&block.packed, row, long);
                    self.slots[word as usize] = u64::from(number) + 1;
                    number
                } else {
                    slot as u32 - 1
                };
                out.push(number);
            }
            return;
        }
        self.grow_for(block.packed.len());
        match self.layout.width() {
            1 => self.insert_hashed::<1>(block, long, out),
            2 => self.insert_hashed::<2>(block, long, out),
            3 => self.insert_hashed::<3>(block, long, out),
            4 => self.insert_hashed::<4>(block, long, out),
            _ => self.insert_hashed::<0>(block, long, out),
        }
    }

    fn insert_hashed<const W: usize>(
        &mut self,
        block: &mut Block,
        long: &impl LongTexts,
        out: &mut Vec<u32>,
    ) {
        let start = out.len();
        self.look_up::<W>(block, long, out);
        for &row in &block.missed {
            let row = row as usize;
            let hash = block.packed.hashes[row];
            let mut at = hash as usize & (self.slots.len() - 1);
            out[start + row] = loop {
                let slot = self.slots[at];
                if slot == EMPTY {
                    let number = self.push_key(&block.packed, row, long);
                    self.slots[at] = slot_of(hash, number);
                    break number;
                }
                if self.holds::<W>(slot, &block.packed, row, long) {
                    break slot as u32 - 1;
                }
                at = (at + 1) & (self.slots.len() - 1);
            };
        }
    }

    /// Puts the number of each key into `out` that stands where its hash says, and the rows of
    /// the others into `block.missed`.
    fn look_up<const W: usize>(
        &self,
        block: &mut Block,
        long: &impl LongTexts,
        out: &mut Vec<u32>,
    ) {
        let Block { packed, slots, missed } = block;
        let mask = self.slots.len() - 1;
        let is_large = self.keys.len() >= PREFETCHED_WORDS_MIN;
        if is_large {
            packed.hashes.iter().for_each(|&hash| prefetch(&self.slots[hash as usize & mask]));
        }
        slots.clear();
        slots.extend(packed.hashes.iter().map(|&hash| self.slots[hash as usize & mask]));
        if is_large {
            self.prefetch_keys::<W>(packed, slots);
        }
        missed.clear();
        for (row, &slot) in slots.iter().enumerate() {
            out.push((slot as u32).wrapping_sub(1));
            if !self.holds::<W>(slot, packed, row, long) {
                missed.push(row as u32);
            }
        }
    }

    /// Fetches what the slots of a block name before any of it is compared, so that the cache
    /// misses of many keys overlap.
    #[inline]
    fn prefetch_keys<const W: usize>(&self, packed: &Packed, slots: &[u64]) {
        // Where nothing is named, it is the first key: a branch would be mispredicted often.
        let named = |row: usize, slot: u64| {
            let is_likely = may_hold(slot, packed.hashes[row]) && slot != EMPTY;
            if is_likely { (slot as u32).wrapping_sub(1) as usize } else { 0 }
        };
        for (row, &slot) in slots.iter().enumerate() {
            prefetch(&self.keys[named(row, slot) * self.stride]);
        }
        if self.arena.is_empty() {
            return;
        }
        for &(row, column) in packed.tails.beyond() {
            let number = named(row as usize, slots[row as usize]);
            let word =
                self.layout.long_words().nth(column as usize).expect("it may have long ones");
            if is_beyond_tail(self.key(number)[word]) {
                let [_, place] = self.tails(number)[column as usize];
                prefetch(&self.arena[(place >> 32) as usize][place as u32 as usize]);
            }
        }
    }

    /// Does this slot hold the key of `row`?
    #[inline]
    fn holds<const W: usize>(
        &self,
        slot: u64,
        packed: &Packed,
        row: usize,
        long: &impl LongTexts,
    ) -> bool {
        if !may_hold(slot, packed.hashes[row]) || slot == EMPTY {
            return false;
        }
        let number = (slot as u32 - 1) as usize;
        let width = if W == 0 { self.layout.width() } else { W };
        self.keys[number * self.stride..][..width] == packed.words[row * width..row * width + width]
            && (packed.tails.is_empty() || self.tails_equal(number, row, packed, long))
    }

    /// Are the long texts of a key and a row equal, whose words are?
    #[inline(always)]
    fn tails_equal(
        &self,
        number: usize,
        row: usize,
        packed: &Packed,
        long: &impl LongTexts,
    ) -> bool {
        // Without tails here no key has a long text, and equal words say that the row has none.
        let tails = self.tails(number).iter().zip(packed.tails.of(row));
        let mut unequal = tails.enumerate().filter(|(_, (own, other))| own != other);
        unequal.all(|(column, (own, other))| {
            own[0] == other[0] && self.beyond_equal(number, column, row, long)
        })
    }

    /// Are the texts of a key and a row equal that go on behind tails that are?
    #[inline(never)]
    fn beyond_equal(
        &self,
        number: usize,
        column: usize,
        row: usize,
        long: &impl LongTexts,
    ) -> bool {
        let text = self.text_beyond(column, number);
        text.is_some_and(|text| text == long.bytes(column, row))
    }

    /// The text of a key that does not fit into its words and its tail.
    fn text_beyond(&self, column: usize, number: usize) -> Option<&[u8]> {
        let word = self.layout.long_words().nth(column)?;
        let first = self.key(number)[word];
        let [_, place] = self.tails(number)[column];
        let start = place as u32 as usize;
        is_beyond_tail(first)
            .then(|| &self.arena[(place >> 32) as usize][start..start + first as u32 as usize])
    }

    /// The tails of the texts of a key; none while there is no long text.
    #[inline(always)]
    fn tails(&self, number: usize) -> &[Tail] {
        let tails = &self.keys[number * self.stride..][self.layout.width()..self.stride];
        tails.as_chunks().0
    }

    /// Where in the arena a long text is, which is put there if it is in its tail; else anywhere.
    fn place_of(&mut self, number: usize, column: usize, word: usize) -> u64 {
        let (first, tail) = (self.key(number)[word], self.tails(number)[column]);
        if is_beyond_tail(first) || !is_long(first) {
            return tail[1];
        }
        let (text, length) = text_of(first, tail);
        push_text(&mut self.arena, &text[..length])
    }

    /// Puts the tails of some keys into `packed`.
    fn copy_tails(&self, numbers: &[u32], packed: &mut Packed) {
        let words: Vec<usize> = self.layout.long_words().collect();
        packed.tails.clear(numbers.len(), words.len());
        for (at, &number) in numbers.iter().enumerate() {
            let (key, tails) = (self.key(number as usize), self.tails(number as usize));
            for (column, (&word, &tail)) in words.iter().zip(tails).enumerate() {
                if is_long(key[word]) {
                    packed.tails.set(at, column, without_place(key[word], tail));
                }
            }
        }
    }

    /// Makes room for the tails of texts behind each key.
    fn widen(&mut self) {
        let width = self.layout.width();
        self.stride = width + self.layout.long_words().count() * Tail::default().len();
        let mut keys = Vec::with_capacity(self.keys.capacity() / width * self.stride);
        for key in self.keys.chunks_exact(width) {
            keys.extend_from_slice(key);
            keys.resize(keys.len() + self.stride - width, 0);
        }
        self.keys = keys;
    }

    /// Adds the key of `row` and gives its number.
    fn push_key(&mut self, packed: &Packed, row: usize, long: &impl LongTexts) -> u32 {
        let width = self.layout.width();
        let number = self.count;
        assert!(number < NOT_FOUND as usize, "there are fewer than 2^32 keys");
        if !packed.tails.is_empty() && self.stride == width {
            self.widen();
        }
        self.keys.extend_from_slice(&packed.words[row * width..(row + 1) * width]);
        self.count += 1;
        if self.stride > width {
            for (column, word) in self.layout.long_words().enumerate() {
                let mut tail = packed.tails.get(row, column);
                if is_beyond_tail(packed.words[row * width + word]) {
                    tail[1] = push_text(&mut self.arena, long.bytes(column, row));
                }
                self.keys.extend_from_slice(&tail);
            }
        }
        number as u32
    }

    fn grow_for(&mut self, more: usize) {
        if self.count + more <= self.room {
            return;
        }
        let mut size = self.slots.len();
        while room_of(size) < self.count + more {
            size *= 2;
        }
        assert!(size <= 1 << 32, "a slot has half of the hash");
        let mut slots = vec![EMPTY; size];
        // In the order of the slots, so that memory is written in that order too.
        for &slot in self.slots.iter().filter(|slot| **slot != EMPTY) {
            let mut at = (slot >> 32) as usize & (size - 1);
            while slots[at] != EMPTY {
                at = (at + 1) & (size - 1);
            }
            slots[at] = slot;
        }
        self.slots = slots;
        self.room = room_of(size);
    }
}

/// Slots are at most 5/8 full, which keeps the runs that are probed short.
fn room_of(slots: usize) -> usize {
    slots / 8 * 5
}

/// The half of the hash that says where a key stands: when the slots grow no hash is needed again.
fn slot_of(hash: u64, number: u32) -> u64 {
    hash << 32 | (u64::from(number) + 1)
}

/// May this slot be that of a key with this hash?
#[inline(always)]
fn may_hold(slot: u64, hash: u64) -> bool {
    (slot >> 32) as u32 == hash as u32
}

fn push_text(arena: &mut Vec<Vec<u8>>, text: &[u8]) -> u64 {
    if arena.last().is_none_or(|piece| piece.len() + text.len() > piece.capacity()) {
        let (least, most) = ARENA_PIECE_BYTES.into_inner();
        let twice = arena.last().map_or(0, Vec::capacity) * 2;
        arena.push(Vec::with_capacity(twice.clamp(least, most).max(text.len())));
    }
    let piece = arena.len() - 1;
    let offset = arena[piece].len();
    arena[piece].extend_from_slice(text);
    (piece as u64) << 32 | offset as u64
}

/// Some keys of a table, as rows.
struct Selected<'a> {
    table: &'a GroupTable,
    numbers: &'a [u32],
}

impl LongTexts for Selected<'_> {
    fn bytes(&self, long: usize, row: usize) -> &[u8] {
        let text = self.table.text_beyond(long, self.numbers[row] as usize);
        text.expect("only those are asked for")
    }
}

/// The part of a key with this hash among `1 << bits`, by the top bits, which tables of up to
/// 2^32 slots do not use for anything else.
pub fn part_of(hash: u64, bits: u32) -> usize {
    (hash >> 1 >> (63 - bits)) as usize
}

#[cfg(test)]
mod tests;
