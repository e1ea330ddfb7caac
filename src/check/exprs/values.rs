//! What is known of a value by how it is computed. What conditions make known is `domain`'s business.

use super::bounds::{self, is_literal};
use super::{domain, literal};
use crate::functions::{FunctionId, Registry};
use crate::ir::{AggregateCall, Bound, Comparison, Domain, Expr, ExprKind, Row};
use crate::text::Span;
use crate::types::{DataType, Scalar};
use std::sync::Arc;

/// What is known of a value over a row, where it is not null.
pub(in crate::check) fn of(value: &Expr, row: &Row) -> Option<Arc<Domain>> {
    use ExprKind as K;
    match &value.kind {
        K::Column(at) => row.columns.get(*at)?.domain.clone(),
        K::Convert(inner) => domain::widened(of(inner, row)?, &inner.ty.data, &value.ty.data),
        K::Try(inner) => of(inner, row),
        K::Coalesce(values) => any_of(values.iter(), row),
        K::Case { arms, otherwise } => {
            any_of(arms.iter().map(|(_, value)| value).chain(otherwise.as_deref()), row)
        }
        K::Call { function, arguments, lambda: None } => {
            let name = &*Registry::standard().declaration(*function).name;
            of_call(name, arguments, row, value.span)
        }
        _ if is_literal(value) && !matches!(value.ty.data, DataType::Enum(_)) => {
            known([bound(Comparison::Equal, value.clone(), value.span)])
        }
        _ => None,
    }
}

/// What is known of a function's value.
fn of_call(name: &str, arguments: &[Expr], row: &Row, span: Span) -> Option<Arc<Domain>> {
    use Comparison as C;
    let (least, most) = ((C::Greater, C::GreaterEqual), (C::Less, C::LessEqual));
    match (name, arguments) {
        ("abs" | "length", [_]) => at_least(0, span),
        // No less than any of them, and one of them.
        ("greatest", _) => one_side(arguments, least, row, span),
        ("least", _) => one_side(arguments, most, row, span),
        ("clamp", [_, low, high]) => {
            let ends = [of(low, row), of(high, row)];
            let [low, high] = ends.map(|end| end.map_or(vec![], |end| end.bounds.clone()));
            // Of ends that are crossed the upper one is what comes.
            let low = bounds::common(&sided(&low, least), &sided(&high, least));
            let both = low.into_iter().chain(sided(&high, most));
            known(both.map(|bound| Bound { since: span, ..bound }))
        }
        ("nullif", [value, other]) => {
            let before = of(value, row).unwrap_or_default();
            let other = is_literal(other).then(|| bound(C::NotEqual, other.clone(), span));
            known(before.bounds.iter().cloned().chain(other))
        }
        _ => None,
    }
}

/// What is known of an aggregate's value; `row` is that of its arguments.
pub(in crate::check) fn of_aggregate(
    call: &AggregateCall,
    row: &Row,
    has_keys: bool,
) -> Option<Arc<Domain>> {
    let name = &*Registry::standard().declaration(call.function).name;
    match (name, call.arguments.as_slice()) {
        // A group has a row.
        ("count", []) => at_least(i64::from(has_keys), call.span),
        ("count" | "count_if" | "count_distinct", _) => at_least(0, call.span),
        ("min" | "max" | "first" | "last" | "any_value", [value]) => of(value, row),
        _ => None,
    }
}

/// What is known of a window function's value.
pub(in crate::check) fn of_window(function: FunctionId, span: Span) -> Option<Arc<Domain>> {
    match &*Registry::standard().declaration(function).name {
        "row_number" | "rank" | "dense_rank" => at_least(1, span),
        _ => None,
    }
}

/// What is known of each of some values; null is not one.
fn any_of<'e>(values: impl Iterator<Item = &'e Expr>, row: &Row) -> Option<Arc<Domain>> {
    let is_null = |value: &Expr| matches!(value.kind, ExprKind::Literal(Scalar::Null));
    let all: Option<Vec<Arc<Domain>>> =
        values.filter(|value| !is_null(value)).map(|value| of(value, row)).collect();
    let mut all = all?.into_iter();
    let first = all.next()?;
    all.try_fold(first, |a, b| domain::either(&a, &b))
}

/// The greatest or the least of some values: the bounds of one side of any of them, and what is known
/// of all.
fn one_side(
    arguments: &[Expr],
    side: (Comparison, Comparison),
    row: &Row,
    since: Span,
) -> Option<Arc<Domain>> {
    let each = arguments.iter().filter_map(|argument| of(argument, row));
    let of_any: Vec<Bound> = each.flat_map(|domain| sided(&domain.bounds, side)).collect();
    let of_all = any_of(arguments.iter(), row).map_or(vec![], |all| all.bounds.clone());
    known(of_any.into_iter().chain(of_all).map(|bound| Bound { since, ..bound }))
}

/// The bounds of one side: `>` and `>=`, or `<` and `<=`.
fn sided(bounds: &[Bound], (open, closed): (Comparison, Comparison)) -> Vec<Bound> {
    let of = |bound: &Bound| match bound.op {
        Comparison::Equal => Some(Bound { op: closed, ..bound.clone() }),
        op if op == open || op == closed => Some(bound.clone()),
        _ => None,
    };
    bounds.iter().filter_map(of).collect()
}

fn at_least(least: i64, span: Span) -> Option<Arc<Domain>> {
    let least = literal(Scalar::Int(least), DataType::Int, span);
    known([bound(Comparison::GreaterEqual, least, span)])
}

fn bound(op: Comparison, value: Expr, since: Span) -> Bound {
    Bound { op, value, since }
}

fn known(bounds: impl IntoIterator<Item = Bound>) -> Option<Arc<Domain>> {
    let mut domain = Domain::default();
    bounds.into_iter().for_each(|one| bounds::add(&mut domain.bounds, &one));
    (!domain.is_empty()).then(|| Arc::new(domain))
}
