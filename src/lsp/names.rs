//! Where the thing under the cursor is declared, and everywhere that it is named.

use super::document::{Document, ONLY};
use super::program;
use crate::Compiled;
use crate::check::names::{Kind, Meaning};
use crate::syntax::ast::DeclarationKind;
use crate::text::Span;
use gen_lsp_types as lsp;

/// A thing of the program, and the places of its name.
pub(super) struct Named {
    /// The name under the cursor.
    pub(super) at: Span,
    /// Where it is declared.
    pub(super) first: Span,
    /// All places, that one included, in the order of the text.
    pub(super) places: Vec<Span>,
    /// What it is; none for a member of an enum.
    pub(super) kind: Option<Kind>,
}

/// What is named at a byte, if the program declares it.
pub(super) fn named(document: &Document, byte: usize) -> Option<Named> {
    let compiled = document.compiled();
    let names = &compiled.names;
    let Some(one) = names.at(ONLY, byte) else { return member_declared(compiled, byte) };
    match &one.meaning {
        Meaning::Declared(Kind::Column, at) => {
            let text = document.text_of(one.span);
            let first = names.first_place(text, *at);
            let places = names.places_of_column(text, *at);
            Some(Named { at: one.span, first, places, kind: Some(Kind::Column) })
        }
        Meaning::Declared(kind, at) => {
            let places = names.places_of(*kind, *at);
            Some(Named { at: one.span, first: *at, places, kind: Some(*kind) })
        }
        Meaning::Member(declared, position) => {
            Some(of_member(compiled, one.span, declared, *position)?)
        }
        _ => None,
    }
}

fn member_declared(compiled: &Compiled, byte: usize) -> Option<Named> {
    let declaration = program::declaration_at(compiled, byte)?;
    let DeclarationKind::Enum(declared) = &declaration.kind else { return None };
    let is_here = |span: Span| span.start as usize <= byte && byte <= span.end as usize;
    let at = declared.members.iter().position(|(name, _)| is_here(name.span))?;
    of_member(compiled, declared.members[at].0.span, &declared.name.text, at)
}

fn of_member(compiled: &Compiled, at: Span, declared: &str, position: usize) -> Option<Named> {
    let first = member(compiled, declared, position)?;
    let is_it = |meaning: &Meaning| matches!(meaning, Meaning::Member(of, which) if **of == *declared && *which == position);
    let uses = compiled.names.uses().iter().filter(|one| is_it(&one.meaning));
    let mut places: Vec<Span> = uses.map(|one| one.span).collect();
    places.push(first);
    places.sort();
    places.dedup();
    Some(Named { at, first, places, kind: None })
}

/// Where a member of an enum is declared.
pub(super) fn member(compiled: &Compiled, declared: &str, position: usize) -> Option<Span> {
    compiled.tree.declarations.iter().find_map(|one| match &one.kind {
        DeclarationKind::Enum(of) if of.name.text == declared => {
            of.members.get(position).map(|(name, _)| name.span)
        }
        _ => None,
    })
}

/// Where it is declared.
pub(super) fn definition(document: &Document, byte: usize) -> Option<lsp::Location> {
    named(document, byte).map(|named| document.location(named.first))
}

/// Everywhere that it is named; with `all`, where it is declared too.
pub(super) fn references(
    document: &Document,
    byte: usize,
    all: bool,
) -> Option<Vec<lsp::Location>> {
    let named = named(document, byte)?;
    let places = named.places.iter().filter(|place| all || **place != named.first);
    Some(places.map(|place| document.location(*place)).collect())
}

/// The same within the text that is shown.
pub(super) fn highlights(document: &Document, byte: usize) -> Option<Vec<lsp::DocumentHighlight>> {
    let named = named(document, byte)?;
    let of = |place: &Span| lsp::DocumentHighlight {
        range: document.range_of(*place),
        kind: Some(match *place == named.first {
            true => lsp::DocumentHighlightKind::Write,
            false => lsp::DocumentHighlightKind::Read,
        }),
    };
    let here = named.places.iter().filter(|place| place.file == ONLY);
    Some(here.map(of).collect())
}
