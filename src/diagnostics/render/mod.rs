//! How diagnostics look: for a person, one a line, or as JSON.

mod human;

use super::{Diagnostic, Diagnostics, Severity, escaped};
use crate::text::{Files, Span};
use human::human;
use serde_json::json;

/// A form of diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The text with marks below it.
    Human,
    /// `file:line:column: error[E0101]: message`
    Short,
    /// One JSON object a line.
    Json,
}

/// All of them in a form, in their order.
pub fn render(found: &Diagnostics, files: &Files, format: Format, colour: bool) -> String {
    let one = |found: &Diagnostic| match format {
        Format::Human => human(found, files, colour),
        Format::Short => short(found, files),
        Format::Json => json_line(found, files),
    };
    found.iter().map(one).collect()
}

/// What went wrong outside of the program, in the same forms: `error: cannot read a.batch: …`.
pub fn outside(message: &str, help: Option<&str>, format: Format) -> String {
    if format == Format::Json {
        let value = json!({
            "v": 1,
            "code": null,
            "severity": word(Severity::Error),
            "message": message,
            "file": null,
            "span": null,
            "labels": [],
            "help": help,
            "fix": null,
            "url": null,
        });
        return format!("{value}\n");
    }
    // Names and columns of files are in it.
    let help = help.map_or(String::new(), |help| format!("  help: {}\n", escaped(help)));
    format!("error: {}\n{help}", escaped(message))
}

/// `3 errors, 1 warning in sales.batch; 12 jobs checked`; nothing when there are none.
pub fn summary(found: &Diagnostics, path: &str, jobs: usize) -> Option<String> {
    let counted = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        many => format!("{many} {word}s"),
    };
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .map(|(severity, word)| (found.count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    let jobs = counted(jobs, "job");
    (!parts.is_empty()).then(|| format!("{} in {path}; {jobs} checked", parts.join(", ")))
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

fn json_line(found: &Diagnostic, files: &Files) -> String {
    let place = |span: Span| {
        let file = files.get(span.file);
        let at = |offset: u32| {
            let position = file.position(offset as usize);
            json!({"line": position.line, "col": position.column, "byte": offset})
        };
        json!({"start": at(span.start), "end": at(span.end)})
    };
    let labels: Vec<_> = found
        .labels
        .iter()
        .map(|label| json!({"span": place(label.span), "text": label.text}))
        .collect();
    let fix = found.fix.as_ref().map(|fix| {
        let edit = json!({"span": place(fix.span), "text": fix.text});
        json!({"title": found.help, "edits": [edit], "safe": fix.safe})
    });
    let value = json!({
        "v": 1,
        "code": found.code.as_str(),
        "severity": word(found.severity),
        "message": found.message,
        "file": files.get(found.span().file).path,
        "span": place(found.span()),
        "labels": labels,
        "help": found.help,
        "fix": fix,
        "url": format!("docs/diagnostics/{}.md", found.code),
    });
    format!("{value}\n")
}
