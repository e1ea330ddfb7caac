//! Values that are known before any row: of literals, parameters and texts made of them.

use super::{Expr, ExprKind};
use crate::data::display;
use crate::types::{DataType, Scalar};

/// The value of a constant expression, with the parameters' values by position (None: not known).
/// None when it depends on rows, on the run, or on a parameter without a value.
pub fn constant(expr: &Expr, params: &[Option<Scalar>]) -> Option<Scalar> {
    match &expr.kind {
        ExprKind::Literal(value) => Some(value.clone()),
        ExprKind::Param(id) => params.get(id.0 as usize)?.clone(),
        ExprKind::Convert(value) => widen(constant(value, params)?, &value.ty.data, &expr.ty.data),
        ExprKind::Negate(value) => match constant(value, params)? {
            Scalar::Int(value) => value.checked_neg().map(Scalar::Int),
            Scalar::Float(value) => Some(Scalar::Float(-value)),
            Scalar::Decimal(value) => Some(Scalar::Decimal(-value)),
            Scalar::Duration(value) => Some(Scalar::Duration(-value)),
            _ => None,
        },
        ExprKind::Concat(parts) => {
            let mut text = String::new();
            for part in parts {
                text.push_str(&display(&constant(part, params)?, &part.ty.data));
            }
            Some(Scalar::String(text.into()))
        }
        ExprKind::List(items) => Some(Scalar::List(
            items.iter().map(|item| constant(item, params)).collect::<Option<_>>()?,
        )),
        ExprKind::Record(items) => Some(Scalar::Record(
            items.iter().map(|item| constant(item, params)).collect::<Option<_>>()?,
        )),
        _ => None,
    }
}

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
