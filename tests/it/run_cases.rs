//! Every `tests/runs/**/*.batch`, with what a run of it says and writes, against its snapshot.
//!
//! A case is one file. Below the pipeline, after a line `#---- NAME`, follow the files that it
//! reads, each line behind `#`. It is run with 1 and 4 threads, and without each optimisation and
//! any, which must make no difference.

use super::folders::compare;
use super::project::Project;
use batchc::plan::PASSES;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

#[test]
fn run_cases() {
    compare("runs", |path, name| {
        let text = fs::read_to_string(path).expect("a case can be read");
        let shown = run(&text, &["--threads", "1"]);
        let all: Vec<&str> = PASSES.iter().map(|pass| pass.name).collect();
        let mut others = vec![vec!["--threads", "4"]];
        others.push(all.iter().flat_map(|pass| ["--without", pass]).collect());
        others.extend(all.iter().map(|pass| vec!["--without", pass]));
        for flags in others {
            assert_eq!(shown, run(&text, &flags), "{name} with {flags:?}");
        }
        shown
    });
}

/// The pipeline, its exit code and words, the rows of each job, and the files that are new or changed.
fn run(text: &str, flags: &[&str]) -> String {
    let mut parts = text.split("\n#---- ");
    let pipeline = parts.next().unwrap_or("").trim_end();
    let project = Project::new(&format!("{pipeline}\n"));
    for part in parts {
        let (name, content) = part.split_once('\n').unwrap_or((part, ""));
        let lines = content.lines().map(|line| line.strip_prefix('#').unwrap_or(line));
        let content: String = lines.flat_map(|line| [line, "\n"]).collect();
        project.write(name.trim(), content);
    }
    let content = |name: &String| project.read(name);
    let before = project.files();
    let before: BTreeMap<String, String> =
        before.into_iter().map(|name| (name.clone(), content(&name))).collect();
    let flags = [&["run", "-q", "--report", "report.json"], flags].concat();
    let ended = project.batchc(&flags);
    let mut shown = format!("{pipeline}\n\n---- exit {} ----\n", ended.code.unwrap_or(-1));
    shown.push_str(&ended.words);
    let report = project.report();
    for job in report["jobs"].as_array().expect("a report has jobs") {
        let _ = writeln!(shown, "job {}", rows_of(job));
    }
    for name in project.files() {
        let text = content(&name);
        if before.get(&name) != Some(&text) && name != "report.json" {
            let _ = write!(shown, "---- {name} ----\n{text}");
        }
    }
    shown
}

/// `clean SUCCESS: 5 in, 3 out, 2 filtered`
fn rows_of(job: &serde_json::Value) -> String {
    let text = |name: &str| job[name].as_str().expect("a job has it").to_owned();
    let mut shown = format!("{} {}:", text("job"), text("status"));
    let _ = write!(shown, " {} in, {} out", job["records_in"], job["records_out"]);
    let counts = ["filtered", "dropped", "deduplicated", "quarantined", "grouped", "added"];
    let counts = counts.into_iter().chain(["looked_up", "nulled", "unfinished"]);
    shown.push_str(&counts_of(job, counts));
    let inputs = job["inputs"].as_array().expect("a job has inputs");
    for input in inputs.iter().filter(|_| inputs.len() > 1) {
        let (by, name) = (input["by"].as_str(), input["input"].as_str());
        let (by, name) = (by.expect("it has"), name.expect("it has"));
        let failed = counts_of(input, ["dropped", "quarantined", "nulled"].into_iter());
        let _ = write!(shown, "\n  {by} {name}: {} in{failed}", input["records_in"]);
    }
    shown
}

/// `, 2 filtered`: those that are not 0.
fn counts_of<'n>(of: &serde_json::Value, names: impl Iterator<Item = &'n str>) -> String {
    let counts = names.map(|name| (name, of[name].as_u64().unwrap_or(0)));
    counts.filter(|(_, n)| *n > 0).map(|(name, count)| format!(", {count} {name}")).collect()
}
