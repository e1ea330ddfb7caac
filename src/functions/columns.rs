//! How kernels read their operands and build their result: one loop per shape of result, made
//! for each kernel by the compiler, so that no value is boxed and no call is made per row.
//!
//! What a function computes is not said here.

use super::kernel::{Call, KernelContext, LiteralError, Operand, ScalarKernel};
use crate::data::{TextBuilder, arrow_type};
use crate::types::{DataType, Scalar};
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, ListArray, PrimitiveArray, StringViewArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow_schema::Field;
use std::sync::Arc;

/// What preparing a call gives.
pub type Prepared = Result<Box<dyn ScalarKernel>, LiteralError>;

struct Closure<F>(F);

impl<F> ScalarKernel for Closure<F>
where
    F: Fn(&mut KernelContext, &[Operand]) -> ArrayRef + Send + Sync,
{
    fn eval(&self, context: &mut KernelContext, arguments: &[Operand]) -> ArrayRef {
        (self.0)(context, arguments)
    }
}

/// The kernel that runs `eval`.
pub fn kernel<F>(eval: F) -> Prepared
where
    F: Fn(&mut KernelContext, &[Operand]) -> ArrayRef + Send + Sync + 'static,
{
    Ok(Box::new(Closure(eval)))
}

/// The values of a primitive operand; what stands where it is null has no meaning.
#[derive(Clone, Copy)]
pub struct Values<'a, T> {
    values: &'a [T],
    /// 0 for a constant, else 1.
    step: usize,
}

impl<T: Copy> Values<'_, T> {
    /// The value of a row.
    #[inline(always)]
    pub fn at(&self, row: usize) -> T {
        self.values[row * self.step]
    }
}

/// The values of an operand of this Arrow type.
pub fn values<P: ArrowPrimitiveType>(operand: &Operand) -> Values<'_, P::Native> {
    let step = usize::from(!operand.constant);
    Values { values: operand.array.as_primitive::<P>().values(), step }
}

/// The texts of an operand.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    /// The array of texts.
    pub array: &'a StringViewArray,
    step: usize,
}

impl<'a> Texts<'a> {
    /// The text of a row.
    #[inline(always)]
    pub fn at(&self, row: usize) -> &'a str {
        self.array.value(self.index(row))
    }

    /// Where in the array the text of a row is.
    #[inline(always)]
    pub fn index(&self, row: usize) -> usize {
        row * self.step
    }
}

/// The texts of a `string` operand.
pub fn texts(operand: &Operand) -> Texts<'_> {
    Texts { array: operand.array.as_string_view(), step: usize::from(!operand.constant) }
}

/// The values of a `bool` operand.
#[derive(Clone, Copy)]
pub struct Bools<'a> {
    values: &'a BooleanBuffer,
    step: usize,
}

impl Bools<'_> {
    /// The value of a row.
    #[inline(always)]
    pub fn at(&self, row: usize) -> bool {
        self.values.value(row * self.step)
    }
}

/// The values of a `bool` operand.
pub fn bools(operand: &Operand) -> Bools<'_> {
    Bools { values: operand.array.as_boolean().values(), step: usize::from(!operand.constant) }
}

/// The lists of an operand.
#[derive(Clone, Copy)]
pub struct Lists<'a> {
    /// The array of lists.
    pub array: &'a ListArray,
    step: usize,
}

impl Lists<'_> {
    /// Where the items of a row's list are in `items()`.
    #[inline(always)]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.array.value_offsets();
        let row = row * self.step;
        offsets[row] as usize..offsets[row + 1] as usize
    }

    /// The items of all lists, one after the other.
    pub fn items(&self) -> &ArrayRef {
        self.array.values()
    }
}

/// The lists of a `list<T>` operand.
pub fn lists(operand: &Operand) -> Lists<'_> {
    Lists { array: operand.array.as_list::<i32>(), step: usize::from(!operand.constant) }
}

/// Is the operand null in this row?
#[inline(always)]
pub fn is_null(operand: &Operand, row: usize) -> bool {
    operand.array.is_null(operand.index(row))
}

/// The rows where no operand is null; none when that is all of them.
pub fn strict(rows: usize, operands: &[Operand]) -> Option<NullBuffer> {
    let mut nulls: Option<NullBuffer> = None;
    for operand in operands {
        if !operand.constant {
            nulls = NullBuffer::union(nulls.as_ref(), operand.array.nulls());
        } else if operand.array.is_null(0) {
            return Some(NullBuffer::new_null(rows));
        }
    }
    nulls.filter(|nulls| nulls.null_count() > 0)
}

/// The nulls with these further rows.
fn with_nulls(rows: usize, nulls: Option<NullBuffer>, more: &[usize]) -> Option<NullBuffer> {
    if more.is_empty() {
        return nulls;
    }
    let mut valid = match nulls {
        Some(nulls) => nulls.iter().collect::<Vec<bool>>(),
        None => vec![true; rows],
    };
    more.iter().for_each(|&row| valid[row] = false);
    Some(NullBuffer::from(valid))
}

/// A column whose every value can be computed, even from what stands in null rows.
pub fn dense<P: ArrowPrimitiveType>(
    context: &KernelContext,
    operands: &[Operand],
    value: impl FnMut(usize) -> P::Native,
) -> ArrayRef {
    let nulls = strict(context.rows, operands);
    let values: Vec<P::Native> = (0..context.rows).map(value).collect();
    Arc::new(PrimitiveArray::<P>::new(values.into(), nulls))
}

/// Calls `value` for every row that is not null; the rows where it gives none or fails.
fn each(
    context: &mut KernelContext,
    nulls: Option<&NullBuffer>,
    mut value: impl FnMut(usize) -> Result<bool, String>,
) -> Vec<usize> {
    let mut without = Vec::new();
    for row in 0..context.rows {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            continue;
        }
        match value(row) {
            Ok(true) => {}
            Ok(false) => without.push(row),
            Err(reason) => {
                without.push(row);
                context.fail(row, || reason);
            }
        }
    }
    without
}

/// A column of what is computed where no operand is null; an error fails the row.
pub fn fallible<P: ArrowPrimitiveType>(
    context: &mut KernelContext,
    operands: &[Operand],
    mut value: impl FnMut(usize) -> Result<Option<P::Native>, String>,
) -> ArrayRef {
    let nulls = strict(context.rows, operands);
    let mut values = vec![P::Native::default(); context.rows];
    let without = each(context, nulls.as_ref(), |row| {
        let value = value(row)?;
        values[row] = value.unwrap_or_default();
        Ok(value.is_some())
    });
    let nulls = with_nulls(context.rows, nulls, &without);
    Arc::new(PrimitiveArray::<P>::new(values.into(), nulls))
}

/// A column of what is computed where no operand is null.
pub fn sparse<P: ArrowPrimitiveType>(
    context: &mut KernelContext,
    operands: &[Operand],
    mut value: impl FnMut(usize) -> P::Native,
) -> ArrayRef {
    fallible::<P>(context, operands, |row| Ok(Some(value(row))))
}

/// A `bool` column; null where an operand is null.
pub fn booleans(
    context: &KernelContext,
    operands: &[Operand],
    mut value: impl FnMut(usize) -> bool,
) -> ArrayRef {
    let nulls = strict(context.rows, operands);
    let values = BooleanBuffer::collect_bool(context.rows, |row| {
        nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) && value(row)
    });
    Arc::new(BooleanArray::new(values, nulls))
}

/// A `string` column in the making.
pub struct TextColumn {
    builder: TextBuilder,
    scratch: String,
    /// The texts of which those that are pushed are pieces, and their step from row to row.
    whole: Option<(StringViewArray, usize)>,
}

impl TextColumn {
    /// Room for so many texts.
    pub fn with_capacity(rows: usize) -> TextColumn {
        let builder = TextBuilder::with_capacity(rows);
        TextColumn { builder, scratch: String::new(), whole: None }
    }

    /// Room for so many texts, each of them a piece of the text of its row.
    fn of_pieces(all: Texts, rows: usize) -> TextColumn {
        let builder = TextBuilder::of_pieces(all.array, rows);
        let whole = Some((all.array.clone(), all.step));
        TextColumn { builder, scratch: String::new(), whole }
    }

    /// The next text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        match &self.whole {
            None => self.builder.push(text),
            Some((whole, step)) => {
                let row = self.builder.len() * step;
                self.builder.push_piece(whole, row, text);
            }
        }
    }

    /// The next text is that of its row as it is; only of pieces.
    #[inline]
    pub fn push_whole(&mut self) {
        let (whole, step) = self.whole.as_ref().expect("texts of which these are pieces");
        self.builder.push_whole(whole, self.builder.len() * step);
    }

    /// The next text is null.
    pub fn push_null(&mut self) {
        self.builder.push_null();
    }

    /// The next text, written into an empty text that is kept for all rows.
    #[inline]
    pub fn write(&mut self, write: impl FnOnce(&mut String)) {
        self.scratch.clear();
        write(&mut self.scratch);
        self.builder.push(&self.scratch);
    }

    /// All texts.
    pub fn finish(self) -> StringViewArray {
        self.builder.finish()
    }
}

/// A `string` column: `write` pushes one text (or null) for every row where no operand is null,
/// or fails before it pushed.
pub fn fallible_texts(
    context: &mut KernelContext,
    operands: &[Operand],
    write: impl FnMut(usize, &mut TextColumn) -> Result<(), String>,
) -> ArrayRef {
    let column = TextColumn::with_capacity(context.rows);
    fill_texts(context, operands, column, write)
}

fn fill_texts(
    context: &mut KernelContext,
    operands: &[Operand],
    mut column: TextColumn,
    mut write: impl FnMut(usize, &mut TextColumn) -> Result<(), String>,
) -> ArrayRef {
    let nulls = strict(context.rows, operands);
    for row in 0..context.rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            column.push_null();
        } else if let Err(reason) = write(row, &mut column) {
            column.push_null();
            context.fail(row, || reason);
        }
    }
    Arc::new(column.finish())
}

/// A `string` column that cannot fail; see [`fallible_texts`].
pub fn write_texts(
    context: &mut KernelContext,
    operands: &[Operand],
    mut write: impl FnMut(usize, &mut TextColumn),
) -> ArrayRef {
    fallible_texts(context, operands, |row, column| {
        write(row, column);
        Ok(())
    })
}

/// A `string` column like that of [`write_texts`], whose texts are pieces of those of `all`, and
/// stay where they are.
pub fn write_pieces(
    context: &mut KernelContext,
    operands: &[Operand],
    all: Texts,
    mut write: impl FnMut(usize, &mut TextColumn),
) -> ArrayRef {
    let column = TextColumn::of_pieces(all, context.rows);
    fill_texts(context, operands, column, |row, column| {
        write(row, column);
        Ok(())
    })
}

/// Where the lists of a column end, before its items are known to be complete.
pub struct Offsets {
    offsets: Vec<i32>,
    nulls: Option<NullBuffer>,
}

/// Calls `push` for every row where no operand is null; it pushes the row's items somewhere and
/// says how many they are.
pub fn list_offsets(
    context: &KernelContext,
    operands: &[Operand],
    mut push: impl FnMut(usize) -> usize,
) -> Offsets {
    let nulls = strict(context.rows, operands);
    let mut offsets = Vec::with_capacity(context.rows + 1);
    let mut end = 0;
    offsets.push(0);
    for row in 0..context.rows {
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            end += push(row);
        }
        offsets.push(i32::try_from(end).expect("a batch has fewer than 2^31 items"));
    }
    Offsets { offsets, nulls }
}

impl Offsets {
    /// These rows, into which nothing was pushed, are null.
    pub fn without(self, rows: &[usize]) -> Offsets {
        let nulls = with_nulls(self.offsets.len() - 1, self.nulls, rows);
        Offsets { nulls, ..self }
    }

    /// The column of lists of these items.
    pub fn finish(self, item: &DataType, items: ArrayRef) -> ArrayRef {
        let field = Arc::new(Field::new("item", arrow_type(item), true));
        let offsets = OffsetBuffer::new(self.offsets.into());
        Arc::new(ListArray::new(field, offsets, items, self.nulls))
    }
}

/// The literal of a parameter that has to be one, if it is not null.
pub fn literal<'a>(call: &'a Call, argument: usize) -> Result<&'a Scalar, LiteralError> {
    match call.literals.get(argument) {
        Some(Some(value)) if !value.is_null() => Ok(value),
        _ => Err(LiteralError {
            argument,
            reason: "this must be a literal; write the value itself, or a `param`".into(),
        }),
    }
}

/// The text of a parameter that has to be a literal.
pub fn literal_text<'a>(call: &'a Call, argument: usize) -> Result<&'a str, LiteralError> {
    match literal(call, argument)? {
        Scalar::String(text) => Ok(text),
        _ => Err(LiteralError { argument, reason: "this must be a text".into() }),
    }
}

/// The integer of a parameter that has to be a literal.
pub fn literal_int(call: &Call, argument: usize) -> Result<i64, LiteralError> {
    match literal(call, argument)? {
        Scalar::Int(value) => Ok(*value),
        _ => Err(LiteralError { argument, reason: "this must be a whole number".into() }),
    }
}

/// What an argument is, apart from null.
pub fn data<'a>(call: &'a Call, argument: usize) -> &'a DataType {
    &call.arguments[argument].data
}

/// The digits after the point of a decimal; 0 of anything else.
pub fn scale_of(ty: &DataType) -> u8 {
    if let DataType::Decimal { scale, .. } = ty { *scale } else { 0 }
}

/// The digits in all of a decimal; the most of anything else.
pub fn precision_of(ty: &DataType) -> u8 {
    if let DataType::Decimal { precision, .. } = ty {
        *precision
    } else {
        crate::types::DECIMAL_DIGITS_MAX
    }
}
