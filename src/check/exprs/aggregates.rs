//! Calls of aggregates: in a group, and where there is none.

use super::{Scope, bad};
use crate::diagnostics::{functions, rows};
use crate::ir::{AggregateCall, Expr, ExprKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::DataType;

/// Aggregates whose value depends on the order of the rows.
const ORDERED: &[&str] = &["first", "last"];

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
        if ORDERED.contains(&name.text.as_str())
            && self.row.is_some_and(|row| row.order.is_empty() && !row.broken)
        {
            self.found.push(rows::aggregate_unsorted(&name.text, name.span));
        }
        let resolved = self.resolve(name, arguments, span);
        let mut group = group;
        let Some((resolved, mut given)) = resolved else {
            self.group = Some(group);
            return bad(span);
        };
        let values = self.bind(&resolved, &mut given, span);
        if let ("count", [value]) = (name.text.as_str(), &values[..])
            && value.ty.data == DataType::Bool
            && !matches!(value.kind, ExprKind::Column(_))
        {
            let text = self.text(value.span);
            self.found.push(rows::count_of_condition(span, value.span, &text));
        }
        let required = !group.keys.is_empty()
            && !values.is_empty()
            && !values.iter().any(|value| self.can_be_null(value))
            && self.globals.registry.declaration(resolved.function).is_null_only_without_values();
        let ty = resolved.result.with_nullable(resolved.result.nullable && !required);
        let fits = self.literals_fit(resolved.function, name, &values, None, &ty);
        let at = group.keys.len() + group.aggregates.len();
        if fits {
            group.aggregates.push(AggregateCall {
                name: format!("{}_{at}", name.text).into(),
                function: resolved.function,
                arguments: values,
                ty: ty.clone(),
                span,
            });
        }
        self.group = Some(group);
        if fits { Expr { kind: ExprKind::Column(at), ty, span } } else { bad(span) }
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
