//! Who is told how a run ended. What cannot be delivered is only said: no run fails of it, and none
//! waits long for it.

use super::http::{Refusal, post};
use super::print::say;
use super::secrets::secret_of;
use crate::ir::{Address, NotifierKind, Notify, Pipeline, RunContext};
use crate::run::{JobReport, OutputReport, Report, Status, text_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The version of what a webhook is sent.
const VERSION: u32 = 1;

/// How long it is waited before a delivery is tried again, each time.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(1)];

/// So much of an error is told in a text.
const ERROR_CHARS_MAX: usize = 800;

/// Who can be told, with the addresses that were found when the run began.
pub(super) struct Notifiers<'p> {
    pipeline: &'p Pipeline,
    /// What the pipeline is called.
    name: String,
    /// By position; none where it is not known.
    addresses: Vec<Option<String>>,
}

impl<'p> Notifiers<'p> {
    /// Finds the addresses of all who may have to be told, and says which it cannot.
    pub(super) fn find(
        pipeline: &'p Pipeline,
        name: String,
        context: &RunContext,
        base: &Path,
    ) -> Notifiers<'p> {
        let all =
            std::iter::once(&pipeline.notify).chain(pipeline.jobs.iter().map(|job| &job.notify));
        let used: BTreeSet<usize> =
            all.flat_map(|told| told.failure.iter().chain(&told.success)).copied().collect();
        let find = |at: usize| {
            let notifier = &pipeline.notifiers[at];
            let found = match &notifier.address {
                Address::Secret(secret) => secret_of(pipeline, *secret, base),
                Address::Given(value) => {
                    text_of(value, context).ok_or_else(|| "its address is not known".to_owned())
                }
            };
            let is_address =
                |text: &str| text.starts_with("https://") || text.starts_with("http://");
            let found = found.and_then(|text| match is_address(&text) {
                true => Ok(text),
                false => Err("its address does not begin with `https://`".to_owned()),
            });
            found.inspect_err(|why| say!("  `{}` cannot be told: {why}", notifier.name)).ok()
        };
        let all = 0..pipeline.notifiers.len();
        let addresses = all.map(|at| used.contains(&at).then(|| find(at)).flatten()).collect();
        Notifiers { pipeline, name, addresses }
    }

    /// Tells how the run and its jobs ended, all at the same time.
    pub(super) fn tell(&self, report: &Report) {
        let of_run = (&self.pipeline.notify, None, report.status);
        let of_jobs = report.jobs.iter().filter_map(|ended| {
            let job = self.pipeline.jobs.iter().find(|job| job.name == ended.job)?;
            Some((&job.notify, Some(ended), ended.status))
        });
        let all = std::iter::once(of_run).chain(of_jobs);
        let all = all.flat_map(|(notify, job, status)| {
            told(notify, status).iter().map(move |at| (*at, job))
        });
        std::thread::scope(|scope| {
            for (at, job) in all {
                let Some(address) = &self.addresses[at] else { continue };
                scope.spawn(move || {
                    let notifier = &self.pipeline.notifiers[at];
                    let sent = self.send(notifier.kind, address, report, job);
                    if let Err(Refusal { words, .. }) = sent {
                        say!("  `{}` was not told: {words}", notifier.name);
                    }
                });
            }
        });
    }

    fn send(
        &self,
        kind: NotifierKind,
        address: &str,
        report: &Report,
        job: Option<&JobReport>,
    ) -> Result<(), Refusal> {
        let text = || self.text(report, job);
        let (kind, body) = match kind {
            NotifierKind::Webhook => ("application/json", self.body(report, job).to_string()),
            NotifierKind::Slack => {
                let text = text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                ("application/json", json!({ "text": text }).to_string())
            }
            NotifierKind::Discord => ("application/json", json!({ "content": text() }).to_string()),
            NotifierKind::Ntfy => ("text/plain; charset=utf-8", text()),
        };
        let mut pauses = PAUSES.iter();
        loop {
            match (post(address, kind, &[], &body), pauses.next()) {
                (Err(Refusal { may_pass: true, .. }), Some(pause)) => std::thread::sleep(*pause),
                (sent, _) => return sent,
            }
        }
    }

    /// All that is known of the run, as a webhook is sent it.
    fn body(&self, report: &Report, job: Option<&JobReport>) -> Value {
        let status = job.map_or(report.status, |job| job.status);
        let (about, end) = (if job.is_some() { "job" } else { "run" }, ending(status));
        let error = job.map_or(&report.error, |job| &job.error);
        let jobs = report.jobs.iter().filter(|one| job.is_none_or(|job| job.job == one.job));
        json!({
            "version": VERSION,
            "event": format!("{about}.{end}"),
            "pipeline": self.name,
            "job": job.map(|job| &job.job),
            "execution_id": report.execution_id,
            "status": status,
            "started": report.started,
            "seconds": job.map_or(report.seconds, |job| job.seconds),
            "records_read": report.records_read,
            "error": error,
            "jobs": jobs.map(of_job).collect::<Vec<_>>(),
            "outputs": report.outputs.iter().map(of_output).collect::<Vec<_>>(),
            "quarantines": report.quarantines,
        })
    }

    /// The same in few words.
    fn text(&self, report: &Report, job: Option<&JobReport>) -> String {
        let (name, run) = (&self.name, &report.execution_id);
        let (what, status, seconds) = match job {
            Some(job) => (format!("{} of {name}", job.job), job.status, job.seconds),
            None => (name.clone(), report.status, report.seconds),
        };
        let mut text = format!("{what} {} after {seconds:.1} s (run {run})", ending(status));
        if let Some(error) = job.map_or(&report.error, |job| &job.error) {
            let short: String = error.chars().take(ERROR_CHARS_MAX).collect();
            let more = if short.len() < error.len() { "…" } else { "" };
            text.push_str(&format!("\n{short}{more}"));
        }
        if job.is_none() {
            for output in report.outputs.iter().filter(|output| !output.reused) {
                text.push_str(&format!("\n{}: {} rows", output.path, output.records));
            }
        }
        text
    }
}

fn of_job(job: &JobReport) -> Value {
    json!({
        "job": job.job,
        "status": job.status,
        "records_in": job.records_in,
        "records_out": job.records_out,
        "records_failed": job.records_failed,
        "seconds": job.seconds,
        "error": job.error,
        "needs": job.needs,
    })
}

fn of_output(output: &OutputReport) -> Value {
    json!({
        "output": output.output,
        "path": output.path,
        "records": output.records,
        "bytes": output.bytes,
        "reused": output.reused,
    })
}

fn told(notify: &Notify, status: Status) -> &[usize] {
    match status {
        Status::Failed => &notify.failure,
        Status::Success => &notify.success,
        Status::Running | Status::Cancelled => &[],
    }
}

fn ending(status: Status) -> &'static str {
    if status == Status::Success { "succeeded" } else { "failed" }
}
