//! Functions on maps, which are lists of entries in the order of their keys.

use super::columns::{
    Lists, Prepared, booleans, data, kernel, list_offsets, lists, sparse, strict,
};
use super::kernel::{Call, KernelContext, LiteralError, Operand, PrepareScalar};
use super::order::write_key;
use crate::data::{arrow_type, maps};
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, ListArray, StructArray, UInt32Array};
use arrow_schema::DataType as ArrowType;
use arrow_select::take::take;
use std::sync::Arc;

/// The kernel of each function; those that lists and JSON have as well are named there.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("keys", |call| parts(call, Some(0))),
    ("values", |call| parts(call, Some(1))),
    ("entries", |call| parts(call, None)),
    ("map_from_lists", map_from_lists),
];

/// The types of the keys and of the values of a map that is an argument.
fn types_of(call: &Call) -> [DataType; 2] {
    match data(call, 0) {
        DataType::Map(entry) => match entry.entry() {
            Some((key, value)) => [key.data.clone(), value.data.clone()],
            None => [DataType::Unknown, DataType::Unknown],
        },
        _ => [DataType::Unknown, DataType::Unknown],
    }
}

/// Where the entry with a key is, among those of all rows.
fn find(all: &Lists, row: usize, ty: &DataType, sought: (&ArrayRef, usize)) -> Option<u32> {
    let keys = all.items().as_struct().column(0);
    let (mut wanted, mut key) = (vec![], vec![]);
    write_key(&mut wanted, ty, sought.0, sought.1);
    let range = all.range(row);
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        key.clear();
        write_key(&mut key, ty, keys, middle);
        match key.cmp(&wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return Some(middle as u32),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// `get(map, key)`
pub(super) fn get(call: &Call) -> Prepared {
    let [key, _] = types_of(call);
    kernel(move |context, arguments| {
        let (all, sought) = (lists(&arguments[0]), &arguments[1]);
        let nulls = strict(context.rows, arguments);
        let places = (0..context.rows).map(|row| {
            let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            find(&all, row, &key, (&sought.array, sought.index(row))).filter(|_| valid)
        });
        let places: UInt32Array = places.collect();
        let values = all.items().as_struct().column(1);
        take(values, &places, None).expect("the places are within the entries")
    })
}

/// `has(map, key)`
pub(super) fn has(call: &Call) -> Prepared {
    let [key, _] = types_of(call);
    kernel(move |context, arguments| {
        let (all, sought) = (lists(&arguments[0]), &arguments[1]);
        booleans(context, arguments, |row| {
            find(&all, row, &key, (&sought.array, sought.index(row))).is_some()
        })
    })
}

/// `length(map)`
pub(super) fn length(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = lists(&arguments[0]);
        sparse::<Int64Type>(context, arguments, |row| all.range(row).len() as i64)
    })
}

/// The keys of a map, its values, or both.
fn parts(call: &Call, part: Option<usize>) -> Prepared {
    let DataType::List(item) = call.result.data.clone() else {
        unreachable!("the parts of a map are a list")
    };
    kernel(move |context, arguments| {
        let all = lists(&arguments[0]);
        let mut chosen = vec![];
        let offsets = list_offsets(context, arguments, |row| {
            chosen.extend(all.range(row).map(|at| at as u32));
            all.range(row).len()
        });
        let column = match part {
            Some(part) => all.items().as_struct().column(part),
            None => all.items(),
        };
        offsets.finish(&item.data, pick(column, chosen))
    })
}

fn pick(column: &ArrayRef, at: Vec<u32>) -> ArrayRef {
    take(column, &UInt32Array::from(at), None).expect("the places are within the entries")
}

/// `map_from_lists(keys, values)`
fn map_from_lists(call: &Call) -> Prepared {
    let DataType::Map(entry) = call.result.data.clone() else { unreachable!("it makes a map") };
    let key = entry.entry().map_or(DataType::Unknown, |(key, _)| key.data.clone());
    if key == DataType::Float {
        let reason = "a float cannot be the key of a map; a `decimal` or a `string` can".to_owned();
        return Err(LiteralError { argument: 0, reason });
    }
    kernel(move |context, arguments| {
        let (list, mut failed) = entries(context, arguments, &entry.data);
        let (list, twice) = maps::in_order(list, &key);
        for row in twice {
            if !failed.contains(&row) {
                context.fail(row, || "a key of the map comes twice".to_owned());
                failed.push(row);
            }
        }
        Arc::new(list)
    })
}

/// Lists of entries as they are given, and the rows that have failed, where they are empty.
fn entries(
    context: &mut KernelContext,
    arguments: &[Operand],
    entry: &DataType,
) -> (ListArray, Vec<usize>) {
    let (keys, values) = (lists(&arguments[0]), lists(&arguments[1]));
    let (mut of_keys, mut of_values, mut failed) = (vec![], vec![], vec![]);
    let wrong = |row: usize| {
        let (keys_at, values_at) = (keys.range(row), values.range(row));
        if keys_at.len() != values_at.len() {
            return Some(format!("{} keys and {} values", keys_at.len(), values_at.len()));
        }
        let has_null = keys_at.clone().any(|at| keys.items().is_null(at));
        has_null.then(|| "a key of the map is null".to_owned())
    };
    let offsets = list_offsets(context, arguments, |row| {
        if wrong(row).is_some() {
            failed.push(row);
            return 0;
        }
        of_keys.extend(keys.range(row).map(|at| at as u32));
        of_values.extend(values.range(row).map(|at| at as u32));
        keys.range(row).len()
    });
    for &row in failed.iter().filter(|row| context.is_active(**row)).collect::<Vec<_>>() {
        context.fail(row, || wrong(row).unwrap_or_default());
    }
    let ArrowType::Struct(fields) = arrow_type(entry) else { unreachable!("a record") };
    let columns = vec![pick(keys.items(), of_keys), pick(values.items(), of_values)];
    let items: ArrayRef = Arc::new(StructArray::new(fields, columns, None));
    let list = offsets.without(&failed).finish(entry, items);
    (list.as_list::<i32>().clone(), failed)
}
