//! Tables for a terminal: rows, and the report of a run.

use super::print::say;
use crate::data::{Batch, display, scalar_at};
use crate::ir::Row;
use crate::run::{InputReport, JobReport, Report};
use comfy_table::LineStyle;
use comfy_table::{Cell, CellAlignment, Table, presets};

/// The first rows under their names and types, and how many columns a terminal of this width has
/// room for; a line that is broken in two cannot be read.
pub(super) fn rows_table(
    row: &Row,
    batches: &[Batch],
    limit: usize,
    width: Option<usize>,
) -> (String, usize) {
    let table = first_columns(row, batches, limit, row.columns.len());
    let mut used = 1;
    let fitting = table.column_max_content_widths().into_iter().take_while(|content| {
        used += usize::from(*content) + 3;
        width.is_none_or(|width| used <= width)
    });
    let shown = fitting.count().max(1).min(row.columns.len());
    match shown == row.columns.len() {
        true => (table.to_string(), shown),
        false => (first_columns(row, batches, limit, shown).to_string(), shown),
    }
}

/// The first columns of the first rows.
fn first_columns(row: &Row, batches: &[Batch], limit: usize, shown: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(
        row.columns
            .iter()
            .take(shown)
            .map(|column| Cell::new(format!("{}\n{}", column.name, column.ty))),
    );
    let rows = batches.iter().flat_map(|batch| (0..batch.rows).map(move |at| (batch, at)));
    for (batch, at) in rows.take(limit) {
        table.add_row(row.columns.iter().take(shown).zip(&batch.columns).map(|(column, array)| {
            let value = scalar_at(array, &column.ty.data, at);
            let text = match &value {
                value if value.is_null() => "null".to_owned(),
                value => crate::diagnostics::shown(&display(value, &column.ty.data)),
            };
            let cell = Cell::new(text);
            if column.ty.data.is_number() { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    table
}

/// A count of rows: its name, whether it is shown when no job has such rows, and where it is found.
type Count = (&'static str, bool, fn(&JobReport) -> u64);

/// What became of the rows of a job: those in and added are as many as those of all other columns.
const COUNTS: &[Count] = &[
    ("in", true, |job| job.records_in),
    ("added", false, |job| job.added),
    ("out", true, |job| job.records_out),
    ("looked up", false, |job| job.looked_up),
    ("filtered", true, |job| job.filtered),
    ("grouped", false, |job| job.grouped),
    ("deduplicated", false, |job| job.deduplicated),
    ("dropped", true, |job| job.dropped),
    ("quarantined", true, |job| job.quarantined),
    ("unfinished", false, |job| job.unfinished),
];

/// Prints what each job saw and gave, and what was written.
pub(super) fn print_report(report: &Report) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    let columns: Vec<&Count> = COUNTS
        .iter()
        .filter(|(_, is_always, count)| *is_always || report.jobs.iter().any(|job| count(job) > 0))
        .collect();
    let names = columns.iter().map(|(name, ..)| *name);
    table.set_header(["job"].into_iter().chain(names.clone()).chain(["seconds"]));
    for job in &report.jobs {
        let mut cells = vec![Cell::new(&job.job)];
        cells.extend(columns.iter().map(|(_, _, count)| {
            Cell::new(grouped(count(job))).set_alignment(CellAlignment::Right)
        }));
        let seconds = format!("{:.3}", job.seconds);
        cells.push(Cell::new(seconds).set_alignment(CellAlignment::Right));
        table.add_row(cells);
        for input in job.inputs.iter().filter(|_| job.inputs.len() > 1) {
            table.add_row(input_cells(input, names.clone()));
        }
    }
    say!("{table}");
    for job in &report.jobs {
        for (rule, broken) in job.expectations.iter().filter(|(_, broken)| *broken > 0) {
            say!("  {}: `{rule}` does not hold for {}", job.job, rows_text(*broken));
        }
        if job.nulled > 0 {
            say!("  {}: {} with values that became null", job.job, rows_text(job.nulled));
        }
        if job.null_keys > 0 {
            let rows = rows_text(job.null_keys);
            let s = if job.null_keys == 1 { "es" } else { "" };
            say!("  {}: {rows} without a key, which match{s} nothing in a join", job.job);
        }
    }
    for quarantine in report.quarantines.iter().filter(|quarantine| quarantine.records > 0) {
        say!("  set aside: {} ({})", quarantine.path, rows_text(quarantine.records));
    }
    for output in &report.outputs {
        say!("  wrote {} ({})", output.path, rows_text(output.records));
    }
}

/// The line of a table that a job reads, below the job that it is part of.
fn input_cells<'n>(input: &InputReport, names: impl Iterator<Item = &'n str>) -> Vec<Cell> {
    let failed = input.dropped + input.quarantined;
    let count = |name| match name {
        "in" => Some(input.records_in),
        "looked up" if input.by == "join" => Some(input.records_in - failed),
        "dropped" => Some(input.dropped),
        "quarantined" => Some(input.quarantined),
        _ => None,
    };
    let cell = |name| {
        let text = count(name).map_or(String::new(), grouped);
        Cell::new(text).set_alignment(CellAlignment::Right)
    };
    let name = format!("  {} {}", input.by, input.input);
    [Cell::new(name)].into_iter().chain(names.map(cell)).collect()
}

/// `1,234,567`
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `1,234 rows`
pub(super) fn rows_text(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} row{s}", grouped(count))
}
