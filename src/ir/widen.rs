//! Values of a type as values of a wider one.

use crate::types::{DataType, Scalar};

/// A value widened to a type that [`crate::types::widens`] allows.
pub fn widen(value: Scalar, from: &DataType, to: &DataType) -> Option<Scalar> {
    Some(match (value, from, to) {
        (Scalar::Int(value), _, DataType::Float) => Scalar::Float(value as f64),
        (Scalar::Int(value), _, DataType::Decimal { scale, .. }) => {
            Scalar::Decimal(i128::from(value).checked_mul(10i128.checked_pow(u32::from(*scale))?)?)
        }
        (
            Scalar::Decimal(value),
            DataType::Decimal { scale: s, .. },
            DataType::Decimal { scale, .. },
        ) => Scalar::Decimal(
            value.checked_mul(10i128.checked_pow(u32::from(scale.checked_sub(*s)?))?)?,
        ),
        (Scalar::List(items), DataType::List(from), DataType::List(to)) => Scalar::List(
            items
                .into_iter()
                .map(|item| widen(item, &from.data, &to.data))
                .collect::<Option<_>>()?,
        ),
        (value, ..) => value,
    })
}
