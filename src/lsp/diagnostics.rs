//! What is wrong with a program, as `batchc check` says it.
//!
//! What is wrong in a module stands where the program uses it, unless that file is open too and shows
//! it itself.

use super::document::{Document, ONLY};
use crate::diagnostics::{Code, Diagnostic, Label, Severity};
use crate::syntax::ast::{Module, Used};
use crate::text::{FileId, Span};
use gen_lsp_types as lsp;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// All findings in a document and what it uses; with `related`, their further places too. `open` are
/// all that the editor shows.
pub(super) fn all<'d>(
    document: &Document,
    open: impl Iterator<Item = &'d Document> + Clone,
    related: bool,
) -> Vec<lsp::Diagnostic> {
    let compiled = document.compiled();
    let ways = ways(&compiled.tree.uses);
    let shown = |found: &Diagnostic| match found.span().file {
        ONLY => Some(one(document, found, related)),
        module => {
            let is_shown = open.clone().any(|other| shows(other, document, found));
            let beginning = Span::new(ONLY, 0, 0);
            let way = ways.get(&module).copied().unwrap_or(beginning);
            (!is_shown).then(|| in_module(document, found, way, related))
        }
    };
    compiled.found.iter().filter_map(shown).collect()
}

/// Of each module the `use` of the program that leads to it, be it through others.
fn ways(uses: &[Used]) -> BTreeMap<FileId, Span> {
    let mut ways = BTreeMap::new();
    let of = |file: FileId| uses.iter().filter(move |used| used.by == file);
    for first in of(ONLY) {
        let mut ahead = vec![first];
        while let Some(used) = ahead.pop() {
            let Module::File(module) = used.module else { continue };
            if let Entry::Vacant(way) = ways.entry(module) {
                way.insert(first.span);
                ahead.extend(of(module));
            }
        }
    }
    ways
}

/// Is a finding in a module of a program one of another document, which is that module?
fn shows(other: &Document, document: &Document, found: &Diagnostic) -> bool {
    let (span, range) = (found.span(), document.range_of(found.span()));
    let is_it = |own: &Diagnostic| {
        own.code == found.code && own.span().file == ONLY && other.range_of(own.span()) == range
    };
    other.place == document.place_of(span.file) && other.compiled().found.iter().any(is_it)
}

/// A finding in a module, at the `use` that leads to it.
fn in_module(document: &Document, found: &Diagnostic, way: Span, related: bool) -> lsp::Diagnostic {
    let span = found.span();
    let place = format!("{}, line {}", document.name_of(span.file), document.line_of(span));
    lsp::Diagnostic {
        range: document.range_of(way),
        message: format!("in {place}: {}", message(found)).into(),
        // It is not the `use` that does nothing.
        tags: None,
        related_information: related.then(|| further(document, &found.labels, &found.message)),
        ..one(document, found, false)
    }
}

/// Places that have to do with a finding; one about which no more is said has the words given.
fn further(
    document: &Document,
    labels: &[Label],
    otherwise: &str,
) -> Vec<lsp::DiagnosticRelatedInformation> {
    let of = |label: &Label| {
        let message = if label.text.is_empty() { otherwise } else { &label.text };
        let (location, message) = (document.location(label.span), message.to_owned());
        (!message.is_empty()).then_some(lsp::DiagnosticRelatedInformation { location, message })
    };
    labels.iter().filter_map(of).collect()
}

/// A finding in the words of the protocol.
pub(super) fn one(document: &Document, found: &Diagnostic, related: bool) -> lsp::Diagnostic {
    let main = &found.labels[0];
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
        related_information: related.then(|| further(document, &found.labels[1..], "")),
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
    matches!(
        code,
        Code::W0022 | Code::W0144 | Code::W0146 | Code::W0147 | Code::W0414 | Code::W0601
    )
}
