//! What is said of programs and runs, read as a whole: every code is shown in a snapshot that
//! somebody has read, and every message keeps to the form that all have.

use super::folders::{compiled, folder, pipelines};
use super::project::Project;
use batchc::diagnostics::render::{Format, render};
use batchc::diagnostics::{Code, Diagnostic, Diagnostics, names, runtime};
use batchc::text::{FileId, Files, Span};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Fewer different messages than this would mean that some are shown no more.
const CASES_MIN: usize = 400;

/// The message without what is the user's: names and numbers.
fn form(message: &str) -> String {
    let own = Regex::new(r#"`[^`]*`|"[^"]*"|[0-9][0-9,.:-]*"#).expect("a pattern");
    own.replace_all(message, "_").into_owned()
}

#[test]
fn every_code_is_shown() {
    let head = Regex::new(r"(?:error|warning)\[([EWRD]\d{4})\]\n\n  [×⚠] (.+)").expect("a pattern");
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    for entry in fs::read_dir(folder).expect("snapshots are there") {
        let text = fs::read_to_string(entry.expect("it can be listed").path()).expect("a text");
        for found in head.captures_iter(&text) {
            shown.entry(found[1].to_owned()).or_default().insert(form(&found[2]));
        }
    }
    let is_missing = |code: &&Code| !shown.contains_key(code.as_str());
    let missing: Vec<&str> =
        Code::ALL.iter().filter(is_missing).map(|code| code.as_str()).collect();
    assert!(missing.is_empty(), "no snapshot shows {}", missing.join(", "));
    let cases: usize = shown.values().map(BTreeSet::len).sum();
    assert!(cases >= CASES_MIN, "{cases} different messages are shown");
}

/// What cannot be had in a moment: a run that takes too long, or too many pairs of rows.
#[test]
fn what_only_a_run_finds_is_shown() {
    let text = "param least: int\n\nsource rows = csv(\"rows.csv\") { id: int key }\n\n\
                job slow {\n  timeout 1h\n  from rows\n  filter id > least\n}\n\n\
                output o = csv(\"o.csv\") from slow\n";
    let mut files = Files::default();
    let id: FileId = files.add("p.batch", text);
    let at = |word: &str| {
        let start = text.find(word).expect("it is there");
        Span::new(id, start, start + word.len())
    };
    let mut all = Diagnostics::new();
    all.push(names::no_value("least", at("least")));
    all.push(runtime::out_of_time("slow", at("timeout 1h")));
    all.push(runtime::too_many_pairs(200_000, 10_000_000_000, at("from rows")));
    insta::assert_snapshot!(render(&all, &files, Format::Human, false));
    let project = Project::new(text);
    project.batchc(&["run"]).fails(2, "parameter `least` has no default and was not given");
}

/// What is wrong with the words of a finding, if anything.
fn flaws(found: &Diagnostic) -> Vec<&'static str> {
    let mut flaws = vec![];
    let message = found.message.as_str();
    let first = message.chars().next().unwrap_or('?');
    let own = Regex::new(r#"`[^`]*`|"[^"]*""#).expect("a pattern");
    let plain = own.replace_all(message, "").into_owned();
    let mut check = |is_wrong: bool, what: &'static str| {
        if is_wrong {
            flaws.push(what);
        }
    };
    check(message.contains('\n'), "has several lines");
    check(message.ends_with(['.', '!', ',', ';', ':']), "ends in a sign");
    check(first.is_ascii_uppercase() && !is_name(message), "begins with a capital");
    check(plain.contains(". "), "has two sentences");
    check(message.chars().count() > 140, "is too long");
    let inside =
        ["::", "Some(", "None", "unwrap", "panicked", "Expr", "Scalar", "DataType", "os error"];
    check(inside.iter().any(|word| plain.contains(word)), "says a name of ours");
    let main = &found.labels[0];
    // An operator is shown, and what its sides are said beside it.
    check(main.text.is_empty() && found.labels.len() < 3, "does not say what was found");
    check(found.labels[1..].iter().any(|label| label.text.is_empty()), "has a place without words");
    check(
        found.labels.iter().any(|label| label.text.ends_with('.')),
        "has a label with a full stop",
    );
    check(found.help.is_none(), "offers no help");
    let help = found.help.as_deref().unwrap_or_default();
    check(
        help.ends_with('.') || help.starts_with(|c: char| c.is_ascii_uppercase()),
        "has a help that is a sentence",
    );
    check(help.matches('`').count() % 2 == 1, "has a help with an open quote");
    flaws
}

/// A code, or a character by its number.
fn is_name(message: &str) -> bool {
    message.split(' ').next().is_some_and(|word| Code::parse(word).is_some())
}

#[test]
fn messages_keep_their_form() {
    let mut wrong = vec![];
    for path in pipelines(&folder("cases")) {
        let text = fs::read_to_string(&path).expect("a case can be read");
        let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
        let (compiled, _) = compiled(&name, &text);
        for found in compiled.found.iter() {
            for flaw in flaws(found) {
                wrong.push(format!("{} {name}: \"{}\" {flaw}", found.code, found.message));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{} flaws:\n{}", wrong.len(), wrong.join("\n"));
}
