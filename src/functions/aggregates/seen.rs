//! Which keys each group has seen, and how often: a table of keys of any length, for aggregates
//! whose values are no numbers inside. What a key means is the aggregate's business.

use crate::data::prefetch::prefetch;
use twox_hash::XxHash3_64;

/// So many keys are looked up together, so that the memory of one is fetched while another is
/// looked at.
pub const KEYS_TOGETHER: usize = 256;

/// Keys up to this length stand in their entry.
const HEAD: usize = 16;

/// Pairs of a group and a key, numbered in the order in which they first came.
#[derive(Default)]
pub struct SeenKeys {
    /// Of an entry the upper half of its hash and its number, plus one; 0 where there is none.
    slots: Vec<u64>,
    entries: Vec<Entry>,
    /// Keys that do not fit into their entry, end to end.
    long: Vec<u8>,
    asked: Vec<Asked>,
    asked_keys: Vec<u8>,
}

struct Entry {
    hash: u64,
    /// The key, filled up with zeros, or where it stands among the long ones.
    head: [u8; HEAD],
    length: u32,
    group: u32,
    times: u64,
}

/// A key that is to be looked up.
struct Asked {
    hash: u64,
    key: std::ops::Range<usize>,
    group: u32,
    times: u64,
}

impl SeenKeys {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The group of a pair.
    pub fn group(&self, number: usize) -> u32 {
        self.entries[number].group
    }

    /// How often a pair came.
    pub fn times(&self, number: usize) -> u64 {
        self.entries[number].times
    }

    /// The key of a pair.
    pub fn key(&self, number: usize) -> &[u8] {
        key_of(&self.entries[number], &self.long)
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.slots[..])
            + self.entries.capacity() * size_of::<Entry>()
            + self.long.capacity()
    }

    /// Notes that a group has a key so many times more; [`Self::answer`] takes it in. No more than
    /// [`KEYS_TOGETHER`] at once.
    pub fn ask(&mut self, group: u32, times: u64, write_key: impl FnOnce(&mut Vec<u8>)) {
        self.make_room();
        let start = self.asked_keys.len();
        write_key(&mut self.asked_keys);
        let key = start..self.asked_keys.len();
        let hash = XxHash3_64::oneshot_with_seed(u64::from(group), &self.asked_keys[key.clone()]);
        prefetch(&self.slots[self.slot_of(hash)]);
        self.asked.push(Asked { hash, key, group, times });
    }

    /// Takes in what was asked, and says which of it, by its place, came for the first time.
    pub fn answer(&mut self, mut is_new: impl FnMut(usize)) {
        let (asked, keys) = (std::mem::take(&mut self.asked), std::mem::take(&mut self.asked_keys));
        for asked in &asked {
            let number = self.slots[self.slot_of(asked.hash)] as u32;
            if let Some(entry) =
                (number as usize).checked_sub(1).and_then(|at| self.entries.get(at))
            {
                prefetch(entry);
            }
        }
        for (at, asked) in asked.iter().enumerate() {
            if self.note(asked, &keys[asked.key.clone()]) {
                is_new(at);
            }
        }
        (self.asked, self.asked_keys) = (asked, keys);
        self.asked.clear();
        self.asked_keys.clear();
    }

    fn note(&mut self, asked: &Asked, key: &[u8]) -> bool {
        let mut slot = self.slot_of(asked.hash);
        while self.slots[slot] != 0 {
            let (tag, number) = (self.slots[slot] >> 32, self.slots[slot] as u32 - 1);
            if tag == asked.hash >> 32 {
                let entry = &mut self.entries[number as usize];
                let is_same = entry.hash == asked.hash && entry.group == asked.group;
                if is_same && key_of(entry, &self.long) == key {
                    entry.times += asked.times;
                    return false;
                }
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        let mut head = [0; HEAD];
        match head.get_mut(..key.len()) {
            Some(head) => head.copy_from_slice(key),
            None => {
                head[..8].copy_from_slice(&(self.long.len() as u64).to_le_bytes());
                self.long.extend_from_slice(key);
            }
        }
        let length = u32::try_from(key.len()).expect("texts are shorter than 4 GiB");
        let Asked { hash, group, times, .. } = *asked;
        self.entries.push(Entry { hash, head, length, group, times });
        let number = u32::try_from(self.entries.len()).expect("fewer than 2^32 distinct values");
        self.slots[slot] = hash >> 32 << 32 | u64::from(number);
        true
    }

    fn slot_of(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    /// Slots for all that is there and all that may be asked, half of them free.
    fn make_room(&mut self) {
        let needed = (self.entries.len() + KEYS_TOGETHER) * 2;
        if needed <= self.slots.len() {
            return;
        }
        self.slots = vec![0; needed.next_power_of_two() * 2];
        for (number, entry) in (1..).zip(&self.entries) {
            let mut slot = entry.hash as usize & (self.slots.len() - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = entry.hash >> 32 << 32 | number;
        }
    }
}

fn key_of<'k>(entry: &'k Entry, long: &'k [u8]) -> &'k [u8] {
    let length = entry.length as usize;
    if length <= HEAD {
        return &entry.head[..length];
    }
    let start = entry.head.first_chunk().map_or(0, |start| u64::from_le_bytes(*start)) as usize;
    &long[start..start + length]
}
