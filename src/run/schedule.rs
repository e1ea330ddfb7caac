//! Stages in order: whenever an input is there, all that can be computed from it in one pass is.

mod attempts;
mod branches;
mod by_file;
mod epochs;
mod finish;
mod jobs;
mod kept;
mod paths;
mod running;
mod saved;
mod times;
mod unchanged;

use super::counts::jobs_of;
use super::events::Event;
use super::failure::{Failure, Failures};
use super::limits::Limits;
use super::profile::{Profile, Timer};
use super::report::Status;
use super::session::Session;
use crate::connect::{ConnectError, Only, Source, Staged};
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::operators::Output;
use crate::exec::operators::united::United;
use crate::exec::stage::Execution;
use crate::ir::{JobId, RunContext};
use crate::memory;
use crate::plan::{NodeId, NodeKind};
use branches::Broken;
pub(super) use branches::OpenSink;
use paths::Path;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;
use unchanged::Contents;

/// Opens the source of a scan, or only these of its files, and says which columns it gives.
pub(super) type Open<'o> =
    dyn Fn(NodeId, Option<Only>) -> Result<(Box<dyn Source>, Vec<usize>), ConnectError> + Sync + 'o;

/// What a stage reads, opened, and which columns of it.
type Scans = BTreeMap<NodeId, (Box<dyn Source>, Vec<usize>)>;

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
    /// The same for each end.
    ways: BTreeMap<NodeId, Vec<NodeId>>,
    /// May it have to be run again, so that what it begins with has to stay?
    may_repeat: bool,
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
    /// Bytes that were allocated at most while they ran.
    peaks: BTreeMap<JobId, u64>,
    /// The jobs of the stage that runs.
    at_work: BTreeSet<JobId>,
    watch: &'e (dyn Fn(Event) + Sync),
    /// Where the time goes, if that is asked for.
    pub(super) profile: Option<Profile>,
    /// What stages leave to later runs, and take from earlier ones; none of a run that keeps nothing.
    session: Option<&'e mut Session>,
    /// Was something taken up that an earlier run had computed?
    pub(super) is_taken_up: bool,
    /// Jobs of which it was told how they ended.
    ended: BTreeMap<JobId, Status>,
    /// Those that were not run because another failed.
    missing: BTreeSet<JobId>,
    /// Staged outputs that a checkpoint names.
    kept: BTreeSet<NodeId>,
    /// Has the last stage left the right side of a join on disk?
    has_spilled_join: bool,
    open_sink: &'e OpenSink<'e>,
    limits: &'e Limits<'e>,
    /// Jobs whose time is up.
    out_of_time: BTreeSet<JobId>,
    /// Does what does not depend on what failed go on?
    keeps_going: bool,
    /// Stages that were begun anew, so far.
    begun_anew: u32,
    /// How often jobs were tried again.
    retried: BTreeMap<JobId, u32>,
    /// What ends stages and could not be computed.
    failed: BTreeSet<NodeId>,
    /// Why the run has failed.
    pub(super) failures: Failures,
    /// Is nothing more to be run?
    is_over: bool,
    /// What operators gave, where that is known.
    contents: Contents,
    /// Outputs that stay as they are.
    unchanged: BTreeSet<usize>,
}

impl<'e, 'p> Schedule<'e, 'p> {
    pub(super) fn new(
        execution: &'e Execution<'p>,
        context: &'e RunContext,
        watch: &'e (dyn Fn(Event) + Sync),
        session: Option<&'e mut Session>,
        (open_sink, limits, keeps_going): (&'e OpenSink<'e>, &'e Limits<'e>, bool),
    ) -> Self {
        Schedule {
            execution,
            context,
            results: HashMap::new(),
            done: BTreeSet::new(),
            staged: BTreeMap::new(),
            timings: BTreeMap::new(),
            peaks: BTreeMap::new(),
            at_work: BTreeSet::new(),
            watch,
            profile: None,
            session,
            is_taken_up: false,
            ended: BTreeMap::new(),
            missing: BTreeSet::new(),
            kept: BTreeSet::new(),
            has_spilled_join: false,
            open_sink,
            limits,
            keeps_going,
            out_of_time: BTreeSet::new(),
            begun_anew: 0,
            retried: BTreeMap::new(),
            failed: BTreeSet::new(),
            failures: Failures::default(),
            is_over: false,
            contents: Contents::new(),
            unchanged: BTreeSet::new(),
        }
    }

    /// Runs stages until everything is computed that can be; of the rest [`Schedule::failures`] tells.
    pub(super) fn run_all(&mut self, open: &Open) {
        if let Err(failure) = self.run_stages(open) {
            let is_stop = matches!(failure, Failure::Stage(Error::Cancelled, _));
            self.failures.last = Some(match self.limits.is_run_over() && is_stop {
                true => Failure::RunTimeout,
                false => failure,
            });
        }
    }

    fn run_stages(&mut self, open: &Open) -> Result<(), Failure> {
        let (unions, mut paths) = self.cut();
        (self.watch)(Event::Jobs(jobs_of(self.execution).len()));
        while !self.is_over {
            for &union in &unions {
                self.unite(union);
            }
            // By roots and by the jobs with a limit of their own: what is ready, and whether
            // everything that is left is.
            let mut ready: BTreeMap<(&[NodeId], Vec<JobId>), (Vec<NodeId>, bool)> = BTreeMap::new();
            for (&end, path) in paths.iter().filter(|(end, path)| self.is_left(**end, path)) {
                let key = (&path.roots[..], self.limited_jobs(path));
                let entry = ready.entry(key).or_insert((vec![], true));
                let is_scan = |root: &NodeId| self.execution.plan.node(*root).inputs.is_empty();
                let mut roots = path.roots.iter();
                let roots_there = roots.all(|root| self.done.contains(root) || is_scan(root));
                let needs_there = path.needs.iter().all(|need| self.done.contains(need));
                if roots_there && needs_there && !self.waits(path, &paths) {
                    entry.0.push(end);
                } else {
                    entry.1 = false;
                }
            }
            let whole = ready.iter().find(|(_, (ends, whole))| *whole && !ends.is_empty());
            let next = whole.or_else(|| ready.iter().find(|(_, (ends, _))| !ends.is_empty()));
            let Some(((roots, _), (ends, _))) = next else { break };
            let stage = self.next_stage(roots, ends, &paths);
            self.taken_or_run(&stage, &paths, open)?;
            let has_spilled_join = std::mem::take(&mut self.has_spilled_join);
            if self.leave_unchanged() || has_spilled_join {
                (_, paths) = self.cut();
            }
        }
        self.note_all();
        Ok(())
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
            .filter(|(end, _)| !self.done.contains(end) && !self.failed.contains(end))
            .flat_map(|(_, path)| path.roots.iter().copied());
        let mut stage = Stage {
            is_only: !others().any(|(_, path)| path.roots.iter().any(|root| roots.contains(root))),
            read_later: read_later.collect(),
            roots: roots.to_vec(),
            ends: ends.to_vec(),
            active,
            ways: ends.iter().map(|end| (*end, paths[end].nodes.clone())).collect(),
            may_repeat: false,
        };
        let jobs = &self.execution.pipeline.jobs;
        let has_retry = |job: &JobId| jobs[job.0 as usize].retry.is_some();
        stage.may_repeat = self.keeps_going && stage.has_parts()
            || self.jobs_at(&stage.active).iter().any(has_retry);
        stage
    }

    /// Takes up what an earlier run has made of a stage, or runs it and leaves that to later ones.
    fn taken_or_run(
        &mut self,
        stage: &Stage,
        paths: &BTreeMap<NodeId, Path>,
        open: &Open,
    ) -> Result<(), Failure> {
        let known = self.known(stage)?;
        // What a run that died had read of this stage is more than the part of it that one before had
        // left, without which the rest would be another stage.
        let epoch = self.epoch_key(stage);
        if let Some(known) = &known
            && !self.has_epoch(epoch.as_deref())
            && (self.take_up(known)? || self.take_up_part(stage, paths)?)
        {
            return Ok(());
        }
        let mark = self.mark(stage)?;
        let broken = self.profiled_stage(stage, open);
        if let Some(known) = known
            && self.leave(&known.of_done(stage, &self.done))
            && let (true, Some(key), Some(session)) = (broken.is_empty(), epoch, &self.session)
        {
            session.checkpoints.forget_epoch(&key);
        }
        if broken.is_empty() {
            return Ok(());
        }
        self.go_on_without(stage, broken, mark.as_ref())
    }

    /// Runs a stage, and tells the profile, if there is one.
    fn profiled_stage(&mut self, stage: &Stage, open: &Open) -> Vec<Broken> {
        let timer = self.timer();
        self.profile.iter_mut().for_each(Profile::begin_stage);
        let started = Instant::now();
        memory::begin_peak();
        self.begin_jobs(&stage.active);
        let limit = self.limit_of(stage);
        self.limits.begin(limit.map(|(most, _)| most));
        let ran = self.on_its_threads(stage, |own| own.stage(stage, open));
        let mut broken = match ran.map_err(Broken::from) {
            Ok(Ok(broken)) => broken,
            Ok(Err(broken)) | Err(broken) => vec![broken],
        };
        if let (true, Some((_, job))) = (self.limits.end(), limit) {
            self.blame_limit(job, &mut broken);
        }
        for &job in &self.at_work {
            let peak = self.peaks.entry(job).or_default();
            *peak = memory::peak().max(*peak as usize) as u64;
        }
        self.end_jobs(started.elapsed().as_secs_f64());
        if let (Some(profile), Some(timer)) = (&mut self.profile, timer) {
            profile.end_stage(&timer);
        }
        broken
    }

    fn timer(&self) -> Option<Timer> {
        self.profile.as_ref().map(|_| Timer::start())
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
