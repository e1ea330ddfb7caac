//! `batchc run`

use crate::Compiled;
use crate::cli::args::{Global, Run};
use crate::cli::load::{base, context, print_one, refuse, runnable, targets};
use crate::cli::{FAILED, RULE};
use crate::diagnostics::{Diagnostic, runtime};
use crate::exec::{Error, Place};
use crate::ir::Pipeline;
use crate::run::{Failure, Options, Report, Status, quarantine_path, run as run_pipeline};
use crate::text::{FileId, Span};
use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Runs a pipeline and reports.
pub(in crate::cli) fn run(args: &Run, global: &Global) -> u8 {
    let (path, compiled) = match runnable(&args.file, global) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let targets = match targets(&compiled.pipeline, &args.select) {
        Ok(targets) => targets,
        Err(code) => return code,
    };
    if args.dry_run {
        print!("{}", super::plan::text(&compiled.pipeline, &targets));
        return 0;
    }
    let context = match context(&compiled, &args.params, global) {
        Ok(context) => context,
        Err(code) => return code,
    };
    let cancelled = Arc::new(AtomicBool::new(false));
    let stopped_by = catch_signals(&cancelled);
    let base = base(&path);
    let options = Options {
        base: base.clone(),
        threads: threads(args.threads),
        targets,
        cancelled: &cancelled,
    };
    let name = compiled.pipeline.name.clone();
    let name = name.unwrap_or_else(|| path.display().to_string());
    if !global.quiet {
        eprintln!("{name} · run {} · {} threads", context.id, options.threads);
    }
    let bar = progress(args, global);
    let mut outcome = run_pipeline(&compiled.pipeline, &context, &options);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let mut code = 0;
    if !global.quiet {
        print_report(&outcome.report, &compiled.pipeline, &base);
    }
    if let Some(failure) = outcome.failure.take() {
        let (exit, message) = explain_failure(failure, &compiled, global);
        code = exit;
        outcome.report.error = Some(message);
    }
    if outcome.report.status == Status::Cancelled {
        code = if stopped_by.load(Relaxed) { 143 } else { 130 };
    }
    if let Some(file) = &args.report
        && let Err(message) = write_report(&outcome.report, file)
    {
        return refuse(&message);
    }
    if !global.quiet {
        eprintln!("{}", last_line(&name, &outcome.report, code));
    }
    code
}

/// The threads asked for; all cores otherwise.
pub(in crate::cli) fn threads(asked: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or_else(cores).clamp(1, 1024)
}

/// The first signal stops the run at the next morsel, the second at once. The result says whether
/// it was TERM.
fn catch_signals(cancelled: &Arc<AtomicBool>) -> Arc<AtomicBool> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_shutdown};
    let terminated = Arc::new(AtomicBool::new(false));
    for (signal, code) in [(SIGINT, 130), (SIGTERM, 143)] {
        // Without handlers a signal still ends the process, and nothing half-written is visible.
        let _ = register_conditional_shutdown(signal, code, cancelled.clone());
        let _ = register(signal, cancelled.clone());
    }
    let _ = register(SIGTERM, terminated.clone());
    terminated
}

fn progress(args: &Run, global: &Global) -> Option<ProgressBar> {
    let wanted = !args.no_progress && !global.quiet && std::env::var_os("CI").is_none();
    if !wanted || !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} running {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    Some(bar)
}

/// Says why a run failed; the exit code and the message.
pub(in crate::cli) fn explain_failure(
    failure: Failure,
    compiled: &Compiled,
    global: &Global,
) -> (u8, String) {
    let pipeline = &compiled.pipeline;
    let found: (u8, Diagnostic) = match failure {
        Failure::Stage(Error::Connect(error), _) => {
            eprintln!("error: {}", error.message);
            if let Some(help) = &error.help {
                eprintln!("  help: {help}");
            }
            return (FAILED, error.message);
        }
        Failure::Stage(Error::Cancelled, _) => return (130, "stopped".to_owned()),
        Failure::Stage(Error::Cardinality { span, side, key }, _) => {
            (RULE, runtime::cardinality(side, &key, span))
        }
        Failure::Stage(Error::Row { span, reason, place, .. }, files) => {
            let place = place.map(|place| place_text(place, &files));
            let job = span.and_then(|span| job_at(pipeline, span));
            let rule = reason.ends_with("does not hold");
            match span {
                Some(span) if rule => (RULE, runtime::rule_broken(&reason, place.as_deref(), span)),
                _ => {
                    let reader = pipeline.jobs.first();
                    let span = span.or(reader.map(|job| job.input_span));
                    let span = span.unwrap_or(Span::new(FileId(0), 0, 0));
                    let job = job.or_else(|| job_at(pipeline, span));
                    (FAILED, runtime::row_failed(&reason, place.as_deref(), span, job))
                }
            }
        }
        Failure::Threshold { job, what, failed, of, above } => {
            let span = pipeline.jobs.iter().find(|one| one.name == job).map(|job| job.span);
            let span = span.unwrap_or(Span::new(FileId(0), 0, 0));
            (RULE, runtime::above(&job, &what, failed, of, above, span))
        }
    };
    let message = found.1.message.clone();
    print_one(found.1, &compiled.files, global);
    (found.0, message)
}

fn job_at(pipeline: &Pipeline, span: Span) -> Option<&str> {
    // A job's steps follow its name, up to the next job's name.
    pipeline
        .jobs
        .iter()
        .filter(|job| job.span.start <= span.start)
        .max_by_key(|job| job.span.start)
        .map(|job| job.name.as_str())
}

fn place_text(place: Place, files: &[Arc<str>]) -> String {
    let file = files.get(place.file).map_or("", |file| file);
    match place.line {
        Some(line) => format!("{file}:{line}"),
        None => format!("{file}, row {}", place.record),
    }
}

fn write_report(report: &Report, file: &Path) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).expect("a report can be written");
    std::fs::write(file, text + "\n")
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

fn print_report(report: &Report, pipeline: &Pipeline, base: &Path) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let columns =
        ["job", "in", "out", "filtered", "dropped", "deduplicated", "quarantined", "seconds"];
    table.set_header(columns);
    for job in &report.jobs {
        let mut cells = vec![Cell::new(&job.job)];
        let counts = [
            job.records_in,
            job.records_out,
            job.filtered,
            job.dropped,
            job.deduplicated,
            job.quarantined,
        ];
        cells.extend(
            counts.map(|count| Cell::new(grouped(count)).set_alignment(CellAlignment::Right)),
        );
        let seconds = format!("{:.3}", job.seconds);
        cells.push(Cell::new(seconds).set_alignment(CellAlignment::Right));
        table.add_row(cells);
    }
    eprintln!("{table}");
    for job in &report.jobs {
        for (rule, broken) in job.expectations.iter().filter(|(_, broken)| *broken > 0) {
            eprintln!("  {}: `{rule}` does not hold for {} rows", job.job, grouped(*broken));
        }
        if job.nulled > 0 {
            eprintln!("  {}: {} rows with values that became null", job.job, grouped(job.nulled));
        }
    }
    if report.jobs.iter().any(|job| job.quarantined > 0) {
        for quarantine in &pipeline.quarantines {
            eprintln!("  set aside: {}", quarantine_path(base, &quarantine.name).display());
        }
    }
    for output in &report.outputs {
        eprintln!("  wrote {} ({} rows)", output.path, grouped(output.records));
    }
}

/// `1,234,567`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn last_line(name: &str, report: &Report, code: u8) -> String {
    let seconds = report.seconds;
    let memory = report.peak_memory >> 20;
    match report.status {
        Status::Success => format!("{name} succeeded in {seconds:.2} s, {memory} MiB at most"),
        Status::Cancelled => format!("{name} was stopped after {seconds:.2} s (exit {code})"),
        Status::Failed | Status::Running => {
            format!("{name} failed after {seconds:.2} s; no output was changed (exit {code})")
        }
    }
}
