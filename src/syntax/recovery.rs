//! A declaration that did not parse as a whole: it is taken apart into its first line and the
//! statements of its block, and each of these is parsed alone, so that one mistake costs one
//! statement. Finding out *what* is wrong with a bad one is the business of `second_look`.

mod group;
mod tables;

use super::ast::{
    Assignment, ColumnDeclaration, DeclarationKind, Enum, Expr, ExprKind, Job, Name, ParseField,
    Setting, SettingKind, Statement, Step, Test, TestItem, TypeExpr, TypeExprKind,
};
use super::habits::column_name;
use super::layout::{Piece, Problem};
use super::lower::Item;
use super::parser::{Parser, parse, parse_all};
use super::tokens::TokenKind;
use super::words::{Place, is_reserved, word_in};
use crate::diagnostics::syntax;
use crate::text::Span;
use batchc_grammar::Rule;
use std::ops::Range;

/// The block that a declaration has, by its first word.
pub(super) fn block_of(word: &str) -> Option<Place> {
    Some(match word {
        "job" | "transform" => Place::Job,
        "source" => Place::Source,
        "output" => Place::Output,
        "pipeline" => Place::Pipeline,
        "model" => Place::Model,
        "test" => Place::Test,
        "enum" => Place::Enum,
        _ => return None,
    })
}

/// The rule of the grammar for a statement of a block.
pub(super) fn entry_of(place: Place) -> Rule {
    match place {
        Place::File => Rule::only_declaration,
        Place::Job => Rule::only_job_item,
        Place::Source => Rule::only_source_item,
        Place::Output => Rule::only_output_item,
        Place::Pipeline => Rule::only_pipeline_item,
        Place::Model => Rule::only_model_item,
        Place::Test => Rule::only_test_item,
        Place::Enum => Rule::only_member,
        Place::Inner => Rule::only_assignment,
    }
}

/// The rule of the grammar for a line of the block that a step of this word has.
pub(super) fn line_entry(verb: &str) -> Option<Rule> {
    Some(match verb {
        "derive" | "set" => Rule::only_assignment,
        "select" | "group" | "window" => Rule::only_column,
        "parse" => Rule::only_parse_field,
        "split" => Rule::only_share,
        "route" => Rule::only_branch,
        _ => return None,
    })
}

/// The rule of the grammar for the first line of a declaration with a block, by its first word.
pub(super) fn head_entry(word: &str) -> Rule {
    match word {
        "job" => Rule::only_job_head,
        "source" => Rule::only_source_head,
        "output" => Rule::only_output_head,
        "pipeline" => Rule::only_pipeline_head,
        "model" => Rule::only_model_head,
        "transform" => Rule::only_transform_head,
        "test" => Rule::only_test_head,
        _ => Rule::only_enum_head,
    }
}

/// The statements of a block, sorted.
#[derive(Default)]
struct Items {
    steps: Vec<Statement>,
    settings: Vec<Setting>,
    columns: Vec<ColumnDeclaration>,
    members: Vec<(Name, Option<super::ast::Text>)>,
    tests: Vec<TestItem>,
}

/// What was saved of a line of an inner block.
enum Line {
    Assignment(Assignment),
    Field(ParseField),
    /// It parses; what it says is not kept.
    Other,
    /// Not even its name is known.
    Lost,
}

impl Parser<'_> {
    /// Takes a declaration apart. Reports at least one diagnostic.
    pub fn recover(&mut self, at: usize) -> DeclarationKind {
        let piece = self.piece(at);
        let tokens = piece.tokens.clone();
        let word = self.layout.source(tokens.start);
        let guess = self.declaration_word(word);
        let Some(place) = guess.and_then(block_of) else {
            self.bad(piece, tokens.clone(), Place::File, Rule::only_declaration);
            return DeclarationKind::Bad(self.declared_name(&tokens));
        };
        let Some(brace) = self.brace(&tokens) else {
            return self.without_block(piece, place);
        };
        let next = self
            .layout
            .pieces
            .get(at + 1)
            .map(|next| self.span(next.tokens.start..next.tokens.start + 1));
        let head = self.head(piece, tokens.start..brace);
        if !self.layout.is_closed(brace) && !self.has_endless_text(&tokens) {
            self.found.push(syntax::unclosed_block(self.span(brace..brace + 1), next));
        }
        let body = self.body(brace, tokens.end);
        let behind = if self.layout.is_closed(brace) { body.end + 1 } else { body.end };
        let items = self.items(piece, body, place);
        self.behind_block(piece, behind..tokens.end);
        match head {
            Some(head) if guess == Some(word) => complete(head, items),
            // `job j from orders {`, whose steps do not begin with it.
            None if word == "job" && self.names_table(tokens.start..brace) => {
                DeclarationKind::Bad(self.declared_name(&tokens))
            }
            _ if guess == Some("job") => match self.declared_name(&tokens) {
                Some(name) => {
                    DeclarationKind::Job(Job { name, settings: items.settings, steps: items.steps })
                }
                None => DeclarationKind::Bad(None),
            },
            _ => DeclarationKind::Bad(self.declared_name(&tokens)),
        }
    }

    fn names_table(&self, mut head: Range<usize>) -> bool {
        head.any(|at| self.layout.source(at) == "from")
    }

    /// Has a long text that is never closed taken the rest of the declaration, its `}` included?
    fn has_endless_text(&self, tokens: &Range<usize>) -> bool {
        self.layout.tokens[tokens.clone()].iter().any(|token| {
            token.kind == TokenKind::UnclosedText && self.source[token.range()].contains('\n')
        })
    }

    /// The tokens between a brace and what closes it.
    fn body(&self, brace: usize, end: usize) -> Range<usize> {
        let partner = self.layout.partner[brace] as usize;
        brace + 1..partner.clamp(brace + 1, end.max(brace + 1))
    }

    /// The name that a declaration gives to something: the word behind its first one.
    fn declared_name(&self, tokens: &Range<usize>) -> Option<Name> {
        let second =
            (tokens.start + 1..tokens.end).find(|at| !self.layout.tokens[*at].kind.is_trivia())?;
        let text = self.layout.source(second);
        let is_name = self.layout.tokens[second].kind == TokenKind::Word && !is_reserved(text);
        is_name.then(|| Name { text: text.to_string(), span: self.span(second..second + 1) })
    }

    /// The brace that begins the block of a declaration.
    fn brace(&self, tokens: &Range<usize>) -> Option<usize> {
        let mut at = tokens.start;
        while at < tokens.end {
            if self.layout.source(at) == "{" && self.layout.tokens[at].kind == TokenKind::Open {
                return Some(at);
            }
            // A parenthesis that is never closed must not hide the block.
            at = if self.layout.is_closed(at) { self.layout.behind(at) } else { at + 1 };
        }
        None
    }

    /// A declaration whose `{` is missing: its first line, and perhaps statements below.
    fn without_block(&mut self, piece: &Piece, place: Place) -> DeclarationKind {
        let tokens = piece.tokens.clone();
        let mut lines = self.layout.split(tokens.clone(), false).into_iter();
        let head = lines.next().unwrap_or(tokens.clone());
        let below: Vec<Range<usize>> = lines.collect();
        let needs_block = !matches!(self.layout.source(tokens.start), "source" | "output");
        if (needs_block || !below.is_empty()) && self.head(piece, head.clone()).is_some() {
            let diagnostic = self.missing_block(head.clone(), !below.is_empty());
            self.found.push(diagnostic);
        } else if !needs_block && below.is_empty() {
            self.bad(piece, head.clone(), Place::File, Rule::only_declaration);
        }
        let mut items = Items::default();
        for line in below.into_iter().filter(|line| self.layout.source(line.start) != "}") {
            self.item(piece, line, place, &mut items);
        }
        match self.declared_name(&tokens) {
            Some(name) if self.layout.source(tokens.start) == "job" => {
                DeclarationKind::Job(Job { name, settings: items.settings, steps: items.steps })
            }
            name => DeclarationKind::Bad(name),
        }
    }

    /// The first line of a declaration, parsed with an empty block. None, and a diagnostic, when
    /// it does not parse.
    fn head(&mut self, piece: &Piece, tokens: Range<usize>) -> Option<DeclarationKind> {
        let tokens = self.layout.trimmed(tokens);
        let bytes = self.layout.bytes(tokens.clone());
        if self.is_sound(piece, &tokens) {
            let text = format!("{} {{}}", &self.layout.text[bytes.clone()]);
            if let Ok(pair) = parse(Rule::only_declaration, &text) {
                return Some(self.lower(bytes.start).declaration(pair));
            }
        }
        let word = self.declaration_word(self.layout.source(tokens.start));
        self.bad(piece, tokens, Place::File, head_entry(word.unwrap_or_default()));
        None
    }

    /// What follows the block of a declaration, which is nothing when all is well.
    fn behind_block(&mut self, piece: &Piece, tokens: Range<usize>) {
        let tokens = self.layout.trimmed(tokens);
        if tokens.is_empty() {
            return;
        }
        let first = self.layout.split(tokens.clone(), false).into_iter().next().unwrap_or(tokens);
        self.bad(piece, first, Place::File, Rule::only_declaration);
    }

    fn items(&mut self, piece: &Piece, tokens: Range<usize>, place: Place) -> Items {
        let mut items = Items::default();
        let by_commas = matches!(place, Place::Source | Place::Enum);
        let mut parts = self.layout.split(tokens, by_commas).into_iter().peekable();
        while let Some(part) = parts.next() {
            if let Some(next) = parts.next_if(|next| self.goes_on_below(&part, next, place)) {
                self.trailing_operator(&part, &next);
                items.steps.push(self.bad_step(&part));
                continue;
            }
            let rows = self.rows_without_bars(&part, place, &mut parts);
            if !rows.is_empty() {
                self.say_rows_without_bars(&rows);
                items.tests.push(TestItem::Bad);
                continue;
            }
            let lines = self.lines_of_group(&part, place, &mut parts);
            if lines.is_empty() {
                self.item(piece, part, place, &mut items);
            } else {
                items.steps.push(self.group_without_block(piece, part, lines));
            }
        }
        items
    }

    /// One statement of a block.
    fn item(&mut self, piece: &Piece, tokens: Range<usize>, place: Place, items: &mut Items) {
        let span = self.span(tokens.clone());
        let entry = entry_of(place);
        if self.is_sound(piece, &tokens)
            && let Some(pairs) = parse_all(entry, &self.layout.text[span.range()])
        {
            for pair in pairs {
                let item = self.lower(span.start as usize).item_of(pair);
                match item {
                    Some(Item::Step(step)) => items.steps.push(step),
                    Some(Item::Setting(setting)) => items.settings.push(setting),
                    Some(Item::Column(column)) => items.columns.push(column),
                    Some(Item::Member(name, text)) => items.members.push((name, text)),
                    Some(Item::Test(item)) => items.tests.push(item),
                    None => {}
                }
            }
            return;
        }
        if let Some(step) = self.step_with_block(piece, &tokens, place) {
            items.steps.push(step);
            return;
        }
        self.bad(piece, tokens.clone(), place, entry);
        match place {
            Place::Source => match self.bad_column(&tokens) {
                Some(column) => items.columns.push(column),
                None => items.settings.push(Setting { kind: SettingKind::Bad, span }),
            },
            Place::Job => items.steps.push(self.bad_step(&tokens)),
            Place::Test => items.tests.push(TestItem::Bad),
            _ => items.settings.push(Setting { kind: SettingKind::Bad, span }),
        }
    }

    fn bad_step(&self, tokens: &Range<usize>) -> Statement {
        let verb = self.span(tokens.start..tokens.start + 1);
        Statement { step: Step::Bad, span: self.span(tokens.clone()), verb }
    }

    /// Does a statement end with an operator, and the next line hold what it is for?
    fn goes_on_below(&self, part: &Range<usize>, next: &Range<usize>, place: Place) -> bool {
        let operator = matches!(
            self.layout.source(part.end - 1),
            "and" | "or" | "+" | "-" | "*" | "/" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "??"
        );
        operator && place == Place::Job && word_in(place, self.layout.source(next.start)).is_none()
    }

    /// Says that an operator stands at the beginning of the next line.
    fn trailing_operator(&mut self, part: &Range<usize>, next: &Range<usize>) {
        let last = part.end - 1;
        let before = self.span(self.layout.trimmed(part.start..last)).end as usize;
        let (operator, next) = (self.span(last..part.end), self.span(next.start..next.start + 1));
        let between = &self.source[operator.end as usize..next.start as usize];
        let written = format!("{between}{} ", self.layout.source(last));
        let place = Span::new(self.file, before, next.start as usize);
        self.found.push(syntax::trailing_operator(
            self.layout.source(last),
            operator,
            place,
            written,
        ));
    }

    /// A column of which at least the name is known.
    fn bad_column(&self, tokens: &Range<usize>) -> Option<ColumnDeclaration> {
        let source = self.layout.source(tokens.start);
        let text = match self.layout.tokens[tokens.start].kind {
            _ if self.has_hidden(tokens) => return None,
            TokenKind::Word => source.to_owned(),
            TokenKind::Text => column_name(source)?,
            _ => return None,
        };
        let (name, span) = (self.span(tokens.start..tokens.start + 1), self.span(tokens.clone()));
        let ty = TypeExpr { kind: TypeExprKind::Bad, nullable: false, span: name.after() };
        let name = Name { text, span: name };
        Some(ColumnDeclaration { name, ty, attributes: Vec::new(), doc: None, span })
    }

    /// A step that ends in a block of its own (`derive { ... }`, `group by k { ... }`), taken
    /// apart once more. None when it is not one.
    fn step_with_block(
        &mut self,
        piece: &Piece,
        tokens: &Range<usize>,
        place: Place,
    ) -> Option<Statement> {
        if place != Place::Job {
            return None;
        }
        let verb = self.layout.source(tokens.start);
        let entry = line_entry(verb)?;
        let brace = self.last_brace(tokens)?;
        let next = self.layout.trimmed(tokens.start + 1..tokens.end).start;
        if matches!(verb, "derive" | "set" | "select" | "route") && next != brace {
            return None;
        }
        let (span, verb) = (self.span(tokens.clone()), self.span(tokens.start..tokens.start + 1));
        let head = self.step_head(piece, tokens.start..brace);
        if !self.layout.is_closed(brace) {
            self.found.push(syntax::unclosed_block(self.span(brace..brace + 1), None));
        }
        let mut lines = Vec::new();
        for line in self.layout.split(self.body(brace, tokens.end), true) {
            self.line(piece, line, entry, &mut lines);
        }
        let is_lost = lines.iter().any(|line| matches!(line, Line::Lost));
        let step = head.filter(|_| !is_lost).map_or(Step::Bad, |head| with_lines(head.step, lines));
        Some(Statement { step, span, verb })
    }

    /// The brace of the block that ends a statement.
    fn last_brace(&self, tokens: &Range<usize>) -> Option<usize> {
        let (mut at, mut found) = (tokens.start, None);
        while at < tokens.end {
            let behind = self.layout.behind(at);
            if self.layout.source(at) == "{" && behind >= tokens.end {
                found = Some(at);
            }
            at = behind;
        }
        found
    }

    fn step_head(&mut self, piece: &Piece, tokens: Range<usize>) -> Option<Statement> {
        let tokens = self.layout.trimmed(tokens);
        let bytes = self.layout.bytes(tokens.clone());
        if self.is_sound(piece, &tokens) {
            let text = format!("{} {{}}", &self.layout.text[bytes.clone()]);
            if let Ok(pair) = parse(Rule::only_job_item, &text)
                && let Some(Item::Step(step)) = self.lower(bytes.start).item_of(pair)
            {
                return Some(step);
            }
        }
        self.bad(piece, tokens, Place::Job, Rule::only_job_item);
        None
    }

    fn line(&mut self, piece: &Piece, tokens: Range<usize>, entry: Rule, lines: &mut Vec<Line>) {
        let span = self.span(tokens.clone());
        if self.is_sound(piece, &tokens)
            && let Some(pairs) = parse_all(entry, &self.layout.text[span.range()])
        {
            let lower = self.lower(span.start as usize);
            lines.extend(pairs.iter().map(|pair| match pair.as_rule() {
                Rule::assignment | Rule::column => Line::Assignment(lower.assignment_of(pair)),
                Rule::parse_field => Line::Field(lower.parse_field_of(pair)),
                _ => Line::Other,
            }));
            return;
        }
        self.bad(piece, tokens.clone(), Place::Inner, entry);
        lines.push(self.bad_line(&tokens, span, entry));
    }

    /// A line of which the name may still be known, so that uses of it stay silent.
    fn bad_line(&self, tokens: &Range<usize>, span: Span, entry: Rule) -> Line {
        let second = self.layout.trimmed(tokens.start + 1..tokens.end).start;
        let sign = self.layout.source(second);
        let text = self.layout.source(tokens.start);
        if self.layout.tokens[tokens.start].kind != TokenKind::Word || is_reserved(text) {
            return Line::Lost;
        }
        let name = Name { text: text.to_string(), span: self.span(tokens.start..tokens.start + 1) };
        match entry {
            Rule::only_assignment | Rule::only_column if sign == "=" => {
                let value = Expr { kind: ExprKind::Bad, span };
                Line::Assignment(Assignment { name: Some(name), value, span })
            }
            Rule::only_parse_field => {
                let ty =
                    TypeExpr { kind: TypeExprKind::Bad, nullable: false, span: name.span.after() };
                Line::Field(ParseField { name, ty, format: None })
            }
            _ => Line::Lost,
        }
    }

    /// Says what is wrong with a piece. A character that cannot be seen has been reported, and is
    /// what is wrong with its line.
    pub fn bad(&mut self, piece: &Piece, tokens: Range<usize>, place: Place, entry: Rule) {
        if !self.has_hidden(&tokens) {
            let diagnostic = self.second_look(piece, tokens, place, entry);
            self.found.push(diagnostic);
        }
    }

    fn has_hidden(&self, tokens: &Range<usize>) -> bool {
        self.layout.tokens[tokens.clone()].iter().any(|token| token.kind == TokenKind::Hidden)
    }

    /// The first problem with brackets among some tokens; nesting goes before the others.
    pub fn problem(&self, piece: &Piece, tokens: &Range<usize>) -> Option<Problem> {
        let first = piece.problems.partition_point(|problem| problem.token() < tokens.start);
        let inside =
            piece.problems[first..].iter().take_while(|problem| problem.token() < tokens.end);
        inside
            .clone()
            .find(|problem| matches!(problem, Problem::TooDeep(_)))
            .or(inside.clone().next())
            .copied()
    }
}

/// Puts the statements of a block into a declaration that was parsed with an empty one.
fn complete(head: DeclarationKind, items: Items) -> DeclarationKind {
    match head {
        DeclarationKind::Job(job) => {
            DeclarationKind::Job(Job { settings: items.settings, steps: items.steps, ..job })
        }
        DeclarationKind::Transform(mut transform) => {
            (transform.settings, transform.steps) = (items.settings, items.steps);
            DeclarationKind::Transform(transform)
        }
        DeclarationKind::Source(mut source) => {
            (source.columns, source.settings) = (items.columns, items.settings);
            DeclarationKind::Source(source)
        }
        DeclarationKind::Output(mut output) => {
            output.settings = items.settings;
            DeclarationKind::Output(output)
        }
        DeclarationKind::Pipeline(mut pipeline) => {
            pipeline.settings = items.settings;
            DeclarationKind::Pipeline(pipeline)
        }
        DeclarationKind::Test(test) => DeclarationKind::Test(Test { items: items.tests, ..test }),
        // An enum with a member missing would make others seem wrong.
        DeclarationKind::Enum(declared) if items.settings.is_empty() => {
            DeclarationKind::Enum(Enum { members: items.members, ..declared })
        }
        DeclarationKind::Enum(declared) => DeclarationKind::Bad(Some(declared.name)),
        other => other,
    }
}

/// Puts the lines of an inner block into a step that was parsed with an empty one.
fn with_lines(step: Step, lines: Vec<Line>) -> Step {
    let (mut assignments, mut fields) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Assignment(assignment) => assignments.push(assignment),
            Line::Field(field) => fields.push(field),
            Line::Other | Line::Lost => {}
        }
    }
    match step {
        Step::Derive(_) => Step::Derive(assignments),
        Step::Set(_) => Step::Set(assignments),
        Step::Select(_) => Step::Select(assignments),
        Step::Group { keys, .. } => Step::Group { keys, aggregates: assignments },
        Step::Parse { column, pattern, .. } => {
            Step::Parse { column, pattern, fields: Some(fields) }
        }
        other => other,
    }
}
