//! Jobs that fail beside others: what does not depend on them is computed all the same, told, and
//! left to the next run; and no output changes.

use crate::project::{Ended, Project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// A good branch and one that fails begin with the same rows, in one stage; and there is another
/// that has nothing to do with them.
const JOBS: &str = r#"
source rows = csv("rows.csv") {
  id:   int
  kind: string
}

source others = csv("others.csv") {
  id: int
}

job good {
  partition by hash(kind) into 2
  on error quarantine bad
  from rows
  filter id > 0
}

job kinds {
  from good
  group by kind { count = count() }
}

job broken {
  on error quarantine bad
  from rows
  filter id > 0
  expect small: id < 400 else fail
}

job after_broken {
  from broken
  group by kind { total = sum(id) }
}

job last {
  from after_broken
  sort -total
}

job other {
  from others
  sort id
}

output good_rows = csv("out/good") from good
output kinds_rows = parquet("out/kinds.parquet") from kinds
output broken_rows = csv("out/broken.csv") from broken
output last_rows = csv("out/last.csv") from last
output other_rows = json("out/other.jsonl") from other
"#;

fn project(jobs: &str) -> Project {
    let project = Project::new(jobs);
    let mut rows = String::from("id,kind\n");
    for id in 0..500 {
        let id = if id % 50 == 7 { "bad".to_owned() } else { id.to_string() };
        rows.push_str(&format!("{id},kind {}\n", rows.len() % 6));
    }
    project.write("rows.csv", rows);
    project.write("others.csv", "id\n3\n1\n2\n");
    project
}

fn run(project: &Project, flags: &[&str]) -> Ended {
    let given = ["run", "--no-progress", "--report", "report.json", "--checkpoints", "always"];
    project.batchc(&[&given, flags].concat())
}

/// All that a run leaves for others to see. Rows that are set aside are in the order of the stages,
/// of which there are more once one has failed in part.
fn seen(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let files = project.files().into_iter().filter(|name| name.contains('/'));
    let read = |name: String| {
        let bytes = fs::read(project.path(&name)).expect("it is there");
        if !name.starts_with(".batchc/quarantine") {
            return (name, bytes);
        }
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        lines.sort();
        (name, lines.concat())
    };
    files.map(read).collect()
}

/// What is counted of jobs, and the rows of outputs.
fn counts(project: &Project) -> Value {
    let report = project.report();
    let jobs = project.jobs_without_times();
    serde_json::json!([jobs, report["quarantines"], report["outputs"]])
}

fn states(project: &Project) -> Vec<String> {
    let report = project.report();
    let jobs = report["jobs"].as_array().expect("a list").iter();
    jobs.map(|job| {
        let needs = job["needs"].as_str().map_or(String::new(), |needs| format!(", {needs}"));
        format!("{} {}{needs}", job["job"].as_str().unwrap(), job["status"].as_str().unwrap())
    })
    .collect()
}

/// Ends as a run does in which `broken` fails.
fn fails_in_part(project: &Project, flags: &[&str]) -> Ended {
    let ended = run(project, flags);
    ended.fails(4, "`small` does not hold");
    assert_eq!(ended.words.matches("error[").count(), 1, "{}", ended.words);
    assert_eq!(
        states(project),
        [
            "good SUCCESS",
            "kinds SUCCESS",
            "broken FAILED",
            "after_broken CANCELLED, broken",
            "last CANCELLED, after_broken",
            "other SUCCESS"
        ]
    );
    let broken = &project.report()["jobs"][2];
    assert!(broken["error"].as_str().expect("a reason").contains("`small`"), "{broken}");
    let is_visible = |name: &String| name.starts_with("out/") && !name.contains("/.");
    assert_eq!(project.files().into_iter().find(is_visible), None, "no output is new");
    ended
}

#[test]
fn what_does_not_depend_on_what_failed_is_done_and_told() {
    let project = project(JOBS);
    let ended = fails_in_part(&project, &[]);
    for said in [
        "  good: done\n",
        "  broken: failed\n",
        "  after_broken: not run, it needs broken\n",
        "  last: not run, it needs after_broken\n",
        ": 3 done, 1 failed, 2 not run; no output was changed (exit 4)",
    ] {
        assert!(ended.words.contains(said), "{said:?}: {}", ended.words);
    }
}

#[test]
fn what_was_done_beside_a_failure_is_taken_up_once_it_is_cured() {
    let project = project(JOBS);
    for threads in ["1", "4"] {
        let flags = ["--threads", threads, "--chunk", "256"];
        fails_in_part(&project, &flags);
        project.write("pipeline.batch", JOBS.replace("id < 400", "id < 4000"));
        let ended = run(&project, &flags);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let said = " had computed of `good`, `kinds`, `other`\n";
        assert!(ended.words.contains(said), "{}", ended.words);
        let (found, counted) = (seen(&project), counts(&project));
        assert_eq!(run(&project, &[&flags[..], &["--fresh"]].concat()).code, Some(0));
        assert!(seen(&project) == found, "the same bytes");
        assert_eq!(counts(&project), counted, "the same counts");
        project.write("pipeline.batch", JOBS);
        fs::remove_dir_all(project.path("out")).expect("it is there");
    }
}

#[test]
fn rows_that_others_set_aside_are_there_once() {
    let project = project(JOBS);
    for threads in ["1", "4"] {
        fails_in_part(&project, &["--threads", threads, "--chunk", "256"]);
        let rows = project.records(".batchc/quarantine/bad.jsonl");
        let of = |job| rows.iter().filter(|row| row["_job"] == job).count();
        assert_eq!(of("good"), 10);
        let report = project.report();
        assert_eq!(report["jobs"][0]["quarantined"], 10);
        assert_eq!(report["jobs"][2]["quarantined"], of("broken"));
        assert_eq!(report["quarantines"][0]["records"], rows.len());
    }
}

#[test]
fn rows_of_a_job_whose_output_fails_are_there_once_too() {
    let jobs = "source rows = csv(\"rows.csv\") {\n  t: string\n}\n\
                job clean {\n  from rows\n  expect ok: t != \"bad\" else quarantine bad\n}\n\
                job totals {\n  from clean\n  group { count = count() }\n}\n\
                output lines = text(\"out/lines.txt\") from clean\n\
                output total = csv(\"out/total.csv\") from totals\n";
    let project = Project::new(jobs);
    // A line of text cannot have two lines.
    project.write("rows.csv", "t\nbad\nx\nbad\n\"two\nlines\"\nbad\n");
    let ended = project.batchc(&["run", "--no-progress", "--chunk", "8"]);
    ended.fails(3, "a text holds a line end");
    assert_eq!(project.records(".batchc/quarantine/bad.jsonl").len(), 3, "{}", ended.words);
}

#[test]
fn the_first_failure_can_end_a_run() {
    let project = project(JOBS);
    let ended = run(&project, &["--fail-fast"]);
    ended.fails(4, "`small` does not hold");
    let states = states(&project);
    assert!(states.contains(&"broken FAILED".to_owned()), "{states:?}");
    assert!(states.iter().any(|state| state.ends_with(" CANCELLED")), "{states:?}");
}

#[test]
fn every_failure_is_told_once() {
    let two = JOBS.replace("  sort id\n", "  derive share = 6 // (id - 2)\n");
    let project = project(&two);
    let ended = run(&project, &[]);
    ended.fails(3, "`small` does not hold");
    assert!(ended.words.contains("division by zero"), "{}", ended.words);
    assert_eq!(ended.words.matches("error[").count(), 2, "{}", ended.words);
    let report = project.report();
    assert_eq!(report["error"].as_str().expect("a reason").lines().count(), 2);
    // A file that two jobs read is missing once.
    project.write("pipeline.batch", JOBS.replace("id < 400", "id < 4000"));
    fs::remove_file(project.path("rows.csv")).expect("it is there");
    let ended = run(&project, &[]);
    ended.fails(3, "error: cannot open rows.csv");
    assert_eq!(ended.words.matches("error: ").count(), 1, "{}", ended.words);
}

#[test]
fn limits_on_failed_rows_are_told_with_what_else_failed() {
    let above = JOBS
        .replace(
            "on error quarantine bad\n  from rows\n  filter id > 0\n}",
            "on error drop above 1%\n  from rows\n}",
        )
        .replace(
            "on error quarantine bad\n  from rows\n  filter id > 0\n  expect",
            "on error drop\n  from rows\n  expect",
        );
    assert_ne!(above, JOBS);
    let project = project(&above);
    let ended = run(&project, &[]);
    ended.fails(4, "`small` does not hold");
    assert!(ended.words.contains("10 of 500 rows"), "{}", ended.words);
    let states = states(&project);
    assert!(states.contains(&"good FAILED".to_owned()), "{states:?}");
}
