//! Texts as the kernels read them: views, which hold the length, the first four bytes and, up to
//! twelve bytes, the whole text.
//!
//! Most comparisons of texts are decided by the view alone; only the others look at the bytes
//! elsewhere.

use super::lanes::same_bits;
use crate::functions::kernel::Operand;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_buffer::BooleanBuffer;

/// The longest text that a view holds whole.
const INLINE_MAX: u32 = 12;

/// The texts of an operand.
#[derive(Clone, Copy)]
pub struct TextLane<'a> {
    texts: Texts<'a>,
    constant: bool,
}

/// The texts of an array.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    array: &'a StringViewArray,
    views: &'a [u128],
}

impl<'a> Texts<'a> {
    /// Of an array of texts.
    pub fn of(array: &'a ArrayRef) -> Texts<'a> {
        let array = array.as_string_view();
        Texts { array, views: array.views() }
    }

    /// The text of a row; any text where it is null.
    pub fn at(&self, row: usize) -> &'a str {
        self.array.value(row)
    }

    /// Are the texts of a row here and a row there equal?
    pub fn equal(&self, row: usize, other: &Texts, other_row: usize) -> bool {
        let (a, b) = (self.views[row], other.views[other_row]);
        if a as u64 != b as u64 {
            return false;
        }
        if a as u32 <= INLINE_MAX { a == b } else { self.at(row) == other.at(other_row) }
    }

    /// Is the text here below the one there, by bytes?
    fn less(&self, row: usize, other: &Texts, other_row: usize) -> bool {
        let (a, b) = (self.views[row], other.views[other_row]);
        if a as u32 <= INLINE_MAX && b as u32 <= INLINE_MAX {
            return StringViewArray::inline_key_fast(a) < StringViewArray::inline_key_fast(b);
        }
        let prefix = |view: u128| ((view >> 32) as u32).swap_bytes();
        if prefix(a) != prefix(b) {
            return prefix(a) < prefix(b);
        }
        self.at(row) < other.at(other_row)
    }
}

impl<'a> TextLane<'a> {
    /// Of an operand of type `string`.
    pub fn of(operand: &'a Operand) -> TextLane<'a> {
        TextLane { texts: Texts::of(&operand.array), constant: operand.constant }
    }

    /// The text of a row; any text where it is null.
    pub fn at(&self, row: usize) -> &'a str {
        self.texts.at(if self.constant { 0 } else { row })
    }

    /// The one short text of a constant, as a view that no other text has.
    fn inline_constant(&self) -> Option<u128> {
        // A column may be empty.
        let view = *self.texts.views.first().filter(|_| self.constant)?;
        (view as u32 <= INLINE_MAX && self.texts.array.is_valid(0)).then_some(view)
    }
}

/// How texts are compared.
#[derive(Clone, Copy)]
pub enum TextOrder {
    /// `==`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
}

/// Compares the texts, whatever is null.
pub fn test_texts(rows: usize, order: TextOrder, a: TextLane, b: TextLane) -> BooleanBuffer {
    match order {
        TextOrder::Equal => {
            for (constant, column) in [(&a, &b), (&b, &a)] {
                if let (Some(view), false) = (constant.inline_constant(), column.constant) {
                    return super::lanes::test(column.texts.views, |other| other == view);
                }
            }
            each(rows, a, b, |a, row, b, other| a.equal(row, b, other))
        }
        TextOrder::Less => each(rows, a, b, |a, row, b, other| a.less(row, b, other)),
        TextOrder::LessEqual => each(rows, a, b, |a, row, b, other| !b.less(other, a, row)),
    }
}

fn each(
    rows: usize,
    a: TextLane,
    b: TextLane,
    test: impl Fn(&Texts, usize, &Texts, usize) -> bool,
) -> BooleanBuffer {
    let (left, right) = (&a.texts, &b.texts);
    match (a.constant, b.constant) {
        (false, false) => BooleanBuffer::collect_bool(rows, |row| test(left, row, right, row)),
        (false, true) => BooleanBuffer::collect_bool(rows, |row| test(left, row, right, 0)),
        (true, false) => BooleanBuffer::collect_bool(rows, |row| test(left, 0, right, row)),
        (true, true) => same_bits(rows, test(left, 0, right, 0)),
    }
}
