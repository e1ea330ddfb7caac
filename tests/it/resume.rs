//! Runs after one that died or failed: they go on from what its stages had made, and nothing in what
//! they write or count shows it.

use crate::project::{Ended, Project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Of the source everything is read that is there: an output, a quarantine, a lookup and groups.
const JOBS: &str = r#"param least: int = 0

source rows = csv("rows.csv") {
  id:   int
  kind: string
}

job clean {
  partition by hash(kind) into 2
  on error quarantine bad
  from rows
  filter id > least
}

job kinds {
  from clean
  group by kind { count = count() }
  sort kind
}

job named {
  from clean
  join kinds on kind
  expect known: count > 1 else drop
  derive double = id * 2
}

job totals {
  from named
  group by kind { total = sum(double), n = count_distinct(id) }
  sort -total
  take 3
}

output clean_rows = csv("out/clean") from clean
output kinds_rows = parquet("out/kinds.parquet") from kinds
output totals_rows = json("out/totals.jsonl") from totals
"#;

fn project() -> Project {
    let project = Project::new(JOBS);
    let mut rows = String::from("id,kind\n");
    for id in 0..500 {
        let id = if id % 50 == 7 { "bad".to_owned() } else { id.to_string() };
        rows.push_str(&format!("{id},kind {}\n", rows.len() % 6));
    }
    rows.push_str("1000,once\n");
    project.write("rows.csv", rows);
    project
}

/// All that a run leaves for others to see.
fn seen(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let files = project.files().into_iter().filter(|name| name.contains('/'));
    files.map(|name| (name.clone(), fs::read(project.path(&name)).expect("it is there"))).collect()
}

/// What is counted of jobs, and the rows of outputs.
fn counts(project: &Project) -> Value {
    let report = project.report();
    let jobs = project.jobs_without_times();
    serde_json::json!([jobs, report["quarantines"], report["outputs"]])
}

fn run(project: &Project, faults: Option<&str>, flags: &[&str]) -> Ended {
    let given = ["run", "--no-progress", "--report", "report.json"];
    let always = ["--checkpoints", "always"];
    let is_given = flags.contains(&"--checkpoints");
    let always = if is_given { &[] } else { &always[..] };
    let mut command = project.command(&[&given, always, flags].concat());
    command.envs(faults.map(|faults| ("BATCHC_FAULTS", faults)));
    Ended::of(&command.output().expect("batchc can be started"))
}

/// Has a run die before its outputs are published, which it begins to make anew.
fn die(project: &Project, flags: &[&str]) {
    let begin = || {
        let _ = fs::remove_dir_all(project.path(".batchc/checkpoints"));
        fs::remove_dir_all(project.path("out"))
    };
    let fault = format!("record:{}", project.path("operations").display());
    // The state is there: making it would be operations too.
    assert_eq!(run(project, None, &["--fresh"]).code, Some(0));
    begin().expect("it is there");
    assert_eq!(run(project, Some(&fault), flags).code, Some(0));
    let operations = project.read("operations");
    let at = operations.lines().position(|line| line.contains(".journal"));
    let at = at.expect("there is a journal") + 1;
    begin().expect("it is there");
    let died = run(project, Some(&format!("kill:{at}")), flags);
    assert_eq!(died.code, None, "{}", died.words);
    fs::remove_file(project.path("operations")).expect("it is there");
}

#[test]
fn a_run_goes_on_where_one_died() {
    let project = project();
    run(&project, None, &[]);
    let (new, counted) = (seen(&project), counts(&project));
    die(&project, &[]);
    let ended = run(&project, None, &["--profile=profile.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let said = "  went on from what run ";
    assert!(ended.words.contains(said), "{}", ended.words);
    assert!(ended.words.contains(" had computed of `clean`, `kinds`, `named`, `totals`"));
    let report = project.report();
    assert_eq!(report["taken_up"].as_object().expect("an object").len(), 4);
    assert!(seen(&project) == new, "the same bytes");
    assert_eq!(counts(&project), counted, "the same counts");
    assert!(run(&project, None, &[]).words.contains("nothing to do"));
}

#[test]
fn what_is_taken_up_is_what_depends_on_nothing_that_changed() {
    let project = project();
    let die = || die(&project, &[]);
    let anew = |flags: &[&str]| match flags.contains(&"--fresh") {
        true => run(&project, None, flags),
        false => run(&project, None, &[flags, &["--fresh"]].concat()),
    };
    let taken_up = |flags: &[&str]| {
        let ended = run(&project, None, flags);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let (found, counted) = (seen(&project), counts(&project));
        let jobs: Vec<String> = match project.report()["taken_up"].as_object() {
            Some(jobs) => jobs.keys().cloned().collect(),
            None => vec![],
        };
        assert_eq!(anew(flags).code, Some(0));
        assert!(seen(&project) == found);
        assert_eq!(counts(&project), counted);
        jobs
    };
    die();
    project.write("pipeline.batch", JOBS.replace("take 3", "take 2"));
    assert_eq!(taken_up(&[]), ["clean", "kinds", "named", "totals"]);
    die();
    project.write("pipeline.batch", JOBS.replace("count > 1", "count > 2"));
    assert_eq!(taken_up(&[]), ["clean", "kinds"]);
    die();
    assert_eq!(taken_up(&["-p", "least=3"]), [""; 0]);
    die();
    project.write("rows.csv", project.read("rows.csv") + "7,late\n");
    assert_eq!(taken_up(&[]), [""; 0]);
    die();
    assert_eq!(taken_up(&["--fresh", "--quiet"]), [""; 0]);
    die();
    assert_eq!(taken_up(&["--checkpoints", "never"]), [""; 0]);
    die();
    // The join is done on disk, by other stages.
    assert_eq!(taken_up(&["--threads", "1", "--memory", "1KB"]), ["clean", "kinds", "totals"]);
}

#[test]
fn a_failed_run_is_gone_on_with_once_it_can_succeed() {
    let project = project();
    project.write("pipeline.batch", JOBS.replace("id * 2", "100 // (id - 499)"));
    let failed = run(&project, None, &[]);
    failed.fails(3, "499");
    project.write("pipeline.batch", JOBS);
    let ended = run(&project, None, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.contains("had computed of `clean`, `kinds`"), "{}", ended.words);
    let found = seen(&project);
    assert_eq!(run(&project, None, &["--fresh"]).code, Some(0));
    assert!(seen(&project) == found);
}

#[test]
fn a_damaged_checkpoint_is_not_believed() {
    let project = project();
    run(&project, None, &[]);
    let new = seen(&project);
    let folder = ".batchc/checkpoints/pipeline.batch";
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 4] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[40] ^= 1,
        |bytes| *bytes.last_mut().expect("it is not empty") ^= 1,
        Vec::clear,
    ];
    for damage in damages {
        die(&project, &[]);
        for name in project.names(folder) {
            let path = project.path(&format!("{folder}/{name}"));
            let mut bytes = fs::read(&path).expect("it is there");
            damage(&mut bytes);
            fs::write(&path, bytes).expect("it can be written");
        }
        let ended = run(&project, None, &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(ended.words.contains(" is damaged: what it held is computed again"));
        assert!(!ended.words.contains("went on from"), "{}", ended.words);
        let found = seen(&project);
        assert!(found.keys().eq(new.keys()), "{:?}", found.keys());
        assert!(found == new);
    }
    // An output that somebody changed before it was published is none of ours.
    die(&project, &[]);
    for name in project.names("out").iter().filter(|name| name.contains(".kinds.parquet")) {
        fs::write(project.path(&format!("out/{name}")), "mine").expect("it can be written");
    }
    assert_eq!(run(&project, None, &[]).code, Some(0));
    assert!(seen(&project) == new);
    // One of which the disk lost a bit neither, whatever its times say.
    die(&project, &[]);
    let staged = project.names("out").into_iter().find(|name| name.contains(".kinds.parquet"));
    let path = project.path(&format!("out/{}", staged.expect("it was staged")));
    let mut bytes = fs::read(&path).expect("it is there");
    let time = fs::metadata(&path).and_then(|found| found.modified()).expect("it has times");
    bytes[20] ^= 1;
    fs::write(&path, bytes).expect("it can be written");
    let file = fs::File::options().write(true).open(&path);
    file.and_then(|file| file.set_modified(time)).expect("it is ours");
    assert_eq!(run(&project, None, &[]).code, Some(0));
    assert!(seen(&project) == new);
}

#[test]
fn small_stages_are_not_worth_a_checkpoint() {
    let project = project();
    die(&project, &["--checkpoints", "auto"]);
    assert_eq!(project.names(".batchc/checkpoints/pipeline.batch"), [""; 0]);
}

#[test]
fn checkpoints_can_be_removed() {
    let project = project();
    die(&project, &[]);
    let is_staged = |name: &String| name.starts_with('.');
    assert!(project.names("out").iter().any(is_staged));
    let before = project.files();
    let looked = project.batchc(&["clean", "--dry-run"]);
    assert_eq!(looked.code, Some(0), "{}", looked.words);
    assert!(looked.data.starts_with("pipeline.batch: would remove "), "{}", looked.data);
    assert_eq!(project.files(), before);
    let cleaned = project.batchc(&["clean"]);
    assert_eq!(cleaned.data, looked.data.replace("would remove", "removed"));
    assert!(project.batchc(&["clean"]).words.contains("there are no checkpoints in .batchc"));
    let ended = run(&project, None, &[]);
    assert!(!ended.words.contains("went on from"), "{}", ended.words);
    assert!(!project.names("out").iter().any(is_staged));
}

#[test]
fn a_run_after_a_change_begins_where_the_first_difference_is() {
    let project = project();
    assert_eq!(run(&project, None, &[]).code, Some(0));
    project.write("pipeline.batch", JOBS.replace("take 3", "take 2"));
    let ended = run(&project, None, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.contains(" had computed of `clean`, `kinds`"), "{}", ended.words);
    let (found, counted) = (seen(&project), counts(&project));
    assert_eq!(run(&project, None, &["--fresh"]).code, Some(0));
    assert!(seen(&project) == found, "the same bytes");
    // Of two of its outputs nothing had changed.
    assert_eq!(counts(&project)[1], counted[1]);
}

/// The checkpoints of the pipeline.
fn kept(project: &Project) -> usize {
    project.names(".batchc/checkpoints/pipeline.batch").len()
}

#[test]
fn a_job_may_ask_for_a_checkpoint_or_for_none() {
    let project = project();
    let auto = &["--checkpoints", "auto"][..];
    assert_eq!(run(&project, None, auto).code, Some(0));
    assert_eq!(kept(&project), 0);
    let asks =
        |word: &str| JOBS.replace("job named {", &format!("job named {{\n  checkpoint {word}"));
    project.write("pipeline.batch", asks("on"));
    let plan = project.batchc(&["plan"]).data;
    assert!(plan.contains("checkpoint"), "{plan}");
    assert_eq!(run(&project, None, &["--checkpoints", "auto", "--fresh"]).code, Some(0));
    assert_eq!(kept(&project), 1);
    let all = seen(&project);
    project.write("pipeline.batch", asks("on").replace("take 3", "take 2"));
    let ended = run(&project, None, auto);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.contains("had computed of `clean`, `named`"), "{}", ended.words);
    assert_eq!(project.records("out/totals.jsonl").len(), 2);
    // It changes no byte of what is written.
    project.write("pipeline.batch", JOBS);
    assert_eq!(run(&project, None, auto).code, Some(0));
    assert!(seen(&project) == all);
    // Of all jobs none, but for one.
    let none = JOBS.replacen("param", "pipeline all {\n  checkpoint off\n}\n\nparam", 1);
    project.write("pipeline.batch", &none);
    fs::remove_dir_all(project.path(".batchc/checkpoints")).expect("it is there");
    assert_eq!(run(&project, None, &["--fresh"]).code, Some(0));
    assert_eq!(kept(&project), 0);
    project.write("pipeline.batch", none.replace("job named {", "job named {\n  checkpoint on"));
    assert_eq!(run(&project, None, &["--fresh"]).code, Some(0));
    assert_eq!(kept(&project), 1);
    assert_eq!(run(&project, None, &["--fresh", "--checkpoints", "never"]).code, Some(0));
    assert_eq!(kept(&project), 1);
}

#[test]
fn as_many_checkpoints_are_kept_as_is_said() {
    let project = project();
    assert_eq!(run(&project, None, &[]).code, Some(0));
    let all = kept(&project);
    assert!(all > 1, "{all}");
    let cleaned = |flags: &[&str]| {
        let ended = project.batchc(&[&["clean"], flags].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        kept(&project)
    };
    assert_eq!(cleaned(&["--keep-last", "100", "--older-than", "1h", "--max-size", "1GB"]), all);
    assert_eq!(cleaned(&["--keep-last", "1"]), 1);
    assert_eq!(cleaned(&["--max-size", "1kb"]), 0);
    project.batchc(&["clean", "--older-than", "soon"]).fails(2, "a time is expected, as 90s");
}

#[test]
fn a_checkpoint_holds_the_rows_and_not_what_they_were_read_from() {
    let project = Project::new(
        "source rows = csv(\"rows.csv\") { id: int key, text: string }

job sorted {
  checkpoint on
  from rows
  sort text
}

job ranks {
  from sorted
  derive part = id % 7
  window by part sort text, id { rank = row_number() }
}

output ranks_csv = csv(\"out/ranks.csv\") from ranks
",
    );
    let row = |id: u64| {
        format!("{id},a text of more than a few letters {:09}\n", id * 7_919_999 % 1_000_003)
    };
    let rows: String = (0..300_000).map(row).collect();
    project.write("rows.csv", format!("id,text\n{rows}"));
    let ended = run(&project, None, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let folder = ".batchc/checkpoints/pipeline.batch";
    let file =
        |name: String| fs::metadata(project.path(&format!("{folder}/{name}"))).unwrap().len();
    let bytes: u64 = project.names(folder).into_iter().map(file).sum();
    assert!(bytes > 0, "{folder} is empty");
    assert!(bytes < 6 * rows.len() as u64, "{bytes} bytes for {} of rows", rows.len());
}
