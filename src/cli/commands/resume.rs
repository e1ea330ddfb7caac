//! `batchc resume`

use crate::cli::NOT_STARTED;
use crate::cli::args::{File, Global, How, Params, Resume, Run, Selection, State};
use crate::cli::history::{History, Kept};
use crate::cli::load::{print_outside, refuse};
use crate::cli::print::say;
use std::path::{Path, PathBuf};

/// Runs what a run that failed was asked to run.
pub(in crate::cli) fn run(args: &Resume, global: &Global) -> u8 {
    match asked_for(args, global) {
        Ok(run) => super::run::run(&run, global),
        Err(code) => code,
    }
}

/// The same command again; the code to exit with where there is nothing to go on with.
fn asked_for(args: &Resume, global: &Global) -> Result<Run, u8> {
    let history = History::open(&args.state, global)?;
    let kept = history.kept(args.run.as_deref().unwrap_or("last"), global)?;
    let (name, status) = (&kept.run.id, &*kept.run.status);
    match status {
        "SUCCESS" => {
            let message = format!("run {name} succeeded: there is nothing to go on with");
            let help = "to make its outputs anew: batchc run --fresh; for the last that failed: \
                        batchc resume last-failed";
            print_outside(&message, Some(help), global);
            return Err(NOT_STARTED);
        }
        "RUNNING" => return Err(refuse(&format!("run {name} goes on"), global)),
        _ => {}
    }
    let run = again(&history, &kept, false, &args.how, global)?;
    if !global.quiet {
        let parameters = run.params.param.iter().map(|given| format!(" -p {given}"));
        let select = run.selection.select.iter().map(|name| format!(" --select {name}"));
        let fresh = run.fresh.then(|| " --fresh".to_owned());
        let flags: String = fresh.into_iter().chain(parameters).chain(select).collect();
        let file = run.file.file.iter().map(|file| file.display().to_string()).collect::<String>();
        say!("goes on with run {name} ({status}): batchc run {file}{flags}");
    }
    Ok(run)
}

/// What a run was asked for, once more, in this way.
pub(super) fn again(
    history: &History,
    kept: &Kept,
    dry_run: bool,
    how: &How,
    global: &Global,
) -> Result<Run, u8> {
    let name = &kept.run.id;
    if kept.run.pipeline == "stdin" {
        let message = format!("run {name} was of a pipeline from standard input");
        return Err(refuse(&message, global));
    }
    let Some(request) = kept.begun().map(|begun| begun.request) else {
        let message = format!("what run {name} was asked for is not known any more");
        return Err(refuse(&message, global));
    };
    Ok(Run {
        file: File { file: Some(shown(Path::new(&request.file))) },
        params: Params { param: request.parameters },
        selection: Selection { select: request.select },
        state: State { state_dir: Some(history.state.clone()) },
        fresh: request.fresh,
        dry_run,
        how: how.clone(),
        of: [&request.of[..], std::slice::from_ref(name)].concat(),
    })
}

/// From the working folder on, if it is in there.
fn shown(file: &Path) -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(folder).unwrap_or(file).to_owned()
}
