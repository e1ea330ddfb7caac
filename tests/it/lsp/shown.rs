//! What the server answers, as text for a snapshot.

use super::Asked;
use super::client::Editor;
use serde_json::{Value, json};
use std::fmt::Write;

/// The answer to a request of a case, below the line that it is about.
pub(super) fn answer(editor: &mut Editor, asked: &Asked) -> String {
    let text = &asked.text;
    let (what, argument) = asked.what.split_once(' ').unwrap_or((&asked.what, ""));
    let at = json!({ "position": place(text, asked.at) });
    let mut ask = |method: &str, more: Value| editor.about(method, more);
    let found = match what {
        "complete" => ask("completion", at).map(|found| completions(&found, &asked.typed)),
        "hover" => ask("hover", at).map(|found| match &found["contents"]["value"] {
            Value::String(value) => format!("{}\n{value}", covered(text, &found["range"])),
            _ => "nothing".to_owned(),
        }),
        "signature" => ask("signatureHelp", at).map(|found| signatures(&found)),
        "define" => ask("definition", at).map(|found| places(text, &json!([found]))),
        "references" => ask("references", at).map(|found| places(text, &found)),
        "highlight" => ask("documentHighlight", at).map(|found| places(text, &found)),
        "prepare" => ask("prepareRename", at).map(|found| found["placeholder"].to_string()),
        "rename" => {
            let more = json!({ "position": place(text, asked.at), "newName": argument });
            ask("rename", more).map(|found| {
                let after = edited(text, &found);
                same_findings(text, &after);
                difference(text, &after)
            })
        }
        "actions" => {
            let range = json!({ "start": place(text, asked.at), "end": place(text, asked.at) });
            let context = match argument {
                "" => json!({ "diagnostics": [] }),
                only => json!({ "diagnostics": [], "only": [only] }),
            };
            ask("codeAction", json!({ "range": range, "context": context })).map(|found| {
                let of = |action: &Value| {
                    let preferred = if action["isPreferred"] == true { " (preferred)" } else { "" };
                    let title = action["title"].as_str().unwrap_or_default();
                    format!(
                        "{title}{preferred}\n{}",
                        difference(text, &edited(text, &action["edit"]))
                    )
                };
                list(&found).iter().map(of).collect::<Vec<_>>().join("\n")
            })
        }
        "symbols" => ask("documentSymbol", json!({})).map(|found| symbols(text, &found, 0)),
        "fold" => ask("foldingRange", json!({})).map(|found| {
            let of = |one: &Value| {
                format!("{}-{} {}", one["startLine"], one["endLine"], word(&one["kind"]))
            };
            list(&found).iter().map(of).collect::<Vec<_>>().join("\n")
        }),
        "format" => ask("formatting", json!({ "options": { "tabSize": 2, "insertSpaces": true } }))
            .map(|found| difference(text, &with_edits(text, list(&found)))),
        "hints" => {
            let range = json!({ "start": place(text, 0), "end": place(text, text.len()) });
            ask("inlayHint", json!({ "range": range })).map(|found| hinted(text, &found))
        }
        "diagnostics" => Ok(findings(text, &editor.findings())),
        other => panic!("no request `{other}`"),
    };
    let found = found.unwrap_or_else(|error| format!("refused: {error}"));
    let found = if found.trim().is_empty() { "nothing" } else { found.trim_end() };
    let title = match what {
        "symbols" | "fold" | "format" | "hints" | "diagnostics" => format!("== {}", asked.what),
        _ => format!("== {}: {}", asked.what, line_with(text, asked.at)),
    };
    format!("{title}\n{found}\n\n")
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The line with the cursor in it.
fn line_with(text: &str, at: usize) -> String {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    format!("{}│{}", text[start..at].trim_start(), &text[at..end])
}

/// A byte as the server wants it: lines and units of UTF-16.
pub(super) fn place(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |found| found + 1);
    let column = before[start..].encode_utf16().count();
    json!({ "line": before.matches('\n').count(), "character": column })
}

/// The byte that the server means.
pub(super) fn byte(text: &str, place: &Value) -> usize {
    let line = place["line"].as_u64().expect("a line") as usize;
    let column = place["character"].as_u64().expect("a column") as usize;
    let start = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let (mut at, mut units) = (start, 0);
    for character in text[start..].chars() {
        if units >= column || character == '\n' {
            break;
        }
        units += character.len_utf16();
        at += character.len_utf8();
    }
    assert_eq!(units, column, "{place} is no place of the text");
    at
}

fn covered<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[byte(text, &range["start"])..byte(text, &range["end"])]
}

/// What an editor would offer, the word that is typed being so; the first of many.
fn completions(found: &Value, typed: &str) -> String {
    const MOST: usize = 24;
    let prefix: String =
        typed.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let prefix: String = prefix.chars().rev().collect::<String>().to_lowercase();
    let mut items: Vec<&Value> = list(found).iter().collect();
    items.retain(|item| word(&item["label"]).to_lowercase().starts_with(&prefix));
    // The library grows; where nothing is typed, what else is offered is what matters.
    items.retain(|item| !prefix.is_empty() || item["kind"] != 3);
    items.sort_by_key(|item| word(&item["sortText"]));
    let mut out = String::new();
    for item in items.iter().take(MOST) {
        let kind = match item["kind"].as_u64() {
            Some(3) => "function",
            Some(5) => "column",
            Some(6) => "variable",
            Some(9) => "module",
            Some(10) => "argument",
            Some(13) => "enum",
            Some(14) => "word",
            Some(20) => "member",
            Some(21) => "parameter",
            Some(22) => "table",
            Some(25) => "type",
            other => panic!("a kind {other:?}"),
        };
        let detail = item["detail"].as_str().map_or(String::new(), |detail| format!("  {detail}"));
        let _ = writeln!(out, "{kind} {}{detail}", word(&item["label"]));
    }
    if items.len() > MOST {
        let _ = writeln!(out, "and {} more", items.len() - MOST);
    }
    out
}

fn signatures(found: &Value) -> String {
    let active = &found["activeSignature"];
    let mut out = String::new();
    for (at, one) in list(&found["signatures"]).iter().enumerate() {
        let mark = if *active == at { ">" } else { " " };
        let parameter = one["activeParameter"].as_u64();
        let parameter = parameter.map(|at| word(&one["parameters"][at as usize]["label"]));
        let parameter = parameter.map_or(String::new(), |one| format!("  [{one}]"));
        let _ = writeln!(out, "{mark} {}{parameter}", word(&one["label"]));
    }
    out
}

/// Line, column and line of each place.
fn places(text: &str, found: &Value) -> String {
    let of = |one: &Value| {
        let range = &one["range"];
        if range.is_null() {
            return String::new();
        }
        let at = byte(text, &range["start"]);
        let line = range["start"]["line"].as_u64().unwrap_or_default() + 1;
        let kind =
            one["kind"].as_u64().map_or("", |kind| if kind == 3 { " write" } else { " read" });
        format!("{line}: {}{kind}\n", line_with(text, at))
    };
    list(found).iter().map(of).collect()
}

pub(super) fn edited(text: &str, edit: &Value) -> String {
    let changes = edit["changes"].as_object().expect("changes");
    assert_eq!(changes.len(), 1, "one document is open");
    let edits = changes.values().next().expect("one");
    with_edits(text, list(edits))
}

/// The text with edits made, none of which may overlap.
fn with_edits(text: &str, edits: &[Value]) -> String {
    let of = |edit: &Value| {
        let range = &edit["range"];
        let (start, end) = (byte(text, &range["start"]), byte(text, &range["end"]));
        (start, end, word(&edit["newText"]).to_owned())
    };
    let mut edits: Vec<(usize, usize, String)> = edits.iter().map(of).collect();
    edits.sort_by_key(|(start, end, _)| (*start, *end));
    let (mut out, mut at) = (String::new(), 0);
    for (start, end, new) in edits {
        assert!(at <= start, "edits overlap");
        out.push_str(&text[at..start]);
        out.push_str(&new);
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

/// The lines that differ, in the order of the text.
fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[same..], &after[same..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    let mut out = String::new();
    if before.len() == after.len() {
        for (a, b) in before.iter().zip(after).filter(|(a, b)| a != b) {
            let _ = writeln!(out, "- {a}\n+ {b}");
        }
        return out;
    }
    out.extend(before.iter().map(|line| format!("- {line}\n")));
    out.extend(after.iter().map(|line| format!("+ {line}\n")));
    out
}

/// A renamed program means what it meant: the same is found in it.
pub(super) fn same_findings(before: &str, after: &str) {
    let codes = |text: &str| -> Vec<&str> {
        let compiled = batchc::compile("pipeline.batch", text.to_owned());
        compiled.found.iter().map(|found| found.code.as_str()).collect()
    };
    assert_eq!(codes(before), codes(after), "renamed:\n{after}");
}

fn symbols(text: &str, found: &Value, depth: usize) -> String {
    let mut out = String::new();
    for one in list(found) {
        let detail = one["detail"].as_str().map_or(String::new(), |detail| format!("  {detail}"));
        let (whole, name) = (covered(text, &one["range"]), covered(text, &one["selectionRange"]));
        assert!(whole.contains(name), "{one}");
        let _ = writeln!(out, "{}{}{detail}", "  ".repeat(depth), word(&one["name"]));
        out.push_str(&symbols(text, &one["children"], depth + 1));
    }
    out
}

/// The lines that have hints, with these in ‹›.
fn hinted(text: &str, found: &Value) -> String {
    let mut hints: Vec<(usize, &str)> = list(found)
        .iter()
        .map(|hint| (byte(text, &hint["position"]), word(&hint["label"])))
        .collect();
    hints.sort();
    let (mut out, mut at) = (String::new(), 0);
    for (place, label) in hints {
        out.push_str(&text[at..place]);
        let _ = write!(out, "‹{label}›");
        at = place;
    }
    out.push_str(&text[at..]);
    out.lines().filter(|line| line.contains('‹')).map(|line| format!("{line}\n")).collect()
}

fn findings(text: &str, found: &[Value]) -> String {
    let mut out = String::new();
    for one in found {
        let at = byte(text, &one["range"]["start"]);
        let line = one["range"]["start"]["line"].as_u64().unwrap_or_default() + 1;
        let tags = if one["tags"].is_array() { " unused" } else { "" };
        let severity = if one["severity"] == 1 { "error" } else { "warning" };
        let _ = writeln!(
            out,
            "{line}: {}\n{severity} {}{tags}: {}",
            line_with(text, at),
            word(&one["code"]),
            word(&one["message"])
        );
        for related in list(&one["relatedInformation"]) {
            let line =
                related["location"]["range"]["start"]["line"].as_u64().unwrap_or_default() + 1;
            let _ = writeln!(out, "  {line}: {}", word(&related["message"]));
        }
    }
    out
}
