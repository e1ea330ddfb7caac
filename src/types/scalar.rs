//! One value of any type: literals of the program, parameters, values shown in messages.
//! Never used per row of data.

use super::{DataType, EnumType};
use std::sync::Arc;

/// One value. Which type it has is said beside it; a `Decimal` is the unscaled integer.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// No value.
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `float`
    Float(f64),
    /// `decimal(p, s)`: the value times 10^s.
    Decimal(i128),
    /// `string`; `json`, `uuid` and `bytes` as they are held
    String(Arc<str>),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `datetime`: microseconds since 1970-01-01T00:00:00 on the same wall clock.
    Datetime(i64),
    /// `timestamp`: microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// `duration`, and `time` since midnight: microseconds.
    Duration(i64),
    /// The position of an enum's member.
    Enum(i32),
    /// `list<T>`, and the entries of a `map<K, V>`
    List(Vec<Scalar>),
    /// A record, in the order of its fields.
    Record(Vec<Scalar>),
}

impl Scalar {
    /// Is it null?
    pub fn is_null(&self) -> bool {
        matches!(self, Scalar::Null)
    }

    /// The text of an enum's member as files spell it.
    pub fn enum_text(declared: &EnumType, position: i32) -> &str {
        declared.members.get(position as usize).map_or("", |member| &member.text)
    }

    /// The type that a literal of this value has by itself; a decimal's needs its digits.
    pub fn natural_type(&self) -> DataType {
        match self {
            Scalar::Null => DataType::Null,
            Scalar::Bool(_) => DataType::Bool,
            Scalar::Int(_) => DataType::Int,
            Scalar::Float(_) => DataType::Float,
            Scalar::String(_) => DataType::String,
            Scalar::Date(_) => DataType::Date,
            Scalar::Datetime(_) => DataType::Datetime,
            Scalar::Timestamp(_) => DataType::Timestamp,
            Scalar::Duration(_) => DataType::Duration,
            Scalar::Decimal(_) | Scalar::Enum(_) | Scalar::List(_) | Scalar::Record(_) => {
                DataType::Unknown
            }
        }
    }
}
