//! Parts of a source are not read of which no row can be kept: what the filters with which all jobs
//! begin that read it say of its columns.

use crate::ir::{Comparison, Expr, ExprKind, Pipeline, Step, StepKind};
use crate::plan::{Kept, Node, NodeKind, Plan, may_fail, steps_of};
use std::collections::BTreeSet;
use std::ops::Bound;

pub(super) fn skip(plan: &mut Plan, pipeline: &Pipeline) {
    for at in 0..plan.nodes.len() {
        if let NodeKind::Scan(source) = plan.nodes[at].kind
            && pipeline.sources[source.0 as usize].may_skip
        {
            let kept = kept_of(plan, &plan.nodes[at], pipeline);
            plan.nodes[at].kept = kept.unwrap_or_default();
        }
    }
}

/// What each that reads the source keeps of it; none if one of them may keep any row, or fail on it.
fn kept_of(plan: &Plan, scan: &Node, pipeline: &Pipeline) -> Option<Vec<Vec<Kept>>> {
    let mut all = vec![];
    for reader in scan.consumers.iter().map(|reader| plan.node(*reader)) {
        if reader.consumers.is_empty() {
            return None;
        }
        for next in reader.consumers.iter().map(|next| plan.node(*next)) {
            let NodeKind::Steps(range) = next.kind else { return None };
            let kept = kept_by(steps_of(pipeline, next, range));
            all.push(Some(kept).filter(|kept| !kept.is_empty())?);
        }
    }
    Some(all)
}

/// What filters keep before any row can fail.
fn kept_by(steps: &[Step]) -> Vec<Kept> {
    let (mut changed, mut kept) = (BTreeSet::new(), vec![]);
    for step in steps.iter().take_while(|step| !may_fail(&step.kind)) {
        match &step.kind {
            StepKind::Filter { condition, keep_nulls: false } => {
                add(condition, &changed, &mut kept);
            }
            StepKind::Filter { .. } => {}
            StepKind::Set { column, .. } => {
                changed.insert(*column);
            }
            _ => break,
        }
    }
    kept
}

/// Adds what has to hold of columns as they were read, so that a condition can be true.
fn add(condition: &Expr, changed: &BTreeSet<usize>, kept: &mut Vec<Kept>) {
    match &condition.kind {
        ExprKind::And(a, b) => {
            add(a, changed, kept);
            add(b, changed, kept);
        }
        ExprKind::Compare(comparison, a, b) if a.ty.data == b.ty.data => {
            let (column, value, is_turned) = match (&a.kind, &b.kind) {
                (ExprKind::Column(column), _) => (*column, b, false),
                (_, ExprKind::Column(column)) => (*column, a, true),
                _ => return,
            };
            if !changed.contains(&column) && !reads_row(value) {
                let range = range(*comparison, is_turned, value);
                kept.extend(range.map(|range| Kept { column, range }));
            }
        }
        _ => {}
    }
}

/// The values that compare so with this one; turned, those with which it compares so.
fn range(
    comparison: Comparison,
    is_turned: bool,
    value: &Expr,
) -> Option<(Bound<Expr>, Bound<Expr>)> {
    use Bound::{Excluded, Included, Unbounded};
    let value = value.clone();
    Some(match (comparison, is_turned) {
        (Comparison::NotEqual, _) => return None,
        (Comparison::Equal, _) => (Included(value.clone()), Included(value)),
        (Comparison::Less, false) | (Comparison::Greater, true) => (Unbounded, Excluded(value)),
        (Comparison::LessEqual, false) | (Comparison::GreaterEqual, true) => {
            (Unbounded, Included(value))
        }
        (Comparison::Greater, false) | (Comparison::Less, true) => (Excluded(value), Unbounded),
        (Comparison::GreaterEqual, false) | (Comparison::LessEqual, true) => {
            (Included(value), Unbounded)
        }
    })
}

fn reads_row(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Column(_) | ExprKind::Slot(_))
        || expr.children().into_iter().any(reads_row)
}
