//! Where stages end, and what leads there.

use super::Schedule;
use crate::exec::compile::{Action, Probe};
use crate::ir::{Input, JobId, StepKind};
use crate::plan::{Node, NodeId, NodeKind, step_of};
use std::collections::{BTreeMap, BTreeSet};

/// What leads to the operator that ends a stage.
#[derive(Default)]
pub(super) struct Path {
    /// Where it begins: at several tables, one after the other, if a union streams them.
    pub roots: Vec<NodeId>,
    pub nodes: Vec<NodeId>,
    /// Tables of joins that must be there before.
    pub needs: Vec<NodeId>,
    /// Jobs that must be done before.
    pub after: BTreeSet<JobId>,
}

impl Schedule<'_, '_> {
    fn is_union(&self, id: NodeId) -> bool {
        let node = self.execution.plan.node(id);
        matches!(node.kind, NodeKind::Step(step)
            if matches!(step_of(self.execution.pipeline, node, step), StepKind::Union { .. }))
    }

    /// Does a stage end here? As the plan says, and at joins that need all left rows because the
    /// right ones are on disk.
    fn ends(&self, id: NodeId) -> bool {
        let is_spilled = || {
            let Action::Probe(probe) = &self.execution.nodes[id.at()].action else { return false };
            matches!(probe.get(), Some(Probe::Spilled(_)))
        };
        self.execution.plan.ends_stage(id, self.execution.pipeline) || is_spilled()
    }

    /// The unions, and the ways to all other ends of stages.
    pub(super) fn cut(&self) -> (Vec<NodeId>, BTreeMap<NodeId, Path>) {
        let not_needed = self.not_needed();
        let is_end = |id: &NodeId| self.ends(*id) && !not_needed.contains(id);
        let ends = self.execution.plan.iter().map(|(id, _)| id).filter(is_end);
        let (unions, ends): (Vec<NodeId>, Vec<NodeId>) = ends.partition(|id| self.is_union(*id));
        (unions, ends.into_iter().map(|end| (end, self.path(end))).collect())
    }

    /// Adds the way from the last ends of stages, or scans, to an operator.
    fn lead_to(&self, at: NodeId, path: &mut Path) {
        let plan = self.execution.plan;
        path.nodes.push(at);
        let inputs = &plan.node(at).inputs;
        let (tables, needs) = match self.is_union(at) && plan.streamed.contains(&at) {
            true => (&inputs[..], &[][..]),
            false => inputs.split_at(inputs.len().min(1)),
        };
        path.needs.extend(needs);
        for &table in tables {
            if self.ends(table) || plan.node(table).inputs.is_empty() {
                path.roots.push(table);
            } else {
                self.lead_to(table, path);
            }
        }
        if tables.is_empty() {
            path.roots.push(at);
        }
    }

    fn path(&self, end: NodeId) -> Path {
        let mut path = Path::default();
        self.lead_to(end, &mut path);
        let plan = self.execution.plan;
        let nodes = path.nodes.iter().map(|node| plan.node(*node));
        let jobs = nodes.filter(|node| node.kind != NodeKind::Entry).flat_map(Node::jobs);
        let after = jobs.flat_map(|job| &self.execution.pipeline.jobs[job.0 as usize].after);
        path.after = after.copied().collect();
        // A quarantine is whole when all have been run that set rows aside there.
        let scans = path.roots.iter().filter_map(|root| match plan.node(*root).kind {
            NodeKind::Scan(source) => Some(Input::Source(source)),
            _ => None,
        });
        let writers = scans.flat_map(|scan| self.execution.pipeline.writers(scan));
        path.after.extend(writers.filter_map(Input::job));
        path
    }

    /// Is a job still to be done that this way leads on from only behind it?
    pub(super) fn waits(&self, path: &Path, paths: &BTreeMap<NodeId, Path>) -> bool {
        let is_of = |node: &NodeId| {
            self.execution.plan.node(*node).jobs().any(|job| path.after.contains(&job))
        };
        let is_open = |(end, other): (&NodeId, &Path)| {
            !self.done.contains(end) && other.nodes.iter().any(is_of)
        };
        !path.after.is_empty() && paths.iter().any(is_open)
    }
}
