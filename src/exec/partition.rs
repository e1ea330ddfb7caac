//! Which partition each row of a partitioned job's result goes to.

use super::compile::types_of;
use super::expr::{Program, Registers};
use super::gather::expand;
use crate::data::Batch;
use crate::data::partition::{by_hash, by_size, in_turn, sizes};
use crate::ir::{Partition, PartitionBy, Row, RunContext};
use std::num::NonZeroU32;

/// The partition of each row, in order.
pub fn parts(partition: &Partition, row: &Row, batches: &[Batch], run: &RunContext) -> Vec<u32> {
    let rows: usize = batches.iter().map(|batch| batch.rows).sum();
    let into = NonZeroU32::new(partition.into).unwrap_or(NonZeroU32::MIN);
    match &partition.by {
        PartitionBy::RoundRobin => in_turn(0, rows, into),
        PartitionBy::Hash(key) => {
            let program = Program::compile(&[key], &types_of(row), run);
            let mut registers = Registers::default();
            let of = |batch: &Batch| {
                // A key that fails is null, and null has the empty text.
                let values = program.eval(batch, &mut registers, &mut vec![]);
                by_hash(&expand(&values[0], batch.rows), &key.ty, into)
            };
            batches.iter().flat_map(of).collect()
        }
        PartitionBy::Size => {
            let types = types_of(row);
            let of = |batch: &Batch| sizes(&batch.columns, &types, batch.rows);
            by_size(&batches.iter().flat_map(of).collect::<Vec<u64>>(), into)
        }
    }
}
