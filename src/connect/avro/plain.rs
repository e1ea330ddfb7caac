//! The arrays that the decoder makes in the form that is converted: texts and bytes as views, the
//! members of an enum as texts.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, ListArray, MapArray, StringViewArray, StructArray,
};
use arrow_schema::{DataType as ArrowType, Field as ArrowField};
use std::sync::Arc;

/// A type as its arrays are once they are plain.
pub fn plain_type(ty: &ArrowType) -> ArrowType {
    let nested = |field: &Arc<ArrowField>| {
        let ty = plain_type(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(ty))
    };
    match ty {
        ArrowType::Utf8 | ArrowType::Dictionary(..) => ArrowType::Utf8View,
        ArrowType::Binary => ArrowType::BinaryView,
        ArrowType::List(item) => ArrowType::List(nested(item)),
        ArrowType::Struct(fields) => ArrowType::Struct(fields.iter().map(nested).collect()),
        ArrowType::Map(entries, is_sorted) => ArrowType::Map(nested(entries), *is_sorted),
        other => other.clone(),
    }
}

/// An array as [`plain_type`] says.
pub fn plain(array: &ArrayRef) -> ArrayRef {
    match (array.data_type(), plain_type(array.data_type())) {
        (ArrowType::Utf8, _) => Arc::new(StringViewArray::from(array.as_string::<i32>())),
        (ArrowType::Binary, _) => Arc::new(BinaryViewArray::from(array.as_binary::<i32>())),
        (ArrowType::Dictionary(..), _) => {
            let members = array.as_dictionary::<Int32Type>();
            let texts = members.values().as_string::<i32>();
            let text = |at: Option<i32>| at.map(|at| texts.value(at as usize));
            Arc::new(members.keys().iter().map(text).collect::<StringViewArray>())
        }
        (ArrowType::List(_), ArrowType::List(item)) => {
            let list = array.as_list::<i32>();
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::new(item, offsets, plain(list.values()), nulls))
        }
        (ArrowType::Struct(_), ArrowType::Struct(fields)) => {
            let record = array.as_struct();
            let columns = record.columns().iter().map(plain).collect();
            let (nulls, rows) = (record.nulls().cloned(), record.len());
            let record = StructArray::try_new_with_length(fields, columns, nulls, rows);
            Arc::new(record.expect("as many values as before"))
        }
        (ArrowType::Map(..), ArrowType::Map(entries, is_sorted)) => {
            let map = array.as_map();
            let all: ArrayRef = Arc::new(map.entries().clone());
            let all = plain(&all).as_struct().clone();
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::new(entries, offsets, all, nulls, is_sorted))
        }
        _ => array.clone(),
    }
}
