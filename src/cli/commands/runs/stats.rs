//! `batchc runs stats`: all runs together, and their jobs.

use crate::cli::print::put;
use crate::cli::table::{grouped, seconds_text};
use crate::store::history::Run;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the runs, each with its report, come to. A job is executed that has begun, whatever became of
/// it then: one that was not run for lack of another, or since the run was stopped before, is not.
pub(super) fn of(runs: &[Run], reports: &[Value]) -> Value {
    let ended = |status: &str| runs.iter().filter(|run| run.status == status).count();
    let records: u64 = runs.iter().filter_map(|run| run.rows_read).sum();
    let seconds: f64 = runs.iter().filter_map(|run| run.seconds).sum();
    let has_begun = |job: &&Value| {
        job["status"] != "CANCELLED" || job["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0)
    };
    let mut jobs: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for report in reports {
        for job in report["jobs"].as_array().into_iter().flatten().filter(has_begun) {
            jobs.entry(job["job"].as_str().unwrap_or_default()).or_default().push(job);
        }
    }
    let all: Vec<&Value> = jobs.values().flatten().copied().collect();
    let job = |(name, all): (&&str, &Vec<&Value>)| {
        let sum = |field: &str| all.iter().filter_map(|job| job[field].as_u64()).sum::<u64>();
        let taken: f64 = all.iter().filter_map(|job| job["seconds"].as_f64()).sum();
        json!({
            "job": name,
            "executed": all.len(),
            "success_rate": success_rate(all),
            "records_in": sum("records_in"),
            "records_out": sum("records_out"),
            "records_failed": sum("records_failed"),
            "average_seconds": taken / all.len() as f64,
        })
    };
    json!({
        "runs": runs.len(),
        "runs_succeeded": ended("SUCCESS"),
        "runs_failed": ended("FAILED"),
        "runs_cancelled": ended("CANCELLED"),
        "runs_interrupted": ended("INTERRUPTED"),
        "jobs_executed": all.len(),
        "success_rate": success_rate(&all),
        "records_processed": records,
        "average_throughput": if seconds > 0.0 { records as f64 / seconds } else { 0.0 },
        "jobs": jobs.iter().map(job).collect::<Vec<_>>(),
    })
}

fn success_rate(jobs: &[&Value]) -> f64 {
    let succeeded = jobs.iter().filter(|job| job["status"] == "SUCCESS").count();
    if jobs.is_empty() { 0.0 } else { succeeded as f64 / jobs.len() as f64 }
}

pub(super) fn print(stats: &Value) {
    let count = |of: &Value, name: &str| grouped(of[name].as_u64().unwrap_or(0));
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap_or(0.0);
    let percent = |of: &Value| format!("{:.1} %", number(of, "success_rate") * 100.0);
    put!("runs                {}\n", count(stats, "runs"));
    for (name, words) in [
        ("runs_succeeded", "that succeeded "),
        ("runs_failed", "that failed    "),
        ("runs_cancelled", "that stopped   "),
        ("runs_interrupted", "that died      "),
    ] {
        if name == "runs_succeeded" || stats[name] != 0 {
            put!("  {words}   {}\n", count(stats, name));
        }
    }
    put!("jobs executed       {}\n", count(stats, "jobs_executed"));
    put!("  that succeeded    {}\n", percent(stats));
    put!("records processed   {}\n", count(stats, "records_processed"));
    put!("records per second  {}\n", grouped(number(stats, "average_throughput") as u64));
    let jobs = stats["jobs"].as_array().into_iter().flatten();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(["job", "executed", "succeeded", "in", "out", "failed", "time, on average"]);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for job in jobs {
        let mut row = vec![Cell::new(job["job"].as_str().unwrap_or_default())];
        let counts = [count(job, "executed"), percent(job)].into_iter();
        let rows = ["records_in", "records_out", "records_failed"].map(|name| count(job, name));
        let time = seconds_text(number(job, "average_seconds"));
        row.extend(counts.chain(rows).chain([time]).map(right));
        table.add_row(row);
    }
    if !table.is_empty() {
        put!("{table}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_a_hand_computes() {
        let run = |status: &str, seconds: Option<f64>, rows_read: Option<u64>| Run {
            id: "r".into(),
            pipeline: "p".into(),
            started: "2026-01-01".into(),
            process: 1,
            status: status.into(),
            seconds,
            rows_read,
            error: None,
            report: None,
        };
        let job = |name: &str, status: &str, seconds: f64, rows: u64| {
            json!({
                "job": name, "status": status, "seconds": seconds,
                "records_in": rows, "records_out": rows / 2, "records_failed": 1,
            })
        };
        let runs = [
            run("SUCCESS", Some(2.0), Some(100)),
            run("FAILED", Some(1.0), Some(60)),
            run("CANCELLED", Some(1.0), Some(20)),
            // It did not say how it ended, nor how much it read.
            run("INTERRUPTED", None, None),
            run("SUCCESS", Some(0.0), Some(0)),
        ];
        let reports = [
            json!({ "jobs": [job("a", "SUCCESS", 1.0, 100), job("b", "SUCCESS", 1.0, 50)] }),
            // `b` needs `a`, and was not run.
            json!({ "jobs": [job("a", "FAILED", 0.5, 60), job("b", "CANCELLED", 0.0, 0)] }),
            json!({ "jobs": [job("a", "SUCCESS", 0.5, 20), job("b", "CANCELLED", 0.5, 10)] }),
            json!({ "jobs": [job("a", "SUCCESS", 1.0, 100)] }),
            // All outputs were there.
            json!({ "jobs": [] }),
        ];
        let stats = of(&runs, &reports);
        let count = |name: &str| stats[name].as_u64().unwrap();
        let ends = ["runs", "runs_succeeded", "runs_failed", "runs_cancelled", "runs_interrupted"];
        assert_eq!(ends.map(count), [5, 2, 1, 1, 1]);
        // Of a four of which one failed, and of b two of which one was stopped.
        assert_eq!(count("jobs_executed"), 6);
        assert_eq!(stats["success_rate"], json!(4.0 / 6.0));
        // 180 rows in 4 seconds.
        assert_eq!(count("records_processed"), 180);
        assert_eq!(stats["average_throughput"], json!(45.0));
        let a = json!({
            "job": "a", "executed": 4, "success_rate": 0.75, "records_in": 280,
            "records_out": 140, "records_failed": 4, "average_seconds": 0.75,
        });
        assert_eq!(stats["jobs"][0], a);
        assert_eq!(stats["jobs"][1]["executed"], 2);
        let nothing = of(&[], &[]);
        assert_eq!(
            (&nothing["success_rate"], &nothing["average_throughput"]),
            (&json!(0.0), &json!(0.0))
        );
    }
}
