//! Why two types do not go together, and what to write instead.

use super::Scope;
use crate::diagnostics::types;
use crate::ir::{Expr, ExprKind};
use crate::text::Span;
use crate::types::{DataType, Scalar};

impl Scope<'_, '_> {
    /// Says why two types do not go together.
    pub(super) fn report_mix(&mut self, place: Span, verb: &str, left: &Expr, right: &Expr) {
        use DataType as D;
        let sides = ((&left.ty, left.span), (&right.ty, right.span));
        match (&left.ty.data, &right.ty.data) {
            (D::Decimal { .. }, D::Float) => {
                let text = self.text(left.span);
                self.found.push(types::exact_with_approximate(place, left.span, &text, right.span));
            }
            (D::Float, D::Decimal { .. }) => {
                let text = self.text(right.span);
                self.found.push(types::exact_with_approximate(place, right.span, &text, left.span));
            }
            (D::Enum(declared), D::Enum(_)) if matches!(right.kind, ExprKind::Literal(_)) => {
                self.not_its_member(declared, right.span);
            }
            (D::Enum(_), D::Enum(declared)) if matches!(left.kind, ExprKind::Literal(_)) => {
                self.not_its_member(declared, left.span);
            }
            (D::Enum(declared), D::String) | (D::String, D::Enum(declared)) => {
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
                let help = format!("members are names without quotes: `{member}`");
                self.found.push(types::not_comparable(place, sides.0, sides.1, Some(help)));
            }
            (D::String, other) | (other, D::String) if verb == "compare" => {
                let text = if left.ty.data == D::String { left } else { right };
                let help = match (other, &text.kind) {
                    (
                        D::Date | D::Datetime | D::Timestamp,
                        ExprKind::Literal(Scalar::String(at)),
                    ) => {
                        format!("a {other} is written `@{at}`")
                    }
                    _ => format!("`{} as {other}`", self.text(text.span)),
                };
                self.found.push(types::not_comparable(place, sides.0, sides.1, Some(help)));
            }
            (D::Timestamp, D::Date | D::Datetime) | (D::Date | D::Datetime, D::Timestamp)
                if verb == "compare" =>
            {
                let help = self.times_compared(left, right);
                self.found.push(types::not_comparable(place, sides.0, sides.1, Some(help)));
            }
            (D::Date | D::Datetime | D::Timestamp, D::Int)
            | (D::Int, D::Date | D::Datetime | D::Timestamp)
                if verb == "compare" =>
            {
                let number = if left.ty.data == D::Int { left } else { right };
                let text = self.text(number.span);
                let found = types::not_comparable(place, sides.0, sides.1, None);
                self.found.push(if is_day(&text) {
                    let written = format!("@{text}");
                    found.help(format!("a date is written `{written}`")).fix(number.span, written)
                } else {
                    found.help("compare it with a date, `@2024-01-31`")
                });
            }
            (D::Date, D::Datetime) | (D::Datetime, D::Date) if verb == "compare" => {
                let (day, clock) =
                    if left.ty.data == D::Date { (left, right) } else { (right, left) };
                let (day, clock) = (self.text(day.span), self.text(clock.span));
                let help =
                    format!("compare times, `{day} as datetime`, or days, `{clock} as date`");
                self.found.push(types::not_comparable(place, sides.0, sides.1, Some(help)));
            }
            _ if verb == "compare" => {
                let text = self.text(left.span);
                let help = Some(format!("convert one of them, for instance `{text} as string`"));
                self.found.push(types::not_comparable(place, sides.0, sides.1, help));
            }
            (D::String, other) | (other, D::String) if verb != "add" && other.is_number() => {
                let text = if left.ty.data == D::String { left } else { right };
                let help = format!("make a number of it: `{} as {other}`", self.text(text.span));
                self.found.push(types::operands(verb, place, sides.0, sides.1, Some(help)));
            }
            (D::String, _) | (_, D::String) if verb == "add" => {
                let part = |value: &Expr| match &value.kind {
                    ExprKind::Literal(Scalar::String(text)) => text.to_string(),
                    _ => format!("{{{}}}", self.text(value.span)),
                };
                let help = format!("`\"{}{}\"`", part(left), part(right));
                self.found.push(types::operands(verb, place, sides.0, sides.1, Some(help)));
            }
            _ => self.found.push(types::operands(verb, place, sides.0, sides.1, None)),
        }
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

/// Is it spelled `2024-01-31`?
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == 3
        && parts
            .iter()
            .zip([4, 2, 2])
            .all(|(part, len)| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit()))
}
