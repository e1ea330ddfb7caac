//! Functions of SQL over neighbours, `sum(x) over (partition by k order by t)`, as the step that
//! computes them here.

use super::Line;
use super::clauses::is_step;
use crate::diagnostics::{Diagnostic, habits};

/// Functions that go by an order alone, and look at no frame.
const UNFRAMED: &[&str] =
    &["row_number", "rank", "dense_rank", "percent_rank", "ntile", "lag", "lead"];

/// A window, where what is written does not say which.
const NUMBERED: &str = "window by KEY sort KEY { n = row_number() }";

impl Line<'_> {
    /// `over (…)` behind a call: the first rows of each group, or a value over neighbours.
    pub(super) fn over(&self, at: usize) -> Option<Diagnostic> {
        let is_over = self.text(at).eq_ignore_ascii_case("over")
            && self.text(at - 1) == ")"
            && self.text(at + 1) == "(";
        let end = is_over.then(|| self.behind(at + 1).unwrap_or(self.at.len()))?;
        if let Some((sort, take)) = self.first_of_each() {
            return Some(habits::first_of_each(self.place(0..self.at.len()), &sort, &take));
        }
        let start = self.value_before(at)?;
        let name = self.text(start).to_lowercase();
        let call = match self.text(start + 2).eq_ignore_ascii_case("distinct") {
            true if name == "count" => format!("count_distinct({}", self.slice(start + 3..at)),
            _ => format!("{name}{}", self.slice(start + 1..at)).replace("(*)", "()"),
        };
        let is_whole =
            self.text(0) == "derive" && (start, end) == (3, self.at.len()) && self.text(2) == "=";
        let column = if is_whole { self.text(1) } else { "n" };
        let window = self.neighbours(at + 2, end - 1, UNFRAMED.contains(&&*name));
        let written = format!("window {window}{{ {column} = {call} }}");
        if self.text(0).eq_ignore_ascii_case("qualify") {
            let place = self.place(0..self.at.len());
            let sign = match self.text(end) {
                "=" => "==",
                "<>" => "!=",
                sign => sign,
            };
            let filter = format!("filter n {sign} {}", self.rest(end + 1));
            return Some(match start == 1 && is_step(&filter) && is_step(&written) {
                true => habits::qualified(place, &written, &filter),
                false => habits::qualified_by_number(place),
            });
        }
        Some(match is_step(&written) {
            true if is_whole => habits::over(self.place(0..end), &written, None),
            true => habits::over(self.place(at..end), &written, Some(column)),
            false => {
                let sort = if UNFRAMED.contains(&&*name) { "sort KEY " } else { "" };
                let example = format!("window by KEY {sort}{{ n = {call} }}");
                let example = Some(example).filter(|example| is_step(example));
                let example = example.as_deref().unwrap_or(NUMBERED);
                habits::over(self.place(at..end), example, Some("n"))
            }
        })
    }

    /// What is said of neighbours between two tokens: the `by`, the `sort` and the frame, each with a
    /// space behind it.
    fn neighbours(&self, from: usize, end: usize, is_unframed: bool) -> String {
        let is = |at: usize, word: &str| self.text(at).eq_ignore_ascii_case(word);
        let frame = (from..end).find_map(|at| Some((at, self.frame(at)?.1)));
        let last = frame.as_ref().map_or(end, |(at, _)| *at);
        let order = (from..last).find(|at| is(*at, "order") && is(at + 1, "by"));
        let mut written = String::new();
        if is(from, "partition") && is(from + 1, "by") {
            written = format!("by {} ", self.slice(from + 2..order.unwrap_or(last)));
        }
        let Some(order) = order else { return written };
        let keys = self.slice(order + 2..last);
        let keys = keys.replace(" DESC", " desc").replace(" ASC", "").replace(" asc", "");
        written.push_str(&format!("sort {keys} "));
        match frame {
            _ if is_unframed => {}
            Some((_, frame)) => written.push_str(&format!("{frame} ")),
            // Up to the row itself and those that sort equal, as SQL has it without a frame.
            None => written.push_str("range ..0 "),
        }
        written
    }

    /// `qualify row_number() over (partition by k order by t) == 1`: how rows are sorted, and which
    /// are taken.
    fn first_of_each(&self) -> Option<(String, String)> {
        let is = |at: usize, word: &str| self.text(at).eq_ignore_ascii_case(word);
        let is_numbered = is(0, "qualify") && is(1, "row_number") && self.text(2) == "(";
        let over = is_numbered.then(|| self.behind(2))?.filter(|over| is(*over, "over"))?;
        let end = self.behind(over + 1)?;
        let (sign, count) = (self.text(end), self.text(end + 1));
        let is_first = matches!(sign, "=" | "==") && count == "1" || sign == "<=";
        let window = self.neighbours(over + 2, end - 1, true);
        let (by, sort) = window.trim_end().split_once(" sort ")?;
        let is_whole = is_first && end + 2 == self.at.len();
        is_whole.then(|| (format!("sort {sort}"), format!("take {count} {by}")))
    }
}
