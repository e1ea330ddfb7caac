//! What holds of every plan, looked at after each pass of a debug build.

use super::liveness::wanted;
use super::{NodeId, NodeKind, Plan, step_of, steps_of};
use crate::ir::{Expr, Pipeline, Row, Step, StepKind};

/// Asserts that the plan is whole: inputs before readers, rows as wide as the steps declare, every
/// column that is read there, and computed once it is known what is.
pub(super) fn verify(plan: &Plan, pipeline: &Pipeline, after: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    for (id, node) in plan.iter() {
        for input in &node.inputs {
            assert!(*input < id, "after {after}: {id:?} comes before what it reads");
            let reads = node.inputs.iter().filter(|other| *other == input).count();
            let consumers = &plan.node(*input).consumers;
            let known = consumers.iter().filter(|reader| **reader == id).count();
            assert_eq!(known, reads, "after {after}: {input:?} does not know that {id:?} reads it");
        }
        let readers = node.consumers.iter();
        let read = |reader: &NodeId| plan.node(*reader).inputs.contains(&id);
        assert!(readers.clone().all(read), "after {after}: {id:?} is read by another than it says");
        rows(plan, id, pipeline, after);
        if !node.live.is_empty() {
            assert_eq!(node.live.len(), node.width, "after {after}: {id:?}");
            lives(plan, id, pipeline, after);
        }
    }
}

/// The rows that an operator gets and gives are those of its steps, and hold what these read.
fn rows(plan: &Plan, id: NodeId, pipeline: &Pipeline, after: &str) {
    let node = plan.node(id);
    let given = |input: usize| plan.node(node.inputs[input]).width;
    let width = |row: &Row| row.columns.len();
    match node.kind {
        NodeKind::Scan(source) => {
            assert_eq!(node.width, width(&pipeline.sources[source.0 as usize].row));
        }
        NodeKind::Read { .. }
        | NodeKind::Gather
        | NodeKind::Entry
        | NodeKind::Result
        | NodeKind::Build(_) => {
            assert_eq!(node.width, given(0), "after {after}: {id:?} changes no columns");
        }
        NodeKind::Sink(_) => assert_eq!(node.width, given(0), "after {after}: {id:?}"),
        NodeKind::Steps(range) => {
            let mut before = given(0);
            for step in steps_of(pipeline, node, range) {
                reads(step, before, id, after);
                before = step.kind.width_after(before);
            }
            assert_eq!(node.width, before, "after {after}: the row of {id:?}");
        }
        NodeKind::Step(step) => {
            if let StepKind::Join(join) = step_of(pipeline, node, step) {
                assert_eq!(given(1), width(&join.right_row), "after {after}: {id:?}");
                assert_eq!(node.width, given(0) + join.new_columns(), "after {after}: {id:?}");
            }
        }
    }
}

/// Every column that a step row by row reads is there.
fn reads(step: &Step, width: usize, id: NodeId, after: &str) {
    let is_there = |value: &Expr| {
        let mut all = true;
        value.visit_columns(&mut |column| all &= column < width);
        all
    };
    let all = match &step.kind {
        StepKind::Filter { condition, .. } => is_there(condition),
        StepKind::Set { column, value } => *column <= width && is_there(value),
        StepKind::Project(values) => values.iter().all(is_there),
        _ => false,
    };
    assert!(all, "after {after}: {id:?} reads a column that is not there");
}

/// What an operator reads of its inputs is computed.
fn lives(plan: &Plan, id: NodeId, pipeline: &Pipeline, after: &str) {
    let node = plan.node(id);
    for (position, input) in node.inputs.iter().enumerate() {
        let given = plan.node(*input);
        let wanted = wanted(node, position, given.width, pipeline);
        let is_given = |(wanted, live): (&bool, &bool)| *live || !*wanted;
        let all = wanted.iter().zip(&given.live).all(is_given);
        assert!(all, "after {after}: {id:?} reads a column of {input:?} that is not computed");
    }
}
