//! What a condition tells of columns: those that cannot be null where it is true, or false.

use crate::ir::{Comparison, Expr, ExprKind};

/// The columns that are not null where the condition is true.
pub(in crate::check) fn when_true(condition: &Expr) -> Vec<usize> {
    match &condition.kind {
        ExprKind::Not(inner) => when_false(inner),
        ExprKind::And(a, b) => [when_true(a), when_true(b)].concat(),
        ExprKind::Or(a, b) => common(when_true(a), &when_true(b)),
        // A strict comparison is null, not true, where a side is null.
        ExprKind::Compare(Comparison::Equal, a, b) => match (never_null(a), never_null(b)) {
            (true, _) => strict_columns(b),
            (_, true) => strict_columns(a),
            _ => vec![],
        },
        ExprKind::Compare(Comparison::NotEqual, ..) => vec![],
        ExprKind::Compare(_, a, b) => [strict_columns(a), strict_columns(b)].concat(),
        ExprKind::In(value, items) if items.iter().all(never_null) => strict_columns(value),
        ExprKind::Matches(value, _) => strict_columns(value),
        ExprKind::Column(column) => vec![*column],
        _ => vec![],
    }
}

/// The columns that are not null where the condition is false.
pub(in crate::check) fn when_false(condition: &Expr) -> Vec<usize> {
    match &condition.kind {
        ExprKind::Not(inner) => when_true(inner),
        ExprKind::IsNull(value) => strict_columns(value),
        ExprKind::Or(a, b) => [when_false(a), when_false(b)].concat(),
        ExprKind::And(a, b) => common(when_false(a), &when_false(b)),
        ExprKind::Compare(Comparison::NotEqual, a, b) => match (never_null(a), never_null(b)) {
            (true, _) => strict_columns(b),
            (_, true) => strict_columns(a),
            _ => vec![],
        },
        ExprKind::Compare(op, a, b) if *op != Comparison::Equal => {
            [strict_columns(a), strict_columns(b)].concat()
        }
        ExprKind::Matches(value, _) => strict_columns(value),
        ExprKind::Column(column) => vec![*column],
        _ => vec![],
    }
}

fn never_null(value: &Expr) -> bool {
    !value.ty.nullable
}

fn common(a: Vec<usize>, b: &[usize]) -> Vec<usize> {
    a.into_iter().filter(|column| b.contains(column)).collect()
}

/// The columns whose null makes the value null.
fn strict_columns(value: &Expr) -> Vec<usize> {
    match &value.kind {
        ExprKind::Column(column) => vec![*column],
        ExprKind::Negate(a) | ExprKind::Convert(a) | ExprKind::Cast(a) | ExprKind::Field(a, _) => {
            strict_columns(a)
        }
        ExprKind::Arithmetic(_, a, b) | ExprKind::Index(a, b) => {
            [strict_columns(a), strict_columns(b)].concat()
        }
        ExprKind::Concat(parts) => parts.iter().flat_map(strict_columns).collect(),
        _ => vec![],
    }
}

/// A column that may be null and so makes the value null, for the message.
pub(super) fn nullable_column(value: &Expr, narrowed: &[usize]) -> Option<usize> {
    if let ExprKind::Column(column) = value.kind {
        return (value.ty.nullable && !narrowed.contains(&column)).then_some(column);
    }
    value.children().into_iter().find_map(|child| nullable_column(child, narrowed))
}
