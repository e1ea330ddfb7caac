//! Tests that are files: each file of a folder, against its snapshot.

use batchc::Compiled;
use batchc::diagnostics::render::{Format, render};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A folder below `tests/`.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// All files below a folder that are pipelines, in the order of their names.
pub(crate) fn pipelines(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![];
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            all.extend(pipelines(&path));
        } else if path.extension().is_some_and(|extension| extension == "batch") {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// A program compiled, with what was found in it as a person sees it. Files that it uses follow behind
/// `#---- NAME`, each line behind `#`; their paths are as if the program were in no folder.
pub(crate) fn compiled(name: &str, text: &str) -> (Compiled, String) {
    let mut parts = text.split("\n#---- ");
    let program = format!("{}\n", parts.next().unwrap_or("").trim_end());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let base = format!("{}/", folder.path().display());
    let mut path = name.to_owned();
    for part in parts {
        let (file, content) = part.split_once('\n').unwrap_or((part, ""));
        let lines = content.lines().map(|line| line.strip_prefix('#').unwrap_or(line));
        let content: String = lines.flat_map(|line| [line, "\n"]).collect();
        let place = folder.path().join("project").join(file.trim());
        fs::create_dir_all(place.parent().expect("it is in a folder")).expect("it can be made");
        fs::write(&place, content).expect("it can be written");
        let own = name.rsplit('/').next().unwrap_or(name);
        path = format!("{base}project/{own}");
        fs::write(&path, &program).expect("it can be written");
    }
    let is_alone = path == name;
    let compiled = batchc::compile(&path, if is_alone { text.to_owned() } else { program });
    let found = render(&compiled.found, &compiled.files, Format::Human, false);
    let shown = found.replace(&format!("{base}project/"), "");
    (compiled, shown)
}

/// Compares what `show` says of each pipeline of a folder, given its path and its name from that
/// folder on, with its snapshot. All of them are looked at before the test fails.
pub(crate) fn compare(name: &str, show: impl Fn(&Path, &str) -> String) {
    let base = folder(name);
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots");
    let mut differ = vec![];
    for path in pipelines(&base) {
        let own = path.strip_prefix(&base).expect("it is inside").display().to_string();
        let snapshot = format!("{name}@{}", own.replace('/', "__"));
        settings.set_input_file(&path);
        let compared = catch_unwind(AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(snapshot, show(&path, &own)));
        }));
        if compared.is_err() {
            differ.push(own);
        }
    }
    assert!(differ.is_empty(), "of tests/{name}, {} differ", differ.join(", "));
}
