//! Tables for a terminal: rows, and the report of a run.

use super::print::say;
use crate::data::{Batch, display, scalar_at};
use crate::diagnostics::shortened;
use crate::ir::Row;
use crate::run::{InputReport, JobReport, Merged, Report};
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
    let all = row.columns.len();
    let table = first_columns(row, batches, limit, all);
    let mut used = 1;
    let fitting = table.column_max_content_widths().into_iter().take_while(|content| {
        used += usize::from(*content) + 3;
        width.is_none_or(|width| used <= width)
    });
    let shown = fitting.count().max(1).min(all);
    let table = if shown == all { table } else { first_columns(row, batches, limit, shown) };
    (table.to_string(), shown)
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

/// The table of the jobs, and what of it a terminal of this width has no room for: first counts that
/// are 0 everywhere are left out, then others, from the right, then the time.
fn jobs_table(report: &Report, width: Option<usize>) -> (String, Vec<String>) {
    let is_zero = |count: &Count| report.jobs.iter().all(|job| (count.2)(job) == 0);
    let mut counts: Vec<&Count> =
        COUNTS.iter().filter(|count| count.1 || !is_zero(count)).collect();
    let (mut left_out, mut with_time) = (vec![], true);
    loop {
        let table = table_of(report, &counts, with_time);
        let used = table.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        if width.is_none_or(|width| used <= width) {
            return (table, left_out);
        }
        let may_go = |count: &&Count| !["in", "out"].contains(&count.0);
        let zero = counts.iter().rposition(|count| may_go(count) && is_zero(count));
        if let Some(last) = zero.or_else(|| counts.iter().rposition(may_go)) {
            let count = counts.remove(last);
            left_out.push(format!("{}{}", count.0, if is_zero(count) { " (0)" } else { "" }));
        } else if std::mem::take(&mut with_time) {
            left_out.push("seconds".to_owned());
        } else {
            return (table, left_out);
        }
    }
}

/// What each job saw and gave, of these counts.
fn table_of(report: &Report, columns: &[&Count], with_time: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    let names = columns.iter().map(|(name, ..)| *name);
    table
        .set_header(["job"].into_iter().chain(names.clone()).chain(with_time.then_some("seconds")));
    for job in &report.jobs {
        let mut cells = vec![Cell::new(&job.job)];
        cells.extend(columns.iter().map(|(_, _, count)| {
            Cell::new(grouped(count(job))).set_alignment(CellAlignment::Right)
        }));
        let seconds = format!("{:.3}", job.seconds);
        let seconds = Cell::new(seconds).set_alignment(CellAlignment::Right);
        cells.extend(with_time.then_some(seconds));
        table.add_row(cells);
        for input in job.inputs.iter().filter(|_| job.inputs.len() > 1) {
            table.add_row(input_cells(input, names.clone()));
        }
    }
    table.to_string()
}

/// Prints what each job saw and gave, as far as there is room for it, and what was written.
pub(super) fn print_report(report: &Report, width: Option<usize>) {
    let (table, left_out) = jobs_table(report, width);
    say!("{table}");
    if !left_out.is_empty() {
        say!("  not shown, as the terminal has no room: {}", left_out.join(", "));
    }
    for job in &report.jobs {
        for (rule, broken) in job.expectations.iter().filter(|(_, broken)| *broken > 0) {
            let rule = shortened(rule);
            say!("  {}: `{rule}` does not hold for {}", job.job, rows_text(*broken));
        }
        for rule in &job.rules {
            if let Some(broken) = rule.broken() {
                say!("  {}: `{}` {broken}", job.job, shortened(&rule.name));
            }
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
    for spill in &report.spills {
        let of = spill.job.as_ref().map_or(String::new(), |job| format!(" of {job}"));
        say!("  went to disk: {}{of} ({})", spill.operator, bytes_text(spill.bytes));
    }
    for quarantine in report.quarantines.iter().filter(|quarantine| quarantine.records > 0) {
        say!("  set aside: {} ({})", quarantine.path, rows_text(quarantine.records));
    }
    for output in report.outputs.iter().filter(|output| !output.reused) {
        let (path, rows) = (&output.path, rows_text(output.records));
        match output.merged {
            Some(Merged { kept, updated, inserted }) => {
                say!(
                    "  wrote {path} ({rows}: {kept} kept, {updated} updated, {inserted} inserted)"
                );
            }
            None if output.added => say!("  added {rows} to {path}"),
            None => say!("  wrote {path} ({rows})"),
        }
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

/// `999 B`, `1.5 MiB`, `120 GiB`
pub(super) fn bytes_text(bytes: u64) -> String {
    if bytes < 1 << 10 {
        return format!("{bytes} B");
    }
    let (unit, name) = match bytes.ilog2() {
        ..20 => (1 << 10, "KiB"),
        20..30 => (1 << 20, "MiB"),
        30.. => (1 << 30, "GiB"),
    };
    let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
    if whole < 10 { format!("{whole}.{tenth} {name}") } else { format!("{whole} {name}") }
}

/// `0.123 s`, `12.3 s`
pub(super) fn seconds_text(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.3} s") } else { format!("{seconds:.1} s") }
}

/// `1 row`, `1,234 rows`
pub(super) fn rows_text(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} row{s}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Column, RunContext};
    use crate::text::{FileId, Span};
    use crate::types::DataType;
    use arrow_array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    const WIDTHS: [Option<usize>; 4] = [Some(40), Some(60), Some(200), None];

    fn widest(table: &str) -> usize {
        table.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    #[test]
    fn rows_are_shown_as_far_as_there_is_room() {
        let column = |at: usize| Column {
            name: format!("column_{at}").into(),
            ty: DataType::Int.required(),
            origin: Span::new(FileId(0), 0, 0),
            domain: None,
        };
        let row = Row { columns: (0..8).map(column).collect(), ..Row::default() };
        let values = |at: i64| Arc::new(Int64Array::from(vec![at, -at])) as ArrayRef;
        let batches = [Batch::new((0..8).map(values).collect(), 2, 0)];
        let shown = WIDTHS.map(|width| {
            let (table, shown) = rows_table(&row, &batches, 5, width);
            assert!(width.is_none_or(|width| widest(&table) <= width), "{table}");
            shown
        });
        // A column takes 8 letters, 2 spaces and a line.
        assert_eq!(shown, [3, 5, 8, 8]);
        // One that does not fit is better than none.
        assert_eq!(rows_table(&row, &batches, 5, Some(3)).1, 1);
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 1023, 1024, 1 << 20, 25 << 20, (3 << 30) + (1 << 29)].map(bytes_text);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "25 MiB", "3.5 GiB"]);
    }

    #[test]
    fn counts_of_a_run_are_shown_as_far_as_there_is_room() {
        let job = |name: &str, grouped| JobReport {
            job: name.into(),
            records_in: 1_234_567,
            records_out: 1_234_567 - grouped,
            grouped,
            ..JobReport::default()
        };
        let jobs = vec![job("orders_clean", 0), job("by_country", 1_234_000)];
        let run =
            RunContext { params: vec![], secrets: vec![], time: 0, date: 0, id: String::new() };
        let mut report = Report::running(&run);
        report.jobs = jobs;
        let left_out = WIDTHS.map(|width| {
            let (table, left_out) = jobs_table(&report, width);
            assert!(width.is_none_or(|width| widest(&table) <= width), "{table}");
            left_out.join(", ")
        });
        let zeros = "quarantined (0), dropped (0), filtered (0)";
        assert_eq!(left_out, [&format!("{zeros}, grouped, seconds"), zeros, "", ""]);
    }
}
