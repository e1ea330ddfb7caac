//! Where the fields of a chunk end, found 64 bytes at a time.
//!
//! A byte is quoted when an odd number of quotes stand before it, which is right as long as every
//! quote stands where RFC 4180 wants it. [`outline`] proves that for a chunk; where it does not
//! hold, `exact` splits the chunk instead.
#![allow(unsafe_code)]

use super::simd::{Isa, with_isa};

/// What stands between and around fields.
#[derive(Clone, Copy, Debug)]
pub struct Signs {
    /// Between fields.
    pub delimiter: u8,
    /// Around fields; None when the bytes hold none or they mean nothing.
    pub quote: Option<u8>,
}

/// The quotes of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Does every opening quote begin a field, and every closing one end it?
    pub is_regular: bool,
    /// After the last line end that is not quoted; 0 when there is none.
    pub records_end: usize,
}

/// The field ends of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Fields.
    pub fields: usize,
    /// Line ends that are not quoted.
    pub records: usize,
}

with_isa! {
    /// Looks at all quotes of `bytes[..len]`, which begins with a record. `bytes` goes on for at
    /// least 64 bytes after `len`.
    pub fn outline => outline_loop(bytes: &[u8], len: usize, signs: Signs) -> Outline
}

with_isa! {
    /// Writes the positions of all delimiters and line ends of `bytes[start..len]` that are not
    /// quoted to `marks[1..]`, and to `marks[0]` the position before `start`, so that field `i`
    /// lies between `marks[i] + 1` and `marks[i + 1]`. `bytes` goes on for at least 64 bytes after
    /// `len`.
    pub fn index => index_loop(bytes: &[u8], start: usize, len: usize, signs: Signs,
        marks: &mut Vec<u32>) -> Indexed
}

#[inline(always)]
fn block(bytes: &[u8], at: usize) -> &[u8; 64] {
    bytes[at..at + 64].try_into().expect("64 bytes")
}

/// Bit `i` is the parity of bits `0..=i`.
#[inline(always)]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[inline(always)]
fn outline_loop<I: Isa>(bytes: &[u8], len: usize, signs: Signs) -> Outline {
    let quote = signs.quote.unwrap_or(b'"');
    // All ones while the previous block ended inside quotes.
    let mut inside = 0u64;
    // Did the previous block end with the end of a field, or with a closing quote?
    let (mut after_mark, mut after_close) = (1u64, 0u64);
    let mut records_end = 0;
    for at in (0..len).step_by(64) {
        let valid = if len - at < 64 { (1 << (len - at)) - 1 } else { u64::MAX };
        // SAFETY: the instruction set is there (see `with_isa!`).
        let (delimiters, lines, quotes) = unsafe {
            let block = I::load(block(bytes, at));
            let delimiters = I::equal(block, signs.delimiter) & valid;
            (delimiters, I::equal(block, b'\n') & valid, I::equal(block, quote) & valid)
        };
        let quoted = parity(quotes) ^ inside;
        let marks = (delimiters | lines) & !quoted;
        let (opening, closing) = (quotes & quoted, quotes & !quoted);
        // A quote that opens again right after one that closed is an escaped quote.
        let stray_opening = opening & !((marks | closing) << 1 | after_mark | after_close);
        let mut stray_next = (closing << 1 | after_close) & !(marks | opening) & valid;
        while stray_next != 0 {
            let next = at + stray_next.trailing_zeros() as usize;
            if !bytes[next..].starts_with(b"\r\n") {
                return Outline { is_regular: false, records_end };
            }
            stray_next &= stray_next - 1;
        }
        if stray_opening != 0 {
            return Outline { is_regular: false, records_end };
        }
        let ends = lines & !quoted;
        if ends != 0 {
            records_end = at + 64 - ends.leading_zeros() as usize;
        }
        inside = ((quoted as i64) >> 63) as u64;
        (after_mark, after_close) = (marks >> 63, closing >> 63);
    }
    Outline { is_regular: true, records_end }
}

#[inline(always)]
fn index_loop<I: Isa>(
    bytes: &[u8],
    start: usize,
    len: usize,
    signs: Signs,
    marks: &mut Vec<u32>,
) -> Indexed {
    let mut inside = 0u64;
    let (mut count, mut records) = (1, 0);
    if marks.len() < 1024 {
        marks.resize(1024, 0);
    }
    marks[0] = (start as u32).wrapping_sub(1);
    for at in (start..len).step_by(64) {
        let valid = if len - at < 64 { (1 << (len - at)) - 1 } else { u64::MAX };
        // SAFETY: the instruction set is there (see `with_isa!`).
        let (delimiters, lines, quotes) = unsafe {
            let block = I::load(block(bytes, at));
            let quotes = signs.quote.map_or(0, |quote| I::equal(block, quote));
            (I::equal(block, signs.delimiter), I::equal(block, b'\n'), quotes & valid)
        };
        let quoted = if signs.quote.is_some() { parity(quotes) ^ inside } else { 0 };
        inside = ((quoted as i64) >> 63) as u64;
        let found = (delimiters | lines) & !quoted & valid;
        if marks.len() < count + 64 {
            marks.resize(2 * marks.len(), 0);
        }
        let room = (&mut marks[count..count + 64]).try_into().expect("64 words");
        // SAFETY: as above.
        unsafe { I::positions(found, at as u32, room) };
        count += found.count_ones() as usize;
        records += (lines & !quoted & valid).count_ones() as usize;
    }
    Indexed { fields: count - 1, records }
}

#[cfg(test)]
mod tests {
    use super::super::simd::Level;
    use super::*;

    #[test]
    fn all_instruction_sets_find_the_same() {
        let mut state = 3u64;
        for round in 0..600 {
            let mut bytes: Vec<u8> = (0..round * 7 % 1500)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    b"ab,\n\"c,d\r\n\xC3\xA9,\"\x80\xFF"
                        [(state >> 40) as usize % 16 % (4 + round % 13)]
                })
                .collect();
            let len = bytes.len();
            bytes.resize(len + 64, b',');
            for quote in [None, Some(b'"')] {
                let signs = Signs { delimiter: b',', quote };
                let mut results = Level::all().into_iter().map(|level| {
                    let mut marks = Vec::new();
                    let start = len.min(round % 3);
                    let indexed = index(level, &bytes, start, len, signs, &mut marks);
                    marks.truncate(indexed.fields + 1);
                    (indexed, marks, outline(level, &bytes, len, signs))
                });
                let portable = results.next();
                assert!(results.all(|other| Some(other) == portable));
            }
        }
    }
}
