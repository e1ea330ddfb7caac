//! Quick fixes: the edits that findings carry.

use super::diagnostics;
use super::document::{Document, ONLY};
use crate::diagnostics::fixes::together;
use crate::diagnostics::{Diagnostic, Fix};
use gen_lsp_types as lsp;
use std::collections::HashMap;
use std::ops::Range;

/// The fixes of what is found in a range, and all that are safe at once.
pub(super) fn actions(
    document: &Document,
    range: Range<usize>,
    only: Option<Vec<lsp::CodeActionKind>>,
) -> Vec<lsp::CodeAction> {
    let found = document.compiled().found.iter().filter(|found| found.span().file == ONLY);
    let wanted = |kind: &lsp::CodeActionKind| {
        only.as_ref().is_none_or(|only| only.iter().any(|one| is_within(kind, one)))
    };
    let touches = |found: &&Diagnostic| {
        let span = found.span().range();
        span.start <= range.end && range.start <= span.end
    };
    let mut all = vec![];
    if wanted(&lsp::CodeActionKind::QuickFix) {
        let here = found.clone().filter(touches);
        all.extend(here.filter_map(|found| Some(action(document, found, fix_in(found)?))));
    }
    if only.is_some() && wanted(&lsp::CodeActionKind::SourceFixAll) {
        all.extend(fix_all(document, found));
    }
    all
}

/// The edit of a finding, if it is one of this document.
fn fix_in(found: &Diagnostic) -> Option<&Fix> {
    found.fix.as_ref().filter(|fix| fix.span.file == ONLY)
}

fn is_within(kind: &lsp::CodeActionKind, wanted: &lsp::CodeActionKind) -> bool {
    let text = |kind: &lsp::CodeActionKind| String::from(kind.clone());
    let (kind, wanted) = (text(kind), text(wanted));
    wanted.is_empty() || kind == wanted || kind.starts_with(&format!("{wanted}."))
}

fn action(document: &Document, found: &Diagnostic, fix: &Fix) -> lsp::CodeAction {
    let replaced = document.text_of(fix.span);
    let short = |text: &str| !text.contains('\n') && text.chars().count() <= 60;
    let title = match (fix.text.trim(), replaced.trim()) {
        ("", old) if short(old) => format!("remove `{old}`"),
        (new, "") if short(new) => format!("insert `{new}`"),
        (new, _) if short(new) => format!("write `{new}`"),
        _ => found.help.clone().unwrap_or_else(|| found.message.clone()),
    };
    lsp::CodeAction {
        title,
        kind: Some(lsp::CodeActionKind::QuickFix),
        diagnostics: Some(vec![diagnostics::one(document, found, false)]),
        is_preferred: Some(fix.safe),
        edit: Some(edit(document, vec![fix])),
        ..Default::default()
    }
}

/// All safe edits that do not overlap, in one.
fn fix_all<'f>(
    document: &Document,
    found: impl Iterator<Item = &'f Diagnostic>,
) -> Option<lsp::CodeAction> {
    let fixes: Vec<&Fix> = together(found, ONLY).into_iter().map(|(_, fix)| fix).collect();
    (!fixes.is_empty()).then(|| lsp::CodeAction {
        title: "make all safe fixes".to_owned(),
        kind: Some(lsp::CodeActionKind::SourceFixAll),
        edit: Some(edit(document, fixes)),
        ..Default::default()
    })
}

fn edit(document: &Document, fixes: Vec<&Fix>) -> lsp::WorkspaceEdit {
    let of = |fix: &Fix| lsp::TextEdit {
        range: document.range_of(fix.span),
        new_text: fix.text.clone(),
    };
    let edits = fixes.into_iter().map(of).collect();
    let changes = HashMap::from([(document.uri.clone(), edits)]);
    lsp::WorkspaceEdit { changes: Some(changes), ..Default::default() }
}
