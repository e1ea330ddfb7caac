//! `join`: what is compared, and how many rows match how many. What row comes of it is [`super::joined`]'s.

use super::JobChecker;
use super::joined::Unique;
use crate::check::exprs::{NullRule, RightSide, convert};
use crate::check::names::Kind;
use crate::diagnostics::named::told_apart;
use crate::diagnostics::rows;
use crate::ir::{
    Cardinality, Comparison, Expr, ExprKind, Join, JoinKind, Key, Nearest, Promise, Row, StepKind,
};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, unify};

/// What the `on` of a join says, side by side.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) left_keys: Vec<Expr>,
    pub(super) right_keys: Vec<Expr>,
    pub(super) residual: Vec<Expr>,
    pub(super) nearest: Option<Nearest>,
    broken: bool,
}

/// A join as it is spoken of.
#[derive(Clone, Copy)]
pub(super) struct JoinNames<'n> {
    /// Its words.
    pub(super) verb: Span,
    /// The place of its table.
    pub(super) table: Span,
    /// What the table is called in it.
    pub(super) called: &'n str,
    /// The table as it is written.
    pub(super) read: &'n str,
}

/// What a join does, and whether it says what is compared.
fn kind_of(written: ast::JoinKind) -> (JoinKind, bool) {
    match written {
        ast::JoinKind::Inner => (JoinKind::Inner, true),
        ast::JoinKind::Left => (JoinKind::Left, true),
        ast::JoinKind::Right => (JoinKind::Right, true),
        ast::JoinKind::Full => (JoinKind::Full, true),
        ast::JoinKind::Semi => (JoinKind::Semi, true),
        ast::JoinKind::Anti => (JoinKind::Anti, true),
        ast::JoinKind::Cross => (JoinKind::Inner, false),
        ast::JoinKind::Asof { inner: true } => (JoinKind::Inner, true),
        ast::JoinKind::Asof { inner: false } => (JoinKind::Left, true),
    }
}

fn and(a: Expr, b: Expr) -> Expr {
    let (ty, span) = (a.ty.with_nullable(a.ty.nullable || b.ty.nullable), a.span);
    Expr { kind: ExprKind::And(Box::new(a), Box::new(b)), ty, span }
}

impl JobChecker<'_, '_> {
    pub(super) fn join(&mut self, join: &ast::Join, statement: &ast::Statement) {
        let Some(right) = self.globals.input(&join.right, self.found) else {
            return self.give_up();
        };
        let Some(right_row) = self.row_of(right) else { return self.give_up() };
        let table = &join.right[0];
        let alias = join.alias.as_ref().unwrap_or(table);
        if join.alias.is_some() {
            self.globals.names().declared(alias.span, Kind::Alias, alias.span);
        }
        let mut conditions = self.conditions(&join.on, &right_row, alias);
        if conditions.broken {
            return self.give_up();
        }
        let read = self.text(table.span.to(join.right[join.right.len() - 1].span));
        let names =
            JoinNames { verb: statement.verb, table: table.span, called: &alias.text, read: &read };
        let (kind, is_said) = kind_of(join.kind);
        let compares = !join.on.is_empty();
        let is_asof = matches!(join.kind, ast::JoinKind::Asof { .. });
        if compares != is_said {
            self.found.push(match join.on.first() {
                None if is_asof => rows::asof_without_order(statement.verb, &alias.text),
                None => rows::join_without_condition(statement.verb, &table.text),
                Some(on) => rows::cross_join_with_condition(statement.verb, on.span),
            });
            return self.give_up();
        }
        let nearest = match is_asof {
            true => match self.nearest(&mut conditions, join.within.as_ref(), names) {
                Some(nearest) => Some(nearest),
                None => return self.give_up(),
            },
            false => None,
        };
        if let (Some(within), false) = (&join.within, is_asof)
            && !self.add_limits(&mut conditions, within)
        {
            return self.give_up();
        }
        let keeps_all = kind.keeps_left() || kind == JoinKind::Anti;
        let compared = nearest.iter().map(|nearest| nearest.left.clone());
        let compared: Vec<Expr> = conditions.left_keys.iter().cloned().chain(compared).collect();
        self.warn_null_keys(&compared, keeps_all);
        let is_one = nearest.is_some() || !compares;
        let (mut check, mut unique) =
            self.cardinality(join, kind, &conditions, &right_row, (statement.verb, table, is_one));
        unique.right |= nearest.is_some();
        conditions.nearest = nearest;
        let is_found = kind == JoinKind::Left && self.is_found(&conditions, right, &right_row);
        check.left_found = is_found.then_some(Promise::Found(statement.verb));
        let Some((row, shared_keys, right_columns)) =
            self.joined((kind, is_found), &conditions, (right, &right_row), unique, names)
        else {
            return self.give_up();
        };
        let residual = conditions.residual.into_iter().reduce(and);
        let join = Join {
            kind,
            right,
            right_row,
            left_keys: conditions.left_keys,
            right_keys: conditions.right_keys,
            nulls_match: false,
            shared_keys,
            nearest: conditions.nearest,
            residual,
            right_columns,
            check,
        };
        self.push(StepKind::Join(Box::new(join)), row, statement.span);
    }

    fn conditions(&mut self, on: &[ast::Expr], right_row: &Row, name: &ast::Name) -> Conditions {
        let mut all = Conditions::default();
        for condition in on {
            match &condition.kind {
                ast::ExprKind::Name(column) => {
                    self.same_name(column, condition.span, right_row, name, &mut all);
                }
                _ if self.report_name_in_and(condition, right_row) => all.broken = true,
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
        name: &ast::Name,
        all: &mut Conditions,
    ) {
        if let ast::ExprKind::Binary(ast::BinaryOp::And, _, left, right) = &condition.kind {
            self.conjunction(left, right_row, name, all);
            self.conjunction(right, right_row, name, all);
        } else {
            self.general(condition, right_row, name, all);
        }
    }

    /// `on k and a > b`, where `k` alone is no condition: says so, and whether it is.
    fn report_name_in_and(&mut self, condition: &ast::Expr, right_row: &Row) -> bool {
        let parts = and_parts(condition);
        let is_shared = |part: &&&ast::Expr| match &part.kind {
            ast::ExprKind::Name(name) => {
                let left = self.row.find(name).map(|at| &self.row.columns[at].ty.data);
                left.is_some_and(|data| *data != DataType::Bool) && right_row.find(name).is_some()
            }
            _ => false,
        };
        let Some(name) = parts.iter().find(is_shared).filter(|_| parts.len() > 1) else {
            return false;
        };
        let texts: Vec<String> = parts.iter().map(|part| self.text(part.span)).collect();
        let found = rows::name_in_and(&self.text(name.span), name.span, condition.span, &texts);
        self.found.push(found);
        true
    }

    /// `on k`: the columns of that name are equal.
    fn same_name(
        &mut self,
        column: &str,
        span: Span,
        right_row: &Row,
        table: &ast::Name,
        all: &mut Conditions,
    ) {
        let (left, right) = (self.row.find(column), right_row.find(column));
        let (Some(left), Some(right)) = (left, right) else {
            all.broken = true;
            if !self.row.broken && !right_row.broken {
                let side = if left.is_none() { "left" } else { "right" };
                self.found.push(rows::join_key_missing(column, span, side, &table.text));
            }
            return;
        };
        let sides = (&self.row.columns[left], &right_row.columns[right]);
        self.globals.names().column(span, sides.0);
        self.globals.names().tie(sides.0, sides.1);
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
                let is_named = |side: &Expr| matches!(side.ty.data, DataType::Named(_));
                if is_named(&left) || is_named(&right) {
                    let (one, other) = (self.text(left.span), self.text(right.span));
                    let one = (one.as_str(), left.span, &left.ty);
                    let other = (other.as_str(), right.span, &right.ty);
                    self.found.push(told_apart(span, one, other, true));
                    return;
                }
                let sides = ((&left.ty, left.span), (&right.ty, right.span));
                let column = self.text(right.span);
                let column = column.rsplit('.').next().unwrap_or_default();
                let ty = left.ty.with_nullable(false);
                let help = Some(format!(
                    "make both the same type: `cast {column} as {ty}` in a job that reads the right side"
                ));
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
        name: &ast::Name,
        all: &mut Conditions,
    ) {
        let width = self.row.columns.len();
        let mut scope = self.scope();
        scope.right = Some(RightSide { name: &name.text, at: name.span, row: right_row });
        let condition = scope.condition(condition, "a join condition", NullRule::Allowed);
        if condition.ty.is_unknown() {
            all.broken = true;
            return;
        }
        if let ExprKind::Compare(Comparison::Equal, a, b) = &condition.kind {
            let itself = column_of(a).filter(|at| *at < width && column_of(b) == Some(*at));
            let column = itself.map(|at| self.row.columns[at].name.clone());
            if let Some(column) = column.filter(|column| right_row.find(column).is_some()) {
                all.broken = true;
                let found = rows::compared_with_itself(&column, condition.span, &name.text);
                self.found.push(found);
                return;
            }
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

    /// What has to be checked at run time, and which rows match one of the other side at most.
    fn cardinality(
        &mut self,
        join: &ast::Join,
        kind: JoinKind,
        conditions: &Conditions,
        right_row: &Row,
        (verb, table, is_clear): (Span, &ast::Name, bool),
    ) -> (Cardinality, Unique) {
        let right_key = right_row.key_within(&columns_of(&conditions.right_keys));
        let left_key = self.row.key_within(&columns_of(&conditions.left_keys));
        let multiplies = kind.gives_pairs();
        let Some((expected, span)) = join.expect else {
            if multiplies && right_key.is_none() && !right_row.broken && !is_clear {
                self.found.push(rows::may_multiply(verb, &table.text, table.span));
            }
            let relied_on = right_key.filter(|_| multiplies).and_then(|key| key.declared);
            let right_unique = relied_on.map(Promise::Key);
            let unique = Unique { left: is_proven(left_key), right: right_key.is_some() };
            return (Cardinality { right_unique, ..Cardinality::default() }, unique);
        };
        use ast::Cardinality as C;
        let promised = |of_one: bool, key: Option<&Key>| {
            (of_one && !is_proven(key)).then_some(Promise::Join(span))
        };
        let is_right_one = matches!(expected, C::OneToOne | C::ManyToOne);
        let is_left_one = matches!(expected, C::OneToOne | C::OneToMany);
        let check = Cardinality {
            left_unique: promised(is_left_one, left_key),
            right_unique: promised(is_right_one, right_key),
            left_found: None,
        };
        let unique = Unique {
            left: is_left_one || is_proven(left_key),
            right: is_right_one || is_proven(right_key),
        };
        (check, unique)
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

/// The conditions that an `and` joins, or the one that it is.
fn and_parts(condition: &ast::Expr) -> Vec<&ast::Expr> {
    match &condition.kind {
        ast::ExprKind::Binary(ast::BinaryOp::And, _, left, right) => {
            let mut parts = and_parts(left);
            parts.extend(and_parts(right));
            parts
        }
        _ => vec![condition],
    }
}

/// Is it known that no two rows have the same key, and not only declared?
fn is_proven(key: Option<&Key>) -> bool {
    key.is_some_and(|key| key.declared.is_none())
}

/// The columns that these keys are.
fn columns_of(keys: &[Expr]) -> Vec<usize> {
    keys.iter().filter_map(column_of).collect()
}

/// The column that a key is, seen through widening.
pub(super) fn column_of(key: &Expr) -> Option<usize> {
    match &key.kind {
        ExprKind::Column(at) => Some(*at),
        ExprKind::Convert(inner) => column_of(inner),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The side whose columns alone an expression reads.
pub(super) fn side(value: &Expr, width: usize) -> Option<Side> {
    let (mut left, mut right) = (false, false);
    value.visit_columns(&mut |column| if column < width { left = true } else { right = true });
    match (left, right) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}
