//! From the jobs that are wanted to the graph of operators.

use super::passes;
use super::{Node, NodeId, NodeKind, Plan, StepRange, Targets, liveness, verify};
use crate::ir::{self, Input, JobId, Step, StepKind};
use std::collections::{HashMap, HashSet};

/// The operators that the targets need, and no others, after all passes that are on.
pub fn plan(pipeline: &ir::Pipeline, targets: &Targets) -> Plan {
    let mut plan = build(pipeline, targets);
    passes::run(&mut plan, pipeline, &targets.without);
    find_streamed(&mut plan, pipeline);
    liveness::find_live(&mut plan, pipeline);
    verify(&plan, pipeline, "finding what is read");
    plan
}

/// An operator for every step, with nothing made cheaper.
fn build(pipeline: &ir::Pipeline, targets: &Targets) -> Plan {
    let plan = Plan { computes_unread: true, first_rows: targets.first_rows, ..Plan::default() };
    let mut builder = Builder { pipeline, plan, tables: HashMap::new() };
    let needed = needed(pipeline, targets);
    for &job in &pipeline.order {
        if needed.contains(&job) {
            builder.job(job);
        }
    }
    for &output in &targets.outputs {
        builder.output(output);
    }
    for &table in &targets.tables {
        let from = builder.table(table, None, false);
        let width = builder.plan.node(from).width;
        builder.add(NodeKind::Gather, vec![from], None, width);
    }
    builder.plan
}

/// Fills [`Plan::streamed`].
fn find_streamed(plan: &mut Plan, pipeline: &ir::Pipeline) {
    for at in 0..plan.nodes.len() {
        let union = NodeId(at as u32);
        let NodeKind::Step(step) = plan.node(union).kind else { continue };
        let is_union =
            matches!(super::step_of(pipeline, plan.node(union), step), StepKind::Union { .. });
        let inputs = plan.node(union).inputs.clone();
        if is_union && inputs.iter().all(|input| is_alone(plan, *input, pipeline)) {
            plan.streamed.insert(union);
            plan.streamed.extend(inputs);
        }
    }
}

/// Are the rows of an operator read by nothing else on their way from where a stage begins?
fn is_alone(plan: &Plan, of: NodeId, pipeline: &ir::Pipeline) -> bool {
    let Some(&input) = plan.node(of).inputs.first() else { return true };
    let is_alone_here = plan.node(input).consumers.len() == 1;
    is_alone_here && (plan.ends_stage(input, pipeline) || is_alone(plan, input, pipeline))
}

/// The jobs that the targets need, themselves included. Who looks at a table is not kept waiting by
/// jobs that it does not read.
fn needed(pipeline: &ir::Pipeline, targets: &Targets) -> HashSet<JobId> {
    let mut needed = HashSet::new();
    let mut open: Vec<Input> =
        targets.outputs.iter().map(|&output| pipeline.outputs[output].from).collect();
    open.extend(&targets.tables);
    while let Some(input) = open.pop() {
        open.extend(pipeline.writers(input));
        if let Input::Job(job) = input
            && needed.insert(job)
        {
            match targets.outputs.is_empty() {
                true => open.extend(pipeline.jobs[job.0 as usize].inputs()),
                false => open.extend(pipeline.needs(job)),
            }
        }
    }
    needed
}

/// Does it make at most one row of each, without looking at others?
fn is_row_by_row(step: &Step) -> bool {
    matches!(step.kind, StepKind::Filter { .. } | StepKind::Project(_) | StepKind::Set { .. })
}

struct Builder<'p> {
    pipeline: &'p ir::Pipeline,
    plan: Plan,
    /// The scans of sources and the results of jobs.
    tables: HashMap<Input, NodeId>,
}

impl Builder<'_> {
    fn add(
        &mut self,
        kind: NodeKind,
        inputs: Vec<NodeId>,
        job: Option<JobId>,
        width: usize,
    ) -> NodeId {
        let id = NodeId(self.plan.nodes.len() as u32);
        for input in &inputs {
            self.plan.nodes[input.at()].consumers.push(id);
        }
        let live = vec![];
        self.plan.nodes.push(Node {
            kind,
            inputs,
            consumers: vec![],
            job,
            also: vec![],
            order: vec![],
            takes: None,
            kept: vec![],
            width,
            live,
        });
        id
    }

    /// What gives the table, as `job` sees it.
    fn table(&mut self, table: Input, job: Option<JobId>, main: bool) -> NodeId {
        let source = match table {
            Input::Source(source) => source,
            Input::Job(of) => {
                let at = self.tables[&table];
                let is_apart = job.is_some() && self.pipeline.is_waited_for(of);
                // Who runs after the job does so when its rows are there, and not when those who read
                // it, which may wait for others, are done.
                let width = self.plan.node(at).width;
                return match is_apart {
                    true => self.add(NodeKind::Entry, vec![at], job, width),
                    false => at,
                };
            }
        };
        let width = self.pipeline.sources[source.0 as usize].row.columns.len();
        let scan = match self.tables.get(&table) {
            Some(scan) => *scan,
            None => {
                let scan = self.add(NodeKind::Scan(source), vec![], None, width);
                self.tables.insert(table, scan);
                scan
            }
        };
        self.add(NodeKind::Read { source, main }, vec![scan], job, width)
    }

    fn job(&mut self, id: JobId) {
        let pipeline = self.pipeline;
        let job = &pipeline.jobs[id.0 as usize];
        let first = self.table(job.input, Some(id), true);
        let mut at = self.steps(id, first);
        let width = job.row().columns.len();
        // Which partition a row goes to depends on all of them.
        let is_by_size = job.partition.as_ref().is_some_and(|partition| partition.by_size());
        let is_kept = job.checkpoint == Some(true) && !self.plan.needs_all(at, pipeline);
        if is_by_size || is_kept {
            at = self.add(NodeKind::Gather, vec![at], Some(id), width);
        }
        let result = self.add(NodeKind::Result, vec![at], Some(id), width);
        self.tables.insert(Input::Job(id), result);
    }

    /// The steps of a job over these rows, and beside them those that judge its rules about all rows.
    fn steps(&mut self, id: JobId, first: NodeId) -> NodeId {
        let pipeline = self.pipeline;
        let mut at = first;
        for (number, step) in pipeline.jobs[id.0 as usize].steps.iter().enumerate() {
            let width = step.row.columns.len();
            if is_row_by_row(step) {
                let steps = StepRange { first: number, end: number + 1 };
                at = self.add(NodeKind::Steps(steps), vec![at], Some(id), width);
                continue;
            }
            let mut inputs = vec![at];
            match &step.kind {
                StepKind::Join(join) => {
                    let right = self.table(join.right, Some(id), false);
                    let width = join.right_row.columns.len();
                    let build = self.add(NodeKind::Build(number), vec![right], Some(id), width);
                    inputs.push(build);
                }
                StepKind::Union { inputs: others, .. } => {
                    let width = self.plan.node(at).width;
                    inputs = vec![self.add(NodeKind::Gather, vec![at], Some(id), width)];
                    for &other in others {
                        let other = self.table(other, Some(id), false);
                        let width = self.plan.node(other).width;
                        inputs.push(self.add(NodeKind::Gather, vec![other], Some(id), width));
                    }
                }
                StepKind::ExpectAll(_) => {
                    if let Some(&judge) = pipeline.rules.get(&(id, number)) {
                        self.steps(judge, at);
                    }
                }
                _ => {}
            }
            at = self.add(NodeKind::Step(number), inputs, Some(id), width);
        }
        at
    }

    fn output(&mut self, output: usize) {
        let from = self.pipeline.outputs[output].from;
        let at = self.table(from, None, false);
        let width = self.plan.node(at).width;
        self.add(NodeKind::Sink(output), vec![at], None, width);
    }
}
