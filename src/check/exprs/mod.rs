//! Expressions: their names, types and nulls.
//!
//! [`Scope::check`] goes once over the written tree. What has rules of its own, such as arithmetic,
//! calls or members of enums, has a file of its own.

mod aggregates;
mod arithmetic;
mod bounds;
mod calls;
mod cases;
pub(super) mod certain;
mod convert;
pub(super) mod domain;
pub(super) mod fails;
mod keys;
mod lookup;
mod members;
mod mismatches;
pub(super) mod narrow;
mod operators;
mod own_functions;
mod patterns;
mod places;
mod references;
pub(super) mod values;
mod windows;
mod written;

pub(super) use convert::{adaptable, convert};
pub(super) use own_functions::substitute;
pub(super) use places::{Place, Root};
pub(super) use references::{Asked, Reference, references};
pub(super) use windows::{FrameKnown, WindowScope};

use super::globals::Globals;
use crate::diagnostics::{Diagnostics, arguments, literals, names, types};
use crate::ir::{AggregateCall, Expr, ExprKind, Row, Slot};
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
    pub(super) slots: Vec<Variable>,
    /// Parameters of the transform that is applied, or of the library function that is written in the
    /// language, and their values.
    pub(super) values: &'s [(String, Expr)],
    /// What cannot be null here, by what has been asked before.
    pub(super) narrowed: Vec<Place>,
    /// Is it an expression of the library, which sees all of that and nothing of the file?
    pub(super) is_library: bool,
    /// The group whose values are computed.
    pub(super) group: Option<GroupScope>,
    /// The window whose values are computed.
    pub(super) window: Option<WindowScope>,
    /// What is asked of other tables.
    pub(super) asked: Asked,
    /// Where the job says that what fails is null, if it says so.
    pub(super) null_on_error: Option<Span>,
}

/// A variable of a lambda or function.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) slot: Slot,
    pub(super) ty: Type,
    /// Where its name was given.
    pub(super) at: Span,
}

/// The right side of a join.
pub(super) struct RightSide<'s> {
    pub(super) name: &'s str,
    /// Where it was given.
    pub(super) at: Span,
    pub(super) row: &'s Row,
}

/// The values of a group: its keys, and the aggregates found so far.
pub(super) struct GroupScope {
    /// Name, type, place.
    pub(super) keys: Vec<(Arc<str>, Type, Span)>,
    pub(super) aggregates: Vec<AggregateCall>,
    pub(super) keys_text: String,
    pub(super) span: Span,
    /// Is it the whole table, of which a rule is stated?
    pub(super) is_rule: bool,
    /// Aggregates see only the rows for which this is true.
    pub(super) only: Option<Expr>,
    /// The names of its values, which do not see each other.
    pub(super) names: Vec<String>,
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
            values: &[],
            is_library: false,
            narrowed: vec![],
            group: None,
            window: None,
            asked: Asked::Never,
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
        let value = match &ty.data {
            DataType::Named(named) if convert::becomes(&value, &named.of) => {
                let span = value.span;
                self.cast_to(value, &ty.with_nullable(false), span)
            }
            _ => value,
        };
        if value.ty.is_unknown() {
            return value;
        }
        if !crate::types::widens(&value.ty, ty) {
            let found = types::does_not_fit(what, value.span, ty, &value.ty);
            let text = self.text(value.span);
            self.found.push(match mismatches::time_meant(&text, &ty.data) {
                Some(literal) => found.instead(value.span, literal),
                None => mismatches::as_member(found, &value, &ty.data),
            });
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
            let text = self.text(value.span);
            let shown = (text.as_str(), value.span, &value.ty);
            self.found.push(types::not_a_condition(what, shown));
            return bad(value.span);
        }
        if value.ty.nullable && nulls != NullRule::Allowed {
            let cause = narrow::cause(&value).and_then(|place| self.described(&place));
            let cause = cause.as_ref().map(|(name, ty, since)| (name.as_str(), ty, *since));
            let text = self.text(value.span);
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
            && self.may_fail(&value)
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
        value.ty.nullable || (self.null_on_error.is_some() && self.may_fail(value))
    }

    fn may_fail(&self, value: &Expr) -> bool {
        self.row.map_or_else(|| value.may_fail(), |row| fails::may_fail(value, row))
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

    fn index(&mut self, list: &ast::Expr, at: &ast::Expr, span: Span) -> Expr {
        if let (A::Name(name), A::Text(_)) = (&list.kind, &at.kind)
            && let Some(row) = self.row
            && row.find(name).is_none()
        {
            if row.broken {
                return bad(span);
            }
            let column = self.text(at.span).trim_matches('"').to_owned();
            self.found.push(names::column_of_table(name, span, &column));
            return bad(span);
        }
        let list = convert::open_part(self.check(list, None));
        if matches!(list.ty.data, DataType::Json | DataType::Map(_)) {
            return self.part_by_key(list, at, span);
        }
        let at = self.check_as(at, &DataType::Int.optional(), "a position in a list");
        let DataType::List(item) = &list.ty.data else {
            if !list.ty.is_unknown() {
                let text = self.text(list.span);
                let shown = (text.as_str(), list.span, &list.ty);
                self.found.push(types::one_operand("[ ]", shown, "list"));
            }
            return bad(span);
        };
        let ty = item.with_nullable(item.nullable || list.ty.nullable || at.ty.nullable);
        Expr { kind: ExprKind::Index(Box::new(list), Box::new(at)), ty, span }
    }

    /// `j["name"]`, `j[0]`, `m[key]`: as `get` of the library.
    fn part_by_key(&mut self, whole: Expr, at: &ast::Expr, span: Span) -> Expr {
        let key = match &whole.ty.data {
            DataType::Map(entry) => entry.entry().map(|(key, _)| key.with_nullable(true)),
            _ => None,
        };
        let at = match key {
            Some(key) => self.check_as(at, &key, "a key of this map"),
            None => self.check(at, None),
        };
        let callee = ast::Name { text: "get".to_owned(), span };
        self.call_of(&callee, vec![whole, at], span)
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
                self.found.push(names::field_twice(&name.text, name.span, first));
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
