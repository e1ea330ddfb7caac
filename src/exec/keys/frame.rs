//! Packed keys of which only the bits are kept that differ between them.
//!
//! Texts of one kind have a length and first letters in common, and numbers their upper bits: of six
//! columns in ten words, a hundred thousand keys may differ in two words' worth of bits.

/// Which bits of the words of some keys differ, and where they are put.
#[derive(Clone, Debug)]
pub struct Frame {
    /// A key, from which each is told by the bits that differ.
    base: Vec<u64>,
    fields: Vec<Field>,
    width: usize,
}

/// The bits of one word from the lowest to the highest that differs.
#[derive(Clone, Debug)]
struct Field {
    word: usize,
    shift: u32,
    mask: u64,
    to_word: usize,
    to_shift: u32,
}

impl Frame {
    /// The frame of keys of `width` words; none if they would take as much memory in it.
    pub fn of(words: &[u64], width: usize) -> Option<Frame> {
        let base = words.get(..width)?.to_vec();
        let mut varying = vec![0; width];
        for key in words.chunks_exact(width) {
            for ((varying, word), base) in varying.iter_mut().zip(key).zip(&base) {
                *varying |= word ^ base;
            }
        }
        let (mut fields, mut used) = (vec![], vec![]);
        for (word, &varying) in varying.iter().enumerate().filter(|(_, varying)| **varying != 0) {
            let shift = varying.trailing_zeros();
            let bits = 64 - varying.leading_zeros() - shift;
            let to_word = used.iter().position(|used| used + bits <= 64).unwrap_or(used.len());
            used.resize(used.len().max(to_word + 1), 0);
            let (mask, to_shift) = (u64::MAX >> (64 - bits), used[to_word]);
            fields.push(Field { word, shift, mask, to_word, to_shift });
            used[to_word] += bits;
        }
        let frame = Frame { base, fields, width: used.len().max(1) };
        (frame.width < width).then_some(frame)
    }

    /// Words per key.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Puts the keys into the frame, and drops what is behind them.
    pub fn squeeze(&self, words: &mut Vec<u64>) {
        let (from, to) = (self.base.len(), self.width);
        let keys = words.len() / from;
        let mut squeezed = vec![0; to];
        for key in 0..keys {
            let whole = &words[key * from..(key + 1) * from];
            squeezed.fill(0);
            for field in &self.fields {
                let bits = (whole[field.word] ^ self.base[field.word]) >> field.shift;
                squeezed[field.to_word] |= bits << field.to_shift;
            }
            let place = &mut words[key * to..(key + 1) * to];
            place.iter_mut().zip(&squeezed).for_each(|(word, &squeezed)| *word = squeezed);
        }
        words.truncate(keys * to);
    }

    /// Appends the whole words of keys in this frame.
    pub fn expand(&self, squeezed: &[u64], out: &mut Vec<u64>) {
        for squeezed in squeezed.chunks_exact(self.width) {
            let start = out.len();
            out.extend_from_slice(&self.base);
            let whole = &mut out[start..];
            for field in &self.fields {
                whole[field.word] ^= field.bits(squeezed) << field.shift;
            }
        }
    }

    /// One word of a key in this frame.
    pub fn word(&self, squeezed: &[u64], word: usize) -> u64 {
        let fields = self.fields.iter().filter(|field| field.word == word);
        fields.fold(self.base[word], |whole, field| whole ^ field.bits(squeezed) << field.shift)
    }
}

impl Field {
    #[inline(always)]
    fn bits(&self, squeezed: &[u64]) -> u64 {
        squeezed[self.to_word] >> self.to_shift & self.mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_out_of_a_frame_as_they_went_in() {
        let cases: [(usize, &[u64]); 6] = [
            (2, &[7, 7, 7, 7, 7, 7]),
            (2, &[0x100, 5 << 40, 0x200, 6 << 40, 0x300, 1 << 40]),
            (3, &[u64::MAX, 1, 2, 0, 1, 3, 5, 1, 2]),
            (3, &[1 << 63, 1, 1, 1, 1 << 63, 1, 1, 1, 1 << 63]),
            (4, &[0xffff_ffff, 1, 1 << 33, 0, 0, 1 << 31, 0, 9, 3, 3, 1, 8]),
            (4, &[1, 2, 3, 4]),
        ];
        let mut squeezed_keys = 0;
        for (width, keys) in cases {
            let Some(frame) = Frame::of(keys, width) else { continue };
            squeezed_keys += 1;
            let mut squeezed = keys.to_vec();
            frame.squeeze(&mut squeezed);
            assert_eq!(squeezed.len(), keys.len() / width * frame.width());
            let mut whole = vec![];
            frame.expand(&squeezed, &mut whole);
            assert_eq!(whole, keys);
            for (key, squeezed) in keys.chunks(width).zip(squeezed.chunks(frame.width())) {
                let words: Vec<u64> = (0..width).map(|at| frame.word(squeezed, at)).collect();
                assert_eq!(words, key);
            }
        }
        assert_eq!(squeezed_keys, 5);
    }

    #[test]
    fn keys_that_differ_everywhere_have_no_frame() {
        assert!(Frame::of(&[0, 0, u64::MAX, u64::MAX], 2).is_none());
        assert!(Frame::of(&[3, 4], 1).is_none());
        assert!(Frame::of(&[], 2).is_none());
    }
}
