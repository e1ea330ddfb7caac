//! A `group` whose block has no braces: one finding, and the lines below it are its own.

use super::super::ast::{Statement, Step};
use super::super::layout::Piece;
use super::super::parser::Parser;
use super::super::tokens::TokenKind;
use super::super::words::Place;
use super::with_lines;
use crate::diagnostics::syntax;
use crate::text::Span;
use batchc_grammar::Rule;
use std::iter::Peekable;
use std::ops::Range;

impl Parser<'_> {
    /// The lines below a `group` without a block that seem to be its own: `n = count()`.
    pub(super) fn lines_of_group(
        &self,
        head: &Range<usize>,
        place: Place,
        rest: &mut Peekable<impl Iterator<Item = Range<usize>>>,
    ) -> Vec<Range<usize>> {
        let is_group = place == Place::Job && self.layout.source(head.start) == "group";
        if !is_group || self.last_brace(head).is_some() {
            return vec![];
        }
        let is_assignment = |line: &Range<usize>| {
            let second = self.layout.trimmed(line.start + 1..line.end).start;
            self.layout.tokens[line.start].kind == TokenKind::Word
                && second < line.end
                && self.layout.source(second) == "="
        };
        std::iter::from_fn(|| rest.next_if(|line| is_assignment(line))).collect()
    }

    /// The group with these lines as its block, and what is wrong with it.
    pub(super) fn group_without_block(
        &mut self,
        piece: &Piece,
        head: Range<usize>,
        lines: Vec<Range<usize>>,
    ) -> Statement {
        let (verb, keys) = (self.span(head.start..head.start + 1), self.span(head.clone()));
        let step = self.step_head(piece, head);
        let text = |span: Span| &self.source[span.range()];
        let written: Vec<&str> = lines.iter().map(|line| text(self.span(line.clone()))).collect();
        let last = self.span(lines[lines.len() - 1].clone());
        if step.is_some() {
            self.found.push(syntax::group_without_block(keys, text(keys), last, &written));
        }
        let mut block = Vec::new();
        for line in lines {
            self.line(piece, line, Rule::only_column, &mut block);
        }
        let step = step.map_or(Step::Bad, |head| with_lines(head.step, block));
        Statement { step, span: keys.to(last), verb }
    }
}
