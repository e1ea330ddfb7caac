//! Steps that turn values into columns and columns into values: `pivot unpivot`.

use super::{JobChecker, shape};
use crate::check::exprs::{GroupScope, convert, literal};
use crate::diagnostics::{Diagnostics, branches, names};
use crate::ir::{Column, Comparison, Expr, ExprKind, Key, Row, StepKind};
use crate::syntax::{ast, is_name};
use crate::text::Span;
use crate::types::{DataType, Field, Scalar, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// A value of the column that is pivoted: what its columns are called, where it stands, and itself.
type Pivoted = (String, Span, Expr);

impl JobChecker<'_, '_> {
    /// A group of which each aggregate is computed once for each value, over its rows alone.
    pub(super) fn pivot(
        &mut self,
        column: &ast::Name,
        values: Option<&[(ast::Expr, Option<ast::Name>)]>,
        (aggregates, by): (&[ast::Assignment], &[ast::Assignment]),
        statement: &ast::Statement,
    ) {
        let Some(at) = self.find(column) else { return self.give_up() };
        let pivoted = match values {
            Some(values) => self.pivot_values(at, values),
            None => self.pivot_members(at, column),
        };
        let keys = self.keys(by, "a key");
        let Some(pivoted) = pivoted.filter(|_| keys.len() == by.len()) else {
            return self.give_up();
        };
        let keys_text: Vec<String> =
            by.iter().map(|key| format!("`{}`", self.text(key.span))).collect();
        let mut group = GroupScope {
            keys: keys.iter().map(|(name, key, at)| (name.clone(), key.ty.clone(), *at)).collect(),
            aggregates: vec![],
            keys_text: keys_text.join(", "),
            span: statement.verb,
            is_rule: false,
            only: None,
            names: vec![],
        };
        let mut first: HashMap<String, Span> =
            keys.iter().map(|(name, _, at)| (name.to_string(), *at)).collect();
        let mut columns: Vec<(Arc<str>, Expr, Span)> = vec![];
        let mut broken = false;
        for (number, (of, place, value)) in pivoted.into_iter().enumerate() {
            let mut scope = self.scope();
            // What is wrong with an aggregate is so for every value.
            let mut again = Diagnostics::new();
            if number > 0 {
                scope.found = &mut again;
            }
            group.only = Some(equal(scope.column(at, column.span), value));
            scope.group = Some(group);
            for assignment in aggregates {
                let is_alone = assignment.name.is_none() && aggregates.len() == 1;
                let name = match (&assignment.name, is_alone) {
                    (Some(name), _) => format!("{of}_{}", name.text),
                    (None, true) => of.clone(),
                    (None, false) => {
                        let text = scope.text(assignment.span);
                        scope.found.push(names::unnamed(assignment.span, &text));
                        broken = true;
                        continue;
                    }
                };
                let value = scope.check(&assignment.value, None);
                broken |= value.ty.is_unknown();
                if let Some(first) = first.insert(name.clone(), place) {
                    scope.found.push(names::column_twice(&name, place, first));
                    broken = true;
                }
                columns.push((name.as_str().into(), value, place));
            }
            group = scope.group.take().expect("it was put in above");
        }
        self.forget_but(&first, statement.span);
        self.push_group(keys, group, columns, broken, statement.span);
    }

    /// The values that are written, each with its name.
    fn pivot_values(
        &mut self,
        at: usize,
        values: &[(ast::Expr, Option<ast::Name>)],
    ) -> Option<Vec<Pivoted>> {
        let ty = self.row.columns[at].ty.with_nullable(true);
        if ty.is_unknown() {
            return None;
        }
        let mut pivoted = vec![];
        for (value, name) in values {
            let mut scope = self.scope();
            scope.row = None;
            let checked = scope.check_as(value, &ty, "a value of `pivot`");
            let text = self.text(value.span);
            let own = text.trim_matches('"');
            let named = match name {
                Some(name) => Some(name.text.clone()),
                None => Some(own.to_owned()).filter(|own| is_name(own)),
            };
            match named {
                _ if checked.ty.is_unknown() => {}
                Some(named) => {
                    let place = name.as_ref().map_or(value.span, |name| name.span);
                    pivoted.push((named, place, checked));
                }
                None => self.found.push(branches::value_without_name(value.span, &text)),
            }
        }
        (pivoted.len() == values.len()).then_some(pivoted)
    }

    /// All members that a column of an enum can be.
    fn pivot_members(&mut self, at: usize, column: &ast::Name) -> Option<Vec<Pivoted>> {
        let of = self.row.columns[at].clone();
        let DataType::Enum(declared) = &of.ty.data else {
            if !of.ty.is_unknown() {
                self.found.push(branches::values_of_what(
                    column.span,
                    &column.text,
                    &of.ty,
                    "pivot",
                ));
            }
            return None;
        };
        let members = 0..declared.members.len() as i32;
        let is_left = |member: &i32| of.domain.as_ref().is_none_or(|domain| domain.can_be(*member));
        let value = |member: i32| {
            let name = declared.members[member as usize].name.to_string();
            (name, column.span, literal(Scalar::Enum(member), of.ty.data.clone(), column.span))
        };
        Some(members.filter(is_left).map(value).collect())
    }

    /// A row for each of these columns.
    pub(super) fn unpivot(
        &mut self,
        columns: &[ast::Name],
        name: &ast::Name,
        value: &ast::Name,
        span: Span,
    ) {
        self.named_twice(columns);
        let found: Vec<Option<usize>> = columns.iter().map(|column| self.find(column)).collect();
        let Some(found) = found.into_iter().collect::<Option<Vec<usize>>>() else {
            return self.give_up();
        };
        let scope = self.scope();
        let values: Vec<Expr> =
            found.iter().zip(columns).map(|(at, column)| scope.column(*at, column.span)).collect();
        let types: Vec<Type> = values.iter().map(|value| value.ty.clone()).collect();
        let ty = types.iter().skip(1).try_fold(types[0].clone(), |all, ty| {
            crate::types::unify(&all, ty).filter(|ty| !ty.is_unknown())
        });
        let Some(ty) = ty else {
            let known = !types.iter().any(Type::is_unknown);
            if known {
                let of: Vec<(Span, &str, &Type)> = columns
                    .iter()
                    .zip(&types)
                    .map(|(column, ty)| (column.span, column.text.as_str(), ty))
                    .collect();
                self.found.push(branches::unpivot_differs(&of));
            }
            return self.give_up();
        };
        let stay: Vec<usize> =
            (0..self.row.columns.len()).filter(|at| !found.contains(at)).collect();
        let mut first: HashMap<&str, Span> = HashMap::new();
        for &at in &stay {
            let column = &self.row.columns[at];
            first.insert(&column.name, column.origin);
        }
        for new in [name, value] {
            if let Some(first) = first.insert(&new.text, new.span) {
                self.found.push(names::column_twice(&new.text, new.span, first));
                return self.give_up();
            }
        }
        self.globals.names().new_column(name.span, &DataType::String.required());
        self.globals.names().new_column(value.span, &ty);
        for column in columns {
            self.dropped.insert(column.text.clone(), span);
        }
        self.push_unpivot(&stay, values.into_iter().zip(columns), (name, value, &ty), span);
    }

    /// A list of names and values, made into rows, and these into two columns.
    fn push_unpivot<'n>(
        &mut self,
        stay: &[usize],
        values: impl Iterator<Item = (Expr, &'n ast::Name)>,
        (name, value, ty): (&ast::Name, &ast::Name, &Type),
        span: Span,
    ) {
        let text = DataType::String.required();
        let fields = vec![Field::new("name", text.clone()), Field::new("value", ty.clone())];
        let pair = DataType::Record(fields.into()).required();
        let pairs = values.map(|(value, column)| pair_of(value, column, (&pair, ty))).collect();
        let list = DataType::List(Box::new(pair.clone())).required();
        let both = Column {
            name: value.text.as_str().into(),
            ty: list.clone(),
            origin: value.span,
            domain: None,
        };
        let before = self.row.clone();
        let columns: Vec<Column> = stay.iter().map(|at| before.columns[*at].clone()).collect();
        let mut kept: Vec<Expr> = stay.iter().map(|at| column_of(&before, *at)).collect();
        let (keys, order) = shape::carried(&before, &kept);
        kept.push(Expr { kind: ExprKind::List(pairs), ty: list, span });
        let with = |last: &[Column], keys: Vec<Key>| Row {
            columns: columns.iter().chain(last).cloned().collect(),
            keys,
            order: order.clone(),
            broken: before.broken,
        };
        let row = with(std::slice::from_ref(&both), keys.clone());
        self.push(StepKind::Project(kept), row, span);
        let column = stay.len();
        let row = with(&[Column { ty: pair, ..both }], vec![]);
        self.push(StepKind::Explode { column }, row, span);
        let mut values: Vec<Expr> = (0..=column).map(|at| column_of(&self.row, at)).collect();
        let both = Box::new(values.pop().expect("it is the last"));
        let new = [(name, text), (value, ty.clone())];
        for (at, (name, ty)) in new.iter().enumerate() {
            let kind = ExprKind::Field(both.clone(), at);
            values.push(Expr { kind, ty: ty.clone(), span: name.span });
        }
        let new = new.map(|(name, ty)| Column {
            name: name.text.as_str().into(),
            ty,
            origin: name.span,
            domain: None,
        });
        // What told rows apart does so together with the name of the column.
        let with_name = |key: &Key| {
            let columns = key.columns.iter().copied().chain([column]).collect();
            Key { columns, declared: key.declared }
        };
        let row = with(&new, keys.iter().map(with_name).collect());
        self.push(StepKind::Project(values), row, span);
    }
}

/// The name of a column and its value.
fn pair_of(value: Expr, column: &ast::Name, (pair, ty): (&Type, &Type)) -> Expr {
    let name = Scalar::String(column.text.as_str().into());
    let name = literal(name, DataType::String, column.span);
    let mut value = convert(value, &ty.data);
    value.ty.nullable = ty.nullable;
    Expr { kind: ExprKind::Record(vec![name, value]), ty: pair.clone(), span: column.span }
}

/// A column as it is.
fn column_of(row: &Row, at: usize) -> Expr {
    let of = &row.columns[at];
    Expr { kind: ExprKind::Column(at), ty: of.ty.clone(), span: of.origin }
}

fn equal(left: Expr, right: Expr) -> Expr {
    let span = right.span;
    let right = convert(right, &left.ty.data);
    let kind = ExprKind::Compare(Comparison::Equal, Box::new(left), Box::new(right));
    Expr { kind, ty: DataType::Bool.required(), span }
}
