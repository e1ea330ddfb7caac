//! Comments and line ends, joined to the tokens that they stand beside.

use crate::syntax::tokens::{Token, TokenKind};
use std::collections::HashMap;
use std::ops::Range;

/// A comment on a line of its own.
pub(super) struct Comment<'a> {
    pub text: &'a str,
    pub blank_before: bool,
}

/// What stands around a token.
#[derive(Default)]
pub(super) struct Around<'a> {
    /// Comments on lines of their own, since the token before.
    pub above: Vec<Comment<'a>>,
    /// Is there an empty line right above it?
    pub blank_before: bool,
    /// Does a line end stand before it?
    pub newline_before: bool,
    /// The comment behind it, on its line.
    pub behind: Option<&'a str>,
}

/// What stands around all tokens of a file.
pub(super) struct Trivia<'a> {
    /// By the first byte of the token.
    around: HashMap<usize, Around<'a>>,
    /// Comments after the last token.
    pub tail: Vec<Comment<'a>>,
}

impl<'a> Trivia<'a> {
    pub fn of(text: &'a str, tokens: &[Token]) -> Trivia<'a> {
        let mut around: HashMap<usize, Around> = HashMap::new();
        let (mut above, mut newlines, mut had_newline) = (Vec::new(), 0, false);
        let mut last: Option<usize> = None;
        for token in tokens {
            let source = &text[token.range()];
            match token.kind {
                TokenKind::Space => {}
                TokenKind::Newline => {
                    newlines += 1;
                    had_newline = true;
                }
                TokenKind::Comment | TokenKind::Documentation => {
                    let comment = source.trim_end();
                    match last.and_then(|last| around.get_mut(&last)) {
                        Some(last) if !had_newline => last.behind = Some(comment),
                        _ => above.push(Comment { text: comment, blank_before: newlines > 1 }),
                    }
                    newlines = 0;
                }
                _ => {
                    let start = token.start as usize;
                    let above = std::mem::take(&mut above);
                    let (blank_before, newline_before) = (newlines > 1, had_newline);
                    let one = Around { above, blank_before, newline_before, behind: None };
                    around.insert(start, one);
                    (newlines, had_newline, last) = (0, false, Some(start));
                }
            }
        }
        Trivia { around, tail: above }
    }

    /// What stands around the token that begins at a byte.
    pub fn at(&self, start: usize) -> Option<&Around<'a>> {
        self.around.get(&start)
    }

    /// The comment behind the last token of some bytes.
    pub fn behind(&self, bytes: Range<usize>) -> Option<&'a str> {
        let last = bytes.rev().find_map(|at| self.around.get(&at))?;
        last.behind
    }

    /// Is it the first of its line?
    pub fn begins_line(&self, start: usize) -> bool {
        self.at(start).is_some_and(|around| around.newline_before)
    }

    /// Does an empty line stand anywhere between what is before it and it, when separators that
    /// stand between them are not written?
    pub fn is_parted(&self, separators: &[usize], start: usize) -> bool {
        let has_blank = |start: usize| {
            self.at(start).is_some_and(|around| {
                let between = around.above.iter().skip(1).any(|comment| comment.blank_before);
                between || !around.above.is_empty() && around.blank_before
            })
        };
        self.is_apart(start) || separators.iter().chain([&start]).any(|at| has_blank(*at))
    }

    /// Does an empty line stand above it, or above the comments above it?
    pub fn is_apart(&self, start: usize) -> bool {
        self.at(start).is_some_and(|around| match around.above.first() {
            Some(comment) => comment.blank_before,
            None => around.blank_before,
        })
    }
}
