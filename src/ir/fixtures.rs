//! Tests of the program: rows that stand in for sources and jobs, and what has to come of them. Running
//! them, and saying how what came differs, is not done here.

use super::{
    About, ErrorPolicy, Input, Job, JobId, OnError, ParamId, Pipeline, QuarantineId, Row, Source,
    SourceId,
};
use crate::text::Span;
use crate::types::{Scalar, Type};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `test "..." { given ... want ... }`
#[derive(Clone, Debug)]
pub struct Test {
    /// What must hold.
    pub name: String,
    /// What it stands in for.
    pub given: Vec<Given>,
    /// What has to come of that.
    pub wants: Vec<Want>,
    /// Parameters that it sets.
    pub params: Vec<(ParamId, Scalar)>,
    /// `run.time`, if it sets that.
    pub time: Option<i64>,
    /// `run.date`, if it sets that.
    pub date: Option<i32>,
    /// Where its name is.
    pub span: Span,
}

/// Rows of a table.
#[derive(Clone, Debug)]
pub struct Given {
    /// The source, or the job that is not computed.
    pub table: Input,
    /// A value for each of its columns, and where the row is written.
    pub rows: Vec<(Vec<Scalar>, Span)>,
}

/// What has to come of a job.
#[derive(Clone, Debug)]
pub struct Want {
    /// Of what.
    pub of: WantOf,
    /// What.
    pub wanted: Wanted,
    /// Where it is named.
    pub span: Span,
    /// The whole statement.
    pub statement: Span,
}

/// Of what something is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantOf {
    /// The rows of a job.
    Job(JobId),
    /// The rows that are set aside.
    Quarantine(QuarantineId),
}

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// These rows.
    Rows(WantedRows),
    /// That it fails, for a reason in which this text is found.
    Fails(Option<String>),
}

/// Rows that are wanted.
#[derive(Clone, Debug)]
pub struct WantedRows {
    /// The columns that are compared.
    pub columns: Vec<WantedColumn>,
    /// Their values, and where the row is written.
    pub rows: Vec<(Vec<Scalar>, Span)>,
    /// Is the order of the rows compared too?
    pub in_order: bool,
    /// The line with the names of the columns.
    pub header: Span,
}

/// A column that is compared.
#[derive(Clone, Debug)]
pub struct WantedColumn {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// The pipeline that a test runs, with the tables that it gives as sources.
pub struct Tested {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The sources whose rows are given, in the order of [`Test::given`].
    pub given: Vec<SourceId>,
}

impl Test {
    /// Puts what is given in the place of the sources and jobs. How a job is tried, how long it may take
    /// and what it may use is not what a test is about.
    pub fn applied(&self, pipeline: &Pipeline) -> Tested {
        let mut pipeline = Pipeline { tests: vec![], ..pipeline.clone() };
        for job in &mut pipeline.jobs {
            (job.retry, job.timeout, job.resources, job.checkpoint) = (None, None, None, None);
            job.after.clear();
        }
        pipeline.gates.clear();
        let tables = self.given.iter().map(|given| given.table);
        let given = tables.map(|table| pipeline.stand_in(table)).collect();
        Tested { pipeline, given }
    }
}

impl Tested {
    /// The jobs that can set rows aside in a quarantine, of those whose sources are all given; all of
    /// them if there are none.
    pub fn setting_aside(&self, quarantine: QuarantineId) -> Vec<JobId> {
        let all: Vec<JobId> = self.pipeline.jobs_setting_aside(quarantine).collect();
        let whole = all.iter().filter(|job| self.missing(Input::Job(**job)).is_empty());
        let whole: Vec<JobId> = whole.copied().collect();
        if whole.is_empty() { all } else { whole }
    }

    /// The sources that the jobs read, and that are not given, in their order.
    pub fn missing(&self, table: Input) -> Vec<SourceId> {
        let jobs = self.pipeline.jobs_before(table);
        let inputs = jobs.iter().flat_map(|job| self.pipeline.jobs[job.0 as usize].inputs());
        let sources = inputs.filter_map(|input| match input {
            // What is set aside comes of the jobs that do it.
            Input::Source(source)
                if !self.given.contains(&source)
                    && self.pipeline.sources[source.0 as usize].aside.is_none() =>
            {
                Some(source)
            }
            _ => None,
        });
        sources.collect::<BTreeSet<SourceId>>().into_iter().collect()
    }
}

impl Pipeline {
    /// The jobs of which rows can come into a quarantine.
    pub fn jobs_setting_aside(&self, quarantine: QuarantineId) -> impl Iterator<Item = JobId> + '_ {
        let ids = (0..self.jobs.len() as u32).map(JobId);
        ids.filter(move |id| self.jobs[id.0 as usize].sets_aside(quarantine))
    }

    /// The source that a table becomes whose rows are given.
    fn stand_in(&mut self, table: Input) -> SourceId {
        match table {
            Input::Source(id) => {
                let source = &mut self.sources[id.0 as usize];
                (source.incremental, source.held_by, source.aside) = (None, None, None);
                source.may_skip = false;
                id
            }
            Input::Job(job) => {
                let id = SourceId(self.sources.len() as u32);
                let job = &mut self.jobs[job.0 as usize];
                let row: Arc<Row> = job.row().clone();
                self.sources.push(Source {
                    name: job.name.clone(),
                    connector: "",
                    may_skip: false,
                    arguments: vec![],
                    columns: vec![],
                    row: row.clone(),
                    held_by: None,
                    aside: None,
                    incremental: None,
                    about: About::default(),
                    span: job.span,
                });
                *job = Job {
                    input: Input::Source(id),
                    input_row: row,
                    steps: Arc::default(),
                    on_error: OnError { policy: ErrorPolicy::Fail, above: None },
                    partition: None,
                    ..job.clone()
                };
                id
            }
        }
    }
}
