//! Types as written become types.

use super::globals::Globals;
use super::names::Kind;
use crate::diagnostics::{Diagnostics, named, names, types};
use crate::syntax::ast::{self, ExprKind, TypeExpr, TypeExprKind};
use crate::types::{DECIMAL_DIGITS_MAX, DataType, Field, NamedType, Type};

/// The names of the types without arguments.
const SIMPLE: &[(&str, DataType)] = &[
    ("bool", DataType::Bool),
    ("int", DataType::Int),
    ("float", DataType::Float),
    ("string", DataType::String),
    ("json", DataType::Json),
    ("uuid", DataType::Uuid),
    ("bytes", DataType::Bytes),
    ("date", DataType::Date),
    ("time", DataType::Time),
    ("datetime", DataType::Datetime),
    ("timestamp", DataType::Timestamp),
    ("duration", DataType::Duration),
];

/// The names of types without arguments, and of those that take some.
pub(super) fn type_names() -> impl Iterator<Item = &'static str> {
    SIMPLE.iter().map(|(name, _)| *name).chain(["decimal", "list", "map"])
}

/// The type that is written; [`Type::UNKNOWN`], with a finding, when it is none.
pub(super) fn resolve_type(written: &TypeExpr, globals: &Globals, found: &mut Diagnostics) -> Type {
    let data = match &written.kind {
        TypeExprKind::Named(name, arguments) => {
            type_named(name, arguments, written, globals, found)
        }
        TypeExprKind::List(item) => DataType::List(Box::new(resolve_type(item, globals, found))),
        TypeExprKind::Record(fields, false) => DataType::Record(
            fields
                .iter()
                .map(|(name, ty)| Field::new(name.text.as_str(), resolve_type(ty, globals, found)))
                .collect(),
        ),
        TypeExprKind::Map(key, value) => map(key, value, globals, found),
        TypeExprKind::Record(_, true) => {
            found.push(types::open_record(written.span));
            DataType::Unknown
        }
        TypeExprKind::Function(..) => {
            found.push(types::function_as_value(written.span));
            DataType::Unknown
        }
        TypeExprKind::Bad => DataType::Unknown,
    };
    if let Some(part) = part_within(&data) {
        found.push(named::not_within(&data, part, written.span));
        return Type::UNKNOWN;
    }
    if data.is_unknown() { Type::UNKNOWN } else { Type { data, nullable: written.nullable } }
}

/// A part of a type in a list or record, of whose values nothing checks the condition.
fn part_within(data: &DataType) -> Option<&NamedType> {
    let part_of = |ty: &'_ Type| match &ty.data {
        DataType::Named(named) => {
            let mut named = named;
            loop {
                match &named.of {
                    _ if named.is_part => return true,
                    DataType::Named(behind) => named = behind,
                    _ => return false,
                }
            }
        }
        _ => false,
    };
    let within = match data {
        DataType::List(item) => Some(&**item).filter(|item| part_of(item)),
        DataType::Map(entry) => {
            entry.entry().and_then(|(key, value)| [key, value].into_iter().find(|ty| part_of(ty)))
        }
        DataType::Record(fields) => fields.iter().map(|field| &field.ty).find(|ty| part_of(ty)),
        _ => None,
    };
    match &within?.data {
        DataType::Named(named) => Some(named),
        _ => None,
    }
}

fn map(key: &TypeExpr, value: &TypeExpr, globals: &Globals, found: &mut Diagnostics) -> DataType {
    let (at, value) = (key.span, resolve_type(value, globals, found));
    let key = resolve_type(key, globals, found);
    if key.is_unknown() || value.is_unknown() {
        return DataType::Unknown;
    }
    if key.nullable || !key.data.is_ordered() || key.data.opened() == DataType::Float {
        let message = format!("`{key}` cannot be the key of a map");
        let help = "keys are texts, whole numbers, decimals, times, enums or uuids, and never null";
        found.push(types::type_arguments(at, message, help));
        return DataType::Unknown;
    }
    DataType::map(key, value)
}

fn type_named(
    name: &ast::Name,
    arguments: &[ast::Expr],
    written: &TypeExpr,
    globals: &Globals,
    found: &mut Diagnostics,
) -> DataType {
    if name.text == "decimal" {
        return decimal(arguments, written, found);
    }
    let is_known = SIMPLE.iter().any(|(simple, _)| *simple == name.text)
        || globals.enums.contains_key(&name.text)
        || globals.types.contains_key(&name.text);
    if !arguments.is_empty() && is_known {
        let message = format!("`{}` takes no arguments", name.text);
        found.push(types::type_arguments(written.span, message, &format!("write `{}`", name.text)));
        return DataType::Unknown;
    }
    if let Some((_, ty)) = SIMPLE.iter().find(|(simple, _)| *simple == name.text) {
        return ty.clone();
    }
    if let Some((declared, at)) = globals.enums.get(&name.text) {
        globals.mean(&name.text, name.span, *at, found);
        globals.names().declared(name.span, Kind::Enum, *at);
        return DataType::Enum(declared.clone());
    }
    if let Some(declared) = globals.types.get(&name.text) {
        globals.mean(&name.text, name.span, declared.at, found);
        globals.names().declared(name.span, Kind::Type, declared.at);
        return declared.ty.clone().map_or(DataType::Unknown, DataType::Named);
    }
    if !globals.later.contains_key(&name.text) {
        let all: Vec<&str> = SIMPLE
            .iter()
            .map(|(simple, _)| *simple)
            .chain(["decimal", "list", "map"])
            .chain(globals.enums.keys().map(String::as_str))
            .chain(globals.types.keys().map(String::as_str))
            .collect();
        let span = if arguments.is_empty() { name.span } else { written.span };
        let digits = &globals.files.text(written.span)[name.text.len()..];
        let digits = if arguments.is_empty() { "" } else { digits };
        // `count() as n`, which SQL takes for a name.
        let (before, behind) = globals.files.around(span);
        let before = before.lines().last().unwrap_or_default().trim_end();
        let is_alias = before.ends_with(" as")
            && !behind.starts_with('[')
            && !before.trim_start().starts_with("cast ");
        let told = names::no_type(&name.text, span, digits, &all);
        found.push(match told.fix.is_none() && is_alias {
            true => {
                told.help(format!("`as` is for types: write `{} = ` before the value", name.text))
            }
            false => told,
        });
    }
    DataType::Unknown
}

fn decimal(arguments: &[ast::Expr], written: &TypeExpr, found: &mut Diagnostics) -> DataType {
    let digits: Vec<u64> = arguments
        .iter()
        .filter_map(|argument| match argument.kind {
            ExprKind::Int(Some(digits)) => Some(digits),
            _ => None,
        })
        .collect();
    let message = match (arguments.len(), digits[..].as_ref()) {
        (2, [p, s]) if (1..=u64::from(DECIMAL_DIGITS_MAX)).contains(p) && (0..=*p).contains(s) => {
            return DataType::Decimal { precision: *p as u8, scale: *s as u8 };
        }
        (2, [p, s]) if *s > *p => {
            format!("`decimal({p}, {s})` has more digits after the point than in all")
        }
        (2, [p, s]) => format!("`decimal({p}, {s})` has not between 1 and 38 digits"),
        _ => "`decimal` needs its digits in all and after the point".to_owned(),
    };
    found.push(types::type_arguments(written.span, message, "for instance `decimal(12, 2)`"));
    DataType::Unknown
}
