//! Every `tests/lineage/*.batch`: where its columns come from, where those of its sources go, and
//! the same as a drawing and as JSON, against its snapshot.

use super::folders::compare;
use super::project::Project;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

#[test]
fn lineage_cases() {
    compare("lineage", |path, _| {
        let project = Project::new(&fs::read_to_string(path).expect("a case can be read"));
        let lineage = |flags: &[&str]| {
            let ended = project.batchc(&[&["lineage", "pipeline.batch"], flags].concat());
            assert_eq!((ended.code, &*ended.words), (Some(0), ""), "{flags:?}");
            ended.data
        };
        let mut shown = lineage(&[]);
        let found: Value = serde_json::from_str(&lineage(&["--to", "json"])).expect("it is JSON");
        let list = |of: &str| found[of].as_array().expect("it is a list").clone();
        for source in list("sources") {
            let name = source["source"].as_str().expect("it has a name");
            let _ = write!(shown, "---- {name} ----\n{}", lineage(&[name]));
        }
        let _ =
            write!(shown, "---- mermaid ----\n{}---- json ----\n", lineage(&["--to", "mermaid"]));
        for one in ["sources", "tables", "edges"].into_iter().flat_map(list) {
            let _ = writeln!(shown, "{one}");
        }
        shown
    });
}

#[test]
fn one_column_is_shown_with_what_decides_over_its_rows() {
    let text = fs::read_to_string(super::folders::folder("lineage").join("rows.batch"));
    let project = Project::new(&text.expect("the case is there"));
    let lineage = |name: &str| project.batchc(&["lineage", "pipeline.batch", name]);
    assert_eq!(
        lineage("active.country").data,
        "job active\n  country: string\n    value     users.country  copied  through active\n  \
         which rows, and in which order\n    filter    users.active    in active\n"
    );
    assert_eq!(
        lineage("blocked.user").data,
        "source blocked \"blocked.csv\"\n  user: int\n    key       rows of joined_csv  join  in joined\n"
    );
    lineage("joined_csv.coutry")
        .fails(2, "the output `joined_csv` has no column `coutry`; did you mean `country`?");
    lineage("user.id").fails(2, "there is no output, job or source `user`; did you mean `users`?");
}
