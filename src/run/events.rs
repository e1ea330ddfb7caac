//! What happens in a run, while it happens: put into the report, told to who watches, and written down
//! line by line, in a form that is versioned and only ever grows.

use super::report::{
    FilesTaken, JobReport, OutputReport, QuarantineReport, Report, SourceReport, SpillReport,
};
use super::{Decision, Options};
use crate::data::display;
use crate::diagnostics::reasons;
use crate::ir::{Input, Pipeline, RunContext, Source, SourceId};
use crate::store::StateError;
use crate::types::{DataType, Scalar};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The version of the lines.
const VERSION: u32 = 1;

/// How often it is told how far jobs are.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// It begins, with this.
    Started(&'e Begun),
    /// A run that had died over its outputs was completed first.
    Recovered(&'e str),
    /// It is decided what is run, and why.
    Decided(&'e Decision),
    /// An output is there already.
    Reused(&'e OutputReport),
    /// An output stays as it is: what it is made of came out as before.
    Unchanged(&'e OutputReport),
    /// A job that was to be run is not: what it reads came out as before.
    NotRun {
        /// The job.
        job: &'e str,
    },
    /// So many jobs are to be run.
    Jobs(usize),
    /// Something of a job was taken up that an earlier run had computed.
    TakenUp {
        /// The job.
        job: &'e str,
        /// The earlier run.
        from: &'e str,
    },
    /// Files were not read again, since an earlier run had read the same bytes.
    FilesTaken {
        /// The source.
        source: &'e str,
        /// How many.
        files: &'e FilesTaken,
    },
    /// The first stage of a job begins.
    JobStarted {
        /// The job.
        job: &'e str,
    },
    /// A job has failed for a reason that can pass, and is tried again.
    JobRetried {
        /// The job.
        job: &'e str,
        /// Which try the next one is.
        tries: u32,
        /// Of how many.
        of: u32,
        /// How long it waits before that.
        seconds: f64,
        /// Why it failed.
        error: &'e str,
    },
    /// A job is at work.
    JobProgress {
        /// The job.
        job: &'e str,
        /// Rows of all tables that it reads, so far.
        records_in: u64,
        /// Rows of its result, so far.
        records_out: u64,
    },
    /// A job has ended, well or not; once more when it is found later that too many of its rows
    /// failed.
    JobEnded(&'e JobReport),
    /// An operator has written to disk because memory was used up.
    Spilled(&'e SpillReport),
    /// What was read of a source.
    Read(&'e SourceReport),
    /// Rows that were set aside are to be seen.
    SetAside(&'e QuarantineReport),
    /// An output is visible.
    Written(&'e OutputReport),
    /// A job asks for more than the run has; it runs with what there is.
    LessThanAsked(&'e str),
    /// Something of an earlier run could not be taken up, and is computed again.
    NotTakenUp(&'e StateError),
    /// Something could not be left to later runs; this one goes on.
    NotLeft(&'e StateError),
    /// It ended, and that could not be noted for later ones; its outputs are there all the same.
    NotNoted(&'e StateError),
    /// Events cannot be written there any more; the run goes on.
    NotWritten(&'e str),
    /// It has ended.
    Ended(&'e Report),
}

/// What a run begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begun {
    /// The version of batchc.
    pub version: String,
    /// What the pipeline is called in the state folder: the name of its file.
    pub pipeline: String,
    /// What it calls itself.
    pub name: Option<String>,
    /// The values of all parameters.
    pub parameters: BTreeMap<String, String>,
    /// What was asked for.
    pub request: Request,
    /// Threads.
    pub threads: usize,
    /// Bytes of memory.
    pub memory: usize,
    /// The process.
    pub process: u32,
    /// Its sources, jobs and outputs.
    pub graph: Vec<Node>,
}

/// A source, job or output of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// `source`, `job` or `output`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is made of: names of sources and jobs.
    pub from: Vec<String>,
    /// The jobs that it runs after without reading them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

impl Node {
    /// Those of a pipeline, each behind all that it is made of.
    pub(super) fn all(pipeline: &Pipeline) -> Vec<Node> {
        let name = |input: Input| pipeline.name_of(input).to_owned();
        let node = |kind: &str, name: &str, from: Vec<String>| Node {
            kind: kind.to_owned(),
            name: name.to_owned(),
            from,
            after: vec![],
        };
        let source = |(source, at): (&Source, u32)| {
            let writers = pipeline.writers(Input::Source(SourceId(at)));
            node("source", &source.name, writers.map(name).collect())
        };
        let sources: Vec<Node> = pipeline.sources.iter().zip(0..).map(source).collect();
        let (mut all, mut asides): (Vec<Node>, Vec<Node>) =
            sources.into_iter().partition(|node| node.from.is_empty());
        for id in &pipeline.order {
            let job = &pipeline.jobs[id.0 as usize];
            let mut from: Vec<String> = vec![];
            for input in job.inputs().map(name).collect::<Vec<_>>() {
                if !from.contains(&input) {
                    from.push(input);
                }
            }
            all.extend(asides.extract_if(.., |aside| from.contains(&aside.name)));
            let after = job.after.iter().map(|other| name(Input::Job(*other))).collect();
            all.push(Node { after, ..node("job", &job.name, from) });
        }
        let outputs = pipeline.outputs.iter();
        let outputs = outputs.map(|output| node("output", &output.name, vec![name(output.from)]));
        all.into_iter().chain(asides).chain(outputs).collect()
    }
}

/// What was asked for, as it was written, for asking for it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The pipeline's file, by its path from the root.
    pub file: String,
    /// The parameters that were given: `NAME=VALUE`.
    pub parameters: Vec<String>,
    /// The names that were selected.
    pub select: Vec<String>,
    /// Is everything made anew, whatever is there?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// The run with which it goes on, and before it those with which that went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
}

impl Event<'_> {
    /// What a person is to know of it, if that is all that it is about.
    pub fn warning(&self) -> Option<String> {
        match self {
            Event::NotTakenUp(error) => Some(format!("{error}: what it held is computed again")),
            Event::NotLeft(error) => Some(format!("without checkpoints from here on: {error}")),
            Event::NotNoted(error) => Some(format!("this run is not in the list of runs: {error}")),
            Event::NotWritten(error) => Some(format!("without further events: {error}")),
            Event::LessThanAsked(shortage) => Some((*shortage).to_owned()),
            _ => None,
        }
    }

    /// Its kind and its fields, as they are written down; none of what nobody but us asks for.
    fn fields(&self) -> Option<(&'static str, Value)> {
        Some(match self {
            Event::Started(begun) => ("run.started", fields_of(begun)),
            Event::Recovered(run) => ("run.recovered", json!({ "of": run })),
            Event::Decided(decision) => ("plan", json!({ "jobs": decision.reasons })),
            Event::Reused(output) => ("output.reused", fields_of(output)),
            Event::Unchanged(output) => ("output.unchanged", fields_of(output)),
            Event::NotRun { job } => {
                let reason = reasons::same_rows().text;
                ("job.skipped", json!({ "job": job, "reason": reason }))
            }
            Event::Jobs(_) => return None,
            Event::TakenUp { job, from } => ("job.taken_up", json!({ "job": job, "from": from })),
            Event::FilesTaken { source, files } => {
                let mut fields = fields_of(*files);
                fields["source"] = json!(source);
                ("source.taken", fields)
            }
            Event::JobStarted { job } => ("job.started", json!({ "job": job })),
            Event::JobRetried { job, tries, of, seconds, error } => {
                let fields =
                    json!({ "job": job, "try": tries, "of": of, "in": seconds, "error": error });
                ("job.retry", fields)
            }
            Event::JobProgress { job, records_in, records_out } => {
                let fields =
                    json!({ "job": job, "records_in": records_in, "records_out": records_out });
                ("job.progress", fields)
            }
            Event::JobEnded(job) => ("job.finished", fields_of(job)),
            Event::Spilled(spill) => ("spill", fields_of(spill)),
            Event::Read(source) => ("source.read", fields_of(source)),
            Event::SetAside(quarantine) => ("reject.summary", fields_of(quarantine)),
            Event::Written(output) => ("output.committed", fields_of(output)),
            Event::LessThanAsked(_)
            | Event::NotTakenUp(_)
            | Event::NotLeft(_)
            | Event::NotNoted(_)
            | Event::NotWritten(_) => {
                ("log", json!({ "level": "warning", "message": self.warning() }))
            }
            Event::Ended(report) => {
                let fields = json!({
                    "status": report.status,
                    "seconds": report.seconds,
                    "records_read": report.records_read,
                    "records_per_second": report.records_per_second,
                    "peak_memory": report.peak_memory,
                    "spilled": report.spilled,
                    "error": report.error,
                });
                ("run.finished", fields)
            }
        })
    }
}

/// Tells what happens to all who want to know: the report, who watches, and the files in which it is
/// written down.
pub(super) struct Recorder<'r> {
    run: &'r str,
    watch: &'r (dyn Fn(Event) + Sync),
    told: Mutex<Told<'r>>,
}

struct Told<'r> {
    report: Report,
    lines: u64,
    /// What was written so far, until it is known where it is kept.
    kept: Option<Vec<u8>>,
    files: Vec<Box<dyn Write + Send + 'r>>,
}

impl<'r> Recorder<'r> {
    pub(super) fn new(context: &'r RunContext, options: &Options<'r>) -> Recorder<'r> {
        let events = options.events.iter();
        let told = Told {
            report: Report::running(context),
            lines: 0,
            kept: options.state.as_ref().map(|_| vec![]),
            files: events.map(|file| Box::new(*file) as Box<dyn Write + Send + 'r>).collect(),
        };
        Recorder { run: &context.id, watch: options.watch, told: Mutex::new(told) }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told<'r>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has happened.
    pub(super) fn tell(&self, event: Event) {
        let written = {
            let mut told = self.told();
            told.report.see(&event);
            told.write(&event, self.run)
        };
        (self.watch)(event);
        if let Err(error) = written {
            self.tell(Event::NotWritten(&error));
        }
    }

    /// What has happened and what will is kept there.
    pub(super) fn keep(&self, file: Result<std::fs::File, StateError>) {
        let mut told = self.told();
        let before = told.kept.take().unwrap_or_default();
        let begun = file.and_then(|mut file| {
            let written = file.write_all(&before).map(|()| file);
            written.map_err(|error| StateError::new(format!("cannot keep events: {error}")))
        });
        match begun {
            Ok(file) => told.files.push(Box::new(file)),
            Err(error) => {
                drop(told);
                self.tell(Event::NotWritten(&error.message));
            }
        }
    }

    /// The report so far, once it is complete.
    pub(super) fn report(&self, complete: impl FnOnce(&mut Report)) -> Report {
        let mut told = self.told();
        complete(&mut told.report);
        told.report.clone()
    }
}

impl Told<'_> {
    /// Writes a line wherever lines are written; no more to where that fails.
    fn write(&mut self, event: &Event, run: &str) -> Result<(), String> {
        let Some((kind, fields)) = event.fields().filter(|_| self.is_written()) else {
            return Ok(());
        };
        self.lines += 1;
        let mut line = Map::new();
        line.insert("v".into(), json!(VERSION));
        line.insert("ts".into(), json!(now()));
        line.insert("run".into(), json!(run));
        line.insert("seq".into(), json!(self.lines));
        line.insert("ev".into(), json!(kind));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        let line = Value::Object(line).to_string() + "\n";
        self.kept.iter_mut().for_each(|kept| kept.extend_from_slice(line.as_bytes()));
        let mut failed = Ok(());
        self.files.retain_mut(|file| {
            let written = file.write_all(line.as_bytes());
            written
                .map_err(|error| failed = Err(format!("they cannot be written: {error}")))
                .is_ok()
        });
        failed
    }

    fn is_written(&self) -> bool {
        self.kept.is_some() || !self.files.is_empty()
    }
}

fn fields_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a report can be written")
}

fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    display(&Scalar::Timestamp(now.as_micros() as i64), &DataType::Timestamp)
}
