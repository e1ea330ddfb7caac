//! The layers of the crate, held without compiling it: which module may name which, where files
//! are touched, and that every file says what it is for.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may use beside itself, from the lowest to the highest. What is absent
/// matters: `syntax` knows no meaning, `connect` no plans and no places in the text, `exec` no
/// connector's insides, and nothing below `cli` knows of it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("memory", &[]),
    ("text", &[]),
    ("types", &[]),
    ("data", &["types"]),
    ("diagnostics", &["text", "types", "syntax"]),
    ("syntax", &["text", "types", "diagnostics"]),
    ("functions", &["text", "types", "data", "syntax", "diagnostics"]),
    ("modules", &["text", "syntax", "diagnostics", "functions"]),
    ("files", &[]),
    ("connect", &["types", "data", "files"]),
    ("store", &["memory", "files"]),
    ("ir", &["text", "types", "data", "functions"]),
    ("expr", &["text", "types", "data", "functions", "ir"]),
    (
        "check",
        &[
            "text",
            "types",
            "data",
            "diagnostics",
            "syntax",
            "functions",
            "connect",
            "store",
            "ir",
            "expr",
        ],
    ),
    ("plan", &["ir", "types", "data", "functions"]),
    (
        "exec",
        &[
            "text",
            "types",
            "data",
            "diagnostics",
            "functions",
            "connect",
            "store",
            "ir",
            "expr",
            "plan",
        ],
    ),
    (
        "run",
        &[
            "memory",
            "text",
            "types",
            "data",
            "diagnostics",
            "functions",
            "connect",
            "store",
            "ir",
            "expr",
            "plan",
            "exec",
        ],
    ),
    ("testing", &["text", "types", "data", "connect", "ir", "plan", "run"]),
    (
        "lsp",
        &[
            "text",
            "types",
            "diagnostics",
            "syntax",
            "functions",
            "modules",
            "connect",
            "ir",
            "check",
            "compile_reading",
            "Compiled",
        ],
    ),
    (
        "cli",
        &[
            "lsp",
            "text",
            "types",
            "data",
            "diagnostics",
            "syntax",
            "functions",
            "connect",
            "store",
            "ir",
            "check",
            "plan",
            "exec",
            "run",
            "testing",
            "compile",
            "compile_with",
            "Compiled",
            "memory",
        ],
    ),
];

/// The modules that may touch files.
const TOUCH_FILES: &[&str] = &["modules", "files", "connect", "store", "run", "cli"];

#[test]
fn modules_use_only_what_is_below_them() {
    let mut wrong = vec![];
    for (module, path, text) in sources() {
        let allowed = MAY_USE.iter().find(|(name, _)| *name == module);
        let Some((_, allowed)) = allowed else {
            wrong.push(format!("{}: `{module}` is not in the table of layers", path.display()));
            continue;
        };
        for (line, code) in code_lines(&text) {
            for used in crate_names(code) {
                if used != module && !allowed.contains(&used) {
                    wrong.push(format!("{}:{line}: `{module}` uses `{used}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_the_edges_touch_files() {
    let mut wrong = vec![];
    for (module, path, text) in sources() {
        if TOUCH_FILES.contains(&module.as_str()) {
            continue;
        }
        for (line, code) in code_lines(&text) {
            if code.contains("std::fs") || code.contains("std::net") {
                wrong.push(format!("{}:{line}: `{module}` touches files", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_unsafe_is_listed() {
    let page = fs::read_to_string(root().join("docs/design/unsafe.md")).unwrap();
    let allows = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("allow(unsafe_code)");
    let wrong: Vec<String> = files(&root().join("src"))
        .into_iter()
        .filter(allows)
        .filter(|path| {
            !page.contains(&format!("`{}`", path.strip_prefix(root()).unwrap().display()))
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "docs/design/unsafe.md does not list {}", wrong.join(", "));
}

#[test]
fn every_file_says_what_it_is_for() {
    let wrong: Vec<String> = files(&root().join("src"))
        .into_iter()
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "no `//!` at the top of {}", wrong.join(", "));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The module, path and text of every file of a module.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    files(&src)
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&src).unwrap();
            let first = inside.iter().next().unwrap().to_str().unwrap();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let outside = matches!(module.as_str(), "lib" | "main");
            (!outside).then(|| (module, inside.to_owned(), text))
        })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// The lines that are not comments, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// What follows each `crate::`: one name, or those between braces.
fn crate_names(code: &str) -> Vec<&str> {
    let mut names = vec![];
    for behind in code.split("crate::").skip(1) {
        let word = |text: &'_ str| {
            text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
        };
        match behind.strip_prefix('{') {
            None => names.push(&behind[..word(behind)]),
            Some(list) => {
                let list = list.split('}').next().unwrap_or(list);
                let each = list.split(',').map(str::trim).filter(|name| !name.is_empty());
                names.extend(each.map(|name| &name[..word(name)]));
            }
        }
    }
    names
}
