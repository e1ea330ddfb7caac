//! Failures of stages: what cannot be computed without what failed is given up, and all else goes on.
//! What shared a stage with it is run again from its beginning, and nothing of the first try remains.

use super::paths::Path;
use super::saved::all;
use super::{Schedule, Stage};
use crate::connect::{ConnectError, Written};
use crate::exec::Error;
use crate::exec::stage::By;
use crate::ir::{Input, JobId};
use crate::plan::{Node, NodeId, NodeKind, Plan};
use crate::run::failure::{Failure, Told};
use crate::run::open::Begin;
use crate::run::report::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A part of a stage that failed.
pub(super) struct Broken {
    pub failure: Failure,
    /// Whose failure it is; none if it is that of what the stage reads.
    pub by: Option<By>,
}

impl<E> From<E> for Broken
where
    Failure: From<E>,
{
    fn from(error: E) -> Broken {
        let failure = Failure::from(error);
        let is_of_all = matches!(failure, Failure::State(_));
        Broken { failure, by: is_of_all.then_some(By::All) }
    }
}

/// How far a run was before a stage that may be run again.
pub(super) struct Mark {
    /// Of operators, and whether an earlier stage had counted them.
    counts: BTreeMap<NodeId, ([u64; 9], bool)>,
    partitions: BTreeMap<JobId, (Vec<u64>, Vec<u64>)>,
    quarantines: Vec<Option<Written>>,
    rows_read: u64,
}

impl Schedule<'_, '_> {
    /// What a stage would have to go back to; none if it is not run again, whatever happens.
    pub(super) fn mark(&self, stage: &Stage) -> Result<Option<Mark>, Failure> {
        if !stage.may_repeat {
            return Ok(None);
        }
        let touched = self.touched(stage);
        let load = |counts: &[AtomicU64]| counts.iter().map(|count| count.load(Relaxed)).collect();
        let partitions = self.jobs_at(&stage.active).into_iter().filter_map(|job| {
            let counts = self.execution.partitions[job.0 as usize].as_ref()?;
            Some((job, (load(&counts.processed), load(&counts.failed))))
        });
        Ok(Some(Mark {
            partitions: partitions.collect(),
            counts: touched.into_keys().map(|node| (node, self.counted(node))).collect(),
            quarantines: self.execution.quarantines.written()?,
            rows_read: self.execution.rows_read.load(Relaxed),
        }))
    }

    /// Parts of a stage have failed: gives up what needs them, unless they are tried again, and has
    /// the rest be run again. An error if nothing more is to be run.
    pub(super) fn go_on_without(
        &mut self,
        stage: &Stage,
        mut broken: Vec<Broken>,
        mark: Option<&Mark>,
    ) -> Result<(), Failure> {
        while !broken.is_empty() && !self.is_over {
            self.give_up(stage, broken)?;
            broken = match mark {
                Some(mark) if !self.is_over => self.begin_anew(stage, mark)?,
                _ => vec![],
            };
        }
        Ok(())
    }

    /// Gives up what needs these parts, but for those that are tried again in a while.
    fn give_up(&mut self, stage: &Stage, broken: Vec<Broken>) -> Result<(), Failure> {
        let mut pauses = vec![];
        for Broken { failure, by } in broken {
            if matches!(failure, Failure::Stage(Error::Cancelled, _)) {
                return Err(failure);
            }
            let jobs = self.jobs_that_fail(stage, by);
            if by != Some(By::All)
                && let Some(pause) = self.tried_again(&jobs, &failure)
            {
                pauses.push(pause);
                continue;
            }
            let ends =
                stage.ends.iter().filter(|end| stage.is_behind(**end, by, self.execution.plan));
            self.failed.extend(ends.filter(|end| !self.done.contains(end)));
            self.fail(&jobs, vec![failure]);
            self.is_over |= by == Some(By::All) || !self.keeps_going;
        }
        for sink in self.failed.iter().filter_map(|end| self.execution.sinks[end.at()].as_ref()) {
            sink.give_up();
        }
        pauses.into_iter().max().filter(|_| !self.is_over).map_or(Ok(()), |pause| self.wait(pause))
    }

    /// What is left of a stage begins anew, as if it had not been tried; what of it cannot.
    fn begin_anew(&mut self, stage: &Stage, mark: &Mark) -> Result<Vec<Broken>, Failure> {
        let is_left = |end: &&NodeId| !self.done.contains(end) && !self.failed.contains(end);
        let left: Vec<NodeId> = stage.ends.iter().filter(is_left).copied().collect();
        if left.is_empty() {
            return Ok(vec![]);
        }
        let execution = self.execution;
        let ways = left.iter().flat_map(|end| &stage.ways[end]);
        let nodes: BTreeSet<NodeId> = ways.chain(&stage.roots).copied().collect();
        let is_new = |node: &&NodeId| !execution.counted[node.at()].load(Relaxed);
        for node in nodes.iter().filter(is_new) {
            let counts = all(&execution.counts[node.at()]).into_iter().zip(&mark.counts[node].0);
            counts.for_each(|(count, before)| count.store(*before, Relaxed));
            execution.nodes[node.at()].begin_anew();
        }
        let was_counted =
            |node: &&NodeId| execution.counted[node.at()].load(Relaxed) && !mark.counts[*node].1;
        let counted = nodes.iter().filter(was_counted).copied().collect();
        for job in self.jobs_at(&nodes).difference(&self.jobs_at(&counted)) {
            if let (Some(counts), Some((processed, failed))) =
                (&execution.partitions[job.0 as usize], mark.partitions.get(job))
            {
                let now = counts.processed.iter().chain(&counts.failed);
                now.zip(processed.iter().chain(failed)).for_each(|(now, b)| now.store(*b, Relaxed));
            }
        }
        execution.rows_read.store(mark.rows_read, Relaxed);
        if !nodes.iter().any(|node| execution.set_aside[node.at()].load(Relaxed)) {
            // Rows of a job that failed show why; one that is run again sets them aside again.
            let again = self.jobs_at(&nodes);
            let is_over = |(job, status): &(&JobId, &Status)| {
                **status == Status::Failed && !again.contains(job)
            };
            let failed = self.ended.iter().filter(is_over);
            let failed = failed.map(|(job, _)| self.name(*job)).collect();
            execution.quarantines.rewind(&mark.quarantines, &failed)?;
        }
        self.begun_anew += 1;
        let mut broken = vec![];
        for end in left {
            let Some(sink) = &execution.sinks[end.at()] else { continue };
            match (self.open_sink)(end, Begin::Anew(self.begun_anew + 1)) {
                Ok(new) => sink.begin_anew(new),
                Err(error) => {
                    let by = Some(By::Operator(end));
                    broken.push(Broken { failure: error.into(), by });
                }
            }
        }
        Ok(broken)
    }

    /// The jobs whose failure it is.
    fn jobs_that_fail(&self, stage: &Stage, by: Option<By>) -> BTreeSet<JobId> {
        let plan = self.execution.plan;
        let owner = |job: JobId| self.execution.pipeline.owner(job);
        match by {
            Some(By::All) => self.jobs_at(&stage.active),
            Some(By::Job(job)) => [job].into(),
            Some(By::Operator(node)) => match plan.node(node).kind {
                NodeKind::Sink(_) => plan.node(plan.node(node).inputs[0]).jobs().collect(),
                _ => plan.node(node).jobs().map(owner).collect(),
            },
            None => {
                let readers = stage.roots.iter().flat_map(|root| &plan.node(*root).consumers);
                let readers = readers.filter(|reader| stage.active.contains(reader));
                self.jobs_at(&readers.copied().collect())
            }
        }
    }

    /// The jobs that operators compute something for.
    pub(super) fn jobs_at(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<JobId> {
        let nodes = nodes.iter().map(|node| self.execution.plan.node(*node));
        let nodes = nodes.filter(|node| node.kind != NodeKind::Entry);
        nodes.flat_map(Node::jobs).map(|job| self.execution.pipeline.owner(job)).collect()
    }

    fn name(&self, job: JobId) -> &str {
        &self.execution.pipeline.jobs[job.0 as usize].name
    }

    /// These jobs have failed.
    pub(in crate::run) fn fail(&mut self, jobs: &BTreeSet<JobId>, failures: Vec<Failure>) {
        let told = failures.into_iter().map(|failure| failure.told(self.execution.pipeline));
        let told: Vec<Told> = told.collect();
        let messages: Vec<&str> = told.iter().map(|told| told.message.as_str()).collect();
        for &job in jobs {
            self.end_job(job, Status::Failed, Some(messages.join("\n")));
        }
        self.failures.told.extend(told);
    }

    /// Of a job that was not done, the one that it reads or runs after and that was not done either, if
    /// that is why.
    pub(super) fn needs(&self, job: JobId) -> Option<String> {
        let of = &self.execution.pipeline.jobs[job.0 as usize];
        let mut needed = of.inputs().chain(of.after.iter().map(|other| Input::Job(*other)));
        needed.find_map(|input| match input {
            Input::Job(other) => {
                let has_failed = self.ended.get(&other) == Some(&Status::Failed);
                let is_there = !has_failed && !self.missing.contains(&other);
                (!is_there).then(|| self.name(other).to_owned())
            }
            Input::Source(_) => None,
        })
    }

    /// Takes up what an earlier run has made of a part of the stage, of which another part had
    /// failed there; says whether there was something.
    pub(super) fn take_up_part(
        &mut self,
        stage: &Stage,
        paths: &BTreeMap<NodeId, Path>,
    ) -> Result<bool, Failure> {
        if self.session.as_ref().is_none_or(|session| session.checkpoints.parts.is_empty()) {
            return Ok(false);
        }
        let Some(keys) = self.keys_of(&stage.ends) else { return Ok(false) };
        let parts = self.session.as_ref().map(|session| session.checkpoints.parts.clone());
        for part in parts.unwrap_or_default() {
            let ends: Vec<NodeId> = part.iter().filter_map(|key| keys.get(key)).copied().collect();
            if ends.len() < part.len() || ends.len() == stage.ends.len() {
                continue;
            }
            let part = self.next_stage(&stage.roots, &ends, paths);
            if let Some(known) = self.known(&part)?
                && self.take_up(&known)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Stage {
    /// Does the way to this end lead over what has failed?
    pub(super) fn is_behind(&self, end: NodeId, by: Option<By>, plan: &Plan) -> bool {
        match by {
            Some(By::Job(job)) => self.ways[&end].iter().any(|node| is_only_of(plan, *node, job)),
            Some(By::Operator(node)) => self.ways[&end].contains(&node),
            Some(By::All) | None => true,
        }
    }

    /// What leads to those of its ends that are done.
    pub(super) fn done<'s>(
        &'s self,
        done: &'s BTreeSet<NodeId>,
    ) -> impl Iterator<Item = &'s NodeId> {
        let ways = self.ways.iter().filter(|(end, _)| done.contains(end));
        ways.flat_map(|(_, way)| way)
    }

    /// Does one part of it remain when another fails?
    pub(super) fn has_parts(&self) -> bool {
        self.ends.len() > 1
    }
}

/// Opens the sink of an output.
pub(in crate::run) type OpenSink<'o> =
    dyn Fn(NodeId, Begin) -> Result<Box<dyn crate::connect::Sink>, ConnectError> + Sync + 'o;

/// Does an operator compute something for this job, and for no other?
pub(super) fn is_only_of(plan: &Plan, node: NodeId, job: JobId) -> bool {
    plan.node(node).jobs().eq([job])
}
