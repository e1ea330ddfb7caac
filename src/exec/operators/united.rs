//! Results one after the other: what a union gives whose tables are read by others too.

use super::{Output, Pieces, numbered};
use crate::data::Batch;
use crate::exec::Error;
use std::sync::Arc;

/// The results, of which some are on disk.
pub struct United {
    tables: Vec<Output>,
}

impl United {
    /// These results in this order.
    pub fn output(tables: Vec<Output>) -> Output {
        Output::Pieces(Arc::new(United { tables }))
    }
}

fn count_of(table: &Output) -> usize {
    match table {
        Output::Batches(batches) => batches.len(),
        Output::Pieces(pieces) => pieces.count(),
    }
}

impl Pieces for United {
    fn count(&self) -> usize {
        self.tables.iter().map(count_of).sum()
    }

    fn rows(&self) -> Option<u64> {
        self.tables.iter().map(Output::rows).sum()
    }

    fn read(&self, piece: usize, is_last: bool) -> Result<Vec<Batch>, Error> {
        let mut at = piece;
        for table in &self.tables {
            if at >= count_of(table) {
                at -= count_of(table);
                continue;
            }
            let batches = match table {
                Output::Batches(batches) => vec![batches[at].clone()],
                Output::Pieces(pieces) => pieces.read(at, is_last)?,
            };
            return Ok(numbered(batches, piece));
        }
        unreachable!("there are no more pieces")
    }
}
