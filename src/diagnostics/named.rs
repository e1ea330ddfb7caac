//! What is said about `type` declarations and the types that they name: codes E0203, E0233 and E0150.

use super::{Code, Diagnostic, operand};
use crate::text::Span;
use crate::types::{DataType, NamedType, Type};

/// A value as written, with its place and its type.
type Shown<'a> = (&'a str, Span, &'a Type);

/// E0203: two values that do not go together, as a `type` tells them apart.
pub fn told_apart(place: Span, left: Shown, right: Shown, compares: bool) -> Diagnostic {
    let is = |shown: &Shown| format!("`{}` is {}", shown.0, described(&shown.2.data));
    let message = match left.0 == right.0 {
        true => format!(
            "`{}` is {} here and {} there",
            left.0,
            described(&left.2.data),
            described(&right.2.data)
        ),
        false => format!("{}, {}", is(&left), is(&right)),
    };
    let found = match left.1 == right.1 {
        true => {
            let both = format!("`{}` and `{}`", left.2, right.2);
            Diagnostic::new(Code::E0203, message, place, both)
        }
        false => Diagnostic::new(Code::E0203, message, place, "")
            .label(left.1, format!("this is `{}`", left.2))
            .label(right.1, format!("this is `{}`", right.2)),
    };
    let as_behind = |shown: &Shown| match &shown.2.data {
        DataType::Named(named) => format!("{} as {}", operand(shown.0), named.of),
        _ => shown.0.to_owned(),
    };
    let help = match (&left.2.data, &right.2.data) {
        // Both sides of a join by one name.
        (DataType::Named(named), _) | (_, DataType::Named(named)) if left.1 == right.1 => {
            format!("make it the same before: `cast {} as {}`", left.0, named.name)
        }
        (DataType::Named(_), DataType::Named(_)) => {
            format!("by the values behind them: `{}`, `{}`", as_behind(&left), as_behind(&right))
        }
        (DataType::Named(named), _) if compares && *right.2 == right.2.opened() => {
            format!(
                "`{} as {}`, or by the value behind it: `{}`",
                operand(right.0),
                named.name,
                as_behind(&left)
            )
        }
        (_, DataType::Named(named)) if compares && *left.2 == left.2.opened() => {
            format!(
                "`{} as {}`, or by the value behind it: `{}`",
                operand(left.0),
                named.name,
                as_behind(&right)
            )
        }
        (DataType::Named(_), _) => format!("the value behind it: `{}`", as_behind(&left)),
        _ => format!("the value behind it: `{}`", as_behind(&right)),
    };
    found.help(help)
}

/// ``an `OrderId` ``, `` `int` ``
fn described(data: &DataType) -> String {
    match data {
        DataType::Named(named) => {
            let article = if named.with_article().starts_with("an ") { "an" } else { "a" };
            format!("{article} `{}`", named.name)
        }
        data => format!("`{data}`"),
    }
}

/// E0233: a value that is known, and does not meet the condition of its type.
pub fn not_of_it(text: &str, span: Span, reason: &str, declared: Span) -> Diagnostic {
    let message = format!("`{text}` is {reason}");
    Diagnostic::new(Code::E0233, message, span, "does not meet the condition")
        .label(declared, "declared here")
        .help("give a value for which it is true")
}

/// E0233: a type that is only checked where it stands alone.
pub fn not_within(ty: &DataType, part: &NamedType, span: Span) -> Diagnostic {
    let message = format!("the values in `{ty}` are not checked to be `{}`", part.name);
    Diagnostic::new(Code::E0233, message, span, "a condition is checked of whole values").help(
        format!(
            "write `{}` here, and convert what is taken out of it: `… as {}`",
            part.of, part.name
        ),
    )
}

/// E0150: a type that is made of itself.
pub fn of_itself(name: &str, span: Span, through: Span) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0150,
        format!("`{name}` is made of itself"),
        span,
        "no value can be one",
    );
    found.label(through, "needs it in turn").help("name a type of the language here")
}

/// E0150: a type that is called as one of the language.
pub fn built_in(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` is a type of the language");
    let mut own = name.to_owned();
    if let Some(first) = own.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    Diagnostic::new(Code::E0150, message, span, "this name is taken").did_you_mean(span, name, &own)
}

/// E0150: a type of which nulls are a part.
pub fn nullable(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` cannot hold nulls of its own");
    Diagnostic::new(Code::E0150, message, span, "the `?` belongs to columns")
        .help(format!("leave out the `?` and write `{name}?` where a value may be null"))
}

/// E0150: a condition that is the same for all values.
pub fn without_value(name: &str, span: Span) -> Diagnostic {
    let message = format!("the condition of `{name}` says nothing of its `value`");
    Diagnostic::new(Code::E0150, message, span, "the same for all values")
        .help("for instance `where value > 0`")
}
