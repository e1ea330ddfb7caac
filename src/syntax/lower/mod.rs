//! From pest's pairs to the [`ast`](super::ast), one file a kind of construct.
//!
//! A pair has the shape that the grammar promises; an `expect` here states that promise. What the
//! grammar cannot say (a date that is not in the calendar, a number that is too large) is
//! reported here. Recovery from what did not parse is not done here.

mod dates;
mod declarations;
mod expressions;
mod fixtures;
mod literals;
mod settings;
mod steps;
mod types;

pub(super) use dates::unsigned_date;
pub(super) use declarations::Item;
pub(super) use literals::is_unit;

use super::ast::{Later, Name};
use super::layout::Layout;
use super::tokens::TokenKind;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::text::{FileId, Span};
use batchc_grammar::Rule;
use std::cell::{Cell, RefCell};

pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

/// Builds the tree of one piece of a file.
pub(super) struct Lower<'a> {
    /// The file.
    pub file: FileId,
    /// Where the parsed piece begins in it.
    pub base: usize,
    /// The layout of the whole file.
    pub layout: &'a Layout,
    /// The text of the whole file.
    pub source: &'a str,
    /// What is found wrong.
    pub found: RefCell<&'a mut Diagnostics>,
    /// How deep the construct that is being built is nested.
    pub depth: Cell<usize>,
}

impl<'a> Lower<'a> {
    /// A builder for the piece at `base`.
    pub fn new(
        file: FileId,
        source: &'a str,
        layout: &'a Layout,
        base: usize,
        found: &'a mut Diagnostics,
    ) -> Lower<'a> {
        Lower { file, base, layout, source, found: RefCell::new(found), depth: Cell::new(0) }
    }

    fn report(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// The place of a pair without the blanks that pest counts to it.
    pub fn span(&self, pair: &Pair) -> Span {
        let start = self.base + pair.as_span().start();
        Span::new(self.file, start, start + pair.as_str().trim_end().len())
    }

    fn name(&self, pair: &Pair) -> Name {
        Name { text: pair.as_str().trim_end().to_string(), span: self.span(pair) }
    }

    /// All names among the children of a pair: of a path, of a list of names.
    fn names(&self, pair: Pair) -> Vec<Name> {
        pair.into_inner()
            .filter(|child| child.as_rule() == Rule::name)
            .map(|child| self.name(&child))
            .collect()
    }

    fn later(&self, what: &str, name: Option<Name>, span: Span) -> Later {
        Later { what: what.to_string(), name, span }
    }

    /// The `##` lines right above the line on which byte `start` is, without their marks.
    pub fn doc_above(&self, start: usize) -> Option<String> {
        let tokens = &self.layout.tokens;
        let mut at = tokens.partition_point(|token| (token.start as usize) < start);
        let mut lines = Vec::new();
        loop {
            at = self.skip_space_back(at);
            if at == 0 || tokens[at - 1].kind != TokenKind::Newline {
                break;
            }
            at = self.skip_space_back(at - 1);
            if at == 0 || tokens[at - 1].kind != TokenKind::Documentation {
                break;
            }
            at -= 1;
            // Documentation behind something else on its line is a remark about that line.
            let before = self.skip_space_back(at);
            if before > 0 && tokens[before - 1].kind != TokenKind::Newline {
                break;
            }
            lines.push(self.source[tokens[at].range()].trim_start_matches('#').trim());
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn skip_space_back(&self, mut at: usize) -> usize {
        while at > 0 && matches!(self.layout.tokens[at - 1].kind, TokenKind::Space) {
            at -= 1;
        }
        at
    }
}

/// The first child of that rule.
fn child<'i>(pair: &Pair<'i>, rule: Rule) -> Option<Pair<'i>> {
    pair.clone().into_inner().find(|child| child.as_rule() == rule)
}

/// Has it a child of that rule?
fn has(pair: &Pair, rule: Rule) -> bool {
    child(pair, rule).is_some()
}

/// The children of that rule.
fn children<'i>(pair: Pair<'i>, rule: Rule) -> impl Iterator<Item = Pair<'i>> {
    pair.into_inner().filter(move |child| child.as_rule() == rule)
}

/// The first child, which the grammar promises.
fn first(pair: Pair) -> Pair {
    pair.into_inner().next().expect("the grammar gives this rule a child")
}
