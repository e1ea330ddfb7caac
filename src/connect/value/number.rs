//! Numbers and truth values from text.
//!
//! Digits are taken eight at a time: shifting the text to the end of a word filled with `0` makes
//! every length the same. Floats of up to 15 digits are exact as mantissa / 10^k, which IEEE 754
//! division rounds correctly (Clinger); all others are fast-float2's.

use super::{Reason, load8};

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
    Some(if negative { -value } else { value })
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

/// `true`, `false`, `t` or `f` in any case.
pub fn boolean(text: &[u8]) -> Result<bool, Reason> {
    match text {
        b"true" | b"t" => Ok(true),
        b"false" | b"f" => Ok(false),
        _ if text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"t") => Ok(true),
        _ if text.eq_ignore_ascii_case(b"false") || text.eq_ignore_ascii_case(b"f") => Ok(false),
        _ => Err("not a bool (`true` or `false`)".into()),
    }
}

/// A whole number with an optional sign.
pub fn int(text: &[u8]) -> Result<i64, Reason> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("not an int".into());
    }
    let mut value = 0i64;
    for digit in digits {
        let digit = i64::from(digit - b'0');
        let next = value.checked_mul(10).and_then(|value| {
            if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
        });
        value = next.ok_or("too large for an int")?;
    }
    Ok(value)
}

/// A number, correctly rounded; `NaN` and `Infinity` only where they are asked for.
pub fn float(text: &[u8], nan: bool) -> Result<f64, Reason> {
    let (negative, unsigned) = sign(text);
    if unsigned.first().is_some_and(|first| first.is_ascii_digit() || *first == b'.') {
        let value: f64 = fast_float2::parse(text).map_err(|_| "not a float")?;
        return if value.is_finite() { Ok(value) } else { Err("too large for a float".into()) };
    }
    let value = if unsigned.eq_ignore_ascii_case(b"nan") {
        f64::NAN
    } else if [&b"inf"[..], b"infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        f64::INFINITY
    } else {
        return Err("not a float".into());
    };
    if !nan {
        return Err("not a number (`format: nan` allows it)".into());
    }
    Ok(if negative { -value } else { value })
}

/// A decimal number, exactly: more digits after the point than the scale are refused unless they
/// are zeros.
pub fn decimal(text: &[u8], precision: u8, scale: u8) -> Result<i128, Reason> {
    let wrong = || Reason::from("not a decimal");
    let (negative, rest) = sign(text);
    let (mantissa, exponent) = match rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&rest[..at], int(&rest[at + 1..]).map_err(|_| wrong())?),
        None => (rest, 0),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
    let (whole, part) = (&mantissa[..point], mantissa.get(point + 1..).unwrap_or(&[]));
    let digits = || whole.iter().chain(part);
    if digits().next().is_none() || !digits().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    let count = digits().count() as i64;
    // Digit `i` counts 10^(last - i) of the smallest unit.
    let last = (whole.len() as i64 - 1)
        .checked_add(exponent)
        .and_then(|last| last.checked_add(i64::from(scale)))
        .ok_or_else(wrong)?;
    let mut value = 0i128;
    for (at, digit) in digits().enumerate() {
        let digit = i128::from(digit - b'0');
        if digit == 0 && (value == 0 || at as i64 > last) {
            continue;
        }
        if at as i64 > last {
            return Err(format!("more than {scale} digits after the point").into());
        }
        if last - at as i64 > 38 {
            return Err(too_large(precision, scale));
        }
        let unit = 10i128.pow((last - at as i64) as u32);
        value = digit
            .checked_mul(unit)
            .and_then(|digit| value.checked_add(digit))
            .ok_or_else(|| too_large(precision, scale))?;
    }
    debug_assert!(count > 0);
    if value >= 10i128.pow(u32::from(precision)) {
        return Err(too_large(precision, scale));
    }
    Ok(if negative { -value } else { value })
}

fn too_large(precision: u8, scale: u8) -> Reason {
    format!("too large for decimal({precision}, {scale})").into()
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_is_not_exactly_a_number_is_refused() {
        assert_eq!(int(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(int(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int(b"9223372036854775808"), Err("too large for an int".into()));
        assert!(
            [&b""[..], b"-", b" 1", b"1 ", b"1.0", b"0x1"].iter().all(|text| int(text).is_err())
        );
        assert!(
            [&b""[..], b"inf", b"NaN", b"1e400", b"1e", b"e1"]
                .iter()
                .all(|text| float(text, false).is_err())
        );
        assert_eq!(float(b"-Infinity", true), Ok(f64::NEG_INFINITY));
        assert_eq!(decimal(b"1.50", 4, 1), Ok(15));
        assert_eq!(decimal(b"15e-1", 4, 1), Ok(15));
        assert_eq!(decimal(b"1.5e2", 4, 1), Ok(1500));
        assert_eq!(decimal(b"0e999999999", 4, 1), Ok(0));
        assert!(decimal(b"1e9223372036854775807", 4, 1).is_err());
        assert!(decimal(b"1.55", 4, 1).is_err());
        assert!(decimal(b"1000", 4, 1).is_err());
        let most = "9".repeat(38);
        assert_eq!(decimal(most.as_bytes(), 38, 0), Ok(10i128.pow(38) - 1));
        assert!(decimal(format!("{most}0").as_bytes(), 38, 0).is_err());
    }
}
