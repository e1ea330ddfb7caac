//! What comes of a stage: results for later stages, right sides for joins, and rows counted.

use super::Schedule;
use crate::data::Batch;
use crate::exec::compile::{Action, Probe, probe as make_probe};
use crate::exec::operators::join::{Built, SpilledJoin};
use crate::exec::operators::{Output, State};
use crate::exec::partition::parts_by_size;
use crate::ir::{self, PartitionBy, StepKind};
use crate::plan::{NodeId, NodeKind, step_of};
use crate::run::failure::Failure;
use crate::text::Span;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl<'p> Schedule<'_, 'p> {
    /// Gives what the operator that ends a stage has made to those that read it; says whether it
    /// made something in the end.
    pub(super) fn finish(
        &mut self,
        end: NodeId,
        states: Vec<Box<dyn State>>,
    ) -> Result<bool, Failure> {
        let execution = self.execution;
        let mut makes_result = true;
        match &execution.nodes[end.at()].action {
            Action::Break(operator) => {
                let result = operator.finish(states, execution.cancelled)?;
                self.count_output(end, &result);
                if let Output::Batches(batches) = &result {
                    self.assign_parts(end, batches);
                }
                self.note_contents(end, &result);
                self.results.insert(end, result);
            }
            Action::Build(build) => {
                let spool = &execution.spools[end.at()];
                self.give_built(end, &build.finish(states, spool, execution.cancelled)?)
            }
            Action::Probe(probe) => {
                if let Some(Probe::Spilled(join)) = probe.get() {
                    let ir = self.join_at(end).expect("only joins probe");
                    let row = self.join_row(end);
                    let make = |table| make_probe(ir, row, table, self.context);
                    let result = join.finish(states, &make, execution.cancelled)?;
                    self.count_output(end, &result);
                    execution.count(end, |counts| &counts.left_out, join.left_out());
                    execution.count(end, |counts| &counts.null_keys, join.null_keys());
                    self.results.insert(end, result);
                }
            }
            Action::Pass
            | Action::Chains(_)
            | Action::Stream(_)
            | Action::Parse(_)
            | Action::Expect(_)
            | Action::Split(_) => makes_result = false,
            Action::Sink => {
                makes_result = false;
                let timer = self.timer();
                let sink = execution.sinks[end.at()].as_ref().expect("it was opened");
                let staged = sink.finish()?;
                if let (Some(profile), Some(timer)) = (&mut self.profile, timer) {
                    profile.end_output(end, &timer, staged.bytes);
                }
                self.staged.insert(end, staged);
            }
        }
        self.done.insert(end);
        Ok(makes_result)
    }

    /// Counts what an operator has given, unless those who read it do.
    fn count_output(&self, end: NodeId, result: &Output) {
        if let Some(rows) = result.rows() {
            self.execution.count(end, |counts| &counts.output, rows);
        }
    }

    /// Gives the right side of a join to those who join with it.
    fn give_built(&mut self, build: NodeId, built: &Built) {
        for &reader in &self.execution.plan.node(build).consumers {
            let Action::Probe(slot) = &self.execution.nodes[reader.at()].action else { continue };
            let Some(join) = self.join_at(reader) else { continue };
            let made = match built {
                Built::Table(table) => {
                    let row = self.join_row(reader);
                    let made = make_probe(join, row, table.clone(), self.context);
                    Probe::Table(Arc::new(made))
                }
                Built::Spilled(right) => {
                    self.has_spilled_join = true;
                    Probe::Spilled(Box::new(SpilledJoin::new(right.clone())))
                }
            };
            assert!(slot.set(made).is_ok(), "a right side is built once");
        }
    }

    /// The join that an operator does.
    fn join_at(&self, id: NodeId) -> Option<&'p ir::Join> {
        let (pipeline, node) = (self.execution.pipeline, self.execution.plan.node(id));
        let NodeKind::Step(number) = node.kind else { return None };
        let StepKind::Join(join) = step_of(pipeline, node, number) else { return None };
        Some(join)
    }

    /// The row that a join gives, which columns of it are read, and where it is written.
    fn join_row(&self, id: NodeId) -> (&'p ir::Row, &'p [bool], Span) {
        let (pipeline, node) = (self.execution.pipeline, self.execution.plan.node(id));
        let (NodeKind::Step(step), Some(job)) = (node.kind, node.job) else {
            unreachable!("a join is a step of a job");
        };
        let step = &pipeline.jobs[job.0 as usize].steps[step];
        (&step.row, &node.live, step.span)
    }

    /// The rows of a result that are given out to its partitions in turn.
    pub(super) fn count_in_turn(&self, node: NodeId) {
        let (plan, execution) = (self.execution.plan, self.execution);
        let (NodeKind::Result, Some(id)) = (plan.node(node).kind, plan.node(node).job) else {
            return;
        };
        let job = &execution.pipeline.jobs[id.0 as usize];
        let by = job.partition.as_ref().map(|partition| &partition.by);
        if let (Some(PartitionBy::RoundRobin), Some(counts)) =
            (by, &execution.partitions[id.0 as usize])
        {
            counts.count_in_turn(execution.counts[node.at()].output.load(Relaxed));
        }
    }

    /// The part of each row of a result that is partitioned by size: counted, and told to the sinks that
    /// write it.
    fn assign_parts(&self, end: NodeId, batches: &[Batch]) {
        let plan = self.execution.plan;
        let node = plan.node(end);
        let result = node.consumers.iter().find(|next| plan.node(**next).kind == NodeKind::Result);
        let (NodeKind::Gather, Some(&result), Some(id)) = (node.kind, result, node.job) else {
            return;
        };
        let job = &self.execution.pipeline.jobs[id.0 as usize];
        let (Some(partition), Some(counts)) =
            (&job.partition, &self.execution.partitions[id.0 as usize])
        else {
            return;
        };
        let parts = parts_by_size(partition, job.row(), batches);
        counts.count_processed(&parts);
        let parts = Arc::new(parts);
        for reader in &plan.node(result).consumers {
            if let Some(sink) = &self.execution.sinks[reader.at()] {
                sink.set_parts(parts.clone());
            }
        }
    }
}
