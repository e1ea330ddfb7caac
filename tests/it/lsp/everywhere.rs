//! Every request at every word of programs: each has an answer, all places in it are places of the
//! text, and whatever can be renamed leaves a program that means what it meant.

use super::client::Editor;
use super::shown::{byte, edited, list, place, same_findings};
use crate::folders::{folder, pipelines};
use batchc::syntax::{TokenKind, tokens};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// The examples and the cases of this folder, without their marks.
pub(super) fn programs() -> Vec<String> {
    let examples = folder("../examples");
    let mut all = vec![];
    for path in pipelines(&folder("lsp")).into_iter().chain(pipelines(&examples)) {
        let text = fs::read_to_string(&path).expect("a program can be read");
        let mut plain = String::new();
        for piece in text.split('«') {
            plain.push_str(piece.split_once('»').map_or(piece, |(_, behind)| behind));
        }
        // One that changes as others do is enough of the queries that all look the same.
        if !path.ends_with("q01.batch") && path.to_string_lossy().contains("tpch") {
            continue;
        }
        all.push(plain);
    }
    all
}

/// Fails where an answer has a place that is none of the text.
fn within(text: &str, answer: &Value, asked: &str) {
    match answer {
        Value::Object(fields) => {
            if let (Some(start), Some(end)) = (fields.get("start"), fields.get("end"))
                && start["line"].is_number()
            {
                assert!(byte(text, start) <= byte(text, end), "{asked}: {answer}");
            }
            fields.values().for_each(|value| within(text, value, asked));
        }
        Value::Array(all) => all.iter().for_each(|value| within(text, value, asked)),
        _ => {}
    }
}

#[test]
fn every_request_at_every_word_is_answered() {
    let mut editor = Editor::new();
    let mut asked = 0;
    for text in programs() {
        editor.show(&text);
        let end = place(&text, text.len());
        let whole = json!({ "start": place(&text, 0), "end": end });
        for method in ["documentSymbol", "foldingRange", "formatting", "inlayHint", "codeAction"] {
            let params = json!({ "range": whole, "context": { "diagnostics": [] } });
            let answer = editor.about(method, params).expect("it is answered");
            within(&text, &answer, method);
        }
        for token in tokens(&text).iter().filter(|token| !token.kind.is_trivia()) {
            // What is under the cursor, and what could go on behind it.
            let (under, behind): (&[&str], &[&str]) = (
                &["hover", "definition", "references", "documentHighlight", "prepareRename"],
                &["completion", "signatureHelp", "codeAction"],
            );
            for (at, methods) in [(token.start as usize, under), (token.end as usize, behind)] {
                let position = place(&text, at);
                for method in methods {
                    let range = json!({ "start": position, "end": position });
                    let context = json!({ "includeDeclaration": true, "diagnostics": [] });
                    let params =
                        json!({ "position": position, "range": range, "context": context });
                    let answer = editor.about(method, params);
                    let asked_for = format!("{method} at {position}");
                    match answer {
                        Ok(answer) => within(&text, &answer, &asked_for),
                        Err(reason) => {
                            let is_refused = *method == "prepareRename" && !reason.contains("bug");
                            assert!(is_refused, "{asked_for}: {reason}\n{text}");
                        }
                    }
                    asked += 1;
                }
            }
        }
        within(&text, &Value::from(editor.findings()), "findings");
    }
    assert!(asked > 10_000, "{asked} requests");
}

#[test]
fn whatever_is_renamed_means_what_it_meant() {
    let mut editor = Editor::new();
    let mut renamed = 0;
    for text in programs() {
        // Where something is wrong, not all is known.
        if batchc::compile("pipeline.batch", text.clone()).found.has_errors() {
            continue;
        }
        editor.show(&text);
        let mut seen = BTreeSet::new();
        for token in tokens(&text).iter().filter(|token| token.kind == TokenKind::Word) {
            if !seen.insert(&text[token.range()]) {
                continue;
            }
            let position = place(&text, token.start as usize);
            let params = json!({ "position": position, "newName": "another_name" });
            if let Ok(edit) = editor.about("rename", params) {
                assert!(!list(&edit["changes"][&editor.uri]).is_empty());
                same_findings(&text, &edited(&text, &edit));
                renamed += 1;
            }
        }
    }
    assert!(renamed > 150, "{renamed} names");
}
