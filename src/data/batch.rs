//! A batch of rows, and the position of each in its stage's input.

use arrow_array::ArrayRef;
use std::sync::Arc;

/// A position is `morsel << POSITION_ROW_BITS | row in the morsel`.
pub const POSITION_ROW_BITS: u32 = 32;

/// Rows as columns of equal length.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The columns, in the order of the schema that goes with the batch.
    pub columns: Vec<ArrayRef>,
    /// How many rows; there may be no columns.
    pub rows: usize,
    /// Where each row stood in the input of its stage.
    pub positions: Positions,
}

/// Where the rows of a batch stood in the input of their stage: positions grow along the input
/// whatever the threads, so they break ties, order outputs and name the row in messages.
#[derive(Clone, Debug)]
pub enum Positions {
    /// Row `i` stands at `start + i`.
    Range(u64),
    /// Row `i` stands at `at[i]`; equal positions (after `explode` or a join) keep batch order.
    At(Arc<[u64]>),
}

impl Batch {
    /// Rows `0..rows` of morsel `morsel`.
    pub fn new(columns: Vec<ArrayRef>, rows: usize, morsel: u64) -> Batch {
        debug_assert!(columns.iter().all(|column| column.len() == rows));
        Batch { columns, rows, positions: Positions::Range(morsel << POSITION_ROW_BITS) }
    }

    /// The same behind so many morsels of another table.
    pub fn moved_by(mut self, morsels: u64) -> Batch {
        if let Positions::Range(start) = &mut self.positions {
            *start += morsels << POSITION_ROW_BITS;
        }
        self
    }

    /// So many of its rows, from this one on.
    pub fn slice(&self, first: usize, rows: usize) -> Batch {
        let columns = self.columns.iter().map(|column| column.slice(first, rows)).collect();
        let positions = match &self.positions {
            Positions::Range(start) => Positions::Range(start + first as u64),
            Positions::At(at) => Positions::At(at[first..first + rows].into()),
        };
        Batch { columns, rows, positions }
    }

    /// The same rows with other columns.
    pub fn with_columns(&self, columns: Vec<ArrayRef>) -> Batch {
        debug_assert!(columns.iter().all(|column| column.len() == self.rows));
        Batch { columns, rows: self.rows, positions: self.positions.clone() }
    }
}

impl Positions {
    /// The position of row `row`.
    pub fn at(&self, row: usize) -> u64 {
        match self {
            Positions::Range(start) => start + row as u64,
            Positions::At(at) => at[row],
        }
    }

    /// The positions of the rows at `rows`, in that order.
    pub fn take(&self, rows: &[u32]) -> Positions {
        Positions::At(self.of(rows).into())
    }

    /// The positions of the rows at `rows`, as a list.
    pub fn of(&self, rows: &[u32]) -> Vec<u64> {
        rows.iter().map(|&row| self.at(row as usize)).collect()
    }
}
