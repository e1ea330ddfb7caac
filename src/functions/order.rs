//! The order and equality of single values, as the language defines them, for kernels that
//! compare: NaN equals NaN and comes after +∞, -0.0 equals 0.0.
//!
//! The operators `<` and `==` on columns are computed in `exec`.

use super::kernel::Operand;
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use std::cmp::Ordering;

/// Runs `$body` with `$P` as the Arrow type that holds `$ty`, a primitive type other than `float`
/// (whose order is another); else `$other`.
macro_rules! with_primitive {
    ($ty:expr, $P:ident => $body:expr, else $other:expr) => {{
        use arrow_array::types as arrow;
        match $ty {
            $crate::types::DataType::Int => {
                type $P = arrow::Int64Type;
                $body
            }
            $crate::types::DataType::Decimal { .. } => {
                type $P = arrow::Decimal128Type;
                $body
            }
            $crate::types::DataType::Date => {
                type $P = arrow::Date32Type;
                $body
            }
            $crate::types::DataType::Datetime | $crate::types::DataType::Timestamp => {
                type $P = arrow::TimestampMicrosecondType;
                $body
            }
            $crate::types::DataType::Duration | $crate::types::DataType::Time => {
                type $P = arrow::DurationMicrosecondType;
                $body
            }
            $crate::types::DataType::Enum(_) => {
                type $P = arrow::Int32Type;
                $body
            }
            _ => $other,
        }
    }};
}
pub(crate) use with_primitive;

/// The order of floats.
#[inline]
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A number whose order as an unsigned integer is the order of the floats; equal floats have
/// equal numbers.
#[inline]
pub fn float_key(value: f64) -> u64 {
    if value.is_nan() {
        return u64::MAX;
    }
    // Adding 0.0 turns -0.0 into 0.0.
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Appends bytes that are equal when and only when the values are equal; of values of one scalar
/// type the bytes have the order of the values. Null comes last.
pub fn write_key(out: &mut Vec<u8>, ty: &DataType, array: &ArrayRef, row: usize) {
    write_part(out, ty, array, row, false);
}

fn write_part(out: &mut Vec<u8>, ty: &DataType, array: &ArrayRef, row: usize, nested: bool) {
    let null = array.is_null(row) || matches!(ty, DataType::Null | DataType::Unknown);
    out.push(u8::from(null));
    if null {
        return;
    }
    let flip64 = |value: i64| (value as u64 ^ 1 << 63).to_be_bytes();
    let flip32 = |value: i32| (value as u32 ^ 1 << 31).to_be_bytes();
    match ty {
        DataType::Unknown | DataType::Null => {}
        DataType::Named(named) => write_part(out, &named.of, array, row, nested),
        DataType::Bool => out.push(u8::from(array.as_boolean().value(row))),
        DataType::Int => out.extend(flip64(array.as_primitive::<Int64Type>().value(row))),
        DataType::Float => {
            let value = array.as_primitive::<Float64Type>().value(row);
            out.extend(float_key(value).to_be_bytes());
        }
        DataType::Decimal { .. } => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            out.extend((value as u128 ^ 1 << 127).to_be_bytes());
        }
        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
            let text = array.as_string_view().value(row);
            if nested {
                out.extend((text.len() as u64).to_be_bytes());
            }
            out.extend(text.as_bytes());
        }
        DataType::Date => out.extend(flip32(array.as_primitive::<Date32Type>().value(row))),
        DataType::Enum(_) => out.extend(flip32(array.as_primitive::<Int32Type>().value(row))),
        DataType::Datetime | DataType::Timestamp => {
            out.extend(flip64(array.as_primitive::<TimestampMicrosecondType>().value(row)));
        }
        DataType::Duration | DataType::Time => {
            out.extend(flip64(array.as_primitive::<DurationMicrosecondType>().value(row)));
        }
        DataType::List(item) | DataType::Map(item) => {
            let lists = array.as_list::<i32>();
            let offsets = lists.value_offsets();
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            out.extend((range.len() as u64).to_be_bytes());
            range.for_each(|at| write_part(out, &item.data, lists.values(), at, true));
        }
        DataType::Record(fields) => {
            let record = array.as_struct();
            for (at, field) in fields.iter().enumerate() {
                write_part(out, &field.ty.data, record.column(at), row, true);
            }
        }
    }
}

/// Are these two values equal? Null equals null.
pub fn equal(ty: &DataType, a: (&ArrayRef, usize), b: (&ArrayRef, usize)) -> bool {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    write_key(&mut left, ty, a.0, a.1);
    write_key(&mut right, ty, b.0, b.1);
    left == right
}

/// A number for each row that has the order of the rows' values, for scalar types of fixed size;
/// none for others. Rows that are null have no meaning.
pub fn fixed_keys(ty: &DataType, operand: &Operand, rows: usize) -> Option<Vec<u128>> {
    let row_keys = |key: &dyn Fn(usize) -> u128| -> Vec<u128> {
        (0..rows).map(|row| key(operand.index(row))).collect()
    };
    // The conversion is one for all types but the widest.
    #[allow(clippy::useless_conversion)]
    match ty {
        DataType::Bool => {
            let values = operand.array.as_boolean();
            Some(row_keys(&|at| u128::from(values.value(at))))
        }
        DataType::Float => {
            let values = operand.array.as_primitive::<Float64Type>().values();
            Some(row_keys(&|at| u128::from(float_key(values[at]))))
        }
        _ => with_primitive!(ty, P => {
            let values = operand.array.as_primitive::<P>().values();
            Some(row_keys(&|at| i128::from(values[at]) as u128 ^ 1 << 127))
        }, else None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_float_has_its_order() {
        let inf = f64::INFINITY;
        let ordered = [-inf, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1e300, inf, f64::NAN];
        for pair in ordered.windows(2) {
            assert!(float_key(pair[0]) < float_key(pair[1]), "{pair:?}");
            assert_eq!(compare_floats(pair[0], pair[1]), Ordering::Less);
        }
        assert_eq!(float_key(-0.0), float_key(0.0));
        assert_eq!(float_key(-f64::NAN), float_key(f64::NAN));
        assert_eq!(compare_floats(f64::NAN, -f64::NAN), Ordering::Equal);
    }
}
