//! Calls within a window: of aggregates over a frame, and of functions that look at neighbours.

use super::aggregates::ORDERED;
use super::{Scope, bad};
use crate::diagnostics::{functions, windows};
use crate::ir::{Expr, ExprKind, WindowCall, WindowValue};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::DataType;

/// The values of a window: what is known of it, and the calls found so far.
pub(in crate::check) struct WindowScope {
    pub(in crate::check) calls: Vec<WindowCall>,
    /// Columns before it.
    pub(in crate::check) width: usize,
    pub(in crate::check) frame: FrameKnown,
    /// Where it is sorted; none if it is not.
    pub(in crate::check) sort: Option<Span>,
    /// The type of the key by which it is sorted, if it is one.
    pub(in crate::check) sorted_by: Option<DataType>,
    /// The keys as they are written.
    pub(in crate::check) keys_text: String,
    /// The names of its values, which do not see each other.
    pub(in crate::check) names: Vec<String>,
}

/// What is known of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum FrameKnown {
    /// There is none, and rows have an order.
    Missing,
    /// That was said, or something is wrong with it.
    Bad,
    /// There may be no row in it.
    MayBeEmpty,
    /// The row itself is in it.
    HoldsRow,
}

/// Functions of windows that look at a frame.
const FRAMED: &[&str] = &["first_value", "last_value", "nth_value"];

impl Scope<'_, '_> {
    pub(super) fn window_call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let text = name.text.as_str();
        let Some(mut window) = self.window.take() else {
            let group = self.group.take();
            let values = arguments.iter().map(|argument| self.check(&argument.value, None));
            let all_known = values.fold(true, |known, value| known & !value.ty.is_unknown());
            self.group = group;
            if all_known {
                self.found.push(functions::window_outside(text, name.span, &self.text(span)));
            }
            return bad(span);
        };
        let is_aggregate = self.globals.registry.is_aggregate(text);
        let is_framed = is_aggregate || FRAMED.contains(&text);
        self.check_order(name, is_aggregate, is_framed, &mut window);
        let Some((resolved, values)) = self.over_rows(name, arguments, span) else {
            self.window = Some(window);
            return bad(span);
        };
        self.warn_count(name, &values, span);
        let may_be_null = match is_aggregate {
            true => {
                let declaration = self.globals.registry.declaration(resolved.function);
                let has_value = window.frame == FrameKnown::HoldsRow
                    && !values.is_empty()
                    && !values.iter().any(|value| self.can_be_null(value));
                !(has_value && declaration.is_null_only_without_values())
            }
            false => {
                let of = |at: usize| values.get(at).is_some_and(|value| self.can_be_null(value));
                match text {
                    "lag" | "lead" => of(0) || of(2),
                    "first_value" | "last_value" => of(0) || window.frame != FrameKnown::HoldsRow,
                    "nth_value" => true,
                    _ => of(0),
                }
            }
        };
        let ty = resolved.result.with_nullable(resolved.result.nullable && may_be_null);
        let fits = self.literals_fit(resolved.function, name, &values, None, &ty);
        let at = window.width + window.calls.len();
        if fits {
            window.calls.push(WindowCall {
                name: format!("{text}_{at}").into(),
                value: WindowValue::Call(resolved.function),
                arguments: values,
                ty: ty.clone(),
                span,
            });
        }
        self.window = Some(window);
        if fits { Expr { kind: ExprKind::Column(at), ty, span } } else { bad(span) }
    }

    /// Says what a call needs to know of the order and has not been told.
    fn check_order(
        &mut self,
        name: &ast::Name,
        is_aggregate: bool,
        is_framed: bool,
        window: &mut WindowScope,
    ) {
        let text = name.text.as_str();
        match window.sort {
            Some(sort) if is_framed && window.frame == FrameKnown::Missing => {
                self.found.push(windows::no_frame(
                    text,
                    name.span,
                    sort,
                    window.sorted_by.as_ref(),
                ));
                window.frame = FrameKnown::Bad;
            }
            Some(_) => {}
            None if !is_aggregate => {
                self.found.push(windows::no_order(text, name.span, &window.keys_text));
            }
            None => {
                let has_order = self.row.is_none_or(|row| !row.order.is_empty() || row.broken);
                if ORDERED.contains(&text) && !has_order {
                    self.found.push(windows::aggregate_unsorted(text, name.span));
                }
            }
        }
    }
}
