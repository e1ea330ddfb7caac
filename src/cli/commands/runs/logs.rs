//! `batchc runs logs`: what happened in a run, for a person.

use crate::cli::history::Kept;
use crate::cli::print::put;
use crate::cli::table::{bytes_text, rows_text};
use serde_json::Value;

/// Prints what happened; as it was written down, or in words.
pub(super) fn print(kept: &Kept, as_json: bool) {
    if as_json {
        return put!("{}", kept.text);
    }
    put!("{} · run {} · {}\n", kept.run.pipeline, kept.run.id, kept.run.status);
    lines(kept).for_each(|line| put!("{line}\n"));
    if kept.run.status == "INTERRUPTED" {
        put!("{:12}  its process was ended before the run was\n", "");
    }
}

/// What happened, in words, each with its time.
pub(in crate::cli) fn lines(kept: &Kept) -> impl Iterator<Item = String> {
    kept.events.iter().flat_map(|event| {
        // `2026-11-27T12:34:42.64948Z`: the date is in the name of the run.
        let time = event["ts"].as_str().and_then(|time| time.split('T').nth(1)).unwrap_or_default();
        let time = time.trim_end_matches('Z');
        let time = time.get(..12).unwrap_or(time);
        words(event).into_iter().map(move |line| format!("{time:12}  {line}"))
    })
}

fn started(event: &Value) -> String {
    let parameters = event["parameters"].as_object().into_iter().flatten();
    let of = |(name, value): (&String, &Value)| {
        format!(", {name} = {}", value.as_str().unwrap_or_default())
    };
    let parameters: String = parameters.map(of).collect();
    let threads = event["threads"].as_u64().unwrap_or(0);
    let s = if threads == 1 { "" } else { "s" };
    let memory = bytes_text(event["memory"].as_u64().unwrap_or(0));
    let version = event["version"].as_str().unwrap_or_default();
    format!("started: batchc {version}, {threads} thread{s}, {memory}{parameters}")
}

fn words(event: &Value) -> Vec<String> {
    let text = |field: &str| event[field].as_str().unwrap_or_default();
    let count = |field: &str| event[field].as_u64().unwrap_or(0);
    let seconds = |field: &str| event[field].as_f64().unwrap_or(0.0);
    let line = match text("ev") {
        "run.started" => started(event),
        "run.recovered" => format!("published what run {} had made when it died", text("of")),
        "plan" => return event["jobs"].as_array().into_iter().flatten().map(verdict).collect(),
        "output.reused" => format!("{} is there: {}", text("output"), text("path")),
        "output.unchanged" => {
            format!("{} stays: what it is made of came out as before", text("output"))
        }
        "job.skipped" => format!("{} is not run: {}", text("job"), text("reason")),
        "job.started" => format!("{} started", text("job")),
        "job.progress" => {
            let (read, made) = (rows_text(count("records_in")), rows_text(count("records_out")));
            format!("{} goes on: {read} in, {made} out", text("job"))
        }
        "job.taken_up" => format!("{} goes on from run {}", text("job"), text("from")),
        "job.finished" => {
            let how = match text("status") {
                "SUCCESS" => "done",
                "FAILED" => "failed",
                _ => "not done",
            };
            let (read, made) = (rows_text(count("records_in")), rows_text(count("records_out")));
            let failed = match count("records_failed") {
                0 => String::new(),
                failed => format!(", {} failed", rows_text(failed)),
            };
            let took = seconds("seconds");
            format!("{} {how}: {read} in, {made} out{failed} ({took:.3} s)", text("job"))
        }
        "source.taken" => {
            let (taken, of) = (count("taken"), count("of"));
            let (grown, begun) = (count("grown"), count("begun"));
            let source = text("source");
            format!(
                "{source}: {taken} of {of} files were known, {grown} had grown, {begun} were begun"
            )
        }
        "source.read" => {
            let s = if count("count") == 1 { "" } else { "s" };
            format!("{}: {} file{s}", text("source"), count("count"))
        }
        "spill" => {
            let of = event["job"].as_str().map_or(String::new(), |job| format!(" of {job}"));
            format!("went to disk: {}{of} ({})", text("operator"), bytes_text(count("bytes")))
        }
        "reject.summary" => format!("set aside {}: {}", rows_text(count("records")), text("path")),
        "output.committed" => {
            let (rows, bytes) = (rows_text(count("records")), bytes_text(count("bytes")));
            format!("wrote {} ({rows}, {bytes})", text("path"))
        }
        "log" => text("message").to_owned(),
        "run.finished" => {
            let error = event["error"].as_str().map_or(String::new(), |why| format!(": {why}"));
            let rows = rows_text(count("records_read"));
            format!("{} after {:.3} s, {rows} read{error}", text("status"), seconds("seconds"))
        }
        other => other.to_owned(),
    };
    vec![line]
}

fn verdict(job: &Value) -> String {
    let text = |field: &str| job[field].as_str().unwrap_or_default();
    let verb = if job["runs"] == true { "runs" } else { "reused" };
    format!("{} {verb}: {}", text("name"), text("reason"))
}
