//! Filters and projections of a job that follow each other become one operator.

use crate::ir::Pipeline;
use crate::plan::{NodeId, NodeKind, Plan, StepRange};
use std::collections::BTreeMap;

pub(super) fn fuse(plan: &mut Plan, _: &Pipeline) {
    let mut fused: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for at in 0..plan.nodes.len() {
        let Some((before, first)) = continued(plan, NodeId(at as u32)) else { continue };
        let inputs = plan.node(before).inputs.clone();
        let node = &mut plan.nodes[at];
        if let NodeKind::Steps(steps) = &mut node.kind {
            steps.first = first;
        }
        node.inputs = inputs;
        fused.insert(before, NodeId(at as u32));
    }
    plan.replace(&fused);
}

/// The steps that these go on with, if nothing else reads them, and the first of all of them.
fn continued(plan: &Plan, id: NodeId) -> Option<(NodeId, usize)> {
    let node = plan.node(id);
    let NodeKind::Steps(steps) = node.kind else { return None };
    let before = plan.node(node.inputs[0]);
    let NodeKind::Steps(StepRange { first, end }) = before.kind else { return None };
    // A filter that was brought forward is not the next step of the text.
    let is_alone = end == steps.first
        && before.consumers.len() == 1
        && before.job == node.job
        && before.also == node.also;
    is_alone.then_some((node.inputs[0], first))
}
