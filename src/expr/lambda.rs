//! Calls with a lambda: the body runs over all items of the lists at once.
//!
//! What the function makes of the results is its kernel's business.

use super::choose::column;
use super::program::{LambdaCode, Registers};
use crate::functions::kernel::{Failure, KernelContext, Operand};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, OffsetBuffer};
use arrow_select::take::take;
use std::sync::Arc;

impl LambdaCode {
    /// Runs the body over the items of the list, with what it captures repeated for each item of
    /// its row, then the function. An item that fails makes its row fail.
    pub(super) fn run(
        &self,
        context: &mut KernelContext,
        mut operands: Vec<Operand>,
        registers: &mut Registers,
    ) -> ArrayRef {
        let rows = context.rows;
        let captured = operands.split_off(self.arguments);
        let list = flat(column(&operands[self.over], rows).as_list());
        let parents = parents(&list);
        let items = list.values().len();
        let mut columns = vec![list.values().clone()];
        for operand in captured {
            columns.push(if operand.constant {
                column(&operand, items)
            } else {
                take(&operand.array, &parents, None).expect("every item has a row")
            });
        }
        let used = |row: usize| context.is_active(row) && list.is_valid(row);
        let all_used = context.active.is_none() && list.null_count() == 0;
        let within = (!all_used)
            .then(|| BooleanBuffer::collect_bool(items, |item| used(parents.value(item) as usize)));
        let mut failed: Vec<Failure> = Vec::new();
        self.body.run(&columns, items, within, registers, &mut failed);
        let result = self.body.operand(self.result, &columns, registers);
        let to_row =
            |failure: Failure| Failure { row: parents.value(failure.row as usize), ..failure };
        context.failures.extend(failed.into_iter().map(to_row));
        operands[self.over] = Operand::column(Arc::new(list));
        operands.push(Operand::column(column(&result, items)));
        self.kernel.eval(context, &operands)
    }
}

/// The same lists, with the items of the first at the start and nothing behind those of the last.
fn flat(list: &ListArray) -> ListArray {
    let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
    if first == 0 && last as usize == list.values().len() {
        return list.clone();
    }
    let (field, offsets, values, nulls) = list.clone().into_parts();
    let offsets: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
    let values = values.slice(first as usize, (last - first) as usize);
    ListArray::new(field, OffsetBuffer::new(offsets.into()), values, nulls)
}

/// The row that each item belongs to.
fn parents(list: &ListArray) -> UInt32Array {
    let lengths = list.offsets().lengths();
    lengths.enumerate().flat_map(|(row, items)| std::iter::repeat_n(row as u32, items)).collect()
}
