//! What is agreed upon with an editor, texts beyond ASCII, and texts that nobody would write.

use super::client::{Editor, URI};
use super::shown::{byte, place};
use serde_json::{Value, json};

/// Names and texts with characters of one to four bytes and one or two units of UTF-16.
const BEYOND_ASCII: &str = "source größen = csv(\"𝄞.csv\") {\n  id: int key\n  straße: string?\n}\n\n\
     job länder {\n  from größen\n  derive x = \"😀 {straße} é\"\n  filter straße == \"ß\" and 𝛼 > 1\n}\n\n\
     output o = csv(\"o.csv\") from länder\n";

#[test]
fn columns_are_counted_as_agreed() {
    for encoding in ["utf-16", "utf-8"] {
        let offered =
            if encoding == "utf-8" { json!(["utf-8", "utf-16"]) } else { json!(["utf-16"]) };
        let mut editor = Editor::with(json!({ "general": { "positionEncodings": offered } }));
        editor.show(BEYOND_ASCII);
        let found = editor.findings();
        let at = BEYOND_ASCII.find("𝛼").expect("it is there");
        let start = BEYOND_ASCII[..at].rfind('\n').expect("it is there") + 1;
        let before = &BEYOND_ASCII[start..at];
        let (column, width) = match encoding {
            "utf-8" => (before.len(), 4),
            _ => (before.encode_utf16().count(), 2),
        };
        let range = &found[0]["range"];
        assert_eq!(range["start"], json!({ "line": 8, "character": column }), "{encoding}");
        assert_eq!(range["end"], json!({ "line": 8, "character": column + width }), "{encoding}");
        // Within an interpolation, behind a character of two units.
        let at = BEYOND_ASCII.find("{straße}").expect("it is there") + 3;
        let start = BEYOND_ASCII[..at].rfind('\n').expect("it is there") + 1;
        let before = &BEYOND_ASCII[start..at];
        let column = if encoding == "utf-8" { before.len() } else { before.encode_utf16().count() };
        let found =
            editor.about("hover", json!({ "position": { "line": 7, "character": column } }));
        let value = found.expect("it answers")["contents"]["value"].to_string();
        assert!(value.contains("straße: string?"), "{encoding}: {value}");
    }
}

#[test]
fn changes_come_in_pieces() {
    let mut editor = Editor::new();
    editor.show("source s = csv(\"a.csv\") {\n  id: int\n}\n");
    let change = |line: u32, from: u32, to: u32, text: &str| {
        let place = |character: u32| json!({ "line": line, "character": character });
        json!({ "range": { "start": place(from), "end": place(to) }, "text": text })
    };
    // `é` in, then behind it, then out again; the last is past the end of its line.
    let changes = json!([
        change(1, 2, 4, "é𝄞"),
        change(1, 5, 5, "x"),
        change(1, 2, 5, "n"),
        change(1, 99, 99, " key"),
    ]);
    let document = json!({ "uri": URI, "version": 2 });
    editor.tell(
        "textDocument/didChange",
        json!({ "textDocument": document, "contentChanges": changes }),
    );
    let found = editor.about("documentSymbol", json!({})).expect("it answers");
    let column = &found[0]["children"][0];
    assert_eq!((&column["name"], &column["detail"]), (&json!("nx"), &json!("int")), "{found}");
    assert_eq!(column["range"]["end"]["character"], 13, "{found}");
}

#[test]
fn what_is_not_open_has_no_answer() {
    let mut editor = Editor::new();
    let at = json!({ "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.about("hover", at.clone()), Ok(Value::Null));
    editor.show("job j {\n");
    assert!(!editor.findings().is_empty());
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    assert_eq!(editor.about("hover", at), Ok(Value::Null));
    let last = editor.told.last().expect("it has told something");
    assert_eq!(last.params["diagnostics"], json!([]), "findings go with the program");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut editor = Editor::new();
    editor.show("");
    for (method, params) in [
        ("textDocument/hover", json!({ "textDocument": { "uri": URI } })),
        ("textDocument/hover", json!({ "textDocument": { "uri": URI }, "position": "here" })),
        ("textDocument/hover", Value::Null),
        (
            "textDocument/rename",
            json!({ "textDocument": { "uri": URI }, "position": { "line": 0, "character": 0 } }),
        ),
        ("textDocument/nothing", json!({ "textDocument": { "uri": URI } })),
        ("workspace/nothing", json!([])),
    ] {
        assert!(editor.ask(method, params.clone()).is_err(), "{method} {params}");
    }
    // Past the end of everything is its end.
    let far = json!({ "position": { "line": 4_000_000_000_u32, "character": 7 } });
    assert!(editor.about("completion", far).expect("it answers").is_array());
}

#[test]
fn places_of_tests_are_those_of_the_protocol() {
    for (at, _) in BEYOND_ASCII.char_indices() {
        assert_eq!(byte(BEYOND_ASCII, &place(BEYOND_ASCII, at)), at);
    }
}

/// Every request at places of a program.
fn ask_everything(editor: &mut Editor, text: &str, places: impl Iterator<Item = usize>) {
    let whole = json!({ "range": { "start": place(text, 0), "end": place(text, text.len()) }, "context": { "diagnostics": [] } });
    for method in ["documentSymbol", "foldingRange", "formatting", "inlayHint", "codeAction"] {
        answered(editor, method, whole.clone(), text);
    }
    for at in places {
        let at = json!({ "position": place(text, at), "newName": "other", "context": { "includeDeclaration": true } });
        for method in [
            "completion",
            "hover",
            "signatureHelp",
            "definition",
            "references",
            "documentHighlight",
        ] {
            answered(editor, method, at.clone(), text);
        }
        for method in ["prepareRename", "rename"] {
            let found = editor.about(method, at.clone());
            assert!(
                !matches!(&found, Err(error) if error.contains("bug")),
                "{method} {at}: {found:?}\n{text}"
            );
        }
    }
}

fn answered(editor: &mut Editor, method: &str, params: Value, text: &str) {
    let found = editor.about(method, params.clone());
    assert!(found.is_ok(), "{method} {params}: {found:?}\n{text}");
}

#[test]
fn broken_programs_are_answered() {
    let mut editor = Editor::new();
    let mut count = 0;
    for (number, (_, text)) in crate::mutants::sample().enumerate() {
        // Of each, other places.
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).skip(number % 97).step_by(97).collect();
        if number % 4 == 0 {
            editor.show(&text);
            count += places.len();
            ask_everything(&mut editor, &text, places.into_iter());
        }
    }
    assert!(count > 3_000, "{count} places");
}

#[test]
fn texts_that_nobody_would_write_are_answered() {
    let mut editor = Editor::new();
    let deep = format!("job j {{\n from s\n derive x = {}1", "(".repeat(5_000));
    let long = format!("job j {{\n from s\n derive x = {}", "a + ".repeat(50_000));
    for text in [
        "",
        "\u{feff}",
        "\u{feff}job",
        "\0",
        "\r",
        "\r\n\r\n",
        "«»",
        "\"",
        "\"{",
        "\"\"\"{\n",
        "r\"",
        "@",
        "|",
        "{",
        "}",
        "job",
        "job ",
        "job j",
        "job j {",
        "job j {\n}",
        "source",
        "source s =",
        "source s = csv(",
        "enum",
        "enum E { A,",
        "fn f(",
        "fn f(x: int) -> int =",
        "\u{202e}job j {",
        "job j {\n  from s\n  derive x = \"{\"{\"{",
        &deep,
        &long,
        "😀",
        "job 😀 {\n  from 😀\n",
        "group",
        "##",
        "# ",
        "batch",
        "batch 99999999999999999999",
        "select * from t",
    ] {
        editor.show(text);
        let all: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let step = all.len().div_ceil(20);
        ask_everything(&mut editor, text, all.into_iter().rev().step_by(step));
        editor.findings();
    }
}
