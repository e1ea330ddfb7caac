//! Choosing among values: `nullif`, `check`, and the greatest and least of several.
//!
//! `if`, `case`, `try` and `??` are forms of the language, not functions, and so is `coalesce`.

use super::columns::{
    Prepared, bools, data, dense, fallible_texts, is_null, kernel, strict, texts, values,
    write_texts,
};
use super::kernel::{Call, KernelContext, Operand, PrepareScalar};
use super::order::{compare_floats, equal, fixed_keys, with_primitive};
use crate::data::arrow_type;
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray, UInt32Array};
use arrow_buffer::BooleanBuffer;
use arrow_select::take::take;
use std::cmp::Ordering;
use std::sync::Arc;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("nullif", nullif),
    ("check", check),
    ("greatest", greatest),
    ("least", least),
    ("clamp", clamp),
];

fn nullif(call: &Call) -> Prepared {
    let ty = data(call, 0).clone();
    kernel(move |context, arguments| {
        let (value, other) = (&arguments[0], &arguments[1]);
        with_equality(&ty, context.rows, value, other, |equal| {
            let chosen: UInt32Array = (0..context.rows)
                .map(|row| {
                    let same = !is_null(value, row) && !is_null(other, row) && equal(row);
                    (!same).then_some(value.index(row) as u32)
                })
                .collect();
            take(&value.array, &chosen, None).expect("the places are within the column")
        })
    })
}

/// Gives `with` a way to tell whether two operands that are not null are equal in a row, made for
/// their type.
fn with_equality(
    ty: &DataType,
    rows: usize,
    a: &Operand,
    b: &Operand,
    with: impl FnOnce(&dyn Fn(usize) -> bool) -> ArrayRef,
) -> ArrayRef {
    if let DataType::String = ty.laid_out() {
        let (a, b) = (texts(a), texts(b));
        return with(&|row| a.at(row) == b.at(row));
    }
    match (fixed_keys(ty, a, rows), fixed_keys(ty, b, rows)) {
        (Some(a), Some(b)) => with(&|row| a[row] == b[row]),
        _ => with(&|row| equal(ty, (&a.array, a.index(row)), (&b.array, b.index(row)))),
    }
}

/// True where the condition is; a row where it is not, or is null, fails with the message.
fn check(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let conditions = bools(&arguments[0]);
        let messages = texts(&arguments[1]);
        let holds = |row: usize| !is_null(&arguments[0], row) && conditions.at(row);
        for row in 0..context.rows {
            if !holds(row) {
                context.fail(row, || {
                    if is_null(&arguments[1], row) {
                        "check failed".into()
                    } else {
                        messages.at(row).to_owned()
                    }
                });
            }
        }
        let held = BooleanBuffer::collect_bool(context.rows, holds);
        Arc::new(BooleanArray::new(held.clone(), Some(held.into())))
    })
}

fn greatest(call: &Call) -> Prepared {
    extreme::<true>(call)
}

fn least(call: &Call) -> Prepared {
    extreme::<false>(call)
}

/// The greatest of the arguments, or the least; of equal ones the first.
fn extreme<const GREATEST: bool>(call: &Call) -> Prepared {
    let wins = |order: Ordering| order == if GREATEST { Ordering::Greater } else { Ordering::Less };
    let ty = call.result.data.laid_out();
    kernel(move |context, arguments| match &ty {
        DataType::String => {
            let all: Vec<_> = arguments.iter().map(texts).collect();
            write_texts(context, arguments, |row, column| {
                let best = all[1..].iter().fold(all[0].at(row), |best, texts| {
                    let text = texts.at(row);
                    if wins(text.cmp(best)) { text } else { best }
                });
                column.push(best);
            })
        }
        DataType::Bool => {
            let all: Vec<_> = arguments.iter().map(bools).collect();
            super::columns::booleans(context, arguments, |row| {
                let mut values = all.iter().map(|bools| bools.at(row));
                if GREATEST { values.any(|value| value) } else { values.all(|value| value) }
            })
        }
        DataType::Float => folded::<Float64Type>(context, arguments, &ty, |best, value| {
            if wins(compare_floats(value, best)) { value } else { best }
        }),
        ty => with_primitive!(ty, P => folded::<P>(context, arguments, ty, |best, value| {
            if wins(value.cmp(&best)) { value } else { best }
        }), else crate::data::null_array(ty, context.rows)),
    })
}

/// One argument at a time over the whole batch, so that each pass is a plain loop.
fn folded<P: arrow_array::ArrowPrimitiveType>(
    context: &KernelContext,
    arguments: &[Operand],
    ty: &DataType,
    fold: impl Fn(P::Native, P::Native) -> P::Native,
) -> ArrayRef {
    let first = values::<P>(&arguments[0]);
    let mut best: Vec<P::Native> = (0..context.rows).map(|row| first.at(row)).collect();
    for argument in &arguments[1..] {
        let more = values::<P>(argument);
        for (row, best) in best.iter_mut().enumerate() {
            *best = fold(*best, more.at(row));
        }
    }
    let nulls = strict(context.rows, arguments);
    Arc::new(PrimitiveArray::<P>::new(best.into(), nulls).with_data_type(arrow_type(ty)))
}

/// `least(greatest(x, low), high)`
fn clamp(call: &Call) -> Prepared {
    let ty = call.result.data.laid_out();
    kernel(move |context, arguments| match &ty {
        DataType::String => {
            let [x, low, high] = [0, 1, 2].map(|at| texts(&arguments[at]));
            fallible_texts(context, arguments, |row, column| {
                column.push(x.at(row).max(low.at(row)).min(high.at(row)));
                Ok(())
            })
        }
        DataType::Float => {
            let [x, low, high] = [0, 1, 2].map(|at| values::<Float64Type>(&arguments[at]));
            dense::<Float64Type>(context, arguments, |row| {
                let (x, low, high) = (x.at(row), low.at(row), high.at(row));
                let raised = if compare_floats(x, low) == Ordering::Less { low } else { x };
                if compare_floats(raised, high) == Ordering::Greater { high } else { raised }
            })
        }
        ty => with_primitive!(ty, P => {
            let [x, low, high] = [0, 1, 2].map(|at| values::<P>(&arguments[at]));
            let clamped = dense::<P>(context, arguments, |row| {
                x.at(row).max(low.at(row)).min(high.at(row))
            });
            let clamped = clamped.as_primitive::<P>().clone();
            Arc::new(clamped.with_data_type(arrow_type(ty))) as ArrayRef
        }, else crate::data::null_array(ty, context.rows)),
    })
}
