//! Where the time of a run goes: the figures of a profile among each other and beside the report.

use super::project::Project;
use serde_json::Value;
use std::fmt::Write;

const PIPELINE: &str = r#"source rows = csv("rows.csv") { id: int, key: int, name: string }
source names = csv("names.csv.gz") { key: int key, title: string? }

job clean {
  on error drop
  from rows
  derive double = id * 2
  filter id % 10 != 0
}
job totals {
  from clean
  left join names on key expect many_to_one
  group by key, title { n = count(), total = sum(double) }
  sort total desc, key
}
job latest {
  from clean
  dedupe by name keep newest by id
}
output totals_csv = csv("out/totals.csv") from totals
output clean_parquet = parquet("out/clean.parquet") from clean
output latest_json = json("out/latest.json.gz") from latest
"#;

fn project(rows: usize) -> Project {
    let project = Project::new(
        "source names = csv(\"names.csv\") { key: int, title: string }
output packed = csv(\"names.csv.gz\") from names",
    );
    let (mut text, mut names) = (String::from("id,key,name\n"), String::from("key,title\n"));
    for id in 0..rows {
        writeln!(text, "{id},{},a name that is no short one {}", id % 997, id % 4999)
            .expect("a text grows");
    }
    text.push_str("not a number,1,x\n");
    (0..900).for_each(|key| writeln!(names, "{key},title {key}").expect("a text grows"));
    project.write("rows.csv", text);
    project.write("names.csv", names);
    project.run();
    project.write("pipeline.batch", PIPELINE);
    project
}

/// The profile and the report of a run.
fn profiled(project: &Project, arguments: &[&str]) -> (Value, Value, String) {
    let ended = project.run_with(&[&["--profile=profile.json"], arguments].concat());
    let profile = serde_json::from_str(&project.read("profile.json")).expect("a profile is JSON");
    (profile, project.report(), ended.words)
}

fn list(of: &Value) -> &Vec<Value> {
    of.as_array().unwrap_or_else(|| panic!("{of} is a list"))
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("{of} is a number"))
}

fn operators(profile: &Value) -> Vec<&Value> {
    list(&profile["stages"]).iter().flat_map(|stage| list(&stage["operators"])).collect()
}

/// The one operator of this name and job.
fn operator<'p>(profile: &'p Value, name: &str, job: &str) -> &'p Value {
    let all = operators(profile).into_iter();
    let mut found = all.filter(|found| found["name"] == name && found["job"].as_str() == Some(job));
    found.next().unwrap_or_else(|| panic!("{job} has {name}"))
}

#[test]
fn rows_and_bytes_are_those_of_the_report() {
    let project = project(20_000);
    for threads in ["1", "4"] {
        let (profile, report, _) = profiled(&project, &["--threads", threads]);
        assert_eq!(profile["execution_id"], report["execution_id"]);
        for job in list(&report["jobs"]) {
            let name = job["job"].as_str().expect("a name");
            let result = operator(&profile, "result", name);
            assert_eq!(result["rows_out"], job["records_out"], "{name}");
        }
        let read = operator(&profile, "read rows", "clean");
        assert_eq!((&read["rows_in"], &read["rows_out"]), (&20_001.into(), &20_000.into()));
        assert_eq!(operator(&profile, "aggregate", "totals")["rows_out"], 997);
        assert_eq!(operator(&profile, "sort", "totals")["rows_out"], 997);
        let scanned = operators(&profile).into_iter().filter(|found| !found["read"].is_null());
        let scanned: Vec<&Value> = scanned.collect();
        let rows: f64 = scanned.iter().map(|found| number(&found["rows_out"])).sum();
        assert_eq!(rows, number(&report["records_read"]));
        let bytes = |name: &str, what: &str| {
            let found = scanned.iter().find(|found| found["name"] == name).expect("it is read");
            number(&found["read"][what]) as usize
        };
        let size = |file: &str| std::fs::read(project.path(file)).expect("it is there").len();
        assert_eq!(bytes("scan rows", "bytes_stored"), size("rows.csv"));
        assert_eq!(bytes("scan names", "bytes_stored"), size("names.csv.gz"));
        assert_eq!(bytes("scan names", "bytes_unpacked"), size("names.csv"));
        for output in list(&report["outputs"]) {
            let name = format!("write {}", output["output"].as_str().expect("a name"));
            let all = operators(&profile);
            let found = all.iter().find(|found| found["name"] == *name).expect("it is written");
            assert_eq!(found["rows_in"], output["records"], "{name}");
            assert_eq!(found["write"]["bytes"], output["bytes"], "{name}");
        }
    }
}

#[test]
fn times_add_up() {
    let project = project(50_000);
    for threads in [1, 3] {
        let (profile, report, _) = profiled(&project, &["--threads", &threads.to_string()]);
        // Clocks of processors and of the wall tick apart.
        let most = |seconds: &Value| number(seconds) * f64::from(threads) * 1.05 + 0.02;
        let mut shares = 0.0;
        for stage in list(&profile["stages"]) {
            let mut own = number(&stage["other_seconds"]);
            for operator in list(&stage["operators"]) {
                let seconds = number(&operator["seconds"]);
                let finish = operator["finish"].get("cpu_seconds").map_or(0.0, number);
                let part = |of: &str, key: &str| operator[of].get(key).map_or(0.0, number);
                let parts = part("read", "read_seconds") + part("read", "parse_seconds");
                let parts =
                    parts + part("write", "encode_seconds") + part("write", "write_seconds");
                assert!(parts + finish <= seconds + 1e-6, "{operator}");
                // The end of an output comes behind its stage.
                own += if operator["write"].is_null() { seconds } else { seconds - finish };
                shares += number(&operator["share"]);
            }
            assert!(own <= most(&stage["seconds"]), "{stage}");
            assert!(number(&stage["cpu_seconds"]) <= number(&profile["cpu_seconds"]), "{stage}");
        }
        assert!((shares - 1.0).abs() < 1e-6, "{shares}");
        let all: f64 = operators(&profile).iter().map(|found| number(&found["seconds"])).sum();
        assert!(all <= most(&profile["seconds"]), "{all} of {}", profile["seconds"]);
        assert!(number(&profile["seconds"]) <= number(&report["seconds"]));
    }
}

#[test]
fn what_went_to_disk_is_that_of_the_report() {
    let project = project(100_000);
    let (profile, report, words) = profiled(&project, &["--memory", "4MB", "--threads", "2"]);
    let spilled: f64 =
        operators(&profile).iter().map(|found| number(&found["spilled_bytes"])).sum();
    assert!(spilled > 0.0, "{words}");
    assert_eq!(spilled, number(&report["spilled"]));
    assert!(number(&operator(&profile, "dedupe", "latest")["held_bytes"]) > 0.0);
}

/// What differs from run to run is left out.
fn redacted(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), redacted(key, value))).collect()
        }
        Value::Array(items) => items.iter().map(|item| redacted("", item)).collect(),
        _ if key.ends_with("seconds") || key.contains("bytes") => "…".into(),
        _ if ["share", "execution_id"].contains(&key) => "…".into(),
        other => other.clone(),
    }
}

#[test]
fn a_profile_has_a_form() {
    let (profile, _, words) = profiled(&project(100), &["--threads", "1"]);
    let text = serde_json::to_string_pretty(&redacted("", &profile)).expect("JSON is written");
    insta::assert_snapshot!("profile", text);
    let tree: Vec<&str> = words.lines().skip_while(|line| !line.starts_with("stage 1: ")).collect();
    for wanted in
        ["  scan rows, line 1  ", "  read rows of clean, line 6", "  result of sort of totals"]
    {
        assert!(tree.iter().any(|line| line.contains(wanted)), "{wanted} is not in\n{words}");
    }
    assert_eq!(tree.iter().filter(|line| line.ends_with("← hottest")).count(), 1, "{words}");
}

#[test]
fn a_profile_can_go_without_a_file_and_replaces_none_of_the_pipeline() {
    let project = project(100);
    let ended = project.batchc(&["run", "--profile", "pipeline.batch"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.contains("stage 1: "), "{}", ended.words);
    let ended = project.batchc(&["run", "--profile=rows.csv", "pipeline.batch"]);
    ended.fails(2, "the profile rows.csv would replace");
    let ended = project.batchc(&["run"]);
    assert!(!ended.words.contains("stage 1: "), "{}", ended.words);
}
