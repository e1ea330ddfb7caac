//! `exists_in(value, table.column)`: is the value among those of a column of another table? Only a
//! rule asks so, which has its rows marked before it judges them: see [`super::super::steps`].

use super::convert::{CastRule, cast_rule};
use super::{Scope, bad};
use crate::diagnostics::{references as told, types};
use crate::ir::{Expr, ExprKind, Input};
use crate::syntax::ast::{self, ExprKind as A};
use crate::text::Span;
use crate::types::{DataType, Type, unify};

/// What it is called.
pub(in crate::check) const EXISTS_IN: &str = "exists_in";

/// May be asked whether values are in another table, and what has been so far?
pub(in crate::check) enum Asked {
    /// It is no rule.
    Never,
    /// It is a rule about all rows together.
    OfAllRows,
    /// It is a rule about each row, and asks this.
    OfEachRow(Vec<Reference>),
}

/// What a rule asks of another table.
pub(in crate::check) struct Reference {
    /// What is looked for.
    pub(in crate::check) value: Expr,
    /// The table.
    pub(in crate::check) table: Input,
    /// The position of its column.
    pub(in crate::check) column: usize,
    /// The type of which both are.
    pub(in crate::check) ty: DataType,
    /// The call.
    pub(in crate::check) span: Span,
}

/// The tables and columns in which an expression looks for values.
pub(in crate::check) fn references(expr: &ast::Expr) -> Vec<(Vec<ast::Name>, &ast::Name)> {
    let mut found: Vec<_> = expr.children().into_iter().flat_map(references).collect();
    if let A::Call(name, arguments) = &expr.kind
        && name.text == EXISTS_IN
        && let [_, column] = arguments.as_slice()
    {
        found.extend(column_of_table(&column.value));
    }
    found
}

/// `table.column`, `job.branch.column`
fn column_of_table(expr: &ast::Expr) -> Option<(Vec<ast::Name>, &ast::Name)> {
    let A::Field(table, column) = &expr.kind else { return None };
    let (mut path, mut at) = (vec![], &**table);
    loop {
        match &at.kind {
            A::Field(base, name) => {
                path.push(name.clone());
                at = base;
            }
            A::Name(text) => {
                path.push(ast::Name { text: text.clone(), span: at.span });
                path.reverse();
                return Some((path, column));
            }
            _ => return None,
        }
    }
}

impl Scope<'_, '_> {
    pub(super) fn exists_in(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let texts: Vec<String> =
            arguments.iter().map(|argument| self.text(argument.value.span)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let place = match &self.asked {
            Asked::OfEachRow(_) if self.slots.is_empty() => None,
            Asked::OfEachRow(_) => Some(told::Place::Items),
            Asked::OfAllRows => Some(told::Place::AllRows),
            Asked::Never => Some(told::Place::NoRule),
        };
        if let Some(place) = place {
            self.found.push(told::misplaced(name.span, &texts, place));
            return bad(span);
        }
        let [value, column] = arguments else {
            self.found.push(told::not_a_column(span, &texts));
            return bad(span);
        };
        let Some((path, column)) = column_of_table(&column.value) else {
            self.found.push(told::not_a_column(column.value.span, &texts));
            return bad(span);
        };
        // It is looked for in every row, whatever stands before it in the condition.
        let narrowed = std::mem::take(&mut self.narrowed);
        let value = self.check(&value.value, None);
        self.narrowed = narrowed;
        let Some(table) = self.globals.input(&path, self.found) else { return bad(span) };
        let Some((at, ty)) = self.column_looked_in(table, &path[path.len() - 1], column) else {
            return bad(span);
        };
        if value.ty.is_unknown() || ty.is_unknown() {
            return bad(span);
        }
        let unified = unify(&value.ty, &ty).map(|ty| ty.data);
        // Several whole numbers are the same float.
        let is_exact = |to: &DataType| *to != DataType::Float || value.ty.data == ty.data;
        let Some(unified) = unified.filter(|to| to.is_ordered() && is_exact(to)) else {
            let rule = cast_rule(&value.ty.data.opened(), &ty.data.opened());
            let becomes = value.ty.data.is_ordered() && !matches!(rule, CastRule::None(_));
            let help = told::same_type(&texts, &ty, becomes);
            let sides = ((&value.ty, value.span), (&ty, column.span));
            self.found.push(types::not_comparable(name.span, sides.0, sides.1, Some(help)));
            return bad(span);
        };
        let reference = Reference { value, table, column: at, ty: unified, span };
        let Asked::OfEachRow(references) = &mut self.asked else { return bad(span) };
        references.push(reference);
        let mark = self.row.map_or(0, |row| row.columns.len()) + references.len() - 1;
        Expr { kind: ExprKind::Column(mark), ty: DataType::Bool.required(), span }
    }

    /// The column of a table by its name, with its type.
    fn column_looked_in(
        &mut self,
        table: Input,
        name: &ast::Name,
        column: &ast::Name,
    ) -> Option<(usize, Type)> {
        let row = self.globals.row_of(table)?;
        let Some(at) = row.find(&column.text) else {
            if !row.broken {
                let columns: Vec<&str> = row.columns.iter().map(|column| &*column.name).collect();
                let place = (name.text.as_str(), name.span);
                self.found.push(told::no_column(&column.text, column.span, place, &columns));
            }
            return None;
        };
        self.globals.names().column(column.span, &row.columns[at]);
        Some((at, row.columns[at].ty.clone()))
    }
}
