//! Texts: where they end, and the interpolations in them. One that is never closed ends with its
//! line, and a `{` in it that is never closed opens nothing.

use super::super::words::is_declaration_line;
use super::{Lexer, TokenKind};

/// An interpolation that is open: `"a {` has been read and its `}` has not.
pub(super) struct Hole {
    /// The index of the token that opened the text.
    pub(super) token: usize,
    /// Is the text a long one?
    pub(super) long: bool,
    /// How many `{` of the expression itself are open.
    pub(super) braces: u32,
}

impl Lexer<'_> {
    pub(super) fn quoted(&mut self, quote: u8) {
        let line = &self.text.as_bytes()[self.at + 1..self.line_end(self.at)];
        match memchr::memchr(quote, line) {
            Some(found) => self.push(TokenKind::Quoted, found + 2),
            None => self.push(TokenKind::Unknown, 1),
        }
    }

    pub(super) fn text(&mut self) {
        let long = self.rest().starts_with("\"\"\"");
        if long && !self.long_texts_close {
            let length = self.line_end(self.at) - self.at;
            return self.push(TokenKind::UnclosedText, length);
        }
        let quote = if long { 3 } else { 1 };
        self.text_piece(quote, long, None);
    }

    pub(super) fn text_goes_on(&mut self) {
        if let Some(hole) = self.holes.pop() {
            self.text_piece(1, hole.long, Some(hole.token));
        }
    }

    /// Reads a text from its opening quote, or from the `}` of an interpolation, up to its closing
    /// quote or the next interpolation. `opened` is the token that opened the text, when it is
    /// not the one to be read.
    fn text_piece(&mut self, skip: usize, long: bool, opened: Option<usize>) {
        let bytes = self.rest().as_bytes();
        let plain = self.at < self.plain_until || long && !self.long_holes_close;
        let mut kind = TokenKind::Text;
        let mut length = skip;
        while let Some(byte) = bytes.get(length) {
            match byte {
                b'"' if self.at + length < self.quoted_until => length += 1,
                b'"' if !long => return self.text_ends(kind, length + 1, opened),
                b'"' if bytes[length..].starts_with(b"\"\"\"") => {
                    return self.text_ends(kind, length + 3, opened);
                }
                b'\n' if !long => break,
                b'\\' if bytes[length..].starts_with(b"\\u{") => length += 3,
                b'\\' if bytes.get(length + 1) != Some(&b'\n') => length += 2,
                b'{' if bytes.get(length + 1) == Some(&b'{') => length += 2,
                b'{' if !plain => {
                    let token = opened.unwrap_or(self.tokens.len());
                    let kind =
                        if opened.is_some() { TokenKind::TextMiddle } else { TokenKind::TextOpen };
                    self.push(kind, length + 1);
                    self.holes.push(Hole { token, long, braces: 0 });
                    return;
                }
                b'{' => {
                    kind = TokenKind::BrokenText;
                    length += 1;
                }
                _ => length += 1,
            }
        }
        let length = length.min(bytes.len());
        self.long_texts_close &= !long;
        let end = if long {
            self.end_of_unclosed(length)
        } else {
            self.rest()[..length].trim_end_matches('\r').len()
        };
        if let Some(token) = opened {
            let end = self.at + end;
            self.at = self.tokens[token].start as usize;
            self.tokens.truncate(token);
            self.push(TokenKind::UnclosedText, end - self.at);
        } else {
            self.push(TokenKind::UnclosedText, end);
        }
    }

    fn text_ends(&mut self, kind: TokenKind, length: usize, opened: Option<usize>) {
        self.push(if opened.is_some() { TokenKind::TextClose } else { kind }, length);
    }

    /// A long text that the file ends: it is taken to end where the next declaration begins.
    fn end_of_unclosed(&self, length: usize) -> usize {
        let text = &self.rest()[..length];
        memchr::memchr_iter(b'\n', text.as_bytes())
            .find(|newline| is_declaration_line(&text[newline + 1..]))
            .unwrap_or(text.len())
    }

    /// The interpolation `first` and those inside it were none: reads the text once more, up to
    /// the first quote on its line, or the last when otherwise another text would not end (for a
    /// long text, to the next closing quotes).
    pub(super) fn give_up_hole(&mut self, first: usize) {
        let hole = &self.holes[first];
        let (long, token) = (hole.long, hole.token);
        self.holes.truncate(first);
        if long {
            self.long_holes_close = false;
        } else {
            self.plain_until = self.line_end(self.at);
            let start = self.tokens[token].start as usize + 1;
            let line = &self.text.as_bytes()[start..self.plain_until.max(start)];
            let mut quotes = memchr::memchr_iter(b'"', line);
            let last = quotes.next_back();
            if quotes.count() % 2 == 1 {
                self.quoted_until = start + last.unwrap_or(0);
            }
        }
        self.at = self.tokens[token].start as usize;
        self.tokens.truncate(token);
        self.text();
    }

    /// At the end of the file: whatever interpolation is open was none.
    pub(super) fn close_holes(&mut self) {
        while !self.holes.is_empty() {
            self.give_up_hole(0);
            while self.at < self.text.len() {
                self.token();
            }
        }
    }
}
