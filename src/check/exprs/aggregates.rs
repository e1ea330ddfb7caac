//! Calls of aggregates: in a group, and where there is none.

use super::{Scope, bad};
use crate::diagnostics::{branches, functions, rows};
use crate::functions::Resolved;
use crate::ir::{AggregateCall, Expr, ExprKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::DataType;

/// Aggregates whose value depends on the order of the rows.
pub(super) const ORDERED: &[&str] = &["first", "last"];

impl Scope<'_, '_> {
    pub(super) fn aggregate_call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let Some(group) = self.group.take() else {
            return self.misplaced_aggregate(name, arguments, span);
        };
        if let Some(inner) = self.aggregate_among(arguments) {
            let inner = self.text(inner);
            self.found.push(functions::aggregate_of_groups(&name.text, span, &inner));
            self.group = Some(group);
            return bad(span);
        }
        if ORDERED.contains(&name.text.as_str())
            && self.row.is_some_and(|row| row.order.is_empty() && !row.broken)
        {
            self.found.push(rows::aggregate_unsorted(&name.text, name.span));
        }
        let resolved = self.over_rows(name, arguments, span);
        let mut group = group;
        let Some((resolved, values)) = resolved else {
            self.group = Some(group);
            return bad(span);
        };
        self.warn_count(name, &values, span);
        let required = !group.keys.is_empty()
            && group.only.is_none()
            && !values.is_empty()
            && !values.iter().any(|value| self.can_be_null(value))
            && self.globals.registry.declaration(resolved.function).is_null_only_without_values();
        let ty = resolved.result.with_nullable(resolved.result.nullable && !required);
        let fits = self.literals_fit(resolved.function, name, &values, None, &ty);
        if group.only.is_some() && name.text == "null_rate" {
            self.found.push(branches::nulls_of_values(name.span));
        }
        let at = group.keys.len() + group.aggregates.len();
        if fits {
            let (function, values) = match &group.only {
                None => (resolved.function, values),
                // Nulls are skipped, so that what is null elsewhere is of these rows alone.
                Some(only) if values.is_empty() => {
                    (self.globals.registry.overloads("count_if")[0], vec![only.clone()])
                }
                Some(only) => (
                    resolved.function,
                    values.into_iter().map(|one| where_true(only, one)).collect(),
                ),
            };
            group.aggregates.push(AggregateCall {
                name: format!("{}_{at}", name.text).into(),
                function,
                arguments: values,
                ty: ty.clone(),
                span,
            });
        }
        self.group = Some(group);
        if fits { Expr { kind: ExprKind::Column(at), ty, span } } else { bad(span) }
    }

    /// The function and its arguments, which are computed for rows of which nothing has been asked,
    /// whatever stands around the call.
    pub(super) fn over_rows(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Option<(Resolved, Vec<Expr>)> {
        let narrowed = std::mem::take(&mut self.narrowed);
        let resolved = self.resolve(name, arguments, span);
        let bound = resolved.map(|(resolved, mut given)| {
            let values = self.bind(&resolved, &mut given, span);
            (resolved, values)
        });
        self.narrowed = narrowed;
        bound
    }

    /// `count` of a condition counts where it is false too.
    pub(super) fn warn_count(&mut self, name: &ast::Name, values: &[Expr], span: Span) {
        if let ("count", [value]) = (name.text.as_str(), values)
            && value.ty.data == DataType::Bool
            && !matches!(value.kind, ExprKind::Column(_))
        {
            let text = self.text(value.span);
            self.found.push(rows::count_of_condition(span, value.span, &text));
        }
    }

    /// An aggregate that is an argument itself.
    fn aggregate_among(&self, arguments: &[ast::Argument]) -> Option<Span> {
        arguments.iter().find_map(|argument| match &argument.value.kind {
            ast::ExprKind::Call(name, _) => {
                self.globals.registry.is_aggregate(&name.text).then_some(argument.value.span)
            }
            _ => None,
        })
    }

    fn misplaced_aggregate(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let of_two = match name.text.as_str() {
            "max" => Some("greatest"),
            "min" => Some("least"),
            _ => None,
        };
        let values: Vec<Expr> =
            arguments.iter().map(|argument| self.check(&argument.value, None)).collect();
        if values.iter().any(|value| value.ty.is_unknown()) {
            return bad(span);
        }
        let found = match of_two {
            Some(ours) if arguments.len() >= 2 => {
                let inside: Vec<String> =
                    arguments.iter().map(|argument| self.text(argument.value.span)).collect();
                functions::aggregate_of_two(&name.text, ours, name.span, &inside.join(", "))
            }
            _ => functions::aggregate_outside(&name.text, name.span, &self.text(span)),
        };
        self.found.push(found);
        bad(span)
    }
}

/// The value where a condition is true, and null elsewhere; what is the same for all rows stays so.
fn where_true(condition: &Expr, value: Expr) -> Expr {
    if matches!(value.kind, ExprKind::Literal(_) | ExprKind::Param(_)) {
        return value;
    }
    let (ty, span) = (value.ty.with_nullable(true), value.span);
    let kind = ExprKind::Case { arms: vec![(condition.clone(), value)], otherwise: None };
    Expr { kind, ty, span }
}
