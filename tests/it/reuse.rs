//! Runs after others: what is there already is not made again, and everything else says why.

use crate::project::Project;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

const PIPELINE: &str = r#"param least: int = 2

source items = csv("items/*.csv") {
  id:    int
  price: decimal(12, 2)
  kind:  string
}

source kinds = csv("kinds.csv") {
  kind:  string  key
  group: string
}

job clean {
  on error quarantine bad
  from items
  set kind = trim(kind)
  filter id >= least
}

job totals {
  from clean
  join kinds on kind == kinds.kind expect many_to_one
  group by group { total = sum(price) }
  sort group
}

job dear {
  from items
  filter price > 5
}

output totals_csv = csv("out/totals.csv") from totals
output clean_csv = csv("out/clean") from clean
output dear_csv = csv("out/dear.csv") from dear
"#;

const QUARANTINE: &str = ".batchc/quarantine/bad.jsonl";

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("items/a.csv", "id,price,kind\n1,1.50,x\n2,2.50,y\n3,bad,x\n");
    project.write("items/b.csv", "id,price,kind\n4,8.00,x\n");
    project.write("kinds.csv", "kind,group\nx,one\ny,two\n");
    project.write("bad.txt", "");
    let text = PIPELINE.replace("job dear {", "job dear {\n  on error drop");
    project.write("pipeline.batch", text);
    project
}

/// Runs, which must end well; what it says of jobs.
fn verdicts(project: &Project, flags: &[&str]) -> Vec<String> {
    let ended = project.batchc(&[&["run", "--no-progress"], flags].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let is_verdict = |line: &&str| line.contains(" runs: ") || line.contains(" reused: ");
    ended.words.lines().filter(is_verdict).map(|line| line.trim().to_owned()).collect()
}

fn outputs(project: &Project) -> Vec<(String, Vec<u8>, u64)> {
    let of = |name: String| {
        let path = project.path(&name);
        (name, fs::read(&path).unwrap(), fs::metadata(&path).unwrap().ino())
    };
    project.files().into_iter().filter(|name| name.starts_with("out/")).map(of).collect()
}

#[test]
fn nothing_is_done_when_nothing_changed() {
    let project = project();
    assert_eq!(verdicts(&project, &[]), [""; 0], "a first run has nothing to explain");
    let before = outputs(&project);
    let ended = project.batchc(&["run", "--report", "report.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.contains("nothing to do, all outputs are there"), "{}", ended.words);
    assert_eq!(outputs(&project), before, "not even rewritten");
    let report = project.report();
    assert_eq!(report["status"], "SUCCESS");
    assert_eq!(report["records_read"], 0);
    assert_eq!(report["jobs"].as_array().unwrap().len(), 0);
    assert_eq!(report["outputs"][0]["reused"], true);
    assert_eq!(report["outputs"][0]["records"], 2);
    assert_eq!(report["reasons"][0]["reason"], "same inputs");
    for flags in [&["--threads", "1"][..], &["--memory", "64MB"], &["--without", "fused-steps"]] {
        let verdicts = verdicts(&project, flags);
        assert!(verdicts.iter().all(|verdict| verdict.ends_with("reused: same inputs")));
    }
    let fresh = verdicts(&project, &["--fresh"]);
    assert!(
        fresh.iter().all(|verdict| verdict.ends_with("runs: `--fresh` was given")),
        "{fresh:?}"
    );
    let after = outputs(&project);
    assert!(after.iter().zip(&before).all(|(a, b)| a.1 == b.1), "the same bytes");
}

#[test]
fn what_runs_says_why() {
    let project = project();
    let text = project.read("pipeline.batch");
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from));
        project.write("pipeline.batch", text.replace(from, to));
    };
    let says = |flags: &[&str], expected: [&str; 3]| {
        let expected: Vec<String> = ["clean", "totals", "dear"]
            .iter()
            .zip(expected)
            .map(|(job, why)| match why {
                "" => format!("{job} reused: same inputs"),
                why => format!("{job} runs: {why}"),
            })
            .collect();
        assert_eq!(verdicts(&project, flags), expected);
    };
    let (by_clean, by_totals) = ("`clean` runs", "`totals` needs its rows");
    verdicts(&project, &[]);

    edit("trim(kind)", "lower(kind)");
    says(&[], ["`kind` changed at pipeline.batch:17", by_clean, ""]);
    edit("trim(kind)", "trim( kind )  # the same, written in another way");
    verdicts(&project, &[]);
    edit("", "");
    says(&[], ["", "", ""]);

    edit("sort group", "sort group desc");
    says(&[], [by_totals, "`sort` changed at pipeline.batch:25", ""]);
    edit("", "");
    verdicts(&project, &[]);
    says(&["-p", "least=3"], ["the parameter `least` is 3 and was 2", by_clean, ""]);
    verdicts(&project, &[]);

    project.write("items/c.csv", "id,price,kind\n5,9.00,y\n");
    says(&[], ["items/c.csv is new", by_clean, "items/c.csv is new"]);
    project.write("kinds.csv", "kind,group\nx,one\ny,three\n");
    says(&[], [by_totals, "kinds.csv changed", ""]);
    fs::remove_file(project.path("items/c.csv")).unwrap();
    let gone = "items/c.csv is not there any more";
    says(&[], [gone, by_clean, gone]);

    edit("\"out/dear.csv\"", "\"out/dear.csv\", delimiter: \";\"");
    says(&[], ["", "", "the output `dear_csv` changed at pipeline.batch:36"]);
    fs::remove_file(project.path("out/dear.csv")).unwrap();
    says(&[], ["", "", "out/dear.csv is not there"]);
    project.write("out/dear.csv", "mine\n");
    let touched = "out/dear.csv is not what the last run wrote";
    let plan = project.batchc(&["plan"]).data;
    assert_eq!(plan.lines().last(), Some(&*format!("dear runs: {touched}")));
    says(&[], ["", "", touched]);

    fs::remove_file(project.path(QUARANTINE)).unwrap();
    let anew = "quarantine `bad` is written anew";
    says(&[], [anew, anew, ""]);
    assert_eq!(project.read(QUARANTINE).lines().count(), 1);

    edit("{ total =", "{ sum_of_prices =");
    let with_comma = "the output `dear_csv` changed at pipeline.batch:36";
    says(&[], [by_totals, "`group` changed at pipeline.batch:24", with_comma]);
}

#[test]
fn an_input_is_known_by_its_bytes() {
    let project = project();
    verdicts(&project, &[]);
    let path = project.path("kinds.csv");
    let times = fs::metadata(&path).unwrap().modified().unwrap();
    // The same size and the same time, other bytes.
    project.write("kinds.csv", "kind,group\nx,two\ny,one\n");
    File::options().write(true).open(&path).unwrap().set_modified(times).unwrap();
    assert_eq!(verdicts(&project, &[])[1], "totals runs: kinds.csv changed");
    // The same bytes, at another time and in another file.
    fs::copy(&path, project.path("copy")).unwrap();
    fs::rename(project.path("copy"), &path).unwrap();
    let old = SystemTime::now() - Duration::from_secs(100_000);
    File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    assert_eq!(verdicts(&project, &[])[1], "totals reused: same inputs");
}

#[test]
fn a_failed_run_leaves_everything_to_the_next() {
    let project = project();
    verdicts(&project, &[]);
    let before = outputs(&project);
    let kinds = project.read("kinds.csv");
    project.write("kinds.csv", "kind,group\nx,one\nx,two\n");
    assert_ne!(project.batchc(&["run"]).code, Some(0));
    assert_eq!(outputs(&project), before);
    // It failed before it came to the bad row, and its quarantine says so; that of the outputs, which
    // are as they were, has to come back.
    assert_eq!(project.read(QUARANTINE), "");
    project.write("kinds.csv", kinds);
    let anew = "runs: quarantine `bad` is written anew";
    let next =
        [format!("clean {anew}"), format!("totals {anew}"), "dear reused: same inputs".into()];
    assert_eq!(verdicts(&project, &[]), next);
    assert_eq!(project.read(QUARANTINE).lines().count(), 1);
    assert!(verdicts(&project, &[]).iter().all(|verdict| verdict.contains(" reused: ")));
}

#[test]
fn runs_are_remembered() {
    let project = project();
    project.batchc(&["runs"]).fails(2, "no run has left anything in .batchc");
    verdicts(&project, &[]);
    verdicts(&project, &[]);
    project.write("kinds.csv", "kind,group\nx,one\nx,two\n");
    assert_ne!(project.batchc(&["run"]).code, Some(0));
    let list = project.batchc(&["runs", "--json"]);
    let runs: Vec<serde_json::Value> =
        list.data.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<&str> = runs.iter().map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["FAILED", "SUCCESS", "SUCCESS"]);
    assert_eq!(runs[1]["records_read"], 0);
    assert_eq!(runs[2]["records_read"], 6);
    let show = |run: &str| -> serde_json::Value {
        serde_json::from_str(&project.batchc(&["runs", "show", run]).data).unwrap()
    };
    assert_eq!(show("last-failed")["execution_id"], runs[0]["execution_id"]);
    let name = runs[2]["execution_id"].as_str().unwrap();
    assert_eq!(show(name)["jobs"][0]["job"], "clean");
    project.batchc(&["runs", "show", "nobody"]).fails(2, "there is no run `nobody`");
    let stats = project.batchc(&["runs", "stats"]);
    assert!(
        stats.data.starts_with("runs                3\n  that succeeded    2\n"),
        "{}",
        stats.data
    );
    assert!(project.batchc(&["runs"]).data.contains(name));
}

#[test]
fn one_run_at_a_time() {
    let project = project();
    verdicts(&project, &[]);
    let lock =
        File::options().write(true).open(project.path(".batchc/pipeline.batch.lock")).unwrap();
    lock.lock().unwrap();
    project.batchc(&["run"]).fails(5, "the pipeline is being run already: run ");
    let waiting = project.command(&["run", "--wait", "60"]).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn the_state_is_private_and_can_be_elsewhere() {
    let project = project();
    let flags = ["--state-dir", "kept/here"];
    verdicts(&project, &flags);
    assert!(!project.path(".batchc").exists());
    assert_eq!(project.read("kept/here/quarantine/bad.jsonl").lines().count(), 1);
    for name in project.names("kept/here") {
        let mode =
            fs::metadata(project.path("kept/here").join(&name)).unwrap().permissions().mode();
        assert!(
            mode & 0o077 == 0 || !name.contains('.') || name == ".gitignore",
            "{name}: {mode:o}"
        );
    }
    let folder = fs::metadata(project.path("kept/here")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    assert!(verdicts(&project, &flags).iter().all(|verdict| verdict.contains(" reused: ")));
    std::os::unix::fs::symlink("kept/here", project.path(".batchc")).unwrap();
    project.batchc(&["run"]).fails(3, ".batchc is a link, and runs keep their state there");
}

#[test]
fn damaged_state_is_told_and_never_believed() {
    let project = project();
    verdicts(&project, &[]);
    project.write(".batchc/state.db", "x".repeat(9000));
    let ended = project.batchc(&["run"]);
    ended.fails(3, "cannot use ");
    ended.fails(3, "remove the file: all outputs are then made anew");
    fs::remove_file(project.path(".batchc/state.db")).unwrap();
    assert_eq!(verdicts(&project, &[]), [""; 0]);
    project.write(".batchc/pipeline.batch.journal", "batchc journal 1 0\n{}\n");
    assert!(verdicts(&project, &[]).iter().all(|verdict| verdict.contains(" reused: ")));
    assert!(!project.path(".batchc/pipeline.batch.journal").exists());
}

#[test]
fn what_is_set_aside_makes_anew_who_reads_it() {
    let project = project();
    let aside = "
job reasons {
  from quarantine.bad
  group by _reason { ids = collect(id) }
}

output reasons_csv = json(\"out/reasons.jsonl\") from reasons
";
    let text = project.read("pipeline.batch") + aside;
    project.write("pipeline.batch", &text);
    verdicts(&project, &[]);
    let of_reasons = |verdicts: Vec<String>| -> Vec<String> {
        verdicts
            .into_iter()
            .filter(|one| one.starts_with("clean ") || one.starts_with("reasons "))
            .collect()
    };
    let reused = ["clean reused: same inputs", "reasons reused: same inputs"];
    assert_eq!(of_reasons(verdicts(&project, &[])), reused);
    project.write("items/b.csv", "id,price,kind\n4,8.00,x\n5,none,x\n");
    let ran = ["clean runs: items/b.csv changed", "reasons runs: `clean` runs"];
    assert_eq!(of_reasons(verdicts(&project, &[])), ran);
    let written = project.read("out/reasons.jsonl");
    assert!(written.contains("\"ids\":[5]") && written.contains("\"ids\":[3]"), "{written}");
    // The other way round: who reads it is changed, so it is written again.
    let text = text.replace("ids = collect(id)", "rows = count()");
    project.write("pipeline.batch", text);
    let ran = of_reasons(verdicts(&project, &[]));
    assert!(ran[1].starts_with("reasons runs: `group` changed"), "{ran:?}");
    assert_eq!(ran[0], "clean runs: `reasons` needs its rows");
    assert_eq!(project.read("out/reasons.jsonl").lines().count(), 2);
}
