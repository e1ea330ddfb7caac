//! What a run tells when it fails: codes R and D.

use super::{Code, Diagnostic};
use crate::text::Span;

/// Who reads a row that fails.
pub enum Reader<'n> {
    /// A job of this name.
    Job(&'n str),
    /// Nobody but an output: it is of this source.
    Output(&'n str),
    /// A rule about all rows of a job.
    Rule,
    /// That is not known.
    Unknown,
}

/// R0101: a row that failed where nobody says that it may; with the command that converts its file, if
/// that may be what is wrong.
pub fn row_failed(
    reason: &str,
    place: Option<&str>,
    span: Span,
    reader: &Reader<'_>,
    convert: Option<String>,
) -> Diagnostic {
    let message = match place {
        Some(place) => format!("{place}: {reason}"),
        None => reason.to_owned(),
    };
    let found = Diagnostic::new(Code::R0101, message, span, "failed here");
    let rows_go = match reader {
        Reader::Job(job) => format!(
            "say in job `{job}` where such rows go: `on error quarantine bad_{job}`, `drop` or `null`"
        ),
        Reader::Output(source) => format!(
            "write a job's rows, and have it say where such rows go: `job clean {{ on error drop; from {source} }}`"
        ),
        Reader::Rule => {
            "a rule about all rows sets none aside: write `try(…)` around what may fail, which is null then".to_owned()
        }
        Reader::Unknown => String::new(),
    };
    let convert =
        convert.map(|command| format!("if the file is in Latin-1, convert it: `{command}`"));
    let helps = [convert.unwrap_or_default(), rows_go];
    let helps: Vec<&str> =
        helps.iter().map(String::as_str).filter(|help| !help.is_empty()).collect();
    if helps.is_empty() { found } else { found.help(helps.join("; or ")) }
}

/// D0101: a row that breaks a rule whose rows may not.
pub fn rule_broken(reason: &str, place: Option<&str>, span: Span) -> Diagnostic {
    let message = match place {
        Some(place) => format!("{place}: {reason}"),
        None => reason.to_owned(),
    };
    Diagnostic::new(Code::D0101, message, span, "this rule")
        .help("to go on without such rows: `else drop` or `else quarantine NAME`")
}

/// D0101: rows that break a rule about all of them.
pub fn table_rule_broken(reason: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::D0101, reason, span, "this rule, of all rows that come to it")
        .help("to go on all the same, and be told: `else warn`")
}

/// R0102: rows of a join match more than was promised.
pub fn cardinality(side: &str, key: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::R0102,
        format!("the {side} side of this join has the key {key} more than once"),
        span,
        "promised here",
    )
    .help("`dedupe by` the key in a job before, or say `expect many_to_many`")
}

/// R0102: a row of a join matches nothing, though the job that it comes from has left out such rows.
pub fn key_missing(key: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::R0102,
        format!("the right side of this join does not have the key {key}"),
        span,
        "the steps before leave no row without a match",
    )
    .help("give rows that can come out of the job that is given, or the key to the right side too")
}

/// R0106: a join that compares too many pairs of rows.
pub fn too_many_pairs(right: u64, most: u64, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::R0106,
        format!("more than {most} pairs of rows meet in this join"),
        span,
        format!("every row, with each of {right} on the right side"),
    )
    .help("compare columns that are equal too, or make one side smaller before")
}

/// R0103: rows that a join relies on have a declared key twice.
pub fn key_repeated(key: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::R0103,
        format!("the key {key} comes more than once in rows that a join relies on"),
        span,
        "declared here to identify a row",
    )
    .help("`dedupe by` the key in a job before the join; or remove `key`, and say `expect many_to_many` at the join if its rows may multiply")
}

/// R0105: a job took longer than it may.
pub fn out_of_time(job: &str, span: Span) -> Diagnostic {
    let message = format!("job `{job}` took longer than its `timeout`");
    Diagnostic::new(Code::R0105, message, span, "so long at most")
        .help("give it more time, or see where the time goes: `batchc run --profile`")
}

/// R0104: the value of a group does not fit its type.
pub fn group_failed(reason: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::R0104, reason, span, "failed here").help(
        "sum a longer type: `as decimal(38, 0)` is exact and longer than an int, `as float` is rounded",
    )
}

/// D0102: more rows failed than allowed; the right side of a join is named.
pub fn above(
    what: &str,
    table: Option<&str>,
    (failed, of): (u64, u64),
    allowed: f64,
    span: Span,
) -> Diagnostic {
    let table = table.map_or(String::new(), |table| format!(" of `{table}`"));
    let share = failed as f64 / of as f64 * 100.0;
    // As it was written: 0.07 times 100 is a little more than 7.
    let allowed = (allowed * 1e12).round() / 1e10;
    Diagnostic::new(
        Code::D0102,
        format!(
            "{failed} of {of} rows{table} failed ({share:.2}%), more than the {allowed}% allowed"
        ),
        span,
        format!("the limit of `{what}`"),
    )
}
