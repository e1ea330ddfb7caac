//! Stages in order: whenever an input is there, all that can be computed from it in one pass is.

use super::{Event, Failure};
use crate::connect::{ConnectError, Source};
use crate::data::Batch;
use crate::exec::compile::{Action, Probe, probe as make_probe};
use crate::exec::operators::join::{Built, SpilledJoin};
use crate::exec::operators::{Output, Streaming, buffer};
use crate::exec::partition::parts_by_size;
use crate::exec::stage::{Execution, Root};
use crate::ir::{self, JobId, PartitionBy, RunContext, StepKind};
use crate::plan::{NodeId, NodeKind, step_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Opens the source of a scan and says which columns it gives.
pub(super) type Open<'o> =
    dyn Fn(NodeId) -> Result<(Box<dyn Source>, Vec<usize>), ConnectError> + 'o;

/// The state of a run between stages.
pub(super) struct Schedule<'e, 'p> {
    execution: &'e Execution<'p>,
    context: &'e RunContext,
    /// What breakers have given.
    results: HashMap<NodeId, Output>,
    done: BTreeSet<NodeId>,
    /// Seconds that the stages of each job took.
    pub(super) timings: BTreeMap<JobId, f64>,
    /// The jobs of the stage that runs, or that stopped.
    pub(super) at_work: BTreeSet<JobId>,
    watch: &'e (dyn Fn(Event) + Sync),
    /// Has the last stage left the right side of a join on disk?
    has_spilled_join: bool,
}

/// What leads to the operator that ends a stage.
#[derive(Default)]
struct Path {
    /// Where it begins: at several tables, one after the other, if a union streams them.
    roots: Vec<NodeId>,
    nodes: Vec<NodeId>,
    /// Tables of joins that must be there before.
    needs: Vec<NodeId>,
}

impl<'e, 'p> Schedule<'e, 'p> {
    pub(super) fn new(
        execution: &'e Execution<'p>,
        context: &'e RunContext,
        watch: &'e (dyn Fn(Event) + Sync),
    ) -> Self {
        Schedule {
            execution,
            context,
            results: HashMap::new(),
            done: BTreeSet::new(),
            timings: BTreeMap::new(),
            at_work: BTreeSet::new(),
            watch,
            has_spilled_join: false,
        }
    }

    fn is_union(&self, id: NodeId) -> bool {
        let node = self.execution.plan.node(id);
        matches!(node.kind, NodeKind::Step(step)
            if matches!(step_of(self.execution.pipeline, node, step), StepKind::Union { .. }))
    }

    /// Does a stage end here? As the plan says, and at joins that need all left rows because the
    /// right ones are on disk.
    fn ends(&self, id: NodeId) -> bool {
        let is_spilled = || {
            let Action::Probe(probe) = &self.execution.nodes[id.at()].action else { return false };
            matches!(probe.get(), Some(Probe::Spilled(_)))
        };
        self.execution.plan.ends_stage(id, self.execution.pipeline) || is_spilled()
    }

    /// The unions, and the ways to all other ends of stages.
    fn cut(&self) -> (Vec<NodeId>, BTreeMap<NodeId, Path>) {
        let ends = self.execution.plan.iter().map(|(id, _)| id).filter(|id| self.ends(*id));
        let (unions, ends): (Vec<NodeId>, Vec<NodeId>) = ends.partition(|id| self.is_union(*id));
        (unions, ends.into_iter().map(|end| (end, self.path(end))).collect())
    }

    /// Adds the way from the last ends of stages, or scans, to an operator.
    fn lead_to(&self, at: NodeId, path: &mut Path) {
        let plan = self.execution.plan;
        path.nodes.push(at);
        let inputs = &plan.node(at).inputs;
        let (tables, needs) = match self.is_union(at) && plan.streamed.contains(&at) {
            true => (&inputs[..], &[][..]),
            false => inputs.split_at(inputs.len().min(1)),
        };
        path.needs.extend(needs);
        for &table in tables {
            if self.ends(table) || plan.node(table).inputs.is_empty() {
                path.roots.push(table);
            } else {
                self.lead_to(table, path);
            }
        }
        if tables.is_empty() {
            path.roots.push(at);
        }
    }

    fn path(&self, end: NodeId) -> Path {
        let mut path = Path::default();
        self.lead_to(end, &mut path);
        path
    }

    /// Runs stages until everything is computed.
    pub(super) fn run_all(&mut self, open: &Open) -> Result<(), Failure> {
        let (unions, mut paths) = self.cut();
        let jobs: BTreeSet<JobId> =
            self.execution.plan.nodes.iter().filter_map(|node| node.job).collect();
        (self.watch)(Event::Jobs(jobs.len()));
        loop {
            for &union in &unions {
                self.unite(union)?;
            }
            // By roots: what is ready, and whether everything that is left is.
            let mut ready: BTreeMap<&[NodeId], (Vec<NodeId>, bool)> = BTreeMap::new();
            for (&end, path) in paths.iter().filter(|(end, _)| !self.done.contains(end)) {
                let entry = ready.entry(&path.roots).or_insert((vec![], true));
                let is_scan = |root: &NodeId| self.execution.plan.node(*root).inputs.is_empty();
                let mut roots = path.roots.iter();
                let roots_there = roots.all(|root| self.done.contains(root) || is_scan(root));
                if roots_there && path.needs.iter().all(|need| self.done.contains(need)) {
                    entry.0.push(end);
                } else {
                    entry.1 = false;
                }
            }
            let whole = ready.iter().find(|(_, (ends, whole))| *whole && !ends.is_empty());
            let next = whole.or_else(|| ready.iter().find(|(_, (ends, _))| !ends.is_empty()));
            let Some((&roots, (ends, _))) = next else { return Ok(()) };
            let ends = ends.clone();
            let active = ends.iter().flat_map(|end| paths[end].nodes.iter().copied()).collect();
            // Rows that another stage has read or is to read are counted only once, so all of them.
            let reads = |path: &Path| path.roots.iter().any(|root| roots.contains(root));
            let is_only = paths.iter().all(|(end, path)| ends.contains(end) || !reads(path));
            self.stage((roots, is_only), &ends, &active, open)?;
            for root in roots {
                let reads = |path: &Path| path.roots.contains(root);
                if paths.iter().all(|(end, path)| !reads(path) || self.done.contains(end)) {
                    self.results.remove(root);
                }
            }
            if std::mem::take(&mut self.has_spilled_join) {
                (_, paths) = self.cut();
            }
        }
    }

    /// The inputs of a union, one after the other, once they are all there.
    fn unite(&mut self, union: NodeId) -> Result<(), Failure> {
        let inputs = &self.execution.plan.node(union).inputs;
        if self.done.contains(&union) || !inputs.iter().all(|input| self.done.contains(input)) {
            return Ok(());
        }
        let mut all: Vec<Batch> = vec![];
        for input in inputs {
            if let Some(result) = self.results.remove(input) {
                all.extend(result.into_batches()?);
            }
        }
        let rows = all.iter().map(|batch| batch.rows as u64).sum();
        self.execution.count(union, |counts| &counts.input, rows);
        self.execution.count(union, |counts| &counts.output, rows);
        self.results.insert(union, buffer::renumber(all).into());
        self.done.insert(union);
        Ok(())
    }

    fn stage(
        &mut self,
        (roots, is_only): (&[NodeId], bool),
        ends: &[NodeId],
        active: &BTreeSet<NodeId>,
        open: &Open,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let execution = self.execution;
        self.begin_jobs(active);
        let plan = execution.plan;
        let is_scan = |root: &NodeId| plan.node(*root).inputs.is_empty();
        let scans = roots.iter().filter(|root| is_scan(root));
        let sources: BTreeMap<NodeId, (Box<dyn Source>, Vec<usize>)> =
            scans.map(|&root| Ok((root, open(root)?))).collect::<Result<_, ConnectError>>()?;
        let begin = |&root: &NodeId| match sources.get(&root) {
            Some((source, places)) => {
                let (places, width) = (places.clone(), plan.node(root).width);
                (root, Root::Scan { source: &**source, places, width })
            }
            None => {
                let result = self.results.get(&root).cloned();
                (root, Root::Result(result.unwrap_or_else(|| Output::Batches(vec![]))))
            }
        };
        let begins: Vec<(NodeId, Root)> = roots.iter().map(begin).collect();
        let mut states = execution.run_stage(&begins, active, is_only).map_err(|(at, error)| {
            let source = sources.get(&roots[at]);
            Failure::Stage(error, source.map_or(vec![], |(source, _)| source.files().to_vec()))
        })?;
        drop(begins);
        for &node in active {
            let left_out = match &execution.nodes[node.at()].action {
                Action::Stream(operator) => operator.left_out(),
                Action::Probe(probe) => {
                    let Some(Probe::Table(probe)) = probe.get() else { continue };
                    probe.check()?;
                    execution.count(node, |counts| &counts.null_keys, probe.null_keys());
                    probe.left_out()
                }
                _ => 0,
            };
            execution.count(node, |counts| &counts.left_out, left_out);
        }
        for &end in ends {
            let states = std::mem::take(&mut states[end.at()]);
            self.finish(end, states)?;
        }
        for &node in active {
            self.count_in_turn(node);
            execution.counted[node.at()].store(true, Relaxed);
        }
        for root in roots {
            execution.counted[root.at()].store(true, Relaxed);
        }
        self.end_jobs(started.elapsed().as_secs_f64());
        Ok(())
    }

    fn begin_jobs(&mut self, active: &BTreeSet<NodeId>) {
        let plan = self.execution.plan;
        self.at_work = active.iter().filter_map(|node| plan.node(*node).job).collect();
        for job in self.at_work.iter().filter(|job| !self.timings.contains_key(job)) {
            let job = &self.execution.pipeline.jobs[job.0 as usize].name;
            (self.watch)(Event::JobStarted { job });
        }
    }

    /// The stage has ended; its time is that of every job that took part in it.
    fn end_jobs(&mut self, seconds: f64) {
        for job in std::mem::take(&mut self.at_work) {
            let time = self.timings.entry(job).or_default();
            *time += seconds;
            if self.is_done(job) {
                let rows = self.rows_out(job);
                let name = &self.execution.pipeline.jobs[job.0 as usize].name;
                (self.watch)(Event::JobEnded { job: name, rows, seconds: self.timings[&job] });
            }
        }
    }

    /// Has every operator of the job seen all its rows?
    pub(super) fn is_done(&self, job: JobId) -> bool {
        let of_job = self.execution.plan.iter().filter(|(_, node)| node.job == Some(job));
        of_job.into_iter().all(|(id, _)| self.execution.counted[id.at()].load(Relaxed))
    }

    fn rows_out(&self, job: JobId) -> u64 {
        let is_result =
            |node: &crate::plan::Node| node.job == Some(job) && node.kind == NodeKind::Result;
        let result = self.execution.plan.iter().find(|(_, node)| is_result(node));
        result.map_or(0, |(id, _)| self.execution.counts[id.at()].output.load(Relaxed))
    }

    fn finish(
        &mut self,
        end: NodeId,
        states: Vec<Box<dyn crate::exec::operators::State>>,
    ) -> Result<(), Failure> {
        let execution = self.execution;
        match &execution.nodes[end.at()].action {
            Action::Break(operator) => {
                let result = operator.finish(states, execution.cancelled)?;
                execution.count(end, |counts| &counts.output, result.rows());
                if let Output::Batches(batches) = &result {
                    self.assign_parts(end, batches);
                }
                self.results.insert(end, result);
            }
            Action::Build(build) => {
                self.give_built(end, &build.finish(states, &execution.spool, execution.cancelled)?)
            }
            Action::Probe(probe) => {
                if let Some(Probe::Spilled(join)) = probe.get() {
                    let (ir, left) = self.join_at(end).expect("only joins probe");
                    let make = |table| make_probe(ir, left, table, self.context);
                    let result = join.finish(states, &make, execution.cancelled)?;
                    execution.count(end, |counts| &counts.output, result.rows());
                    execution.count(end, |counts| &counts.left_out, join.left_out());
                    execution.count(end, |counts| &counts.null_keys, join.null_keys());
                    self.results.insert(end, result);
                }
            }
            Action::Pass
            | Action::Stream(_)
            | Action::Parse(_)
            | Action::Expect(_)
            | Action::Split(_)
            | Action::Sink => {}
        }
        self.done.insert(end);
        Ok(())
    }

    /// Gives the right side of a join to those who join with it.
    fn give_built(&mut self, build: NodeId, built: &Built) {
        for &reader in &self.execution.plan.node(build).consumers {
            let Action::Probe(slot) = &self.execution.nodes[reader.at()].action else { continue };
            let Some((join, left)) = self.join_at(reader) else { continue };
            let made = match built {
                Built::Table(table) => {
                    let made = make_probe(join, left, table.clone(), self.context);
                    Probe::Table(Box::new(made))
                }
                Built::Spilled(right) => {
                    self.has_spilled_join = true;
                    Probe::Spilled(Box::new(SpilledJoin::new(right.clone())))
                }
            };
            assert!(slot.set(made).is_ok(), "a right side is built once");
        }
    }

    /// The join that an operator does, and the row on its left.
    fn join_at(&self, id: NodeId) -> Option<(&'p ir::Join, &'p ir::Row)> {
        let (pipeline, node) = (self.execution.pipeline, self.execution.plan.node(id));
        let NodeKind::Step(number) = node.kind else { return None };
        let StepKind::Join(join) = step_of(pipeline, node, number) else { return None };
        let job = &pipeline.jobs[node.job?.0 as usize];
        let left = match number.checked_sub(1) {
            Some(before) => &job.steps[before].row,
            None => &job.input_row,
        };
        Some((join, left))
    }

    /// The rows of a result that are given out to its partitions in turn.
    fn count_in_turn(&self, node: NodeId) {
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

    /// The gathered tables that were asked for, in the order in which they were.
    pub(super) fn take_tables(&mut self) -> Result<Vec<Vec<Batch>>, Failure> {
        let plan = self.execution.plan;
        plan.iter()
            .filter(|(_, node)| node.kind == NodeKind::Gather && node.consumers.is_empty())
            .map(|(id, _)| match self.results.remove(&id) {
                Some(result) => Ok(result.into_batches()?),
                None => Ok(vec![]),
            })
            .collect()
    }
}
