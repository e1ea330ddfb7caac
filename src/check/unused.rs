//! What is written and has no effect: columns that are computed and that nothing reads, and
//! declarations that nothing uses. Jobs without effect are `graph`'s business.
//!
//! Which columns are read is followed backwards from the outputs, step by step. Columns of a source
//! are not looked at: one that nothing reads is not read from the file and costs nothing.

use super::globals::{Globals, named};
use super::names::{Kind, Meaning, Names};
use crate::diagnostics::{Diagnostic, Diagnostics, unused};
use crate::ir::{
    Expr, ExprKind, Input, Job, JobId, Join, PartitionBy, Pipeline, Row, Step, StepKind, TableFact,
    WantOf, Wanted,
};
use crate::syntax::ast::{self, DeclarationKind};
use crate::text::Span;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Which columns of a row are read, by their positions.
type Read = Vec<bool>;

/// Says which columns are computed for nothing, in a pipeline without errors.
pub(super) fn columns(file: &ast::File, pipeline: &Pipeline, found: &mut Diagnostics) {
    let written = statements(file);
    let mut of_jobs: HashMap<Input, Read> = HashMap::new();
    for output in &pipeline.outputs {
        let all = vec![true; pipeline.row_of(output.from).columns.len()];
        of_jobs.insert(output.from, all);
    }
    let mut unread: BTreeMap<Span, Vec<(String, Span)>> = BTreeMap::new();
    for &id in pipeline.order.iter().rev() {
        let job = &pipeline.jobs[id.0 as usize];
        let row = job.row();
        let Some(mut read) = of_jobs.get(&Input::Job(id)).cloned() else {
            // It leads to no output, but what it reads it reads.
            reads_all(job, pipeline, &mut of_jobs);
            continue;
        };
        merge(&mut read, wanted(id, row, pipeline));
        let mut way = Way { pipeline, of_tables: &mut of_jobs, unread: vec![], read };
        way.result(job, row);
        for (at, step) in job.steps.iter().enumerate().rev() {
            let before = if at == 0 { &job.input_row } else { &job.steps[at - 1].row };
            way.step(step, before);
            for column in std::mem::take(&mut way.unread) {
                if !written.contains(&step.span) {
                    continue;
                }
                let Some(column) = step.row.columns.get(column) else { continue };
                let name = column.name.to_string();
                let place = within(step.span, column.origin);
                unread.entry(step.span).or_default().push((name, place));
            }
        }
        let read = std::mem::take(&mut way.read);
        add(&mut of_jobs, job.input, read);
    }
    for (_, mut columns) in unread {
        columns.sort_by_key(|(_, place)| *place);
        found.push(unused::columns(&columns));
    }
}

/// The columns of a job that its tests compare.
fn wanted(job: JobId, row: &Row, pipeline: &Pipeline) -> Read {
    let of_tests = pipeline.tests.iter().flat_map(|test| &test.wants);
    let rows = of_tests.filter_map(|want| match &want.wanted {
        Wanted::Rows(rows) if want.of == WantOf::Job(job) => Some(&rows.columns),
        _ => None,
    });
    let names: HashSet<&str> = rows.flatten().map(|column| &*column.name).collect();
    row.columns.iter().map(|column| names.contains(&*column.name)).collect()
}

/// The place of a name, if it is in the statement, and else the beginning of that.
fn within(statement: Span, place: Span) -> Span {
    let is_inside = place.file == statement.file
        && statement.start <= place.start
        && place.end <= statement.end;
    if is_inside { place } else { statement }
}

/// The statements that compute columns which somebody has named.
fn statements(file: &ast::File) -> HashSet<Span> {
    use ast::Step as S;
    let names_columns = |one: &&ast::Statement| {
        matches!(
            one.step,
            S::Derive(_) | S::Set(_) | S::Select(_) | S::Group { .. } | S::Window(_) | S::Cast(_)
        )
    };
    let of_job = |declaration: &Arc<ast::Declaration>| match &declaration.kind {
        DeclarationKind::Job(job) => {
            job.steps.iter().filter(names_columns).map(|one| one.span).collect()
        }
        _ => vec![],
    };
    file.declarations.iter().flat_map(of_job).collect()
}

/// A job that nobody needs reads all that it reads.
fn reads_all(job: &Job, pipeline: &Pipeline, of_tables: &mut HashMap<Input, Read>) {
    for input in job.inputs() {
        add(of_tables, input, vec![true; pipeline.row_of(input).columns.len()]);
    }
}

fn add(of_tables: &mut HashMap<Input, Read>, table: Input, read: Read) {
    match of_tables.get_mut(&table) {
        Some(known) => merge(known, read),
        None => drop(of_tables.insert(table, read)),
    }
}

fn merge(known: &mut Read, read: Read) {
    known.iter_mut().zip(read).for_each(|(known, read)| *known |= read);
}

/// The columns that are read from one step on, followed backwards through a job.
struct Way<'w> {
    pipeline: &'w Pipeline,
    of_tables: &'w mut HashMap<Input, Read>,
    /// Of the row behind the step that comes next.
    read: Read,
    /// What that step computes for nothing.
    unread: Vec<usize>,
}

impl Way<'_> {
    /// What the job itself reads of its result.
    fn result(&mut self, job: &Job, row: &Row) {
        match job.partition.as_ref().map(|partition| &partition.by) {
            Some(PartitionBy::Hash(key)) => see(&mut self.read, key),
            Some(PartitionBy::Size) => self.read = vec![true; row.columns.len()],
            Some(PartitionBy::RoundRobin) | None => {}
        }
    }

    /// From what is read of the row behind a step to what is read of the row before it.
    fn step(&mut self, step: &Step, before: &Row) {
        let width = before.columns.len();
        let after = std::mem::take(&mut self.read);
        let is_read = |column: usize| after.get(column).copied().unwrap_or(true);
        let mut read: Read = (0..width).map(is_read).collect();
        match &step.kind {
            StepKind::Project(values) => {
                read.fill(false);
                self.values(&mut read, values.iter().enumerate(), &is_read);
            }
            StepKind::Set { column, value } => {
                if let Some(old) = read.get_mut(*column) {
                    *old = false;
                }
                match is_read(*column) {
                    true => see(&mut read, value),
                    false => self.unread.push(*column),
                }
            }
            StepKind::Aggregate { keys, aggregates } => {
                read.fill(false);
                keys.iter().for_each(|key| see(&mut read, key));
                for (at, call) in aggregates.iter().enumerate() {
                    match is_read(keys.len() + at) {
                        true => call.arguments.iter().for_each(|value| see(&mut read, value)),
                        false => self.unread.push(keys.len() + at),
                    }
                }
            }
            StepKind::Window(window) => {
                window.keys.iter().for_each(|key| see(&mut read, key));
                window.sort.iter().for_each(|key| see(&mut read, &key.value));
                window.frame.expressions().into_iter().for_each(|end| see(&mut read, end));
                for (at, call) in window.calls.iter().enumerate() {
                    match is_read(width + at) {
                        true => call.arguments.iter().for_each(|value| see(&mut read, value)),
                        false => self.unread.push(width + at),
                    }
                }
            }
            StepKind::Distinct => read.fill(true),
            StepKind::Explode { column } => read[*column] = true,
            StepKind::Parse(parse) => read[parse.column] = true,
            StepKind::Join(join) => self.join(&mut read, join, &is_read),
            StepKind::Union { inputs, columns } => {
                read.fill(false);
                let is_read = |column: &usize| is_read(*column);
                let width = columns.first().map_or(0, Vec::len);
                for column in (0..width).filter(is_read) {
                    see(&mut read, &columns[0][column]);
                    for (input, values) in inputs.iter().zip(&columns[1..]) {
                        let mut other = vec![false; self.pipeline.row_of(*input).columns.len()];
                        see(&mut other, &values[column]);
                        add(self.of_tables, *input, other);
                    }
                }
            }
            StepKind::ExpectAll(rule) => of_rule(&rule.says, &mut read),
            StepKind::Filter { .. }
            | StepKind::Sort(_)
            | StepKind::Take { .. }
            | StepKind::Dedupe(_)
            | StepKind::Expect(_) => {
                step.kind.expressions().into_iter().for_each(|value| see(&mut read, value));
            }
        }
        self.read = read;
    }

    /// The columns of a projection; one that is only handed on is not computed.
    fn values<'e>(
        &mut self,
        read: &mut Read,
        values: impl Iterator<Item = (usize, &'e Expr)>,
        is_read: &dyn Fn(usize) -> bool,
    ) {
        for (at, value) in values {
            let is_computed = !matches!(value.kind, ExprKind::Column(_));
            match is_read(at) {
                true => see(read, value),
                false if is_computed => self.unread.push(at),
                false => {}
            }
        }
    }

    fn join(&mut self, read: &mut Read, join: &Join, is_read: &dyn Fn(usize) -> bool) {
        let width = read.len();
        let mut right: Read = vec![false; join.right_row.columns.len()];
        join.left_keys.iter().for_each(|key| see(read, key));
        join.right_keys.iter().for_each(|key| see(&mut right, key));
        if let Some(nearest) = &join.nearest {
            nearest.of_left().for_each(|value| see(read, value));
            see(&mut right, &nearest.right);
        }
        let residual = join.residual.iter();
        residual.for_each(|condition| {
            condition.visit_columns(&mut |column| match column.checked_sub(width) {
                None => read[column] = true,
                Some(column) => right[column] = true,
            });
        });
        for (at, &column) in join.right_columns.iter().enumerate() {
            right[column] |= is_read(width + at);
        }
        add(self.of_tables, join.right, right);
    }
}

/// What a rule about all rows reads of each.
fn of_rule(says: &TableFact, read: &mut Read) {
    match says {
        TableFact::Unique(keys) => keys.iter().for_each(|key| see(read, key)),
        TableFact::Holds { aggregates, .. } => {
            let arguments = aggregates.iter().flat_map(|call| &call.arguments);
            arguments.for_each(|value| see(read, value));
        }
    }
}

fn see(read: &mut Read, value: &Expr) {
    value.visit_columns(&mut |column| {
        if let Some(known) = read.get_mut(column) {
            *known = true;
        }
    });
}

/// Says which declarations of a pipeline nothing uses. A file that makes nothing of its own is for
/// others to use.
pub(super) fn declarations(
    file: &ast::File,
    globals: &Globals,
    names: &Names,
    found: &mut Diagnostics,
) {
    let is_own = |declaration: &&Arc<ast::Declaration>| declaration.span.file == file.id;
    let own = || file.declarations.iter().filter(is_own);
    let makes = |one: &Arc<ast::Declaration>| {
        matches!(one.kind, DeclarationKind::Job(_) | DeclarationKind::Output(_))
    };
    if !own().any(makes) {
        return;
    }
    let used: HashSet<(Kind, Span)> = names
        .uses()
        .iter()
        .filter_map(|one| match &one.meaning {
            // Most are of columns, which are not asked for here.
            Meaning::Declared(Kind::Column, _) => None,
            Meaning::Declared(kind, at) if one.span != *at => Some((*kind, *at)),
            Meaning::Member(of, _) => globals.enums.get(&**of).map(|(_, at)| (Kind::Enum, *at)),
            _ => None,
        })
        .collect();
    for declaration in own() {
        let (kind, name) = match &declaration.kind {
            DeclarationKind::Param(param) => (Kind::Param, &param.name),
            other => match named(other) {
                Some(named) => named,
                None => continue,
            },
        };
        let word = match kind {
            Kind::Param => "parameter",
            Kind::Source => "source",
            Kind::Enum => "enum",
            Kind::Type => "type",
            Kind::Function => "function",
            Kind::Transform => "transform",
            Kind::Notifier => "notifier",
            _ => continue,
        };
        // That a column hides a parameter is said there.
        let is_hidden = |one: &Diagnostic| one.labels.iter().skip(1).any(|at| at.span == name.span);
        if kind == Kind::Param && found.iter().any(is_hidden) {
            continue;
        }
        if !used.contains(&(kind, name.span)) {
            found.push(unused::declaration(word, &name.text, name.span));
        }
    }
}
