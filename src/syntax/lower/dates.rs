//! Dates without their `@`, which the grammar reads as numbers: `2024-01-05` would be 2018.

use super::literals::moment;

/// What the date that is written without its sign at `start` looks like, and the literals that may
/// be meant by it: two where day and month may be told apart by nobody.
pub(in crate::syntax) fn unsigned_date(source: &str, start: usize) -> Option<(&str, Vec<String>)> {
    let before = source[..start].chars().next_back();
    let rest = &source[start..];
    if before.is_some_and(|sign| is_of_a_word(sign) || matches!(sign, '.' | '@' | '/')) {
        return None;
    }
    let day = rest.get(..10)?;
    let (clock, offset) = clock(&rest[10..]);
    let length = 10 + clock + offset;
    let next = rest[length..].chars().next();
    if next.is_some_and(|sign| is_of_a_word(sign) || matches!(sign, '-' | '/' | ':')) {
        return None;
    }
    let time = rest[10..length].replacen(' ', "T", 1);
    let mut meant: Vec<String> =
        days(day)?.into_iter().map(|day| format!("@{day}{time}")).collect();
    meant.retain(|written| moment(&written[1..]).is_ok());
    meant.dedup();
    (!meant.is_empty()).then_some((&rest[..length], meant))
}

fn is_of_a_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// `2024-01-31`, `2024/01/31`, `31/01/2024` and `01/31/2024` in the order of a literal.
fn days(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let is_digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_one_sign = !(text.contains('-') && text.contains('/'));
    if !has_one_sign || !parts.iter().all(is_digits) {
        return None;
    }
    match (parts.as_slice(), [4, 2, 2], [2, 2, 4]) {
        ([year, month, day], first, _) if [year.len(), month.len(), day.len()] == first => {
            Some(vec![format!("{year}-{month}-{day}")])
        }
        ([a, b, year], _, last) if [a.len(), b.len(), year.len()] == last => {
            Some(vec![format!("{year}-{b}-{a}"), format!("{year}-{a}-{b}")])
        }
        _ => None,
    }
}

/// How long `T10:00:00.5` and `+02:00` are at the beginning of a text; 0 where they are not there.
fn clock(text: &str) -> (usize, usize) {
    let digits = |at: usize| {
        text.as_bytes().iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count()
    };
    let is = |at: usize, sign: u8| text.as_bytes().get(at) == Some(&sign);
    let is_clock = |at: usize| digits(at) == 2 && is(at + 2, b':') && digits(at + 3) == 2;
    if !(is(0, b'T') || is(0, b' ')) || !is_clock(1) {
        return (0, 0);
    }
    let mut end = 6;
    if is(end, b':') && digits(end + 1) == 2 {
        end += 3;
        if is(end, b'.') {
            end += 1 + digits(end + 1);
        }
    }
    let has_zone = (is(end, b'+') || is(end, b'-')) && is_clock(end + 1);
    (
        end,
        if is(end, b'Z') {
            1
        } else if has_zone {
            6
        } else {
            0
        },
    )
}
