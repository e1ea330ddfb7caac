//! What is known of a program after an edit is what is known of its text, however it came about: a
//! server that has seen hundreds of edits answers as one that has just been started.

use super::client::Editor;
use super::everywhere::programs;
use super::shown::place;
use batchc::syntax::{TokenKind, tokens};
use fastrand::Rng;
use serde_json::{Value, json};
use std::ops::Range;

/// So many edits of each program, half of which are taken back.
const EDITS: usize = 24;

#[test]
fn after_an_edit_all_is_known_as_of_a_new_text() {
    let edits = std::env::var("BATCHC_EDITS").ok().and_then(|edits| edits.parse().ok());
    let mut rng = Rng::with_seed(edits.unwrap_or(EDITS) as u64);
    for program in programs() {
        let program = if rng.u8(0..4) == 0 { program.replace('\n', "\r\n") } else { program };
        let (mut text, mut editor) = (program.clone(), Editor::new());
        editor.show(&text);
        editor.findings();
        for _ in 0..edits.unwrap_or(EDITS) {
            let (range, new) = edit(&text, &mut rng);
            let old = text[range.clone()].to_owned();
            put(&mut editor, &mut text, range.clone(), &new);
            same(&mut editor, &text, range.start, &mut rng);
            if rng.bool() {
                put(&mut editor, &mut text, range.start..range.start + new.len(), &old);
                // Only sometimes, so that several edits come together too.
                if rng.bool() {
                    same(&mut editor, &text, range.start, &mut rng);
                }
            }
        }
    }
}

fn put(editor: &mut Editor, text: &mut String, range: Range<usize>, new: &str) {
    let places = json!({ "start": place(text, range.start), "end": place(text, range.end) });
    editor.edit(&places, new);
    text.replace_range(range, new);
}

/// What is replaced, and by what.
fn edit(text: &str, rng: &mut Rng) -> (Range<usize>, String) {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    // No editor has a place within the end of a line.
    let ends: Vec<usize> = ends.filter(|at| !text[..*at].ends_with('\r')).collect();
    let at = ends[rng.usize(0..ends.len())];
    let lines = lines(text);
    let line = lines[rng.usize(0..lines.len())].clone();
    let next = lines.iter().find(|next| next.start == line.end).cloned();
    let words: Vec<Range<usize>> = tokens(text)
        .iter()
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| token.range())
        .collect();
    let word = |rng: &mut Rng| words.get(rng.usize(0..words.len().max(1))).cloned();
    let empty = lines.iter().filter(|line| text[(*line).clone()].trim().is_empty());
    let empty: Vec<&Range<usize>> = empty.collect();
    match rng.u8(0..14) {
        0 => (at..ends.iter().copied().find(|end| *end > at).unwrap_or(at), String::new()),
        1 => (
            at..at,
            rng.choice(["a", " ", "{", "}", "(", ")", "\"", "#", "\n", "é", "=", ","])
                .unwrap_or("x")
                .to_owned(),
        ),
        2 => (line, String::new()),
        3 => (line.start..line.start, text[line].to_owned()),
        4 => match next {
            Some(next) => (line.start..next.end, format!("{}{}", &text[next], &text[line])),
            None => (line, String::new()),
        },
        5 | 6 => match (word(rng), word(rng)) {
            (Some(word), Some(other)) => (word, text[other].to_owned()),
            _ => (at..at, "job".to_owned()),
        },
        7 => match word(rng) {
            // A name, wherever it is used.
            Some(word) => (0..text.len(), text.replace(&text[word], "renamed")),
            None => (at..at, "job".to_owned()),
        },
        8 => match rng.choice(empty) {
            Some(empty) => {
                let all = [
                    "# a comment",
                    "## What it is.",
                    "  ",
                    "x",
                    "\"\"\"",
                    "job",
                    "}",
                    "param extra: int = 3\n",
                    "\n\n",
                ];
                let new = rng.choice(all).unwrap_or("x").to_owned();
                (empty.start..empty.start, new)
            }
            None => (at..at, "\n\n".to_owned()),
        },
        9 => match rng.choice(empty) {
            Some(empty) => (empty.clone(), String::new()),
            None => (at..at, "\n".to_owned()),
        },
        10 => {
            let last = lines.iter().filter(|last| last.start >= line.start).nth(rng.usize(0..12));
            (line.start..last.unwrap_or(&line).end, String::new())
        }
        11 => (line.start..line.start, format!("# {}\n", "long ".repeat(rng.usize(1..90)))),
        12 => (line.start..line.start, "  filter true\n".to_owned()),
        _ => (line.start..line.start, "job extra {\n  from nothing\n}\n\n".to_owned()),
    }
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let line = |line: &str| {
        start += line.len();
        start - line.len()..start
    };
    let mut lines: Vec<Range<usize>> = text.split_inclusive('\n').map(line).collect();
    if lines.is_empty() {
        lines.push(0..0);
    }
    lines
}

/// Fails where a new server would say something else.
fn same(editor: &mut Editor, text: &str, near: usize, rng: &mut Rng) {
    let mut new = Editor::new();
    new.show(text);
    assert_eq!(editor.findings(), new.findings(), "findings in\n{text}");
    let whole = json!({ "start": place(text, 0), "end": place(text, text.len()) });
    let mut ask = |method: &str, params: Value| {
        let (old, new) = (editor.about(method, params.clone()), new.about(method, params.clone()));
        assert_eq!(old, new, "{method} at {params} in\n{text}");
    };
    for method in ["documentSymbol", "foldingRange", "formatting", "inlayHint", "codeAction"] {
        ask(method, json!({ "range": whole, "context": { "diagnostics": [] } }));
    }
    let tokens = tokens(text);
    let first = tokens.partition_point(|token| (token.start as usize) < near).saturating_sub(2);
    let around = tokens.iter().skip(first).take(5);
    let mut places: Vec<usize> = around.map(|token| token.end as usize).collect();
    places.extend((0..4).filter_map(|_| rng.choice(&tokens)).map(|token| token.start as usize));
    for at in places {
        let position = place(text, at);
        let context = json!({ "includeDeclaration": true });
        for method in AT_PLACES {
            let params = json!({ "position": position, "context": context, "newName": "another" });
            ask(method, params);
        }
    }
}

const AT_PLACES: [&str; 7] =
    ["hover", "completion", "signatureHelp", "definition", "references", "prepareRename", "rename"];
