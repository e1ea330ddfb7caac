//! A run that dies in the middle of a long file: the next one reads on where what had come of it was
//! kept last, and what it writes and counts is that of a run that was not disturbed.

use super::project::{Ended, Project};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::sync::Arc;

const JOBS: &str = r#"
job kinds {
  on error quarantine bad
  from events
  filter id is null or id >= 3
  expect small: id is null or id < 390 else quarantine large
  group by kind { count = count(), total = sum(id), mean = avg(id), middle = median(id) }
}

job all {
  on error drop
  from events
  group { count = count(), total = sum(id) }
}

output kinds_rows = csv("out/kinds.csv") from kinds
output all_rows   = json("out/all.jsonl") from all
"#;

/// Rows one by one, of files and of what is joined with them, to outputs of which some are packed.
const ROWS: &str = r#"
source events = csv("events/*.csv") {
  id: int?
  kind: string
}

source names = csv("names.csv") {
  kind: string
  name: string
}

job kinds {
  on error quarantine bad
  from events
  filter id is null or id >= 3
  expect small: id is null or id < 390 else quarantine large
  left join names on kind
  derive words = split(coalesce(name, "no one"), " ")
}

job all {
  on error drop
  from events
  group { count = count(), total = sum(id) }
}

job words {
  from kinds
  select id, word = words
  explode word
}

job named {
  from kinds
  select id, kind, name
}

output named_rows  = csv("out/kinds.csv") from named
output packed_rows = json("out/kinds.jsonl.gz") from kinds
output columns     = parquet("out/kinds.parquet") from kinds
output lines       = json("out/words.jsonl") from words
output all_rows    = json("out/all.jsonl") from all
"#;

/// A pipeline, and files of a few hundred rows for it.
struct Form {
    pipeline: String,
    files: Vec<(&'static str, Vec<u8>)>,
}

fn row(id: usize) -> (String, String) {
    let text = if id % 41 == 3 { format!("no {id}") } else { id.to_string() };
    (text, format!("kind\n{}", id * id % 5))
}

fn csv() -> String {
    let line = |id| {
        let (id, kind) = row(id);
        format!("{id},\"{kind}\"\n")
    };
    format!("id,kind\n{}", (0..400).map(line).collect::<String>())
}

fn json() -> Vec<String> {
    let line = |id| {
        let (id, kind) = row(id);
        serde_json::json!({ "id": id.parse::<i64>().map_or(id.into(), Value::from), "kind": kind })
            .to_string()
    };
    (0..400).map(line).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(vec![], flate2::Compression::default());
    packer.write_all(text.as_bytes()).expect("memory has room");
    packer.finish().expect("memory has room")
}

/// Of twenty row groups.
fn parquet() -> Vec<u8> {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..400));
    let kinds: ArrayRef = Arc::new(StringArray::from_iter_values((0..400).map(|id| row(id).1)));
    let rows = RecordBatch::try_from_iter([("id", ids), ("kind", kinds)]).expect("as many each");
    let groups = WriterProperties::builder().set_max_row_group_row_count(Some(20)).build();
    let mut bytes = vec![];
    let mut writer =
        ArrowWriter::try_new(&mut bytes, rows.schema(), Some(groups)).expect("memory has room");
    writer.write(&rows).expect("memory has room");
    writer.close().expect("memory has room");
    bytes
}

/// Groups of one file, in each form that files have.
fn groups() -> Vec<Form> {
    let of = |connector, name, content| Form {
        pipeline: format!(
            "source events = {connector}(\"{name}\") {{\n  id: int?\n  kind: string\n}}\n{JOBS}"
        ),
        files: vec![(name, content)],
    };
    vec![
        of("csv", "events.csv", csv().into_bytes()),
        of("csv", "events.csv.gz", gzip(&csv())),
        of("json", "events.jsonl", json().join("\n").into_bytes()),
        of("parquet", "events.parquet", parquet()),
        small_and_large(),
    ]
}

/// Files that are read together, of which an epoch ends in the second.
fn small_and_large() -> Form {
    let small = "id,kind\n3,small\n5,small\n".to_owned();
    Form {
        pipeline: format!(
            "source events = csv(\"events/*.csv\") {{\n  id: int?\n  kind: string\n}}\n{JOBS}"
        ),
        files: vec![("events/a.csv", small.into_bytes()), ("events/b.csv", csv().into_bytes())],
    }
}

/// The rows of three files.
fn rows() -> Form {
    let (head, rows) =
        csv().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("rows");
    let lines: Vec<&str> = rows.split_inclusive("\"\n").collect();
    let part =
        |range: std::ops::Range<usize>| format!("{head}\n{}", lines[range].concat()).into_bytes();
    let names = "kind,name\n\"kind\n0\",nought and more\n\"kind\n4\",four\n";
    Form {
        pipeline: ROWS.to_owned(),
        files: vec![
            ("events/a.csv", part(0..150)),
            ("events/b.csv", part(150..210)),
            ("events/c.csv", part(210..400)),
            ("names.csv", names.into()),
        ],
    }
}

fn forms() -> Vec<Form> {
    groups().into_iter().chain([rows()]).collect()
}

fn project_of(form: &Form) -> Project {
    let project = Project::new(&form.pipeline);
    form.files.iter().for_each(|(name, content)| project.write(name, content));
    project
}

fn run(project: &Project, faults: Option<&str>, threads: &str) -> Ended {
    run_with(project, faults, &["--threads", threads])
}

fn run_with(project: &Project, faults: Option<&str>, flags: &[&str]) -> Ended {
    let given = ["run", "--no-progress", "--report", "report.json", "--chunk", "200"];
    let given = [&given[..], &["--checkpoints", "always"], flags].concat();
    let mut command = project.command(&given);
    faults.map(|faults| command.env("BATCHC_FAULTS", faults));
    Ended::of(&command.output().expect("it can be started"))
}

/// What a run has made: its outputs, its quarantines, and what was counted.
fn seen(project: &Project) -> (BTreeMap<String, Vec<u8>>, Value) {
    assert_eq!(project.report()["status"], "SUCCESS");
    let names = project.files().into_iter();
    let is_made = |name: &String| name.starts_with("out/") || name.contains("/quarantine/");
    let read = |name: String| {
        let bytes = fs::read(project.path(&name)).expect("it is there");
        (name, bytes)
    };
    let files = names.filter(is_made).map(read).collect();
    (files, project.jobs_without_times())
}

fn begun(project: &Project) -> bool {
    project.report()["files_taken"]["events"]["begun"] == 1
}

/// The operations behind which it is kept what came so far.
fn epochs(form: &Form) -> Vec<usize> {
    let is_kept =
        |line: &Value| line["does"] == "rename" && line["path"].to_string().contains("-begun.new");
    operations(form, is_kept).into_iter().map(|at| at + 1).collect()
}

/// Operations on files that an undisturbed run does, by their numbers from 1.
fn operations(form: &Form, is_wanted: impl Fn(&Value) -> bool) -> Vec<usize> {
    let project = project_of(form);
    let ended = run(&project, Some(&format!("record:{}", project.path("done").display())), "1");
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let records = project.records("done");
    let wanted = records.iter().enumerate().filter(|(_, line)| is_wanted(line));
    wanted.map(|(at, _)| at + 1).collect()
}

/// Of a run that has noted its operations, those behind which it is kept what came so far.
fn kept_behind(project: &Project) -> Vec<usize> {
    // There is much in the lines, of which little is wanted.
    let is_kept = |line: &str| line.contains("-begun.new") && line.contains("rename");
    let records = project.read("done");
    let kept = records.lines().enumerate().filter(|(_, line)| is_kept(line));
    kept.map(|(at, _)| at + 2).collect()
}

/// A project in which a run has died behind this operation, and what one sees that does not.
fn died(form: &Form, operation: usize) -> Project {
    let project = project_of(form);
    let ended = run(&project, Some(&format!("kill:{operation}")), "1");
    assert_eq!(ended.code, None, "{}", ended.words);
    project
}

fn undisturbed(form: &Form) -> (BTreeMap<String, Vec<u8>>, Value) {
    let project = project_of(form);
    assert_eq!(run(&project, None, "1").code, Some(0));
    seen(&project)
}

#[test]
fn a_run_reads_on_where_one_died() {
    for form in forms() {
        let whole = undisturbed(&form);
        let epochs = epochs(&form);
        assert!(epochs.len() > 1, "{} is read in epochs", form.files[0].0);
        for &operation in &epochs {
            let project = died(&form, operation);
            let ended = run(&project, None, "2");
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            assert!(seen(&project) == whole, "{} behind operation {operation}", form.files[0].0);
            assert!(begun(&project), "{} behind operation {operation}", form.files[0].0);
            for folder in ["", "/files"] {
                let left = project.names(&format!(".batchc/checkpoints/pipeline.batch{folder}"));
                assert!(left.iter().all(|name| !name.contains("begun")), "{left:?}");
            }
            assert!(project.names("out").iter().all(|name| !name.starts_with('.')));
            // Once more: it is known as a whole, as if it had been read at once.
            let _ = fs::remove_dir_all(project.path("out"));
            assert_eq!(run(&project, None, "2").code, Some(0));
            assert!(seen(&project) == whole);
        }
    }
}

/// Row groups that are in the file, one that is not yet, and rows that are not yet in any.
#[test]
fn row_groups_are_gone_on_from() {
    let row = |id: usize| {
        let (a, b) = (id % 977, id * id % 1_000_003);
        let (month, day) = (1 + a % 12, 1 + b % 28);
        // Its dictionary is given up in the middle.
        let late = if id < 70_000 { "same".to_owned() } else { format!("{b} and many more words") };
        format!("{id},{a},{late},{a}.{:02},{b}.5,2024-{month:02}-{day:02},{}\n", b % 100, a > b)
    };
    let form = Form {
        pipeline:
            "source events = csv(\"events.csv\") {\n  id: int\n  kind: string\n  far: string?\n  \
                   price: decimal(9, 2)\n  share: float\n  day: date\n  flag: bool?\n}\n\
                   output rows = parquet(\"out/rows.parquet\") from events\n"
                .to_owned(),
        files: vec![(
            "events.csv",
            format!(
                "id,kind,far,price,share,day,flag\n{}",
                (0..300_000).map(row).collect::<String>()
            )
            .into_bytes(),
        )],
    };
    let run = |project: &Project, faults: &str| {
        let given = ["run", "--no-progress", "--report", "report.json", "--checkpoints", "always"];
        let mut command =
            project.command(&[&given[..], &["--chunk", "600000", "--threads", "1"]].concat());
        Ended::of(&command.env("BATCHC_FAULTS", faults).output().expect("it can be started"))
    };
    let whole = project_of(&form);
    let ended = run(&whole, &format!("record:{}", whole.path("done").display()));
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let kept = kept_behind(&whole);
    assert!(kept.len() > 3, "{kept:?}");
    let seen =
        |project: &Project| fs::read(project.path("out/rows.parquet")).expect("it was written");
    for at in [kept[0], kept[kept.len() - 1]] {
        let project = project_of(&form);
        assert_eq!(run(&project, &format!("kill:{at}")).code, None);
        assert_eq!(run(&project, "").code, Some(0));
        assert!(begun(&project), "{at} of {kept:?}");
        assert!(seen(&project) == seen(&whole), "{at} of {kept:?}");
    }
    // One that goes on dies too.
    let project = project_of(&form);
    for at in [kept[kept.len() - 2], kept[0]] {
        assert_eq!(run(&project, &format!("kill:{at}")).code, None);
    }
    assert_eq!(run(&project, "").code, Some(0));
    assert!(begun(&project) && seen(&project) == seen(&whole));
}

#[test]
fn a_run_that_reads_on_may_die_too() {
    for form in [&groups()[0], &rows()] {
        let third = epochs(form)[2];
        let project = died(form, third);
        let mut more = 0;
        while run(&project, Some(&format!("kill:{third}")), "2").code != Some(0) {
            more += 1;
            assert!(more < 50, "each run comes further");
        }
        assert!(more > 1, "{more}");
        // One may have died when all was read: then the next only publishes.
        assert!(seen(&project).0 == undisturbed(form).0);
    }
}

#[test]
fn a_run_reads_on_where_one_failed() {
    let mended = csv().replace("no ", "");
    let form = |text: &str| Form {
        pipeline: "source events = csv(\"events.csv\") {\n  id: int\n  kind: string\n}\n\
                   job large {\n  from events\n  filter id > 9\n}\n\
                   output rows = csv(\"out/rows.csv\") from large\n"
            .to_owned(),
        files: vec![("events.csv", text.to_owned().into_bytes())],
    };
    let project = project_of(&form(&mended.replace("\n380,", "\nbad,")));
    run(&project, None, "2").fails(3, "events.csv:762");
    assert!(project.names("out").iter().all(|name| name.starts_with('.')), "nothing is visible");
    project.write("events.csv", &mended);
    assert_eq!(run(&project, None, "2").code, Some(0));
    assert!(seen(&project) == undisturbed(&form(&mended)) && begun(&project));
}

#[test]
fn what_is_not_gone_on_with_goes_away() {
    let form = rows();
    let project = died(&form, epochs(&form)[1]);
    let staged = || project.names("out").iter().filter(|name| name.starts_with('.')).count();
    assert_eq!(staged(), 5);
    project.write("pipeline.batch", form.pipeline.replace("id >= 3", "id >= 4"));
    assert_eq!(run(&project, None, "2").code, Some(0));
    assert!(!begun(&project));
    assert_eq!(staged(), 0);
}

#[test]
fn a_damaged_output_is_not_gone_on_with() {
    let form = rows();
    let operation = epochs(&form)[4];
    for name in ["kinds.csv", "kinds.jsonl.gz", "kinds.parquet"] {
        let project = died(&form, operation);
        let staged = project.names("out").into_iter().find(|staged| staged[1..].starts_with(name));
        let path = project.path(&format!("out/{}", staged.expect("it is staged")));
        let mut bytes = fs::read(&path).expect("it is there");
        if bytes.is_empty() {
            bytes.push(0);
        }
        bytes[0] ^= 1;
        fs::write(path, bytes).expect("it is ours");
        assert_eq!(run(&project, None, "2").code, Some(0));
        let is_whole = seen(&project) == undisturbed(&form);
        // Of the packed file no byte was there yet.
        assert!(is_whole && (!begun(&project) || name == "kinds.jsonl.gz"), "{name}");
    }
}

/// The place where a run goes on is the beginning of a file.
#[test]
fn rows_of_the_next_file_are_found_where_they_are() {
    let form = rows();
    let bytes = form.files[0].1.len();
    for morsels in 3..7 {
        let chunk = (bytes / morsels + 40).to_string();
        let with = |project: &Project, faults: &str| {
            let given = ["run", "--no-progress", "--report", "report.json", "--threads", "1"];
            let given = [&given[..], &["--checkpoints", "always", "--chunk", &chunk]].concat();
            let mut command = project.command(&given);
            Ended::of(&command.env("BATCHC_FAULTS", faults).output().expect("it can be started"))
        };
        let whole = project_of(&form);
        let ended = with(&whole, &format!("record:{}", whole.path("done").display()));
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        for operation in kept_behind(&whole) {
            let project = project_of(&form);
            assert_eq!(with(&project, &format!("kill:{operation}")).code, None);
            assert_eq!(with(&project, "").code, Some(0));
            assert!(begun(&project), "{morsels}: {operation}");
            assert_eq!(seen(&project), seen(&whole), "{morsels}: {operation}");
        }
    }
}

/// Is the last file read on, when it has changed so since a run died in the middle of it? What comes of
/// it is what comes of it as it is.
fn reads_on(form: &Form, change: impl Fn(String) -> String) -> bool {
    let operations = epochs(form);
    let project = died(form, operations[operations.len() - 2]);
    let mut files = form.files.iter().filter(|(name, _)| name.contains("events"));
    let (name, _) = files.next_back().expect("there is one");
    let before = fs::metadata(project.path(name)).expect("it is there");
    project.write(name, change(project.read(name)));
    let file = fs::File::options().write(true).open(project.path(name));
    let time = before.modified().expect("there are times here");
    file.and_then(|file| file.set_modified(time)).expect("it is our file");
    assert_eq!(run(&project, None, "2").code, Some(0));
    let read =
        |(name, _): &(&'static str, _)| (*name, fs::read(project.path(name)).expect("it is there"));
    let files = form.files.iter().map(read).collect();
    assert!(seen(&project) == undisturbed(&Form { pipeline: form.pipeline.clone(), files }));
    begun(&project)
}

#[test]
fn a_file_that_changed_since_is_read_anew_and_one_that_grew_is_read_on() {
    for form in [&groups()[0], &rows()] {
        let as_long_and_old = |text: String| text.replacen("kind\n1", "kind\n2", 1);
        assert!(!reads_on(form, as_long_and_old));
        assert!(!reads_on(form, |text| text[..200].to_owned() + "\"\n"));
        assert!(reads_on(form, |text| text + "7,kind\n"));
    }
}

#[test]
fn a_stage_that_was_done_before_is_gone_on_with_too() {
    let form = rows();
    let whole = undisturbed(&form);
    let project = project_of(&form);
    assert_eq!(run(&project, None, "1").code, Some(0));
    fs::remove_dir_all(project.path("out")).expect("it is there");
    // The earlier run has left what of the stage is no output.
    let last = *epochs(&form).last().expect("there are some");
    let ended = run_with(&project, Some(&format!("kill:{last}")), &["--threads", "1", "--fresh"]);
    assert_eq!(ended.code, None, "{}", ended.words);
    let ended = run(&project, None, "2");
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(begun(&project));
    assert!(seen(&project) == whole);
}
