//! Functions on lists, for items of any type: a result list is a choice of the items there are,
//! so nothing here looks at what an item is but by [`super::order`].
//!
//! Of a function with a lambda, the second operand is the lambda's result for all items of the
//! first, one list after the other.

use super::columns::{
    Lists, Prepared, data, fallible, kernel, list_offsets, lists, strict, values,
};
use super::kernel::{Call, KernelContext, Operand, PrepareScalar};
use super::order::write_key;
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array, ListArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, OffsetBuffer};
use arrow_select::concat::concat as concat_arrays;
use arrow_select::take::take;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The kernel of each function; those that texts have as well are named in [`super::strings`].
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("get", get),
    ("append", append),
    ("slice", slice),
    ("sort_list", sort_list),
    ("distinct_list", distinct_list),
    ("sum_list", sum_list),
    ("map", map),
    ("filter_list", filter_list),
    ("any", any),
    ("all", all),
];

fn item_type(call: &Call, argument: usize) -> DataType {
    match data(call, argument) {
        DataType::List(item) => item.data.clone(),
        _ => DataType::Unknown,
    }
}

/// The items at these places.
fn pick(items: &ArrayRef, at: Vec<u32>) -> ArrayRef {
    take(items, &UInt32Array::from(at), None).expect("the places are within the items")
}

/// A column of lists, each a choice of the items of the row's list.
fn choose(
    item: DataType,
    mut choose: impl FnMut(&Lists, usize, Range<usize>, &mut Vec<u32>),
    context: &KernelContext,
    arguments: &[Operand],
) -> ArrayRef {
    let all = lists(&arguments[0]);
    let mut chosen = Vec::new();
    let offsets = list_offsets(context, arguments, |row| {
        let before = chosen.len();
        choose(&all, row, all.range(row), &mut chosen);
        chosen.len() - before
    });
    offsets.finish(&item, pick(all.items(), chosen))
}

/// `reverse(list)`
pub(super) fn reverse(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let turn = |_: &Lists, _: usize, range: Range<usize>, chosen: &mut Vec<u32>| {
            chosen.extend(range.rev().map(|at| at as u32));
        };
        choose(item.clone(), turn, context, arguments)
    })
}

/// Item `index` of a list of `length`, from 0, or from the end with negative numbers.
fn item_at(index: i64, length: usize) -> Option<usize> {
    let at = if index < 0 { index.checked_add(length as i64)? } else { index };
    usize::try_from(at).ok().filter(|at| *at < length)
}

fn get(call: &Call) -> Prepared {
    if *data(call, 0) == DataType::Json {
        return super::json::get(call);
    }
    if let DataType::Map(_) = data(call, 0) {
        return super::maps::get(call);
    }
    kernel(|context, arguments| {
        let (all, indices) = (lists(&arguments[0]), values::<Int64Type>(&arguments[1]));
        let nulls = strict(context.rows, arguments);
        let places = (0..context.rows).map(|row| {
            let range = all.range(row);
            let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            let at = item_at(indices.at(row), range.len()).filter(|_| valid)?;
            Some((range.start + at) as u32)
        });
        let places: UInt32Array = places.collect();
        take(all.items(), &places, None).expect("the places are within the items")
    })
}

fn slice(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let starts = values::<Int64Type>(&arguments[1]);
        let ends = values::<Int64Type>(&arguments[2]);
        let cut = |_: &Lists, row: usize, range: Range<usize>, chosen: &mut Vec<u32>| {
            let clamp = |at: i64| {
                let at = if at < 0 { at.saturating_add(range.len() as i64) } else { at };
                at.clamp(0, range.len() as i64) as usize
            };
            let part = clamp(starts.at(row))..clamp(ends.at(row));
            chosen.extend(part.map(|at| (range.start + at) as u32));
        };
        choose(item.clone(), cut, context, arguments)
    })
}

/// The keys of all items, end to end, and where each ends.
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    fn of(ty: &DataType, items: &ArrayRef) -> Keys {
        let mut keys = Keys { bytes: Vec::new(), ends: Vec::with_capacity(items.len()) };
        for at in 0..items.len() {
            write_key(&mut keys.bytes, ty, items, at);
            keys.ends.push(keys.bytes.len());
        }
        keys
    }

    fn at(&self, item: usize) -> &[u8] {
        let start = if item == 0 { 0 } else { self.ends[item - 1] };
        &self.bytes[start..self.ends[item]]
    }
}

fn sort_list(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let keys = Keys::of(&item, lists(&arguments[0]).items());
        let sort = |_: &Lists, _: usize, range: Range<usize>, chosen: &mut Vec<u32>| {
            let start = chosen.len();
            chosen.extend(range.map(|at| at as u32));
            chosen[start..].sort_by_key(|&at| keys.at(at as usize));
        };
        choose(item.clone(), sort, context, arguments)
    })
}

fn distinct_list(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let keys = Keys::of(&item, lists(&arguments[0]).items());
        let distinct = |_: &Lists, _: usize, range: Range<usize>, chosen: &mut Vec<u32>| {
            let mut seen = HashSet::with_capacity(range.len());
            chosen.extend(range.filter(|&at| seen.insert(keys.at(at))).map(|at| at as u32));
        };
        choose(item.clone(), distinct, context, arguments)
    })
}

/// `contains(list, item)`; a null item is found where the list has one.
pub(super) fn contains(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let all = lists(&arguments[0]);
        let keys = Keys::of(&item, all.items());
        let wanted = Keys::of(&item, &arguments[1].array);
        super::columns::booleans(context, &arguments[..1], |row| {
            let wanted = wanted.at(arguments[1].index(row));
            all.range(row).any(|at| keys.at(at) == wanted)
        })
    })
}

/// `concat(first, rest...)` of lists
pub(super) fn concat(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let all: Vec<Lists> = arguments.iter().map(lists).collect();
        let mut starts = Vec::new();
        let mut total = 0;
        for lists in &all {
            starts.push(total);
            total += lists.items().len();
        }
        let items: Vec<&dyn Array> = all.iter().map(|lists| lists.items().as_ref()).collect();
        let items = concat_arrays(&items).expect("the lists have items of one type");
        let mut chosen = Vec::new();
        let offsets = list_offsets(context, arguments, |row| {
            let before = chosen.len();
            for (lists, start) in all.iter().zip(&starts) {
                chosen.extend(lists.range(row).map(|at| (start + at) as u32));
            }
            chosen.len() - before
        });
        offsets.finish(&item, pick(&items, chosen))
    })
}

fn append(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let all = lists(&arguments[0]);
        let start = all.items().len();
        let more = &arguments[1];
        let items = concat_arrays(&[all.items().as_ref(), more.array.as_ref()])
            .expect("the item has the type of the list's");
        let mut chosen = Vec::new();
        let offsets = list_offsets(context, &arguments[..1], |row| {
            let before = chosen.len();
            chosen.extend(all.range(row).map(|at| at as u32));
            chosen.push((start + more.index(row)) as u32);
            chosen.len() - before
        });
        offsets.finish(&item, pick(&items, chosen))
    })
}

fn sum_list(call: &Call) -> Prepared {
    match data(call, 0) {
        DataType::List(item) if item.data == DataType::Float => kernel(|context, arguments| {
            let all = lists(&arguments[0]);
            let items = all.items().as_primitive::<Float64Type>();
            super::columns::sparse::<Float64Type>(context, arguments, |row| {
                let mut sum = super::aggregates::ExactSum::default();
                let valid = all.range(row).filter(|&at| items.is_valid(at));
                valid.for_each(|at| sum.add(items.value(at)));
                sum.value()
            })
        }),
        DataType::List(item) if matches!(item.data, DataType::Decimal { .. }) => {
            let result = crate::data::arrow_type(&call.result.data);
            kernel(move |context, arguments| {
                let all = lists(&arguments[0]);
                let items = all.items().as_primitive::<Decimal128Type>();
                let sums = fallible::<Decimal128Type>(context, arguments, |row| {
                    let mut valid = all.range(row).filter(|&at| items.is_valid(at));
                    let sum = valid.try_fold(0i128, |sum, at| sum.checked_add(items.value(at)));
                    let fits = sum.filter(|sum| sum.unsigned_abs() < 10u128.pow(38));
                    fits.map(Some).ok_or_else(|| "the sum has more than 38 digits".into())
                });
                let sums: Decimal128Array = sums.as_primitive::<Decimal128Type>().clone();
                Arc::new(sums.with_data_type(result.clone()))
            })
        }
        _ => kernel(|context, arguments| {
            let all = lists(&arguments[0]);
            let items = all.items().as_primitive::<Int64Type>();
            fallible::<Int64Type>(context, arguments, |row| {
                let valid = all.range(row).filter(|&at| items.is_valid(at));
                let sum: i128 = valid.map(|at| i128::from(items.value(at))).sum();
                i64::try_from(sum).map(Some).map_err(|_| format!("the sum {sum} does not fit int"))
            })
        }),
    }
}

/// The lambda's results, one for each item.
fn results(arguments: &[Operand], items: usize) -> ArrayRef {
    let results = &arguments[1];
    if results.constant {
        return pick(&results.array, vec![0; items]);
    }
    results.array.clone()
}

fn map(call: &Call) -> Prepared {
    let DataType::List(item) = call.result.data.clone() else {
        return kernel(|context, _| crate::data::null_array(&DataType::Unknown, context.rows));
    };
    kernel(move |context, arguments| {
        let all = lists(&arguments[0]);
        let results = results(arguments, all.items().len());
        if arguments[0].constant || all.array.null_count() > 0 {
            let mut chosen = Vec::new();
            let offsets = list_offsets(context, &arguments[..1], |row| {
                chosen.extend(all.range(row).map(|at| at as u32));
                all.range(row).len()
            });
            return offsets.finish(&item.data, pick(&results, chosen));
        }
        let offsets = OffsetBuffer::new(all.array.offsets().inner().clone());
        let field = arrow_schema::Field::new("item", results.data_type().clone(), true);
        Arc::new(ListArray::new(Arc::new(field), offsets, results, None))
    })
}

fn filter_list(call: &Call) -> Prepared {
    let item = item_type(call, 0);
    kernel(move |context, arguments| {
        let keep = results(arguments, lists(&arguments[0]).items().len());
        let keep = keep.as_boolean();
        let filter = |_: &Lists, _: usize, range: Range<usize>, chosen: &mut Vec<u32>| {
            chosen.extend(range.filter(|&at| is_true(keep, at)).map(|at| at as u32));
        };
        choose(item.clone(), filter, context, &arguments[..1])
    })
}

fn is_true(values: &BooleanArray, at: usize) -> bool {
    values.is_valid(at) && values.value(at)
}

fn any(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        quantified(context, arguments, |mut range, holds| range.any(|at| is_true(holds, at)))
    })
}

fn all(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        quantified(context, arguments, |mut range, holds| range.all(|at| is_true(holds, at)))
    })
}

fn quantified(
    context: &KernelContext,
    arguments: &[Operand],
    holds: impl Fn(Range<usize>, &BooleanArray) -> bool,
) -> ArrayRef {
    let all = lists(&arguments[0]);
    let results = results(arguments, all.items().len());
    let results = results.as_boolean();
    let nulls = strict(context.rows, &arguments[..1]);
    let values = BooleanBuffer::collect_bool(context.rows, |row| holds(all.range(row), results));
    Arc::new(BooleanArray::new(values, nulls))
}
