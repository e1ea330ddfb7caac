//! Findings about the patterns that texts are matched with.

use super::{Code, Diagnostic};
use crate::syntax::ast::Pattern;
use crate::text::Span;

/// E0208: a field of which there is no part in the pattern.
pub fn no_part(name: &str, span: Span, pattern: &Pattern, parts: &[&str]) -> Diagnostic {
    let (what, written) = match pattern {
        Pattern::Regex(_) => ("group", format!("`(?<{name}>…)`")),
        Pattern::Grok(_) => ("part", format!("`%{{DATA:{name}}}`")),
        Pattern::Template(_) => ("part", format!("`{{{name}}}`")),
    };
    let message = format!("the pattern has no {what} `{name}`");
    let found = Diagnostic::new(Code::E0208, message, span, "this field")
        .label(pattern.span(), format!("{what}s here: {}", parts.join(", ")));
    match super::nearest(name, parts.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("name a {what} of the pattern: {written}")),
    }
}

/// E0208: a pattern of which nothing can become a column.
pub fn no_names(span: Span, text: &str) -> Diagnostic {
    let message = "the pattern names no part of the text";
    let found = Diagnostic::new(Code::E0208, message, span, "no name in it");
    if text.starts_with('r') {
        return found.help("name a group of it: `(?<day>…)`");
    }
    match ["%{", "(?", "[", "^"].iter().any(|sign| text.contains(sign)) {
        true => found.perhaps(span, format!("r{}", text.replace("\\\\", "\\"))),
        false => found.help("write a name where a part is: `\"{day} {message}\"`"),
    }
}

/// E0208: parts of a template with nothing between them.
pub fn nothing_between(before: &str, name: &str, span: Span) -> Diagnostic {
    let message = format!("nothing says where `{before}` ends and `{name}` begins");
    Diagnostic::new(Code::E0208, message, span, format!("right behind `{before}`")).help(format!(
        "write what stands between them: `{{{before}}} {{{name}}}`; or use a regular expression"
    ))
}

/// E0221: a pattern that cannot be one; behind a semicolon the reason says what can be done.
pub fn bad(span: Span, reason: &str) -> Diagnostic {
    let help = "a sign that stands for itself is written with a backslash: `\\(`, `\\[`, `\\.`";
    let (reason, help) = reason.split_once("; ").unwrap_or((reason, help));
    Diagnostic::new(Code::E0221, reason.to_owned(), span, "this pattern").help(help)
}
