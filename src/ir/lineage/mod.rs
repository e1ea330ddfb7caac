//! Where columns come from: of which columns of the sources each is made, which columns decide what
//! rows there are and how they are ordered, and through which jobs that goes.
//!
//! It follows the typed steps, so nothing is guessed. It says what can have a part in a value, not
//! what has one in some data. Not in it: that a row which fails may be dropped by `on error`, and
//! what decides between rows that are equal in all that a `dedupe` looks at.

mod steps;

use super::{Input, JobId, ParamId, Pipeline, RunValue};
use crate::text::Span;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// What a value comes from in the end, or from the table before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A column of a table, by its position.
    Column(Input, usize),
    /// How many rows a table has.
    Rows(Input),
    /// A parameter of the run.
    Param(ParamId),
    /// Something of the run.
    Run(RunValue),
}

/// What part an origin has. The first five make a value; the others behind `Condition` decide over
/// rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The value as it is.
    Copied,
    /// The value is computed of it.
    Computed,
    /// The value is computed of it over the rows of a group.
    Aggregated,
    /// The value is computed of it, and nobody can tell from it what it was: a hash, a mask.
    Disguised,
    /// It is counted.
    Counted,
    /// It chooses one of several values.
    Condition,
    /// It decides whether a row is there.
    Filter,
    /// It decides which rows meet in a join.
    Join,
    /// It decides which rows are one group, or one partition.
    Group,
    /// It decides the order of rows, and which of them is the first.
    Order,
}

impl Role {
    /// Can the value be seen, or a part of it?
    pub fn shows(self) -> bool {
        matches!(self, Role::Copied | Role::Computed | Role::Aggregated)
    }

    /// What part the origin of an origin has: the part it has in that, and that in the result.
    fn then(self, outer: Role) -> Role {
        match (self, outer) {
            (inner, Role::Copied) => inner,
            (
                Role::Disguised | Role::Counted | Role::Condition,
                Role::Computed | Role::Aggregated,
            ) => self,
            (inner, Role::Computed) => inner.max(Role::Computed),
            (_, outer) => outer,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Copied | Role::Computed | Role::Aggregated | Role::Disguised | Role::Counted => {
                "value"
            }
            Role::Condition => "condition",
            Role::Filter => "filter",
            Role::Join | Role::Group => "key",
            Role::Order => "order",
        }
    }

    /// The word for what that means here, where there is more than one.
    pub fn how(self) -> Option<&'static str> {
        match self {
            Role::Copied => Some("copied"),
            Role::Computed => Some("computed"),
            Role::Aggregated => Some("aggregated"),
            Role::Disguised => Some("disguised"),
            Role::Counted => Some("counted"),
            Role::Join => Some("join"),
            Role::Group => Some("group"),
            Role::Condition | Role::Filter | Role::Order => None,
        }
    }
}

/// What something comes from, with the jobs through which it comes, in the order of the graph.
pub type Origins = BTreeMap<(Origin, Role), Vec<JobId>>;

/// The origins of a table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Of each column.
    pub columns: Vec<Origins>,
    /// The tables whose rows these are, or are made of.
    of: BTreeMap<Input, Vec<JobId>>,
    /// Of what its steps decide over rows; what was decided before is with the tables that it reads.
    decides: Origins,
    /// What its steps look at, and do not only hand on: where first.
    reads: RefCell<Reads>,
    /// Of texts that are told where a row fails.
    tells: RefCell<BTreeMap<Span, Origins>>,
    /// The step that is followed.
    step: Cell<Option<Span>>,
}

/// What steps look at, and where first.
pub type Reads = BTreeMap<Origin, Span>;

/// The origins of all tables, down to the sources.
#[derive(Debug)]
pub struct Lineage {
    jobs: Vec<Table>,
    sources: Vec<Table>,
}

impl Lineage {
    /// Follows all columns of a pipeline without errors.
    pub fn of(pipeline: &Pipeline) -> Lineage {
        Lineage::of_jobs(pipeline, &pipeline.order)
    }

    /// Follows the columns of some jobs, in the order of the graph, and with them those that they read.
    pub fn of_jobs(pipeline: &Pipeline, order: &[JobId]) -> Lineage {
        let ids = (0..).map(super::SourceId).map(Input::Source);
        let sources = pipeline.sources.iter().zip(ids);
        let sources = sources.map(|(source, id)| Table::of_columns(id, source.row.columns.len()));
        let jobs = vec![Table::default(); pipeline.jobs.len()];
        let mut lineage = Lineage { jobs, sources: sources.collect() };
        let mut places = vec![0; pipeline.jobs.len()];
        for (place, &id) in order.iter().enumerate() {
            places[id.0 as usize] = place;
            let near = Table::of_job(&pipeline.jobs[id.0 as usize], pipeline);
            let way = Way { tables: &lineage, job: id, places: &places };
            lineage.jobs[id.0 as usize] = way.far(&near);
        }
        lineage
    }

    /// The origins of each column of a table, in the sources.
    pub fn columns(&self, table: Input) -> &[Origins] {
        &self.table(table).columns
    }

    /// The origins of what a job decides over rows, in the sources.
    pub fn decided(&self, job: JobId) -> &Origins {
        &self.jobs[job.0 as usize].decides
    }

    /// What a job looks at, and does not only hand on, in the sources and of the run: where first.
    pub fn reads(&self, job: JobId) -> Reads {
        self.jobs[job.0 as usize].reads.borrow().clone()
    }

    /// The origins of texts that a job tells where a row fails, in the sources, with their places.
    pub fn tells(&self, job: JobId) -> BTreeMap<Span, Origins> {
        self.jobs[job.0 as usize].tells.borrow().clone()
    }

    fn table(&self, table: Input) -> &Table {
        match table {
            Input::Source(source) => &self.sources[source.0 as usize],
            Input::Job(job) => &self.jobs[job.0 as usize],
        }
    }
}

/// From the inputs of a job to the sources.
struct Way<'l> {
    tables: &'l Lineage,
    job: JobId,
    /// The place of each job in the order of the graph.
    places: &'l [usize],
}

impl Way<'_> {
    /// What is said of the inputs, said of the sources.
    fn far(&self, near: &Table) -> Table {
        let tells = near.tells.borrow();
        let tells = tells.iter().map(|(span, near)| (*span, self.origins(near))).collect();
        let mut of = BTreeMap::new();
        near.of.keys().for_each(|input| self.rows(*input, |table| table, &mut of));
        Table {
            columns: near.columns.iter().map(|near| self.origins(near)).collect(),
            of,
            decides: self.origins(&near.decides),
            reads: RefCell::new(self.reads(&near.reads.borrow())),
            tells: RefCell::new(tells),
            step: Cell::default(),
        }
    }

    /// What is looked at in the sources: what was computed has been looked at before.
    fn reads(&self, near: &Reads) -> Reads {
        let mut far = Reads::new();
        for (&origin, &span) in near {
            let Origin::Column(input, column) = origin else {
                far.insert(origin, span);
                continue;
            };
            for &(origin, role) in self.tables.columns(input)[column].keys() {
                if role == Role::Copied {
                    far.entry(origin).or_insert(span);
                }
            }
        }
        far
    }

    fn origins(&self, near: &Origins) -> Origins {
        let mut far = Origins::new();
        for &(origin, role) in near.keys() {
            match origin {
                Origin::Column(input, column) => {
                    for ((origin, inner), jobs) in &self.tables.columns(input)[column] {
                        self.add((*origin, inner.then(role)), jobs, &mut far);
                    }
                }
                Origin::Rows(input) => {
                    self.rows(input, |table| (Origin::Rows(table), role), &mut far);
                }
                Origin::Param(_) | Origin::Run(_) => self.add((origin, role), &[], &mut far),
            }
        }
        far
    }

    /// Adds the sources whose rows those of an input are made of.
    fn rows<K: Ord>(&self, of: Input, key: impl Fn(Input) -> K, to: &mut BTreeMap<K, Vec<JobId>>) {
        for (table, jobs) in &self.tables.table(of).of {
            self.add(key(*table), jobs, to);
        }
    }

    /// Adds that something comes through these jobs, and through this one.
    fn add<K: Ord>(&self, key: K, jobs: &[JobId], to: &mut BTreeMap<K, Vec<JobId>>) {
        let all = to.entry(key).or_default();
        let place = |job: &JobId| self.places[job.0 as usize];
        for job in jobs.iter().chain([&self.job]) {
            if let Err(at) = all.binary_search_by_key(&place(job), place) {
                all.insert(at, *job);
            }
        }
    }
}
