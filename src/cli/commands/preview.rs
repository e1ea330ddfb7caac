//! `batchc preview`

use crate::cli::args::{File, Global, Preview};
use crate::cli::failure::explain_failures;
use crate::cli::load::{base, context, refuse, refuse_name, runnable_without, state, without};
use crate::cli::print::{put, say, width_of};
use crate::cli::secrets::with_keys;
use crate::cli::table::{rows_table, rows_text};
use crate::diagnostics::Code;
use crate::ir::{Input, JobId, Row, SourceId};
use crate::plan::Targets;
use crate::run::{Options, run as run_pipeline};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// Runs what a job needs and shows its first rows.
pub(in crate::cli) fn run(args: &Preview, global: &Global) -> u8 {
    match show(args, global) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

/// The exit code as an error when there are no rows to show.
fn show(args: &Preview, global: &Global) -> Result<(), u8> {
    let file = File { file: Some(args.file.clone()) };
    // A job that leads to no output can be looked at all the same.
    let (path, compiled) = runnable_without(&file, &[Code::W0601], global)?;
    let pipeline = &compiled.pipeline;
    let job = pipeline.jobs.iter().position(|job| job.name == args.job);
    let source = pipeline.sources.iter().position(|source| source.name == args.job);
    let (input, row): (Input, &Arc<Row>) = match (job, source) {
        (Some(job), _) => (Input::Job(JobId(job as u32)), pipeline.jobs[job].row()),
        (None, Some(source)) => {
            (Input::Source(SourceId(source as u32)), &pipeline.sources[source].row)
        }
        (None, None) => {
            let jobs = pipeline.jobs.iter().map(|job| job.name.as_str());
            let sources = pipeline.sources.iter().map(|source| source.name.as_str());
            let names = jobs.chain(sources);
            return Err(refuse_name("there is no job or source", &args.job, names, global));
        }
    };
    let context = context(&compiled, &path, &args.params, global)?;
    let context = with_keys(context, pipeline, (&[input], &[]), &base(&path))
        .map_err(|message| refuse(&message, global))?;
    let without = without(&args.passes, global)?;
    let cancelled = AtomicBool::new(false);
    let options = Options {
        base: base(&path),
        threads: args.resources.threads(),
        memory: args.resources.memory(),
        chunk: args.resources.chunk,
        temp: args.resources.temp_dir(&state(&args.state, &path).folder),
        // One more than is shown, to know whether there are more.
        targets: Targets {
            outputs: vec![],
            tables: vec![input],
            first_rows: Some((args.rows as u64).saturating_add(1)),
            without,
        },
        state: None,
        profiles: false,
        timeout: None,
        keeps_going: false,
        cancelled: &cancelled,
        rows_read: &AtomicU64::new(0),
        events: None,
        fixture: None,
        files: &compiled.files,
        watch: &|_| {},
    };
    let outcome = run_pipeline(pipeline, &context, &options);
    if !outcome.failures.is_empty() {
        return Err(explain_failures(outcome.failures, &compiled, global));
    }
    let batches = outcome.tables.into_iter().next().unwrap_or_default();
    let (table, columns) = rows_table(row, &batches, args.rows, width_of(std::io::stdout()));
    put!("{table}\n");
    let rows: usize = batches.iter().map(|batch| batch.rows).sum();
    if !global.quiet {
        let shown = rows_text(rows.min(args.rows) as u64);
        say!("{shown}{}", if rows > args.rows { ", and there are more" } else { "" });
        let others: Vec<&str> =
            row.columns.iter().skip(columns).map(|column| &*column.name).collect();
        if !others.is_empty() {
            say!("not shown, as the terminal has no room: {}", others.join(", "));
        }
    }
    Ok(())
}
