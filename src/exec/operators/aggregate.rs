//! `group by`: one row for each distinct key, in the order of the keys, nulls last; when there are
//! very many, in the order of their hashes, which needs no sort of everything ([`order`]).
//!
//! Each thread has a table of its own, and the tables are merged in the end. That is slow when
//! nearly every row is a group of its own: the tables are then larger than any cache. So after
//! the first rows it is decided, once for all threads, whether rows are rather scattered by the
//! hash of their key, to be grouped part by part ([`scatter`], [`parts`]). The result is the same: aggregates
//! do not depend on the order of merges. When memory is used up, groups go to disk ([`spill`]).

mod apart;
mod groups;
mod order;
mod parts;
mod scatter;
mod spill;

use super::collected::{compact_operands, downcast};
use super::parted::PartedFile;
use super::{Breaker, Output, State};
use crate::data::{Batch, Positions};
use crate::exec::gather::bytes_of;
use crate::exec::{Error, go_on};
use crate::functions::kernel::{NewAccumulator, Operand};
use crate::store::spool::Spool;
use crate::text::Span;
use crate::types::Type;
use arrow_array::ArrayRef;
use groups::Groups;
use rayon::prelude::*;
use scatter::Scatter;
use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// So many rows of a thread are seen before it is decided how to go on.
const SAMPLE_ROWS: usize = 100_000;
/// So many rows are enough where each group has many: they need not be kept for longer.
const CLEAR_ROWS: usize = 10_000;
const CLEAR_ROWS_PER_GROUP: usize = 16;
/// Rows are scattered if the sample has more groups than fit into the second cache ...
const SCATTER_GROUPS_MIN: usize = 1 << 16;
/// ... and not so many rows for each group that it pays to keep only groups.
const SCATTER_ROWS_PER_GROUP_MAX: usize = 2;

/// So many groups of all threads are worth the effort not to bring them into one table.
const APART_GROUPS_MIN: usize = 1 << 17;

/// An aggregate of the operator.
pub struct AggregateColumn {
    /// Makes its accumulators.
    pub new: NewAccumulator,
    /// How many of the values are its arguments.
    pub arguments: usize,
    /// The call, for its failures.
    pub span: Span,
}

/// Groups. Its values: the keys, then the arguments of each aggregate; its columns: the keys,
/// then the aggregates. Without keys there is one row, whatever comes in.
pub struct Aggregate {
    plan: Arc<Plan>,
}

/// What all states of an operator share.
struct Plan {
    keys: Vec<Type>,
    aggregates: Vec<AggregateColumn>,
    /// Does any of them look at positions?
    uses_positions: bool,
    is_scattered: OnceLock<bool>,
    /// So many groups of all threads stay where they were found.
    apart_min: usize,
}

impl Aggregate {
    /// An operator with keys of these types and these aggregates.
    pub fn new(keys: Vec<Type>, aggregates: Vec<AggregateColumn>) -> Aggregate {
        let uses_positions = aggregates.iter().any(|column| (column.new)().uses_positions());
        let (is_scattered, apart_min) = (OnceLock::new(), APART_GROUPS_MIN);
        let plan = Plan { keys, aggregates, uses_positions, is_scattered, apart_min };
        Aggregate { plan: Arc::new(plan) }
    }
}

/// The values of a batch and where its rows stood.
struct Input {
    values: Vec<Operand>,
    rows: usize,
    positions: Positions,
}

impl Input {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let values: Vec<ArrayRef> = self.values.iter().map(|value| value.array.clone()).collect();
        bytes_of(&values)
    }
}

/// The groups of one thread.
struct Grouping {
    plan: Arc<Plan>,
    phase: Phase,
    /// What is on disk.
    spilled: Option<PartedFile>,
}

enum Phase {
    /// Groups of the sample, and the sample itself, in case it is to be scattered.
    Sampling {
        groups: Groups,
        sample: Vec<Input>,
        rows: usize,
        bytes: usize,
    },
    Grouped(Groups),
    Scattered(Scatter),
}

impl State for Grouping {
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        let mut input = Input { values, rows: batch.rows, positions: batch.positions };
        match &mut self.phase {
            Phase::Sampling { groups, sample, rows, bytes: held } => {
                groups.update(&self.plan, &input);
                // It is kept for a while, and a few texts must not keep pieces of a file.
                compact_operands(&mut input.values);
                *rows += input.rows;
                *held += input.bytes();
                sample.push(input);
                let is_clear = *rows >= CLEAR_ROWS && groups.len() < *rows / CLEAR_ROWS_PER_GROUP;
                if is_clear || *rows >= SAMPLE_ROWS || self.plan.is_scattered.get().is_some() {
                    self.decide();
                }
            }
            Phase::Grouped(groups) => groups.update(&self.plan, &input),
            Phase::Scattered(scatter) => scatter.push(&self.plan, input),
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        match &self.phase {
            Phase::Sampling { groups, bytes, .. } => groups.bytes() + bytes,
            Phase::Grouped(groups) => groups.bytes(),
            Phase::Scattered(scatter) => scatter.bytes(),
        }
    }

    fn saved_bytes(&self) -> usize {
        match &self.phase {
            Phase::Sampling { groups, .. } | Phase::Grouped(groups) => groups.bytes(),
            Phase::Scattered(scatter) => scatter.bytes(),
        }
    }

    fn spill(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<bool, Error> {
        // Without keys there is one group, which would have to be in memory whole in the end.
        if self.plan.keys.is_empty() {
            return Ok(false);
        }
        self.decide();
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(PartedFile::new(spool)?),
        };
        let plan = &self.plan;
        match &mut self.phase {
            Phase::Grouped(groups) => {
                spill::write(std::mem::replace(groups, Groups::new(plan)), 0, file, stop)?;
            }
            Phase::Scattered(scatter) => {
                scatter.drain(plan, |groups| spill::write(groups, 0, file, stop))?;
            }
            Phase::Sampling { .. } => unreachable!("it was decided"),
        }
        Ok(true)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Grouping {
    /// Ends the sample as was, or now is, decided for all threads.
    fn decide(&mut self) {
        let Phase::Sampling { groups, sample, rows, .. } = &mut self.phase else { return };
        let is_scattered = *self.plan.is_scattered.get_or_init(|| {
            groups.len() > SCATTER_GROUPS_MIN && *rows < groups.len() * SCATTER_ROWS_PER_GROUP_MAX
        });
        self.phase = if is_scattered {
            let mut scatter = Scatter::new(&self.plan);
            for input in sample.drain(..) {
                scatter.push(&self.plan, input);
            }
            Phase::Scattered(scatter)
        } else {
            let empty = Groups::new(&self.plan);
            Phase::Grouped(std::mem::replace(groups, empty))
        };
    }
}

impl Breaker for Aggregate {
    fn state(&self) -> Box<dyn State> {
        let groups = Groups::new(&self.plan);
        let phase = Phase::Sampling { groups, sample: vec![], rows: 0, bytes: 0 };
        Box::new(Grouping { plan: self.plan.clone(), phase, spilled: None })
    }

    fn can_be_saved(&self) -> bool {
        !self.plan.uses_positions
    }

    fn save(&self, states: Vec<Box<dyn State>>) -> Result<Vec<Vec<ArrayRef>>, Vec<Box<dyn State>>> {
        let states: Vec<Grouping> = states.into_iter().map(downcast::<Grouping>).collect();
        if states.iter().any(|state| state.spilled.is_some()) {
            return Err(states.into_iter().map(|state| Box::new(state) as _).collect());
        }
        let mut saved = vec![];
        let mut save = |groups: Groups| {
            if groups.len() > 0 {
                saved.push(groups.save().columns);
            }
            Ok(())
        };
        for mut state in states {
            state.decide();
            match state.phase {
                Phase::Grouped(groups) => save(groups),
                Phase::Scattered(mut scatter) => scatter.drain(&self.plan, &mut save),
                Phase::Sampling { .. } => unreachable!("it was decided"),
            }
            .expect("nothing is written");
        }
        Ok(saved)
    }

    fn load(&self, saved: &[Vec<ArrayRef>]) -> Box<dyn State> {
        let mut groups = Groups::new(&self.plan);
        saved.iter().for_each(|saved| groups.load(&self.plan, saved));
        let phase = Phase::Grouped(groups);
        Box::new(Grouping { plan: self.plan.clone(), phase, spilled: None })
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        self.plan.is_scattered.get_or_init(|| false);
        let mut states: Vec<Grouping> = states.into_iter().map(downcast::<Grouping>).collect();
        let spool = states.iter().flat_map(|state| &state.spilled).next().map(PartedFile::spool);
        if let Some(spool) = spool.cloned() {
            // What one thread holds may be as much as all others have written.
            states.iter_mut().try_for_each(|state| state.spill(&spool, stop).map(drop))?;
            let spilled = states.into_iter().filter_map(|state| state.spilled).collect();
            return spill::finish(&self.plan, spilled, &spool, stop);
        }
        let (mut grouped, mut scattered) = (vec![], vec![]);
        for mut state in states {
            state.decide();
            match state.phase {
                Phase::Grouped(groups) => grouped.push(groups),
                Phase::Scattered(scatter) => scattered.push(scatter),
                Phase::Sampling { .. } => unreachable!("it was decided"),
            }
        }
        if !scattered.is_empty() {
            return parts::finish(&self.plan, scattered, stop);
        }
        let groups: usize = grouped.iter().map(Groups::len).sum();
        let can_stay = grouped.len() > 1 && grouped.iter().all(Groups::can_merge_some);
        if can_stay && groups >= self.plan.apart_min {
            return apart::finish(&self.plan, grouped, stop);
        }
        let groups = merge_all(grouped, stop)?.unwrap_or_else(|| Groups::new(&self.plan));
        Ok(order::ordered(&self.plan, groups.finish(&self.plan))?.into())
    }
}

/// Merges the groups of all threads, two by two.
fn merge_all(mut all: Vec<Groups>, stop: &AtomicBool) -> Result<Option<Groups>, Error> {
    while all.len() > 1 {
        go_on(stop)?;
        let mut pairs = vec![];
        while let Some(groups) = all.pop() {
            pairs.push((groups, all.pop()));
        }
        all = pairs
            .into_par_iter()
            .map(|(groups, other)| match other {
                Some(other) => groups.merge(other),
                None => groups,
            })
            .collect();
    }
    Ok(all.pop())
}

#[cfg(test)]
mod tests;
