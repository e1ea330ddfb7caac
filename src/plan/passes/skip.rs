//! Parts of a source are not read of which no row can be kept: what the filters say of its columns
//! with which all jobs begin that read it, and the keys on the right side of a join behind them.

use crate::ir::{Comparison, Expr, ExprKind, JoinKind, Pipeline, StepKind};
use crate::plan::{Kept, Node, NodeId, NodeKind, Plan, Range, may_fail, step_of, steps_of};
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
        let NodeKind::Read { source, .. } = reader.kind else { return None };
        let source = &pipeline.sources[source.0 as usize];
        let came_since =
            source.incremental.as_ref().and_then(|incremental| incremental.came_since(&source.row));
        for &next in &reader.consumers {
            let mut found = Found { places: (0..scan.width).map(Some).collect(), kept: vec![] };
            came_since.iter().for_each(|condition| found.filter(condition));
            found.follow(plan, next, pipeline);
            all.push(Some(found.kept).filter(|kept| !kept.is_empty())?);
        }
    }
    Some(all)
}

/// What is kept by the operators that were followed.
struct Found {
    /// Of each column that has come of them, which of the source it is, if it is one.
    places: Vec<Option<usize>>,
    kept: Vec<Kept>,
}

impl Found {
    /// Goes on with an operator and what reads it, as long as no row can fail and all go one way.
    fn follow(&mut self, plan: &Plan, id: NodeId, pipeline: &Pipeline) {
        let node = plan.node(id);
        let is_done = match node.kind {
            NodeKind::Steps(range) => {
                steps_of(pipeline, node, range).iter().all(|step| self.step(id, &step.kind))
            }
            NodeKind::Step(step) => self.step(id, step_of(pipeline, node, step)),
            _ => false,
        };
        if let (true, [next]) = (is_done, &node.consumers[..]) {
            // Of a join it is the left side that goes on.
            if plan.node(*next).inputs.first() == Some(&id) {
                self.follow(plan, *next, pipeline);
            }
        }
    }

    /// Adds what a step keeps; is the next one reached by no other rows?
    fn step(&mut self, at: NodeId, step: &StepKind) -> bool {
        if may_fail(step) {
            return false;
        }
        match step {
            StepKind::Filter { condition, keep_nulls: false } => self.filter(condition),
            StepKind::Filter { .. } => {}
            StepKind::Set { column, .. } => match self.places.get_mut(*column) {
                Some(place) => *place = None,
                None => self.places.push(None),
            },
            StepKind::Project(values) => {
                self.places = values.iter().map(|value| self.place(value)).collect();
            }
            StepKind::Join(join) if matches!(join.kind, JoinKind::Inner | JoinKind::Semi) => {
                for (key, value) in join.left_keys.iter().enumerate() {
                    // Rows with null keys are counted.
                    if let (Some(column), false) = (self.place(value), value.ty.nullable) {
                        self.kept.push(Kept { column, range: Range::KeysOf { join: at, key } });
                    }
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    /// The column of the source that this is.
    fn place(&self, value: &Expr) -> Option<usize> {
        let ExprKind::Column(column) = value.kind else { return None };
        self.places.get(column).copied().flatten()
    }

    /// Adds what has to hold of columns as they were read, so that a condition can be true.
    fn filter(&mut self, condition: &Expr) {
        match &condition.kind {
            ExprKind::And(a, b) => {
                self.filter(a);
                self.filter(b);
            }
            ExprKind::Compare(comparison, a, b) if a.ty.data == b.ty.data => {
                let (column, value, is_turned) = match (self.place(a), self.place(b)) {
                    (Some(column), _) => (column, b, false),
                    (_, Some(column)) => (column, a, true),
                    _ => return,
                };
                if !reads_row(value) {
                    let range = range(*comparison, is_turned, value);
                    self.kept.extend(range.map(|range| Kept { column, range }));
                }
            }
            _ => {}
        }
    }
}

/// The values that compare so with this one; turned, those with which it compares so.
fn range(comparison: Comparison, is_turned: bool, value: &Expr) -> Option<Range> {
    use Bound::{Excluded, Included, Unbounded};
    let value = value.clone();
    let (from, to) = match (comparison, is_turned) {
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
    };
    Some(Range::Given(Box::new((from, to))))
}

fn reads_row(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Column(_) | ExprKind::Slot(_))
        || expr.children().into_iter().any(reads_row)
}
