//! `like`, and its pattern as what is asked here: whether a text begins with, ends with, contains or
//! is another, or matches a regular expression.

use super::{Foreign, Habit, Line};

/// A part of the pattern of a `like`, as the program has it in a text.
enum Part<'t> {
    /// `%`: any text.
    Any,
    /// `_`: any character.
    One,
    /// A character that stands for itself, or an escape of texts.
    Itself(&'t str),
}

impl Line<'_> {
    /// `city like "B%"`
    pub(super) fn like(&self, at: usize) -> Option<Habit> {
        let not = usize::from(at > 1 && self.text(at - 1) == "not");
        let start = self.value_before(at - not)?;
        let mut value = self.slice(start..at - not).to_owned();
        let mut pattern = self.text(at + 1).trim_matches('"').to_owned();
        if self.text(at).eq_ignore_ascii_case("ilike") {
            (value, pattern) = (format!("lower({value})"), pattern.to_lowercase());
        }
        let parts = parts(&pattern);
        if !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::Any)) {
            // Any text, and its opposite is nothing: a null is neither.
            let written = format!("{} is not null", self.slice(start..at - not));
            let habit = Habit { place: start..at + 2, written, foreign: Foreign::Form("like") };
            return (not == 0).then_some(habit);
        }
        let written = asked(&value, &parts);
        let written = if not == 1 { format!("not {written}") } else { written };
        Some(Habit { place: start..at + 2, written, foreign: Foreign::Form("like") })
    }
}

/// The parts of a pattern, in order.
fn parts(pattern: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (vec![], pattern);
    while let Some(first) = rest.chars().next() {
        let is_pair = matches!(first, '\\' | '{' | '}');
        let next = rest.chars().nth(1).filter(|_| is_pair).map_or(0, char::len_utf8);
        let (part, behind) = rest.split_at(first.len_utf8() + next);
        parts.push(match part {
            "%" => Part::Any,
            "_" => Part::One,
            "\\%" | "\\_" => Part::Itself(&part[1..]),
            _ => Part::Itself(part),
        });
        rest = behind;
    }
    parts
}

/// What is asked of a value by a pattern.
fn asked(value: &str, parts: &[Part]) -> String {
    let is_any = |part: Option<&Part>| matches!(part, Some(Part::Any));
    let is_itself = |part: &&Part| matches!(part, Part::Itself(_));
    let (begins, ends) = (is_any(parts.first()), is_any(parts.last()));
    let inner = parts.iter().skip_while(|part| matches!(part, Part::Any));
    let literal: String = inner.map_while(|part| itself(part)).collect();
    let wildcards = parts.iter().take_while(|part| matches!(part, Part::Any)).count()
        + parts.iter().rev().take_while(|part| matches!(part, Part::Any)).count();
    let is_plain = parts.iter().filter(is_itself).count() + wildcards == parts.len();
    let call = |name: &str| format!("{name}({value}, \"{literal}\")");
    match (begins, ends) {
        _ if !is_plain => format!("{value} matches r\"(?s)^{}$\"", as_regex(parts)),
        (true, true) => call("contains"),
        (false, true) => call("starts_with"),
        (true, false) => call("ends_with"),
        (false, false) => format!("{value} == \"{literal}\""),
    }
}

fn itself<'t>(part: &Part<'t>) -> Option<&'t str> {
    match part {
        Part::Itself(text) => Some(text),
        Part::Any | Part::One => None,
    }
}

/// A pattern as a regular expression, in which all else stands for itself.
fn as_regex(parts: &[Part]) -> String {
    let mut regex = String::new();
    for part in parts {
        match part {
            Part::Any => regex.push_str(".*"),
            Part::One => regex.push('.'),
            Part::Itself("{{") => regex.push_str("\\{"),
            Part::Itself("}}") => regex.push_str("\\}"),
            Part::Itself(text) => {
                if matches!(*text, "." | "+" | "*" | "?" | "(" | ")" | "|" | "[" | "]" | "^" | "$")
                {
                    regex.push('\\');
                }
                regex.push_str(text);
            }
        }
    }
    regex
}
