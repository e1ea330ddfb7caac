//! `sample`, and the hash of a row by which it and `split` choose: the same rows in every run, however
//! they are ordered and whatever else is in the table.

use super::JobChecker;
use crate::check::exprs::literal;
use crate::diagnostics::{branches, graph};
use crate::ir::{Comparison, Expr, ExprKind, Row, SortKey, StepKind};
use crate::syntax::ast::{self, SampleSize};
use crate::text::Span;
use crate::types::{DataType, Scalar};

impl JobChecker<'_, '_> {
    pub(super) fn sample(
        &mut self,
        size: SampleSize,
        by: &[ast::Assignment],
        seed: Option<(u64, Span)>,
        statement: &ast::Statement,
    ) {
        let span = statement.span;
        let Some((seed, _)) = seed else {
            self.found.push(branches::no_seed("sample", span, false));
            return;
        };
        let Some(hash) = self.hash(by, seed, span) else { return };
        match size {
            SampleSize::Share(share, place) => {
                if !(0.0..=1.0).contains(&share) {
                    let found = "a sample has 0% to 100% of the rows";
                    self.found.push(graph::bad_part(
                        place,
                        found,
                        "not such a share",
                        "for instance `sample 10% seed 42`",
                    ));
                    return;
                }
                let row = (*self.row).clone();
                // Everything is less than what is behind the last hash.
                let condition = match share < 1.0 {
                    true => below(hash, share, place),
                    false => literal(Scalar::Bool(true), DataType::Bool, place),
                };
                self.push(StepKind::Filter { condition, keep_nulls: false }, row, span);
            }
            SampleSize::Rows(rows, place) => {
                if let Some(by) = by.first() {
                    self.found.push(branches::rows_by(by.span));
                    return;
                }
                let key = SortKey { value: hash, descending: false, nulls_first: false };
                let row = Row { order: vec![Row::HIDDEN], ..(*self.row).clone() };
                self.push(StepKind::Sort(vec![key]), row, span);
                let count =
                    literal(Scalar::Int(rows.min(i64::MAX as u64) as i64), DataType::Int, place);
                let row = Row { order: vec![], ..(*self.row).clone() };
                self.push(StepKind::Take { count, by: vec![] }, row, span);
            }
        }
    }

    /// An `int` that depends on the seed and on these values of a row, or on all of it: any of 2^64 with
    /// the same probability.
    pub(super) fn hash(&mut self, by: &[ast::Assignment], seed: u64, span: Span) -> Option<Expr> {
        let values: Vec<Expr> = match by {
            [] => (0..self.row.columns.len()).map(|at| self.scope().column(at, span)).collect(),
            _ => by.iter().map(|by| self.scope().check(&by.value, None)).collect(),
        };
        if self.row.broken || values.iter().any(|value| value.ty.is_unknown()) {
            return None;
        }
        // Each value becomes a number before they are put together, so that no text grows.
        let mut parts = vec![literal(Scalar::Int(seed as i64), DataType::Int, span)];
        for value in values {
            parts.push(literal(Scalar::String(" ".into()), DataType::String, span));
            let hash = self.hash_of_text(text_of(value, span), span);
            let zero = literal(Scalar::Int(0), DataType::Int, span);
            parts.push(match hash.ty.nullable {
                true => Expr {
                    ty: DataType::Int.required(),
                    kind: ExprKind::Coalesce(vec![hash, zero]),
                    span,
                },
                false => hash,
            });
        }
        let kind = ExprKind::Concat(parts);
        let text = Expr { kind, ty: DataType::String.required(), span };
        Some(self.hash_of_text(text, span))
    }

    fn hash_of_text(&self, text: Expr, span: Span) -> Expr {
        let function = self.globals.registry.overloads("xxhash64")[0];
        let ty = DataType::Int.required().with_nullable(text.ty.nullable);
        let kind = ExprKind::Call { function, arguments: vec![text], lambda: None };
        Expr { kind, ty, span }
    }
}

/// A value as outputs spell it.
pub(super) fn text_of(value: Expr, span: Span) -> Expr {
    if value.ty.data == DataType::String {
        return value;
    }
    let ty = DataType::String.required().with_nullable(value.ty.nullable);
    Expr { kind: ExprKind::Cast(Box::new(value)), ty, span }
}

/// Is a hash among the lowest of this share, less than 1?
pub(super) fn below(hash: Expr, share: f64, span: Span) -> Expr {
    let before = (share * 2f64.powi(64)) as i128 + i128::from(i64::MIN);
    let before = literal(Scalar::Int(before.min(i128::from(i64::MAX)) as i64), DataType::Int, span);
    let kind = ExprKind::Compare(Comparison::Less, Box::new(hash), Box::new(before));
    Expr { kind, ty: DataType::Bool.required(), span }
}
