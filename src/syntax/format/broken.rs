//! A declaration that does not parse as a whole: its first line and its statements are laid out
//! one by one, and those that do not parse either stay as they are.

use super::printer::Op;
use super::tree::Builder;
use crate::syntax::layout::{Layout, Piece};
use crate::syntax::lower::Pair;
use crate::syntax::parser::parse_all;
use crate::syntax::recovery::{block_of, entry_of, head_entry};
use crate::syntax::tokens::TokenKind;
use crate::syntax::words::Place;
use batchc_grammar::Rule;
use std::ops::Range;

/// A declaration in its parts.
pub(super) struct Apart<'i> {
    /// What stands before its brace.
    head: Statement<'i>,
    /// Where its brace is.
    open: usize,
    statements: Vec<Statement<'i>>,
    /// Where the brace is closed.
    close: usize,
}

/// A part of a declaration.
struct Statement<'i> {
    bytes: Range<usize>,
    /// Its trees, unless it does not parse.
    pairs: Option<Vec<Pair<'i>>>,
    /// The commas and the like behind it.
    ends: Vec<usize>,
}

impl<'i> Apart<'i> {
    /// Takes a declaration apart, if its brackets come out even.
    pub fn of(layout: &'i Layout, piece: &Piece) -> Option<Apart<'i>> {
        let tokens = piece.tokens.clone();
        let word = layout.source(tokens.start);
        let place = block_of(word).filter(|_| piece.problems.is_empty())?;
        let is_brace =
            |at: &usize| layout.tokens[*at].kind == TokenKind::Open && layout.source(*at) == "{";
        let next = |at: &usize| Some(layout.behind(*at)).filter(|next| *next < tokens.end);
        let open = std::iter::successors(Some(tokens.start), next).find(is_brace)?;
        let close = layout.partner[open] as usize;
        if !layout.is_closed(open) || close + 1 != tokens.end {
            return None;
        }
        let head = layout.trimmed(tokens.start..open);
        let by_commas = matches!(place, Place::Source | Place::Enum);
        let parts = layout.split(open + 1..close, by_commas);
        let next = parts.iter().skip(1).map(|part| part.start).chain([close]);
        let statements = parts.iter().zip(next).map(|(part, next)| {
            let ends = (part.end..next).filter(|at| !layout.tokens[*at].kind.is_trivia());
            let ends = ends.map(|at| layout.tokens[at].start as usize).collect();
            Statement { ends, ..statement(layout, part.clone(), entry_of(place)) }
        });
        Some(Apart {
            head: statement(layout, head, head_entry(word)),
            open: layout.tokens[open].start as usize,
            statements: statements.collect(),
            close: layout.tokens[close].start as usize,
        })
    }

    /// All rules and words of what parses, and the text of what does not.
    pub fn shape(&self, text: &str) -> Vec<(Rule, String)> {
        let parts = std::iter::once(&self.head).chain(&self.statements);
        let shape = |part: &Statement| {
            let mut shape = vec![(Rule::job_item, String::new())];
            match &part.pairs {
                Some(pairs) => shape.extend(pairs.iter().flat_map(super::shape)),
                None => shape.push((Rule::EOI, text[part.bytes.clone()].to_owned())),
            }
            shape
        };
        parts.flat_map(shape).collect()
    }
}

/// A part, parsed by a rule of the grammar.
fn statement(layout: &Layout, tokens: Range<usize>, entry: Rule) -> Statement<'_> {
    let is_sound = !layout.tokens[tokens.clone()].iter().any(|token| token.kind.is_unsound());
    let bytes = layout.bytes(tokens);
    let pairs = is_sound.then(|| parse_all(entry, &layout.text[bytes.clone()])).flatten();
    Statement { bytes, pairs, ends: vec![] }
}

impl Builder<'_> {
    /// A declaration in its parts.
    pub fn apart(&mut self, apart: Apart) {
        let trivia = self.trivia;
        let ends = std::iter::once(&[][..]).chain(apart.statements.iter().map(|one| &one.ends[..]));
        let trees = apart.statements.iter().zip(ends).flat_map(|(statement, ends)| {
            let start = statement.bytes.start;
            let pairs = statement.pairs.iter().flatten();
            pairs.enumerate().map(move |(number, pair)| {
                let ends = if number == 0 { ends } else { &[] };
                (start, trivia.is_parted(ends, start + pair.as_span().start()), pair)
            })
        });
        self.align(trees);
        self.statement(apart.head);
        self.verbatim(apart.open..apart.open + 1);
        let is_empty = apart.statements.is_empty();
        self.op(Op::Indent);
        for (number, statement) in apart.statements.into_iter().enumerate() {
            self.line(Op::Hard);
            if number > 0 && self.trivia.is_apart(statement.bytes.start) {
                self.op(Op::Blank);
            }
            self.statement(statement);
        }
        self.comments_at_end(apart.close);
        self.op(Op::Dedent);
        if !is_empty {
            self.line(Op::Hard);
        }
        self.verbatim_word(apart.close..apart.close + 1);
    }

    fn statement(&mut self, statement: Statement) {
        match statement.pairs {
            Some(pairs) => {
                self.base = statement.bytes.start;
                pairs.into_iter().for_each(|pair| self.pair(pair));
            }
            None => self.verbatim(statement.bytes),
        }
        statement.ends.into_iter().for_each(|end| self.unsaid(end));
    }
}
