//! `batchc runs`

mod diff;
pub(in crate::cli) mod logs;

use crate::cli::args::{Global, Runs, RunsAction};
use crate::cli::history::{History, line};
use crate::cli::load::refuse;
use crate::cli::print::{put, say};
use crate::cli::table::{grouped, seconds_text};
use crate::store::ledger::Run;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};
use serde_json::{Value, json};

/// Shows what runs did.
pub(in crate::cli) fn run(args: &Runs, global: &Global) -> u8 {
    match show(args, global) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

fn show(args: &Runs, global: &Global) -> Result<(), u8> {
    let history = History::open(&args.state, global)?;
    let runs = &history.runs;
    match &args.action {
        None | Some(RunsAction::List) if args.json => {
            runs.iter().for_each(|run| put!("{}\n", line(run)));
        }
        None | Some(RunsAction::List) => put!("{}\n", table(runs)),
        Some(RunsAction::Show { run }) => {
            let report = history.kept(run, global)?.report;
            put!("{}\n", serde_json::to_string_pretty(&report).expect("a report can be written"));
        }
        Some(RunsAction::Logs { run }) => {
            let kept = history.kept(run, global)?;
            if kept.events.is_empty() {
                let message = format!("no events of run {} are kept", kept.run.id);
                return Err(refuse(&message, global));
            }
            logs::print(&kept, args.json);
        }
        Some(RunsAction::Diff { a, b }) => {
            diff::print(&history.kept(a, global)?, &history.kept(b, global)?, args.json);
        }
        Some(RunsAction::Stats) => {
            let stats = stats(runs);
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
