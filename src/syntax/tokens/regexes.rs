//! Regular expressions: where they end, and where they were meant to if a quote is in them.

use super::{Lexer, TokenKind};

impl Lexer<'_> {
    pub(super) fn regex(&mut self) {
        let line = &self.text.as_bytes()[self.at..self.line_end(self.at)];
        let mut pattern = Pattern { depth: 0, in_class: false };
        let mut length = 2;
        while let Some(byte) = line.get(length) {
            match byte {
                b'"' => {
                    let end = self.end_of_regex(pattern, line, length);
                    let kind = end.map_or(TokenKind::Regex, |_| TokenKind::QuotedRegex);
                    return self.push(kind, end.unwrap_or(length) + 1);
                }
                b'\\' => length += 2,
                _ => {
                    pattern.read(*byte);
                    length += 1;
                }
            }
        }
        let line = self.rest()[..line.len()].trim_end_matches('\r').len();
        self.push(TokenKind::UnclosedText, line);
    }

    /// The quote that probably ends a regular expression, where the one at `quote` stands inside of
    /// it: the first behind which a value can end, outside of the brackets of the pattern.
    fn end_of_regex(&mut self, mut pattern: Pattern, line: &[u8], quote: usize) -> Option<usize> {
        let ends = |at: usize| may_follow_a_value(&line[at + 1..]);
        if self.at < self.regexes_end_until || ends(quote) && !pattern.in_class {
            return None;
        }
        let mut at = quote;
        while let Some(byte) = line.get(at) {
            match byte {
                b'"' if at > quote && pattern.is_closed() && ends(at) => return Some(at),
                b'\\' => at += 1,
                _ => pattern.read(*byte),
            }
            at += 1;
        }
        self.regexes_end_until = self.at + line.len();
        None
    }
}

/// Does a line go on as it may behind a value?
fn may_follow_a_value(rest: &[u8]) -> bool {
    let trimmed = rest.trim_ascii_start();
    let word = trimmed.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    match trimmed.first() {
        None | Some(b')' | b']' | b'}' | b',' | b';' | b'#' | b'{') => true,
        _ => matches!(word, b"and" | b"or" | b"then" | b"else" | b"nulls" | b"as"),
    }
}

/// The brackets of a regular expression that are open.
#[derive(Clone, Copy)]
struct Pattern {
    depth: usize,
    in_class: bool,
}

impl Pattern {
    fn read(&mut self, byte: u8) {
        match byte {
            b']' => self.in_class = false,
            _ if self.in_class => {}
            b'[' => self.in_class = true,
            b'(' => self.depth += 1,
            b')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn is_closed(self) -> bool {
        self.depth == 0 && !self.in_class
    }
}
