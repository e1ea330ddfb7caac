//! Which stages end before the end of their input.

use super::{NodeId, NodeKind, Plan, step_of};
use crate::ir::{Pipeline, StepKind};
use std::collections::BTreeMap;

impl Plan {
    /// The `take`s and gathered first rows with which the reading ends, since nothing else that
    /// reads the same needs more.
    pub fn early_ends(&self, pipeline: &Pipeline) -> Vec<NodeId> {
        let ends = self.iter().map(|(id, _)| id).filter(|id| self.ends_stage(*id, pipeline));
        let roots: Vec<(NodeId, Vec<NodeId>)> = ends
            .map(|end| {
                let mut roots = vec![];
                self.find_roots(end, pipeline, &mut roots);
                (end, roots)
            })
            .collect();
        let mut readers: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for (end, roots) in &roots {
            roots.iter().for_each(|root| readers.entry(*root).or_default().push(*end));
        }
        let is_early = |(end, roots): &(NodeId, Vec<NodeId>)| {
            let mut all = roots.iter().flat_map(|root| &readers[root]).chain([end]);
            all.all(|end| self.may_have_enough(*end, pipeline))
                && !roots.iter().any(|root| self.goes_on(*root))
        };
        roots.iter().filter(|end| is_early(end)).map(|(end, _)| *end).collect()
    }

    /// Is it read by an operator of its own job? A job accounts for all rows that came to it, also
    /// for those it does not need in the end.
    pub fn goes_on(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let is_read_in = |job| node.consumers.iter().any(|reader| self.node(*reader).is_of(job));
        node.jobs().any(is_read_in)
    }

    /// Where the stage begins that ends here.
    fn find_roots(&self, of: NodeId, pipeline: &Pipeline, roots: &mut Vec<NodeId>) {
        let inputs = &self.node(of).inputs;
        let tables = if self.streamed.contains(&of) { inputs.len() } else { inputs.len().min(1) };
        for &table in &inputs[..tables] {
            if self.ends_stage(table, pipeline) || self.node(table).inputs.is_empty() {
                roots.push(table);
            } else {
                self.find_roots(table, pipeline, roots);
            }
        }
    }

    fn may_have_enough(&self, end: NodeId, pipeline: &Pipeline) -> bool {
        let node = self.node(end);
        match node.kind {
            NodeKind::Step(step) => {
                let step = step_of(pipeline, node, step);
                matches!(step, StepKind::Take { by, .. } if by.is_empty())
            }
            NodeKind::Gather => node.consumers.is_empty() && self.first_rows.is_some(),
            _ => false,
        }
    }
}
