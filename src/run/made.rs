//! What an output is made from: a digest of all that its bytes depend on, and the same in parts, so
//! that a later run can say what changed.
//!
//! In a digest are the meaning of the program (never its text), the values of parameters and the
//! bytes of the input files; not threads, memory, passes, paths of temporary files or the clock,
//! which change no byte of an output.

use super::arguments;
use crate::ir::{
    ErrorPolicy, ExpectAction, Input, Job, JobId, PartitionBy, Pipeline, RunContext, SourceId,
    Step, StepKind, step_name,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_128;

/// What decides how rows are computed. Another engine makes everything anew.
pub(super) const ENGINE: &str = concat!("batchc ", env!("CARGO_PKG_VERSION"));

/// What an output was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Made {
    pub engine: String,
    /// The values of all parameters, as they are given.
    pub params: BTreeMap<String, String>,
    pub sources: BTreeMap<String, SourceMade>,
    pub jobs: BTreeMap<String, JobMade>,
    /// The digest of how it is written.
    pub output: String,
}

/// A source and its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SourceMade {
    pub declared: String,
    /// Names and digests, in the order in which they are read.
    pub files: Vec<(String, String)>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct JobMade {
    pub from: String,
    pub settings: String,
    pub steps: Vec<StepMade>,
}

/// A step: what it is called, and the digests of what it does without and with the values of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StepMade {
    pub label: String,
    pub written: String,
    pub done: String,
}

/// Names and digests of the files of a source.
pub(super) type Files = Vec<(String, String)>;

/// Makes digests of outputs.
pub(super) struct Digests<'p> {
    pub pipeline: &'p Pipeline,
    pub context: &'p RunContext,
    /// The files of each source.
    pub files: &'p dyn Fn(SourceId) -> Files,
}

/// The tables that an output is made of.
#[derive(Default)]
pub(super) struct Ancestors {
    pub sources: BTreeSet<SourceId>,
    pub jobs: BTreeSet<JobId>,
}

impl Ancestors {
    pub(super) fn of(pipeline: &Pipeline, from: Input) -> Ancestors {
        let (mut found, mut open) = (Ancestors::default(), vec![from]);
        while let Some(next) = open.pop() {
            match next {
                Input::Source(source) => drop(found.sources.insert(source)),
                Input::Job(job) if found.jobs.insert(job) => {
                    open.extend(pipeline.jobs[job.0 as usize].inputs());
                }
                Input::Job(_) => {}
            }
        }
        found
    }
}

pub(super) fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

impl Digests<'_> {
    /// The key of an output, and what it is made from.
    pub(super) fn of(&self, output: usize) -> (String, Made) {
        let declared = &self.pipeline.outputs[output];
        let ancestors = Ancestors::of(self.pipeline, declared.from);
        let mut keys: BTreeMap<Input, String> = BTreeMap::new();
        let (mut sources, mut jobs) = (BTreeMap::new(), BTreeMap::new());
        for &id in &ancestors.sources {
            let source = self.source(id);
            let key = digest(&format!("{source:?}"));
            keys.insert(Input::Source(id), key);
            sources.insert(self.pipeline.sources[id.0 as usize].name.clone(), source);
        }
        for &id in self.pipeline.order.iter().filter(|id| ancestors.jobs.contains(id)) {
            let job = &self.pipeline.jobs[id.0 as usize];
            keys.insert(Input::Job(id), self.job_key(job, &keys));
            jobs.insert(job.name.clone(), self.job(job));
        }
        let row = match declared.from {
            Input::Source(source) => &self.pipeline.sources[source.0 as usize].row,
            Input::Job(job) => self.pipeline.jobs[job.0 as usize].row(),
        };
        let columns: Vec<_> = row.columns.iter().map(|column| (&column.name, &column.ty)).collect();
        let arguments = arguments(&declared.arguments, self.context);
        let written = digest(&format!("{} {arguments:?} {columns:?}", declared.connector));
        let key = digest(&format!("{ENGINE} {} {written}", keys[&declared.from]));
        let params = self.pipeline.params.iter().zip(&self.context.params);
        let value = |(param, value): (&crate::ir::Param, &crate::types::Scalar)| {
            (param.name.clone(), crate::data::display(value, &param.ty.data))
        };
        let params = params.map(value).collect();
        (key, Made { engine: ENGINE.to_owned(), params, sources, jobs, output: written })
    }

    fn source(&self, id: SourceId) -> SourceMade {
        let source = &self.pipeline.sources[id.0 as usize];
        let types: Vec<_> =
            source.row.columns.iter().map(|column| (&column.name, &column.ty)).collect();
        let external: Vec<_> =
            source.columns.iter().map(|column| (&column.external, &column.format)).collect();
        let arguments = arguments(&source.arguments, self.context);
        let declared = format!("{} {arguments:?} {types:?} {external:?}", source.connector);
        SourceMade { declared: digest(&declared), files: (self.files)(id) }
    }

    /// The key of a job: of what it does and of all that it reads, whatever that is called.
    fn job_key(&self, job: &Job, keys: &BTreeMap<Input, String>) -> String {
        let input = |input: Input| keys[&input].clone();
        let mut text = format!("{} {}", keys[&job.input], self.settings(job));
        for step in &job.steps {
            text.push('\n');
            text.push_str(&step.kind.meaning(&input, Some(self.context)));
        }
        digest(&text)
    }

    fn job(&self, job: &Job) -> JobMade {
        let name = |input: Input| self.pipeline.name_of(input).to_owned();
        let step = |step: &Step| StepMade {
            label: label(step),
            written: digest(&step.kind.meaning(&name, None)),
            done: digest(&step.kind.meaning(&name, Some(self.context))),
        };
        JobMade {
            from: name(job.input),
            settings: digest(&self.settings(job)),
            steps: job.steps.iter().map(step).collect(),
        }
    }

    /// What a job does with rows that fail, and how it is split. Rows that are set aside are told
    /// with the names of the job and its columns.
    fn settings(&self, job: &Job) -> String {
        let partition = job.partition.as_ref().map(|partition| {
            let by = match &partition.by {
                PartitionBy::Hash(key) => format!("hash {}", key.meaning(Some(self.context))),
                PartitionBy::RoundRobin => "round robin".to_owned(),
                PartitionBy::Size => "size".to_owned(),
            };
            format!("{by} into {}", partition.into)
        });
        let above = job.on_error.above.map(|(share, _)| share);
        let mut text = format!("{:?} {above:?} {partition:?}", job.on_error.policy);
        for quarantine in quarantines_of(job) {
            text.push_str(&format!(" {} {}", self.pipeline.quarantines[quarantine].name, job.name));
            for row in std::iter::once(&job.input_row).chain(job.steps.iter().map(|step| &step.row))
            {
                text.extend(row.columns.iter().map(|column| format!(" {}", column.name)));
            }
        }
        text
    }
}

/// What a step is called when it is told that it changed: the column that it computes, or its word.
fn label(step: &Step) -> String {
    match step.kind {
        StepKind::Set { column, .. } => step.row.columns[column].name.to_string(),
        StepKind::Project(_) => "select".to_owned(),
        StepKind::Aggregate { .. } => "group".to_owned(),
        _ => step_name(&step.kind).to_owned(),
    }
}

/// The quarantines that rows of a job can come into.
pub(super) fn quarantines_of(job: &Job) -> BTreeSet<usize> {
    let of_rule = |step: &Step| match &step.kind {
        StepKind::Expect(rule) => match rule.action {
            ExpectAction::Quarantine(id) => Some(id),
            _ => None,
        },
        _ => None,
    };
    let of_job = match job.on_error.policy {
        ErrorPolicy::Quarantine(id) => Some(id),
        _ => None,
    };
    of_job.into_iter().chain(job.steps.iter().filter_map(of_rule)).map(|id| id.0 as usize).collect()
}
