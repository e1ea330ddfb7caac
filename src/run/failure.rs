//! Why a run failed, and how that is told: one sentence, with the place in the program where there is
//! one. What it exits with, and how it looks, is left to the command line.

use super::report::Status;
use crate::connect::{ConnectError, is_of_encoding, to_utf8};
use crate::diagnostics::runtime::Reader;
use crate::diagnostics::{Diagnostic, runtime};
use crate::exec::operators::join::PAIRS_MAX;
use crate::exec::{Error, Failing, Place};
use crate::ir::lineage::{Lineage, Origin, Role};
use crate::ir::{Input, JobId, Pipeline, Promise, Source, StepKind};
use crate::store::StateError;
use crate::text::Span;
use std::sync::Arc;

/// Why a run failed.
pub(super) enum Failure {
    /// The state of runs cannot be used.
    State(StateError),
    /// Another run of the pipeline goes on: what it says of itself.
    Locked(String),
    /// A stage stopped; the files of the source that its row came from.
    Stage(Error, Vec<std::sync::Arc<str>>),
    /// The time of the run is up.
    RunTimeout,
    /// The time of a job is up.
    Timeout {
        /// The job.
        job: String,
        /// Where it is said how long it may take.
        span: Span,
    },
    /// More rows failed than a job or rule allows.
    Threshold {
        /// The job.
        job: String,
        /// What was exceeded: `on error` or the rule's name.
        what: String,
        /// The right side of a join whose rows they are, if they are those of one.
        table: Option<String>,
        /// Where they are found, beside the pipeline, if they were set aside.
        aside: Option<String>,
        /// Rows that failed.
        failed: u64,
        /// Rows in.
        of: u64,
        /// The share allowed.
        above: f64,
        /// Where it is allowed.
        span: Span,
    },
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Failure {
        Failure::State(error)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Failure {
        Failure::Stage(Error::Connect(error), vec![])
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Stage(error, vec![])
    }
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The run failed: a file, a disk, a row that may not fail.
    Failed,
    /// The data broke a rule.
    Rule,
    /// Another run of the pipeline goes on.
    Locked,
    /// It was stopped.
    Stopped,
}

/// A failure in words.
#[derive(Clone, Debug)]
pub struct Told {
    /// What kind it is.
    pub kind: Kind,
    /// One sentence.
    pub message: String,
    /// What can be done, if there is something, unless `found` says it.
    pub help: Option<String>,
    /// With its place, if it is one in the program.
    pub found: Option<Diagnostic>,
}

impl Told {
    fn outside(kind: Kind, message: impl Into<String>, help: Option<String>) -> Told {
        Told { kind, message: message.into(), help, found: None }
    }

    fn of(kind: Kind, found: Diagnostic) -> Told {
        Told { kind, message: found.message.clone(), help: None, found: Some(found) }
    }

    /// The same sentence about the same place?
    fn is_same(&self, other: &Told) -> bool {
        let place = |told: &Told| told.found.as_ref().map(Diagnostic::span);
        self.message == other.message && place(self) == place(other)
    }

    /// How a run has ended of which this failed.
    pub(super) fn status(all: &[Told]) -> Status {
        match all {
            [] => Status::Success,
            all if all.iter().any(|told| told.kind == Kind::Stopped) => Status::Cancelled,
            _ => Status::Failed,
        }
    }
}

/// All that has failed of a run.
#[derive(Default)]
pub(super) struct Failures {
    /// Jobs, in words.
    pub told: Vec<Told>,
    /// What ended the run.
    pub last: Option<Failure>,
}

impl<E> From<E> for Failures
where
    Failure: From<E>,
{
    fn from(error: E) -> Failures {
        Failures { told: vec![], last: Some(error.into()) }
    }
}

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty() && self.last.is_none()
    }

    /// Was the run stopped?
    pub(super) fn is_stop(&self) -> bool {
        matches!(self.last, Some(Failure::Stage(Error::Cancelled, _)))
    }

    /// In words, each once.
    pub(super) fn told(self, pipeline: &Pipeline) -> Vec<Told> {
        let mut told: Vec<Told> = vec![];
        for one in self.told.into_iter().chain(self.last.map(|last| last.told(pipeline))) {
            if !told.iter().any(|other| other.is_same(&one)) {
                told.push(one);
            }
        }
        told
    }
}

impl Failure {
    /// In words.
    pub(super) fn told(self, pipeline: &Pipeline) -> Told {
        match self {
            Failure::State(error) => Told::outside(Kind::Failed, error.message, error.help),
            Failure::Locked(by) => {
                let message = format!("the pipeline is being run already: {by}");
                let help = "to wait for its end: --wait SECONDS".to_owned();
                Told::outside(Kind::Locked, message, Some(help))
            }
            Failure::RunTimeout => {
                let help = "what is done is kept, as `--checkpoints` says: run again to go on";
                let message = "the run took longer than `--timeout`";
                Told::outside(Kind::Failed, message, Some(help.to_owned()))
            }
            Failure::Timeout { job, span } => {
                Told::of(Kind::Failed, runtime::out_of_time(&job, span))
            }
            Failure::Stage(error, files) => stopped(error, &files, pipeline),
            Failure::Threshold { job, what, table, aside, failed, of, above, span } => {
                let found = runtime::above(&what, table.as_deref(), (failed, of), above, span);
                let help = match aside {
                    Some(path) => format!("look at the rows in {path}, or raise the limit"),
                    None => {
                        format!(
                            "set the rows aside to see them, `quarantine bad_{job}`; or raise the limit"
                        )
                    }
                };
                Told::of(Kind::Rule, found.help(help))
            }
        }
    }
}

/// Why a stage stopped.
fn stopped(error: Error, files: &[Arc<str>], pipeline: &Pipeline) -> Told {
    match error {
        Error::Connect(error) => Told::outside(Kind::Failed, error.message, error.help),
        Error::Cancelled => Told::outside(Kind::Stopped, "stopped", None),
        Error::Cardinality { promise, side, key } => Told::of(Kind::Rule, {
            let key = if joins_by_sensitive(pipeline, promise) { "…".into() } else { key };
            match promise {
                Promise::Join(span) => runtime::cardinality(side, &key, span),
                Promise::Key(span) => runtime::key_repeated(&key, span),
                Promise::Found(span) => runtime::key_missing(&key, span),
            }
        }),
        Error::Pairs { span, right } => {
            Told::of(Kind::Failed, runtime::too_many_pairs(right, PAIRS_MAX, span))
        }
        Error::Row { span, job, of, reason, place, .. } => {
            let file = place.and_then(|place| Some(&**files.get(place.file)?));
            let file = file.filter(|_| reads_text(pipeline, job));
            let place = place.map(|place| place_text(place, files));
            if matches!(of, Failing::Rule) && is_about_all(pipeline, span) {
                // What such a rule has seen is without values where they are sensitive.
                return Told::of(Kind::Rule, runtime::table_rule_broken(&reason, span));
            }
            let reason =
                if reads_sensitive(pipeline, job) { without_values(&reason, &of) } else { reason };
            match of {
                Failing::Rule => {
                    Told::of(Kind::Rule, runtime::rule_broken(&reason, place.as_deref(), span))
                }
                Failing::Group => Told::of(Kind::Failed, runtime::group_failed(&reason, span)),
                Failing::Expression => {
                    let job =
                        job.and_then(|job| Some(pipeline.jobs.get(job.0 as usize)?.name.as_str()));
                    let reader = match job {
                        _ if is_about_all(pipeline, span) => Reader::Rule,
                        Some(job) => Reader::Job(job),
                        None => reader_at(pipeline, span),
                    };
                    let convert = file.filter(|_| is_of_encoding(&reason)).map(to_utf8);
                    let place = place.as_deref();
                    let found = runtime::row_failed(&reason, place, span, &reader, convert);
                    Told::of(Kind::Failed, found)
                }
            }
        }
    }
}

/// Are all files that a job reads of text?
fn reads_text(pipeline: &Pipeline, job: Option<JobId>) -> bool {
    let is_text = |input| match input {
        Input::Source(source) => {
            let connector = pipeline.sources[source.0 as usize].connector;
            matches!(connector, "csv" | "json" | "text")
        }
        Input::Job(_) => true,
    };
    let job = job.and_then(|job| pipeline.jobs.get(job.0 as usize));
    job.is_some_and(|job| job.inputs().all(is_text))
}

/// Does a job read a sensitive column, or any job where it is not known which it is, or where only a run
/// knows of it?
fn reads_sensitive(pipeline: &Pipeline, job: Option<JobId>) -> bool {
    match job.filter(|job| (job.0 as usize) < pipeline.jobs.len()) {
        Some(job) => pipeline.reads_sensitive(job),
        None => pipeline.sources.iter().any(Source::has_sensitive),
    }
}

/// Is a sensitive column part of the key that is to be told?
fn joins_by_sensitive(pipeline: &Pipeline, promise: Promise) -> bool {
    match promise {
        Promise::Key(span) => pipeline.sources.iter().any(|source| {
            let of_span = source.row.keys.iter().filter(|key| key.declared == Some(span));
            of_span.flat_map(|key| &key.columns).any(|at| source.is_sensitive(*at))
        }),
        Promise::Join(span) | Promise::Found(span) => {
            let lineage = Lineage::of(pipeline);
            let is_here = |job: &JobId| {
                let mut steps = pipeline.jobs[job.0 as usize].steps.iter();
                steps.any(|step| step.span.covers(span))
            };
            let all = &pipeline.order;
            let is_known = all.iter().any(is_here);
            let jobs = all.iter().filter(|job| !is_known || is_here(job));
            jobs.flat_map(|job| lineage.decided(*job).keys()).any(|(origin, role)| match origin {
                Origin::Column(Input::Source(source), at) if *role == Role::Join => {
                    pipeline.sources[source.0 as usize].is_sensitive(*at)
                }
                _ => false,
            })
        }
    }
}

/// A reason without what may be of a sensitive column, since what ends a run is told everywhere: what
/// stands in quotes, of which a value may have some itself, and the keys of a group.
fn without_values(reason: &str, of: &Failing) -> String {
    let reason = match of {
        Failing::Group => reason.split_once(", in ").map_or(reason, |(reason, _)| reason),
        Failing::Expression | Failing::Rule => reason,
    };
    match (reason.find('"'), reason.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", without_numbers(&reason[..=first]), without_numbers(&reason[last..]))
        }
        _ => without_numbers(reason),
    }
}

/// A reason without words that hold digits: numbers, dates and times, of which any may be a value.
fn without_numbers(reason: &str) -> String {
    let hidden = |word: &str| match word.contains(|sign: char| sign.is_ascii_digit()) {
        true => "…".to_owned(),
        false => word.to_owned(),
    };
    reason.split(' ').map(hidden).collect::<Vec<String>>().join(" ")
}

/// Is the rule at this place one about all rows?
fn is_about_all(pipeline: &Pipeline, span: Span) -> bool {
    let mut steps = pipeline.jobs.iter().flat_map(|job| job.steps.iter());
    steps.any(|step| matches!(&step.kind, StepKind::ExpectAll(rule) if rule.span.covers(span)))
}

/// Who reads rows that fail at a place.
fn reader_at(pipeline: &Pipeline, span: Span) -> Reader<'_> {
    // A source that is written, or looked at, as it is has no job.
    if let Some(source) = pipeline.sources.iter().find(|source| source.span == span) {
        return Reader::Output(&source.name);
    }
    // An expression that was moved into an operator does not say whose it was; but a job's steps
    // follow its name, up to the next job's name.
    let before = pipeline.jobs.iter().filter(|job| job.span.start <= span.start);
    let last = before.max_by_key(|job| job.span.start);
    last.map_or(Reader::Unknown, |job| Reader::Job(&job.name))
}

fn place_text(place: Place, files: &[Arc<str>]) -> String {
    let file = files.get(place.file).map_or("", |file| file);
    match place.line {
        Some(line) => format!("{file}:{line}"),
        None => format!("{file}, row {}", place.record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_without_values() {
        let told = |reason| without_values(reason, &Failing::Expression);
        assert_eq!(told("age: \"12 \"B\" x\" is not an int"), "age: \"…\" is not an int");
        assert_eq!(told("division by zero"), "division by zero");
        assert_eq!(told("a \" alone"), "a \" alone");
        let of_group = "a sum is beyond an int, in group ann@example.com, 7";
        assert_eq!(without_values(of_group, &Failing::Group), "a sum is beyond an int");
    }
}
