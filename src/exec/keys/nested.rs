//! Lists and records as bytes that are equal when the values are, and ordered as they are: item
//! by item, the shorter list first, null after everything.
//!
//! Numbers are big-endian with the sign turned; a text ends with two zero bytes, and a zero byte
//! inside of it is followed by 0xFF.

use super::canonical_bits;
use crate::exec::gather::{i32_values, i64_values};
use crate::types::{DataType, Scalar};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

const END: u8 = 0;
const VALUE: u8 = 1;
const NULL: u8 = 2;

/// The encoded values of a column.
pub struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Encoded {
    /// Encodes all values of `array`.
    pub fn new(array: &ArrayRef) -> Encoded {
        let mut bytes = Vec::new();
        let mut ends = Vec::with_capacity(array.len());
        for row in 0..array.len() {
            encode(array, row, &mut bytes);
            ends.push(bytes.len());
        }
        Encoded { bytes, ends }
    }

    /// The bytes of the value of `row`.
    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }
}

fn encode(array: &ArrayRef, row: usize, out: &mut Vec<u8>) {
    if array.data_type() == &ArrowType::Null || array.is_null(row) {
        return out.push(NULL);
    }
    out.push(VALUE);
    match array.data_type() {
        ArrowType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        ArrowType::Int32 | ArrowType::Date32 => {
            out.extend((i32_values(array)[row] as u32 ^ 1 << 31).to_be_bytes());
        }
        ArrowType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            out.extend(ordered_bits(value).to_be_bytes());
        }
        ArrowType::Decimal128(..) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            out.extend((value as u128 ^ 1 << 127).to_be_bytes());
        }
        ArrowType::Utf8View => {
            for &byte in array.as_string_view().value(row).as_bytes() {
                out.push(byte);
                if byte == 0 {
                    out.push(0xFF);
                }
            }
            out.extend([0, 0]);
        }
        ArrowType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            for item in 0..items.len() {
                out.push(VALUE);
                encode(&items, item, out);
            }
            out.push(END);
        }
        ArrowType::Struct(_) => {
            for column in array.as_struct().columns() {
                encode(column, row, out);
            }
        }
        _ => out.extend((i64_values(array)[row] as u64 ^ 1 << 63).to_be_bytes()),
    }
}

/// Bits that are ordered as floats are, NaN last and both zeros equal.
pub fn ordered_bits(value: f64) -> u64 {
    let bits = canonical_bits(value);
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

/// The value that was encoded as `bytes`.
pub fn decode(bytes: &[u8], ty: &DataType) -> Scalar {
    decode_next(&mut &bytes[..], ty)
}

fn decode_next(bytes: &mut &[u8], ty: &DataType) -> Scalar {
    if take::<1>(bytes) == [NULL] {
        return Scalar::Null;
    }
    let int = |bytes: &mut &[u8]| (u64::from_be_bytes(take(bytes)) ^ 1 << 63) as i64;
    let small = |bytes: &mut &[u8]| (u32::from_be_bytes(take(bytes)) ^ 1 << 31) as i32;
    match ty {
        DataType::Unknown | DataType::Null => Scalar::Null,
        DataType::Named(_) => unreachable!("what runs knows the types behind"),
        DataType::Bool => Scalar::Bool(take::<1>(bytes) == [1]),
        DataType::Int => Scalar::Int(int(bytes)),
        DataType::Float => Scalar::Float(from_ordered_bits(u64::from_be_bytes(take(bytes)))),
        DataType::Decimal { .. } => {
            Scalar::Decimal((u128::from_be_bytes(take(bytes)) ^ 1 << 127) as i128)
        }
        DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => decode_text(bytes),
        DataType::Date => Scalar::Date(small(bytes)),
        DataType::Datetime => Scalar::Datetime(int(bytes)),
        DataType::Timestamp => Scalar::Timestamp(int(bytes)),
        DataType::Duration | DataType::Time => Scalar::Duration(int(bytes)),
        DataType::Enum(_) => Scalar::Enum(small(bytes)),
        DataType::List(item) | DataType::Map(item) => {
            let mut items = Vec::new();
            while take::<1>(bytes) == [VALUE] {
                items.push(decode_next(bytes, &item.data));
            }
            Scalar::List(items)
        }
        DataType::Record(fields) => {
            Scalar::Record(fields.iter().map(|f| decode_next(bytes, &f.ty.data)).collect())
        }
    }
}

fn decode_text(bytes: &mut &[u8]) -> Scalar {
    let mut text = Vec::new();
    loop {
        match take::<1>(bytes) {
            [0] if take::<1>(bytes) == [0] => break,
            [byte] => text.push(byte),
        }
    }
    Scalar::String(String::from_utf8(text).expect("only texts are encoded").into())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (head, rest) = bytes.split_first_chunk::<N>().expect("what was encoded is complete");
    *bytes = rest;
    *head
}
