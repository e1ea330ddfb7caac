//! What is said of the thing under the cursor: types, documentation, rows.

use super::document::{Document, ONLY};
use super::{program, rows};
use crate::check::names::{Kind, Meaning, Use};
use crate::connect;
use crate::functions::{FunctionId, Registry};
use crate::syntax::ast::DeclarationKind;
use crate::syntax::{Place, words_at};
use crate::text::Span;
use gen_lsp_types as lsp;
use std::fmt::Write;

/// What is said at a byte.
pub(super) fn hover(document: &Document, byte: usize) -> Option<lsp::Hover> {
    let of_name = document
        .compiled()
        .names
        .at(ONLY, byte)
        .and_then(|one| Some((one.span, name(document, one)?)));
    let (span, value) = of_name.or_else(|| step(document, byte))?;
    let contents = lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value };
    Some(lsp::Hover { contents: contents.into(), range: Some(document.range_of(span)) })
}

fn code(text: &str) -> String {
    format!("```batch\n{text}\n```\n")
}

fn name(document: &Document, one: &Use) -> Option<String> {
    let text = document.text_of(one.span);
    match &one.meaning {
        Meaning::Declared(kind, at) => Some(declared(document, one, *kind, *at)),
        Meaning::Member(declared, at) => {
            let compiled = document.compiled();
            let place = super::names::member(compiled, declared, *at);
            let written = place.map_or(text, |place| document.text_of(place));
            Some(format!("{}\nof enum `{declared}`", code(written)))
        }
        Meaning::Function(name, id) => Some(function(name, *id)),
        Meaning::Connector(name) => {
            let connector = connect::find(name)?;
            let mut out = format!("{}\n{}\n", code(name), connector.summary);
            for option in connector.options {
                let _ = writeln!(out, "- `{}`: {}", option.name, option.doc);
            }
            Some(out)
        }
        Meaning::Option(connector, option) => {
            let options = connect::find(connector)?.options;
            let option = options.iter().find(|known| known.name == *option)?;
            Some(format!("{}\n{}", code(&format!("{}: {}", option.name, option.ty)), option.doc))
        }
        Meaning::Field => Some(code(&typed(text, one))),
    }
}

fn typed(name: &str, one: &Use) -> String {
    match &one.ty {
        Some(ty) if !ty.is_unknown() => format!("{name}: {ty}"),
        _ => name.to_owned(),
    }
}

fn declared(document: &Document, one: &Use, kind: Kind, at: Span) -> String {
    let compiled = document.compiled();
    let text = document.text_of(one.span);
    let mut out = match kind {
        Kind::Source | Kind::Job => {
            let word = if kind == Kind::Source { "source" } else { "job" };
            let row = program::row_of(compiled, kind, at)
                .map_or(String::new(), |row| rows::described(row));
            format!("{word} `{}`\n\n{row}", document.text_of(at))
        }
        Kind::Param
        | Kind::Transform
        | Kind::Function
        | Kind::Enum
        | Kind::Type
        | Kind::Secret
        | Kind::Notifier => {
            let found = program::declared_at(compiled, at);
            code(found.map_or(text, |found| document.text_of(found.span)))
        }
        Kind::Column | Kind::Variable => code(&typed(text, one)),
        Kind::Branch => {
            let row = program::row_of(compiled, kind, at)
                .map_or(String::new(), |row| rows::described(row));
            format!("branch `{text}`\n\n{row}")
        }
        Kind::Alias => format!("the right side of this join, called `{text}`\n"),
        Kind::Quarantine => {
            format!("quarantine `{text}`: rows set aside, with the reason of each\n")
        }
    };
    let first = match kind {
        Kind::Column => compiled.names.first_place(text, at),
        _ => at,
    };
    if kind == Kind::Column
        && let Some(owner) = program::owner(document, first)
    {
        let line = document.line_of(first);
        let _ = writeln!(out, "\nfrom {owner}, line {line}");
    }
    if let Some(doc) = program::documentation(compiled, first) {
        let _ = writeln!(out, "\n{doc}");
    }
    out
}

/// The overload that is called, or all of a name.
fn function(name: &str, id: Option<FunctionId>) -> String {
    let registry = Registry::standard();
    let all = id.map_or(registry.overloads(name).to_vec(), |id| vec![id]);
    let of = |id: FunctionId| {
        let declaration = registry.declaration(id);
        format!("{}\n{}\n", code(&declaration.signature), declaration.doc.trim_end())
    };
    all.into_iter().map(of).collect::<Vec<_>>().join("\n---\n")
}

/// Of the word that a step begins with: the row behind it.
fn step(document: &Document, byte: usize) -> Option<(Span, String)> {
    let compiled = document.compiled();
    let declaration = program::declaration_at(compiled, byte)?;
    let within = |span: Span| span.start as usize <= byte && byte <= span.end as usize;
    let steps = match &declaration.kind {
        DeclarationKind::Job(job) => &job.steps,
        DeclarationKind::Transform(transform) => &transform.steps,
        _ => return None,
    };
    if let Some(statement) = steps.iter().find(|statement| within(statement.verb)) {
        let first = document.text_of(statement.verb).split(' ').next().unwrap_or_default();
        let example = words_at(Place::Job).find(|word| word.word == first).map(|word| word.example);
        let whole = |rows: &&crate::check::names::Rows| rows.span == statement.span;
        let row = compiled.names.rows().iter().find(whole);
        let row = row.map_or(String::new(), |rows| {
            format!("the row behind this step:\n\n{}", rows::described(&rows.after))
        });
        let example =
            example.map_or(String::new(), |example| format!("\nfor instance `{example}`\n"));
        return Some((statement.verb, format!("{row}{example}")));
    }
    None
}
