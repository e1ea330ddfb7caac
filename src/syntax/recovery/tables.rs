//! Tables of tests whose rows do not begin with `|`: one finding for all of them.

use super::super::parser::Parser;
use super::super::words::{Place, word_in};
use crate::diagnostics::{Diagnostic, fixtures};
use std::iter::Peekable;
use std::ops::Range;

impl Parser<'_> {
    /// The lines below a `given` or `want` that seem to be rows: `id | name`, `1, a`.
    pub(super) fn rows_without_bars(
        &self,
        head: &Range<usize>,
        place: Place,
        rest: &mut Peekable<impl Iterator<Item = Range<usize>>>,
    ) -> Vec<Range<usize>> {
        let is_table = matches!(self.layout.source(head.start), "given" | "want");
        if place != Place::Test || !is_table {
            return vec![];
        }
        let is_row = |line: &Range<usize>| {
            word_in(place, self.layout.source(line.start)).is_none()
                && line.clone().any(|at| matches!(self.layout.source(at), "|" | ","))
        };
        std::iter::from_fn(|| rest.next_if(|line| is_row(line))).collect()
    }

    /// Says how these lines are written.
    pub(super) fn say_rows_without_bars(&mut self, rows: &[Range<usize>]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        let place = self.span(first.start..last.end);
        let rows: Vec<String> = rows.iter().map(|row| self.row(row)).collect();
        self.found.push(fixtures::rows_without_bars(
            self.span(first.clone()),
            &rows[0],
            place,
            rows.join("\n    "),
        ));
    }

    /// A row as it is written, of cells between bars or commas.
    fn row(&self, row: &Range<usize>) -> String {
        let text = &self.source[self.span(row.clone()).range()];
        let text = if text.contains('|') { text.to_owned() } else { text.replace(',', " |") };
        format!("| {} |", text.trim_end_matches(['|', ' ']))
    }

    /// `given orders { … }`, `given orders = [ … ]`
    pub(in crate::syntax) fn table_in_brackets(
        &self,
        tokens: &Range<usize>,
        place: Place,
    ) -> Option<Diagnostic> {
        let word = self.layout.source(tokens.start);
        let is_table = place == Place::Test && matches!(word, "given" | "want");
        let is_bracket = |at: &usize| matches!(self.layout.source(*at), "{" | "[" | "=" | ":");
        let at = tokens.clone().find(|at| is_table && is_bracket(at))?;
        Some(fixtures::table_in_brackets(self.span(at..at + 1), self.layout.source(at)))
    }
}
