//! Numbers and truth values from text.
//!
//! Digits are taken eight at a time: shifting the text to the end of a word filled with `0` makes
//! every length the same. Floats of up to 15 digits are exact as mantissa / 10^k, which IEEE 754
//! division rounds correctly (Clinger); all others are fast-float2's.

use super::load8;

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Are all eight bytes digits?
#[inline(always)]
fn all_digits(word: u64) -> bool {
    let high = 0xF0F0_F0F0_F0F0_F0F0;
    (word & high) | ((word.wrapping_add(0x0606_0606_0606_0606) & high) >> 4)
        == 0x3333_3333_3333_3333
}

/// The number that eight digits spell.
#[inline(always)]
fn eight_digits(word: u64) -> u64 {
    let word = word & 0x0F0F_0F0F_0F0F_0F0F;
    let word = word.wrapping_mul(2561) >> 8 & 0x00FF_00FF_00FF_00FF;
    let word = word.wrapping_mul(6_553_601) >> 16 & 0x0000_FFFF_0000_FFFF;
    word.wrapping_mul(42_949_672_960_001) >> 32
}

/// `len` (1 to 8) bytes of text at the end of a word of `0` digits.
#[inline(always)]
fn right_aligned(word: u64, len: usize) -> u64 {
    let empty = 64 - 8 * len as u32;
    let zeros = if empty == 0 { 0 } else { ZEROS >> (64 - empty) };
    word << empty | zeros
}

/// An int of up to 16 digits.
#[inline(always)]
pub fn fast_int(bytes: &[u8], start: usize, end: usize) -> Option<i64> {
    let negative = bytes[start] == b'-';
    let start = start + usize::from(negative);
    let len = end.wrapping_sub(start);
    let value = if len.wrapping_sub(1) < 8 {
        let word = right_aligned(load8(bytes, start), len);
        if !all_digits(word) {
            return None;
        }
        eight_digits(word)
    } else if len.wrapping_sub(9) < 8 {
        let high = right_aligned(load8(bytes, start), len - 8);
        let low = load8(bytes, end - 8);
        if !all_digits(high) || !all_digits(low) {
            return None;
        }
        eight_digits(high) * 100_000_000 + eight_digits(low)
    } else {
        return None;
    };
    Some(if negative { -(value as i64) } else { value as i64 })
}

/// Sign, digits without the point, and how many stood after it: at most 16 characters after the
/// sign.
#[inline(always)]
fn fast_digits(bytes: &[u8], start: usize, end: usize) -> Option<(bool, u64, usize)> {
    let negative = bytes[start] == b'-';
    let start = start + usize::from(negative);
    let len = end.wrapping_sub(start);
    if len.wrapping_sub(1) < 8 {
        let mut word = load8(bytes, start);
        let found = points(word) & (u64::MAX >> (64 - 8 * len as u32));
        let (mut len, mut after) = (len, 0);
        if found != 0 {
            let at = found.trailing_zeros() as usize / 8;
            let below = (1u64 << (8 * at)) - 1;
            word = word & below | (word >> 8) & !below;
            len -= 1;
            after = len - at;
            if len == 0 {
                return None;
            }
        }
        let word = right_aligned(word, len);
        return all_digits(word).then(|| (negative, eight_digits(word), after));
    }
    if len.wrapping_sub(9) >= 8 {
        return None;
    }
    let mut word = u128::from(load8(bytes, start)) | u128::from(load8(bytes, start + 8)) << 64;
    let (mut len, mut after) = (len, 0);
    let low = points(word as u64);
    let found = if low != 0 {
        u128::from(low)
    } else {
        u128::from(points((word >> 64) as u64)) << 64 & (u128::MAX >> (128 - 8 * len as u32))
    };
    if found != 0 {
        let at = found.trailing_zeros() as usize / 8;
        let below = (1u128 << (8 * at)) - 1;
        word = word & below | (word >> 8) & !below;
        len -= 1;
        after = len - at;
    }
    let empty = 128 - 8 * len as u32;
    let zeros = u128::from(ZEROS) << 64 | u128::from(ZEROS);
    let filling = if empty == 0 { 0 } else { zeros >> (128 - empty) };
    let word = word << empty | filling;
    let (high, low) = (word as u64, (word >> 64) as u64);
    (all_digits(high) && all_digits(low))
        .then(|| (negative, eight_digits(high) * 100_000_000 + eight_digits(low), after))
}

/// The lowest set bit stands in the byte of the first point of the word; 0 if there is none.
#[inline(always)]
fn points(word: u64) -> u64 {
    let x = word ^ 0x2E2E_2E2E_2E2E_2E2E;
    x.wrapping_sub(0x0101_0101_0101_0101) & !x & 0x8080_8080_8080_8080
}

/// A float without exponent whose digits a double holds exactly.
#[inline(always)]
pub fn fast_float(bytes: &[u8], start: usize, end: usize) -> Option<f64> {
    let (negative, digits, after) = fast_digits(bytes, start, end)?;
    if digits >= 1 << 53 {
        return None;
    }
    let value = digits as f64 / POWERS[after & 15];
    // Not a branch, which no processor could foresee.
    Some(f64::from_bits(value.to_bits() | u64::from(negative) << 63))
}

/// A decimal of up to 16 digits that fits.
#[inline(always)]
pub fn fast_decimal(
    bytes: &[u8],
    start: usize,
    end: usize,
    precision: u8,
    scale: u8,
) -> Option<i128> {
    let (negative, digits, after) = fast_digits(bytes, start, end)?;
    let missing = usize::from(scale).checked_sub(after)?;
    // 16 digits and up to 19 more fit 128 bits; rarer scales take the plain way.
    let factor = 10u64.checked_pow(missing as u32)?;
    let value = i128::from(digits) * i128::from(factor);
    if value >= 10i128.pow(u32::from(precision)) {
        return None;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse::{decimal, float, int};

    fn padded(text: &str) -> (Vec<u8>, usize, usize) {
        let mut bytes = b"9,".to_vec();
        bytes.extend_from_slice(text.as_bytes());
        let end = bytes.len();
        bytes.extend_from_slice(b",.5\n");
        bytes.resize(end + 64, b'.');
        (bytes, 2, end)
    }

    #[test]
    fn fast_numbers_are_those_of_the_plain_way() {
        let mut texts: Vec<String> =
            ["", "-", ".", "-.", "0", "-0", "1.", ".5", "1..2", "1.2.3"].map(String::from).to_vec();
        let mut state = 7u64;
        for _ in 0..40_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let len = (state >> 33) % 19;
            let alphabet = if state >> 40 & 1 == 0 { b"0123456789" } else { b"01234567.-" };
            let text = (0..len)
                .map(|at| alphabet[(state >> (at * 3 % 50)) as usize % 10] as char)
                .collect();
            texts.push(text);
        }
        let mut fast = 0;
        for text in &texts {
            let (bytes, start, end) = padded(text);
            let text = text.as_bytes();
            if let Some(value) = fast_int(&bytes, start, end) {
                assert_eq!(int(text), Ok(value));
                fast += 1;
            }
            if let Some(value) = fast_float(&bytes, start, end) {
                assert_eq!(float(text, false).map(f64::to_bits), Ok(value.to_bits()), "{bytes:?}");
                fast += 1;
            }
            if let Some(value) = fast_decimal(&bytes, start, end, 18, 3) {
                assert_eq!(decimal(text, 18, 3), Ok(value));
            }
        }
        assert!(fast > 20_000, "{fast}");
    }
}
