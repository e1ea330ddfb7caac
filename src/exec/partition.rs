//! Which partition each row of a partitioned job's result goes to, and how many of its rows
//! failed in each.

use super::compile::types_of;
use super::gather::{expand, take_batch};
use super::stage::Execution;
use crate::data::Batch;
use crate::data::partition::{by_hash, by_size, sizes};
use crate::expr::{Program, Registers};
use crate::functions::kernel::Operand;
use crate::ir::{ExprKind, Job, Partition, PartitionBy, Row, RunContext, StepKind};
use crate::plan::{NodeId, NodeKind, Plan};
use crate::types::Type;
use arrow_array::Array;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How rows are assigned whose partition depends on the row alone.
pub struct SplitKey {
    ty: Type,
    into: NonZeroU32,
}

impl SplitKey {
    /// By a key of this type.
    pub fn new(ty: Type, partition: &Partition) -> SplitKey {
        SplitKey { ty, into: count_of(partition) }
    }

    /// The partition of each row.
    pub fn parts(&self, keys: &Operand, rows: usize) -> Vec<u32> {
        by_hash(&expand(keys, rows), &self.ty, self.into)
    }
}

/// The partition of each row of a result, by size: it depends on all of them.
pub fn parts_by_size(partition: &Partition, row: &Row, batches: &[Batch]) -> Vec<u32> {
    let types = types_of(row);
    let of = |batch: &Batch| sizes(&batch.columns, &types, batch.rows);
    by_size(&batches.iter().flat_map(of).collect::<Vec<u64>>(), count_of(partition))
}

fn count_of(partition: &Partition) -> NonZeroU32 {
    NonZeroU32::new(partition.into).unwrap_or(NonZeroU32::MIN)
}

/// Rows of a partitioned job, by partition.
#[derive(Debug, Default)]
pub struct PartitionCounts {
    /// Rows of the result.
    pub processed: Vec<AtomicU64>,
    /// Rows that failed and whose partition is known.
    pub failed: Vec<AtomicU64>,
}

impl PartitionCounts {
    /// Nothing counted yet.
    pub fn new(partition: &Partition) -> PartitionCounts {
        let zeros = || (0..partition.into).map(|_| AtomicU64::new(0)).collect();
        PartitionCounts { processed: zeros(), failed: zeros() }
    }

    /// Counts the rows of a result that are given out in turn.
    pub fn count_in_turn(&self, rows: u64) {
        let into = self.processed.len() as u64;
        for (part, processed) in (0..).zip(&self.processed) {
            processed.store(rows / into + u64::from(part < rows % into), Relaxed);
        }
    }

    /// Counts the rows of the result.
    pub fn count_processed(&self, parts: &[u32]) {
        for &part in parts {
            self.processed[part as usize].fetch_add(1, Relaxed);
        }
    }
}

/// The key by which a job's result is partitioned, over the rows that come into one operator.
pub struct KeyBefore {
    program: Program,
    ty: Type,
    into: NonZeroU32,
}

impl KeyBefore {
    /// The key over the rows before `node`. None if the result is not partitioned by a key, or
    /// the key is not made of columns that are there and stay as they are.
    pub fn of(node: NodeId, plan: &Plan, job: &Job, run: &RunContext) -> Option<KeyBefore> {
        let partition = job.partition.as_ref()?;
        let PartitionBy::Hash(key) = &partition.by else { return None };
        let first = match plan.node(node).kind {
            NodeKind::Read { main: true, .. } => 0,
            NodeKind::Step(step) => step,
            _ => return None,
        };
        let mut places: Vec<(usize, usize)> = vec![];
        let mut known = true;
        key.visit_columns(&mut |column| match column_before(job, first, column) {
            Some(before) => places.push((column, before)),
            None => known = false,
        });
        if !known {
            return None;
        }
        let row = match first.checked_sub(1) {
            Some(before) => &job.steps[before].row,
            None => &job.input_row,
        };
        let mut moved = key.clone();
        moved.map_columns(&|column| {
            let place = places.iter().find(|(after, _)| *after == column);
            place.map_or(column, |(_, before)| *before)
        });
        let program = Program::compile(&[&moved], &types_of(row), run);
        let into = NonZeroU32::new(partition.into)?;
        Some(KeyBefore { program, ty: key.ty.clone(), into })
    }
}

/// The column of the row before step `first` whose value a column of the result is.
fn column_before(job: &Job, first: usize, column: usize) -> Option<usize> {
    job.steps[first..].iter().rev().try_fold(column, |column, step| match &step.kind {
        StepKind::Project(columns) => match columns[column].kind {
            ExprKind::Column(before) => Some(before),
            _ => None,
        },
        StepKind::Set { column: set, value } if *set == column => match value.kind {
            ExprKind::Column(before) => Some(before),
            _ => None,
        },
        StepKind::Set { .. } => Some(column),
        StepKind::Aggregate { keys, .. } => match keys.get(column)?.kind {
            ExprKind::Column(before) => Some(before),
            _ => None,
        },
        StepKind::Explode { column: exploded } if *exploded == column => None,
        // The right side's columns follow the left ones, and those of a pattern all others.
        StepKind::Join(join) => {
            let left = step.row.columns.len() - join.right_columns.len();
            (column < left).then_some(column)
        }
        StepKind::Parse(parse) => {
            (column < step.row.columns.len() - parse.fields.len()).then_some(column)
        }
        StepKind::Union { .. } => None,
        StepKind::Filter { .. }
        | StepKind::Sort(_)
        | StepKind::Take { .. }
        | StepKind::Distinct
        | StepKind::Dedupe(_)
        | StepKind::Explode { .. }
        | StepKind::Expect(_) => Some(column),
    })
}

impl Execution<'_> {
    /// Counts rows of a result in the partitions that they belong to.
    pub(super) fn count_processed(&self, node: NodeId, parts: &[u32]) {
        let job = self.plan.node(node).job.expect("a result is a job's");
        let counts = self.partitions[job.0 as usize].as_ref();
        if let Some(counts) = counts.filter(|_| !self.counted[node.at()].load(Relaxed)) {
            counts.count_processed(parts);
        }
    }

    /// Counts rows that failed in an operator in the partitions that they belong to.
    pub(super) fn count_failed_in_partitions(&self, node: NodeId, batch: &Batch, rows: &[u32]) {
        let Some(key) = &self.nodes[node.at()].partition_key else { return };
        let job = self.plan.node(node).job.expect("a key is a job's");
        let Some(counts) = &self.partitions[job.0 as usize] else { return };
        if rows.is_empty() || self.counted[node.at()].load(Relaxed) {
            return;
        }
        let failed = take_batch(batch, rows);
        let values = key.program.eval(&failed, &mut Registers::default(), &mut vec![]);
        let keys = expand(&values[0], failed.rows);
        for (row, part) in by_hash(&keys, &key.ty, key.into).into_iter().enumerate() {
            // A key that is null may be one that could not be read.
            if !keys.is_null(row) {
                counts.failed[part as usize].fetch_add(1, Relaxed);
            }
        }
    }
}
