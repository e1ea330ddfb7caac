//! Texts of keys and values: logfmt, and with other signs between. The keys that are wanted are the
//! fields of the result.

use crate::data::parse::refuse;
use crate::functions::columns::{Prepared, literal_text};
use crate::functions::kernel::{Call, LiteralError};
use crate::functions::records::{Cell, read_records};
use crate::types::{DataType, Field, Scalar};
use std::borrow::Cow;

/// The result of a call with these keys as its second argument.
pub(super) fn shape(literals: &[Option<Scalar>]) -> Result<DataType, LiteralError> {
    let keys = keys(literals)?;
    let fields = keys.iter().map(|key| Field::new(name_of(key), DataType::String.optional()));
    Ok(DataType::Record(fields.collect()))
}

/// The keys that a call wants, its second argument.
pub(super) fn keys(literals: &[Option<Scalar>]) -> Result<Vec<String>, LiteralError> {
    let wrong = |reason: String| LiteralError { argument: 1, reason };
    let Some(Some(Scalar::List(items))) = literals.get(1) else {
        return Err(wrong(
            "the keys must be a literal, as they are the fields of the result".into(),
        ));
    };
    let mut keys: Vec<String> = vec![];
    for item in items {
        let Scalar::String(key) = item else { return Err(wrong("a key is null".into())) };
        if name_of(key).trim_matches('_').is_empty() {
            return Err(wrong(format!("\"{key}\" is no key")));
        }
        if let Some(other) = keys.iter().find(|other| name_of(other) == name_of(key)) {
            return Err(wrong(format!(
                "\"{other}\" and \"{key}\" would be one field; leave one of them out"
            )));
        }
        keys.push(key.to_string());
    }
    Ok(keys)
}

/// The name of a key's field: what a name cannot have is `_` in it.
pub(super) fn name_of(key: &str) -> String {
    let mut name: String =
        key.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// Puts a value where its key is wanted and has none yet.
pub(super) fn put<'t>(keys: &[String], key: &str, value: Cow<'t, str>, cells: &mut [Cell<'t>]) {
    if let Some(at) = keys.iter().position(|wanted| wanted == key)
        && cells[at] == Cell::Null
    {
        cells[at] = Cell::Text(value);
    }
}

/// `parse_logfmt(line, keys)`
pub(super) fn parse_logfmt(call: &Call) -> Prepared {
    let keys = keys(call.literals)?;
    let signs = Signs { equals: "=".into(), separator: " ".into(), alone: true };
    read_records(call, move |line, cells| {
        signs.read(line, |key, value| put(&keys, key, value, cells))
    })
}

/// `parse_key_value(text, keys, equals, separator)`
pub(super) fn parse_key_value(call: &Call) -> Prepared {
    let keys = keys(call.literals)?;
    let sign = |argument: usize| {
        let text = literal_text(call, argument)?;
        let empty = || LiteralError { argument, reason: "this cannot be empty".into() };
        (!text.is_empty()).then(|| text.to_owned()).ok_or_else(empty)
    };
    let signs = Signs { equals: sign(2)?, separator: sign(3)?, alone: false };
    read_records(call, move |line, cells| {
        signs.read(line, |key, value| put(&keys, key, value, cells))
    })
}

/// How keys and values are written.
struct Signs {
    equals: String,
    separator: String,
    /// May a key stand alone? Its value is `true` then.
    alone: bool,
}

impl Signs {
    fn read<'t>(
        &self,
        text: &'t str,
        mut pair: impl FnMut(&'t str, Cow<'t, str>),
    ) -> Result<(), String> {
        let refused = |what: &str| refuse(text, &format!("no list of keys and values: {what}"));
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (end, next) = self.end(rest);
            let Some(at) = rest.find(&self.equals).filter(|at| *at < end) else {
                let word = rest[..end].trim();
                match word.is_empty() {
                    true => {}
                    false if self.alone => pair(word, Cow::Borrowed("true")),
                    false => {
                        return Err(refused(&format!("`{word}` has no `{}`", self.equals)));
                    }
                }
                rest = rest[next..].trim_start();
                continue;
            };
            let key = rest[..at].trim();
            let mut value = &rest[at + self.equals.len()..];
            if !self.is_blank() {
                value = value.trim_start();
            }
            if let Some(inner) = value.strip_prefix('"') {
                let (found, behind) =
                    quoted(inner).ok_or_else(|| refused("a quote is not closed"))?;
                pair(key, found);
                let (end, next) = self.end(behind);
                if !behind[..end].trim().is_empty() {
                    return Err(refused("behind a closing quote stands something"));
                }
                rest = behind[next..].trim_start();
            } else {
                let (end, next) = self.end(value);
                pair(key, Cow::Borrowed(value[..end].trim()));
                rest = value[next..].trim_start();
            }
        }
        Ok(())
    }

    fn is_blank(&self) -> bool {
        self.separator.trim().is_empty()
    }

    /// Where the pair ends at the beginning of a text, and where the next begins.
    fn end(&self, text: &str) -> (usize, usize) {
        let end = match self.is_blank() {
            true => text.find(char::is_whitespace).map(|at| (at, at)),
            false => text.find(&self.separator).map(|at| (at, at + self.separator.len())),
        };
        end.unwrap_or((text.len(), text.len()))
    }
}

/// The text up to the closing quote, and what stands behind it.
fn quoted(inner: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    })?;
    let (text, behind) = (&inner[..end], &inner[end + 1..]);
    if !text.contains('\\') {
        return Some((Cow::Borrowed(text), behind));
    }
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next()? {
                'n' => plain.push('\n'),
                't' => plain.push('\t'),
                'r' => plain.push('\r'),
                other => plain.push(other),
            },
            other => plain.push(other),
        }
    }
    Some((Cow::Owned(plain), behind))
}
