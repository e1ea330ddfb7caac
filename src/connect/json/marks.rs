//! Where texts end: the first quote or backslash of 16 bytes.
#![allow(unsafe_code)]

/// How many bytes stand before the first quote or backslash.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn plain_bytes(block: &[u8; 16]) -> usize {
    use std::arch::x86_64::*;
    // SAFETY: every x86-64 has SSE2, and the pointer comes from a reference to 16 bytes.
    let found = unsafe {
        let block = _mm_loadu_si128(block.as_ptr().cast());
        let quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'"' as i8));
        let escapes = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'\\' as i8));
        _mm_movemask_epi8(_mm_or_si128(quotes, escapes))
    };
    (found | 1 << 16).trailing_zeros() as usize
}

/// How many bytes stand before the first quote or backslash.
#[cfg(not(target_arch = "x86_64"))]
pub use portable as plain_bytes;

#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub fn portable(block: &[u8; 16]) -> usize {
    let word = u128::from_le_bytes(*block);
    let splat = |byte: u8| u128::from_le_bytes([byte; 16]);
    // The lowest set bit stands in the lowest byte that is zero.
    let zero_byte = |word: u128| word.wrapping_sub(splat(1)) & !word & splat(0x80);
    let found = zero_byte(word ^ splat(b'"')) | zero_byte(word ^ splat(b'\\'));
    found.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_mark_is_found() {
        for at in 0..=16 {
            for mark in [b'"', b'\\'] {
                let mut block = *b"a#![]b\n\xA2\xDC\x23\x5D zyx\0";
                block[at.min(15)..].fill(mark);
                block[15] = if at == 16 { b'a' } else { mark };
                assert_eq!(super::plain_bytes(&block), at);
                assert_eq!(super::portable(&block), at);
            }
        }
    }
}
