//! Grouping when nearly every row has a key of its own: rows are first scattered into parts by
//! the hash of their key, then each part is grouped by itself, within the caches.

use super::groups::{Finished, Groups};
use super::{Input, Plan};
use crate::data::Positions;
use crate::exec::Error;
use crate::exec::gather::bytes_of;
use crate::exec::keys::KeyLayout;
use crate::exec::scatter::{Scattered, scatter};
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

/// Rows in the order of their parts, and their positions if any aggregate looks at them.
struct Block {
    values: Vec<ArrayRef>,
    starts: Vec<usize>,
    positions: Option<Vec<u64>>,
}

/// The rows that one thread has scattered.
pub(super) struct Scatter {
    pending: Vec<Input>,
    pending_rows: usize,
    blocks: Vec<Block>,
    blocks_bytes: usize,
    /// The groups of the parts of earlier blocks.
    parts: Option<Vec<Groups>>,
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
        let inputs: Vec<_> = pending.iter().map(|input| (&input.values[..], input.rows)).collect();
        let scattered = scatter(&KeyLayout::new(&plan.keys), &inputs, PART_BITS);
        let Scattered { values, rows, starts } = scattered;
        let position = |&(input, row): &(usize, usize)| pending[input].positions.at(row);
        let positions: Option<Vec<u64>> =
            plan.uses_positions.then(|| rows.iter().map(position).collect());
        self.blocks_bytes += bytes_of(&values) + positions.as_ref().map_or(0, |at| at.len() * 8);
        self.blocks.push(Block { values, starts, positions });
    }

    /// Gives the groups of one part after the other, leaving nothing.
    pub fn drain(
        &mut self,
        plan: &Plan,
        mut give: impl FnMut(Groups) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.scatter(plan);
        let blocks = std::mem::take(&mut self.blocks);
        self.blocks_bytes = 0;
        let mut parts = self.parts.take().unwrap_or_default().into_iter();
        (0..PARTS).try_for_each(|part| {
            let mut groups = parts.next().unwrap_or_else(|| Groups::new(plan));
            update_part(&mut groups, plan, &blocks, part);
            give(groups)
        })
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

fn update_part(groups: &mut Groups, plan: &Plan, blocks: &[Block], part: usize) {
    for block in blocks {
        let rows = block.starts[part]..block.starts[part + 1];
        if rows.is_empty() {
            continue;
        }
        let slice = |array: &ArrayRef| Operand::column(array.slice(rows.start, rows.len()));
        let values = block.values.iter().map(slice).collect();
        let positions = match &block.positions {
            Some(positions) => Positions::At(positions[rows.clone()].into()),
            None => Positions::Range(0),
        };
        groups.update(plan, &Input { values, rows: rows.len(), positions });
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
