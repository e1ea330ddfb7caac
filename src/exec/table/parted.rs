//! Tables over the parts of a set of keys, each made by itself: the right side of a join. Only looked
//! up in.

use super::{BLOCK, Block, EMPTY, GroupTable, NOT_FOUND, part_of};
use crate::exec::keys::{KeyColumns, KeyLayout, LongTexts};
use crate::functions::kernel::Operand;
use crate::types::Type;

/// Tables over the parts of a set of keys, split by the top `bits` bits of their hash.
pub struct PartedTable {
    layout: KeyLayout,
    tables: Vec<GroupTable>,
    bits: u32,
    /// What is added to a number of each table to make it unique.
    starts: Vec<u32>,
}

impl PartedTable {
    /// A table of `1 << bits` parts.
    pub fn new(types: &[Type], tables: Vec<GroupTable>, bits: u32) -> PartedTable {
        assert_eq!(tables.len(), 1 << bits);
        let mut count = 0;
        let starts = tables
            .iter()
            .map(|table| {
                count += table.len();
                (count - table.len()) as u32
            })
            .collect();
        assert!(count < NOT_FOUND as usize, "there are fewer than 2^32 keys");
        PartedTable { layout: KeyLayout::new(types), tables, bits, starts }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.tables.iter().map(GroupTable::len).sum()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        self.tables.iter().map(GroupTable::bytes).sum()
    }

    /// Puts the number of each row's key into `out`, or [`NOT_FOUND`]; so for nulls that have no
    /// place in the keys, which are counted.
    pub fn find(
        &self,
        keys: &[Operand],
        rows: usize,
        block: &mut Block,
        out: &mut Vec<u32>,
    ) -> usize {
        out.clear();
        out.reserve(rows);
        let mut columns = KeyColumns::new(&self.layout, keys, rows);
        for start in (0..rows).step_by(BLOCK) {
            columns.pack(start..rows.min(start + BLOCK), &mut block.packed);
            match self.layout.width() {
                _ if self.layout.direct_bits().is_some() => self.find_direct(block, out),
                1 => self.find_hashed::<1>(block, &columns, out),
                2 => self.find_hashed::<2>(block, &columns, out),
                3 => self.find_hashed::<3>(block, &columns, out),
                4 => self.find_hashed::<4>(block, &columns, out),
                _ => self.find_hashed::<0>(block, &columns, out),
            }
        }
        let Some(nulls) = columns.nulls_without_place() else { return 0 };
        for (row, number) in out.iter_mut().enumerate() {
            if nulls.is_null(row) {
                *number = NOT_FOUND;
            }
        }
        nulls.null_count()
    }

    fn find_direct(&self, block: &Block, out: &mut Vec<u32>) {
        for (&word, &hash) in block.packed.words.iter().zip(&block.packed.hashes) {
            let part = part_of(hash, self.bits);
            out.push(self.number(part, self.tables[part].slots[word as usize]));
        }
    }

    fn find_hashed<const W: usize>(
        &self,
        block: &mut Block,
        long: &impl LongTexts,
        out: &mut Vec<u32>,
    ) {
        let Block { packed, slots, .. } = block;
        slots.clear();
        slots.extend(packed.hashes.iter().map(|&hash| {
            let table = &self.tables[part_of(hash, self.bits)];
            table.slots[hash as usize & (table.slots.len() - 1)]
        }));
        for (row, (&hash, &first)) in packed.hashes.iter().zip(&*slots).enumerate() {
            let part = part_of(hash, self.bits);
            let table = &self.tables[part];
            let mut at = hash as usize;
            let mut slot = first;
            while slot != EMPTY && !table.holds::<W>(slot, packed, row, long) {
                at += 1;
                slot = table.slots[at & (table.slots.len() - 1)];
            }
            out.push(self.number(part, slot));
        }
    }

    fn number(&self, part: usize, slot: u64) -> u32 {
        if slot == EMPTY { NOT_FOUND } else { self.starts[part] + (slot as u32 - 1) }
    }
}
