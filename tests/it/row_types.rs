//! Every `tests/row_types/*.batch`: the row that each job gives, with its types, keys and order,
//! against its snapshot.

use super::folders::compare;
use batchc::ir::Row;
use std::fmt::Write;
use std::fs;

#[test]
fn row_types() {
    compare("row_types", |path, name| {
        let text = fs::read_to_string(path).expect("a case can be read");
        let compiled = batchc::compile(name, text);
        assert!(!compiled.found.has_errors(), "{name} has no mistakes");
        let mut shown = String::new();
        for job in &compiled.shown().jobs {
            let _ = writeln!(shown, "{}\n{}", job.name, lines(job.row()));
        }
        shown
    });
}

/// A column a line, then keys and order.
fn lines(row: &Row) -> String {
    let mut lines = String::new();
    for column in row.columns.iter() {
        let _ = writeln!(lines, "  {}: {}", column.name, column.ty);
    }
    let name = |at: &usize| row.columns.get(*at).map_or("…", |column| &*column.name).to_owned();
    let names = |places: &[usize]| places.iter().map(name).collect::<Vec<_>>().join(", ");
    for key in &row.keys {
        let _ = writeln!(lines, "  key ({})", names(&key.columns));
    }
    if !row.order.is_empty() {
        let _ = writeln!(lines, "  order ({})", names(&row.order));
    }
    lines
}
