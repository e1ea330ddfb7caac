//! Outputs in folders by values of their rows, and sources that read them back.

use crate::project::Project;
use std::collections::BTreeMap;

const SALES: &str = "source sales = csv(\"sales.csv\") {
  id:      int key
  country: string?
  day:     date
}
";

const DATA: &str = "id,country,day\n1,FR,2026-01-02\n2,,2026-01-01\n3,\"a/b=c\",2026-01-01\n\
                    4,FR,2026-01-01\n5,\"\",2026-01-01\n6,FR,2026-01-02\n";

fn project(program: &str) -> Project {
    let project = Project::new(&format!("{SALES}{program}"));
    project.write("sales.csv", DATA);
    project
}

fn run_with(project: &Project, arguments: &[&str]) -> String {
    let ended = project.batchc(&[&["run", "--no-progress"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended.words
}

fn run(project: &Project) -> String {
    run_with(project, &[])
}

/// The files below `out` with what is in them.
fn files(project: &Project) -> BTreeMap<String, String> {
    let names = project.files().into_iter().filter(|name| name.starts_with("out/"));
    names.map(|name| (name[4..].to_owned(), project.read(&name))).collect()
}

fn assert_files(project: &Project, expected: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(files(project), expected);
}

#[test]
fn rows_are_in_folders_by_their_values_in_their_order() {
    let project = project("output out = csv(\"out\") from sales { partition by country, day }\n");
    let words = run(&project);
    assert!(words.contains("6 rows"), "{words}");
    assert_files(
        &project,
        &[
            ("country=/day=2026-01-01/part-00000.csv", "id\n5\n"),
            ("country=FR/day=2026-01-01/part-00000.csv", "id\n4\n"),
            ("country=FR/day=2026-01-02/part-00000.csv", "id\n1\n6\n"),
            ("country=__HIVE_DEFAULT_PARTITION__/day=2026-01-01/part-00000.csv", "id\n2\n"),
            ("country=a%2Fb%3Dc/day=2026-01-01/part-00000.csv", "id\n3\n"),
        ],
    );
    assert!(run(&project).contains("reused: same inputs"));
    // Folders that no rows come into are gone.
    project.write("sales.csv", "id,country,day\n7,FR,2026-01-02\n");
    run(&project);
    assert_files(&project, &[("country=FR/day=2026-01-02/part-00000.csv", "id\n7\n")]);
    assert_eq!(project.names("."), [".batchc", "out", "pipeline.batch", "sales.csv"]);
}

#[test]
fn every_form_is_read_back() {
    for (connector, target, file) in [
        ("csv", "lake", "part-*.csv"),
        ("csv", "lake.csv.gz", "part-*.csv.gz"),
        ("json", "lake", "part-*.jsonl"),
        ("parquet", "lake", "part-*.parquet"),
    ] {
        let project = project(&format!(
            "output lake = {connector}(\"{target}\") from sales {{ partition by country, day }}\n"
        ));
        run(&project);
        let columns = "day: date, country: string?, id: int";
        let back = format!(
            "source back = {connector}(\"{target}/*/*/{file}\") {{ {columns} }}
job sorted {{ from back; sort id }}
output same = csv(\"same.csv\") from sorted
"
        );
        project.write("back.batch", back);
        run_with(&project, &["back.batch"]);
        let rows = "day,country,id\n2026-01-02,FR,1\n2026-01-01,,2\n2026-01-01,a/b=c,3\n\
                    2026-01-01,FR,4\n2026-01-01,\"\",5\n2026-01-02,FR,6\n";
        assert_eq!(project.read("same.csv"), rows, "{connector}");
    }
}

#[test]
fn a_value_is_computed_and_the_column_stays() {
    let project =
        project("output out = csv(\"out\") from sales { partition by year = year(day) }\n");
    run(&project);
    assert_eq!(files(&project).keys().collect::<Vec<_>>(), ["year=2026/part-00000.csv"]);
    let rows = DATA.replace("\"a/b=c\"", "a/b=c");
    assert_eq!(project.read("out/year=2026/part-00000.csv"), rows);
}

#[test]
fn texts_and_no_rows_are_written() {
    let project = project(
        "job lines { from sales; filter country is not null; select day, line = country }
job none { from sales; filter id > 100 }
output texts = text(\"out\") from lines { partition by day }
output nothing = csv(\"nothing\") from none { partition by day }
",
    );
    run(&project);
    assert_files(
        &project,
        &[
            ("day=2026-01-01/part-00000.txt", "a/b=c\nFR\n\n"),
            ("day=2026-01-02/part-00000.txt", "FR\nFR\n"),
        ],
    );
    assert_eq!(project.names("nothing").len(), 0);
}

#[test]
fn added_rows_come_into_files_of_their_own() {
    let project = project(
        "# allow: W0602 it is meant\noutput out = csv(\"out\") from sales { partition by day; mode append }\n",
    );
    run(&project);
    let first = files(&project);
    project.write("sales.csv", "id,country,day\n7,FR,2026-01-02\n8,DE,2026-01-03\n");
    let words = run(&project);
    assert!(words.contains("added 2 rows to out"), "{words}");
    let mut all = first;
    all.insert("day=2026-01-02/part-00001.csv".into(), "id,country\n7,FR\n".into());
    all.insert("day=2026-01-03/part-00000.csv".into(), "id,country\n8,DE\n".into());
    assert_eq!(files(&project), all);
    assert!(run(&project).contains("reused: same inputs"));
    // By other columns, what is there would be in no folder of them.
    let other = project.read("pipeline.batch").replace("by day;", "by country;");
    project.write("pipeline.batch", other);
    let ended = project.batchc(&["run", "-q"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.words.contains("is in no folder `country=…`"), "{}", ended.words);
    assert_eq!(files(&project), all);
}

#[test]
fn rows_are_merged_across_folders() {
    let project = project(
        "job by_id { from sales; dedupe by id keep last }
output out = parquet(\"lake\") from by_id { partition by day; mode merge on id }
",
    );
    run(&project);
    project.write("sales.csv", "id,country,day\n1,DE,2026-01-01\n8,DE,2026-01-03\n");
    let words = run(&project);
    assert!(words.contains("7 rows: 5 kept, 1 updated, 1 inserted"), "{words}");
    project.write(
        "back.batch",
        "source back = parquet(\"lake/*/*\") { id: int, country: string?, day: date }
job sorted { from back; sort id }
output same = csv(\"same.csv\") from sorted
",
    );
    run_with(&project, &["back.batch"]);
    let same = project.read("same.csv");
    assert_eq!(same.lines().count(), 8, "{same}");
    assert!(same.contains("\n1,DE,2026-01-01\n") && same.contains("\n6,FR,2026-01-02\n"), "{same}");
}

#[test]
fn only_folders_are_replaced_that_rows_came_into() {
    let project = Project::new(
        "source sales = csv(\"sales.csv\") { id: int; day: date; incremental by day lookback 1d }
job per_day { from sales; group by day { rows = count() } }
output out = csv(\"out\") from per_day { partition by day }
",
    );
    project.write("sales.csv", "id,day\n1,2026-01-01\n2,2026-01-02\n");
    run(&project);
    let first = project.path("out/day=2026-01-01/part-00000.csv");
    std::fs::write(&first, "rows\n1\n").unwrap();
    // The first day has a late row, which is later than the lookback, and the second one in time.
    project.write(
        "sales.csv",
        "id,day\n1,2026-01-01\n2,2026-01-02\n3,2026-01-01\n4,2026-01-02\n5,2026-01-03\n",
    );
    let words = run(&project);
    assert!(words.contains("whose `day` is after 2026-01-01"), "{words}");
    assert_files(
        &project,
        &[
            ("day=2026-01-01/part-00000.csv", "rows\n1\n"),
            ("day=2026-01-02/part-00000.csv", "rows\n2\n"),
            ("day=2026-01-03/part-00000.csv", "rows\n1\n"),
        ],
    );
    run_with(&project, &["--fresh"]);
    assert_eq!(project.read("out/day=2026-01-01/part-00000.csv"), "rows\n2\n");
}

#[test]
fn what_cannot_be_written_is_said() {
    let project = project(
        "job long { from sales; set country = repeat(\"x\", 300) }
output out = csv(\"out\") from long { partition by country }
",
    );
    let ended = project.batchc(&["run", "-q"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.words.contains("no folder can be named by the value"), "{}", ended.words);
    let mut many = "id,country,day\n".to_owned();
    (0..10_001).for_each(|id| many += &format!("{id},x,2026-01-01\n"));
    project.write("sales.csv", many);
    let text = project.read("pipeline.batch").replace("partition by country", "partition by id");
    project.write("pipeline.batch", text.replace("repeat(\"x\", 300)", "country"));
    let ended = project.batchc(&["run", "-q"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.words.contains("more than 10000 folders, one for each value of `id`"));
    assert_eq!(project.names("."), [".batchc", "pipeline.batch", "sales.csv"]);
    project.write("out/mine/x.txt", "mine");
    let ended = project.batchc(&["run", "-q"]);
    assert!(ended.words.contains("out holds mine, which is not a part"), "{}", ended.words);
}

#[test]
fn a_bad_value_of_a_folder_fails_its_rows() {
    let project = Project::new(
        "source back = csv(\"lake/*/*.csv\") { id: int; day: date }
job all { on error quarantine bad; from back }
output same = csv(\"same.csv\") from all
",
    );
    project.write("lake/day=2026-01-01/a.csv", "id\n1\n2\n");
    project.write("lake/day=someday/a.csv", "id\n3\nx\n");
    project.write("lake/day=__HIVE_DEFAULT_PARTITION__/a.csv", "id\n4\n");
    run(&project);
    assert_eq!(project.read("same.csv"), "id,day\n1,2026-01-01\n2,2026-01-01\n");
    let rows = project.records(".batchc/quarantine/bad.jsonl");
    let reasons: Vec<&str> = rows.iter().map(|row| row["_reason"].as_str().unwrap()).collect();
    let day = "day: \"someday\" is not a date (`2024-12-31`)";
    assert_eq!(reasons, ["day is null, and the column has no `?`", day, "id: \"x\" is not an int"]);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let made = |arguments: &[&str]| {
        let project =
            project("output out = parquet(\"lake\") from sales { partition by part = id % 7 }\n");
        let mut rows = "id,country,day\n".to_owned();
        (0..50_000).for_each(|id| rows += &format!("{id},country {id},2026-01-01\n"));
        project.write("sales.csv", rows);
        run_with(&project, arguments);
        let names = project.files().into_iter().filter(|name| name.starts_with("lake/"));
        names.map(|name| (name.clone(), std::fs::read(project.path(&name)).unwrap())).collect()
    };
    let one: BTreeMap<String, Vec<u8>> = made(&["--threads", "1"]);
    assert_eq!(one.len(), 7);
    assert!(one == made(&["--threads", "4", "--chunk", "10000"]));
    assert!(one == made(&["--threads", "2", "--memory", "64MB", "--chunk", "100000"]));
}
