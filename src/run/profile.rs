//! Where the time of a run goes: stage by stage, operator by operator. Its JSON form is versioned
//! and only ever grows.

use super::cpu::cpu_time;
use crate::connect::Volume;
use crate::exec::clock::Tally;
use crate::exec::stage::Execution;
use crate::ir::Pipeline;
use crate::plan::{Node, NodeId, NodeKind, Plan, operator_name};
use crate::text::Span;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The profile of a run.
#[derive(Debug, Serialize)]
pub struct Profile {
    /// Version of this form.
    pub version: u32,
    /// Names the run.
    pub execution_id: String,
    /// Threads.
    pub threads: usize,
    /// Wall time of the run.
    pub seconds: f64,
    /// Time that processors worked for it.
    pub cpu_seconds: f64,
    /// What was computed in one pass each, in the order in which it was.
    pub stages: Vec<StageProfile>,
}

/// What a stage took.
#[derive(Debug, Serialize)]
pub struct StageProfile {
    /// Its number, from 1.
    pub stage: usize,
    /// Wall time.
    pub seconds: f64,
    /// Time that processors worked for it.
    pub cpu_seconds: f64,
    /// Time of the threads that no operator had: they waited for each other, opened files, or wrote
    /// rows that were set aside.
    pub other_seconds: f64,
    /// Its operators, each behind what it reads.
    pub operators: Vec<OperatorProfile>,
}

/// What an operator did and took within a stage.
#[derive(Debug, Serialize)]
pub struct OperatorProfile {
    /// Its number in the plan.
    pub operator: u32,
    /// What it does, as the plan says; `result of …` where it is what an earlier stage has made.
    pub name: String,
    /// The job that it is part of.
    pub job: Option<String>,
    /// The file of the program that says it.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<usize>,
    /// Time of its own, summed over the threads: what it hands rows on to is not in it.
    pub seconds: f64,
    /// The share of that in the time of all operators of the run.
    pub share: f64,
    /// Batches that it was given, or that it read.
    pub batches: u64,
    /// Rows that it was given; none where a stage begins.
    pub rows_in: Option<u64>,
    /// Rows that it gave; none where they are written, or looked up in.
    pub rows_out: Option<u64>,
    /// Of a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadProfile>,
    /// Of an output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<WriteProfile>,
    /// Of what gives its result in the end, the making of that, and of an output its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<FinishProfile>,
    /// The most bytes that it held while rows came, each thread by itself.
    pub held_bytes: u64,
    /// Bytes that it wrote to disk because memory was used up.
    pub spilled_bytes: u64,
    /// Where the program says it.
    #[serde(skip)]
    pub span: Option<Span>,
    /// How often the way to it from where the stage begins forks.
    #[serde(skip)]
    pub depth: usize,
    #[serde(skip)]
    node: NodeId,
}

/// How a source was read. The times are parts of the operator's.
#[derive(Debug, Default, Serialize)]
pub struct ReadProfile {
    /// Time of reading, unpacking, and finding where records begin.
    pub read_seconds: f64,
    /// Time of making values of bytes.
    pub parse_seconds: f64,
    /// Bytes read, as they are stored.
    pub bytes_stored: u64,
    /// Bytes read, unpacked.
    pub bytes_unpacked: u64,
    /// Rows that were not read because no job keeps them.
    pub rows_skipped: u64,
}

/// How an output was written. The times are parts of the operator's.
#[derive(Debug, Default, Serialize)]
pub struct WriteProfile {
    /// Time of making bytes of values.
    pub encode_seconds: f64,
    /// Time of packing and writing them.
    pub write_seconds: f64,
    /// Bytes of the files, once they are complete.
    pub bytes: u64,
}

/// What an operator did after the last row.
#[derive(Debug, Serialize)]
pub struct FinishProfile {
    /// Wall time.
    pub seconds: f64,
    /// Time that processors worked for it; part of the operator's time.
    pub cpu_seconds: f64,
}

/// Times something that all threads work on.
pub(super) struct Timer {
    started: Instant,
    cpu: Duration,
}

impl Timer {
    pub(super) fn start() -> Timer {
        Timer { started: Instant::now(), cpu: cpu_time() }
    }

    fn end(&self) -> FinishProfile {
        FinishProfile {
            seconds: self.started.elapsed().as_secs_f64(),
            cpu_seconds: cpu_time().saturating_sub(self.cpu).as_secs_f64(),
        }
    }
}

impl Profile {
    /// Of a run that has just begun.
    pub(super) fn new(execution_id: String, threads: usize) -> Profile {
        let (seconds, cpu_seconds) = (0.0, 0.0);
        Profile { version: 1, execution_id, threads, seconds, cpu_seconds, stages: vec![] }
    }

    /// A stage begins.
    pub(super) fn begin_stage(&mut self) {
        self.stages.push(StageProfile {
            stage: self.stages.len() + 1,
            seconds: 0.0,
            cpu_seconds: 0.0,
            other_seconds: 0.0,
            operators: vec![],
        });
    }

    /// All rows of a stage have come, from these roots to these operators.
    pub(super) fn add_operators(
        &mut self,
        execution: &Execution,
        roots: &[NodeId],
        active: &BTreeSet<NodeId>,
        volumes: &BTreeMap<NodeId, Volume>,
    ) {
        let (Some(stage), Some(tallies)) = (self.stages.last_mut(), &execution.tallies) else {
            return;
        };
        let mut tallies = tallies.lock().expect("no thread panics holding it");
        let (plan, pipeline) = (execution.plan, execution.pipeline);
        for (node, depth) in in_order(plan, roots, active) {
            let tally = std::mem::take(&mut tallies[node.at()]);
            let of = plan.node(node);
            let mut operator = OperatorProfile::new(node, depth, plan, pipeline, &tally);
            if !active.contains(&node) && !of.inputs.is_empty() {
                operator.name = format!("result of {}", operator.name);
                operator.rows_in = None;
            }
            operator.read = volumes.get(&node).map(|volume| ReadProfile {
                read_seconds: (tally.files + volume.reading).as_secs_f64(),
                parse_seconds: tally.own.saturating_sub(volume.reading).as_secs_f64(),
                bytes_stored: volume.stored,
                bytes_unpacked: volume.unpacked,
                rows_skipped: volume.skipped,
            });
            operator.write = execution.sinks[node.at()].as_ref().map(|sink| WriteProfile {
                encode_seconds: (tally.own + sink.late_encoding()).as_secs_f64(),
                write_seconds: tally.files.saturating_sub(sink.late_encoding()).as_secs_f64(),
                bytes: 0,
            });
            stage.operators.push(operator);
        }
    }

    /// An operator has made its result of all rows that came.
    pub(super) fn end_operator(&mut self, node: NodeId, timer: &Timer) {
        let operators = self.stages.last_mut().into_iter().flat_map(|stage| &mut stage.operators);
        for operator in operators.filter(|operator| operator.node == node) {
            let finish = timer.end();
            operator.seconds += finish.cpu_seconds;
            operator.finish = Some(finish);
        }
    }

    /// The stage has ended.
    pub(super) fn end_stage(&mut self, timer: &Timer) {
        let Some(stage) = self.stages.last_mut() else { return };
        let FinishProfile { seconds, cpu_seconds } = timer.end();
        let own: f64 = stage.operators.iter().map(|operator| operator.seconds).sum();
        stage.other_seconds = (seconds * self.threads as f64 - own).max(0.0);
        (stage.seconds, stage.cpu_seconds) = (seconds, cpu_seconds);
    }

    /// All stages have ended, so that it is known what the operators at their ends gave.
    pub(super) fn end_stages(&mut self, execution: &Execution) {
        let operators = self.stages.iter_mut().flat_map(|stage| &mut stage.operators);
        for operator in operators.filter(|operator| operator.finish.is_some()) {
            let at = operator.node.at();
            operator.spilled_bytes = execution.spools[at].written();
            if !matches!(
                execution.plan.node(operator.node).kind,
                NodeKind::Build(_) | NodeKind::Sink(_)
            ) {
                operator.rows_out = Some(execution.counts[at].output.load(Relaxed));
            }
        }
    }

    /// An output is complete.
    pub(super) fn end_output(&mut self, node: NodeId, timer: &Timer, bytes: u64) {
        let operators = self.stages.iter_mut().flat_map(|stage| &mut stage.operators);
        for operator in operators.filter(|operator| operator.node == node) {
            let finish = timer.end();
            operator.seconds += finish.cpu_seconds;
            operator.finish = Some(finish);
            if let Some(write) = &mut operator.write {
                write.bytes = bytes;
            }
        }
    }

    /// The run has ended.
    pub(super) fn end(&mut self, started: Instant) {
        self.seconds = started.elapsed().as_secs_f64();
        self.cpu_seconds = cpu_time().as_secs_f64();
        let operators = || self.stages.iter().flat_map(|stage| &stage.operators);
        let all: f64 = operators().map(|operator| operator.seconds).sum();
        for operator in self.stages.iter_mut().flat_map(|stage| &mut stage.operators) {
            operator.share = if all > 0.0 { operator.seconds / all } else { 0.0 };
        }
    }
}

/// The operators of a stage from its roots on, each with how often the way to it forks.
fn in_order(plan: &Plan, roots: &[NodeId], active: &BTreeSet<NodeId>) -> Vec<(NodeId, usize)> {
    let mut open: Vec<(NodeId, usize)> = roots.iter().rev().map(|root| (*root, 0)).collect();
    let (mut seen, mut order) = (BTreeSet::new(), vec![]);
    while let Some((node, depth)) = open.pop() {
        if seen.insert(node) {
            order.push((node, depth));
            let next = plan.node(node).consumers.iter().rev();
            let next: Vec<NodeId> = next.filter(|next| active.contains(next)).copied().collect();
            let depth = depth + usize::from(next.len() > 1);
            open.extend(next.into_iter().map(|next| (next, depth)));
        }
    }
    order
}

impl OperatorProfile {
    fn new(
        node: NodeId,
        depth: usize,
        plan: &Plan,
        pipeline: &Pipeline,
        tally: &Tally,
    ) -> OperatorProfile {
        let of = plan.node(node);
        let gives = !matches!(of.kind, NodeKind::Sink(_) | NodeKind::Build(_));
        OperatorProfile {
            operator: node.0,
            name: operator_name(of, pipeline),
            job: of.job.map(|job| pipeline.jobs[job.0 as usize].name.clone()),
            file: None,
            line: None,
            seconds: (tally.own + tally.files).as_secs_f64(),
            share: 0.0,
            batches: tally.batches,
            rows_in: (!matches!(of.kind, NodeKind::Scan(_))).then_some(tally.rows_in),
            rows_out: gives.then_some(tally.rows_out),
            read: None,
            write: None,
            finish: None,
            held_bytes: tally.held,
            spilled_bytes: 0,
            span: span_of(of, plan, pipeline),
            depth,
            node,
        }
    }
}

/// Where the program says what an operator does.
fn span_of(node: &Node, plan: &Plan, pipeline: &Pipeline) -> Option<Span> {
    let job = node.job.map(|job| &pipeline.jobs[job.0 as usize]);
    match node.kind {
        NodeKind::Scan(source) => Some(pipeline.sources[source.0 as usize].span),
        NodeKind::Steps(range) => Some(job?.steps[range.first].span),
        NodeKind::Step(step) | NodeKind::Build(step) => Some(job?.steps[step].span),
        NodeKind::Read { main: true, .. } => Some(job?.input_span),
        NodeKind::Sink(output) => Some(pipeline.outputs[output].span),
        NodeKind::Result => Some(job?.span),
        // What reads another table is said where the job does something with it.
        NodeKind::Read { main: false, .. } | NodeKind::Gather | NodeKind::Entry => {
            span_of(plan.node(*node.consumers.first()?), plan, pipeline)
        }
    }
}
