//! The examples, and pipelines at random, computed a second time by DuckDB. `BATCHC_PYTHON` names an interpreter that has
//! the packages `duckdb`, `numpy` and `fastavro`, and beside which `tpchgen-cli` is; without it nothing is compared.

#![allow(clippy::print_stderr)]

use super::examples;
use std::path::Path;
use std::process::Command;

/// The interpreter, if one is named.
fn python() -> Option<String> {
    let python = std::env::var("BATCHC_PYTHON").ok().filter(|python| !python.is_empty());
    if python.is_none() {
        eprintln!("skipped: BATCHC_PYTHON does not name a Python with the package duckdb");
    }
    python
}

/// Runs a script of `tests/duckdb/` and expects it to end well.
fn run(python: &str, script: &str, arguments: &[&Path]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/duckdb").join(script);
    let output = Command::new(python)
        .arg(&script)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{python} cannot be started: {error}"));
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn examples_equal_duckdb() {
    let Some(python) = python() else { return };
    for example in examples::examples() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let folder = folder.path().join(examples::name(&example));
        examples::copy(&example, &folder);
        let ran = examples::batchc(&folder, "run", &["--no-progress"]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        run(&python, "compare.py", &[&folder]);
    }
}

#[test]
fn partitions_by_hash_are_md5_modulo() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    run(&python, "partition.py", &[Path::new(env!("CARGO_BIN_EXE_batchc")), folder.path()]);
}

#[test]
fn folders_are_read_as_the_same_rows() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    run(&python, "folders.py", &[Path::new(env!("CARGO_BIN_EXE_batchc")), folder.path()]);
}

#[test]
fn avro_files_are_read_as_the_same_rows() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    run(&python, "avro.py", &[Path::new(env!("CARGO_BIN_EXE_batchc")), folder.path()]);
}

#[test]
fn merges_and_versions_equal_duckdb() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    run(&python, "merge.py", &[Path::new(env!("CARGO_BIN_EXE_batchc")), folder.path()]);
}

#[test]
fn queries_of_tpc_h_equal_duckdb() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    run(&python, "tpch.py", &[Path::new(env!("CARGO_BIN_EXE_batchc")), folder.path()]);
}

/// More, and how to look at one that differs: CONTRIBUTING.md.
#[test]
fn random_pipelines_equal_duckdb() {
    let Some(python) = python() else { return };
    let batchc = Path::new(env!("CARGO_BIN_EXE_batchc"));
    let cases = ["--cases", "2000", "--seed", "rows", "--vary"].map(Path::new);
    run(&python, "differential", &[&[batchc], &cases[..]].concat());
}
