//! What the user is told about the program and its runs: codes, sentences, places, helps.
//!
//! Every sentence for the user is made here, by one constructor a finding, in the file of its
//! area; a phase calls the constructor and pushes the result. How a diagnostic looks on a
//! terminal or in JSON is [`render`]'s business. Deciding *that* something is wrong is not done
//! here.

mod allow;
pub mod arguments;
pub mod branches;
pub mod certain;
mod code;
pub mod fixes;
pub mod fixtures;
pub mod foreign;
pub mod formats;
pub mod functions;
pub mod graph;
pub mod habits;
pub mod incremental;
pub mod literals;
pub mod modules;
pub mod named;
pub mod names;
pub mod patterns;
pub mod reasons;
pub mod references;
pub mod render;
pub mod rows;
pub mod runtime;
pub mod sensitive;
mod shown;
pub mod syntax;
pub mod transforms;
pub mod types;
pub mod unused;
pub mod windows;

pub use allow::allow;
pub use code::Code;
pub use shown::{escaped, shortened, shortened_help, shown};

use crate::text::Span;
use crate::types::{composed, other_characters};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program cannot be run.
    Error,
    /// The program can be run, and probably does not do what is wanted.
    Warning,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Its number, never reused.
    pub code: Code,
    /// How grave it is.
    pub severity: Severity,
    /// One sentence without a full stop, lower case first, the user's names in backquotes.
    pub message: String,
    /// Where; the first is the main place, whose text says what was found there.
    pub labels: Vec<Label>,
    /// One thing to do, with text that can be pasted.
    pub help: Option<String>,
    /// The help as an edit, when it can be made without thinking.
    pub fix: Option<Fix>,
}

/// A place with a few words about it.
#[derive(Clone, Debug)]
pub struct Label {
    /// The smallest text that could be changed.
    pub span: Span,
    /// What was found there; may be empty.
    pub text: String,
}

/// A replacement of the text at a place.
#[derive(Clone, Debug)]
pub struct Fix {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// By what.
    pub text: String,
    /// Can it be made without asking? Not when the meaning was guessed.
    pub safe: bool,
}

impl Diagnostic {
    /// A finding with its main place. Errors and warnings differ by their code's letter.
    pub fn new(
        code: Code,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Diagnostic {
        let labels = vec![Label { span, text: shortened(label) }];
        let severity = code.severity();
        Diagnostic { code, severity, message: shortened(message), labels, help: None, fix: None }
    }

    /// The same with a further place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: shortened(text) });
        self
    }

    /// The same with a help.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(shortened_help(help));
        self
    }

    /// The same with a help that an editor can apply: put `text` in place of `span`.
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { span, text: text.into(), safe: true });
        self
    }

    /// The same where `text` is only what was probably meant.
    pub fn guess(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { span, text: text.into(), safe: false });
        self
    }

    /// The same with the help to write `text` in place of `span`, which means the same.
    pub fn instead(self, span: Span, text: impl Into<String>) -> Diagnostic {
        let text = text.into();
        self.help(format!("write `{text}`")).fix(span, text)
    }

    /// The same where `text` is only what was probably meant.
    pub fn perhaps(self, span: Span, text: impl Into<String>) -> Diagnostic {
        let text = text.into();
        self.help(format!("write `{text}`")).guess(span, text)
    }

    /// The same with the question whether a name that there is was meant by the one that is `written` at
    /// `span`, and may look like it.
    pub fn did_you_mean(self, span: Span, written: &str, name: &str) -> Diagnostic {
        self.help(question(written, name)).guess(span, name)
    }

    /// The main place.
    pub fn span(&self) -> Span {
        self.labels[0].span
    }
}

/// All findings of a compilation, in the order in which they were found until [`Self::sort`].
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds those that another phase, or part of one, has found.
    pub fn extend(&mut self, others: Diagnostics) {
        self.found.extend(others.found);
    }

    /// Keeps those that `wanted` says.
    pub fn retain(&mut self, wanted: impl FnMut(&Diagnostic) -> bool) {
        self.found.retain(wanted);
    }

    /// Makes errors of the warnings whose code is denied.
    pub fn deny(&mut self, is_denied: impl Fn(Code) -> bool) {
        for found in self.found.iter_mut().filter(|found| is_denied(found.code)) {
            found.severity = Severity::Error;
        }
    }

    /// Into the order of the text; what was found twice is kept once.
    pub fn sort(&mut self) {
        self.found.sort_by_key(|found| (found.span(), found.code));
        self.found
            .dedup_by(|a, b| a.code == b.code && a.span() == b.span() && a.message == b.message);
    }

    /// Is there an error among them?
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity == Severity::Error)
    }

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.found.iter().filter(|found| found.severity == severity).count()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.found.iter()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// The candidate that is nearest to `name`, if one is near enough to be meant.
///
/// Distance is Damerau-Levenshtein, and case does not count; a third of the letters may differ, and
/// ties go to the first. Failing that, one that begins as the other does, `WARN` for `WARNING`.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = composed(name).to_lowercase();
    // Any letter is as near as any other.
    if wanted.chars().count() < 2 {
        return None;
    }
    let limit = (wanted.chars().count().max(3)) / 3;
    let begins = |a: &str, b: &str| b.len() >= 3 && a.starts_with(b);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().filter(|candidate| *candidate != name) {
        let known = composed(candidate).to_lowercase();
        let distance = if wanted.len().abs_diff(known.len()) > 4 * limit {
            usize::MAX
        } else {
            strsim::damerau_levenshtein(&wanted, &known)
        };
        let rank = if distance <= limit {
            distance
        } else if begins(&wanted, &known) || begins(&known, &wanted) {
            limit + 1
        } else {
            continue;
        };
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Was a name that there is meant by the one that is written? By which characters they differ is told where
/// that cannot be seen.
pub fn question(written: &str, name: &str) -> String {
    let others = other_characters(written, name);
    let others = others.map_or(String::new(), |which| format!(", {which}"));
    format!("did you mean `{name}`{others}?")
}

/// A text of the program as the operand of an operator: in parentheses, unless it holds together
/// by itself, as a name, a literal and a call do.
pub fn operand(text: &str) -> String {
    let (mut depth, mut in_text, mut is_loose) = (0, false, false);
    for character in text.chars() {
        match character {
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => is_loose |= depth == 0 && " +-*/%<>=?".contains(character),
        }
    }
    if is_loose { format!("({text})") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_one_that_can_be_meant() {
        for (name, candidates, expected) in [
            ("amout", &["country", "amount"][..], Some("amount")),
            ("AMOUNT", &["amounts", "amount"], Some("amount")),
            ("WARNING", &["DEBUG", "WARN", "ERROR"], Some("WARN")),
            ("desc", &["description"], Some("description")),
            ("at", &["attributes", "b"], None),
            ("amount", &["amount"], None),
            ("ab", &["cd"], None),
            ("\u{0130}d", &["id"], Some("id")),
        ] {
            assert_eq!(nearest(name, candidates.iter().copied()), expected, "{name}");
        }
    }
}
