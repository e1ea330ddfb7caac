//! Functions on `json`, whose values are texts in one spelling; see [`crate::data::json`].

use super::columns::{
    Prepared, booleans, data, fallible, fallible_texts, kernel, list_offsets, literal_text, texts,
    values, write_pieces, write_texts,
};
use super::kernel::{Call, LiteralError, PrepareScalar};
use crate::data::TextBuilder;
use crate::data::json::{
    Kind, canonical, items, kind, length, member, members, text_of, write_text,
};
use crate::data::parse::refuse;
use crate::data::spell::Cells;
use crate::types::DataType;
use arrow_array::types::Int64Type;
use std::sync::Arc;

/// The kernel of each function; `get` is named in [`super::lists`].
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("parse_json", parse_json),
    ("to_json", to_json),
    ("json_get", json_get),
    ("has", has),
    ("json_keys", json_keys),
    ("json_items", json_items),
    ("json_type", json_type),
    ("json_length", json_length),
];

/// `parse_json(text)`
fn parse_json(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let mut json = String::new();
        fallible_texts(context, arguments, |row, column| {
            json.clear();
            canonical(all.at(row), &mut json).map_err(|reason| refuse(all.at(row), &reason))?;
            column.push(&json);
            Ok(())
        })
    })
}

/// `to_json(value)`
fn to_json(call: &Call) -> Prepared {
    let ty = data(call, 0).clone();
    kernel(move |context, arguments| {
        let argument = &arguments[0];
        let cells = Cells::of(&argument.array, &ty);
        let mut bytes = Vec::new();
        write_texts(context, arguments, |row, column| {
            bytes.clear();
            cells.write(argument.index(row), &mut bytes);
            let spelled = str::from_utf8(&bytes).unwrap_or_default();
            column.write(|out| match &ty {
                DataType::Json => out.push_str(spelled),
                DataType::Bool
                | DataType::Int
                | DataType::Float
                | DataType::Decimal { .. }
                | DataType::List(_)
                | DataType::Map(_)
                | DataType::Record(_) => {
                    // Only a float that is no number is not JSON.
                    if canonical(spelled, out).is_err() {
                        out.clear();
                        out.push_str("null");
                    }
                }
                _ => write_text(spelled, out),
            });
        })
    })
}

/// A part that is there and not null in JSON.
fn not_null(part: Option<&str>) -> Option<&str> {
    part.filter(|part| kind(part) != Kind::Null)
}

/// Item `index` of an array, from 0, or from the end with negative numbers.
fn item(json: &str, index: i64) -> Option<&str> {
    let at = match index {
        0.. => index,
        _ => index.checked_add(length(json).filter(|_| kind(json) == Kind::Array)? as i64)?,
    };
    items(json).nth(usize::try_from(at).ok()?)
}

/// `get(json, name)`, `get(json, index)`
pub(super) fn get(call: &Call) -> Prepared {
    if *data(call, 1) == DataType::Int {
        return kernel(|context, arguments| {
            let (all, indices) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
            write_pieces(context, arguments, all, |row, column| {
                match not_null(item(all.at(row), indices.at(row))) {
                    Some(part) => column.push(part),
                    None => column.push_null(),
                }
            })
        });
    }
    kernel(|context, arguments| {
        let (all, names) = (texts(&arguments[0]), texts(&arguments[1]));
        let mut name = String::new();
        write_pieces(context, arguments, all, |row, column| {
            name.clear();
            write_text(names.at(row), &mut name);
            match not_null(member(all.at(row), &name)) {
                Some(part) => column.push(part),
                None => column.push_null(),
            }
        })
    })
}

/// A step of a path.
enum Step {
    /// The name of a member as JSON spells it, with quotes.
    Name(String),
    /// The place of an item.
    Index(i64),
}

/// `$.a["b c"][0]`
fn path(text: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("\"{text}\" is not a path; one begins with `$`, as in `$.name[0]`");
    let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
    let mut steps = vec![];
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            if name.is_empty() {
                return Err(wrong());
            }
            let mut spelled = String::new();
            write_text(name, &mut spelled);
            steps.push(Step::Name(spelled));
            rest = behind;
        } else if let Some(quoted) = rest.strip_prefix("[\"") {
            let (name, behind) = quoted.split_once("\"]").ok_or_else(wrong)?;
            let mut spelled = String::new();
            write_text(name, &mut spelled);
            steps.push(Step::Name(spelled));
            rest = behind;
        } else {
            let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
            let (index, behind) = inner.split_once(']').ok_or_else(wrong)?;
            steps.push(Step::Index(index.parse().map_err(|_| wrong())?));
            rest = behind;
        }
    }
    Ok(steps)
}

/// `json_get(json, path)`
fn json_get(call: &Call) -> Prepared {
    let steps =
        path(literal_text(call, 1)?).map_err(|reason| LiteralError { argument: 1, reason })?;
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        write_pieces(context, &arguments[..1], all, |row, column| {
            let part = steps.iter().try_fold(all.at(row), |json, step| match step {
                Step::Name(name) => member(json, name),
                Step::Index(index) => item(json, *index),
            });
            match not_null(part) {
                Some(part) => column.push(part),
                None => column.push_null(),
            }
        })
    })
}

/// `has(json, name)`
fn has(call: &Call) -> Prepared {
    if let DataType::Map(_) = data(call, 0) {
        return super::maps::has(call);
    }
    kernel(|context, arguments| {
        let (all, names) = (texts(&arguments[0]), texts(&arguments[1]));
        let mut name = String::new();
        booleans(context, arguments, |row| {
            name.clear();
            write_text(names.at(row), &mut name);
            member(all.at(row), &name).is_some()
        })
    })
}

/// `json_keys(json)`
fn json_keys(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let mut keys = TextBuilder::of_pieces(all.array, 0);
        let offsets = list_offsets(context, arguments, |row| {
            let before = keys.len();
            for (name, _) in members(all.at(row)) {
                keys.push_piece(all.array, all.index(row), &text_of(name));
            }
            keys.len() - before
        });
        offsets.finish(&DataType::String, Arc::new(keys.finish()))
    })
}

/// `json_items(json)`
fn json_items(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let mut parts = TextBuilder::of_pieces(all.array, 0);
        let offsets = list_offsets(context, arguments, |row| {
            let before = parts.len();
            for part in items(all.at(row)) {
                match not_null(Some(part)) {
                    Some(part) => parts.push_piece(all.array, all.index(row), part),
                    None => parts.push_null(),
                }
            }
            parts.len() - before
        });
        offsets.finish(&DataType::Json, Arc::new(parts.finish()))
    })
}

/// `json_type(json)`
fn json_type(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| column.push(kind(all.at(row)).name()))
    })
}

/// `json_length(json)`
fn json_length(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        fallible::<Int64Type>(context, arguments, |row| {
            Ok(length(all.at(row)).map(|length| length as i64))
        })
    })
}
