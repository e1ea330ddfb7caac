//! Lists and records: equality, fields, items, and making them of values.

use super::choose::column;
use super::compare::Ordered;
use super::lanes::{Lane, Native, strict};
use super::mixed::int_and_float;
use super::texts::Texts;
use crate::data::arrow_type;
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, StructArray, UInt32Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType as ArrowType;
use arrow_select::interleave::interleave;
use arrow_select::nullif::nullif;
use arrow_select::take::take;

/// Compares rows of two arrays by `==`. Made once a batch; the types are decided then.
pub struct Equality<'a> {
    nulls: [Option<&'a NullBuffer>; 2],
    values: Values<'a>,
}

enum Values<'a> {
    Null,
    Bool(&'a BooleanArray, &'a BooleanArray),
    I32(&'a [i32], &'a [i32]),
    I64(&'a [i64], &'a [i64]),
    I128(&'a [i128], &'a [i128]),
    F64(&'a [f64], &'a [f64]),
    Mixed(&'a [i64], &'a [f64]),
    Text(Texts<'a>, Texts<'a>),
    List(&'a ListArray, &'a ListArray, Box<Equality<'a>>),
    Record(Vec<Equality<'a>>),
}

impl<'a> Equality<'a> {
    /// Of two arrays of type `ty`.
    pub fn new(ty: &DataType, a: &'a ArrayRef, b: &'a ArrayRef) -> Equality<'a> {
        let values = match ty {
            DataType::Unknown | DataType::Null => Values::Null,
            DataType::Named(named) => return Equality::new(&named.of, a, b),
            DataType::Bool => Values::Bool(a.as_boolean(), b.as_boolean()),
            DataType::Int
            | DataType::Datetime
            | DataType::Timestamp
            | DataType::Duration
            | DataType::Time => Values::I64(i64::values(a), i64::values(b)),
            DataType::Float => Values::F64(f64::values(a), f64::values(b)),
            DataType::Decimal { .. } => Values::I128(i128::values(a), i128::values(b)),
            DataType::Date | DataType::Enum(_) => Values::I32(i32::values(a), i32::values(b)),
            DataType::String | DataType::Json | DataType::Uuid | DataType::Bytes => {
                Values::Text(Texts::of(a), Texts::of(b))
            }
            DataType::List(item) | DataType::Map(item) => {
                let (a, b) = (a.as_list(), b.as_list());
                let items = Equality::new(&item.data, a.values(), b.values());
                Values::List(a, b, Box::new(items))
            }
            DataType::Record(fields) => {
                let (a, b) = (a.as_struct(), b.as_struct());
                let field = |(at, ty): (usize, &crate::types::Field)| {
                    Equality::new(&ty.ty.data, a.column(at), b.column(at))
                };
                Values::Record(fields.iter().enumerate().map(field).collect())
            }
        };
        Equality { nulls: [a.nulls(), b.nulls()], values }
    }

    /// Of ints and floats.
    pub fn mixed(a: &'a ArrayRef, b: &'a ArrayRef) -> Equality<'a> {
        let values = Values::Mixed(i64::values(a), f64::values(b));
        Equality { nulls: [a.nulls(), b.nulls()], values }
    }

    /// Is row `a` of the one equal to row `b` of the other? Null is equal to null only.
    pub fn test_total(&self, a: usize, b: usize) -> bool {
        let is_null = |nulls: Option<&NullBuffer>, row| nulls.is_some_and(|n| n.is_null(row));
        match (is_null(self.nulls[0], a), is_null(self.nulls[1], b)) {
            (false, false) => self.test(a, b),
            (true, true) => true,
            _ => false,
        }
    }

    /// The same, of rows that are not null.
    pub fn test(&self, a: usize, b: usize) -> bool {
        match &self.values {
            Values::Null => true,
            Values::Bool(left, right) => left.value(a) == right.value(b),
            Values::I32(left, right) => left[a].equal(right[b]),
            Values::I64(left, right) => left[a].equal(right[b]),
            Values::I128(left, right) => left[a].equal(right[b]),
            Values::F64(left, right) => left[a].equal(right[b]),
            Values::Mixed(left, right) => int_and_float(left[a], right[b]).is_eq(),
            Values::Text(left, right) => left.equal(a, right, b),
            Values::List(left, right, items) => {
                let (from, to) = (range(left, a), range(right, b));
                from.len() == to.len() && from.zip(to).all(|(a, b)| items.test_total(a, b))
            }
            Values::Record(fields) => fields.iter().all(|field| field.test_total(a, b)),
        }
    }
}

/// Where the items of a list stand.
pub fn range(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = list.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

/// `record.field`, by position.
pub struct Field(pub usize);

impl ScalarKernel for Field {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let record = column(&operands[0], context.rows);
        let record = record.as_struct();
        let field = record.column(self.0);
        match record.nulls() {
            // Under a null record the field may hold anything.
            Some(nulls) if field.data_type() != &ArrowType::Null => {
                let gone = BooleanArray::new(!nulls.inner(), None);
                nullif(field, &gone).expect("the bitmap is as long as the column")
            }
            _ => field.clone(),
        }
    }
}

/// `list[index]`
pub struct Index;

impl ScalarKernel for Index {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let lists = operands[0].array.as_list::<i32>();
        let indices = Lane::<i64>::of(&operands[1]);
        let valid = strict(context.rows, operands);
        let mut places = Vec::with_capacity(context.rows);
        for row in 0..context.rows {
            if valid.as_ref().is_some_and(|valid| valid.is_null(row)) {
                places.push(None);
                continue;
            }
            let items = range(lists, operands[0].index(row));
            let (index, length) = (indices.at(row), items.len());
            let at = usize::try_from(index).ok().filter(|&at| at < length);
            if at.is_none() {
                context.fail(row, || outside(index, length));
            }
            places.push(at.map(|at| (items.start + at) as u32));
        }
        let places = UInt32Array::from(places);
        take(lists.values(), &places, None).expect("the places are within the items")
    }
}

fn outside(index: i64, length: usize) -> String {
    match length {
        0 => format!("there is no item {index} in an empty list"),
        1 => format!("there is no item {index} in a list of 1 item"),
        _ => format!("there is no item {index} in a list of {length} items"),
    }
}

/// `[a, b]`
pub struct List {
    ty: DataType,
}

impl List {
    /// Of this list type.
    pub fn new(ty: &DataType) -> List {
        List { ty: ty.clone() }
    }
}

impl ScalarKernel for List {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let (DataType::List(item), ArrowType::List(field)) = (&self.ty, arrow_type(&self.ty))
        else {
            unreachable!("a list is laid out as one")
        };
        let items = if operands.is_empty() || item.data == DataType::Null {
            crate::data::null_array(&item.data, operands.len() * context.rows)
        } else {
            let arrays: Vec<&dyn Array> = operands.iter().map(|item| item.array.as_ref()).collect();
            let places: Vec<(usize, usize)> = (0..context.rows)
                .flat_map(|row| operands.iter().map(move |item| item.index(row)).enumerate())
                .collect();
            interleave(&arrays, &places).expect("the items have one type")
        };
        let lengths = std::iter::repeat_n(operands.len(), context.rows);
        std::sync::Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), items, None))
    }
}

/// `{a: x, b: y}`
pub struct Record {
    ty: DataType,
}

impl Record {
    /// Of this record type.
    pub fn new(ty: &DataType) -> Record {
        Record { ty: ty.clone() }
    }
}

impl ScalarKernel for Record {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let ArrowType::Struct(fields) = arrow_type(&self.ty) else {
            unreachable!("a record is laid out as a struct")
        };
        let rows = context.rows;
        let columns = operands.iter().map(|operand| column(operand, rows)).collect();
        let record = StructArray::try_new_with_length(fields, columns, None, rows);
        std::sync::Arc::new(record.expect("the columns are those of the type"))
    }
}
