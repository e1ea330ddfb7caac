//! The columns of a union, from those of one of its tables.

use super::Streaming;
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::expand;
use crate::functions::kernel::Operand;

/// Replaces all columns. Its values: the new ones.
#[derive(Debug)]
pub struct Project;

impl Streaming for Project {
    fn apply(
        &self,
        batch: Batch,
        values: Vec<Operand>,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let columns = values.iter().map(|value| expand(value, batch.rows)).collect();
        emit(batch.with_columns(columns))
    }
}
