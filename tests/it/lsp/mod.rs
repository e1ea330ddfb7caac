//! The language server, asked as an editor asks it.
//!
//! Each `tests/lsp/*.batch` is a program with marks: `«hover»` is a request at that place,
//! `«complete na»` the same with `na` typed there first. The text that the server sees has no marks.
//! Lines `#---- symbols` at the end are requests about the whole of it.

mod client;
mod edits;
mod everywhere;
mod modules;
mod protocol;
mod shown;

use super::folders::compare;
use client::Editor;
use std::fs;

#[test]
fn cases() {
    compare("lsp", |path, _| {
        let text = fs::read_to_string(path).expect("a case can be read");
        let mut editor = Editor::new();
        let mut out = String::new();
        for asked in marks(&text) {
            editor.show(&asked.text);
            out.push_str(&shown::answer(&mut editor, &asked));
        }
        out
    });
}

/// A request of a case.
struct Asked {
    /// The program as it is then.
    text: String,
    /// Where, in bytes.
    at: usize,
    /// What: `hover`, `rename total`.
    what: String,
    /// How much of the word before is typed for this request.
    typed: String,
}

/// The requests of a case, in their order.
fn marks(case: &str) -> Vec<Asked> {
    let (program, behind) = match case.find("#---- ") {
        Some(at) => case.split_at(at),
        None => (case, ""),
    };
    let (mut plain, mut found) = (String::new(), vec![]);
    let mut rest = program;
    while let Some((before, behind)) = rest.split_once('«') {
        plain.push_str(before);
        let (mark, after) = behind.split_once('»').expect("a mark is closed");
        let (what, typed) = match mark.split_once(' ') {
            Some((what @ ("complete" | "signature"), typed)) => (what, typed),
            _ => (mark, ""),
        };
        found.push((plain.len(), what.to_owned(), typed.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    let whole = behind.lines().filter_map(|line| line.strip_prefix("#---- "));
    found.extend(whole.map(|what| (0, what.to_owned(), String::new())));
    let asked = |(at, what, typed): (usize, String, String)| {
        let text = format!("{}{typed}{}", &plain[..at], &plain[at..]);
        Asked { text, at: at + typed.len(), what, typed }
    };
    found.into_iter().map(asked).collect()
}
