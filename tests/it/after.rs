//! Jobs that run after others without reading them: in order, whatever else reads these and they read;
//! and what jobs may use of what the run has.

use crate::project::Project;
use serde_json::Value;

const GATED: &str = r#"
source orders = csv("orders.csv") {
  id:     int
  amount: int
}

job report {
  after check
  from orders
  sort -amount
}

job check {
  from orders
  expect positive: amount > 0 else fail
}

output report_csv = csv("out/report.csv") from report
"#;

#[test]
fn a_job_runs_only_when_the_one_before_it_is_done() {
    let project = Project::new(GATED);
    project.write("orders.csv", "id,amount\n1,5\n2,-1\n");
    let flags = ["run", "--report", "report.json", "--no-progress"];
    let ended = project.batchc(&flags);
    ended.fails(4, "`positive`");
    assert!(ended.words.contains("report: not run, it needs check"), "{}", ended.words);
    let jobs = project.report()["jobs"].clone();
    assert_eq!((&jobs[0]["job"], &jobs[0]["status"]), (&"check".into(), &"FAILED".into()));
    assert_eq!((&jobs[1]["status"], &jobs[1]["needs"]), (&"CANCELLED".into(), &"check".into()));
    assert_eq!(jobs[1]["records_in"], 0);
    project.write("orders.csv", "id,amount\n1,5\n2,7\n");
    let ended = project.batchc(&flags);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(project.read("out/report.csv"), "id,amount\n2,7\n1,5\n");
    // What it changed makes no difference to the output, so neither runs.
    project.write("pipeline.batch", GATED.replace("amount > 0", "amount > 1"));
    let ended = project.batchc(&["run"]);
    assert!(ended.words.contains("nothing to do"), "{}", ended.words);
    // Its own rows are not asked for, but whether they are right.
    project.write("pipeline.batch", GATED.replace("sort -amount", "sort -amount, id"));
    let ended = project.batchc(&["run"]);
    assert!(ended.words.contains("check runs: `report` runs after it"), "{}", ended.words);
    // Who looks at a table is not kept waiting.
    project.write("orders.csv", "id,amount\n1,-5\n");
    let ended = project.batchc(&["preview", "pipeline.batch", "report"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
}

#[test]
fn rows_that_came_wait_for_what_is_before_them_too() {
    let since = GATED.replace("  amount: int\n}", "  amount: int\n  incremental by id\n}");
    let since = since.replace(
        "csv(\"out/report.csv\") from report",
        "csv(\"all.csv\") from report {\n  mode append\n}",
    );
    let project = Project::new(&since);
    project.write("orders.csv", "id,amount\n1,5\n");
    let ended = project.batchc(&["run", "--report", "report.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(project.report()["jobs"][0]["job"], "check");
    project.write("orders.csv", "id,amount\n1,5\n2,-1\n");
    project.batchc(&["run"]).fails(4, "`positive`");
    assert_eq!(project.read("all.csv"), "id,amount\n1,5\n");
    project.write("orders.csv", "id,amount\n1,5\n2,7\n");
    assert_eq!(project.batchc(&["run"]).code, Some(0));
    assert_eq!(project.read("all.csv"), "id,amount\n1,5\n2,7\n");
}

#[test]
fn drawings_show_the_order() {
    let project = Project::new(GATED);
    project.write("orders.csv", "id,amount\n1,5\n");
    let drawn = |form: &str| project.batchc(&["graph", "pipeline.batch", "--to", form]).data;
    assert!(drawn("text").contains("job     report  ← orders  after check\n"), "{}", drawn("text"));
    assert!(drawn("mermaid").contains("check -.-> report\n"));
    assert!(drawn("dot").contains("\"check\" -> \"report\" [style=dashed];\n"));
    let plan = project.batchc(&["plan", "pipeline.batch"]).data;
    assert!(plan.contains("report runs after check\n"), "{plan}");
    project.run_with(&["--events", "events.jsonl"]);
    let begun = project.records("events.jsonl")[0].clone();
    let of = |name: &str| {
        let mut nodes = begun["graph"].as_array().into_iter().flatten();
        nodes.find(|node| node["name"] == name).expect("it is in the graph").clone()
    };
    assert_eq!(of("report")["after"], Value::from(vec!["check"]));
    assert_eq!(of("check").get("after"), None);
    project.batchc(&["report", "-o", "page.html"]);
    assert_eq!(project.read("page.html").matches("<path class=\"after edge\"").count(), 1);
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// Ten jobs that read each other and run after each other in any way without a cycle: row by row,
/// grouped, joined and put together.
fn any_jobs(chance: &mut Chance) -> String {
    let mut text = String::from("source s = csv(\"s.csv\") {\n  id: int\n  kind: int\n}\n");
    let table = |chance: &mut Chance, before: usize| match chance.below(before + 1) {
        0 => "s".to_owned(),
        at => format!("j{}", at - 1),
    };
    for at in 0..10 {
        text += &format!("job j{at} {{\n");
        for _ in 0..chance.below(3).min(at) {
            text += &format!("  after j{}\n", chance.below(at));
        }
        if chance.below(3) == 0 {
            text += &format!(
                "  resources cpu {}, memory {}KB\n",
                1 + chance.below(3),
                1 << chance.below(12)
            );
        }
        text += &format!("  from {}\n", table(chance, at));
        text += &match chance.below(6) {
            0 => format!("  union {}\n", table(chance, at)),
            1 => format!("  semi join {} on id\n", table(chance, at)),
            2 => format!("  filter id % 7 != {}\n", chance.below(7)),
            3 => "  sort kind, -id\n".to_owned(),
            4 => "  group by id { kind = max(kind) }\n".to_owned(),
            _ => "  set kind = kind + 1\n".to_owned(),
        };
        text += "}\n";
        if chance.below(3) == 0 || at == 9 {
            text += &format!("output o{at} = csv(\"out/{at}.csv\") from j{at}\n");
        }
    }
    text
}

#[test]
fn any_order_is_kept_and_changes_no_row() {
    let mut chance = Chance(7);
    let rows: String = (0..900).map(|id| format!("{id},{}\n", id % 5)).collect();
    for _ in 0..30 {
        let jobs = any_jobs(&mut chance);
        let project = Project::new(&jobs);
        project.write("s.csv", format!("id,kind\n{rows}"));
        let outputs = || -> Vec<(String, String)> {
            let names = project.names("out").into_iter();
            names.map(|name| (name.clone(), project.read(&format!("out/{name}")))).collect()
        };
        let free: String = jobs
            .lines()
            .filter(|line| !line.starts_with("  after") && !line.starts_with("  resources"))
            .map(|line| format!("{line}\n"))
            .collect();
        project.write("pipeline.batch", &free);
        let ended = project.run();
        assert_eq!(ended.code, Some(0), "{}\n{jobs}", ended.words);
        let expected = outputs();
        project.write("pipeline.batch", &jobs);
        for threads in ["1", "4"] {
            let flags = ["--threads", threads, "--events", "events.jsonl"];
            let ended = project.run_with(&flags);
            assert_eq!(ended.code, Some(0), "{}\n{jobs}", ended.words);
            assert!(outputs() == expected, "{jobs}");
            in_order(&jobs, &project.records("events.jsonl"));
            std::fs::remove_file(project.path("events.jsonl")).expect("it was written");
        }
    }
}

/// No job began before those were done that it runs after, unless it reads these.
fn in_order(jobs: &str, events: &[Value]) {
    let place = |kind: &str, job: &str| {
        events.iter().position(|event| event["ev"] == kind && event["job"] == job)
    };
    let nodes = events[0]["graph"].as_array().expect("the graph");
    for node in nodes {
        let name = node["name"].as_str().expect("a name");
        for after in node["after"].as_array().into_iter().flatten() {
            let began = place("job.started", name);
            let ended = place("job.finished", after.as_str().expect("a name"));
            assert!(began.is_none() || ended < began, "{name} began too soon\n{jobs}");
        }
    }
}

#[test]
fn a_job_asks_for_more_than_there_is() {
    let asks = |text: &str| GATED.replace("  after check\n", text);
    let project = Project::new(&asks("  resources cpu 64, memory 900TB\n"));
    project.write("orders.csv", "id,amount\n1,5\n");
    let ended = project.run_with(&["--threads", "2", "--memory", "512MiB", "--quiet"]);
    let wanted = "  `report` asks for 64 threads, and the run has 2\n  \
                  `report` asks for 858306884 MiB of memory, and the run has 512: \
                  `--memory 858306884MiB`\n";
    assert_eq!((ended.code, &*ended.words), (Some(0), wanted));
    // A job with little memory goes to disk, whatever the run has, and only that one.
    let rows: String = (0..60_000).map(|id| format!("{id},{}\n", id * 7919 % 60_013)).collect();
    project.write("orders.csv", format!("id,amount\n{rows}"));
    let spills = |memory: &str, flags: &[&str]| {
        project.write("pipeline.batch", asks(memory));
        let ended = project.run_with(flags);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let spills = project.report()["spills"].clone();
        (spills.as_array().map_or(0, Vec::len), project.read("out/report.csv"))
    };
    let (none, expected) = spills("", &["--memory", "1GiB"]);
    let (some, found) = spills("  resources memory 64KB\n", &["--memory", "1GiB"]);
    assert_eq!((none, some), (0, 1));
    assert!(found == expected);
    let (_, found) = spills("  resources cpu 1\n", &["--threads", "4"]);
    assert!(found == expected);
}
