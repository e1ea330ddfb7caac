//! Rows: which one is seen at a place, and how one is shown.

use super::document::ONLY;
use super::program;
use crate::Compiled;
use crate::ir::{Column, Row};
use crate::syntax::ast::DeclarationKind;
use std::fmt::Write;
use std::sync::Arc;

/// The row that an expression at a byte sees: in a job as it is at that line, in an output that of
/// what it writes, in a source its own.
pub(super) fn seen_at(compiled: &Compiled, byte: usize) -> Option<&Arc<Row>> {
    let declaration = program::declaration_before(compiled, byte)?;
    match &declaration.kind {
        DeclarationKind::Output(output) => program::row_named(compiled, &output.from.first()?.text),
        DeclarationKind::Source(source) => program::row_named(compiled, &source.name.text),
        _ => {
            let last = compiled.names.last_before(ONLY, byte)?;
            let is_of_it = last.span.start >= declaration.span.start;
            let row = if byte <= last.span.end as usize { &last.before } else { &last.after };
            is_of_it.then_some(row)
        }
    }
}

/// A row as a block of code: a line a column, and what is known of its keys and order.
pub(super) fn described(row: &Row) -> String {
    const MOST: usize = 60;
    let mut out = "```batch\n".to_owned();
    for column in row.columns.iter().take(MOST) {
        let _ = writeln!(out, "{}", line(column));
    }
    if row.columns.len() > MOST {
        let _ = writeln!(out, "# and {} more", row.columns.len() - MOST);
    }
    out.push_str("```\n");
    let names = |places: &[usize]| -> String {
        let known = places.iter().filter_map(|at| row.columns.get(*at));
        known.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
    };
    for key in row.keys.iter().filter(|key| !key.columns.is_empty()) {
        let _ = writeln!(out, "\nkey: {}", names(&key.columns));
    }
    let order = names(&row.order);
    if !order.is_empty() {
        let _ = writeln!(out, "\nsorted by {order}");
    }
    if row.broken {
        out.push_str("\nA step before this one is wrong, so there may be other columns.\n");
    }
    out
}

/// A column with its type.
pub(super) fn line(column: &Column) -> String {
    format!("{}: {}", column.name, column.ty)
}
