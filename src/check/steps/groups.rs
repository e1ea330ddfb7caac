//! `group by`: keys, aggregates, and what may stand beside them.

use super::JobChecker;
use crate::check::exprs::GroupScope;
use crate::check::exprs::values::of_aggregate;
use crate::diagnostics::{names, types};
use crate::ir::{Column, Expr, ExprKind, Key, Row, StepKind};
use crate::syntax::ast;
use crate::text::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// The keys of a step with `by`: name, value, place.
pub(super) type Keys = Vec<(Arc<str>, Expr, Span)>;

/// The names that are given to values.
pub(super) fn given_names(values: &[ast::Assignment]) -> Vec<String> {
    values.iter().filter_map(|value| Some(value.name.as_ref()?.text.clone())).collect()
}

impl JobChecker<'_, '_> {
    /// Keys; those that did not check are left out.
    pub(super) fn keys(&mut self, assignments: &[ast::Assignment], what: &str) -> Keys {
        let mut keys: Keys = vec![];
        for assignment in assignments {
            let Some((name, at)) = self.scope().named(assignment) else { continue };
            let mut value = self.scope().check(&assignment.value, None);
            if value.ty.is_unknown() {
                continue;
            }
            value.ty.nullable |= self.scope().can_be_null(&value);
            if !value.ty.data.is_ordered() {
                self.found.push(types::not_ordered(what, value.span, &value.ty));
                continue;
            }
            if let Some(name) = &assignment.name {
                self.globals.names().new_column(name.span, &value.ty);
            }
            keys.push((name.as_str().into(), value, at));
        }
        keys
    }

    pub(super) fn group(
        &mut self,
        by: &[ast::Assignment],
        aggregates: &[ast::Assignment],
        statement: &ast::Statement,
    ) {
        let keys = self.keys(by, "a group key");
        let mut broken = keys.len() < by.len();
        let keys_text = by
            .iter()
            .map(|key| format!("`{}`", self.text(key.span)))
            .collect::<Vec<_>>()
            .join(", ");
        let mut scope = self.scope();
        scope.group = Some(GroupScope {
            keys: keys.iter().map(|(name, key, at)| (name.clone(), key.ty.clone(), *at)).collect(),
            aggregates: vec![],
            keys_text,
            span: statement.verb,
            is_rule: false,
            only: None,
            names: given_names(aggregates),
        });
        let mut first: HashMap<String, Span> =
            keys.iter().map(|(name, _, at)| (name.to_string(), *at)).collect();
        let mut values: Vec<(Arc<str>, Expr, Span)> = vec![];
        for assignment in aggregates {
            let Some((name, at)) = scope.named(assignment) else {
                broken = true;
                continue;
            };
            let value = scope.check(&assignment.value, None);
            if let Some(first) = first.insert(name.clone(), at) {
                scope.found.push(names::column_twice(&name, at, first));
                continue;
            }
            broken |= value.ty.is_unknown();
            if let Some(name) = &assignment.name {
                scope.globals.names().new_column(name.span, &value.ty);
            }
            values.push((name.as_str().into(), value, at));
        }
        let group = scope.group.take().expect("it was put in above");
        self.forget_but(&first, statement.span);
        self.push_group(keys, group, values, broken, statement.span);
    }

    /// Columns that are not among these are gone.
    pub(super) fn forget_but(&mut self, kept: &HashMap<String, Span>, span: Span) {
        let before: Vec<String> =
            self.row.columns.iter().map(|column| column.name.to_string()).collect();
        for name in before {
            if !kept.contains_key(&name) {
                self.dropped.insert(name, span);
            }
        }
    }

    /// The aggregates, then, where a value is more than one aggregate, a projection over them.
    pub(super) fn push_group(
        &mut self,
        keys: Keys,
        mut group: GroupScope,
        values: Vec<(Arc<str>, Expr, Span)>,
        broken: bool,
        span: Span,
    ) {
        let count = keys.len();
        let plain = values.len() == group.aggregates.len()
            && values.iter().enumerate().all(
                |(at, (_, value, _))| matches!(value.kind, ExprKind::Column(c) if c == count + at),
            );
        if plain {
            for (call, (name, ..)) in group.aggregates.iter_mut().zip(&values) {
                call.name = name.clone();
            }
        }
        let mut columns: Vec<Column> =
            keys.iter().map(|(name, key, at)| self.computed(name, key, *at)).collect();
        columns.extend(group.aggregates.iter().enumerate().map(|(at, call)| Column {
            name: call.name.clone(),
            ty: call.ty.clone(),
            origin: if plain { values[at].2 } else { call.span },
            domain: of_aggregate(call, &self.row, count > 0),
        }));
        let by: Vec<usize> = (0..count).collect();
        let columns = columns.into_iter().collect();
        let row = Row { columns, keys: vec![Key::proven(by.clone())], order: vec![], broken };
        let key_columns = keys.iter().enumerate().map(|(at, (name, key, place))| {
            let value = Expr { kind: ExprKind::Column(at), ty: key.ty.clone(), span: *place };
            (name.clone(), value, *place)
        });
        let columns: Keys = key_columns.chain(values).collect();
        let keys = keys.into_iter().map(|(_, key, _)| key).collect();
        let kind = StepKind::Aggregate { keys, aggregates: group.aggregates };
        self.push(kind, row, span);
        if !plain {
            let row = Row {
                columns: columns
                    .iter()
                    .map(|(name, value, at)| self.computed(name, value, *at))
                    .collect(),
                keys: vec![Key::proven(by)],
                order: vec![],
                broken,
            };
            let columns = columns.into_iter().map(|(_, value, _)| value).collect();
            self.push(StepKind::Project(columns), row, span);
        }
    }
}
