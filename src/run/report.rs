//! The report of a run: what each job saw and gave, and how long it took. Its JSON form is
//! versioned and only ever grows.

use super::events::Event;
use super::merged::Merged;
use super::reuse::Verdict;
use crate::diagnostics::reasons;
use crate::ir::RunContext;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

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
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// Names the run.
    pub execution_id: String,
    /// How it ended.
    pub status: Status,
    /// When it started: RFC 3339, UTC.
    pub started: String,
    /// The values of its parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
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
    /// What else was found before it began.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
}

/// What a job saw and gave: `in + added = out + looked_up + filtered + dropped + deduplicated +
/// quarantined + grouped`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JobReport {
    /// Its name.
    pub job: String,
    /// How it ended: `FAILED` when it is what failed, `CANCELLED` when it was not done by then.
    pub status: Status,
    /// The job without whose result it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How often it was tried, if more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
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
    /// Of each rule about all rows that come to it, whether it holds; of those that were judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleReport>,
    /// What each of its partitions is, if it has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionReport>,
    /// Seconds of the stages that it took part in; jobs that share a stage share its time.
    pub seconds: f64,
    /// Rows in, each second.
    pub records_per_second: f64,
    /// Bytes that the run held at most during these stages; 0 if it took part in none.
    pub peak_memory: u64,
}

/// A rule about all rows, written as a list: its name, whether it holds, and what it saw where it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReport {
    /// Its name.
    pub name: String,
    /// Does it hold?
    pub holds: bool,
    /// What it saw, where it does not hold: `count() is 4`.
    pub seen: Option<String>,
}

impl RuleReport {
    /// Of one that does not hold: `does not hold: count() is 4`
    pub fn broken(&self) -> Option<String> {
        let seen = self.seen.as_ref().map_or(String::new(), |seen| format!(": {seen}"));
        (!self.holds).then(|| format!("does not hold{seen}"))
    }
}

impl Serialize for RuleReport {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.seen {
            Some(seen) => (&self.name, self.holds, seen).serialize(to),
            None => (&self.name, self.holds).serialize(to),
        }
    }
}

/// A table that a job reads: `in = filtered + dropped + quarantined +` those that went on into the job, or
/// were looked up in.
#[derive(Clone, Debug, Serialize)]
pub struct InputReport {
    /// Its name.
    pub input: String,
    /// `from`, `union` or `join`.
    pub by: &'static str,
    /// Its rows.
    pub records_in: u64,
    /// Rows of an incremental source that earlier runs have read.
    #[serde(skip_serializing_if = "is_zero")]
    pub filtered: u64,
    /// Rows that could not be read and were dropped.
    pub dropped: u64,
    /// Rows that could not be read and were set aside.
    pub quarantined: u64,
    /// Rows with a value that could not be read and became null.
    pub nulled: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A partition of a job's result.
#[derive(Clone, Debug, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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
    /// Of these an earlier run had read the beginning when it ended.
    pub begun: usize,
    /// All files.
    pub of: usize,
}

/// What was read of a source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub source: String,
    /// How many files.
    pub count: usize,
    /// The digest of all that follows, also of files that are not listed.
    pub digest: String,
    /// The first of them.
    pub files: Vec<FileReport>,
}

/// A file that was read.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// As it is shown.
    pub file: String,
    /// What tells whether it is the same: a digest of its bytes, where all of them were read.
    pub content: String,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct OutputReport {
    /// Its name.
    pub output: String,
    /// Where.
    pub path: String,
    /// Rows, of one that keeps what it holds those that were added.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// Were its rows added to those that it held?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub added: bool,
    /// What became of the rows that it held, if it is merged into them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// Was it there already, made by an earlier run from the same?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
}

/// What was set aside.
#[derive(Clone, Debug, Serialize)]
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
            parameters: BTreeMap::new(),
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
            notes: vec![],
            recovered: None,
            taken_up: BTreeMap::new(),
            files_taken: BTreeMap::new(),
            error: None,
        }
    }

    /// The report of a run that could not start.
    pub fn not_started(context: &RunContext, why: String) -> Report {
        Report { status: Status::Failed, error: Some(why), ..Report::running(context) }
    }

    /// Something has happened.
    pub(super) fn see(&mut self, event: &Event) {
        match event {
            Event::Started(begun) => self.parameters.clone_from(&begun.parameters),
            Event::Recovered(run) => self.recovered = Some((*run).to_owned()),
            Event::Decided(decision) => {
                self.reasons.clone_from(&decision.reasons);
                self.notes.clone_from(&decision.notes);
            }
            Event::TakenUp { job, from } => {
                self.taken_up.insert((*job).to_owned(), (*from).to_owned());
            }
            Event::FilesTaken { source, files } => {
                self.files_taken.insert((*source).to_owned(), **files);
            }
            Event::JobEnded(job) => {
                self.jobs.retain(|other| other.job != job.job);
                self.jobs.push((*job).clone());
            }
            Event::Spilled(spill) => {
                self.spilled += spill.bytes;
                self.spills.push((*spill).clone());
            }
            Event::SetAside(quarantine) => self.quarantines.push((*quarantine).clone()),
            Event::NotRun { job } => {
                for verdict in self.reasons.iter_mut().filter(|verdict| verdict.name == *job) {
                    (verdict.runs, verdict.reason) = (false, reasons::same_rows());
                }
            }
            Event::Reused(output) | Event::Unchanged(output) | Event::Written(output) => {
                self.outputs.push((*output).clone())
            }
            _ => {}
        }
    }

    /// It has ended; jobs are put into this order.
    pub(super) fn end(&mut self, order: &[&str], records_read: u64, seconds: f64) {
        self.seconds = seconds;
        self.records_read = records_read;
        self.records_per_second = rate(records_read, seconds);
        self.peak_memory = peak_memory();
        self.jobs.sort_by_key(|job| order.iter().position(|name| *name == job.job));
    }
}

pub(super) fn rate(records: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { records as f64 / seconds } else { 0.0 }
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
