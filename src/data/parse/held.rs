//! Values that are held as texts in one spelling: JSON, UUIDs, bytes.

use super::{NOT_UTF8, Reason};
use crate::data::{binary, json};
use crate::types::DataType;

/// What a text is held as, as a value of one of these types.
pub fn held(text: &[u8], ty: &DataType) -> Result<String, Reason> {
    let mut out = String::new();
    match ty {
        DataType::Uuid => uuid(text, &mut out)?,
        DataType::Bytes => {
            let text = str::from_utf8(text).map_err(|_| "not base 64")?;
            let mut bytes = vec![];
            binary::decode(text, &mut bytes)
                .map_err(|reason| format!("not bytes in base 64: {reason}"))?;
            binary::hold(&bytes, &mut out);
        }
        _ => {
            let text = simdutf8::basic::from_utf8(text).map_err(|_| NOT_UTF8)?;
            json::canonical(text, &mut out)?;
        }
    }
    Ok(out)
}

/// Groups of 8, 4, 4, 4 and 12 digits; held in lower case.
fn uuid(text: &[u8], out: &mut String) -> Result<(), Reason> {
    let is_hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, &u8)| match is_hyphen(at) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    if text.len() != 36 || !text.iter().enumerate().all(fits) {
        return Err("not a uuid (`6f1c0000-0000-4000-8000-000000000001`)".into());
    }
    out.extend(text.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
    Ok(())
}
