//! What is wrong with a program, as `batchc check` says it.

use super::document::{Document, ONLY};
use crate::diagnostics::{Code, Diagnostic, Severity};
use gen_lsp_types as lsp;

/// All findings in the document itself; with `related`, their further places too.
pub(super) fn all(document: &Document, related: bool) -> Vec<lsp::Diagnostic> {
    let found = document.compiled().found.iter().filter(|found| found.span().file == ONLY);
    found.map(|found| one(document, found, related)).collect()
}

/// A finding in the words of the protocol.
pub(super) fn one(document: &Document, found: &Diagnostic, related: bool) -> lsp::Diagnostic {
    let main = &found.labels[0];
    let more = found.labels[1..].iter().filter(|label| !label.text.is_empty());
    let more = more.map(|label| lsp::DiagnosticRelatedInformation {
        location: document.location(label.span),
        message: label.text.clone(),
    });
    lsp::Diagnostic {
        range: document.range_of(main.span),
        severity: Some(match found.severity {
            Severity::Error => lsp::DiagnosticSeverity::Error,
            Severity::Warning => lsp::DiagnosticSeverity::Warning,
        }),
        code: Some(found.code.as_str().into()),
        code_description: None,
        source: Some("batchc".to_owned()),
        message: message(found).into(),
        tags: is_unused(found.code).then(|| vec![lsp::DiagnosticTag::Unnecessary]),
        related_information: Some(more.collect()).filter(|_| related),
        data: None,
    }
}

/// The sentence, what was found at its place, and what can be done.
fn message(found: &Diagnostic) -> String {
    let mut message = found.message.clone();
    if !found.labels[0].text.is_empty() {
        message.push('\n');
        message.push_str(&found.labels[0].text);
    }
    if let Some(help) = &found.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    message
}

/// Is the finding about something that does nothing, and may be shown faded?
fn is_unused(code: Code) -> bool {
    matches!(code, Code::W0601)
}
