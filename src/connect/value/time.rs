//! The common spellings of days and times, read without a look at each character.

use super::load8;
use crate::types::{MICROS_PER_DAY, days_of};

/// The last day that was read: neighbours are often of one day.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastDay {
    digits: u64,
    days: i32,
}

/// `2024-02-29`
#[inline(always)]
pub fn fast_date(bytes: &[u8], start: usize, end: usize, last: &mut LastDay) -> Option<i32> {
    if end.wrapping_sub(start) == 10 { leading_date(bytes, start, last) } else { None }
}

#[inline(always)]
fn leading_date(bytes: &[u8], start: usize, last: &mut LastDay) -> Option<i32> {
    let word = load8(bytes, start);
    if word & 0xFF00_00FF_0000_0000 != 0x2D00_002D_0000_0000 {
        return None;
    }
    let tail = u64::from(bytes[start + 8]) | u64::from(bytes[start + 9]) << 8;
    let digits = word & 0xFFFF_FFFF | (word >> 8) & 0xFFFF_0000_0000 | tail << 48;
    if digits == last.digits {
        return Some(last.days);
    }
    let number = |at: u32, count: u32| {
        (at..at + count).try_fold(0u32, |number, at| {
            let digit = (digits >> (8 * at)) as u8 ^ b'0';
            (digit < 10).then(|| number * 10 + u32::from(digit))
        })
    };
    let year = number(0, 4).filter(|year| *year > 0)?;
    let days = days_of(i64::from(year), number(4, 2)?, number(6, 2)?)? as i32;
    *last = LastDay { digits, days };
    Some(days)
}

/// `2024-02-29T12:30:00`, or with a space, and whether a `Z` follows.
#[inline(always)]
pub fn fast_datetime(
    bytes: &[u8],
    start: usize,
    end: usize,
    last: &mut LastDay,
) -> Option<(i64, bool)> {
    let utc = match end.wrapping_sub(start) {
        19 => false,
        20 if bytes[start + 19] == b'Z' => true,
        _ => return None,
    };
    if !matches!(bytes[start + 10], b'T' | b' ') {
        return None;
    }
    let days = leading_date(bytes, start, last)?;
    let word = load8(bytes, start + 11);
    let digits = word ^ 0x3030_3A30_303A_3030;
    // Colons are 0 now, digits 0 to 9.
    if (digits & 0xF0F0_FFF0_F0FF_F0F0)
        | (digits.wrapping_add(0x0606_0006_0600_0606) & 0xF0F0_00F0_F000_F0F0)
        != 0
    {
        return None;
    }
    let number = |at: u32| ((digits >> at & 0xF) * 10 + (digits >> (at + 8) & 0xF)) as i64;
    let (hour, minute, second) = (number(0), number(24), number(48));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second;
    Some((i64::from(days) * MICROS_PER_DAY + seconds * 1_000_000, utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse::{Clock, date, datetime, timestamp};

    #[test]
    fn fast_times_are_those_of_the_plain_way() {
        let mut fast = 0;
        let mut state = 11u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut text = *b"2024-02-29T12:34:56Z";
            let (at, byte) =
                ((state >> 33) as usize % 20, b"0123456789:-T Z/"[state as usize >> 60]);
            text[at] = byte;
            text[8] = b"0123"[(state >> 20) as usize % 4];
            let (mut last, plain) = (LastDay::default(), Clock::default());
            let mut bytes = text.to_vec();
            bytes.resize(64, b'0');
            for len in [10, 19, 20] {
                if let Some(days) = fast_date(&bytes, 0, len, &mut last) {
                    assert_eq!(date(&text[..len], &plain), Ok(days));
                }
                if let Some((micros, utc)) = fast_datetime(&bytes, 0, len, &mut last) {
                    fast += 1;
                    let slow = if utc { timestamp } else { datetime };
                    assert_eq!(slow(&text[..len], &plain), Ok(micros));
                }
            }
        }
        assert!(fast > 5_000, "{fast}");
    }
}
