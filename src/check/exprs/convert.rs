//! Widening without loss, number literals that become what is wanted, and `as`.

use super::own_functions::lift_nulls;
use super::{Scope, bad, literal};
use crate::diagnostics::named::{not_of_it, told_apart};
use crate::diagnostics::{operand, types};
use crate::expr::constant;
use crate::ir::{Expr, ExprKind, widen};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, NamedType, Scalar, Type, unify};

/// The value as `data`, to which its type widens.
pub(in crate::check) fn convert(mut value: Expr, data: &DataType) -> Expr {
    while let DataType::Named(part) = &value.ty.data
        && part.is_part
        && value.ty.data != *data
    {
        value.ty.data = part.of.clone();
    }
    if value.ty.data == *data || value.ty.is_unknown() || data.is_unknown() {
        return value;
    }
    if let ExprKind::Literal(scalar) = &value.kind
        && let Some(scalar) = widen(scalar.clone(), &value.ty.data, data)
    {
        return literal(scalar, data.clone(), value.span);
    }
    let ty =
        Type { data: data.clone(), nullable: value.ty.nullable || value.ty.data == DataType::Null };
    let span = value.span;
    Expr { kind: ExprKind::Convert(Box::new(value)), ty, span }
}

/// Is it made of number literals alone, so that it has no type of its own yet?
pub(in crate::check) fn adaptable(value: &Expr) -> bool {
    match &value.kind {
        _ if matches!(value.ty.data, DataType::Named(_)) => false,
        ExprKind::Literal(Scalar::Int(_) | Scalar::Float(_)) => true,
        ExprKind::Negate(inner) => adaptable(inner),
        ExprKind::Case { arms, otherwise } => {
            arms.iter().all(|(_, value)| adaptable(value))
                && otherwise.as_deref().is_some_and(adaptable)
        }
        _ => false,
    }
}

/// Number literals as the number type wanted: `0.7` beside a decimal is a decimal of one digit
/// after the point, `1` beside a float is a float.
///
/// Beside a type that a declaration names, a literal is one of that type; if it is only a part of
/// another, it takes part as that one.
pub(super) fn adapt(value: Expr, wanted: &DataType) -> Expr {
    if let DataType::Named(named) = wanted {
        let value = adapt(value, &named.of);
        return match !named.is_part && becomes(&value, &named.of) {
            true => tagged(convert(value, &named.of), wanted),
            false => value,
        };
    }
    if !adaptable(&value) {
        return value;
    }
    match wanted {
        DataType::Float => adapt_each(value, &|scalar| match scalar {
            // One that no float is stays what it is, and is rounded only where it has to be.
            Scalar::Int(value) if value as f64 as i128 == i128::from(value) => {
                (Scalar::Float(value as f64), DataType::Float)
            }
            other => {
                let data = other.natural_type();
                (other, data)
            }
        }),
        DataType::Decimal { .. } => {
            let adapted = adapt_each(value.clone(), &|scalar| match exact_decimal(&scalar) {
                Some((unscaled, precision, scale)) => {
                    (Scalar::Decimal(unscaled), DataType::Decimal { precision, scale })
                }
                None => (scalar, DataType::Float),
            });
            if adapted.ty.data == DataType::Float { value } else { adapted }
        }
        _ => value,
    }
}

fn adapt_each(value: Expr, to: &impl Fn(Scalar) -> (Scalar, DataType)) -> Expr {
    let span = value.span;
    match value.kind {
        ExprKind::Literal(scalar) => {
            let (scalar, data) = to(scalar);
            literal(scalar, data, span)
        }
        ExprKind::Negate(inner) => {
            let inner = adapt_each(*inner, to);
            let ty = inner.ty.clone();
            Expr { kind: ExprKind::Negate(Box::new(inner)), ty, span }
        }
        ExprKind::Case { arms, otherwise } => {
            let arms: Vec<(Expr, Expr)> =
                arms.into_iter().map(|(when, value)| (when, adapt_each(value, to))).collect();
            let otherwise = otherwise.map(|value| adapt_each(*value, to));
            let mut ty = arms[0].1.ty.clone();
            for other in arms.iter().map(|(_, value)| value).chain(&otherwise) {
                ty = unify(&ty, &other.ty).unwrap_or(ty);
            }
            let arms =
                arms.into_iter().map(|(when, value)| (when, convert(value, &ty.data))).collect();
            let otherwise = otherwise.map(|value| Box::new(convert(value, &ty.data)));
            Expr { kind: ExprKind::Case { arms, otherwise }, ty, span }
        }
        kind => Expr { kind, ty: value.ty, span },
    }
}

/// The digits of a literal: the unscaled number, how many digits in all and after the point. A
/// float is taken by its shortest text, which is what was written. None beyond 38 digits.
fn exact_decimal(value: &Scalar) -> Option<(i128, u8, u8)> {
    let text = match value {
        Scalar::Int(value) => value.to_string(),
        Scalar::Float(value) => format!("{value}"),
        _ => return None,
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let scale = part.len() as u8;
    let digits = format!("{whole}{part}");
    let unscaled: i128 = digits.parse().ok()?;
    let precision = unscaled.unsigned_abs().to_string().len().max(part.len()).max(1) as u8;
    (precision <= crate::types::DECIMAL_DIGITS_MAX).then_some((unscaled, precision, scale))
}

/// Is it a literal that is, or widens to, what is behind a type that a declaration names?
pub(super) fn becomes(value: &Expr, of: &DataType) -> bool {
    let is_literal = adaptable(value) || matches!(value.kind, ExprKind::Literal(_));
    let is_named = matches!(value.ty.data, DataType::Named(_) | DataType::Null);
    let of = of.opened().required();
    is_literal && !is_named && crate::types::widens(&value.ty.with_nullable(false), &of)
}

/// The value as one of a type that has the same values.
fn tagged(value: Expr, data: &DataType) -> Expr {
    let ty = Type { data: data.clone(), nullable: value.ty.nullable };
    Expr { ty, ..value }
}

/// The value as one of the type that its type is a part of.
pub(super) fn open_part(mut value: Expr) -> Expr {
    while let DataType::Named(part) = &value.ty.data
        && part.is_part
    {
        value.ty.data = part.of.clone();
    }
    value
}

/// How `as` goes from one type to another.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CastRule {
    /// It never fails.
    Total,
    /// A row may fail.
    Fallible,
    /// There is no such conversion, and what to do instead.
    None(Option<&'static str>),
}

pub(super) fn cast_rule(from: &DataType, to: &DataType) -> CastRule {
    use CastRule::{Fallible, None as No, Total};
    use DataType as D;
    match (from, to) {
        (D::Unknown | D::Null, _) | (_, D::Unknown) => Total,
        (a, b) if a == b => Total,
        (_, D::String) => Total,
        (D::Json, _) => Fallible,
        (D::String, D::Record(_) | D::List(_) | D::Map(_)) => {
            No(Some("a JSON text: `parse_json(…) as …`"))
        }
        (D::String, _) => Fallible,
        (D::Int, D::Float) | (D::Bool, D::Int) | (D::Decimal { .. }, D::Float) => Total,
        (D::Int | D::Float | D::Decimal { .. }, D::Int | D::Decimal { .. }) => Fallible,
        (D::Date, D::Datetime) | (D::Datetime, D::Date | D::Time) => Total,
        (D::Timestamp, D::Time) => No(Some("a time needs a zone: `time(…, zone: \"UTC\")`")),
        (D::Timestamp, D::Date) => No(Some("a day needs a zone: `date(…, zone: \"UTC\")`")),
        (D::Timestamp, D::Datetime) => No(Some("a wall clock needs a zone: `at_zone(…, \"UTC\")`")),
        (D::Datetime | D::Date, D::Timestamp) => {
            No(Some("an instant needs a zone: `to_timestamp(…, \"UTC\")`"))
        }
        (_, D::Json) => No(Some("as JSON: `to_json(…)`")),
        (D::Int, D::Bool) => No(Some("compare it: `… != 0`")),
        (D::List(from), D::List(to)) => cast_rule(&from.data, &to.data),
        (D::Map(from), D::Map(to)) => match (from.entry(), to.entry()) {
            // Keys of another type might have another order.
            (Some((key, from)), Some((k, to))) if key == k => cast_rule(&from.data, &to.data),
            _ => No(None),
        },
        _ => No(None),
    }
}

impl Scope<'_, '_> {
    /// `value as ty`
    pub(super) fn cast(&mut self, value: &ast::Expr, ty: &ast::TypeExpr, span: Span) -> Expr {
        let to = crate::check::types::resolve_type(ty, self.globals, self.found);
        let value = self.check(value, Some(&to.data));
        let cast = self.cast_to(value, &to, span);
        // A number with `as` is of the type that is written, whatever stands beside it.
        match adaptable(&cast) {
            true => Expr { ty: cast.ty.clone(), kind: ExprKind::Convert(Box::new(cast)), span },
            false => cast,
        }
    }

    /// The value converted as `as` does. Null stays null.
    pub(in crate::check) fn cast_to(&mut self, value: Expr, to: &Type, span: Span) -> Expr {
        if value.ty.is_unknown() || to.is_unknown() {
            return bad(span);
        }
        if let DataType::Named(named) = &to.data {
            return self.cast_into(value, named, to, span);
        }
        if let DataType::Named(named) = &value.ty.data {
            let of = named.of.clone();
            return self.cast_to(tagged(value, &of), to, span);
        }
        let value = adapt(value, &to.data);
        if value.ty.data != to.data && value.ty.data.opened() == to.data.opened() {
            let nullable = to.nullable || value.ty.nullable;
            return Expr { span, ty: Type { data: to.data.clone(), nullable }, ..value };
        }
        let ty = Type { data: to.data.clone(), nullable: to.nullable || value.ty.nullable };
        if let ExprKind::Literal(Scalar::Null) = value.kind {
            return literal(Scalar::Null, to.data.clone(), span);
        }
        if crate::types::widens(&value.ty, &ty) {
            let mut value = convert(value, &to.data);
            if ty.nullable && !value.ty.nullable {
                value = Expr { kind: ExprKind::Convert(Box::new(value)), ty, span };
            }
            return Expr { span, ..value };
        }
        match cast_rule(&value.ty.data, &to.data) {
            CastRule::Total | CastRule::Fallible => {
                Expr { kind: ExprKind::Cast(Box::new(value)), ty, span }
            }
            CastRule::None(help) => {
                let text = self.text(value.span);
                let help = help.map(|help| {
                    let text = if help.contains("(…") { text } else { operand(&text) };
                    let whole = to.with_nullable(false).to_string();
                    help.replacen('…', &text, 1).replacen('…', &whole, 1)
                });
                self.found.push(types::no_cast(value.span, &value.ty, &to.data, help));
                bad(span)
            }
        }
    }

    /// The value as one of a type that a declaration names.
    fn cast_into(&mut self, value: Expr, named: &NamedType, to: &Type, span: Span) -> Expr {
        let nullable = to.nullable || value.ty.nullable;
        if crate::types::widens(&value.ty, &to.with_nullable(true))
            && value.ty.data != DataType::Null
        {
            let value = convert(value, &to.data);
            return Expr { span, ty: value.ty.with_nullable(nullable), ..value };
        }
        let behind = Type { data: named.of.clone(), nullable: to.nullable };
        if let DataType::Named(other) = &value.ty.data
            && !crate::types::widens(&value.ty, &behind.with_nullable(true))
            && !named.of.has_named(&|of| of == &**other)
        {
            let text = self.text(value.span);
            let help = format!("`{} as {} as {}`", operand(&text), other.of, named.name);
            self.found.push(types::no_cast(value.span, &value.ty, &to.data, Some(help)));
            return bad(span);
        }
        let written = value.span;
        let value = self.cast_to(value, &behind, span);
        if value.ty.is_unknown() {
            return bad(span);
        }
        let Some(condition) = self.globals.condition_of(named) else {
            return tagged(value, &to.data);
        };
        if let Ok(known) = constant(&value, &[]) {
            if condition.is_broken_by(&known, &named.of.opened(), span) {
                let declared = self.globals.types.get(&*named.name).map_or(span, |of| of.at);
                let text = self.text(written);
                let found = not_of_it(&text, written, &condition.reason, declared);
                self.found.push(found);
                return bad(span);
            }
            return tagged(value, &to.data);
        }
        let reason = literal(Scalar::String(condition.reason.clone()), DataType::String, span);
        let check = ast::Name { text: "check".to_owned(), span };
        let is_one = self.call_of(&check, vec![condition.of(&value), reason], span);
        let lifted = if value.ty.nullable { vec![value.clone()] } else { vec![] };
        let ty = Type { data: to.data.clone(), nullable: false };
        let value = tagged(Expr { ty: value.ty.with_nullable(false), ..value }, &to.data);
        let arms = vec![(is_one, value)];
        lift_nulls(Expr { kind: ExprKind::Case { arms, otherwise: None }, ty, span }, lifted, span)
    }

    /// All values as the one type that they unify to; says so when there is none.
    pub(super) fn unify_all(&mut self, values: Vec<Expr>) -> (Vec<Expr>, Type) {
        let (values, ty) = self.adapt_all(values);
        let values = values.into_iter().map(|value| convert(value, &ty.data)).collect();
        (values, ty)
    }

    /// The values, number literals as the others want them, and the one type that all unify to;
    /// says so when there is none.
    pub(super) fn adapt_all(&mut self, values: Vec<Expr>) -> (Vec<Expr>, Type) {
        let Some(first) = values.first() else {
            return (values, DataType::Null.required());
        };
        let is_named = |value: &&Expr| matches!(value.ty.data, DataType::Named(_));
        let own = values.iter().find(|value| !adaptable(value));
        let wanted = values.iter().find(is_named).or(own).unwrap_or(first).ty.data.clone();
        let values: Vec<Expr> = values.into_iter().map(|value| adapt(value, &wanted)).collect();
        let mut ty = values[0].ty.clone();
        let mut shown = 0;
        for (at, value) in values.iter().enumerate().skip(1) {
            match unify(&ty, &value.ty) {
                Some(unified) => ty = unified,
                None => {
                    let first = &values[shown];
                    let (text, other) = (self.text(first.span), self.text(value.span));
                    let first = (text.as_str(), first.span, &first.ty);
                    let other = (other.as_str(), value.span, &value.ty);
                    let is_named = |ty: &Type| matches!(ty.data, DataType::Named(_));
                    self.found.push(match is_named(first.2) || is_named(other.2) {
                        true => told_apart(other.1, first, other, true),
                        false => types::results_differ(first, other),
                    });
                    return (values, Type::UNKNOWN);
                }
            }
            if values[shown].ty.data == DataType::Null {
                shown = at;
            }
        }
        (values, ty)
    }
}
