//! Grouping when nearly every row has a key of its own: rows are first scattered into parts by
//! the hash of their key, then each part is grouped by itself, within the caches.

use super::groups::{Finished, Groups};
use super::{Input, Plan};
use crate::data::Positions;
use crate::exec::gather::bytes_of;
use crate::exec::keys::KeyLayout;
use crate::exec::scatter::{gather, scatter_rows};
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// 256 parts: with ten million groups, each is of the size of the second cache.
const PART_BITS: u32 = 8;
const PARTS: usize = 1 << PART_BITS;
/// Rows are scattered so many at a time, which gives a part some hundred of them in a row.
const BLOCK_ROWS: usize = 1 << 17;
/// When a thread has scattered so much, its parts are grouped, so that many equal keys after a
/// sample of different ones do not fill the memory.
const SCATTERED_BYTES_MAX: usize = 1 << 29;

/// So many parts are worked on together, and what was scattered of them is freed before the next
/// are: the groups take the place of the rows.
const PARTS_AT_ONCE: usize = 32;

/// The rows of [`PARTS_AT_ONCE`] parts in their order, and their positions if any aggregate looks at
/// them.
struct Block {
    values: Vec<ArrayRef>,
    starts: Vec<usize>,
    positions: Option<Vec<u64>>,
}

/// The blocks of all parts, by the parts that are worked on together.
type Blocks = Vec<Vec<Block>>;

fn no_blocks() -> Blocks {
    (0..PARTS / PARTS_AT_ONCE).map(|_| vec![]).collect()
}

/// The rows that one thread has scattered.
pub(super) struct Scatter {
    pending: Vec<Input>,
    pending_rows: usize,
    blocks: Blocks,
    blocks_bytes: usize,
    /// The groups of the parts of earlier blocks.
    parts: Option<Vec<Groups>>,
}

impl Scatter {
    pub fn new() -> Scatter {
        let blocks = no_blocks();
        Scatter { pending: vec![], pending_rows: 0, blocks, blocks_bytes: 0, parts: None }
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
        let scattered = scatter_rows(&KeyLayout::new(&plan.keys), &inputs, PART_BITS);
        let position = |&(input, row): &(usize, usize)| pending[input].positions.at(row);
        for (at, blocks) in self.blocks.iter_mut().enumerate() {
            let starts = &scattered.starts[at * PARTS_AT_ONCE..=(at + 1) * PARTS_AT_ONCE];
            let rows = &scattered.from[starts[0]..starts[PARTS_AT_ONCE]];
            let values = gather(&inputs, rows);
            let positions: Option<Vec<u64>> =
                plan.uses_positions.then(|| rows.iter().map(position).collect());
            let positions_bytes = positions.as_ref().map_or(0, |at| at.len() * 8);
            self.blocks_bytes += bytes_of(&values) + positions_bytes;
            let starts = starts.iter().map(|start| start - starts[0]).collect();
            blocks.push(Block { values, starts, positions });
        }
    }

    /// Gives the groups of one part after the other, leaving nothing.
    pub fn drain(
        &mut self,
        plan: &Plan,
        mut give: impl FnMut(Groups) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.scatter(plan);
        let blocks = std::mem::replace(&mut self.blocks, no_blocks());
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
        let blocks = std::mem::replace(&mut self.blocks, no_blocks());
        self.blocks_bytes = 0;
        let parts =
            self.parts.get_or_insert_with(|| (0..PARTS).map(|_| Groups::new(plan)).collect());
        for (part, groups) in parts.iter_mut().enumerate() {
            update_part(groups, plan, &blocks, part);
        }
    }
}

fn update_part(groups: &mut Groups, plan: &Plan, blocks: &Blocks, part: usize) {
    let (blocks, part) = (&blocks[part / PARTS_AT_ONCE], part % PARTS_AT_ONCE);
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
pub(super) fn finish(
    plan: &Plan,
    states: Vec<Scatter>,
    stop: &AtomicBool,
) -> Result<Vec<Finished>, Error> {
    let mut grouped: Vec<Vec<Groups>> = (0..PARTS).map(|_| vec![]).collect();
    let mut blocks = no_blocks();
    for mut state in states {
        state.scatter(plan);
        for (blocks, more) in blocks.iter_mut().zip(state.blocks) {
            blocks.extend(more);
        }
        for (part, groups) in state.parts.into_iter().flatten().enumerate() {
            grouped[part].push(groups);
        }
    }
    let mut finished = Vec::with_capacity(PARTS);
    for (at, grouped) in grouped.chunks_mut(PARTS_AT_ONCE).enumerate() {
        go_on(stop)?;
        finished.par_extend(grouped.par_iter_mut().enumerate().map(|(part, grouped)| {
            let groups = std::mem::take(grouped).into_iter().reduce(Groups::merge);
            let mut groups = groups.unwrap_or_else(|| Groups::new(plan));
            update_part(&mut groups, plan, &blocks, at * PARTS_AT_ONCE + part);
            groups.finish(plan)
        }));
        blocks[at].clear();
    }
    Ok(finished)
}
