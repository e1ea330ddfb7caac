//! What one operator does to a batch within a stage: its expressions computed, rows that fail taken
//! out and counted, the result handed to all that read it.

use super::worker::Worker;
use super::{By, Execution};
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::exec::compile::{Action, Probe};
use crate::exec::operators::State;
use crate::exec::operators::chain::Chain;
use crate::exec::rejects::{Reject, Routed, Spot};
use crate::exec::{Counts, Error};
use crate::functions::kernel::{Failure, Operand};
use crate::plan::NodeId;
use crate::text::Span;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Bytes of rows set aside that a morsel may hold. The order of lines depends on it, so it must not
/// depend on how the pipeline is run.
const REJECTS_MAX: usize = 16 << 20;

impl Execution<'_> {
    /// Keeps what routing set aside.
    pub(super) fn settle(
        &self,
        spot: Spot,
        routed: Routed,
        worker: &mut Worker,
    ) -> Result<Batch, Error> {
        let node = spot.node;
        self.count(node, |counts| &counts.dropped, routed.dropped);
        if !routed.nulled.is_empty() {
            let new = worker.nulled.add(&self.flows_of(node), spot, &routed.nulled);
            self.count(node, |counts| &counts.nulled, new);
        }
        if !routed.broken.is_empty() {
            let new = worker.nulled.add(&self.flows_of(node), spot, &routed.broken);
            self.count(node, |counts| &counts.nulled_before, routed.broken.len() as u64 - new);
        }
        let is_written = |of: &Vec<AtomicBool>| of[node.at()].load(Relaxed);
        if !is_written(&self.counted) && !is_written(&self.set_aside) {
            worker.rejects_bytes += routed.rejects.iter().map(Reject::bytes).sum::<usize>();
            worker.rejects.extend(routed.rejects);
        } else {
            self.count(node, |counts| &counts.quarantined, routed.rejects.len() as u64);
        }
        if worker.rejects_bytes > REJECTS_MAX {
            worker.rejects_bytes = 0;
            let rejects = std::mem::take(&mut worker.rejects);
            let flushed =
                self.quarantines.flush(worker.number, rejects, &|of| self.count_reject(of));
            worker.rejects = flushed.inspect_err(|_| worker.by = Some(By::All))?;
        }
        Ok(routed.batch)
    }

    /// Counts, unless an earlier stage has run this operator over the same rows.
    pub fn count(&self, node: NodeId, of: impl Fn(&Counts) -> &AtomicU64, rows: u64) {
        if rows > 0 && !self.counted[node.at()].load(Relaxed) {
            of(&self.counts[node.at()]).fetch_add(rows, Relaxed);
        }
    }

    /// Counts a row that was set aside and is written.
    pub(super) fn count_reject(&self, node: NodeId) {
        self.count(node, |counts| &counts.quarantined, 1);
    }

    /// Counts what an operator gives and hands it on.
    pub(super) fn emit(
        &self,
        node: NodeId,
        batch: Batch,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        self.count(node, |counts| &counts.output, batch.rows as u64);
        worker.clock.tally(node, |tally| tally.rows_out += batch.rows as u64);
        self.give(node, batch, active, worker)
    }

    /// Hands the batch that `node` gives to all that read it in this stage.
    pub(super) fn give(
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

    /// Hands a batch to an operator.
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
        let before = worker.clock.begin(node, batch.rows);
        let done = self.compute(node, batch, active, worker);
        if done.is_err() {
            // Those that handed rows on to it are not to blame.
            worker.by.get_or_insert(By::Operator(node));
        }
        worker.clock.turn_to(before);
        done
    }

    /// Computes an operator over a batch.
    fn compute(
        &self,
        node: NodeId,
        batch: Batch,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
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
                let span = |site| program.span(site);
                self.take_out(node.into(), (batch, values), &failures, &span, worker)?
            }
        };
        if batch.rows == 0 {
            return Ok(());
        }
        self.act(node, batch, values, active, worker)
    }

    /// Takes out the rows on which expressions failed, as the job says.
    fn take_out(
        &self,
        spot: Spot,
        (batch, values): (Batch, Vec<Operand>),
        failures: &[Failure],
        span: &dyn Fn(u32) -> Span,
        worker: &mut Worker,
    ) -> Result<(Batch, Vec<Operand>), Error> {
        if failures.is_empty() {
            return Ok((batch, values));
        }
        let origin = worker.origin.as_ref();
        let mut routed = self.route(spot, batch, values, failures, span, origin)?;
        let values = std::mem::take(&mut routed.values);
        Ok((self.settle(spot, routed, worker)?, values))
    }

    /// Takes rows into the state of a breaker, which is made by the first of them. They are numbered
    /// anew, as they come from their morsel: rows that `explode` or a join has made of one stand at
    /// one position, and would lose their order where those of different keys are apart on disk.
    fn take_in(
        &self,
        node: NodeId,
        (mut batch, values): (Batch, Vec<Operand>),
        make: impl FnOnce() -> Box<dyn State>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let first = worker.number << POSITION_ROW_BITS;
        let next = &mut worker.next_positions[node.at()];
        *next = first.max(*next);
        batch.positions = Positions::Range(*next);
        *next += batch.rows as u64;
        let state = worker.states[node.at()].get_or_insert_with(make);
        state.push(batch, values)?;
        worker.clock.tally(node, |tally| tally.held = tally.held.max(state.bytes() as u64));
        self.relieve(node, worker)
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
            Action::Chains(chains) => {
                let batch = compiled.drop_dead(batch);
                match self.chain(node, batch, chains, worker)? {
                    Some(batch) => self.emit(node, batch, active, worker),
                    None => Ok(()),
                }
            }
            Action::Stream(operator) => {
                let batch = compiled.drop_dead(batch);
                operator.apply(batch, values, &mut |out| self.emit(node, out, active, worker))
            }
            Action::Probe(probe) => match probe.get().expect("it is built in an earlier stage") {
                Probe::Table(probe) => {
                    let before = batch.rows;
                    let (mut met, failures) = probe.look_up(&batch, &values)?;
                    let span = |site| probe.span(site);
                    let (batch, values) =
                        self.take_out(node.into(), (batch, values), &failures, &span, worker)?;
                    if batch.rows < before {
                        met = met.without(&failures, probe);
                    }
                    probe.join(batch, &values, met, &mut |out| self.emit(node, out, active, worker))
                }
                Probe::Spilled(join) => {
                    self.take_in(node, (batch, values), || join.state(), worker)
                }
            },
            Action::Break(operator) => {
                self.take_in(node, (batch, values), || operator.state(), worker)
            }
            Action::Build(build) => self.take_in(node, (batch, values), || build.state(), worker),
            Action::Parse(parse) => {
                let mut failures = vec![];
                let columns = parse.eval(&batch, &mut failures);
                let mut all = batch.columns.clone();
                all.extend(columns);
                let out = (batch.with_columns(all), vec![]);
                let span = |site: u32| parse.span(site);
                let (out, _) = self.take_out(node.into(), out, &failures, &span, worker)?;
                self.emit(node, out, active, worker)
            }
            Action::Expect(rule) => {
                let routed = self.judge(node, batch, &values[0], rule, worker.origin.as_ref())?;
                let batch = self.settle(node.into(), routed, worker)?;
                self.emit(node, batch, active, worker)
            }
            Action::Sink => self.encode(node, &batch, worker),
        }
    }

    /// The rows of the batch after steps row by row, if there are some.
    fn chain(
        &self,
        node: NodeId,
        mut batch: Batch,
        chains: &[Chain],
        worker: &mut Worker,
    ) -> Result<Option<Batch>, Error> {
        for chain in chains {
            if self.cancelled.load(Relaxed) {
                return Err(Error::Cancelled);
            }
            let mut failures: Vec<Failure> = vec![];
            let program = &chain.code.program;
            let values = program.eval(&batch, &mut worker.registers, &mut failures);
            let (spot, span) = (Spot { node, step: chain.step }, |site| program.span(site));
            let (rest, values) = self.take_out(spot, (batch, values), &failures, &span, worker)?;
            if rest.rows == 0 {
                return Ok(None);
            }
            let Some(next) = chain.apply(rest, values) else { return Ok(None) };
            batch = next;
        }
        Ok(Some(batch))
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
        if pieces.bytes > self.spools[node.at()].held_bytes() {
            self.flush_pieces(worker)
        } else {
            Ok(())
        }
    }

    /// When memory is used up, as a state has grown, has the largest state of this thread that can
    /// be written to disk written there.
    fn relieve(&self, grown: NodeId, worker: &mut Worker) -> Result<(), Error> {
        if !self.spools[grown.at()].is_full() {
            return Ok(());
        }
        let states = (0..).map(NodeId).zip(worker.states.iter_mut().zip(&self.spools));
        let mut states: Vec<_> = states
            .filter_map(|(node, (state, spool))| Some((node, state.as_mut()?, spool)))
            .collect();
        states.sort_by_cached_key(|(_, state, _)| std::cmp::Reverse(state.bytes()));
        for (node, state, spool) in states {
            if state.bytes() < spool.state_bytes_min() {
                break;
            }
            let spilled = state.spill(spool, self.cancelled);
            if spilled.inspect_err(|_| worker.by = Some(By::Operator(node)))? {
                break;
            }
        }
        Ok(())
    }
}
