//! Lists and records, converted item by item.

use super::super::nested::range;
use super::convert;
use crate::data::arrow_type;
use crate::functions::kernel::{Failure, KernelContext};
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, StructArray};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType as ArrowType, Field};
use std::sync::Arc;

/// A column of lists with items of another type.
pub fn list(
    context: &mut KernelContext,
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
) -> ArrayRef {
    let list = array.as_list::<i32>();
    let items = list.values();
    // Items that belong to no list, and those of a list that is null, cannot fail.
    let mut rows = vec![u32::MAX; items.len()];
    for row in (0..list.len()).filter(|&row| list.is_valid(row)) {
        rows[range(list, row)].fill(row as u32);
    }
    let used = BooleanBuffer::collect_bool(rows.len(), |item| {
        rows[item] != u32::MAX && context.is_active(rows[item] as usize)
    });
    let items = within(context, items, used, (from, to), |item| rows[item as usize]);
    let field = Arc::new(Field::new("item", arrow_type(to), true));
    Arc::new(ListArray::new(field, list.offsets().clone(), items, list.nulls().cloned()))
}

/// A column of records with fields of other types.
pub fn record(
    context: &mut KernelContext,
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
) -> ArrayRef {
    let record = array.as_struct();
    let (DataType::Record(from), DataType::Record(fields)) = (from, to) else {
        unreachable!("both are records")
    };
    let ArrowType::Struct(layout) = arrow_type(to) else {
        unreachable!("a record is laid out as a struct")
    };
    let used = BooleanBuffer::collect_bool(record.len(), |row| {
        record.is_valid(row) && context.is_active(row)
    });
    let columns = from
        .iter()
        .zip(fields.iter())
        .zip(record.columns())
        .map(|((from, to), column)| {
            within(context, column, used.clone(), (&from.ty.data, &to.ty.data), |row| row)
        })
        .collect();
    let nulls = record.nulls().cloned();
    let record = StructArray::try_new_with_length(layout, columns, nulls, record.len());
    Arc::new(record.expect("the columns are those of the type"))
}

/// Converts what is inside; `row` is where an item that fails makes the context fail.
fn within(
    context: &mut KernelContext,
    array: &ArrayRef,
    used: BooleanBuffer,
    (from, to): (&DataType, &DataType),
    row: impl Fn(u32) -> u32,
) -> ArrayRef {
    let mut failures: Vec<Failure> = Vec::new();
    let mut inner = KernelContext {
        rows: array.len(),
        active: Some(&used),
        site: context.site,
        failures: &mut failures,
    };
    let converted = convert(&mut inner, array, from, to);
    let outer = failures.into_iter().map(|failure| Failure { row: row(failure.row), ..failure });
    context.failures.extend(outer);
    converted
}
