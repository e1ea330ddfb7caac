//! Filters that read columns of the left side of a join only, or keys of a window, or stand behind a
//! sort, go in front of it, so that fewer rows are looked up or sorted.
//!
//! They do where nobody can tell: no row can fail on the way, no row becomes several, which would be
//! counted, and no null key is left out that would be counted too.

use crate::ir::{Expr, ExprKind, Join, Pipeline, Step, StepKind, Window, WindowCall, WindowValue};
use crate::plan::{NodeId, NodeKind, Plan, may_fail, step_of, steps_of};
use std::collections::BTreeSet;

pub(super) fn bring_forward(plan: &mut Plan, pipeline: &Pipeline) {
    for at in 0..plan.nodes.len() {
        if let Some(passed) = passed(plan, pipeline, NodeId(at as u32)) {
            move_before(plan, NodeId(at as u32), &passed);
        }
    }
}

/// The operators in front of which a filter may go, the last first, if it is worth it.
fn passed(plan: &Plan, pipeline: &Pipeline, filter: NodeId) -> Option<Vec<NodeId>> {
    let reads = columns_of_filter(plan, pipeline, filter)?;
    let of = plan.node(filter);
    let (mut passed, mut worth) = (vec![], 0);
    let mut before = of.inputs[0];
    loop {
        let node = plan.node(before);
        let is_alone = node.consumers.len() == 1 && node.job == of.job && node.also == of.also;
        let cost = is_alone.then(|| cost_of_passed(plan, pipeline, before, &reads)).flatten();
        let Some(cost) = cost else { break };
        passed.push(before);
        if cost == Cost::Lookup {
            worth = passed.len();
        }
        before = node.inputs[0];
    }
    passed.truncate(worth);
    (worth > 0).then_some(passed)
}

/// What an operator costs for each row that a filter spares it.
#[derive(PartialEq, Eq)]
enum Cost {
    /// Little: a column, which is computed behind the filters next to it anyway.
    Column,
    /// A place in an order, or in a table.
    Lookup,
}

/// The cost of an operator in front of which a filter on these columns may go.
fn cost_of_passed(
    plan: &Plan,
    pipeline: &Pipeline,
    id: NodeId,
    reads: &BTreeSet<usize>,
) -> Option<Cost> {
    let node = plan.node(id);
    match node.kind {
        NodeKind::Steps(range) => match steps_of(pipeline, node, range) {
            [Step { kind: kind @ StepKind::Set { column, .. }, .. }] => {
                (!may_fail(kind) && !reads.contains(column)).then_some(Cost::Column)
            }
            _ => None,
        },
        NodeKind::Step(step) => match step_of(pipeline, node, step) {
            kind @ StepKind::Sort(_) => (!may_fail(kind)).then_some(Cost::Lookup),
            StepKind::Window(window) => leaves_whole(window, reads).then_some(Cost::Lookup),
            StepKind::Join(join) => {
                let width = plan.node(node.inputs[0]).width;
                let is_left = reads.iter().all(|column| *column < width);
                (is_left && may_pass(join)).then_some(Cost::Lookup)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The columns that a filter on which no row fails reads, if it is one.
fn columns_of_filter(plan: &Plan, pipeline: &Pipeline, id: NodeId) -> Option<BTreeSet<usize>> {
    let node = plan.node(id);
    let NodeKind::Steps(range) = node.kind else { return None };
    let [step] = steps_of(pipeline, node, range) else { return None };
    let StepKind::Filter { condition, .. } = &step.kind else { return None };
    let mut reads = BTreeSet::new();
    condition.visit_columns(&mut |column| _ = reads.insert(column));
    (!condition.may_fail()).then_some(reads)
}

/// May a filter on left rows be done before this join?
fn may_pass(join: &Join) -> bool {
    if join.kind.keeps_right() {
        return false;
    }
    let is_one = join.check.right_unique.is_some()
        || !join.kind.gives_pairs()
        || join.nearest.is_some()
        || is_proven(join);
    let is_checked = join.residual.is_some() || join.check.left_unique.is_some();
    let nearest = join.nearest.iter().map(|nearest| &nearest.left);
    let mut compared = join.left_keys.iter().chain(nearest);
    is_one && !is_checked && !compared.any(|key| key.may_fail() || key.ty.nullable)
}

/// Does a filter on these columns keep all rows of equal keys of a window or none of them, and may it
/// be done before? Sessions are numbered through all rows.
fn leaves_whole(window: &Window, reads: &BTreeSet<usize>) -> bool {
    let key = |key: &Expr| match key.kind {
        ExprKind::Column(column) => Some(column),
        _ => None,
    };
    let keys: BTreeSet<usize> = window.keys.iter().filter_map(key).collect();
    let may_go =
        |call: &WindowCall| !call.may_fail() && !matches!(call.value, WindowValue::Session { .. });
    reads.is_subset(&keys) && !window.may_fail() && window.calls.iter().all(may_go)
}

/// Do the steps of the right side show that no key comes twice?
fn is_proven(join: &Join) -> bool {
    let column = |key: &Expr| match key.kind {
        ExprKind::Column(column) => Some(column),
        _ => None,
    };
    let keys: Vec<usize> = join.right_keys.iter().filter_map(column).collect();
    join.right_row.key_within(&keys).is_some_and(|key| key.declared.is_none())
}

/// Puts the filter in front of these operators: each of them takes the place of the next.
fn move_before(plan: &mut Plan, filter: NodeId, passed: &[NodeId]) {
    let mut to = filter;
    for &from in passed {
        let (a, b) = (from.at(), to.at());
        let (low, high) = plan.nodes.split_at_mut(b);
        let (before, behind) = (&mut low[a], &mut high[0]);
        std::mem::swap(&mut before.kind, &mut behind.kind);
        let sides = before.inputs.split_off(1);
        behind.inputs.extend(sides.iter().copied());
        // A filter is as wide as what it reads, and so is what it has changed places with as before.
        behind.width = before.width;
        let input = before.inputs[0];
        plan.nodes[a].width = plan.nodes[input.at()].width;
        for side in sides {
            let readers = plan.nodes[side.at()].consumers.iter_mut();
            readers.filter(|reader| **reader == from).for_each(|reader| *reader = to);
        }
        to = from;
    }
}
