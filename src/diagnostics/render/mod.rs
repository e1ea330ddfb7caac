//! How diagnostics look: for a person, one a line, or as JSON.

use super::{Diagnostic, Diagnostics, Severity};
use crate::text::{Files, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use serde_json::json;
use std::fmt;

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

/// `3 errors, 1 warning in sales.batch`; nothing when there are none.
pub fn summary(found: &Diagnostics, path: &str) -> Option<String> {
    let count = |severity, word: &str| match found.count(severity) {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let parts: Vec<String> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| format!("{} in {path}", parts.join(", ")))
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
            json!({"line": position.line, "column": position.column, "byte": offset})
        };
        json!({"start": at(span.start), "end": at(span.end)})
    };
    let labels: Vec<_> = found
        .labels
        .iter()
        .map(|label| json!({"span": place(label.span), "text": label.text}))
        .collect();
    let fix = found.fix.as_ref().map(|fix| json!({"span": place(fix.span), "text": fix.text}));
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
    });
    format!("{value}\n")
}

fn human(found: &Diagnostic, files: &Files, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).without_cause_chain();
    let file = files.get(found.span().file);
    let shown = Shown {
        found,
        source: NamedSource::new(&file.path, file.text.clone()),
        head: format!("{}[{}]", word(found.severity), found.code),
    };
    let mut out = String::new();
    if handler.render_report(&mut out, &shown).is_err() {
        return short(found, files);
    }
    format!("{}\n", out.trim_end())
}

/// A diagnostic as miette wants it.
struct Shown<'d> {
    found: &'d Diagnostic,
    source: NamedSource<String>,
    head: String,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.head))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.found.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.found.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = self.found.span().file;
        let labels = self.found.labels.iter().filter(move |label| label.span.file == main);
        Some(Box::new(labels.map(|label| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let span = label.span;
            LabeledSpan::new(text, span.start as usize, (span.end - span.start) as usize)
        })))
    }
}
