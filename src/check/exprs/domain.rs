//! What a condition tells of columns that are enums: the members that are left where it is true, or
//! false. Nulls are `narrow`'s business.

use crate::ir::{Comparison, Domain, Expr, ExprKind};
use crate::types::{DataType, Scalar};

/// Columns with the members that each can be, in order.
pub(in crate::check) type Members = Vec<(usize, Vec<i32>)>;

/// The columns that a true condition leaves fewer members.
pub(in crate::check) fn when_true(condition: &Expr) -> Members {
    judged(condition, true)
}

/// The columns that a false condition leaves fewer members, or none.
pub(in crate::check) fn when_false(condition: &Expr) -> Members {
    judged(condition, false)
}

fn judged(condition: &Expr, is: bool) -> Members {
    match (&condition.kind, is) {
        (ExprKind::Not(inner), _) => judged(inner, !is),
        (ExprKind::And(a, b), true) | (ExprKind::Or(a, b), false) => {
            both(judged(a, is), &judged(b, is))
        }
        (ExprKind::Or(a, b), true) | (ExprKind::And(a, b), false) => {
            either(judged(a, is), &judged(b, is))
        }
        (ExprKind::Compare(op, a, b), _) => {
            let equal = match op {
                Comparison::Equal => is,
                Comparison::NotEqual => !is,
                _ => return vec![],
            };
            let (column, member) =
                if matches!(a.kind, ExprKind::Column(_)) { (a, b) } else { (b, a) };
            one_of(column, std::slice::from_ref(member), equal)
        }
        (ExprKind::In(value, items), _) => one_of(value, items, is),
        _ => vec![],
    }
}

/// A column that is one of some members, or none of them.
fn one_of(value: &Expr, items: &[Expr], is: bool) -> Members {
    let (ExprKind::Column(at), DataType::Enum(declared)) = (&value.kind, &value.ty.data) else {
        return vec![];
    };
    let member = |item: &Expr| match item.kind {
        ExprKind::Literal(Scalar::Enum(member)) => Some(member),
        _ => None,
    };
    let Some(named) = items.iter().map(member).collect::<Option<Vec<i32>>>() else {
        return vec![];
    };
    let all = 0..declared.members.len() as i32;
    vec![(*at, all.filter(|member| named.contains(member) == is).collect())]
}

fn both(mut a: Members, b: &Members) -> Members {
    for (column, members) in b {
        match a.iter_mut().find(|(at, _)| at == column) {
            Some((_, known)) => known.retain(|member| members.contains(member)),
            None => a.push((*column, members.clone())),
        }
    }
    a
}

fn either(a: Members, b: &Members) -> Members {
    a.into_iter()
        .filter_map(|(column, mut members)| {
            let (_, others) = b.iter().find(|(at, _)| *at == column)?;
            members
                .extend(others.iter().filter(|other| !members.contains(other)).collect::<Vec<_>>());
            members.sort_unstable();
            Some((column, members))
        })
        .collect()
}

/// Of a column that comes from two tables.
pub(in crate::check) fn of_both(a: Option<Domain>, b: Option<&Domain>) -> Option<Domain> {
    let (a, b) = (a?, b?);
    let mut members = a.members.to_vec();
    members.extend(b.members.iter().filter(|member| !a.members.contains(member)));
    members.sort_unstable();
    Some(Domain { members: members.into(), since: a.since })
}
