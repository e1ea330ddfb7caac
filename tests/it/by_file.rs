//! Groups over many files: a later run reads only the files that are new or changed, and what it
//! writes and counts is that of a run that reads them all.

use super::project::{Ended, Project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const PIPELINE: &str = r#"param least: int = 0

source events = csv("events/*.csv") {
  id:    int
  kind:  string
  share: float?
}

job kinds {
  on error quarantine bad
  from events
  filter id >= least
  expect share: share is null or share < 0.9 else quarantine large
  group by kind {
    count = count(), shares = sum(share), least = min(id), most = max(kind)
    ids = count_distinct(id), mean = avg(share), spread = stddev(share), middle = median(id)
  }
}

source names = csv("names.csv") {
  kind:  string key
  names: string
}

job named {
  on error drop
  from events
  left join names on kind
  derive name = split(coalesce(names, "none"), " ")
  explode name
  group by name { count = count(), total = sum(id) }
}

job all {
  from events
  on error drop
  group { count = count(), total = sum(id) }
}

output named_rows = csv("out/named.csv") from named
output kinds_rows = csv("out/kinds.csv") from kinds
output all_rows   = json("out/all.jsonl") from all
"#;

fn file(first: usize) -> String {
    let row = |id: usize| {
        let text = if id % 11 == 3 { format!("no {id}") } else { id.to_string() };
        let share =
            if id.is_multiple_of(7) { String::new() } else { format!("0.{}", id * 37 % 997) };
        format!("{text},kind {},{share}\n", id * id % 5)
    };
    format!("id,kind,share\n{}", (first..first + 40).map(row).collect::<String>())
}

fn project() -> Project {
    let project = Project::new(PIPELINE);
    for at in 0..5 {
        project.write(&format!("events/{at}.csv"), file(at * 100));
    }
    project.write("names.csv", "kind,names\nkind 1,one or two\nkind 4,four\nkind 9,\n");
    project
}

/// Files are read one by one, since each is larger than a few morsels of this size.
fn run(project: &Project, flags: &[&str]) -> Ended {
    let given = ["run", "--no-progress", "--report", "report.json", "--chunk", "64"];
    let always = ["--checkpoints", "always"];
    let is_given = flags.contains(&"--checkpoints");
    let always = if is_given { &[] } else { &always[..] };
    let ended = project.batchc(&[&given, always, flags].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended
}

fn seen(project: &Project) -> (BTreeMap<String, Vec<u8>>, Value) {
    let names = project.files().into_iter();
    let names = names.filter(|name| name.starts_with("out/") || name.starts_with(".batchc/"));
    let files =
        names.map(|name| (name.clone(), fs::read(project.path(&name)).expect("it is there")));
    let mut report = project.report();
    let jobs = project.jobs_without_times();
    // Outputs that came out as they were are told first.
    let outputs = report["outputs"].as_array_mut().expect("a list");
    outputs.iter_mut().for_each(|output| drop(output["reused"].take()));
    outputs.sort_by_key(|output| output["output"].to_string());
    (files.collect(), serde_json::json!([jobs, report["quarantines"], report["outputs"]]))
}

/// How many files are taken from earlier runs; what is seen is what a run sees that reads all.
#[track_caller]
fn taken(project: &Project, flags: &[&str]) -> u64 {
    run(project, flags);
    let taken = project.report()["files_taken"]["events"]["taken"].as_u64().unwrap_or(0);
    let found = seen(project);
    let other = Project::new(&project.read("pipeline.batch"));
    other.write("names.csv", project.read("names.csv"));
    for name in project.names("events") {
        let name = format!("events/{name}");
        other.write(&name, project.read(&name));
    }
    run(&other, &[flags, &["--checkpoints", "never", "--threads", "1"]].concat());
    let whole = seen(&other);
    assert_eq!(found.0.keys().collect::<Vec<_>>(), whole.0.keys().collect::<Vec<_>>());
    assert!(found.0 == whole.0, "the same bytes");
    let text = |counts: &Value, project: &Project| {
        counts.to_string().replace(&project.folder().display().to_string(), "")
    };
    assert_eq!(text(&found.1, project), text(&whole.1, &other), "the same counts");
    taken
}

#[test]
fn only_files_are_read_that_are_new_or_changed() {
    let project = project();
    assert_eq!(taken(&project, &[]), 0);
    for folder in ["quarantine", "checkpoints", "checkpoints/pipeline.batch/files"] {
        let path = project.path(&format!(".batchc/{folder}"));
        let mode = fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{folder} holds rows, and is its owner's alone");
    }
    project.write("events/2.csv", file(1000));
    assert_eq!(taken(&project, &[]), 4);
    project.write("events/7.csv", file(70));
    assert_eq!(taken(&project, &[]), 5);
    fs::remove_file(project.path("events/0.csv")).expect("it is there");
    assert_eq!(taken(&project, &[]), 5);
    // Of one that has grown only what was added is read: rows that fail there too.
    for more in ["5,kind 1,0.5\n", "no 6,kind 2,0.5\n7,kind 1,0.95\n", "8,kind 4,"] {
        project.write("events/1.csv", project.read("events/1.csv") + more);
        assert_eq!(taken(&project, &[]), 4);
        assert_eq!(project.report()["files_taken"]["events"]["grown"], 1);
    }
    // A quote that the last line opened goes on in what was added.
    project.write("events/2.csv", project.read("events/2.csv") + "5,\"kind\n");
    assert_eq!(taken(&project, &[]), 4);
    project.write("events/2.csv", project.read("events/2.csv") + "6\",0.5\n");
    assert_eq!(taken(&project, &[]), 4);
    assert_eq!(project.report()["files_taken"]["events"]["grown"], 0);
    // Its last line had no end, and has become another one.
    project.write("events/1.csv", project.read("events/1.csv") + "0.25\n");
    assert_eq!(taken(&project, &[]), 4);
    assert_eq!(project.report()["files_taken"]["events"]["grown"], 0);
    // What else a file is called is told of rows that are set aside.
    fs::rename(project.path("events/7.csv"), project.path("events/8.csv")).expect("it is there");
    assert_eq!(taken(&project, &[]), 4);
    assert_eq!(taken(&project, &["--fresh"]), 0);
}

#[test]
fn what_the_groups_depend_on_decides_whether_files_are_read() {
    let project = project();
    // Both outputs are made each time.
    let taken = |flags: &[&str]| {
        let _ = fs::remove_dir_all(project.path("out"));
        // Else nothing would be asked for by file.
        let stages = ".batchc/checkpoints/pipeline.batch";
        for name in project.names(stages) {
            let _ = fs::remove_file(project.path(&format!("{stages}/{name}")));
        }
        taken(&project, flags)
    };
    assert_eq!(taken(&[]), 0);
    assert_eq!(taken(&[]), 5);
    assert_eq!(taken(&["-p", "least=3"]), 0);
    project.write("pipeline.batch", PIPELINE.replace("out/kinds.csv", "out/other.csv"));
    assert_eq!(taken(&["-p", "least=3"]), 5);
    project.write("pipeline.batch", PIPELINE.replace("0.9", "0.8"));
    assert_eq!(taken(&["-p", "least=3"]), 0);
    // A file that is there no more leaves nothing.
    fs::remove_file(project.path("events/0.csv")).expect("it is there");
    assert_eq!(taken(&["-p", "least=3"]), 4);
    let files = project.names(".batchc/checkpoints/pipeline.batch/files");
    assert_eq!(files.len(), 3 * 5 - 1, "{files:?}");
}

#[test]
fn what_is_looked_up_decides_too() {
    let project = project();
    assert_eq!(taken(&project, &[]), 0);
    project.write("names.csv", project.read("names.csv") + "kind 0,nought\n");
    let before = project.read("out/named.csv");
    run(&project, &[]);
    assert_eq!(project.report()["files_taken"], Value::Null);
    assert_ne!(project.read("out/named.csv"), before);
}

#[test]
fn damaged_files_are_read_again() {
    let project = project();
    assert_eq!(taken(&project, &[]), 0);
    let folder = ".batchc/checkpoints/pipeline.batch/files";
    for name in project.names(folder).iter().take(3) {
        let path = project.path(&format!("{folder}/{name}"));
        let mut bytes = fs::read(&path).expect("it is there");
        bytes[30] ^= 4;
        fs::write(path, bytes).expect("it can be written");
    }
    project.write("events/7.csv", file(70));
    assert_eq!(taken(&project, &[]), 2);
}

#[test]
fn a_run_that_died_goes_on_behind_the_last_file() {
    let project = project();
    let fault = format!("record:{}", project.path("operations").display());
    let given = ["run", "-q", "--chunk", "64", "--checkpoints", "always", "--fresh"];
    let with = |fault: &str| {
        let mut command = project.command(&given);
        Ended::of(&command.env("BATCHC_FAULTS", fault).output().expect("it can be started"))
    };
    assert_eq!(with("").code, Some(0));
    assert_eq!(with(&fault).code, Some(0));
    let kept = |line: &serde_json::Value| {
        let path = line["path"].to_string();
        line["does"] == "rename" && path.contains("/files/") && !path.contains("-begun")
    };
    let lines = project.records("operations");
    let at = lines.iter().enumerate().filter(|(_, line)| kept(line)).nth(3);
    let at = at.expect("each file is kept").0 + 1;
    fs::remove_file(project.path("operations")).expect("it is there");
    fs::remove_dir_all(project.path(".batchc/checkpoints")).expect("it is there");
    fs::remove_dir_all(project.path("out")).expect("it is there");
    // The folders of checkpoints have to be made again.
    assert_eq!(with(&format!("kill:{}", at + 1)).code, None);
    assert!(taken(&project, &[]) >= 2);
}

#[test]
fn a_row_that_fails_in_what_was_added_is_found_where_it_is() {
    let project = project();
    let strict = PIPELINE.replace("on error drop", "on error fail").replace("no {id}", "{id}");
    let strict = strict.replace("on error quarantine bad", "on error fail");
    project.write("pipeline.batch", strict);
    for at in 0..5 {
        let plain = project.read(&format!("events/{at}.csv")).replace("no ", "");
        project.write(&format!("events/{at}.csv"), plain);
    }
    run(&project, &[]);
    project.write("events/3.csv", project.read("events/3.csv") + "5,kind 1,0.5\nbad,kind 1,0.5\n");
    let failed = project.batchc(&["run", "--chunk", "64", "--checkpoints", "always"]);
    failed.fails(3, "events/3.csv:43");
}

#[test]
fn files_that_are_not_there_fail_the_run() {
    let project = project();
    run(&project, &[]);
    let failed = || {
        let ended = project.batchc(&["run", "--checkpoints", "always"]);
        ended.fails(3, "events/");
        assert_eq!(
            project.names("out"),
            ["all.jsonl", "kinds.csv", "named.csv"],
            "the old outputs stay"
        );
    };
    let outputs = |project: &Project| {
        let names = project.names("out").into_iter();
        names.map(|name| project.read(&format!("out/{name}"))).collect::<Vec<_>>()
    };
    let before = outputs(&project);
    fs::rename(project.path("events"), project.path("elsewhere")).expect("it is there");
    failed();
    fs::create_dir(project.path("events")).expect("it can be made");
    failed();
    assert!(outputs(&project) == before);
}
