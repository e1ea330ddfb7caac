//! What the checker says about the arguments of functions: E0202, E0210, E0211, E0214, E0222, E0223
//! and W0229. Which functions there are is the business of `functions`.

use super::{Code, Diagnostic, nearest, operand};
use crate::text::Span;
use crate::types::{DataType, Type};

/// A call, and the argument of it that a finding is about.
pub struct Given<'a> {
    /// The function.
    pub function: &'a str,
    /// The call as written.
    pub call: (&'a str, Span),
    /// The argument as written.
    pub argument: (&'a str, Span),
    /// The argument's type.
    pub ty: &'a Type,
    /// Where the column comes from, if it is one.
    pub origin: Option<Span>,
    /// Has the function a form with a `zone`?
    pub takes_zone: bool,
}

impl Given<'_> {
    /// The call with `written` in the argument's place.
    fn with(&self, written: &str) -> String {
        let ((call, of_call), (_, place)) = (self.call, self.argument);
        let inside = of_call.start <= place.start && place.end <= of_call.end;
        if !inside || call.contains('\n') || call.len() > 100 {
            return written.to_owned();
        }
        let (start, end) = (place.start - of_call.start, place.end - of_call.start);
        format!("{}{written}{}", &call[..start as usize], &call[end as usize..])
    }
}

/// What a function wants, for a message: types as they are written, and anything else in words.
fn said(wanted: &str, choices: &[&str]) -> String {
    if wanted.starts_with("a value ") || wanted.contains('<') || wanted.contains('{') {
        return if wanted.starts_with("a ") { wanted.to_owned() } else { format!("`{wanted}`") };
    }
    let (last, before) = choices.split_last().expect("something is wanted");
    match before {
        [] => format!("`{last}`"),
        before => format!("`{}` or `{last}`", before.join("`, `")),
    }
}

/// E0202: an argument of another type than the function wants.
pub fn argument(given: &Given, wanted: &str) -> Diagnostic {
    let (function, (text, span), ty) = (given.function, given.argument, given.ty);
    // The comma of `decimal(8, 6)` is no choice.
    let choices: Vec<&str> = match wanted.contains(['(', '<', '{']) {
        true => wanted.split(" or ").collect(),
        false => wanted.split(" or ").flat_map(|part| part.split(", ")).collect(),
    };
    let said = said(wanted, &choices);
    let mut found = Diagnostic::new(
        Code::E0202,
        format!("`{function}` needs {said}, `{text}` is `{ty}`"),
        span,
        format!("this is `{ty}`"),
    );
    if let Some(origin) = given.origin {
        found = found.label(origin, "it comes from here");
    }
    let replaced = |found: Diagnostic, say: &str, written: String| {
        found.help(format!("{say}`{}`", given.with(&written))).guess(span, written)
    };
    let to = choices[0].trim_end_matches('?');
    let is_literal = text.starts_with('"');
    let from_text = ty.data == DataType::String
        && matches!(to, "int" | "float" | "date" | "datetime" | "timestamp" | "bool");
    match to {
        "string" if ty.data == DataType::Bytes => {
            replaced(found, "", format!("decode_utf8({text})"))
        }
        "string" if text.parse::<f64>().is_ok() => replaced(found, "", format!("\"{text}\"")),
        "string" => replaced(found, "", format!("{} as string", operand(text))),
        "float" if matches!(ty.data, DataType::Decimal { .. } | DataType::Int) => {
            replaced(found, "", format!("{} as float", operand(text)))
        }
        _ if from_text && !is_literal => replaced(found, "", format!("{} as {to}", operand(text))),
        _ if ty.data == DataType::Timestamp && choices.contains(&"datetime") => {
            if given.takes_zone {
                replaced(found, "in which zone? ", format!("{text}, zone: \"UTC\""))
            } else {
                replaced(found, "in which zone? ", format!("at_zone({text}, \"UTC\")"))
            }
        }
        "bool" if ty.data == DataType::Bool => {
            found.help(format!("give a value for null: `({text}) ?? false`"))
        }
        "bool" => found.help(format!("compare it with a value: `{text} == …`")),
        _ if let DataType::Named(named) = &ty.data => {
            replaced(found, "the value behind it: ", format!("{} as {}", operand(text), named.of))
        }
        _ => found.help(format!("give it {said}; `batchc doc {function}` has examples")),
    }
}

/// E0202: two arguments that would fit in the other order.
pub fn arguments_swapped(given: &Given, wanted: &str, written: &str) -> Diagnostic {
    let mut found = argument(given, wanted);
    found.help = Some(format!("the other way round: `{written}`"));
    let (_, call) = given.call;
    found.guess(call, written)
}

/// E0210: the date of an instant without a zone.
pub fn date_needs_zone(span: Span, text: &str, zone: &str, call: Span) -> Diagnostic {
    let written = format!("date({text}, zone: \"{zone}\")");
    Diagnostic::new(
        Code::E0210,
        "an instant has a date only in a zone",
        span,
        "this is a `timestamp`",
    )
    .help(format!("`{written}`"))
    .guess(call, written)
}

/// E0211: a call with the wrong number of arguments.
pub fn argument_count(
    function: &str,
    span: Span,
    given: usize,
    signatures: &[String],
) -> Diagnostic {
    let s = if given == 1 { "" } else { "s" };
    Diagnostic::new(
        Code::E0211,
        format!("`{function}` does not take {given} argument{s}"),
        span,
        "this call",
    )
    .help(signatures.iter().take(4).map(|one| in_a_line(one)).collect::<Vec<_>>().join(" or "))
}

/// A signature in one line; without its result where that is long.
fn in_a_line(signature: &str) -> String {
    if !signature.contains('\n') {
        return format!("`{signature}`");
    }
    let parameters = signature.split(") -> ").next().unwrap_or(signature);
    let parameters: Vec<&str> = parameters.lines().map(str::trim).collect();
    format!("`{})`", parameters.join(" ").replacen("( ", "(", 1).trim_end_matches([',', ' ']))
}

/// E0214: an argument that decides the digits of a decimal, and is computed.
pub fn digits_of_rows(function: &str, span: Span, name: &str, written: &str) -> Diagnostic {
    let message =
        format!("`{function}`: `{name}` must be a literal, as it decides the type of the result");
    Diagnostic::new(Code::E0214, message, span, "computed for each row")
        .help(format!("a `float` is rounded to any number of digits: `{written}`"))
}

/// E0214: a literal that a function cannot work with.
pub fn bad_literal(function: &str, span: Span, reason: &str) -> Diagnostic {
    // What a reason says behind a `;` is what to do about it.
    let (reason, help) = match reason.split_once("; ") {
        Some((reason, help)) => (reason, Some(help)),
        None => (reason, None),
    };
    let message = format!("`{function}`: {reason}");
    let found = Diagnostic::new(Code::E0214, message, span, "this argument");
    let meant = help.and_then(|help| help.strip_prefix("did you mean ")?.strip_suffix('?'));
    match (help, meant) {
        (_, Some(meant)) if meant.starts_with('"') => {
            found.help(format!("did you mean `{meant}`?")).guess(span, meant)
        }
        (Some(help), _) => found.help(help),
        (None, _) if reason.starts_with("this is not a regular expression") => found
            .help("a sign that stands for itself is written with a backslash: `\\(`, `\\[`, `\\.`"),
        (None, _) if reason.starts_with("there is no time zone") => {
            found.help("write a name such as \"Europe/Berlin\" or \"UTC\"")
        }
        (None, _) => found.help(format!("what it takes is shown by `batchc doc {function}`")),
    }
}

/// E0214: a format of times that cannot be one; `meant` is the one that it probably means.
pub fn bad_format(function: &str, span: Span, reason: &str, meant: Option<&str>) -> Diagnostic {
    let found = bad_literal(function, span, reason);
    match meant {
        Some(meant) => found.perhaps(span, meant),
        None => found,
    }
}

/// W0229: a pattern for `replace`, which looks for a text.
pub fn pattern_as_text(pattern: Span, written: &str, name: Span) -> Diagnostic {
    let message = "`replace` looks for this text itself, not for what it matches";
    Diagnostic::new(Code::W0229, message, pattern, "a regular expression")
        .help(format!("write `{written}`; a text that is meant itself stands in plain quotes"))
        .guess(name, "regex_replace")
}

/// W0229: `\1` for what a group matched.
pub fn group_by_backslash(new: Span, written: &str) -> Diagnostic {
    let message = "what a group matched is written with `$`";
    Diagnostic::new(Code::W0229, message, new, "a backslash stands for itself")
        .perhaps(new, written)
}

/// E0222: items of a list, or a named argument, that are not as they should be.
pub fn no_parameter(function: &str, name: &str, span: Span, names: &[String]) -> Diagnostic {
    let near = nearest(name, names.iter().map(String::as_str));
    let found = Diagnostic::new(
        Code::E0222,
        format!("`{function}` has no parameter `{name}`"),
        span,
        "not a parameter of it",
    );
    match near {
        Some(near) => found.did_you_mean(span, name, near),
        None if names.is_empty() => found.help("it has none"),
        None => found.help(format!("it has `{}`", names.join("`, `"))),
    }
}

/// E0223: a lambda where a value is wanted, or the reverse.
pub fn stray_lambda(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0223,
        "a lambda can only be the argument of a list function",
        span,
        "this lambda",
    )
    .help("for instance `map(list, x -> x + 1)`")
}
