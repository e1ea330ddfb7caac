//! The layout of a file: where declarations and statements begin and end, which bracket belongs
//! to which, and which line ends mean nothing.
//!
//! Made from tokens alone, so that it can be made of any text. The grammar sees the *laid-out
//! text*: the same bytes at the same places, but blanks for comments and for line ends that do
//! not end a statement. Nothing is parsed here and nothing reported; what is wrong is noted as a
//! [`Problem`] of its piece.

mod brackets;
mod lines;

use super::tokens::{Token, TokenKind, tokens};
use super::words::{is_declaration_line, word_anywhere};
use std::ops::Range;

/// How deep brackets, `if`s and the like may be nested. It bounds the recursion of the parser,
/// of everything that walks the tree, and of dropping it.
pub const NESTING_MAX: usize = 64;

/// A file cut into pieces.
pub struct Layout {
    /// All tokens of the file.
    pub tokens: Vec<Token>,
    /// Of each token: does it end a statement (a line end or `;`)?
    pub breaks: Vec<bool>,
    /// Of each opening token: the closing one. Where that is missing, the token before which it
    /// should have been. Of each closing token: the opening one. Others: themselves.
    pub partner: Vec<u32>,
    /// What the grammar sees, byte for byte at the same place as in the file.
    pub text: String,
    /// The declarations, in their order.
    pub pieces: Vec<Piece>,
}

/// The tokens of one declaration, from its first word to before the next one.
pub struct Piece {
    /// Its tokens; neither the first nor the last is trivia.
    pub tokens: Range<usize>,
    /// What is wrong with its brackets, in the order of the text.
    pub problems: Vec<Problem>,
}

/// A finding about brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nothing closes it.
    Unclosed(usize),
    /// It closes nothing.
    Stray(usize),
    /// Here the nesting goes beyond [`NESTING_MAX`].
    TooDeep(usize),
}

impl Problem {
    /// The token.
    pub fn token(self) -> usize {
        match self {
            Problem::Unclosed(token) | Problem::Stray(token) | Problem::TooDeep(token) => token,
        }
    }
}

/// An open bracket.
struct Opened {
    token: usize,
    bracket: u8,
    /// Nesting without brackets directly inside it.
    chain: Chain,
    /// The column of the first token of its line.
    indent: usize,
}

/// Nesting without brackets.
#[derive(Default)]
struct Chain {
    /// `if`, `->`, `not`, ... up to here, since a comma or the beginning of a statement.
    links: usize,
    /// `list<` and `map<` that are not closed.
    angles: usize,
}

/// Lays out a text.
pub fn lay_out(text: &str) -> Layout {
    let tokens = tokens(text);
    let mut layouter = Layouter {
        text,
        breaks: vec![false; tokens.len()],
        joins: vec![false; tokens.len()],
        partner: (0..tokens.len() as u32).collect(),
        tokens: &tokens,
        stack: Vec::new(),
        beyond: 0,
        problems: Vec::new(),
        chain: Chain::default(),
        depth: 0,
        by_indent: false,
        line_first: 0,
    };
    let mut pieces = Vec::new();
    let mut at = layouter.skip_trivia(0);
    while at < tokens.len() {
        let piece = layouter.piece(at);
        at = layouter.skip_trivia(piece.tokens.end);
        pieces.push(piece);
    }
    let (breaks, joins, partner) = (layouter.breaks, layouter.joins, layouter.partner);
    let text = laid_out_text(text, &tokens, &joins);
    Layout { tokens, breaks, partner, text, pieces }
}

fn laid_out_text(text: &str, tokens: &[Token], joins: &[bool]) -> String {
    let mut laid_out = String::with_capacity(text.len());
    for (at, token) in tokens.iter().enumerate() {
        let source = &text[token.range()];
        match token.kind {
            TokenKind::Newline if !joins[at] => laid_out.push('\n'),
            kind if kind.is_trivia() => push_blanks(&mut laid_out, source.len()),
            _ => laid_out.push_str(source),
        }
    }
    laid_out
}

/// Some at a time: there are many of them in what an editor has open.
fn push_blanks(text: &mut String, mut count: usize) {
    const BLANKS: &str = "                                                                ";
    while count > 0 {
        let some = count.min(BLANKS.len());
        text.push_str(&BLANKS[..some]);
        count -= some;
    }
}

struct Layouter<'a> {
    text: &'a str,
    tokens: &'a [Token],
    breaks: Vec<bool>,
    joins: Vec<bool>,
    partner: Vec<u32>,
    stack: Vec<Opened>,
    /// Brackets opened beyond what the stack holds.
    beyond: usize,
    problems: Vec<Problem>,
    /// Nesting without brackets, outside of all brackets.
    chain: Chain,
    /// All nesting at this place.
    depth: usize,
    /// Is a `}` matched by its column? Only tried when counting does not come out even.
    by_indent: bool,
    /// The first token of this line.
    line_first: usize,
}

impl Layouter<'_> {
    fn skip_trivia(&self, from: usize) -> usize {
        (from..self.tokens.len())
            .find(|at| !self.tokens[*at].kind.is_trivia())
            .unwrap_or(self.tokens.len())
    }

    fn source(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.range()])
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The column (in bytes) of a token.
    fn column(&self, at: usize) -> usize {
        let start = self.tokens[at].start as usize;
        start - memchr::memrchr(b'\n', &self.text.as_bytes()[..start]).map_or(0, |found| found + 1)
    }

    /// The next token that is not trivia, if it is on the same line.
    fn next_on_line(&self, at: usize) -> Option<usize> {
        (at + 1..self.tokens.len())
            .find(|next| {
                self.tokens[*next].kind == TokenKind::Newline
                    || !self.tokens[*next].kind.is_trivia()
            })
            .filter(|next| self.tokens[*next].kind != TokenKind::Newline)
    }

    /// Lays out one declaration. Counting brackets is tried first; where that does not come out
    /// even, the columns of the closing braces say which one was forgotten.
    fn piece(&mut self, start: usize) -> Piece {
        self.by_indent = false;
        let (end, is_even) = self.walk(start);
        let problems = std::mem::take(&mut self.problems);
        if is_even {
            return self.finish(start, end, problems);
        }
        self.by_indent = true;
        for at in start..end {
            (self.breaks[at], self.joins[at], self.partner[at]) = (false, false, at as u32);
        }
        let (end, _) = self.walk(start);
        let problems = std::mem::take(&mut self.problems);
        self.finish(start, end, problems)
    }

    fn finish(&self, start: usize, end: usize, mut problems: Vec<Problem>) -> Piece {
        problems.sort_by_key(|problem| problem.token());
        let last =
            (start..end).rev().find(|at| !self.tokens[*at].kind.is_trivia()).unwrap_or(start);
        Piece { tokens: start..last + 1, problems }
    }

    /// Goes through the tokens of one declaration; gives its end, and whether its braces came out
    /// even.
    fn walk(&mut self, start: usize) -> (usize, bool) {
        (self.chain, self.depth) = (Chain::default(), 0);
        self.line_first = start;
        self.stack.clear();
        self.beyond = 0;
        let (mut previous, mut had_block, mut is_even) = (start, false, true);
        let mut at = start;
        while at < self.tokens.len() {
            let kind = self.tokens[at].kind;
            if kind.is_trivia() {
                at += 1;
                continue;
            }
            let is_first =
                (previous..at).any(|between| self.tokens[between].kind == TokenKind::Newline);
            if is_first && at > start {
                if self.begins_piece(at, start, had_block) {
                    break;
                }
                self.line(previous, at);
                self.line_first = at;
            }
            is_even &= !(had_block && self.stack.is_empty() && kind == TokenKind::Close);
            self.token(at, previous, is_first);
            had_block |= self.source(at) == "{" && self.stack.len() == 1;
            previous = at;
            at += 1;
        }
        is_even &= !self.stack.iter().any(|opened| opened.bracket == b'{');
        while !self.stack.is_empty() {
            self.give_up(previous + 1);
        }
        (at, is_even)
    }

    /// Does the first token of a line begin another declaration?
    fn begins_piece(&self, at: usize, start: usize, had_block: bool) -> bool {
        if self.kind(at) != Some(TokenKind::Word) {
            return false;
        }
        let is_declaration = is_declaration_line(&self.text[self.tokens[at].start as usize..]);
        if !self.stack.is_empty() {
            return is_declaration && self.column(at) == 0;
        }
        // A step in column 0 below `job x` without a brace still belongs to the job.
        let wants_block = !had_block
            && matches!(
                self.source(start),
                "job" | "pipeline" | "model" | "transform" | "test" | "enum"
            );
        is_declaration
            || self.column(at) == 0 && !(wants_block && word_anywhere(self.source(at)).is_some())
    }
}

impl Layout {
    /// The bytes that tokens cover.
    pub fn bytes(&self, tokens: Range<usize>) -> Range<usize> {
        match (self.tokens.get(tokens.start), self.tokens[..tokens.end].last()) {
            (Some(first), Some(last)) if !tokens.is_empty() => {
                first.start as usize..last.end as usize
            }
            _ => 0..0,
        }
    }

    /// The same tokens without trivia at either end.
    pub fn trimmed(&self, tokens: Range<usize>) -> Range<usize> {
        let is_meant = |at: &usize| !self.tokens[*at].kind.is_trivia();
        match (tokens.clone().find(is_meant), tokens.clone().rev().find(is_meant)) {
            (Some(first), Some(last)) => first..last + 1,
            _ => tokens.start..tokens.start,
        }
    }

    /// The statements between two tokens: what stands between line ends and `;` that are not
    /// inside of brackets, and between commas if these separate too.
    pub fn split(&self, tokens: Range<usize>, by_commas: bool) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut at) = (tokens.start, tokens.start);
        // The comma of `map<string, int>` separates nothing here.
        let mut angles = 0_usize;
        while at < tokens.end {
            match self.source(at) {
                "<" if at > start && matches!(self.source(at - 1), "map" | "list") => angles += 1,
                ">" => angles = angles.saturating_sub(1),
                _ if self.breaks[at] => angles = 0,
                _ => {}
            }
            let ends = self.breaks[at] || by_commas && angles == 0 && self.source(at) == ",";
            if ends {
                parts.push(self.trimmed(start..at));
                start = at + 1;
            }
            at = if ends { at + 1 } else { self.behind(at) };
        }
        parts.push(self.trimmed(start..tokens.end.max(start)));
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The token after the bracket that `at` opens, or after `at` itself.
    pub fn behind(&self, at: usize) -> usize {
        let partner = self.partner[at] as usize;
        if partner <= at {
            at + 1
        } else if self.is_closed(at) {
            partner + 1
        } else {
            partner.max(at + 1)
        }
    }

    /// Is the bracket that `at` opens closed?
    pub fn is_closed(&self, at: usize) -> bool {
        let partner = self.partner[at] as usize;
        partner > at && self.partner.get(partner).is_some_and(|back| *back as usize == at)
    }

    /// What the grammar sees of a token.
    pub fn source(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.range()])
    }
}
