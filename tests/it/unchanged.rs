//! Outputs that stay as they are because what they are made of came out as before.

use crate::project::{Ended, Project};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// What jobs read goes through two breakers, a join and rules until it is written.
const JOBS: &str = r#"source sales = csv("sales/*.csv") {
  shop:  string
  price: int
}

source names = csv("names.csv") {
  shop: string  key
  name: string
}

job known {
  from sales
  select shop
  distinct
  sort shop
}

job named {
  on error drop
  from known
  join names on shop expect many_to_one
  expect not_x: name != "x" else drop
  derive letters = length(name)
}

job lengths {
  from named
  group by letters { shops = count() }
  sort letters
}

job even {
  from lengths
  filter letters % 2 == 0
}

job sums {
  from sales
  group by shop { total = sum(price) }
  sort shop
}

output sums_csv = csv("out/sums.csv") from sums
output named_json = json("out/named.jsonl") from named
output even_csv = csv("out/even.csv") from even
"#;

fn project() -> Project {
    let project = Project::new(JOBS);
    project.write("sales/a.csv", "shop,price\na,1\nb,2\na,3\n");
    project.write("sales/b.csv", "shop,price\nc,4\n");
    project.write("names.csv", "shop,name\na,Anna\nb,Bo\nc,x\n");
    project
}

fn run(project: &Project, flags: &[&str]) -> (Value, String) {
    let given = ["run", "--no-progress", "--report", "report.json"];
    let command = project.command(&[&given, flags].concat()).output();
    let ended = Ended::of(&command.expect("batchc can be started"));
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    (project.report(), ended.words)
}

/// Which outputs are other files than before.
fn new_files(project: &Project, before: &[u64; 3]) -> Vec<&'static str> {
    let now = files(project);
    let outputs = ["sums", "named", "even"].into_iter().enumerate();
    outputs.filter(|(at, _)| now[*at] != before[*at]).map(|(_, name)| name).collect()
}

fn files(project: &Project) -> [u64; 3] {
    let inode = |name| fs::metadata(project.path(name)).expect("it is there").ino();
    ["out/sums.csv", "out/named.jsonl", "out/even.csv"].map(inode)
}

fn reason<'r>(report: &'r Value, job: &str) -> &'r str {
    let all = report["reasons"].as_array().expect("a list");
    let of_job = all.iter().find(|verdict| verdict["name"] == job).expect("it is there");
    of_job["reason"].as_str().expect("a text")
}

#[test]
fn what_would_be_the_same_is_not_made_again() {
    let project = project();
    run(&project, &["--threads", "1"]);
    let before = files(&project);
    project.write("sales/b.csv", "shop,price\nc,4\nb,10\n");
    let (report, words) = run(&project, &["--threads", "3"]);
    assert_eq!(project.read("out/sums.csv"), "shop,total\na,4\nb,12\nc,4\n");
    assert_eq!(new_files(&project, &before), ["sums"]);
    assert!(words.contains("named_json stays as it is"), "{words}");
    assert!(words.contains("even_csv stays as it is"), "{words}");
    assert_eq!(reason(&report, "known"), "sales/b.csv changed");
    for job in ["named", "lengths", "even"] {
        assert_eq!(reason(&report, job), "what it reads came out as before");
    }
    // What was not run counts what it would have counted.
    let counted = project.jobs_without_times();
    run(&project, &["--fresh"]);
    assert_eq!(counted, project.jobs_without_times());
    assert!(!new_files(&project, &before).is_empty(), "all are made anew when that is asked for");
    let (_, words) = run(&project, &[]);
    assert!(words.contains("nothing to do"), "{words}");
}

#[test]
fn what_is_the_same_is_found_behind_several_stages() {
    let project = project();
    run(&project, &[]);
    let before = files(&project);
    // A shop of a name as long as another's, which is no even number of letters.
    project.write("sales/b.csv", "shop,price\nc,4\nd,5\n");
    project.write("names.csv", "shop,name\na,Anna\nb,Bo\nc,x\nd,Joe\n");
    run(&project, &[]);
    assert_eq!(new_files(&project, &before), ["sums", "named", "even"]);
    // An aggregate that gives the same although what it reads differs.
    let before = files(&project);
    project.write("names.csv", "shop,name\na,Otto\nb,Al\nc,x\nd,Max\n");
    let (report, words) = run(&project, &[]);
    assert_eq!(new_files(&project, &before), ["named"]);
    assert!(words.contains("even_csv stays as it is"), "{words}");
    assert_eq!(reason(&report, "even"), "what it reads came out as before");
    // And back again: what was seen before the last run counts as well.
    let before = files(&project);
    project.write("names.csv", "shop,name\na,Anna\nb,Bo\nc,x\nd,Joe\n");
    run(&project, &[]);
    assert_eq!(new_files(&project, &before), ["named"]);
}

#[test]
fn every_output_may_stay() {
    let project = project();
    run(&project, &[]);
    let before = files(&project);
    project.write("sales/b.csv", "shop,price\nc,4\na,0\n");
    let (_, words) = run(&project, &[]);
    assert_eq!(new_files(&project, &before), [""; 0]);
    assert!(words.contains("all outputs stay as they are"), "{words}");
    assert!(run(&project, &[]).1.contains("nothing to do"));
}

#[test]
fn what_was_changed_by_others_is_made_anew() {
    let project = project();
    run(&project, &[]);
    project.write("out/named.jsonl", "{}\n");
    project.write("sales/b.csv", "shop,price\nc,4\nb,10\n");
    let (_, words) = run(&project, &[]);
    assert!(!words.contains("named_json stays"), "{words}");
    assert!(words.contains("even_csv stays"), "{words}");
    assert_eq!(project.records("out/named.jsonl").len(), 2);
}

#[test]
fn rows_that_are_set_aside_are_found_again() {
    let project = project();
    project.write("pipeline.batch", JOBS.replace("else drop", "else quarantine odd"));
    run(&project, &[]);
    project.write("sales/b.csv", "shop,price\nc,4\nb,10\n");
    let (_, words) = run(&project, &[]);
    assert!(!words.contains("named_json stays"), "{words}");
    assert!(words.contains("even_csv stays"), "{words}");
    assert_eq!(project.read(".batchc/quarantine/odd.jsonl").lines().count(), 1);
}

#[test]
fn a_memo_that_is_damaged_is_not_believed() {
    let project = project();
    run(&project, &[]);
    let path = project.path(".batchc/pipeline.batch.memo");
    let whole = fs::read(&path).expect("it is there");
    let mut rest = whole.clone();
    let at = rest.len() / 2;
    rest[at] ^= 1;
    fs::write(&path, &rest).expect("it can be written");
    project.write("sales/b.csv", "shop,price\nc,4\nb,10\n");
    assert!(!run(&project, &[]).1.contains("stays"));
    project.write("sales/b.csv", "shop,price\nc,4\nb,11\n");
    assert!(run(&project, &[]).1.contains("stays"), "it was written anew");
}
