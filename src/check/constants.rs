//! Expressions whose values are needed before any row is read: defaults, counts, the arguments of
//! connectors. What depends on parameters is tried with their defaults, and again when a run gives
//! them their values.

use crate::diagnostics::{Diagnostics, types};
use crate::expr::{NotConstant, constant};
use crate::ir::{Expr, ExprKind};
use crate::types::Scalar;

/// The default of a parameter, which depends on no other.
pub(super) fn default(expr: &Expr, found: &mut Diagnostics) -> Option<Scalar> {
    if depends_on_params(expr) {
        found.push(types::not_constant("a default", expr.span, false));
        return None;
    }
    value(expr, &[], "a default", found)
}

/// The value, which depends on nothing but what `params` knows; says so when there is none.
fn value(
    expr: &Expr,
    params: &[Option<Scalar>],
    what: &str,
    found: &mut Diagnostics,
) -> Option<Scalar> {
    if expr.ty.is_unknown() {
        return None;
    }
    match constant(expr, params) {
        Ok(value) => Some(value),
        Err(NotConstant::Unknown) => {
            found.push(types::not_constant(what, expr.span, true));
            None
        }
        Err(NotConstant::Fails(span, reason)) => {
            found.push(types::constant_fails(what, span, &reason));
            None
        }
    }
}

/// The value where parameters may stand; None too if it depends on one that has no value yet.
pub(super) fn check(
    expr: &Expr,
    params: &[Option<Scalar>],
    what: &str,
    found: &mut Diagnostics,
) -> Option<Scalar> {
    if is_known_later(expr, params) { None } else { value(expr, params, what, found) }
}

/// Does it depend on a parameter that has no value yet?
pub(super) fn is_known_later(expr: &Expr, params: &[Option<Scalar>]) -> bool {
    match expr.kind {
        ExprKind::Param(id) => params.get(id.0 as usize).is_none_or(Option::is_none),
        _ => expr.children().into_iter().any(|part| is_known_later(part, params)),
    }
}

/// The count of a `take`.
pub(super) fn check_count(count: &Expr, params: &[Option<Scalar>], found: &mut Diagnostics) {
    if let Some(Scalar::Int(value @ ..0)) = check(count, params, "`take`", found) {
        found.push(types::count_below_zero("`take`", count.span, value));
    }
}

fn depends_on_params(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Param(_)) || expr.children().into_iter().any(depends_on_params)
}
