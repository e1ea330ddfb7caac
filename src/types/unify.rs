//! How two types become one: the widening that loses nothing, and no other.

use super::{DECIMAL_DIGITS_MAX, DataType, Field, Type};

/// Does a value of `from` fit where `to` is wanted, without loss and without a word from the user?
/// Only `T` to `T?`, `int` to `decimal` and `float`, `decimal` to a roomier `decimal`, and a part of
/// a type to that type.
pub fn widens(from: &Type, to: &Type) -> bool {
    (to.nullable || !from.nullable) && data_widens(&from.data, &to.data)
}

fn data_widens(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    match (from, to) {
        (D::Unknown | D::Null, _) | (_, D::Unknown) => true,
        (D::Named(part), to) if part.is_part => from == to || data_widens(&part.of, to),
        (D::Int, D::Float) => true,
        // 19 digits hold every 64-bit integer.
        (D::Int, D::Decimal { precision, scale }) => precision - scale >= 19,
        (D::Decimal { precision: p, scale: s }, D::Decimal { precision, scale }) => {
            scale >= s && precision - scale >= p - s
        }
        (D::List(from), D::List(to)) => widens(from, to),
        (D::Map(from), D::Map(to)) => match (from.entry(), to.entry()) {
            (Some((key, value)), Some((k, v))) => key == k && widens(value, v),
            _ => false,
        },
        (D::Record(from), D::Record(to)) => {
            from.len() == to.len()
                && from.iter().zip(to.iter()).all(|(f, t)| f.name == t.name && widens(&f.ty, &t.ty))
        }
        _ => from == to,
    }
}

/// Are all numbers of `from` the same numbers in `to`? Large ints are not in `float`, and not all
/// decimals have room in the one of 38 digits that they unify to.
pub fn keeps_numbers(from: &DataType, to: &DataType) -> bool {
    data_widens(from, to) && !matches!((from, to), (DataType::Int, DataType::Float))
}

/// The one type that both widen to: of the branches of an `if`, the items of a list, the columns
/// of a `union`. None when they do not go together.
pub fn unify(a: &Type, b: &Type) -> Option<Type> {
    let data = unify_data(&a.data, &b.data)?;
    let null = |ty: &Type| ty.nullable || ty.data == DataType::Null;
    Some(Type { data, nullable: null(a) || null(b) })
}

fn unify_data(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as D;
    Some(match (a, b) {
        (D::Unknown, _) | (_, D::Unknown) => D::Unknown,
        (D::Null, other) | (other, D::Null) => other.clone(),
        (D::Int, D::Float) | (D::Float, D::Int) => D::Float,
        (D::Int, D::Decimal { precision, scale }) | (D::Decimal { precision, scale }, D::Int) => {
            wider_decimal((19, 0), (*precision, *scale))
        }
        (D::Decimal { precision: p, scale: s }, D::Decimal { precision: q, scale: t }) => {
            wider_decimal((*p, *s), (*q, *t))
        }
        (D::List(a), D::List(b)) => D::List(Box::new(unify(a, b)?)),
        (D::Map(a), D::Map(b)) => match (a.entry()?, b.entry()?) {
            // Keys of another type might have another order.
            ((key, a), (other, b)) if key == other => D::map(key.clone(), unify(a, b)?),
            _ => return None,
        },
        (D::Record(a), D::Record(b)) if a.len() == b.len() => {
            let mut fields = Vec::with_capacity(a.len());
            for (a, b) in a.iter().zip(b.iter()) {
                if a.name != b.name {
                    return None;
                }
                fields.push(Field::new(a.name.clone(), unify(&a.ty, &b.ty)?));
            }
            D::Record(fields.into())
        }
        (a, b) if a == b => a.clone(),
        (D::Named(_), D::Named(_)) if data_widens(a, b) => b.clone(),
        (D::Named(_), D::Named(_)) if data_widens(b, a) => a.clone(),
        (D::Named(_), D::Named(_)) => return None,
        (D::Named(part), other) | (other, D::Named(part)) if part.is_part => {
            unify_data(&part.of, other)?
        }
        _ => return None,
    })
}

/// The decimal that holds both, cut at 38 digits; what does not fit then is a row error.
fn wider_decimal((p, s): (u8, u8), (q, t): (u8, u8)) -> DataType {
    let scale = s.max(t);
    let precision = ((p - s).max(q - t) + scale).min(DECIMAL_DIGITS_MAX);
    DataType::Decimal { precision, scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int_and_decimal_meet_in_a_decimal_that_holds_both() {
        let d = DataType::Decimal { precision: 12, scale: 2 }.required();
        let i = DataType::Int.optional();
        let wide = DataType::Decimal { precision: 21, scale: 2 }.optional();
        assert_eq!(unify(&d, &i), Some(wide.clone()));
        assert!(widens(&d, &wide) && widens(&i, &wide));
        assert!(!widens(&DataType::Float.required(), &d));
    }
}
