//! Programs with one character or one line missing: the parser never gives up on the file.
//!
//! A sample, the same in every run; all of them are tried by
//! `BATCHC_MUTANTS=all cargo test --release --test it mutants`.

use batchc::compile;
use batchc::diagnostics::{Diagnostics, render};
use batchc::syntax::ast::DeclarationKind;
use batchc::syntax::{parse, tokens};
use batchc::text::Files;
use std::path::{Path, PathBuf};

/// Of the sample: every one of this many.
const SAMPLE: usize = 11;

/// All examples, and the cases that use the whole surface of the language.
fn programs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    for entry in std::fs::read_dir(root.join("examples")).expect("examples are there") {
        let path = entry.expect("it can be listed").path().join("pipeline.batch");
        found.extend(path.exists().then_some(path));
    }
    for entry in std::fs::read_dir(root.join("tests/cases/parse")).expect("cases are there") {
        found.push(entry.expect("it can be listed").path());
    }
    found.sort();
    assert!(found.len() >= 10, "the examples are where they were");
    found
}

/// The text without each of its characters, and without each of its lines.
fn mutants(text: &str) -> impl Iterator<Item = String> + '_ {
    let characters = text.char_indices().map(|(at, character)| (at, character.len_utf8()));
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.len()))
    });
    characters.chain(lines).map(|(at, length)| format!("{}{}", &text[..at], &text[at + length..]))
}

/// A sample of the mutants, with the program that each was made of.
pub(crate) fn sample() -> impl Iterator<Item = (PathBuf, String)> {
    programs().into_iter().flat_map(|path| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let sample: Vec<String> = mutants(&text).step_by(SAMPLE).collect();
        sample.into_iter().map(move |mutant| (path.clone(), mutant))
    })
}

#[test]
fn a_missing_character_or_line_costs_little() {
    let all = std::env::var("BATCHC_MUTANTS").is_ok_and(|given| given == "all");
    let (mut count, mut right) = (0, 0);
    for path in programs() {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let whole = read(&text).good;
        for mutant in mutants(&text).step_by(if all { 1 } else { SAMPLE }) {
            let parsed = read(&mutant);
            count += 1;
            right += usize::from(parsed.errors == 0);
            // A line or character less takes at most its own declaration and the next one.
            let lost = whole.saturating_sub(parsed.good);
            assert!(lost <= 2, "{lost} of {whole} declarations lost:\n{mutant}");
            assert!(parsed.errors <= 12, "{} errors:\n{mutant}", parsed.errors);
        }
    }
    assert!(count > 1_000 && right > count / 3, "{count} mutants, {right} right");
}

/// What the parser makes of a text.
struct Parsed {
    /// Declarations that could be read, perhaps without some of their statements.
    good: usize,
    errors: usize,
}

/// Parses, checks and renders; all tokens that mean something lie in a declaration.
fn read(text: &str) -> Parsed {
    let mut files = Files::default();
    let id = files.add("mutant.batch", text);
    let mut found = Diagnostics::new();
    let tree = parse(&files, id, &mut found);
    let mut covered: Vec<(u32, u32)> =
        tree.declarations.iter().map(|one| (one.span.start, one.span.end)).collect();
    covered.extend(tree.edition.map(|(_, span)| (span.start, span.end)));
    for token in tokens(text).iter().filter(|token| !token.kind.is_trivia()) {
        let inside = |(start, end): &(u32, u32)| *start <= token.start && token.end <= *end;
        let is_edition =
            text[..token.range().end].lines().last().is_some_and(|line| line.starts_with("batch"));
        assert!(
            is_edition || covered.iter().any(inside),
            "{token:?} is in no declaration:\n{text}"
        );
    }
    let compiled = compile("mutant.batch", text.to_owned());
    render::render(&compiled.found, &compiled.files, render::Format::Json, false);
    let good = |one: &&std::sync::Arc<batchc::syntax::ast::Declaration>| {
        !matches!(one.kind, DeclarationKind::Bad(_))
    };
    Parsed { good: tree.declarations.iter().filter(good).count(), errors: found.iter().count() }
}
