//! Why a run failed, in words, and what it exits with.

use super::args::Global;
use super::load::{print_one, print_outside};
use super::{FAILED, LOCKED, RULE};
use crate::Compiled;
use crate::diagnostics::{Diagnostic, runtime};
use crate::exec::{Error, Failing, Place};
use crate::ir::{Pipeline, Promise};
use crate::run::Failure;
use crate::text::Span;
use std::sync::Arc;

/// Says why a run failed; the exit code and the message.
pub(super) fn explain_failure(
    failure: Failure,
    compiled: &Compiled,
    global: &Global,
) -> (u8, String) {
    let pipeline = &compiled.pipeline;
    let found: (u8, Diagnostic) = match failure {
        Failure::State(error) => {
            print_outside(&error.message, error.help.as_deref(), global);
            return (FAILED, error.message);
        }
        Failure::Locked(by) => {
            let message = format!("the pipeline is being run already: {by}");
            print_outside(&message, Some("to wait for its end: --wait SECONDS"), global);
            return (LOCKED, message);
        }
        Failure::Stage(Error::Connect(error), _) => {
            print_outside(&error.message, error.help.as_deref(), global);
            return (FAILED, error.message);
        }
        Failure::Stage(Error::Cancelled, _) => return (130, "stopped".to_owned()),
        Failure::Stage(Error::Cardinality { promise, side, key }, _) => {
            let found = match promise {
                Promise::Join(span) => runtime::cardinality(side, &key, span),
                Promise::Key(span) => runtime::key_repeated(&key, span),
            };
            (RULE, found)
        }
        Failure::Stage(Error::Row { span, job, of, reason, place, .. }, files) => {
            let place = place.map(|place| place_text(place, &files));
            match of {
                Failing::Rule => (RULE, runtime::rule_broken(&reason, place.as_deref(), span)),
                Failing::Group => (FAILED, runtime::group_failed(&reason, span)),
                Failing::Expression => {
                    let job = job.map(|job| pipeline.jobs[job.0 as usize].name.as_str());
                    let job = job.or_else(|| job_at(pipeline, span));
                    (FAILED, runtime::row_failed(&reason, place.as_deref(), span, job))
                }
            }
        }
        Failure::Threshold { job, what, table, aside, failed, of, above, span } => {
            let found = runtime::above(&what, table.as_deref(), (failed, of), above, span);
            let help = match aside {
                Some(path) => format!("look at the rows in {path}, or raise the limit"),
                None => {
                    format!(
                        "set the rows aside to see them, `quarantine bad_{job}`; or raise the limit"
                    )
                }
            };
            (RULE, found.help(help))
        }
    };
    let message = found.1.message.clone();
    print_one(found.1, &compiled.files, global);
    (found.0, message)
}

fn job_at(pipeline: &Pipeline, span: Span) -> Option<&str> {
    // An expression that was moved into an operator does not say whose it was; but a job's steps
    // follow its name, up to the next job's name. A source that is looked at has no job.
    if pipeline.sources.iter().any(|source| source.span == span) {
        return None;
    }
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
