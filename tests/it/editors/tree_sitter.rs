//! The grammar for tree-sitter: it is what `grammar.js` says, its trees are those of its corpus, its
//! queries fit, and it reads every program of the repository that the compiler can read.
//! `BATCHC_TREE_SITTER` names the program `tree-sitter` (`cargo install tree-sitter-cli`).

use super::{editors, output, tool};
use crate::folders::pipelines;
use batchc::diagnostics::Diagnostics;
use batchc::syntax::parse;
use batchc::text::Files;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("a folder can be listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}

/// The programs of the repository that parse, each as a file of its own; data that stands behind a
/// program of a test is left out.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![];
    for name in ["examples", "stdlib", "tests"] {
        for path in pipelines(&root.join(name)) {
            let text = fs::read_to_string(&path).expect("a program can be read");
            let text = format!("{}\n", text.split("\n#---- ").next().unwrap_or_default());
            let own = path.strip_prefix(root).expect("it is inside").display().to_string();
            let (mut files, mut found) = (Files::default(), Diagnostics::new());
            let id = files.add(&*own, text.clone());
            parse(&files, id, &mut found);
            if !found.has_errors() {
                let copy = folder.join(own.replace('/', "__"));
                fs::write(&copy, text).expect("it can be written");
                all.push(copy);
            }
        }
    }
    all
}

#[test]
fn the_tree_sitter_grammar_reads_every_program() {
    let Some(tree_sitter) = tool("BATCHC_TREE_SITTER", "the program tree-sitter") else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (grammar, cache) = (folder.path().join("grammar"), folder.path().join("cache"));
    copy(&editors("tree-sitter-batch"), &grammar);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&tree_sitter);
        let home = command.env("XDG_CACHE_HOME", &cache).env("XDG_CONFIG_HOME", &cache);
        output(home.current_dir(&grammar).args(arguments))
    };
    run(&["generate", "--js-runtime", "native"]);
    run(&["test"]);

    let places = folder.path().join("programs");
    fs::create_dir_all(&places).expect("a folder can be made");
    let programs = programs(&places);
    assert!(programs.len() > 300, "{} programs", programs.len());
    let list: String = programs.iter().map(|path| format!("{}\n", path.display())).collect();
    let paths = folder.path().join("paths");
    fs::write(&paths, list).expect("it can be written");
    let paths = paths.display().to_string();
    run(&["parse", "--quiet", "--paths", &paths]);
    for query in ["highlights", "folds", "indents"] {
        let found = run(&["query", &format!("queries/{query}.scm"), "--paths", &paths]);
        assert!(found.contains("capture"), "{query}");
    }
}
