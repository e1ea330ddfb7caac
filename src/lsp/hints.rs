//! Types shown between the words: of each column that a step makes, and of the row where a step
//! brings other columns.

use super::document::{Document, ONLY};
use super::rows;
use crate::check::names::{Kind, Meaning};
use crate::ir::Row;
use crate::text::Span;
use gen_lsp_types as lsp;
use std::ops::Range;

/// The hints of the lines in a range.
pub(super) fn hints(document: &Document, range: Range<usize>) -> Vec<lsp::InlayHint> {
    let names = &document.compiled().names;
    let is_near = |span: Span| {
        let end = span.end as usize;
        span.file == ONLY && range.start <= end && end <= range.end
    };
    let mut all = vec![];
    for one in names.uses().iter().filter(|one| is_near(one.span)) {
        let (Meaning::Declared(Kind::Column | Kind::Variable, _), Some(ty)) =
            (&one.meaning, &one.ty)
        else {
            continue;
        };
        // Only where a value is given to it, which says no type.
        let behind = document.text()[one.span.end as usize..].trim_start();
        let is_given = behind.starts_with('=') && !behind.starts_with("==");
        if is_given && !ty.is_unknown() {
            all.push(hint(document, one.span.end, format!(": {ty}"), false));
        }
    }
    let mut end = 0;
    for rows in names.rows().iter().filter(|rows| rows.span.file == ONLY) {
        // A line of a statement belongs to it.
        let is_statement = end <= rows.span.start;
        end = end.max(rows.span.end);
        if !is_statement || !is_near(rows.span) {
            continue;
        }
        let text = document.text_of(rows.span);
        let verb = text.split_whitespace().next().unwrap_or_default();
        // What these change is shown beside it, or is nothing.
        let is_shown = matches!(verb, "derive" | "set" | "select" | "group");
        if !is_shown && !rows.after.broken && differ(&rows.before, &rows.after) {
            all.push(hint(document, rows.span.end, shortened(&rows.after), true));
        }
    }
    all
}

/// Have two rows other columns?
fn differ(before: &Row, after: &Row) -> bool {
    let names =
        |row: &'_ Row| rows::shown(row).map(|column| column.name.clone()).collect::<Vec<_>>();
    names(before) != names(after)
}

fn hint(document: &Document, at: u32, label: String, apart: bool) -> lsp::InlayHint {
    lsp::InlayHint {
        position: document.position(at as usize),
        label: label.into(),
        kind: Some(lsp::InlayHintKind::Type),
        text_edits: None,
        tooltip: None,
        padding_left: Some(apart),
        padding_right: None,
        data: None,
    }
}

/// `{id, name, total, …}`
fn shortened(row: &Row) -> String {
    // An editor cuts what is longer than 43 characters, wherever that is.
    const MOST: usize = 37;
    let mut out = "{".to_owned();
    for (at, column) in rows::shown(row).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        if out.chars().count() + column.name.chars().count() > MOST {
            out.push_str(comma);
            out.push('…');
            break;
        }
        out.push_str(comma);
        out.push_str(&column.name);
    }
    out.push('}');
    out
}
