//! `batchc run`

use crate::Compiled;
use crate::cli::LOCKED;
use crate::cli::args::{Checkpoints, Global, Run};
use crate::cli::events::{Lines, open};
use crate::cli::failure::explain_failures;
use crate::cli::load::{
    base, check_places, context, context_with, refuse, runnable, state, targets,
};
use crate::cli::notify::Notifiers;
use crate::cli::openlineage::Receiver;
use crate::cli::print::{put, say, width_of};
use crate::cli::profile::{locate, print_profile};
use crate::cli::progress::{Mode, Progress};
use crate::cli::reasons::say_decision;
use crate::cli::secrets::with_keys;
use crate::cli::table::print_report;
use crate::ir::{Pipeline, RunContext};
use crate::plan::Targets;
use crate::run::openlineage::Events;
use crate::run::{
    Event, FilesTaken, JobReport, Options, Outcome, Profile, Report, Request, State, Status, When,
    replaced_by_report, run as run_pipeline,
};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Runs a pipeline and reports.
pub(in crate::cli) fn run(args: &Run, global: &Global) -> u8 {
    let prepared = prepare(args, global).inspect_err(|_| {
        if !args.dry_run {
            report_not_started(args, global);
        }
    });
    match prepared.and_then(|prepared| start(args, prepared, global)) {
        Ok(code) | Err(code) => code,
    }
}

/// A pipeline that can be run, where it is, and with what.
type Prepared = (PathBuf, Compiled, Targets, RunContext);

fn prepare(args: &Run, global: &Global) -> Result<Prepared, u8> {
    let (path, compiled) = runnable(&args.file, global)?;
    let targets = targets(&compiled.pipeline, &args.selection, &args.how.passes, global)?;
    let context = context(&compiled, &path, &args.params, global)?;
    let wanted = (&targets.tables[..], &targets.outputs[..]);
    let context = with_keys(context, &compiled.pipeline, wanted, &base(&path))
        .map_err(|message| refuse(&message, global))?;
    check_places(&compiled, &path, &context, &kept(args, &path), global)?;
    Ok((path, compiled, targets, context))
}

/// Says in the report that nothing was run, so that nobody takes that of an earlier run for this
/// one's. Only a report is replaced: what else the file may be to a wrong pipeline, nobody knows.
fn report_not_started(args: &Run, global: &Global) {
    let Some(file) = &args.how.report else { return };
    let is_report = |text: String| {
        let found: Result<serde_json::Value, _> = serde_json::from_str(&text);
        found.is_ok_and(|found| found.get("execution_id").is_some())
    };
    if file.exists() && !std::fs::read_to_string(file).is_ok_and(is_report) {
        return;
    }
    let why = global.said.get().cloned().unwrap_or_default();
    if let Err(message) = write_report(&Report::not_started(&context_with(vec![]), why), file) {
        refuse(&message, global);
    }
}

/// Whether what the run says, and what does not fit into memory, can be written where it is to be.
fn check_places_of_words(
    args: &Run,
    pipeline: &Pipeline,
    context: &RunContext,
    path: &Path,
) -> Result<(), String> {
    if let Some(folder) = &args.how.resources.temp_dir
        && folder.exists()
        && !folder.is_dir()
    {
        return Err(format!("--temp-dir {} is not a folder", folder.display()));
    }
    let state = kept(args, path).folder;
    let lineage_file = match args.how.openlineage.as_deref().map(Receiver::of) {
        Some(Receiver::File(file)) => Some(file),
        _ => None,
    };
    for (file, form) in [
        (args.how.report.as_ref(), "report"),
        (args.how.profile_file(), "profile"),
        (args.how.events.as_ref().filter(|file| Lines::of(file) == Lines::File), "events"),
        (lineage_file.as_ref(), "OpenLineage events"),
    ] {
        let Some(file) = file else { continue };
        if file.is_dir() {
            return Err(format!(
                "the {form} {} is a folder, and a file is written",
                file.display()
            ));
        }
        if let Some(what) = replaced_by_report(pipeline, context, &base(path), path, &state, file) {
            return Err(format!("the {form} {} would replace {what}", file.display()));
        }
    }
    Ok(())
}

/// Where runs keep what they did, and how this one takes it.
fn kept(args: &Run, path: &Path) -> State {
    let wait = Duration::from_secs(args.how.wait);
    let checkpoints = match args.how.checkpoints {
        Checkpoints::Auto => When::Auto,
        Checkpoints::Always => When::Always,
        Checkpoints::Never => When::Never,
    };
    let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let request = Request {
        file: file.display().to_string(),
        parameters: args.params.param.clone(),
        select: args.selection.select.clone(),
        fresh: args.fresh,
        of: args.of.clone(),
    };
    State { fresh: args.fresh, wait, checkpoints, request, ..state(&args.state, path) }
}

/// The exit code; an error when nothing could be run.
fn start(
    args: &Run,
    (path, compiled, targets, context): Prepared,
    global: &Global,
) -> Result<u8, u8> {
    let pipeline = &compiled.pipeline;
    if args.dry_run {
        let state = kept(args, &path);
        put!("{}", super::plan::text(pipeline, &targets));
        put!("{}", super::plan::verdicts(&compiled, &context, &base(&path), &state, &targets));
        return Ok(0);
    }
    check_places_of_words(args, pipeline, &context, &path)
        .map_err(|message| refuse(&message, global))?;
    let (outputs, job) = (targets.outputs.clone(), job_name(pipeline, &path));
    let mut lineage = Events::new(pipeline, &context, base(&path), outputs, job);
    lineage.namespace.clone_from(&args.how.openlineage_namespace);
    write_that_it_starts(args, &context, &lineage).map_err(|message| refuse(&message, global))?;
    let notifiers = (!args.how.no_notify)
        .then(|| Notifiers::find(pipeline, job_name(pipeline, &path), &context, &base(&path)));
    let events = args.how.events.as_deref().map(open).transpose();
    let events = events.map_err(|message| refuse(&message, global))?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let terminated = catch_signals(&cancelled);
    let rows_read = Arc::new(AtomicU64::new(0));
    let threads = args.how.resources.threads();
    let name = pipeline.name.clone().unwrap_or_else(|| path.display().to_string());
    if !global.quiet {
        let s = if threads == 1 { "" } else { "s" };
        say!("{name} · run {} · {threads} thread{s}", context.id);
    }
    let progress = Progress::start(mode(args, global), rows_read.clone());
    let options = Options {
        base: base(&path),
        threads,
        memory: args.how.resources.memory(),
        chunk: args.how.resources.chunk,
        temp: args.how.resources.temp_dir(&kept(args, &path).folder),
        targets,
        state: Some(kept(args, &path)),
        profiles: args.how.profile.is_some(),
        timeout: args.how.timeout,
        keeps_going: !args.how.fail_fast,
        cancelled: &cancelled,
        rows_read: &rows_read,
        events: events.as_ref(),
        fixture: None,
        files: &compiled.files,
        watch: &|event| see(event, &progress, global),
    };
    let Outcome { report, failures, mut profile, .. } = run_pipeline(pipeline, &context, &options);
    progress.end();
    profile.iter_mut().for_each(|profile| locate(profile, &compiled.files));
    if !global.quiet {
        say_what_was_done(&report, !failures.is_empty(), profile.as_ref());
    }
    let mut code = 0;
    if !failures.is_empty() {
        code = explain_failures(failures, &compiled, global);
    }
    if report.status == Status::Cancelled {
        code = if terminated.load(Relaxed) { 143 } else { 130 };
    }
    let ended = write_how_it_ended(args, &report, profile.as_ref(), &lineage);
    if let Some(notifiers) = notifiers.filter(|_| code != LOCKED) {
        notifiers.tell(&report);
    }
    ended.map_err(|message| refuse(&message, global))?;
    if !global.quiet {
        say!("{}", last_line(&name, &report, code));
    }
    Ok(code)
}

/// Says what has happened, as far as that is of interest at once.
fn see(event: Event, progress: &Progress, global: &Global) {
    match (event, event.warning()) {
        (_, Some(warning)) => say!("  {warning}"),
        (Event::Decided(decision), _) if !global.quiet => say_decision(decision),
        (Event::Unchanged(output), _) if !global.quiet => {
            let name = &output.output;
            say!("  {name} stays as it is: what it is made of came out as before");
        }
        (event, _) => progress.see(event),
    }
}

/// Writes what is asked for of a run that starts.
fn write_that_it_starts(args: &Run, context: &RunContext, events: &Events) -> Result<(), String> {
    if let Some(file) = &args.how.report {
        write_report(&Report::running(context), file)?;
    }
    let receiver = args.how.openlineage.as_deref().map(Receiver::of);
    receiver.map_or(Ok(()), |receiver| receiver.take(&events.started()))
}

/// Writes what is asked for of a run that has ended.
fn write_how_it_ended(
    args: &Run,
    report: &Report,
    profile: Option<&Profile>,
    events: &Events,
) -> Result<(), String> {
    if let Some(file) = &args.how.report {
        write_report(report, file)?;
    }
    if let Some(receiver) = args.how.openlineage.as_deref().map(Receiver::of) {
        receiver.take(&events.ended(report, context_with(vec![]).time))?;
    }
    match (args.how.profile_file(), profile) {
        (Some(file), Some(profile)) => write_report(profile, file),
        _ => Ok(()),
    }
}

/// Says what was done, as far as that is of interest.
fn say_what_was_done(report: &Report, has_failed: bool, profile: Option<&Profile>) {
    if let Some(run) = &report.recovered {
        say!("  published what run {run} had made when it died");
    }
    let runs: BTreeSet<&String> = report.taken_up.values().collect();
    for run in runs {
        let jobs = report.taken_up.iter().filter(|(_, of)| *of == run);
        let jobs: Vec<String> = jobs.map(|(job, _)| format!("`{job}`")).collect();
        say!("  went on from what run {run} had computed of {}", jobs.join(", "));
    }
    for (source, FilesTaken { taken, grown, begun, of }) in &report.files_taken {
        let beginnings = match grown {
            0 => String::new(),
            1 => ", and the beginning of one".to_owned(),
            more => format!(", and the beginnings of {more}"),
        };
        let middle = match begun {
            0 => String::new(),
            1 => ", and one as far as that run had come".to_owned(),
            more => format!(", and {more} as far as those runs had come"),
        };
        say!(
            "  {source}: {taken} of {of} files as an earlier run had read them{beginnings}{middle}"
        );
    }
    let was_read = report.jobs.iter().any(|job| job.records_in + job.added > 0);
    let is_new = report.outputs.iter().any(|output| !output.reused);
    if !has_failed && is_new || was_read {
        profile.into_iter().for_each(print_profile);
        print_report(report, width_of(std::io::stderr()));
    }
    if has_failed && report.jobs.len() > 1 {
        say_how_jobs_ended(report);
    }
}

/// Of a run that has failed, which jobs did, and which were not run.
fn say_how_jobs_ended(report: &Report) {
    for JobReport { job, status, needs, .. } in &report.jobs {
        match (status, needs) {
            (Status::Failed, _) => say!("  {job}: failed"),
            (Status::Cancelled, Some(needs)) => say!("  {job}: not run, it needs {needs}"),
            (Status::Cancelled, None) => say!("  {job}: not run"),
            (Status::Success | Status::Running, _) => say!("  {job}: done"),
        }
    }
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

/// How progress is shown: redrawn on a terminal that a person looks at.
fn mode(args: &Run, global: &Global) -> Mode {
    if args.how.no_progress || global.quiet {
        Mode::Nothing
    } else if std::io::stderr().is_terminal() && std::env::var_os("CI").is_none() {
        Mode::Redrawn
    } else {
        Mode::Lines
    }
}

/// Writes a report that appears whole: whoever looks at the file sees the last one or this one.
fn write_report(report: &impl Serialize, file: &Path) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).expect("a report can be written") + "\n";
    let failed = |error| format!("cannot write {}: {error}", file.display());
    let is_plain = std::fs::symlink_metadata(file).map_or(true, |found| found.is_file());
    let Some(name) = file.file_name().filter(|_| is_plain) else {
        return std::fs::write(file, text).map_err(failed);
    };
    let mut staged = std::ffi::OsString::from(".");
    staged.push(name);
    staged.push(".part");
    let staged = file.with_file_name(staged);
    std::fs::write(&staged, text).and_then(|()| std::fs::rename(&staged, file)).map_err(failed)
}

/// What a pipeline is called in events: its name, or that of its file.
pub(in crate::cli) fn job_name(pipeline: &Pipeline, path: &Path) -> String {
    let of_file = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    pipeline.name.clone().unwrap_or_else(of_file)
}

fn last_line(name: &str, report: &Report, code: u8) -> String {
    let seconds = report.seconds;
    let memory = report.peak_memory >> 20;
    let reused = report.outputs.iter().filter(|output| output.reused).count();
    match report.status {
        Status::Success if reused > 0 && reused == report.outputs.len() => {
            if !report.jobs.is_empty() {
                return format!("{name}: all outputs stay as they are ({seconds:.2} s)");
            }
            format!("{name}: nothing to do, all outputs are there ({seconds:.2} s)")
        }
        Status::Success => {
            let disk = match report.spilled >> 20 {
                0 => String::new(),
                spilled => format!(", {spilled} MiB went to disk"),
            };
            format!("{name} succeeded in {seconds:.2} s, {memory} MiB at most{disk}")
        }
        Status::Cancelled => format!("{name} was stopped after {seconds:.2} s (exit {code})"),
        Status::Failed | Status::Running => {
            let changed = match report.outputs.len() - reused {
                0 => "no output was changed".to_owned(),
                new => format!("{new} of its outputs changed, not all"),
            };
            let jobs = jobs_text(report);
            format!("{name} failed after {seconds:.2} s{jobs}; {changed} (exit {code})")
        }
    }
}

/// `: 2 done, 1 failed, 2 not run`, if there are several.
fn jobs_text(report: &Report) -> String {
    let of = |status| report.jobs.iter().filter(|job| job.status == status).count();
    let (done, failed) = (of(Status::Success), of(Status::Failed));
    match report.jobs.len() {
        0 | 1 => String::new(),
        all => format!(": {done} done, {failed} failed, {} not run", all - done - failed),
    }
}
