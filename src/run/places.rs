//! Where a run reads and writes, with its parameters in and links followed: no output may replace
//! what is read, or another output. Looked at before anything is read or staged.

use super::arguments;
use crate::connect::{Reads, place};
use crate::diagnostics::{Diagnostic, graph};
use crate::ir::{Output, Pipeline, RunContext, Source};
use crate::text::Span;
use std::path::{Path, PathBuf};

/// Refuses outputs that would replace a file that the pipeline reads, its own text, what runs keep,
/// or each other: also those that are not selected, which the next run may write.
pub fn check_places(
    pipeline: &Pipeline,
    context: &RunContext,
    base: &Path,
    text: &Path,
    state: &Path,
) -> Result<(), Diagnostic> {
    let sources = read_places(pipeline, context, base);
    let (text, state) = (place(text), place(state));
    let mut written: Vec<(PathBuf, String, &Output)> = vec![];
    for output in &pipeline.outputs {
        let arguments = arguments(&output.arguments, context);
        let Some(path) = arguments.text("path") else { continue };
        let target = place(&base.join(path));
        if text.starts_with(&target) {
            return Err(graph::writes_pipeline(path, output.span));
        }
        if target.starts_with(&state) {
            return Err(graph::writes_state(path, output.span));
        }
        if let Some((_, read)) = sources.iter().find(|(reads, _)| reads.meets(&target)) {
            return Err(graph::writes_input(path, output.span, *read));
        }
        let meets = |(other, ..): &&(PathBuf, String, &Output)| {
            other.starts_with(&target) || target.starts_with(other)
        };
        if let Some((other, other_path, first)) = written.iter().find(meets) {
            let (second, first) = ((path, output.span), (other_path.as_str(), first.span));
            return Err(match *other == target {
                true => graph::same_target(second, first),
                false if target.starts_with(other) => graph::target_inside(second, first),
                false => graph::target_inside(first, second),
            });
        }
        written.push((target, path.to_owned(), output));
    }
    Ok(())
}

/// What a report written to this file would replace, if that is anything of the pipeline's.
pub fn replaced_by_report(
    pipeline: &Pipeline,
    context: &RunContext,
    base: &Path,
    text: &Path,
    state: &Path,
    report: &Path,
) -> Option<String> {
    let report = place(report);
    if report == place(text) {
        return Some("the pipeline".into());
    }
    if report.starts_with(place(state)) {
        return Some(format!("what runs keep in {}", state.display()));
    }
    let sources = pipeline.sources.iter().zip(read_places(pipeline, context, base));
    if let Some((source, _)) = sources.into_iter().find(|(_, (reads, _))| reads.meets(&report)) {
        return Some(format!("what `{}` reads", source.name));
    }
    let is_replaced = |output: &&Output| {
        let arguments = arguments(&output.arguments, context);
        arguments.text("path").is_some_and(|path| report.starts_with(place(&base.join(path))))
    };
    let output = pipeline.outputs.iter().find(is_replaced)?;
    Some(format!("the output `{}`", output.name))
}

/// What each source reads, and where it is declared.
fn read_places(pipeline: &Pipeline, context: &RunContext, base: &Path) -> Vec<(Reads, Span)> {
    let reads = |source: &Source| Reads::of(base, &arguments(&source.arguments, context));
    pipeline.sources.iter().map(|source| (reads(source), source.span)).collect()
}
