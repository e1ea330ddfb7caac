//! Right rows that match nothing, where a join keeps them: which these are, and the rows they give.

use super::ranks::Marks;
use super::{JoinProbe, JoinTable};
use crate::data::{Batch, Positions, null_array};
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, expand, take_rows};
use crate::exec::operators::{Pieces, numbered};
use crate::exec::rows::hollow;
use crate::functions::kernel::Operand;
use crate::ir::SharedKey;
use crate::types::Type;
use arrow_array::ArrayRef;
use std::ops::Range;
use std::sync::Arc;

/// What the rows of a join look like that keeps right rows which match nothing.
#[derive(Clone, Debug)]
pub struct OuterRow {
    /// The types of the left columns in it.
    pub left: Vec<Type>,
    /// Which columns of it are read.
    pub live: Vec<bool>,
    /// The left columns that hold the right key where there is no left row.
    pub shared: Vec<SharedKey>,
}

/// The same, and the right rows that have matched something.
pub(super) struct Outer {
    row: OuterRow,
    matched: Marks,
}

impl Outer {
    pub(super) fn new(row: OuterRow, table: &JoinTable) -> Outer {
        Outer { row, matched: Marks::new(table.rows()) }
    }

    /// Notes that the rows of a key have matched.
    #[inline]
    pub(super) fn note_all(&self, rows: &[u32]) {
        if rows.first().is_some_and(|row| !self.matched.is_marked(*row as usize)) {
            // The first is marked last, since the others are then known to be.
            rows.iter().rev().for_each(|row| self.note(*row));
        }
    }

    /// Notes that a row has matched.
    #[inline]
    pub(super) fn note(&self, row: u32) {
        let row = row as usize;
        if !self.matched.is_marked(row) {
            self.matched.mark(row);
        }
    }

    pub(super) fn forget(&self) {
        self.matched.clear();
    }

    /// Left rows with the columns that the result has of them.
    pub(super) fn left(&self, batch: &Batch, keys: &[Operand]) -> Batch {
        let mut columns = batch.columns.clone();
        for shared in &self.row.shared {
            // It has the type of both sides.
            columns[shared.column] = expand(&keys[shared.key], batch.rows);
        }
        for (column, live) in columns.iter_mut().zip(&self.row.live) {
            if !live {
                *column = hollow(batch.rows);
            }
        }
        batch.with_columns(columns)
    }

    /// Those of some rows of the table that have matched nothing.
    fn unmatched(&self, rows: Range<usize>) -> Vec<u32> {
        rows.filter(|row| !self.matched.is_marked(*row)).map(|row| row as u32).collect()
    }
}

impl JoinProbe {
    /// Does it keep right rows that match nothing?
    pub fn keeps_right(&self) -> bool {
        self.outer.is_some()
    }

    /// Of some rows of the table those that have matched nothing, as rows of the result, and which
    /// these are; to be asked when all left rows have been looked up.
    pub(super) fn unmatched_right(&self, rows: Range<usize>) -> (Batch, Vec<u32>) {
        let outer = self.outer.as_ref().expect("it keeps right rows");
        let rows = outer.unmatched(rows);
        let left = |(at, ty): (usize, &Type)| -> ArrayRef {
            let shared = outer.row.shared.iter().find(|shared| shared.column == at);
            match shared {
                _ if !outer.row.live[at] => hollow(rows.len()),
                Some(shared) => take_rows(self.table.key_column(shared.key), &rows),
                None => null_array(&ty.data, rows.len()),
            }
        };
        let mut columns: Vec<ArrayRef> = outer.row.left.iter().enumerate().map(left).collect();
        let right = |&at: &usize| take_rows(&self.table.columns[at], &rows);
        columns.extend(self.right_columns.iter().map(right));
        (Batch { columns, rows: rows.len(), positions: Positions::Range(0) }, rows)
    }
}

/// The right rows of a join that have matched nothing, in pieces.
pub struct UnmatchedRight(pub Arc<JoinProbe>);

impl Pieces for UnmatchedRight {
    fn count(&self) -> usize {
        self.0.table.rows().div_ceil(BATCH_ROWS_MAX)
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn read(&self, piece: usize, _: bool) -> Result<Vec<Batch>, Error> {
        let start = piece * BATCH_ROWS_MAX;
        let end = self.0.table.rows().min(start + BATCH_ROWS_MAX);
        let (batch, _) = self.0.unmatched_right(start..end);
        Ok(if batch.rows == 0 { vec![] } else { numbered(vec![batch], piece) })
    }
}
