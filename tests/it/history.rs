//! What runs have left, looked at later: what happened in one, what differs between two, and going on
//! with one that failed.

use super::project::Project;
use serde_json::Value;
use std::time::Duration;

const PIPELINE: &str = r#"param least: int = 0

source orders = csv("orders-*.csv") {
  id:      int key
  country: string
  amount:  decimal(8, 2)
}

job clean {
  on error quarantine bad
  from orders
  filter id >= least
}

job totals {
  from clean
  group by country { total = sum(amount) }
}

output clean_csv  = csv("clean.csv") from clean
output totals_csv = csv("totals.csv") from totals
"#;

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("orders-1.csv", "id,country,amount\n1,de,1.00\n2,fr,x\n3,de,3.00\n");
    project
}

/// Without what differs from run to run.
fn settled(text: &str) -> String {
    let settled = |text: &str, pattern: &str, to: &str| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(text, to).into_owned()
    };
    let text = settled(text, r"\d{8}-\d{6}-[0-9a-f]{3}-[a-z]+-[a-z]+", "RUN");
    let text = settled(&text, r"\d\d:\d\d:\d\d\.\d+ *", "TIME ");
    let text = settled(&text, r"seconds \d+\.\d+ → \d+\.\d+", "seconds S → S");
    let text = settled(&text, r"seconds: \d+\.\d+ → \d+\.\d+", "seconds: S → S");
    let text = settled(&text, r"\d+\.\d+ s", "S s");
    settled(&text, r"batchc [0-9.]+, \d+ threads?, [^,\n]*", "batchc VERSION, THREADS, MEMORY")
}

fn names(project: &Project) -> Vec<String> {
    let list = project.batchc(&["runs", "--json"]).data;
    let name = |line: &str| {
        let run: Value = serde_json::from_str(line).unwrap();
        run["execution_id"].as_str().unwrap().to_owned()
    };
    list.lines().map(name).collect()
}

#[test]
fn what_happened_and_what_differs_is_told() {
    let project = project();
    project.batchc(&["run", "-q", "--threads", "1"]);
    insta::assert_snapshot!("logs", settled(&project.batchc(&["runs", "logs"]).data));
    project.write("orders-2.csv", "id,country,amount\n4,it,4.00\n");
    project.write("orders-1.csv", "id,country,amount\n1,de,1.00\n3,de,3.00\n");
    project.batchc(&["run", "-q", "--threads", "1", "-p", "least=2"]);
    let [second, first] = &names(&project)[..] else { panic!("two runs") };
    let diff = project.batchc(&["runs", "diff", first, second]).data;
    insta::assert_snapshot!("diff", settled(&diff));
    let diff = project.batchc(&["runs", "diff", first, "last", "--json"]).data;
    let diff: Value = serde_json::from_str(&diff).unwrap();
    assert_eq!(diff["parameters"]["least"], serde_json::json!(["0", "2"]));
    assert!(diff["inputs"]["orders orders-2.csv"][0].is_null());
    assert_eq!(diff["outputs"]["clean_csv"]["records"], Value::Null);
    let same = project.batchc(&["runs", "diff", "last", "last"]).data;
    assert_eq!(settled(&same), "RUN → RUN\nnothing differs\n");
    let lines = project.batchc(&["runs", "logs", first, "--json"]).data;
    assert_eq!(lines, project.read(&format!(".batchc/runs/{first}/events.jsonl")));
}

#[test]
fn a_name_may_be_short_but_means_one_run() {
    let project = project();
    project.batchc(&["run", "-q"]);
    project.batchc(&["run", "-q", "--fresh"]);
    let names = names(&project);
    let [date, clock, number, ..] = names[0].split('-').collect::<Vec<_>>()[..] else {
        panic!("it has parts")
    };
    let short = format!("{date}-{clock}-{number}");
    assert_eq!(project.batchc(&["runs", "show", &short]).code, Some(0));
    let all = date.to_owned();
    project.batchc(&["runs", "show", &all]).fails(2, &format!("`{date}` can be {}", names[0]));
    project.batchc(&["runs", "logs", "last-failed"]).fails(2, "no run has failed");
    project.batchc(&["runs", "diff", "last", "nobody"]).fails(2, "there is no run `nobody`");
}

#[test]
fn a_run_that_failed_is_gone_on_with_as_it_was_asked_for() {
    let project = project();
    let text = project.read("pipeline.batch");
    project.write("pipeline.batch", text.replace("on error quarantine bad", "on error fail"));
    project.batchc(&["resume"]).fails(2, "no run has left anything in .batchc");
    project.batchc(&["run", "-q", "-p", "least=2", "--select", "totals_csv"]).fails(3, "R0101");
    project.write("pipeline.batch", &text);
    let failed = names(&project).remove(0);
    let resumed = project.batchc(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.words);
    let told = format!(
        "goes on with run {failed} (FAILED): batchc run pipeline.batch -p least=2 --select totals_csv\n"
    );
    assert!(resumed.words.starts_with(&told), "{}", resumed.words);
    assert_eq!(project.read("totals.csv"), "country,total\nde,3.00\n");
    assert!(!project.path("clean.csv").exists());
    let resumed = project.batchc(&["resume"]);
    resumed.fails(2, "succeeded: there is nothing to go on with");
    assert_eq!(project.batchc(&["-q", "resume", "last-failed"]).words, "");
    project.batchc(&["resume", "nobody"]).fails(2, "there is no run `nobody`");
    std::fs::remove_dir_all(project.path(format!(".batchc/runs/{failed}").as_str())).unwrap();
    project.batchc(&["resume", &failed]).fails(2, "is not known any more");
    project.batchc(&["runs", "logs", &failed]).fails(2, "no events of run");
}

#[test]
fn a_run_that_makes_all_anew_is_gone_on_with_as_such() {
    let project = Project::new(
        "source rows = csv(\"rows.csv\") {\n  id: int\n}\nsource most = csv(\"most.csv\") {\n  \
         id: int\n}\njob sorted {\n  from rows\n  sort -id\n}\njob counted {\n  from sorted\n  \
         group { n = count() }\n  union more\n}\njob more {\n  from most\n  \
         group { n = max(id) ?? 0 }\n  expect n < 10 else fail\n}\n\
         output sorted_csv = csv(\"sorted.csv\") from sorted\n\
         output counted_csv = csv(\"counted.csv\") from counted\n",
    );
    project.write("rows.csv", "id\n1\n2\n3\n");
    project.write("most.csv", "id\n5\n");
    let flags = ["--checkpoints", "always", "--report", "report.json", "--no-progress"];
    let run = |flags: &[&str], more: &[&str]| project.batchc(&[more, flags].concat());
    assert_eq!(run(&flags, &["run"]).code, Some(0));
    for tries in 0..2 {
        project.write("most.csv", "id\n50\n");
        let begun = if tries == 0 { &["run", "--fresh"][..] } else { &["resume"] };
        run(&flags, begun).fails(4, "`n < 10`");
    }
    let failed = names(&project)[..2].to_vec();
    project.write("most.csv", "id\n7\n");
    let resumed = run(&flags, &["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.words);
    let told =
        format!("goes on with run {} (FAILED): batchc run pipeline.batch --fresh\n", failed[0]);
    assert!(resumed.words.starts_with(&told), "{}", resumed.words);
    let report = project.report();
    let is_new = |output: &Value| output.get("reused").is_none();
    assert!(report["outputs"].as_array().unwrap().iter().all(is_new), "{report:#}");
    // Of what was there before the run with `--fresh` nothing is taken up.
    let taken = report["taken_up"].as_object().expect("something is taken up");
    assert!(taken.values().all(|run| *run == failed[1]), "{taken:?}");
    assert_eq!(project.read("counted.csv"), "n\n3\n7\n");
}

#[test]
fn a_run_that_was_killed_is_interrupted_and_can_be_gone_on_with() {
    let project = project();
    let lines = (0..300_000).map(|id| format!("{id},c{},1.00\n", id % 100)).collect::<String>();
    project.write("orders-1.csv", format!("id,country,amount\n{lines}"));
    let mut command = project.command(&["run", "-q", "-p", "least=7", "--events", "events.jsonl"]);
    let mut running = command.spawn().unwrap();
    let has_begun = || {
        let text = std::fs::read_to_string(project.path("events.jsonl")).unwrap_or_default();
        text.contains("job.started")
    };
    while !has_begun() {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let shown: Value = serde_json::from_str(&project.batchc(&["runs", "show"]).data).unwrap();
    assert_eq!(
        (&shown["status"], &shown["parameters"]["least"]),
        (&"INTERRUPTED".into(), &"7".into())
    );
    let logs = project.batchc(&["runs", "logs"]).data;
    assert!(logs.ends_with("its process was ended before the run was\n"), "{logs}");
    let resumed = project.batchc(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.words);
    assert!(resumed.words.contains("(INTERRUPTED): batchc run pipeline.batch -p least=7\n"));
    assert_eq!(project.read("clean.csv").lines().count(), 300_001 - 7);
}

#[test]
fn a_preview_has_its_files_where_the_state_is_to_be() {
    let project = project();
    let preview = ["preview", "pipeline.batch", "totals", "--memory", "1MB", "--state-dir", "kept"];
    assert_eq!(project.batchc(&preview).code, Some(0));
    assert!(!project.path(".batchc").exists());
}
