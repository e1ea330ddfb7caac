//! How kernels that read a text into a record build their result: one column a field, texts as
//! pieces of the text that was read where they are.

use super::columns::{kernel, strict, texts};
use super::kernel::LiteralError;
use super::kernel::{Call, KernelContext, Operand, ScalarKernel};
use crate::data::{TextBuilder, UTC, arrow_type};
use crate::types::DataType;
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, StringViewArray, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::DataType as ArrowType;
use std::borrow::Cow;
use std::sync::Arc;

/// The value of a field in one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell<'t> {
    /// None.
    #[default]
    Null,
    /// A piece of the text that is read, or one that was made of it.
    Text(Cow<'t, str>),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth.
    Bool(bool),
    /// An instant.
    Timestamp(i64),
}

impl<'t> Cell<'t> {
    /// A piece of the text.
    pub fn text(text: &'t str) -> Cell<'t> {
        Cell::Text(Cow::Borrowed(text))
    }

    /// A piece of the text that stands for null when it is `-`, as logs write it.
    pub fn dashed(text: &'t str) -> Cell<'t> {
        if text == "-" { Cell::Null } else { Cell::text(text) }
    }

    /// A text that was made.
    pub fn made(text: String) -> Cell<'t> {
        Cell::Text(Cow::Owned(text))
    }
}

/// A column as it grows.
enum Growing {
    Texts(TextBuilder),
    Ints(Int64Builder),
    Floats(Float64Builder),
    Bools(BooleanBuilder),
    Times(TimestampMicrosecondBuilder),
}

impl Growing {
    fn of(ty: &DataType, whole: &StringViewArray, rows: usize) -> Growing {
        match ty {
            DataType::String => Growing::Texts(TextBuilder::of_pieces(whole, rows)),
            DataType::Int => Growing::Ints(Int64Builder::with_capacity(rows)),
            DataType::Float => Growing::Floats(Float64Builder::with_capacity(rows)),
            DataType::Bool => Growing::Bools(BooleanBuilder::with_capacity(rows)),
            DataType::Timestamp => Growing::Times(TimestampMicrosecondBuilder::with_capacity(rows)),
            other => unreachable!("no text is read into a {other}"),
        }
    }

    /// The next value; `row` is that of the text that is read.
    fn push(&mut self, cell: &Cell, whole: &StringViewArray, row: usize) {
        match (self, cell) {
            (Growing::Texts(texts), Cell::Text(Cow::Borrowed(text))) => {
                texts.push_piece(whole, row, text);
            }
            (Growing::Texts(texts), Cell::Text(Cow::Owned(text))) => texts.push(text),
            (Growing::Texts(texts), _) => texts.push_null(),
            (Growing::Ints(ints), Cell::Int(value)) => ints.append_value(*value),
            (Growing::Ints(ints), _) => ints.append_null(),
            (Growing::Floats(floats), Cell::Float(value)) => floats.append_value(*value),
            (Growing::Floats(floats), _) => floats.append_null(),
            (Growing::Bools(bools), Cell::Bool(value)) => bools.append_value(*value),
            (Growing::Bools(bools), _) => bools.append_null(),
            (Growing::Times(times), Cell::Timestamp(value)) => times.append_value(*value),
            (Growing::Times(times), _) => times.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Growing::Texts(texts) => Arc::new(texts.finish()),
            Growing::Ints(mut ints) => Arc::new(ints.finish()),
            Growing::Floats(mut floats) => Arc::new(floats.finish()),
            Growing::Bools(mut bools) => Arc::new(bools.finish()),
            Growing::Times(mut times) => Arc::new(times.finish().with_timezone(UTC)),
        }
    }
}

/// The kernel that reads the text of each row into the fields of its result: `read` is given the
/// cells of a row, all null. What it fails on is null as a whole.
pub fn read_records<F>(call: &Call, read: F) -> Result<Box<dyn ScalarKernel>, LiteralError>
where
    F: for<'t> Fn(&'t str, &mut [Cell<'t>]) -> Result<(), String> + Send + Sync + 'static,
{
    read_records_with(call, || (), move |(), text, cells| read(text, cells))
}

/// The same with something that is made once a batch and kept from row to row.
pub fn read_records_with<S, F>(
    call: &Call,
    make: impl Fn() -> S + Send + Sync + 'static,
    read: F,
) -> Result<Box<dyn ScalarKernel>, LiteralError>
where
    F: for<'t> Fn(&mut S, &'t str, &mut [Cell<'t>]) -> Result<(), String> + Send + Sync + 'static,
{
    let ty = call.result.data.clone();
    kernel(move |context, arguments| {
        let mut kept = make();
        records(&ty, context, &arguments[0], |text, cells| read(&mut kept, text, cells))
    })
}

fn records(
    ty: &DataType,
    context: &mut KernelContext,
    argument: &Operand,
    mut read: impl for<'t> FnMut(&'t str, &mut [Cell<'t>]) -> Result<(), String>,
) -> ArrayRef {
    let DataType::Record(fields) = ty else { unreachable!("the result is a record, not {ty}") };
    let all = texts(argument);
    let rows = context.rows;
    let valid = strict(rows, std::slice::from_ref(argument));
    let mut columns: Vec<Growing> =
        fields.iter().map(|field| Growing::of(&field.ty.data, all.array, rows)).collect();
    let mut nulls = NullBufferBuilder::new(rows);
    let mut cells = vec![Cell::Null; fields.len()];
    for row in 0..rows {
        cells.iter_mut().for_each(|cell| *cell = Cell::Null);
        let mut is_there = valid.as_ref().is_none_or(|valid| valid.is_valid(row));
        if is_there && let Err(reason) = read(all.at(row), &mut cells) {
            cells.iter_mut().for_each(|cell| *cell = Cell::Null);
            is_there = false;
            context.fail(row, || reason);
        }
        nulls.append(is_there);
        for (column, cell) in columns.iter_mut().zip(&cells) {
            column.push(cell, all.array, all.index(row));
        }
    }
    let columns: Vec<ArrayRef> = columns.into_iter().map(Growing::finish).collect();
    let ArrowType::Struct(fields) = arrow_type(ty) else { unreachable!("a record") };
    let nulls = nulls.finish();
    match fields.is_empty() {
        true => Arc::new(StructArray::new_empty_fields(rows, nulls)),
        false => Arc::new(StructArray::new(fields, columns, nulls)),
    }
}
