//! What `batchc check` says in each form: to whom, in which order, and with which exit code.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Two errors and a warning, in an order that is not that in which they are found.
const PROGRAM: &str = "source s = csv(\"s.csv\") {
  id:   int key
  name: string?
}

job é {
  from s
  take 3
  filter naem != \"x\"
  filtr id > 0
}

output o = csv(\"o.csv\") from é
";

fn check(program: &str, flags: &[&str]) -> (tempfile::TempDir, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(path(&folder), program).expect("it is written");
    let output = Command::new(env!("CARGO_BIN_EXE_batchc"))
        .current_dir(folder.path())
        .args(["check", "p.batch"])
        .args(flags)
        .output()
        .expect("batchc runs");
    (folder, output)
}

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("p.batch")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("what is said is UTF-8")
}

#[test]
fn short_is_one_line_each_and_a_last_one() {
    let (_folder, output) = check(PROGRAM, &["--format", "short"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_eq!(
        text(&output.stderr),
        "p.batch:8:3: warning[W0404]: which rows? `take` keeps the first as they come\n\
         p.batch:9:10: error[E0101]: `é` has no column `naem`\n\
         p.batch:10:3: error[E0003]: there is no step `filtr`\n\
         2 errors, 1 warning in p.batch; 1 job checked\n"
    );
}

#[test]
fn human_ends_with_one_line_that_counts() {
    let (_folder, output) = check(PROGRAM, &[]);
    assert_eq!(output.status.code(), Some(1));
    let last = text(&output.stderr).lines().last();
    assert_eq!(last, Some("2 errors, 1 warning in p.batch; 1 job checked"));
    let right =
        PROGRAM.replace("filtr ", "filter ").replace("naem", "name").replace("  take 3\n", "");
    let (_folder, output) = check(&right, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "p.batch is right: 1 job checked\n");
}

#[test]
fn json_is_one_object_a_line_on_stdout() {
    let (_folder, output) = check(PROGRAM, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty());
    let found: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    let codes: Vec<&str> = found.iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["W0404", "E0101", "E0003"]);
    let column = &found[1];
    assert_eq!(column["v"], 1);
    assert_eq!(column["severity"], "error");
    assert_eq!(column["file"], "p.batch");
    assert_eq!(column["message"], "`é` has no column `naem`");
    assert_eq!(column["help"], "did you mean `name`?");
    assert_eq!(column["url"], "docs/diagnostics/E0101.md");
    let start = PROGRAM.find("naem").expect("it is there");
    assert_eq!(
        column["span"],
        serde_json::json!({
            "start": {"line": 9, "col": 10, "byte": start},
            "end": {"line": 9, "col": 14, "byte": start + 4},
        })
    );
    assert_eq!(column["labels"][0]["span"], column["span"]);
    assert_eq!(column["labels"][1]["text"], "the row is {id, name}");
    let fix = &column["fix"];
    assert_eq!(fix["title"], column["help"]);
    assert_eq!(fix["safe"], false);
    assert_eq!(fix["edits"], serde_json::json!([{"span": column["span"], "text": "name"}]));
    // Columns count characters, bytes count bytes.
    assert_eq!(found[2]["span"]["start"]["col"], 3);
    assert_eq!(found[0]["fix"], Value::Null);
}

#[test]
fn a_fix_that_is_safe_makes_the_program_right() {
    let (_folder, output) = check(
        &PROGRAM.replace("filtr id > 0", "filter id <> 0").replace("naem", "name"),
        &["--format", "json"],
    );
    let line = text(&output.stdout).lines().find(|line| line.contains("E0009"));
    let found: Value = serde_json::from_str(line.expect("`<>` is found")).expect("it is JSON");
    assert_eq!(found["fix"]["safe"], true);
    assert_eq!(found["fix"]["edits"][0]["text"], "!=");
}
