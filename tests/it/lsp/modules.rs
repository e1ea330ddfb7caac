//! Programs that use files: what is wrong in these is shown where they are used, and no finding twice.

use super::client::Editor;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const PIPELINE: &str = "use \"lib/shop.batch\"\nuse \"lib/more.batch\"\n\n\
     source s = csv(\"s.csv\") {\n  id: int key\n}\n\n\
     job j {\n  from s\n  derive x = net(id)\n}\n\noutput o = csv(\"o.csv\") from j\n";

/// Uses another, and is right itself.
const SHOP: &str = "use \"deep/tax.batch\"\n\nfn net(x: int) -> int = taxed(x) * 2\n";

/// Wrong in line 3.
const TAX: &str = "## What is left.\n\nfn taxed(x: int) -> int = y - 1\n";
const MENDED: &str = "## What is left.\n\nfn taxed(x: int) -> int = x - 1\n";

/// Has nothing that anyone uses.
const MORE: &str = "fn more(x: int) -> int = x\n";

/// A project in a folder whose name an address has to escape.
fn project(folder: &Path) -> PathBuf {
    let project = folder.join("a project");
    for (name, text) in
        [("lib/shop.batch", SHOP), ("lib/deep/tax.batch", TAX), ("lib/more.batch", MORE)]
    {
        let path = project.join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }
    project
}

fn address(path: &Path) -> String {
    format!("file://{}", path.display()).replace(' ', "%20")
}

/// An editor that shows the pipeline of a project.
fn editor(project: &Path) -> Editor {
    let related =
        json!({ "textDocument": { "publishDiagnostics": { "relatedInformation": true } } });
    let mut editor = Editor::within(project, related);
    editor.uri = editor.uri.replace(' ', "%20");
    editor.show(PIPELINE);
    editor
}

fn open(editor: &Editor, uri: &str, text: &str) {
    let document = json!({ "uri": uri, "languageId": "batch", "version": 1, "text": text });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
}

/// Code, line, and the first line of what is said, of each.
fn short(found: &[Value]) -> Vec<(String, u64, String)> {
    let of = |one: &Value| {
        let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let line = one["range"]["start"]["line"].as_u64().expect("a line") + 1;
        (word("code"), line, word("message").lines().next().unwrap_or_default().to_owned())
    };
    found.iter().map(of).collect()
}

fn unused() -> (String, u64, String) {
    ("W0144".to_owned(), 2, "nothing that `lib/more.batch` declares is used here".to_owned())
}

#[test]
fn a_mistake_in_a_module_is_shown_where_it_is_used() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let project = project(folder.path());
    let mut editor = editor(&project);
    let found = editor.findings();
    let message = "in lib/deep/tax.batch, line 3: there is nothing called `y` here";
    assert_eq!(short(&found), [("E0116".to_owned(), 1, message.to_owned())]);
    let range = json!({
        "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 20 }
    });
    assert_eq!(found[0]["range"], range, "the whole `use`");
    let place = &found[0]["relatedInformation"][0]["location"];
    assert_eq!(place["uri"], address(&project.join("lib/deep/tax.batch")));
    assert_eq!(place["range"]["start"], json!({ "line": 2, "character": 26 }));
    assert_eq!(found[0]["tags"], Value::Null, "the `use` does something");
}

#[test]
fn a_mistake_in_a_module_that_is_open_is_shown_there_alone() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let project = project(folder.path());
    let mut editor = editor(&project);
    assert_eq!(editor.findings().len(), 1);
    let (own, tax) = (editor.uri.clone(), address(&project.join("lib/deep/tax.batch")));

    editor.told.clear();
    open(&editor, &tax, TAX);
    assert_eq!(short(&editor.findings_of(&own)), []);
    assert_eq!(short(&editor.findings_of(&tax))[0].1, 3);

    // Of a module that is open, what is shown counts, and not what is saved.
    editor.told.clear();
    let changes =
        json!([{ "text": format!("{MENDED}\nsource t = csv(\"t.csv\") {{ a: int }}\n") }]);
    let document = json!({ "uri": tax, "version": 2 });
    editor.tell(
        "textDocument/didChange",
        json!({ "textDocument": document, "contentChanges": changes }),
    );
    // By itself it may declare a source; as a module it may not, which the pipeline has to show.
    let found = short(&editor.findings_of(&own));
    assert_eq!((found[0].0.as_str(), found[0].1, found.len()), ("E0143", 1, 1), "{found:?}");

    editor.told.clear();
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": tax } }));
    assert_eq!(short(&editor.findings_of(&own))[0].0, "E0116", "what is saved counts again");
}

#[test]
fn files_that_change_on_the_disk_are_read_again() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let project = project(folder.path());
    let mut editor = editor(&project);
    assert_eq!(editor.findings().len(), 1);
    let tax = project.join("lib/deep/tax.batch");
    fs::write(&tax, MENDED).expect("it can be written");
    editor.told.clear();
    let changes = json!({ "changes": [{ "uri": address(&tax), "type": 2 }] });
    editor.tell("workspace/didChangeWatchedFiles", changes);
    let own = editor.uri.clone();
    let found = editor.findings_of(&own);
    assert_eq!(short(&found), [unused()]);
    assert_eq!(found[0]["tags"], json!([1]), "this `use` does nothing");

    fs::remove_file(&tax).expect("it can be removed");
    editor.told.clear();
    editor.tell("textDocument/didSave", json!({ "textDocument": { "uri": own } }));
    let found = short(&editor.findings_of(&own));
    assert_eq!(found[0].0, "E0140", "{found:?}");
    assert!(found[0].2.starts_with("in lib/shop.batch, line 1: "), "{found:?}");
}

#[test]
fn an_editor_that_can_is_asked_to_watch_files() {
    let watches =
        json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut editor = Editor::new_asked(watches, "client/registerCapability");
    editor.show("job j {\n");
    assert!(!editor.findings().is_empty());
}
