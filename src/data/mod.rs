//! What flows: batches of columns in Arrow's memory format, and where each row came from.
//!
//! One language type has one layout, said by [`arrow_type`]. Reading and writing files is
//! `connect`'s business, computing is `functions`' and `exec`'s.

mod batch;
pub mod binary;
mod build;
mod display;
pub mod json;
pub mod maps;
pub mod parse;
pub mod partition;
pub mod prefetch;
pub mod spell;
mod texts;
mod time;

pub use batch::{Batch, POSITION_ROW_BITS, Positions};
pub use build::{array_of, null_array, scalar_at};
pub use display::{decimal_text, display};
pub use texts::{Parts, SHOWN, TextBuilder, check_text_size};
pub use time::time_zone;

use crate::types::DataType;
use arrow_schema::{DataType as ArrowType, Field as ArrowField, TimeUnit};
use std::sync::Arc;

/// The time zone that Arrow names for instants.
pub const UTC: &str = "UTC";

/// How values of a type are laid out:
/// `bool` Boolean, `int` Int64, `float` Float64, `decimal` Decimal128, `string` Utf8View, `json` Utf8View in its one spelling,
/// `uuid` and `bytes` Utf8View as they are held, `time` Duration(µs), `map` List of entries,
/// `date` Date32, `datetime` Timestamp(µs), `timestamp` Timestamp(µs, UTC), `duration`
/// Duration(µs), `list` List, records Struct, enums Int32 (the member's position).
pub fn arrow_type(ty: &DataType) -> ArrowType {
    match ty {
        DataType::Unknown | DataType::Null => ArrowType::Null,
        DataType::Bool => ArrowType::Boolean,
        DataType::Int => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(*precision, *scale as i8),
        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => ArrowType::Utf8View,
        DataType::Date => ArrowType::Date32,
        DataType::Datetime => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        DataType::Duration | DataType::Time => ArrowType::Duration(TimeUnit::Microsecond),
        DataType::List(item) | DataType::Map(item) => {
            ArrowType::List(Arc::new(ArrowField::new("item", arrow_type(&item.data), true)))
        }
        DataType::Record(fields) => ArrowType::Struct(
            fields
                .iter()
                .map(|field| ArrowField::new(&*field.name, arrow_type(&field.ty.data), true))
                .collect(),
        ),
        DataType::Enum(_) => ArrowType::Int32,
        DataType::Named(named) => arrow_type(&named.of),
    }
}
