//! Expressions: their names, types and nulls.
//!
//! [`Scope::check`] goes once over the written tree. What has rules of its own, such as arithmetic,
//! calls or members of enums, has a file of its own.

mod aggregates;
mod arithmetic;
mod calls;
mod cases;
mod convert;
pub(super) mod domain;
mod members;
mod mismatches;
pub(super) mod narrow;
mod operators;
mod own_functions;
mod patterns;

pub(super) use convert::{adaptable, convert};

use super::globals::Globals;
use super::later;
use crate::diagnostics::{
    Diagnostic, Diagnostics, arguments, functions, literals, names, syntax, types,
};
use crate::ir::{AggregateCall, Expr, ExprKind, Row, RunValue, Slot};
use crate::syntax::ast::{self, ExprKind as A, TextPart};
use crate::text::Span;
use crate::types::{DataType, Field, Scalar, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// What an expression can see.
pub(super) struct Scope<'s, 'a> {
    pub(super) globals: &'s mut Globals<'a>,
    pub(super) found: &'s mut Diagnostics,
    /// The row before the step; None where only constants may stand.
    pub(super) row: Option<&'s Row>,
    /// The job, for messages.
    pub(super) table: (&'s str, Span),
    /// Columns that earlier steps removed, and where.
    pub(super) dropped: Option<&'s HashMap<String, Span>>,
    /// The right side of a join, whose columns follow those of `row`.
    pub(super) right: Option<RightSide<'s>>,
    /// Variables of the enclosing lambdas and functions.
    pub(super) slots: Vec<(String, Slot, Type)>,
    /// Columns that cannot be null here, by what has been asked before.
    pub(super) narrowed: Vec<usize>,
    /// The group whose values are computed.
    pub(super) group: Option<GroupScope>,
    /// Where the job says that what fails is null, if it says so.
    pub(super) null_on_error: Option<Span>,
}

/// The right side of a join.
pub(super) struct RightSide<'s> {
    pub(super) name: &'s str,
    pub(super) row: &'s Row,
}

/// The values of a group: its keys, and the aggregates found so far.
pub(super) struct GroupScope {
    pub(super) keys: Vec<(Arc<str>, Type)>,
    pub(super) aggregates: Vec<AggregateCall>,
    pub(super) keys_text: String,
    pub(super) span: Span,
}

/// Says that something of the language is not there yet.
fn not_yet(what: &str, span: Span) -> Diagnostic {
    syntax::not_available_yet(&ast::Later { what: what.to_owned(), name: None, span })
}

/// The expression of what did not check.
pub(super) fn bad(span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Scalar::Null), ty: Type::UNKNOWN, span }
}

pub(super) fn literal(value: Scalar, data: DataType, span: Span) -> Expr {
    let nullable = value.is_null();
    Expr { kind: ExprKind::Literal(value), ty: Type { data, nullable }, span }
}

impl<'s, 'a> Scope<'s, 'a> {
    /// A scope without a row: literals, parameters and functions of them.
    pub(super) fn constant(
        globals: &'s mut Globals<'a>,
        found: &'s mut Diagnostics,
    ) -> Scope<'s, 'a> {
        let nowhere = Span::new(crate::text::FileId(0), 0, 0);
        Scope {
            globals,
            found,
            row: None,
            table: ("", nowhere),
            dropped: None,
            right: None,
            slots: vec![],
            narrowed: vec![],
            group: None,
            null_on_error: None,
        }
    }

    /// The text of a place.
    pub(super) fn text(&self, span: Span) -> String {
        self.globals.files.text(span).to_owned()
    }

    /// The expression, typed; `expected` helps to tell members of enums apart.
    pub(super) fn check(&mut self, expr: &ast::Expr, expected: Option<&DataType>) -> Expr {
        let span = expr.span;
        match &expr.kind {
            A::Name(name) => self.name(name, span, expected),
            A::Field(base, name) => self.field(base, name, span),
            A::Index(list, at) => self.index(list, at, span),
            A::Call(name, arguments) => self.call(name, arguments, span),
            A::Unary(op, value) => self.unary(*op, value, span),
            A::Binary(op, place, left, right) => self.binary(*op, *place, left, right, span),
            A::IsNull { value, negated } => self.is_null(value, *negated, span),
            A::In { value, negated, list } => self.is_in(value, *negated, list, span),
            A::Between { value, negated, low, high } => {
                self.between(value, *negated, (low, high), span)
            }
            A::Matches { value, negated, pattern } => self.matches(value, *negated, pattern, span),
            A::As(value, ty) => self.cast(value, ty, span),
            A::If(condition, then, otherwise) => {
                self.if_else(condition, then, otherwise, span, expected)
            }
            A::Case { subject, arms, otherwise } => {
                self.case(subject.as_deref(), arms, otherwise.as_deref(), span, expected)
            }
            A::Lambda(..) => {
                self.found.push(arguments::stray_lambda(span));
                bad(span)
            }
            A::List(items) => self.list(items, span, expected),
            A::Record(fields) => self.record(fields, span),
            A::Text(parts) => self.interpolated(parts, span),
            A::Bad => bad(span),
            _ => self.simple_literal(&expr.kind, span),
        }
    }

    /// The expression, widened to `ty`; says so when it does not fit there.
    pub(super) fn check_as(&mut self, expr: &ast::Expr, ty: &Type, what: &str) -> Expr {
        let value = self.check(expr, Some(&ty.data));
        self.fit(value, ty, what)
    }

    /// Widens to `ty`; says so when it does not fit there.
    pub(super) fn fit(&mut self, value: Expr, ty: &Type, what: &str) -> Expr {
        if value.ty.is_unknown() || ty.is_unknown() {
            return bad(value.span);
        }
        let value = convert::adapt(value, &ty.data);
        if !crate::types::widens(&value.ty, ty) {
            self.found.push(types::does_not_fit(what, value.span, ty, &value.ty));
            return bad(value.span);
        }
        convert(value, &ty.data)
    }

    /// A condition: `bool`, or `bool?` when `nulls` says so.
    pub(super) fn condition(&mut self, expr: &ast::Expr, what: &str, nulls: NullRule) -> Expr {
        let value = self.check(expr, Some(&DataType::Bool));
        if value.ty.is_unknown() {
            return value;
        }
        if value.ty.data != DataType::Bool && value.ty.data != DataType::Null {
            self.found.push(types::not_a_condition(what, value.span, &value.ty));
            return bad(value.span);
        }
        if value.ty.nullable && nulls != NullRule::Allowed {
            let cause = narrow::cause(&value, &self.narrowed);
            let text = self.text(value.span);
            let row = self.row;
            let cause = cause.and_then(|at| row.map(|row| &row.columns[at]));
            let cause = cause.map(|column| (&*column.name, &column.ty, column.origin));
            let step = nulls == NullRule::Filter;
            self.found.push(types::nullable_condition(
                what,
                value.span,
                cause,
                &text,
                step,
                self.null_on_error,
            ));
            return bad(value.span);
        }
        if nulls == NullRule::Filter
            && value.may_fail()
            && let Some(since) = self.null_on_error
        {
            let text = self.text(value.span);
            self.found.push(types::failing_condition(value.span, since, &text));
            return bad(value.span);
        }
        convert(value, &DataType::Bool)
    }

    /// Can it be null, also because it fails?
    pub(super) fn can_be_null(&self, value: &Expr) -> bool {
        value.ty.nullable || (self.null_on_error.is_some() && value.may_fail())
    }

    fn simple_literal(&mut self, kind: &A, span: Span) -> Expr {
        let value = match kind {
            A::Int(Some(value)) => match i64::try_from(*value) {
                Ok(value) => Scalar::Int(value),
                Err(_) => {
                    self.found.push(literals::number_too_large(span, &value.to_string()));
                    return bad(span);
                }
            },
            A::Number(text) => match text.parse::<f64>() {
                Ok(value) => Scalar::Float(value),
                Err(_) => return bad(span),
            },
            A::Percent(share) => Scalar::Float(*share),
            A::Regex(pattern) => Scalar::String(pattern.as_str().into()),
            A::Bool(value) => Scalar::Bool(*value),
            A::Null => return literal(Scalar::Null, DataType::Null, span),
            A::Duration(micros) => Scalar::Duration(*micros),
            A::Months(_) => {
                self.found.push(types::months(span, self.globals.files.text(span)));
                return bad(span);
            }
            A::Bytes(bytes) => Scalar::Int(*bytes as i64),
            A::Date(days) => Scalar::Date(*days),
            A::Datetime(micros) => Scalar::Datetime(*micros),
            A::Timestamp(micros) => Scalar::Timestamp(*micros),
            _ => return bad(span),
        };
        if matches!(value, Scalar::Float(number) if number.is_infinite()) {
            self.found.push(literals::float_too_large(span, self.globals.files.text(span)));
            return bad(span);
        }
        let data = value.natural_type();
        literal(value, data, span)
    }

    fn name(&mut self, name: &str, span: Span, expected: Option<&DataType>) -> Expr {
        if let Some((_, slot, ty)) = self.slots.iter().rev().find(|(slot, ..)| slot == name) {
            return Expr { kind: ExprKind::Slot(*slot), ty: ty.clone(), span };
        }
        if self.group.is_some()
            && let Some(value) = self.group_name(name, span)
        {
            return value;
        }
        if self.group.is_none()
            && let Some(at) = self.row.and_then(|row| row.find(name))
        {
            self.warn_hidden(name, span);
            return self.column(at, span);
        }
        if let Some(at) = self.globals.params.iter().position(|param| param.name == name) {
            let ty = self.globals.params[at].ty.clone();
            return Expr { kind: ExprKind::Param(crate::ir::ParamId(at as u32)), ty, span };
        }
        if let Some(value) = self.member(name, span, expected) {
            return value;
        }
        self.unknown_name(name, span, expected);
        bad(span)
    }

    /// A column of the row, as it is known to be here.
    pub(super) fn column(&self, at: usize, span: Span) -> Expr {
        let row = self.row.expect("a column is found in a row");
        let ty = &row.columns[at].ty;
        let nullable = ty.nullable && !self.narrowed.contains(&at);
        Expr { kind: ExprKind::Column(at), ty: ty.with_nullable(nullable), span }
    }

    fn group_name(&mut self, name: &str, span: Span) -> Option<Expr> {
        let group = self.group.as_ref().expect("asked only within a group");
        if let Some(at) = group.keys.iter().position(|(key, _)| &**key == name) {
            let ty = group.keys[at].1.clone();
            return Some(Expr { kind: ExprKind::Column(at), ty, span });
        }
        self.row?.find(name)?;
        let found = functions::not_aggregated(name, span, group.span, &group.keys_text);
        self.found.push(found);
        Some(bad(span))
    }

    /// A column is meant before a parameter of the same name: said once, since it can surprise.
    fn warn_hidden(&mut self, name: &str, span: Span) {
        let Some(at) = self.globals.params.iter().position(|param| param.name == name) else {
            return;
        };
        if self.globals.hidden.insert(at) {
            self.found.push(names::hidden_parameter(name, span, self.globals.params[at].span));
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span, expected: Option<&DataType>) {
        if self.globals.later.contains_key(name) {
            return;
        }
        if let Some(DataType::Enum(declared)) = expected
            && self.is_member_meant(name, declared)
        {
            let members: Vec<&str> = declared.members.iter().map(|member| &*member.name).collect();
            self.found.push(names::no_member(&declared.name, name, span, &members));
            return;
        }
        let Some(row) = self.row else {
            let near: Vec<&str> =
                self.globals.params.iter().map(|param| param.name.as_str()).collect();
            self.found.push(names::no_name(name, span, &near));
            return;
        };
        if later::COLUMNS.contains(&name) {
            self.found.push(not_yet(&format!("the hidden column {name}"), span));
            return;
        }
        if row.broken {
            return;
        }
        if let Some(right) = &self.right
            && right.row.find(name).is_some()
        {
            self.found.push(names::of_the_right_side(name, span, self.table.0, right.name));
            return;
        }
        if let Some(found) = names::foreign_value(name, span) {
            self.found.push(found);
            return;
        }
        if let Some(dropped) = self.dropped.and_then(|dropped| dropped.get(name)) {
            self.found.push(names::dropped_column(name, span, *dropped));
            return;
        }
        let columns: Vec<&str> = row.columns.iter().map(|column| &*column.name).collect();
        let members = self.globals.enums.values().flat_map(|(declared, _)| &declared.members);
        let others: Vec<&str> = self
            .globals
            .params
            .iter()
            .map(|param| param.name.as_str())
            .chain(members.map(|member| &*member.name))
            .chain(self.slots.iter().map(|(slot, ..)| slot.as_str()))
            .collect();
        let column_near = crate::diagnostics::nearest(name, columns.iter().copied());
        let other_near = crate::diagnostics::nearest(name, others.iter().copied());
        if column_near.is_none() && other_near.is_some() {
            self.found.push(names::no_name(name, span, &others));
        } else {
            self.found.push(names::no_column(name, span, self.table, &columns));
        }
    }

    fn field(&mut self, base: &ast::Expr, name: &ast::Name, span: Span) -> Expr {
        if let A::Name(text) = &base.kind
            && let Some(value) = self.qualified(text, name, span)
        {
            return value;
        }
        let value = self.check(base, None);
        match &value.ty.data {
            DataType::Record(fields) => {
                match fields.iter().position(|field| *field.name == *name.text) {
                    Some(at) => {
                        let nullable = value.ty.nullable || fields[at].ty.nullable;
                        let ty = fields[at].ty.with_nullable(nullable);
                        Expr { kind: ExprKind::Field(Box::new(value), at), ty, span }
                    }
                    None => {
                        let all: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
                        let ty = value.ty.to_string();
                        self.found.push(names::no_field(&name.text, name.span, &ty, &all));
                        bad(span)
                    }
                }
            }
            DataType::Unknown => bad(span),
            _ => {
                let ty = value.ty.to_string();
                let found = names::no_field(&name.text, name.span, &ty, &[]);
                // `day.year` of other languages
                let registry = self.globals.registry;
                let is_function = !registry.overloads(&name.text).is_empty()
                    && !registry.is_aggregate(&name.text);
                self.found.push(match is_function {
                    true => {
                        let written = format!("{}({})", name.text, self.text(base.span));
                        found.perhaps(span, written)
                    }
                    false => found,
                });
                bad(span)
            }
        }
    }

    /// `right.column`, `run.time`, `Level.ERROR`: where the first name is no column.
    fn qualified(&mut self, base: &str, name: &ast::Name, span: Span) -> Option<Expr> {
        if self.row.is_some_and(|row| row.find(base).is_some()) {
            return None;
        }
        if let Some(right) = &self.right
            && right.name == base
        {
            let offset = self.row.map_or(0, |row| row.columns.len());
            if let Some(at) = right.row.find(&name.text) {
                let ty = right.row.columns[at].ty.clone();
                return Some(Expr { kind: ExprKind::Column(offset + at), ty, span });
            }
            if !right.row.broken {
                let columns: Vec<&str> =
                    right.row.columns.iter().map(|column| &*column.name).collect();
                let place = self.table.1;
                let found = names::no_column(&name.text, name.span, (base, place), &columns);
                self.found.push(found);
            }
            return Some(bad(span));
        }
        if base == "run" {
            return Some(self.run_value(name, span));
        }
        let Some((declared, _)) = self.globals.enums.get(base) else {
            let is_value = self.slots.iter().any(|(slot, ..)| slot == base)
                || self.globals.params.iter().any(|param| param.name == base);
            if is_value || self.row.is_none_or(|row| row.find(&name.text).is_none()) {
                return None;
            }
            self.found.push(names::table_before_column(base, span, &name.text));
            return Some(bad(span));
        };
        let declared = declared.clone();
        if let Some(at) = declared.by_name(&name.text) {
            let ty = DataType::Enum(declared);
            return Some(literal(Scalar::Enum(at as i32), ty, span));
        }
        let members: Vec<&str> = declared.members.iter().map(|member| &*member.name).collect();
        self.found.push(names::no_member(base, &name.text, name.span, &members));
        Some(bad(span))
    }

    fn run_value(&mut self, name: &ast::Name, span: Span) -> Expr {
        let (value, data) = match name.text.as_str() {
            "time" => (RunValue::Time, DataType::Timestamp),
            "date" => (RunValue::Date, DataType::Date),
            "id" => (RunValue::Id, DataType::String),
            other => {
                self.found.push(names::no_field(other, name.span, "run", &["time", "date", "id"]));
                return bad(span);
            }
        };
        Expr { kind: ExprKind::Run(value), ty: data.required(), span }
    }

    fn index(&mut self, list: &ast::Expr, at: &ast::Expr, span: Span) -> Expr {
        if let (A::Name(name), A::Text(_)) = (&list.kind, &at.kind)
            && self.row.is_some_and(|row| row.find(name).is_none())
        {
            let column = self.text(at.span).trim_matches('"').to_owned();
            self.found.push(names::column_of_table(name, span, &column));
            return bad(span);
        }
        let list = self.check(list, None);
        let at = self.check_as(at, &DataType::Int.optional(), "a position in a list");
        let DataType::List(item) = &list.ty.data else {
            if !list.ty.is_unknown() {
                self.found.push(types::one_operand("[ ]", list.span, "list", &list.ty));
            }
            return bad(span);
        };
        let ty = item.with_nullable(item.nullable || list.ty.nullable || at.ty.nullable);
        Expr { kind: ExprKind::Index(Box::new(list), Box::new(at)), ty, span }
    }

    fn list(&mut self, items: &[ast::Expr], span: Span, expected: Option<&DataType>) -> Expr {
        let wanted = match expected {
            Some(DataType::List(item)) => Some(item.data.clone()),
            _ => self.enum_among(items),
        };
        let items: Vec<Expr> = items.iter().map(|item| self.check(item, wanted.as_ref())).collect();
        let (items, item) = self.unify_all(items);
        let data = DataType::List(Box::new(item));
        if data.is_unknown() {
            return bad(span);
        }
        Expr { kind: ExprKind::List(items), ty: data.required(), span }
    }

    fn record(&mut self, fields: &[(ast::Name, ast::Expr)], span: Span) -> Expr {
        let mut first: HashMap<&str, Span> = HashMap::new();
        for (name, _) in fields {
            if let Some(first) = first.insert(&name.text, name.span) {
                self.found.push(names::column_twice(&name.text, name.span, first));
                return bad(span);
            }
        }
        let values: Vec<Expr> = fields.iter().map(|(_, value)| self.check(value, None)).collect();
        let types = fields
            .iter()
            .zip(&values)
            .map(|((name, _), value)| Field::new(name.text.as_str(), value.ty.clone()))
            .collect();
        let data = DataType::Record(types);
        if data.is_unknown() {
            return bad(span);
        }
        Expr { kind: ExprKind::Record(values), ty: data.required(), span }
    }

    fn interpolated(&mut self, parts: &[TextPart], span: Span) -> Expr {
        if parts.is_empty() {
            return literal(Scalar::String("".into()), DataType::String, span);
        }
        if let [TextPart::Literal(text)] = parts {
            return literal(Scalar::String(text.as_str().into()), DataType::String, span);
        }
        let values: Vec<Expr> = parts
            .iter()
            .map(|part| match part {
                TextPart::Literal(text) => {
                    literal(Scalar::String(text.as_str().into()), DataType::String, span)
                }
                TextPart::Expr(expr) => self.check(expr, None),
            })
            .collect();
        if values.iter().any(|value| value.ty.is_unknown()) {
            return bad(span);
        }
        let nullable = values.iter().any(|value| value.ty.nullable);
        let ty = Type { data: DataType::String, nullable };
        Expr { kind: ExprKind::Concat(values), ty, span }
    }
}

/// What a condition's null means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NullRule {
    /// The statement says what becomes of it.
    Allowed,
    /// A mistake, of a `filter` that does not say so.
    Filter,
    /// A mistake.
    Forbidden,
}
