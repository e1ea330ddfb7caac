//! Maps: lists of entries in the order of their keys, of which no two are equal, so that equal maps
//! are equal lists.

use super::json::{Kind, canonical, kind, members, text_of};
use super::parse::{self, Reason};
use super::scalar_at;
use crate::types::{DataType, Scalar, Type};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ListArray, UInt32Array};
use arrow_schema::{DataType as ArrowType, Field as ArrowField};
use std::cmp::Ordering;
use std::sync::Arc;

/// The order of two keys of one type.
fn order(a: &Scalar, b: &Scalar) -> Ordering {
    use Scalar as S;
    match (a, b) {
        (S::Bool(a), S::Bool(b)) => a.cmp(b),
        (S::Decimal(a), S::Decimal(b)) => a.cmp(b),
        (S::String(a), S::String(b)) => a.cmp(b),
        (S::Date(a), S::Date(b)) | (S::Enum(a), S::Enum(b)) => a.cmp(b),
        (S::Int(a), S::Int(b))
        | (S::Datetime(a), S::Datetime(b))
        | (S::Timestamp(a), S::Timestamp(b))
        | (S::Duration(a), S::Duration(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// The members of a JSON object, in the order of the keys that their names are.
fn sorted<'j>(json: &'j str, key: &Type) -> Result<Vec<(Scalar, &'j str, &'j str)>, Reason> {
    if kind(json) != Kind::Object {
        return Err("not a map".into());
    }
    let mut entries = vec![];
    for (name, value) in members(json) {
        let read = parse::scalar(&text_of(name), key);
        let key = read.map_err(|reason| format!("not a map: its key {reason}"))?;
        entries.push((key, name, value));
    }
    entries.sort_by(|a, b| order(&a.0, &b.0));
    match entries.windows(2).find(|pair| order(&pair[0].0, &pair[1].0).is_eq()) {
        Some(pair) => Err(format!("not a map: its key {} comes twice", pair[0].1).into()),
        None => Ok(entries),
    }
}

/// Appends the entries of a map, which is a JSON object in its one spelling, as the JSON of a list
/// of records.
pub fn write_entries(json: &str, key: &Type, out: &mut String) -> Result<(), Reason> {
    let is_bare = key.data.is_number() || key.data == DataType::Bool;
    out.push('[');
    for (at, (_, name, value)) in sorted(json, key)?.into_iter().enumerate() {
        out.push_str(if at == 0 { "{\"key\":" } else { ",{\"key\":" });
        match is_bare {
            true => out.push_str(&text_of(name)),
            false => out.push_str(name),
        }
        out.push_str(",\"value\":");
        out.push_str(value);
        out.push('}');
    }
    out.push(']');
    Ok(())
}

/// The map that a JSON text is, whose values have no parts.
pub fn parse_map(text: &str, entry: &Type) -> Result<Scalar, String> {
    let Some((key, value)) = entry.entry() else { return Err("not a map".into()) };
    let mut json = String::new();
    canonical(text, &mut json).map_err(|reason| parse::refuse(text, &reason))?;
    let entries = sorted(&json, key).map_err(|reason| parse::refuse(text, &reason))?;
    let entry = |(key, _, part): (Scalar, &str, &str)| {
        let found = match part {
            "null" if value.nullable => Scalar::Null,
            part => parse::scalar(&text_of(part), value)?,
        };
        Ok(Scalar::Record(vec![key, found]))
    };
    Ok(Scalar::List(entries.into_iter().map(entry).collect::<Result<_, String>>()?))
}

/// Lists of entries with each in the order of its keys, and the rows in which a key comes twice.
pub fn in_order(list: ListArray, key: &DataType) -> (ListArray, Vec<usize>) {
    let entries = list.values().as_struct();
    let keys: Vec<Scalar> =
        (0..entries.len()).map(|at| scalar_at(entries.column(0), key, at)).collect();
    let (mut places, mut twice): (Vec<u32>, Vec<usize>) = (vec![], vec![]);
    let mut lengths = Vec::with_capacity(list.len());
    let mut moved = false;
    for row in 0..list.len() {
        let offsets = list.value_offsets();
        let range = match list.is_valid(row) {
            true => offsets[row] as u32..offsets[row + 1] as u32,
            false => 0..0,
        };
        let first = places.len();
        places.extend(range.clone());
        places[first..].sort_by(|a, b| order(&keys[*a as usize], &keys[*b as usize]));
        let same = |pair: &[u32]| order(&keys[pair[0] as usize], &keys[pair[1] as usize]).is_eq();
        if places[first..].windows(2).any(same) {
            twice.push(row);
        }
        moved |= !places[first..].iter().copied().eq(range);
        lengths.push(places.len() - first);
    }
    if !moved && places.len() == entries.len() {
        return (list, twice);
    }
    let values = arrow_select::take::take(list.values(), &UInt32Array::from(places), None);
    let values = values.expect("the places are those of entries");
    let ArrowType::List(field) = list.data_type().clone() else { unreachable!("a list") };
    let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths);
    (ListArray::new(field, offsets, values, list.nulls().cloned()), twice)
}

/// The field of the entries of a list that is a map.
pub fn entry_field(entry: &DataType) -> Arc<ArrowField> {
    Arc::new(ArrowField::new("item", super::arrow_type(entry), true))
}
