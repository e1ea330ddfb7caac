//! Every `tests/cases/**/*.batch`, with what the compiler says about it, against its snapshot.
//!
//! A case is added by dropping a file. `INSTA_UPDATE=always cargo test --test it` accepts what
//! has changed; read it as a user would before it is committed.

use super::folders::{compare, compiled, folder, pipelines};
use batchc::diagnostics::Code;
use std::collections::BTreeSet;
use std::fs;

/// Codes that only a run can give: of rows, of rules about data, and of the command line.
pub(crate) fn needs_a_run(code: Code) -> bool {
    matches!(code.as_str(), "E0124") || code.as_str().starts_with(['R', 'D'])
}

/// Codes of the parser, each of which its page shows.
fn is_of_the_text(code: Code) -> bool {
    code.as_str().starts_with("E00")
}

#[test]
fn cases() {
    compare("cases", |path, name| {
        let text = fs::read_to_string(path).expect("a case can be read");
        shown(name, &text)
    });
}

/// The program and what was found in it.
fn shown(name: &str, text: &str) -> String {
    let (_, found) = compiled(name, text);
    let found = if found.is_empty() { "nothing\n".to_owned() } else { found };
    format!("{}\n\n---- found ----\n{}", text.trim_end(), found.trim_end())
}

#[test]
fn every_code_of_the_checker_has_a_case() {
    let mut shown = BTreeSet::new();
    for path in pipelines(&folder("cases")) {
        let text = fs::read_to_string(&path).expect("a case can be read");
        let (compiled, _) = compiled("case.batch", &text);
        shown.extend(compiled.found.iter().map(|found| found.code));
    }
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !needs_a_run(**code) && !is_of_the_text(**code) && !shown.contains(code))
        .map(|code| code.as_str())
        .collect();
    assert!(missing.is_empty(), "no case in tests/cases shows {}", missing.join(", "));
}
