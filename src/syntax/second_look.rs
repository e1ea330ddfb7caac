//! What is wrong with a piece that did not parse: one diagnostic, at the smallest place.
//!
//! Looked at in the order of certainty: nesting, texts, brackets, the first word, signs of other
//! languages; and only then the grammar is asked how far it came and what it expected there.

use super::layout::{NESTING_MAX, Piece, Problem};
use super::parser::{Parser, parse};
use super::tokens::TokenKind;
use super::words::{
    FOREIGN_DECLARATIONS, FOREIGN_SIGNS, FOREIGN_STEPS, Place, WORDS, is_reserved, word_anywhere,
    word_in, words_of,
};
use crate::diagnostics::{Diagnostic, nearest, syntax};
use crate::text::Span;
use batchc_grammar::Rule;
use pest::error::{ErrorVariant, InputLocation};
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
            .or_else(|| self.bad_token(&tokens))
            .or_else(|| self.lone_brace(&tokens))
            .or_else(|| self.first_word(&tokens, place, entry))
            .or_else(|| problem.map(|problem| self.bracket(problem, &tokens)))
            .or_else(|| self.all_columns(&tokens))
            .or_else(|| self.habit(&tokens))
            .or_else(|| self.foreign_sign(&tokens))
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

    fn foreign_comment(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let length = match self.text(tokens.start) {
            "//" => 1,
            "-" if self.text(tokens.start + 1) == "-" => 2,
            "/" if self.text(tokens.start + 1).starts_with('*') => 2,
            _ => return None,
        };
        let span = self.span(tokens.start..tokens.start + length);
        Some(syntax::foreign_comment(span, &self.source[span.range()]))
    }

    /// A text that is not closed, or in other quotes; a sign that means nothing.
    fn bad_token(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let is_bad = |kind| {
            matches!(
                kind,
                TokenKind::UnclosedText
                    | TokenKind::BrokenText
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
                syntax::unclosed_text(start, quote, end, brace)
            }
            TokenKind::BrokenText => {
                let brace = span.start as usize + text.find('{').unwrap_or(0);
                let span = Span::new(self.file, brace, brace + 1);
                match text.trim_matches('"').contains('"') {
                    true => syntax::interpolation_never_closed(span),
                    false => syntax::brace_in_text(span, "{"),
                }
            }
            TokenKind::Quoted if first == '`' => syntax::quoted_name(span, text.trim_matches('`')),
            TokenKind::Quoted => syntax::wrong_quotes(span, &text[1..text.len() - 1]),
            _ if matches!(
                first,
                '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}'
            ) =>
            {
                syntax::wrong_quotes(span, "")
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
                        return Some(syntax::brace_in_text(span, "}"));
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
                    _ => return syntax::brace_in_text(span, "{"),
                };
                let end =
                    self.layout.trimmed(at..self.layout.behind(at).min(tokens.end).max(at + 1));
                syntax::unclosed_bracket(span, text, closing, self.span(end).after())
            }
        }
    }

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

    fn first_word(&self, tokens: &Range<usize>, place: Place, entry: Rule) -> Option<Diagnostic> {
        let (word, span) = (self.text(tokens.start), self.at(tokens.start));
        if self.kind(tokens.start) != Some(TokenKind::Word) {
            return None;
        }
        let second = self.next(tokens.start, tokens);
        let sign = second.map_or("", |second| self.text(second));
        match place {
            Place::Inner | Place::Enum => self.inner_line(tokens, second, entry),
            Place::File if word_in(Place::File, word).is_some() => None,
            Place::File => Some(self.unknown_declaration(word, span)),
            Place::Source if sign == ":" => None,
            Place::Source if word_in(place, word).is_none() => {
                self.source_line(tokens, second, word)
            }
            _ if word_in(place, word).is_some() => None,
            _ => Some(self.unknown_statement(tokens, place, word, sign)),
        }
    }

    fn unknown_declaration(&self, word: &str, span: Span) -> Diagnostic {
        let lower = word.to_lowercase();
        if lower != word && word_in(Place::File, &lower).is_some() {
            return syntax::not_lower_case(word, span, &lower);
        }
        if let Some((_, meant)) = FOREIGN_DECLARATIONS.iter().find(|(foreign, _)| *foreign == lower)
        {
            return syntax::foreign_word(word, meant, span, example(meant));
        }
        if let Some(known) = word_anywhere(&lower) {
            let belongs =
                format!("between the `{{` and the `}}` of {}", listed_places(known.places));
            return syntax::out_of_place(word, "file", span, &belongs);
        }
        if let Some((_, meant, written)) =
            FOREIGN_STEPS.iter().find(|(foreign, ..)| *foreign == lower)
        {
            return syntax::foreign_word(word, meant, span, written_or_example(meant, written));
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
        if place == Place::Job && sign == "=" {
            let value = self.rest_behind(tokens, "=");
            return syntax::missing_verb(word, span, &value);
        }
        if let Some((_, meant, written)) =
            FOREIGN_STEPS.iter().find(|(foreign, ..)| *foreign == lower)
        {
            let written = self.rewritten(tokens, meant, written);
            let found = self.foreign_phrase(tokens, &lower);
            let span =
                self.span(tokens.start..tokens.start + if found.contains(' ') { 3 } else { 1 });
            return syntax::foreign_word(
                if found.contains(' ') { &found } else { word },
                meant,
                span,
                &written,
            );
        }
        if let Some(known) = word_anywhere(&lower) {
            let belongs =
                format!("between the `{{` and the `}}` of {}", listed_places(known.places));
            let belongs = if known.places == [Place::File] {
                "outside, in column 0".to_string()
            } else {
                belongs
            };
            return syntax::out_of_place(word, place.name(), span, &belongs);
        }
        let kind = if place == Place::Job { "step" } else { "setting" };
        let known: Vec<&str> = match place {
            Place::Job => {
                vec!["from", "filter", "derive", "set", "select", "join", "group", "sort"]
            }
            _ => words_of(place).collect(),
        };
        syntax::unknown_word(word, kind, span, nearest(word, words_of(place)), &known)
    }

    /// `order by`, when the word is followed by `by`.
    fn foreign_phrase(&self, tokens: &Range<usize>, word: &str) -> String {
        let next = self.next(tokens.start, tokens);
        match next.filter(|next| *next == tokens.start + 2).map(|next| self.text(next)) {
            Some(second @ ("by" | "BY")) if word == "order" => {
                format!("{} {second}", self.text(tokens.start))
            }
            _ => word.to_string(),
        }
    }

    /// The statement with the word that was meant, or an example when more must change.
    fn rewritten(&self, tokens: &Range<usize>, meant: &str, written: &str) -> String {
        let rest = self.span(tokens.start + 1..tokens.end.max(tokens.start + 2));
        let rest = self.source.get(rest.range()).unwrap_or("").trim();
        let is_short = !rest.is_empty() && rest.len() < 60 && !rest.contains('\n');
        if !written.is_empty() || !is_short {
            return written_or_example(meant, written).to_string();
        }
        let candidate = format!("{meant} {rest}");
        if parse(Rule::only_job_item, &candidate).is_ok() {
            candidate
        } else {
            example(meant).to_string()
        }
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

    /// `&&`, `||`, `!`, `<>`, ...
    fn foreign_sign(&self, tokens: &Range<usize>) -> Option<Diagnostic> {
        let found = tokens
            .clone()
            .filter(|at| self.kind(*at) == Some(TokenKind::Operator))
            .find_map(|at| {
                FOREIGN_SIGNS
                    .iter()
                    .find(|(foreign, _)| *foreign == self.text(at))
                    .map(|(_, meant)| (at, *meant))
            });
        let (at, meant) = found?;
        let next = self.next(at, tokens).map_or("b", |next| self.text(next));
        let written = match self.previous(at, tokens) {
            _ if meant.starts_with("a ") => "each step on a line of its own".to_string(),
            _ if matches!(meant, "and" | "or") => meant.to_string(),
            _ if meant == "not" && next == "(" => "not (…)".to_string(),
            _ if meant == "not" => format!("not {next}"),
            Some(before) if !is_reserved(self.text(before)) => {
                format!("{} {meant} {next}", self.text(before))
            }
            _ => format!("a {meant} {next}"),
        };
        Some(syntax::foreign_sign(self.text(at), meant, self.at(at), &written))
    }

    /// Asks the grammar how far it came.
    fn furthest(&self, tokens: &Range<usize>, place: Place, entry: Rule) -> Diagnostic {
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
            return syntax::single_equals(span, left, right);
        }
        let meant = self.meant(found, at, &rules);
        let can_end = rules.contains(&Rule::EOI);
        match (can_end, meant) {
            (true, Some(meant)) => syntax::goes_on_meant(&verb, span, &meant),
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
        if is_operator && wanted.iter().any(|wanted| wanted == "a value") && text != "*" {
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
            .or_else(|| nearest(&lower, words.iter().map(String::as_str)).map(str::to_string))
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

/// The word that a keyword rule stands for.
fn keyword(rule: Rule) -> Option<String> {
    let name = format!("{rule:?}");
    match rule {
        Rule::one_to_one | Rule::one_to_many | Rule::many_to_one | Rule::many_to_many => Some(name),
        Rule::or_op => Some("or".to_string()),
        Rule::and_op => Some("and".to_string()),
        _ => name.strip_prefix("k_").map(str::to_string),
    }
}

/// What the grammar expected, in words; each once, words of the language first.
fn expected(rules: &[Rule]) -> Vec<String> {
    let mut described: Vec<String> = rules.iter().filter_map(|rule| describe(*rule)).collect();
    described.sort_by_key(|word| (word == "an operator", word.contains(' ')));
    let mut once: Vec<String> = Vec::new();
    for word in described {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    if once.iter().any(|word| word == "a value") {
        // A value may begin in many ways; they all go without saying.
        once.retain(|word| {
            !matches!(
                word.as_str(),
                "not" | "case" | "if" | "true" | "false" | "null" | "a name" | "a text"
            )
        });
    }
    once
}

fn describe(rule: Rule) -> Option<String> {
    let fixed = match rule {
        Rule::EOI | Rule::field_op | Rule::index_op | Rule::dot | Rule::dot_dot => return None,
        _ if is_operator(rule) => "an operator",
        _ if is_value(rule) => "a value",
        Rule::name | Rule::path | Rule::names => "a name",
        Rule::assignment | Rule::assignments => "a name with `=`",
        Rule::column_line | Rule::source_item => "a column",
        Rule::type_expr
        | Rule::named_type
        | Rule::list_type
        | Rule::map_type
        | Rule::record_type
        | Rule::function_type => "a type",
        Rule::plain_text | Rule::text | Rule::quote | Rule::long_quote => "a text",
        Rule::int => "a whole number",
        Rule::quantity => "a length of time such as `30m`",
        Rule::percent => "a share such as `1%`",
        Rule::clock => "a time such as `06:00`",
        Rule::cardinality => "a relation such as `many_to_one`",
        Rule::connector => "a connector such as `csv(\"file.csv\")`",
        Rule::nullable => "?",
        Rule::lparen => "(",
        Rule::rparen => ")",
        Rule::lbrace
        | Rule::assignment_block
        | Rule::column_block
        | Rule::job_block
        | Rule::parse_block
        | Rule::split_block
        | Rule::route_block => "{",
        Rule::rbrace => "}",
        Rule::lbracket => "[",
        Rule::rbracket => "]",
        Rule::langle => "<",
        Rule::rangle => ">",
        Rule::comma => ",",
        Rule::colon => ":",
        Rule::assign => "=",
        Rule::arrow => "->",
        Rule::fat_arrow => "=>",
        Rule::bang => "!",
        Rule::ellipsis => "...",
        Rule::format => "format",
        Rule::quarantine => "quarantine",
        Rule::keep => "newest",
        Rule::expect_action => "warn",
        Rule::error_policy => "fail",
        Rule::table => "a table: `| column |`",
        _ => return keyword(rule),
    };
    Some(fixed.to_string())
}

fn is_operator(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::or_op
            | Rule::and_op
            | Rule::equal_op
            | Rule::not_equal_op
            | Rule::less_op
            | Rule::less_equal_op
            | Rule::greater_op
            | Rule::greater_equal_op
            | Rule::coalesce_op
            | Rule::add_op
            | Rule::subtract_op
            | Rule::power_op
            | Rule::multiply_op
            | Rule::int_divide_op
            | Rule::divide_op
            | Rule::remainder_op
            | Rule::in_op
            | Rule::is_op
            | Rule::as_op
            | Rule::between_op
            | Rule::matches_op
            | Rule::k_in
            | Rule::k_between
            | Rule::k_matches
            | Rule::k_is
            | Rule::minus_op
    )
}

/// Does the rule begin a value?
fn is_value(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::expr
            | Rule::call
            | Rule::callee
            | Rule::lambda
            | Rule::list
            | Rule::record
            | Rule::paren
            | Rule::case_expr
            | Rule::if_expr
            | Rule::number
            | Rule::date
            | Rule::regex
            | Rule::bound
            | Rule::argument
            | Rule::label
            | Rule::arguments
            | Rule::column
            | Rule::columns
            | Rule::sort_key
            | Rule::sort_keys
            | Rule::not_op
            | Rule::k_not
            | Rule::lambda_parameters
            | Rule::subject
            | Rule::arm_values
            | Rule::join_on
    )
}

#[cfg(test)]
mod tests {
    use super::super::recovery::block_of;
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
