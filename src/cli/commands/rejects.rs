//! `batchc rejects`

use crate::cli::NOT_STARTED;
use crate::cli::args::{Global, Rejects, RejectsAction, Replay, Run};
use crate::cli::commands::resume::again;
use crate::cli::history::History;
use crate::cli::load::{load, print_outside, refuse, targets};
use crate::cli::print::{put, say, width_of};
use crate::cli::rejects::{Quarantine, identity};
use crate::cli::table::{grouped, rows_text};
use crate::diagnostics::shown;
use crate::ir::Mode;
use comfy_table::{LineStyle, Table, presets};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use twox_hash::XxHash3_64;

/// Rows that are shown if nothing else is asked for.
const ROWS: usize = 20;
/// Kinds of reasons that are listed.
const REASONS: usize = 10;
/// What a quarantine says of a row beside its columns.
const OF_ROW: &[&str] = &["_reason", "_job", "_source_file", "_source_row", "_line", "_text"];

/// Shows the rows that were set aside, and runs them again.
pub(in crate::cli) fn run(args: &Rejects, global: &Global) -> u8 {
    let history = match History::open(&args.state, global) {
        Ok(history) => history,
        Err(code) => return code,
    };
    let done = match &args.action {
        None | Some(RejectsAction::List) => list(&history, args.json, global),
        Some(RejectsAction::Show { name, limit }) => {
            show(&history, name, *limit, args.json, global)
        }
        Some(RejectsAction::Replay(replay)) => replay_all(&history, replay, global),
    };
    match done {
        Ok(code) | Err(code) => code,
    }
}

fn list(history: &History, as_json: bool, global: &Global) -> Result<u8, u8> {
    let all = Quarantine::all(&history.state);
    for one in &all {
        let counted = one.counted().map_err(|message| refuse(&message, global))?;
        let run = one.run(history);
        if as_json {
            let reason = |((job, reason), rows): (&(String, String), &u64)| json!({ "job": job, "reason": reason, "records": rows });
            let reasons: Vec<Value> = counted.reasons.iter().map(reason).collect();
            let line = json!({
                "quarantine": one.name,
                "records": counted.rows,
                "written": one.written,
                "execution_id": run.map(|run| &run.id),
                "pipeline": run.map(|run| &run.pipeline),
                "reasons": reasons,
            });
            put!("{line}\n");
            continue;
        }
        let by =
            run.map_or(String::new(), |run| format!(", by run {} of {}", run.id, run.pipeline));
        put!("{}: {}, {}{by}\n", one.name, rows_text(counted.rows), one.written);
        let mut reasons: Vec<_> = counted.reasons.into_iter().collect();
        reasons.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        for ((job, reason), rows) in reasons.iter().take(REASONS) {
            put!("{:>10}  {job}: {reason}\n", grouped(*rows));
        }
        if let Some(more) = reasons.len().checked_sub(REASONS).filter(|more| *more > 0) {
            put!("{:>10}  and {more} other reasons\n", "");
        }
    }
    if all.is_empty() && !as_json && !global.quiet {
        say!("no run has set rows aside in {}", history.state.display());
    }
    Ok(0)
}

fn show(
    history: &History,
    name: &str,
    limit: Option<usize>,
    as_json: bool,
    global: &Global,
) -> Result<u8, u8> {
    let quarantine = Quarantine::find(&history.state, name, global)?;
    let mut lines = quarantine.lines().map_err(|message| refuse(&message, global))?;
    if as_json {
        lines.take(limit.unwrap_or(usize::MAX)).for_each(|line| put!("{line}\n"));
        return Ok(0);
    }
    let first: Vec<Value> = (lines.by_ref().take(limit.unwrap_or(ROWS)))
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect();
    if !first.is_empty() {
        put!("{}\n", table(&first));
    }
    if !global.quiet {
        let more = if lines.next().is_some() { ", and there are more: --limit N" } else { "" };
        say!("{}{more}", rows_text(first.len() as u64));
    }
    Ok(0)
}

/// What was wrong, where the row came from, and its columns as they were.
fn table(rows: &[Value]) -> Table {
    let mut columns: Vec<&String> = vec![];
    for name in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        if !OF_ROW.contains(&&**name) && !columns.contains(&name) {
            columns.push(name);
        }
    }
    let text = |value: &Value| match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => shown(text),
        other => other.to_string(),
    };
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    if let Some(width) = width_of(std::io::stdout()) {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    let names = columns.iter().map(|name| name.as_str());
    table.set_header(["reason", "job", "from"].into_iter().chain(names));
    for row in rows {
        let from = match (&row["_source_file"], &row["_line"], &row["_source_row"]) {
            (Value::String(file), Value::Number(line), _) => format!("{file}:{line}"),
            (Value::String(file), _, Value::Number(row)) => format!("{file}, row {row}"),
            _ => String::new(),
        };
        let plain = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let head = [plain("_reason"), plain("_job"), from];
        let cell = |name: &&String| row.get(name.as_str()).map_or(String::new(), text);
        table.add_row(head.into_iter().chain(columns.iter().map(cell)));
    }
    table
}

/// Refuses a run that would add rows to an output which holds them already; does it else have to read
/// again what a run after others would not?
fn no_row_twice(run: &Run, global: &Global) -> Result<bool, u8> {
    let (_, compiled) = load(&run.file).map_err(|message| refuse(&message, global))?;
    let pipeline = &compiled.pipeline;
    let chosen = targets(pipeline, &run.selection, &run.how.passes, global)?.outputs;
    let mut chosen = chosen.into_iter().map(|at| &pipeline.outputs[at]);
    let Some(output) = chosen.find(|output| output.mode == Mode::Append) else {
        return Ok(pipeline.sources.iter().any(|source| source.incremental.is_some()));
    };
    let message = format!(
        "the output `{}` is added to: rows that it holds would be there twice",
        output.name
    );
    let help = "remove it and run the pipeline, so that it is made of all rows anew";
    print_outside(&message, Some(help), global);
    Err(NOT_STARTED)
}

/// Runs what has set the rows aside once more, and says what became of them. All is computed anew from
/// the sources, so no row is there twice.
fn replay_all(history: &History, args: &Replay, global: &Global) -> Result<u8, u8> {
    let quarantine = Quarantine::find(&history.state, &args.name, global)?;
    let name = &quarantine.name;
    let Some(run) = quarantine.run(history) else {
        let message = format!("it is not known any more which run has written `{name}`");
        return Err(refuse(&message, global));
    };
    let kept = history.kept(&run.id, global)?;
    let mut again = again(history, &kept, args.dry_run, &args.how, global)?;
    let folder = again.file.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let files = kept.of_kind("source.read").filter_map(|source| source["files"].as_array());
    let names = files.flatten().filter_map(|file| file["file"].as_str());
    if let Some(gone) = names.into_iter().find(|name| !folder.join(name).exists()) {
        let message = format!("{gone}, which run {} has read, is not there any more", run.id);
        let help = "without it the outputs would lose its rows; if that is meant: batchc run";
        print_outside(&message, Some(help), global);
        return Err(NOT_STARTED);
    }
    again.of.clear();
    again.fresh = no_row_twice(&again, global)?;
    let digests = || -> Result<HashMap<u64, u64>, u8> {
        let lines = quarantine.lines().map_err(|message| refuse(&message, global))?;
        let mut found = HashMap::new();
        for line in lines {
            *found.entry(XxHash3_64::oneshot(identity(&line).as_bytes())).or_default() += 1;
        }
        Ok(found)
    };
    let before = digests()?;
    let all: u64 = before.values().sum();
    if !global.quiet {
        say!("{name}: {} of run {} again", rows_text(all), run.id);
    }
    let code = super::run::run(&again, global);
    if args.dry_run || code != 0 {
        return Ok(code);
    }
    let after = digests()?;
    let still =
        |(digest, rows): (&u64, &u64)| after.get(digest).map_or(0, |there: &u64| *there.min(rows));
    let same: u64 = before.iter().map(still).sum();
    let new = after.values().sum::<u64>() - same;
    if !global.quiet {
        let others = if new == 0 { String::new() } else { format!(", and {} new", grouped(new)) };
        let (cured, same) = (rows_text(all - same), grouped(same));
        say!("{name}: {cured} not set aside any more, {same} set aside again{others}");
    }
    Ok(0)
}
