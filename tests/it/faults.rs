//! Crashes and failures at every operation on a file in turn: outputs are old or new, and the next run
//! makes them new.

use crate::project::{Ended, Project};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

/// Numbers of errors, as Linux has them.
const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

const SOURCES: &str = "param version: int = 0

source rows = csv(\"rows.csv\") {
  id:   int
  kind: string
}

source kinds = csv(\"kinds.csv\") {
  kind:  string  key
  group: string
}
";

const MAP: &str = "
job shifted {
  on error quarantine bad
  from rows
  set id = id + version
}

output out = csv(\"out/rows.csv\") from shifted
";

const AGGREGATE: &str = "
job totals {
  from rows
  join kinds on kind == kinds.kind expect many_to_one
  group by group { total = sum(id) + version }
  sort group
}

output out = parquet(\"out/totals.parquet\") from totals
";

const SEVERAL: &str = "
job shifted {
  from rows
  set id = id + version
}

job parts {
  partition by hash(kind) into 2
  from shifted
}

output packed = json(\"out/rows.jsonl.gz\") from shifted
output folder = csv(\"out/parts\") from parts
output plain = csv(\"out/rows.csv\") from shifted
";

const STAGES: &str = "
job shifted {
  on error quarantine bad
  from rows
  set id = id + version
}

job totals {
  from shifted
  join kinds on kind == kinds.kind expect many_to_one
  group by group { total = sum(id) }
  sort group
}

output plain = csv(\"out/rows.csv\") from shifted
output totals_rows = parquet(\"out/totals.parquet\") from totals
";

const FOLDERS: &str = "
job shifted {
  from rows
  set id = id + version
}

output folders = csv(\"out/folders\") from shifted { partition by kind }
output columns = parquet(\"out/columns\") from shifted { partition by kind, is_x = kind == \"x\" }
";

/// The files below `out`, hidden ones too.
fn outputs(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let is_output = |name: &String| name.starts_with("out/");
    let read = |name: String| {
        let content = std::fs::read(project.path(&name)).unwrap();
        match name.ends_with("versions.csv") {
            true => (name, timeless(&content)),
            false => (name, content),
        }
    };
    project.files().into_iter().filter(is_output).map(read).collect()
}

/// Rows with the times of runs, each told by how many there are before it.
fn timeless(content: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    let is_time =
        |field: &&str| field.len() > 20 && field.starts_with("20") && field.ends_with('Z');
    let fields = || text.split([',', '\n']);
    let times: BTreeSet<&str> = fields().filter(is_time).collect();
    let masked = times
        .iter()
        .enumerate()
        .fold(text.to_string(), |text, (at, time)| text.replace(time, &format!("time {at}")));
    masked.into_bytes()
}

/// The same without what is staged.
fn visible(mut outputs: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let is_hidden =
        |name: &str| Path::new(name).iter().any(|part| part.as_encoded_bytes()[0] == b'.');
    outputs.retain(|name, _| !is_hidden(name));
    outputs
}

fn run(project: &Project, version: &str, faults: Option<&str>) -> (Ended, Option<i32>) {
    let mut command = project.command(&[
        "run",
        "-q",
        "--checkpoints",
        "always",
        "-p",
        &format!("version={version}"),
    ]);
    command.envs(faults.map(|faults| ("BATCHC_FAULTS", faults)));
    let output = command.output().expect("batchc can be started");
    (Ended::of(&output), output.status.signal())
}

/// Runs the new version over the old one with this fault at each operation, until there is none so
/// late; the number of operations.
fn each_operation(jobs: &str, fault: &dyn Fn(u32) -> String) -> u32 {
    let project = Project::new(&format!("{SOURCES}{jobs}"));
    // One row is set aside, where there is a place for it.
    let third = if [MAP, STAGES].contains(&jobs) { "bad" } else { "3" };
    project.write("rows.csv", format!("id,kind\n1,x\n2,y\n{third},x\n4,y\n"));
    project.write("kinds.csv", "kind,group\nx,one\ny,two\n");
    let whole = |version: &str| {
        let (ended, _) = run(&project, version, None);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        outputs(&project)
    };
    let (new, old) = (whole("1"), whole("0"));
    assert!(old.keys().eq(new.keys()) && old != new);
    for at in 1.. {
        let fault = fault(at);
        let (ended, signal) = run(&project, "1", Some(&fault));
        let is_past = signal.is_none() && ended.code == Some(0) && ended.words.is_empty();
        let found = visible(outputs(&project));
        assert!(found.keys().eq(old.keys()), "{fault}: {:?}", found.keys());
        for (name, content) in &found {
            assert!(*content == old[name] || *content == new[name], "{fault}: {name} is a mixture");
        }
        if signal.is_none() && ended.code != Some(0) {
            assert_eq!(ended.code, Some(3), "{fault}: {}", ended.words);
            assert!(ended.words.contains("error: cannot "), "{fault}: {}", ended.words);
        }
        let next = whole("1");
        assert!(next.keys().eq(new.keys()), "{fault}: the next run leaves {:?}", next.keys());
        assert!(next == new, "{fault}: the next run makes it new");
        if is_past && found == new {
            return at;
        }
        assert!(whole("0") == old, "{fault}: and the one after it old");
    }
    unreachable!("a run has an end")
}

/// Crashes between operations, and in the middle of writes.
fn crash_everywhere(jobs: &str) {
    let operations = each_operation(jobs, &|at| format!("kill:{at}"));
    assert!(operations > 8, "{operations} operations");
    each_operation(jobs, &|at| format!("tear:{at}"));
}

#[test]
fn a_crash_of_a_map_leaves_old_or_new() {
    crash_everywhere(MAP);
}

#[test]
fn a_crash_of_a_join_and_a_group_leaves_old_or_new() {
    crash_everywhere(AGGREGATE);
}

#[test]
fn a_crash_among_several_outputs_leaves_each_old_or_new() {
    crash_everywhere(SEVERAL);
}

#[test]
fn a_crash_among_folders_leaves_old_or_new() {
    each_operation(FOLDERS, &|at| format!("kill:{at}"));
    each_operation(FOLDERS, &|at| format!("fail:{at}:{ENOSPC}"));
}

#[test]
fn a_crash_among_stages_leaves_old_or_new() {
    crash_everywhere(STAGES);
}

const ADDED: &str = "
job shifted {
  on error quarantine bad
  from rows
  set id = id + version
}

job parts {
  partition by hash(kind) into 2
  from shifted
}

job totals {
  from shifted
  group by kind { total = sum(id) }
}

# allow: W0602 it is meant
output packed = json(\"out/rows.jsonl.gz\") from shifted { mode append }
# allow: W0602 it is meant
output folder = csv(\"out/parts\") from parts { mode append }
# allow: W0602 it is meant
output columns = parquet(\"out/totals.parquet\") from totals { mode append }
output merged = parquet(\"out/merged.parquet\") from totals { mode merge on kind }
output plain = csv(\"out/rows.csv\") from shifted
";

/// Of each row how it was, in two forms; those of the version that is run are others.
const VERSIONS: &str = "
job named {
  from rows
  dedupe by id keep newest by kind
  derive name = \"{kind} {version}\"
  select id, name
}

output plain = csv(\"out/versions.csv\") from named { mode scd2 on id track name }
output latest = csv(\"out/latest.csv\") from named { mode merge on id }
";

const SINCE: &str = "param version: int = 0

source rows = csv(\"rows.csv\") {
  id:   int
  kind: string
  incremental by id
}

job shifted {
  on error quarantine bad
  from rows
  derive version = version
}

job latest {
  on error drop
  from rows
  dedupe by kind keep newest by id
}

output packed = json(\"out/rows.jsonl.gz\") from shifted { mode append }
output merged = csv(\"out/merged.csv\") from latest { mode merge on kind }
output kinds = csv(\"out/kinds\") from shifted { partition by kind; mode append }
output ids = csv(\"out/ids\") from shifted { partition by id }
output latest_rows = parquet(\"out/latest\") from latest { partition by id; mode merge on kind }
";

/// Adds the rows of one version to those of another with this fault at each operation, until there is
/// none so late: they are in the outputs as they were before, or once, and in the end once.
fn each_operation_adds_once(
    project: fn() -> Project,
    come: fn(&Project),
    fault: &dyn Fn(u32) -> String,
) {
    let begun = || {
        let project = project();
        let (ended, _) = run(&project, "0", None);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        come(&project);
        project
    };
    let project = begun();
    let old = outputs(&project);
    run(&project, "1", None);
    let new = outputs(&project);
    for at in 1.. {
        let (fault, project) = (fault(at), begun());
        let (ended, signal) = run(&project, "1", Some(&fault));
        let is_past = signal.is_none() && ended.code == Some(0) && ended.words.is_empty();
        for (name, content) in visible(outputs(&project)) {
            let is_it = |outputs: &BTreeMap<String, Vec<u8>>| outputs.get(&name) == Some(&content);
            assert!(is_it(&old) || is_it(&new), "{fault}: {name} is neither");
        }
        for _ in 0..2 {
            let (next, _) = run(&project, "1", None);
            assert_eq!(next.code, Some(0), "{fault}: {}", next.words);
            let found = outputs(&project);
            assert!(found.keys().eq(new.keys()), "{fault}: {:?}", found.keys());
            for (name, content) in &found {
                let text = String::from_utf8_lossy(content);
                assert!(*content == new[name], "{fault}: {name} is not new: {text}");
            }
        }
        if is_past {
            assert!(at > 30, "{at} operations");
            return;
        }
    }
}

#[test]
fn rows_are_added_once_whatever_crashes_or_fails() {
    let project = || {
        let project = Project::new(&format!("{SOURCES}{ADDED}"));
        project.write("rows.csv", "id,kind\n1,x\n2,y\nbad,x\n4,y\n");
        project.write("kinds.csv", "kind,group\nx,one\ny,two\n");
        project
    };
    for fault in ["kill", "tear"] {
        each_operation_adds_once(project, |_| {}, &|at| format!("{fault}:{at}"));
    }
    each_operation_adds_once(project, |_| {}, &|at| format!("fail:{at}:{ENOSPC}"));
}

#[test]
fn versions_of_rows_end_once_whatever_crashes_or_fails() {
    let project = || {
        let project = Project::new(&format!("{SOURCES}{VERSIONS}"));
        project.write("rows.csv", "id,kind\n1,x\n2,y\n");
        project.write("kinds.csv", "kind,group\nx,one\ny,two\n");
        project
    };
    let come = |project: &Project| project.write("rows.csv", "id,kind\n1,x\n2,z\n3,y\n");
    for fault in ["kill", "tear"] {
        each_operation_adds_once(project, come, &|at| format!("{fault}:{at}"));
    }
    each_operation_adds_once(project, come, &|at| format!("fail:{at}:{ENOSPC}"));
}

#[test]
fn rows_that_came_are_taken_in_once_whatever_crashes_or_fails() {
    let project = || {
        let project = Project::new(SINCE);
        project.write("rows.csv", "id,kind\n1,x\n2,y\n");
        project
    };
    let come = |project: &Project| {
        project.write("rows.csv", "id,kind\n1,x\n2,y\n4,y\nbad,x\n3,z\n");
    };
    each_operation_adds_once(project, come, &|at| format!("kill:{at}"));
    each_operation_adds_once(project, come, &|at| format!("fail:{at}:{ENOSPC}"));
}

#[test]
fn a_failure_of_any_operation_is_told_and_leaves_old_or_new() {
    each_operation(SEVERAL, &|at| format!("fail:{at}:{ENOSPC}"));
    each_operation(MAP, &|at| format!("fail:{at}:{EIO}"));
    each_operation(AGGREGATE, &|at| format!("fail:{at}:{EMFILE}"));
    each_operation(SEVERAL, &|at| format!("short:{at}"));
    each_operation(STAGES, &|at| format!("fail:{at}:{ENOSPC}"));
}
