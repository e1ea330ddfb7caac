//! Rows that were set aside, looked at and run again.

use super::project::Project;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

const PIPELINE: &str = r#"source orders = csv("orders-*.csv") {
  id:      int key
  country: string
  amount:  decimal(8, 2)
}

job clean {
  on error quarantine bad
  from orders
  expect positive: amount > 0 else quarantine bad
}

job totals {
  from clean
  group by country { total = sum(amount) }
}

output clean_csv  = csv("clean.csv") from clean
output totals_csv = csv("totals.csv") from totals
"#;

/// Of the rows, the second to the fifth are set aside.
fn project() -> Project {
    let project = Project::new(PIPELINE);
    let lines = "1,de,1.00\n2,fr,x\n3,de,y\n4,it,-4.00\n5,it\n6,fr,6.00\n";
    project.write("orders-1.csv", format!("id,country,amount\n{lines}"));
    project.write("orders-2.csv", "id,country,amount\n7,de,7.00\n");
    project
}

#[test]
fn quarantines_are_listed_and_shown() {
    let project = project();
    project.batchc(&["rejects"]).fails(2, "no run has left anything in .batchc");
    project.batchc(&["run", "-q"]);
    let mode = project.path(".batchc/quarantine/bad.jsonl").metadata().unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let list = project.batchc(&["rejects"]).data;
    let (first, reasons) = list.split_once('\n').unwrap();
    assert!(first.starts_with("bad: 4 rows, 2"), "{first}");
    assert!(first.contains(", by run ") && first.ends_with(" of pipeline.batch"), "{first}");
    let expected = [
        "         2  clean: amount: \"…\" is not a decimal(8, 2)",
        "         1  clean: 2 fields where the header has 3",
        "         1  clean: `positive` does not hold",
    ];
    assert_eq!(reasons.lines().collect::<Vec<_>>(), expected);
    let line: Value = serde_json::from_str(&project.batchc(&["rejects", "--json"]).data).unwrap();
    assert_eq!((&line["records"], &line["reasons"][0]["records"]), (&4.into(), &1.into()));
    let shown = project.batchc(&["rejects", "show", "bad", "--limit", "2"]);
    insta::assert_snapshot!("shown", shown.data);
    assert_eq!(shown.words, "2 rows, and there are more: --limit N\n");
    let lines = project.batchc(&["rejects", "show", "bad", "--json"]).data;
    assert_eq!(lines, project.read(".batchc/quarantine/bad.jsonl"));
    project.batchc(&["rejects", "show", "bat"]).fails(2, "did you mean `bad`?");
}

#[test]
fn rows_that_were_mended_are_in_the_outputs_once_when_they_are_run_again() {
    let project = project();
    project.batchc(&["run", "-q"]);
    let replay = |flags: &[&str]| project.batchc(&[&["rejects", "replay", "bad"], flags].concat());
    let same = replay(&[]);
    assert_eq!(same.code, Some(0), "{}", same.words);
    let told = "bad: 0 rows not set aside any more, 4 set aside again\n";
    assert!(same.words.ends_with(told), "{}", same.words);
    // Two are mended in the file, one by the pipeline, and another one breaks.
    let text = project.read("orders-1.csv");
    let text = text.replace("fr,x", "fr,2.00").replace("de,y", "de,3.00").replace("6.00", "-6.00");
    project.write("orders-1.csv", text);
    let text = project.read("pipeline.batch");
    project.write("pipeline.batch", text.replace("amount > 0", "amount > -5"));
    let before = project.read("clean.csv");
    let dry = replay(&["-n"]);
    assert!(dry.data.contains("clean runs: "), "{}", dry.data);
    assert_eq!(project.read("clean.csv"), before);
    let again = replay(&["--threads", "1"]);
    assert_eq!(again.code, Some(0), "{}", again.words);
    let told = "bad: 3 rows not set aside any more, 1 set aside again, and 1 new\n";
    assert!(again.words.ends_with(told), "{}", again.words);
    let all = "id,country,amount\n1,de,1.00\n2,fr,2.00\n3,de,3.00\n4,it,-4.00\n7,de,7.00\n";
    assert_eq!(project.read("clean.csv"), all);
    // However often: no row is there twice.
    assert_eq!(replay(&["-q"]).words, "");
    assert_eq!(project.read("clean.csv"), all);
    assert_eq!(project.read("totals.csv"), "country,total\nde,11.00\nfr,2.00\nit,-4.00\n");
}

#[test]
fn outputs_do_not_lose_rows_because_a_file_is_gone() {
    let project = project();
    project.batchc(&["run", "-q"]);
    let before = project.read("clean.csv");
    std::fs::remove_file(project.path("orders-2.csv")).unwrap();
    let refused = project.batchc(&["rejects", "replay", "bad"]);
    refused.fails(2, "orders-2.csv, which run ");
    assert_eq!(project.read("clean.csv"), before);
}

#[test]
fn rows_are_not_added_to_an_output_that_holds_them() {
    let project = project();
    let text = project.read("pipeline.batch");
    project.write(
        "pipeline.batch",
        text.replace("from clean\noutput", "from clean { mode append }\noutput"),
    );
    project.batchc(&["run", "-q"]);
    let before = project.read("clean.csv");
    let refused = project.batchc(&["rejects", "replay", "bad"]);
    refused.fails(2, "the output `clean_csv` is added to: rows that it holds would be there twice");
    assert_eq!(project.read("clean.csv"), before);
}

#[test]
fn rows_that_a_failed_run_has_left_are_run_again_too() {
    let project = project();
    let text = project.read("pipeline.batch");
    project.write(
        "pipeline.batch",
        text.replace("quarantine bad\n  from", "quarantine bad above 1%\n  from"),
    );
    project.batchc(&["run", "-q"]).fails(4, "D0102");
    assert!(project.batchc(&["rejects"]).data.starts_with("bad: 4 rows"));
    let text = project.read("orders-1.csv");
    let mended = text.replace("fr,x", "fr,2.00").replace("de,y", "de,3.00").replace("5,it\n", "");
    project.write("orders-1.csv", mended);
    let again = project.batchc(&["rejects", "replay", "bad"]);
    let told = "bad: 3 rows not set aside any more, 1 set aside again\n";
    assert!(again.words.ends_with(told), "{}", again.words);
}
