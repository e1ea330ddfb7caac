//! Whether a row can fail at an expression, by all that is known of the values there: a divisor that is
//! never zero does not fail. The plan asks `Expr::may_fail`, which knows of no facts, for it moves
//! expressions to where they do not hold.

use super::{domain, values};
use crate::expr::constant;
use crate::ir::{Column, Expr, ExprKind, Row};
use crate::types::{DataType, Scalar};
use std::sync::Arc;

/// May a row fail here?
pub(in crate::check) fn may_fail(value: &Expr, row: &Row) -> bool {
    use ExprKind as K;
    let fails = |value: &Expr| may_fail(value, row);
    // What depends on no facts is soon told, and `"10:00" as time` is what it is.
    if !value.may_fail() || constant(value, &[]).is_ok() {
        return false;
    }
    match &value.kind {
        K::And(a, b) => fails(a) || may_fail(b, &knowing(row, domain::when_true(a))),
        K::Or(a, b) => fails(a) || may_fail(b, &otherwise(row, a)),
        K::Case { arms, otherwise: last } => {
            let mut left = row.clone();
            for (condition, value) in arms {
                let met = knowing(&left, domain::when_true(condition));
                if may_fail(condition, &left) || may_fail(value, &met) {
                    return true;
                }
                left = otherwise(&left, condition);
            }
            last.as_ref().is_some_and(|value| may_fail(value, &left))
        }
        _ => {
            let is_never = |divisor: &Expr, number: i64| is_never(divisor, number, row);
            value.itself_may_fail(&is_never) || value.children().into_iter().any(fails)
        }
    }
}

/// Is it known that a number is never this one?
fn is_never(value: &Expr, number: i64, row: &Row) -> bool {
    match &value.kind {
        // No number becomes zero, or another whole one, by being widened.
        ExprKind::Convert(inner) => is_never(inner, number, row),
        ExprKind::Negate(inner) => is_never(inner, -number, row),
        _ => values::of(value, row).is_some_and(|known| {
            domain::excludes(&known, &Scalar::Int(number), &DataType::Int).is_some()
        }),
    }
}

/// The row where a condition is not true.
fn otherwise(row: &Row, condition: &Expr) -> Row {
    // Where it is null, it is not false.
    match condition.ty.nullable {
        true => row.clone(),
        false => knowing(row, domain::when_false(condition)),
    }
}

/// The row with what is known of its columns besides.
fn knowing(row: &Row, known: domain::Known) -> Row {
    let mut row = row.clone();
    for (at, known) in known {
        if let Some(column) = row.columns.get(at) {
            let before = column.domain.as_deref();
            let domain = before.map_or(known.clone(), |before| domain::both(before, &known));
            row.columns.replace(at, Column { domain: Some(Arc::new(domain)), ..column.clone() });
        }
    }
    row
}
