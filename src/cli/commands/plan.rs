//! `batchc plan`

use crate::Compiled;
use crate::cli::args::{Global, Plan};
use crate::cli::load::{base, checked_values, context_with, runnable, state, targets};
use crate::cli::print::put;
use crate::cli::reasons::line;
use crate::cli::secrets::with_keys;
use crate::ir::{
    Input, Merge, MergeKeep, Mode, Output, PartitionBy, Pipeline, Resources, RunContext, Scd2,
};
use crate::plan;
use crate::run::{State, decide};
use crate::store::ledger::Ledger;
use std::path::Path;

/// Prints the operators that a run would use, and how jobs are split.
pub(in crate::cli) fn run(args: &Plan, global: &Global) -> u8 {
    match show(args, global) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

/// The exit code as an error when there is no plan to show. Parameters need no value for it.
fn show(args: &Plan, global: &Global) -> Result<(), u8> {
    let (path, compiled) = runnable(&args.file, global)?;
    let targets = targets(&compiled.pipeline, &args.selection, &args.passes, global)?;
    let values = checked_values(&compiled, &path, &args.params, global)?;
    let pipeline = &compiled.pipeline;
    put!("{}", text(pipeline, &targets));
    if values.iter().all(Option::is_some) {
        let context = context_with(values.into_iter().flatten().collect());
        let state = state(&args.state, &path);
        let wanted = (&targets.tables[..], &targets.outputs[..]);
        match with_keys(context, pipeline, wanted, &base(&path)) {
            Ok(context) => {
                put!("{}", verdicts(&compiled, &context, &base(&path), &state, &targets));
            }
            // What would run depends on it.
            Err(message) => put!("{message}\n"),
        }
    }
    Ok(())
}

/// What a run would do and what it would take from earlier ones, if there were any.
pub(in crate::cli) fn verdicts(
    compiled: &Compiled,
    context: &RunContext,
    base: &Path,
    state: &State,
    targets: &plan::Targets,
) -> String {
    let Some(ledger) = Ledger::look(&state.folder) else { return String::new() };
    let outputs = &targets.outputs;
    let decision = decide(&compiled.pipeline, context, base, state, outputs, &ledger);
    match decision {
        Ok(mut decision) => {
            decision.locate(&compiled.files);
            let reasons = decision.reasons.iter().map(line);
            reasons.chain(decision.notes).map(|line| line + "\n").collect()
        }
        Err(error) => format!("{error}\n"),
    }
}

/// The plan of the targets as text, with the passes that are off.
pub(in crate::cli) fn text(pipeline: &Pipeline, targets: &plan::Targets) -> String {
    let plan = plan::plan(pipeline, targets);
    let mut out = plan::show(&plan, pipeline);
    for job in &pipeline.jobs {
        let after = job.after.iter().map(|other| pipeline.name_of(Input::Job(*other)));
        let after: Vec<&str> = after.collect();
        if !after.is_empty() {
            out.push_str(&format!("{} runs after {}\n", job.name, after.join(", ")));
        }
        if let Some(asks) = job.resources.filter(|asks| asks.is_own) {
            out.push_str(&format!("{} may use {}\n", job.name, asks_text(asks)));
        }
        if let Some(partition) = &job.partition {
            let by = match &partition.by {
                PartitionBy::Hash(_) => "hash",
                PartitionBy::RoundRobin => "round robin",
                PartitionBy::Size => "size",
            };
            out.push_str(&format!("{} is split by {by} into {}\n", job.name, partition.into));
        }
    }
    for output in targets.outputs.iter().map(|at| &pipeline.outputs[*at]) {
        if let Some(does) = mode_text(pipeline, output) {
            out.push_str(&format!("{} {does}\n", output.name));
        }
    }
    let without: Vec<&str> = targets.without.names().collect();
    if !without.is_empty() {
        out.push_str(&format!("without {}\n", without.join(", ")));
    }
    out
}

/// `2 threads and 512 MiB`
fn asks_text(asks: Resources) -> String {
    let threads = asks.threads.map(|threads| match threads {
        1 => "1 thread".to_owned(),
        more => format!("{more} threads"),
    });
    let memory = asks.memory.map(|bytes| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)));
    threads.into_iter().chain(memory).collect::<Vec<_>>().join(" and ")
}

/// What an output does with the rows that it holds, if it keeps them: `is merged into by id`.
fn mode_text(pipeline: &Pipeline, output: &Output) -> Option<String> {
    let row = pipeline.row_of(output.from);
    let names = |columns: &[usize]| {
        let names: Vec<&str> = columns.iter().map(|at| &*row.columns[*at].name).collect();
        names.join(", ")
    };
    match &output.mode {
        Mode::Overwrite => None,
        Mode::Append => Some("keeps its rows, and new ones are added".to_owned()),
        Mode::Merge(Merge { keys, keep, .. }) => {
            let keys = names(keys);
            let stays = match keep {
                MergeKeep::New => "the new one stays".to_owned(),
                MergeKeep::Old => "the one that is there stays".to_owned(),
                MergeKeep::Largest(by) => format!("the newest by {} stays", names(&[*by])),
                MergeKeep::Smallest(by) => format!("the oldest by {} stays", names(&[*by])),
            };
            Some(format!(
                "is read, and new rows are joined to it by {keys}: of two with one key {stays}"
            ))
        }
        Mode::Scd2(Scd2 { keys, track, .. }) => {
            let (keys, track) = (names(keys), names(track));
            Some(format!(
                "is read, and new rows are joined to its versions by {keys}: \
                 one that differs in {track} begins another"
            ))
        }
    }
}
