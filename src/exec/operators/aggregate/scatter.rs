//! Grouping when nearly every row has a key of its own: rows are first scattered into parts by
//! the hash of their key, then each part is grouped by itself, within the caches.

use super::groups::Groups;
use super::{Input, Plan, SCATTER_ROWS_PER_GROUP_MAX};
use crate::data::Positions;
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, bytes_of, expand, gather_column};
use crate::exec::keys::{KeyColumns, KeyLayout, Packed, PackedRows};
use crate::exec::operators::collected::compact_operands;
use crate::exec::scatter::by_part;
use crate::exec::table::part_of;
use crate::functions::kernel::Operand;
use arrow_array::{Array, ArrayRef};

/// 256 parts: with ten million groups, each is of the size of the second cache.
const PART_BITS: u32 = 8;
pub(super) const PARTS: usize = 1 << PART_BITS;
/// So many keys are packed at a time, within the first cache.
const PACKED_ROWS: usize = 512;
/// Rows are scattered so many at a time, which gives a part some hundred of them in a row.
const BLOCK_ROWS: usize = 1 << 17;
/// When a thread has scattered so much, its parts are grouped if that makes them smaller, so that
/// many equal keys after a sample of different ones do not fill the memory; else it goes on to twice
/// as much.
const SCATTERED_BYTES: usize = 1 << 28;

/// So many parts are worked on together, and what was scattered of them is freed before the next
/// are: the groups take the place of the rows.
pub(super) const PARTS_AT_ONCE: usize = 32;

/// The rows of [`PARTS_AT_ONCE`] parts in their order, and their positions if any aggregate looks at
/// them.
pub(super) struct Block {
    keys: PackedRows,
    arguments: Vec<ArrayRef>,
    starts: Vec<usize>,
    positions: Option<Vec<u64>>,
}

/// The blocks of all parts, by the parts that are worked on together.
type Blocks = Vec<Vec<Block>>;

pub(super) fn no_blocks() -> Blocks {
    (0..PARTS / PARTS_AT_ONCE).map(|_| vec![]).collect()
}

/// The rows that one thread has scattered.
pub(super) struct Scatter {
    layout: KeyLayout,
    packed: Packed,
    /// The rows of the next block: keys, part of each, and the rest by batches.
    keys: PackedRows,
    parts: Vec<u16>,
    pending: Vec<Pending>,
    pub(super) blocks: Blocks,
    blocks_bytes: usize,
    /// So many bytes of blocks are held before it is looked whether groups would be fewer.
    bytes_max: usize,
    /// The groups of the parts of earlier blocks.
    pub(super) groups: Option<Vec<Groups>>,
}

/// What rows have beside their keys.
struct Pending {
    arguments: Vec<Operand>,
    rows: usize,
    positions: Positions,
}

impl Scatter {
    pub fn new(plan: &Plan) -> Scatter {
        let layout = KeyLayout::new(&plan.keys);
        Scatter {
            packed: Packed::default(),
            keys: PackedRows::with_capacity(&layout, BLOCK_ROWS + BATCH_ROWS_MAX),
            layout,
            parts: vec![],
            pending: vec![],
            blocks: no_blocks(),
            blocks_bytes: 0,
            bytes_max: SCATTERED_BYTES,
            groups: None,
        }
    }

    /// Takes in rows.
    pub fn push(&mut self, plan: &Plan, input: Input) {
        let Input { values: mut keys, rows, positions } = input;
        let mut arguments = keys.split_off(plan.keys.len());
        let mut columns = KeyColumns::new(&self.layout, &keys, rows);
        for start in (0..rows).step_by(PACKED_ROWS) {
            columns.pack(start..rows.min(start + PACKED_ROWS), &mut self.packed);
            self.keys.append(&self.packed, &columns);
            let part = |&hash: &u64| part_of(hash, PART_BITS) as u16;
            self.parts.extend(self.packed.hashes.iter().map(part));
        }
        // They are kept for a while, and a few texts must not keep pieces of a file.
        compact_operands(&mut arguments);
        self.pending.push(Pending { arguments, rows, positions });
        if self.parts.len() >= BLOCK_ROWS {
            self.scatter(plan);
        }
        if self.blocks_bytes > self.bytes_max {
            let mut first = Groups::new(plan);
            let rows = update_part(&mut first, plan, &self.blocks[0], 0);
            if rows < first.len() * SCATTER_ROWS_PER_GROUP_MAX {
                self.bytes_max *= 2;
            } else {
                self.flush(plan);
            }
        }
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        let pending = self.pending.iter().flat_map(|input| &input.arguments);
        let pending: usize =
            pending.map(|value| bytes_of(std::slice::from_ref(&value.array))).sum();
        let groups = self.groups.iter().flatten().map(Groups::bytes).sum::<usize>();
        self.keys.bytes() + pending + self.blocks_bytes + groups
    }

    /// Makes blocks of the rows that came last.
    pub fn scatter(&mut self, plan: &Plan) {
        let (starts, order) = by_part(&self.parts, PARTS);
        self.keys.squeeze();
        let pending = std::mem::take(&mut self.pending);
        let from: Vec<(usize, usize)> = pending
            .iter()
            .enumerate()
            .flat_map(|(input, pending)| (0..pending.rows).map(move |row| (input, row)))
            .collect();
        for (at, blocks) in self.blocks.iter_mut().enumerate() {
            let starts = &starts[at * PARTS_AT_ONCE..=(at + 1) * PARTS_AT_ONCE];
            let order = &order[starts[0]..starts[PARTS_AT_ONCE]];
            let mut keys = PackedRows::for_some_of(&self.keys, order.len());
            order.iter().for_each(|&row| keys.push(&self.keys, row as usize));
            let rows: Vec<(usize, usize)> = order.iter().map(|&row| from[row as usize]).collect();
            let arguments = gather(&pending, &rows);
            let position = |&(input, row): &(usize, usize)| pending[input].positions.at(row);
            let positions: Option<Vec<u64>> =
                plan.uses_positions.then(|| rows.iter().map(position).collect());
            let positions_bytes = positions.as_ref().map_or(0, |at| at.len() * 8);
            self.blocks_bytes += keys.bytes() + bytes_of(&arguments) + positions_bytes;
            let starts = starts.iter().map(|start| start - starts[0]).collect();
            blocks.push(Block { keys, arguments, starts, positions });
        }
        self.keys.clear();
        self.parts.clear();
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
        let mut parts = self.groups.take().unwrap_or_default().into_iter();
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
            self.groups.get_or_insert_with(|| (0..PARTS).map(|_| Groups::new(plan)).collect());
        for (part, groups) in parts.iter_mut().enumerate() {
            update_part(groups, plan, &blocks[part / PARTS_AT_ONCE], part % PARTS_AT_ONCE);
        }
    }
}

/// The arguments of these rows: of which batch, and which row of it.
fn gather(pending: &[Pending], rows: &[(usize, usize)]) -> Vec<ArrayRef> {
    let columns = pending.first().map_or(0, |pending| pending.arguments.len());
    let column = |column: usize| {
        let pieces: Vec<ArrayRef> = pending
            .iter()
            .map(|pending| expand(&pending.arguments[column], pending.rows))
            .collect();
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        gather_column(&pieces, rows)
    };
    (0..columns).map(column).collect()
}

/// Groups the rows of a part, and says how many there were.
pub(super) fn update_part(
    groups: &mut Groups,
    plan: &Plan,
    blocks: &[Block],
    part: usize,
) -> usize {
    let rows_of = |block: &Block| block.starts[part]..block.starts[part + 1];
    let count = blocks.iter().map(|block| rows_of(block).len()).sum();
    groups.reserve(count);
    for block in blocks {
        let rows = rows_of(block);
        if rows.is_empty() {
            continue;
        }
        let slice = |array: &ArrayRef| Operand::column(array.slice(rows.start, rows.len()));
        let arguments: Vec<Operand> = block.arguments.iter().map(slice).collect();
        let positions = match &block.positions {
            Some(positions) => Positions::At(positions[rows.clone()].into()),
            None => Positions::Range(0),
        };
        groups.update_packed(plan, (&block.keys, rows), &arguments, &positions);
    }
    count
}
