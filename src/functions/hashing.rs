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
    ("tokenize", tokenize),
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
                "\"{other}\" is no UUID; write one, or one of \"dns\", \"url\", \"oid\" and \"x500\""
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

/// `tokenize(text, key)`
fn tokenize(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, keys) = (texts(&arguments[0]), texts(&arguments[1]));
        // The key is the same for all rows.
        let mut keyed: Option<Keyed> = None;
        write_texts(context, arguments, |row, column| {
            let keyed = keyed.get_or_insert_with(|| Keyed::new(keys.at(row).as_bytes()));
            let hex = write_hex(&keyed.hash(all.at(row).as_bytes()));
            column.push(str::from_utf8(&hex.digits[..hex.length]).unwrap_or_default());
        })
    })
}

/// HMAC-SHA-256 (RFC 2104) with a key that has been taken in: what is hashed before each text, and
/// before the hash of that.
struct Keyed {
    inner: Sha256,
    outer: Sha256,
}

impl Keyed {
    fn new(key: &[u8]) -> Keyed {
        const BLOCK_BYTES: usize = 64;
        let mut block = [0; BLOCK_BYTES];
        match key.len() <= BLOCK_BYTES {
            true => block[..key.len()].copy_from_slice(key),
            false => block[..32].copy_from_slice(&Sha256::digest(key)),
        }
        let padded = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        Keyed { inner: padded(0x36), outer: padded(0x5c) }
    }

    fn hash(&self, text: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(text).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of RFC 4231 that are not cut short.
    #[test]
    fn a_keyed_hash_is_that_of_the_standard() {
        let cases: [(&[u8], &[u8], &str); 6] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &(1..=25).collect::<Vec<u8>>(),
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size \
                  data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, text, expected) in cases {
            let mut hex = String::new();
            push_hex(&mut hex, &Keyed::new(key).hash(text));
            assert_eq!(hex, expected);
        }
    }
}
