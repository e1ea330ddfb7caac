//! In which order groups come: one that depends on the groups alone, not on the threads that found
//! them.

use super::Plan;
use super::groups::Finished;
use crate::data::Batch;
use crate::exec::gather::BATCH_ROWS_MAX;
use crate::exec::gather::{RowRef, gather_batches, row_ref, slice_batch, take_rows};
use crate::exec::order::{Direction, RowOrder};
use crate::exec::{Error, Failing};
use crate::functions::kernel::{Failure, Operand};
use rayon::prelude::*;

/// So many groups are sorted by their keys. More are not: their rows would be fetched one by one
/// from all over the memory. Also the language's users are told this number.
pub(super) const SORTED_GROUPS_MAX: usize = 1 << 20;

/// The rows of all parts in the order of their keys, or, when they are many, of their hashes; parts
/// are then those of the top bits of the hash, or one.
pub(super) fn ordered(plan: &Plan, parts: Vec<Finished>) -> Result<Vec<Batch>, Error> {
    let groups: usize = parts.iter().map(|part| part.groups).sum();
    if groups > SORTED_GROUPS_MAX { by_hash(plan, parts) } else { by_key(plan, parts) }
}

fn by_key(plan: &Plan, parts: Vec<Finished>) -> Result<Vec<Batch>, Error> {
    let mut failures = vec![];
    let mut batches = Vec::with_capacity(parts.len());
    for (part, finished) in parts.into_iter().enumerate() {
        failures.extend(finished.failures.into_iter().map(|failure| (part, failure)));
        batches.push(Batch::new(finished.columns, finished.groups, part as u64));
    }
    let keys: Vec<Vec<Operand>> = batches.iter().map(|batch| keys_of(plan, batch)).collect();
    let rows: Vec<_> =
        keys.iter().zip(&batches).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
    let order = RowOrder::new(&rows, &vec![Direction::default(); plan.keys.len()]);
    if let Some(error) = first_failure(plan, failures, &order) {
        return Err(error);
    }
    Ok(gather_batches(&batches, &order.sort()))
}

/// Each part by itself, so that what is fetched is in the caches. Equal hashes are rare, and their
/// groups are in the order of the keys.
fn by_hash(plan: &Plan, parts: Vec<Finished>) -> Result<Vec<Batch>, Error> {
    let is_failed = parts.iter().any(|part| !part.failures.is_empty());
    if is_failed {
        return by_key(plan, parts);
    }
    let sorted: Vec<Vec<Batch>> =
        parts.into_par_iter().map(|part| part_by_hash(plan, part)).collect();
    let batches = sorted.into_iter().flatten().enumerate();
    Ok(batches.map(|(at, batch)| Batch::new(batch.columns, batch.rows, at as u64)).collect())
}

fn part_by_hash(plan: &Plan, part: Finished) -> Vec<Batch> {
    let mut order: Vec<(u64, u32)> =
        part.hashes.iter().enumerate().map(|(row, &hash)| (hash, row as u32)).collect();
    drop(part.hashes);
    order.par_sort_unstable();
    let batch = Batch::new(part.columns, part.groups, 0);
    if order.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        let keys = keys_of(plan, &batch);
        let by_key =
            RowOrder::new(&[(&keys[..], batch.rows)], &vec![Direction::default(); keys.len()]);
        let row = |at: u32| row_ref(0, at as usize);
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(by_key.compare(row(a.1), row(b.1))));
    }
    let rows: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
    let columns = batch.columns.into_iter().map(|column| take_rows(&column, &rows)).collect();
    let whole = Batch::new(columns, rows.len(), 0);
    (0..rows.len())
        .step_by(BATCH_ROWS_MAX)
        .map(|start| slice_batch(&whole, start, BATCH_ROWS_MAX.min(rows.len() - start)))
        .collect()
}

fn keys_of(plan: &Plan, batch: &Batch) -> Vec<Operand> {
    batch.columns[..plan.keys.len()].iter().cloned().map(Operand::column).collect()
}

/// The failure of the first group that has one, whatever the threads.
fn first_failure(plan: &Plan, failures: Vec<(usize, Failure)>, order: &RowOrder) -> Option<Error> {
    let row =
        |(part, failure): &(usize, Failure)| -> RowRef { row_ref(*part, failure.row as usize) };
    let first = failures
        .into_iter()
        .min_by(|a, b| order.compare(row(a), row(b)).then(a.1.site.cmp(&b.1.site)));
    first.map(|(_, failure)| Error::Row {
        span: plan.aggregates[failure.site as usize].span,
        job: None,
        of: Failing::Group,
        line: None,
        place: None,
        reason: failure.reason,
        position: None,
    })
}
