//! Bytes: how they are held, and how they are spelled in texts.
//!
//! They are held as a text with one character for each, U+0000 to U+00FF: whatever sorts, compares,
//! joins and keeps texts then does it with bytes, in the order of the bytes.

/// Appends bytes as they are held.
pub fn hold(bytes: &[u8], out: &mut String) {
    out.extend(bytes.iter().map(|byte| char::from(*byte)));
}

/// The bytes that are held so.
pub fn held(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.chars().map(|letter| letter as u32 as u8)
}

/// How many bytes are held so.
pub fn held_length(text: &str) -> usize {
    text.chars().count()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends bytes in base 64 as in RFC 4648, with padding.
pub fn encode(mut bytes: impl Iterator<Item = u8>, mut push: impl FnMut(u8)) {
    while let Some(first) = bytes.next() {
        let (second, third) = (bytes.next(), bytes.next());
        let byte = |byte: Option<u8>| u32::from(byte.unwrap_or(0));
        let bits = u32::from(first) << 16 | byte(second) << 8 | byte(third);
        let given = 1 + usize::from(second.is_some()) + usize::from(third.is_some());
        for at in 0..4 {
            push(if at <= given { BASE64[(bits >> (18 - 6 * at) & 63) as usize] } else { b'=' });
        }
    }
}

/// The bytes that base 64 stands for: of the usual or the URL alphabet, padding optional.
pub fn decode(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    out.clear();
    let (mut bits, mut count) = (0u32, 0);
    for c in text.trim_end_matches('=').chars() {
        let digit = match c {
            'A'..='Z' => c as u32 - 65,
            'a'..='z' => c as u32 - 71,
            '0'..='9' => c as u32 + 4,
            '+' | '-' => 62,
            '/' | '_' => 63,
            _ => return Err(format!("`{c}` is not a digit of base 64")),
        };
        bits = bits << 6 | digit;
        count += 1;
        if count % 4 != 1 {
            out.push((bits >> ((8 - count % 4 * 2) % 8)) as u8);
        }
    }
    if count % 4 == 1 {
        return Err("base 64 cannot have this length".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_where_they_are_held_and_spelled() {
        for length in 0..300usize {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 7 + length) as u8).collect();
            let mut text = String::new();
            hold(&bytes, &mut text);
            assert_eq!(held(&text).collect::<Vec<u8>>(), bytes);
            let (mut spelled, mut back) = (vec![], vec![]);
            encode(held(&text), |digit| spelled.push(digit));
            decode(str::from_utf8(&spelled).expect("digits"), &mut back).expect("it is base 64");
            assert_eq!(back, bytes);
        }
        let of = |bytes: &[u8]| {
            let mut text = String::new();
            hold(bytes, &mut text);
            text
        };
        let sorted: [&[u8]; 6] = [&[], &[0], &[0, 200], &[127], &[128], &[255, 0]];
        assert!(sorted.windows(2).all(|pair| of(pair[0]) < of(pair[1])));
    }
}
