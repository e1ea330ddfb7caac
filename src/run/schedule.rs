//! Stages in order: whenever an input is there, all that can be computed from it in one pass is.

mod by_file;
mod finish;
mod paths;
mod saved;

use super::counts::{is_done, job_report, jobs_of};
use super::events::Event;
use super::failure::Failure;
use super::profile::{Profile, Timer};
use super::report::Status;
use super::session::Session;
use crate::connect::{ConnectError, Only, Source, Staged};
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::compile::{Action, Probe};
use crate::exec::operators::united::United;
use crate::exec::operators::{Output, Streaming};
use crate::exec::stage::{Execution, Root, States};
use crate::ir::{JobId, RunContext};
use crate::plan::{NodeId, NodeKind};
use paths::Path;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Opens the source of a scan, or only these of its files, and says which columns it gives.
pub(super) type Open<'o> =
    dyn Fn(NodeId, Option<Only>) -> Result<(Box<dyn Source>, Vec<usize>), ConnectError> + 'o;

/// What is computed in one pass.
struct Stage {
    /// Where it begins: scans, and results of earlier stages.
    roots: Vec<NodeId>,
    /// What later stages begin with.
    read_later: BTreeSet<NodeId>,
    /// Does no other stage, earlier or later, read any of the roots? Rows that several stages read
    /// are counted only once, so all of them.
    is_only: bool,
    ends: Vec<NodeId>,
    /// All that leads from the roots to the ends.
    active: BTreeSet<NodeId>,
}

/// The state of a run between stages.
pub(super) struct Schedule<'e, 'p> {
    execution: &'e Execution<'p>,
    context: &'e RunContext,
    /// What breakers have given.
    results: HashMap<NodeId, Output>,
    done: BTreeSet<NodeId>,
    /// Outputs that are complete and not yet visible.
    staged: BTreeMap<NodeId, Staged>,
    /// Seconds that the stages of each job took.
    pub(super) timings: BTreeMap<JobId, f64>,
    /// The jobs of the stage that runs, or that stopped.
    pub(super) at_work: BTreeSet<JobId>,
    watch: &'e (dyn Fn(Event) + Sync),
    /// Where the time goes, if that is asked for.
    pub(super) profile: Option<Profile>,
    /// What stages leave to later runs, and take from earlier ones; none of a run that keeps nothing.
    session: Option<&'e mut Session>,
    /// Was something taken up that an earlier run had computed?
    pub(super) is_taken_up: bool,
    /// Jobs of which it was told how they ended.
    ended: BTreeSet<JobId>,
    /// Staged outputs that a checkpoint names.
    kept: BTreeSet<NodeId>,
    /// Has the last stage left the right side of a join on disk?
    has_spilled_join: bool,
}

impl<'e, 'p> Schedule<'e, 'p> {
    pub(super) fn new(
        execution: &'e Execution<'p>,
        context: &'e RunContext,
        watch: &'e (dyn Fn(Event) + Sync),
        session: Option<&'e mut Session>,
    ) -> Self {
        Schedule {
            execution,
            context,
            results: HashMap::new(),
            done: BTreeSet::new(),
            staged: BTreeMap::new(),
            timings: BTreeMap::new(),
            at_work: BTreeSet::new(),
            watch,
            profile: None,
            session,
            is_taken_up: false,
            ended: BTreeSet::new(),
            kept: BTreeSet::new(),
            has_spilled_join: false,
        }
    }

    /// Runs stages until everything is computed.
    pub(super) fn run_all(&mut self, open: &Open) -> Result<(), Failure> {
        let (unions, mut paths) = self.cut();
        (self.watch)(Event::Jobs(jobs_of(self.execution).len()));
        loop {
            for &union in &unions {
                self.unite(union);
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
            let stage = self.next_stage(roots, ends, &paths);
            self.taken_or_run(&stage, open)?;
            if std::mem::take(&mut self.has_spilled_join) {
                (_, paths) = self.cut();
            }
        }
    }

    /// The inputs of a union, one after the other, once they are all there.
    fn unite(&mut self, union: NodeId) {
        let inputs = &self.execution.plan.node(union).inputs;
        if self.done.contains(&union) || !inputs.iter().all(|input| self.done.contains(input)) {
            return;
        }
        let tables = inputs.iter().filter_map(|input| self.results.remove(input)).collect();
        let all = United::output(tables);
        let rows = all.rows().expect("what was gathered is counted");
        self.execution.count(union, |counts| &counts.input, rows);
        self.execution.count(union, |counts| &counts.output, rows);
        self.results.insert(union, all);
        self.done.insert(union);
    }

    fn next_stage(
        &self,
        roots: &[NodeId],
        ends: &[NodeId],
        paths: &BTreeMap<NodeId, Path>,
    ) -> Stage {
        let active = ends.iter().flat_map(|end| paths[end].nodes.iter().copied()).collect();
        let others = || paths.iter().filter(|(end, _)| !ends.contains(end));
        let read_later = others()
            .filter(|(end, _)| !self.done.contains(end))
            .flat_map(|(_, path)| path.roots.iter().copied());
        Stage {
            is_only: !others().any(|(_, path)| path.roots.iter().any(|root| roots.contains(root))),
            read_later: read_later.collect(),
            roots: roots.to_vec(),
            ends: ends.to_vec(),
            active,
        }
    }

    /// Takes up what an earlier run has made of a stage, or runs it and leaves that to later ones.
    fn taken_or_run(&mut self, stage: &Stage, open: &Open) -> Result<(), Failure> {
        let known = self.known(stage)?;
        if let Some(known) = &known
            && self.take_up(known)?
        {
            return Ok(());
        }
        self.profiled_stage(stage, open)?;
        known.iter().for_each(|known| self.leave(known));
        Ok(())
    }

    /// Runs a stage, and tells the profile, if there is one.
    fn profiled_stage(&mut self, stage: &Stage, open: &Open) -> Result<(), Failure> {
        let timer = self.timer();
        self.profile.iter_mut().for_each(Profile::begin_stage);
        let done = self.stage(stage, open);
        if let (Some(profile), Some(timer)) = (&mut self.profile, timer) {
            profile.end_stage(&timer);
        }
        done
    }

    fn timer(&self) -> Option<Timer> {
        self.profile.as_ref().map(|_| Timer::start())
    }

    fn stage(&mut self, stage: &Stage, open: &Open) -> Result<(), Failure> {
        let Stage { roots, ends, active, .. } = stage;
        let started = Instant::now();
        let execution = self.execution;
        self.begin_jobs(active);
        let mut states = match self.files_apart(stage) {
            Some(source) => self.states_by_file(stage, source, open)?,
            None => self.states(stage, open, None)?,
        };
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
            let timer = self.timer();
            let is_there = self.finish(end, states)?;
            if let (Some(profile), Some(timer), true) = (&mut self.profile, timer, is_there) {
                profile.end_operator(end, &timer);
            }
        }
        // What is known only when it is read is counted then.
        let is_counted =
            |node: &NodeId| self.results.get(node).is_none_or(|result| result.rows().is_some());
        for &node in active.iter().filter(|node| is_counted(node)) {
            self.count_in_turn(node);
            execution.counted[node.at()].store(true, Relaxed);
        }
        for root in roots {
            execution.counted[root.at()].store(true, Relaxed);
        }
        self.end_jobs(started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Runs the operators of a stage over its input, or over these files of it.
    fn states(
        &mut self,
        stage: &Stage,
        open: &Open,
        only: Option<Only>,
    ) -> Result<States, Failure> {
        let (execution, active) = (self.execution, &stage.active);
        let plan = execution.plan;
        let is_scan = |root: &NodeId| plan.node(*root).inputs.is_empty();
        let scans = stage.roots.iter().filter(|root| is_scan(root));
        let sources: BTreeMap<NodeId, (Box<dyn Source>, Vec<usize>)> = scans
            .map(|&root| Ok((root, open(root, only.clone())?)))
            .collect::<Result<_, ConnectError>>()?;
        let mut begin = |&root: &NodeId| match sources.get(&root) {
            Some((source, places)) => {
                let (places, width) = (places.clone(), plan.node(root).width);
                (root, Root::Scan { source: &**source, places, width })
            }
            None => {
                let is_last = !stage.read_later.contains(&root);
                let result = match is_last {
                    true => self.results.remove(&root),
                    false => self.results.get(&root).cloned(),
                };
                (root, Root::Result(result.unwrap_or_else(|| Output::Batches(vec![])), is_last))
            }
        };
        let begins: Vec<(NodeId, Root)> = stage.roots.iter().map(&mut begin).collect();
        let ran = execution.run_stage(&begins, active, self.may_end_early(stage));
        if let Some(profile) = &mut self.profile {
            let volumes = sources.iter().map(|(root, (source, _))| (*root, source.volume()));
            profile.add_operators(execution, &stage.roots, active, &volumes.collect());
        }
        let states = ran.map_err(|(at, error)| {
            let source = sources.get(&stage.roots[at]);
            Failure::Stage(error, source.map_or(vec![], |(source, _)| source.files().to_vec()))
        })?;
        drop(begins);
        Ok(states)
    }

    /// May it end before the end of its input?
    fn may_end_early(&self, stage: &Stage) -> bool {
        let plan = self.execution.plan;
        stage.is_only && !stage.roots.iter().any(|root| plan.goes_on(*root))
    }

    fn begin_jobs(&mut self, active: &BTreeSet<NodeId>) {
        let plan = self.execution.plan;
        self.at_work = active.iter().flat_map(|node| plan.node(*node).jobs()).collect();
        for job in self.at_work.iter().filter(|job| !self.timings.contains_key(job)) {
            let job = &self.execution.pipeline.jobs[job.0 as usize].name;
            (self.watch)(Event::JobStarted { job });
        }
    }

    /// The stage has ended; its time is that of every job that took part in it.
    fn end_jobs(&mut self, seconds: f64) {
        for job in std::mem::take(&mut self.at_work) {
            *self.timings.entry(job).or_default() += seconds;
            if is_done(self.execution, job) {
                self.end_job(job, Status::Success);
            }
        }
    }

    /// Tells of a job how it ended.
    fn end_job(&mut self, job: JobId, status: Status) {
        self.ended.insert(job);
        let seconds = self.timings.get(&job).copied().unwrap_or(0.0);
        (self.watch)(Event::JobEnded(&job_report(self.execution, job, status, seconds)));
    }

    /// Tells of all jobs how they ended, now that no stage will run any more: of those at work when a
    /// stage stopped, the one that is named failed, or all of them when none is.
    pub(super) fn end_all_jobs(&mut self, failure: Option<&Failure>) {
        for job in jobs_of(self.execution) {
            if self.ended.contains(&job) {
                continue;
            }
            let failed = match failure {
                Some(Failure::Stage(Error::Row { job: Some(named), .. }, _)) => *named == job,
                Some(Failure::Stage(Error::Cancelled, _)) | None => false,
                Some(_) => self.at_work.contains(&job),
            };
            let status = match failed {
                _ if is_done(self.execution, job) => Status::Success,
                true => Status::Failed,
                false => Status::Cancelled,
            };
            self.end_job(job, status);
        }
    }

    /// A job that did all its work and still failed: too many of its rows did.
    pub(super) fn fail_job(&mut self, failure: &Failure) {
        let Failure::Threshold { job: failed, .. } = failure else { return };
        let is_it = |job: &JobId| self.execution.pipeline.jobs[job.0 as usize].name == *failed;
        if let Some(job) = jobs_of(self.execution).into_iter().find(is_it) {
            self.end_job(job, Status::Failed);
        }
    }

    /// The outputs with their names, in the order of the plan.
    pub(super) fn take_staged(&mut self) -> Vec<(String, Staged)> {
        let (plan, pipeline) = (self.execution.plan, self.execution.pipeline);
        let name = |node: NodeId| match plan.node(node).kind {
            NodeKind::Sink(output) => pipeline.outputs[output].name.clone(),
            _ => unreachable!("only sinks write"),
        };
        let staged = std::mem::take(&mut self.staged).into_iter();
        staged.map(|(node, staged)| (name(node), staged)).collect()
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
