//! Sources that are read incrementally: each output takes in each row once, whatever comes between.

use crate::project::Project;

const SOURCE: &str = "source orders = csv(\"orders.csv\") {
  id:      int key
  item:    string
  updated: timestamp
  incremental by updated
}
";

const MERGED: &str = "output merged = csv(\"out/merged.csv\") from orders { mode merge on id keep newest by updated }\n";
const ADDED: &str = "output added = csv(\"out/added.csv\") from orders { mode append }\n";

const FIRST: &str = "id,item,updated\n1,x,2026-01-01T10:00:00Z\n2,y,2026-01-01T12:00:00Z\n";

/// A project with these lines of a program, and two rows.
fn project(program: &str) -> Project {
    let project = Project::new(program);
    project.write("orders.csv", FIRST);
    project
}

/// Adds rows to the source: ids, items, and times of the day.
fn come(project: &Project, rows: &[(u32, &str, &str)]) {
    let row = |(id, item, time): &(u32, &str, &str)| format!("{id},{item},2026-01-01T{time}:00Z\n");
    let rows: String = rows.iter().map(row).collect();
    project.write("orders.csv", project.read("orders.csv") + &rows);
}

fn run_with(project: &Project, arguments: &[&str]) -> String {
    let arguments = [&["run", "--no-progress", "--report", "report.json"], arguments].concat();
    let ended = project.batchc(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended.words
}

/// Runs, which must end well; what it says.
fn run(project: &Project) -> String {
    run_with(project, &[])
}

/// The ids in an output, in their order.
fn ids(project: &Project, output: &str) -> Vec<String> {
    let lines = project.read(&format!("out/{output}.csv"));
    lines.lines().skip(1).map(|line| line.split(',').next().unwrap_or("").to_owned()).collect()
}

/// Rows read and left out of a job, as the report says.
fn counts(project: &Project, job: &str) -> (u64, u64, u64) {
    let report: serde_json::Value = serde_json::from_str(&project.read("report.json")).unwrap();
    let jobs = report["jobs"].as_array().unwrap();
    let job = jobs.iter().find(|one| one["job"] == job).unwrap_or_else(|| panic!("{report}"));
    let of = |name: &str| job[name].as_u64().unwrap();
    (of("records_in"), of("filtered"), of("records_out"))
}

#[test]
fn new_rows_are_taken_in_once_and_the_others_counted() {
    let all = "job all { from orders }
output merged = csv(\"out/merged.csv\") from all { mode merge on id }
output added = csv(\"out/added.csv\") from all { mode append }
";
    let project = project(&format!("{SOURCE}{all}"));
    run(&project);
    assert_eq!(counts(&project, "all"), (2, 0, 2));
    assert_eq!(ids(&project, "added"), ["1", "2"]);
    assert!(run(&project).contains("all reused: same inputs"));
    come(&project, &[(3, "z", "13:00"), (1, "xx", "14:00")]);
    let plan = project.batchc(&["plan"]);
    let since = "of `orders` only rows are read whose `updated` is after \
                 2026-01-01T12:00:00Z, to which the last run came";
    assert!(plan.data.contains(since), "{}", plan.data);
    let words = run(&project);
    assert!(words.contains(since), "{words}");
    assert_eq!(counts(&project, "all"), (4, 2, 2));
    assert_eq!(ids(&project, "added"), ["1", "2", "3", "1"]);
    assert_eq!(ids(&project, "merged"), ["2", "3", "1"]);
    let report: serde_json::Value = serde_json::from_str(&project.read("report.json")).unwrap();
    assert_eq!(report["notes"][0], since);
    assert_eq!(report["jobs"][0]["inputs"][0]["filtered"], 2);
    // Nothing is as late as what was read: it is left out, and counted.
    come(&project, &[(4, "late", "09:00")]);
    run(&project);
    assert_eq!(counts(&project, "all"), (5, 5, 0));
    assert_eq!(ids(&project, "added"), ["1", "2", "3", "1"]);
    // And the mark has not gone back.
    come(&project, &[(5, "late", "13:30"), (6, "new", "15:00")]);
    run(&project);
    assert_eq!(ids(&project, "merged"), ["2", "3", "1", "6"]);
}

#[test]
fn rows_of_the_lookback_are_merged_once_and_added_again() {
    let source = SOURCE.replace("by updated", "by updated lookback 2h");
    let project = project(&format!("{source}{MERGED}# allow: W0602 it is meant\n{ADDED}"));
    run(&project);
    come(&project, &[(3, "late", "10:30"), (4, "later", "10:00"), (5, "z", "13:00")]);
    let words = run(&project);
    let since = "whose `updated` is after 2026-01-01T10:00:00Z: the last run came to \
                 2026-01-01T12:00:00Z, less a lookback of PT2H";
    assert!(words.contains(since), "{words}");
    assert_eq!(ids(&project, "merged"), ["1", "2", "3", "5"]);
    assert_eq!(ids(&project, "added"), ["1", "2", "2", "3", "5"]);
}

#[test]
fn a_failed_run_leaves_the_mark() {
    let checked = "job checked { from orders; expect known: item != \"bad\" else fail }
output added = csv(\"out/added.csv\") from checked { mode append }
";
    let project = project(&format!("{SOURCE}{checked}"));
    run(&project);
    come(&project, &[(3, "bad", "13:00"), (4, "z", "14:00")]);
    let ended = project.batchc(&["run", "--no-progress"]);
    assert_eq!(ended.code, Some(4), "{}", ended.words);
    assert_eq!(ids(&project, "added"), ["1", "2"]);
    project.write("orders.csv", project.read("orders.csv").replace("bad", "good"));
    run(&project);
    assert_eq!(ids(&project, "added"), ["1", "2", "3", "4"]);
}

#[test]
fn rows_that_were_read_do_not_fail_again() {
    let aside = "job all { on error quarantine bad; from orders; set id = id // (id - 3) }
output added = csv(\"out/added.csv\") from all { mode append }
";
    let project = project(&format!("{SOURCE}{aside}").replace("int key", "int"));
    project.write("orders.csv", format!("{FIRST}word,z,2026-01-01T08:00:00Z\n"));
    run(&project);
    assert_eq!(project.records(".batchc/quarantine/bad.jsonl").len(), 1);
    // One cannot be read, of one it is not known when it came, and one cannot be computed.
    let more = "word,z,2026-01-01T13:00:00Z\n5,z,soon\n3,z,2026-01-01T13:00:00Z\n";
    project.write("orders.csv", project.read("orders.csv") + more);
    run(&project);
    let rows: Vec<_> = project.records(".batchc/quarantine/bad.jsonl");
    let lines: Vec<_> = rows.iter().map(|row| row["_line"].as_u64().unwrap()).collect();
    // What no run reads again stays, and what fails in each is there once.
    assert_eq!(lines, [4, 5, 6, 7], "{rows:?}");
    come(&project, &[(9, "z", "14:00")]);
    run(&project);
    assert_eq!(project.records(".batchc/quarantine/bad.jsonl"), rows);
    assert_eq!(counts(&project, "all"), (7, 5, 1));
}

#[test]
fn a_row_without_a_time_is_left_out_where_it_would_become_null() {
    let all = "job all { on error null; from orders; fill updated with @2000-01-01T00:00:00Z }
output added = csv(\"out/added.csv\") from all { mode append }
";
    let project = project(&format!("{SOURCE}{all}").replace("int key", "int"));
    come(&project, &[(3, "z", "soon"), (4, "z", "13:00")]);
    run(&project);
    assert_eq!(counts(&project, "all"), (4, 1, 3));
    assert_eq!(ids(&project, "added"), ["1", "2", "4"]);
}

#[test]
fn outputs_go_on_where_each_has_come_to() {
    let all = "job all { from orders; derive twice = id * 2 }
job again { from all }
output one = csv(\"out/one.csv\") from again { mode append }
output two = csv(\"out/two.csv\") from all { mode append }
output three = csv(\"out/three.csv\") from orders { mode merge on id }
";
    let project = project(&format!("{SOURCE}{all}"));
    run_with(&project, &["--select", "one"]);
    come(&project, &[(3, "z", "13:00")]);
    run_with(&project, &["--select", "two"]);
    come(&project, &[(4, "z", "14:00")]);
    let words = run(&project);
    for note in [
        "for `one` of `orders` only rows are read whose `updated` is after 2026-01-01T12:00:00Z",
        "for `two` of `orders` only rows are read whose `updated` is after 2026-01-01T13:00:00Z",
        "for `three` of `orders` all rows are read",
    ] {
        assert!(words.contains(note), "{words}");
    }
    for output in ["one", "two", "three"] {
        assert_eq!(ids(&project, output), ["1", "2", "3", "4"], "{output}");
    }
    assert_eq!(counts(&project, "all"), (4, 2, 2));
    assert_eq!(counts(&project, "all for two"), (4, 3, 1));
    come(&project, &[(5, "z", "15:00")]);
    let words = run(&project);
    assert!(!words.contains("for `"), "{words}");
    assert_eq!(counts(&project, "all"), (5, 4, 1));
    assert_eq!(ids(&project, "one"), ids(&project, "two"));
}

#[test]
fn a_pipeline_that_changed_goes_on_with_the_new_rows() {
    let project = project(&format!("{SOURCE}{ADDED}{MERGED}"));
    run(&project);
    let text = project.read("pipeline.batch");
    let with_job = "job upper { from orders; set item = upper(item) }\n";
    project.write("pipeline.batch", text.replace("from orders", "from upper") + with_job);
    run(&project);
    assert_eq!(project.read("out/added.csv"), FIRST);
    come(&project, &[(3, "z", "13:00")]);
    run(&project);
    assert!(project.read("out/added.csv").ends_with("3,Z,2026-01-01T13:00:00Z\n"));
    assert_eq!(ids(&project, "added"), ["1", "2", "3"]);
    // Nor does another name of the source matter.
    let renamed = project.read("pipeline.batch").replace("source orders", "source sales");
    project.write("pipeline.batch", renamed.replace("from orders", "from sales"));
    come(&project, &[(4, "z", "14:00")]);
    run(&project);
    assert_eq!(ids(&project, "added"), ["1", "2", "3", "4"]);
    // By another column it is not known how far the rows go.
    project.write("pipeline.batch", text.replace("by updated\n", "by id\n"));
    let ended = project.batchc(&["run", "--no-progress"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.words.contains("out/added.csv has rows of `orders`"), "{}", ended.words);
    std::fs::remove_file(project.path("out/added.csv")).unwrap();
    run(&project);
    assert_eq!(ids(&project, "added"), ["1", "2", "3", "4"]);
    assert_eq!(ids(&project, "merged"), ["1", "2", "3", "4"]);
}

#[test]
fn what_is_made_anew_reads_all_rows() {
    let project = project(&format!("{SOURCE}{MERGED}"));
    run(&project);
    // Merged into what is there: a row that the source has no more stays.
    project.write("orders.csv", FIRST.replace("1,x", "3,z"));
    run_with(&project, &["--fresh"]);
    assert_eq!(ids(&project, "merged"), ["1", "3", "2"]);
    std::fs::remove_file(project.path("out/merged.csv")).unwrap();
    run(&project);
    assert_eq!(ids(&project, "merged"), ["3", "2"]);
    project.write("pipeline.batch", format!("{SOURCE}{ADDED}"));
    run(&project);
    let ended = project.batchc(&["run", "--fresh"]);
    assert!(ended.words.contains("`--fresh` would add the rows of out/added.csv a second time"));
}

#[test]
fn every_type_of_growing_column_and_every_connector() {
    for (ty, values) in [
        ("int", ["1", "2", "10"]),
        ("decimal(9, 2)", ["1.50", "2.25", "10.00"]),
        ("date", ["2026-01-01", "2026-01-02", "2026-02-01"]),
        ("datetime", ["2026-01-01T00:00:00", "2026-01-01T00:00:00.000001", "2026-02-01T00:00:00"]),
    ] {
        for (connector, file) in
            [("csv", "in.csv"), ("parquet", "in.parquet"), ("json", "in.jsonl")]
        {
            let project = Project::new(&format!(
                "source given = csv(\"given.csv\") {{ at: {ty} }}
output out = {connector}(\"{file}\") from given
"
            ));
            project.write(
                "next.batch",
                format!(
                    "source rows = {connector}(\"{file}\") {{ at: {ty}; incremental by at }}
output all = csv(\"out/all.csv\") from rows {{ mode append }}
"
                ),
            );
            let mut rows = "at\n".to_owned();
            for value in values {
                rows += &format!("{value}\n");
                project.write("given.csv", &rows);
                for pipeline in ["pipeline.batch", "next.batch"] {
                    let ended = project.batchc(&["run", "-q", pipeline]);
                    assert_eq!(ended.code, Some(0), "{ty} {connector}: {}", ended.words);
                }
            }
            assert_eq!(ids(&project, "all"), values, "{ty} {connector}");
        }
    }
}

#[test]
fn days_are_looked_back_to_whole() {
    let project = Project::new(
        "source days = csv(\"days.csv\") { day: date; id: int key; incremental by day lookback 1h }
output all = csv(\"out/all.csv\") from days { mode merge on id }
",
    );
    project.write("days.csv", "day,id\n2026-01-01,1\n2026-01-02,2\n");
    run(&project);
    project.write("days.csv", "day,id\n2026-01-01,3\n2026-01-02,4\n");
    let words = run(&project);
    assert!(words.contains("is after 2026-01-01: the last run came to 2026-01-02"), "{words}");
    assert!(project.read("out/all.csv").ends_with("2026-01-02,4\n"));
    assert_eq!(project.read("out/all.csv").lines().count(), 4);
}

#[test]
fn versions_are_kept_of_new_rows() {
    let project = project(&format!(
        "{SOURCE}output all = csv(\"out/all.csv\") from orders {{ mode scd2 on id track item }}\n"
    ));
    run(&project);
    come(&project, &[(2, "yy", "13:00"), (1, "xx", "09:00")]);
    run(&project);
    let current = project.read("out/all.csv");
    let current = current.lines().filter(|line| line.ends_with("true")).count();
    assert_eq!((ids(&project, "all"), current), (["1", "2", "2"].map(String::from).into(), 2));
}

#[test]
fn an_empty_source_is_taken_in_later() {
    let project = project(&format!("{SOURCE}{ADDED}"));
    project.write("orders.csv", "id,item,updated\n");
    run(&project);
    project.write("orders.csv", FIRST);
    run(&project);
    run(&project);
    assert_eq!(ids(&project, "added"), ["1", "2"]);
}

#[test]
fn mended_rows_are_taken_in_by_a_replay() {
    let all = "job all { on error quarantine bad; from orders }
output merged = csv(\"out/merged.csv\") from all { mode merge on id }
";
    let project = project(&format!("{SOURCE}{all}"));
    project.write("orders.csv", FIRST.replacen('\n', "\nword,z,2026-01-01T08:00:00Z\n", 1));
    run(&project);
    come(&project, &[(4, "z", "14:00")]);
    run(&project);
    assert_eq!(project.records(".batchc/quarantine/bad.jsonl").len(), 1, "it is not forgotten");
    project.write("orders.csv", project.read("orders.csv").replace("word", "3"));
    let ended = project.batchc(&["rejects", "replay", "bad"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(ids(&project, "merged"), ["3", "1", "2", "4"]);
    assert_eq!(project.records(".batchc/quarantine/bad.jsonl").len(), 0);
}

#[test]
fn rows_that_are_looked_up_are_counted_too() {
    let found = "source customers = csv(\"customers.csv\") { name: string key }
job found {
  from customers
  # allow: W0603 it is meant
  left join orders on name == orders.item expect many_to_one
}
output all = csv(\"out/all.csv\") from found
";
    let project = project(&format!("{SOURCE}{found}{ADDED}"));
    project.write("customers.csv", "name\nx\ny\nz\n");
    run(&project);
    assert_eq!(project.read("out/all.csv").matches("2026").count(), 2);
    come(&project, &[(3, "z", "13:00")]);
    run(&project);
    let all = project.read("out/all.csv");
    assert!(
        all.contains("z,3,z,2026-01-01T13:00:00Z") && all.matches("2026").count() == 1,
        "{all}"
    );
    assert_eq!(counts(&project, "found"), (6, 2, 3));
}
