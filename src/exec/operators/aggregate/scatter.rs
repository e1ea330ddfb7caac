//! Grouping when nearly every row has a key of its own: rows are first scattered into parts by
//! the hash of their key, then each part is grouped by itself, within the caches.

use super::groups::{Finished, Groups};
use super::{Input, Plan};
use crate::data::Positions;
use crate::exec::gather::{bytes_of, expand, gather_column};
use crate::exec::keys::{KeyColumns, KeyLayout, Packed};
use crate::exec::table::part_of;
use crate::functions::kernel::Operand;
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;

/// 256 parts: with ten million groups, each is of the size of the second cache.
const PART_BITS: u32 = 8;
const PARTS: usize = 1 << PART_BITS;
/// Rows are scattered so many at a time, which gives a part some hundred of them in a row.
const BLOCK_ROWS: usize = 1 << 17;
/// When a thread has scattered so much, its parts are grouped, so that many equal keys after a
/// sample of different ones do not fill the memory.
const SCATTERED_BYTES_MAX: usize = 1 << 28;

/// The rows that one thread has scattered.
pub(super) struct Scatter {
    pending: Vec<Input>,
    pending_rows: usize,
    blocks: Vec<Block>,
    blocks_bytes: usize,
    /// The groups of the parts of earlier blocks.
    parts: Option<Vec<Groups>>,
}

/// Rows in the order of their parts.
struct Block {
    values: Vec<ArrayRef>,
    positions: Vec<u64>,
    /// Where each part begins, and the end.
    starts: Vec<usize>,
}

impl Scatter {
    pub fn new() -> Scatter {
        Scatter { pending: vec![], pending_rows: 0, blocks: vec![], blocks_bytes: 0, parts: None }
    }

    /// Takes in rows.
    pub fn push(&mut self, plan: &Plan, input: Input) {
        self.pending_rows += input.rows;
        self.pending.push(input);
        if self.pending_rows >= BLOCK_ROWS {
            self.scatter(plan);
        }
        if self.blocks_bytes > SCATTERED_BYTES_MAX {
            self.flush(plan);
        }
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        let pending = self.pending.iter().flat_map(|input| &input.values);
        let pending: usize =
            pending.map(|value| bytes_of(std::slice::from_ref(&value.array))).sum();
        let parts = self.parts.iter().flatten().map(Groups::bytes).sum::<usize>();
        pending + self.blocks_bytes + parts
    }

    fn scatter(&mut self, plan: &Plan) {
        let pending = std::mem::take(&mut self.pending);
        self.pending_rows = 0;
        let Some(first) = pending.first() else { return };
        let (order, starts) = order_of(plan, &pending);
        let values: Vec<ArrayRef> = (0..first.values.len())
            .map(|value| {
                let pieces: Vec<ArrayRef> =
                    pending.iter().map(|input| expand(&input.values[value], input.rows)).collect();
                let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
                gather_column(&pieces, &order)
            })
            .collect();
        let positions: Vec<u64> =
            order.iter().map(|&(input, row)| pending[input].positions.at(row)).collect();
        self.blocks_bytes += bytes_of(&values) + positions.len() * 8;
        self.blocks.push(Block { values, positions, starts });
    }

    /// Groups what has been scattered.
    pub fn flush(&mut self, plan: &Plan) {
        let blocks = std::mem::take(&mut self.blocks);
        self.blocks_bytes = 0;
        let parts =
            self.parts.get_or_insert_with(|| (0..PARTS).map(|_| Groups::new(plan)).collect());
        for (part, groups) in parts.iter_mut().enumerate() {
            update_part(groups, plan, &blocks, part);
        }
    }
}

/// The rows of `pending` in the order of their parts, and where each part begins.
fn order_of(plan: &Plan, pending: &[Input]) -> (Vec<(usize, usize)>, Vec<usize>) {
    let layout = KeyLayout::new(&plan.keys);
    let mut packed = Packed::default();
    let mut parts = Vec::with_capacity(BLOCK_ROWS);
    for input in pending {
        let mut columns = KeyColumns::new(&layout, &input.values[..plan.keys.len()], input.rows);
        columns.pack(0..input.rows, &mut packed);
        parts.extend(packed.hashes.iter().map(|&hash| part_of(hash, PART_BITS) as u8));
    }
    let mut starts = vec![0; PARTS + 1];
    for &part in &parts {
        starts[part as usize + 1] += 1;
    }
    for part in 0..PARTS {
        starts[part + 1] += starts[part];
    }
    let mut next = starts.clone();
    let mut order = vec![(0, 0); parts.len()];
    let rows = pending.iter().enumerate().flat_map(|(at, i)| (0..i.rows).map(move |row| (at, row)));
    for (row, part) in rows.zip(parts) {
        order[next[part as usize]] = row;
        next[part as usize] += 1;
    }
    (order, starts)
}

fn update_part(groups: &mut Groups, plan: &Plan, blocks: &[Block], part: usize) {
    for block in blocks {
        let (start, end) = (block.starts[part], block.starts[part + 1]);
        if start == end {
            continue;
        }
        let slice = |array: &ArrayRef| Operand::column(array.slice(start, end - start));
        let values = block.values.iter().map(slice).collect();
        let positions = Positions::At(block.positions[start..end].into());
        groups.update(plan, &Input { values, rows: end - start, positions });
    }
}

/// The groups of each part.
pub(super) fn finish(plan: &Plan, states: Vec<Scatter>) -> Vec<Finished> {
    let mut grouped: Vec<Vec<Groups>> = (0..PARTS).map(|_| vec![]).collect();
    let mut blocks = vec![];
    for mut state in states {
        state.scatter(plan);
        blocks.append(&mut state.blocks);
        for (part, groups) in state.parts.into_iter().flatten().enumerate() {
            grouped[part].push(groups);
        }
    }
    grouped
        .into_par_iter()
        .enumerate()
        .map(|(part, grouped)| {
            let groups = grouped.into_iter().reduce(Groups::merge);
            let mut groups = groups.unwrap_or_else(|| Groups::new(plan));
            update_part(&mut groups, plan, &blocks, part);
            groups.finish(plan)
        })
        .collect()
}
