//! Rules about all rows: judged beside the rows that go on, and before anything is published.

use super::project::Project;
use serde_json::json;

fn pipeline(rules: &str) -> String {
    format!(
        "source s = csv(\"s.csv\") {{
  id:   int
  name: string?
}}

job j {{
  from s
{rules}
  filter id > 1
}}

job counted {{
  from j
  group by name {{ n = count() }}
}}

output o = csv(\"out/o.csv\") from j
output c = csv(\"out/c.csv\") from counted
"
    )
}

const ROWS: &str = "id,name\n1,a\n2,\n2,c\n3,c\n";

#[test]
fn rules_that_hold_change_nothing() {
    let project = Project::new(&pipeline(
        "  expect count() == 4
  expect sum(id) == 8 else fail
  expect unique(id, name)
  expect null_rate(name) < 0.3 else warn
  expect max(id) > 2 and run.date > @2000-01-01 else warn",
    ));
    project.write("s.csv", ROWS);
    for threads in ["1", "4"] {
        let run = project.batchc(&["run", "--fresh", "--threads", threads, "--report", "r.json"]);
        assert_eq!(run.code, Some(0), "{}", run.words);
        assert!(!run.words.contains("does not hold"), "{}", run.words);
        assert_eq!(project.read("out/o.csv"), "id,name\n2,\n2,c\n3,c\n");
        let report: serde_json::Value =
            serde_json::from_str(&project.read("r.json")).expect("JSON");
        let job = &report["jobs"][0];
        assert_eq!((&job["records_in"], &job["records_out"]), (&json!(4), &json!(3)));
        assert_eq!(job["rules"].as_array().map(Vec::len), Some(5));
        assert!(job["rules"].as_array().is_some_and(|all| all.iter().all(|one| one[1] == true)));
        assert_eq!(report["jobs"].as_array().map(Vec::len), Some(2), "judges are not shown");
    }
}

#[test]
fn a_rule_that_fails_publishes_nothing() {
    for (rule, name) in [
        ("expect one: unique(id)", "one"),
        ("expect unique(name) else fail", "unique(name)"),
        ("expect few: count() < 4", "few"),
        ("expect max(name) < \"b\"", "max(name) < \\\"b\\\""),
    ] {
        let project = Project::new(&pipeline(&format!("  {rule}")));
        project.write("s.csv", ROWS);
        for again in [false, true] {
            let run = project.batchc(&["run", "--report", "r.json"]);
            assert_eq!(run.code, Some(4), "{rule}, {again}: {}", run.words);
            assert!(run.words.contains("D0101"), "{rule}: {}", run.words);
            assert_eq!(project.names("out"), [""; 0], "{rule}");
            let report = project.read("r.json");
            assert!(report.contains("FAILED"), "{report}");
            let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
            assert_eq!(report["jobs"][0]["status"], "FAILED", "{rule}: {report:#}");
        }
        let _ = name;
        // What was kept of the run that failed does not stand for rows that are right.
        project.write("s.csv", "id,name\n1,a\n2,ab\n");
        let run = project.batchc(&["run"]);
        assert_eq!(run.code, Some(0), "{rule}: {}", run.words);
    }
}

#[test]
fn a_rule_that_warns_is_told_and_counted() {
    let project = Project::new(&pipeline("  expect few: count() < 4 else warn"));
    project.write("s.csv", ROWS);
    let run = project.batchc(&["run", "--report", "r.json"]);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert!(run.words.contains("j: `few` does not hold: count() is 4\n"), "{}", run.words);
    let report: serde_json::Value = serde_json::from_str(&project.read("r.json")).expect("JSON");
    assert_eq!(report["jobs"][0]["rules"], json!([["few", false, "count() is 4"]]));
    assert_eq!(report["jobs"][0]["status"], "SUCCESS");
    assert!(project.names("out").len() == 2);
}

#[test]
fn no_rows_are_a_table_too() {
    let rules = "  expect not_empty: count() > 0 else warn\n  expect unique(id)\n  expect known: max(id) > 0 else warn";
    let project = Project::new(&pipeline(rules));
    project.write("s.csv", "id,name\n");
    let run = project.batchc(&["run"]);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert!(run.words.contains("`not_empty` does not hold"), "{}", run.words);
    assert!(run.words.contains("`known` does not hold"), "{}", run.words);
}

#[test]
fn a_rule_sees_the_rows_of_its_line() {
    let rules = "  filter id < 3\n  expect all_small: max(id) == 2\n  expect before: count() == 3";
    let project = Project::new(&pipeline(rules));
    project.write("s.csv", ROWS);
    let run = project.batchc(&["run"]);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert_eq!(project.read("out/o.csv"), "id,name\n2,\n2,c\n");
}

#[test]
fn many_keys_go_to_disk() {
    let project = Project::new(&pipeline("  expect one: unique(id, name) else warn"));
    let mut rows = String::from("id,name\n");
    for at in 0..200_000 {
        rows.push_str(&format!("{at},a name of some length {at}\n"));
    }
    project.write("s.csv", &rows);
    let little = project.batchc(&["run", "--fresh", "--memory", "4MB", "--threads", "2"]);
    assert_eq!(little.code, Some(0), "{}", little.words);
    assert!(!little.words.contains("does not hold"), "{}", little.words);
    assert!(little.words.contains("went to disk"), "{}", little.words);
    project.write("s.csv", format!("{rows}7,a name of some length 7\n"));
    let broken = project.batchc(&["run", "--memory", "4MB"]);
    assert!(broken.words.contains("`one` does not hold"), "{}", broken.words);
}

#[test]
fn a_rule_that_fails_says_what_it_saw() {
    let told = [
        ("unique(id)", "the key 2 comes more than once"),
        ("unique(name)", "the key \"c\" comes more than once"),
        ("unique(id > 1, id < 3)", "the key (true, true) comes more than once"),
        ("unique(id > 0)", "the key true comes more than once"),
        ("unique(id * 0, nullif(id, id))", "the key (0, null) comes more than once"),
        ("count() > 4 and null_rate(name) < 0.2", "count() is 4, null_rate(name) is 0.25"),
        ("max(name) == \"b\"", "max(name) is \"c\""),
        ("sum(id * 2) < 5", "sum(…) is 16"),
    ];
    for (rule, seen) in told {
        let project = Project::new(&pipeline(&format!("  expect r: {rule} else fail")));
        project.write("s.csv", ROWS);
        for threads in ["1", "4"] {
            let run = project.batchc(&["run", "--threads", threads]);
            run.fails(4, &format!("`r` does not hold: {seen}\n"));
        }
        project.write("pipeline.batch", pipeline(&format!("  expect r: {rule} else warn")));
        for threads in ["1", "4"] {
            let run = project.batchc(&["run", "--fresh", "--threads", threads]);
            let line = format!("  j: `r` does not hold: {seen}\n");
            assert!(run.words.contains(&line), "{rule}: {}", run.words);
        }
    }
}

#[test]
fn the_first_of_several_keys_is_told() {
    let mut rows = String::from("id,name\n");
    for at in (0..40_000).rev() {
        rows.push_str(&format!("{},a name {}\n", 7 + at / 2 % 15_000, at / 2));
    }
    let seen = "`one` does not hold: 15000 keys come more than once, the first of them 7\n";
    for memory in [&[][..], &["--memory", "4MB"]] {
        for threads in ["1", "4"] {
            let project = Project::new(&pipeline("  expect one: unique(id) else warn"));
            project.write("s.csv", &rows);
            let run = project.batchc(&[&["run", "--threads", threads], memory].concat());
            assert!(run.words.contains(seen), "{}", run.words);
        }
    }
}

#[test]
fn values_that_are_sensitive_are_not_told() {
    let told = [
        ("unique(name)", "1 key comes more than once"),
        ("unique(id)", "1 key comes more than once"),
        ("count() > 4 and null_rate(name) < 0.2", "count() is 4, null_rate(name) is 0.25"),
        ("max(name) == \"b\"", "max(name) is …"),
        ("sum(id) < 5", "sum(id) is …"),
    ];
    for (rule, seen) in told {
        for (end, code) in [("warn", 0), ("fail", 4)] {
            let text = pipeline(&format!("  expect r: {rule} else {end}"))
                .replace("name: string?", "name: string? sensitive")
                .replace("from j\noutput", "from j { allow sensitive name }\noutput")
                .replace("from counted\n", "from counted { allow sensitive name }\n");
            let project = Project::new(&text);
            project.write("s.csv", ROWS);
            let run = project.batchc(&["run"]);
            assert_eq!(run.code, Some(code), "{rule}: {}", run.words);
            let line = format!("`r` does not hold: {seen}\n");
            assert!(run.words.contains(&line), "{rule}: {}", run.words);
        }
    }
}

#[test]
fn what_a_rule_has_seen_is_told_of_what_is_not_computed_again() {
    let text = pipeline("  expect few: count() < 4 else warn")
        + "
job last {
  from counted
  expect none: n > 9 else fail
}

output l = csv(\"out/l.csv\") from last
";
    let project = Project::new(&text);
    project.write("s.csv", ROWS);
    let seen = "j: `few` does not hold: count() is 4\n";
    let run = project.batchc(&["run", "--checkpoints", "always"]);
    run.fails(4, "`none` does not hold");
    project.write("pipeline.batch", text.replace("n > 9", "n > 0"));
    let run = project.batchc(&["run", "--checkpoints", "always"]);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert!(run.words.contains("went on from what run"), "{}", run.words);
    assert!(run.words.contains(seen), "{}", run.words);
}

#[test]
fn all_limits_that_are_broken_are_told() {
    let project = Project::new(
        "source s = csv(\"s.csv\") {
  id:   int
  name: string?
}

source t = csv(\"t.csv\") {
  id:   int key
  size: int
}

job j {
  on error quarantine bad above 10%
  from s
  expect small: id < 3 else drop above 1%
  expect named: name is not null else quarantine nameless above 1%
  expect early: id < 9 else drop above 1%
  left join t on id == t.id
}

output o = csv(\"out/o.csv\") from j
",
    );
    project.write("s.csv", "id,name\nx,a\n1,\n2,c\n3,c\n");
    project.write("t.csv", "id,size\n1,x\n2,2\n");
    let run = project.batchc(&["run", "--report", "r.json"]);
    run.fails(4, "1 of 4 rows failed (25.00%), more than the 10% allowed");
    let told = [
        (
            "1 of 4 rows failed (25.00%), more than the 10%",
            "look at the rows in .batchc/quarantine/bad.jsonl",
        ),
        ("1 of 2 rows of `t` failed (50.00%)", "look at the rows in .batchc/quarantine/bad.jsonl"),
        ("1 of 3 rows failed (33.33%)", "set the rows aside to see them, `quarantine bad_j`"),
        ("1 of 2 rows failed (50.00%)", "look at the rows in .batchc/quarantine/nameless.jsonl"),
    ];
    let mut rest = &run.words[..];
    for (message, help) in told {
        for part in [message, help] {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part}: {}", run.words));
            rest = &rest[at..];
        }
    }
    assert_eq!(run.words.matches("error[D0102]").count(), told.len(), "{}", run.words);
    let report: serde_json::Value = serde_json::from_str(&project.read("r.json")).expect("JSON");
    let job = report["jobs"][0]["error"].as_str().expect("a reason");
    assert_eq!(job.lines().count(), told.len(), "{job}");
    assert_eq!(report["error"], report["jobs"][0]["error"]);
}

#[test]
fn limits_that_are_broken_are_told_in_the_order_of_the_text() {
    // The first job reads the second, which is done before it.
    let project = Project::new(
        "source s = csv(\"s.csv\") {
  id: int
}

job later {
  from earlier
  expect few: id < 3 else drop above 1%
}

job earlier {
  from s
  on error drop above 10%
  expect small: id < 4 else drop above 2%
}

output o = csv(\"out/o.csv\") from later
",
    );
    project.write("s.csv", "id\nx\n1\n3\n4\n");
    let run = project.batchc(&["run"]);
    run.fails(4, "more than the 1% allowed");
    let at = |limit: &str| {
        let message = format!("more than the {limit} allowed");
        run.words.find(&message).unwrap_or_else(|| panic!("{limit}: {}", run.words))
    };
    assert!(at("1%") < at("10%") && at("10%") < at("2%"), "{}", run.words);
}

#[test]
fn tests_of_programs_judge_rules() {
    let test = "
test \"unique\" {
  given s
    | id | name |
    | 1  | a    |
    | 1  | b    |
  want j fails \"one\"
}

test \"holds\" {
  given s
    | id | name |
    | 1  | a    |
    | 2  | b    |
  want j
    | id |
    | 2  |
}
";
    let project = Project::new(&(pipeline("  expect one: unique(id)") + test));
    let ended = project.batchc(&["test"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.words, ended.data);
}

#[test]
fn a_rule_is_judged_anew_when_the_table_that_it_looks_into_changes() {
    let project = Project::new(
        "source orders = csv(\"orders.csv\") { id: int key, customer: int }
source customers = csv(\"customers.csv\") { id: int key, name: string }

job known {
  from orders
  expect exists_in(customer, customers.id) else quarantine unknown
}

output o = csv(\"o.csv\") from known
",
    );
    project.write("orders.csv", "id,customer\n1,7\n2,8\n");
    project.write("customers.csv", "id,name\n7,Ada\n");
    project.run();
    assert_eq!(project.read("o.csv"), "id,customer\n1,7\n");
    assert_eq!(project.read(".batchc/quarantine/unknown.jsonl").lines().count(), 1);
    project.write("customers.csv", "id,name\n7,Ada\n8,Bo\n");
    let run = project.batchc(&["run"]);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert!(run.words.contains("customers.csv"), "{}", run.words);
    assert_eq!(project.read("o.csv"), "id,customer\n1,7\n2,8\n");
    assert_eq!(project.read(".batchc/quarantine/unknown.jsonl"), "");
}

#[test]
fn a_table_without_nulls_may_be_empty() {
    let project = Project::new(&pipeline("  expect none: null_rate(name) == 0"));
    project.write("s.csv", "id,name\n");
    project.run();
    project.write("s.csv", "id,name\n2,a\n3,b\n");
    project.run();
    assert_eq!(project.read("out/o.csv"), "id,name\n2,a\n3,b\n");
    project.write("s.csv", ROWS);
    let run = project.batchc(&["run"]);
    run.fails(4, "s.csv:3: `none` does not hold");
    assert_eq!(project.read("out/o.csv"), "id,name\n2,a\n3,b\n");
}

#[test]
fn a_rule_that_was_not_judged_is_not_said_to_hold() {
    let rules = "  expect few: sum(id) // (count() - 4) > 1 else warn\n  expect some: count() > 0";
    let project = Project::new(&pipeline(rules));
    project.write("s.csv", ROWS);
    for threads in ["1", "4"] {
        let run = project.batchc(&["run", "--threads", threads, "--report", "r.json"]);
        run.fails(3, "division by zero");
        let report: serde_json::Value =
            serde_json::from_str(&project.read("r.json")).expect("JSON");
        let rules = report["jobs"][0]["rules"].as_array().cloned().unwrap_or_default();
        assert!(rules.iter().all(|rule| rule[0] != "few"), "{rules:?}");
        assert!(rules.iter().all(|rule| rule[1] == true), "{rules:?}");
    }
}
