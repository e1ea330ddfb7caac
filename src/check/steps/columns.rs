//! Steps that make columns from columns: `derive set select drop rename cast fill`.

use super::{JobChecker, shape};
use crate::check::exprs::{Scope, bad, convert};
use crate::check::types::resolve_type;
use crate::diagnostics::{names, types};
use crate::ir::{Column, Expr, ExprKind, Row, StepKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// A column of a projection: its name, its value, the place of its name.
pub(super) type NewColumn = (Arc<str>, Expr, Span);

impl JobChecker<'_, '_> {
    /// Every column of the row as it is.
    pub(super) fn unchanged(&self) -> Vec<NewColumn> {
        let of = |(at, column): (usize, &Column)| {
            let (kind, span) = (ExprKind::Column(at), column.origin);
            let value = Expr { kind, ty: column.ty.clone(), span };
            (column.name.clone(), value, span)
        };
        self.row.columns.iter().enumerate().map(of).collect()
    }

    /// Adds a projection.
    pub(super) fn project(&mut self, columns: Vec<NewColumn>, span: Span) {
        let of = |(name, value, origin): &NewColumn| self.computed(name, value, *origin);
        let all = columns.iter().map(of).collect();
        let values: Vec<Expr> = columns.into_iter().map(|(_, value, _)| value).collect();
        let (keys, order) = shape::carried(&self.row, &values);
        let row = Row { columns: all, keys, order, broken: false };
        self.push(StepKind::Project(values), row, span);
    }

    /// The word that a statement with one assignment begins with, to be replaced.
    fn only_word(&self, all: &[ast::Assignment], word: &str, span: Span) -> Option<Span> {
        let is_it = all.len() == 1 && self.text(span).starts_with(word);
        is_it.then_some(Span { end: span.start + word.len() as u32, ..span })
    }

    /// `derive`: each line sees the columns of those above it, so one projection a line where it
    /// does.
    pub(super) fn derive(&mut self, assignments: &[ast::Assignment], span: Span) {
        for assignment in assignments {
            let Some(name) = &assignment.name else { continue };
            let before = self.row.clone();
            let value = self.scope().check(&assignment.value, None);
            if let Some(at) = self.row.find(&name.text) {
                let origin = self.row.columns[at].origin;
                let text = self.text(assignment.span);
                let word = self.only_word(assignments, "derive", span);
                self.found.push(names::derive_exists(&name.text, name.span, &text, origin, word));
                continue;
            }
            let value = self.concrete(value);
            let mut row = (*self.row).clone();
            let column = row.columns.len();
            let new = self.computed(&name.text, &value, name.span);
            self.globals.names().new_column(name.span, &new.ty);
            row.columns.push(new);
            self.push(StepKind::Set { column, value }, row, span);
            self.globals.names().around(assignment.span, &before, &self.row);
        }
    }

    /// A bare `null` has no type that a column could have.
    pub(super) fn concrete(&mut self, value: Expr) -> Expr {
        if value.ty.data.has_null() {
            self.found.push(types::null_column(value.span, &value.ty));
            return bad(value.span);
        }
        value
    }

    pub(super) fn set(&mut self, assignments: &[ast::Assignment], span: Span) {
        for assignment in assignments {
            let Some(name) = &assignment.name else { continue };
            let at = self.row.find(&name.text);
            let row = self.row.clone();
            let expected = at.map(|at| &row.columns[at].ty.data);
            let value = self.scope().check(&assignment.value, expected);
            let Some(at) = at else {
                if !self.row.broken {
                    let text = self.text(assignment.span);
                    let word = self.only_word(assignments, "set", span);
                    let all: Vec<&str> =
                        self.row.columns.iter().map(|column| &*column.name).collect();
                    let found = names::set_missing(&name.text, name.span, &text, &all, word);
                    self.found.push(found);
                }
                continue;
            };
            let value = self.concrete(value);
            let old = self.row.columns[at].clone();
            self.replace(at, value, name.span, span);
            let ty = self.row.columns[at].ty.clone();
            self.globals.names().column(name.span, &Column { ty, ..old });
            self.globals.names().around(assignment.span, &row, &self.row);
        }
    }

    pub(super) fn replace(&mut self, at: usize, value: Expr, origin: Span, span: Span) {
        let (keys, order) = shape::carried_to(&self.row, |column| (column != at).then_some(column));
        let mut row = Row { keys, order, ..(*self.row).clone() };
        row.columns.replace(at, self.computed(&self.row.columns[at].name, &value, origin));
        self.push(StepKind::Set { column: at, value }, row, span);
    }

    pub(super) fn select(&mut self, assignments: &[ast::Assignment], span: Span) {
        let mut columns: Vec<NewColumn> = vec![];
        let mut first: HashMap<String, Span> = HashMap::new();
        for assignment in assignments {
            let Some((name, at)) = self.scope().named(assignment) else { continue };
            if let Some(first) = first.insert(name.clone(), at) {
                self.found.push(names::column_twice(&name, at, first));
                continue;
            }
            let value = self.scope().check(&assignment.value, None);
            let value = self.concrete(value);
            let origin = match value.kind {
                ExprKind::Column(column) if assignment.name.is_none() => {
                    self.row.columns[column].origin
                }
                _ => at,
            };
            if let Some(name) = &assignment.name {
                self.globals.names().new_column(name.span, &value.ty);
            }
            columns.push((name.as_str().into(), value, origin));
        }
        let gone: Vec<String> =
            self.row.columns.iter().map(|column| column.name.to_string()).collect();
        for name in gone {
            if !first.contains_key(&name) {
                self.dropped.insert(name, span);
            }
        }
        self.project(columns, span);
    }

    pub(super) fn drop_columns(&mut self, columns: &[ast::Name], span: Span) {
        self.named_twice(columns);
        let mut gone = vec![];
        for name in columns {
            if let Some(at) = self.find(name) {
                gone.push(at);
                self.dropped.insert(name.text.clone(), name.span);
            }
        }
        if !gone.is_empty() && (0..self.row.columns.len()).all(|at| gone.contains(&at)) {
            self.found.push(names::no_columns_left(span));
            return self.give_up();
        }
        let kept = self
            .unchanged()
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !gone.contains(at))
            .map(|(_, column)| column)
            .collect();
        self.project(kept, span);
    }

    /// Says where a step names a column a second time.
    pub(super) fn named_twice<'n>(&mut self, columns: impl IntoIterator<Item = &'n ast::Name>) {
        let mut first: HashMap<&str, Span> = HashMap::new();
        for name in columns {
            if let Some(first) = first.insert(&name.text, name.span) {
                self.found.push(names::named_twice(&name.text, name.span, first));
            }
        }
    }

    pub(super) fn rename(&mut self, pairs: &[(ast::Name, ast::Name)], span: Span) {
        self.named_twice(pairs.iter().map(|(old, _)| old));
        let mut columns = self.unchanged();
        for (old, new) in pairs {
            let Some(at) = self.find(old) else {
                self.give_up();
                continue;
            };
            columns[at].0 = new.text.as_str().into();
            columns[at].2 = new.span;
            self.globals.names().new_column(new.span, &columns[at].1.ty);
            self.dropped.insert(old.text.clone(), old.span);
        }
        let mut first: HashMap<&str, Span> = HashMap::new();
        for (name, _, origin) in &columns {
            if let Some(first) = first.insert(name, *origin) {
                let twice = pairs.iter().find(|(_, new)| *new.text == **name);
                let at = twice.map_or(*origin, |(_, new)| new.span);
                let other = if first == at { *origin } else { first };
                self.found.push(names::column_twice(name, at, other));
                return;
            }
        }
        self.project(columns, span);
    }

    pub(super) fn cast(
        &mut self,
        columns: &[(ast::Name, ast::TypeExpr, Option<ast::Text>)],
        span: Span,
    ) {
        for (name, ty, format) in columns {
            let to = resolve_type(ty, self.globals, self.found);
            let Some(at) = self.find(name) else { continue };
            let mut scope = self.scope();
            let value = scope.column(at, name.span);
            let value = match format {
                None => scope.cast_to(value, &to, name.span),
                Some(format) => parse_by_format(&mut scope, value, &to, format, name.span),
            };
            self.replace(at, value, name.span, span);
        }
    }

    pub(super) fn fill(&mut self, columns: &[(ast::Name, ast::Expr)], span: Span) {
        for (name, with) in columns {
            let Some(at) = self.find(name) else { continue };
            let ty = self.row.columns[at].ty.clone();
            let mut scope = self.scope();
            let column = scope.column(at, name.span);
            let with = scope.check(with, Some(&ty.data));
            if column.ty.is_unknown() || with.ty.is_unknown() {
                continue;
            }
            if !ty.nullable {
                self.found.push(types::never_null(&name.text, name.span, &ty));
                continue;
            }
            if with.ty.data == DataType::Null {
                self.found.push(types::filled_with_null(&name.text, with.span));
                continue;
            }
            let with = scope_fit(self, with, &ty);
            if with.ty.is_unknown() {
                continue;
            }
            let filled = Type { data: ty.data.clone(), nullable: with.ty.nullable };
            let with = convert(with, &ty.data);
            let value =
                Expr { kind: ExprKind::Coalesce(vec![column, with]), ty: filled, span: name.span };
            self.replace(at, value, name.span, span);
        }
    }
}

fn scope_fit(job: &mut JobChecker, value: Expr, ty: &Type) -> Expr {
    job.scope().fit(value, &ty.with_nullable(true), "`fill`")
}

/// A text column as a date or time in a format: the library's `parse_…`.
fn parse_by_format(
    scope: &mut Scope,
    value: Expr,
    to: &Type,
    format: &ast::Text,
    span: Span,
) -> Expr {
    if let DataType::Named(named) = &to.data {
        let behind = Type { data: named.of.clone(), nullable: to.nullable };
        let read = parse_by_format(scope, value, &behind, format, span);
        return scope.cast_to(read, to, span);
    }
    let function = match to.data {
        DataType::Date => "parse_date",
        DataType::Datetime => "parse_datetime",
        DataType::Timestamp => "parse_timestamp",
        DataType::Unknown => return bad(span),
        _ => {
            scope.found.push(types::no_format(format.span, &to.data));
            return bad(span);
        }
    };
    scope.call_with(function, value, &format.value, format.span)
}

/// The name of a selected column: the given one, or that of the column alone.
pub(in crate::check) fn column_name(assignment: &ast::Assignment) -> Option<(String, Span)> {
    if let Some(name) = &assignment.name {
        return Some((name.text.clone(), name.span));
    }
    match &assignment.value.kind {
        ast::ExprKind::Name(name) => Some((name.clone(), assignment.value.span)),
        ast::ExprKind::Field(_, name) => Some((name.text.clone(), name.span)),
        _ => None,
    }
}

impl Scope<'_, '_> {
    /// The name that a selected column gets; says so where there is none.
    pub(super) fn named(&mut self, assignment: &ast::Assignment) -> Option<(String, Span)> {
        let named = column_name(assignment);
        if named.is_none() {
            let text = self.text(assignment.span);
            self.found.push(names::unnamed(assignment.span, &text));
        }
        named
    }
}
