//! Giving a thing another name, everywhere that it is named.
//!
//! What others see of a pipeline stays: a column of a source keeps its name in the file by `named`, a
//! member of an enum its text.

use super::document::{Document, ONLY};
use super::names::{Named, named};
use super::program;
use crate::check::names::{Kind, Meaning};
use crate::syntax::ast::{ColumnAttribute, DeclarationKind};
use crate::syntax::{Token, TokenKind, is_name, tokens};
use crate::text::Span;
use gen_lsp_types as lsp;
use std::collections::HashMap;

/// The name that would be changed, or why it cannot be.
pub(super) fn prepare(
    document: &Document,
    byte: usize,
) -> Result<lsp::PrepareRenameResult, String> {
    let named = renamed(document, byte)?;
    let placeholder = document.text_of(named.at).to_owned();
    let range = document.range_of(named.at);
    Ok(lsp::PrepareRenamePlaceholder { range, placeholder }.into())
}

/// The edits that give it a new name.
pub(super) fn rename(
    document: &Document,
    byte: usize,
    new: &str,
) -> Result<lsp::WorkspaceEdit, String> {
    let named = renamed(document, byte)?;
    if !is_name(new) {
        return Err(format!(
            "`{new}` cannot be a name: letters, digits and `_`, and no word of expressions"
        ));
    }
    let old = document.text_of(named.at).to_owned();
    if let Some(other) = taken(document, &named, new) {
        let line = document.line_of(other);
        return Err(format!("there is a `{new}` already, in line {line}"));
    }
    if let Some(line) = unknown(document, &named, &old) {
        return Err(format!(
            "`{old}` stands in line {line} too, where an error hides what it means: mend that first"
        ));
    }
    let edit =
        |place: &Span| lsp::TextEdit { range: document.range_of(*place), new_text: new.to_owned() };
    let mut edits: Vec<lsp::TextEdit> = named.places.iter().map(edit).collect();
    for place in &named.places {
        edits.extend(outside(document, *place, &old));
    }
    let changes = HashMap::from([(document.uri.clone(), edits)]);
    Ok(lsp::WorkspaceEdit { changes: Some(changes), ..Default::default() })
}

/// What can be renamed: every place of it is the name itself.
fn renamed(document: &Document, byte: usize) -> Result<Named, String> {
    let named = named(document, byte).ok_or("what stands here has no name of its own")?;
    let old = document.text_of(named.at);
    let is_field = |place: &Span| {
        let found = document.compiled().names.exactly(*place);
        found.is_some_and(|one| matches!(one.meaning, Meaning::Field))
    };
    if named.places.iter().any(|place| place.file != ONLY) {
        return Err(format!("`{old}` is named in another file too"));
    }
    let is_of_transform = |place: &&Span| {
        let found = program::declaration_around(document.compiled(), **place);
        found.is_some_and(|one| matches!(one.kind, DeclarationKind::Transform(_)))
    };
    if named.kind == Some(Kind::Column)
        && let Some(place) = named.places.iter().find(is_of_transform)
    {
        let line = document.line_of(*place);
        return Err(format!(
            "`{old}` is a column of a transform, line {line}, which others are given to by name"
        ));
    }
    match named.places.iter().find(|place| document.text_of(**place) != old || is_field(place)) {
        Some(_) => Err(format!("`{old}` has its name from outside of this program")),
        None => Ok(named),
    }
}

/// The line where the same word stands and nobody knows what it means, since something is wrong there.
fn unknown(document: &Document, named: &Named, old: &str) -> Option<usize> {
    let compiled = document.compiled();
    if !compiled.found.has_errors() {
        return None;
    }
    let is_unknown = |token: &Token| {
        let at = token.start as usize;
        token.kind == TokenKind::Word
            && document.text()[token.range()] == *old
            // Before a colon it is a label.
            && !document.text()[token.range().end..].trim_start().starts_with(':')
            && compiled.names.at(ONLY, at).is_none()
            && !named.places.contains(&Span::new(ONLY, at, token.end as usize))
    };
    let all = tokens(document.text());
    let found = all.iter().find(|token| is_unknown(token))?;
    Some(document.position(found.start as usize).line as usize + 1)
}

/// Where something else is called so, that would be meant then.
fn taken(document: &Document, named: &Named, new: &str) -> Option<Span> {
    let compiled = document.compiled();
    if named.kind == Some(Kind::Column) {
        // A row in which both would be.
        let old = document.text_of(named.at);
        let rows = compiled.names.rows().iter().flat_map(|rows| [&rows.before, &rows.after]);
        return rows
            .filter_map(|row| {
                let (at, other) = (row.find(old)?, row.find(new)?);
                let first = compiled.names.first_place(old, row.columns[at].origin);
                named.places.contains(&first).then(|| row.columns[other].origin)
            })
            .next();
    }
    if named.kind.is_none() {
        // The other members of the enum.
        let declaration = program::declaration_around(compiled, named.first)?;
        let DeclarationKind::Enum(declared) = &declaration.kind else { return None };
        let other = declared.members.iter().find(|(name, _)| name.text == new)?;
        return Some(other.0.span);
    }
    let is_table = |kind: &DeclarationKind| {
        matches!(
            kind,
            DeclarationKind::Source(_) | DeclarationKind::Job(_) | DeclarationKind::Output(_)
        )
    };
    let of_tables = matches!(named.kind, Some(Kind::Source | Kind::Job));
    let others = compiled.tree.declarations.iter().filter(|one| is_table(&one.kind) == of_tables);
    let others = others.filter_map(|one| one.kind.name());
    let clash = others.into_iter().find(|name| name.text == new).map(|name| name.span);
    clash.filter(
        |_| matches!(named.kind, Some(kind) if kind != Kind::Variable && kind != Kind::Alias),
    )
}

/// What else has to be written where a name is declared that files or patterns know by it.
fn outside(document: &Document, place: Span, old: &str) -> Option<lsp::TextEdit> {
    let compiled = document.compiled();
    let declaration = program::declaration_around(compiled, place)?;
    let insert = |at: Span, text: String| lsp::TextEdit {
        range: document.range_of(at.after()),
        new_text: text,
    };
    match &declaration.kind {
        DeclarationKind::Source(source) => {
            let column = source.columns.iter().find(|column| column.name.span == place)?;
            let is_named = |one: &ColumnAttribute| matches!(one, ColumnAttribute::Named(_));
            let has_name = column.attributes.iter().any(is_named);
            (!has_name).then(|| insert(column.ty.span, format!(" named \"{old}\"")))
        }
        DeclarationKind::Enum(declared) => {
            let (_, text) = declared.members.iter().find(|(name, _)| name.span == place)?;
            text.is_none().then(|| insert(place, format!(" = \"{old}\"")))
        }
        _ => None,
    }
}
