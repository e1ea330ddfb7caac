//! The limits on rows that fail, `above 5%`, which are known only when a job is done: of a job, and of each
//! of its rules. All that are broken are told: of each job the limit on its rows, and then those of its rules.

use super::Options;
use super::counts::{filtered, input_report, is_done, jobs_of};
use super::failure::Failure;
use super::publish::shown_quarantine;
use crate::exec::Counts;
use crate::exec::stage::Execution;
use crate::ir::{ErrorPolicy, ExpectAction, Job, JobId, QuarantineId, StepKind};
use crate::plan::{Entry, NodeKind, ReadBy, step_of};
use crate::text::Span;
use std::sync::atomic::Ordering::Relaxed;

/// The jobs that are done of which more rows failed than they or their rules allow, and each limit that is
/// broken.
pub(super) fn broken(execution: &Execution, options: &Options) -> Vec<(JobId, Vec<Failure>)> {
    if options.fixture.is_some_and(|fixture| !fixture.has_limits) {
        return vec![];
    }
    let done = jobs_of(execution).into_iter().filter(|id| is_done(execution, *id));
    let of_jobs = done.map(|id| (id, of_job(id, execution, options)));
    let mut of_jobs: Vec<(JobId, Vec<Failure>)> =
        of_jobs.filter(|(_, failures)| !failures.is_empty()).collect();
    of_jobs.sort_by_key(|(_, failures)| failures.first().and_then(limit_of));
    of_jobs
}

/// The limits of a job that are broken. The right side of a join has a share of its own: a lookup that
/// misses half its rows must not hide behind the rows that are looked up.
fn of_job(id: JobId, execution: &Execution, options: &Options) -> Vec<Failure> {
    let plan = execution.plan;
    let job = &execution.pipeline.jobs[id.0 as usize];
    let shown = |id: QuarantineId| {
        shown_quarantine(&execution.pipeline.quarantines[id.0 as usize].name, options)
    };
    let mut broken = vec![];
    let (mut failed, mut input) = (0, 0);
    let entries: Vec<Entry> = plan.entries(id).collect();
    for (node, of) in plan.iter().filter(|(_, node)| node.is_of(id)) {
        if plan.is_looked_up(node) {
            continue;
        }
        let counts = &execution.counts[node.at()];
        let rows = counts.input.load(Relaxed);
        if let NodeKind::Step(step) = of.kind
            && let StepKind::Expect(rule) = step_of(execution.pipeline, of, step)
        {
            let aside = match rule.action {
                ExpectAction::Quarantine(id) => Some(shown(id)),
                _ => None,
            };
            let limit = Limit { job, what: &rule.name, aside, above: rule.above };
            broken.extend(limit.broken(None, counts.violations.load(Relaxed), rows));
            continue;
        }
        // An `explode` can make more rows than were read, and each may fail.
        input = input.max(rows - filtered(execution, node));
        failed += failed_rows(counts);
    }
    let (sides, flow): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.by == ReadBy::Join);
    let rows_of = |entry: &Entry| {
        let rows = execution.counts[entry.node.at()].input.load(Relaxed);
        rows - filtered(execution, entry.node)
    };
    input = input.max(flow.iter().map(rows_of).sum());
    let aside = match job.on_error.policy {
        ErrorPolicy::Quarantine(id) => Some(shown(id)),
        _ => None,
    };
    let limit = Limit { job, what: "on error", aside, above: job.on_error.above };
    let on_error = limit.broken(None, failed, input);
    let of_side = |side: &Entry| {
        let report = input_report(execution, side);
        let failed = report.dropped + report.quarantined + report.nulled;
        limit.broken(Some(report.input), failed, report.records_in - report.filtered)
    };
    let of_sides = sides.iter().filter_map(of_side);
    let mut all: Vec<Failure> = on_error.into_iter().chain(of_sides).chain(broken).collect();
    all.sort_by_key(limit_of);
    all
}

/// Where the limit is written that was broken.
fn limit_of(failure: &Failure) -> Option<Span> {
    match failure {
        Failure::Threshold { span, .. } => Some(*span),
        _ => None,
    }
}

fn failed_rows(counts: &Counts) -> u64 {
    [&counts.dropped, &counts.quarantined, &counts.nulled]
        .iter()
        .map(|count| count.load(Relaxed))
        .sum()
}

/// How many rows may fail.
struct Limit<'p> {
    job: &'p Job,
    /// `on error` or the rule's name.
    what: &'p str,
    /// Where such rows are found, if they are set aside.
    aside: Option<String>,
    /// The share allowed, if there is a limit.
    above: Option<(f64, Span)>,
}

impl Limit<'_> {
    /// Whether more rows failed; the right side of a join is named.
    fn broken(&self, table: Option<String>, failed: u64, of: u64) -> Option<Failure> {
        let (above, span) = self.above?;
        (of > 0 && failed as f64 / of as f64 > above).then(|| Failure::Threshold {
            job: self.job.name.clone(),
            what: self.what.to_owned(),
            table,
            aside: self.aside.clone(),
            failed,
            of,
            above,
            span,
        })
    }
}
