//! Outputs that hold the versions of rows: what changed ends when the new one begins.

use crate::project::Project;

const PIPELINE: &str = "source customers = csv(\"customers.csv\") {
  id:      int     key
  name:    string
  country: string?
  visits:  int
}

output history = csv(\"out/history.csv\") from customers {
  mode scd2 on id track name, country
}
";

const HEADER: &str = "id,name,country,visits\n";

fn project(pipeline: &str) -> Project {
    let project = Project::new(pipeline);
    project.write("customers.csv", format!("{HEADER}1,Ada,UK,1\n2,Bo,,1\n3,Cy,FR,1\n"));
    run(&project);
    project
}

/// Runs, which must end well; what it says.
fn run(project: &Project) -> String {
    let ended = project.batchc(&["run", "--no-progress"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended.words
}

/// The rows of the history, with the number of each time in place of it.
fn history(project: &Project) -> Vec<String> {
    let text = project.read("out/history.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,name,country,visits,valid_from,valid_to,is_current"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let mut times: Vec<&str> = rows.iter().flat_map(|row| [row[4], row[5]]).collect();
    times.sort_unstable();
    times.dedup();
    times.retain(|time| !time.is_empty());
    let number = |time: &str| match times.iter().position(|one| *one == time) {
        Some(at) => (at + 1).to_string(),
        None => String::new(),
    };
    let shown = |row: &Vec<&str>| {
        format!("{},{},{},{}", row[..4].join(","), number(row[4]), number(row[5]), row[6])
    };
    rows.iter().map(shown).collect()
}

#[test]
fn what_changed_ends_when_the_new_version_begins() {
    let project = project(PIPELINE);
    let first = ["1,Ada,UK,1,1,,true", "2,Bo,,1,1,,true", "3,Cy,FR,1,1,,true"];
    assert_eq!(history(&project), first);
    assert!(run(&project).contains("history reused: same inputs"));
    assert_eq!(history(&project), first);
    // One changes, one is as it was, one is gone, one is new; of one only what is not tracked.
    project.write("customers.csv", format!("{HEADER}1,Ada,FR,2\n2,Bo,,9\n4,Di,UK,2\n"));
    let words = run(&project);
    assert!(words.contains("(5 rows: 2 kept, 1 updated, 1 inserted)"), "{words}");
    let second = [
        "2,Bo,,1,1,,true",
        "3,Cy,FR,1,1,,true",
        "1,Ada,UK,1,1,2,false",
        "1,Ada,FR,2,2,,true",
        "4,Di,UK,2,2,,true",
    ];
    assert_eq!(history(&project), second);
    // All again changes nothing.
    let ended = project.batchc(&["run", "--fresh"]);
    assert!(ended.words.contains("(5 rows: 5 kept, 0 updated, 0 inserted)"), "{}", ended.words);
    assert_eq!(history(&project), second);
    // And back: what has ended stays as it is.
    project.write("customers.csv", format!("{HEADER}1,Ada,UK,3\n"));
    run(&project);
    let third = [
        "2,Bo,,1,1,,true",
        "3,Cy,FR,1,1,,true",
        "1,Ada,UK,1,1,2,false",
        "4,Di,UK,2,2,,true",
        "1,Ada,FR,2,2,3,false",
        "1,Ada,UK,3,3,,true",
    ];
    assert_eq!(history(&project), third);
}

#[test]
fn every_column_but_the_key_is_tracked_if_none_is_named() {
    let project = project(&PIPELINE.replace(" track name, country", ""));
    project.write("customers.csv", format!("{HEADER}1,Ada,UK,2\n2,Bo,,1\n"));
    assert!(run(&project).contains("(4 rows: 2 kept, 1 updated, 0 inserted)"));
}

#[test]
fn a_history_may_be_a_parquet_file() {
    let text = PIPELINE.replace("csv(\"out/history.csv\")", "parquet(\"out/history.parquet\")");
    let project = project(&text);
    project.write("customers.csv", format!("{HEADER}1,Eve,UK,2\n"));
    assert!(run(&project).contains("(4 rows: 2 kept, 1 updated, 0 inserted)"));
    project.write("customers.csv", format!("{HEADER}1,Eve,UK,2\n1,Flo,UK,2\n"));
    project.batchc(&["run"]).fails(4, "R0103");
}
