//! The report of a run: what each job saw and gave, and how long it took. Its JSON form is
//! versioned and only ever grows.

use super::Failure;
use super::profile::Profile;
use super::reuse::Verdict;
use super::schedule::Schedule;
use crate::exec::stage::Execution;
use crate::exec::{Counts, Error};
use crate::ir::{JobId, RunContext, StepKind};
use crate::plan::{Entry, NodeId, NodeKind, ReadBy, operator_name, step_of};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The state of a run or of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It goes on.
    #[default]
    Running,
    /// It ended well.
    Success,
    /// It ended because something failed.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl Status {
    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Success => "SUCCESS",
            Status::Failed => "FAILED",
            Status::Cancelled => "CANCELLED",
        }
    }
}

/// The report of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// Names the run.
    pub execution_id: String,
    /// How it ended.
    pub status: Status,
    /// When it started: RFC 3339, UTC.
    pub started: String,
    /// Wall time.
    pub seconds: f64,
    /// Rows read from sources.
    pub records_read: u64,
    /// Rows read from sources, each second.
    pub records_per_second: f64,
    /// The largest resident memory of the process, in bytes.
    pub peak_memory: u64,
    /// Bytes written to disk because memory was used up.
    pub spilled: u64,
    /// Which operators wrote them.
    pub spills: Vec<SpillReport>,
    /// The jobs in the order in which they were run.
    pub jobs: Vec<JobReport>,
    /// The outputs.
    pub outputs: Vec<OutputReport>,
    /// The quarantines, also of a run that failed.
    pub quarantines: Vec<QuarantineReport>,
    /// Why jobs were run or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Verdict>,
    /// The run whose outputs this one published first, since it had died over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<String>,
    /// Jobs of which something was taken up that an earlier run had computed when it died or
    /// failed, and which run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub taken_up: BTreeMap<String, String>,
    /// Of sources that are read file by file, what was not read again, since an earlier run had read
    /// the same bytes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files_taken: BTreeMap<String, FilesTaken>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where its time went, if that was asked for; it has a form of its own.
    #[serde(skip)]
    pub profile: Option<Profile>,
}

/// What a job saw and gave: `in + added = out + looked_up + filtered + dropped + deduplicated +
/// quarantined + grouped`.
#[derive(Debug, Default, Serialize)]
pub struct JobReport {
    /// Its name.
    pub job: String,
    /// How it ended: `FAILED` when it is what failed, `CANCELLED` when it was not done by then.
    pub status: Status,
    /// Rows of all tables that it reads.
    pub records_in: u64,
    /// Rows of its result.
    pub records_out: u64,
    /// Rows of the right sides of joins, in which others were looked up.
    pub looked_up: u64,
    /// Rows that `filter`, `take`, or a join without a match left out.
    pub filtered: u64,
    /// Rows that failed or broke a rule, and were dropped.
    pub dropped: u64,
    /// Rows that `distinct` and `dedupe` left out.
    pub deduplicated: u64,
    /// Rows that were set aside.
    pub quarantined: u64,
    /// Rows that became one with others of their group.
    pub grouped: u64,
    /// Rows that joins and `explode` added.
    pub added: u64,
    /// Rows that the job had not done with when the run ended; 0 in a job that succeeded.
    pub unfinished: u64,
    /// Rows with a value that became null because it failed.
    pub nulled: u64,
    /// Rows whose key of a join was null, which matches nothing.
    pub null_keys: u64,
    /// Rows that failed: dropped, set aside, or with a value that became null.
    pub records_failed: u64,
    /// The tables that it reads, in the order of the text.
    pub inputs: Vec<InputReport>,
    /// Rows that broke each rule of the job, whatever became of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<(String, u64)>,
    /// What each of its partitions is, if it has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionReport>,
    /// Seconds of the stages that it took part in; jobs that share a stage share its time.
    pub seconds: f64,
    /// Rows in, each second.
    pub records_per_second: f64,
}

/// A table that a job reads: `in = dropped + quarantined +` those that went on into the job, or
/// were looked up in.
#[derive(Debug, Serialize)]
pub struct InputReport {
    /// Its name.
    pub input: String,
    /// `from`, `union` or `join`.
    pub by: &'static str,
    /// Its rows.
    pub records_in: u64,
    /// Rows that could not be read and were dropped.
    pub dropped: u64,
    /// Rows that could not be read and were set aside.
    pub quarantined: u64,
    /// Rows with a value that could not be read and became null.
    pub nulled: u64,
}

/// A partition of a job's result.
#[derive(Debug, Serialize)]
pub struct PartitionReport {
    /// Its number, from 0.
    pub partition: u32,
    /// Rows of the result in it.
    pub records_processed: u64,
    /// Rows that failed in the job and would have come into it: known for partitions by hash, as
    /// long as the key of a failed row is.
    pub records_failed: u64,
}

/// What an operator wrote to disk because memory was used up.
#[derive(Debug, Serialize)]
pub struct SpillReport {
    /// What it does, as the plan says.
    pub operator: String,
    /// The job that it is part of.
    pub job: Option<String>,
    /// Bytes.
    pub bytes: u64,
}

/// How many files of a source were not read again.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct FilesTaken {
    /// Those.
    pub taken: usize,
    /// Of these only what was added at the end was read.
    pub grown: usize,
    /// All files.
    pub of: usize,
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct OutputReport {
    /// Its name.
    pub output: String,
    /// Where.
    pub path: String,
    /// Rows.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// Was it there already, made by an earlier run from the same?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
}

/// What was set aside.
#[derive(Debug, Serialize)]
pub struct QuarantineReport {
    /// Its name.
    pub quarantine: String,
    /// Where.
    pub path: String,
    /// Rows.
    pub records: u64,
}

impl Report {
    /// The report of a run that has just begun.
    pub fn running(context: &RunContext) -> Report {
        let started = crate::data::display(
            &crate::types::Scalar::Timestamp(context.time),
            &crate::types::DataType::Timestamp,
        );
        Report {
            version: 1,
            execution_id: context.id.clone(),
            status: Status::Running,
            started,
            seconds: 0.0,
            records_read: 0,
            records_per_second: 0.0,
            peak_memory: 0,
            spilled: 0,
            spills: vec![],
            jobs: vec![],
            outputs: vec![],
            quarantines: vec![],
            reasons: vec![],
            recovered: None,
            taken_up: BTreeMap::new(),
            files_taken: BTreeMap::new(),
            error: None,
            profile: None,
        }
    }

    /// The report of a run that could not start.
    pub fn not_started(context: &RunContext, why: String) -> Report {
        Report { status: Status::Failed, error: Some(why), ..Report::running(context) }
    }

    pub(super) fn ended(self, status: Status, records_read: u64, seconds: f64) -> Report {
        Report {
            status,
            seconds,
            records_read,
            records_per_second: rate(records_read, seconds),
            peak_memory: peak_memory(),
            ..self
        }
    }

    /// Adds the jobs of the plan, some of which may not be done.
    pub(super) fn add_jobs(
        &mut self,
        execution: &Execution,
        schedule: &Schedule,
        failure: Option<&Failure>,
    ) {
        for &job in &execution.pipeline.order {
            let nodes: Vec<NodeId> = execution
                .plan
                .iter()
                .filter(|(_, node)| node.is_of(job))
                .map(|(id, _)| id)
                .collect();
            if !nodes.is_empty() {
                let mut report = job_report(execution, job, &nodes);
                report.status = status_of(job, schedule, failure);
                report.leave_unfinished();
                report.seconds = schedule.timings.get(&job).copied().unwrap_or(0.0);
                report.records_per_second = rate(report.records_in, report.seconds);
                self.jobs.push(report);
            }
        }
    }

    /// Adds what each operator wrote to disk.
    pub(super) fn add_spills(&mut self, execution: &Execution) {
        let pipeline = execution.pipeline;
        for (node, spool) in execution.plan.nodes.iter().zip(&execution.spools) {
            let bytes = spool.written();
            if bytes > 0 {
                self.spilled += bytes;
                let operator = operator_name(node, pipeline);
                let job = node.job.map(|job| pipeline.jobs[job.0 as usize].name.clone());
                self.spills.push(SpillReport { operator, job, bytes });
            }
        }
    }

    /// A job that did all its work and still failed: too many of its rows did.
    pub(super) fn fail_job(&mut self, failure: &Failure) {
        let Failure::Threshold { job: failed, .. } = failure else { return };
        for job in self.jobs.iter_mut().filter(|job| job.job == *failed) {
            job.status = Status::Failed;
        }
    }

    /// Every row is accounted for; anything else is a mistake of ours.
    pub(super) fn check_balance(&self) {
        for job in &self.jobs {
            let out = job.records_out
                + job.looked_up
                + job.filtered
                + job.dropped
                + job.deduplicated
                + job.quarantined
                + job.grouped
                + job.unfinished;
            assert_eq!(job.records_in + job.added, out, "the rows of `{}` balance", job.job);
        }
    }
}

fn rate(records: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { records as f64 / seconds } else { 0.0 }
}

/// How a job ended. Of the jobs at work when a stage stopped, the one that is named failed, or
/// all of them when none is.
fn status_of(job: JobId, schedule: &Schedule, failure: Option<&Failure>) -> Status {
    if schedule.is_done(job) {
        return Status::Success;
    }
    let failed = match failure {
        Some(Failure::Stage(Error::Row { job: Some(named), .. }, _)) => *named == job,
        Some(Failure::Stage(Error::Cancelled, _)) | None => false,
        Some(_) => schedule.at_work.contains(&job),
    };
    if failed { Status::Failed } else { Status::Cancelled }
}

fn job_report(execution: &Execution, id: JobId, nodes: &[NodeId]) -> JobReport {
    let job = &execution.pipeline.jobs[id.0 as usize];
    let mut report = JobReport { job: job.name.clone(), ..JobReport::default() };
    let mut nulled_before = 0;
    for &node in nodes {
        let counts = &execution.counts[node.at()];
        let of = |count: &AtomicU64| count.load(Relaxed);
        let failed = of(&counts.dropped) + of(&counts.quarantined);
        report.dropped += of(&counts.dropped);
        report.quarantined += of(&counts.quarantined);
        report.nulled += of(&counts.nulled);
        report.null_keys += of(&counts.null_keys);
        nulled_before += of(&counts.nulled_before);
        let given = of(&counts.input).saturating_sub(failed);
        match execution.plan.node(node).kind {
            NodeKind::Build(_) => report.looked_up += given,
            NodeKind::Result => report.records_out = of(&counts.output),
            NodeKind::Steps(_) => report.filtered += given - of(&counts.output),
            NodeKind::Step(step) => {
                let step = step_of(execution.pipeline, execution.plan.node(node), step);
                report.add_step(step, given, of(&counts.output), of(&counts.left_out));
                if let StepKind::Expect(rule) = step {
                    report.expectations.push((rule.name.clone(), of(&counts.violations)));
                }
            }
            NodeKind::Read { .. } | NodeKind::Scan(_) | NodeKind::Gather | NodeKind::Sink(_) => {}
        }
    }
    report.inputs =
        execution.plan.entries(id).map(|entry| input_report(execution, &entry)).collect();
    report.records_in = report.inputs.iter().map(|input| input.records_in).sum();
    let failed = report.dropped + report.quarantined + report.nulled;
    report.records_failed = failed - nulled_before;
    report.partitions = partition_reports(execution, id);
    report
}

pub(super) fn input_report(execution: &Execution, entry: &Entry) -> InputReport {
    let plan = execution.plan;
    // What cannot be read fails where it is read; a key of the right side, where its table is
    // built.
    let is_build = |id: &NodeId| matches!(plan.node(*id).kind, NodeKind::Build(_));
    let is_read = matches!(plan.node(entry.node).kind, NodeKind::Read { .. });
    let reading = std::iter::once(&entry.node).filter(|id| is_read || is_build(id));
    let building = plan.node(entry.node).consumers.iter().filter(|id| is_build(id));
    let nodes: Vec<&NodeId> = reading.chain(building.filter(|_| is_read)).collect();
    let sum = |of: fn(&Counts) -> &AtomicU64| {
        nodes.iter().map(|node| of(&execution.counts[node.at()]).load(Relaxed)).sum()
    };
    InputReport {
        input: execution.pipeline.name_of(entry.table).to_owned(),
        by: match entry.by {
            ReadBy::From => "from",
            ReadBy::Union => "union",
            ReadBy::Join => "join",
        },
        records_in: execution.counts[entry.node.at()].input.load(Relaxed),
        dropped: sum(|counts| &counts.dropped),
        quarantined: sum(|counts| &counts.quarantined),
        nulled: sum(|counts| &counts.nulled),
    }
}

fn partition_reports(execution: &Execution, id: JobId) -> Vec<PartitionReport> {
    let Some(counts) = &execution.partitions[id.0 as usize] else { return vec![] };
    let of =
        |(partition, (processed, failed)): (usize, (&AtomicU64, &AtomicU64))| PartitionReport {
            partition: partition as u32,
            records_processed: processed.load(Relaxed),
            records_failed: failed.load(Relaxed),
        };
    counts.processed.iter().zip(&counts.failed).enumerate().map(of).collect()
}

impl JobReport {
    /// Books the difference between the rows that a step was given and gave. Those `left_out` gave nothing,
    /// so that others may have given more than one.
    fn add_step(&mut self, step: &StepKind, given: u64, out: u64, left_out: u64) {
        let more = (out + left_out).saturating_sub(given);
        let less = given + more - out;
        self.added += more;
        match step {
            StepKind::Aggregate { .. } => self.grouped += less,
            StepKind::Distinct | StepKind::Dedupe(_) => self.deduplicated += less,
            StepKind::Filter { .. }
            | StepKind::Take { .. }
            | StepKind::Join(_)
            | StepKind::Explode { .. }
            | StepKind::Project(_)
            | StepKind::Set { .. }
            | StepKind::Sort(_)
            | StepKind::Union { .. }
            | StepKind::Parse(_)
            | StepKind::Expect(_) => self.filtered += less,
        }
    }
}

impl JobReport {
    /// Of a job that did not end, what became of a row is not known before the row is through.
    fn leave_unfinished(&mut self) {
        if self.status != Status::Success {
            (self.filtered, self.deduplicated, self.grouped) = (0, 0, 0);
            let done = self.records_out + self.looked_up + self.dropped + self.quarantined;
            self.unfinished = (self.records_in + self.added).saturating_sub(done);
        }
    }
}

/// The largest resident memory of the process so far, in bytes; 0 where it cannot be known.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}
