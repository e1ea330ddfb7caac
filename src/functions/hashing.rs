//! Hashes, encodings and masking of texts. Each gives the same in every run and on every machine.

use super::columns::{
    Prepared, data, fallible, fallible_texts, kernel, literal_text, sparse, texts, values,
    write_texts,
};
use super::kernel::{Call, LiteralError, PrepareScalar};
use crate::data::binary;
use crate::types::DataType;
use arrow_array::types::Int64Type;
use md5::{Digest, Md5};
use sha2::Sha256;
use twox_hash::XxHash64;
use uuid::Uuid;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("md5", |_| digest(|text| write_hex(&Md5::digest(text)))),
    ("sha256", |_| digest(|text| write_hex(&Sha256::digest(text)))),
    ("xxhash64", |_| number(|text| XxHash64::oneshot(0, text.as_bytes()) as i64)),
    ("crc32", |_| number(|text| i64::from(crc32fast::hash(text.as_bytes())))),
    ("hash_bucket", hash_bucket),
    ("hex", hex),
    ("encode_base64", encode_base64),
    ("decode_base64", decode_base64),
    ("encode_utf8", encode_utf8),
    ("decode_utf8", decode_utf8),
    ("uuid_v5", uuid_v5),
    ("mask", mask),
];

fn number(hash: fn(&str) -> i64) -> Prepared {
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        sparse::<Int64Type>(context, arguments, |row| hash(all.at(row)))
    })
}

/// Hexadecimal digits of up to 32 bytes, without an allocation a row.
struct Hex {
    digits: [u8; 64],
    length: usize,
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn write_hex(bytes: &[u8]) -> Hex {
    let mut hex = Hex { digits: [b'0'; 64], length: bytes.len() * 2 };
    for (pair, byte) in hex.digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    hex
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

fn digest(hash: fn(&str) -> Hex) -> Prepared {
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            let hex = hash(all.at(row));
            column.push(str::from_utf8(&hex.digits[..hex.length]).unwrap_or_default());
        })
    })
}

fn hash_bucket(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, buckets) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
        fallible::<Int64Type>(context, arguments, |row| {
            let count = buckets.at(row);
            if count < 1 {
                return Err(format!("there are no {count} buckets"));
            }
            let hash = u128::from_be_bytes(Md5::digest(all.at(row)).into());
            Ok(Some((hash % count as u128) as i64))
        })
    })
}

/// The bytes of a text, or those that a value of `bytes` is.
fn bytes_of<'t>(is_bytes: bool, text: &'t str, buffer: &'t mut Vec<u8>) -> &'t [u8] {
    if !is_bytes {
        return text.as_bytes();
    }
    buffer.clear();
    buffer.extend(binary::held(text));
    buffer
}

fn hex(call: &Call) -> Prepared {
    let is_bytes = *data(call, 0) == DataType::Bytes;
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let mut buffer = vec![];
        write_texts(context, arguments, |row, column| {
            let bytes = bytes_of(is_bytes, all.at(row), &mut buffer);
            column.write(|out| push_hex(out, bytes));
        })
    })
}

fn encode_base64(call: &Call) -> Prepared {
    let is_bytes = *data(call, 0) == DataType::Bytes;
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let mut buffer = vec![];
        write_texts(context, arguments, |row, column| {
            let bytes = bytes_of(is_bytes, all.at(row), &mut buffer);
            column.write(|out| {
                binary::encode(bytes.iter().copied(), |digit| out.push(char::from(digit)));
            });
        })
    })
}

/// `encode_utf8(text)`
fn encode_utf8(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            column.write(|out| binary::hold(all.at(row).as_bytes(), out));
        })
    })
}

/// `decode_utf8(bytes)`
fn decode_utf8(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let mut bytes = vec![];
        fallible_texts(context, arguments, |row, column| {
            bytes.clear();
            bytes.extend(binary::held(all.at(row)));
            column.push(str::from_utf8(&bytes).map_err(|_| "the bytes are not a UTF-8 text")?);
            Ok(())
        })
    })
}

fn decode_base64(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let mut bytes = Vec::new();
        fallible_texts(context, arguments, |row, column| {
            binary::decode(all.at(row), &mut bytes)?;
            let text = str::from_utf8(&bytes).map_err(|_| "the bytes are not a UTF-8 text")?;
            column.push(text);
            Ok(())
        })
    })
}

/// `uuid_v5(namespace, name)`
fn uuid_v5(call: &Call) -> Prepared {
    let namespace = match literal_text(call, 0)? {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::try_parse(other).map_err(|_| LiteralError {
            argument: 0,
            reason: format!(
                "\"{other}\" is no UUID and none of \"dns\", \"url\", \"oid\" and \"x500\""
            ),
        })?,
    };
    kernel(move |context, arguments| {
        let names = texts(&arguments[1]);
        let mut buffer = Uuid::encode_buffer();
        write_texts(context, &arguments[1..], |row, column| {
            let id = Uuid::new_v5(&namespace, names.at(row).as_bytes());
            column.push(id.hyphenated().encode_lower(&mut buffer));
        })
    })
}

fn mask(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, kept) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
        write_texts(context, arguments, |row, column| {
            let text = all.at(row);
            let characters = text.chars().count();
            let keep = usize::try_from(kept.at(row)).unwrap_or(0);
            // A text that is no longer than what is kept would be shown whole.
            let hidden = if keep < characters { characters - keep } else { characters };
            column.write(|out| {
                out.extend(
                    text.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }),
                );
            });
        })
    })
}
