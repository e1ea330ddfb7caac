//! Tests of the program: their tables typed against the sources and jobs that they stand for, and
//! whether what they want depends on something that they do not say.

mod cells;
mod defaults;

use super::aside::row_wanted;
use super::constants;
use super::exprs::Scope;
use super::globals::{Globals, unique};
use super::names::Kind;
use crate::diagnostics::{Diagnostics, fixtures, names};
use crate::ir::lineage::{Lineage, Origin, Reads, Role};
use crate::ir::{
    self, Column, Given, Input, JobId, ParamId, Pipeline, QuarantineId, Row, RunValue, Test, Want,
    WantOf, Wanted, WantedColumn, WantedRows,
};
use crate::syntax::ast::{self, DeclarationKind, TestItem};
use crate::text::Span;
use crate::types::{DataType, MICROS_PER_DAY, Scalar};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Checks all tests.
pub(super) fn check_tests(
    file: &ast::File,
    globals: &mut Globals,
    pipeline: &mut Pipeline,
    found: &mut Diagnostics,
) {
    let is_right = !found.has_errors();
    let (mut names, mut tests) = (HashMap::new(), vec![]);
    for declaration in &file.declarations {
        let DeclarationKind::Test(test) = &declaration.kind else { continue };
        let name = ast::Name { text: test.name.value.clone(), span: test.name.span };
        if let Some(first) = names.insert(name.text.clone(), name.span) {
            let mut seen = HashMap::from([(name.text.as_str(), first)]);
            unique("test", &name, &mut seen, found);
        }
        let mut own = Diagnostics::new();
        let given = vec![];
        let checker = Checker { globals, pipeline, found: &mut own, is_whole: is_right, given };
        tests.push(checker.test(test));
        found.extend(own);
    }
    pipeline.tests = tests;
}

struct Checker<'c, 'a> {
    globals: &'c mut Globals<'a>,
    pipeline: &'c Pipeline,
    found: &'c mut Diagnostics,
    /// Is all of the test known?
    is_whole: bool,
    given: Vec<GivenTable>,
}

/// What of a given table is asked for later.
struct GivenTable {
    name: String,
    name_span: Span,
    header: Span,
    /// The columns that it has.
    columns: Vec<usize>,
}

/// A table whose cells are typed.
struct Typed {
    /// The columns that it has, by their positions.
    columns: Vec<usize>,
    /// Their values.
    rows: Vec<(Vec<Scalar>, Span)>,
}

impl Checker<'_, '_> {
    fn test(mut self, test: &ast::Test) -> Test {
        let mut checked = Test {
            name: test.name.value.clone(),
            given: vec![],
            wants: vec![],
            params: vec![],
            time: None,
            date: None,
            span: test.name.span,
        };
        let mut set: HashMap<String, Span> = HashMap::new();
        for item in &test.items {
            match item {
                TestItem::Given { table, rows } => {
                    let given = self.given(table, rows, &checked.given);
                    self.is_whole &= given.is_some();
                    checked.given.extend(given);
                }
                TestItem::Want { table, wanted, span } => {
                    let want = self.want(table, wanted, *span);
                    self.is_whole &= want.is_some();
                    checked.wants.extend(want);
                }
                TestItem::Set { path, value } => self.set(path, value, &mut checked, &mut set),
                TestItem::Bad => self.is_whole = false,
            }
        }
        // `run.date` is that of `run.time`, and the other way round, where only one is said.
        let day = |time: i64| time.div_euclid(MICROS_PER_DAY) as i32;
        let midnight = |date: i32| i64::from(date) * MICROS_PER_DAY;
        (checked.time, checked.date) =
            (checked.time.or(checked.date.map(midnight)), checked.date.or(checked.time.map(day)));
        if self.is_whole && !self.found.has_errors() {
            self.shows_something(&checked);
            self.is_independent(&checked);
        }
        checked
    }

    fn given(&mut self, path: &[ast::Name], rows: &ast::Table, before: &[Given]) -> Option<Given> {
        let table = self.globals.input(path, self.found)?;
        let name = path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let name = ast::Name { text: name, span: path[0].span.to(path[path.len() - 1].span) };
        if let Some(at) = before.iter().position(|given| given.table == table) {
            let first = self.given[at].name_span;
            self.found.push(fixtures::said_twice("given", &name.text, name.span, first));
            return None;
        }
        let row = self.globals.row_of(table)?;
        let declared = self.declared(table);
        let typed = self.typed(rows, &row, (&name.text, declared))?;
        if let Input::Job(_) = table {
            self.keeps_keys(&name.text, &row, &typed);
        }
        let whole = |(at, (values, span)): (usize, &(Vec<Scalar>, Span))| {
            let of = |column: usize| match typed.columns.iter().position(|given| *given == column) {
                Some(place) => values[place].clone(),
                None => defaults::default(&row, column, at),
            };
            ((0..row.columns.len()).map(of).collect(), *span)
        };
        let rows_given = typed.rows.iter().enumerate().map(whole).collect();
        self.given.push(GivenTable {
            name: name.text.clone(),
            name_span: name.span,
            header: rows.header.span,
            columns: typed.columns,
        });
        Some(Given { table, rows: rows_given })
    }

    fn declared(&self, table: Input) -> Span {
        match table {
            Input::Source(id) => self.pipeline.sources[id.0 as usize].span,
            Input::Job(id) => self.pipeline.jobs[id.0 as usize].span,
        }
    }

    /// A key that the steps of a job make has to be one: what is behind it relies on that.
    fn keeps_keys(&mut self, job: &str, row: &Row, typed: &Typed) {
        for key in row.keys.iter().filter(|key| key.declared.is_none()) {
            let place = |column: &usize| typed.columns.iter().position(|given| given == column);
            let Some(places) = key.columns.iter().map(place).collect::<Option<Vec<usize>>>() else {
                continue;
            };
            let mut seen: Vec<(Vec<&Scalar>, Span)> = vec![];
            for (values, span) in &typed.rows {
                let values: Vec<&Scalar> = places.iter().map(|place| &values[*place]).collect();
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == values) {
                    let names = key.columns.iter().map(|at| format!("`{}`", row.columns[*at].name));
                    let names = names.collect::<Vec<_>>().join(", ");
                    self.found.push(fixtures::key_repeated(job, &names, *span, *first));
                    break;
                }
                seen.push((values, *span));
            }
        }
    }

    fn want(&mut self, path: &[ast::Name], wanted: &ast::Wanted, span: Span) -> Option<Want> {
        let place = path[0].span.to(path[path.len() - 1].span);
        let dotted = path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let (of, row, name, in_order) = match path {
            [word, name] if word.text == "quarantine" => {
                let id = self.quarantine(name)?;
                (WantOf::Quarantine(id), row_wanted(self.pipeline, id), &name.text, false)
            }
            _ => match self.globals.input(path, self.found)? {
                Input::Source(_) => {
                    let jobs = self.pipeline.jobs.iter().map(|job| job.name.as_str());
                    let jobs: Vec<&str> = jobs.take(8).collect();
                    self.found.push(fixtures::wants_source(&path[0].text, place, &jobs));
                    return None;
                }
                Input::Job(id) => {
                    let row = self.globals.row_of(Input::Job(id))?;
                    let in_order = !row.order.is_empty();
                    (WantOf::Job(id), row, &dotted, in_order)
                }
            },
        };
        let wanted = match wanted {
            ast::Wanted::Rows(table) => {
                let declared = match of {
                    WantOf::Job(id) => self.declared(Input::Job(id)),
                    WantOf::Quarantine(id) => self.pipeline.quarantines[id.0 as usize].span,
                };
                let typed = self.typed(table, &row, (name, declared))?;
                let column = |at: &usize| {
                    let Column { name, ty, .. } = &row.columns[*at];
                    WantedColumn { name: name.clone(), ty: ty.clone() }
                };
                Wanted::Rows(WantedRows {
                    columns: typed.columns.iter().map(column).collect(),
                    rows: typed.rows,
                    in_order,
                    header: table.header.span,
                })
            }
            ast::Wanted::Fails(text) => Wanted::Fails(text.as_ref().map(|text| text.value.clone())),
            ast::Wanted::Nothing => {
                let header = header(row.columns.iter().map(|column| &*column.name));
                self.found.push(fixtures::wants_nothing(name, span, &header));
                return None;
            }
        };
        Some(Want { of, wanted, span: place, statement: span })
    }

    fn quarantine(&mut self, name: &ast::Name) -> Option<QuarantineId> {
        let all = &self.pipeline.quarantines;
        if let Some(at) = all.iter().position(|known| known.name == name.text) {
            self.globals.names().declared(name.span, Kind::Quarantine, all[at].span);
            return Some(QuarantineId(at as u32));
        }
        let all: Vec<&str> = all.iter().map(|known| known.name.as_str()).collect();
        self.found.push(names::no_quarantine(&name.text, name.span, &all));
        None
    }

    /// A table with values of the columns' types; None if a column of it is not known.
    fn typed(
        &mut self,
        table: &ast::Table,
        row: &Row,
        (name, declared): (&str, Span),
    ) -> Option<Typed> {
        let (mut columns, mut seen) = (vec![], HashMap::new());
        for cell in &table.header.cells {
            let known = row.find(&cell.text);
            if let Some(first) = seen.insert(cell.text.as_str(), cell.span) {
                self.found.push(fixtures::column_twice(&cell.text, cell.span, first));
            } else if known.is_none() && !row.broken {
                let all: Vec<&str> = row.columns.iter().map(|column| &*column.name).collect();
                let declared = (name, declared);
                self.found.push(fixtures::no_column(&cell.text, cell.span, declared, &all));
            }
            if let Some(at) = known {
                self.globals.names().column(cell.span, &row.columns[at]);
            }
            columns.push(known);
        }
        let mut rows = vec![];
        for line in &table.rows {
            if line.cells.len() != columns.len() {
                let (cells, header) = (line.cells.len(), table.header.span);
                self.found.push(fixtures::wrong_width(line.span, cells, header, columns.len()));
                continue;
            }
            let values = line.cells.iter().zip(&columns).map(|(cell, column)| {
                let column = column.map(|column| &row.columns[column]);
                let value =
                    column.map(|column| cells::value(cell, column, self.globals, self.found));
                value.flatten().unwrap_or(Scalar::Null)
            });
            rows.push((values.collect(), line.span));
        }
        Some(Typed { columns: columns.into_iter().collect::<Option<Vec<usize>>>()?, rows })
    }

    fn set(
        &mut self,
        path: &[ast::Name],
        value: &ast::Expr,
        checked: &mut Test,
        set: &mut HashMap<String, Span>,
    ) {
        let place = path[0].span.to(path[path.len() - 1].span);
        let name = path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let param = self.globals.params.iter().position(|param| param.name == name);
        let ty = match (param, name.as_str()) {
            (Some(at), _) => {
                let param = self.globals.params[at].span;
                self.globals.names().declared(place, Kind::Param, param);
                self.globals.params[at].ty.clone()
            }
            (None, "run.time") => DataType::Timestamp.required(),
            (None, "run.date") => DataType::Date.required(),
            (None, _) => {
                let params = self.globals.params.iter().map(|param| param.name.as_str());
                self.found.push(fixtures::cannot_set(&name, place, &params.collect::<Vec<_>>()));
                self.is_whole = false;
                return;
            }
        };
        if let Some(first) = set.insert(name.clone(), place) {
            self.found.push(fixtures::said_twice("set", &name, place, first));
        }
        let what = format!("`{name}`");
        let value = Scope::constant(self.globals, self.found).check_as(value, &ty, &what);
        let value = constants::default(&value, self.found);
        self.is_whole &= value.is_some();
        match (param, value) {
            (Some(at), Some(value)) => checked.params.push((ParamId(at as u32), value)),
            (None, Some(Scalar::Timestamp(time))) => checked.time = Some(time),
            (None, Some(Scalar::Date(date))) => checked.date = Some(date),
            _ => {}
        }
    }

    /// Warns of a test that can show nothing.
    fn shows_something(&mut self, test: &Test) {
        if test.wants.is_empty() {
            let example = self.pipeline.jobs.first().map_or("clean", |job| &job.name);
            self.found.push(fixtures::without_want(test.span, example));
            return;
        }
        for want in &test.wants {
            let WantOf::Job(id) = want.of else { continue };
            let given = test.given.iter().position(|given| given.table == Input::Job(id));
            if let Some(at) = given {
                let name = &self.pipeline.jobs[id.0 as usize].name;
                self.found.push(fixtures::wants_given(name, want.span, self.given[at].name_span));
            }
        }
    }

    /// Says what the wanted rows depend on and the test does not say.
    fn is_independent(&mut self, test: &Test) {
        let tested = test.applied(self.pipeline);
        let (mut read_sources, mut said) = (BTreeSet::new(), BTreeSet::new());
        for want in &test.wants {
            for job in self.wanted_jobs(want, &tested) {
                let table = Input::Job(job);
                let order = tested.pipeline.jobs_before(table);
                let lineage = Lineage::of_jobs(&tested.pipeline, &order);
                let mut reads = Reads::new();
                for job in &order {
                    let of = &tested.pipeline.jobs[job.0 as usize];
                    let sources = of.inputs().filter(|input| matches!(input, Input::Source(_)));
                    read_sources.extend(sources);
                    for (origin, span) in lineage.reads(*job) {
                        reads.entry(origin).or_insert(span);
                    }
                }
                let name = tested.pipeline.name_of(table).to_owned();
                self.has_sources(&name, want, &tested, table, &reads, &mut said);
                self.has_values(&name, want, test, &reads, &mut said);
                let wanted = wanted_columns(job, want, &tested, &lineage);
                self.has_columns(&tested, &reads, &wanted, &mut said);
            }
        }
        for (at, id) in tested.given.iter().enumerate() {
            if !read_sources.contains(&Input::Source(*id)) && !test.wants.is_empty() {
                let GivenTable { name, name_span, .. } = &self.given[at];
                self.found.push(fixtures::given_unread(name, *name_span));
            }
        }
    }

    /// The jobs that are computed for what is wanted: of a quarantine, those whose sources are all
    /// given.
    fn wanted_jobs(&self, want: &Want, tested: &ir::Tested) -> Vec<JobId> {
        match want.of {
            WantOf::Job(job) => vec![job],
            WantOf::Quarantine(id) => tested.setting_aside(id),
        }
    }

    fn has_sources(
        &mut self,
        job: &str,
        want: &Want,
        tested: &ir::Tested,
        table: Input,
        reads: &Reads,
        said: &mut BTreeSet<String>,
    ) {
        for id in tested.missing(table) {
            let source = &tested.pipeline.sources[id.0 as usize];
            if !said.insert(source.name.clone()) {
                continue;
            }
            let of =
                |column: &usize| reads.contains_key(&Origin::Column(Input::Source(id), *column));
            let looked_at: Vec<usize> = (0..source.row.columns.len()).filter(of).collect();
            let all = (0..source.row.columns.len()).collect();
            let columns = if looked_at.is_empty() { all } else { looked_at };
            let names = columns.iter().map(|at: &usize| &*source.row.columns[*at].name);
            let given = format!("given {}\n    {}", source.name, header(names));
            let before = tested.pipeline.jobs_before(table);
            let jobs = before.iter().map(|job| &tested.pipeline.jobs[job.0 as usize]);
            let read = jobs.filter_map(|job| reader(job, Input::Source(id))).next();
            let read = read.unwrap_or(source.span);
            let found = fixtures::source_not_given(job, &source.name, at(want), read, &given);
            self.found.push(found);
        }
    }

    /// Has all that is read of the run a value?
    fn has_values(
        &mut self,
        job: &str,
        want: &Want,
        test: &Test,
        reads: &Reads,
        said: &mut BTreeSet<String>,
    ) {
        for (origin, &read) in reads {
            let (what, example) = match origin {
                Origin::Run(RunValue::Time) if test.time.is_none() => {
                    ("run.time".to_owned(), Some("@2026-01-31T12:00:00Z"))
                }
                Origin::Run(RunValue::Date) if test.date.is_none() => {
                    ("run.date".to_owned(), Some("@2026-01-31"))
                }
                Origin::Param(id) => {
                    let param = &self.globals.params[id.0 as usize];
                    let is_set = test.params.iter().any(|(set, _)| set == id);
                    if param.default.is_some() || is_set {
                        continue;
                    }
                    (param.name.clone(), None)
                }
                _ => continue,
            };
            if said.insert(what.clone()) {
                self.found.push(fixtures::not_set(job, &what, example, at(want), read));
            }
        }
    }

    /// Has each given table the columns that steps look at, and those that are wanted as they are?
    fn has_columns(
        &mut self,
        tested: &ir::Tested,
        reads: &Reads,
        wanted: &BTreeMap<Origin, Span>,
        said: &mut BTreeSet<String>,
    ) {
        for (at, id) in tested.given.iter().enumerate() {
            let GivenTable { name, header, columns, .. } = &self.given[at];
            let row = &tested.pipeline.sources[id.0 as usize].row;
            let mut missing = vec![];
            for column in (0..row.columns.len()).filter(|column| !columns.contains(column)) {
                let origin = Origin::Column(Input::Source(*id), column);
                let (read, wanted) = (reads.get(&origin), wanted.get(&origin));
                let known = &row.columns[column].name;
                if let Some(span) = read.or(wanted)
                    && said.insert(format!("{name} {known}"))
                {
                    missing.push((&**known, *span, read.is_some()));
                }
            }
            if !missing.is_empty() {
                self.found.push(fixtures::columns_not_given(name, *header, &missing));
            }
        }
    }
}

/// The columns of sources that are wanted as they are, and where.
fn wanted_columns(
    job: JobId,
    want: &Want,
    tested: &ir::Tested,
    lineage: &Lineage,
) -> BTreeMap<Origin, Span> {
    let Wanted::Rows(rows) = &want.wanted else { return BTreeMap::new() };
    let row = tested.pipeline.jobs[job.0 as usize].row();
    let places = rows.columns.iter().filter_map(|column| row.find(&column.name));
    let origins = places.flat_map(|at| lineage.columns(Input::Job(job))[at].keys());
    let copied = origins.filter(|(_, role)| *role == Role::Copied);
    copied.map(|(origin, _)| (*origin, rows.header)).collect()
}

/// Where something is wanted, and the statement that says so.
fn at(want: &Want) -> (Span, Span) {
    (want.span, want.statement)
}

/// Where a job reads a table, if it does.
fn reader(job: &ir::Job, table: Input) -> Option<Span> {
    let step = || job.steps.iter().find(|step| step.kind.inputs().contains(&table));
    if job.input == table { Some(job.input_span) } else { step().map(|step| step.span) }
}

/// The first line of a table with these columns.
fn header<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut line = String::from("|");
    for name in names {
        line.extend([" ", name, " |"]);
    }
    line
}
