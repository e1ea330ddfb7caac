//! Case and Unicode forms.

use crate::functions::columns::{Prepared, kernel, literal_text, texts, write_texts};
use crate::functions::kernel::{Call, LiteralError};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// `lower(text)`
pub(super) fn lower(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            let text = all.at(row);
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
