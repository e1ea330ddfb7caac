//! Which partition each row of a partitioned job's result goes to, and how many of its rows
//! failed in each.

use super::compile::types_of;
use super::gather::{expand, take_batch};
use super::rejects::Spot;
use super::stage::Execution;
use crate::data::Batch;
use crate::data::partition::{by_hash, by_size, sizes};
use crate::expr::{Program, Registers};
use crate::functions::kernel::Operand;
use crate::ir::{Expr, ExprKind, Job, Partition, PartitionBy, Row, RunContext, Step, StepKind};
use crate::plan::{NodeId, NodeKind};
use crate::types::Type;
use arrow_array::Array;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
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
pub struct PartitionCounts {
    /// Rows of the result.
    pub processed: Vec<AtomicU64>,
    /// Rows that failed and whose partition is known.
    pub failed: Vec<AtomicU64>,
    /// The key over the rows before each step, and behind the last, where it is known.
    keys: Vec<Option<Arc<KeyBefore>>>,
}

impl PartitionCounts {
    /// Nothing counted yet.
    pub fn new(job: &Job, partition: &Partition, run: &RunContext) -> PartitionCounts {
        let zeros = || (0..partition.into).map(|_| AtomicU64::new(0)).collect();
        let keys = keys_before(job, partition, run);
        PartitionCounts { processed: zeros(), failed: zeros(), keys }
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

/// The key by which a job's result is partitioned, over the rows that come into a step.
struct KeyBefore {
    program: Program,
    ty: Type,
    into: NonZeroU32,
}

/// The key over the rows before each step of a job, and behind the last. None if the result is not partitioned by a key,
/// or the key is not made of columns that are there and stay as they are.
fn keys_before(job: &Job, partition: &Partition, run: &RunContext) -> Vec<Option<Arc<KeyBefore>>> {
    let mut keys = vec![None; job.steps.len() + 1];
    let PartitionBy::Hash(key) = &partition.by else { return keys };
    let moved = |places: &BTreeMap<usize, usize>| {
        let mut moved = key.clone();
        moved.map_columns(&|column| places[&column]);
        let program = Program::compile(&[&moved], run);
        Arc::new(KeyBefore { program, ty: key.ty.clone(), into: count_of(partition) })
    };
    // Where the columns of the key are.
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    key.visit_columns(&mut |column| {
        places.insert(column, column);
    });
    let mut here = moved(&places);
    keys[job.steps.len()] = Some(here.clone());
    for (at, step) in job.steps.iter().enumerate().rev() {
        let before = |(&of, &place)| Some((of, column_before(step, place)?));
        let before: Option<BTreeMap<usize, usize>> = places.iter().map(before).collect();
        let Some(before) = before else { return keys };
        if before != places {
            here = moved(&before);
            places = before;
        }
        keys[at] = Some(here.clone());
    }
    keys
}

/// The column of the row before a step whose value a column of the row after it is.
fn column_before(step: &Step, column: usize) -> Option<usize> {
    let same = |value: &Expr| match value.kind {
        ExprKind::Column(before) => Some(before),
        _ => None,
    };
    match &step.kind {
        StepKind::Project(columns) => same(&columns[column]),
        StepKind::Set { column: set, value } if *set == column => same(value),
        StepKind::Aggregate { keys, .. } => same(keys.get(column)?),
        StepKind::Explode { column: exploded } if *exploded == column => None,
        // The right side's columns follow the left ones, and those of a pattern all others.
        // Nor is there a left row for all of them where right ones are kept.
        StepKind::Join(join) if join.kind.keeps_right() => None,
        StepKind::Join(join) => {
            let left = step.row.columns.len() - join.new_columns();
            (column < left).then_some(column)
        }
        StepKind::Window(window) => {
            (column < step.row.columns.len() - window.calls.len()).then_some(column)
        }
        StepKind::Parse(parse) => {
            (column < step.row.columns.len() - parse.fields.len()).then_some(column)
        }
        StepKind::Union { .. } => None,
        StepKind::Set { .. }
        | StepKind::Filter { .. }
        | StepKind::Sort(_)
        | StepKind::Take { .. }
        | StepKind::Distinct
        | StepKind::Dedupe(_)
        | StepKind::Explode { .. }
        | StepKind::Expect(_)
        | StepKind::ExpectAll(_) => Some(column),
    }
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

    /// Counts rows that failed somewhere in the partitions that they belong to.
    pub(super) fn count_failed_in_partitions(&self, spot: Spot, batch: &Batch, rows: &[u32]) {
        let of = self.plan.node(spot.node);
        let counts = of.job.and_then(|job| self.partitions[job.0 as usize].as_ref());
        let step = match of.kind {
            NodeKind::Read { main: true, .. } => Some(0),
            _ => self.step_at(spot),
        };
        let (Some(counts), Some(step)) = (counts, step) else { return };
        let Some(key) = counts.keys.get(step).and_then(Option::as_ref) else { return };
        if rows.is_empty() || self.counted[spot.node.at()].load(Relaxed) {
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
