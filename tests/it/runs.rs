//! Small pipelines that are run as a user does, for what only a run shows. Outputs are written
//! down here, byte by byte.

use super::examples::batchc;
use super::project::Project;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Runs a pipeline over files in a folder of its own, with 1 and 4 threads, and gives the bytes of
/// one output.
fn run(pipeline: &str, files: &[(&str, &str)], output: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("pipeline.batch"), pipeline).expect("it can be written");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("it can be written");
    }
    let one = output_of(folder.path(), "1", output);
    assert_eq!(one, output_of(folder.path(), "4", output), "with 4 threads");
    one
}

fn output_of(folder: &Path, threads: &str, output: &str) -> String {
    let ran = batchc(folder, "run", &["--no-progress", "--threads", threads]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    fs::read_to_string(folder.join(output)).expect("the output is there")
}

#[test]
fn rows_balance_when_a_job_over_a_job_begins_with_a_join_with_a_source() {
    let pipeline = r#"
source left = csv("left.csv") { k: int }
source right = csv("right.csv") { k: int }
job first {
  from left
}
job second {
  from first
  anti join right on k
}
output out = csv("out.csv") from second
"#;
    let files = [("left.csv", "k\n1\n2\n3\n"), ("right.csv", "k\n2\n")];
    assert_eq!(run(pipeline, &files, "out.csv"), "k\n1\n3\n");
}

#[test]
fn a_union_may_have_a_column_that_is_read_before_it_in_one_table_alone() {
    let pipeline = r#"
source raw = csv("raw.csv") { k: int, a: datetime, b: int }
job first {
  from raw
  filter a > @2024-01-02T00:00
  take 5 by a
  union raw
  group by k {
    n = count()
  }
}
output out = csv("out.csv") from first
"#;
    let raw = "k,a,b\n1,2024-01-01T00:00:00,1\n2,2024-02-01T00:00:00,1\n";
    assert_eq!(run(pipeline, &[("raw.csv", raw)], "out.csv"), "k,n\n1,1\n2,2\n");
}

#[test]
fn a_join_whose_result_is_read_twice_is_checked_once() {
    let pipeline = r#"
source left = csv("left.csv") { k: string }
source right = csv("right.csv") { k: string, v: int }
job joined {
  from left
  join right on k expect one_to_many
}
job again {
  from joined
  semi join joined as r on k
}
output joined_out = csv("joined.csv") from joined
output again_out = csv("again.csv") from again
"#;
    let files = [("left.csv", "k\na\nb\n"), ("right.csv", "k,v\na,1\na,2\n")];
    assert_eq!(run(pipeline, &files, "again.csv"), "k,v\na,1\na,2\n");
}

#[test]
fn what_cannot_be_read_may_be_null_in_every_table_of_a_job() {
    let pipeline = r#"
source raw = json("raw.jsonl") { k: int, name: string }
job twice {
  on error null
  from raw
  union raw
  derive known = if name is null then false else k is not null
}
output out = csv("out.csv") from twice
"#;
    let raw = "{\"k\": 1, \"name\": \"a\"}\n{\"k\": \"x\"}\n";
    let wanted = "k,name,known\n1,a,true\n,,false\n1,a,true\n,,false\n";
    assert_eq!(run(pipeline, &[("raw.jsonl", raw)], "out.csv"), wanted);
}

#[test]
fn a_list_whose_items_nobody_reads_is_exploded() {
    let pipeline = r#"
source raw = csv("raw.csv") { k: int, words: string }
job first {
  from raw
  derive word = split(words, " ")
  explode word
  set word = "x"
  select k
}
output out = csv("out.csv") from first
"#;
    let raw = "k,words\n1,a b\n2,c\n";
    assert_eq!(run(pipeline, &[("raw.csv", raw)], "out.csv"), "k\n1\n1\n2\n");
}

#[test]
fn an_output_that_is_no_file_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("s.csv"), "k\n1\n").expect("it can be written");
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("it can be made");
    for (target, code, reason) in
        [("s3://x/y.csv", 1, "is not on this machine"), ("socket", 3, "is not a file")]
    {
        let pipeline = format!(
            "source s = csv(\"s.csv\") {{ k: int }}\noutput o = csv(\"{target}\") from s\n"
        );
        fs::write(path("pipeline.batch"), pipeline).expect("it can be written");
        let ran = batchc(folder.path(), "run", &["--no-progress"]);
        let words = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{words}");
        assert!(words.contains(reason), "{words}");
    }
    assert!(!path("s3:").exists());
}

#[test]
fn a_pipeline_may_be_long() {
    // Ints that may not fit, and floats, which always do, are computed in different ways. With a
    // copy of all columns for each step this would take half a minute and gigabytes.
    let steps: String = (1..2500)
        .map(|at| format!("  derive c{at} = c{0} + 1\n  derive d{at} = d{0} + 1.0\n", at - 1))
        .collect();
    let pipeline = format!(
        "source s = csv(\"in.csv\") {{ c0: int, d0: float }}\njob j {{\n  from s\n{steps}}}\n\
         output o = csv(\"out.csv\") from j\n"
    );
    let project = Project::new(&pipeline);
    project.write("in.csv", "c0,d0\n1,0.5\n");
    let plan = project.batchc(&["plan"]).data;
    assert!(plan.contains("project ×4998"), "{plan}");
    project.run();
    let out = project.read("out.csv");
    assert!(out.starts_with("c0,d0,c1,d1,"), "{}", &out[..100]);
    assert!(out.ends_with(",2499,2498.5,2500,2499.5\n"), "{}", &out[out.len() - 100..]);
}

#[test]
fn steps_with_which_jobs_begin_are_computed_once() {
    let job = |name: &str, last: &str| {
        format!(
            "job {name} {{\n  from s\n  filter n > 1\n  derive m = n * 2.0\n  {last}\n}}\n\
             output {name}_file = csv(\"{name}.csv\") from {name}\n"
        )
    };
    let (large, sorted) = (job("large", "filter m > 5.0"), job("sorted", "sort -m"));
    let pipeline = format!("source s = csv(\"in.csv\") {{ n: float }}\n{large}{sorted}");
    let project = Project::new(&pipeline);
    insta::assert_snapshot!(project.batchc(&["plan"]).data);
    insta::assert_snapshot!(project.batchc(&["plan", "--without", "shared-steps"]).data);
}

#[test]
fn the_first_of_jobs_that_share_a_step_is_named_when_it_fails() {
    let job = |name: &str| {
        format!(
            "job {name} {{\n  from s\n  derive n = text as int\n}}\n\
             output {name}_file = csv(\"{name}.csv\") from {name}\n"
        )
    };
    let (first, second) = (job("first"), job("second"));
    let source = "source s = csv(\"in.csv\") { text: string }";
    let project = Project::new(&format!("{source}\n{first}{second}"));
    project.write("in.csv", "text\n1\ntwo\n");
    // Apart, the other fails by itself too.
    let ended = project.batchc(&["run", "-q", "--fail-fast"]);
    ended.fails(3, "say in job `first` where such rows go");
    let apart = project.batchc(&["run", "-q", "--fail-fast", "--without", "shared-steps"]);
    assert_eq!(ended.words, apart.words);
}

#[test]
fn plans_say_where_the_reading_ends_early() {
    let source = "source s = csv(\"in.csv\") { n: int }\n";
    let first = "job first {\n  from s\n  filter n > 1\n  take 2\n}\n\
                 output first_file = csv(\"first.csv\") from first\n";
    let all = "output all_file = csv(\"all.csv\") from s\n";
    let says = |pipeline: String| {
        let plan = Project::new(&pipeline).batchc(&["plan"]).data;
        plan.contains("take ← 2  ■ reads no more than it needs\n")
    };
    assert!(says(format!("{source}{first}")));
    assert!(!says(format!("{source}{first}{all}")));
}

#[test]
fn filters_go_in_front_of_joins_and_sorts() {
    let pipeline = "source s = csv(\"s.csv\") { id: int, of: int, price: float }\n\
                    source t = csv(\"t.csv\") { number: int key, name: string }\n\
                    job j {\n  from s\n  join t on of == t.number\n  derive size = length(name)\n\
                    \x20 sort price\n  filter price > 1.0\n  filter size > 1\n}\n\
                    output o = csv(\"out.csv\") from j\n";
    let project = Project::new(pipeline);
    insta::assert_snapshot!(project.batchc(&["plan"]).data);
}

#[test]
fn columns_that_a_filter_does_not_need_are_computed_behind_it() {
    let pipeline = "source s = csv(\"in.csv\") { n: float, text: string }\n\
                    job j {\n  from s\n  derive a = upper(text)\n  derive b = n * 2.0\n\
                    \x20 filter b > 1.0\n}\noutput o = csv(\"out.csv\") from j\n";
    let project = Project::new(pipeline);
    let plan = |flags: &[&str]| project.batchc(&[&["plan"], flags].concat()).data;
    assert!(plan(&[]).contains("project, filter, project ←"));
    assert!(plan(&["--without", "late-columns"]).contains("project ×2, filter ←"));
}

#[test]
fn a_window_that_fails_says_so_of_the_same_rows_whatever_the_threads_and_memory() {
    let project = Project::new(
        "source s = csv(\"s.csv\") { k: int, v: int, note: string }\n\n\
         job j {\n  from s\n  window by k sort v rows ..0 { total = sum(v) }\n}\n\n\
         output o = csv(\"o.csv\") from j\n",
    );
    let mut rows = String::from("k,v,note\n");
    for row in 0..300_000_u64 {
        // Keys in no order; from one on, all have a sum that no int holds.
        let key = row * 7919 % 20_011;
        let value = if key >= 7321 { i64::MAX as u64 } else { row };
        writeln!(rows, "{key},{value},row number {row} of the table").expect("a text takes it");
    }
    project.write("s.csv", rows);
    let mut told = std::collections::BTreeSet::new();
    for (threads, memory) in [("1", "1GB"), ("4", "1GB"), ("1", "8MB"), ("2", "8MB"), ("5", "8MB")]
    {
        let flags = ["run", "-q", "--fresh", "--threads", threads, "--memory", memory];
        let ended = project.batchc(&flags);
        assert_eq!(ended.code, Some(3), "{}", ended.words);
        told.insert(ended.words);
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told.first().is_some_and(|words| words.contains("in the window of 7321")), "{told:?}");
}
