//! How far the grammar came in a piece, and what it expected there.

use super::super::parser::{Parser, parse};
use super::super::tokens::TokenKind;
use super::super::words::{Place, word_anywhere, word_in};
use super::expected::{expected, keyword};
use crate::diagnostics::{Diagnostic, habits, nearest, syntax};
use crate::text::Span;
use batchc_grammar::Rule;
use pest::error::{ErrorVariant, InputLocation};
use std::ops::Range;

impl Parser<'_> {
    /// Asks the grammar how far it came.
    pub(super) fn furthest(&self, tokens: &Range<usize>, place: Place, entry: Rule) -> Diagnostic {
        let bytes = self.layout.bytes(tokens.clone());
        let (position, rules) = match parse(entry, &self.layout.text[bytes.clone()]) {
            Err(error) => {
                let position = match error.location {
                    InputLocation::Pos(position) | InputLocation::Span((position, _)) => position,
                };
                match error.variant {
                    ErrorVariant::ParsingError { positives, .. } => (position, positives),
                    ErrorVariant::CustomError { .. } => (position, Vec::new()),
                }
            }
            Ok(_) => (0, Vec::new()),
        };
        let place_of_failure = bytes.start + position;
        let tokens_behind =
            self.layout.tokens.partition_point(|token| (token.end as usize) <= place_of_failure);
        let at = self.layout.trimmed(tokens_behind.min(tokens.end)..tokens.end).start;
        let verb = self.verb(tokens);
        let example = self.example(tokens, place, entry);
        if at >= tokens.end || place_of_failure >= bytes.end {
            return self.incomplete(tokens, &verb, &rules, example);
        }
        let (found, span) = (self.text(at), self.at(at));
        let expects_operator = rules.contains(&Rule::equal_op);
        if found == "=" && expects_operator {
            let (left, right) = self.around(at, tokens);
            if matches!(self.text(tokens.start), "source" | "output") {
                return habits::argument_equals(self.single(at, left, tokens), left, right);
            }
            return habits::single_equals(span, left, right);
        }
        let meant = self.meant(found, at, &rules);
        let can_end = rules.contains(&Rule::EOI);
        match (can_end, meant) {
            (true, Some(meant)) => syntax::goes_on_meant(&verb, found, span, &meant),
            (true, None) => syntax::goes_on(&verb, span, example),
            (false, Some(meant)) => syntax::does_not_fit_meant(found, span, &meant),
            (false, None) => syntax::does_not_fit(found, span, &expected(&rules), example),
        }
    }

    /// The names or literals before and behind a sign, `a.b` as one.
    fn around(&self, at: usize, tokens: &Range<usize>) -> (&str, &str) {
        let end_of = |first: usize| {
            let mut end = first;
            while self.text(end + 1) == "." && end + 2 < tokens.end {
                end += 2;
            }
            end
        };
        let start_of = |last: usize| {
            let mut start = last;
            while start >= tokens.start + 2 && self.text(start - 1) == "." {
                start -= 2;
            }
            start
        };
        let slice = |from: usize, to: usize| &self.source[self.span(from..to + 1).range()];
        let left = self.previous(at, tokens).map_or("", |last| slice(start_of(last), last));
        let right = self.next(at, tokens).map_or("", |first| slice(first, end_of(first)));
        (left, right)
    }

    /// The place of a sign with the name before it.
    fn single(&self, at: usize, name: &str, tokens: &Range<usize>) -> Span {
        let before = self.previous(at, tokens).filter(|_| !name.is_empty());
        self.span(before.unwrap_or(at)..at + 1)
    }

    fn incomplete(
        &self,
        tokens: &Range<usize>,
        verb: &str,
        rules: &[Rule],
        example: &str,
    ) -> Diagnostic {
        let last = tokens.end - 1;
        let span = self.span(last..tokens.end);
        let (text, wanted) = (self.text(last), expected(rules));
        let is_operator = self.kind(last) == Some(TokenKind::Operator)
            && !matches!(text, "=" | "," | ":" | "." | "->" | "=>");
        let is_word = matches!(text, "and" | "or");
        if is_word || is_operator && wanted.iter().any(|wanted| wanted == "a value") && text != "*"
        {
            return syntax::incomplete(
                verb,
                span.after(),
                format!("a value is missing after `{text}`"),
                example,
            );
        }
        let label = match wanted.first() {
            Some(first) => format!(
                "{} is missing after `{text}`",
                if first.contains(' ') { first.clone() } else { format!("`{first}`") }
            ),
            None => "something is missing here".to_string(),
        };
        syntax::incomplete(verb, span.after(), label, example)
    }

    /// The expected word that was probably meant by a word.
    fn meant(&self, found: &str, at: usize, rules: &[Rule]) -> Option<String> {
        if self.kind(at) != Some(TokenKind::Word) {
            return None;
        }
        let words: Vec<String> = rules.iter().filter_map(|rule| keyword(*rule)).collect();
        let lower = found.to_lowercase();
        words
            .iter()
            .find(|word| lower == **word || word.len() > 2 && lower.starts_with(word.as_str()))
            .cloned()
            // Of two letters any other two are near: `id` is no `is`.
            .or_else(|| {
                let near = nearest(&lower, words.iter().map(String::as_str));
                near.filter(|_| lower.chars().count() > 2).map(str::to_string)
            })
            .filter(|word| word.as_str() != found)
    }

    /// What the piece is called in a message: its verb.
    fn verb(&self, tokens: &Range<usize>) -> String {
        let word = self.text(tokens.start);
        let next = self.next(tokens.start, tokens).map_or("", |next| self.text(next));
        match (word, next) {
            (_, "join") => format!("{word} join"),
            _ if word.chars().count() <= 30 => word.to_string(),
            _ => "line".to_string(),
        }
    }

    fn example(&self, tokens: &Range<usize>, place: Place, entry: Rule) -> &'static str {
        match entry {
            Rule::only_assignment | Rule::only_column => return "total = sum(amount)",
            Rule::only_parse_field => return "at: datetime format \"%Y-%m-%d\"",
            Rule::only_share => return "train 80%",
            Rule::only_branch => return "paying when plan == \"pro\"",
            Rule::only_member => return "PAID = \"paid\"",
            _ => {}
        }
        let word = self.text(tokens.start);
        let is_column = place == Place::Source && word_in(place, word).is_none()
            || self.next(tokens.start, tokens).is_some_and(|next| self.text(next) == ":");
        if is_column {
            return "email: string? named \"E-Mail\"";
        }
        word_in(place, word)
            .or_else(|| word_anywhere(word))
            .map_or("filter amount > 0", |word| word.example)
    }
}
