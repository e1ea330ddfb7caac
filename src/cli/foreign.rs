//! Flags and commands as other tools have them: what they are called here, where it is clear.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::ffi::OsString;

/// What a flag that there is not is called here.
const FLAGS: &[(&[&str], &str)] = &[
    (&["--jobs", "-j", "--parallel", "--workers"], "the number of threads is `--threads N`"),
    (&["--var", "--vars", "--set", "--args", "-D"], "a parameter is `--param NAME=VALUE`"),
    (&["--json", "--output-format", "--message-format", "--log-format"], "write `--format json`"),
    (&["--limit", "--head", "--count"], "the number of rows is `preview --rows N`"),
    (&["--timing", "--timings", "--trace"], "where the time goes is `run --profile`"),
    (
        &["--stats"],
        "all runs together are `batchc runs stats`; where the time goes is `run --profile`",
    ),
    (&["--models", "--model", "-m", "--only"], "some outputs or jobs are `--select NAME`"),
    (
        &["--output", "--out", "-o"],
        "the pipeline says where its outputs go; `--select NAME` runs only some, `--report FILE` writes the report",
    ),
];

/// What a command that there is not is called here.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["build", "exec", "execute", "start"], "write `batchc run`"),
    (&["validate", "lint", "compile", "parse"], "write `batchc check`"),
    (&["init", "create"], "write `batchc new`"),
    (&["dag", "viz", "dot", "mermaid"], "write `batchc graph`"),
    (&["head", "sample"], "write `batchc preview`"),
    (&["retry", "continue", "rerun"], "write `batchc resume`"),
    (&["replay", "quarantine", "quarantines", "dlq"], "write `batchc rejects`"),
    (&["history", "logs", "log", "diff"], "write `batchc runs`, `runs logs` or `runs diff`"),
    (&["html", "summary"], "write `batchc report`"),
    (&["version"], "write `batchc --version`"),
];

/// The error with a hint in place of the guesses by letters, if it is one of these.
pub(super) fn with_hint(mut error: Error) -> Error {
    let given = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let hint = match error.kind() {
        ErrorKind::UnknownArgument => {
            let given = given(ContextKind::InvalidArg);
            found(FLAGS, given).or_else(|| joined(given))
        }
        ErrorKind::InvalidSubcommand => found(COMMANDS, given(ContextKind::InvalidSubcommand)),
        ErrorKind::InvalidValue if given(ContextKind::InvalidArg).starts_with("--format") => {
            match given(ContextKind::InvalidValue) {
                form @ ("text" | "mermaid" | "dot") => {
                    Some(format!("write `batchc graph --to {form}`"))
                }
                _ => None,
            }
        }
        _ => None,
    };
    if let Some(hint) = hint {
        for guess in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
            error.remove(guess);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// `--profile out.json`, whose value is joined by `=`.
fn joined(value: &str) -> Option<String> {
    let all: Vec<OsString> = std::env::args_os().collect();
    let is_value = all.windows(2).any(|pair| pair[0] == "--profile" && pair[1] == value);
    is_value.then(|| format!("write `--profile={value}`"))
}

fn found(table: &[(&[&str], &str)], given: &str) -> Option<String> {
    let (_, hint) = table.iter().find(|(names, _)| names.contains(&given))?;
    Some((*hint).to_owned())
}
