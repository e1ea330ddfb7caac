//! What is wrong with a piece that did not parse: one diagnostic, at the smallest place.
//!
//! Looked at in the order of certainty: nesting, texts, brackets, the first word, signs of other
//! languages; and only then the grammar is asked how far it came and what it expected there.

mod expected;
mod first_word;
mod furthest;

pub(super) use expected::{is_value, keyword, words_of};

use super::layout::{NESTING_MAX, Piece, Problem};
use super::parser::Parser;
use super::tokens::TokenKind;
use super::words::{FOREIGN_SIGNS, NEW_LINE, Place, is_reserved, word_in};
use crate::diagnostics::{Diagnostic, fixtures, habits, literals, syntax};
use crate::text::Span;
use batchc_grammar::Rule;
use std::ops::Range;

impl Parser<'_> {
    /// Says what is wrong with some tokens that `entry` could not parse.
    pub fn second_look(
        &self,
        piece: &Piece,
        tokens: Range<usize>,
        place: Place,
        entry: Rule,
    ) -> Diagnostic {
        let problem = self.problem(piece, &tokens);
        if let Some(Problem::TooDeep(at)) = problem {
            return syntax::too_deep(self.at(at), NESTING_MAX);
        }
        self.foreign_comment(&tokens)
            .or_else(|| self.reference(&tokens, place))
            .or_else(|| self.foreign_literal(&tokens))
            .or_else(|| self.bad_token(&tokens))
            .or_else(|| self.lone_brace(&tokens))
            .or_else(|| self.reserved_name(&tokens, place))
            .or_else(|| (place == Place::Source).then(|| self.foreign_column(&tokens)).flatten())
            .or_else(|| self.first_word(&tokens, place, entry))
            .or_else(|| problem.map(|problem| self.bracket(problem, &tokens)))
            .or_else(|| self.table_in_brackets(&tokens, place))
            .or_else(|| self.members(&tokens))
            .or_else(|| self.all_columns(&tokens))
            .or_else(|| self.habit(&tokens))
            .or_else(|| self.foreign_sign(&tokens, place))
            .unwrap_or_else(|| self.furthest(&tokens, place, entry))
    }

    /// A declaration whose first line is right, but is not followed by a `{`.
    pub fn missing_block(&self, head: Range<usize>, has_lines_below: bool) -> Diagnostic {
        let word = self.text(head.start);
        let example =
            word_in(Place::File, word).map_or("job clean { from orders }", |word| word.example);
        let span = self.span(head).after();
        if has_lines_below {
            return syntax::missing_block(word, span, example);
        }
        syntax::incomplete(word, span, "its block is missing: `{ ... }`".to_string(), example)
    }

    /// The place of one token.
    fn at(&self, at: usize) -> Span {
        self.span(at..at + 1)
    }

    fn text(&self, at: usize) -> &str {
        self.layout.source(at)
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.layout.tokens.get(at).map(|token| token.kind)
    }

    /// The next token among `tokens` behind `at` that means something.
    fn next(&self, at: usize, tokens: &Range<usize>) -> Option<usize> {
        (at + 1..tokens.end).find(|next| !self.layout.tokens[*next].kind.is_trivia())
    }

    fn previous(&self, at: usize, tokens: &Range<usize>) -> Option<usize> {
        (tokens.start..at).rev().find(|before| !self.layout.tokens[*before].kind.is_trivia())
    }

    /// `select *` alone, which changes nothing.
    fn all_columns(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let star = self.next(tokens.start, tokens)?;
        (self.text(tokens.start) == "select" && self.text(star) == "*" && star + 1 == tokens.end)
            .then(|| syntax::all_columns(self.span(tokens.clone())))
    }

    /// A word of the language where a column is named: `case: int`, `derive in = 1`.
    fn reserved_name(&self, tokens: &Range<usize>, place: Place) -> Option<Diagnostic> {
        let sign = |at: usize| self.next(at, tokens).map_or("", |next| self.text(next));
        let first = tokens.start;
        let is_named = matches!(self.text(first), "derive" | "set") && place == Place::Job;
        let (at, wanted) = match place {
            Place::Source => (first, ":"),
            Place::Inner => (first, "="),
            _ => (self.next(first, tokens).filter(|_| is_named)?, "="),
        };
        let word = self.text(at);
        if !is_reserved(word) || sign(at) != wanted {
            return None;
        }
        if place != Place::Source {
            return Some(habits::reserved_name(
                word,
                self.at(at),
                self.at(at),
                &format!("{word}_"),
            ));
        }
        // The file calls its column so all the same.
        let line = (at..tokens.end).find(|at| self.kind(*at) == Some(TokenKind::Newline));
        let whole = self.span(self.layout.trimmed(at..line.unwrap_or(tokens.end)));
        let written =
            format!("{word}_{} named \"{word}\"", &self.source[whole.range()][word.len()..]);
        Some(habits::reserved_name(word, self.at(at), whole, &written))
    }

    fn foreign_comment(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let length = match self.text(tokens.start) {
            "//" => 1,
            "-" if self.text(tokens.start + 1) == "-" => 2,
            "/" if self.text(tokens.start + 1).starts_with('*') => 2,
            _ => return None,
        };
        let span = self.span(tokens.start..tokens.start + length);
        Some(habits::foreign_comment(span, &self.source[span.range()]))
    }

    /// A text that is not closed, or in other quotes; a sign that means nothing.
    fn bad_token(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let is_bad = |kind| {
            matches!(
                kind,
                TokenKind::UnclosedText
                    | TokenKind::BrokenText
                    | TokenKind::QuotedRegex
                    | TokenKind::Quoted
                    | TokenKind::Unknown
            )
        };
        let at = tokens.clone().find(|at| is_bad(self.layout.tokens[*at].kind))?;
        let (span, text) = (self.at(at), self.text(at));
        let first = text.chars().next().unwrap_or(' ');
        Some(match self.layout.tokens[at].kind {
            TokenKind::UnclosedText => {
                let quote = if text.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
                let opening = if first == 'r' { 2 } else { quote.len() };
                let start = span.start as usize;
                let (end, brace) = likely_end(&text[opening..], first == 'r');
                let end = Span::new(self.file, start + opening + end, start + opening + end);
                let start = Span::new(self.file, start, start + opening);
                literals::unclosed_text(start, quote, end, brace)
            }
            TokenKind::BrokenText => {
                let brace = span.start as usize + text.find('{').unwrap_or(0);
                let span = Span::new(self.file, brace, brace + 1);
                match text.trim_matches('"').contains('"') {
                    true => literals::interpolation_never_closed(span),
                    false => literals::brace_in_text(span, "{"),
                }
            }
            TokenKind::QuotedRegex => literals::quote_in_regex(span, text),
            TokenKind::Quoted if first == '`' => habits::quoted_name(span, text.trim_matches('`')),
            TokenKind::Quoted => {
                // A quote within the text is doubled in SQL.
                let goes_on = |next: &usize| self.text(*next).starts_with('\'');
                let end = (at + 1..tokens.end).take_while(goes_on).last().map_or(at, |end| end);
                let span = self.span(at..end + 1);
                let text = &self.source[span.range()];
                let inner = &text[1..text.len() - 1];
                if at > tokens.start && matches!(self.text(at - 1), "f" | "F") {
                    let foreign = habits::Foreign::Form("f'…'");
                    return Some(habits::habit(
                        foreign,
                        self.at(at - 1).to(span),
                        &format!("\"{inner}\""),
                    ));
                }
                habits::wrong_quotes(span, inner)
            }
            _ if matches!(
                first,
                '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}'
            ) =>
            {
                habits::wrong_quotes(span, "")
            }
            _ => syntax::unknown_character(first, span),
        })
    }

    /// A `}` in a text that ends no interpolation.
    fn lone_brace(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        tokens.clone().find_map(|at| {
            let skip = match self.layout.tokens[at].kind {
                TokenKind::Text | TokenKind::TextOpen => 0,
                TokenKind::TextMiddle | TokenKind::TextClose => 1,
                _ => return None,
            };
            let bytes = self.text(at).as_bytes();
            let mut byte = skip;
            while byte < bytes.len() {
                match bytes[byte] {
                    b'\\' => byte += 1,
                    b'}' if bytes.get(byte + 1) == Some(&b'}') => byte += 1,
                    b'}' => {
                        let start = self.at(at).start as usize + byte;
                        let span = Span::new(self.file, start, start + 1);
                        return Some(literals::brace_in_text(span, "}"));
                    }
                    _ => {}
                }
                byte += 1;
            }
            None
        })
    }

    fn bracket(&self, problem: Problem, tokens: &Range<usize>) -> Diagnostic {
        let at = problem.token();
        let (span, text) = (self.at(at), self.text(at));
        match problem {
            Problem::Stray(_) => syntax::stray_bracket(span, text),
            _ if text == "{" => syntax::unclosed_block(span, None),
            _ => {
                let closing = match text {
                    "(" => ")",
                    "[" => "]",
                    _ => return literals::brace_in_text(span, "{"),
                };
                let end =
                    self.layout.trimmed(at..self.layout.behind(at).min(tokens.end).max(at + 1));
                if self.is_parameter_behind(at, end.end, tokens) {
                    return syntax::missing_comma(self.span(end).after());
                }
                syntax::unclosed_bracket(span, text, closing, self.span(end).after())
            }
        }
    }

    /// Is a `name:` behind the parameters that begin at a parenthesis, on a line of its own?
    fn is_parameter_behind(&self, open: usize, end: usize, tokens: &Range<usize>) -> bool {
        let next = self.next(end.saturating_sub(1), tokens);
        let sign = next.and_then(|next| self.next(next, tokens)).map_or("", |at| self.text(at));
        matches!(self.text(tokens.start), "fn" | "transform")
            && self.text(open) == "("
            && end > open + 1
            && sign == ":"
    }

    /// `&&`, `||`, `!`, `<>`, ...
    fn foreign_sign(&self, tokens: &Range<usize>, place: Place) -> Option<Diagnostic> {
        let found = tokens
            .clone()
            .filter(|at| self.kind(*at) == Some(TokenKind::Operator))
            .find_map(|at| {
                FOREIGN_SIGNS
                    .iter()
                    .find(|(foreign, _)| *foreign == self.text(at))
                    .map(|(_, meant)| (at, *meant))
            });
        let (at, mut meant) = found?;
        if self.text(at) == "|" && place == Place::Enum && self.is_member(tokens) {
            return Some(syntax::members_by_commas(self.at(at)));
        }
        let behind = self.next(at, tokens);
        // Before a text it asks whether that matches, and before all else for the opposite.
        let is_before_text = behind.is_some_and(|next| self.text(next).ends_with('"'));
        if self.text(at) == "~" && !is_before_text {
            meant = "not";
        }
        let next = self.next(at, tokens).map_or("b", |next| self.text(next));
        let is_step = place == Place::Job && word_in(place, next).is_some();
        let is_table = matches!(self.text(tokens.start), "given" | "want");
        if self.text(at) == "|" && is_table {
            return Some(fixtures::table_in_brackets(self.at(at), "|"));
        }
        if meant == NEW_LINE || self.text(at) == "|" && is_step {
            return Some(habits::steps_in_one_line(self.text(at), self.at(at)));
        }
        let written = match self.previous(at, tokens) {
            _ if matches!(meant, "and" | "or") => meant.to_string(),
            _ if meant == "not" && next == "(" => "not (…)".to_string(),
            _ if meant == "not" => format!("not {next}"),
            Some(before) if !is_reserved(self.text(before)) => {
                format!("{} {meant} {next}", self.text(before))
            }
            _ => format!("a {meant} {next}"),
        };
        let mut found = match self.text(at) {
            "||" => habits::two_bars(self.at(at)),
            sign => habits::foreign_sign(sign, meant, self.at(at), &written),
        };
        // A word does not touch the one behind it.
        if let Some(fix) = &mut found.fix
            && behind == Some(at + 1)
            && self.kind(at + 1) == Some(TokenKind::Word)
            && fix.text.ends_with(char::is_alphabetic)
        {
            fix.text.push(' ');
        }
        // Where the line ends, another sign alone does not make it whole.
        if self.next(at, tokens).is_none() {
            found.fix = None;
        }
        Some(found)
    }
}

/// Where a text without its closing quote probably ends, and a `}` if one is missing before it:
/// at the end of its first line, or before a bracket there that something else has opened.
fn likely_end(text: &str, is_regex: bool) -> (usize, &'static str) {
    let line = text.lines().next().unwrap_or("").trim_end();
    let (mut braces, mut parentheses) = (0, 0);
    for (at, character) in line.char_indices() {
        match character {
            '{' if !is_regex => braces += 1,
            '}' if !is_regex => braces -= 1,
            '(' => parentheses += 1,
            ')' if parentheses == 0 && braces == 0 => return (at, ""),
            ')' => parentheses -= 1,
            _ => {}
        }
    }
    (line.len(), if braces > 0 { "}" } else { "" })
}
