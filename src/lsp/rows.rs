//! Rows: which one is seen at a place, and how one is shown.

use super::document::ONLY;
use super::program;
use crate::Compiled;
use crate::check::BRANCH_COLUMN;
use crate::ir::{Column, Row};
use crate::syntax::ast::DeclarationKind;
use std::fmt::Write;
use std::sync::Arc;

/// The row that an expression at a byte sees: in a job as it is at that line, in an output that of
/// what it writes, in a source its own.
pub(super) fn seen_at(compiled: &Compiled, byte: usize) -> Option<&Arc<Row>> {
    let declaration = program::declaration_before(compiled, byte)?;
    match &declaration.kind {
        DeclarationKind::Output(output) => {
            let path: Vec<&str> = output.from.iter().map(|name| name.text.as_str()).collect();
            program::row_named(compiled, &path.join("."))
        }
        DeclarationKind::Source(source) => program::row_named(compiled, &source.name.text),
        _ => {
            let last = compiled.names.last_before(ONLY, byte)?;
            let is_of_it = last.span.start >= declaration.span.start;
            let row = if byte <= last.span.end as usize { &last.before } else { &last.after };
            is_of_it.then_some(row)
        }
    }
}

/// The columns of a row that the program may name: not that which says where a row branches off to.
pub(super) fn shown(row: &Row) -> impl Iterator<Item = &Column> {
    row.columns.iter().filter(|column| *column.name != *BRANCH_COLUMN)
}

/// A row as a block of code: a line a column, and what is known of its keys and order.
pub(super) fn described(row: &Row) -> String {
    const MOST: usize = 60;
    let mut out = "```batch\n".to_owned();
    for column in shown(row).take(MOST) {
        let _ = writeln!(out, "{}", line(column));
    }
    let more = shown(row).skip(MOST).count();
    if more > 0 {
        let _ = writeln!(out, "# and {more} more");
    }
    out.push_str("```\n");
    let names = |places: &[usize]| -> String {
        let known = places.iter().filter_map(|at| row.columns.get(*at));
        known.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
    };
    let mut keys: Vec<String> = vec![];
    for key in row.keys.iter().map(|key| names(&key.columns)) {
        if !key.is_empty() && !keys.contains(&key) {
            let _ = writeln!(out, "\nkey: {key}");
            keys.push(key);
        }
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
