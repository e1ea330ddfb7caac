//! What stands in `editors/`: the words that editors know against those of the grammar, the grammar
//! for tree-sitter over all programs, and a real Neovim against the real server.
//!
//! Programs of others are named by variables of the environment, as `.ci/run` does; what is not named
//! is skipped, and says so.

#![allow(clippy::print_stderr)]

mod keywords;
mod neovim;
mod tree_sitter;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder or file below `editors/`.
fn editors(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("editors").join(name)
}

/// The program that a variable names, if it does.
fn tool(variable: &str, what: &str) -> Option<String> {
    let named = std::env::var(variable).ok().filter(|named| !named.is_empty());
    if named.is_none() {
        eprintln!("skipped: {variable} does not name {what}");
    }
    named
}

/// What a program prints, which has to end well.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}
