//! Warnings that the text allows: `# allow: W0602 because …` on the line, or in a comment above it.

use super::{Diagnostic, Severity};
use crate::text::Files;

/// Does a comment say that the warning is known?
pub fn is_allowed(found: &Diagnostic, files: &Files) -> bool {
    if found.severity != Severity::Warning {
        return false;
    }
    let span = found.span();
    let file = files.get(span.file);
    let start = span.start as usize;
    let rest = file.text[start..].lines().next().unwrap_or_default();
    let before = &file.text[..start];
    let mut lines = before.rsplit('\n');
    let own = format!("{}{rest}", lines.next().unwrap_or_default());
    let above = lines.map(str::trim).take_while(|line| line.starts_with('#'));
    std::iter::once(own.as_str()).chain(above).any(|line| {
        let said = line.split("# allow:").skip(1).flat_map(str::split_whitespace);
        said.take(1).any(|code| code == found.code.as_str())
    })
}
