//! Every folder of `examples/`: it checks, and runs with 1, 2 and 8 threads to the same bytes,
//! which are those of its snapshot. The rows of every job balance in the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folders of all examples, by name.
pub(crate) fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .expect("there are examples")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.join("pipeline.batch").exists())
        .collect();
    found.sort();
    found
}

/// The name of an example's folder.
pub(crate) fn name(example: &Path) -> &str {
    example.file_name().and_then(|name| name.to_str()).expect("examples have plain names")
}

/// Copies what an example consists of, without what its runs have left.
pub(crate) fn copy(example: &Path, to: &Path) {
    fs::create_dir_all(to.join("data")).expect("a folder can be made");
    fs::copy(example.join("pipeline.batch"), to.join("pipeline.batch")).expect("it can be copied");
    for entry in fs::read_dir(example.join("data")).expect("an example has data") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, to.join("data").join(name)).expect("it can be copied");
    }
}

/// Runs batchc on the pipeline of a folder.
pub(crate) fn batchc(folder: &Path, command: &str, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_batchc"))
        .args([command, "pipeline.batch", "--color", "never"])
        .args(flags)
        .current_dir(folder)
        .output()
        .expect("batchc can be started")
}

/// The outputs and quarantines of a folder, by their path.
fn written(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.join("out"), folder.join(".batchc/quarantine")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("it can be read");
            open.extend(entries.map(|entry| entry.expect("it can be read").path()));
        } else if path.exists() {
            let name = path.strip_prefix(folder).expect("it is inside").display().to_string();
            found.insert(name, fs::read(&path).expect("it can be read"));
        }
    }
    found
}

fn assert_success(output: &Output, what: &str) {
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{what}:\n{words}");
}

/// `in + added = out + looked_up + filtered + dropped + deduplicated + quarantined + grouped` for
/// every job.
fn assert_balance(report: &Path, example: &str) -> serde_json::Value {
    let text = fs::read_to_string(report).expect("there is a report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("the report is JSON");
    assert_eq!(report["status"], "SUCCESS", "{example}");
    for job in report["jobs"].as_array().expect("a list of jobs") {
        let of = |name: &str| job[name].as_u64().unwrap_or_else(|| panic!("{name} of {job}"));
        let gone = ["looked_up", "filtered", "dropped", "deduplicated", "quarantined", "grouped"];
        let gone = gone.map(of);
        assert_eq!(
            of("records_in") + of("added"),
            of("records_out") + gone.iter().sum::<u64>(),
            "{example}: {job}"
        );
    }
    report
}

#[test]
fn examples_run_to_the_same_bytes_with_any_number_of_threads() {
    for example in examples() {
        let name = name(&example);
        let mut first: Option<BTreeMap<String, Vec<u8>>> = None;
        for threads in ["1", "2", "8"] {
            let folder = tempfile::tempdir().expect("a folder can be made");
            copy(&example, folder.path());
            let checked = batchc(folder.path(), "check", &[]);
            assert_success(&checked, &format!("{name}: check"));
            let flags = ["--threads", threads, "--no-progress", "--report", "report.json"];
            let ran = batchc(folder.path(), "run", &flags);
            assert_success(&ran, &format!("{name}: run with {threads} threads"));
            let report = assert_balance(&folder.path().join("report.json"), name);
            let mut written = written(folder.path());
            // Versions of rows begin with their run.
            let started = report["started"].as_str().expect("a time");
            for content in written.values_mut() {
                if let Ok(text) = std::str::from_utf8(content) {
                    *content = text.replace(started, "RUN").into_bytes();
                }
            }
            assert!(!written.is_empty(), "{name} writes something");
            match &first {
                None => first = Some(written),
                Some(first) => assert!(*first == written, "{name}: {threads} threads differ"),
            }
        }
        insta::assert_snapshot!(format!("example_{name}"), shown(&first.expect("it was run")));
    }
}

#[test]
fn a_plan_says_what_outputs_do_with_what_they_hold() {
    let warehouse = examples().into_iter().find(|path| name(path) == "warehouse");
    let plan = batchc(&warehouse.expect("there is one"), "plan", &["--state-dir", "/nowhere"]);
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    for line in [
        "dim_customers is read, and new rows are joined to its versions by customer_id: one that \
         differs in name, country, segment begins another\n",
        "fct_sales is read, and new rows are joined to it by sale_id: of two with one key the newest \
         by sold_at stays\n",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
}

/// The outputs as one text: long ones by their beginning and end, which bytes alone by their size.
fn shown(written: &BTreeMap<String, Vec<u8>>) -> String {
    const LINES: usize = 40;
    let mut text = String::new();
    for (path, bytes) in written {
        text.push_str(&format!("== {path}\n"));
        if path.ends_with(".parquet") {
            text.push_str("(a Parquet file)\n");
            continue;
        }
        let content = std::str::from_utf8(bytes).expect("it is text");
        let lines: Vec<&str> = content.split_inclusive('\n').collect();
        if lines.len() <= LINES {
            text.push_str(content);
            continue;
        }
        text.extend(lines[..LINES / 2].iter().copied());
        text.push_str(&format!("… {} lines …\n", lines.len() - LINES));
        text.extend(lines[lines.len() - LINES / 2..].iter().copied());
    }
    text
}

#[test]
fn a_pipeline_that_is_wrong_exits_with_1_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    copy(&examples()[0], folder.path());
    let pipeline = folder.path().join("pipeline.batch");
    let text = fs::read_to_string(&pipeline).expect("it can be read");
    fs::write(&pipeline, text.replacen("\n  from ", "\n  from un", 1)).expect("it can be written");
    for command in ["check", "run"] {
        let output = batchc(folder.path(), command, &[]);
        assert_eq!(output.status.code(), Some(1), "{command}");
    }
    assert!(written(folder.path()).is_empty());
}

#[test]
fn an_input_that_is_not_there_exits_with_3_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    copy(&examples()[0], folder.path());
    fs::remove_dir_all(folder.path().join("data")).expect("it can be removed");
    let output = batchc(folder.path(), "run", &["--no-progress"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(written(folder.path()).is_empty());
}

#[test]
fn a_missing_pipeline_exits_with_2() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    assert_eq!(batchc(folder.path(), "check", &[]).status.code(), Some(2));
}
