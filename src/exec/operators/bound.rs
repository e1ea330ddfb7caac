//! Which rows can still be among the first of a sort, once enough rows are known that come before
//! all others.

use super::collected::compact_operands;
use crate::data::Batch;
use crate::exec::gather::{row_ref, take_rows};
use crate::exec::order::{Direction, RowOrder};
use crate::functions::kernel::Operand;
use arrow_buffer::BooleanBuffer;

/// The last of the rows that are enough.
pub struct Bound {
    /// Its keys are those of batch 0.
    order: RowOrder,
    coarse: u64,
    position: u64,
}

impl Bound {
    /// Row `row` of a batch with these keys, which stands at `position` of the input.
    pub fn new(directions: &[Direction], keys: &[Operand], row: usize, position: u64) -> Bound {
        let at_row = |key: &Operand| match key.constant {
            true => key.clone(),
            false => Operand::column(take_rows(&key.array, &[row as u32])),
        };
        let mut keys: Vec<Operand> = keys.iter().map(at_row).collect();
        compact_operands(&mut keys);
        let mut order = RowOrder::empty(directions);
        order.push(&keys, 1);
        Bound { coarse: order.coarse(row_ref(0, 0)), order, position }
    }

    /// The rows of a batch that come before it.
    pub fn before(&mut self, batch: &Batch, keys: &[Operand]) -> BooleanBuffer {
        self.order.push(keys, batch.rows);
        let comes_before = |row: usize| {
            let at = row_ref(1, row);
            if self.order.coarse(at) > self.coarse {
                return false;
            }
            let order = self.order.compare(at, row_ref(0, 0));
            order.then_with(|| batch.positions.at(row).cmp(&self.position)).is_lt()
        };
        let before = BooleanBuffer::collect_bool(batch.rows, comes_before);
        self.order.pop();
        before
    }
}
