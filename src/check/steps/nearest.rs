//! Inequalities of the two sides of a join: the one by which an `asof join` finds the nearest row, and
//! how far apart `within` lets both be.

use super::JobChecker;
use super::joins::{Conditions, JoinNames, Side, side};
use crate::check::exprs::convert;
use crate::diagnostics::rows;
use crate::ir::{Arithmetic, Comparison, Expr, ExprKind, Nearest};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Scalar, Type, unify};

/// `left comparison right`; the columns of the right side stand behind those of the left one.
struct Inequality {
    left: Expr,
    comparison: Comparison,
    right: Expr,
    span: Span,
}

impl Inequality {
    /// A condition that puts something of the left side before or behind something of the right one.
    fn of(condition: &Expr, width: usize) -> Option<Inequality> {
        let ExprKind::Compare(comparison, a, b) = &condition.kind else { return None };
        let turned = match comparison {
            Comparison::Less => Comparison::Greater,
            Comparison::LessEqual => Comparison::GreaterEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterEqual => Comparison::LessEqual,
            Comparison::Equal | Comparison::NotEqual => return None,
        };
        let (left, comparison, right) = match (side(a, width), side(b, width)) {
            (Some(Side::Left), Some(Side::Right)) => (a, *comparison, b),
            (Some(Side::Right), Some(Side::Left)) => (b, turned, a),
            _ => return None,
        };
        let (left, right) = ((**left).clone(), (**right).clone());
        Some(Inequality { left, comparison, right, span: condition.span })
    }

    /// Is the right row before the left one?
    fn looks_back(&self) -> bool {
        matches!(self.comparison, Comparison::Greater | Comparison::GreaterEqual)
    }
}

impl JobChecker<'_, '_> {
    /// By what an `asof join` finds the nearest row: its one condition that is no equality. Names: the
    /// join, and what its table is called.
    pub(super) fn nearest(
        &mut self,
        conditions: &mut Conditions,
        within: Option<&ast::Expr>,
        JoinNames { verb, called: name, .. }: JoinNames,
    ) -> Option<Nearest> {
        let width = self.row.columns.len();
        let mut all = std::mem::take(&mut conditions.residual).into_iter();
        let Some(first) = all.next() else {
            self.found.push(rows::asof_without_order(verb, name));
            return None;
        };
        let inequality = Inequality::of(&first, width);
        let other = if inequality.is_some() { all.next() } else { Some(first) };
        if let Some(other) = other {
            self.found.push(rows::asof_condition(other.span, name));
            return None;
        }
        let inequality = inequality?;
        let bound = match within {
            Some(within) => Some(self.bound(&inequality, within)?),
            None => None,
        };
        let Inequality { left, comparison, mut right, span } = inequality;
        right.map_columns(&|column| column - width);
        let ty = unify(&left.ty, &right.ty);
        let ty = match (ty, &bound) {
            (Some(ty), Some(bound)) => unify(&ty, &bound.ty),
            (ty, _) => ty,
        };
        let Some(ty) = ty.filter(|ty| is_measured(&ty.data)) else {
            self.found.push(rows::asof_type(span, &left.ty, &right.ty));
            return None;
        };
        let is_rounded = |value: &Expr| ty.data == DataType::Float && value.ty.data != ty.data;
        if is_rounded(&left) || is_rounded(&right) {
            self.found.push(rows::asof_type(span, &left.ty, &right.ty));
            return None;
        }
        Some(Nearest {
            left: convert(left, &ty.data),
            right: convert(right, &ty.data),
            comparison,
            bound: bound.map(|bound| convert(bound, &ty.data)),
        })
    }

    /// Adds to the conditions of a join that both sides of its inequalities are so near to each other;
    /// says so where it has none.
    pub(super) fn add_limits(&mut self, conditions: &mut Conditions, within: &ast::Expr) -> bool {
        let width = self.row.columns.len();
        let all = conditions.residual.iter();
        let all: Vec<Inequality> =
            all.filter_map(|condition| Inequality::of(condition, width)).collect();
        if all.is_empty() {
            self.found.push(rows::within_without_order(within.span));
        }
        for inequality in &all {
            let Some(bound) = self.bound(inequality, within) else { return false };
            let back = inequality.looks_back();
            let comparison = if back { Comparison::LessEqual } else { Comparison::GreaterEqual };
            let Some(ty) = unify(&bound.ty, &inequality.right.ty) else { return false };
            let nullable = bound.ty.nullable || inequality.right.ty.nullable;
            let bound = Box::new(convert(bound, &ty.data));
            let right = Box::new(convert(inequality.right.clone(), &ty.data));
            let truth = |kind, nullable| {
                let ty = Type { data: DataType::Bool, nullable };
                Expr { kind, ty, span: within.span }
            };
            let is_near = truth(ExprKind::Compare(comparison, bound, right), nullable);
            // A null that is compared meets no inequality; one that is a limit is none.
            conditions.residual.push(match nullable {
                true => {
                    let always = truth(ExprKind::Literal(Scalar::Bool(true)), false);
                    truth(ExprKind::Coalesce(vec![is_near, always]), false)
                }
                false => is_near,
            });
        }
        !all.is_empty()
    }

    /// The farthest value that a right row may have, where there is one.
    fn bound(&mut self, inequality: &Inequality, within: &ast::Expr) -> Option<Expr> {
        let op = match inequality.looks_back() {
            true => Arithmetic::Subtract,
            false => Arithmetic::Add,
        };
        let (left, span) = (inequality.left.clone(), within.span);
        let mut scope = self.scope();
        let distance = scope.check(within, None);
        if distance.ty.is_unknown() {
            return None;
        }
        let distance_type = distance.ty.clone();
        let bound = scope.arithmetic(op, span, left.clone(), distance, span);
        if bound.ty.is_unknown() {
            return None;
        }
        let is_decimal = |ty: &Type| matches!(ty.data, DataType::Decimal { .. } | DataType::Int);
        let is_same =
            bound.ty.data == left.ty.data || is_decimal(&bound.ty) && is_decimal(&left.ty);
        if !is_same {
            self.found.push(rows::within_type(span, &left.ty, left.span, &distance_type));
            return None;
        }
        if !bound.may_fail() {
            return Some(bound);
        }
        // What is beyond all values is no limit.
        let ty = bound.ty.with_nullable(true);
        Some(Expr { kind: ExprKind::Try(Box::new(bound)), ty, span })
    }
}

/// Is there a distance between two values, by which one is nearer than another?
fn is_measured(data: &DataType) -> bool {
    matches!(
        data,
        DataType::Int
            | DataType::Float
            | DataType::Decimal { .. }
            | DataType::Date
            | DataType::Datetime
            | DataType::Timestamp
            | DataType::Duration
    )
}
