//! Jobs while their stages run: that they begin, how long they take, how they end.

use super::Schedule;
use crate::ir::JobId;
use crate::plan::NodeId;
use crate::run::counts::{is_done, job_report, jobs_of};
use crate::run::events::Event;
use crate::run::report::Status;
use std::collections::BTreeSet;

impl Schedule<'_, '_> {
    /// The jobs of a stage are at work; tells of those that were not yet.
    pub(super) fn begin_jobs(&mut self, active: &BTreeSet<NodeId>) {
        self.at_work = self.jobs_at(active);
        for job in self.at_work.iter().filter(|job| !self.timings.contains_key(job)) {
            let job = &self.execution.pipeline.jobs[job.0 as usize];
            if !job.is_hidden {
                (self.watch)(Event::JobStarted { job: &job.name });
            }
        }
    }

    /// The stage has ended; its time is that of every job that took part in it.
    pub(super) fn end_jobs(&mut self, seconds: f64) {
        for job in std::mem::take(&mut self.at_work) {
            *self.timings.entry(job).or_default() += seconds;
            if is_done(self.execution, job) {
                self.end_job(job, Status::Success, None);
            }
        }
    }

    /// Tells of a job how it ended, and why if it failed.
    pub(super) fn end_job(&mut self, job: JobId, status: Status, error: Option<String>) {
        self.ended.insert(job, status);
        let seconds = self.timings.get(&job).copied().unwrap_or(0.0);
        if self.execution.pipeline.jobs[job.0 as usize].is_hidden {
            return;
        }
        let mut report = job_report(self.execution, job, status, seconds);
        if status == Status::Cancelled {
            report.needs = self.needs(job);
            self.missing.extend(report.needs.is_some().then_some(job));
        }
        report.peak_memory = self.peaks.get(&job).copied().unwrap_or(0);
        report.error = error;
        report.tries = self.retried.get(&job).map(|again| again + 1);
        (self.watch)(Event::JobEnded(&report));
    }

    /// Tells of all jobs how they ended, now that no stage will run any more.
    pub(in crate::run) fn end_all_jobs(&mut self) {
        for job in jobs_of(self.execution) {
            if self.ended.contains_key(&job) {
                continue;
            }
            let is_done = is_done(self.execution, job);
            let status = if is_done { Status::Success } else { Status::Cancelled };
            self.end_job(job, status, None);
        }
    }
}
