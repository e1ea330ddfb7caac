//! Row groups of Parquet files of which no job keeps a row: not read, and counted as if they were.

use super::project::Project;
use serde_json::Value;
use std::fmt::Write;

const SOURCE: &str = r#"source events = parquet("events.parquet") {
  id: int, day: date, at: datetime?, name: string, amount: decimal(12, 2)?, share: float
}
param least: int = 10
"#;

/// A file of three row groups, by day.
fn project() -> Project {
    let project = Project::new(
        r#"source rows = csv("rows.csv") {
  id: int, day: date, at: datetime?, name: string, amount: decimal(12, 2)?, share: float
}
output events = parquet("events.parquet") from rows"#,
    );
    let mut text = String::from("id,day,at,name,amount,share\n");
    for id in 0..600_000 {
        let (day, name) = (id / 50_000 + 10, id / 1000);
        let at = if id % 7 == 0 { String::new() } else { format!("2024-01-{day}T10:00:00") };
        let amount = if id % 5 == 0 { "" } else { "12.50" };
        writeln!(text, "{id},2024-01-{day},{at},name {name:06},{amount},0.5").expect("it grows");
    }
    project.write("rows.csv", text);
    project.run();
    project
}

/// How many rows are not read for a job with these steps; what it gives and counts is the same as
/// when all are.
#[track_caller]
fn skipped(project: &Project, jobs: &str) -> u64 {
    let outputs = jobs.lines().filter_map(|line| line.strip_prefix("job "));
    let outputs = outputs.map(|job| job.trim_end_matches(" {"));
    let outputs: String =
        outputs.map(|job| format!("output {job}_csv = csv(\"{job}.csv\") from {job}\n")).collect();
    project.write("pipeline.batch", format!("{SOURCE}{jobs}{outputs}"));
    let [(with, counts, rows), (without, all_counts, all_rows)]: [(u64, Value, String); 2] =
        [&[][..], &["--without", "skipped-groups"]].map(|without| {
            let arguments = ["run", "--fresh", "--report", "report.json", "--profile=profile.json"];
            let ended = project.batchc(&[&arguments, without].concat());
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            let profile: Value =
                serde_json::from_str(&project.read("profile.json")).expect("it is JSON");
            let list = |value: &Value| value.as_array().expect("a list").clone();
            let stages = list(&profile["stages"]).into_iter();
            let operators = stages.flat_map(|stage| list(&stage["operators"]));
            let skipped =
                operators.filter_map(|operator| operator["read"]["rows_skipped"].as_u64());
            let mut jobs = project.report()["jobs"].clone();
            for job in jobs.as_array_mut().expect("a list") {
                job["seconds"] = 0.into();
                job["records_per_second"] = 0.into();
                job["peak_memory"] = 0.into();
            }
            (skipped.sum(), jobs, project.read("a.csv"))
        });
    assert_eq!((without, counts), (0, all_counts));
    assert!(rows == all_rows);
    with
}

#[test]
fn groups_of_which_no_row_is_kept_are_skipped() {
    const GROUP: u64 = 1 << 18;
    const LAST: u64 = 600_000 - 2 * GROUP;
    let project = project();
    let job = |steps: &str| format!("job a {{\n  from events\n{steps}\n  select id\n}}\n");
    let of = |steps: &str| skipped(&project, &job(steps));
    assert_eq!(of("filter day < @2024-01-12"), GROUP + LAST);
    assert_eq!(of("filter day == @2024-01-16"), GROUP + LAST);
    assert_eq!(of("filter @2024-01-21 <= day and share > 0.1 as float"), 2 * GROUP);
    assert_eq!(of("filter id between 300000 and 300100"), GROUP + LAST);
    assert_eq!(of("filter share > 0.1 as float\nfilter id < least"), GROUP + LAST);
    assert_eq!(of("derive new = id > 3\nfilter new and name < \"name 000100\""), GROUP + LAST);
    assert_eq!(of("filter at is not null and at > @2024-01-21T00:00:00"), 2 * GROUP);
    assert_eq!(of("filter amount ?? 0 > 20\nfilter id < 0"), 2 * GROUP + LAST);
    assert_eq!(of("filter amount is not null and amount > 20.00"), 2 * GROUP + LAST);
    // What a filter says of a column that was changed, or behind what may fail, says nothing.
    assert_eq!(of("set id = id % 10\nfilter id == 3"), 0);
    assert_eq!(of("derive half = 100 // (id - 300000)\nfilter id < 10\non error drop"), 0);
    assert_eq!(of("filter share > 0.9 as float"), 0);
    // All who read it have their say.
    let both =
        format!("{}job b {{\n  from events\n  filter id < 5\n}}\n", job("filter id == 599999"));
    assert_eq!(skipped(&project, &both), GROUP);
    let all =
        format!("{}job b {{\n  from events\n  group {{ n = count() }}\n}}\n", job("filter id < 5"));
    assert_eq!(skipped(&project, &all), 0);
}

#[test]
fn groups_without_a_key_of_the_right_side_of_a_join_are_skipped() {
    const GROUP: u64 = 1 << 18;
    const LAST: u64 = 600_000 - 2 * GROUP;
    let project = project();
    project.write("days.csv", "day,n\n2024-01-13,1\n2024-01-14,2\n");
    let tables = "source days = csv(\"days.csv\") { day: date key, n: int }\n\
                  source none = csv(\"none.csv\") { day: date, n: int }\n\
source times = csv(\"times.csv\") { moment: datetime }\n";
    project.write("none.csv", "day,n\n");
    project.write("times.csv", "moment\n2024-01-14T10:00:00\n");
    let of = |steps: &str| {
        let job = format!("{tables}job a {{\n  from events\n{steps}\n  select id\n}}\n");
        skipped(&project, &job)
    };
    assert_eq!(of("join days on day"), GROUP + LAST);
    assert_eq!(of("semi join days on day"), GROUP + LAST);
    assert_eq!(
        of("filter id > 10\nselect id, on_day = day\njoin days on on_day == days.day"),
        GROUP + LAST
    );
    assert_eq!(
        of("filter id > 170000\njoin days on day == days.day and id == days.n + 1000000"),
        2 * GROUP + LAST
    );
    assert_eq!(of("filter at is not null\njoin times on at == times.moment"), GROUP + LAST);
    // All rows are wanted, or the key is not one of the file.
    assert_eq!(of("left join days on day"), 0);
    assert_eq!(of("anti join days on day"), 0);
    assert_eq!(of("semi join days on id % 3 == days.n"), 0);
    assert_eq!(of("derive half = 100 // (id - 300000)\njoin days on day\non error drop"), 0);
    assert_eq!(of("join none on day expect many_to_many"), 0);
}

#[test]
fn a_plan_says_by_what_groups_are_skipped() {
    let project = Project::new(&format!(
        "{SOURCE}job a {{\n  from events\n  filter day > run.date and id < 3\n}}\noutput o = csv(\"o.csv\") from a\n"
    ));
    let told = "skips row groups by id, day";
    assert!(project.batchc(&["plan"]).data.contains(told));
    let without = project.batchc(&["plan", "--without", "skipped-groups"]);
    assert!(!without.data.contains(told));
}
