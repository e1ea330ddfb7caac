//! How the rows of an output are laid out: the schema of a file, and what of a type no schema can say.

use crate::connect::options::BadOption;
use crate::connect::{Arguments, Column, ConnectError, Side};
use crate::types::{DataType, EnumType, Type};
use serde_json::{Value, json};

/// Says which columns of an output an Avro file cannot hold.
pub fn check(arguments: &Arguments, side: Side, columns: &[Column]) -> Result<(), BadOption> {
    if side == Side::Source {
        return Ok(());
    }
    let wrong =
        |message: String, help: String| Err(("path", ConnectError::new(message).help(help)));
    let path = arguments.text("path").unwrap_or_default();
    if let Some(plain) = [".gz", ".zst"].iter().find_map(|packed| path.strip_suffix(packed)) {
        return wrong(
            format!("an Avro file is packed within, and is not called `{path}`"),
            format!("name it `{plain}`, and say how with `compression: \"zstd\"`"),
        );
    }
    for column in columns {
        if !is_name(&column.external) {
            return wrong(
                format!("no column of an Avro file can be called `{}`", column.external),
                "rename it: a name has the letters a to z, digits and `_`, and begins with no digit"
                    .to_owned(),
            );
        }
        if let Some((message, help)) = unheld(&column.ty.data) {
            return wrong(format!("column `{}` {message}", column.external), help.to_owned());
        }
    }
    Ok(())
}

/// What of a type an Avro file cannot hold, with what to do.
fn unheld(ty: &DataType) -> Option<(String, &'static str)> {
    match ty {
        DataType::Named(named) => unheld(&named.of),
        DataType::List(item) => unheld(&item.data),
        DataType::Map(entry) => {
            let (key, value) = entry.entry()?;
            if !is_text(&key.data) {
                let message =
                    format!("has {} as keys, and those of an Avro map are texts", key.data);
                return Some((message, "give it keys that are texts"));
            }
            unheld(&value.data)
        }
        DataType::Record(fields) => fields.iter().find_map(|field| {
            if !is_name(&field.name) {
                let message = format!(
                    "has a field `{}`, and no field of an Avro file can be called so",
                    field.name
                );
                let help = "call it by the letters a to z, digits and `_`, beginning with no digit";
                return Some((message, help));
            }
            unheld(&field.ty.data)
        }),
        _ => None,
    }
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Named(named) => is_text(&named.of),
        ty => matches!(ty, DataType::String | DataType::Enum(_) | DataType::Uuid),
    }
}

/// Is it a name, as Avro has them?
fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    name.starts_with(is_letter)
        && name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
}

/// Are the members of an enum symbols, as Avro has them? Else they are written as texts.
pub fn is_enum(declared: &EnumType) -> bool {
    declared.members.iter().all(|member| is_name(&member.text))
}

/// The schema of rows with these columns, as JSON.
pub fn schema(columns: &[Column]) -> String {
    let field = |column: &Column| field("row", &column.external, &column.ty);
    let fields: Vec<Value> = columns.iter().map(field).collect();
    json!({"type": "record", "name": "row", "fields": fields}).to_string()
}

/// A field; what it defines is named by its place, since no name may be there twice.
fn field(place: &str, name: &str, ty: &Type) -> Value {
    let of = spelled(place, name, ty);
    match ty.nullable {
        true => json!({"name": name, "type": of, "default": null}),
        false => json!({"name": name, "type": of}),
    }
}

fn spelled(place: &str, name: &str, ty: &Type) -> Value {
    let of = spelled_data(place, name, &ty.data);
    if ty.nullable && of != json!("null") { json!(["null", of]) } else { of }
}

fn spelled_data(place: &str, name: &str, ty: &DataType) -> Value {
    let logical = |of: &str, logical: &str| json!({"type": of, "logicalType": logical});
    let below = format!("{place}.{name}");
    match ty {
        DataType::Unknown | DataType::Null => json!("null"),
        DataType::Bool => json!("boolean"),
        DataType::Int => json!("long"),
        DataType::Float => json!("double"),
        DataType::Decimal { precision, scale } => json!({
            "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale
        }),
        DataType::String | DataType::Json | DataType::Duration => json!("string"),
        DataType::Uuid => logical("string", "uuid"),
        DataType::Bytes => json!("bytes"),
        DataType::Date => logical("int", "date"),
        DataType::Time => logical("long", "time-micros"),
        DataType::Datetime => logical("long", "local-timestamp-micros"),
        DataType::Timestamp => logical("long", "timestamp-micros"),
        DataType::Enum(declared) if is_enum(declared) => {
            let symbols: Vec<&str> = declared.members.iter().map(|member| &*member.text).collect();
            json!({"type": "enum", "name": name, "namespace": place, "symbols": symbols})
        }
        DataType::Enum(_) => json!("string"),
        DataType::List(item) => json!({"type": "array", "items": spelled(&below, "item", item)}),
        DataType::Map(entry) => {
            let value = entry.entry().map(|(_, value)| spelled(&below, "value", value));
            json!({"type": "map", "values": value})
        }
        DataType::Record(fields) => {
            let fields: Vec<Value> =
                fields.iter().map(|inner| field(&below, &inner.name, &inner.ty)).collect();
            json!({"type": "record", "name": name, "namespace": place, "fields": fields})
        }
        DataType::Named(named) => spelled_data(place, name, &named.of),
    }
}
