//! Grouping when nearly every row has a key of its own: rows are first scattered into parts by
//! the hash of their key, then each part is grouped by itself, within the caches.

use super::groups::{Finished, Groups};
use super::order::{SORTED_GROUPS_MAX, by_key, fail_first, part_by_hash};
use super::{Input, Plan};
use crate::data::{Batch, Positions};
use crate::exec::gather::bytes_of;
use crate::exec::keys::KeyLayout;
use crate::exec::operators::runs::numbered;
use crate::exec::operators::{Output, Pieces};
use crate::exec::scatter::{gather, scatter_rows};
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

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
            update_part(&mut groups, plan, &blocks[part / PARTS_AT_ONCE], part % PARTS_AT_ONCE);
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
            update_part(groups, plan, &blocks[part / PARTS_AT_ONCE], part % PARTS_AT_ONCE);
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

/// What all threads have of a part: groups of earlier blocks, and rows among those of the parts
/// that are worked on together, which are freed with the last of them.
struct Rest {
    groups: Vec<Groups>,
    blocks: Arc<Vec<Block>>,
    part: usize,
}

impl Rest {
    fn finish(self, plan: &Plan) -> Finished {
        let groups = self.groups.into_iter().reduce(Groups::merge);
        let mut groups = groups.unwrap_or_else(|| Groups::new(plan));
        update_part(&mut groups, plan, &self.blocks, self.part % PARTS_AT_ONCE);
        groups.finish(plan)
    }
}

/// The parts of all threads.
fn gathered(plan: &Plan, states: Vec<Scatter>) -> Vec<Rest> {
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
    let blocks: Vec<_> = blocks.into_iter().map(Arc::new).collect();
    let rest = |(part, groups): (usize, _)| {
        let blocks = blocks[part / PARTS_AT_ONCE].clone();
        Rest { groups, blocks, part }
    };
    grouped.into_iter().enumerate().map(rest).collect()
}

/// The rows of all groups, in the order of their keys, or, when they are many, of their hashes.
pub(super) fn finish(
    plan: &Arc<Plan>,
    states: Vec<Scatter>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    let mut rest = gathered(plan, states).into_iter();
    let mut finished: Vec<Finished> = vec![];
    let is_many = |parts: &[Finished]| {
        parts.iter().map(|part| part.groups).sum::<usize>() > SORTED_GROUPS_MAX
    };
    while !is_many(&finished) && rest.len() > 0 {
        go_on(stop)?;
        let next: Vec<Rest> = rest.by_ref().take(PARTS_AT_ONCE).collect();
        finished.par_extend(next.into_par_iter().map(|part| part.finish(plan)));
    }
    fail_first(plan, &finished)?;
    if !is_many(&finished) {
        return Ok(by_key(plan, finished).into());
    }
    let ordered = finished.into_par_iter().map(|part| Part::Ordered(part_by_hash(plan, part)));
    let ordered: Vec<Part> = ordered.collect();
    let parts = ordered.into_iter().chain(rest.map(Part::Scattered)).map(Mutex::new).collect();
    Ok(Output::Pieces(Arc::new(Parts { plan: plan.clone(), parts })))
}

/// Very many groups. Those of a part are found when it is read, so that there are never all rows and
/// all groups at once; only then it is known how many there are.
struct Parts {
    plan: Arc<Plan>,
    parts: Vec<Mutex<Part>>,
}

enum Part {
    Scattered(Rest),
    Ordered(Vec<Batch>),
}

impl Pieces for Parts {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn read(&self, piece: usize, is_last: bool) -> Result<Vec<Batch>, Error> {
        let take = || self.parts[piece].lock().unwrap_or_else(PoisonError::into_inner);
        let batches = match std::mem::replace(&mut *take(), Part::Ordered(vec![])) {
            Part::Ordered(batches) => batches,
            Part::Scattered(rest) => {
                let finished = rest.finish(&self.plan);
                fail_first(&self.plan, std::slice::from_ref(&finished))?;
                part_by_hash(&self.plan, finished)
            }
        };
        if !is_last {
            *take() = Part::Ordered(batches.clone());
        }
        Ok(numbered(batches, piece))
    }
}
