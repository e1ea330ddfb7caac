//! What a reader can copy works: every program in the README and in `docs/` compiles without
//! errors. The pages of `docs/diagnostics/` have a test of their own.

use std::fs;
use std::path::{Path, PathBuf};

/// README.md, CONTRIBUTING.md, and the Markdown files of `docs/`, its `diagnostics/` excepted.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let mut open = vec![root.join("docs"), root.join("examples")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() && !path.ends_with("docs/diagnostics") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The blocks fenced with ```` ```batch ````, each with the line it begins on.
fn programs(text: &str) -> Vec<(usize, String)> {
    let mut found = vec![];
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            None if line == "```batch" => open = Some((at + 2, String::new())),
            None => {}
            Some(_) if line == "```" => found.extend(open.take()),
            Some((_, program)) => {
                program.push_str(line);
                program.push('\n');
            }
        }
    }
    found
}

/// All programs in the documentation, with their places.
pub(crate) fn all_programs() -> impl Iterator<Item = (String, String)> {
    documents().into_iter().flat_map(|document| {
        let text = fs::read_to_string(&document).expect("it can be read");
        let name = move |(line, program)| (format!("{}:{line}", document.display()), program);
        programs(&text).into_iter().map(name)
    })
}

#[test]
fn programs_in_the_documentation_compile() {
    let mut count = 0;
    for (name, program) in all_programs() {
        let compiled = batchc::compile(&name, program);
        assert!(!compiled.found.has_errors(), "{name} has errors; `batchc check` shows them");
        count += 1;
    }
    assert!(count > 0, "the README has a program");
}
