//! The Common Event Format of security devices: a header of seven fields, and keys with values.

use super::pairs::{keys, name_of, put};
use crate::data::parse::refuse;
use crate::functions::columns::Prepared;
use crate::functions::kernel::{Call, LiteralError};
use crate::functions::records::{Cell, read_records};
use crate::types::{DataType, Field, Scalar};
use std::borrow::Cow;

/// The fields of the header behind the version.
const HEADER: [&str; 6] = ["vendor", "product", "device_version", "signature", "name", "severity"];

/// The header, the extension as a text, and the keys that are wanted of it.
pub(super) fn shape(literals: &[Option<Scalar>]) -> Result<DataType, LiteralError> {
    let mut fields = vec![Field::new("version", DataType::Int.required())];
    fields.extend(HEADER.map(|name| Field::new(name, DataType::String.required())));
    fields.push(Field::new("extension", DataType::String.required()));
    for key in keys(literals)? {
        let name = name_of(&key);
        if fields.iter().any(|field| *field.name == *name) {
            let reason = format!("`{name}` is a field of every event; leave it out here");
            return Err(LiteralError { argument: 1, reason });
        }
        fields.push(Field::new(name, DataType::String.optional()));
    }
    Ok(DataType::Record(fields.into()))
}

/// `parse_cef(line, keys)`
pub(super) fn parse_cef(call: &Call) -> Prepared {
    let keys = keys(call.literals)?;
    read_records(call, move |line, cells| {
        let refused = |what: &str| refuse(line, &format!("no event of CEF: {what}"));
        let start = line.find("CEF:").ok_or_else(|| refused("it has no `CEF:`"))?;
        let (version, mut rest) = line[start + 4..]
            .trim_end_matches(['\r', '\n'])
            .split_once('|')
            .ok_or_else(|| refused("it has no `|`"))?;
        let version = version.parse().map_err(|_| refused("its version is no number"))?;
        cells[0] = Cell::Int(version);
        for (cell, name) in cells[1..].iter_mut().zip(HEADER) {
            let end = unescaped_at(rest, b'|');
            let end = end.ok_or_else(|| refused(&format!("its {} is missing", spelled(name))))?;
            *cell = Cell::Text(plain(&rest[..end]));
            rest = &rest[end + 1..];
        }
        cells[7] = Cell::text(rest);
        if !keys.is_empty() {
            extension(rest, |key, value| put(&keys, key, value, &mut cells[8..]));
        }
        Ok(())
    })
}

fn spelled(name: &str) -> String {
    name.replace('_', " ")
}

/// Where this byte first stands without a backslash before it.
fn unescaped_at(text: &str, sign: u8) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let found = byte == sign && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

/// Without the backslashes.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// `src=10.0.0.1 msg=two words`: a value goes on up to the space before the next key.
fn extension<'t>(text: &'t str, mut pair: impl FnMut(&'t str, Cow<'t, str>)) {
    let mut rest = text.trim();
    while let Some(at) = unescaped_at(rest, b'=') {
        let key = rest[..at].trim();
        let value = &rest[at + 1..];
        let end = match unescaped_at(value, b'=') {
            Some(next) => value[..next].trim_end().rfind(' ').unwrap_or(next),
            None => value.len(),
        };
        pair(key, plain(value[..end].trim_end()));
        rest = value[end..].trim_start();
    }
}
