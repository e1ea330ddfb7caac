//! Looking for a text in another.

use super::slice::characters;
use crate::functions::columns::{Prepared, Texts, booleans, data, fallible, kernel, texts};
use crate::functions::kernel::{Call, KernelContext, Operand};
use crate::functions::lists;
use crate::types::DataType;
use arrow_array::ArrayRef;
use arrow_array::types::Int64Type;
use memchr::memmem;

/// `starts_with(text, prefix)`
pub(super) fn starts_with(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, wanted) = (texts(&arguments[0]), texts(&arguments[1]));
        booleans(context, arguments, |row| all.at(row).starts_with(wanted.at(row)))
    })
}

/// `ends_with(text, suffix)`
pub(super) fn ends_with(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, wanted) = (texts(&arguments[0]), texts(&arguments[1]));
        if let Some(end) = short_end(&arguments[1], wanted) {
            return booleans(context, arguments, |row| {
                let text = all.at(row);
                match text.as_bytes().last_chunk() {
                    Some(last) => (u64::from_be_bytes(*last) ^ end.word) & end.mask == 0,
                    None => text.ends_with(wanted.at(0)),
                }
            });
        }
        booleans(context, arguments, |row| all.at(row).ends_with(wanted.at(row)))
    })
}

/// A constant of up to 8 bytes, which are compared at once.
struct ShortEnd {
    word: u64,
    mask: u64,
}

fn short_end(operand: &Operand, wanted: Texts) -> Option<ShortEnd> {
    let end = operand.constant.then(|| wanted.at(0)).filter(|end| (1..=8).contains(&end.len()))?;
    let word = end.bytes().fold(0, |word, byte| word << 8 | u64::from(byte));
    Some(ShortEnd { word, mask: u64::MAX >> (64 - 8 * end.len()) })
}

/// `contains(text, part)`, `contains(list, item)`
pub(super) fn contains(call: &Call) -> Prepared {
    if let DataType::List(_) = data(call, 0) {
        return lists::contains(call);
    }
    kernel(|context, arguments| {
        let (all, wanted) = (texts(&arguments[0]), texts(&arguments[1]));
        find(&arguments[1], wanted, |find| {
            booleans(context, arguments, |row| find(all.at(row), row).is_some())
        })
    })
}

/// `position(text, part)`
pub(super) fn position(_: &Call) -> Prepared {
    kernel(|context: &mut KernelContext, arguments| {
        let (all, wanted) = (texts(&arguments[0]), texts(&arguments[1]));
        find(&arguments[1], wanted, |find| {
            fallible::<Int64Type>(context, arguments, |row| {
                let text = all.at(row);
                Ok(find(text, row).map(|at| characters(&text[..at]) as i64 + 1))
            })
        })
    })
}

/// Gives `with` a way to find the wanted text of a row; a constant is prepared once.
fn find(
    operand: &Operand,
    wanted: Texts,
    with: impl FnOnce(&dyn Fn(&str, usize) -> Option<usize>) -> ArrayRef,
) -> ArrayRef {
    if operand.constant {
        let finder = memmem::Finder::new(wanted.at(0));
        with(&|text, _| finder.find(text.as_bytes()))
    } else {
        with(&|text, row| text.find(wanted.at(row)))
    }
}
