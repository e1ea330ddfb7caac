//! For programs: each diagnostic as a JSON object of one line.

use super::word;
use crate::diagnostics::{Diagnostic, Severity};
use crate::text::{Files, Span};
use serde_json::json;

/// One diagnostic.
pub(super) fn line(found: &Diagnostic, files: &Files) -> String {
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

/// What went wrong outside of the program.
pub(super) fn outside(message: &str, help: Option<&str>) -> String {
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
    format!("{value}\n")
}
