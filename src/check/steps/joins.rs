//! `join` and `union`: two tables become one.

use super::JobChecker;
use crate::check::exprs::{NullRule, RightSide, convert, domain, narrow};
use crate::diagnostics::{names, rows};
use crate::ir::{
    Cardinality, Column, Comparison, Expr, ExprKind, Input, Join, JoinKind, Key, Promise, Row,
    StepKind,
};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, unify};
use std::sync::Arc;

/// What the `on` of a join says, side by side.
#[derive(Default)]
struct Conditions {
    left_keys: Vec<Expr>,
    right_keys: Vec<Expr>,
    residual: Vec<Expr>,
    broken: bool,
}

impl JobChecker<'_, '_> {
    pub(super) fn join(&mut self, join: &ast::Join, statement: &ast::Statement) {
        let Some(right) = self.globals.input(&join.right, self.found) else {
            return self.give_up();
        };
        let Some(right_row) = self.row_of(right) else { return self.give_up() };
        let table = &join.right[0];
        let name = join.alias.as_ref().unwrap_or(table).text.clone();
        let conditions = self.conditions(&join.on, &right_row, &name);
        if conditions.broken {
            return self.give_up();
        }
        if conditions.left_keys.is_empty() {
            self.found.push(rows::join_without_key(statement.verb));
            return self.give_up();
        }
        let kind = match join.kind {
            ast::JoinKind::Inner => JoinKind::Inner,
            ast::JoinKind::Left => JoinKind::Left,
            ast::JoinKind::Semi => JoinKind::Semi,
            ast::JoinKind::Anti => JoinKind::Anti,
        };
        let keeps_all = matches!(kind, JoinKind::Left | JoinKind::Anti);
        self.warn_null_keys(&conditions.left_keys, keeps_all);
        let (check, right_unique) =
            self.cardinality(join, kind, &conditions, &right_row, statement, table);
        let Some((row, right_columns)) =
            self.joined(kind, &conditions, &right_row, right_unique, (statement, table, &name))
        else {
            return self.give_up();
        };
        let residual = conditions.residual.into_iter().reduce(|a, b| {
            let (ty, span) = (a.ty.clone(), a.span);
            Expr { kind: ExprKind::And(Box::new(a), Box::new(b)), ty, span }
        });
        let join = Join {
            kind,
            right,
            right_row,
            left_keys: conditions.left_keys,
            right_keys: conditions.right_keys,
            residual,
            right_columns,
            check,
        };
        self.push(StepKind::Join(Box::new(join)), row, statement.span);
    }

    fn conditions(&mut self, on: &[ast::Expr], right_row: &Row, name: &str) -> Conditions {
        let mut all = Conditions::default();
        for condition in on {
            match &condition.kind {
                ast::ExprKind::Name(column) => {
                    self.same_name(column, condition.span, right_row, name, &mut all);
                }
                _ => self.conjunction(condition, right_row, name, &mut all),
            }
        }
        all
    }

    /// `a and b` is `a, b`, but for a name, which is a condition there.
    fn conjunction(
        &mut self,
        condition: &ast::Expr,
        right_row: &Row,
        name: &str,
        all: &mut Conditions,
    ) {
        if let ast::ExprKind::Binary(ast::BinaryOp::And, _, left, right) = &condition.kind {
            self.conjunction(left, right_row, name, all);
            self.conjunction(right, right_row, name, all);
        } else {
            self.general(condition, right_row, name, all);
        }
    }

    /// `on k`: the columns of that name are equal.
    fn same_name(
        &mut self,
        column: &str,
        span: Span,
        right_row: &Row,
        table: &str,
        all: &mut Conditions,
    ) {
        let (left, right) = (self.row.find(column), right_row.find(column));
        let (Some(left), Some(right)) = (left, right) else {
            all.broken = true;
            if !self.row.broken && !right_row.broken {
                let side = if left.is_none() { "left" } else { "right" };
                self.found.push(rows::join_key_missing(column, span, side, table));
            }
            return;
        };
        let of = |at: usize, row: &Row| Expr {
            kind: ExprKind::Column(at),
            ty: row.columns[at].ty.clone(),
            span,
        };
        let (left, right) = (of(left, &self.row), of(right, right_row));
        self.equal(left, right, span, all);
    }

    fn equal(&mut self, left: Expr, right: Expr, span: Span, all: &mut Conditions) {
        if left.ty.is_unknown() || right.ty.is_unknown() {
            all.broken = true;
            return;
        }
        match unify(&left.ty, &right.ty) {
            Some(ty) if ty.data.is_ordered() => {
                all.add_keys(left, right, &ty.data, self.row.columns.len());
            }
            _ => {
                all.broken = true;
                let sides = ((&left.ty, left.span), (&right.ty, right.span));
                let help = Some("make both the same type, for instance with `cast`".to_owned());
                let found = crate::diagnostics::types::not_comparable(span, sides.0, sides.1, help);
                self.found.push(found);
            }
        }
    }

    /// A condition over both sides: an equality of the two becomes a key.
    fn general(
        &mut self,
        condition: &ast::Expr,
        right_row: &Row,
        name: &str,
        all: &mut Conditions,
    ) {
        let width = self.row.columns.len();
        let mut scope = self.scope();
        scope.right = Some(RightSide { name, row: right_row });
        let condition = scope.condition(condition, "a join condition", NullRule::Allowed);
        if condition.ty.is_unknown() {
            all.broken = true;
            return;
        }
        if let ExprKind::Compare(Comparison::Equal, a, b) = &condition.kind {
            match (side(a, width), side(b, width)) {
                (Some(Side::Left), Some(Side::Right)) => {
                    return all.add_equal(a, b, width);
                }
                (Some(Side::Right), Some(Side::Left)) => {
                    return all.add_equal(b, a, width);
                }
                _ => {}
            }
        }
        all.residual.push(condition);
    }

    fn warn_null_keys(&mut self, keys: &[Expr], are_kept: bool) {
        for key in keys {
            let is_null_at_times = self.scope().can_be_null(key);
            if is_null_at_times {
                let text = self.text(key.span);
                self.found.push(rows::nullable_key(&text, key.span, are_kept));
            }
        }
    }

    /// What has to be checked at run time, and whether each left row matches one right row at
    /// most.
    fn cardinality(
        &mut self,
        join: &ast::Join,
        kind: JoinKind,
        conditions: &Conditions,
        right_row: &Row,
        statement: &ast::Statement,
        table: &ast::Name,
    ) -> (Cardinality, bool) {
        let right_key = right_row.key_within(&columns_of(&conditions.right_keys));
        let left_key = self.row.key_within(&columns_of(&conditions.left_keys));
        let multiplies = matches!(kind, JoinKind::Inner | JoinKind::Left);
        let Some((expected, span)) = join.expect else {
            if multiplies && right_key.is_none() && !right_row.broken {
                self.found.push(rows::may_multiply(statement.verb, &table.text, table.span));
            }
            let relied_on = right_key.filter(|_| multiplies).and_then(|key| key.declared);
            let right_unique = relied_on.map(Promise::Key);
            return (Cardinality { left_unique: None, right_unique }, right_key.is_some());
        };
        use ast::Cardinality as C;
        let promised = |of_one: bool, key: Option<&Key>| {
            let is_proven = key.is_some_and(|key| key.declared.is_none());
            (of_one && !is_proven).then_some(Promise::Join(span))
        };
        let is_right_one = matches!(expected, C::OneToOne | C::ManyToOne);
        let check = Cardinality {
            left_unique: promised(matches!(expected, C::OneToOne | C::OneToMany), left_key),
            right_unique: promised(is_right_one, right_key),
        };
        let is_proven = right_key.is_some_and(|key| key.declared.is_none());
        (check, is_right_one || is_proven)
    }

    /// The row of the join and the right columns in it.
    fn joined(
        &mut self,
        kind: JoinKind,
        conditions: &Conditions,
        right_row: &Row,
        right_unique: bool,
        (statement, table, name): (&ast::Statement, &ast::Name, &str),
    ) -> Option<(Row, Vec<usize>)> {
        // Of what matches, nothing that was compared is null.
        let compared = |keys: &[Expr]| keys.iter().flat_map(narrow::strict_columns).collect();
        let (left_known, right_known): (Vec<usize>, Vec<usize>) = match kind {
            JoinKind::Inner | JoinKind::Semi => {
                (compared(&conditions.left_keys), compared(&conditions.right_keys))
            }
            JoinKind::Left | JoinKind::Anti => (vec![], vec![]),
        };
        let mut row = self.narrowed(&left_known);
        if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            return Some((row, vec![]));
        }
        if !right_unique {
            row.keys.clear();
        }
        let mut right_columns = vec![];
        for (at, column) in right_row.columns.iter().enumerate() {
            let same_key = conditions.left_keys.iter().zip(&conditions.right_keys).any(|(l, r)| {
                let left = column_of(l).and_then(|left| self.row.columns.get(left));
                column_of(r) == Some(at) && left.is_some_and(|left| left.name == column.name)
            });
            if same_key {
                continue;
            }
            if let Some(left) = self.row.find(&column.name) {
                let left = self.row.columns[left].origin;
                let found =
                    names::join_clash(&column.name, statement.verb, left, column.origin, name);
                self.found.push(found);
                return None;
            }
            let nullable =
                kind == JoinKind::Left || (column.ty.nullable && !right_known.contains(&at));
            let ty = column.ty.with_nullable(nullable);
            row.columns.push(Column { ty, origin: table.span, ..column.clone() });
            right_columns.push(at);
        }
        row.broken |= right_row.broken;
        Some((row, right_columns))
    }

    pub(super) fn union(&mut self, tables: &[Vec<ast::Name>], statement: &ast::Statement) {
        let mut inputs: Vec<(Input, Arc<Row>, &ast::Name)> = vec![];
        for path in tables {
            let input = self.globals.input(path, self.found);
            let row = input.and_then(|input| Some((input, self.row_of(input)?)));
            match row {
                Some((input, row)) => inputs.push((input, row, &path[0])),
                None => return self.give_up(),
            }
        }
        let mut columns: Vec<Column> = self.row.columns.iter().cloned().collect();
        for (_, row, table) in &inputs {
            if row.broken || self.row.broken {
                return self.give_up();
            }
            if !self.unite(&mut columns, row, table) {
                return self.give_up();
            }
        }
        let all_rows = std::iter::once(&self.row).chain(inputs.iter().map(|(_, row, _)| row));
        let values = all_rows
            .map(|row| {
                columns
                    .iter()
                    .map(|column| {
                        let at = row.find(&column.name).expect("checked above");
                        let own = &row.columns[at];
                        let kind = ExprKind::Column(at);
                        let value = Expr { kind, ty: own.ty.clone(), span: own.origin };
                        convert(value, &column.ty.data)
                    })
                    .collect()
            })
            .collect();
        let kind = StepKind::Union {
            inputs: inputs.iter().map(|(input, ..)| *input).collect(),
            columns: values,
        };
        let columns = columns.into_iter().collect();
        let row = Row { columns, keys: vec![], order: vec![], broken: false };
        self.push(kind, row, statement.span);
    }

    /// Widens the columns to hold the other table's; says so where they differ. What is unknown is
    /// no difference, and nothing that can be stacked either.
    fn unite(&mut self, columns: &mut [Column], row: &Row, table: &ast::Name) -> bool {
        let mut known = true;
        let mut differences = vec![];
        let side = |column: &Column| Some((column.ty.to_string(), column.origin));
        for column in columns.iter_mut() {
            let other = row.find(&column.name).map(|at| &row.columns[at]);
            if let Some(other) = other
                && let Some(ty) = unify(&column.ty, &other.ty)
            {
                column.ty = ty;
                column.domain = domain::of_both(column.domain.take(), other.domain.as_ref());
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
            self.found.push(rows::union_differs(table.span, &differences, &table.text));
        }
        known && differences.is_empty()
    }
}

impl Conditions {
    /// Keys that have to be equal; the columns of `right` are those of the right row, which stand
    /// behind `width` of the left one in a condition over both.
    fn add_keys(&mut self, left: Expr, right: Expr, unified: &DataType, width: usize) {
        if *unified == DataType::Float && left.ty.data != right.ty.data {
            // Several ints are looked up as the same float; which of them it is, is asked then.
            let (ty, span) = (DataType::Bool.required(), left.span);
            let mut behind = right.clone();
            behind.map_columns(&|column| column + width);
            let sides = (Box::new(left.clone()), Box::new(behind));
            let kind = ExprKind::Compare(Comparison::Equal, sides.0, sides.1);
            self.residual.push(Expr { kind, ty, span });
        }
        self.left_keys.push(convert(left, unified));
        self.right_keys.push(convert(right, unified));
    }

    /// The same, of two sides of a condition over both.
    fn add_equal(&mut self, left: &Expr, right: &Expr, width: usize) {
        let (left, mut right) = (left.clone(), right.clone());
        right.map_columns(&|column| column - width);
        let unified = unify(&left.ty, &right.ty).expect("what is compared goes together");
        self.add_keys(left, right, &unified.data, width);
    }
}

/// The columns that these keys are.
fn columns_of(keys: &[Expr]) -> Vec<usize> {
    keys.iter().filter_map(column_of).collect()
}

/// The column that a key is, seen through widening.
fn column_of(key: &Expr) -> Option<usize> {
    match &key.kind {
        ExprKind::Column(at) => Some(*at),
        ExprKind::Convert(inner) => column_of(inner),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The side whose columns alone an expression reads.
fn side(value: &Expr, width: usize) -> Option<Side> {
    let (mut left, mut right) = (false, false);
    value.visit_columns(&mut |column| if column < width { left = true } else { right = true });
    match (left, right) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}
