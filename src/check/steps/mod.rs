//! Steps: from the row before to the row after.
//!
//! [`JobChecker`] holds the row as it is at a line and the steps so far; one method a step, by
//! group of steps in the files below.

mod apply;
mod branches;
pub(super) mod columns;
mod encode;
mod groups;
mod joined;
mod joins;
mod marks;
mod nearest;
mod parse;
mod pivot;
mod rows;
mod rules;
mod sample;
mod sets;
mod shape;
mod windows;

pub(super) use apply::check_unapplied;
pub(super) use joined::note_found;

use super::exprs::{Scope, fails, values};
use super::globals::Globals;
use super::jobs::quarantine_of;
use super::names::Kind;
use crate::diagnostics::{Diagnostics, names, syntax};
use crate::ir::{self, Column, Row, Step, StepKind};
use crate::syntax::ast;
use crate::text::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// A job as it is being checked.
pub(super) struct JobChecker<'c, 'a> {
    pub(super) globals: &'c mut Globals<'a>,
    pub(super) found: &'c mut Diagnostics,
    pub(super) quarantines: &'c mut Vec<ir::Quarantine>,
    pub(super) name: &'c ast::Name,
    /// Where the job says that what fails is null, if it says so.
    pub(super) null_on_error: Option<Span>,
    /// May rows of a source be left out that cannot be read?
    pub(super) may_lose_rows: bool,
    pub(super) row: Arc<Row>,
    pub(super) dropped: HashMap<String, Span>,
    pub(super) steps: Vec<Step>,
    /// Parameters of the transform that is applied, and their values; none outside of one.
    pub(super) values: Option<Vec<(String, ir::Expr)>>,
}

impl<'c, 'a> JobChecker<'c, 'a> {
    /// An expression scope over the row as it is now.
    fn scope<'s>(&'s mut self) -> Scope<'s, 'a> {
        let mut scope = Scope::constant(self.globals, self.found);
        scope.row = Some(&self.row);
        scope.table = (&self.name.text, self.name.span);
        scope.dropped = Some(&self.dropped);
        scope.null_on_error = self.null_on_error;
        scope.values = self.values.as_deref().unwrap_or_default();
        scope
    }

    pub(super) fn text(&self, span: Span) -> String {
        self.globals.files.text(span).to_owned()
    }

    /// The row of a table as this job sees it: with `on error null`, what cannot be read from a
    /// source is null.
    pub(super) fn row_of(&self, input: ir::Input) -> Option<Arc<Row>> {
        let row = self.globals.row_of(input)?;
        if self.null_on_error.is_none() || matches!(input, ir::Input::Job(_)) {
            return Some(row);
        }
        let optional =
            |column: &Column| Column { ty: column.ty.with_nullable(true), ..column.clone() };
        let columns = row.columns.iter().map(optional).collect();
        Some(Arc::new(Row { columns, ..(*row).clone() }))
    }

    /// Adds a step that gives `row`.
    fn push(&mut self, kind: StepKind, row: Row, span: Span) {
        let row = Arc::new(Row { broken: row.broken || self.row.broken, ..row });
        self.row = row.clone();
        self.steps.push(Step { kind, row, span });
    }

    /// What follows sees a row of which nothing is known.
    fn give_up(&mut self) {
        let row = Row { broken: true, ..(*self.row).clone() };
        self.row = Arc::new(row);
    }

    /// The quarantine of this name, a new one if it is not there yet.
    pub(super) fn quarantine(&mut self, name: &ast::Name) -> ir::QuarantineId {
        let (id, first) = quarantine_of(name, self.quarantines);
        self.globals.names().declared(name.span, Kind::Quarantine, first);
        self.globals.seen.borrow_mut().quarantines.push((name.clone(), id, first));
        id
    }

    /// Checks one step, and notes the rows around it.
    pub(super) fn step(&mut self, statement: &ast::Statement) {
        let before = self.row.clone();
        self.check_step(statement);
        self.globals.names().around(statement.span, &before, &self.row);
    }

    fn check_step(&mut self, statement: &ast::Statement) {
        use ast::Step as S;
        let span = statement.span;
        if self.values.is_some() && self.leaves_the_table(statement) {
            return self.give_up();
        }
        match &statement.step {
            S::From(_) => {
                self.found.push(names::from_first(&self.name.text, statement.verb, true));
            }
            S::Filter { condition, nulls } => self.filter(condition, *nulls, span),
            S::Derive(columns) => self.derive(columns, span),
            S::Set(columns) => self.set(columns, span),
            S::Select(columns) => self.select(columns, span),
            S::Drop(columns) => self.drop_columns(columns, span),
            S::Rename(pairs) => self.rename(pairs, span),
            S::Cast(columns) => self.cast(columns, span),
            S::Fill(columns) => self.fill(columns, span),
            S::Group { keys, aggregates } => self.group(keys, aggregates, statement),
            S::Window(window) => self.window(window, statement),
            S::Sessionize(sessions) => self.sessionize(sessions, span),
            S::Sort(keys) => self.sort(keys, span),
            S::Take { count, by } => self.take(count, by, statement),
            S::Distinct => self.distinct(span),
            S::Dedupe { keys, keep, by } => self.dedupe(keys, *keep, by.as_ref(), span),
            S::Join(join) => self.join(join, statement),
            S::Union(tables) => self.union(tables, statement),
            S::Except(tables) => self.compare(ir::JoinKind::Anti, tables, statement),
            S::Intersect(tables) => self.compare(ir::JoinKind::Semi, tables, statement),
            S::Explode { column, as_name } => self.explode(column, as_name.as_ref(), span),
            S::Parse { column, pattern, fields } => {
                self.parse(column, pattern, fields.as_deref(), span);
            }
            S::Expect { name, condition, otherwise, above } => {
                self.expect(name.as_ref(), condition, otherwise.as_ref(), above.as_ref(), span);
            }
            S::Pivot { column, values, aggregates, keys } => {
                self.pivot(column, values.as_deref(), (aggregates, keys), statement);
            }
            S::Unpivot { columns, name, value } => self.unpivot(columns, name, value, span),
            S::Sample { size, by, seed } => self.sample(*size, by, *seed, statement),
            S::Split { by, seed, shares } => self.split(by, *seed, shares, statement),
            S::Route(branches) => self.route(branches, span),
            S::Apply { transform, arguments } => self.apply(transform, arguments, statement),
            S::Encode { columns, with } => self.encode(columns, with, span),
            S::Later(later) => {
                self.found.push(syntax::not_available_yet(later));
                self.give_up();
            }
            S::Bad => self.give_up(),
        }
    }

    /// The position of a column; says so when it is not there.
    fn find(&mut self, name: &ast::Name) -> Option<usize> {
        let at = self.row.find(&name.text);
        if let Some(at) = at {
            self.globals.names().column(name.span, &self.row.columns[at]);
        }
        if at.is_none() && !self.row.broken {
            if let Some(dropped) = self.dropped.get(&name.text) {
                self.found.push(names::dropped_column(&name.text, name.span, *dropped));
            } else {
                let columns: Vec<&str> =
                    self.row.columns.iter().map(|column| &*column.name).collect();
                let table = (self.name.text.as_str(), self.name.span);
                self.found.push(names::nothing_to_change(&name.text, name.span, table, &columns));
            }
        }
        at
    }

    /// The type that a computed column gets: with `on error null`, one that can fail may be null.
    fn computed(&self, name: &str, value: &ir::Expr, origin: Span) -> Column {
        let mut ty = value.ty.clone();
        ty.nullable |= self.null_on_error.is_some() && fails::may_fail(value, &self.row);
        let domain = values::of(value, &self.row);
        Column { name: name.into(), ty, origin, domain }
    }
}

impl JobChecker<'_, '_> {
    /// An expression over the row as it is now.
    pub(super) fn expression(&mut self, expr: &ast::Expr) -> ir::Expr {
        self.scope().check(expr, None)
    }
}
