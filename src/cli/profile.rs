//! The profile of a run as a tree for people.

use super::print::say;
use super::table::{bytes_text, grouped, seconds_text};
use crate::run::{OperatorProfile, Profile, StageProfile};
use crate::text::Files;

/// Says in which file and line of the program each operator stands.
pub(super) fn locate(profile: &mut Profile, files: &Files) {
    for operator in profile.stages.iter_mut().flat_map(|stage| &mut stage.operators) {
        if let Some(span) = operator.span {
            let file = files.get(span.file);
            operator.file = Some(file.path.clone());
            operator.line = Some(file.position(span.start as usize).line);
        }
    }
}

/// Prints where the time went.
pub(super) fn print_profile(profile: &Profile) {
    say!("{}", text(profile));
}

/// Stage by stage, and in each the operators behind what they read.
fn text(profile: &Profile) -> String {
    let operators = || profile.stages.iter().flat_map(|stage| &stage.operators);
    let hottest = operators().map(|operator| operator.share).fold(0.0, f64::max);
    let name_width = operators().map(|operator| label(operator).chars().count()).max();
    let mut lines = vec![];
    for stage in &profile.stages {
        lines.push(heading(stage, profile.threads));
        lines.push(line(["share", "seconds", "rows in", "rows out"], "operator", ""));
        let width = name_width.unwrap_or(0);
        for operator in &stage.operators {
            let hot = if operator.share == hottest && hottest > 0.0 { "  ← hottest" } else { "" };
            let share = format!("{:.1}%", operator.share * 100.0);
            let seconds = format!("{:.3}", operator.seconds);
            let rows = |rows: Option<u64>| rows.map_or(String::new(), grouped);
            let (rows_in, rows_out) = (rows(operator.rows_in), rows(operator.rows_out));
            let name = format!("{:width$}", label(operator));
            let more = format!("  {}{hot}", notes(operator).join(", "));
            lines.push(line([&share, &seconds, &rows_in, &rows_out], &name, &more));
        }
    }
    lines.join("\n")
}

fn heading(stage: &StageProfile, threads: usize) -> String {
    let whole = stage.seconds * threads as f64;
    let other = if whole > 0.0 { stage.other_seconds / whole * 100.0 } else { 0.0 };
    let (number, seconds) = (stage.stage, seconds_text(stage.seconds));
    let cpu = seconds_text(stage.cpu_seconds);
    let s = if threads == 1 { "" } else { "s" };
    format!("stage {number}: {seconds}, {cpu} of CPU, {threads} thread{s}, {other:.0}% other")
}

fn line([share, seconds, rows_in, rows_out]: [&str; 4], name: &str, more: &str) -> String {
    let line = format!("  {share:>6} {seconds:>9} {rows_in:>14} {rows_out:>14}  {name}{more}");
    line.trim_end().to_owned()
}

/// `    aggregate of by_country, line 12`
fn label(operator: &OperatorProfile) -> String {
    let indent = "  ".repeat(operator.depth);
    let job = operator.job.as_ref().map_or(String::new(), |job| format!(" of {job}"));
    let line = operator.line.map_or(String::new(), |line| format!(", line {line}"));
    format!("{indent}{}{job}{line}", operator.name)
}

/// What else there is to know.
fn notes(operator: &OperatorProfile) -> Vec<String> {
    let mut notes = vec![];
    if let Some(read) = &operator.read {
        notes.push(match read.bytes_stored == read.bytes_unpacked {
            true => bytes_text(read.bytes_stored),
            false => {
                let unpacked = bytes_text(read.bytes_unpacked);
                format!("{} ({unpacked} unpacked)", bytes_text(read.bytes_stored))
            }
        });
        if read.rows_skipped > 0 {
            notes.push(format!("{} rows skipped", grouped(read.rows_skipped)));
        }
        notes.push(format!("read {}", seconds_text(read.read_seconds)));
        notes.push(format!("parse {}", seconds_text(read.parse_seconds)));
    }
    if let Some(write) = &operator.write {
        notes.push(bytes_text(write.bytes));
        notes.push(format!("encode {}", seconds_text(write.encode_seconds)));
        notes.push(format!("write {}", seconds_text(write.write_seconds)));
    }
    if let Some(finish) = &operator.finish {
        notes.push(format!("finish {}", seconds_text(finish.seconds)));
    }
    if operator.held_bytes > 0 {
        notes.push(format!("held {}", bytes_text(operator.held_bytes)));
    }
    if operator.spilled_bytes > 0 {
        notes.push(format!("{} to disk", bytes_text(operator.spilled_bytes)));
    }
    notes
}
