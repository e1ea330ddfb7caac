//! Texts to values and values to texts, by the rules of [`crate::data`].

use super::super::lanes::{Native, bools, strict};
use super::super::texts::TextLane;
use crate::data::parse::{self as values, Clock, Reason};
use crate::data::spell::Cells;
use crate::data::{TextBuilder, check_text_size};
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::types::{DataType, EnumType};
use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::collections::HashMap;
use std::sync::Arc;

/// A column of texts as values.
pub fn parse(context: &mut KernelContext, operand: &Operand, to: &DataType) -> ArrayRef {
    let clock = Clock::default();
    match to {
        DataType::Bool => {
            let (values, nulls) = each(context, operand, values::boolean);
            bools(BooleanBuffer::from(values), nulls)
        }
        DataType::Int => native(context, operand, to, values::int),
        DataType::Float => native(context, operand, to, |text| values::float(text, false)),
        DataType::Decimal { precision, scale } => {
            native(context, operand, to, |text| values::decimal(text, *precision, *scale))
        }
        DataType::Date => native(context, operand, to, |text| values::date(text, &clock)),
        DataType::Datetime => native(context, operand, to, |text| values::datetime(text, &clock)),
        DataType::Timestamp => native(context, operand, to, |text| values::timestamp(text, &clock)),
        DataType::Time => native(context, operand, to, values::time),
        DataType::Uuid | DataType::Bytes => {
            let (texts, nulls) = each(context, operand, |text| values::held(text, to));
            write_texts(context.rows, nulls.as_ref(), |row, out| {
                out.extend_from_slice(texts[row].as_bytes());
                true
            })
        }
        DataType::Duration => native(context, operand, to, values::duration),
        DataType::Enum(declared) => {
            let members = Members::of(declared);
            native(context, operand, to, |text| members.find(text))
        }
        _ => unreachable!("the checker has no conversion from string to {to}"),
    }
}

/// The members of an enum by their texts.
pub struct Members<'a> {
    declared: &'a EnumType,
    by_text: HashMap<&'a [u8], i32>,
}

impl<'a> Members<'a> {
    /// Of a declaration.
    pub fn of(declared: &'a EnumType) -> Members<'a> {
        let members = declared.members.iter().enumerate();
        // The first of equal texts counts, as everywhere.
        let by_text = members.rev().map(|(at, member)| (member.text.as_bytes(), at as i32));
        Members { declared, by_text: by_text.collect() }
    }

    /// The member that is spelled so.
    pub fn find(&self, text: &[u8]) -> Result<i32, Reason> {
        self.by_text.get(text).copied().ok_or_else(|| self.declared.refusal().into())
    }
}

fn native<T: Native>(
    context: &mut KernelContext,
    operand: &Operand,
    to: &DataType,
    parse: impl Fn(&[u8]) -> Result<T, Reason>,
) -> ArrayRef {
    let (values, nulls) = each(context, operand, parse);
    T::array(to, values, nulls)
}

/// Parses the texts that are used; the others are null.
fn each<T: Default>(
    context: &mut KernelContext,
    operand: &Operand,
    parse: impl Fn(&[u8]) -> Result<T, Reason>,
) -> (Vec<T>, Option<NullBuffer>) {
    let texts = TextLane::of(operand);
    let nulls = strict(context.rows, std::slice::from_ref(operand));
    let mut missing = Vec::new();
    let mut values = Vec::with_capacity(context.rows);
    for row in 0..context.rows {
        let used = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        if !used || !context.is_active(row) {
            missing.push(row);
            values.push(T::default());
            continue;
        }
        let text = texts.at(row);
        values.push(parse(text.as_bytes()).unwrap_or_else(|reason| {
            context.fail(row, || values::refuse(text, &reason));
            missing.push(row);
            T::default()
        }));
    }
    if missing.is_empty() {
        return (values, None);
    }
    let mut valid = vec![true; context.rows];
    missing.into_iter().for_each(|row| valid[row] = false);
    (values, Some(NullBuffer::from(valid)))
}

/// A column of values as texts.
pub fn spell(context: &KernelContext, array: &ArrayRef, from: &DataType) -> ArrayRef {
    let cells = Cells::of(array, from);
    write_texts(context.rows, array.nulls(), |row, out| {
        cells.write(row, out);
        true
    })
}

/// The texts that `write` writes, one a row that is not null, or says that there is none.
fn write_texts(
    rows: usize,
    nulls: Option<&NullBuffer>,
    mut write: impl FnMut(usize, &mut Vec<u8>) -> bool,
) -> ArrayRef {
    let mut builder = TextBuilder::with_capacity(rows);
    let mut bytes = Vec::new();
    for row in 0..rows {
        bytes.clear();
        if nulls.is_some_and(|nulls| nulls.is_null(row)) || !write(row, &mut bytes) {
            builder.push_null();
        } else {
            builder.push(str::from_utf8(&bytes).expect("values are spelled in UTF-8"));
        }
    }
    Arc::new(builder.finish())
}

/// `"a {b} c"`: the texts of all operands, one after the other.
pub struct Concat {
    types: Vec<DataType>,
}

impl Concat {
    /// Of operands of these types.
    pub fn new(types: Vec<DataType>) -> Concat {
        Concat { types }
    }
}

impl ScalarKernel for Concat {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let parts: Vec<(Cells, &Operand)> = operands
            .iter()
            .zip(&self.types)
            .map(|(operand, ty)| (Cells::of(&operand.array, ty), operand))
            .collect();
        let nulls = strict(context.rows, operands);
        write_texts(context.rows, nulls.as_ref(), |row, out| {
            for (cells, operand) in &parts {
                cells.write(operand.index(row), out);
            }
            let checked = check_text_size(out.len());
            if let Err(reason) = &checked {
                context.fail(row, || reason.clone());
            }
            checked.is_ok()
        })
    }
}
