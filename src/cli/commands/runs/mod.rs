//! `batchc runs`

mod diff;
pub(in crate::cli) mod logs;
mod stats;

use crate::cli::args::{Global, Runs, RunsAction};
use crate::cli::history::{History, line};
use crate::cli::load::refuse;
use crate::cli::print::{put, say};
use crate::cli::table::{grouped, seconds_text};
use crate::store::history::Run;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};
use serde_json::Value;

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
            let reports: Vec<Value> = runs.iter().map(|run| history.report(run)).collect();
            let stats = stats::of(runs, &reports);
            match args.json {
                true => put!("{stats}\n"),
                false => stats::print(&stats),
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
