//! What the program *means*: typed, resolved, free of any engine.
//!
//! No names of functions, columns or jobs are looked up after this form: everything is an id or a
//! position, with the span it came from for messages. Nothing here says how or where a job runs,
//! so that another engine can be given the same pipeline.

mod columns;
mod domain;
mod expr;
mod fixtures;
mod how;
mod keys;
pub mod lineage;
mod meaning;
mod opened;
mod shared;
mod show;
mod step;
mod widen;

pub use columns::Columns;
pub use domain::{Bound, Domain, Found, Members};
pub use expr::{Arithmetic, Comparison, Expr, ExprKind, Lambda, RunValue, Slot, concat_may_fail};
pub use fixtures::{Given, Test, Tested, Want, WantOf, Wanted, WantedColumn, WantedRows};
pub use how::{
    Address, Notifier, NotifierKind, Notify, Resources, Retry, Secret, SecretFrom, SecretText,
    Timeout,
};
pub use show::{show, step_name};
pub use step::{
    AggregateCall, Cardinality, Dedupe, Distance, ExpectAction, Expectation, Frame, Join, JoinKind,
    Keep, Nearest, Parse, ParseField, Pattern, Promise, RunContext, SharedKey, SortKey, Step,
    StepKind, TableFact, TableRule, Template, Window, WindowCall, WindowValue,
};
pub use widen::widen;

use crate::functions::Registry;
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A parameter, by its position in [`Pipeline::params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub u32);

/// A source, by its position in [`Pipeline::sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A job, by its position in [`Pipeline::jobs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u32);

/// A quarantine, by its position in [`Pipeline::quarantines`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuarantineId(pub u32);

/// A whole pipeline. May be run only when it was checked without errors.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// The name of the `pipeline` declaration.
    pub name: Option<String>,
    /// What is said about it.
    pub about: About,
    /// The parameters in the order of the text.
    pub params: Vec<Param>,
    /// The sources in the order of the text.
    pub sources: Vec<Source>,
    /// The jobs in the order of the text.
    pub jobs: Vec<Job>,
    /// The outputs in the order of the text.
    pub outputs: Vec<Output>,
    /// Where rows are set aside.
    pub quarantines: Vec<Quarantine>,
    /// The jobs in an order in which each comes after those it reads; ties as in the text.
    pub order: Vec<JobId>,
    /// Texts that nobody may see.
    pub secrets: Vec<Secret>,
    /// Who can be told of a run.
    pub notifiers: Vec<Notifier>,
    /// Who is told of each.
    pub notify: Notify,
    /// Jobs that lead to no output, and are run only because others run after them.
    pub gates: BTreeSet<JobId>,
    /// What must come of rows that are given, in the order of the text.
    pub tests: Vec<Test>,
    /// Of a pipeline that is run, the hidden jobs that judge the rules about all rows of a job, by the
    /// job and the step before which they look at its rows.
    pub rules: BTreeMap<(JobId, usize), JobId>,
}

impl Pipeline {
    /// The name of a table.
    pub fn name_of(&self, table: Input) -> &str {
        match table {
            Input::Source(source) => &self.sources[source.0 as usize].name,
            Input::Job(job) => &self.jobs[job.0 as usize].name,
        }
    }

    /// The jobs that set rows aside which a table holds; none unless it is a quarantine.
    pub fn writers(&self, table: Input) -> impl Iterator<Item = Input> + '_ {
        let aside = match table {
            Input::Source(source) => {
                self.sources.get(source.0 as usize).and_then(|source| source.aside.as_ref())
            }
            Input::Job(_) => None,
        };
        aside.into_iter().flat_map(|aside| &aside.writers).map(|job| Input::Job(*job))
    }

    /// All that has to be computed before a job is done: what it reads, and the gates that it runs
    /// after.
    pub fn needs(&self, job: JobId) -> impl Iterator<Item = Input> + '_ {
        let job = &self.jobs[job.0 as usize];
        let gates = job.after.iter().filter(|other| self.gates.contains(other));
        job.inputs().chain(gates.map(|gate| Input::Job(*gate)))
    }

    /// Is what a job sets aside read by others?
    pub fn is_read_aside(&self, job: JobId) -> bool {
        let asides = self.sources.iter().filter_map(|source| source.aside.as_ref());
        asides.flat_map(|aside| &aside.writers).any(|writer| *writer == job)
    }

    /// Does another job run after this one, or read what it sets aside?
    pub fn is_waited_for(&self, job: JobId) -> bool {
        self.jobs.iter().any(|other| other.after.contains(&job)) || self.is_read_aside(job)
    }

    /// The job whose rule a job judges, or the job itself.
    pub fn owner(&self, job: JobId) -> JobId {
        let rule = self.rules.iter().find(|(_, judge)| **judge == job);
        rule.map_or(job, |((owner, _), _)| *owner)
    }

    /// The jobs that lead to a table, and itself if it is one, in the order of the graph.
    pub fn jobs_before(&self, table: Input) -> Vec<JobId> {
        let (mut found, mut open) = (BTreeSet::new(), vec![table]);
        while let Some(next) = open.pop() {
            open.extend(self.writers(next));
            if let Input::Job(job) = next
                && found.insert(job)
            {
                open.extend(self.jobs[job.0 as usize].inputs());
            }
        }
        self.order.iter().copied().filter(|job| found.contains(job)).collect()
    }

    /// Is a sensitive column among those of the sources that a job is made of?
    pub fn reads_sensitive(&self, job: JobId) -> bool {
        let jobs = self.jobs_before(Input::Job(job));
        let mut inputs = jobs.iter().flat_map(|job| self.jobs[job.0 as usize].inputs());
        inputs.any(|input| match input {
            Input::Source(source) => self.sources[source.0 as usize].has_sensitive(),
            Input::Job(_) => false,
        })
    }

    /// The sources whose rows come into a table by `from`, unions and joins that keep their rows, and are not only
    /// looked up.
    pub fn flows_into(&self, table: Input) -> BTreeSet<SourceId> {
        let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![table]);
        while let Some(next) = open.pop() {
            match next {
                Input::Source(source) => drop(found.insert(source)),
                Input::Job(job) if seen.insert(job) => {
                    let job = &self.jobs[job.0 as usize];
                    open.push(job.input);
                    for step in job.steps.iter() {
                        match &step.kind {
                            StepKind::Union { inputs, .. } => open.extend(inputs),
                            StepKind::Join(join) if join.kind.keeps_right() => {
                                open.push(join.right)
                            }
                            _ => {}
                        }
                    }
                }
                Input::Job(_) => {}
            }
        }
        found
    }

    /// Does an output keep the folders that no rows of a run come into, since these are only what came
    /// since the one before?
    pub fn keeps_folders(&self, output: &Output) -> bool {
        let is_incremental = |source: SourceId| {
            self.sources.get(source.0 as usize).is_some_and(|source| source.incremental.is_some())
        };
        output.mode == Mode::Overwrite
            && !output.folders.is_empty()
            && self.flows_into(output.from).into_iter().any(is_incremental)
    }

    /// The row of a table.
    pub fn row_of(&self, table: Input) -> &Arc<Row> {
        match table {
            Input::Source(source) => &self.sources[source.0 as usize].row,
            Input::Job(job) => self.jobs[job.0 as usize].row(),
        }
    }
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its default; without one a value must be given at each run.
    pub default: Option<Scalar>,
    /// Where it is declared.
    pub span: Span,
}

/// A source.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The connector, one of `connect::ALL`.
    pub connector: &'static str,
    /// May it skip rows that nobody keeps?
    pub may_skip: bool,
    /// The connector's arguments: constant but for parameters.
    pub arguments: Vec<(String, Expr)>,
    /// Its columns.
    pub columns: Vec<SourceColumn>,
    /// The row it gives, with the keys that it declares.
    pub row: Arc<Row>,
    /// Is it what the output at this position holds?
    pub held_by: Option<usize>,
    /// Does it read what jobs of the same run have set aside?
    pub aside: Option<Aside>,
    /// Does a run read only rows that came since the one before?
    pub incremental: Option<Incremental>,
    /// What is said about it.
    pub about: About,
    /// Where it is declared.
    pub span: Span,
}

impl Source {
    /// Is there a column whose values nobody may see?
    pub fn has_sensitive(&self) -> bool {
        self.columns.iter().any(|column| column.sensitive.is_some())
    }

    /// May nobody see the values of a column? The columns of a test's rows are of no file, and seen.
    pub fn is_sensitive(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|column| column.sensitive.is_some())
    }
}

/// `from quarantine.NAME`
#[derive(Clone, Debug, PartialEq)]
pub struct Aside {
    /// What is read.
    pub quarantine: QuarantineId,
    /// The jobs that set rows aside there; it is whole when they are done.
    pub writers: Vec<JobId>,
}

/// What a quarantine says of each row besides its columns, which is never the name of one there.
pub const ABOUT_ROWS: &[(&str, DataType)] = &[
    ("_reason", DataType::String),
    ("_job", DataType::String),
    ("_source_file", DataType::String),
    ("_source_row", DataType::Int),
    ("_line", DataType::Int),
    ("_text", DataType::String),
];

/// `incremental by updated_at lookback 2h`
#[derive(Clone, Debug, PartialEq)]
pub struct Incremental {
    /// The column that grows with the rows that come; never null.
    pub column: usize,
    /// How far behind what was read rows may still come, in microseconds.
    pub lookback: Option<i64>,
    /// Only rows with a greater value are read; all in a pipeline as it is written.
    pub after: Option<Scalar>,
    /// The setting.
    pub span: Span,
}

impl Incremental {
    /// A group of all rows of this source that says how far they go.
    pub fn greatest(&self, row: &Row) -> Step {
        let (column, span) = (&row.columns[self.column], self.span);
        let kind = ExprKind::Column(self.column);
        let ty = column.ty.with_nullable(true);
        let call = AggregateCall {
            name: column.name.clone(),
            function: Registry::standard().overloads("max")[0],
            arguments: vec![Expr { kind, ty: column.ty.clone(), span }],
            ty: ty.clone(),
            span,
        };
        let columns = [Column { ty, domain: None, ..column.clone() }].into_iter().collect();
        let kind = StepKind::Aggregate { keys: vec![], aggregates: vec![call] };
        Step { kind, row: Arc::new(Row { columns, ..Row::default() }), span }
    }

    /// The condition that rows of this source came since it was read; none if it was not.
    pub fn came_since(&self, row: &Row) -> Option<Expr> {
        let after = self.after.clone()?;
        let (ty, span) = (row.columns[self.column].ty.clone(), self.span);
        let expr = |kind| Box::new(Expr { kind, ty: ty.clone(), span });
        let kind = ExprKind::Compare(
            Comparison::Greater,
            expr(ExprKind::Column(self.column)),
            expr(ExprKind::Literal(after)),
        );
        // A value that could not be read is null.
        Some(Expr { kind, ty: crate::types::DataType::Bool.optional(), span })
    }
}

/// A column of a source.
#[derive(Debug, Clone)]
pub struct SourceColumn {
    /// Its name in the file.
    pub external: Arc<str>,
    /// How dates and times are spelled, if not as in ISO 8601.
    pub format: Option<Arc<str>>,
    /// Where it is said that it may not reach an output undisguised, if it is.
    pub sensitive: Option<Span>,
    /// What must be true of its values, if its type is only a part of another.
    pub check: Option<ValueCheck>,
}

/// What must be true of the values of a type that is only a part of another.
#[derive(Debug, Clone)]
pub struct ValueCheck {
    /// Over the row of the source, for values that are not null.
    pub condition: Expr,
    /// What is said of a value for which it is not true: `not a Percent (value >= 0)`.
    pub reason: Arc<str>,
}

/// What a job or an output reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// A source.
    Source(SourceId),
    /// A job.
    Job(JobId),
}

impl Input {
    /// The job, if it is one.
    pub fn job(self) -> Option<JobId> {
        match self {
            Input::Source(_) => None,
            Input::Job(job) => Some(job),
        }
    }
}

/// A job: an input and steps, each from one row type to the next.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// What its `from` reads.
    pub input: Input,
    /// Where `from` stands.
    pub input_span: Span,
    /// The row that `from` gives: the input's columns, nullable where bad values become null.
    pub input_row: Arc<Row>,
    /// The steps in their order; shared with what is kept of a check.
    pub steps: Arc<Vec<Step>>,
    /// Where rows go that fail.
    pub on_error: OnError,
    /// How its result is split, if it says so.
    pub partition: Option<Partition>,
    /// Is its result kept for later runs? If it does not say so, where that pays.
    pub checkpoint: Option<bool>,
    /// How often it is tried again, if it is.
    pub retry: Option<Retry>,
    /// How long it may take, if there is a limit.
    pub timeout: Option<Timeout>,
    /// What it may use of what its run has, if there is a limit.
    pub resources: Option<Resources>,
    /// The jobs that it runs after, without reading them.
    pub after: Vec<JobId>,
    /// Who is told how it ended.
    pub notify: Notify,
    /// Does it belong to an output, and nobody has written it?
    pub is_hidden: bool,
    /// The name's place.
    pub span: Span,
}

impl Job {
    /// The row that the job gives.
    pub fn row(&self) -> &Arc<Row> {
        self.steps.last().map_or(&self.input_row, |step| &step.row)
    }

    /// Can rows of the job come into the quarantine?
    pub fn sets_aside(&self, quarantine: QuarantineId) -> bool {
        let of_rule = |step: &Step| match &step.kind {
            StepKind::Expect(rule) => rule.action == ExpectAction::Quarantine(quarantine),
            _ => false,
        };
        self.on_error.policy == ErrorPolicy::Quarantine(quarantine)
            || self.steps.iter().any(of_rule)
    }

    /// A job that nobody has written.
    pub fn hidden(name: &str, input: Input, row: &Arc<Row>, steps: Vec<Step>, span: Span) -> Job {
        Job {
            name: name.to_owned(),
            input,
            input_span: span,
            input_row: row.clone(),
            steps: Arc::new(steps),
            on_error: OnError { policy: ErrorPolicy::Fail, above: None },
            partition: None,
            checkpoint: None,
            retry: None,
            timeout: None,
            resources: None,
            after: vec![],
            notify: Notify::default(),
            is_hidden: true,
            span,
        }
    }

    /// The same as [`Job::inputs`], to be changed.
    pub fn inputs_mut(&mut self) -> impl Iterator<Item = &mut Input> {
        let of_steps =
            Arc::make_mut(&mut self.steps).iter_mut().flat_map(|step| step.kind.inputs_mut());
        std::iter::once(&mut self.input).chain(of_steps)
    }

    /// All inputs: of `from`, joins and unions, in the order of the text, with repeats.
    pub fn inputs(&self) -> impl Iterator<Item = Input> + '_ {
        std::iter::once(self.input).chain(self.steps.iter().flat_map(|step| step.kind.inputs()))
    }
}

/// Where rows go that fail, and how many may.
#[derive(Clone, Debug, PartialEq)]
pub struct OnError {
    /// Where they go.
    pub policy: ErrorPolicy,
    /// The share of rows in, 0 to 1, above which the job fails all the same.
    pub above: Option<(f64, Span)>,
}

/// Where a row goes that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// The job fails.
    Fail,
    /// It is dropped and counted.
    Drop,
    /// The value becomes null and the row goes on.
    Null,
    /// It is set aside with the reason.
    Quarantine(QuarantineId),
}

/// Rows set aside, with the reason, the file and the row.
#[derive(Clone, Debug)]
pub struct Quarantine {
    /// Its name.
    pub name: String,
    /// Where it is first named.
    pub span: Span,
}

/// How the result of a job is split.
#[derive(Clone, Debug)]
pub struct Partition {
    /// How rows are assigned.
    pub by: PartitionBy,
    /// Into how many, at least 1.
    pub into: u32,
    /// The statement.
    pub span: Span,
}

impl Partition {
    /// Does the partition of a row depend on all rows?
    pub fn by_size(&self) -> bool {
        matches!(self.by, PartitionBy::Size)
    }
}

/// How rows are assigned to partitions.
#[derive(Clone, Debug)]
pub enum PartitionBy {
    /// `int(md5(text of the key), 16) mod n` over the job's result row.
    Hash(Expr),
    /// Row `i` goes to `i mod n`.
    RoundRobin,
    /// Largest row first, each onto the lightest partition so far.
    Size,
}

/// An output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The connector, one of `connect::ALL`.
    pub connector: &'static str,
    /// The connector's arguments: constant but for parameters.
    pub arguments: Vec<(String, Expr)>,
    /// What it writes.
    pub from: Input,
    /// What becomes of the rows that it holds already.
    pub mode: Mode,
    /// By which values its rows are in folders, if they are.
    pub folders: Vec<Folder>,
    /// What is said about it.
    pub about: About,
    /// Where it is declared.
    pub span: Span,
}

/// What is said about a pipeline, source or output for those who look after it; it decides nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Who to ask.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Further facts: each name with its value as it is shown.
    pub meta: Vec<(String, String)>,
}

/// `partition by` of an output: a value of its rows that names folders.
#[derive(Clone, Debug)]
pub struct Folder {
    /// What it is called there.
    pub name: Arc<str>,
    /// The value, over the row that is written.
    pub value: Expr,
    /// The column that it is, which is then in no file; none if it is computed.
    pub column: Option<usize>,
}

/// What becomes of the rows that an output holds already.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mode {
    /// They are replaced.
    #[default]
    Overwrite,
    /// They stay, and new ones come behind them.
    Append,
    /// Those with the key of a new one give way to it.
    Merge(Merge),
    /// They are versions of rows: one that has changed ends, and the new one begins.
    Scd2(Scd2),
}

/// `mode scd2`
#[derive(Clone, Debug, PartialEq)]
pub struct Scd2 {
    /// The columns of the key.
    pub keys: Vec<usize>,
    /// The columns by which two versions differ.
    pub track: Vec<usize>,
    /// Where a source says that the key is one, which its data may not keep to.
    pub declared: Option<Span>,
}

/// The columns of a version, behind those of its row: when it began, when it ended, and whether it has
/// not.
pub const VERSION: [&str; 3] = ["valid_from", "valid_to", "is_current"];

/// `mode merge`
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// The columns of the key.
    pub keys: Vec<usize>,
    /// Which of two rows with one key stays.
    pub keep: MergeKeep,
    /// Where a source says that the key is one, which its data may not keep to.
    pub declared: Option<Span>,
}

/// Which of two rows with one key stays: the one that is there, or the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeKeep {
    /// The new one.
    New,
    /// The one that is there.
    Old,
    /// The one with the greater value in this column, or the new one if they are equal.
    Largest(usize),
    /// The one with the smaller value in this column, or the new one if they are equal.
    Smallest(usize),
}

/// The type of a table: its columns, what identifies a row, how rows are ordered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The columns in order; names are unique.
    pub columns: Columns,
    /// Sets of columns that each identify a row.
    pub keys: Vec<Key>,
    /// The columns by which rows are known to be sorted, [`Row::HIDDEN`] for what is no column.
    pub order: Vec<usize>,
    /// Is it of a step that did not check? Then unknown columns are not reported.
    pub broken: bool,
}

/// Columns that together identify a row: no two rows have the same values there. A row with a null
/// there, which has to match nothing, may come more often when the key is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Their positions.
    pub columns: Vec<usize>,
    /// Where a source says so, which its data may not keep to. Steps that make a key prove it.
    pub declared: Option<Span>,
}

/// A column of a row type.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// Where its name or value was written, for messages.
    pub origin: Span,
    /// What is known of its values.
    pub domain: Option<Arc<Domain>>,
}

impl Column {
    /// Stands before the names of columns that no text can name.
    pub const HIDDEN: char = '\0';

    /// Is it one that no text can name, and that nobody is to see?
    pub fn is_hidden(&self) -> bool {
        self.name.starts_with(Column::HIDDEN)
    }
}

impl Key {
    /// A key that a step has made.
    pub fn proven(columns: Vec<usize>) -> Key {
        Key { columns, declared: None }
    }
}

impl Row {
    /// In [`Row::order`], what rows are sorted by and no column shows.
    pub const HIDDEN: usize = usize::MAX;

    /// The position of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.find(name)
    }

    /// The key that these columns hold; one that is proven, if there is one.
    pub fn key_within(&self, columns: &[usize]) -> Option<&Key> {
        let within = |key: &&Key| key.columns.iter().all(|column| columns.contains(column));
        self.keys.iter().filter(within).min_by_key(|key| key.declared.is_some())
    }
}
