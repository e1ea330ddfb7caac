//! Values as the cells of a table are written.

use crate::data::display;
use crate::types::{DataType, Scalar};
use std::fmt::Write;

/// The cell that reads as this value.
pub fn cell(value: &Scalar, data: &DataType) -> String {
    match (value, data) {
        (Scalar::Null, _) => "null".to_owned(),
        (Scalar::String(_), DataType::Bytes | DataType::Uuid)
        | (Scalar::List(_), DataType::Map(_)) => display(value, data),
        (Scalar::String(text), _) => member_or_text(text),
        (Scalar::Enum(at), DataType::Enum(declared)) => declared
            .members
            .get(*at as usize)
            .map_or(String::new(), |member| member.name.to_string()),
        (Scalar::List(_) | Scalar::Record(_), _) => expression(value, data),
        _ => display(value, data),
    }
}

/// A text as a cell: bare, where nothing else could be meant.
pub fn member_or_text(text: &str) -> String {
    let is_plain = !text.is_empty()
        && text != "null"
        && text.trim() == text
        && !text.contains(['|', '"', '#'])
        && !text.chars().any(char::is_control);
    if is_plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if letter.is_control() || crate::text::is_bidi_control(letter) => {
                let _ = write!(out, "\\u{{{:x}}}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// The same inside of a list or a record, where it is an expression.
fn expression(value: &Scalar, data: &DataType) -> String {
    match (value, data) {
        (Scalar::Null, _) => "null".to_owned(),
        // Braces would be an interpolation.
        (Scalar::String(text), _) => quoted(text).replace('{', "{{").replace('}', "}}"),
        (Scalar::Date(_) | Scalar::Datetime(_) | Scalar::Timestamp(_), _) => {
            format!("@{}", display(value, data))
        }
        (Scalar::Duration(micros), _) => duration(*micros),
        (Scalar::List(items), DataType::List(item)) => {
            let items: Vec<String> =
                items.iter().map(|value| expression(value, &item.data)).collect();
            format!("[{}]", items.join(", "))
        }
        (Scalar::Record(values), DataType::Record(fields)) => {
            let part = |(value, field): (&Scalar, &crate::types::Field)| {
                format!("{}: {}", field.name, expression(value, &field.ty.data))
            };
            let parts: Vec<String> = values.iter().zip(fields.iter()).map(part).collect();
            format!("{{{}}}", parts.join(", "))
        }
        _ => cell(value, data),
    }
}

/// A length of time as a literal, in the largest unit that it is whole in.
fn duration(micros: i64) -> String {
    const UNITS: [(&str, i64); 6] = [
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
        ("us", 1),
    ];
    let (unit, size) = UNITS.into_iter().find(|(_, size)| micros % size == 0).unwrap_or(("us", 1));
    format!("{}{unit}", micros / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bare_where_nothing_else_could_be_meant() {
        for (text, shown) in [
            ("a b", "a b"),
            ("", "\"\""),
            ("null", "\"null\""),
            (" a", "\" a\""),
            ("a|b", "\"a|b\""),
            ("a\\b", "a\\b"),
            ("say \"x\"\n", "\"say \\\"x\\\"\\n\""),
            ("a\u{202e}", "a\u{202e}"),
        ] {
            assert_eq!(cell(&Scalar::String(text.into()), &DataType::String), shown);
        }
        let list = DataType::List(Box::new(DataType::Duration.optional()));
        let items = Scalar::List(vec![Scalar::Duration(90_000_000), Scalar::Null]);
        assert_eq!(cell(&items, &list), "[90s, null]");
    }
}
