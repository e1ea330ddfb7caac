//! Values that are known before any row: of literals, parameters, and what is computed from them.
//!
//! They are computed as any row is, by the same program over one row without columns, so that a
//! constant means what it would mean in a column.

use super::program::{Program, Registers};
use crate::data::{Batch, scalar_at};
use crate::ir::{Expr, ExprKind, RunContext, Slot};
use crate::text::Span;
use crate::types::Scalar;

/// Why an expression has no value before the run.
#[derive(Clone, Debug, PartialEq)]
pub enum NotConstant {
    /// It depends on rows, on the run, or on a parameter without a value.
    Unknown,
    /// It fails, here and for this reason: `division by zero`.
    Fails(Span, String),
}

/// The value of a constant expression, with the parameters' values by position (None: not known).
pub fn constant(expr: &Expr, params: &[Option<Scalar>]) -> Result<Scalar, NotConstant> {
    if let ExprKind::Literal(value) = &expr.kind {
        return Ok(value.clone());
    }
    if !is_constant(expr, params, &mut vec![]) {
        return Err(NotConstant::Unknown);
    }
    let params = params.iter().map(|value| value.clone().unwrap_or(Scalar::Null)).collect();
    evaluate(expr, &RunContext { params, secrets: vec![], time: 0, date: 0, id: String::new() })
}

/// The value in a run of an expression that does not depend on rows; none if it fails.
pub fn value_in(run: &RunContext, expr: &Expr) -> Option<Scalar> {
    evaluate(expr, run).ok()
}

fn evaluate(expr: &Expr, run: &RunContext) -> Result<Scalar, NotConstant> {
    if expr.has_named() {
        let mut opened = expr.clone();
        opened.open_types();
        return evaluate(&opened, run);
    }
    let program = Program::compile(&[expr], run);
    let (row, mut failures) = (Batch::new(vec![], 1, 0), Vec::new());
    let values = program.eval(&row, &mut Registers::default(), &mut failures);
    match failures.into_iter().next() {
        Some(failure) => Err(NotConstant::Fails(program.span(failure.site), failure.reason)),
        None => Ok(scalar_at(&values[0].array, &expr.ty.data, 0)),
    }
}

/// Is it made of literals, and of parameters that have a value? A variable is known within its
/// lambda; one of a function is not.
fn is_constant(expr: &Expr, params: &[Option<Scalar>], lambdas: &mut Vec<Slot>) -> bool {
    match &expr.kind {
        _ if expr.ty.is_unknown() => false,
        ExprKind::Column(_) | ExprKind::Run(_) | ExprKind::Secret(_) => false,
        ExprKind::Param(id) => params.get(id.0 as usize).is_some_and(Option::is_some),
        ExprKind::Slot(slot) => lambdas.contains(slot),
        kind => {
            let lambda = match kind {
                ExprKind::Call { lambda, .. } => lambda.as_deref(),
                _ => None,
            };
            lambdas.extend(lambda.map(|lambda| lambda.slot));
            let is = expr.children().into_iter().all(|part| is_constant(part, params, lambdas));
            lambdas.truncate(lambdas.len() - usize::from(lambda.is_some()));
            is
        }
    }
}
