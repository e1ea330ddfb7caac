//! For GitHub Actions: each diagnostic as a command that shows it beside its line.

use super::{Program, within, word, words};
use crate::diagnostics::{Diagnostic, Severity};
use crate::text::Files;

/// One diagnostic of a program whose paths begin in this folder of the repository.
fn line(found: &Diagnostic, files: &Files, folder: &str) -> String {
    let (span, file) = (found.span(), files.get(found.span().file));
    let (start, end) = (file.position(span.start as usize), file.position(span.end as usize));
    // Where columns are given, both have to be of one line.
    let place = match start.line == end.line {
        true => format!("col={},endLine={},endColumn={}", start.column, end.line, end.column),
        false => format!("endLine={}", end.line),
    };
    format!(
        "::{} title=batchc ({}),file={},line={},{place}::{}\n",
        word(found.severity),
        found.code,
        property(&within(folder, &file.path)),
        start.line,
        message(&words(found)),
    )
}

/// What went wrong outside of the program.
pub(super) fn outside(text: &str) -> String {
    format!("::{} title=batchc::{}\n", word(Severity::Error), message(text))
}

/// All diagnostics of programs.
pub(super) fn lines(programs: &[Program], folder: &str) -> String {
    let of = |program: &Program| {
        let lines = program.found.iter().map(|found| line(found, program.files, folder));
        lines.collect::<String>()
    };
    programs.iter().map(of).collect()
}

/// A text as the message of a command.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as the value of a property, which `,` and `:` would end.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
