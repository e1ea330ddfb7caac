//! In which order groups come: one that depends on the groups alone, not on the threads that found
//! them.

use super::Plan;
use super::groups::Finished;
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::BATCH_ROWS_MAX;
use crate::exec::gather::{gather_batches, row_ref, slice_batch, take_batch, take_rows};
use crate::exec::order::{Direction, RowOrder};
use crate::functions::kernel::{Failure, Operand};
use rayon::prelude::*;

/// So many groups are sorted by their keys. More are not: their rows would be fetched one by one
/// from all over the memory. Also the language's users are told this number.
pub(super) const SORTED_GROUPS_MAX: usize = 1 << 20;

/// Hashes are put into at most so many places before they are sorted.
const PLACE_BITS_MAX: u32 = 16;

/// The rows of all groups in the order of their keys, or, when they are many, of their hashes.
pub(super) fn ordered(plan: &Plan, groups: Finished) -> Result<Vec<Batch>, Error> {
    fail_first(plan, std::slice::from_ref(&groups))?;
    if groups.groups <= SORTED_GROUPS_MAX {
        return Ok(by_key(plan, vec![groups]));
    }
    let batches = part_by_hash(plan, groups).into_iter().enumerate();
    Ok(batches.map(|(at, batch)| Batch::new(batch.columns, batch.rows, at as u64)).collect())
}

/// Fails with the first group of these parts that fails.
pub(super) fn fail_first(plan: &Plan, parts: &[Finished]) -> Result<(), Error> {
    let failed = parts.iter().filter_map(|part| first_failed(plan, part)).collect();
    first_failure(plan, failed).map_or(Ok(()), Err)
}

/// The rows of all parts in the order of their keys.
pub(super) fn by_key(plan: &Plan, parts: Vec<Finished>) -> Vec<Batch> {
    let batches: Vec<Batch> = parts
        .into_iter()
        .enumerate()
        .map(|(part, finished)| Batch::new(finished.columns, finished.groups, part as u64))
        .collect();
    gather_batches(&batches, &order_of(plan, &batches).sort())
}

/// The rows of a part in the order of their hashes. Equal hashes are rare, and their groups are in
/// the order of the keys.
pub(super) fn part_by_hash(plan: &Plan, part: Finished) -> Vec<Batch> {
    let mut order = sorted_hashes(&part.hashes);
    drop(part.hashes);
    let batch = Batch::new(part.columns, part.groups, 0);
    if order.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        let by_key = order_of(plan, std::slice::from_ref(&batch));
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

/// Hashes and the rows that have them, sorted. They are spread evenly over their range, so that their
/// upper bits nearly say where each belongs.
fn sorted_hashes(hashes: &[u64]) -> Vec<(u64, u32)> {
    let (Some(&least), Some(&most)) = (hashes.iter().min(), hashes.iter().max()) else {
        return vec![];
    };
    let bits = hashes.len().ilog2().min(PLACE_BITS_MAX);
    let shift = (64 - (most - least).leading_zeros()).saturating_sub(bits);
    let place_of = |hash: u64| ((hash - least) >> shift) as usize;
    let mut next = vec![0; place_of(most) + 2];
    hashes.iter().for_each(|&hash| next[place_of(hash) + 1] += 1);
    for place in 1..next.len() {
        next[place] += next[place - 1];
    }
    let mut order = vec![(0, 0); hashes.len()];
    for (row, &hash) in hashes.iter().enumerate() {
        let next = &mut next[place_of(hash)];
        order[*next] = (hash, row as u32);
        *next += 1;
    }
    let is_same_place = |a: &(u64, u32), b: &(u64, u32)| place_of(a.0) == place_of(b.0);
    order.par_chunk_by_mut(is_same_place).for_each(<[_]>::sort_unstable);
    order
}

/// The order of rows by their keys, which are their first columns.
pub(super) fn order_of(plan: &Plan, batches: &[Batch]) -> RowOrder {
    let keys = |batch: &Batch| -> Vec<Operand> {
        batch.columns[..plan.keys.len()].iter().cloned().map(Operand::column).collect()
    };
    let keys: Vec<Vec<Operand>> = batches.iter().map(keys).collect();
    let rows: Vec<_> =
        keys.iter().zip(batches).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
    RowOrder::new(&rows, &vec![Direction::default(); plan.keys.len()])
}

/// A group whose aggregates could not be had: its key as a batch of one row, and why.
pub(super) type Failed = (Batch, Failure);

/// The first of a part that failed, in the order of the keys.
pub(super) fn first_failed(plan: &Plan, part: &Finished) -> Option<Failed> {
    if part.failures.is_empty() {
        return None;
    }
    let rows: Vec<u32> = part.failures.iter().map(|failure| failure.row).collect();
    let keys = part.columns[..plan.keys.len()].iter().map(|key| take_rows(key, &rows)).collect();
    let keys = Batch::new(keys, rows.len(), 0);
    let order = order_of(plan, std::slice::from_ref(&keys));
    let (at, failure) = part.failures.iter().enumerate().min_by(|a, b| {
        order.compare(row_ref(0, a.0), row_ref(0, b.0)).then(a.1.site.cmp(&b.1.site))
    })?;
    Some((take_batch(&keys, &[at as u32]), failure.clone()))
}

/// The failure of the first group that has one, whatever the threads.
pub(super) fn first_failure(plan: &Plan, failed: Vec<Failed>) -> Option<Error> {
    let (keys, failures): (Vec<Batch>, Vec<Failure>) = failed.into_iter().unzip();
    let order = order_of(plan, &keys);
    let by_key = |a: &(usize, Failure), b: &(usize, Failure)| {
        order.compare(row_ref(a.0, 0), row_ref(b.0, 0))
    };
    let (at, failure) = failures.into_iter().enumerate().min_by(by_key)?;
    let columns = keys[at].columns.iter().cloned().zip(plan.keys.iter().cloned());
    let span = plan.aggregates[failure.site as usize].span;
    Some(Error::of_group((span, &failure.reason), "the group", columns, 0))
}

#[cfg(test)]
mod tests {
    use super::sorted_hashes;
    use crate::exec::keys::hash;

    #[test]
    fn hashes_are_sorted_wherever_they_are() {
        let spread: Vec<u64> = (0..200_000).map(|at| hash(&[at])).collect();
        let part: Vec<u64> = spread.iter().map(|hash| 7 << 56 | hash >> 8).collect();
        let few = vec![u64::MAX, 0, 5, 5, u64::MAX, 1];
        let uneven: Vec<u64> =
            (0..1000).map(|at| if at == 7 { u64::MAX } else { 1000 - at }).collect();
        for hashes in [spread, part, few, uneven, vec![3, 3, 3], vec![9], vec![]] {
            let mut expected: Vec<(u64, u32)> = hashes.iter().copied().zip(0..).collect();
            expected.sort_unstable();
            assert_eq!(sorted_hashes(&hashes), expected);
        }
    }
}
