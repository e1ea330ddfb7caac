//! The outline of a program: declarations, and what is in them.

use super::document::Document;
use super::program;
use crate::syntax::ast::{Declaration, DeclarationKind, Name};
use crate::text::Span;
use gen_lsp_types as lsp;
use gen_lsp_types::SymbolKind as Icon;

/// All declarations that have a name.
pub(super) fn symbols(document: &Document) -> Vec<lsp::DocumentSymbol> {
    program::own(document.compiled()).iter().filter_map(|one| declaration(document, one)).collect()
}

fn declaration(document: &Document, one: &Declaration) -> Option<lsp::DocumentSymbol> {
    let name = match &one.kind {
        DeclarationKind::Test(test) => {
            &Name { text: test.name.value.clone(), span: test.name.span }
        }
        kind => kind.name()?,
    };
    let word = document.text_of(one.span).split_whitespace().next().unwrap_or_default();
    let (icon, children) = match &one.kind {
        DeclarationKind::Param(_) => (Icon::Constant, vec![]),
        DeclarationKind::Enum(declared) => {
            let of =
                |(name, _): &(Name, _)| symbol(document, name, name.span, Icon::EnumMember, "");
            (Icon::Enum, declared.members.iter().map(of).collect())
        }
        DeclarationKind::Type(_) => (Icon::TypeParameter, vec![]),
        DeclarationKind::Pipeline(_) => (Icon::Namespace, vec![]),
        DeclarationKind::Source(source) => {
            let of = |column: &crate::syntax::ast::ColumnDeclaration| {
                let ty = document.text_of(column.ty.span);
                symbol(document, &column.name, column.span, Icon::Field, ty)
            };
            (Icon::Interface, source.columns.iter().map(of).collect())
        }
        DeclarationKind::Job(job) => {
            let of = |statement: &crate::syntax::ast::Statement| {
                let text = document.text_of(statement.span);
                let first =
                    text.lines().next().unwrap_or_default().trim_end_matches('{').trim_end();
                let name = Name { text: shortened(first), span: statement.verb };
                symbol(document, &name, statement.span, Icon::Operator, "")
            };
            (Icon::Class, job.steps.iter().map(of).collect())
        }
        DeclarationKind::Output(_) => (Icon::File, vec![]),
        DeclarationKind::Function(_) => (Icon::Function, vec![]),
        DeclarationKind::Transform(_) => (Icon::Method, vec![]),
        DeclarationKind::Test(_) => (Icon::Boolean, vec![]),
        DeclarationKind::Secret(_) => (Icon::Key, vec![]),
        DeclarationKind::Notify(_) => (Icon::Event, vec![]),
        DeclarationKind::Use(_) | DeclarationKind::Later(_) | DeclarationKind::Bad(_) => {
            (Icon::Object, vec![])
        }
    };
    let mut found = symbol(document, name, one.span, icon, word);
    found.children = Some(children).filter(|children| !children.is_empty());
    Some(found)
}

fn symbol(
    document: &Document,
    name: &Name,
    span: Span,
    kind: Icon,
    detail: &str,
) -> lsp::DocumentSymbol {
    // A name that is empty, or that lies outside of its thing, is refused by editors.
    let text = if name.text.trim().is_empty() { "…" } else { &name.text };
    let inside = span.start <= name.span.start && name.span.end <= span.end;
    #[allow(deprecated)]
    lsp::DocumentSymbol {
        name: text.to_owned(),
        detail: Some(detail.to_owned()).filter(|detail| !detail.is_empty()),
        kind,
        tags: None,
        deprecated: None,
        range: document.range_of(span),
        selection_range: document.range_of(if inside { name.span } else { span }),
        children: None,
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
