//! The result of a scattered grouping: the groups of a part are found when it is read, once it is
//! known that there are very many.

use super::Plan;
use super::groups::{Finished, Groups};
use super::order::{SORTED_GROUPS_MAX, by_key, fail_first, part_by_hash};
use super::scatter::{Block, PARTS, PARTS_AT_ONCE, Scatter, no_blocks, update_part};
use crate::data::Batch;
use crate::exec::operators::{Output, Pieces, numbered};
use crate::exec::{Error, go_on};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// What all threads have of a part: groups of earlier blocks, and rows among those of the parts
/// that are worked on together, which are freed with the last of them.
struct Rest {
    groups: Vec<Groups>,
    blocks: Arc<Vec<Block>>,
    part: usize,
}

impl Rest {
    fn finish(self, plan: &Plan) -> Finished {
        let groups = self.groups.into_iter().reduce(Groups::merge);
        let mut groups = groups.unwrap_or_else(|| Groups::new(plan));
        update_part(&mut groups, plan, &self.blocks, self.part % PARTS_AT_ONCE);
        groups.finish(plan)
    }
}

/// The parts of all threads.
fn gathered(plan: &Plan, states: Vec<Scatter>) -> Vec<Rest> {
    let mut grouped: Vec<Vec<Groups>> = (0..PARTS).map(|_| vec![]).collect();
    let mut blocks = no_blocks();
    for mut state in states {
        state.scatter(plan);
        for (blocks, more) in blocks.iter_mut().zip(state.blocks) {
            blocks.extend(more);
        }
        for (part, groups) in state.groups.into_iter().flatten().enumerate() {
            grouped[part].push(groups);
        }
    }
    let blocks: Vec<_> = blocks.into_iter().map(Arc::new).collect();
    let rest = |(part, groups): (usize, _)| {
        let blocks = blocks[part / PARTS_AT_ONCE].clone();
        Rest { groups, blocks, part }
    };
    grouped.into_iter().enumerate().map(rest).collect()
}

/// The rows of all groups, in the order of their keys, or, when they are many, of their hashes.
pub(super) fn finish(
    plan: &Arc<Plan>,
    states: Vec<Scatter>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    let mut rest = gathered(plan, states).into_iter();
    let mut finished: Vec<Finished> = vec![];
    let is_many = |parts: &[Finished]| {
        parts.iter().map(|part| part.groups).sum::<usize>() > SORTED_GROUPS_MAX
    };
    while !is_many(&finished) && rest.len() > 0 {
        go_on(stop)?;
        let next: Vec<Rest> = rest.by_ref().take(PARTS_AT_ONCE).collect();
        finished.par_extend(next.into_par_iter().map(|part| part.finish(plan)));
    }
    fail_first(plan, &finished)?;
    if !is_many(&finished) {
        return Ok(by_key(plan, finished).into());
    }
    let ordered = finished.into_par_iter().map(|part| Part::Ordered(part_by_hash(plan, part)));
    let ordered: Vec<Part> = ordered.collect();
    let parts = ordered.into_iter().chain(rest.map(Part::Scattered)).map(Mutex::new).collect();
    Ok(Output::Pieces(Arc::new(Parts { plan: plan.clone(), parts })))
}

/// Very many groups. Those of a part are found when it is read, so that there are never all rows and
/// all groups at once; only then it is known how many there are.
struct Parts {
    plan: Arc<Plan>,
    parts: Vec<Mutex<Part>>,
}

enum Part {
    Scattered(Rest),
    Ordered(Vec<Batch>),
}

impl Pieces for Parts {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn read(&self, piece: usize, is_last: bool) -> Result<Vec<Batch>, Error> {
        let take = || self.parts[piece].lock().unwrap_or_else(PoisonError::into_inner);
        let batches = match std::mem::replace(&mut *take(), Part::Ordered(vec![])) {
            Part::Ordered(batches) => batches,
            Part::Scattered(rest) => {
                let finished = rest.finish(&self.plan);
                fail_first(&self.plan, std::slice::from_ref(&finished))?;
                part_by_hash(&self.plan, finished)
            }
        };
        if !is_last {
            *take() = Part::Ordered(batches.clone());
        }
        Ok(numbered(batches, piece))
    }
}
