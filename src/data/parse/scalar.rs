//! One text to one value of any type that a text can be.

use super::{Clock, boolean, date, datetime, decimal, duration, float, held, int, time, timestamp};
use crate::types::{DataType, Scalar, Type};

/// The value that a text is; an error is a sentence with the text: `"x" is not an int`.
pub fn scalar(text: &str, ty: &Type) -> Result<Scalar, String> {
    let bytes = text.as_bytes();
    let clock = Clock::default();
    let value = match &ty.data {
        DataType::Bool => boolean(bytes).map(Scalar::Bool),
        DataType::Int => int(bytes).map(Scalar::Int),
        DataType::Float => float(bytes, false).map(Scalar::Float),
        DataType::Decimal { precision, scale } => {
            decimal(bytes, *precision, *scale).map(Scalar::Decimal)
        }
        DataType::String => Ok(Scalar::String(text.into())),
        DataType::Json | DataType::Uuid | DataType::Bytes => {
            held(bytes, &ty.data).map(|text| Scalar::String(text.into()))
        }
        DataType::Time => time(bytes).map(Scalar::Duration),
        DataType::Date => date(bytes, &clock).map(Scalar::Date),
        DataType::Datetime => datetime(bytes, &clock).map(Scalar::Datetime),
        DataType::Timestamp => timestamp(bytes, &clock).map(Scalar::Timestamp),
        DataType::Duration => duration(bytes).map(Scalar::Duration),
        DataType::Enum(declared) => match declared.by_text(text) {
            Some(at) => Ok(Scalar::Enum(at as i32)),
            None => Err(declared.refusal().into()),
        },
        DataType::Named(named) => return scalar(text, &named.of.clone().required()),
        DataType::Unknown
        | DataType::Null
        | DataType::List(_)
        | DataType::Map(_)
        | DataType::Record(_) => Err(format!("not a {ty}, which cannot be given as text").into()),
    };
    value.map_err(|reason| {
        let is = if reason.starts_with("has ") { "" } else { "is " };
        format!("\"{text}\" {is}{reason}")
    })
}
