//! Case and Unicode forms.

use crate::functions::columns::{Prepared, kernel, literal_text, texts, write_pieces, write_texts};
use crate::functions::kernel::{Call, LiteralError};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// `lower(text)`
pub(super) fn lower(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_pieces(context, arguments, all, |row, column| {
            let text = all.at(row);
            if is_lower_ascii(text) {
                return column.push_whole();
            }
            column.write(|out| {
                if text.is_ascii() {
                    out.push_str(text);
                    out.make_ascii_lowercase();
                } else {
                    // Not character by character: a final sigma depends on its neighbours.
                    out.push_str(&text.to_lowercase());
                }
            });
        })
    })
}

/// Is there no byte that a small letter would stand for, nor one beyond ASCII?
fn is_lower_ascii(text: &str) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let eight = |bytes: &[u8; 8]| {
        let word = u64::from_le_bytes(*bytes);
        let low = word & (0x7f * EACH);
        // The highest bit of each byte: is it at least `A`, and not above `Z`, or beyond ASCII?
        (low + (0x80 - u64::from(b'A')) * EACH) & !(low + (0x7f - u64::from(b'Z')) * EACH) | word
    };
    let bytes = text.as_bytes();
    let found = match bytes.last_chunk() {
        Some(last) => bytes.as_chunks().0.iter().fold(eight(last), |found, b| found | eight(b)),
        None => {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            eight(&word)
        }
    };
    found & (0x80 * EACH) == 0
}

/// `upper(text)`
pub(super) fn upper(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            let text = all.at(row);
            column.write(|out| {
                if text.is_ascii() {
                    out.push_str(text);
                    out.make_ascii_uppercase();
                } else {
                    out.extend(text.chars().flat_map(char::to_uppercase));
                }
            });
        })
    })
}

/// `title(text)`
pub(super) fn title(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            column.write(|out| {
                let text = all.at(row);
                let mut inside = false;
                if text.is_ascii() {
                    for byte in text.bytes() {
                        let turn =
                            if inside { u8::to_ascii_lowercase } else { u8::to_ascii_uppercase };
                        out.push(char::from(turn(&byte)));
                        inside = byte.is_ascii_alphanumeric() || inside && byte == b'\'';
                    }
                    return;
                }
                for c in text.chars() {
                    if inside {
                        out.extend(c.to_lowercase());
                    } else {
                        out.extend(c.to_uppercase());
                    }
                    // The s of "it's" begins no word.
                    inside = c.is_alphanumeric() || inside && matches!(c, '\'' | '’');
                }
            });
        })
    })
}

/// `normalize(text, form)`
pub(super) fn normalize(call: &Call) -> Prepared {
    let append: fn(&str, &mut String) = match literal_text(call, 1)? {
        "NFC" => |text, out| {
            if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
                out.push_str(text);
            } else {
                out.extend(text.nfc());
            }
        },
        "NFD" => |text, out| out.extend(text.nfd()),
        "NFKC" => |text, out| out.extend(text.nfkc()),
        "NFKD" => |text, out| out.extend(text.nfkd()),
        other => {
            let reason = format!("there is no form \"{other}\"; there are NFC, NFD, NFKC and NFKD");
            return Err(LiteralError { argument: 1, reason });
        }
    };
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            column.write(|out| append(all.at(row), out));
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_stay_as_they_are_in_small_letters_are_known() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..128u8 {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let text = String::from_utf8(text).unwrap();
                    assert_eq!(is_lower_ascii(&text), !byte.is_ascii_uppercase(), "{text:?}");
                }
            }
            assert!(!is_lower_ascii(&format!("{}é", "a".repeat(length))));
        }
    }
}
