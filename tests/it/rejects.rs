//! Where rows go that fail: `on error fail`, `drop`, `null`, `quarantine`, and rules about data.

use super::project::Project;
use serde_json::json;

const ORDERS: &str = "id,amount,day\n1,10.00,2026-01-01\n2,x,2026-01-02\n3,1\n4,5.00,2026-02-30\n";

/// A pipeline that reads `orders.csv` and does with bad rows what `policy` says.
fn orders(policy: &str, steps: &str) -> Project {
    let project = Project::new(&format!(
        "source orders = csv(\"orders.csv\") {{
  id: int key
  amount: decimal(8, 2)
  day: date
}}

job clean {{
  {policy}
  from orders
{steps}}}

output out = csv(\"out.csv\") from clean
"
    ));
    project.write("orders.csv", ORDERS);
    project
}

#[test]
fn fail_stops_at_the_first_bad_row_and_writes_nothing() {
    let project = orders("on error fail", "");
    project.write("out.csv", "old\n");
    let ended = project.batchc(&["run", "--report", "report.json"]);
    ended.fails(3, "orders.csv:3: amount: \"x\" is not a decimal");
    ended.fails(3, "`on error quarantine bad_clean`");
    assert_eq!(project.read("out.csv"), "old\n");
    assert_eq!(
        project.names("."),
        [".batchc", "orders.csv", "out.csv", "pipeline.batch", "report.json"]
    );
    assert_eq!(project.report()["status"], "FAILED");
    assert_eq!(project.report()["jobs"][0]["status"], "FAILED");
}

#[test]
fn the_job_whose_row_failed_is_named() {
    let project = orders("on error drop", "");
    let text = project.read("pipeline.batch");
    let second = "job other {\n  from orders\n  take 4\n}\noutput o = csv(\"o.csv\") from other\n";
    project.write("pipeline.batch", text + second);
    project.batchc(&["run"]).fails(3, "`on error quarantine bad_other`");
}

#[test]
fn drop_leaves_bad_rows_out_and_counts_them() {
    let project = orders("on error drop", "");
    project.run();
    assert_eq!(project.read("out.csv"), "id,amount,day\n1,10.00,2026-01-01\n");
    let job = &project.report()["jobs"][0];
    assert_eq!((&job["records_in"], &job["dropped"]), (&json!(4), &json!(3)));
    assert_eq!((&job["records_out"], &job["records_failed"]), (&json!(1), &json!(3)));
}

#[test]
fn null_keeps_rows_and_drops_what_is_no_row() {
    let project = orders("on error null", "");
    let ended = project.run();
    assert_eq!(
        project.read("out.csv"),
        "id,amount,day\n1,10.00,2026-01-01\n2,,2026-01-02\n4,5.00,\n"
    );
    assert!(ended.words.contains("clean: 2 rows with values that became null"), "{}", ended.words);
    let job = &project.report()["jobs"][0];
    assert_eq!((&job["nulled"], &job["dropped"]), (&json!(2), &json!(1)));
}

#[test]
fn quarantine_tells_reason_file_row_and_line() {
    let project = orders("on error quarantine bad_orders", "");
    project.run();
    assert_eq!(project.read("out.csv"), "id,amount,day\n1,10.00,2026-01-01\n");
    let of =
        |row: u64, reason: &str| (json!("orders.csv"), json!(row), json!(row + 1), json!(reason));
    let records = project.records(".batchc/quarantine/bad_orders.jsonl");
    let told: Vec<_> = records
        .iter()
        .map(|one| {
            let told =
                ["_source_file", "_source_row", "_line", "_reason"].map(|key| one[key].clone());
            let [file, row, line, reason] = told;
            assert_eq!(one["_job"], "clean");
            (file, row, line, reason)
        })
        .collect();
    assert_eq!(
        told,
        [
            of(2, "amount: \"x\" is not a decimal(8, 2)"),
            of(3, "2 fields where the header has 3"),
            of(4, "day: \"2026-02-30\" is not a date: February 2026 has 28 days"),
        ]
    );
    // What could be read is kept with its type, and the text of the record.
    assert_eq!((&records[0]["id"], &records[0]["day"]), (&json!(2), &json!("2026-01-02")));
    assert_eq!((&records[1]["id"], &records[1]["_text"]), (&json!(null), &json!("3,1")));
    assert_eq!(records[0]["_text"], "2,x,2026-01-02");
    // Without bad rows the next run leaves an empty quarantine.
    project.write("orders.csv", "id,amount,day\n1,10.00,2026-01-01\n");
    project.run();
    assert_eq!(project.read(".batchc/quarantine/bad_orders.jsonl"), "");
    assert_eq!(project.read(".batchc/.gitignore"), "*\n");
}

#[test]
fn expressions_that_fail_go_the_same_ways() {
    let steps = "  derive share = 100 // (id - 2)\n";
    let good = "id,amount,day\n1,1.00,2026-01-01\n2,2.00,2026-01-02\n3,3.00,2026-01-03\n";
    let with = |policy: &str| {
        let project = orders(policy, steps);
        project.write("orders.csv", good);
        project
    };
    with("").batchc(&["run"]).fails(3, "orders.csv:3: ");
    for (policy, shares) in [
        ("on error drop", vec!["-100", "100"]),
        ("on error null", vec!["-100", "", "100"]),
        ("on error quarantine bad", vec!["-100", "100"]),
    ] {
        let project = with(policy);
        project.run();
        let text = project.read("out.csv");
        let found: Vec<&str> =
            text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap_or("")).collect();
        assert_eq!(found, shares, "{policy}");
        if policy.ends_with("bad") {
            let bad = project.records(".batchc/quarantine/bad.jsonl");
            assert_eq!(bad.len(), 1);
            assert_eq!((&bad[0]["id"], &bad[0]["_source_row"]), (&json!(2), &json!(2)));
            assert_eq!(
                (&bad[0]["_source_file"], &bad[0]["_job"]),
                (&json!("orders.csv"), &json!("clean"))
            );
        }
    }
}

#[test]
fn more_bad_rows_than_allowed_fail_the_run_and_change_nothing() {
    let project = orders("on error quarantine bad_orders above 50%", "");
    project.write("out.csv", "old\n");
    let ended = project.batchc(&["run", "--report", "report.json"]);
    ended.fails(4, "3 of 4 rows failed (75.00%), more than the 50% allowed");
    assert_eq!(project.read("out.csv"), "old\n");
    assert_eq!(project.report()["jobs"][0]["status"], "FAILED");
    let allowed = orders("on error quarantine bad_orders above 80%", "");
    allowed.run();
}

#[test]
fn rules_warn_drop_set_aside_and_fail() {
    let good = "id,amount,day\n1,1.00,2026-01-01\n2,-2.00,2026-01-02\n3,3.00,2026-01-03\n";
    let with = |action: &str| {
        let project = orders("", &format!("  expect positive: amount > 0 {action}\n"));
        project.write("orders.csv", good);
        project
    };
    with("else fail").batchc(&["run"]).fails(4, "orders.csv:3: `positive` does not hold");
    for (action, rows) in [("else warn", 3), ("else drop", 2), ("else quarantine odd", 2)] {
        let project = with(action);
        let ended = project.run();
        assert_eq!(project.read("out.csv").lines().count() - 1, rows, "{action}");
        assert!(
            ended.words.contains("clean: `positive` does not hold for 1 row\n"),
            "{}",
            ended.words
        );
        let job = &project.report()["jobs"][0];
        assert_eq!(job["expectations"], json!([["positive", 1]]));
    }
    let project = with("else quarantine odd");
    project.run();
    let odd = project.records(".batchc/quarantine/odd.jsonl");
    assert_eq!((&odd[0]["id"], &odd[0]["amount"]), (&json!(2), &json!("-2.00")));
    assert_eq!(
        (&odd[0]["_reason"], &odd[0]["_source_row"]),
        (&json!("`positive` does not hold"), &json!(2))
    );
}

#[test]
fn what_is_not_selected_keeps_its_quarantine() {
    let project = orders("on error quarantine bad_orders", "");
    let text = project.read("pipeline.batch");
    let second = "job ids {\n  on error quarantine bad_ids\n  from orders\n}\noutput ids_csv = csv(\"ids.csv\") from ids\n";
    project.write("pipeline.batch", text + second);
    project.run();
    let before = project.read(".batchc/quarantine/bad_ids.jsonl");
    assert_eq!(before.lines().count(), 3);
    project.write("orders.csv", "id,amount,day\n");
    assert_eq!(project.batchc(&["run", "--select", "out"]).code, Some(0));
    assert_eq!(project.read(".batchc/quarantine/bad_ids.jsonl"), before);
    assert_eq!(project.read(".batchc/quarantine/bad_orders.jsonl"), "");
}

/// Steps in which rows fail for all reasons, several of them at one place of the source.
const STEPS: &[&str] = &[
    "derive tags = split(texts, \"|\")",
    "explode tags as tag",
    "drop texts",
    "derive x = a // b",
    "set a = a + 1",
    "filter x > -2 nulls keep",
    "derive y = 100 // a",
    "derive unread = a * 4000000000 * b",
    "set x = x * 3",
    "rename y as w",
    "filter w % b < 50 nulls keep",
    "derive f = (a as float) / 4.0",
    "set f = f + 1.0",
    "select id, tag, q = w // x, a, x, f",
    "filter f > 0.5 nulls drop",
];

/// What a run of the steps says, counts and leaves, with something between each two of them.
fn ran(policy: &str, between: &str) -> (Vec<String>, Vec<serde_json::Value>, Vec<String>) {
    let steps = STEPS.join(&format!("\n{between}  "));
    let project = Project::new(&format!(
        "source rows = csv(\"rows.csv\") {{ id: int, a: int?, b: int?, texts: string }}

job shares {{
  on error {policy}
  partition by hash(id) into 3
  from rows
  {steps}
}}

output out = csv(\"out\") from shares
"
    ));
    let mut rows = String::from("id,a,b,texts\n");
    for id in 1..=200_i64 {
        let a = ["0", "-1", "7", "", "5000000000", "3"][id as usize % 6];
        let b = ["0", "1", "2", "-3"][id as usize % 4];
        rows.push_str(&format!("{id},{a},{b},{}\n", ["p", "p|q|r", "q|p"][id as usize % 3]));
    }
    project.write("rows.csv", rows);
    let ended = project.batchc(&["run", "--report", "report.json"]);
    let job = &project.report()["jobs"][0];
    let counts = ["records_out", "filtered", "dropped", "quarantined", "nulled", "added"];
    let counts = counts.iter().chain(&["records_failed", "partitions", "unfinished"]);
    let left = project.files().into_iter().filter(|name| name.ends_with(['v', 'l']));
    (
        ended.words.lines().filter(|line| line.starts_with("  ×")).map(String::from).collect(),
        counts.map(|&count| job[count].clone()).collect(),
        left.map(|name| format!("{name}:\n{}", project.read(&name))).collect(),
    )
}

#[test]
fn steps_that_are_computed_together_mean_what_each_means_alone() {
    for policy in ["fail", "drop", "null", "quarantine aside"] {
        let together = ran(policy, "");
        // A rule stands between the steps, and is always met.
        assert_eq!(together, ran(policy, "  expect id > 0 else warn\n"), "on error {policy}");
        let (words, counts, left) = together;
        match policy {
            // A later step would fail on the first row.
            "fail" => assert_eq!(words, ["  × rows.csv:5: division by zero"]),
            _ => assert!(words.is_empty() && left.len() > 3, "{words:?} {left:?}"),
        }
        let count = |at: usize| counts[at].as_u64().expect("a number");
        let (dropped, quarantined, nulled) = (count(2), count(3), count(4));
        let failed = [("drop", dropped), ("quarantine aside", quarantined), ("null", nulled)];
        for (of, failed) in failed {
            assert_eq!(failed > 50, of == policy, "{of}: {failed} rows, on error {policy}");
        }
    }
}

#[test]
fn a_quarantine_is_read_wherever_its_pipeline_is() {
    let project = Project::new("");
    let pipeline = "source s = csv(\"s.csv\") { id: int, a: int }\n\
        job clean {\n  on error quarantine bad\n  from s\n}\n\
        job reasons {\n  from quarantine.bad\n  select _reason, _source_row\n}\n\
        output o = csv(\"o.csv\") from clean\noutput r = csv(\"r.csv\") from reasons\n";
    project.write("below/p.batch", pipeline);
    project.write("below/s.csv", "id,a\n1,2\n2,x\n");
    let ended = project.batchc(&["run", "-q", "below/p.batch"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(
        project.read("below/r.csv"),
        "_reason,_source_row\n\"a: \"\"x\"\" is not an int\",2\n"
    );
    let shown = project.batchc(&["preview", "below/p.batch", "reasons"]);
    assert!(shown.data.contains("is not an int"), "{}", shown.words);
}
