//! Running a stage: all threads of the pool take numbered morsels from one dispenser and push what they hold
//! through the operators, depth first, into states and sinks of their own.
//!
//! No queues and no channels: a batch never waits, so memory is threads × (morsel +
//! intermediates) + states. Which stages run when is `run`'s business.

mod checked;
mod dispenser;
mod operator;
mod since;
mod worker;

use super::clock::Tally;
use super::compile::{Action, Compiled};
use super::ordered::OrderedSink;
use super::partition::PartitionCounts;
use super::quarantine::Quarantines;
use super::{Counts, Error};
use crate::connect::{Extent, Source};
use crate::exec::operators::{Breaker, Output, State};
use crate::ir::{JobId, Pipeline};
use crate::plan::{NodeId, Plan};
use crate::store::spool::Spool;
pub use dispenser::Pause;
use dispenser::{Dispenser, HasEnough};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use worker::Worker;

/// Everything that the stages of a run share.
pub struct Execution<'p> {
    /// The program.
    pub pipeline: &'p Pipeline,
    /// Its operators.
    pub plan: &'p Plan,
    /// What each operator is computed by.
    pub nodes: Vec<Compiled>,
    /// Where outputs go, by operator.
    pub sinks: Vec<Option<OrderedSink>>,
    /// What each operator has seen.
    pub counts: Vec<Counts>,
    /// Operators that an earlier stage has run: what they see again is not counted again.
    pub counted: Vec<AtomicBool>,
    /// Operators all of whose rows that were set aside are written, though what they lead to may have
    /// to be run again.
    pub set_aside: Vec<AtomicBool>,
    /// What rules about all rows that do not hold have seen, by the operator that judges.
    pub seen: Mutex<BTreeMap<NodeId, String>>,
    /// Rows of each partition, by job, where the result is partitioned.
    pub partitions: Vec<Option<PartitionCounts>>,
    /// Where rows go that are set aside.
    pub quarantines: Quarantines,
    /// Set to stop all threads at their next morsel.
    pub cancelled: &'p AtomicBool,
    /// Rows read from sources so far, for those who watch.
    pub rows_read: &'p AtomicU64,
    /// How much memory there is, and where states go when it is used up, by operator.
    pub spools: Vec<Arc<Spool>>,
    /// How much of the last file was read, what comes before that counted too.
    pub read: Mutex<Extent>,
    /// What the operators of the stage did, if that is asked for.
    pub tallies: Option<Mutex<Vec<Tally>>>,
}

/// Where a stage begins.
pub enum Root<'r> {
    /// A scan; the columns of its morsels stand at these places of a row of that many columns.
    Scan {
        /// What gives the morsels.
        source: &'r dyn Source,
        /// Where the read columns stand.
        places: Vec<usize>,
        /// Columns of the row.
        width: usize,
        /// How much of the file that comes next was read before.
        before: Extent,
    },
    /// The result of an earlier stage, and whether no later one reads it.
    Result(Output, bool),
}

/// Why a stage stopped.
pub struct Stopped {
    /// The root whose rows were read, by its place.
    pub root: usize,
    /// Whose failure it is; none if it is that of the root.
    pub by: Option<By>,
    /// What is wrong.
    pub error: Error,
}

/// What has failed in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An operator.
    Operator(NodeId),
    /// A job, whose time is up.
    Job(JobId),
    /// What all operators share: where rows are set aside.
    All,
}

/// What came of a stage.
pub struct Ran {
    /// The states of what ends it.
    pub states: States,
    /// Has it paused, so that more may come?
    pub is_paused: bool,
}

/// The states of the breakers that end a stage, by operator.
pub type States = Vec<Vec<Box<dyn State>>>;

impl Execution<'_> {
    /// Runs the operators that lead from the roots to the ends of a stage over all their morsels, one
    /// root after the other. If it may, it ends before the end of its input, once nothing of it
    /// needs more. With a pause, for which it must not, it may have to go on with what is left.
    pub fn run_stage(
        &self,
        roots: &[(NodeId, Root)],
        active: &BTreeSet<NodeId>,
        may_end_early: bool,
        pause: Option<Pause>,
    ) -> Result<Ran, Stopped> {
        let sinks = active.iter().filter_map(|node| self.sinks[node.at()].as_ref());
        sinks.for_each(OrderedSink::begin);
        let limits = if may_end_early { self.limits(active) } else { None };
        let has_enough = limits.as_ref().map(|limits| {
            || limits.iter().all(|limit| limit.has_enough().is_some_and(|enough| enough))
        });
        let has_enough = has_enough.as_ref().map(|has_enough| has_enough as &HasEnough);
        let workers: Mutex<Vec<Worker>> = Mutex::new(vec![]);
        let (mut first, mut is_paused) = (0, false);
        for (at, (root, begin)) in roots.iter().enumerate() {
            if at > 0 && has_enough.is_some_and(|has_enough| has_enough()) {
                break;
            }
            let dispenser = Dispenser::new(first, has_enough, pause);
            let (files, before) = match begin {
                Root::Scan { source, before, .. } => (source.files(), *before),
                Root::Result(..) => (&[][..], Extent::default()),
            };
            self.quarantines.begin(files, first, before);
            // A thread that waits for others in the middle of a morsel may do other work meanwhile, and
            // must not take up the part of a thread that has not begun: its first morsel could wait
            // for the one that lies under it.
            let threads = rayon::current_num_threads();
            let all_have_begun = Barrier::new(threads);
            let work = || {
                all_have_begun.wait();
                let idle = workers.lock().expect("no thread panics holding it").pop();
                let mut worker = idle.unwrap_or_else(|| self.new_worker());
                self.work(*root, begin, active, &dispenser, &mut worker);
                workers.lock().expect("no thread panics holding it").push(worker);
            };
            if threads == 1 {
                work();
            } else {
                rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
            }
            let mut workers = workers.lock().expect("no thread panics holding it");
            if let Some(tallies) = &self.tallies {
                let mut tallies = tallies.lock().expect("no thread panics holding it");
                workers.iter().for_each(|worker| worker.clock.give_to(&mut tallies));
            }
            self.check(&mut workers, first, before).map_err(|(by, error)| Stopped {
                root: at,
                by,
                error,
            })?;
            first += dispenser.given();
            is_paused = dispenser.is_paused();
        }
        let mut states: States = (0..self.nodes.len()).map(|_| vec![]).collect();
        for worker in workers.into_inner().expect("no thread panics holding it") {
            for (at, state) in worker.states.into_iter().enumerate() {
                states[at].extend(state);
            }
        }
        Ok(Ran { states, is_paused })
    }

    /// What ends the stage, if it is something that may have enough, and nothing else.
    fn limits(&self, active: &BTreeSet<NodeId>) -> Option<Vec<&dyn Breaker>> {
        let is_end = |node: &&NodeId| {
            let mut consumers = self.plan.node(**node).consumers.iter();
            !consumers.any(|consumer| active.contains(consumer))
        };
        let limit = |end: &NodeId| match &self.nodes[end.at()].action {
            Action::Break(operator) => operator.has_enough().map(|_| &**operator),
            _ => None,
        };
        active.iter().filter(is_end).map(limit).collect()
    }

    /// Fails when a thread has; the morsels of the table that was read were numbered from `first`.
    fn check(
        &self,
        workers: &mut [Worker],
        first: u64,
        before: Extent,
    ) -> Result<(), (Option<By>, Error)> {
        let mut error: Option<(u64, Option<By>, Error)> = None;
        let mut extents: Vec<(u64, Extent)> = vec![];
        for worker in workers {
            worker.origin = None;
            extents.append(&mut worker.extents);
            // Of several errors the one first in the input is told, whatever the threads.
            error = match (error, worker.error.take()) {
                (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
                (a, b) => a.or(b),
            };
        }
        let Some((_, by, error)) = error else {
            let mut read = before;
            for (_, extent) in &extents {
                if extent.file > read.file {
                    read = Extent { file: extent.file, ..Extent::default() };
                }
                if extent.file == read.file {
                    read.records += extent.records;
                    read.lines += extent.lines;
                }
            }
            *self.read.lock().unwrap_or_else(PoisonError::into_inner) = read;
            let is_cancelled = self.cancelled.load(Relaxed);
            return if is_cancelled { Err((None, Error::Cancelled)) } else { Ok(()) };
        };
        extents.sort_by_key(|(number, _)| *number);
        let known = (first..).zip(&extents).take_while(|(at, (number, _))| at == number);
        let extents: Vec<Extent> = known.map(|(_, (_, extent))| *extent).collect();
        Err((by, error.located(&extents, first, before)))
    }
}
