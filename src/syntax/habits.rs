//! What is written as in SQL or Python: recognised by its tokens in a line that did not parse, with
//! the same in this language.

mod choices;
mod clauses;
mod conditionals;
mod expressions;
mod literals;
mod operators;
mod over;
mod patterns;
mod statements;

pub(super) use statements::column_name;

use super::parser::Parser;
use super::tokens::TokenKind;
use super::words::{Place, is_reserved};
use crate::diagnostics::habits::Foreign;
use crate::diagnostics::{Diagnostic, habits};
use crate::text::Span;
use std::ops::Range;

/// The tokens of a line that mean something, by position.
struct Line<'p> {
    parser: &'p Parser<'p>,
    at: Vec<usize>,
}

/// Tokens of a line, what is written in their place, and the sign or word that is foreign.
struct Habit {
    place: Range<usize>,
    written: String,
    foreign: Foreign,
}

impl Parser<'_> {
    /// `from {{ ref('orders') }}`, before its quotes are looked at.
    pub(super) fn reference(&self, tokens: &Range<usize>, place: Place) -> Option<Diagnostic> {
        let line = self.meaningful(tokens);
        let is_template = place == Place::Job && line.text(0) == "from" && line.text(1) == "{";
        is_template.then(|| line.clause()).flatten()
    }

    /// `df.filter(…)`
    pub(super) fn chained(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        self.meaningful(tokens).chained()
    }

    /// `limit` with rows to leave out.
    pub(super) fn rows_behind_others(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        self.meaningful(tokens).rows_behind_others()
    }

    /// Is it a line of the members of an enum?
    pub(super) fn is_member(&self, tokens: &Range<usize>) -> bool {
        let line = self.meaningful(tokens);
        line.at.len() > 2 && (0..line.at.len()).all(|at| line.is_word(at) == (at % 2 == 0))
    }

    /// A column of a source as SQL declares it, or `primary key (id)` on a line of its own.
    pub(super) fn foreign_column(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let line = self.meaningful(tokens);
        if line.text(0).eq_ignore_ascii_case("primary") && line.text(2) == "(" {
            let column = line.text(3).to_owned();
            return Some(habits::key_of_table(self.span(tokens.clone()), &column));
        }
        let habit = line.column()?;
        Some(habits::habit(habit.foreign, self.span(tokens.clone()), &habit.written))
    }

    /// The tokens of a line that mean something.
    fn meaningful(&self, tokens: &Range<usize>) -> Line<'_> {
        let at = tokens.clone().filter(|at| !self.layout.tokens[*at].kind.is_trivia()).collect();
        Line { parser: self, at }
    }

    /// The first habit in these tokens.
    pub(super) fn habit(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let line = self.meaningful(tokens);
        if let Some((at, sign)) = (1..line.at.len()).find_map(|at| Some((at, line.comment(at)?))) {
            let start = self.span(line.at[at]..line.at[at] + 1).start as usize;
            let span = Span::new(self.file, start, start + sign.len());
            return Some(habits::foreign_comment(span, sign));
        }
        if let Some(found) = line.clause() {
            return Some(found);
        }
        if let Some(at) = line.find(2, "having") {
            let end = line.find(at, "{").unwrap_or(line.at.len());
            let filter = format!("filter {}", line.slice(at + 1..end));
            let span = self.span(line.at[at]..line.at[at] + 1);
            if filter.contains('(') {
                return Some(habits::having_aggregate("having", span));
            }
            return Some(habits::on_the_next_line(
                "having",
                span,
                &filter,
                "behind the group's `}`",
            ));
        }
        if line.text(0) == "select" && line.text(1) == "distinct" && line.at.len() > 2 {
            let span = self.span(line.at[1]..line.at[1] + 1);
            return Some(habits::on_the_next_line("distinct", span, "distinct", "behind `select`"));
        }
        let items = |at: &usize| line.text(*at) == "[" && line.touches(*at - 1);
        let for_in = line.find(1, "for").is_some();
        if let Some(found) =
            (1..line.at.len()).filter(items).filter(|_| !for_in).find_map(|at| line.items(at))
        {
            return Some(found);
        }
        let habit = (0..line.at.len()).find_map(|at| {
            let habit =
                line.statement(at).or_else(|| line.operator(at)).or_else(|| line.expression(at));
            // An operator at the end of its line has no right side to be written with.
            habit.filter(|habit| habit.place.end <= line.at.len())
        })?;
        let Range { start, end } = habit.place;
        let span = self.span(line.at[start]..line.at[end - 1] + 1);
        Some(habits::habit(habit.foreign, span, &habit.written))
    }
}

impl Line<'_> {
    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.at.get(at).map(|at| self.parser.layout.tokens[*at].kind)
    }

    fn text(&self, at: usize) -> &str {
        self.at.get(at).map_or("", |at| self.parser.layout.source(*at))
    }

    /// The text of some tokens with what is between them.
    fn slice(&self, tokens: Range<usize>) -> &str {
        if tokens.is_empty() || tokens.end > self.at.len() {
            return "";
        }
        let span = self.parser.span(self.at[tokens.start]..self.at[tokens.end - 1] + 1);
        &self.parser.source[span.range()]
    }

    /// Is nothing between a token and the next?
    fn touches(&self, at: usize) -> bool {
        at + 1 < self.at.len() && self.at[at] + 1 == self.at[at + 1]
    }

    /// Does a line end between a token and the one before?
    fn begins_line(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return true };
        let between = self.parser.span(self.at[before]..self.at[at] + 1);
        self.parser.source[between.range()].contains('\n')
    }

    fn is_word(&self, at: usize) -> bool {
        self.kind(at) == Some(TokenKind::Word) && !is_reserved(self.text(at))
    }

    /// The first such word from there on, in capitals too.
    fn find(&self, from: usize, word: &str) -> Option<usize> {
        (from..self.at.len()).find(|at| self.text(*at).eq_ignore_ascii_case(word))
    }

    /// Behind the bracket that closes the one at `open`.
    fn behind(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        (open..self.at.len()).find_map(|at| {
            match self.kind(at)? {
                TokenKind::Open | TokenKind::TextOpen => depth += 1,
                TokenKind::Close | TokenKind::TextClose => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at + 1)
        })
    }

    /// Where the value before `at` begins: a name, a literal, a call.
    fn value_before(&self, at: usize) -> Option<usize> {
        let mut start = at.checked_sub(1)?;
        loop {
            if self.kind(start) == Some(TokenKind::Close) {
                let behind = start + 1;
                start = (0..start).rev().find(|open| self.behind(*open) == Some(behind))?;
                let is_of_a_value = start > 0
                    && (self.is_word(start - 1) || self.kind(start - 1) == Some(TokenKind::Close));
                if is_of_a_value && self.touches(start - 1) {
                    start -= 1;
                    continue;
                }
            }
            if start < 2 || self.text(start - 1) != "." {
                return Some(start);
            }
            start -= 2;
        }
    }

    /// Behind the value that begins at `at`: a name, a literal, a call, with its fields and items.
    fn value_behind(&self, at: usize) -> Option<usize> {
        let mut end = match self.kind(at)? {
            TokenKind::Open | TokenKind::TextOpen => self.behind(at)?,
            TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Date => at + 1,
            _ => return None,
        };
        loop {
            end = match self.text(end) {
                "(" | "[" if self.touches(end - 1) => self.behind(end)?,
                "." if self.is_word(end + 1) => end + 2,
                _ => return Some(end),
            };
        }
    }

    /// Does a comment of another language begin here, behind something?
    fn comment(&self, at: usize) -> Option<&'static str> {
        let words = |from: usize| self.is_word(from) && self.is_word(from + 1);
        match self.text(at) {
            "//" if words(at + 1) || self.begins_line(at) && self.is_word(at + 1) => Some("//"),
            "-" if self.touches(at) && self.text(at + 1) == "-" && words(at + 2) => Some("--"),
            "/" if self.touches(at) && self.text(at + 1).starts_with('*') => Some("/*"),
            _ => None,
        }
    }
}
