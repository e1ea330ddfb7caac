//! Jobs that are tried again: after failures that can pass, from the beginning and to the same bytes
//! and counts, and not for ever.

use crate::project::{Ended, Project};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Two jobs of one stage, of which one is tried again, and one behind them.
const JOBS: &str = r#"
param version: int = 0

source rows = csv("rows.csv") {
  id:   int
  kind: string
}

job first {
  retry 2 times backoff 1ms..5ms
  partition by hash(kind) into 2
  on error quarantine bad
  from rows
  set id = id + version
}

job second {
  on error quarantine bad
  from rows
  filter id > 10
}

job kinds {
  from second
  group by kind { least = min(id) }
}

job totals {
  retry 2 times backoff 1ms..5ms
  from first
  join kinds on kind
  group by kind { total = sum(id + least + version) }
}

output parts = csv("out/parts") from first
output plain = json("out/plain.jsonl.gz") from first
output taken = csv("out/taken.csv") from second
output sums  = parquet("out/sums.parquet") from totals
"#;

fn project() -> Project {
    let project = Project::new(JOBS);
    let rows = (0..300).map(|id| match id % 50 {
        7 => format!("bad,kind {}\n", id % 3),
        _ => format!("{id},kind {}\n", id % 3),
    });
    project.write("rows.csv", format!("id,kind\n{}", rows.collect::<String>()));
    project
}

fn run(project: &Project, version: &str, faults: Option<&str>) -> Ended {
    let version = format!("version={version}");
    let mut command =
        project.command(&["run", "--no-progress", "--report", "report.json", "-p", &version]);
    command.envs(faults.map(|faults| ("BATCHC_FAULTS", faults)));
    Ended::of(&command.output().expect("batchc can be started"))
}

/// All that a run leaves for others to see.
fn seen(project: &Project) -> Vec<(String, Vec<u8>)> {
    let files = project.files().into_iter().filter(|name| name.contains('/'));
    files.map(|name| (name.clone(), std::fs::read(project.path(&name)).unwrap())).collect()
}

/// What is counted, without what tells that something was tried again.
fn counts(project: &Project) -> Value {
    let mut report = project.report();
    for job in report["jobs"].as_array_mut().expect("a list") {
        let job = job.as_object_mut().expect("an object");
        for name in ["seconds", "records_per_second", "peak_memory", "tries"] {
            job.remove(name);
        }
    }
    serde_json::json!([report["jobs"], report["quarantines"], report["outputs"]])
}

#[test]
fn a_failure_that_passes_leaves_no_trace() {
    let project = project();
    assert_eq!(run(&project, "0", None).code, Some(0));
    let record = format!("record:{}", project.path("operations").display());
    assert_eq!(run(&project, "1", Some(&record)).code, Some(0));
    let (new, counted) = (seen(&project), counts(&project));
    let operations = project.records("operations");
    let is_of = |name: &str, operation: &Value| {
        let does = operation["does"].as_str().is_some_and(|does| ["write", "sync"].contains(&does));
        does && operation["path"].as_str().is_some_and(|path| path.contains(&format!("/.{name}.")))
    };
    let mut tried = 0;
    for (at, operation) in operations.iter().enumerate() {
        let is_first = ["parts", "plain.jsonl.gz"].iter().any(|name| is_of(name, operation));
        if !is_first && !is_of("sums.parquet", operation) {
            continue;
        }
        assert_eq!(run(&project, "0", None).code, Some(0));
        let ended = run(&project, "1", Some(&format!("fail:{}:5", at + 1)));
        assert_eq!(ended.code, Some(0), "{operation}: {}", ended.words);
        let job = if is_first { 0 } else { 3 };
        assert_eq!(project.report()["jobs"][job]["tries"], 2, "{operation}");
        let operation = &operation["does"];
        for (one, other) in seen(&project).iter().zip(&new) {
            assert!(one == other, "{operation}: {} and {}", one.0, other.0);
        }
        assert_eq!(counts(&project), counted, "{operation}: the same counts");
        tried += 1;
    }
    assert!(tried > 5, "{tried}");
}

#[test]
fn a_failure_that_does_not_pass_ends_a_job_after_all_tries() {
    let project = project();
    let lines = |project: &Project, faults: &str| {
        let mut command = project.command(&["run", "--report", "report.json"]);
        command.env("BATCHC_FAULTS", faults);
        Ended::of(&command.output().expect("batchc can be started"))
    };
    let ended = lines(&project, "never:5:.plain.jsonl.gz.");
    ended.fails(3, "error: cannot sync ");
    for said in ["first: try 2 of 3 in 0.0 s: cannot sync ", "first: try 3 of 3 in 0.0 s: cannot "]
    {
        assert!(ended.words.contains(said), "{said:?}: {}", ended.words);
    }
    assert_eq!(ended.words.matches("error: ").count(), 1, "{}", ended.words);
    let report = project.report();
    assert_eq!(report["jobs"][0]["status"], "FAILED");
    assert_eq!(report["jobs"][0]["tries"], 3);
    assert_eq!(report["jobs"][1]["status"], "SUCCESS");
    assert!(!project.files().iter().any(|name| name.starts_with("out/")), "nothing is left");
    // What somebody has to put right is not tried again.
    let ended = lines(&project, "never:13:.plain.jsonl.gz.");
    ended.fails(3, "error: cannot sync ");
    assert!(!ended.words.contains(": try "), "{}", ended.words);
    let ended = lines(&project, "never:5:.taken.csv.");
    ended.fails(3, "error: cannot sync ");
    assert!(!ended.words.contains(": try "), "`second` says nothing of it: {}", ended.words);
}

#[test]
fn a_pause_ends_when_the_run_is_stopped() {
    let project = Project::new(&JOBS.replace("1ms..5ms", "1h..2h"));
    project.write("rows.csv", "id,kind\n1,x\n");
    let mut command = project.command(&["run"]);
    command.env("BATCHC_FAULTS", "never:5:.plain.jsonl.gz.");
    command.stderr(std::process::Stdio::piped());
    let started = Instant::now();
    let child = command.spawn().expect("batchc can be started");
    let id = child.id().to_string();
    // The second one ends it at once, should the first not do.
    std::thread::sleep(Duration::from_secs(2));
    let killed = std::process::Command::new("kill").args(["-INT", &id]).status();
    assert!(killed.expect("there is `kill`").success());
    let ended = Ended::of(&child.wait_with_output().expect("it ends"));
    ended.fails(130, "first: try 2 of 3 in ");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(!project.files().iter().any(|name| name.starts_with("out/")), "nothing is left");
}
