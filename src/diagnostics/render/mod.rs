//! How diagnostics look: for a person, one a line, and for other tools. A form is added by a row of
//! [`Format`] and its file.

mod github;
mod human;
mod json;
mod junit;
mod sarif;
pub mod xml;

use super::{Diagnostic, Diagnostics, Severity, escaped, shortened, shortened_help};
use crate::text::{FileId, Files};
use human::human;

/// A form of diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The text with marks below it.
    Human,
    /// `file:line:column: error[E0101]: message`
    Short,
    /// One JSON object a line.
    Json,
    /// Commands of GitHub Actions on stdout, which show diagnostics beside their lines, and the text.
    Github,
    /// A log of SARIF 2.1.0, of `check`.
    Sarif,
    /// A report of JUnit, with a case for each program, of `check`.
    Junit,
}

impl Format {
    /// Is it only for programs, and nothing is said to a person beside it?
    pub fn is_data(self) -> bool {
        matches!(self, Format::Json | Format::Sarif | Format::Junit)
    }

    /// Is it one document about all that was looked at?
    pub fn is_document(self) -> bool {
        matches!(self, Format::Sarif | Format::Junit)
    }
}

/// A program, and what was found in it.
#[derive(Clone, Copy)]
pub struct Program<'p> {
    /// What it is called.
    pub name: &'p str,
    /// What was found.
    pub found: &'p Diagnostics,
    /// Its text.
    pub files: &'p Files,
}

/// All that was found in one program, in the order of the text.
pub fn render(found: &Diagnostics, files: &Files, format: Format, colour: bool) -> String {
    let one = |found: &Diagnostic| match format {
        Format::Human => human(found, files, colour),
        Format::Short => short(found, files),
        _ => json::line(found, files),
    };
    match format {
        Format::Human | Format::Short | Format::Json => found.iter().map(one).collect(),
        Format::Github | Format::Sarif | Format::Junit => {
            let name = &files.get(FileId(0)).path;
            report(&[Program { name, found, files }], &[], format, "")
        }
    }
}

/// All that was found in programs, and what kept others from being looked at. Paths begin in this
/// folder of the repository.
pub fn report(programs: &[Program], failures: &[String], format: Format, folder: &str) -> String {
    match format {
        Format::Github => github::lines(programs, folder),
        Format::Sarif => sarif::log(programs, failures, folder),
        Format::Junit => junit::report(programs, failures),
        Format::Human | Format::Short | Format::Json => {
            programs.iter().map(|one| render(one.found, one.files, format, false)).collect()
        }
    }
}

/// What went wrong outside of the program, in the same forms: `error: cannot read a.batch: …`.
pub fn outside(message: &str, help: Option<&str>, format: Format) -> String {
    let (message, help) = (&shortened(message), help.map(shortened_help));
    let help = help.as_deref();
    match format {
        Format::Json => json::outside(message, help),
        Format::Github => github::outside(message),
        _ => {
            // Names and columns of files are in it.
            let help = help.map_or(String::new(), |help| format!("  help: {}\n", escaped(help)));
            format!("error: {}\n{help}", escaped(message))
        }
    }
}

/// `3 errors, 1 warning in sales.batch; 12 jobs checked`; nothing when there are none.
pub fn summary(found: &Diagnostics, path: &str, jobs: usize) -> Option<String> {
    let jobs = counted(jobs, "job");
    (!found.is_empty()).then(|| format!("{} in {path}; {jobs} checked", counts(found)))
}

/// `3 errors, 1 warning`
fn counts(found: &Diagnostics) -> String {
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .map(|(severity, word)| (found.count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    parts.join(", ")
}

fn counted(count: usize, word: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {word}{s}")
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn short(found: &Diagnostic, files: &Files) -> String {
    let file = files.get(found.span().file);
    let at = files.position(found.span());
    format!(
        "{}:{}:{}: {}[{}]: {}\n",
        file.path,
        at.line,
        at.column,
        word(found.severity),
        found.code,
        found.message
    )
}

/// The sentence, what was found at its place, and what can be done, in lines.
fn words(found: &Diagnostic) -> String {
    let label = found.labels[0].text.as_str();
    let help = found.help.as_ref().map(|help| format!("help: {help}"));
    let lines = [found.message.as_str(), label, help.as_deref().unwrap_or_default()];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A path that begins in a folder of the repository, from there; one that does not as it is.
fn within(folder: &str, path: &str) -> String {
    let is_whole = folder.is_empty() || path.starts_with(['/', '<']);
    if is_whole { path.to_owned() } else { format!("{folder}/{path}") }
}
