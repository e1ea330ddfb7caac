//! Running a pipeline: parameters bound, sources opened, stages in order, outputs staged and
//! published together, rows accounted for.

mod checkpoints;
mod counts;
mod cpu;
mod events;
mod failure;
mod held;
mod keys;
mod limits;
mod made;
mod marks;
mod memo;
mod merged;
mod open;
pub mod openlineage;
mod parted;
mod places;
mod profile;
mod publish;
mod recovery;
mod report;
mod resources;
mod reuse;
mod rules;
mod schedule;
mod session;
mod thresholds;

pub use checkpoints::{Cleaned, Retention, When, clean};
pub use events::{Begun, Event, Node, Request};
pub use failure::{Kind, Told};
pub use merged::Merged;
pub use open::text_of;
pub use places::{check_places, replaced_by_report};
pub use profile::{OperatorProfile, Profile, StageProfile};
pub use report::{
    FileReport, FilesTaken, InputReport, JobReport, OutputReport, PartitionReport,
    QuarantineReport, Report, RuleReport, SourceReport, SpillReport, Status,
};
pub use reuse::{Decision, Verdict, decide};

use crate::connect::{ConnectError, Given, Staged};
use crate::data::{Batch, display};
use crate::exec::clock::Tally;
use crate::exec::compile::compile;
use crate::exec::partition::PartitionCounts;
use crate::exec::stage::Execution;
use crate::ir::{self, Input, Pipeline, RunContext, SourceId};
use crate::plan::{Plan, Targets, plan};
use crate::store::spool::Spool;
use crate::text::Files;
use crate::types::Scalar;
use events::{PROGRESS_EVERY, Recorder};
use failure::Failures;
use limits::Limits;
use marks::{Marked, with_marks};
use open::{arguments, open_sink, open_sinks, open_source};
use session::Session;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where runs keep what they did, and how this one takes it.
#[derive(Clone, Debug)]
pub struct State {
    /// The folder.
    pub folder: PathBuf,
    /// What the pipeline is called there: the name of its file.
    pub pipeline: String,
    /// Is everything made anew, whatever is there?
    pub fresh: bool,
    /// So long to wait for another run of the pipeline.
    pub wait: Duration,
    /// When stages leave what they have made to later runs.
    pub checkpoints: When,
    /// What was asked for, so that it can be asked for again.
    pub request: Request,
}

impl State {
    /// A file of the pipeline's own.
    fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.pipeline))
    }

    /// Where the rows of a quarantine are found.
    pub(crate) fn quarantine(&self, name: &str) -> PathBuf {
        self.folder.join("quarantine").join(format!("{name}.jsonl"))
    }
}

/// What stands in for the world around a pipeline that is tested.
pub struct Fixture {
    /// The rows of sources.
    pub given: BTreeMap<SourceId, Given>,
    /// The lines of each quarantine, if they are looked at; they come here when they are there.
    pub aside: Option<Mutex<BTreeMap<String, String>>>,
    /// Does a job fail when more than a share of its rows do? A few rows say nothing about shares.
    pub has_limits: bool,
}

/// How to run.
#[derive(Clone)]
pub struct Options<'r> {
    /// The folder that relative paths start from: the pipeline file's.
    pub base: PathBuf,
    /// Threads, at least 1.
    pub threads: usize,
    /// Bytes of memory to use. When half of them are used up, operators write to disk what they
    /// hold.
    pub memory: usize,
    /// Bytes of a text file that a thread takes at a time.
    pub chunk: usize,
    /// The folder for what does not fit into memory.
    pub temp: PathBuf,
    /// What to run.
    pub targets: Targets,
    /// Where runs keep what they did; none of a run that leaves nothing behind.
    pub state: Option<State>,
    /// Is asked for where the time goes?
    pub profiles: bool,
    /// When a job fails, is everything run that does not depend on it?
    pub keeps_going: bool,
    /// How long it may take, if there is a limit.
    pub timeout: Option<Duration>,
    /// Set to stop.
    pub cancelled: &'r AtomicBool,
    /// Rows read from sources so far, counted here for those who watch.
    pub rows_read: &'r AtomicU64,
    /// Where what happens is written down, besides in the state folder.
    pub events: Option<&'r File>,
    /// What stands in for files, in a test.
    pub fixture: Option<&'r Fixture>,
    /// The program's files, for places in it.
    pub files: &'r Files,
    /// Told what happens while it happens.
    pub watch: &'r (dyn Fn(Event) + Sync),
}

/// What came of a run.
pub struct Outcome {
    /// Rows, times, outputs.
    pub report: Report,
    /// Why it failed, if it did.
    pub failures: Vec<Told>,
    /// The tables of [`Targets::tables`], in their order.
    pub tables: Vec<Vec<Batch>>,
    /// Where its time went, if that was asked for.
    pub profile: Option<Profile>,
}

/// The stack of a thread that plans or runs: a step goes a little deeper than the one before it, so
/// long pipelines need more than is usual. Memory is taken only for what is used.
pub const STACK_BYTES: usize = 256 << 20;

/// Runs the targets. Nothing is published unless all stages succeed.
pub fn run(pipeline: &Pipeline, context: &RunContext, options: &Options) -> Outcome {
    let started = Instant::now();
    let recorder = Recorder::new(context, options);
    let tell = |event: Event| recorder.tell(event);
    let mut options = Options { watch: &tell, ..options.clone() };
    tell(Event::Started(&begun(pipeline, context, &options)));
    let mut profile = options.profiles.then(|| Profile::new(context.id.clone(), options.threads));
    let begin = |state| Session::begin(pipeline, context, &options, state);
    let (session, result) = match options.state.as_ref().map(begin).transpose() {
        Err(failure) => (None, Err(Failures::from(failure))),
        Ok(mut session) => {
            if let Some(session) = &session {
                recorder.keep(session.events(context));
                options.targets.outputs.clone_from(&session.decision.outputs);
            }
            for shortage in resources::shortages(pipeline, &options) {
                tell(Event::LessThanAsked(&shortage));
            }
            publish::sweep(pipeline, context, &options);
            let of = session.as_mut();
            let result = match &of {
                Some(session) if session.decision.outputs.is_empty() => Ok(vec![]),
                _ => on_all_threads(pipeline, context, &options, of, &mut profile, started),
            };
            (session, result)
        }
    };
    let (tables, failures) = match result {
        Ok(tables) => (tables, vec![]),
        Err(failures) => (vec![], failures.told(pipeline)),
    };
    if let Some(session) = &session {
        session.sources(pipeline).iter().for_each(|source| tell(Event::Read(source)));
    }
    let order: Vec<&str> =
        pipeline.order.iter().map(|job| pipeline.name_of(Input::Job(*job))).collect();
    let report = recorder.report(|report| {
        report.status = Told::status(&failures);
        let messages: Vec<&str> = failures.iter().map(|failure| &*failure.message).collect();
        report.error = (!messages.is_empty()).then(|| messages.join("\n"));
        let rows = options.rows_read.load(Relaxed);
        report.end(&order, rows, started.elapsed().as_secs_f64());
    });
    if let Some(Err(error)) = session.map(|session| session.end(&report)) {
        tell(Event::NotNoted(&error));
    }
    tell(Event::Ended(&report));
    Outcome { report, failures, tables, profile }
}

/// What the run begins with.
fn begun(pipeline: &Pipeline, context: &RunContext, options: &Options) -> Begun {
    let params = pipeline.params.iter().zip(&context.params);
    let value = |(param, value): (&ir::Param, &Scalar)| {
        (param.name.clone(), display(value, &param.ty.data))
    };
    let state = options.state.as_ref();
    Begun {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pipeline: state.map_or_else(String::new, |state| state.pipeline.clone()),
        name: pipeline.name.clone(),
        graph: Node::all(pipeline),
        parameters: params.map(value).collect(),
        request: state.map_or_else(Request::default, |state| state.request.clone()),
        threads: options.threads,
        memory: options.memory,
        process: std::process::id(),
    }
}

/// Computes and publishes, on a pool of threads.
fn on_all_threads(
    pipeline: &Pipeline,
    context: &RunContext,
    options: &Options,
    mut session: Option<&mut Session>,
    profile: &mut Option<Profile>,
    started: Instant,
) -> Result<Vec<Vec<Batch>>, Failures> {
    let held = session.as_ref().map(|session| session.decision.held.clone()).unwrap_or_default();
    let mut targets = options.targets.clone();
    let outputs = &options.targets.outputs;
    let of = session.as_mut();
    let marked = of.and_then(|session| {
        let marked = with_marks(pipeline, outputs, &session.decision.marks)?;
        session.add_twins(&marked);
        targets.tables.extend(marked.tables());
        Some(marked)
    });
    let lowered = marked.as_ref().map_or(pipeline, |marked| &marked.pipeline);
    let merged = merged::with_merges(lowered, context, &options.base, outputs, &held);
    let lowered = merged.as_ref().unwrap_or(lowered);
    let parted = parted::with_folders(lowered, outputs);
    let lowered = parted.as_ref().unwrap_or(lowered);
    let ruled = rules::with_judges(lowered, &targets);
    let lowered = ruled.as_ref().unwrap_or(lowered);
    let plan = plan(lowered, &targets);
    pool(options.threads).map_err(Failures::from)?.install(|| {
        let until = options.timeout.map(|most| started + most);
        let has_timeout = pipeline.jobs.iter().any(|job| job.timeout.is_some());
        let limits = Limits::new(options.cancelled, until, has_timeout);
        let pipelines = (pipeline, lowered, marked.as_ref());
        let result = limits
            .watched(|| attempt(pipelines, context, (options, &limits), &plan, session, profile));
        profile.iter_mut().for_each(|profile| profile.end(started));
        result
    })
}

/// So many threads.
fn pool(threads: usize) -> Result<rayon::ThreadPool, ConnectError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES);
    pool.build().map_err(|error| ConnectError {
        message: format!("cannot start {threads} threads: {error}"),
        help: None,
        may_pass: false,
    })
}

/// Computes the pipeline, as it is written and as it is lowered, and publishes.
fn attempt(
    (written, pipeline, marked): (&Pipeline, &Pipeline, Option<&Marked>),
    context: &RunContext,
    (options, limits): (&Options, &Limits),
    plan: &Plan,
    mut session: Option<&mut Session>,
    profile: &mut Option<Profile>,
) -> Result<Vec<Vec<Batch>>, Failures> {
    let kept = session.as_ref().map(|session| session.kept_aside(written)).transpose()?;
    let kept = kept.unwrap_or_default();
    let spool = |node: &crate::plan::Node| {
        let (threads, memory) = resources::of(node, pipeline, options);
        Spool::new(options.temp.clone(), memory, threads)
    };
    let room = Spool::new(options.temp.clone(), options.memory, options.threads).waiting_bytes();
    let execution = Execution {
        pipeline,
        plan,
        nodes: compile(plan, pipeline, context),
        sinks: open_sinks(pipeline, plan, context, options, room)?,
        counts: plan.nodes.iter().map(|_| Default::default()).collect(),
        counted: plan.nodes.iter().map(|_| AtomicBool::new(false)).collect(),
        set_aside: plan.nodes.iter().map(|_| AtomicBool::new(false)).collect(),
        seen: Mutex::default(),
        partitions: pipeline
            .jobs
            .iter()
            .map(|job| {
                let new = |partition| PartitionCounts::new(job, partition, context);
                job.partition.as_ref().map(new)
            })
            .collect(),
        quarantines: publish::open_quarantines(pipeline, plan, context, options, &kept, room)?,
        cancelled: limits.flag(),
        rows_read: options.rows_read,
        read: Mutex::default(),
        tallies: options.profiles.then(|| Mutex::new(vec![Tally::default(); plan.nodes.len()])),
        spools: plan.nodes.iter().map(|node| Arc::new(spool(node))).collect(),
    };
    let readings = session.as_ref().map(|session| session.readings.clone());
    let open = |id, only| open_source(&execution, id, only, context, options, readings.as_ref());
    let open_sink = |id, begin| open_sink(pipeline, plan.node(id), context, options, begin);
    let opens = (&open as &schedule::Open, &open_sink as &schedule::OpenSink);
    let (result, is_taken_up) = telling_progress(&execution, options, || {
        compute(&execution, context, (options, limits), opens, session.as_deref_mut(), profile)
    });
    let merged =
        |output: &ir::Output| Some((output.name.clone(), merged::merged(&execution, output)?));
    let merged = pipeline.outputs.iter().filter_map(merged).collect();
    let Execution { quarantines, .. } = execution;
    // What was set aside is shown also, and most of all, when the run has failed; but one that could
    // not even begin to read has nothing to show.
    let has_begun = result.is_ok() || options.rows_read.load(Relaxed) > 0 || is_taken_up;
    let aside = match has_begun {
        true => publish::finish_quarantines(pipeline, quarantines),
        false => Ok(vec![]),
    };
    let (mut tables, outputs) = match result {
        Ok(result) => result,
        Err(failure) => {
            publish::publish_quarantines(&mut aside?, options)?;
            return Err(failure);
        }
    };
    let ends = tables.split_off(options.targets.tables.len());
    if let (Some(session), Some(marked)) = (&mut session, marked) {
        session.reached(marked, &ends);
    }
    publish::publish(written, context, (aside?, outputs, merged), session, options)?;
    Ok(tables)
}

/// The tables that were asked for, and the outputs, which are not yet visible.
type Computed = (Vec<Vec<Batch>>, Vec<(String, Staged)>);

/// Computes, and tells from time to time how far the jobs are.
fn telling_progress<T>(execution: &Execution, options: &Options, compute: impl FnOnce() -> T) -> T {
    let (ended, waits) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while waits.recv_timeout(PROGRESS_EVERY) == Err(RecvTimeoutError::Timeout) {
                counts::tell_progress(execution, options.watch);
            }
        });
        // Dropped when all is computed, or when something panics.
        let _ended = ended;
        compute()
    })
}

/// All that is computed before anything is made visible; and whether something of it was taken up that
/// an earlier run had computed.
fn compute(
    execution: &Execution,
    context: &RunContext,
    (options, limits): (&Options, &Limits),
    (open, open_sink): (&schedule::Open, &schedule::OpenSink),
    session: Option<&mut Session>,
    profile: &mut Option<Profile>,
) -> (Result<Computed, Failures>, bool) {
    let how = (open_sink, limits, options.keeps_going);
    let mut schedule = schedule::Schedule::new(execution, context, options.watch, session, how);
    schedule.profile = profile.take();
    schedule.run_all(open);
    *profile = schedule.profile.take();
    profile.iter_mut().for_each(|profile| profile.end_stages(execution));
    if !schedule.failures.is_stop() {
        for (job, failures) in thresholds::broken(execution, options) {
            schedule.fail(&[job].into(), failures);
        }
    }
    schedule.end_all_jobs();
    counts::spills(execution).iter().for_each(|spill| (options.watch)(Event::Spilled(spill)));
    let is_taken_up = schedule.is_taken_up;
    let failures = std::mem::take(&mut schedule.failures);
    if !failures.is_empty() {
        schedule.keep_staged();
        return (Err(failures), is_taken_up);
    }
    let tables = schedule.take_tables().map_err(Failures::from);
    (tables.map(|tables| (tables, schedule.take_staged())), is_taken_up)
}
