//! Parts of `json` as values of other types: `j["n"] as int`, `j as list<{a: int}>`.

use super::text;
use crate::data::json::{Kind, canonical, items, kind, member, text_of, write_text};
use crate::data::parse::refuse;
use crate::data::{TextBuilder, arrow_type, maps, null_array};
use crate::functions::kernel::{Failure, KernelContext, Operand};
use crate::types::{DataType, Field, Type};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, StructArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, Field as ArrowField};
use std::sync::Arc;

/// The parts that become a column, and the row that each is of.
struct Parts<'j> {
    parts: Vec<Option<&'j str>>,
    rows: Vec<u32>,
}

/// A column of JSON values as another type.
pub fn parse(context: &mut KernelContext, operand: &Operand, to: &DataType) -> ArrayRef {
    let array = operand.array.as_string_view();
    let part = |row: usize| {
        let at = operand.index(row);
        (array.is_valid(at) && context.is_active(row)).then(|| array.value(at))
    };
    let parts = Parts {
        parts: (0..context.rows).map(part).collect(),
        rows: (0..context.rows as u32).collect(),
    };
    let mut failures = vec![];
    let column = column(&parts, to, context.site, &mut failures);
    context.failures.extend(failures);
    column
}

fn fail(failures: &mut Vec<Failure>, site: u32, row: u32, reason: String) {
    failures.push(Failure { row, site, reason });
}

fn column(parts: &Parts, to: &DataType, site: u32, failures: &mut Vec<Failure>) -> ArrayRef {
    match to {
        DataType::String => texts(parts, |json| text_of(json).into_owned()),
        DataType::Json => texts(parts, str::to_owned),
        DataType::List(item) => list(parts, item, site, failures),
        DataType::Map(entry) => map(parts, entry, site, failures),
        DataType::Record(fields) => record(parts, fields, to, site, failures),
        DataType::Unknown | DataType::Null => null_array(to, parts.parts.len()),
        _ => {
            // As texts are read, so that numbers and times mean the same everywhere.
            let column = texts(parts, |json| text_of(json).into_owned());
            let used = BooleanBuffer::collect_bool(column.len(), |at| column.is_valid(at));
            let mut inner = vec![];
            let mut context = KernelContext {
                rows: column.len(),
                active: Some(&used),
                site,
                failures: &mut inner,
            };
            let values = text::parse(&mut context, &Operand::column(column), to);
            let of_row = |found: Failure| Failure { row: parts.rows[found.row as usize], ..found };
            failures.extend(inner.into_iter().map(of_row));
            values
        }
    }
}

fn texts(parts: &Parts, text: impl Fn(&str) -> String) -> ArrayRef {
    let mut column = TextBuilder::with_capacity(parts.parts.len());
    for part in &parts.parts {
        match part {
            Some(json) => column.push(&text(json)),
            None => column.push_null(),
        }
    }
    Arc::new(column.finish())
}

/// A part of another, which may be missing or null where its type says so.
fn inner<'j>(part: Option<&'j str>, ty: &Type) -> Result<Option<&'j str>, &'static str> {
    match part.filter(|part| kind(part) != Kind::Null) {
        None if !ty.nullable => Err(if part.is_some() { "is null" } else { "is missing" }),
        found => Ok(found),
    }
}

fn list(parts: &Parts, item: &Type, site: u32, failures: &mut Vec<Failure>) -> ArrayRef {
    let mut within = Parts { parts: vec![], rows: vec![] };
    let (mut lengths, mut valid) = (vec![], vec![]);
    for (part, &row) in parts.parts.iter().zip(&parts.rows) {
        let before = within.parts.len();
        let mut is_list = false;
        if let Some(json) = part {
            is_list = kind(json) == Kind::Array;
            if !is_list {
                fail(failures, site, row, refuse_json(json, "not a list"));
            }
            for (at, found) in items(json).enumerate() {
                match inner(Some(found), item) {
                    Ok(found) => within.parts.push(found),
                    Err(what) => {
                        within.parts.push(None);
                        fail(failures, site, row, format!("item {at} of the list {what}"));
                    }
                }
                within.rows.push(row);
            }
        }
        valid.push(is_list);
        lengths.push(within.parts.len() - before);
    }
    let items = column(&within, &item.data, site, failures);
    let field = Arc::new(ArrowField::new("item", arrow_type(&item.data), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Arc::new(ListArray::new(field, offsets, items, Some(NullBuffer::from(valid))))
}

/// Objects as maps: lists of their entries.
fn map(parts: &Parts, entry: &Type, site: u32, failures: &mut Vec<Failure>) -> ArrayRef {
    let entries = |(part, &row): (&Option<&str>, &u32)| {
        let (json, mut text) = ((*part)?, String::new());
        let (key, _) = entry.entry()?;
        match maps::write_entries(json, key, &mut text) {
            Ok(()) => Some(text),
            Err(reason) => {
                fail(failures, site, row, refuse_json(json, &reason));
                None
            }
        }
    };
    let texts: Vec<Option<String>> = parts.parts.iter().zip(&parts.rows).map(entries).collect();
    let lists =
        Parts { parts: texts.iter().map(Option::as_deref).collect(), rows: parts.rows.clone() };
    list(&lists, entry, site, failures)
}

fn record(
    parts: &Parts,
    fields: &[Field],
    to: &DataType,
    site: u32,
    failures: &mut Vec<Failure>,
) -> ArrayRef {
    let mut valid = vec![];
    for (part, &row) in parts.parts.iter().zip(&parts.rows) {
        let is_object = part.is_some_and(|json| kind(json) == Kind::Object);
        if let (Some(json), false) = (part, is_object) {
            fail(failures, site, row, refuse_json(json, "not a record"));
        }
        valid.push(is_object);
    }
    let mut columns = vec![];
    for field in fields {
        let mut name = String::new();
        write_text(&field.name, &mut name);
        let mut within = Parts { parts: vec![], rows: parts.rows.clone() };
        for ((part, &row), is_object) in parts.parts.iter().zip(&parts.rows).zip(&valid) {
            let found =
                part.filter(|_| *is_object).map(|json| inner(member(json, &name), &field.ty));
            within.parts.push(match found {
                None => None,
                Some(Ok(found)) => found,
                Some(Err(what)) => {
                    fail(failures, site, row, format!("`{}` {what}", field.name));
                    None
                }
            });
        }
        columns.push(column(&within, &field.ty.data, site, failures));
    }
    let ArrowType::Struct(layout) = arrow_type(to) else { unreachable!("a record") };
    let nulls = Some(NullBuffer::from(valid));
    let record = StructArray::try_new_with_length(layout, columns, nulls, parts.parts.len());
    Arc::new(record.expect("the columns are those of the type"))
}

/// Why a value is refused, with a text as it is, whose quotes in JSON are not a part of it.
fn refuse_json(json: &str, reason: &str) -> String {
    let text = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    refuse(text.unwrap_or(json), reason)
}

/// A column of texts as the JSON values that they are.
pub fn of_text(context: &mut KernelContext, operand: &Operand) -> ArrayRef {
    let array = operand.array.as_string_view();
    let mut column = TextBuilder::with_capacity(context.rows);
    let mut json = String::new();
    for row in 0..context.rows {
        let at = operand.index(row);
        json.clear();
        let read = if array.is_valid(at) { canonical(array.value(at), &mut json) } else { Ok(()) };
        match read {
            Ok(()) if array.is_valid(at) => column.push(&json),
            Ok(()) => column.push_null(),
            Err(reason) => {
                column.push_null();
                context.fail(row, || refuse(array.value(at), &reason));
            }
        }
    }
    Arc::new(column.finish())
}

#[cfg(test)]
mod tests {
    use super::refuse_json;

    #[test]
    fn what_is_refused_is_shown_without_the_quotes_of_json() {
        let told = [r#""nope""#, "12", r#"{"a":1}"#].map(|json| refuse_json(json, "not a list"));
        let expected =
            [r#""nope" is not a list"#, r#""12" is not a list"#, r#""{"a":1}" is not a list"#];
        assert_eq!(told, expected);
    }
}
