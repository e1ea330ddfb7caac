//! Expressions whose values are needed before any row is read: defaults, counts, the arguments of
//! connectors. What depends on parameters is tried again when a run gives them their values.

use crate::diagnostics::{Diagnostics, types};
use crate::expr::{NotConstant, constant};
use crate::ir::{Expr, ExprKind, Pipeline, StepKind};
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

/// The value where parameters may stand: None too if it depends on one.
pub(super) fn check(expr: &Expr, what: &str, found: &mut Diagnostics) -> Option<Scalar> {
    if depends_on_params(expr) { None } else { value(expr, &[], what, found) }
}

/// The count of a `take`.
pub(super) fn check_count(count: &Expr, found: &mut Diagnostics) {
    let value = check(count, TAKE, found);
    count_fits(count, value, found);
}

const TAKE: &str = "`take`";

fn count_fits(count: &Expr, value: Option<Scalar>, found: &mut Diagnostics) {
    if let Some(Scalar::Int(value @ ..0)) = value {
        found.push(types::count_below_zero(TAKE, count.span, value));
    }
}

/// Tries all values that a run needs before it begins, with its parameters.
pub fn with_params(pipeline: &Pipeline, params: &[Scalar], found: &mut Diagnostics) {
    let params: Vec<Option<Scalar>> = params.iter().cloned().map(Some).collect();
    let sources = pipeline.sources.iter().map(|source| (source.connector, &source.arguments));
    let outputs = pipeline.outputs.iter().map(|output| (output.connector, &output.arguments));
    for (connector, arguments) in sources.chain(outputs) {
        for (name, argument) in arguments {
            value(argument, &params, &format!("`{name}` of `{connector}`"), found);
        }
    }
    for step in pipeline.jobs.iter().flat_map(|job| &job.steps) {
        if let StepKind::Take { count, .. } = &step.kind {
            let value = value(count, &params, TAKE, found);
            count_fits(count, value, found);
        }
    }
}

fn depends_on_params(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Param(_)) || expr.children().into_iter().any(depends_on_params)
}
