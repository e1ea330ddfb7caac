//! Running a stage: all threads take numbered morsels from one dispenser and push what they hold
//! through the operators, depth first, into states and sinks of their own.
//!
//! No queues and no channels: a batch never waits, so memory is threads × (morsel +
//! intermediates) + states. Which stages run when is `run`'s business.

use super::compile::{Action, Compiled, Probe};
use super::ordered::OrderedSink;
use super::partition::PartitionCounts;
use super::quarantine::Quarantines;
use super::rejects::{Origin, Reject, Routed};
use super::rows::hollow;
use super::{Counts, Error};
use crate::connect::{ConnectError, Extent, Morsel, Piece, Rows, Source};
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::exec::operators::join::JoinProbe;
use crate::exec::operators::{Output, State, Streaming};
use crate::expr::Registers;
use crate::functions::kernel::{Failure, Operand};
use crate::ir::Pipeline;
use crate::plan::{NodeId, Plan};
use crate::store::spool::Spool;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex};

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
    /// Rows of each partition, by job, where the result is partitioned.
    pub partitions: Vec<Option<PartitionCounts>>,
    /// Where rows go that are set aside.
    pub quarantines: Quarantines,
    /// Set to stop all threads at their next morsel.
    pub cancelled: &'p AtomicBool,
    /// Rows read from sources so far, for those who watch.
    pub rows_read: &'p AtomicU64,
    /// Threads.
    pub threads: usize,
    /// How much memory there is, and where states go when it is used up.
    pub spool: Arc<Spool>,
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
    },
    /// The result of an earlier stage.
    Result(Output),
}

/// The states of the breakers that end a stage, by operator.
pub type States = Vec<Vec<Box<dyn State>>>;

/// Gives every morsel of a table to one thread.
struct Dispenser {
    /// The number of the first morsel: those of the tables before it come first.
    first: u64,
    /// Morsels that were given.
    next: AtomicU64,
    /// Morsels are numbered under this lock, so that numbers follow the order of the input.
    order: Mutex<()>,
    /// Set when a thread has failed.
    stop: AtomicBool,
}

impl Dispenser {
    fn take(&self, source: &dyn Source) -> Result<Option<(u64, Box<dyn Morsel>)>, ConnectError> {
        let _guard = self.order.lock().expect("no thread panics holding it");
        let morsel = source.next()?;
        Ok(morsel.map(|morsel| (self.first + self.next.fetch_add(1, Relaxed), morsel)))
    }

    /// The next of so many pieces, and its number in the stage.
    fn take_of(&self, pieces: usize) -> Option<(usize, u64)> {
        let piece = self.next.fetch_add(1, Relaxed);
        ((piece as usize) < pieces).then_some((piece as usize, self.first + piece))
    }
}

/// One thread's part.
struct Worker {
    registers: Registers,
    states: Vec<Option<Box<dyn State>>>,
    /// The morsel at hand.
    number: u64,
    /// The part of a source that it is, if it is one.
    origin: Option<Origin>,
    /// What it has encoded so far.
    pieces: Pieces,
    /// What it has set aside so far.
    rejects: Vec<Reject>,
    rejects_bytes: usize,
    /// The parts of the rows of the batch at hand, if its result has parts.
    parts: Option<Arc<Vec<u32>>>,
    extents: Vec<(u64, Extent)>,
    error: Option<(u64, Error)>,
}

/// What a morsel has encoded for the sinks.
struct Pieces {
    /// By operator, with their parts.
    of: Vec<Vec<(u32, Piece)>>,
    /// Rows of the whole morsel, by operator.
    rows: Vec<u64>,
    bytes: usize,
}

/// Bytes of rows set aside that a morsel may hold. The order of lines depends on it, so it must not
/// depend on how the pipeline is run.
const REJECTS_MAX: usize = 16 << 20;

impl Execution<'_> {
    /// Runs the operators that lead from the roots to the ends of a stage over all their morsels, one
    /// root after the other. When it fails, says at which of them.
    pub fn run_stage(
        &self,
        roots: &[(NodeId, Root)],
        active: &BTreeSet<NodeId>,
    ) -> Result<States, (usize, Error)> {
        let workers: Mutex<Vec<Worker>> = Mutex::new(vec![]);
        let mut first = 0;
        for (at, (root, begin)) in roots.iter().enumerate() {
            let dispenser = Dispenser {
                first,
                next: AtomicU64::new(0),
                order: Mutex::new(()),
                stop: AtomicBool::new(false),
            };
            let files = if let Root::Scan { source, .. } = begin { source.files() } else { &[] };
            self.quarantines.begin(files, first);
            // A thread that waits for others in the middle of a morsel may do other work meanwhile, and
            // must not take up the part of a thread that has not begun: its first morsel could wait
            // for the one that lies under it.
            let all_have_begun = Barrier::new(self.threads);
            let work = || {
                all_have_begun.wait();
                let idle = workers.lock().expect("no thread panics holding it").pop();
                let mut worker = idle.unwrap_or_else(|| self.new_worker());
                self.work(*root, begin, active, &dispenser, &mut worker);
                workers.lock().expect("no thread panics holding it").push(worker);
            };
            if self.threads == 1 {
                work();
            } else {
                rayon::scope(|scope| (0..self.threads).for_each(|_| scope.spawn(|_| work())));
            }
            let mut workers = workers.lock().expect("no thread panics holding it");
            self.check(&mut workers, first).map_err(|error| (at, error))?;
            first += match begin {
                Root::Scan { .. } => dispenser.next.into_inner(),
                Root::Result(Output::Batches(batches)) => batches.len() as u64,
                Root::Result(Output::Pieces(pieces)) => pieces.count() as u64,
            };
        }
        let mut states: States = (0..self.nodes.len()).map(|_| vec![]).collect();
        for worker in workers.into_inner().expect("no thread panics holding it") {
            for (at, state) in worker.states.into_iter().enumerate() {
                states[at].extend(state);
            }
        }
        Ok(states)
    }

    fn new_worker(&self) -> Worker {
        Worker {
            registers: Registers::default(),
            states: (0..self.nodes.len()).map(|_| None).collect(),
            number: 0,
            origin: None,
            pieces: Pieces {
                of: self.sinks.iter().map(|_| vec![]).collect(),
                rows: vec![0; self.sinks.len()],
                bytes: 0,
            },
            rejects: vec![],
            rejects_bytes: 0,
            parts: None,
            extents: vec![],
            error: None,
        }
    }

    fn work(
        &self,
        root: NodeId,
        begin: &Root,
        active: &BTreeSet<NodeId>,
        dispenser: &Dispenser,
        worker: &mut Worker,
    ) {
        while !dispenser.stop.load(Relaxed) && !self.cancelled.load(Relaxed) {
            let taken = match begin {
                Root::Result(Output::Batches(batches)) => {
                    let Some((at, number)) = dispenser.take_of(batches.len()) else { return };
                    worker.number = number;
                    let batch = batches[at].clone().moved_by(dispenser.first);
                    (number, self.give(root, batch, active, worker))
                }
                Root::Result(Output::Pieces(pieces)) => {
                    let Some((at, number)) = dispenser.take_of(pieces.count()) else { return };
                    worker.number = number;
                    let give = |batches: Vec<Batch>| {
                        let batches = batches.into_iter();
                        let mut batches = batches.map(|batch| batch.moved_by(dispenser.first));
                        batches.try_for_each(|batch| self.give(root, batch, active, worker))
                    };
                    (number, pieces.read(at).and_then(give))
                }
                Root::Scan { source, places, width } => match dispenser.take(*source) {
                    Ok(Some((number, morsel))) => {
                        worker.number = number;
                        let places = (&places[..], *width);
                        (number, self.read(root, number, morsel, places, active, worker))
                    }
                    Ok(None) => return,
                    Err(error) => (u64::MAX - 1, Err(error.into())),
                },
            };
            let (number, result) = taken;
            let result = result.and_then(|()| self.hand_over(number, active, worker));
            if let Err(error) = result {
                dispenser.stop.store(true, Relaxed);
                self.quarantines.fail(number, std::mem::take(&mut worker.rejects));
                for sink in self.sinks.iter().flatten() {
                    sink.abort();
                }
                worker.error = Some((number, error));
                return;
            }
        }
    }

    /// Reads a morsel of a scan and pushes its rows.
    fn read(
        &self,
        root: NodeId,
        number: u64,
        morsel: Box<dyn Morsel>,
        places: (&[usize], usize),
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let mut rows = 0;
        let mut failed = None;
        let extent = morsel.read(&mut |mut read| {
            let start = (number << POSITION_ROW_BITS) + rows;
            rows += read.batch.rows as u64;
            read.batch.positions = Positions::Range(start);
            failed = self.scanned(root, read, places, active, worker).err();
            failed.is_none()
        });
        if let Ok(extent) = extent {
            worker.extents.push((number, extent));
        }
        match failed {
            Some(error) => Err(error),
            None => extent.map(drop).map_err(Error::from),
        }
    }

    /// Gives the sinks of this stage what the morsel encoded for them, also when that is nothing,
    /// and what it set aside to the quarantines.
    fn hand_over(
        &self,
        number: u64,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        worker.pieces.bytes = 0;
        for (at, sink) in self.sinks.iter().enumerate() {
            if let Some(sink) = sink.as_ref().filter(|_| active.contains(&NodeId(at as u32))) {
                let pieces = std::mem::take(&mut worker.pieces.of[at]);
                sink.put(number, pieces, std::mem::take(&mut worker.pieces.rows[at]))?;
            }
        }
        worker.rejects_bytes = 0;
        let last = worker.extents.last().filter(|(of, _)| *of == number);
        let extent = last.map(|(_, extent)| *extent);
        self.quarantines.put(number, std::mem::take(&mut worker.rejects), extent)
    }

    /// Gives the sinks what the morsel has encoded so far: it has become more than a thread may
    /// hold.
    fn flush_pieces(&self, worker: &mut Worker) -> Result<(), Error> {
        worker.pieces.bytes = 0;
        for (pieces, sink) in worker.pieces.of.iter_mut().zip(&self.sinks) {
            if let Some(sink) = sink.as_ref().filter(|_| !pieces.is_empty()) {
                *pieces = sink.flush(worker.number, std::mem::take(pieces))?;
            }
        }
        Ok(())
    }

    /// A batch of a scan: to the jobs that read it, each with its say on what could not be read.
    fn scanned(
        &self,
        root: NodeId,
        read: Rows,
        (places, width): (&[usize], usize),
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let rows = read.batch.rows;
        worker.origin = Some(Origin { file: read.file, lines: read.lines });
        self.rows_read.fetch_add(rows as u64, Relaxed);
        self.count(root, |counts| &counts.output, rows as u64);
        let mut columns = vec![hollow(rows); width];
        for (column, &place) in read.batch.columns.iter().zip(places) {
            columns[place] = column.clone();
        }
        let batch = Batch { columns, rows, positions: read.batch.positions };
        for &reader in &self.plan.node(root).consumers {
            if !active.contains(&reader) {
                continue;
            }
            self.count(reader, |counts| &counts.input, rows as u64);
            let routed =
                self.route_bad(reader, batch.clone(), &read.bad, places, worker.origin.as_ref())?;
            let batch = self.settle(reader, routed, worker)?;
            self.emit(reader, batch, active, worker)?;
        }
        Ok(())
    }

    /// Keeps what routing set aside.
    fn settle(&self, node: NodeId, routed: Routed, worker: &mut Worker) -> Result<Batch, Error> {
        self.count(node, |counts| &counts.dropped, routed.dropped);
        self.count(node, |counts| &counts.quarantined, routed.rejects.len() as u64);
        self.count(node, |counts| &counts.nulled, routed.nulled);
        if !self.counted[node.at()].load(Relaxed) {
            worker.rejects_bytes += routed.rejects.iter().map(Reject::bytes).sum::<usize>();
            worker.rejects.extend(routed.rejects);
        }
        if worker.rejects_bytes > REJECTS_MAX {
            worker.rejects_bytes = 0;
            let rejects = std::mem::take(&mut worker.rejects);
            worker.rejects = self.quarantines.flush(worker.number, rejects)?;
        }
        Ok(routed.batch)
    }

    /// Counts, unless an earlier stage has run this operator over the same rows.
    pub fn count(&self, node: NodeId, of: impl Fn(&Counts) -> &AtomicU64, rows: u64) {
        if rows > 0 && !self.counted[node.at()].load(Relaxed) {
            of(&self.counts[node.at()]).fetch_add(rows, Relaxed);
        }
    }

    /// Counts what an operator gives and hands it on.
    fn emit(
        &self,
        node: NodeId,
        batch: Batch,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        self.count(node, |counts| &counts.output, batch.rows as u64);
        self.give(node, batch, active, worker)
    }

    /// Hands the batch that `node` gives to all that read it in this stage.
    fn give(
        &self,
        node: NodeId,
        batch: Batch,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        for &consumer in &self.plan.node(node).consumers {
            if active.contains(&consumer) {
                self.push(consumer, batch.clone(), active, worker)?;
            }
        }
        Ok(())
    }

    /// Computes an operator over a batch.
    fn push(
        &self,
        node: NodeId,
        batch: Batch,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        self.count(node, |counts| &counts.input, batch.rows as u64);
        if batch.rows == 0 {
            return Ok(());
        }
        // A morsel can become any number of rows, so looking between morsels is not enough.
        if self.cancelled.load(Relaxed) {
            return Err(Error::Cancelled);
        }
        let compiled = &self.nodes[node.at()];
        let mut failures: Vec<Failure> = vec![];
        let (batch, values) = match &compiled.program {
            None => (batch, vec![]),
            Some(program) => {
                let values = program.eval(&batch, &mut worker.registers, &mut failures);
                if failures.is_empty() {
                    (batch, values)
                } else {
                    let span = |site| program.span(site);
                    let mut routed =
                        self.route(node, batch, values, &failures, &span, worker.origin.as_ref())?;
                    let values = std::mem::take(&mut routed.values);
                    (self.settle(node, routed, worker)?, values)
                }
            }
        };
        if batch.rows == 0 {
            return Ok(());
        }
        self.act(node, batch, values, active, worker)
    }

    fn act(
        &self,
        node: NodeId,
        batch: Batch,
        values: Vec<Operand>,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let compiled = &self.nodes[node.at()];
        match &compiled.action {
            Action::Pass => self.emit(node, batch, active, worker),
            Action::Split(key) => {
                let parts = key.parts(&values[0], batch.rows);
                self.count_processed(node, &parts);
                let before = worker.parts.replace(Arc::new(parts));
                let given = self.emit(node, batch, active, worker);
                worker.parts = before;
                given
            }
            Action::Stream(operator) => {
                let batch = compiled.drop_dead(batch);
                operator.apply(batch, values, &mut |out| self.emit(node, out, active, worker))
            }
            Action::Probe(probe) => match probe.get().expect("it is built in an earlier stage") {
                Probe::Table(probe) => self.probe(node, probe, batch, values, active, worker),
                Probe::Spilled(join) => {
                    let state = worker.states[node.at()].get_or_insert_with(|| join.state());
                    state.push(batch, values)?;
                    self.relieve(worker)
                }
            },
            Action::Break(operator) => {
                let state = worker.states[node.at()].get_or_insert_with(|| operator.state());
                state.push(batch, values)?;
                self.relieve(worker)
            }
            Action::Build(build) => {
                let state = worker.states[node.at()].get_or_insert_with(|| build.state());
                state.push(batch, values)?;
                self.relieve(worker)
            }
            Action::Parse(parse) => {
                let mut failures = vec![];
                let columns = parse.eval(&batch, &mut failures);
                let mut all = batch.columns.clone();
                all.extend(columns);
                let mut out = batch.with_columns(all);
                if !failures.is_empty() {
                    let span = |site: u32| parse.span(site);
                    let routed =
                        self.route(node, out, vec![], &failures, &span, worker.origin.as_ref())?;
                    out = self.settle(node, routed, worker)?;
                }
                self.emit(node, out, active, worker)
            }
            Action::Expect(rule) => {
                let routed = self.judge(node, batch, &values[0], rule, worker.origin.as_ref())?;
                let batch = self.settle(node, routed, worker)?;
                self.emit(node, batch, active, worker)
            }
            Action::Sink => self.encode(node, &batch, worker),
        }
    }

    /// Looks up the left rows of a join.
    fn probe(
        &self,
        node: NodeId,
        probe: &JoinProbe,
        mut batch: Batch,
        mut values: Vec<Operand>,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let failures = probe.failures(&batch, &values);
        let span = |site| probe.span(site);
        if !failures.is_empty() {
            let mut routed =
                self.route(node, batch, values, &failures, &span, worker.origin.as_ref())?;
            values = std::mem::take(&mut routed.values);
            batch = self.settle(node, routed, worker)?;
        }
        probe.apply(batch, values, &mut |out| self.emit(node, out, active, worker))
    }

    /// Encodes rows for a sink.
    fn encode(&self, node: NodeId, batch: &Batch, worker: &mut Worker) -> Result<(), Error> {
        let sink = self.sinks[node.at()].as_ref().expect("a sink is opened before the run");
        let Worker { pieces, parts, .. } = worker;
        let (of, before) = (&mut pieces.of[node.at()], pieces.rows[node.at()]);
        let parts = parts.as_ref().map(|parts| &parts[..]);
        sink.encode(batch, parts, before, &mut |part, piece| {
            pieces.bytes += piece.bytes();
            of.push((part, piece));
        })?;
        pieces.rows[node.at()] += batch.rows as u64;
        if pieces.bytes > self.spool.held_bytes() { self.flush_pieces(worker) } else { Ok(()) }
    }

    /// When memory is used up, has the largest state of this thread that can be written to disk
    /// written there.
    fn relieve(&self, worker: &mut Worker) -> Result<(), Error> {
        if !self.spool.is_full() {
            return Ok(());
        }
        let mut states: Vec<_> = worker.states.iter_mut().flatten().collect();
        states.sort_by_cached_key(|state| std::cmp::Reverse(state.bytes()));
        for state in states {
            if state.bytes() < self.spool.state_bytes_min() || state.spill(&self.spool)? {
                break;
            }
        }
        Ok(())
    }

    /// Fails when a thread has; the morsels of the table that was read were numbered from `first`.
    fn check(&self, workers: &mut [Worker], first: u64) -> Result<(), Error> {
        let mut error: Option<(u64, Error)> = None;
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
        let Some((_, error)) = error else {
            return if self.cancelled.load(Relaxed) { Err(Error::Cancelled) } else { Ok(()) };
        };
        extents.sort_by_key(|(number, _)| *number);
        let known = (first..).zip(&extents).take_while(|(at, (number, _))| at == number);
        let extents: Vec<Extent> = known.map(|(_, (_, extent))| *extent).collect();
        Err(error.located(&extents, first))
    }
}
