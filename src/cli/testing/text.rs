//! What came of tests, for people.

use super::{Program, Ran};
use crate::cli::table::seconds_text;
use crate::diagnostics::render::{Format, render};
use crate::diagnostics::{Diagnostics, escaped};
use crate::ir::{Wanted, WantedRows};
use crate::run::Told;
use crate::testing::{DiffRow, Difference, Verdict, cell};
use crate::types::Scalar;
use std::fmt::Write;

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const BOLD: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

/// More rows that are the same are not shown between those that differ.
const SAME_SHOWN: usize = 3;

/// The text in a colour, if colours are wanted.
fn painted(text: &str, ansi: &str, colour: bool) -> String {
    if colour { format!("{ansi}{text}{OFF}") } else { text.to_owned() }
}

/// The line of a test: `test small orders are left out ... ok`.
pub(in crate::cli) fn line(ran: &Ran, names_file: bool, colour: bool) -> String {
    let file = if names_file { format!("{}: ", ran.program.name()) } else { String::new() };
    let verdict = match ran.is_passed() {
        true => painted("ok", GREEN, colour),
        false => painted("FAILED", RED, colour),
    };
    format!("test {file}{} ... {verdict}", escaped(&ran.test.name))
}

/// Why a test failed.
pub(in crate::cli) fn failure(ran: &Ran, colour: bool) -> String {
    let line = ran.program.line(ran.test);
    let title = format!("{} ({}:{line})", escaped(&ran.test.name), ran.program.name());
    let mut out = painted(&title, BOLD, colour);
    out.push('\n');
    if let Err(why) = &ran.verdicts {
        out.push_str(why);
    }
    for (want, verdict) in ran.failures() {
        let name = ran.program.wanted(want);
        let line = ran.program.compiled.files.position(want.span).line;
        let place = format!("{}:{line}", ran.program.name());
        match (verdict, &want.wanted) {
            (Verdict::Differs(difference), Wanted::Rows(rows)) => {
                let order = if difference.in_order { ", in this order" } else { "" };
                let _ =
                    writeln!(out, "  {place}: `{name}` gives other rows than are wanted{order}");
                out.push_str(&differing(rows, difference, colour));
            }
            (Verdict::Fails(told), _) => {
                let _ = writeln!(out, "  {place}: `{name}` fails, and rows are wanted");
                out.push_str(&reasons(told, ran.program, colour));
            }
            (Verdict::FailsOtherwise(told), Wanted::Fails(Some(wanted))) => {
                let wanted = escaped(wanted);
                let _ = writeln!(out, "  {place}: `{name}` fails, and not with \"{wanted}\"");
                out.push_str(&reasons(told, ran.program, colour));
            }
            _ => {
                let _ = writeln!(out, "  {place}: `{name}` does not fail");
            }
        }
    }
    out
}

/// The last line: `test result: ok. 3 passed; 0 failed; in 0.012 s`.
pub(in crate::cli) fn summary(
    (passed, failed, wrong): (usize, usize, usize),
    seconds: f64,
    colour: bool,
) -> String {
    let verdict = match failed + wrong {
        0 => painted("ok", GREEN, colour),
        _ => painted("FAILED", RED, colour),
    };
    let wrong = match wrong {
        0 => String::new(),
        1 => "; 1 program is wrong".to_owned(),
        many => format!("; {many} programs are wrong"),
    };
    let seconds = seconds_text(seconds);
    format!("test result: {verdict}. {passed} passed; {failed} failed{wrong}; in {seconds}")
}

/// Why something failed, as a run shows it.
fn reasons(told: &[Told], program: &Program, colour: bool) -> String {
    let mut out = String::new();
    for told in told {
        let shown = match &told.found {
            Some(found) => {
                let mut all = Diagnostics::new();
                all.push(found.clone());
                render(&all, &program.compiled.files, Format::Human, colour)
            }
            None => format!("error: {}\n", escaped(&told.message)),
        };
        shown.lines().for_each(|line| {
            let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        });
    }
    out
}

/// What stands before a row, and how it is painted.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Same,
    Wanted,
    Came,
}

/// A line of the table.
enum Line {
    Row(Mark, Vec<String>, Vec<bool>),
    /// So many rows that are the same.
    Skipped(usize),
}

/// The rows below each other: `-` is wanted, `+` came, and the cells that differ are marked.
fn differing(wanted: &WantedRows, difference: &Difference, colour: bool) -> String {
    let cells = |values: &[Scalar]| -> Vec<String> {
        let of = |(value, column): (&Scalar, &crate::ir::WantedColumn)| {
            escaped(&cell(value, &column.ty.data))
        };
        values.iter().zip(&difference.columns).map(of).collect()
    };
    let header: Vec<String> =
        difference.columns.iter().map(|column| column.name.to_string()).collect();
    let all = header.len();
    let mut lines = vec![Line::Row(Mark::Same, header, vec![false; all])];
    for rows in difference.rows.chunk_by(|a, b| is_same(a) && is_same(b)) {
        let shown = if rows.len() > SAME_SHOWN && is_same(&rows[0]) { 1 } else { rows.len() };
        for row in &rows[..shown] {
            let of_wanted = |at: usize| cells(&wanted.rows[at].0);
            match row {
                DiffRow::Same(_, came) => {
                    lines.push(Line::Row(Mark::Same, cells(came), vec![false; all]));
                }
                DiffRow::Missing(at) => {
                    lines.push(Line::Row(Mark::Wanted, of_wanted(*at), vec![false; all]));
                }
                DiffRow::Extra(came) => {
                    lines.push(Line::Row(Mark::Came, cells(came), vec![false; all]));
                }
                DiffRow::Changed(at, came, changed) => {
                    lines.push(Line::Row(Mark::Wanted, of_wanted(*at), changed.clone()));
                    lines.push(Line::Row(Mark::Came, cells(came), changed.clone()));
                }
            }
        }
        if shown < rows.len() {
            lines.push(Line::Skipped(rows.len() - shown));
        }
    }
    table(&lines, difference, colour)
}

fn is_same(row: &DiffRow) -> bool {
    matches!(row, DiffRow::Same(..))
}

fn table(lines: &[Line], difference: &Difference, colour: bool) -> String {
    let width = |at: usize| {
        let cells = lines.iter().filter_map(|line| match line {
            Line::Row(_, cells, _) => Some(cells[at].chars().count()),
            Line::Skipped(_) => None,
        });
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..difference.columns.len()).map(width).collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let (mark, cells, changed) = match line {
            Line::Row(mark, cells, changed) => (*mark, cells, changed),
            Line::Skipped(rows) => {
                let s = if *rows == 1 { " is" } else { "s are" };
                let _ = writeln!(out, "      … {rows} more row{s} as wanted");
                continue;
            }
        };
        let (sign, ansi) = match mark {
            Mark::Same => (' ', ""),
            Mark::Wanted => ('-', RED),
            Mark::Came => ('+', GREEN),
        };
        let (mut row, mut carets) = (format!("{sign} |"), String::from("   "));
        for (at, text) in cells.iter().enumerate() {
            let blanks = " ".repeat(widths[at] - text.chars().count());
            let is_right = number > 0 && difference.columns[at].ty.data.is_number();
            let text_shown = match changed[at] && colour {
                true => format!("{BOLD}{text}{OFF}{ansi}"),
                false => text.clone(),
            };
            let _ = match is_right {
                true => write!(row, " {blanks}{text_shown} |"),
                false => write!(row, " {text_shown}{blanks} |"),
            };
            let marks = if changed[at] { "^" } else { " " }.repeat(text.chars().count());
            let _ = match is_right {
                true => write!(carets, " {blanks}{marks}  "),
                false => write!(carets, " {marks}{blanks}  "),
            };
        }
        let row = if ansi.is_empty() { row } else { painted(&row, ansi, colour) };
        let _ = writeln!(out, "    {row}");
        if mark == Mark::Came && changed.contains(&true) {
            let _ = writeln!(out, "    {}", carets.trim_end());
        }
    }
    out
}
