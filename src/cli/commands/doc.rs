//! `batchc doc`

use crate::cli::args::{Doc, Global};
use crate::cli::load::refuse;
use crate::cli::print::{put, say};
use crate::cli::reference::{lookup, near, not_available_yet, overview, pages};
use std::fs;
use std::path::Path;

/// Prints what is said of a function, a family of functions or a word; or all functions by family;
/// or writes the pages of all functions into a folder.
pub(in crate::cli) fn run(doc: &Doc, global: &Global) -> u8 {
    if let Some(folder) = &doc.out {
        return write_pages(folder, global);
    }
    let text = doc.name.join(" ");
    if text.is_empty() {
        put!("{}", overview());
        return 0;
    }
    let name = text.to_lowercase();
    let found = lookup(&name);
    if !found.is_empty() {
        put!("{}", found.join("\n"));
    } else if let Some(line) = not_available_yet(&name) {
        put!("{line}");
    } else {
        let message = format!("there is no function, family or word `{text}`{}", near(&name));
        return refuse(&message, global);
    }
    0
}

fn write_pages(folder: &Path, global: &Global) -> u8 {
    for (name, text) in pages() {
        let path = folder.join(name);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
        if let Err(error) = written {
            return refuse(&format!("cannot write {}: {error}", path.display()), global);
        }
    }
    say!("wrote the reference of all functions into {}", folder.display());
    0
}
