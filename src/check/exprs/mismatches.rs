//! Why two types do not go together, and what to write instead.

use super::Scope;
use crate::diagnostics::types;
use crate::ir::{Expr, ExprKind};
use crate::text::Span;
use crate::types::{DataType, EnumType, Scalar};

impl Scope<'_, '_> {
    /// Says why two types do not go together.
    pub(super) fn report_mix(&mut self, place: Span, verb: &str, left: &Expr, right: &Expr) {
        use DataType as D;
        let sides = ((&left.ty, left.span), (&right.ty, right.span));
        let found = match (&left.ty.data, &right.ty.data) {
            (D::Decimal { .. }, D::Float) => {
                let text = self.text(left.span);
                types::exact_with_approximate(place, left.span, &text, right.span)
            }
            (D::Float, D::Decimal { .. }) => {
                let text = self.text(right.span);
                types::exact_with_approximate(place, right.span, &text, left.span)
            }
            (D::Enum(declared), D::Enum(_)) if matches!(right.kind, ExprKind::Literal(_)) => {
                return self.not_its_member(declared, right.span);
            }
            (D::Enum(_), D::Enum(declared)) if matches!(left.kind, ExprKind::Literal(_)) => {
                return self.not_its_member(declared, left.span);
            }
            (D::Enum(declared), D::String) | (D::String, D::Enum(declared)) => {
                let help = member_meant(declared, left, right);
                types::not_comparable(place, sides.0, sides.1, Some(help))
            }
            (D::Date | D::Datetime | D::Timestamp, D::Int)
            | (D::Int, D::Date | D::Datetime | D::Timestamp)
                if verb == "compare" =>
            {
                let number = if left.ty.data == D::Int { left } else { right };
                let text = self.text(number.span);
                let found = types::not_comparable(place, sides.0, sides.1, None);
                if is_day(&text) {
                    let written = format!("@{text}");
                    found.help(format!("a date is written `{written}`")).fix(number.span, written)
                } else {
                    found.help("compare it with a date, `@2024-01-31`")
                }
            }
            _ if verb == "compare" => {
                let help = self.how_to_compare(left, right);
                types::not_comparable(place, sides.0, sides.1, Some(help))
            }
            _ => types::operands(
                verb,
                place,
                sides.0,
                sides.1,
                self.how_to_combine(verb, left, right),
            ),
        };
        self.found.push(found);
    }

    /// What two values of different types are compared as.
    fn how_to_compare(&self, left: &Expr, right: &Expr) -> String {
        use DataType as D;
        match (&left.ty.data, &right.ty.data) {
            (D::String, other) | (other, D::String) => {
                let text = if left.ty.data == D::String { left } else { right };
                match (other, &text.kind) {
                    (
                        D::Date | D::Datetime | D::Timestamp,
                        ExprKind::Literal(Scalar::String(at)),
                    ) => format!("a {other} is written `@{at}`"),
                    _ => format!("`{} as {other}`", self.text(text.span)),
                }
            }
            (D::Timestamp, D::Date | D::Datetime) | (D::Date | D::Datetime, D::Timestamp) => {
                self.times_compared(left, right)
            }
            (D::Date, D::Datetime) | (D::Datetime, D::Date) => {
                let (day, clock) =
                    if left.ty.data == D::Date { (left, right) } else { (right, left) };
                let (day, clock) = (self.text(day.span), self.text(clock.span));
                format!("compare times, `{day} as datetime`, or days, `{clock} as date`")
            }
            _ => {
                let text = self.text(left.span);
                format!("convert one of them, for instance `{text} as string`")
            }
        }
    }

    /// What is written to compute with a text and something else.
    fn how_to_combine(&self, verb: &str, left: &Expr, right: &Expr) -> Option<String> {
        let (text, other) = match (&left.ty.data, &right.ty.data) {
            (DataType::String, other) => (left, other),
            (other, DataType::String) => (right, other),
            _ => return None,
        };
        if verb == "add" {
            let part = |value: &Expr| match &value.kind {
                ExprKind::Literal(Scalar::String(text)) => text.to_string(),
                _ => format!("{{{}}}", self.text(value.span)),
            };
            return Some(format!("`\"{}{}\"`", part(left), part(right)));
        }
        let text = self.text(text.span);
        other.is_number().then(|| format!("make a number of it: `{text} as {other}`"))
    }

    /// How an instant is compared with a date or a wall clock.
    fn times_compared(&self, left: &Expr, right: &Expr) -> String {
        let instant = if left.ty.data == DataType::Timestamp { left } else { right };
        let is_date = left.ty.data == DataType::Date || right.ty.data == DataType::Date;
        let text = self.text(instant.span);
        let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
        if is_date {
            format!("compare dates of one zone: `date({text}, zone: \"{zone}\")`")
        } else {
            format!("compare wall clocks of one zone: `at_zone({text}, \"{zone}\")`")
        }
    }
}

/// The member that a text beside an enum was probably meant to be.
fn member_meant(declared: &EnumType, left: &Expr, right: &Expr) -> String {
    let text = [left, right].into_iter().find_map(|side| match &side.kind {
        ExprKind::Literal(Scalar::String(text)) => Some(text.as_ref()),
        _ => None,
    });
    let names = || declared.members.iter().map(|member| &*member.name);
    let by_text = declared.members.iter().find(|member| text == Some(&*member.text));
    let member = text
        .and_then(|text| names().find(|name| *name == text))
        .or(by_text.map(|member| &*member.name))
        .or_else(|| crate::diagnostics::nearest(text?, names()))
        .or_else(|| names().next())
        .unwrap_or("");
    format!("members are names without quotes: `{member}`")
}

/// Is it spelled `2024-01-31`?
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == 3
        && parts
            .iter()
            .zip([4, 2, 2])
            .all(|(part, len)| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit()))
}
