//! What a condition tells of places: those that cannot be null where it is true, or false.

use super::Place;
use crate::functions::Registry;
use crate::ir::{Comparison, Expr, ExprKind};
use crate::types::{DataType, Scalar};

/// The places that are not null where the condition is true.
pub(in crate::check) fn when_true(condition: &Expr) -> Vec<Place> {
    match &condition.kind {
        ExprKind::Not(inner) => when_false(inner),
        ExprKind::And(a, b) => [when_true(a), when_true(b)].concat(),
        ExprKind::Or(a, b) => common(when_true(a), &when_true(b)),
        // A strict comparison is null, not true, where a side is null.
        ExprKind::Compare(Comparison::Equal, a, b) => match (never_null(a), never_null(b)) {
            (true, _) => strict_places(b),
            (_, true) => strict_places(a),
            _ => vec![],
        },
        ExprKind::Compare(Comparison::NotEqual, ..) => vec![],
        ExprKind::Compare(_, a, b) => [strict_places(a), strict_places(b)].concat(),
        ExprKind::In(value, items) if items.iter().all(never_null) => strict_places(value),
        ExprKind::Coalesce(values) => or_else(values, false).map_or(vec![], when_true),
        _ => strict_places(condition),
    }
}

/// The places that are not null where the condition is false.
pub(in crate::check) fn when_false(condition: &Expr) -> Vec<Place> {
    match &condition.kind {
        ExprKind::Not(inner) => when_true(inner),
        ExprKind::IsNull(value) => strict_places(value),
        ExprKind::Or(a, b) => [when_false(a), when_false(b)].concat(),
        ExprKind::And(a, b) => common(when_false(a), &when_false(b)),
        ExprKind::Compare(Comparison::NotEqual, a, b) => match (never_null(a), never_null(b)) {
            (true, _) => strict_places(b),
            (_, true) => strict_places(a),
            _ => vec![],
        },
        ExprKind::Compare(Comparison::Equal, ..) => vec![],
        ExprKind::Compare(_, a, b) => [strict_places(a), strict_places(b)].concat(),
        ExprKind::In(value, items) if items.iter().any(is_null) => strict_places(value),
        ExprKind::Coalesce(values) => or_else(values, true).map_or(vec![], when_false),
        _ => strict_places(condition),
    }
}

/// The places that are not null where the condition is true or null.
pub(in crate::check) fn when_not_false(condition: &Expr) -> Vec<Place> {
    match &condition.kind {
        ExprKind::Not(inner) => when_not_true(inner),
        ExprKind::And(a, b) => [when_not_false(a), when_not_false(b)].concat(),
        ExprKind::Or(a, b) => common(when_not_false(a), &when_not_false(b)),
        _ if never_null(condition) => when_true(condition),
        _ => vec![],
    }
}

/// The places that are not null where the condition is false or null.
pub(in crate::check) fn when_not_true(condition: &Expr) -> Vec<Place> {
    match &condition.kind {
        ExprKind::Not(inner) => when_not_false(inner),
        ExprKind::Or(a, b) => [when_not_true(a), when_not_true(b)].concat(),
        ExprKind::And(a, b) => common(when_not_true(a), &when_not_true(b)),
        _ if never_null(condition) => when_false(condition),
        _ => vec![],
    }
}

/// The places whose null makes the condition true, or false.
fn places_deciding(condition: &Expr, is: bool) -> Vec<Place> {
    match (&condition.kind, is) {
        (ExprKind::IsNull(value), true) => strict_places(value),
        (ExprKind::Not(inner), _) => places_deciding(inner, !is),
        (ExprKind::Or(a, b), true) | (ExprKind::And(a, b), false) => {
            [places_deciding(a, is), places_deciding(b, is)].concat()
        }
        (ExprKind::Or(a, b), false) | (ExprKind::And(a, b), true) => {
            common(places_deciding(a, is), &places_deciding(b, is))
        }
        _ => vec![],
    }
}

/// Places one of which is null wherever the value is; None when it may be null otherwise.
pub(super) fn null_causes(value: &Expr) -> Option<Vec<Place>> {
    use ExprKind as K;
    if never_null(value) {
        return Some(vec![]);
    }
    let parts = match &value.kind {
        K::Column(_) | K::Param(_) | K::Slot(_) => {
            return Some(Place::of(value).into_iter().collect());
        }
        // A field that is always there is null where its record is.
        K::Field(record, at) => match Place::of(value).filter(|_| is_optional(record, *at)) {
            Some(place) => return Some(vec![place]),
            None if is_optional(record, *at) => return None,
            None => return null_causes(record),
        },
        // What one side decides, no null of the other side changes.
        K::Or(a, b) if [a, b].iter().any(|side| decided(side) == Some(true)) => {
            return Some(vec![]);
        }
        K::And(a, b) if [a, b].iter().any(|side| decided(side) == Some(false)) => {
            return Some(vec![]);
        }
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
    let causes: Option<Vec<Vec<Place>>> = parts.into_iter().map(null_causes).collect();
    causes.map(|causes| causes.concat())
}

/// The causes of null of a side whose null does not make the other side `is`.
fn undecided(side: &Expr, other: &Expr, is: bool) -> Option<Vec<Place>> {
    let deciding = places_deciding(other, is);
    let causes = null_causes(side)?;
    Some(causes.into_iter().filter(|cause| !deciding.contains(cause)).collect())
}

/// What a question for null says of a value that is written down, such as one that a transform is
/// given.
pub(super) fn decided(condition: &Expr) -> Option<bool> {
    match &condition.kind {
        ExprKind::Not(inner) => decided(inner).map(|is| !is),
        ExprKind::IsNull(value) => match &value.kind {
            ExprKind::Literal(value) => Some(value.is_null()),
            _ => None,
        },
        _ => None,
    }
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

/// Is the field of a record one that may be null?
fn is_optional(record: &Expr, at: usize) -> bool {
    match &record.ty.data {
        DataType::Record(fields) => fields[at].ty.nullable,
        _ => true,
    }
}

fn common(a: Vec<Place>, b: &[Place]) -> Vec<Place> {
    a.into_iter().filter(|place| b.contains(place)).collect()
}

/// The places whose null makes the value null.
pub(in crate::check) fn strict_places(value: &Expr) -> Vec<Place> {
    match &value.kind {
        ExprKind::Column(_) | ExprKind::Param(_) | ExprKind::Slot(_) => {
            Place::of(value).into_iter().collect()
        }
        ExprKind::Field(record, _) => {
            strict_places(record).into_iter().chain(Place::of(value)).collect()
        }
        ExprKind::Negate(a) | ExprKind::Convert(a) | ExprKind::Cast(a) => strict_places(a),
        ExprKind::Matches(a, _) | ExprKind::InList(_, a) => strict_places(a),
        ExprKind::Call { function, arguments, .. } => {
            let declaration = Registry::standard().declaration(*function);
            let arguments = arguments.iter().enumerate();
            let strict = arguments.filter(|(at, _)| declaration.is_strict(*at));
            strict.flat_map(|(_, argument)| strict_places(argument)).collect()
        }
        ExprKind::Arithmetic(_, a, b) | ExprKind::Index(a, b) => {
            [strict_places(a), strict_places(b)].concat()
        }
        ExprKind::Concat(parts) => parts.iter().flat_map(strict_places).collect(),
        _ => vec![],
    }
}

/// A place that may be null and so makes the value null, for the message.
pub(super) fn cause(value: &Expr) -> Option<Place> {
    null_causes(value).map_or_else(|| nullable_place(value), |all| all.into_iter().next())
}

fn nullable_place(value: &Expr) -> Option<Place> {
    match Place::of(value) {
        Some(place) => value.ty.nullable.then_some(place),
        None => value.children().into_iter().find_map(nullable_place),
    }
}
