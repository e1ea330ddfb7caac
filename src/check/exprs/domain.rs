//! What a condition tells of the values of columns where it is true, or false: the members of an enum
//! that are left, and comparisons with literals. Nulls are `narrow`'s business.

use super::bounds::{self, column_of, is_literal, test};
use crate::ir::{Bound, Column, Comparison, Domain, Expr, ExprKind, Members};
use crate::text::Span;
use crate::types::{DataType, Scalar, keeps_numbers};
use std::sync::Arc;

/// Columns with what is known of each.
pub(in crate::check) type Known = Vec<(usize, Domain)>;

/// What is known of columns where a condition is true.
pub(in crate::check) fn when_true(condition: &Expr) -> Known {
    judged(condition, true)
}

/// What is known of columns where a condition is false.
pub(in crate::check) fn when_false(condition: &Expr) -> Known {
    judged(condition, false)
}

/// The columns that a false condition leaves fewer members of their enum, or none.
pub(super) fn members_when_false(condition: &Expr) -> Vec<(usize, Arc<[i32]>)> {
    let left = |(at, domain): (usize, Domain)| Some((at, domain.members?.left));
    when_false(condition).into_iter().filter_map(left).collect()
}

fn judged(condition: &Expr, is: bool) -> Known {
    match (&condition.kind, is) {
        (ExprKind::Not(inner), _) => judged(inner, !is),
        (ExprKind::And(a, b), true) | (ExprKind::Or(a, b), false) => {
            all(judged(a, is), judged(b, is))
        }
        (ExprKind::Or(a, b), true) | (ExprKind::And(a, b), false) => {
            let (of_a, of_b) = (judged(a, is), judged(b, is));
            // Null is not counted.
            match (where_null(a, is), where_null(b, is)) {
                (Some(null), _) => of_b.into_iter().filter(|(at, _)| *at == null).collect(),
                (_, Some(null)) => of_a.into_iter().filter(|(at, _)| *at == null).collect(),
                _ => any(of_a, &of_b, condition.span),
            }
        }
        (ExprKind::Compare(op, a, b), _) => {
            let equal = match op {
                Comparison::Equal => is,
                Comparison::NotEqual => !is,
                _ => return compared(condition, is),
            };
            let (column, member) =
                if matches!(a.kind, ExprKind::Column(_)) { (a, b) } else { (b, a) };
            one_of(column, std::slice::from_ref(&**member), equal, condition.span)
                .unwrap_or_else(|| compared(condition, is))
        }
        (ExprKind::In(value, items), _) => one_of(value, items, is, condition.span)
            .unwrap_or_else(|| listed(value, items, is, condition.span)),
        _ => compared(condition, is),
    }
}

/// The column that has to be null.
fn where_null(condition: &Expr, is: bool) -> Option<usize> {
    match &condition.kind {
        ExprKind::Not(inner) => where_null(inner, !is),
        ExprKind::IsNull(value) if is => column_of(value),
        _ => None,
    }
}

/// A column that is one of some members, or none of them.
fn one_of(value: &Expr, items: &[Expr], is: bool, since: Span) -> Option<Known> {
    let (ExprKind::Column(at), DataType::Enum(declared)) = (&value.kind, &value.ty.data) else {
        return None;
    };
    let member = |item: &Expr| match item.kind {
        ExprKind::Literal(Scalar::Enum(member)) => Some(member),
        _ => None,
    };
    let named = items.iter().map(member).collect::<Option<Vec<i32>>>()?;
    let all = 0..declared.members.len() as i32;
    let left = all.filter(|member| named.contains(member) == is).collect();
    let members = Some(Members { left, since });
    Some(vec![(*at, Domain { members, ..Domain::default() })])
}

/// A column that is compared with a literal.
fn compared(condition: &Expr, is: bool) -> Known {
    let known = test(condition, is).and_then(|test| {
        let at = column_of(test.value)?;
        let is_enum = matches!(test.value.ty.data, DataType::Enum(_));
        let bound = Bound { op: test.op, value: test.with, since: condition.span };
        (!is_enum).then(|| (at, Domain { bounds: vec![bound], ..Domain::default() }))
    });
    known.into_iter().collect()
}

/// A column that is one of some literals, or none of them.
fn listed(value: &Expr, items: &[Expr], is: bool, since: Span) -> Known {
    let Some(at) = column_of(value).filter(|_| items.iter().all(is_literal)) else {
        return vec![];
    };
    let bound = |op, item: &Expr| Bound { op, value: item.clone(), since };
    let mut bounds = vec![];
    if is {
        // Between the least and the greatest of them.
        for op in [Comparison::GreaterEqual, Comparison::LessEqual] {
            let each = items.iter().map(|item| vec![bound(op, item)]);
            bounds.extend(each.reduce(|a, b| bounds::common(&a, &b)).unwrap_or_default());
        }
    } else {
        let unequal = items.iter().map(|item| bound(Comparison::NotEqual, item));
        unequal.for_each(|one| bounds::add(&mut bounds, &one));
    }
    vec![(at, Domain { bounds, ..Domain::default() })]
}

/// Both hold.
pub(in crate::check) fn all(mut a: Known, b: Known) -> Known {
    for (column, domain) in b {
        match a.iter_mut().find(|(at, _)| *at == column) {
            Some((_, known)) => *known = both(known, &domain),
            None => a.push((column, domain)),
        }
    }
    a
}

/// One of them holds.
fn any(a: Known, b: &Known, since: Span) -> Known {
    a.into_iter()
        .filter_map(|(column, domain)| {
            let (_, other) = b.iter().find(|(at, _)| *at == column)?;
            let mut domain = Arc::unwrap_or_clone(either(&domain, other)?);
            domain.members.iter_mut().for_each(|members| members.since = since);
            domain.bounds.iter_mut().for_each(|bound| bound.since = since);
            Some((column, domain))
        })
        .collect()
}

/// What is known where both are.
pub(in crate::check) fn both(a: &Domain, b: &Domain) -> Domain {
    let members = match (&a.members, &b.members) {
        (Some(a), Some(b)) => {
            let in_b = |member: &&i32| b.left.contains(member);
            Some(Members { left: a.left.iter().filter(in_b).copied().collect(), since: b.since })
        }
        (one, other) => other.as_ref().or(one.as_ref()).cloned(),
    };
    let (mut bounds, mut found) = (a.bounds.clone(), a.found.clone());
    b.bounds.iter().for_each(|bound| bounds::add(&mut bounds, bound));
    found.extend(b.found.iter().filter(|one| !a.found.contains(one)));
    Domain { members, bounds, found }
}

/// What is known where one of them is.
pub(in crate::check) fn either(a: &Domain, b: &Domain) -> Option<Arc<Domain>> {
    let members = a.members.as_ref().zip(b.members.as_ref()).map(|(a, b)| {
        let mut left = a.left.to_vec();
        left.extend(b.left.iter().filter(|member| !a.left.contains(member)));
        left.sort_unstable();
        Members { left: left.into(), since: a.since }
    });
    let found = a.found.iter().filter(|one| b.found.contains(one)).copied().collect();
    let domain = Domain { members, bounds: bounds::common(&a.bounds, &b.bounds), found };
    (!domain.is_empty()).then(|| Arc::new(domain))
}

/// What is still known of values that are widened from one type to another.
pub(in crate::check) fn widened(
    domain: Arc<Domain>,
    from: &DataType,
    to: &DataType,
) -> Option<Arc<Domain>> {
    if from == to {
        return Some(domain);
    }
    // A value of another type is looked for in another way.
    let mut domain = Domain { found: vec![], ..Arc::unwrap_or_clone(domain) };
    if from.is_number() && !keeps_numbers(from, to) {
        domain.bounds.clear();
    }
    (!domain.is_empty()).then(|| Arc::new(domain))
}

/// The condition by which a value cannot be there, if there is one.
pub(in crate::check) fn excludes(domain: &Domain, value: &Scalar, ty: &DataType) -> Option<Span> {
    if let (Scalar::Enum(member), Some(members)) = (value, &domain.members) {
        return (!members.left.contains(member)).then_some(members.since);
    }
    let mut bounds = domain.bounds.iter();
    let is_against = |bound: &&Bound| {
        let value = super::literal(value.clone(), ty.clone(), bound.since);
        bounds::excluded((bound.op, &bound.value), (Comparison::Equal, &value))
    };
    bounds.find(is_against).map(|bound| bound.since)
}

/// Of a column that comes from two tables, and holds the values of both as `to`.
pub(in crate::check) fn of_both(a: &Column, b: &Column, to: &DataType) -> Option<Arc<Domain>> {
    let of = |one: &Column| widened(one.domain.clone()?, &one.ty.data, to);
    either(&*of(a)?, &*of(b)?)
}
