//! The first word of a piece: one that begins nothing here, but elsewhere, in another language, or
//! with another spelling.

use super::super::ast::Later;
use super::super::is_name;
use super::super::parser::{Parser, parse};
use super::super::tokens::TokenKind;
use super::super::words::{
    FOREIGN_DECLARATIONS, FOREIGN_STEPS, LATER, Place, WORDS, is_reserved, word_anywhere, word_in,
    words_of,
};
use crate::diagnostics::{Diagnostic, habits, nearest, syntax};
use crate::text::Span;
use batchc_grammar::Rule;
use std::ops::Range;

impl Parser<'_> {
    /// The declaration that a word begins, or that was probably meant by it.
    pub fn declaration_word(&self, word: &str) -> Option<&'static str> {
        let lower = word.to_lowercase();
        word_in(Place::File, &lower)
            .map(|word| word.word)
            .or_else(|| {
                FOREIGN_DECLARATIONS
                    .iter()
                    .find(|(foreign, _)| *foreign == lower)
                    .map(|(_, meant)| *meant)
            })
            .or_else(|| nearest(word, words_of(Place::File)))
    }

    pub(super) fn first_word(
        &self,
        tokens: &Range<usize>,
        place: Place,
        entry: Rule,
    ) -> Option<Diagnostic> {
        let (word, span) = (self.text(tokens.start), self.at(tokens.start));
        if self.kind(tokens.start) != Some(TokenKind::Word) {
            return None;
        }
        let second = self.next(tokens.start, tokens);
        let sign = second.map_or("", |second| self.text(second));
        match place {
            Place::Inner | Place::Enum => self.inner_line(tokens, second, entry),
            Place::File if word_in(Place::File, word).is_some() => None,
            Place::File => Some(self.unknown_declaration(tokens, word, span)),
            Place::Source if sign == ":" => None,
            Place::Source if word_in(place, word).is_none() => {
                self.source_line(tokens, second, word)
            }
            _ if word_in(place, word).is_some() => None,
            _ => Some(self.unknown_statement(tokens, place, word, sign)),
        }
    }

    fn unknown_declaration(&self, tokens: &Range<usize>, word: &str, span: Span) -> Diagnostic {
        let lower = word.to_lowercase();
        if lower != word && word_in(Place::File, &lower).is_some() {
            return syntax::not_lower_case(word, span, &lower);
        }
        if let Some((_, meant)) = FOREIGN_DECLARATIONS.iter().find(|(foreign, _)| *foreign == lower)
        {
            let rest = self.span(tokens.clone());
            let same = format!("{meant}{}", &self.source[rest.range()][word.len()..]);
            return match parse(Rule::only_declaration, &same) {
                Ok(_) if !same.contains('\n') => {
                    habits::foreign_word(word, meant, span, &same).fix(span, *meant)
                }
                _ => habits::foreign_word(word, meant, span, example(meant)),
            };
        }
        if let Some(known) = word_anywhere(&lower) {
            let belongs =
                format!("between the `{{` and the `}}` of {}", listed_places(known.places));
            return syntax::out_of_place(word, "file", span, &belongs);
        }
        if let Some((_, meant, written)) =
            FOREIGN_STEPS.iter().find(|(foreign, ..)| *foreign == lower)
        {
            return habits::foreign_word(word, meant, span, written_or_example(meant, written));
        }
        let known = ["param", "source", "job", "output", "enum", "fn", "pipeline", "test"];
        syntax::unknown_word(
            word,
            "declaration",
            span,
            nearest(word, words_of(Place::File)),
            &known,
        )
    }

    /// A line of a source that does not begin like a column, nor with a setting.
    fn source_line(
        &self,
        tokens: &Range<usize>,
        second: Option<usize>,
        word: &str,
    ) -> Option<Diagnostic> {
        let second = second?;
        let span = self.at(tokens.start);
        if self.kind(second) == Some(TokenKind::Word) && !is_reserved(word) {
            if let Some(known) = word_anywhere(word)
                && known.word != "set"
            {
                let belongs =
                    format!("between the `{{` and the `}}` of {}", listed_places(known.places));
                return Some(syntax::out_of_place(word, "source", span, &belongs));
            }
            let rest = self.span(second..tokens.end);
            return Some(syntax::missing_colon(word, span, &self.source[rest.range()]));
        }
        None
    }

    fn unknown_statement(
        &self,
        tokens: &Range<usize>,
        place: Place,
        word: &str,
        sign: &str,
    ) -> Diagnostic {
        let span = self.at(tokens.start);
        let lower = word.to_lowercase();
        if lower != word && word_in(place, &lower).is_some() {
            return syntax::not_lower_case(word, span, &lower);
        }
        if place == Place::Job
            && let Some(found) = self.chained(tokens).or_else(|| self.rows_behind_others(tokens))
        {
            return found;
        }
        if place == Place::Job && sign == "=" {
            let value = self.rest_behind(tokens, "=");
            return syntax::missing_verb(word, span, &value);
        }
        if let Some(found) = self.foreign_step(tokens, place, word) {
            return found;
        }
        if let Some(known) = word_anywhere(&lower) {
            let belongs =
                format!("between the `{{` and the `}}` of {}", listed_places(known.places));
            let belongs = if known.places == [Place::File] {
                "outside of all blocks, at the beginning of a line".to_string()
            } else {
                belongs
            };
            return syntax::out_of_place(word, place.name(), span, &belongs);
        }
        let kind = match place {
            Place::Job => "step",
            Place::Test => "statement",
            _ => "setting",
        };
        let known: Vec<&str> = match place {
            Place::Job => {
                vec!["from", "filter", "derive", "set", "select", "join", "group", "sort"]
            }
            _ => words_of(place).collect(),
        };
        syntax::unknown_word(word, kind, span, nearest(word, words_of(place)), &known)
    }

    /// A step, or a statement of a test, that has another name here.
    fn foreign_step(&self, tokens: &Range<usize>, place: Place, word: &str) -> Option<Diagnostic> {
        let (span, lower) = (self.at(tokens.start), word.to_lowercase());
        let behind = self.rest_behind(tokens, word);
        if place == Place::Test && lower == "expect" {
            let same = format!("want {}", behind.lines().next().unwrap_or_default());
            return Some(habits::foreign_word(word, "want", span, &same).fix(span, "want"));
        }
        let (_, meant, written) = FOREIGN_STEPS.iter().find(|(foreign, ..)| *foreign == lower)?;
        if LATER.contains(meant) {
            let later = Later { what: (*meant).to_owned(), name: None, span };
            return Some(habits::foreign_word_later(word, &later));
        }
        let phrase = self.foreign_phrase(tokens, &lower);
        let span = self.span(phrase.clone());
        let found = &self.source[span.range()];
        if lower == "qualify" && behind.contains("row_number(") {
            return Some(habits::qualified_by_number(span));
        }
        if lower == "having" && behind.contains('(') {
            return Some(habits::having_aggregate(found, span));
        }
        Some(match self.rewritten(tokens, phrase.end, meant) {
            // These keep the rows that the others remove.
            Some(same) if lower != "delete" && !written.contains('$') => {
                let whole = span.to(self.span(tokens.clone()));
                let finding = habits::foreign_word(found, meant, span, &same);
                // Often only the word is another.
                match self.source[whole.range()].ends_with(&same[meant.len()..]) {
                    true => finding.fix(span, *meant),
                    false => finding.guess(whole, same),
                }
            }
            _ => {
                let names = self.names_behind(tokens, phrase.end);
                // Without names all columns are compared.
                if *meant == "dedupe" && matches!(&*behind, "..." | "()") {
                    let whole = self.span(tokens.clone());
                    let finding = habits::foreign_word(found, "distinct", span, "distinct");
                    return Some(finding.guess(whole, "distinct"));
                }
                let same = written_or_example(meant, written)
                    .replace('$', names.as_deref().unwrap_or("id"));
                let finding = habits::foreign_word(found, meant, span, &same);
                match names.filter(|_| written.contains('$')) {
                    Some(_) => finding.guess(self.span(tokens.clone()), same),
                    None => finding,
                }
            }
        })
    }

    /// `order by`, when the word is followed by `by`.
    fn foreign_phrase(&self, tokens: &Range<usize>, word: &str) -> Range<usize> {
        let by = self.next(tokens.start, tokens).filter(|next| *next == tokens.start + 2);
        let is_by = by.is_some_and(|by| self.text(by).eq_ignore_ascii_case("by"));
        tokens.start..tokens.start + if word == "order" && is_by { 3 } else { 1 }
    }

    /// The statement with the word that was meant before what is behind `from`; none when more
    /// must change.
    fn rewritten(&self, tokens: &Range<usize>, from: usize, meant: &str) -> Option<String> {
        let rest = self.span(from..tokens.end.max(from + 1));
        let rest = self.source.get(rest.range()).unwrap_or("").trim();
        let is_short = !rest.is_empty() && rest.len() < 60 && !rest.contains('\n');
        // `assign(x = 1)`
        let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let rest = match inner.map(|inner| format!("{meant} {inner}")) {
            Some(same) if parse(Rule::only_job_item, &same).is_ok() => inner.unwrap_or(rest),
            _ => rest,
        };
        let candidate = format!("{meant} {rest}");
        let candidate = match meant {
            "sort" => candidate.replace(" DESC", " desc").replace(" ASC", ""),
            "filter" => candidate.replace(" = ", " == ").replace(" <> ", " != "),
            _ => candidate,
        };
        (is_short && parse(Rule::only_job_item, &candidate).is_ok()).then_some(candidate)
    }

    /// The names behind a word, and nothing else: `a, b`, `("a")`.
    fn names_behind(&self, tokens: &Range<usize>, from: usize) -> Option<String> {
        let rest = self.layout.trimmed(from..tokens.end);
        let names: Vec<&str> = rest
            .filter(|at| !self.layout.tokens[*at].kind.is_trivia())
            .map(|at| self.text(at))
            .filter(|text| !matches!(*text, "(" | ")" | "[" | "]" | "," | "by" | "on"))
            .map(|text| text.trim_matches('"'))
            .collect();
        (!names.is_empty() && names.iter().all(|name| is_name(name))).then(|| names.join(", "))
    }

    fn rest_behind(&self, tokens: &Range<usize>, sign: &str) -> String {
        let at = tokens.clone().find(|at| self.text(*at) == sign).unwrap_or(tokens.start);
        let rest = self.layout.trimmed(at + 1..tokens.end);
        if rest.is_empty() {
            "...".to_string()
        } else {
            self.source[self.span(rest).range()].to_string()
        }
    }

    /// A line of an inner block.
    fn inner_line(
        &self,
        tokens: &Range<usize>,
        second: Option<usize>,
        entry: Rule,
    ) -> Option<Diagnostic> {
        let sign = second.map_or("", |second| self.text(second));
        let only_name = entry == Rule::only_assignment && sign != "=";
        if only_name && self.kind(tokens.start) == Some(TokenKind::Word) {
            let bytes = self.layout.bytes(tokens.clone());
            if parse(Rule::only_column, &self.layout.text[bytes.clone()]).is_ok() {
                return Some(syntax::missing_name(self.span(tokens.clone()), &self.source[bytes]));
            }
        }
        None
    }
}

fn example(word: &str) -> &'static str {
    WORDS.iter().find(|known| known.word == word).map_or("", |known| known.example)
}

fn written_or_example<'a>(meant: &str, written: &'a str) -> &'a str {
    if written.is_empty() { example(meant) } else { written }
}

fn listed_places(places: &[Place]) -> String {
    let names: Vec<String> = places
        .iter()
        .filter(|place| **place != Place::File)
        .map(|place| {
            format!("{} `{}`", if *place == Place::Output { "an" } else { "a" }, place.name())
        })
        .collect();
    match names.split_last() {
        None => "a block".to_string(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::recovery::block_of;
    use super::*;

    #[test]
    fn every_word_that_is_answered_with_another_has_an_example() {
        for (word, meant, written) in FOREIGN_STEPS {
            let first = meant.split(' ').next().unwrap_or_default();
            assert!(word_anywhere(first).is_some() || !written.is_empty(), "{word} -> {meant}");
        }
        for (word, meant) in FOREIGN_DECLARATIONS {
            assert!(word_in(Place::File, meant).is_some(), "{word} -> {meant}");
        }
        for word in ["job", "source", "output", "pipeline", "model", "test", "enum", "transform"] {
            assert!(block_of(word).is_some(), "{word}");
        }
    }
}
