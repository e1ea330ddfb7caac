//! What is looked up in a compiled program: declarations, their documentation, tables.

use super::document::{Document, ONLY};
use crate::Compiled;
use crate::check::names::Kind;
use crate::ir::Row;
use crate::syntax::ast::{Declaration, DeclarationKind};
use crate::text::Span;
use std::sync::Arc;

/// The declarations of the document itself; those of its modules stand before them.
pub(super) fn own(compiled: &Compiled) -> &[Arc<Declaration>] {
    let all = &compiled.tree.declarations;
    &all[all.partition_point(|one| one.span.file != ONLY)..]
}

/// The declaration around a byte, its end included.
pub(super) fn declaration_at(compiled: &Compiled, byte: usize) -> Option<&Declaration> {
    declaration_before(compiled, byte).filter(|last| byte <= last.span.end as usize)
}

/// The declaration that begins last before a byte, though it may have ended.
pub(super) fn declaration_before(compiled: &Compiled, byte: usize) -> Option<&Declaration> {
    let all = own(compiled);
    let behind = all.partition_point(|one| one.span.start as usize <= byte);
    all[..behind].last().map(|one| &**one)
}

/// The declaration around a place, of whichever file.
pub(super) fn declaration_around(compiled: &Compiled, place: Span) -> Option<&Declaration> {
    let is_around = |one: &&Arc<Declaration>| {
        let span = one.span;
        span.file == place.file && span.start <= place.start && place.end <= span.end
    };
    compiled.tree.declarations.iter().find(is_around).map(|one| &**one)
}

/// The declaration whose name is at a place.
pub(super) fn declared_at(compiled: &Compiled, place: Span) -> Option<&Declaration> {
    let found = declaration_around(compiled, place)?;
    found.kind.name().is_some_and(|name| name.span == place).then_some(found)
}

/// The documentation of what is declared at a place: a declaration, or a column of a source.
pub(super) fn documentation(compiled: &Compiled, place: Span) -> Option<&str> {
    let declaration = declaration_around(compiled, place)?;
    if declaration.kind.name().is_some_and(|name| name.span == place) {
        return declaration.doc.as_deref();
    }
    let DeclarationKind::Source(source) = &declaration.kind else { return None };
    let column = source.columns.iter().find(|column| column.name.span == place)?;
    column.doc.as_deref()
}

/// The row of the source or job that is declared at a place.
pub(super) fn row_of(compiled: &Compiled, kind: Kind, place: Span) -> Option<&Arc<Row>> {
    let pipeline = compiled.shown();
    match kind {
        Kind::Source => {
            pipeline.sources.iter().find(|source| source.span == place).map(|source| &source.row)
        }
        Kind::Job | Kind::Branch => {
            pipeline.jobs.iter().find(|job| job.span == place).map(|job| job.row())
        }
        _ => None,
    }
}

/// The row of a source or job by its name.
pub(super) fn row_named<'c>(compiled: &'c Compiled, name: &str) -> Option<&'c Arc<Row>> {
    let pipeline = compiled.shown();
    let source = pipeline.sources.iter().find(|source| source.name == name);
    let job = pipeline.jobs.iter().find(|job| job.name == name && !job.is_hidden);
    source.map(|source| &source.row).or_else(|| job.map(|job| job.row()))
}

/// The declaration in which a place is: `of job clean`.
pub(super) fn owner(document: &Document, place: Span) -> Option<String> {
    let found = declaration_around(document.compiled(), place)?;
    let word = match &found.kind {
        DeclarationKind::Source(_) => "source",
        DeclarationKind::Job(_) => "job",
        DeclarationKind::Function(_) => "fn",
        DeclarationKind::Transform(_) => "transform",
        _ => return None,
    };
    Some(format!("{word} `{}`", found.kind.name()?.text))
}
