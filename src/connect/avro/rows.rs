//! Rows as the bytes of records: column by column where the values are, row by row what is written.

use super::schema::is_enum;
use crate::connect::Column;
use crate::data::binary;
use crate::data::spell::{Cells, Values};
use crate::types::{DataType, Type};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{NullBuffer, OffsetBuffer};

/// A column ready to be written.
pub struct Node<'a> {
    nulls: Option<&'a NullBuffer>,
    /// Is each value preceded by which it is, null or one of the type?
    is_union: bool,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// One value each.
    Cell(Cells<'a>),
    /// Which member of an enum.
    Symbol(Cells<'a>),
    List(&'a OffsetBuffer<i32>, Box<Node<'a>>),
    Map(&'a OffsetBuffer<i32>, Cells<'a>, Box<Node<'a>>),
    Record(Vec<Node<'a>>),
}

impl<'a> Node<'a> {
    /// The values of a column.
    pub fn of_column(array: &'a ArrayRef, column: &'a Column) -> Node<'a> {
        Node::of(array, &column.ty)
    }

    fn of(array: &'a ArrayRef, ty: &'a Type) -> Node<'a> {
        let kind = Kind::of(array, &ty.data);
        let is_null = matches!(&kind, Kind::Cell(Cells { values: Values::Null, .. }));
        Node { nulls: array.nulls(), is_union: ty.nullable && !is_null, kind }
    }

    /// Appends the value of a row.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_union {
            let is_null = self.nulls.is_some_and(|nulls| nulls.is_null(row));
            write_long(i64::from(!is_null), out);
            if is_null {
                return;
            }
        }
        match &self.kind {
            Kind::Cell(cells) => write_cell(cells, row, out),
            Kind::Symbol(Cells { values: Values::Enum(_, members), .. }) => {
                write_long(members[row].into(), out);
            }
            Kind::Symbol(_) => unreachable!("they are of an enum"),
            Kind::List(offsets, items) => {
                write_block(offsets, row, out, |at, out| items.write(at, out));
            }
            Kind::Map(offsets, keys, values) => write_block(offsets, row, out, |at, out| {
                write_spelled(keys, at, out);
                values.write(at, out);
            }),
            Kind::Record(fields) => fields.iter().for_each(|field| field.write(row, out)),
        }
    }
}

impl<'a> Kind<'a> {
    fn of(array: &'a ArrayRef, ty: &'a DataType) -> Kind<'a> {
        match ty {
            DataType::Named(named) => Kind::of(array, &named.of),
            DataType::Enum(declared) if is_enum(declared) => Kind::Symbol(Cells::of(array, ty)),
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                Kind::List(list.offsets(), Box::new(Node::of(list.values(), item)))
            }
            DataType::Map(entry) => {
                let list = array.as_list::<i32>();
                match (list.values().as_struct().columns(), entry.entry()) {
                    ([keys, values], Some((key, value))) => Kind::Map(
                        list.offsets(),
                        Cells::of(keys, &key.data),
                        Box::new(Node::of(values, value)),
                    ),
                    _ => unreachable!("a map has keys and values"),
                }
            }
            DataType::Record(fields) => {
                let columns = array.as_struct().columns().iter().zip(fields.iter());
                Kind::Record(columns.map(|(array, field)| Node::of(array, &field.ty)).collect())
            }
            _ => Kind::Cell(Cells::of(array, ty)),
        }
    }
}

/// The items of a list or a map: one block of all of them, and the end.
fn write_block(
    offsets: &OffsetBuffer<i32>,
    row: usize,
    out: &mut Vec<u8>,
    mut item: impl FnMut(usize, &mut Vec<u8>),
) {
    let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
    if from < to {
        write_long((to - from) as i64, out);
        (from..to).for_each(|at| item(at, out));
    }
    write_long(0, out);
}

fn write_cell(cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
    match &cells.values {
        Values::Null => {}
        Values::Bool(values) => out.push(u8::from(values.value(row))),
        Values::Int(values)
        | Values::Datetime(values)
        | Values::Timestamp(values)
        | Values::Time(values) => write_long(values[row], out),
        Values::Date(values) => write_long(values[row].into(), out),
        Values::Float(values) => out.extend_from_slice(&values[row].to_le_bytes()),
        Values::Decimal(values, _) => write_decimal(values[row], out),
        Values::Json(texts) | Values::String(texts) => {
            write_bytes(texts.value(row).as_bytes(), out);
        }
        Values::Bytes(held) => {
            let bytes: Vec<u8> = binary::held(held.value(row)).collect();
            write_bytes(&bytes, out);
        }
        Values::Enum(texts, members) => write_bytes(texts[members[row] as usize].as_bytes(), out),
        Values::Duration(_) | Values::Nested(..) => write_spelled(cells, row, out),
    }
}

fn write_spelled(cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    cells.write(row, &mut text);
    write_bytes(&text, out);
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// The fewest bytes, the highest first, of which the first bit is the sign.
fn write_decimal(value: i128, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let spare = if value < 0 { value.leading_ones() } else { value.leading_zeros() } - 1;
    write_bytes(&bytes[spare as usize / 8..], out);
}

/// Seven bits a byte, the lowest first, the sign in the lowest of all.
pub fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left > 0x7F {
        out.push(left as u8 & 0x7F | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_specification_has_them() {
        let long = |value| {
            let mut out = vec![];
            write_long(value, &mut out);
            out
        };
        let all =
            [(0, vec![0]), (-1, vec![1]), (1, vec![2]), (-64, vec![0x7F]), (64, vec![0x80, 1])];
        for (value, bytes) in all {
            assert_eq!(long(value), bytes, "{value}");
        }
        assert_eq!(long(i64::MIN), [[0xFF; 9].as_slice(), &[1]].concat());
    }

    #[test]
    fn decimals_have_no_byte_too_many() {
        let decimal = |value| {
            let mut out = vec![];
            write_decimal(value, &mut out);
            out
        };
        let all: [(i128, &[u8]); 6] = [
            (0, &[2, 0]),
            (-1, &[2, 0xFF]),
            (127, &[2, 127]),
            (128, &[4, 0, 128]),
            (-128, &[2, 0x80]),
            (-129, &[4, 0xFF, 0x7F]),
        ];
        for (value, bytes) in all {
            assert_eq!(decimal(value), bytes, "{value}");
        }
    }
}
