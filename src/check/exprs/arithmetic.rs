//! Arithmetic: the types that each operation takes and gives, the digits of decimals.

use super::operators::{adapt_pair, boxed};
use super::{Scope, bad, convert};
use crate::diagnostics::types;
use crate::ir::{Arithmetic, Expr, ExprKind};
use crate::syntax::ast::BinaryOp;
use crate::text::Span;
use crate::types::{DECIMAL_DIGITS_MAX, DataType, MICROS_PER_DAY, Scalar, Type};

impl Scope<'_, '_> {
    pub(in crate::check) fn arithmetic(
        &mut self,
        op: Arithmetic,
        place: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Expr {
        if op == Arithmetic::Power
            && let Some(product) = self.small_power(&left, &right, place, span)
        {
            return product;
        }
        let named = |side: &Expr| matches!(side.ty.data, DataType::Named(_));
        let (left, right) = match named(&left) || named(&right) {
            true => (left, right),
            false => adapt_pair(left, right),
        };
        let nullable = left.ty.nullable || right.ty.nullable;
        let Some((data, left, right)) = operand_types(op, left.clone(), right.clone()) else {
            self.report_mix(place, verb(op), &left, &right);
            return bad(span);
        };
        let data = match data {
            Ok(data) => data,
            Err(digits) => {
                let text = self.text(span);
                self.found.push(types::too_many_digits(span, digits, &text));
                return bad(span);
            }
        };
        let divides =
            matches!(op, Arithmetic::Divide | Arithmetic::IntDivide | Arithmetic::Remainder);
        if divides && self.row.is_some() && right.is_zero_literal() == Some(true) {
            self.found.push(types::division_by_zero(right.span));
            return bad(span);
        }
        let ty = Type { data, nullable };
        Expr { kind: ExprKind::Arithmetic(op, boxed(left), boxed(right)), ty, span }
    }

    /// `x ** 2` of a decimal is exact: a product. None where it is not such a power.
    fn small_power(&mut self, base: &Expr, power: &Expr, place: Span, span: Span) -> Option<Expr> {
        let ExprKind::Literal(Scalar::Int(times @ 1..=8)) = power.kind else { return None };
        if !matches!(base.ty.data, DataType::Decimal { .. }) {
            return None;
        }
        let mut product = base.clone();
        for _ in 1..times {
            if product.ty.is_unknown() {
                break;
            }
            product = self.arithmetic(Arithmetic::Multiply, place, product, base.clone(), span);
        }
        Some(product)
    }
}

pub(super) fn arithmetic(op: BinaryOp) -> Arithmetic {
    match op {
        BinaryOp::Subtract => Arithmetic::Subtract,
        BinaryOp::Multiply => Arithmetic::Multiply,
        BinaryOp::Divide => Arithmetic::Divide,
        BinaryOp::IntDivide => Arithmetic::IntDivide,
        BinaryOp::Remainder => Arithmetic::Remainder,
        BinaryOp::Power => Arithmetic::Power,
        _ => Arithmetic::Add,
    }
}

fn verb(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "add",
        Arithmetic::Subtract => "subtract",
        Arithmetic::Multiply => "multiply",
        Arithmetic::Divide | Arithmetic::IntDivide | Arithmetic::Remainder => "divide",
        Arithmetic::Power => "raise",
    }
}

/// The result type of an operator and its operands, widened to what it computes with. None when
/// it does not take them; `Err(digits)` when a decimal would be too long.
fn operand_types(
    op: Arithmetic,
    left: Expr,
    right: Expr,
) -> Option<(Result<DataType, u32>, Expr, Expr)> {
    use Arithmetic as O;
    use DataType as D;
    let data = match (op, &left.ty.data, &right.ty.data) {
        (_, D::Null, other) | (_, other, D::Null) => {
            let other = other.clone();
            let (left, right) = (convert(left, &other), convert(right, &other));
            return operand_types_known(op, left, right);
        }
        (O::Divide, D::Int, D::Int) => D::Float,
        (_, D::Int, D::Int) => D::Int,
        (_, D::Int | D::Float, D::Int | D::Float) => D::Float,
        (O::Power, ..) => return None,
        (_, D::Decimal { .. } | D::Int, D::Decimal { .. } | D::Int) => {
            let (left, right) = (as_decimal(left), as_decimal(right));
            let result = decimal_result(op, &left.ty.data, &right.ty.data);
            return Some((result, left, right));
        }
        _ => return Some((Ok(time_result(op, &left, &right)?), left, right)),
    };
    // Division of ints is of floats; all other operands are widened to the result.
    Some((Ok(data.clone()), convert(left, &data), convert(right, &data)))
}

fn operand_types_known(
    op: Arithmetic,
    left: Expr,
    right: Expr,
) -> Option<(Result<DataType, u32>, Expr, Expr)> {
    if left.ty.data == DataType::Null { None } else { operand_types(op, left, right) }
}

fn as_decimal(value: Expr) -> Expr {
    match value.ty.data {
        DataType::Int => convert(value, &DataType::Decimal { precision: 19, scale: 0 }),
        _ => value,
    }
}

/// LANGUAGE: `+ -` the larger scale, one digit more; `*` scales add; `/` at least six digits after
/// the point. Sums are cut at 38 digits and checked row by row; products and quotients that may
/// need more are refused.
fn decimal_result(op: Arithmetic, left: &DataType, right: &DataType) -> Result<DataType, u32> {
    let (
        DataType::Decimal { precision: p, scale: s },
        DataType::Decimal { precision: q, scale: t },
    ) = (left, right)
    else {
        unreachable!("both are decimals");
    };
    let (p, s, q, t) = (u32::from(*p), u32::from(*s), u32::from(*q), u32::from(*t));
    let most = u32::from(DECIMAL_DIGITS_MAX);
    let (precision, scale) = match op {
        Arithmetic::Add | Arithmetic::Subtract => {
            let scale = s.max(t);
            (((p - s).max(q - t) + scale + 1).min(most), scale)
        }
        Arithmetic::Multiply => (p + q, s + t),
        Arithmetic::Divide => {
            let scale = s.max(6);
            ((p - s + t + scale).min(most), scale)
        }
        Arithmetic::IntDivide => ((p - s + t).clamp(1, most), 0),
        Arithmetic::Remainder | Arithmetic::Power => {
            let scale = s.max(t);
            (((p - s).max(q - t) + scale).min(most), scale)
        }
    };
    if precision > most || scale > precision {
        return Err(precision.max(scale));
    }
    Ok(DataType::Decimal { precision: precision as u8, scale: scale as u8 })
}

/// Times and durations.
fn time_result(op: Arithmetic, left: &Expr, right: &Expr) -> Option<DataType> {
    use Arithmetic as O;
    use DataType as D;
    Some(match (op, &left.ty.data, &right.ty.data) {
        (O::Add | O::Subtract, D::Date, D::Duration) => {
            let whole = matches!(right.kind, ExprKind::Literal(Scalar::Duration(micros))
                if micros % MICROS_PER_DAY == 0);
            if whole { D::Date } else { D::Datetime }
        }
        (O::Add | O::Subtract, time @ (D::Datetime | D::Timestamp), D::Duration) => time.clone(),
        (O::Add | O::Subtract, D::Duration, D::Duration) => D::Duration,
        (O::Subtract, a, b) if a == b && matches!(a, D::Date | D::Datetime | D::Timestamp) => {
            D::Duration
        }
        (O::Multiply | O::IntDivide, D::Duration, D::Int) => D::Duration,
        (O::Divide, D::Duration, D::Int) => D::Duration,
        (O::Multiply, D::Int, D::Duration) => D::Duration,
        _ => return None,
    })
}
