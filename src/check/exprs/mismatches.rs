//! Why two types do not go together, and what to write instead.

use super::Scope;
use super::operators::adapt_pair;
use crate::diagnostics::literals::{self, is_date};
use crate::diagnostics::named::told_apart;
use crate::diagnostics::{Diagnostic, operand, types};
use crate::ir::{Expr, ExprKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, EnumType, Scalar, unify};

/// Units that times are counted in, with how many microseconds each has.
const UNITS: &[(&str, i64)] = &[
    ("week", 604_800_000_000),
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
];

impl Scope<'_, '_> {
    /// Says why two types do not go together.
    pub(super) fn report_mix(&mut self, place: Span, verb: &str, left: &Expr, right: &Expr) {
        use DataType as D;
        let is_named = |side: &Expr| matches!(side.ty.data, DataType::Named(_));
        if is_named(left) || is_named(right) {
            let (one, other) = (self.text(left.span), self.text(right.span));
            let one = (one.as_str(), left.span, &left.ty);
            let other = (other.as_str(), right.span, &right.ty);
            self.found.push(match verb {
                "compare" => told_apart(place, one, other, true),
                _ if one.2.data.is_number()
                    || other.2.data.is_number()
                    || is_named(left) && is_named(right) =>
                {
                    self.not_computed(verb, place, one, other)
                }
                _ => told_apart(place, one, other, false),
            });
            return;
        }
        if let Some(found) = self.time_mix(place, verb, left, right) {
            self.found.push(found);
            return;
        }
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
                let help =
                    format!("members are names without quotes: `{}`", member_meant(declared, None));
                let found = types::not_comparable(place, sides.0, sides.1, Some(help));
                let (value, of) =
                    if left.ty.data == D::String { (left, right) } else { (right, left) };
                as_member(found, value, &of.ty.data)
            }
            (D::Date | D::Datetime | D::Timestamp, D::Int)
            | (D::Int, D::Date | D::Datetime | D::Timestamp)
                if verb == "compare" =>
            {
                let help = "compare it with a date, `@2024-01-31`";
                types::not_comparable(place, sides.0, sides.1, Some(help.to_owned()))
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

    /// E0201: arithmetic of what is only told apart.
    fn not_computed(
        &self,
        verb: &str,
        place: Span,
        left: types::Shown,
        right: types::Shown,
    ) -> Diagnostic {
        let opened = |side: types::Shown| match &side.2.data {
            DataType::Named(named) => format!("{} as {}", operand(side.0), named.of),
            _ => side.0.to_owned(),
        };
        let sign = self.text(place);
        let help = format!("with the values behind: `{} {sign} {}`", opened(left), opened(right));
        types::operands(verb, place, (left.2, left.1), (right.2, right.1), Some(help))
    }

    /// What two values of different types are compared as.
    fn how_to_compare(&self, left: &Expr, right: &Expr) -> String {
        use DataType as D;
        match (&left.ty.data, &right.ty.data) {
            (D::String, other) | (other, D::String) => {
                let text = if left.ty.data == D::String { left } else { right };
                format!("`{} as {other}`", operand(&self.text(text.span)))
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
                let text = operand(&self.text(left.span));
                format!("convert one of them, for instance `{text} as string`")
            }
        }
    }

    /// What is written to compute with a text and something else.
    fn how_to_combine(&self, verb: &str, left: &Expr, right: &Expr) -> Option<String> {
        let (text, other) = match (&left.ty.data, &right.ty.data) {
            (DataType::List(_), other) if verb == "add" => {
                let function = if matches!(other, DataType::List(_)) { "concat" } else { "append" };
                let (list, more) = (self.text(left.span), self.text(right.span));
                return Some(format!("`{function}({list}, {more})`"));
            }
            (DataType::String, other) => (left, other),
            (other, DataType::String) => (right, other),
            (DataType::Duration, DataType::Duration) if verb == "divide" => {
                let how_many = self.how_many(left, right);
                let help = "`diff` counts units from one time to another";
                return Some(how_many.unwrap_or_else(|| help.to_owned()));
            }
            _ => return None,
        };
        let is_number = |side: &Expr| matches!(side.kind, ExprKind::Literal(Scalar::Int(_)));
        if verb == "add" && (is_number(left) || is_number(right)) {
            let value = operand(&self.text(text.span));
            if !matches!(text.kind, ExprKind::Literal(_)) {
                let both = format!("\"{}{}\"", self.part(left), self.part(right));
                return Some(format!(
                    "make a number of it: `{value} as {other}`, or one text: `{both}`"
                ));
            }
        }
        if verb == "add" {
            return Some(format!("`\"{}{}\"`", self.part(left), self.part(right)));
        }
        let text = operand(&self.text(text.span));
        other.is_number().then(|| format!("make a number of it: `{text} as {other}`"))
    }

    /// A value as a part of a text.
    fn part(&self, value: &Expr) -> String {
        match &value.kind {
            ExprKind::Literal(Scalar::String(text)) => text.to_string(),
            ExprKind::Literal(Scalar::Int(_)) => self.text(value.span),
            _ => format!("{{{}}}", self.text(value.span)),
        }
    }

    /// How often a length of time goes into another: `(b - a) / 1d`.
    fn how_many(&self, left: &Expr, right: &Expr) -> Option<String> {
        let ExprKind::Literal(Scalar::Duration(length)) = &right.kind else { return None };
        let (to, from, of) = match &left.kind {
            ExprKind::Arithmetic(_, to, from) if is_time(&to.ty.data) && is_time(&from.ty.data) => {
                (self.text(to.span), self.text(from.span), &to.ty.data)
            }
            _ => ("to".to_owned(), "from".to_owned(), &DataType::Datetime),
        };
        // Dates have no shorter units, and how long a day of instants is depends on a zone.
        let units: &[(&str, i64)] = match of {
            DataType::Date => &UNITS[..2],
            DataType::Timestamp => &UNITS[2..],
            _ => UNITS,
        };
        let divides = |unit: &&(&str, i64)| *length > 0 && length % unit.1 == 0;
        let (unit, one) = units.iter().find(divides)?;
        let more = match length / one {
            1 => String::new(),
            count => format!(" / {count}"),
        };
        Some(format!(
            "count units from one time to another: `diff(\"{unit}\", {from}, {to}){more}`"
        ))
    }

    /// `n > 1 ?? false`, where `??` takes `1` and not the comparison: says so, and whether it is.
    pub(super) fn report_loose_coalesce(
        &mut self,
        op: ast::BinaryOp,
        left: &Expr,
        place: Span,
        right: &ast::Expr,
    ) -> bool {
        let ast::ExprKind::Binary(ast::BinaryOp::Coalesce, _, value, other) = &right.kind else {
            return false;
        };
        let ast::ExprKind::Bool(is_true) = other.kind else { return false };
        if matches!(left.ty.data, DataType::Bool | DataType::Unknown | DataType::Null) {
            return false;
        }
        let compared = self.text(place.to(value.span));
        // `==` and `!=` are never null: beside it, they are what one of both sides is.
        let beside_null = match op {
            ast::BinaryOp::Equal => Some(false),
            ast::BinaryOp::NotEqual => Some(true),
            _ => None,
        };
        let written = match beside_null {
            None => format!("({compared}) ?? {is_true}"),
            Some(beside_null) if beside_null == is_true => compared,
            Some(_) => {
                let right = self.check(value, Some(&left.ty.data));
                let (test, word) = if is_true { ("is null", "or") } else { ("is not null", "and") };
                let sides = [(left, place), (&right, value.span)];
                let nullable = sides.iter().filter(|(side, _)| side.ty.nullable);
                let test_of =
                    |place: Span| format!("{} {test} {word} ", operand(&self.text(place)));
                let tests: String = nullable.map(|(_, place)| test_of(*place)).collect();
                if tests.is_empty() { compared } else { format!("({tests}{compared})") }
            }
        };
        self.found.push(types::coalesce_binds(right.span, place.to(right.span), &written));
        true
    }

    /// What is written to ask for a value among what is no list, where it can be asked.
    pub(super) fn how_to_look(&self, value: &Expr, negated: bool, list: &Expr) -> Option<String> {
        let not = if negated { "not " } else { "" };
        let (sought, text) = (self.text(value.span), self.text(list.span));
        let is_literal = matches!(list.kind, ExprKind::Literal(_));
        let part =
            |sought: &str| format!("ask for a part of a text by `{not}contains({text}, {sought})`");
        let (one, other) = adapt_pair(value.clone(), list.clone());
        let is_alike = unify(&one.ty, &other.ty).is_some();
        match &list.ty.data {
            DataType::String if value.ty.data == DataType::String && !is_literal => {
                Some(part(&sought))
            }
            DataType::Map(..) => Some(format!("ask for a key by `{not}has({text}, {sought})`")),
            _ if is_alike => Some(format!("write a list: `{not}in [{text}]`")),
            DataType::String if value.ty.data == DataType::Int && !is_literal => {
                Some(part(&format!("{} as string", operand(&sought))))
            }
            _ => None,
        }
    }

    /// Says how a number or a text beside a time is written as the time, or the length of time,
    /// that is needed there.
    fn time_mix(&self, place: Span, verb: &str, left: &Expr, right: &Expr) -> Option<Diagnostic> {
        use DataType as D;
        let is_time = |value: &Expr| is_time(&value.ty.data);
        let sides = ((&left.ty, left.span), (&right.ty, right.span));
        let compares = verb == "compare";
        let found = |help: String| {
            let make = if compares {
                types::not_comparable(place, sides.0, sides.1, None)
            } else {
                types::operands(verb, place, sides.0, sides.1, None)
            };
            make.help(help)
        };
        let (time, other) = match (&left.ty.data, &right.ty.data) {
            (D::String | D::Int, D::Date | D::Datetime | D::Timestamp | D::Duration) => {
                (right, left)
            }
            _ => (left, right),
        };
        let (of_time, of_other) = (self.text(time.span), self.text(other.span));
        match (&other.kind, &other.ty.data) {
            // A year, from which no time can be taken away.
            (_, D::Int)
                if !compares && verb == "subtract" && other.span.start < time.span.start =>
            {
                let year = match time.ty.data {
                    D::Date | D::Datetime => format!("year({of_time})"),
                    _ => return None,
                };
                let written = format!("{} - {year}", operand(&of_other));
                Some(found(format!("a part of it is a number: `{written}`")))
            }
            (ExprKind::Literal(Scalar::String(text)), _) => {
                let (help, written) = text_as_time(verb, text, &time.ty.data)?;
                let finding = found(help);
                Some(match written {
                    Some(written) => finding.guess(other.span, written),
                    None => finding,
                })
            }
            (ExprKind::Literal(Scalar::Int(number)), D::Int)
                if time.ty.data == D::Duration && compares
                    || is_time(time) && matches!(verb, "add" | "subtract") =>
            {
                let written = format!("{number}d");
                let help = "a length of time has a unit";
                Some(if is_time(time) || of_days(time) {
                    found(format!("{help}: `{written}`")).guess(other.span, written)
                } else {
                    found(format!("{help}: `{number}s` or `{written}`"))
                })
            }
            (_, D::Int) if time.ty.data == D::Duration && compares => {
                Some(found(format!("a length of time has a unit: `{} * 1d`", operand(&of_other))))
            }
            (_, D::Int) if is_time(time) && matches!(verb, "add" | "subtract") => {
                let sign = if verb == "add" { "+" } else { "-" };
                let sum = format!("{of_time} {sign} {} * 1d", operand(&of_other));
                Some(found(match time.ty.data {
                    D::Date => format!("a length of time has a unit: `({sum}) as date`"),
                    _ => format!("a length of time has a unit: `{sum}`"),
                }))
            }
            _ if verb == "subtract" && is_time(time) && is_time(other) => {
                Some(found(self.times_together(left, right)))
            }
            _ => None,
        }
    }

    /// How times of two kinds are subtracted.
    fn times_together(&self, left: &Expr, right: &Expr) -> String {
        let is_date = [left, right].iter().any(|side| side.ty.data == DataType::Date);
        let side = |side: &Expr| {
            let text = self.text(side.span);
            let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
            match side.ty.data {
                DataType::Timestamp if is_date => format!("date({text}, zone: \"{zone}\")"),
                DataType::Timestamp => format!("at_zone({text}, \"{zone}\")"),
                DataType::Datetime if is_date => format!("({} as date)", operand(&text)),
                _ => text,
            }
        };
        format!("make both the same kind: `{} - {}`", side(left), side(right))
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

/// Says which member was meant by a text, where a member is wanted.
pub(super) fn as_member(found: Diagnostic, value: &Expr, wanted: &DataType) -> Diagnostic {
    let DataType::Enum(declared) = wanted else { return found };
    let ExprKind::Literal(Scalar::String(text)) = &value.kind else { return found };
    let member = member_meant(declared, Some(text));
    found.help(format!("members are names without quotes: `{member}`")).guess(value.span, member)
}

/// The member that a text beside an enum was probably meant to be.
fn member_meant<'e>(declared: &'e EnumType, text: Option<&str>) -> &'e str {
    let names = || declared.members.iter().map(|member| &*member.name);
    let by_text = declared.members.iter().find(|member| text == Some(&*member.text));
    text.and_then(|text| names().find(|name| *name == text))
        .or(by_text.map(|member| &*member.name))
        .or_else(|| crate::diagnostics::nearest(text?, names()))
        .or_else(|| names().next())
        .unwrap_or("")
}

/// Is it a difference of dates?
fn of_days(value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::Arithmetic(_, left, _) if left.ty.data == DataType::Date)
}

/// A literal of a type of time.
fn example(ty: &DataType) -> &'static str {
    match ty {
        DataType::Date => "@2024-01-31",
        DataType::Datetime => "@2024-01-31T10:00",
        _ => "@2024-01-31T10:00Z",
    }
}

/// The text of a date or time as a literal of the type that is needed; none where it is neither.
fn time_literal(text: &str, ty: &DataType) -> Option<String> {
    let (day, clock) = match text.split_once(['T', ' ']) {
        Some((day, clock)) => (day, clock.trim()),
        None => (text, "00:00"),
    };
    if !is_date(day) {
        return None;
    }
    let has_zone = clock.ends_with('Z') || clock.contains(['+', '-']);
    let is_clock = clock.bytes().all(|byte| byte.is_ascii_digit() || b":.+-Z".contains(&byte));
    match ty {
        DataType::Date => (clock == "00:00").then(|| format!("@{day}")),
        _ if !is_clock => None,
        DataType::Datetime if has_zone => None,
        DataType::Timestamp if !has_zone => Some(format!("@{day}T{clock}Z")),
        _ => Some(format!("@{day}T{clock}")),
    }
}

/// A date or time for a text in quotes, where one is needed.
pub(super) fn time_meant(quoted: &str, ty: &DataType) -> Option<String> {
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    is_time(ty).then(|| time_literal(text, ty)).flatten()
}

fn is_time(ty: &DataType) -> bool {
    matches!(ty, DataType::Date | DataType::Datetime | DataType::Timestamp)
}

/// How the text beside a time, or a length of time, is written as what is meant: what is said, and
/// what can be put in its place.
fn text_as_time(verb: &str, text: &str, ty: &DataType) -> Option<(String, Option<String>)> {
    if verb == "compare" && is_time(ty) {
        let written = time_literal(text, ty);
        let shown = written.clone().unwrap_or_else(|| example(ty).into());
        return Some((format!("a {ty} is written `{shown}`"), written));
    }
    if !matches!(verb, "add" | "subtract") || !(is_time(ty) || *ty == DataType::Duration) {
        return None;
    }
    if text.get(..10).is_some_and(is_date) {
        let ty = if text.len() == 10 { DataType::Date } else { DataType::Datetime };
        let written = time_literal(text, &ty)?;
        return Some((format!("a {ty} is written `{written}`"), Some(written)));
    }
    if !is_time(ty) {
        return None;
    }
    let (number, unit) = text.trim().split_once(' ')?;
    let unit = literals::unit(unit.trim())?;
    number.parse::<u32>().ok()?;
    if matches!(unit, "mo" | "y") {
        return None;
    }
    let written = format!("{number}{unit}");
    Some((format!("a length of time is written `{written}`"), Some(written)))
}
