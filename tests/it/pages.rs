//! The pages of the diagnostics: each shows a program that fails in exactly its way, and one that
//! passes.

use super::cases::needs_a_run;
use super::folders::compiled;
use batchc::diagnostics::{Code, Severity};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The program in the block behind a heading.
fn block(page: &str, heading: &str) -> Option<String> {
    let (_, behind) = page.split_once(&format!("\n## {heading}\n"))?;
    let behind = behind.split("\n## ").next()?;
    let (_, program) = behind.split_once("```batch\n")?;
    Some(program.split_once("```")?.0.to_owned())
}

/// The codes that a program gives, and how they look.
fn found(name: &str, program: &str) -> (BTreeSet<Code>, bool, String) {
    let (compiled, shown) = compiled(name, program);
    let codes = compiled.found.iter().map(|found| found.code).collect();
    let errors = compiled.found.count(Severity::Error) > 0;
    (codes, errors, shown)
}

#[test]
fn pages_keep_their_form() {
    for code in Code::ALL {
        let page = code.page();
        let first = page.lines().next().unwrap_or("");
        assert_eq!(first, format!("# {code}: {}", code.title()), "the first line of {code}.md");
        assert!(!code.title().is_empty(), "{code}.md has no title");
        let text = page.split("\n## ").next().unwrap_or("").lines().skip(1);
        let sentences = text.filter(|line| !line.is_empty()).count();
        assert!((2..=5).contains(&sentences), "{code}.md has {sentences} sentences");
    }
}

#[test]
fn pages_fail_and_pass_as_they_say() {
    let mut wrong = vec![];
    for &code in Code::ALL {
        let Some(fails) = block(code.page(), "Fails") else {
            wrong.push(format!("{code}.md has no program that fails"));
            continue;
        };
        let (codes, errors, text) = found(&format!("{code}.md"), &fails);
        if needs_a_run(code) {
            if errors || !codes.is_empty() {
                wrong.push(format!("{code}.md: its first program should check\n{text}"));
            }
        } else if codes != BTreeSet::from([code]) {
            wrong.push(format!("{code}.md: its first program gives {codes:?}\n{text}"));
        }
        let Some(passes) = block(code.page(), "Passes") else {
            wrong.push(format!("{code}.md has no program that passes"));
            continue;
        };
        let (codes, _, text) = found(&format!("{code}.md"), &passes);
        if !codes.is_empty() {
            wrong.push(format!("{code}.md: its second program gives {codes:?}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_has_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics");
    for entry in fs::read_dir(folder).expect("pages are there") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("");
        assert!(Code::parse(name).is_some(), "{} belongs to no code", path.display());
    }
}
