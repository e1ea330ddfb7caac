//! Declarations and editions by the strict way: the whole declaration in one run of the grammar.
//! What does not parse so goes to `recovery`.

use super::Before;
use super::ast::{Declaration, DeclarationKind};
use super::layout::{Layout, Piece};
use super::lower::{Lower, Pair};
use super::tokens::TokenKind;
use crate::diagnostics::{Diagnostics, syntax};
use crate::text::{FileId, Span};
use batchc_grammar::{BatchParser, Rule};
use pest::Parser as _;
use std::ops::Range;
use std::sync::Arc;

/// The parser of one file.
pub(super) struct Parser<'a> {
    pub file: FileId,
    pub source: &'a str,
    pub layout: &'a Layout,
    pub found: &'a mut Diagnostics,
}

impl<'a> Parser<'a> {
    pub fn piece(&self, at: usize) -> &'a Piece {
        &self.layout.pieces[at]
    }

    /// The place of some tokens.
    pub fn span(&self, tokens: Range<usize>) -> Span {
        let bytes = self.layout.bytes(tokens);
        Span::new(self.file, bytes.start, bytes.end)
    }

    pub fn lower(&mut self, base: usize) -> Lower<'_> {
        Lower::new(self.file, self.source, self.layout, base, self.found)
    }

    /// May these tokens be given to the grammar? It would be deceived by a text that is not
    /// closed, and brackets nested too deep would exhaust its stack.
    pub fn is_sound(&self, piece: &Piece, tokens: &Range<usize>) -> bool {
        let first = piece.problems.partition_point(|problem| problem.token() < tokens.start);
        piece.problems.get(first).is_none_or(|problem| problem.token() >= tokens.end)
            && !self.layout.tokens[tokens.clone()].iter().any(|token| token.kind.is_unsound())
    }

    /// Declaration number `at`: the one that was there before, if nothing has changed.
    pub fn declaration(&mut self, at: usize, before: Option<Before>) -> Arc<Declaration> {
        let piece = self.piece(at);
        let span = self.span(piece.tokens.clone());
        let doc = self.lower(span.start as usize).doc_above(span.start as usize);
        let before = before.and_then(|before| before.declaration(span, self.source));
        if let Some(before) = before.filter(|before| before.doc == doc) {
            return before.clone();
        }
        let strict = self.is_sound(piece, &piece.tokens).then(|| self.strict(span.range()));
        let kind = strict.flatten().unwrap_or_else(|| self.recover(at));
        Arc::new(Declaration { kind, doc, span, is_doubtful: !self.found.is_empty() })
    }

    fn strict(&mut self, bytes: Range<usize>) -> Option<DeclarationKind> {
        let text = &self.layout.text[bytes.clone()];
        let pair = parse(Rule::only_declaration, text).ok()?;
        Some(self.lower(bytes.start).declaration(pair))
    }

    /// `batch 1`
    pub fn edition(&mut self, at: usize) -> Option<(u32, Span)> {
        let piece = self.piece(at);
        let span = self.span(piece.tokens.clone());
        let text = &self.layout.text[span.range()];
        let parsed = if self.is_sound(piece, &piece.tokens) {
            parse(Rule::only_edition, text).ok()
        } else {
            None
        };
        let Some(pair) = parsed else {
            let place = super::words::Place::File;
            self.bad(piece, piece.tokens.clone(), place, Rule::only_edition);
            return None;
        };
        let number = pair.into_inner().nth(1)?;
        if at > 0 {
            self.found.push(syntax::late_edition(span));
        }
        let lower = self.lower(span.start as usize);
        let (edition, place) = (lower.edition(&number), lower.span(&number));
        if edition != 1 {
            self.found.push(syntax::no_edition(place));
        }
        Some((edition, place))
    }
}

/// The first pair of a run of the grammar: the construct that `entry` asks for.
pub(super) fn parse(entry: Rule, text: &str) -> Result<Pair<'_>, Box<pest::error::Error<Rule>>> {
    let mut pairs = BatchParser::parse(entry, text).map_err(Box::new)?;
    Ok(pairs.next().expect("an entry rule holds a construct"))
}

/// All pairs but the end of input.
pub(super) fn parse_all(entry: Rule, text: &str) -> Option<Vec<Pair<'_>>> {
    let pairs = BatchParser::parse(entry, text).ok()?;
    let is_construct = |rule| !matches!(rule, Rule::EOI | Rule::comma);
    Some(pairs.filter(|pair| is_construct(pair.as_rule())).collect())
}

impl TokenKind {
    /// Is it a text, or a part of one?
    pub(super) fn is_text(self) -> bool {
        matches!(
            self,
            TokenKind::Text
                | TokenKind::TextOpen
                | TokenKind::TextMiddle
                | TokenKind::TextClose
                | TokenKind::UnclosedText
                | TokenKind::BrokenText
                | TokenKind::Regex
                | TokenKind::QuotedRegex
                | TokenKind::Row
        )
    }

    /// Would it deceive the grammar?
    pub(super) fn is_unsound(self) -> bool {
        matches!(
            self,
            TokenKind::UnclosedText
                | TokenKind::BrokenText
                | TokenKind::Quoted
                | TokenKind::Unknown
        )
    }
}
