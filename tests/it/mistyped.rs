//! Programs with one mistake of a name or a type, made of right ones: each is refused, and what is
//! said of it is said of its place.
//!
//! The mistakes are such that no program is right with them. A sample, the same in every run; all
//! of them are tried by `BATCHC_MUTANTS=all cargo test --release --test it mistyped`.

use super::folders::pipelines;
use batchc::check::names::{Kind, Meaning, Use};
use batchc::compile;
use batchc::diagnostics::{Severity, render};
use batchc::syntax::{Token, TokenKind, tokens};
use rayon::prelude::*;
use std::ops::Range;
use std::path::Path;

/// Of the sample: every one of this many.
const SAMPLE: usize = 3;

/// More errors are not given of one mistake.
const ERRORS_MAX: usize = 4;

/// A mistake: what stands where.
#[derive(Clone, Debug)]
struct Mistake {
    kind: &'static str,
    bytes: Range<usize>,
    instead: String,
}

impl Mistake {
    fn made(&self, text: &str) -> String {
        format!("{}{}{}", &text[..self.bytes.start], self.instead, &text[self.bytes.end..])
    }
}

/// All programs that are right, without the files that they read.
fn programs() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["examples", "tests/cases", "tests/runs", "tests/row_types", "tests/lineage"];
    let paths: Vec<_> = folders.iter().flat_map(|folder| pipelines(&root.join(folder))).collect();
    let text = |path| std::fs::read_to_string(path).expect("a program can be read");
    let texts = paths.par_iter().map(text).map(|text| {
        let end = text.find("#----").unwrap_or(text.len());
        text[..end].to_owned()
    });
    texts.filter(|text| !compile("program.batch", text.clone()).found.has_errors()).collect()
}

/// Every mistake that can be made in a program by one edit.
fn mistakes(text: &str) -> Vec<Mistake> {
    let compiled = compile("program.batch", text.to_owned());
    let own = compiled.tree.id;
    let tokens: Vec<Token> =
        tokens(text).into_iter().filter(|token| !token.kind.is_trivia()).collect();
    let mut found = vec![];
    for one in compiled.names.uses().iter().filter(|one| one.span.file == own) {
        found.extend(of_name(text, &tokens, one));
    }
    for at in 0..tokens.len() {
        found.extend(of_word(text, &tokens, at));
    }
    found.sort_by_key(|mistake| (mistake.bytes.start, mistake.bytes.end, mistake.kind));
    found.dedup_by_key(|mistake| (mistake.bytes.clone(), mistake.kind));
    found
}

/// What can be wrong with a name.
fn of_name(text: &str, tokens: &[Token], one: &Use) -> Vec<Mistake> {
    let bytes = one.span.start as usize..one.span.end as usize;
    let Ok(at) = tokens.binary_search_by_key(&one.span.start, |token| token.start) else {
        return vec![];
    };
    let is_word = tokens[at].range() == bytes && tokens[at].kind == TokenKind::Word;
    let is_declaration =
        matches!(one.meaning, Meaning::Declared(_, declared) if declared == one.span);
    // A quarantine is there when it is named.
    let is_there_by_name = matches!(one.meaning, Meaning::Declared(Kind::Quarantine, _));
    if !is_word || is_declaration || is_there_by_name {
        return vec![];
    }
    let source = |at: usize| tokens.get(at).map_or("", |token| &text[token.range()]);
    let mut found = vec![Mistake {
        kind: "unknown name",
        bytes: bytes.clone(),
        instead: "no_such_name".to_owned(),
    }];
    let (before, after) = (source(at.wrapping_sub(1)), source(at + 1));
    let is_column = matches!(one.meaning, Meaning::Declared(Kind::Column | Kind::Param, _));
    let counts =
        |sign: &str| matches!(sign, "+" | "*" | "/" | "//" | "%" | "<" | "<=" | ">" | ">=");
    let ends = |sign: &str| {
        counts(sign) || matches!(sign, "-" | ")" | "]" | "}" | "," | "and" | "or" | "then" | "else")
    };
    if is_column && before != "." && (counts(before) && ends(after) || counts(after)) {
        let instead = format!("[{}]", &text[bytes.clone()]);
        found.push(Mistake { kind: "a list that is counted with", bytes: bytes.clone(), instead });
    }
    if matches!(one.meaning, Meaning::Function(..)) && after == "(" {
        let behind = tokens[at + 1].range().end;
        let instead = if source(at + 2) == ")" { "no_such: 1" } else { "no_such: 1, " };
        found.push(Mistake {
            kind: "unknown argument",
            bytes: behind..behind,
            instead: instead.to_owned(),
        });
    }
    found
}

/// What can be wrong behind or with a word of the language.
fn of_word(text: &str, tokens: &[Token], at: usize) -> Vec<Mistake> {
    let source = |at: usize| tokens.get(at).map_or("", |token| &text[token.range()]);
    if tokens[at].kind != TokenKind::Word {
        return vec![];
    }
    let behind = tokens[at].range().end;
    let inserted = |kind, instead: &str| Mistake {
        kind,
        bytes: behind + 1..behind + 1,
        instead: instead.to_owned(),
    };
    let line = text[behind..].lines().next().unwrap_or("");
    match source(at) {
        // What is compared before it takes in all that stands before it, too.
        "filter" | "if" | "when" if source(at + 1) != "(" && !line.contains(" or ") => {
            let mut found = vec![inserted("a number as a condition", "5 and ")];
            // `nulls drop` says what becomes of such rows.
            if !text[behind..].split("\n  ").next().unwrap_or("").contains(" nulls ") {
                found
                    .push(inserted("a condition that may be null", "(try(\"1\" as int) > 0) and "));
            }
            found
        }
        "int" | "string" | "float" | "bool" | "date" | "timestamp"
            if matches!(source(at.wrapping_sub(1)), ":" | "as" | "<") =>
        {
            vec![Mistake {
                kind: "unknown type",
                bytes: tokens[at].range(),
                instead: "no_such_type".to_owned(),
            }]
        }
        _ => vec![],
    }
}

#[test]
fn a_mistake_of_a_name_or_type_is_told_at_its_place() {
    let all = std::env::var("BATCHC_MUTANTS").is_ok_and(|given| given == "all");
    let programs = programs();
    let tried: Vec<(&str, Mistake)> = programs
        .par_iter()
        .flat_map_iter(|text| mistakes(text).into_iter().map(|mistake| (text.as_str(), mistake)))
        .collect();
    let tried: Vec<_> = tried.into_iter().step_by(if all { 1 } else { SAMPLE }).collect();
    let wrong: Vec<String> =
        tried.par_iter().filter_map(|(text, mistake)| complaint(text, mistake)).collect();
    let shown = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(wrong.is_empty(), "{} of {}:\n{shown}", wrong.len(), tried.len());
    assert!(tried.len() > 1_000, "{} mistakes", tried.len());
    for kind in [
        "unknown name",
        "unknown argument",
        "unknown type",
        "a list that is counted with",
        "a number as a condition",
        "a condition that may be null",
    ] {
        let count = tried.iter().filter(|(_, mistake)| mistake.kind == kind).count();
        assert!(count > 20, "{count} times {kind}");
    }
}

/// What is wrong with what is said of a mistake.
fn complaint(text: &str, mistake: &Mistake) -> Option<String> {
    let made = mistake.made(text);
    let compiled = compile("program.batch", made.clone());
    let place = mistake.bytes.start..mistake.bytes.start + mistake.instead.len();
    let errors = compiled.found.iter().filter(|found| found.severity == Severity::Error);
    // One mistake is told once: only names that it takes away may be missed elsewhere, too.
    let is_short = errors.clone().count() <= ERRORS_MAX;
    let places = errors.flat_map(|found| &found.labels).map(|label| label.span);
    let is_there =
        |start: u32, end: u32| (start as usize) < place.end && place.start < end as usize;
    let mut here = places.filter(|span| span.file == compiled.tree.id);
    let is_told = here.any(|span| is_there(span.start, span.end));
    if is_told && is_short {
        return None;
    }
    let said = render::render(&compiled.found, &compiled.files, render::Format::Human, false);
    let line = made[..place.start].matches('\n').count() + 1;
    Some(format!("{} in line {line}: {}\n{said}\n{made}", mistake.kind, mistake.instead))
}
