//! The report of a run, field by field, and what is said while it runs.

use super::project::Project;
use serde_json::json;

const PIPELINE: &str = "source orders = csv(\"orders.csv\") {
  id: int key
  country: string
  amount: decimal(8, 2)
}

job clean {
  on error quarantine bad
  partition by hash(country) into 3
  from orders
  filter amount > 0
}

job totals {
  partition round_robin into 2
  from clean
  group by country { total = sum(amount) }
}

job sized {
  partition by size into 2
  from clean
  select id
}

output clean_csv  = csv(\"clean\") from clean
output totals_csv = csv(\"totals\") from totals
output sized_csv  = csv(\"sized\") from sized
";

fn project() -> Project {
    let project = Project::new(PIPELINE);
    let mut text = String::from("id,country,amount\n");
    for id in 0..100 {
        let country = ["de", "fr", "us"][id % 3];
        let amount = if id % 10 == 0 { "x" } else { "1.00" };
        text.push_str(&format!("{id},{country},{amount}\n"));
    }
    text.push_str("100,de,-1.00\n101,de\n");
    project.write("orders.csv", text);
    project
}

#[test]
fn a_report_names_the_run_its_state_time_and_memory() {
    let project = project();
    project.run();
    let report = project.report();
    assert_eq!(report["version"], 1);
    assert_eq!(report["status"], "SUCCESS");
    let id = report["execution_id"].as_str().expect("a name");
    // 20260131-154500-3f2-brave-otter
    let parts: Vec<&str> = id.split('-').collect();
    assert_eq!(parts.iter().map(|part| part.len()).take(3).collect::<Vec<_>>(), [8, 6, 3], "{id}");
    assert_eq!(parts.len(), 5, "{id}");
    let started = report["started"].as_str().expect("a time");
    assert_eq!(started.replace(['-', ':'], "")[..8], id[..8], "{started}");
    assert!(started.ends_with('Z'), "{started}");
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    assert_eq!(report["records_read"], 102);
    assert!(report["records_per_second"].as_f64().is_some_and(|rate| rate > 0.0));
    assert!(report["peak_memory"].as_u64().is_some_and(|bytes| bytes > 1 << 20));
    assert_eq!(report.get("error"), None);
}

#[test]
fn a_report_tells_of_each_job() {
    let project = project();
    project.run();
    let jobs = project.report()["jobs"].clone();
    let clean = &jobs[0];
    let counts = ["records_in", "records_out", "filtered", "quarantined", "records_failed"];
    assert_eq!(counts.map(|key| clean[key].as_u64()), [102, 90, 1, 11, 11].map(Some));
    for (at, name) in ["clean", "totals", "sized"].into_iter().enumerate() {
        let job = &jobs[at];
        assert_eq!((&job["job"], &job["status"]), (&json!(name), &json!("SUCCESS")));
        assert!(job["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{name}");
        assert!(job["records_per_second"].as_f64().is_some_and(|rate| rate > 0.0), "{name}");
    }
    let totals = &jobs[1];
    assert_eq!(
        ["records_in", "records_out", "grouped"].map(|key| totals[key].as_u64()),
        [90, 3, 87].map(Some)
    );
}

#[test]
fn a_report_tells_of_each_partition() {
    let project = project();
    project.run();
    let jobs = project.report()["jobs"].clone();
    let of = |at: usize, key: &str| -> Vec<u64> {
        let partitions = jobs[at]["partitions"].as_array().expect("partitions");
        for (number, partition) in partitions.iter().enumerate() {
            assert_eq!(partition["partition"], number);
        }
        partitions.iter().map(|one| one[key].as_u64().expect("a count")).collect()
    };
    // int(md5(country), 16) % 3 is 1 for de, 2 for fr and 0 for us.
    let files = project.names("clean");
    assert_eq!(files, ["part-00000.csv", "part-00001.csv", "part-00002.csv"]);
    let rows = |folder: &str, file: &String| {
        project.read(&format!("{folder}/{file}")).lines().count() as u64 - 1
    };
    let in_files: Vec<u64> = files.iter().map(|file| rows("clean", file)).collect();
    assert_eq!(of(0, "records_processed"), in_files);
    assert_eq!(of(0, "records_processed").iter().sum::<u64>(), 90);
    // Ten rows had a country and a bad amount; the eleventh was no row at all.
    assert_eq!(of(0, "records_failed").iter().sum::<u64>(), 10);
    let failed_de = (0..100).filter(|id| id % 3 == 0 && id % 10 == 0).count() as u64;
    assert!(project.read("clean/part-00001.csv").contains(",de,"));
    assert_eq!(of(0, "records_failed")[1], failed_de);
    assert_eq!(of(1, "records_processed"), [2, 1]);
    assert_eq!(of(2, "records_processed"), [45, 45]);
    assert_eq!(of(2, "records_failed"), [0, 0]);
}

#[test]
fn a_report_tells_of_each_output() {
    let project = project();
    project.run();
    let outputs = project.report()["outputs"].clone();
    assert_eq!(outputs.as_array().map(Vec::len), Some(3));
    let of = |key: &str| outputs[1][key].clone();
    assert_eq!((of("output"), of("records")), (json!("totals_csv"), json!(3)));
    assert_eq!(of("path"), "totals");
    let bytes: u64 = project
        .names("totals")
        .iter()
        .map(|file| project.read(&format!("totals/{file}")).len() as u64)
        .sum();
    assert_eq!(of("bytes"), bytes);
}

#[test]
fn rows_without_a_key_are_counted_where_they_match_nothing() {
    let project = Project::new(
        "source users = csv(\"users.csv\") {
  id: int key
}

source orders = csv(\"orders.csv\") {
  order_id: int key
  id: int?
}

job both {
  from orders
  left join users on id
}

output out = csv(\"out.csv\") from both
",
    );
    project.write("users.csv", "id\n1\n2\n");
    project.write("orders.csv", "order_id,id\n1,1\n2,\n3,\n4,9\n");
    let words = project.run().words;
    assert_eq!(project.report()["jobs"][0]["null_keys"], 2);
    assert!(
        words.contains("both: 2 rows without a key, which match nothing in a join\n"),
        "{words}"
    );
}

#[test]
fn a_failed_run_says_why_and_which_job_failed() {
    let project = project();
    let text = project.read("pipeline.batch").replace("  on error quarantine bad\n", "");
    project.write("pipeline.batch", text);
    let ended = project.batchc(&["run", "--report", "report.json"]);
    ended.fails(3, "pipeline.batch failed after");
    let report = project.report();
    assert_eq!(report["status"], "FAILED");
    let error = report["error"].as_str().expect("a reason");
    assert!(error.contains("orders.csv:2: amount: \"x\" is not a decimal(8, 2)"), "{error}");
    assert_eq!(report["jobs"][0]["status"], "FAILED");
    assert_eq!(report["jobs"][1]["status"], "CANCELLED");
    assert_eq!(report["outputs"], json!([]));
}

#[test]
fn a_run_that_cannot_start_leaves_no_report_of_an_earlier_one() {
    let project = project();
    let failed = |arguments: &[&str], code: i32, why: &str| {
        project.run();
        assert_eq!(project.report()["status"], "SUCCESS");
        let arguments = [&["run", "--report", "report.json"], arguments].concat();
        assert_eq!(project.batchc(&arguments).code, Some(code));
        let report = project.report();
        assert_eq!(report["status"], "FAILED");
        assert_eq!(report["jobs"], json!([]));
        assert!(report["error"].as_str().is_some_and(|error| error.contains(why)), "{report}");
    };
    failed(&["-p", "nowhere=1"], 2, "the pipeline has no parameter `nowhere`");
    failed(&["--select", "nothing"], 2, "there is no output or job `nothing`");
    failed(&["missing.batch"], 2, "cannot read missing.batch");
    project.write("sub/wrong.batch", PIPELINE.replace("filter amount", "filter amuont"));
    failed(&["sub/wrong.batch"], 1, "E0101: ");
    // What is no report stays, and a dry run writes none.
    project.write("notes.json", "{}");
    project.batchc(&["run", "--report", "notes.json", "sub/wrong.batch"]).fails(1, "E0101");
    assert_eq!(project.read("notes.json"), "{}");
    project.batchc(&["run", "-n", "--report", "new.json", "sub/wrong.batch"]).fails(1, "E0101");
    assert!(!project.path("new.json").exists());
}

#[test]
fn jobs_are_told_line_by_line_when_nobody_looks() {
    let project = project();
    let words = project.run().words;
    for line in [
        "clean started\n",
        "clean done: 90 rows in ",
        "totals started\n",
        "totals done: 3 rows in ",
    ] {
        assert!(words.contains(line), "{line:?} is not in\n{words}");
    }
    assert!(!words.contains('\r') && !words.contains('\u{1b}'), "{words:?}");
    for flags in [["run", "--no-progress"], ["run", "--quiet"]] {
        let words = project.batchc(&flags).words;
        assert!(!words.contains("started"), "{words}");
    }
    assert_eq!(project.batchc(&["run", "-q"]).words, "");
}

/// Where every row that is read ends in a `take`, and where another job needs all of them.
const TAKES: &str = "source numbers = text(\"numbers.txt\")

job parsed {
  on error drop
  from numbers
  derive n = line as int
}

job firsts {
  from parsed
  filter n % 2 == 0
  take 3
}

job counted {
  from parsed
  group { n = count() }
}

output firsts_csv = csv(\"firsts.csv\") from firsts
output counted_csv = csv(\"counted.csv\") from counted
";

#[test]
fn nothing_is_read_once_every_take_has_its_rows() {
    let project = Project::new(TAKES);
    let mut text = String::new();
    for n in 0..300_000 {
        let bad = if n % 100_000 == 1 { "x" } else { "" };
        text += &format!("{bad}{n:09}\n");
    }
    project.write("numbers.txt", text);
    let counts = |select: &[&str], threads: &str| {
        project.run_with(&[&["--threads", threads], select].concat());
        let firsts = project.read("firsts.csv");
        assert_eq!(firsts, "line,n\n000000000,0\n000000002,2\n000000004,4\n");
        let report = project.report();
        let job = |name: &str| {
            let jobs = report["jobs"].as_array().expect("jobs").iter();
            let job = jobs.into_iter().find(|job| job["job"] == name).expect("it ran");
            ["records_in", "records_out", "dropped", "filtered"].map(|key| job[key].as_u64())
        };
        [job("parsed"), job("firsts")]
    };
    let few = counts(&["--select", "+firsts_csv"], "1");
    for threads in ["2", "8"] {
        assert_eq!(counts(&["--select", "+firsts_csv"], threads), few, "{threads} threads");
    }
    let [Some(read), Some(given), Some(1), _] = few[0] else { panic!("{few:?}") };
    assert_eq!(read, given + 1);
    assert!((5..100_000).contains(&read), "{read} rows were read");
    assert_eq!(few[1], [Some(given), Some(3), Some(0), Some(given - 3)]);
    let all = counts(&[], "4");
    assert_eq!(all[0], [Some(300_000), Some(299_997), Some(3), Some(0)]);
    assert_eq!(all[1], [Some(299_997), Some(3), Some(0), Some(299_994)]);
}

#[test]
fn rows_that_a_take_leaves_of_a_sort_are_accounted_for() {
    let project = Project::new(
        "source numbers = csv(\"numbers.csv\") { n: int }

job last {
  from numbers
  sort -n
  filter n % 2 == 0
  take 3
}

output last_csv = csv(\"last.csv\") from last
",
    );
    let lines: String = (0..300_000).map(|n| format!("{n}\n")).collect();
    project.write("numbers.csv", format!("n\n{lines}"));
    project.run();
    assert_eq!(project.read("last.csv"), "n\n299998\n299996\n299994\n");
    let job = &project.report()["jobs"][0];
    assert_eq!((&job["records_in"], &job["filtered"]), (&300_000.into(), &299_997.into()));
}

#[test]
fn a_report_replaces_nothing_of_the_pipeline() {
    let project = Project::new(
        "source numbers = csv(\"numbers.csv\") { n: int }
output all = csv(\"out/all.csv\") from numbers
",
    );
    project.write("numbers.csv", "n\n1\n");
    let replaced = [
        ("pipeline.batch", "the pipeline"),
        ("./numbers.csv", "what `numbers` reads"),
        ("out/../out/all.csv", "the output `all`"),
    ];
    for (file, what) in replaced {
        let ended = project.batchc(&["run", "--report", file]);
        ended.fails(2, &format!("the report {file} would replace {what}"));
    }
    assert_eq!(project.read("numbers.csv"), "n\n1\n");
    project.run();
}
