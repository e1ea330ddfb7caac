//! `parse`: the parts of a text, by a regular expression, a grok pattern or a template.

use super::JobChecker;
use crate::check::exprs::bad;
use crate::check::names::Kind;
use crate::check::types::resolve_type;
use crate::diagnostics::{names, patterns, types};
use crate::functions::logs::grok::grok;
use crate::functions::regex::{compile, groups_of_all};
use crate::ir::{Column, Expr, ExprKind, Parse, ParseField, Pattern, Row, StepKind, Template};
use crate::syntax::ast::{self, TemplatePart};
use crate::text::Span;
use crate::types::{DataType, Type};
use std::sync::Arc;

/// A named part of a pattern.
struct Part {
    name: String,
    /// Its number in the pattern, from 1.
    group: usize,
    /// The type that the pattern gives it.
    ty: Type,
    /// Where its type is written, if it is.
    typed: Option<Span>,
    /// Its name in the pattern, or the whole pattern where it is not written there.
    span: Span,
}

/// A column to be.
struct Wanted<'a> {
    name: &'a str,
    span: Span,
    group: usize,
    ty: Type,
    /// Where its type is written.
    typed: Span,
    format: Option<&'a ast::Text>,
}

impl JobChecker<'_, '_> {
    pub(super) fn parse(
        &mut self,
        column: &ast::Name,
        pattern: &ast::Pattern,
        fields: Option<&[ast::ParseField]>,
        span: Span,
    ) {
        let at = self.find(column);
        let Some((read, parts)) = self.pattern(pattern) else { return self.give_up() };
        if let Some(at) = at {
            let ty = self.row.columns[at].ty.clone();
            if ty.data != DataType::String && !ty.is_unknown() {
                let wanted = DataType::String.optional();
                self.found.push(types::does_not_fit("`parse`", column.span, &wanted, &ty));
                return self.give_up();
            }
        }
        if parts.is_empty() {
            self.found.push(patterns::no_names(pattern.span(), &self.text(pattern.span())));
            return self.give_up();
        }
        let mut row = (*self.row).clone();
        let wanted = match fields {
            Some(fields) => self.listed(fields, &parts, pattern, &mut row),
            None => parts.iter().map(Part::wanted).collect(),
        };
        let parsed = wanted.into_iter().filter_map(|one| self.parsed(one, &mut row)).collect();
        let Some(column) = at else {
            self.row = Arc::new(row);
            return;
        };
        let parse = Parse { column, pattern: read, fields: parsed, span: pattern.span() };
        let (first, place) = (self.row.columns.len(), parse.span);
        self.push(StepKind::Parse(Box::new(parse)), row, span);
        self.hold_parsed(first, place, span);
    }

    /// What reads a text, and its named parts.
    fn pattern(&mut self, pattern: &ast::Pattern) -> Option<(Pattern, Vec<Part>)> {
        match pattern {
            ast::Pattern::Regex(text) => {
                let found = compile(&text.value);
                let regex = self.compiled(found, text.span)?;
                let always = groups_of_all(&regex);
                let ty = |name: &str| {
                    let nullable = !always.iter().any(|one| one == name);
                    DataType::String.required().with_nullable(nullable)
                };
                let parts =
                    groups(&regex, ty, |name| self.within(text, &format!("<{name}>"), 1, name));
                Some((Pattern::Regex(text.value.as_str().into()), parts))
            }
            ast::Pattern::Grok(text) => {
                let found = grok(&text.value);
                let grok = self.compiled(found, text.span)?;
                let ty = |name: &str| {
                    let field = grok.fields.iter().find(|field| *field.name == *name);
                    field.map_or(Type::UNKNOWN, |field| field.ty.clone())
                };
                let place = |name: &str| {
                    let ends = [format!(":{name}}}"), format!(":{name}:"), format!("<{name}>")];
                    let found = ends.iter().map(|end| self.within(text, end, 1, name));
                    found.into_iter().find(|span| *span != text.span).unwrap_or(text.span)
                };
                let parts = groups(&grok.regex, ty, place);
                Some((Pattern::Regex(grok.regex.as_str().into()), parts))
            }
            ast::Pattern::Template(template) => self.template(template),
        }
    }

    fn compiled<T>(&mut self, found: Result<T, String>, span: Span) -> Option<T> {
        found.map_err(|reason| self.found.push(patterns::bad(span, &reason))).ok()
    }

    /// The place of a name in a pattern: `skip` bytes into where `around` first stands; the whole
    /// pattern if it stands nowhere.
    fn within(&self, pattern: &ast::Text, around: &str, skip: usize, name: &str) -> Span {
        let Some(at) = self.text(pattern.span).find(around) else { return pattern.span };
        let start = pattern.span.start as usize + at + skip;
        Span::new(pattern.span.file, start, start + name.len())
    }

    fn template(&mut self, template: &ast::Template) -> Option<(Pattern, Vec<Part>)> {
        let mut read = Template { texts: vec![String::new()], names: vec![] };
        let mut parts: Vec<Part> = vec![];
        for part in &template.parts {
            match part {
                TemplatePart::Literal(text) => read.texts.last_mut()?.push_str(text),
                TemplatePart::Hole(name, ty) => {
                    if !read.names.is_empty() && read.texts.last()?.is_empty() {
                        let before = read.names.last()?;
                        self.found.push(patterns::nothing_between(before, &name.text, name.span));
                        return None;
                    }
                    read.texts.push(String::new());
                    read.names.push(name.text.clone());
                    // `_` is a part that nobody wants.
                    if name.text == "_" {
                        continue;
                    }
                    if let Some(first) = parts.iter().find(|part| part.name == name.text) {
                        let first = first.span;
                        self.found.push(names::column_twice(&name.text, name.span, first));
                        continue;
                    }
                    let typed = ty.as_ref();
                    parts.push(Part {
                        name: name.text.clone(),
                        group: read.names.len(),
                        ty: match typed {
                            Some(ty) => resolve_type(ty, self.globals, self.found),
                            None => DataType::String.required(),
                        },
                        typed: typed.map(|ty| ty.span),
                        span: name.span,
                    });
                }
            }
        }
        Some((Pattern::Template(Arc::new(read)), parts))
    }

    /// The columns that the block lists.
    fn listed<'a>(
        &mut self,
        fields: &'a [ast::ParseField],
        parts: &[Part],
        pattern: &ast::Pattern,
        row: &mut Row,
    ) -> Vec<Wanted<'a>> {
        let known: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        let mut wanted = vec![];
        for field in fields {
            let (name, span) = (field.name.text.as_str(), field.name.span);
            let ty = resolve_type(&field.ty, self.globals, self.found);
            let Some(part) = parts.iter().find(|part| part.name == name) else {
                self.found.push(patterns::no_part(name, span, pattern, &known));
                row.columns.push(column(name, span, bad(span).ty));
                continue;
            };
            if part.span != pattern.span() {
                self.globals.names().declared(part.span, Kind::Column, span);
            }
            let (group, format) = (part.group, field.format.as_ref());
            wanted.push(Wanted { name, span, group, ty, typed: field.ty.span, format });
        }
        wanted
    }

    /// A column of the pattern, which the row gets.
    fn parsed(&mut self, wanted: Wanted, row: &mut Row) -> Option<ParseField> {
        let Wanted { name, span, group, mut ty, typed, format } = wanted;
        if let Some(first) = row.find(name) {
            let first = row.columns[first].origin;
            self.found.push(names::column_twice(name, span, first));
            return None;
        }
        if !ty.data.is_ordered() && ty.data.opened() != DataType::Json {
            let from = DataType::String.required();
            self.found.push(types::no_cast(typed, &from, &ty.data, None));
            return None;
        }
        let parsed = ParseField {
            name: name.into(),
            group,
            ty: ty.clone(),
            format: format.map(|format| format.value.as_str().into()),
            span,
        };
        // With `on error null`, what cannot be read is null.
        ty.nullable |= self.null_on_error.is_some();
        self.globals.names().new_column(span, &ty);
        row.columns.push(column(name, span, ty));
        Some(parsed)
    }

    /// Holds what has been parsed against the conditions of its types.
    fn hold_parsed(&mut self, first: usize, place: Span, span: Span) {
        for column in first..self.row.columns.len() {
            let ty = self.row.columns[column].ty.clone();
            if ty.data.has_named(&|named| named.is_part) {
                let read = Expr { kind: ExprKind::Column(column), ty: ty.opened(), span: place };
                let value = self.scope().cast_to(read, &ty, place);
                let row = (*self.row).clone();
                self.push(StepKind::Set { column, value }, row, span);
            }
        }
    }
}

impl Part {
    /// The column that it is when nothing is listed.
    fn wanted(&self) -> Wanted<'_> {
        let (name, span, group) = (self.name.as_str(), self.span, self.group);
        let typed = self.typed.unwrap_or(span);
        Wanted { name, span, group, ty: self.ty.clone(), typed, format: None }
    }
}

/// The named groups of a regular expression.
fn groups(
    regex: &regex::Regex,
    ty: impl Fn(&str) -> Type,
    place: impl Fn(&str) -> Span,
) -> Vec<Part> {
    let names = regex.capture_names().enumerate();
    let part = |(group, name): (usize, Option<&str>)| {
        let (name, ty, span) = (name?.to_owned(), ty(name?), place(name?));
        Some(Part { name, group, ty, typed: None, span })
    };
    names.filter_map(part).collect()
}

fn column(name: &str, origin: Span, ty: Type) -> Column {
    Column { name: name.into(), ty, origin, domain: None }
}
