//! Which line ends end a statement, and which mean nothing.

use super::super::tokens::TokenKind;
use super::super::words::{is_reserved, word_anywhere};
use super::Layouter;

impl Layouter<'_> {
    /// Decides what the line ends between two tokens mean.
    pub(super) fn line(&mut self, previous: usize, at: usize) {
        while self.stack.last().is_some_and(|opened| opened.bracket != b'{')
            && self.cannot_go_on(previous, at)
        {
            self.give_up(previous + 1);
        }
        let in_brackets = self.stack.last().is_some_and(|opened| opened.bracket != b'{');
        let is_join = in_brackets || self.goes_on(previous, at);
        for between in previous + 1..at {
            if self.tokens[between].kind == TokenKind::Newline {
                self.joins[between] = is_join;
                self.breaks[between] = !is_join && self.tokens[at].kind != TokenKind::Row;
            }
        }
        if !is_join {
            self.end_chain(true);
        }
    }

    /// Inside `(` or `[`: does a line begin that can only be a new statement?
    fn cannot_go_on(&self, previous: usize, at: usize) -> bool {
        if self.begins_statement(at) {
            return true;
        }
        let is_operand =
            !matches!(self.kind(previous), Some(TokenKind::Operator | TokenKind::Open));
        let next = self.next_on_line(at).map_or("", |next| self.source(next));
        self.kind(at) == Some(TokenKind::Word)
            && is_operand
            && !is_reserved(self.source(at))
            && matches!(next, "=" | ":" | "=>")
    }

    /// Is it a word that begins a statement, followed by something that no expression could go on
    /// with?
    fn begins_statement(&self, at: usize) -> bool {
        if self.kind(at) != Some(TokenKind::Word) || word_anywhere(self.source(at)).is_none() {
            return false;
        }
        let Some(next) = self.next_on_line(at) else { return false };
        match self.tokens[next].kind {
            TokenKind::Word => {
                !is_reserved(self.source(next))
                    || matches!(self.source(next), "not" | "case" | "if")
            }
            TokenKind::Number | TokenKind::Text | TokenKind::TextOpen => true,
            TokenKind::Open => self.source(next) == "{",
            _ => false,
        }
    }

    /// Between statements: does the line go on the one before it?
    fn goes_on(&self, previous: usize, at: usize) -> bool {
        let (word, next) =
            (self.source(at), self.next_on_line(at).map_or("", |next| self.source(next)));
        let leads = match self.tokens[at].kind {
            TokenKind::Operator if self.looks_like_comment(at) => false,
            TokenKind::Operator => matches!(
                word,
                "+" | "-"
                    | "*"
                    | "/"
                    | "//"
                    | "%"
                    | "**"
                    | "=="
                    | "!="
                    | "<"
                    | "<="
                    | ">"
                    | ">="
                    | "??"
                    | "&&"
                    | "||"
                    | "<>"
                    | "==="
                    | "=>"
            ),
            TokenKind::Word => match word {
                "and" | "or" | "is" | "in" | "between" | "matches" | "as" | "then" => true,
                "not" => matches!(next, "in" | "between" | "matches"),
                "else" => next != "=>",
                _ => false,
            },
            TokenKind::Open => word == "{",
            _ => false,
        };
        if leads || self.tokens[previous].kind != TokenKind::Operator {
            return leads;
        }
        match self.source(previous) {
            "," => !self.begins_statement(at) && word != "}",
            "=" => !self.begins_statement(at) && word != "}" && next != "=" && next != ":",
            "=>" | "->" => word != "}",
            _ => false,
        }
    }

    /// Does the line begin with the comment sign of another language?
    fn looks_like_comment(&self, at: usize) -> bool {
        let next = self.tokens.get(at + 1).map_or(TokenKind::Newline, |next| next.kind);
        match self.source(at) {
            "//" => {
                let Some(word) = self.next_on_line(at) else { return true };
                let Some(behind) = self.next_on_line(word) else { return false };
                self.kind(word) == Some(TokenKind::Word)
                    && self.kind(behind) == Some(TokenKind::Word)
                    && !is_reserved(self.source(behind))
            }
            "-" => next == TokenKind::Operator && self.source(at + 1) == "-",
            "/" => next == TokenKind::Operator && matches!(self.source(at + 1), "*" | "**"),
            _ => false,
        }
    }
}
