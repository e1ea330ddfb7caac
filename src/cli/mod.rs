//! The command line: flags, what is printed, exit codes.
//!
//! Data goes to stdout, words to stderr. Exit codes: 0 done, 1 the program is wrong, 2 could not
//! start, 3 a run failed, 4 the data broke a rule, 5 another run of the pipeline goes on, 101 a bug of batchc, 130 and 143 stopped.

mod args;
mod commands;
mod events;
mod failure;
mod foreign;
mod history;
mod http;
mod lineage;
mod load;
mod notify;
mod openlineage;
mod print;
mod profile;
mod progress;
mod reasons;
mod reference;
mod rejects;
mod report;
mod resources;
mod secrets;
mod table;
mod testing;

use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsStr;
use std::process::ExitCode;

/// The program is wrong.
const WRONG: u8 = 1;
/// Nothing could be started.
const NOT_STARTED: u8 = 2;
/// A run failed.
const FAILED: u8 = 3;
/// The data broke a rule.
const RULE: u8 = 4;
/// Another run of the pipeline goes on.
const LOCKED: u8 = 5;

/// All flags; a variable of the environment that is empty is as one that is not set.
fn command() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let without_empty = move |argument: clap::Arg| match argument.get_env() {
        Some(name) if is_empty(name) => argument.env(None),
        _ => argument,
    };
    let of_command = move |command: clap::Command| command.mut_args(without_empty);
    args::Args::command().mut_args(without_empty).mut_subcommands(of_command)
}

/// Runs the command that the process was started with, on a thread with room for long pipelines.
pub fn main() -> ExitCode {
    crate::memory::use_small_pages();
    crate::memory::give_back_freed(100);
    let thread =
        std::thread::Builder::new().stack_size(crate::run::STACK_BYTES).spawn(command_given);
    match thread.map(|thread| thread.join()) {
        Ok(Ok(code)) => code,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        // Without a further thread there is still this one.
        Err(_) => command_given(),
    }
}

fn command_given() -> ExitCode {
    let found = command().try_get_matches();
    let found = found.and_then(|found| args::Args::from_arg_matches(&found));
    let args = found.unwrap_or_else(|error| foreign::with_hint(error).exit());
    if let Some(folder) = &args.global.chdir
        && let Err(error) = std::env::set_current_dir(folder)
    {
        let code =
            load::refuse(&format!("cannot work in {}: {error}", folder.display()), &args.global);
        return ExitCode::from(code);
    }
    if args.global.format.is_document() && !matches!(args.command, args::Command::Check(_)) {
        let message = "`--format sarif` and `--format junit` are of `batchc check`";
        let help = "`batchc test --junit FILE` writes what came of tests";
        load::print_outside(message, Some(help), &args.global);
        return ExitCode::from(NOT_STARTED);
    }
    let code = match &args.command {
        args::Command::Check(check) => commands::check::run(check, &args.global),
        args::Command::Run(run) => commands::run::run(run, &args.global),
        args::Command::Resume(resume) => commands::resume::run(resume, &args.global),
        args::Command::Report(report) => commands::report::run(report, &args.global),
        args::Command::Rejects(rejects) => commands::rejects::run(rejects, &args.global),
        args::Command::Runs(runs) => commands::runs::run(runs, &args.global),
        args::Command::Clean(clean) => commands::clean::run(clean, &args.global),
        args::Command::Plan(plan) => commands::plan::run(plan, &args.global),
        args::Command::Graph(graph) => commands::graph::run(graph, &args.global),
        args::Command::Lineage(lineage) => commands::lineage::run(lineage, &args.global),
        args::Command::Preview(preview) => commands::preview::run(preview, &args.global),
        args::Command::Show(show) => commands::show::run(show, &args.global),
        args::Command::Test(test) => commands::test::run(test, &args.global),
        args::Command::Fix(fix) => commands::fix::run(fix, &args.global),
        args::Command::Fmt(fmt) => commands::fmt::run(fmt, &args.global),
        args::Command::Lsp(_) => commands::lsp::run(&args.global),
        args::Command::Explain(explain) => commands::explain::run(explain, &args.global),
        args::Command::Doc(doc) => commands::doc::run(doc, &args.global),
        args::Command::New(new) => commands::new::run(new, &args.global),
    };
    ExitCode::from(code)
}
