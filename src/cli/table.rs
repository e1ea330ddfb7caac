//! Rows as a table for a terminal.

use crate::data::{Batch, display, scalar_at};
use crate::ir::Row;
use comfy_table::{Cell, CellAlignment, Table, presets};

/// The first rows under their names and types.
pub(super) fn rows_table(row: &Row, batches: &[Batch], limit: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(
        row.columns.iter().map(|column| Cell::new(format!("{}\n{}", column.name, column.ty))),
    );
    let rows = batches.iter().flat_map(|batch| (0..batch.rows).map(move |at| (batch, at)));
    for (batch, at) in rows.take(limit) {
        table.add_row(row.columns.iter().zip(&batch.columns).map(|(column, array)| {
            let value = scalar_at(array, &column.ty.data, at);
            let text = match &value {
                value if value.is_null() => "null".to_owned(),
                value => crate::diagnostics::shown(&display(value, &column.ty.data)),
            };
            let cell = Cell::new(text);
            if column.ty.data.is_number() { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    table.to_string()
}
