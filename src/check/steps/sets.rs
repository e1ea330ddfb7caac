//! `union`, `except` and `intersect`: tables of the same columns, one with the other.

use super::JobChecker;
use crate::check::exprs::{Place, convert, domain};
use crate::diagnostics::{rows, types};
use crate::ir::{Cardinality, Column, Expr, ExprKind, Input, Join, JoinKind, Row, StepKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, unify};
use std::sync::Arc;

/// A table beside the one of the job.
type Table<'t> = (Input, Arc<Row>, &'t ast::Name);

impl JobChecker<'_, '_> {
    pub(super) fn union(&mut self, tables: &[Vec<ast::Name>], statement: &ast::Statement) {
        let Some(inputs) = self.tables(tables) else { return self.give_up() };
        let mut columns: Vec<Column> = self.row.columns.iter().cloned().collect();
        for (_, row, table) in &inputs {
            if !self.unite(&mut columns, row, table, "stacked") {
                return self.give_up();
            }
        }
        let all_rows = std::iter::once(&self.row).chain(inputs.iter().map(|(_, row, _)| row));
        let kind = StepKind::Union {
            columns: all_rows.map(|row| values(row, &columns)).collect(),
            inputs: inputs.iter().map(|(input, ..)| *input).collect(),
        };
        let columns = columns.into_iter().collect();
        let row = Row { columns, keys: vec![], order: vec![], broken: false };
        self.push(kind, row, statement.span);
    }

    /// `except` (an anti join) and `intersect` (a semi join) over all columns, where null equals null;
    /// then the rows that differ.
    pub(super) fn compare(
        &mut self,
        kind: JoinKind,
        tables: &[Vec<ast::Name>],
        statement: &ast::Statement,
    ) {
        let Some(inputs) = self.tables(tables) else { return self.give_up() };
        let span = statement.span;
        let step = self.text(statement.verb);
        for (right, right_row, table) in inputs {
            let mut columns: Vec<Column> = self.row.columns.iter().cloned().collect();
            if !self.unite(&mut columns, &right_row, table, "compared") {
                return self.give_up();
            }
            if let Some(column) = columns.iter().find(|column| !column.ty.data.is_ordered()) {
                let what = format!("`{}`, a column of `{step}`,", column.name);
                self.found.push(types::not_ordered(&what, span, &column.ty));
                return self.give_up();
            }
            self.widen(&columns, span);
            let row = match kind {
                JoinKind::Semi => self.narrowed(&never_null(&self.row, &right_row)),
                _ => (*self.row).clone(),
            };
            let join = Join {
                kind,
                right,
                left_keys: values(&self.row, &columns),
                right_keys: values(&right_row, &columns),
                nulls_match: true,
                right_row,
                shared_keys: vec![],
                nearest: None,
                residual: None,
                right_columns: vec![],
                check: Cardinality::default(),
            };
            self.push(StepKind::Join(Box::new(join)), row, span);
        }
        self.distinct(span);
    }

    /// The tables of these names, with their rows as this job sees them.
    fn tables<'t>(&mut self, paths: &'t [Vec<ast::Name>]) -> Option<Vec<Table<'t>>> {
        let mut tables = vec![];
        for path in paths {
            let input = self.globals.input(path, self.found)?;
            tables.push((input, self.row_of(input)?, &path[0]));
        }
        let is_broken = self.row.broken || tables.iter().any(|(_, row, _)| row.broken);
        (!is_broken).then_some(tables)
    }

    /// Gives the columns types that hold those of another table too.
    fn widen(&mut self, columns: &[Column], span: Span) {
        for (at, column) in columns.iter().enumerate() {
            let own = self.row.columns[at].clone();
            if own.ty.data == column.ty.data {
                continue;
            }
            let ty = column.ty.with_nullable(own.ty.nullable || own.ty.data == DataType::Null);
            let kind = ExprKind::Column(at);
            let value = Expr { kind, ty: own.ty.clone(), span: own.origin };
            let mut row = (*self.row).clone();
            let domain = own.domain.clone();
            let domain = domain.and_then(|known| domain::widened(known, &own.ty.data, &ty.data));
            row.columns.replace(at, Column { ty: ty.clone(), domain, ..own });
            row.keys.retain(|key| !key.columns.contains(&at));
            let value = convert(value, &ty.data);
            self.push(StepKind::Set { column: at, value }, row, span);
        }
    }

    /// Widens the columns to hold the other table's; says so where they differ. What is unknown is
    /// no difference, and nothing that can be stacked or compared either.
    fn unite(&mut self, columns: &mut [Column], row: &Row, table: &ast::Name, how: &str) -> bool {
        let mut known = true;
        let mut differences = vec![];
        let side = |column: &Column| Some((column.ty.to_string(), column.origin));
        for column in columns.iter_mut() {
            let other = row.find(&column.name).map(|at| &row.columns[at]);
            if let Some(other) = other
                && let Some(ty) = unify(&column.ty, &other.ty)
            {
                self.globals.names().tie(column, other);
                column.domain = domain::of_both(column, other, &ty.data);
                column.ty = ty;
            } else if column.ty.is_unknown() {
                known = false;
            } else {
                let (name, left) = (column.name.to_string(), side(column));
                differences.push(rows::Difference { name, left, right: other.and_then(side) });
            }
        }
        for other in row.columns.iter() {
            if columns.iter().any(|column| column.name == other.name) {
                continue;
            }
            if other.ty.is_unknown() {
                known = false;
                continue;
            }
            let (name, right) = (other.name.to_string(), side(other));
            differences.push(rows::Difference { name, left: None, right });
        }
        if !differences.is_empty() {
            self.found.push(rows::tables_differ(table.span, &differences, &table.text, how));
        }
        known && differences.is_empty()
    }
}

/// What a table gives for these columns, which it has by name.
fn values(row: &Row, columns: &[Column]) -> Vec<Expr> {
    let value = |column: &Column| {
        let at = row.find(&column.name).expect("the tables do not differ");
        let own = &row.columns[at];
        let value = Expr { kind: ExprKind::Column(at), ty: own.ty.clone(), span: own.origin };
        convert(value, &column.ty.data)
    };
    columns.iter().map(value).collect()
}

/// The columns that are not null where a row is in both tables.
fn never_null(row: &Row, other: &Row) -> Vec<Place> {
    let is_there = |(_, column): &(usize, &Column)| {
        other.find(&column.name).is_some_and(|at| !other.columns[at].ty.nullable)
    };
    row.columns.iter().enumerate().filter(is_there).map(|(at, _)| Place::from(at)).collect()
}
