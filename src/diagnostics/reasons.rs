//! Why a job is run, or why not: one sentence each, as it stands behind `NAME runs: `.

use crate::text::Span;
use serde::Serialize;

/// A reason and the place in the program that it points at, if it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// A clause, without the place.
    #[serde(rename = "reason")]
    pub text: String,
    /// The place.
    #[serde(skip)]
    pub span: Option<Span>,
}

fn reason(text: impl Into<String>) -> Reason {
    Reason { text: text.into(), span: None }
}

fn reason_at(span: Span, text: impl Into<String>) -> Reason {
    Reason { text: text.into(), span: Some(span) }
}

/// Nothing is known of it.
pub fn first_run() -> Reason {
    reason("it has not been run yet")
}

/// It was asked for.
pub fn fresh() -> Reason {
    reason("`--fresh` was given")
}

/// Another version made it.
pub fn other_engine(made_by: &str) -> Reason {
    reason(format!("the last run was by {made_by}"))
}

/// Something of the text was changed.
pub fn changed(what: &str, span: Span) -> Reason {
    reason_at(span, format!("`{what}` changed"))
}

/// What a job does with rows that fail, or how it is split, was changed.
pub fn settings_changed(span: Span) -> Reason {
    reason_at(span, "its settings changed")
}

/// Steps were taken out of a job.
pub fn step_removed(span: Span) -> Reason {
    reason_at(span, "a step was taken out")
}

/// A parameter has another value.
pub fn param_changed(name: &str, before: &str, now: &str) -> Reason {
    reason(format!("the parameter `{name}` is {now} and was {before}"))
}

/// The secret that is the key of a function has another value.
pub fn key_changed(name: &str) -> Reason {
    reason(format!("the secret `{name}` has another value"))
}

/// It depends on the run itself.
pub fn differs_each_run(span: Span) -> Reason {
    reason_at(span, "it uses a value that each run has of its own")
}

/// A source is declared in another way.
pub fn source_changed(name: &str, span: Span) -> Reason {
    reason_at(span, format!("the source `{name}` changed"))
}

/// A file that was not there.
pub fn file_added(name: &str) -> Reason {
    reason(format!("{name} is new"))
}

/// A file that is gone.
pub fn file_removed(name: &str) -> Reason {
    reason(format!("{name} is not there any more"))
}

/// A file with other bytes.
pub fn file_changed(name: &str) -> Reason {
    reason(format!("{name} changed"))
}

/// A job that it reads is run.
pub fn reads_what_runs(job: &str) -> Reason {
    reason(format!("`{job}` runs"))
}

/// An output is gone.
pub fn output_missing(path: &str) -> Reason {
    reason(format!("{path} is not there"))
}

/// An output is not what was written.
pub fn output_touched(path: &str) -> Reason {
    reason(format!("{path} is not what the last run wrote"))
}

/// An output that keeps what it holds is not what was written, and rows are added to it or not.
pub fn held_touched(path: &str, adds: bool) -> String {
    let so = if adds { "rows are added to it as it is" } else { "it is left so" };
    format!("{path} is not what the last run wrote, and {so}")
}

/// Of an incremental source only the rows are read that came since; with a lookback, how far it was
/// read, and how long that is.
pub fn read_since(
    source: &str,
    column: &str,
    after: &str,
    lookback: Option<(String, String)>,
) -> String {
    let read = format!("of `{source}` only rows are read whose `{column}` is after {after}");
    match lookback {
        Some((mark, lookback)) => {
            format!("{read}: the last run came to {mark}, less a lookback of {lookback}")
        }
        None => format!("{read}, to which the last run came"),
    }
}

/// An incremental source is read from its beginning.
pub fn read_whole(source: &str) -> String {
    format!("of `{source}` all rows are read")
}

/// The same for these outputs, where others read something else of it.
pub fn read_for(outputs: &[&str], read: &str) -> String {
    let names: Vec<String> = outputs.iter().map(|output| format!("`{output}`")).collect();
    format!("for {} {read}", names.join(", "))
}

/// An output is declared in another way.
pub fn output_changed(name: &str, span: Span) -> Reason {
    reason_at(span, format!("the output `{name}` changed"))
}

/// Rows that were set aside are to be found with those of other jobs that run.
pub fn shares_quarantine(name: &str) -> Reason {
    reason(format!("quarantine `{name}` is written anew"))
}

/// What was made of its rows is made anew.
pub fn rows_needed(reader: &str) -> Reason {
    reason(format!("`{reader}` needs its rows"))
}

/// A job is run for another that runs after it.
pub fn runs_after(waits: &str) -> Reason {
    reason(format!("`{waits}` runs after it"))
}

/// What changed made no difference to the rows that it reads.
pub fn same_rows() -> Reason {
    reason("what it reads came out as before")
}

/// Nothing changed.
pub fn same_inputs() -> Reason {
    reason("same inputs")
}
