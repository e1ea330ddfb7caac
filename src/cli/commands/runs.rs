//! `batchc runs`

use crate::cli::args::{Global, Runs, RunsAction};
use crate::cli::load::{did_you_mean, refuse};
use crate::cli::print::{put, say};
use crate::cli::table::{grouped, seconds_text};
use crate::store::STATE;
use crate::store::ledger::{Ledger, Run};
use crate::store::lock;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Shows what runs did.
pub(in crate::cli) fn run(args: &Runs, global: &Global) -> u8 {
    match show(args, global) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

fn show(args: &Runs, global: &Global) -> Result<(), u8> {
    let state = args.state.state_dir.clone().unwrap_or_else(|| PathBuf::from(STATE));
    if !state.join("state.db").is_file() {
        let message = format!("no run has left anything in {}", state.display());
        return Err(refuse(&message, global));
    }
    let runs = Ledger::open(&state).and_then(|ledger| ledger.runs(None));
    let mut runs = runs.map_err(|error| refuse(&error.message, global))?;
    for run in &mut runs {
        if run.status == "RUNNING" && !goes_on(&state, run) {
            run.status = "INTERRUPTED".into();
        }
    }
    match &args.action {
        None | Some(RunsAction::List) if args.json => {
            runs.iter().for_each(|run| put!("{}\n", line(run)));
        }
        None | Some(RunsAction::List) => put!("{}\n", table(&runs)),
        Some(RunsAction::Show { run }) => {
            let found = find(&runs, run).ok_or_else(|| {
                let near = did_you_mean(run, runs.iter().map(|run| &*run.id));
                refuse(&format!("there is no run `{run}`{near}"), global)
            })?;
            put!("{}\n", report(found));
        }
        Some(RunsAction::Stats) => {
            let stats = stats(&runs);
            match args.json {
                true => put!("{stats}\n"),
                false => print_stats(&stats),
            }
        }
    }
    if runs.is_empty() && !args.json && !global.quiet {
        say!("there are no runs yet");
    }
    Ok(())
}

/// Does a run that did not say how it ended still go on? Then it holds the lock of its pipeline.
fn goes_on(state: &Path, run: &Run) -> bool {
    let holder = lock::holder(&state.join(format!("{}.lock", run.pipeline)));
    holder.is_some_and(|holder| holder.contains(&run.id))
}

/// A run by its name, the words that it ends with, `last` or `last-failed`.
fn find<'r>(runs: &'r [Run], name: &str) -> Option<&'r Run> {
    match name {
        "last" => runs.first(),
        "last-failed" => runs.iter().find(|run| !["SUCCESS", "RUNNING"].contains(&&*run.status)),
        name => runs.iter().find(|run| {
            let words = run.id.strip_suffix(name);
            words.is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
        }),
    }
}

fn line(run: &Run) -> Value {
    json!({
        "execution_id": run.id,
        "pipeline": run.pipeline,
        "started": run.started,
        "status": run.status,
        "seconds": run.seconds,
        "records_read": run.rows_read,
        "error": run.error,
    })
}

/// The report of a run; as much of one as there is when it did not end.
fn report(run: &Run) -> String {
    let kept = run.report.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let value: Value = kept.unwrap_or_else(|| line(run));
    serde_json::to_string_pretty(&value).expect("a report can be written")
}

fn table(runs: &[Run]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(["run", "pipeline", "status", "rows read", "time"]);
    let right = |text| Cell::new(text).set_alignment(CellAlignment::Right);
    for run in runs {
        table.add_row([
            Cell::new(&run.id),
            Cell::new(&run.pipeline),
            Cell::new(&run.status),
            right(run.rows_read.map_or(String::new(), grouped)),
            right(run.seconds.map_or(String::new(), seconds_text)),
        ]);
    }
    table.to_string()
}

/// All runs together.
fn stats(runs: &[Run]) -> Value {
    let reports: Vec<Value> =
        runs.iter().filter_map(|run| serde_json::from_str(run.report.as_deref()?).ok()).collect();
    let jobs: Vec<&Value> =
        reports.iter().filter_map(|report| report["jobs"].as_array()).flatten().collect();
    let succeeded = jobs.iter().filter(|job| job["status"] == "SUCCESS").count();
    let ended = |status: &str| runs.iter().filter(|run| run.status == status).count();
    let records: u64 = runs.iter().filter_map(|run| run.rows_read).sum();
    let seconds: f64 = runs.iter().filter_map(|run| run.seconds).sum();
    let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    json!({
        "runs": runs.len(),
        "runs_succeeded": ended("SUCCESS"),
        "jobs_executed": jobs.len(),
        "success_rate": share(succeeded, jobs.len()),
        "records_processed": records,
        "average_throughput": if seconds > 0.0 { records as f64 / seconds } else { 0.0 },
    })
}

fn print_stats(stats: &Value) {
    let count = |name: &str| grouped(stats[name].as_u64().unwrap_or(0));
    let number = |name: &str| stats[name].as_f64().unwrap_or(0.0);
    put!("runs                {}\n", count("runs"));
    put!("  that succeeded    {}\n", count("runs_succeeded"));
    put!("jobs executed       {}\n", count("jobs_executed"));
    put!("  that succeeded    {:.1} %\n", number("success_rate") * 100.0);
    put!("records processed   {}\n", count("records_processed"));
    put!("records per second  {}\n", grouped(number("average_throughput") as u64));
}
