//! A program with the rows that came in the place of those that were wanted: comments and all else stay.

use crate::ir::WantedRows;
use crate::syntax::{aligned_rows, row_cells};
use crate::testing::{DiffRow, Difference, cell};
use crate::text::Span;
use crate::types::Scalar;
use std::ops::Range;

/// The text with these tables brought in line with what came.
pub(in crate::cli) fn updated(text: &str, tables: &[(&WantedRows, &Difference)]) -> String {
    let mut edits: Vec<(Range<usize>, String)> = vec![];
    for (wanted, difference) in tables {
        edits.extend(edits_of(text, wanted, difference));
    }
    // What is put in at one place stays in its order.
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in edits {
        out.push_str(&text[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Where a row of the new table goes.
enum Place {
    /// In that of a row.
    Instead(Span),
    /// On a line of its own behind that of a row.
    Behind(Span),
}

fn edits_of(
    text: &str,
    wanted: &WantedRows,
    difference: &Difference,
) -> Vec<(Range<usize>, String)> {
    let source = |span: Span| &text[span.range()];
    let mut rows = vec![(Place::Instead(wanted.header), source(wanted.header).to_owned())];
    let (mut edits, mut last) = (vec![], wanted.header);
    for row in &difference.rows {
        match row {
            DiffRow::Same(at, _) => {
                last = wanted.rows[*at].1;
                rows.push((Place::Instead(last), source(last).to_owned()));
            }
            DiffRow::Changed(at, came, changed) => {
                last = wanted.rows[*at].1;
                let old = row_cells(source(last));
                let cell_of = |at: usize| match changed[at] {
                    false => old[at].to_owned(),
                    true => cell(&came[at], &difference.columns[at].ty.data),
                };
                let cells: Vec<String> = (0..came.len()).map(cell_of).collect();
                rows.push((Place::Instead(last), line(&cells)));
            }
            DiffRow::Missing(at) => {
                last = wanted.rows[*at].1;
                edits.push((removed(text, last), String::new()));
            }
            DiffRow::Extra(came) => {
                let cell_of = |(value, column): (&Scalar, &crate::ir::WantedColumn)| {
                    cell(value, &column.ty.data)
                };
                let cells = came.iter().zip(&difference.columns).map(cell_of);
                rows.push((Place::Behind(last), line(&cells.collect::<Vec<_>>())));
            }
        }
    }
    let texts: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
    for (aligned, (place, _)) in aligned_rows(&texts).into_iter().zip(&rows) {
        edits.push(match place {
            Place::Instead(span) => (span.range(), aligned),
            Place::Behind(span) => {
                let behind = line_behind(text, *span);
                let indent = &text[line_start(text, wanted.header)..wanted.header.start as usize];
                let end = if text[..behind].ends_with("\r\n") { "\r\n" } else { "\n" };
                (behind..behind, format!("{indent}{aligned}{end}"))
            }
        });
    }
    edits
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// What goes with a row that is no more: its line, unless a comment is on it.
fn removed(text: &str, row: Span) -> Range<usize> {
    let (start, behind) = (line_start(text, row), line_behind(text, row));
    let rest = &text[row.end as usize..behind];
    match rest.find('#') {
        Some(comment) => row.start as usize..row.end as usize + comment,
        None => start..behind,
    }
}

fn line_start(text: &str, span: Span) -> usize {
    text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1)
}

/// Where the line behind that of a row begins.
fn line_behind(text: &str, span: Span) -> usize {
    let end = span.end as usize;
    text[end..].find('\n').map_or(text.len(), |at| end + at + 1)
}
