//! Between single values and arrays. For literals, messages and tests; never per row of data.

use super::{UTC, arrow_type};
use crate::types::{DataType, Scalar};
use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray,
    Float64Array, Int32Array, Int64Array, ListArray, StructArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, Field as ArrowField};
use std::sync::Arc;

/// `rows` nulls of a type.
pub fn null_array(ty: &DataType, rows: usize) -> ArrayRef {
    new_null_array(&arrow_type(ty), rows)
}

/// The array of the values; each must be of type `ty` or null.
pub fn array_of(ty: &DataType, values: &[Scalar]) -> ArrayRef {
    macro_rules! primitive {
        ($array:ty, $variant:ident) => {
            <$array>::from_iter(values.iter().map(|value| match value {
                Scalar::$variant(v) => Some(*v),
                _ => None,
            }))
        };
    }
    match ty {
        DataType::Unknown | DataType::Null => null_array(ty, values.len()),
        DataType::Named(named) => array_of(&named.of, values),
        DataType::Bool => Arc::new(primitive!(BooleanArray, Bool)),
        DataType::Int => Arc::new(primitive!(Int64Array, Int)),
        DataType::Float => Arc::new(primitive!(Float64Array, Float)),
        DataType::Decimal { .. } => {
            Arc::new(primitive!(Decimal128Array, Decimal).with_data_type(arrow_type(ty)))
        }
        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
            let mut builder = StringViewBuilder::with_capacity(values.len());
            for value in values {
                match value {
                    Scalar::String(text) => builder.append_value(text),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        DataType::Date => Arc::new(primitive!(Date32Array, Date)),
        DataType::Datetime => Arc::new(primitive!(TimestampMicrosecondArray, Datetime)),
        DataType::Timestamp => {
            Arc::new(primitive!(TimestampMicrosecondArray, Timestamp).with_timezone(UTC))
        }
        DataType::Duration | DataType::Time => {
            Arc::new(primitive!(DurationMicrosecondArray, Duration))
        }
        DataType::Enum(_) => Arc::new(primitive!(Int32Array, Enum)),
        DataType::List(item) | DataType::Map(item) => list_of(&item.data, values),
        DataType::Record(fields) => {
            let nulls: NullBuffer = values.iter().map(|value| !value.is_null()).collect();
            let columns = fields
                .iter()
                .enumerate()
                .map(|(at, field)| {
                    let column: Vec<Scalar> = values
                        .iter()
                        .map(|value| match value {
                            Scalar::Record(parts) => parts[at].clone(),
                            _ => Scalar::Null,
                        })
                        .collect();
                    array_of(&field.ty.data, &column)
                })
                .collect();
            let ArrowType::Struct(fields) = arrow_type(ty) else { unreachable!("a record") };
            Arc::new(StructArray::new(fields, columns, Some(nulls)))
        }
    }
}

fn list_of(item: &DataType, values: &[Scalar]) -> ArrayRef {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    for value in values {
        let list = if let Scalar::List(list) = value { list.as_slice() } else { &[] };
        items.extend_from_slice(list);
        lengths.push(list.len());
    }
    let nulls: NullBuffer = values.iter().map(|value| !value.is_null()).collect();
    let field = Arc::new(ArrowField::new("item", arrow_type(item), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Arc::new(ListArray::new(field, offsets, array_of(item, &items), Some(nulls)))
}

/// The value of one row of an array that holds type `ty`.
pub fn scalar_at(array: &ArrayRef, ty: &DataType, row: usize) -> Scalar {
    if array.is_null(row) || array.data_type() == &ArrowType::Null {
        return Scalar::Null;
    }
    match ty {
        DataType::Unknown | DataType::Null => Scalar::Null,
        DataType::Named(named) => scalar_at(array, &named.of, row),
        DataType::Bool => Scalar::Bool(array.as_boolean().value(row)),
        DataType::Int => Scalar::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float => Scalar::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal { .. } => {
            Scalar::Decimal(array.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
            Scalar::String(array.as_string_view().value(row).into())
        }
        DataType::Date => Scalar::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Datetime => {
            Scalar::Datetime(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Timestamp => {
            Scalar::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Duration | DataType::Time => {
            Scalar::Duration(array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        DataType::Enum(_) => Scalar::Enum(array.as_primitive::<Int32Type>().value(row)),
        DataType::List(item) | DataType::Map(item) => {
            let items = array.as_list::<i32>().value(row);
            Scalar::List((0..items.len()).map(|at| scalar_at(&items, &item.data, at)).collect())
        }
        DataType::Record(fields) => {
            let record = array.as_struct();
            Scalar::Record(
                fields
                    .iter()
                    .enumerate()
                    .map(|(at, field)| scalar_at(record.column(at), &field.ty.data, row))
                    .collect(),
            )
        }
    }
}
