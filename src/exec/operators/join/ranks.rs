//! Which of many numbers are taken, a bit each, and how many before each of them are.

use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Numbers the places that are taken, in their order.
pub(super) struct Ranks(Vec<Block>);

/// 64 places.
struct Block {
    /// Those that are taken, from the lowest bit on.
    taken: u64,
    /// How many are in all blocks before.
    before: u32,
}

/// Marks places as taken, from any number of threads.
pub(super) struct Marks(Vec<AtomicU64>);

impl Marks {
    /// With so many places, of which none is taken.
    pub fn new(places: usize) -> Marks {
        Marks((0..places.div_ceil(64)).into_par_iter().map(|_| AtomicU64::new(0)).collect())
    }

    pub fn mark(&self, place: usize) {
        self.0[place / 64].fetch_or(1 << (place % 64), Relaxed);
    }

    pub fn is_marked(&self, place: usize) -> bool {
        self.0[place / 64].load(Relaxed) >> (place % 64) & 1 == 1
    }

    /// Has no place marked any more.
    pub fn clear(&self) {
        self.0.iter().for_each(|block| block.store(0, Relaxed));
    }
}

impl Ranks {
    /// The ranks of the places that were marked, and how many these are.
    pub fn new(marks: Marks) -> (Ranks, usize) {
        let mut before = 0;
        let block = |taken: AtomicU64| {
            let block = Block { taken: taken.into_inner(), before };
            before += block.taken.count_ones();
            block
        };
        let blocks = marks.0.into_iter().map(block).collect();
        (Ranks(blocks), before as usize)
    }

    /// How many places are taken before this one, if it is taken itself.
    #[inline]
    pub fn of(&self, place: usize) -> Option<u32> {
        let block = self.0.get(place / 64)?;
        let bit = 1u64 << (place % 64);
        let is_taken = block.taken & bit != 0;
        is_taken.then(|| block.before + (block.taken & (bit - 1)).count_ones())
    }

    /// How much memory it holds.
    pub fn bytes(&self) -> usize {
        self.0.len() * size_of::<Block>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_in_their_order() {
        let taken = [0, 1, 62, 63, 64, 200, 255, 256, 299];
        let marks = Marks::new(300);
        taken.iter().chain(&[64, 0]).for_each(|&place| marks.mark(place));
        let (ranks, count) = Ranks::new(marks);
        assert_eq!(count, taken.len());
        let expected = |place| taken.binary_search(&place).ok().map(|rank| rank as u32);
        assert!((0..400).all(|place| ranks.of(place) == expected(place)));
        assert_eq!(ranks.of(usize::MAX), None);
    }
}
