//! The end of a run: limits on failed rows, quarantines, and outputs made visible together.

use super::report::input_report;
use super::schedule::Located;
use super::{Failure, Options, OutputReport, Report};
use crate::connect::{ConnectError, Staged};
use crate::exec::Counts;
use crate::exec::stage::Execution;
use crate::ir::{ErrorPolicy, ExpectAction, Job, QuarantineId, Step, StepKind};
use crate::plan::{Entry, NodeKind, ReadBy, step_of};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

/// The folder of what a pipeline keeps beside its file.
const STATE: &str = ".batchc";

/// Where the rows of a quarantine are found: JSON lines.
pub fn quarantine_path(base: &Path, name: &str) -> PathBuf {
    base.join(STATE).join("quarantine").join(format!("{name}.jsonl"))
}

/// Fails when more rows failed than a job or a rule allows. The right side of a join has a share
/// of its own: a lookup that misses half its rows must not hide behind the rows that are looked up.
pub(super) fn check_thresholds(execution: &Execution) -> Result<(), Failure> {
    let plan = execution.plan;
    for &id in &execution.pipeline.order {
        let job = &execution.pipeline.jobs[id.0 as usize];
        let (mut failed, mut input) = (0, 0);
        let entries: Vec<Entry> = plan.entries(id).collect();
        for (node, of) in plan.iter().filter(|(_, node)| node.job == Some(id)) {
            if plan.is_looked_up(node) {
                continue;
            }
            let counts = &execution.counts[node.at()];
            let rows = counts.input.load(Relaxed);
            if let NodeKind::Step(step) = of.kind
                && let StepKind::Expect(rule) = step_of(execution.pipeline, of, step)
            {
                let broken = counts.violations.load(Relaxed);
                exceeds(&job.name, &rule.name, None, broken, rows, rule.above)?;
                continue;
            }
            // An `explode` can make more rows than were read, and each may fail.
            input = input.max(rows);
            failed += failed_rows(counts);
        }
        let (sides, flow): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.by == ReadBy::Join);
        let rows_of = |entry: &Entry| execution.counts[entry.node.at()].input.load(Relaxed);
        input = input.max(flow.iter().map(rows_of).sum());
        exceeds(&job.name, "on error", None, failed, input, job.on_error.above)?;
        for side in &sides {
            let report = input_report(execution, side);
            let failed = report.dropped + report.quarantined + report.nulled;
            let name = Some(report.input);
            exceeds(&job.name, "on error", name, failed, report.records_in, job.on_error.above)?;
        }
    }
    Ok(())
}

fn failed_rows(counts: &Counts) -> u64 {
    [&counts.dropped, &counts.quarantined, &counts.nulled]
        .iter()
        .map(|count| count.load(Relaxed))
        .sum()
}

fn exceeds(
    job: &str,
    what: &str,
    table: Option<String>,
    failed: u64,
    of: u64,
    above: Option<f64>,
) -> Result<(), Failure> {
    match above {
        Some(above) if of > 0 && failed as f64 / of as f64 > above => Err(Failure::Threshold {
            job: job.to_owned(),
            what: what.to_owned(),
            table,
            failed,
            of,
            above,
        }),
        _ => Ok(()),
    }
}

/// Ends all sinks, writes the quarantines, then makes the outputs visible one after the other.
pub(super) fn publish(
    execution: Execution,
    rejects: Vec<Located>,
    options: &Options,
    report: &mut Report,
) -> Result<(), Failure> {
    write_quarantines(&execution, &rejects, options)?;
    let mut staged: Vec<(String, Staged)> = vec![];
    let plan = execution.plan;
    for ((_, node), sink) in plan.iter().zip(execution.sinks) {
        if let (NodeKind::Sink(output), Some(sink)) = (node.kind, sink) {
            let name = execution.pipeline.outputs[output].name.clone();
            staged.push((name, sink.finish()?));
        }
    }
    for (output, staged) in staged {
        let path = staged.moves.first().map_or(String::new(), |(_, to)| to.display().to_string());
        let (records, bytes) = (staged.rows, staged.bytes);
        staged.publish()?;
        report.outputs.push(OutputReport { output, path, records, bytes });
    }
    Ok(())
}

fn write_quarantines(
    execution: &Execution,
    rejects: &[Located],
    options: &Options,
) -> Result<(), ConnectError> {
    // A quarantine without rows is written too: an empty file says that nothing was set aside.
    for (at, quarantine) in execution.pipeline.quarantines.iter().enumerate() {
        let id = QuarantineId(at as u32);
        let mut jobs = execution.plan.nodes.iter().filter_map(|node| node.job);
        if !jobs.any(|job| sets_aside(&execution.pipeline.jobs[job.0 as usize], id)) {
            continue;
        }
        let path = quarantine_path(&options.base, &quarantine.name);
        let mut text = Vec::new();
        for located in rejects.iter().filter(|one| one.reject.quarantine == id) {
            serde_json::to_writer(&mut text, &reject_line(execution, located))
                .expect("JSON values can be written");
            text.push(b'\n');
        }
        write_whole(&path, &text).map_err(|error| ConnectError {
            message: format!("cannot write {}: {error}", path.display()),
            help: None,
        })?;
    }
    Ok(())
}

/// Can rows of the job come into the quarantine?
fn sets_aside(job: &Job, quarantine: QuarantineId) -> bool {
    let of_rule = |step: &Step| match &step.kind {
        StepKind::Expect(rule) => rule.action == ExpectAction::Quarantine(quarantine),
        _ => false,
    };
    job.on_error.policy == ErrorPolicy::Quarantine(quarantine) || job.steps.iter().any(of_rule)
}

fn reject_line(execution: &Execution, located: &Located) -> serde_json::Value {
    let reject = &located.reject;
    let mut line = reject.values.clone();
    let job = execution.plan.node(reject.node).job;
    let job = job.map(|job| execution.pipeline.jobs[job.0 as usize].name.clone());
    line.insert("_reason".into(), reject.reason.clone().into());
    line.insert("_job".into(), job.into());
    line.insert("_source_file".into(), located.file.as_deref().map(str::to_owned).into());
    line.insert("_source_row".into(), located.place.map(|place| place.record).into());
    line.insert("_line".into(), located.place.and_then(|place| place.line).into());
    if let Some(text) = &reject.text {
        line.insert("_text".into(), text.as_str().into());
    }
    line.into()
}

/// Writes a file that appears whole or not at all, in a state folder that git ignores.
fn write_whole(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().expect("the path names a folder");
    fs::create_dir_all(folder)?;
    let state = folder.parent().expect("the folder is inside the state folder");
    let ignore = state.join(".gitignore");
    if !ignore.exists() {
        fs::write(ignore, "*\n")?;
    }
    let staged = path.with_extension("jsonl.part");
    let mut file = fs::File::create(&staged)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&staged, path)
}
