//! Which bracket belongs to which, and how deep things are nested in one another, with brackets and
//! without.

use super::super::tokens::TokenKind;
use super::super::words::is_reserved;
use super::{Chain, Layouter, NESTING_MAX, Opened, Problem};

impl Layouter<'_> {
    pub(super) fn token(&mut self, at: usize, previous: usize, is_first: bool) {
        match self.tokens[at].kind {
            TokenKind::Open => self.open(at, self.text.as_bytes()[self.tokens[at].start as usize]),
            TokenKind::TextOpen => self.open(at, b'"'),
            TokenKind::Close => {
                let opening = match self.source(at) {
                    ")" => b'(',
                    "]" => b'[',
                    _ => b'{',
                };
                self.close(at, previous, opening, is_first);
            }
            TokenKind::TextMiddle => self.close_inside_text(previous),
            TokenKind::TextClose => {
                self.close_inside_text(previous);
                self.close(at, previous, b'"', false);
            }
            TokenKind::Operator if matches!(self.source(at), "," | ";" | "=>") => {
                self.end_chain(self.source(at) == ";");
                let in_brackets = self.stack.last().is_some_and(|opened| opened.bracket != b'{');
                self.breaks[at] = self.source(at) == ";" && !in_brackets;
            }
            TokenKind::Operator | TokenKind::Word if self.nests(at, previous) => {
                self.chain().links += 1;
                self.deeper(at);
            }
            TokenKind::Operator
                if self.source(at) == "<" && matches!(self.source(previous), "list" | "map") =>
            {
                self.chain().angles += 1;
                self.deeper(at);
            }
            TokenKind::Operator if self.source(at) == ">" => self.close_angle(),
            _ => {}
        }
    }

    /// Does the token nest what follows it without a bracket?
    fn nests(&self, at: usize, previous: usize) -> bool {
        match self.source(at) {
            "if" | "not" | "->" | "**" => true,
            "-" => {
                matches!(
                    self.kind(previous),
                    Some(TokenKind::Operator | TokenKind::Open | TokenKind::TextOpen)
                ) || is_reserved(self.source(previous))
            }
            _ => false,
        }
    }

    fn deeper(&mut self, at: usize) {
        self.depth += 1;
        if self.depth == NESTING_MAX + 1 {
            self.problems.push(Problem::TooDeep(at));
        }
    }

    /// The nesting without brackets at this place.
    fn chain(&mut self) -> &mut Chain {
        self.stack.last_mut().map_or(&mut self.chain, |opened| &mut opened.chain)
    }

    /// `>`: of a type, if one is open, or an operator.
    fn close_angle(&mut self) {
        if self.chain().angles > 0 {
            self.chain().angles -= 1;
            self.depth -= 1;
        }
    }

    /// An expression ends here; with `angles`, so does a type.
    pub(super) fn end_chain(&mut self, angles: bool) {
        let chain = self.chain();
        let mut ended = std::mem::take(&mut chain.links);
        if angles {
            ended += std::mem::take(&mut chain.angles);
        }
        self.depth -= ended;
    }

    fn open(&mut self, at: usize, bracket: u8) {
        // Deeper than this is refused anyway; a bounded stack keeps the search in it cheap.
        if self.stack.len() >= 4 * NESTING_MAX {
            self.beyond += 1;
            return;
        }
        let indent = self.column(self.line_first);
        self.stack.push(Opened { token: at, bracket, chain: Chain::default(), indent });
        self.deeper(at);
    }

    /// Takes the innermost bracket off the stack.
    fn pop(&mut self) -> Option<Opened> {
        self.beyond = 0;
        let opened = self.stack.pop()?;
        self.depth -= 1 + opened.chain.links + opened.chain.angles;
        Some(opened)
    }

    /// The innermost bracket is never closed; it should have been before token `before`.
    pub(super) fn give_up(&mut self, before: usize) {
        if let Some(opened) = self.pop() {
            self.partner[opened.token] = before as u32;
            self.problems.push(Problem::Unclosed(opened.token));
        }
    }

    fn close(&mut self, at: usize, previous: usize, opening: u8, is_first: bool) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let barrier =
            self.stack.iter().rposition(|opened| opened.bracket == b'{' || opened.bracket == b'"');
        let place = self.stack.iter().rposition(|opened| opened.bracket == opening);
        let Some(mut place) = place.filter(|place| barrier.is_none_or(|barrier| *place >= barrier))
        else {
            self.problems.push(Problem::Stray(at));
            return;
        };
        if self.by_indent && is_first && opening == b'{' {
            let column = self.column(at);
            if column > self.stack[place].indent {
                self.problems.push(Problem::Stray(at));
                return;
            }
            let matching = self
                .stack
                .iter()
                .rposition(|opened| opened.bracket == b'{' && opened.indent == column);
            place = matching.unwrap_or(place);
        }
        while self.stack.len() > place + 1 {
            self.give_up(previous + 1);
        }
        if let Some(opened) = self.pop() {
            self.partner[opened.token] = at as u32;
            self.partner[at] = opened.token as u32;
        }
    }

    /// A text goes on: what was opened in its interpolation should have been closed.
    fn close_inside_text(&mut self, previous: usize) {
        while self.stack.last().is_some_and(|opened| opened.bracket != b'"')
            && self.stack.iter().any(|opened| opened.bracket == b'"')
        {
            self.give_up(previous + 1);
        }
        self.end_chain(true);
    }
}
