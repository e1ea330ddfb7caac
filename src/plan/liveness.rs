//! Which columns anyone reads, from the outputs backwards. A column whose computing may fail a
//! row is always computed: what a run does must not depend on what is read later.

use super::{Node, NodeKind, Placed, Plan, placed_steps, step_of, steps_of};
use crate::ir::{self, ErrorPolicy, ExpectAction, Expr, JoinKind, PartitionBy, Step, StepKind};

/// Fills [`Node::live`] of all operators.
pub(super) fn find_live(plan: &mut Plan, pipeline: &ir::Pipeline) {
    plan.nodes.iter_mut().for_each(|node| node.live = vec![false; node.width]);
    for at in (0..plan.nodes.len()).rev() {
        // Whether a row came since the last run is asked of every row.
        if let NodeKind::Read { source, .. } = plan.nodes[at].kind
            && let Some(incremental) = &pipeline.sources[source.0 as usize].incremental
        {
            plan.nodes[at].live[incremental.column] = true;
        }
        let node = &plan.nodes[at];
        let inputs: Vec<usize> = node.inputs.iter().map(|input| input.at()).collect();
        for (position, input) in inputs.into_iter().enumerate() {
            let width = plan.nodes[input].width;
            let wanted = wanted(&plan.nodes[at], position, width, pipeline);
            for (live, wanted) in plan.nodes[input].live.iter_mut().zip(wanted) {
                *live |= wanted;
            }
        }
    }
    if plan.computes_unread {
        compute_unread(plan, pipeline);
    }
}

/// Adds to what is read all that can be computed from the columns that are read of the sources:
/// which these are decides which rows fail, so it does not depend on passes.
fn compute_unread(plan: &mut Plan, pipeline: &ir::Pipeline) {
    for at in 0..plan.nodes.len() {
        let node = &plan.nodes[at];
        let given: Vec<&[bool]> =
            node.inputs.iter().map(|input| &*plan.nodes[input.at()].live).collect();
        let is_there = |value: &Expr, given: &[bool]| {
            let mut all = true;
            value.visit_columns(&mut |column| all &= given[column]);
            all
        };
        let live: Vec<bool> = match node.kind {
            NodeKind::Scan(_) | NodeKind::Read { .. } | NodeKind::Sink(_) => continue,
            NodeKind::Gather | NodeKind::Entry | NodeKind::Result | NodeKind::Build(_) => {
                given[0].to_vec()
            }
            NodeKind::Steps(range) => {
                let mut live = given[0].to_vec();
                for step in steps_of(pipeline, node, range) {
                    match &step.kind {
                        StepKind::Set { column, value } => {
                            let is_there = is_there(value, &live);
                            match live.get_mut(*column) {
                                Some(old) => *old = is_there,
                                None => live.push(is_there),
                            }
                        }
                        StepKind::Project(values) => {
                            live = values.iter().map(|value| is_there(value, &live)).collect();
                        }
                        _ => {}
                    }
                }
                live
            }
            NodeKind::Step(step) => match step_of(pipeline, node, step) {
                StepKind::Aggregate { .. } => vec![true; node.width],
                StepKind::Join(join) => {
                    let right = join.right_columns.iter().map(|column| given[1][*column]);
                    let mark = (join.kind == JoinKind::Mark).then_some(true);
                    given[0].iter().copied().chain(right).chain(mark).collect()
                }
                StepKind::Union { columns, .. } => {
                    let of_all = |column: usize| {
                        let mut tables = columns.iter().zip(&given);
                        tables.all(|(values, given)| is_there(&values[column], given))
                    };
                    (0..node.width).map(of_all).collect()
                }
                StepKind::Window(window) => {
                    let is_there = |argument: &Expr| is_there(argument, given[0]);
                    let calls = window.calls.iter();
                    let new = calls.map(|call| call.arguments.iter().all(is_there));
                    given[0].iter().copied().chain(new).collect()
                }
                // The columns of a pattern follow all others.
                _ => {
                    let new = vec![true; node.width - given[0].len()];
                    given[0].iter().copied().chain(new).collect()
                }
            },
        };
        plan.nodes[at].live = live;
    }
}

fn add(live: &mut [bool], expr: &Expr) {
    expr.visit_columns(&mut |column| live[column] = true);
}

/// The columns of input `position` (of `width` columns) that the operator reads.
pub(super) fn wanted(
    node: &Node,
    position: usize,
    width: usize,
    pipeline: &ir::Pipeline,
) -> Vec<bool> {
    let all = vec![true; width];
    let quarantines = quarantines(node, pipeline);
    match node.kind {
        NodeKind::Sink(_) => all,
        NodeKind::Scan(_) => vec![],
        NodeKind::Entry => node.live.clone(),
        NodeKind::Gather if node.consumers.is_empty() => all,
        // Which rows are set aside must not depend on who else reads the job.
        NodeKind::Result if node.jobs().any(|job| pipeline.is_read_aside(job)) => all,
        NodeKind::Gather | NodeKind::Result => {
            let mut live = node.live.clone();
            let partition =
                node.job.and_then(|job| pipeline.jobs[job.0 as usize].partition.as_ref());
            if let Some(partition) = partition
                && live.len() == width
            {
                match &partition.by {
                    PartitionBy::Hash(key) if quarantines && key.may_fail() => live = all,
                    PartitionBy::Hash(key) => add(&mut live, key),
                    PartitionBy::Size => live = all,
                    _ => {}
                }
            }
            live
        }
        NodeKind::Read { .. } => {
            if quarantines {
                all
            } else {
                node.live.clone()
            }
        }
        NodeKind::Build(step) => {
            let StepKind::Join(join) = step_of(pipeline, node, step) else { return all };
            let mut live = node.live.clone();
            join.right_keys.iter().for_each(|key| add(&mut live, key));
            join.nearest.iter().for_each(|nearest| add(&mut live, &nearest.right));
            live
        }
        NodeKind::Steps(_) => uses_of(node, pipeline, width).0,
        NodeKind::Step(step) => {
            let step = step_of(pipeline, node, step);
            let mut live = step_wants(step, node, position, width);
            if quarantines && may_fail(step) {
                live = all;
            }
            live
        }
    }
}

/// Are rows that fail set aside? Then they are whole.
fn quarantines(node: &Node, pipeline: &ir::Pipeline) -> bool {
    node.job.is_some_and(|job| {
        matches!(pipeline.jobs[job.0 as usize].on_error.policy, ErrorPolicy::Quarantine(_))
    })
}

/// What is read of a step among others of a [`NodeKind::Steps`].
pub(crate) struct StepUse {
    /// Which step, and whether it only makes room.
    pub placed: Placed,
    /// Which of its expressions are computed.
    pub computed: Vec<bool>,
    /// The columns of the row that it gives that hold something, and that nobody reads from here
    /// on.
    pub dead: Vec<usize>,
}

/// Of a [`NodeKind::Steps`] whose input has so many columns: which of those it reads, and what is
/// read of each step, in the order in which they are done.
pub(crate) fn uses_of(
    node: &Node,
    pipeline: &ir::Pipeline,
    width: usize,
) -> (Vec<bool>, Vec<StepUse>) {
    let NodeKind::Steps(range) = node.kind else { unreachable!("only of steps row by row") };
    let steps = placed_steps(pipeline, node, range);
    let quarantines = quarantines(node, pipeline);
    let dead = node.live.iter().filter(|live| !**live).count();
    let mut live = Live { columns: node.live.clone(), dead };
    let mut uses = Vec::with_capacity(steps.len());
    let width_before = |width: &mut usize, (_, step): &(Placed, &Step)| {
        let after = step.kind.width_after(*width);
        Some(std::mem::replace(width, after))
    };
    let widths: Vec<usize> = steps.iter().scan(width, width_before).collect();
    for ((placed, step), width) in steps.into_iter().zip(widths).rev() {
        if placed.makes_room {
            live.shrink(width);
            uses.push(StepUse { placed, computed: vec![false], dead: vec![] });
        } else {
            uses.push(live.before(placed, step, width, quarantines && may_fail(&step.kind)));
        }
    }
    uses.reverse();
    (live.columns, uses)
}

/// Which columns are read from some step on.
struct Live {
    columns: Vec<bool>,
    /// How many are not.
    dead: usize,
}

impl Live {
    /// Goes back over a step before which there are so many columns; are all of them read?
    fn before(&mut self, placed: Placed, step: &Step, width: usize, all: bool) -> StepUse {
        let mut computed = vec![];
        let mut new = vec![];
        match &step.kind {
            StepKind::Filter { condition, .. } => {
                computed.push(true);
                self.add(condition, all, &mut new);
            }
            StepKind::Set { column, value } => {
                let is_live = self.columns[*column];
                let is_computed = is_live || value.may_fail();
                computed.push(is_computed);
                match *column < width {
                    true => self.kill(*column),
                    false => self.shrink(width),
                }
                if is_computed {
                    self.add(value, all, &mut new);
                    new.retain(|read| read != column);
                    new.extend((!is_live).then_some(*column));
                }
            }
            StepKind::Project(values) => {
                let after = std::mem::replace(&mut self.columns, vec![false; width]);
                self.dead = width;
                for (value, is_live) in values.iter().zip(after) {
                    let is_computed = is_live || value.may_fail();
                    computed.push(is_computed);
                    if is_computed {
                        self.add(value, all, &mut new);
                    }
                }
                // Nothing of the row before is left.
                new.clear();
            }
            _ => unreachable!("only filters and projections go row by row"),
        }
        StepUse { placed, computed, dead: new }
    }

    /// Adds the columns that an expression reads, or all, and to `new` those that nobody had read.
    fn add(&mut self, expr: &Expr, all: bool, new: &mut Vec<usize>) {
        let Live { columns, dead } = self;
        if all && *dead == 0 {
            return;
        }
        let width = columns.len();
        let mut add = |column: usize| {
            if !std::mem::replace(&mut columns[column], true) {
                *dead -= 1;
                new.push(column);
            }
        };
        match all {
            true => (0..width).for_each(add),
            false => expr.visit_columns(&mut add),
        }
    }

    fn kill(&mut self, column: usize) {
        self.dead += usize::from(std::mem::replace(&mut self.columns[column], false));
    }

    fn shrink(&mut self, width: usize) {
        let gone = self.columns.drain(width..);
        self.dead -= gone.filter(|live| !live).count();
    }
}

/// May a row fail in this step?
pub(crate) fn may_fail(step: &StepKind) -> bool {
    match step {
        StepKind::Filter { condition, .. } => condition.may_fail(),
        StepKind::Project(columns) => columns.iter().any(Expr::may_fail),
        StepKind::Set { value, .. } => value.may_fail(),
        StepKind::Aggregate { keys, aggregates } => {
            keys.iter().any(Expr::may_fail)
                || aggregates.iter().flat_map(|call| &call.arguments).any(Expr::may_fail)
        }
        StepKind::Window(window) => window.may_fail(),
        StepKind::Sort(keys) => keys.iter().any(|key| key.value.may_fail()),
        StepKind::Take { by, .. } => by.iter().any(Expr::may_fail),
        StepKind::Dedupe(dedupe) => dedupe.keys.iter().any(Expr::may_fail),
        StepKind::Join(join) => {
            let nearest = join.nearest.iter().flat_map(ir::Nearest::of_left);
            join.left_keys.iter().chain(nearest).chain(&join.residual).any(Expr::may_fail)
        }
        StepKind::Parse(_) | StepKind::Expect(_) => true,
        StepKind::Distinct
        | StepKind::Union { .. }
        | StepKind::Explode { .. }
        | StepKind::ExpectAll(_) => false,
    }
}

fn step_wants(step: &StepKind, node: &Node, position: usize, width: usize) -> Vec<bool> {
    let mut live = vec![false; width];
    let pass = |live: &mut Vec<bool>| live.copy_from_slice(&node.live[..width]);
    match step {
        StepKind::Filter { .. } | StepKind::Project(_) | StepKind::Set { .. } => {
            unreachable!("they are planned with their neighbours")
        }
        StepKind::Aggregate { keys, aggregates } => {
            let arguments = aggregates.iter().flat_map(|call| &call.arguments);
            keys.iter().chain(arguments).for_each(|expr| add(&mut live, expr));
        }
        StepKind::Window(window) => {
            pass(&mut live);
            window_wants(window, node, &mut live);
        }
        StepKind::Sort(keys) => {
            pass(&mut live);
            keys.iter().for_each(|key| add(&mut live, &key.value));
        }
        StepKind::Take { by, .. } => {
            pass(&mut live);
            by.iter().for_each(|key| add(&mut live, key));
        }
        StepKind::Distinct | StepKind::Dedupe(_) => live.fill(true),
        StepKind::Join(join) if position == 0 => {
            pass(&mut live);
            left_of_join(join, &mut live);
        }
        StepKind::Join(join) => right_of_join(join, node, &mut live),
        StepKind::Union { columns, .. } => {
            for (at, value) in columns[position].iter().enumerate() {
                if node.live[at] || value.may_fail() {
                    add(&mut live, value);
                }
            }
        }
        StepKind::Explode { column } => {
            pass(&mut live);
            live[*column] = true;
        }
        StepKind::Parse(parse) => {
            pass(&mut live);
            live[parse.column] = true;
        }
        StepKind::ExpectAll(_) => pass(&mut live),
        StepKind::Expect(expectation) => {
            pass(&mut live);
            add(&mut live, &expectation.condition);
            if matches!(expectation.action, ExpectAction::Quarantine(_)) {
                live.fill(true);
            }
        }
    }
    live
}

/// What a window computes its new columns of, as far as they are computed.
fn window_wants(window: &ir::Window, node: &Node, live: &mut [bool]) {
    window.keys.iter().for_each(|key| add(live, key));
    window.sort.iter().for_each(|key| add(live, &key.value));
    let computed = window.calls.iter().zip(computed_calls(window, node));
    for (call, _) in computed.filter(|(_, is_computed)| *is_computed) {
        call.arguments.iter().for_each(|argument| add(live, argument));
    }
}

/// Which of its new columns a window computes: those that are read, and those that may fail.
pub(crate) fn computed_calls(window: &ir::Window, node: &Node) -> Vec<bool> {
    let live = &node.live[node.width - window.calls.len()..];
    window.calls.iter().zip(live).map(|(call, is_live)| *is_live || call.may_fail()).collect()
}

/// The left columns that a join compares.
fn left_of_join(join: &ir::Join, live: &mut [bool]) {
    let nearest = join.nearest.iter().flat_map(ir::Nearest::of_left);
    join.left_keys.iter().chain(nearest).for_each(|key| add(live, key));
    if let Some(residual) = &join.residual {
        residual.visit_columns(&mut |column| {
            if column < live.len() {
                live[column] = true;
            }
        });
    }
}

/// The right columns that a join gives on or compares beside its keys.
fn right_of_join(join: &ir::Join, node: &Node, live: &mut [bool]) {
    let left = node.width - join.new_columns();
    for (at, &column) in join.right_columns.iter().enumerate() {
        live[column] |= node.live[left + at];
    }
    if let Some(residual) = &join.residual {
        residual.visit_columns(&mut |column| {
            if column >= left {
                live[column - left] = true;
            }
        });
    }
}
