//! Columns that a filter does not need are computed behind it, for the rows that are left.

use crate::ir::{Pipeline, Step, StepKind};
use crate::plan::{NodeKind, Placed, Plan, may_fail, steps_of};
use std::collections::BTreeSet;

pub(super) fn defer(plan: &mut Plan, pipeline: &Pipeline) {
    for at in 0..plan.nodes.len() {
        let node = &plan.nodes[at];
        let NodeKind::Steps(range) = node.kind else { continue };
        let width = plan.node(node.inputs[0]).width;
        let mut order = Order { steps: steps_of(pipeline, node, range), width, ..Order::default() };
        (0..order.steps.len()).for_each(|step| order.take(step));
        order.place_waiting();
        plan.nodes[at].order = order.placed;
    }
}

/// An order of steps, while it is made.
#[derive(Default)]
struct Order<'p> {
    steps: &'p [Step],
    placed: Vec<Placed>,
    /// Of the row behind those that are placed.
    width: usize,
    /// Steps on which no row can fail, which set a column each that nobody has needed so far.
    waiting: Vec<usize>,
}

impl Order<'_> {
    fn take(&mut self, step: usize) {
        match &self.steps[step].kind {
            kind if may_fail(kind) => self.place_waiting(),
            StepKind::Set { .. } => return self.waiting.push(step),
            StepKind::Filter { condition, .. } => {
                let mut needed = BTreeSet::new();
                condition.visit_columns(&mut |column| _ = needed.insert(column));
                self.place_needed(needed);
            }
            _ => self.place_waiting(),
        }
        self.place(step, false);
    }

    fn place(&mut self, step: usize, makes_room: bool) {
        self.width = self.steps[step].kind.width_after(self.width);
        self.placed.push(Placed { step, makes_room });
    }

    fn place_waiting(&mut self) {
        for step in std::mem::take(&mut self.waiting) {
            self.place(step, false);
        }
    }

    /// Places the steps that wait and that these columns depend on, and those that could not change
    /// places with them.
    fn place_needed(&mut self, mut needed: BTreeSet<usize>) {
        let mut written = BTreeSet::new();
        let mut is_needed = vec![false; self.waiting.len()];
        for (at, &step) in self.waiting.iter().enumerate().rev() {
            let StepKind::Set { column, value } = &self.steps[step].kind else { continue };
            let mut reads = BTreeSet::new();
            value.visit_columns(&mut |column| _ = reads.insert(column));
            let is_before_others = written.contains(column) || !written.is_disjoint(&reads);
            if needed.contains(column) || is_before_others {
                is_needed[at] = true;
                needed.remove(column);
                needed.extend(reads);
                written.insert(*column);
            }
        }
        for (step, is_needed) in std::mem::take(&mut self.waiting).into_iter().zip(is_needed) {
            if is_needed {
                self.place(step, false);
                continue;
            }
            // The columns behind a new one keep their places.
            if self.steps[step].kind.width_after(self.width) > self.width {
                self.place(step, true);
            }
            self.waiting.push(step);
        }
    }
}
