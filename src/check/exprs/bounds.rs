//! Comparisons with literals: which of them exclude or imply each other. What is compared with what
//! is said by a condition, see `certain` and `domain`.

use super::{literal, operators};
use crate::expr::constant;
use crate::ir::{Bound, Comparison, Expr, ExprKind};
use crate::types::{DataType, Scalar, unify};

/// So many comparisons are known of one column at most.
const KNOWN_MAX: usize = 8;

/// Something that is compared with a literal.
pub(super) struct Test<'e> {
    pub(super) value: &'e Expr,
    pub(super) op: Comparison,
    pub(super) with: Expr,
}

/// What a comparison with a literal, or a column of truth values, says where it is true, or false.
pub(super) fn test(condition: &Expr, is: bool) -> Option<Test<'_>> {
    match &condition.kind {
        ExprKind::Compare(op, a, b) => {
            let op = if is { *op } else { opposite(*op) };
            match (is_literal(a), is_literal(b)) {
                (false, true) => Some(Test { value: a, op, with: (**b).clone() }),
                (true, false) => Some(Test { value: b, op: turned(op), with: (**a).clone() }),
                _ => None,
            }
        }
        ExprKind::Column(_) if condition.ty.data == DataType::Bool => {
            let with = literal(Scalar::Bool(is), DataType::Bool, condition.span);
            Some(Test { value: condition, op: Comparison::Equal, with })
        }
        _ => None,
    }
}

/// The column that a value is, seen through widening, which a comparison does only where it changes
/// no number.
pub(super) fn column_of(value: &Expr) -> Option<usize> {
    match &value.kind {
        ExprKind::Column(at) => Some(*at),
        ExprKind::Convert(inner) => column_of(inner),
        _ => None,
    }
}

/// Is it written down, and not null?
pub(super) fn is_literal(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Literal(Scalar::Null) => false,
        ExprKind::Literal(_) => true,
        ExprKind::Negate(inner) | ExprKind::Convert(inner) => is_literal(inner),
        _ => false,
    }
}

/// Can no value meet both?
pub(super) fn excluded(one: (Comparison, &Expr), other: (Comparison, &Expr)) -> bool {
    use Comparison as C;
    let ((op, value), (other_op, other)) = (one, other);
    match (op, other_op) {
        (C::Equal, op) => !may_hold(op, value, other),
        (op, C::Equal) => !may_hold(op, other, value),
        (C::LessEqual, C::GreaterEqual) => !may_hold(C::LessEqual, other, value),
        (C::GreaterEqual, C::LessEqual) => !may_hold(C::LessEqual, value, other),
        (C::Less | C::LessEqual, C::Greater | C::GreaterEqual) => !may_hold(C::Less, other, value),
        (C::Greater | C::GreaterEqual, C::Less | C::LessEqual) => !may_hold(C::Less, value, other),
        _ => false,
    }
}

/// Is the other true wherever this one is?
pub(super) fn implies(one: &Bound, other: &Bound) -> bool {
    excluded((one.op, &one.value), (opposite(other.op), &other.value))
}

/// Adds what is known, in place of what it implies; not if nothing meets both, which is said where it
/// comes to be so and not again of all that follows.
pub(super) fn add(known: &mut Vec<Bound>, new: &Bound) {
    let excludes = |old: &Bound| excluded((old.op, &old.value), (new.op, &new.value));
    if known.iter().any(|old| implies(old, new) || excludes(old)) {
        return;
    }
    known.retain(|old| !implies(new, old));
    if known.len() < KNOWN_MAX {
        known.push(new.clone());
    }
}

/// What is true where one of two lists is.
pub(super) fn common(a: &[Bound], b: &[Bound]) -> Vec<Bound> {
    let (mut both, in_b) = (vec![], |one: &&Bound| b.iter().any(|other| implies(other, one)));
    a.iter().filter(in_b).for_each(|one| add(&mut both, one));
    let in_a = |one: &&Bound| a.iter().any(|other| implies(other, one));
    b.iter().filter(in_a).for_each(|one| add(&mut both, one));
    both
}

/// Is a comparison of two literals true? What cannot be told may be.
fn may_hold(op: Comparison, left: &Expr, right: &Expr) -> bool {
    let Some(ty) = unify(&left.ty, &right.ty) else { return true };
    let (left, right) = operators::comparable(left.clone(), right.clone(), &ty.data);
    let span = left.span;
    let kind = ExprKind::Compare(op, Box::new(left), Box::new(right));
    let compared = Expr { kind, ty: DataType::Bool.required(), span };
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
