//! The events of a run: as their schema says, the same wherever they are written, and in the page
//! about them.

use super::folders::folder;
use super::project::{Ended, Project};
use super::schema::Schemas;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const PIPELINE: &str = r#"param least: int = 0

source orders = csv("orders-*.csv") {
  id:      int key
  country: string
  amount:  decimal(8, 2)
}

job clean {
  on error quarantine bad
  partition by hash(country) into 2
  from orders
  filter id >= least
  expect positive: amount > 0 else warn above 50%
}

job totals {
  from clean
  group by country { total = sum(amount) }
}

job counted {
  from orders
  group { n = count() }
}

output clean_csv  = csv("clean") from clean
output totals_csv = csv("totals.csv") from totals
output counted_csv = csv("counted.csv") from counted
"#;

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("orders-1.csv", "id,country,amount\n1,de,1.00\n2,fr,x\n3,de,3.00\n");
    project
}

fn schemas() -> Schemas {
    let path = folder("../docs/schemas/events.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    Schemas([(schema["$id"].as_str().unwrap().to_owned(), schema)].into())
}

/// The events in a text, each as the schema says, and with no field that it does not name.
fn events(text: &str) -> Vec<Value> {
    let schemas = schemas();
    let schema = &schemas.0["urn:batchc:events:1"];
    let event = |(line, text): (usize, &str)| {
        let event: Value = serde_json::from_str(text).unwrap();
        schemas.check(&event, "urn:batchc:events:1").unwrap_or_else(|why| panic!("{why}\n{text}"));
        let kind = event["ev"].as_str().unwrap();
        let named = schema["$defs"][kind]["properties"].as_object().unwrap();
        let unnamed = event.as_object().unwrap().keys().find(|field| !named.contains_key(*field));
        assert_eq!(unnamed, None, "{text}");
        assert_eq!(event["seq"], line as u64 + 1);
        event
    };
    text.lines().enumerate().map(event).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["ev"].as_str().unwrap()).collect()
}

fn find<'e>(events: &'e [Value], kind: &str) -> &'e Value {
    events.iter().find(|event| event["ev"] == kind).expect("it happened")
}

/// The events of the run that wrote a line last.
fn run(project: &Project, flags: &[&str]) -> Vec<Value> {
    let ended = project.batchc(&[&["run", "-q", "--events", "-"], flags].concat());
    events(&ended.data)
}

#[test]
fn what_happens_is_told_line_by_line() {
    let project = project();
    let first = run(&project, &["-p", "least=1"]);
    let in_the_end = [
        "reject.summary",
        "output.committed",
        "output.committed",
        "output.committed",
        "source.read",
        "run.finished",
    ];
    assert_eq!(kinds(&first)[..2], ["run.started", "plan"]);
    assert_eq!(kinds(&first)[first.len() - 6..], in_the_end);
    let of_jobs: BTreeSet<(&str, &str)> = first[2..first.len() - 6]
        .iter()
        .map(|event| (event["ev"].as_str().unwrap(), event["job"].as_str().unwrap()))
        .collect();
    let jobs = ["clean", "counted", "totals"];
    let all = ["job.finished", "job.started"].into_iter().flat_map(|ev| jobs.map(|job| (ev, job)));
    assert_eq!(of_jobs, all.collect());
    assert_eq!(first[0]["parameters"]["least"], "1");
    assert_eq!(first[0]["request"]["parameters"][0], "least=1");
    let clean = first.iter().find(|event| event["ev"] == "job.finished" && event["job"] == "clean");
    let counts = ["records_in", "records_out", "quarantined"].map(|of| &clean.unwrap()[of]);
    assert_eq!(counts, [3, 2, 1]);
    let again = run(&project, &["-p", "least=1"]);
    let reused = ["output.reused"; 3];
    assert_eq!(kinds(&again)[2..5], reused);
    assert_eq!(find(&again, "plan")["jobs"][0]["reason"], "same inputs");
    project.write("orders-2.csv", "id,country,amount\n4,it,4.00\n");
    let more = run(&project, &["-p", "least=1", "--select", "counted_csv"]);
    assert_eq!(find(&more, "source.read")["count"], 2);
    let names: BTreeSet<&str> = more.iter().map(|event| event["run"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn a_run_that_fails_tells_which_jobs_did() {
    let project = project();
    let text = project.read("pipeline.batch").replace("on error quarantine bad", "on error fail");
    project.write("pipeline.batch", text);
    let failed = run(&project, &["--select", "clean_csv"]);
    let job = find(&failed, "job.finished");
    assert_eq!((&job["job"], &job["status"]), (&"clean".into(), &"FAILED".into()));
    let last = failed.last().unwrap();
    assert_eq!(last["status"], "FAILED");
    assert!(last["error"].as_str().unwrap().contains("orders-1.csv:3"), "{last}");
    // The history says the same.
    let shown = project.batchc(&["runs", "show", "last"]).data;
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["error"], last["error"]);
    let listed: Value = serde_json::from_str(&project.batchc(&["runs", "--json"]).data).unwrap();
    assert_eq!(listed["error"], last["error"]);
    // Too many rows are known to have failed only when the job is done.
    project.write("orders-1.csv", "id,country,amount\n1,de,-1.00\n2,fr,-2.00\n");
    let failed = run(&project, &["--select", "clean_csv"]);
    let statuses: Vec<&Value> = failed
        .iter()
        .filter(|event| event["ev"] == "job.finished")
        .map(|event| &event["status"])
        .collect();
    assert_eq!(statuses, ["SUCCESS", "FAILED"]);
}

#[test]
fn what_went_to_disk_and_what_is_taken_up_is_told() {
    let project = project();
    let lines = (0..20_000).map(|id| format!("{id},{},1.00\n", id % 100)).collect::<String>();
    project.write("orders-1.csv", format!("id,country,amount\n{lines}"));
    let text = project.read("pipeline.batch");
    let sorted = "\njob sorted {\n  from clean\n  sort amount, country, id\n}\n\njob last {\n  from sorted\n  expect small: id < 0\n}\n\noutput last_csv = csv(\"last.csv\") from last\n";
    project.write("pipeline.batch", text + sorted);
    let failed = run(&project, &["--memory", "1MB", "--threads", "2", "--checkpoints", "always"]);
    assert_eq!(failed.last().unwrap()["status"], "FAILED");
    assert!(find(&failed, "spill")["bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    let again = run(&project, &["--checkpoints", "always"]);
    assert_eq!(find(&again, "job.taken_up")["from"], failed[0]["run"]);
}

#[test]
fn events_are_the_same_wherever_they_are_written() {
    let project = project();
    let state = |run: &Value| {
        let file = format!(".batchc/runs/{}/events.jsonl", run.as_str().unwrap());
        let mode = fs::metadata(project.path(&file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        project.read(&file)
    };
    project.batchc(&["run", "-q", "--events", "events.jsonl"]);
    let text = project.read("events.jsonl");
    assert_eq!(state(&events(&text)[0]["run"]), text);
    let data = project.batchc(&["run", "-q", "--events", "-"]).data;
    assert_eq!(state(&events(&data)[0]["run"]), data);
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(project.folder());
        Ended::of(&command.env("BATCHC", env!("CARGO_BIN_EXE_batchc")).output().unwrap())
    };
    // Whoever writes to the open file before and behind it is not written over.
    let script = r#"{ echo a >&3; "$BATCHC" run -q --events fd:3 3>&3; echo b >&3; } 3> open.txt"#;
    assert_eq!(shell(script).code, Some(0));
    let text = project.read("open.txt");
    let text = text.strip_prefix("a\n").unwrap().strip_suffix("b\n").unwrap();
    assert_eq!(state(&events(text)[0]["run"]), text);
    let script = r#"{ echo a; "$BATCHC" run -q --events -; echo b; } > out.txt"#;
    assert_eq!(shell(script).code, Some(0));
    let text = project.read("out.txt");
    let text = text.strip_prefix("a\n").unwrap().strip_suffix("b\n").unwrap();
    assert_eq!(state(&events(text)[0]["run"]), text);
}

#[test]
fn what_events_cannot_be_written_to_is_told_and_no_run_fails_of_it() {
    let project = project();
    project.batchc(&["run", "--events", "fd:77"]).fails(2, "cannot write fd:77: Bad file");
    project.batchc(&["run", "--events", "."]).fails(2, "the events . is a folder");
    project.batchc(&["run", "--events", "orders-1.csv"]).fails(2, "would replace what `orders`");
    assert!(!project.path(".batchc/runs").exists());
    let ended = project.batchc(&["run", "--events", "/dev/full"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.words.matches("without further events").count(), 1, "{}", ended.words);
    let runs = project.names(".batchc/runs");
    assert!(find(&events(&project.read(&format!(".batchc/runs/{}/events.jsonl", runs[0]))), "log")
        ["message"]
        .as_str()
        .is_some_and(|message| message.starts_with("without further events: ")));
}

#[test]
fn every_kind_and_field_is_in_the_page_about_events() {
    let page = fs::read_to_string(folder("../docs/language/events.md")).unwrap();
    let schemas = schemas();
    let kinds = schemas.0["urn:batchc:events:1"]["$defs"].as_object().unwrap();
    for (kind, schema) in kinds {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{kind}` |")));
        let row = row.unwrap_or_else(|| panic!("{kind} is not there"));
        for field in schema["properties"].as_object().unwrap().keys() {
            let of_all = ["v", "ts", "run", "seq", "ev"].contains(&&**field);
            let of_report = kind == "job.finished" && !["job", "status"].contains(&&**field);
            let is_there = row.contains(&format!("`{field}`"));
            assert!(of_all || of_report || is_there, "{kind} has {field}");
        }
    }
}
