//! What each job saw and gave, from what its operators have counted.

use super::events::Event;
use super::report::{
    InputReport, JobReport, PartitionReport, RuleReport, SpillReport, Status, rate,
};
use crate::exec::Counts;
use crate::exec::stage::Execution;
use crate::ir::{JobId, StepKind};
use crate::plan::{Entry, NodeId, NodeKind, ReadBy, operator_name, step_of};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The operators of a job.
fn nodes_of(execution: &Execution, job: JobId) -> impl Iterator<Item = NodeId> {
    execution.plan.iter().filter(move |(_, node)| node.is_of(job)).map(|(id, _)| id)
}

/// Has every operator of the job, and of those that judge its rules, seen all its rows?
pub(super) fn is_done(execution: &Execution, job: JobId) -> bool {
    let rules = execution.pipeline.rules.range((job, 0)..=(job, usize::MAX));
    let judges = rules.map(|(_, judge)| *judge);
    let mut nodes = std::iter::once(job).chain(judges).flat_map(|job| nodes_of(execution, job));
    nodes.all(|id| execution.counted[id.at()].load(Relaxed))
}

/// The jobs of the plan, in the order in which they are run.
pub(super) fn jobs_of(execution: &Execution) -> Vec<JobId> {
    let is_run = |job: &JobId| {
        let is_hidden = execution.pipeline.jobs[job.0 as usize].is_hidden;
        !is_hidden && nodes_of(execution, *job).next().is_some()
    };
    execution.pipeline.order.iter().copied().filter(is_run).collect()
}

/// A job that ended so, whose stages took so long. If it is done, every row of it is accounted for;
/// anything else is a mistake of ours.
pub(super) fn job_report(
    execution: &Execution,
    id: JobId,
    status: Status,
    seconds: f64,
) -> JobReport {
    let mut report = counted(execution, id);
    report.status = status;
    match is_done(execution, id) {
        true => report.check_balance(),
        false => report.leave_unfinished(),
    }
    report.seconds = seconds;
    report.records_per_second = rate(report.records_in, seconds);
    report
}

/// Tells how far the jobs are that have begun and not ended.
pub(super) fn tell_progress(execution: &Execution, watch: &dyn Fn(Event)) {
    for id in jobs_of(execution).into_iter().filter(|id| !is_done(execution, *id)) {
        let of = |count: &AtomicU64| count.load(Relaxed);
        let input = |node: NodeId| of(&execution.counts[node.at()].input);
        let records_in: u64 = execution.plan.entries(id).map(|entry| input(entry.node)).sum();
        let mut nodes = nodes_of(execution, id);
        let result = nodes.find(|node| execution.plan.node(*node).kind == NodeKind::Result);
        let records_out = result.map_or(0, |node| of(&execution.counts[node.at()].output));
        if records_in > 0 {
            let job = &execution.pipeline.jobs[id.0 as usize].name;
            watch(Event::JobProgress { job, records_in, records_out });
        }
    }
}

/// What each operator wrote to disk.
pub(super) fn spills(execution: &Execution) -> Vec<SpillReport> {
    let pipeline = execution.pipeline;
    let all = execution.plan.nodes.iter().zip(&execution.spools);
    let spill = |(node, bytes): (&crate::plan::Node, u64)| SpillReport {
        operator: operator_name(node, pipeline),
        job: node.job.map(|job| pipeline.jobs[job.0 as usize].name.clone()),
        bytes,
    };
    let written = all.map(|(node, spool)| (node, spool.written()));
    written.filter(|(_, bytes)| *bytes > 0).map(spill).collect()
}

/// What the operators of a job have counted so far.
fn counted(execution: &Execution, id: JobId) -> JobReport {
    let job = &execution.pipeline.jobs[id.0 as usize];
    let mut report = JobReport { job: job.name.clone(), ..JobReport::default() };
    let mut nulled_before = 0;
    for node in nodes_of(execution, id) {
        let counts = &execution.counts[node.at()];
        let of = |count: &AtomicU64| count.load(Relaxed);
        let failed = of(&counts.dropped) + of(&counts.quarantined);
        report.dropped += of(&counts.dropped);
        report.quarantined += of(&counts.quarantined);
        report.nulled += of(&counts.nulled);
        report.null_keys += of(&counts.null_keys);
        nulled_before += of(&counts.nulled_before);
        let given = of(&counts.input).saturating_sub(failed);
        match execution.plan.node(node).kind {
            NodeKind::Build(_) => report.looked_up += given,
            NodeKind::Result => report.records_out = of(&counts.output),
            NodeKind::Steps(_) => report.filtered += given - of(&counts.output),
            NodeKind::Step(number) => {
                let step = step_of(execution.pipeline, execution.plan.node(node), number);
                report.add_step(step, given, of(&counts.output), of(&counts.left_out));
                match step {
                    StepKind::Expect(rule) => {
                        report.expectations.push((rule.name.clone(), of(&counts.violations)));
                    }
                    StepKind::ExpectAll(rule) => {
                        report.rules.extend(rule_report(execution, id, number, &rule.name));
                    }
                    _ => {}
                }
            }
            NodeKind::Read { .. } => report.filtered += given - of(&counts.output),
            NodeKind::Scan(_) | NodeKind::Gather | NodeKind::Entry | NodeKind::Sink(_) => {}
        }
    }
    report.inputs =
        execution.plan.entries(id).map(|entry| input_report(execution, &entry)).collect();
    report.records_in = report.inputs.iter().map(|input| input.records_in).sum();
    let failed = report.dropped + report.quarantined + report.nulled;
    report.records_failed = failed - nulled_before;
    report.partitions = partition_reports(execution, id);
    report
}

/// What became of the rule of a job at this step; none if it was not judged, as where the run failed before.
fn rule_report(execution: &Execution, job: JobId, step: usize, name: &str) -> Option<RuleReport> {
    let judge = *execution.pipeline.rules.get(&(job, step))?;
    let is_broken = |node: &NodeId| execution.counts[node.at()].violations.load(Relaxed) > 0;
    let by: Option<NodeId> = nodes_of(execution, judge).find(is_broken);
    let all = execution.seen.lock().expect("no thread panics holding it");
    let seen = by.and_then(|node| all.get(&node).cloned());
    let is_judged = by.is_some() || is_done(execution, judge);
    is_judged.then(|| RuleReport { name: name.to_owned(), holds: by.is_none(), seen })
}

pub(super) fn input_report(execution: &Execution, entry: &Entry) -> InputReport {
    let plan = execution.plan;
    // What cannot be read fails where it is read; a key of the right side, where its table is
    // built.
    let is_build = |id: &NodeId| matches!(plan.node(*id).kind, NodeKind::Build(_));
    let is_read = matches!(plan.node(entry.node).kind, NodeKind::Read { .. });
    let reading = std::iter::once(&entry.node).filter(|id| is_read || is_build(id));
    let building = plan.node(entry.node).consumers.iter().filter(|id| is_build(id));
    let nodes: Vec<&NodeId> = reading.chain(building.filter(|_| is_read)).collect();
    let sum = |of: fn(&Counts) -> &AtomicU64| {
        nodes.iter().map(|node| of(&execution.counts[node.at()]).load(Relaxed)).sum()
    };
    InputReport {
        input: execution.pipeline.name_of(entry.table).to_owned(),
        by: match entry.by {
            ReadBy::From => "from",
            ReadBy::Union => "union",
            ReadBy::Join => "join",
        },
        records_in: execution.counts[entry.node.at()].input.load(Relaxed),
        filtered: filtered(execution, entry.node),
        dropped: sum(|counts| &counts.dropped),
        quarantined: sum(|counts| &counts.quarantined),
        nulled: sum(|counts| &counts.nulled),
    }
}

/// Rows of an incremental source that earlier runs have read.
pub(super) fn filtered(execution: &Execution, reader: NodeId) -> u64 {
    let NodeKind::Read { .. } = execution.plan.node(reader).kind else { return 0 };
    let Counts { input, output, dropped, quarantined, .. } = &execution.counts[reader.at()];
    let gone = [output, dropped, quarantined].map(|count| count.load(Relaxed)).iter().sum();
    // What has not been counted yet is not left out.
    input.load(Relaxed).saturating_sub(gone)
}

fn partition_reports(execution: &Execution, id: JobId) -> Vec<PartitionReport> {
    let Some(counts) = &execution.partitions[id.0 as usize] else { return vec![] };
    let of =
        |(partition, (processed, failed)): (usize, (&AtomicU64, &AtomicU64))| PartitionReport {
            partition: partition as u32,
            records_processed: processed.load(Relaxed),
            records_failed: failed.load(Relaxed),
        };
    counts.processed.iter().zip(&counts.failed).enumerate().map(of).collect()
}

impl JobReport {
    /// Books the difference between the rows that a step was given and gave. Those `left_out` gave nothing,
    /// so that others may have given more than one.
    fn add_step(&mut self, step: &StepKind, given: u64, out: u64, left_out: u64) {
        let more = (out + left_out).saturating_sub(given);
        let less = given + more - out;
        self.added += more;
        match step {
            StepKind::Aggregate { .. } => self.grouped += less,
            StepKind::Distinct | StepKind::Dedupe(_) => self.deduplicated += less,
            StepKind::Filter { .. }
            | StepKind::Take { .. }
            | StepKind::Join(_)
            | StepKind::Explode { .. }
            | StepKind::Project(_)
            | StepKind::Set { .. }
            | StepKind::Window(_)
            | StepKind::Sort(_)
            | StepKind::Union { .. }
            | StepKind::Parse(_)
            | StepKind::Expect(_)
            | StepKind::ExpectAll(_) => self.filtered += less,
        }
    }
}

impl JobReport {
    fn check_balance(&self) {
        let out = self.records_out
            + self.looked_up
            + self.filtered
            + self.dropped
            + self.deduplicated
            + self.quarantined
            + self.grouped
            + self.unfinished;
        assert_eq!(self.records_in + self.added, out, "the rows of `{}` balance", self.job);
    }

    /// Of a job that did not end, what became of a row is not known before the row is through.
    fn leave_unfinished(&mut self) {
        (self.filtered, self.deduplicated, self.grouped) = (0, 0, 0);
        let done = self.records_out + self.looked_up + self.dropped + self.quarantined;
        self.unfinished = (self.records_in + self.added).saturating_sub(done);
    }
}
