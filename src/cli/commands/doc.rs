//! `batchc doc`

use crate::cli::WRONG;
use crate::cli::args::{Doc, File, Global};
use crate::cli::load::{load, refuse, refuse_name, show_found};
use crate::cli::print::{put, say};
use crate::cli::reference::{lookup, near, not_available_yet, overview, own, pages};
use std::fs;
use std::path::{MAIN_SEPARATOR, Path};

/// Prints what is said of a function, a family of functions or a word, or of a file and what it declares;
/// or all functions by family; or writes the pages of all functions into a folder.
pub(in crate::cli) fn run(doc: &Doc, global: &Global) -> u8 {
    if let Some(folder) = &doc.out {
        return write_pages(folder, global);
    }
    if let [path, name @ ..] = &doc.name[..]
        && is_program(path)
    {
        return of_file(Path::new(path), &name.join(" "), global);
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

/// Is it a file of programs, and no name?
fn is_program(text: &str) -> bool {
    text.ends_with(".batch") || (text.contains(MAIN_SEPARATOR) && Path::new(text).is_file())
}

/// Prints what is said of all that a file declares, or of one of it.
fn of_file(path: &Path, name: &str, global: &Global) -> u8 {
    let file = File { file: Some(path.to_owned()) };
    let (path, compiled) = match load(&file) {
        Ok(loaded) => loaded,
        Err(message) => return refuse(&message, global),
    };
    if compiled.found.has_errors() {
        show_found(&compiled, &path, global, true);
        return WRONG;
    }
    if name.is_empty() {
        put!("{}", own::overview(&compiled, &path));
    } else if let Some(text) = own::of_name(&compiled, name, &path) {
        put!("{text}");
    } else {
        let message = format!("{} declares no", path.display());
        return refuse_name(&message, name, own::names(&compiled), global);
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
