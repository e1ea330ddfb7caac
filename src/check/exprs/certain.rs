//! Conditions that are the same for every row: of values that are known, of bounds that exclude each
//! other (`a == 1 and a == 2`), or that leave nothing out (`a != 1 or a != 2`), and of members of an
//! enum that are all that is left.

use super::domain;
use crate::expr::constant;
use crate::ir::{Comparison, Expr, ExprKind, Row};
use crate::types::{DataType, Scalar, Type};

/// More comparisons are not held against each other.
const BOUNDS_MAX: usize = 64;

/// Why a condition is the same for every row.
pub(in crate::check) enum Why {
    /// It depends on no column.
    Constant,
    /// What it says of this column.
    Column(usize),
}

/// Is the condition true for every row, or for none? Members of an enum that exclude each other are
/// not looked at here, but by who knows since when.
pub(in crate::check) fn certain(condition: &Expr, row: &Row) -> Option<(bool, Why)> {
    match constant(condition, &[]) {
        Ok(Scalar::Bool(is)) => return Some((is, Why::Constant)),
        Ok(_) => return Some((false, Why::Constant)),
        Err(_) => {}
    }
    if let Some(column) = contradiction(condition, true) {
        return Some((false, Why::Column(column)));
    }
    // Where it is null it is not true.
    if condition.ty.nullable {
        return None;
    }
    let column = contradiction(condition, false).or_else(|| all_members(condition, row))?;
    Some((true, Why::Column(column)))
}

/// A column of an enum of which no member that is left makes the condition false.
fn all_members(condition: &Expr, row: &Row) -> Option<usize> {
    let is_left = |at: usize, member: &i32| {
        let domain = row.columns.get(at).and_then(|column| column.domain.as_ref());
        domain.is_none_or(|domain| domain.members.contains(member))
    };
    let of_false = domain::when_false(condition).into_iter();
    let mut none = of_false.filter(|(at, members)| !members.iter().any(|one| is_left(*at, one)));
    none.next().map(|(at, _)| at)
}

/// A column and a value that it is compared with.
struct Bound<'e> {
    column: usize,
    op: Comparison,
    value: &'e Expr,
}

/// A column of which nothing makes the condition true, or false.
fn contradiction(condition: &Expr, is: bool) -> Option<usize> {
    let mut all = vec![];
    bounds(condition, is, &mut all);
    let excludes = |at: usize| {
        all[..at].iter().any(|other| other.column == all[at].column && excluded(other, &all[at]))
    };
    (0..all.len()).find(|at| excludes(*at)).map(|at| all[at].column)
}

/// What has to hold where the condition is true, or false.
fn bounds<'e>(condition: &'e Expr, is: bool, all: &mut Vec<Bound<'e>>) {
    match (&condition.kind, is) {
        (ExprKind::Not(inner), _) => bounds(inner, !is, all),
        (ExprKind::And(a, b), true) | (ExprKind::Or(a, b), false) => {
            bounds(a, is, all);
            bounds(b, is, all);
        }
        (ExprKind::Compare(op, a, b), _) if all.len() < BOUNDS_MAX => {
            let op = if is { *op } else { opposite(*op) };
            match (column_of(a), column_of(b)) {
                (Some(column), None) if is_literal(b) => all.push(Bound { column, op, value: b }),
                (None, Some(column)) if is_literal(a) => {
                    all.push(Bound { column, op: turned(op), value: a });
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn column_of(value: &Expr) -> Option<usize> {
    match &value.kind {
        ExprKind::Column(at) => Some(*at),
        ExprKind::Convert(inner) => column_of(inner),
        _ => None,
    }
}

fn is_literal(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Literal(Scalar::Null) => false,
        ExprKind::Literal(_) => true,
        ExprKind::Negate(inner) | ExprKind::Convert(inner) => is_literal(inner),
        _ => false,
    }
}

/// Can no value meet both?
fn excluded(one: &Bound, other: &Bound) -> bool {
    use Comparison as C;
    if one.value.ty.data != other.value.ty.data {
        return false;
    }
    match (one.op, other.op) {
        (C::Equal, op) => !holds(op, one.value, other.value),
        (op, C::Equal) => !holds(op, other.value, one.value),
        (C::LessEqual, C::GreaterEqual) => !holds(C::LessEqual, other.value, one.value),
        (C::GreaterEqual, C::LessEqual) => !holds(C::LessEqual, one.value, other.value),
        (C::Less | C::LessEqual, C::Greater | C::GreaterEqual) => {
            !holds(C::Less, other.value, one.value)
        }
        (C::Greater | C::GreaterEqual, C::Less | C::LessEqual) => {
            !holds(C::Less, one.value, other.value)
        }
        _ => false,
    }
}

/// Is a comparison of two literals true? What cannot be told is.
fn holds(op: Comparison, left: &Expr, right: &Expr) -> bool {
    let kind = ExprKind::Compare(op, Box::new(left.clone()), Box::new(right.clone()));
    let compared =
        Expr { kind, ty: Type { data: DataType::Bool, nullable: false }, span: left.span };
    !matches!(constant(&compared, &[]), Ok(Scalar::Bool(false)))
}

fn opposite(op: Comparison) -> Comparison {
    use Comparison as C;
    match op {
        C::Equal => C::NotEqual,
        C::NotEqual => C::Equal,
        C::Less => C::GreaterEqual,
        C::LessEqual => C::Greater,
        C::Greater => C::LessEqual,
        C::GreaterEqual => C::Less,
    }
}

/// The same with the sides exchanged.
fn turned(op: Comparison) -> Comparison {
    use Comparison as C;
    match op {
        C::Equal | C::NotEqual => op,
        C::Less => C::Greater,
        C::LessEqual => C::GreaterEqual,
        C::Greater => C::Less,
        C::GreaterEqual => C::LessEqual,
    }
}
