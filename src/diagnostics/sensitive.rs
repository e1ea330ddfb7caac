//! What the checker says about sensitive columns: codes E0511 and E0512.

use super::{Code, Diagnostic};
use crate::text::Span;

/// E0511: a sensitive column of a source in a column of an output, which is a text or has to become one
/// to be disguised.
pub fn escapes(
    (name, declared): (&str, Span),
    (column, origin, is_text): (&str, Span, bool),
    (output, span): (&str, Span),
) -> Diagnostic {
    let message = match name == column {
        true => format!("`{name}` is sensitive and would be written by `{output}`"),
        false => format!("`{name}` is sensitive, and `{output}` would write it as `{column}`"),
    };
    let found =
        Diagnostic::new(Code::E0511, message, span, "this output").label(declared, "marked here");
    let found = match origin == declared {
        true => found,
        false => found.label(origin, "the column that shows it"),
    };
    let text = if is_text { column.to_owned() } else { format!("\"{{{column}}}\"") };
    found.help(format!(
        "`set {column} = sha256({text})`, `mask` or `drop` it above; or `allow sensitive {column}`"
    ))
}

/// E0511: a sensitive column of a source in a text that is told where a row fails.
pub fn told(name: &str, declared: Span, span: Span) -> Diagnostic {
    let message = format!("`{name}` is sensitive, and this text would tell it");
    Diagnostic::new(Code::E0511, message, span, "told wherever a run fails")
        .label(declared, "marked here")
        .help(format!("leave it out, or show `mask({name})`"))
}

/// E0512: a column is allowed to an output that does not have it, or in which nothing sensitive shows.
pub fn allowed_in_vain(column: &str, span: Span, is_there: bool) -> Diagnostic {
    let label = match is_there {
        true => "nothing sensitive shows in it",
        false => "not a column of this output",
    };
    Diagnostic::new(Code::E0512, format!("there is nothing to allow in `{column}`"), span, label)
        .help("leave it out")
}
