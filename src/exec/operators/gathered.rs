//! Rows in memory that come in another order than they stand in.

use super::{Output, Pieces, numbered};
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, RowRef, gather_batches};
use std::sync::Arc;

/// Rows and their order. They are put into it when they are read, by the threads that read them, so
/// that there are never two copies of all.
pub struct Gathered {
    batches: Vec<Batch>,
    order: Vec<RowRef>,
}

impl Gathered {
    /// These rows of the batches.
    pub fn output(batches: Vec<Batch>, order: Vec<RowRef>) -> Output {
        Output::Pieces(Arc::new(Gathered { batches, order }))
    }
}

impl Pieces for Gathered {
    fn count(&self) -> usize {
        self.order.len().div_ceil(BATCH_ROWS_MAX)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.order.len() as u64)
    }

    fn read(&self, piece: usize, _: bool) -> Result<Vec<Batch>, Error> {
        let start = piece * BATCH_ROWS_MAX;
        let end = self.order.len().min(start + BATCH_ROWS_MAX);
        Ok(numbered(gather_batches(&self.batches, &self.order[start..end]), piece))
    }
}
