//! Outputs into which rows are merged: one row a key, the newest of them, whatever runs again.

use crate::project::Project;

const PIPELINE: &str = "source orders = csv(\"orders.csv\") {
  id:    int  key
  item:  string
  price: decimal(8, 2)?
  at:    date
}

job latest {
  on error drop
  from orders
}

output all = csv(\"out/all.csv\") from latest {
  mode merge on id
}
";

fn project(change: impl Fn(String) -> String) -> Project {
    let project = Project::new(&change(PIPELINE.to_owned()));
    let rows = "1,x,1.50,2026-01-01\n2,y,,2026-01-02\n3,z,3.00,2026-01-03\n";
    project.write("orders.csv", format!("id,item,price,at\n{rows}"));
    run(&project);
    let rows = "4,w,4.00,2026-01-04\n2,new,2.00,2026-01-01\n";
    project.write("orders.csv", format!("id,item,price,at\n{rows}"));
    project
}

/// Runs, which must end well; what it says.
fn run(project: &Project) -> String {
    let ended = project.batchc(&["run", "--no-progress", "--report", "report.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended.words
}

const HEADER: &str = "id,item,price,at\n";

#[test]
fn rows_with_the_key_of_a_new_one_give_way_to_it() {
    let project = project(|text| text);
    let words = run(&project);
    let counts = "wrote out/all.csv (4 rows: 2 kept, 1 updated, 1 inserted)";
    assert!(words.contains(counts), "{words}");
    let rows = "1,x,1.50,2026-01-01\n3,z,3.00,2026-01-03\n4,w,4.00,2026-01-04\n\
                2,new,2.00,2026-01-01\n";
    assert_eq!(project.read("out/all.csv"), format!("{HEADER}{rows}"));
    let report = project.report();
    assert_eq!(report["outputs"][0]["merged"]["kept"], 2);
    assert_eq!(report["jobs"].as_array().unwrap().len(), 1, "only what is written is a job");
    assert!(run(&project).contains("latest reused: same inputs"));
    // All again changes only the order.
    let ended = project.batchc(&["run", "--fresh"]);
    assert!(ended.words.contains("2 kept, 2 updated, 0 inserted"), "{}", ended.words);
    assert_eq!(project.read("out/all.csv"), format!("{HEADER}{rows}"));
}

#[test]
fn the_newest_row_stays_wherever_it_comes_from() {
    for (keep, second) in [
        ("keep newest by at", "2,y,,2026-01-02\n3,z,3.00,2026-01-03\n4,w,4.00,2026-01-04\n"),
        ("keep oldest by at", "3,z,3.00,2026-01-03\n4,w,4.00,2026-01-04\n2,new,2.00,2026-01-01\n"),
        ("keep first", "2,y,,2026-01-02\n3,z,3.00,2026-01-03\n4,w,4.00,2026-01-04\n"),
    ] {
        let project = project(|text| text.replace("on id", &format!("on id {keep}")));
        run(&project);
        let all = format!("{HEADER}1,x,1.50,2026-01-01\n{second}");
        assert_eq!(project.read("out/all.csv"), all, "{keep}");
    }
}

#[test]
fn every_form_can_be_merged_into() {
    for (connector, read) in [
        ("csv(\"out/all.csv.gz\", delimiter: \";\")", "csv(\"out/all.csv.gz\", delimiter: \";\")"),
        ("json(\"out/all.jsonl\")", "json(\"out/all.jsonl\")"),
        ("parquet(\"out/all.parquet\", compression: \"lz4\")", "parquet(\"out/all.parquet\")"),
        ("csv(\"out/parts\")", "csv(\"out/parts/*.csv\")"),
    ] {
        let project = project(|text| {
            let text = match connector.contains("parts") {
                true => text
                    .replace("  from orders\n", "  partition by hash(id) into 3\n  from orders\n"),
                false => text,
            };
            text.replace("csv(\"out/all.csv\")", connector)
        });
        run(&project);
        run(&project);
        let (columns, _) = PIPELINE.split_once("}\n").unwrap();
        let check = columns.replace("csv(\"orders.csv\")", read);
        let check = format!(
            "{check}}}\njob s {{\n  from orders\n  sort id\n}}\noutput o = csv(\"o.csv\") from s\n"
        );
        project.write("check.batch", check);
        let ended = project.batchc(&["run", "-q", "check.batch"]);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let rows = "1,x,1.50,2026-01-01\n2,new,2.00,2026-01-01\n3,z,3.00,2026-01-03\n4,w,4.00,2026-01-04\n";
        assert_eq!(project.read("o.csv"), format!("{HEADER}{rows}"), "{connector}");
    }
}

#[test]
fn a_key_that_data_does_not_keep_to_is_noticed() {
    let project = project(|text| text);
    let rows = "4,w,4.00,2026-01-04\n4,v,2.00,2026-01-01\n";
    project.write("orders.csv", format!("{HEADER}{rows}"));
    project.batchc(&["run"]).fails(4, "R0103");
    let text = project.read("pipeline.batch");
    project.write("pipeline.batch", text.replace("on id", "on id keep newest by at"));
    project.batchc(&["run"]).fails(4, "R0103");
    std::fs::remove_file(project.path("out/all.csv")).unwrap();
    project.batchc(&["run"]).fails(4, "R0103");
}

#[test]
fn what_is_there_has_to_fit() {
    let project = project(|text| text);
    project.write("out/all.csv", "id,item,at\n1,x,2026-01-01\n");
    project.batchc(&["run"]).fails(3, "out/all.csv has no column `price`");
    project.write("out/all.csv", "id,item,price,at,more\n1,x,1.50,2026-01-01,2\n");
    let message = "out/all.csv has a column `more`, which the rows to come have not";
    project.batchc(&["run"]).fails(3, message);
    project.write("out/all.csv", format!("{HEADER}x,x,1.50,2026-01-01\n"));
    let ended = project.batchc(&["run"]);
    assert_eq!(ended.code, Some(3), "{}", ended.words);
    assert!(ended.words.contains("out/all.csv:2"), "{}", ended.words);
}

#[test]
fn little_memory_and_many_threads_merge_to_the_same_bytes() {
    let rows = |from: usize, text: &str| -> String {
        let row = |id: usize| {
            let id = id * 7919 % 40_000;
            format!("{id},{text}{:040},1.50,2026-01-{:02}\n", id * 31, id % 28 + 1)
        };
        let mut seen = std::collections::BTreeSet::new();
        let rows = (from..from + 30_000).filter(|id| seen.insert(id * 7919 % 40_000)).map(row);
        format!("{HEADER}{}", rows.collect::<String>())
    };
    let bytes = |flags: &[&str]| {
        let keep = "on id keep newest by at";
        let project = Project::new(&PIPELINE.replace("on id", keep));
        for (from, text) in [(0, "a"), (20_000, "b")] {
            project.write("orders.csv", rows(from, text));
            let ended = project.batchc(&[&["run", "-q"], flags].concat());
            assert_eq!(ended.code, Some(0), "{flags:?}: {}", ended.words);
        }
        project.read("out/all.csv")
    };
    let one = bytes(&["--threads", "1"]);
    assert_eq!(one.lines().count(), 40_001);
    assert!(bytes(&["--threads", "4", "--chunk", "20000"]) == one);
    assert!(bytes(&["--memory", "1MB", "--threads", "2"]) == one);
}

/// What a merge means, row by row.
fn merged(held: &mut Vec<[u32; 2]>, new: &[[u32; 2]], newest: bool) {
    let wins = |held: &[[u32; 2]], [id, at]: [u32; 2]| {
        !held.iter().any(|other| other[0] == id && newest && other[1] > at)
    };
    let new: Vec<[u32; 2]> = new.iter().copied().filter(|row| wins(held, *row)).collect();
    held.retain(|[id, _]| !new.iter().any(|row| row[0] == *id));
    held.extend(new);
}

#[test]
fn random_rows_are_merged_as_the_rules_say() {
    let mut state = 7_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for keep in ["", " keep newest by at"] {
        let project = Project::new(&format!(
            "source rows = csv(\"rows.csv\") {{\n  id: int key\n  at: int\n}}\n\
             output all = csv(\"all.csv\") from rows {{ mode merge on id{keep} }}\n"
        ));
        let mut held = vec![];
        for _ in 0..12 {
            let mut rows: Vec<[u32; 2]> = vec![];
            for _ in 0..random(20) {
                let row = [random(30), random(10)];
                if !rows.iter().any(|other| other[0] == row[0]) {
                    rows.push(row);
                }
            }
            let text = |rows: &[[u32; 2]]| -> String {
                rows.iter().map(|[id, at]| format!("{id},{at}\n")).collect()
            };
            project.write("rows.csv", format!("id,at\n{}", text(&rows)));
            let ended = project.batchc(&["run", "-q"]);
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            merged(&mut held, &rows, !keep.is_empty());
            assert_eq!(project.read("all.csv"), format!("id,at\n{}", text(&held)), "{keep}");
        }
    }
}
