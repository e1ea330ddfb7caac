//! Patterns and what replaces matches, where they are written as another function or tool has them.

use super::Scope;
use crate::diagnostics::arguments;
use crate::expr::constant;
use crate::functions::regex;
use crate::ir::Expr;
use crate::syntax::ast;
use crate::text::Span;
use crate::types::Scalar;

impl Scope<'_, '_> {
    /// Warns of a call that takes a text for itself where it is written as a pattern.
    pub(super) fn pattern_habits(&mut self, name: &ast::Name, values: &[Expr], call: Span) {
        let ("replace" | "regex_replace", [_, pattern, new]) = (name.text.as_str(), values) else {
            return;
        };
        let text = |value: &Expr| match constant(value, &self.globals.known) {
            Ok(Scalar::String(text)) => Some(text),
            _ => None,
        };
        let is_raw = |value: &Expr| self.text(value.span).starts_with("r\"");
        let Some(regex) = text(pattern) else { return };
        let found = if name.text == "replace" {
            if !is_raw(pattern) || !is_pattern(&regex) {
                return;
            }
            let written = self.text(call).replacen("replace", "regex_replace", 1);
            arguments::pattern_as_text(pattern.span, &written, name.span)
        } else {
            let groups = regex::compile(&regex).map_or(0, |regex| regex.captures_len() - 1);
            let Some(meant) = text(new).and_then(|new| with_dollars(&new, groups)) else { return };
            let written = if is_raw(new) {
                format!("r\"{meant}\"")
            } else {
                let meant = meant.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{}\"", meant.replace('{', "{{").replace('}', "}}"))
            };
            arguments::group_by_backslash(new.span, &written)
        };
        self.found.push(found);
    }
}

/// Is this a regular expression that finds something else than its own text?
fn is_pattern(text: &str) -> bool {
    let has_class = text.split('\\').skip(1).any(|rest| {
        rest.starts_with(['d', 's', 'w', 'b', 'D', 'S', 'W', 'B', '.', '(', ')', '[', ']', '/'])
    });
    (has_class || text.contains(['[', '(', '*', '+', '?', '^', '$', '|']))
        && regex::compile(text).is_ok()
}

/// `\2\1` as `$2$1`, if the pattern has such groups.
fn with_dollars(text: &str, groups: usize) -> Option<String> {
    let (mut written, mut rest, mut is_other) = (String::new(), text, false);
    while let Some(at) = rest.find('\\') {
        written.push_str(&rest[..at].replace('$', "$$"));
        rest = &rest[at + 1..];
        let group = rest.chars().next().and_then(|digit| digit.to_digit(10));
        match group.filter(|group| *group as usize <= groups) {
            Some(group) => {
                rest = &rest[1..];
                let goes_on = rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
                written.push_str(&if goes_on {
                    format!("${{{group}}}")
                } else {
                    format!("${group}")
                });
                is_other = true;
            }
            None => written.push('\\'),
        }
    }
    written.push_str(&rest.replace('$', "$$"));
    is_other.then_some(written)
}
