//! What an output is made from: a digest of all that its bytes depend on, and the same in parts, so
//! that a later run can say what changed.
//!
//! In a digest are the meaning of the program (never its text), the values of parameters and the
//! bytes of the input files; not threads, memory, passes, paths of temporary files or the clock,
//! which change no byte of an output.

use super::arguments;
use super::marks::Mark;
use crate::ir::{
    ErrorPolicy, ExpectAction, Folder, Incremental, Input, Job, JobId, JoinKind, Merge, Mode,
    PartitionBy, Pipeline, RunContext, Scd2, SourceId, Step, StepKind, step_name,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use twox_hash::XxHash3_128;

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
    /// What became of the rows that it held.
    #[serde(default)]
    pub mode: String,
    /// How far it has taken in sources that are read incrementally.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, Mark>,
    /// The key of its rows, by what the operators before it gave.
    #[serde(default)]
    pub rows: Option<String>,
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

/// The digests of tables, from which those of outputs are put together.
pub(super) struct Digests<'p> {
    pub pipeline: &'p Pipeline,
    pub context: &'p RunContext,
    /// The keys of tables.
    pub keys: BTreeMap<Input, String>,
    sources: BTreeMap<SourceId, SourceMade>,
    jobs: BTreeMap<JobId, JobMade>,
}

/// The tables that outputs are made of, and those of jobs that have to be done before.
#[derive(Default)]
pub(super) struct Ancestors {
    pub sources: BTreeSet<SourceId>,
    pub jobs: BTreeSet<JobId>,
}

impl Ancestors {
    pub(super) fn of(pipeline: &Pipeline, outputs: impl IntoIterator<Item = usize>) -> Ancestors {
        let from = outputs.into_iter().map(|at| pipeline.outputs[at].from);
        let (mut found, mut open) = (Ancestors::default(), from.collect::<Vec<Input>>());
        while let Some(next) = open.pop() {
            match next {
                Input::Source(source) => {
                    found.sources.insert(source);
                    open.extend(pipeline.writers(next));
                }
                Input::Job(job) if found.jobs.insert(job) => {
                    open.extend(pipeline.needs(job));
                }
                Input::Job(_) => {}
            }
        }
        found
    }
}

pub(super) fn digest(text: &str) -> String {
    format!("{:032x}", XxHash3_128::oneshot(text.as_bytes()))
}

impl<'p> Digests<'p> {
    /// The digests of all tables that these outputs are made of.
    pub(super) fn new(
        pipeline: &'p Pipeline,
        context: &'p RunContext,
        outputs: &[usize],
        files: &dyn Fn(SourceId) -> Files,
    ) -> Digests<'p> {
        let (keys, sources, jobs) = Default::default();
        let mut digests = Digests { pipeline, context, keys, sources, jobs };
        let ancestors = Ancestors::of(pipeline, outputs.iter().copied());
        for &id in &ancestors.sources {
            let source = digests.source(id, files(id));
            digests.keys.insert(Input::Source(id), digest(&format!("{source:?}")));
            digests.sources.insert(id, source);
        }
        for &id in pipeline.order.iter().filter(|id| ancestors.jobs.contains(id)) {
            let job = &pipeline.jobs[id.0 as usize];
            job.inputs().for_each(|input| digests.add_writers(input));
            digests.keys.insert(Input::Job(id), digests.job_key(job));
            digests.jobs.insert(id, digests.job(job));
        }
        // Those that only outputs read.
        ancestors.sources.iter().for_each(|id| digests.add_writers(Input::Source(*id)));
        digests
    }

    /// Puts the keys of the jobs that set rows aside into that of the quarantine, once they are known.
    fn add_writers(&mut self, table: Input) {
        let writers = self.pipeline.writers(table);
        let keys: Vec<&String> = writers.map(|writer| &self.keys[&writer]).collect();
        if !keys.is_empty() {
            let key = digest(&format!("aside {} {keys:?}", self.pipeline.name_of(table)));
            self.keys.insert(table, key);
        }
    }

    /// The key of one of the outputs, and what it is made from.
    pub(super) fn of(&self, output: usize) -> (String, Made) {
        let declared = &self.pipeline.outputs[output];
        let ancestors = Ancestors::of(self.pipeline, [output]);
        let name = |table: Input| self.pipeline.name_of(table).to_owned();
        let source = |id: &SourceId| (name(Input::Source(*id)), self.sources[id].clone());
        let sources = ancestors.sources.iter().map(source).collect();
        let job = |id: &JobId| (name(Input::Job(*id)), self.jobs[id].clone());
        let jobs = ancestors.jobs.iter().map(job).collect();
        let (written, mode) = (self.form_of(output), mode_text(&declared.mode));
        let key = self.key_as(output, &mode);
        let params = self.pipeline.params.iter().zip(&self.context.params);
        let value = |(param, value): (&crate::ir::Param, &crate::types::Scalar)| {
            (param.name.clone(), crate::data::display(value, &param.ty.data))
        };
        let params = params.map(value).collect();
        (
            key,
            Made {
                engine: ENGINE.to_owned(),
                params,
                sources,
                jobs,
                output: written,
                mode,
                marks: BTreeMap::new(),
                rows: None,
            },
        )
    }

    /// The key that one of the outputs would have in this mode.
    pub(super) fn key_as(&self, output: usize, mode: &str) -> String {
        let (from, written) =
            (&self.keys[&self.pipeline.outputs[output].from], self.form_of(output));
        digest(&format!("{ENGINE} {from} {written}{mode}"))
    }

    /// A digest of how an output is written, and where.
    pub(super) fn form_of(&self, output: usize) -> String {
        let declared = &self.pipeline.outputs[output];
        let row = match declared.from {
            Input::Source(source) => &self.pipeline.sources[source.0 as usize].row,
            Input::Job(job) => self.pipeline.jobs[job.0 as usize].row(),
        };
        let columns: Vec<_> = row.columns.iter().map(|column| (&column.name, &column.ty)).collect();
        let arguments = arguments(&declared.arguments, self.context);
        let folder = |folder: &Folder| {
            format!(" {} {}", folder.name, folder.value.meaning(Some(self.context)))
        };
        let folders: String = declared.folders.iter().map(folder).collect();
        digest(&format!("{} {arguments:?} {columns:?}{folders}", declared.connector))
    }

    fn source(&self, id: SourceId, files: Files) -> SourceMade {
        let source = &self.pipeline.sources[id.0 as usize];
        let types: Vec<_> =
            source.row.columns.iter().map(|column| (&column.name, &column.ty)).collect();
        let external: Vec<_> =
            source.columns.iter().map(|column| (&column.external, &column.format)).collect();
        let arguments = arguments(&source.arguments, self.context);
        let mut declared = format!("{} {arguments:?} {types:?} {external:?}", source.connector);
        if let Some(Incremental { column, lookback, after, .. }) = &source.incremental {
            declared.push_str(&format!(" {column} {lookback:?} {after:?}"));
        }
        for check in source.columns.iter().filter_map(|column| column.check.as_ref()) {
            declared.push_str(&check.condition.meaning(Some(self.context)));
        }
        SourceMade { declared: digest(&declared), files }
    }

    /// The key of a job: of what it does and of all that it reads, whatever that is called.
    fn job_key(&self, job: &Job) -> String {
        let input = |input: Input| self.keys[&input].clone();
        let mut text = format!("{} {}", self.keys[&job.input], self.settings(job));
        for step in job.steps.iter() {
            text.push('\n');
            text.push_str(&step.kind.meaning(&input, Some(self.context)));
        }
        digest(&text)
    }

    fn job(&self, job: &Job) -> JobMade {
        let name = |input: Input| self.pipeline.name_of(input).to_owned();
        let step = |step: &Step| {
            // A column of another name is told, though only its name in an output is part of a key.
            let names: Vec<_> = step.row.columns.iter().map(|column| &column.name).collect();
            let of = |run| digest(&format!("{} {names:?}", step.kind.meaning(&name, run)));
            StepMade { label: label(step), written: of(None), done: of(Some(self.context)) }
        };
        JobMade {
            from: name(job.input),
            settings: digest(&self.settings(job)),
            steps: job.steps.iter().map(step).collect(),
        }
    }

    /// What a job does with rows that fail, and how it is split. Rows that are set aside are told
    /// with the names of the job and its columns.
    pub(super) fn settings(&self, job: &Job) -> String {
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

/// A mode as it is part of keys: nothing where rows are replaced.
pub(super) fn mode_text(mode: &Mode) -> String {
    match mode {
        Mode::Overwrite => String::new(),
        Mode::Append => "append".to_owned(),
        Mode::Merge(Merge { keys, keep, declared: _ }) => format!("merge {keys:?} {keep:?}"),
        Mode::Scd2(Scd2 { keys, track, declared: _ }) => format!("scd2 {keys:?} {track:?}"),
    }
}

/// What a step is called when it is told that it changed: the column that it computes, or its word.
fn label(step: &Step) -> String {
    match &step.kind {
        // What it marks is for the rule behind it.
        StepKind::Join(join) if join.kind == JoinKind::Mark => "expect".to_owned(),
        StepKind::Set { column, .. } => step.row.columns[*column].name.to_string(),
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
