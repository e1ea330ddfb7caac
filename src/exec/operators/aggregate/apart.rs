//! Very many groups of several threads: they stay where they were found, and only those that two
//! threads have are merged. One table over all of them would be filled by one thread, and would take
//! as much memory again.

use super::Plan;
use super::groups::{Finished, Groups};
use super::order::{SORTED_GROUPS_MAX, fail_first, order_of};
use crate::data::Batch;
use crate::exec::gather::{RowRef, batch_and_row, row_ref};
use crate::exec::operators::Output;
use crate::exec::operators::gathered::Gathered;
use crate::exec::table::GroupTable;
use crate::exec::{Error, go_on};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// About so many groups are compared at a time, in a table that fits into the second cache.
const PART_GROUPS: usize = 1 << 15;
const PART_BITS_MAX: u32 = 8;

/// The groups of one part of all hashes: `batch` of a reference is the thread that found it.
struct Part {
    /// The first of each key, with its hash.
    kept: Vec<(u64, RowRef)>,
    /// Others, each behind the one of the same key that is kept.
    others: Vec<(RowRef, RowRef)>,
}

impl Part {
    fn new(plan: &Plan, tables: &[&GroupTable], numbers: &[&[u32]]) -> Part {
        let mut table = GroupTable::new(&plan.keys);
        table.reserve(numbers.iter().map(|numbers| numbers.len()).sum());
        let (mut kept, mut others, mut found) = (vec![], vec![], vec![]);
        for (thread, (from, numbers)) in tables.iter().zip(numbers).enumerate() {
            table.insert_from(from, numbers, &mut found);
            for (&number, &key) in numbers.iter().zip(&found) {
                let group = row_ref(thread, number as usize);
                match kept.get(key as usize) {
                    Some(&first) => others.push((first, group)),
                    None => kept.push(group),
                }
            }
        }
        Part { kept: table.hashes().zip(kept).collect(), others }
    }
}

/// The rows of all groups, in the order of their keys, or, when they are many, of their hashes.
pub(super) fn finish(
    plan: &Plan,
    mut all: Vec<Groups>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    let groups: usize = all.iter().map(Groups::len).sum();
    let bits = (groups / PART_GROUPS).next_power_of_two().ilog2().min(PART_BITS_MAX);
    let tables: Vec<&GroupTable> = all.iter().map(Groups::table).collect();
    let numbers: Vec<Vec<Vec<u32>>> = tables.par_iter().map(|table| table.parts(bits)).collect();
    let mut parts: Vec<Part> = (0..1 << bits)
        .into_par_iter()
        .map(|part| {
            let numbers: Vec<&[u32]> = numbers.iter().map(|parts| &*parts[part]).collect();
            go_on(stop).map(|()| Part::new(plan, &tables, &numbers))
        })
        .collect::<Result<_, Error>>()?;
    drop(numbers);
    let is_gone = merge(&mut all, &parts);
    go_on(stop)?;
    let finish = |groups: Groups| groups.finish_unhashed(plan);
    let finished: Vec<Finished> = all.into_par_iter().map(finish).collect();
    fail_first(plan, &finished)?;
    let as_batch = |finished: Finished| Batch::new(finished.columns, finished.groups, 0);
    let batches: Vec<Batch> = finished.into_iter().map(as_batch).collect();
    let kept: usize = parts.iter().map(|part| part.kept.len()).sum();
    let order = if kept <= SORTED_GROUPS_MAX {
        let mut order = order_of(plan, &batches).sort_until(stop);
        order.retain(|&group| {
            let (thread, number) = batch_and_row(group);
            !is_gone[thread][number]
        });
        order
    } else {
        parts.par_iter_mut().for_each(|part| sort_by_hash(plan, &batches, &mut part.kept));
        parts.into_iter().flat_map(|part| part.kept).map(|(_, group)| group).collect()
    };
    go_on(stop)?;
    Ok(Gathered::output(batches, order))
}

/// Has the states of groups that several threads have merged; says of which thread which groups
/// are then in another one.
fn merge(all: &mut [Groups], parts: &[Part]) -> Vec<Vec<bool>> {
    let mut is_gone: Vec<Vec<bool>> = all.iter().map(|groups| vec![false; groups.len()]).collect();
    // Of each pair of threads, the groups of both.
    let mut pairs = vec![vec![vec![]; all.len()]; all.len()];
    for &(first, other) in parts.iter().flat_map(|part| &part.others) {
        let ((into, kept), (from, gone)) = (batch_and_row(first), batch_and_row(other));
        is_gone[from][gone] = true;
        pairs[into][from].push((kept as u32, gone as u32));
    }
    for (into, of_others) in pairs.into_iter().enumerate() {
        for (from, pairs) in of_others.into_iter().enumerate().filter(|(_, own)| !own.is_empty()) {
            // What is kept was found first, by a thread of a lower number.
            let (lower, higher) = all.split_at_mut(from);
            lower[into].merge_some(&mut higher[0], &pairs);
        }
    }
    is_gone
}

/// Equal hashes are rare, and their groups are in the order of the keys.
fn sort_by_hash(plan: &Plan, batches: &[Batch], groups: &mut [(u64, RowRef)]) {
    groups.sort_unstable();
    if groups.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        let by_key = order_of(plan, batches);
        groups.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(by_key.compare(a.1, b.1)));
    }
}
