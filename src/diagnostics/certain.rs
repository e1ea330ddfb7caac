//! What the checker says of conditions that are the same for every row: codes W0405 and W0414.

use super::{Code, Diagnostic};
use crate::text::Span;

/// W0405: a condition that no row can meet after those above it.
pub fn keeps_nothing(name: &str, known: &[&str], span: Span, since: Option<Span>) -> Diagnostic {
    let names = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    let label = if known.is_empty() {
        format!("`{name}` cannot be all of this at once")
    } else {
        format!("`{name}` can only be {names} here")
    };
    let found = Diagnostic::new(Code::W0405, "this filter keeps nothing", span, label);
    let found = match since {
        Some(since) => found.label(since, "since here"),
        None => found,
    };
    found.help("change one of the conditions, or join them by `or`")
}

/// W0405: a filter or rule that no row meets: because of what it says of a column, or because it
/// depends on none.
pub fn never(is_rule: bool, column: Option<&str>, span: Span) -> Diagnostic {
    let (label, help) = match column {
        Some(column) => (
            format!("`{column}` cannot be all of this at once"),
            "change one of the conditions, or join them by `or`",
        ),
        None => ("true for no row".to_owned(), "say what columns have to be, or leave it out"),
    };
    found(is_rule, false, span, label).help(help)
}

/// W0414: a filter or rule that every row meets; `is_either` when one of several conditions is enough.
pub fn always(is_rule: bool, column: Option<&str>, is_either: bool, span: Span) -> Diagnostic {
    let label = match column {
        Some(column) => format!("true, whatever `{column}` is"),
        None => "true for every row".to_owned(),
    };
    let help = match is_either && column.is_some() {
        true => "leave it out, or join the conditions by `and`",
        false => "leave it out, or change it",
    };
    found(is_rule, true, span, label).help(help)
}

/// What is known of a value, in words.
pub struct Fact<'f> {
    /// The value, as it is written in the condition.
    pub value: &'f str,
    /// That it is: `at least 0`.
    pub is: &'f str,
    /// What would say more of it: `> 0`.
    pub more: Option<String>,
    /// Where that became known.
    pub since: Span,
    /// Is it called so there too?
    pub is_named: bool,
}

/// W0405, W0414: a filter or rule that what is known of a value decides.
pub fn decided(is_rule: bool, is_true: bool, fact: &Fact, text: &str, span: Span) -> Diagnostic {
    let Fact { value, is, more, since, is_named } = fact;
    let label = format!("true for {} row: `{value}` is {is}", if is_true { "every" } else { "no" });
    let verb = if is_rule { "expect" } else { "filter" };
    let help = match more {
        Some(more) if is_true => {
            format!("leave it out, or ask for more: `{verb} {value} {more}`")
        }
        _ if is_true || !is_named => "leave it out, or change it".to_owned(),
        _ if is_rule => {
            format!("to judge rows as they were, write `{verb} {text}` above that step")
        }
        _ => format!("to keep such rows, write `{verb} {text}` above that step"),
    };
    let found = found(is_rule, is_true, span, label);
    let is_inside = span.start <= since.start && since.end <= span.end && span.file == since.file;
    match is_inside {
        true => found.help("leave it out, or change it"),
        false => found.label(*since, "since here").help(help),
    }
}

/// W0405, W0414: a filter or rule that compares a column with itself.
pub fn itself(
    is_rule: bool,
    is_true: bool,
    name: &str,
    is_optional: bool,
    span: Span,
) -> Diagnostic {
    let label = format!("`{name}` is compared with itself");
    let verb = if is_rule { "expect" } else { "filter" };
    let help = match is_optional {
        true => format!("to leave nulls out: `{verb} {name} is not null`"),
        false => "compare it with another column, or leave it out".to_owned(),
    };
    found(is_rule, is_true, span, label).help(help)
}

fn found(is_rule: bool, is_true: bool, span: Span, label: String) -> Diagnostic {
    let (code, message) = match (is_true, is_rule) {
        (true, true) => (Code::W0414, "this rule always holds"),
        (true, false) => (Code::W0414, "this filter keeps every row"),
        (false, true) => (Code::W0405, "this rule never holds"),
        (false, false) => (Code::W0405, "this filter keeps nothing"),
    };
    Diagnostic::new(code, message, span, label)
}
