//! Every edit that a finding offers, made: it must end the finding and break nothing else.

use super::folders::{folder, pipelines};
use batchc::diagnostics::{Diagnostic, Fix, Severity};
use std::collections::BTreeMap;
use std::fs;

/// The text with the edit made.
fn fixed(text: &str, fix: &Fix) -> String {
    let (start, end) = (fix.span.start as usize, fix.span.end as usize);
    format!("{}{}{}", &text[..start], fix.text, &text[end..])
}

/// Where a place is after the edit.
fn moved(place: u32, fix: &Fix) -> u32 {
    match place {
        before if before < fix.span.end || before == fix.span.start => before,
        behind => behind - (fix.span.end - fix.span.start) + fix.text.len() as u32,
    }
}

/// How many findings of the parser there are, by code.
fn of_the_parser<'d>(found: impl Iterator<Item = &'d Diagnostic>) -> BTreeMap<&'d str, usize> {
    let mut counts = BTreeMap::new();
    for one in found.filter(|one| one.code.as_str().starts_with("E00")) {
        *counts.entry(one.code.as_str()).or_default() += 1;
    }
    counts
}

/// What is wrong with an edit, if anything.
fn flaw(name: &str, text: &str, before: &[&Diagnostic], found: &Diagnostic) -> Option<String> {
    let fix = found.fix.as_ref()?;
    let after = batchc::compile(name, fixed(text, fix));
    let place = moved(found.span().start, fix);
    let stays = after.found.iter().any(|other| {
        (other.code, other.span().start, &other.message) == (found.code, place, &found.message)
    });
    let old = of_the_parser(before.iter().copied());
    let new = of_the_parser(after.found.iter());
    let more: Vec<&str> = new
        .iter()
        .filter(|(code, count)| *count > old.get(*code).unwrap_or(&0))
        .map(|(code, _)| *code)
        .collect();
    // What is safe to do without asking leaves nothing wrong in its place.
    let (start, end) = (fix.span.start, fix.span.start + fix.text.len() as u32);
    let within = |other: &&Diagnostic| start <= other.span().start && other.span().end <= end;
    let broken = after.found.iter().filter(|other| other.severity == Severity::Error).find(within);
    let line = text[..found.span().start as usize].matches('\n').count() + 1;
    let about = format!("{name}:{line}: {} {}: `{}`", found.code, found.message, fix.text);
    if let Some(broken) = broken.filter(|_| fix.safe && !fix.text.is_empty()) {
        return Some(format!("{about} is marked safe, and then: {}", broken.message));
    }
    match (stays, more.is_empty()) {
        (true, _) => Some(format!("{about} does not end it")),
        (false, false) => Some(format!("{about} makes {}", more.join(", "))),
        (false, true) => None,
    }
}

#[test]
fn edits_end_what_they_are_for() {
    let base = folder("cases");
    let (mut made, mut flaws) = (0, vec![]);
    for path in pipelines(&base) {
        let name = path.strip_prefix(&base).expect("it is inside").display().to_string();
        let text = fs::read_to_string(&path).expect("a case can be read");
        let compiled = batchc::compile(&name, text.clone());
        let before: Vec<&Diagnostic> = compiled.found.iter().collect();
        made += before.iter().filter(|found| found.fix.is_some()).count();
        flaws.extend(before.iter().filter_map(|found| flaw(&name, &text, &before, found)));
    }
    assert!(made > 60, "{made} edits");
    assert!(flaws.is_empty(), "of {made} edits, these are wrong:\n{}", flaws.join("\n"));
}
