//! Joins whose rows are too many to be written into a case.

use crate::project::Project;
use std::fmt::Write;

#[test]
fn a_join_that_meets_too_many_pairs_of_rows_is_refused() {
    let project = Project::new(
        "source a = csv(\"a.csv\") { x: int }\nsource b = csv(\"b.csv\") { y: int }\n\
         job j {\n  from a\n  cross join b\n}\noutput o = csv(\"o.csv\") from j\n",
    );
    let numbers = |name: &str, count: u64| {
        let mut text = format!("{name}\n");
        (0..count).for_each(|number| _ = writeln!(text, "{}", number % 10));
        text
    };
    project.write("a.csv", numbers("x", 60_000));
    project.write("b.csv", numbers("y", 170_000));
    let ended = project.batchc(&["run"]);
    ended.fails(3, "more than 10000000000 pairs of rows meet in this join");
    ended.fails(3, "every row, with each of 170000 on the right side");
    project.write("a.csv", numbers("x", 2));
    let ended = project.batchc(&["run", "-q"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(project.read("o.csv").lines().count(), 340_001);
}
