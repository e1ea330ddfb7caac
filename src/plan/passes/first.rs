//! A sort of which a `take` reads the first rows keeps no others.

use crate::ir::{Pipeline, StepKind};
use crate::plan::{Node, NodeKind, Plan, may_fail, step_of, steps_of};

pub(super) fn keep_first(plan: &mut Plan, pipeline: &Pipeline) {
    for at in 0..plan.nodes.len() {
        plan.nodes[at].takes = take_of(plan, &plan.nodes[at], pipeline);
    }
}

/// The `take` that reads the first rows of a sort, if nothing else reads any.
fn take_of(plan: &Plan, sort: &Node, pipeline: &Pipeline) -> Option<usize> {
    let NodeKind::Step(step) = sort.kind else { return None };
    let StepKind::Sort(_) = step_of(pipeline, sort, step) else { return None };
    let mut node = sort;
    loop {
        let [reader] = node.consumers[..] else { return None };
        node = plan.node(reader);
        // Each job accounts for the rows that it does without.
        if node.job != sort.job || node.also != sort.also {
            return None;
        }
        match node.kind {
            NodeKind::Steps(steps) => {
                let mut steps = steps_of(pipeline, node, steps).iter().map(|step| &step.kind);
                let keeps_all =
                    |kind: &StepKind| !matches!(kind, StepKind::Filter { .. }) && !may_fail(kind);
                if !steps.all(keeps_all) {
                    return None;
                }
            }
            NodeKind::Step(step) => {
                let take = step_of(pipeline, node, step);
                return matches!(take, StepKind::Take { by, .. } if by.is_empty()).then_some(step);
            }
            _ => return None,
        }
    }
}
