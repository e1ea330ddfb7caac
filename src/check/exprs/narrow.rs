//! What a condition tells of columns: those that cannot be null where it is true, or false.

use crate::functions::Registry;
use crate::ir::{Comparison, Expr, ExprKind};
use crate::types::Scalar;

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
        ExprKind::Coalesce(values) => or_else(values, false).map_or(vec![], when_true),
        _ => strict_columns(condition),
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
        ExprKind::Compare(Comparison::Equal, ..) => vec![],
        ExprKind::Compare(_, a, b) => [strict_columns(a), strict_columns(b)].concat(),
        ExprKind::In(value, items) if items.iter().any(is_null) => strict_columns(value),
        ExprKind::Coalesce(values) => or_else(values, true).map_or(vec![], when_false),
        _ => strict_columns(condition),
    }
}

/// The columns that are not null where the condition is true or null.
pub(in crate::check) fn when_not_false(condition: &Expr) -> Vec<usize> {
    match &condition.kind {
        ExprKind::Not(inner) => when_not_true(inner),
        ExprKind::And(a, b) => [when_not_false(a), when_not_false(b)].concat(),
        ExprKind::Or(a, b) => common(when_not_false(a), &when_not_false(b)),
        _ if never_null(condition) => when_true(condition),
        _ => vec![],
    }
}

/// The columns that are not null where the condition is false or null.
pub(in crate::check) fn when_not_true(condition: &Expr) -> Vec<usize> {
    match &condition.kind {
        ExprKind::Not(inner) => when_not_false(inner),
        ExprKind::Or(a, b) => [when_not_true(a), when_not_true(b)].concat(),
        ExprKind::And(a, b) => common(when_not_true(a), &when_not_true(b)),
        _ if never_null(condition) => when_false(condition),
        _ => vec![],
    }
}

/// The columns whose null makes the condition true, or false.
fn columns_deciding(condition: &Expr, is: bool) -> Vec<usize> {
    match (&condition.kind, is) {
        (ExprKind::IsNull(value), true) => strict_columns(value),
        (ExprKind::Not(inner), _) => columns_deciding(inner, !is),
        (ExprKind::Or(a, b), true) | (ExprKind::And(a, b), false) => {
            [columns_deciding(a, is), columns_deciding(b, is)].concat()
        }
        (ExprKind::Or(a, b), false) | (ExprKind::And(a, b), true) => {
            common(columns_deciding(a, is), &columns_deciding(b, is))
        }
        _ => vec![],
    }
}

/// Columns one of which is null wherever the value is; None when it may be null otherwise.
pub(super) fn null_causes(value: &Expr) -> Option<Vec<usize>> {
    use ExprKind as K;
    if never_null(value) {
        return Some(vec![]);
    }
    let parts = match &value.kind {
        K::Column(column) => return Some(vec![*column]),
        // What one side decides, no null of the other side changes.
        K::Or(a, b) => return Some([undecided(a, b, true)?, undecided(b, a, true)?].concat()),
        K::And(a, b) => return Some([undecided(a, b, false)?, undecided(b, a, false)?].concat()),
        K::Not(..) | K::Compare(..) | K::Matches(..) => value.children(),
        K::Negate(..) | K::Convert(..) | K::Cast(..) | K::Arithmetic(..) | K::Concat(..) => {
            value.children()
        }
        K::Call { function, arguments, .. } => {
            let declaration = Registry::standard().declaration(*function);
            if declaration.result.nullable {
                return None;
            }
            let strict = |(at, _): &(usize, &Expr)| declaration.is_strict(*at);
            arguments.iter().enumerate().filter(strict).map(|(_, argument)| argument).collect()
        }
        _ => return None,
    };
    let causes: Option<Vec<Vec<usize>>> = parts.into_iter().map(null_causes).collect();
    causes.map(|causes| causes.concat())
}

/// The causes of null of a side whose null does not make the other side `is`.
fn undecided(side: &Expr, other: &Expr, is: bool) -> Option<Vec<usize>> {
    let deciding = columns_deciding(other, is);
    let causes = null_causes(side)?;
    Some(causes.into_iter().filter(|cause| !deciding.contains(cause)).collect())
}

/// What stands before `?? is`.
fn or_else(values: &[Expr], is: bool) -> Option<&Expr> {
    match values {
        [value, Expr { kind: ExprKind::Literal(Scalar::Bool(last)), .. }] if *last == is => {
            Some(value)
        }
        _ => None,
    }
}

fn is_null(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Literal(Scalar::Null))
}

fn never_null(value: &Expr) -> bool {
    !value.ty.nullable
}

fn common(a: Vec<usize>, b: &[usize]) -> Vec<usize> {
    a.into_iter().filter(|column| b.contains(column)).collect()
}

/// The columns whose null makes the value null.
pub(in crate::check) fn strict_columns(value: &Expr) -> Vec<usize> {
    match &value.kind {
        ExprKind::Column(column) => vec![*column],
        ExprKind::Negate(a) | ExprKind::Convert(a) | ExprKind::Cast(a) | ExprKind::Field(a, _) => {
            strict_columns(a)
        }
        ExprKind::Matches(a, _) | ExprKind::InList(_, a) => strict_columns(a),
        ExprKind::Call { function, arguments, .. } => {
            let declaration = Registry::standard().declaration(*function);
            let arguments = arguments.iter().enumerate();
            let strict = arguments.filter(|(at, _)| declaration.is_strict(*at));
            strict.flat_map(|(_, argument)| strict_columns(argument)).collect()
        }
        ExprKind::Arithmetic(_, a, b) | ExprKind::Index(a, b) => {
            [strict_columns(a), strict_columns(b)].concat()
        }
        ExprKind::Concat(parts) => parts.iter().flat_map(strict_columns).collect(),
        _ => vec![],
    }
}

/// A column that may be null and so makes the value null, for the message.
pub(super) fn cause(value: &Expr, narrowed: &[usize]) -> Option<usize> {
    null_causes(value).map_or_else(|| nullable_column(value, narrowed), |all| all.first().copied())
}

fn nullable_column(value: &Expr, narrowed: &[usize]) -> Option<usize> {
    if let ExprKind::Column(column) = value.kind {
        return (value.ty.nullable && !narrowed.contains(&column)).then_some(column);
    }
    value.children().into_iter().find_map(|child| nullable_column(child, narrowed))
}
