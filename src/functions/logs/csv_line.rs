//! One line of CSV, for columns and log lines that hold one.

use crate::data::TextBuilder;
use crate::functions::columns::{Prepared, kernel, list_offsets, literal_text, texts};
use crate::functions::kernel::{Call, LiteralError};
use crate::types::DataType;
use std::borrow::Cow;
use std::sync::Arc;

/// `parse_csv_line(line, delimiter)`
pub(super) fn parse_csv_line(call: &Call) -> Prepared {
    let mut signs = literal_text(call, 1)?.chars();
    let (Some(delimiter), None) = (signs.next().filter(|sign| *sign != '"'), signs.next()) else {
        let reason =
            "a delimiter is one character, and no quote; write one, such as \",\" or \";\""
                .to_owned();
        return Err(LiteralError { argument: 1, reason });
    };
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let mut items = TextBuilder::of_pieces(all.array, 0);
        let (mut fields, mut failed) = (vec![], vec![]);
        let offsets = list_offsets(context, &arguments[..1], |row| {
            fields.clear();
            if let Err(reason) = read(all.at(row), delimiter, &mut fields) {
                failed.push((row, reason));
                return 0;
            }
            for field in &fields {
                match field {
                    Cow::Borrowed(piece) => items.push_piece(all.array, all.index(row), piece),
                    Cow::Owned(text) => items.push(text),
                }
            }
            fields.len()
        });
        let rows: Vec<usize> = failed.iter().map(|(row, _)| *row).collect();
        for (row, reason) in failed {
            context.fail(row, || reason);
        }
        offsets.without(&rows).finish(&DataType::String, Arc::new(items.finish()))
    })
}

/// The fields of a line.
fn read<'t>(line: &'t str, delimiter: char, fields: &mut Vec<Cow<'t, str>>) -> Result<(), String> {
    let refused = |what: &str| crate::data::parse::refuse(line, &format!("no line of CSV: {what}"));
    let mut rest = line.strip_suffix('\n').unwrap_or(line);
    rest = rest.strip_suffix('\r').unwrap_or(rest);
    loop {
        let behind = match rest.strip_prefix('"') {
            None => {
                let end = rest.find(delimiter).unwrap_or(rest.len());
                fields.push(Cow::Borrowed(&rest[..end]));
                &rest[end..]
            }
            Some(inner) => {
                let end = closing(inner).ok_or_else(|| refused("a quote is not closed"))?;
                let text = &inner[..end];
                fields.push(match text.contains('"') {
                    false => Cow::Borrowed(text),
                    true => Cow::Owned(text.replace("\"\"", "\"")),
                });
                &inner[end + 1..]
            }
        };
        match behind.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(()),
            None => return Err(refused("behind a closing quote stands something")),
        }
    }
}

/// Where the first quote is that is not doubled.
fn closing(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('"')?;
        if text[at + 1..].starts_with('"') { from = at + 2 } else { return Some(at) }
    }
}
