//! Jobs that begin with the same table and the same steps have them computed once.
//!
//! What is shared stays the first job's, and is [`Node::also`] of the others: all of them report
//! what it counts. A step that sets rows aside is not shared, since each job sets aside its own.

use crate::ir::{ErrorPolicy, ExpectAction, Job, JobId, PartitionBy, Pipeline, StepKind};
use crate::plan::liveness::find_live;
use crate::plan::{Node, NodeId, NodeKind, Plan, may_fail, step_of, steps_of};
use std::collections::BTreeMap;

pub(super) fn share(plan: &mut Plan, pipeline: &Pipeline) {
    let mut chains: BTreeMap<NodeId, Vec<Vec<NodeId>>> = BTreeMap::new();
    // A job that waits for others, or others for it, is computed for itself.
    let is_free = |job: &JobId| {
        pipeline.jobs[job.0 as usize].after.is_empty() && !pipeline.is_waited_for(*job)
    };
    let results = plan.iter().filter(|(_, node)| node.kind == NodeKind::Result);
    for (id, node) in results.filter(|(_, node)| node.job.as_ref().is_some_and(is_free)) {
        let chain = chain(plan, id, node.job);
        chains.entry(plan.node(chain[0]).inputs[0]).or_default().push(chain);
    }
    chains.retain(|_, jobs| jobs.len() > 1);
    if chains.is_empty() {
        return;
    }
    // What cannot be read fails where the column is read.
    let mut known = plan.clone();
    find_live(&mut known, pipeline);
    let same = Same { plan: &known, pipeline };
    let mut shared: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for jobs in chains.values() {
        for (at, chain) in jobs.iter().enumerate() {
            let common = |other: &Vec<NodeId>| same.common(other, chain);
            let of_others = jobs[..at].iter().map(common).collect::<Vec<_>>();
            // Of several the first, with which the others are shared in turn.
            let longest = of_others.into_iter().rev().max_by_key(Vec::len);
            shared.extend(longest.unwrap_or_default());
        }
    }
    for (&gone, &by) in &shared {
        let by = std::iter::successors(Some(by), |by| shared.get(by).copied()).last();
        let also = plan.node(gone).job;
        plan.nodes[by.expect("there is one").at()].also.extend(also);
    }
    plan.replace(&shared);
}

/// The operators that the rows of a job go through, from its `from` to its result.
fn chain(plan: &Plan, result: NodeId, job: Option<JobId>) -> Vec<NodeId> {
    let before = |id: &NodeId| {
        let input = *plan.node(*id).inputs.first()?;
        (plan.node(input).job == job).then_some(input)
    };
    let mut chain: Vec<NodeId> = std::iter::successors(Some(result), before).collect();
    chain.reverse();
    chain
}

struct Same<'p> {
    plan: &'p Plan,
    pipeline: &'p Pipeline,
}

impl Same<'_> {
    /// The operators with which both begin: those of the second by those of the first.
    fn common(&self, a: &[NodeId], b: &[NodeId]) -> Vec<(NodeId, NodeId)> {
        let mut common = vec![];
        for at in 0..a.len().min(b.len()) - 1 {
            // What a union brings together streams only where nothing else reads it.
            let is_kept = |chain: &[NodeId]| self.plan.node(chain[at + 1]).kind == NodeKind::Gather;
            let sides = self.sides(a[at], b[at]);
            let Some(sides) = sides.filter(|_| !is_kept(a) && !is_kept(b)) else { break };
            common.push((b[at], a[at]));
            common.extend(sides);
        }
        let is_step = |(node, _): &(NodeId, NodeId)| {
            matches!(self.plan.node(*node).kind, NodeKind::Steps(_) | NodeKind::Step(_))
        };
        if common.iter().any(is_step) { common } else { vec![] }
    }

    /// If both do the same with the same rows: what else they read, likewise.
    fn sides(&self, a: NodeId, b: NodeId) -> Option<Vec<(NodeId, NodeId)>> {
        let (of_a, of_b) = (self.plan.node(a), self.plan.node(b));
        let is_same = match (of_a.kind, of_b.kind) {
            (NodeKind::Read { .. }, NodeKind::Read { .. }) => of_a.live == of_b.live,
            (NodeKind::Steps(first), NodeKind::Steps(second)) => {
                let first = steps_of(self.pipeline, of_a, first);
                let second = steps_of(self.pipeline, of_b, second);
                let mut both = first.iter().zip(second);
                first.len() == second.len() && both.all(|(a, b)| a.kind.is_same(&b.kind))
            }
            (NodeKind::Step(first), NodeKind::Step(second))
            | (NodeKind::Build(first), NodeKind::Build(second)) => {
                let first = step_of(self.pipeline, of_a, first);
                first.is_same(step_of(self.pipeline, of_b, second))
            }
            _ => false,
        };
        if !is_same || !self.fail_alike(of_a, of_b) {
            return None;
        }
        let is_main = |node: &Node| match node.kind {
            NodeKind::Build(_) => 0,
            _ => 1,
        };
        let mut sides = vec![];
        for (&a, &b) in of_a.inputs.iter().zip(&of_b.inputs).skip(is_main(of_a)) {
            if a != b {
                sides.push((b, a));
                sides.extend(self.sides(a, b)?);
            }
        }
        Some(sides)
    }

    /// Do rows that fail in one job go the same way as in the other, so that it is enough to count
    /// them?
    fn fail_alike(&self, a: &Node, b: &Node) -> bool {
        let [Some(first), Some(second)] = [a, b].map(|node| self.job(node)) else { return false };
        let splits_by_key = |job: &Job| {
            let partition = job.partition.as_ref();
            partition.is_some_and(|partition| matches!(partition.by, PartitionBy::Hash(_)))
        };
        first.on_error.policy == second.on_error.policy
            && (!self.may_fail(a)
                || !self.sets_aside(a) && !splits_by_key(first) && !splits_by_key(second))
    }

    fn job(&self, node: &Node) -> Option<&Job> {
        node.job.map(|job| &self.pipeline.jobs[job.0 as usize])
    }

    fn may_fail(&self, node: &Node) -> bool {
        match node.kind {
            NodeKind::Read { .. } => true,
            NodeKind::Steps(range) => {
                steps_of(self.pipeline, node, range).iter().any(|step| may_fail(&step.kind))
            }
            NodeKind::Build(step) => match step_of(self.pipeline, node, step) {
                StepKind::Join(join) => {
                    let nearest = join.nearest.iter().map(|nearest| &nearest.right);
                    join.right_keys.iter().chain(nearest).any(|key| key.may_fail())
                }
                _ => false,
            },
            NodeKind::Step(step) => may_fail(step_of(self.pipeline, node, step)),
            NodeKind::Scan(_)
            | NodeKind::Gather
            | NodeKind::Entry
            | NodeKind::Result
            | NodeKind::Sink(_) => false,
        }
    }

    /// Are rows set aside that fail here?
    fn sets_aside(&self, node: &Node) -> bool {
        if let NodeKind::Step(step) = node.kind
            && let StepKind::Expect(rule) = step_of(self.pipeline, node, step)
            && matches!(rule.action, ExpectAction::Quarantine(_))
        {
            return true;
        }
        let policy = self.job(node).map(|job| job.on_error.policy);
        matches!(policy, Some(ErrorPolicy::Quarantine(_)))
    }
}
