//! Rows that are set aside, as a table: `from quarantine.NAME`.
//!
//! It is a source that reads what jobs of the same run have set aside, and comes after these jobs. Its
//! columns are all that such rows can have, each of which may be null, and what was wrong.

use super::globals::Globals;
use crate::diagnostics::{self, Diagnostics};
use crate::ir::lineage::{Lineage, Origin};
use crate::ir::{
    ABOUT_ROWS, About, Aside, Column, ErrorPolicy, ExpectAction, Expr, ExprKind, Input, Job, JobId,
    Pipeline, QuarantineId, Row, Source, SourceColumn, SourceId, StepKind,
};
use crate::syntax::ast::{self, SettingKind, Step};
use crate::text::Span;
use crate::types::{DataType, Field, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The name of the quarantine that dotted names mean, if they mean one.
pub(super) fn named(path: &[ast::Name]) -> Option<&ast::Name> {
    match path {
        [word, name] if word.text == "quarantine" => Some(name),
        _ => None,
    }
}

/// The jobs that may set rows aside, by the names of the quarantines. Branches never do.
pub(super) fn writers(jobs: &[&ast::Job], globals: &Globals) -> BTreeMap<String, Vec<JobId>> {
    let mut writers: BTreeMap<String, Vec<JobId>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        let id = JobId(at as u32);
        for name in names(job, globals) {
            writers.entry(name).or_default().push(id);
        }
    }
    writers
}

/// The quarantines that a job may set rows aside in.
fn names(job: &ast::Job, globals: &Globals) -> BTreeSet<String> {
    let own = job.settings.iter().find_map(|setting| match &setting.kind {
        SettingKind::OnError { policy, .. } => Some(policy),
        _ => None,
    });
    let policy = own.or(globals.on_error.as_ref().map(|(policy, ..)| policy));
    let mut found = BTreeSet::new();
    if let Some(ast::ErrorPolicy::Quarantine(name)) = policy {
        found.insert(name.text.clone());
    }
    of_rules(&job.steps, globals, &mut vec![], &mut found);
    found
}

/// Adds the quarantines of the rules among steps, those of transforms included.
fn of_rules<'t>(
    steps: &'t [ast::Statement],
    globals: &'t Globals,
    seen: &mut Vec<&'t str>,
    found: &mut BTreeSet<String>,
) {
    for statement in steps {
        match &statement.step {
            Step::Expect { otherwise: Some((ast::ExpectAction::Quarantine(name), _)), .. } => {
                found.insert(name.text.clone());
            }
            Step::Apply { transform, .. } => {
                let Some(last) = transform.last() else { continue };
                let applied = globals.transforms.get(&last.text);
                if let Some(applied) = applied.filter(|_| !seen.contains(&last.text.as_str())) {
                    seen.push(&last.text);
                    of_rules(&applied.declaration.steps, globals, seen, found);
                }
            }
            _ => {}
        }
    }
}

/// The source that reads a quarantine into which these jobs, which are checked, set rows aside.
pub(super) fn source(
    quarantine: QuarantineId,
    name: &str,
    span: Span,
    jobs: &[(JobId, &Job)],
) -> Source {
    let mut row = Row::default();
    for (_, job) in jobs {
        row.broken |= job.row().broken;
        for column in rows_of(job, quarantine).iter().flat_map(|row| row.columns.iter()) {
            add(&mut row, column);
        }
    }
    for (name, data) in ABOUT_ROWS {
        add_known(&mut row, name, data, span);
    }
    let column = |column: &Column| SourceColumn {
        external: column.name.clone(),
        format: (column.ty.data.opened() == DataType::Float).then(|| "nan".into()),
        sensitive: None,
        check: None,
    };
    Source {
        name: format!("quarantine.{name}"),
        connector: "json",
        may_skip: false,
        arguments: vec![],
        columns: row.columns.iter().map(column).collect(),
        row: Arc::new(row),
        held_by: None,
        aside: Some(Aside { quarantine, writers: jobs.iter().map(|(id, _)| *id).collect() }),
        incremental: None,
        about: About::default(),
        span,
    }
}

/// The rows that a job can set aside there.
fn rows_of(job: &Job, quarantine: QuarantineId) -> Vec<&Arc<Row>> {
    let before = |at: usize| match at.checked_sub(1) {
        Some(before) => &job.steps[before].row,
        None => &job.input_row,
    };
    let is_all = job.on_error.policy == ErrorPolicy::Quarantine(quarantine);
    let mut rows = if is_all { vec![&job.input_row] } else { vec![] };
    for (at, step) in job.steps.iter().enumerate() {
        match &step.kind {
            StepKind::Expect(rule) if rule.action == ExpectAction::Quarantine(quarantine) => {
                rows.push(before(at));
            }
            StepKind::Join(join) if is_all => rows.extend([before(at), &join.right_row]),
            _ if is_all => rows.push(before(at)),
            _ => {}
        }
    }
    // Of the last row the key of a partition may fail.
    rows.extend((is_all && job.partition.is_some()).then(|| job.row()));
    rows
}

/// A column that is not of one type everywhere is what it is in JSON.
fn add(row: &mut Row, column: &Column) {
    if column.is_hidden() || ABOUT_ROWS.iter().any(|(name, _)| *name == &*column.name) {
        return;
    }
    match row.find(&column.name) {
        None => {
            // Of a row that could not be read anything may be missing, also within a value.
            let ty = parts_nullable(&column.ty.data).optional();
            row.columns.push(Column { ty, domain: None, ..column.clone() });
        }
        Some(at) => {
            let known = &row.columns[at];
            if known.ty.data != parts_nullable(&column.ty.data) && !known.ty.is_unknown() {
                let mixed = Column { ty: DataType::Json.optional(), ..known.clone() };
                row.columns.replace(at, mixed);
            }
        }
    }
}

/// The type with all parts of it nullable.
fn parts_nullable(data: &DataType) -> DataType {
    let part = |ty: &Type| parts_nullable(&ty.data).optional();
    match data {
        DataType::List(item) => DataType::List(Box::new(part(item))),
        DataType::Map(value) => DataType::Map(Box::new(part(value))),
        DataType::Record(fields) => {
            let field = |field: &Field| Field::new(field.name.clone(), part(&field.ty));
            DataType::Record(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

fn add_known(row: &mut Row, name: &str, data: &DataType, origin: Span) {
    let ty = match name {
        "_reason" => data.clone().required(),
        _ => data.clone().optional(),
    };
    row.columns.push(Column { name: name.into(), ty, origin, domain: None });
}

/// What a test can want of the rows that are set aside: their columns, each as it is where it is first
/// one, and what is known of all of them.
pub(super) fn row_wanted(pipeline: &Pipeline, id: QuarantineId) -> Arc<Row> {
    let mut row = Row::default();
    for job in pipeline.jobs_setting_aside(id) {
        let job = &pipeline.jobs[job.0 as usize];
        let rows = std::iter::once(&job.input_row).chain(job.steps.iter().map(|step| &step.row));
        row.broken |= job.row().broken;
        for column in rows.flat_map(|row| row.columns.iter()) {
            if row.find(&column.name).is_none() {
                let ty = column.ty.with_nullable(true);
                row.columns.push(Column { ty, domain: None, ..column.clone() });
            }
        }
    }
    let span = pipeline.quarantines[id.0 as usize].span;
    for (name, data) in &ABOUT_ROWS[..2] {
        let ty = data.clone().optional();
        row.columns.push(Column { name: (*name).into(), ty, origin: span, domain: None });
    }
    Arc::new(row)
}

/// Says that nothing is set aside in a quarantine.
pub(super) fn unknown(name: &ast::Name, globals: &Globals, found: &mut Diagnostics) {
    let all: Vec<&str> = globals.writers.keys().map(String::as_str).collect();
    found.push(diagnostics::names::no_quarantine(&name.text, name.span, &all));
}

/// Marks the columns of quarantines in which values of sensitive columns can be: those of these columns,
/// those that were computed where there are such, and the texts about rows.
pub(super) fn mark_sensitive(pipeline: &mut Pipeline) {
    if !pipeline.sources.iter().any(Source::has_sensitive) {
        return;
    }
    for at in 0..pipeline.sources.len() {
        let Some(aside) = pipeline.sources[at].aside.clone() else { continue };
        let marks = sensitive_columns(pipeline, &aside, at);
        for (column, mark) in pipeline.sources[at].columns.iter_mut().zip(marks) {
            column.sensitive = mark;
        }
    }
}

/// Which columns of a quarantine are sensitive, and where that is said.
fn sensitive_columns(pipeline: &Pipeline, aside: &Aside, at: usize) -> Vec<Option<Span>> {
    let lineage = Lineage::of(pipeline);
    let mark = |origin: &Origin| match *origin {
        Origin::Column(Input::Source(SourceId(source)), of) => {
            pipeline.sources[source as usize].columns[of].sensitive
        }
        _ => None,
    };
    // By name: of columns that are read, whether they are sensitive and where that is said.
    let (mut read, mut any) = (BTreeMap::new(), None);
    let writers = aside.writers.iter().map(|writer| &pipeline.jobs[writer.0 as usize]);
    for job in writers.clone() {
        for table in job.inputs() {
            let columns = pipeline.row_of(table).columns.iter().zip(lineage.columns(table));
            for (column, origins) in columns {
                let shown = origins.keys().filter(|(_, role)| role.shows());
                let mark = shown.map(|(origin, _)| mark(origin)).find(Option::is_some).flatten();
                any = any.or(mark);
                let known = read.entry(column.name.clone()).or_insert(mark);
                *known = known.or(mark);
            }
        }
    }
    // Of those that a step computes it is not known what is in them.
    for name in writers.flat_map(computed) {
        read.insert(name, any);
    }
    let of_column = |column: &Column| match &*column.name {
        "_job" | "_source_file" | "_source_row" | "_line" => None,
        name => read.get(name).copied().unwrap_or(any),
    };
    pipeline.sources[at].row.columns.iter().map(of_column).collect()
}

/// The names that steps of a job give to something else than the column that is called so.
fn computed(job: &Job) -> Vec<Arc<str>> {
    let mut names = vec![];
    let mut before = &job.input_row;
    for step in job.steps.iter() {
        let name = |at: usize| step.row.columns[at].name.clone();
        match &step.kind {
            StepKind::Set { column, .. } => names.push(name(*column)),
            StepKind::Project(values) => {
                let is_same = |at: usize, value: &Expr| match value.kind {
                    ExprKind::Column(of) => before.columns[of].name == name(at),
                    _ => false,
                };
                let others = values.iter().enumerate().filter(|(at, value)| !is_same(*at, value));
                names.extend(others.map(|(at, _)| name(at)));
            }
            _ => {}
        }
        before = &step.row;
    }
    names
}
