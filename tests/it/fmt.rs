//! The layout of programs, `batchc fmt`: what it makes of cases, and that it changes nothing else,
//! over every program of the repository and over programs with something missing.

use super::folders::{compare, pipelines};
use super::mutants;
use super::project::Project;
use super::written::Grammar;
use batchc::diagnostics::Diagnostics;
use batchc::syntax::{TokenKind, format as laid_out, parse, tokens};
use batchc::text::Files;
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn layouts() {
    compare("fmt", |path, _| {
        let text = fs::read_to_string(path).expect("a case can be read");
        check(path, &text);
        laid_out(&text)
    });
}

/// Every program of the repository; of a run, without the files that it reads.
fn programs() -> impl Iterator<Item = (PathBuf, String)> {
    let folders = ["examples", "stdlib", "tests", "benches"];
    let paths = folders.into_iter().flat_map(|folder| pipelines(&root().join(folder)));
    paths.map(|path| {
        let text = fs::read_to_string(&path).expect("a program can be read");
        let end = text.find("#----").filter(|_| path.starts_with(root().join("tests/runs")));
        let program = text[..end.unwrap_or(text.len())].to_owned();
        (path, program)
    })
}

#[test]
fn only_the_layout_changes() {
    let mut count = 0;
    for (path, text) in programs() {
        check(&path, &text);
        let lines = text.replace("\r\n", "\n");
        let crlf = laid_out(&lines.replace('\n', "\r\n"));
        assert_eq!(crlf, laid_out(&lines).replace('\n', "\r\n"), "{}: CRLF", path.display());
        count += 1;
    }
    assert!(count > 300, "{count} programs");
}

#[test]
fn blanks_make_no_difference() {
    for (path, text) in programs() {
        let mut files = Files::default();
        let id = files.add("program.batch", text.as_str());
        let mut found = Diagnostics::new();
        parse(&files, id, &mut found);
        if found.is_empty() {
            assert_eq!(laid_out(&spread(&text)), laid_out(&text), "{}:\n{text}", path.display());
        }
    }
}

/// The text with more blanks where there are some outside of texts.
fn spread(text: &str) -> String {
    let (mut spread, mut depth) = (String::new(), 0);
    for token in tokens(text) {
        match token.kind {
            TokenKind::TextOpen => depth += 1,
            TokenKind::TextClose => depth -= 1,
            _ => {}
        }
        spread.push_str(&text[token.range()]);
        if token.kind == TokenKind::Space && depth == 0 {
            spread.push_str(" \t ");
        }
    }
    spread
}

#[test]
fn only_the_layout_of_broken_programs_changes() {
    for (path, text) in mutants::sample().step_by(10) {
        check(&path, &text);
    }
}

#[test]
fn only_the_layout_of_what_the_grammar_takes_changes() {
    let grammar = Grammar::new();
    // In debug builds fewer of them.
    let usual = if cfg!(debug_assertions) { 500 } else { 5_000 };
    let given = std::env::var("BATCHC_WRITTEN").ok();
    let count = given.map_or(usual, |count| count.parse().expect("a number of programs"));
    let is_right = |seed: u64| {
        let text = grammar.program(seed);
        check(&PathBuf::from(format!("seed {seed}")), &text);
        let mut files = Files::default();
        let id = files.add("program.batch", text.as_str());
        let mut found = Diagnostics::new();
        parse(&files, id, &mut found);
        found.is_empty()
    };
    let right = (0..count).into_par_iter().filter(|seed| is_right(*seed)).count();
    assert!(right as u64 > count / 3, "{right} of {count} are right");
}

#[test]
fn programs_are_formatted() {
    // These are what the formatter is given.
    let given = ["tests/fmt", "tests/it/editors", "tests/lsp"].map(|one| root().join(one));
    let is_given = |path: &Path| given.iter().any(|folder| path.starts_with(folder));
    for (path, text) in programs().filter(|(path, _)| !is_given(path)) {
        let has_files = path.starts_with(root().join("tests/runs"));
        let text = if has_files { format!("{}\n", text.trim_end()) } else { text };
        is_formatted(&path, &text);
    }
}

#[test]
fn programs_of_pages_are_formatted() {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("pages can be listed") {
            let path = entry.expect("it can be listed").path();
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            (if path.is_dir() { &mut folders } else { &mut pages })
                .extend((path.is_dir() || is_page).then_some(path));
        }
    }
    for path in pages {
        let page = fs::read_to_string(&path).expect("a page can be read");
        for block in page.split("```batch\n").skip(1) {
            let (text, _) = block.split_once("```").expect("a block is closed");
            is_formatted(&path, text);
        }
    }
}

fn is_formatted(path: &Path, text: &str) {
    let formatted = laid_out(text);
    let first = text.lines().zip(formatted.lines()).find(|(before, after)| before != after);
    assert!(text == formatted, "{}: run `batchc fmt`; first: {first:?}", path.display());
}

const ROUGH: &str = "source s=csv(\"a.csv\")  # why\njob j{\n from s\n\n\n take 5\n}\n";
const SMOOTH: &str = "source s = csv(\"a.csv\") # why\n\njob j {\n  from s\n\n  take 5\n}\n";

#[test]
fn files_are_replaced_when_they_differ() {
    let project = Project::new(ROUGH);
    project.write("more/other.batch", SMOOTH);
    project.write(".hidden/other.batch", ROUGH);
    let ended = project.batchc(&["fmt"]);
    assert_eq!((ended.code, ended.words.as_str()), (Some(0), "formatted pipeline.batch\n"));
    assert_eq!(project.read("pipeline.batch"), SMOOTH);
    assert_eq!(project.read(".hidden/other.batch"), ROUGH);
    let again = project.batchc(&["fmt", ".", "more"]);
    assert_eq!((again.code, again.words.as_str()), (Some(0), ""));
    assert_eq!(project.names("more"), ["other.batch"]);
}

#[test]
fn a_check_and_a_diff_write_nothing() {
    let project = Project::new(ROUGH);
    let check = project.batchc(&["fmt", "--check"]);
    assert_eq!((check.code, check.words.as_str()), (Some(1), "pipeline.batch is not formatted\n"));
    let diff = project.batchc(&["fmt", "--diff"]);
    assert_eq!(diff.code, Some(1));
    insta::assert_snapshot!("fmt_diff", diff.data);
    assert_eq!(project.read("pipeline.batch"), ROUGH);
    project.write("pipeline.batch", SMOOTH);
    assert_eq!(project.batchc(&["fmt", "--check", "--diff"]).code, Some(0));
}

#[test]
fn what_cannot_be_read_keeps_nobody_else_waiting() {
    let project = Project::new(ROUGH);
    project.write("bytes.batch", b"# \xff\n");
    let ended = project.batchc(&["fmt", "none.batch", "bytes.batch", "pipeline.batch"]);
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!("fmt_unreadable", ended.words);
    assert_eq!(project.read("pipeline.batch"), SMOOTH);
}

/// Formats; the meaning, the comments and the words are the same, and a second time changes nothing.
fn check(path: &Path, text: &str) {
    let once = laid_out(text);
    let path = path.display();
    assert_eq!(laid_out(&once), once, "{path}: formatted twice:\n{text}");
    assert_eq!(comments(&once), comments(text), "{path}: comments of:\n{text}");
    assert_eq!(meaning(&once), meaning(text), "{path}: tree of:\n{text}\nformatted:\n{once}");
}

fn comments(text: &str) -> Vec<&str> {
    let is_comment = |kind| matches!(kind, TokenKind::Comment | TokenKind::Documentation);
    let found = tokens(text).into_iter().filter(|token| is_comment(token.kind));
    found.map(|token| text[token.range()].trim_end()).collect()
}

/// The tree without places.
fn meaning(text: &str) -> String {
    let mut files = Files::default();
    let id = files.add("program.batch", text);
    let tree = parse(&files, id, &mut Diagnostics::new());
    let shown = format!("{:?}", (tree.edition.map(|(edition, _)| edition), tree.declarations));
    let mut parts = shown.split("Span {");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    rest.fold(first, |all, part| all + part)
}

#[test]
fn a_page_is_not_laid_out_as_a_program() {
    let page = "# Pages\n\n```batch\nparam a:int=1\n```\n";
    let project = Project::new("param a: int = 1\n");
    project.write("a.md", page);
    project.batchc(&["fmt", "a.md"]).fails(2, "a.md is a page, not a program");
    assert_eq!(project.read("a.md"), page);
}
