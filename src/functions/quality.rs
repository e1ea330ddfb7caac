//! Checks of numbers that carry a check digit, how alike two texts are, and how texts sound.

use super::columns::{Prepared, booleans, kernel, sparse, texts, write_texts};
use super::kernel::{Call, PrepareScalar};
use arrow_array::types::{Float64Type, Int64Type};

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("is_luhn", |_| holds(is_luhn)),
    ("is_iban", |_| holds(is_iban)),
    ("is_gtin", |_| holds(is_gtin)),
    ("is_isbn", |_| holds(is_isbn)),
    ("levenshtein", levenshtein),
    ("jaro_winkler", jaro_winkler),
    ("soundex", soundex),
];

fn holds(check: fn(&str) -> bool) -> Prepared {
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        booleans(context, arguments, |row| check(all.at(row)))
    })
}

/// The digits of a number that may be written with spaces and hyphens; none when there is
/// something else.
fn digits(text: &str) -> Option<Vec<u8>> {
    let signs = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-'));
    signs.map(|byte| byte.is_ascii_digit().then(|| byte - b'0')).collect()
}

/// The sum of digits, every other of them times a weight, the last one alone.
fn is_luhn(text: &str) -> bool {
    let Some(digits) = digits(text).filter(|digits| digits.len() > 1) else { return false };
    let sum: u64 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u64::from(*digit) << (at % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 13616: the number with the first four signs behind the others, letters as 10 to 35, leaves 1
/// when divided by 97.
fn is_iban(text: &str) -> bool {
    let signs: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    if !(15..=34).contains(&signs.len()) {
        return false;
    }
    let (head, account) = signs.split_at(4);
    let is_head =
        head[..2].iter().all(u8::is_ascii_alphabetic) && head[2..].iter().all(u8::is_ascii_digit);
    let rest = account.iter().chain(head).try_fold(0u32, |rest, sign| {
        let value = char::from(*sign).to_digit(36)?;
        Some((rest * if value < 10 { 10 } else { 100 } + value) % 97)
    });
    is_head && rest == Some(1)
}

/// GTIN of 8, 12, 13 or 14 digits, as EAN and UPC are.
fn is_gtin(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    if !matches!(digits.len(), 8 | 12 | 13 | 14) {
        return false;
    }
    let weight = |at: usize| if at.is_multiple_of(2) { 1 } else { 3 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| u32::from(*digit) * weight(at)).sum();
    sum.is_multiple_of(10)
}

/// ISBN of 10 or 13 digits.
fn is_isbn(text: &str) -> bool {
    let signs: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).collect();
    if signs.len() == 13 {
        return (signs.starts_with(b"978") || signs.starts_with(b"979")) && is_gtin(text);
    }
    let value = |(at, sign): (usize, &u8)| match sign {
        b'X' | b'x' if at == 9 => Some(10),
        sign if sign.is_ascii_digit() => Some(u32::from(sign - b'0')),
        _ => None,
    };
    let values: Option<Vec<u32>> = signs.iter().enumerate().map(value).collect();
    let Some(values) = values.filter(|values| values.len() == 10) else { return false };
    let sum: u32 = values.iter().zip((1..=10).rev()).map(|(value, weight)| value * weight).sum();
    sum.is_multiple_of(11)
}

/// `levenshtein(a, b)`
fn levenshtein(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (a, b) = (texts(&arguments[0]), texts(&arguments[1]));
        sparse::<Int64Type>(context, arguments, |row| {
            strsim::levenshtein(a.at(row), b.at(row)) as i64
        })
    })
}

/// `jaro_winkler(a, b)`
fn jaro_winkler(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (a, b) = (texts(&arguments[0]), texts(&arguments[1]));
        sparse::<Float64Type>(context, arguments, |row| strsim::jaro_winkler(a.at(row), b.at(row)))
    })
}

/// `soundex(text)`: the first letter and the classes of the next three that differ.
fn soundex(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            let mut letters = all.at(row).bytes().filter(u8::is_ascii_alphabetic);
            let Some(first) = letters.next() else { return column.push("") };
            let mut code = [first.to_ascii_uppercase(), b'0', b'0', b'0'];
            let (mut length, mut before) = (1, class(first));
            for letter in letters {
                let class = class(letter);
                if class > b'0' && class != before {
                    code[length] = class;
                    length += 1;
                    if length == code.len() {
                        break;
                    }
                }
                // H and W do not part letters of one class, vowels do.
                if class != b'-' {
                    before = class;
                }
            }
            column.push(str::from_utf8(&code).unwrap_or_default());
        })
    })
}

fn class(letter: u8) -> u8 {
    match letter.to_ascii_lowercase() {
        b'b' | b'f' | b'p' | b'v' => b'1',
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => b'2',
        b'd' | b't' => b'3',
        b'l' => b'4',
        b'm' | b'n' => b'5',
        b'r' => b'6',
        b'h' | b'w' => b'-',
        _ => b'0',
    }
}
