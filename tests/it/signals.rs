//! Runs that are stopped: by a signal, or by a full disk. What was there before stays, and nothing is
//! left behind.

use super::project::{Ended, FOUR_OUTPUTS, Project};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SOURCE: &str = "param version: int = 0

source rows = csv(\"rows.csv\") {
  id: int key
  text: string
}
";

fn project(rows: usize) -> Project {
    let project = Project::new(&format!("{SOURCE}{FOUR_OUTPUTS}"));
    let rows: String = (0..rows).map(|id| format!("{id},text number {}\n", id % 1000)).collect();
    project.write("rows.csv", format!("id,text\n{rows}"));
    project
}

fn signal(child: &Child, number: &str) {
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").args([number, &pid]).status();
    assert!(sent.expect("kill is there").success());
}

/// Waits until the run has begun to write; false if it has ended before.
fn wait_for_staged(project: &Project, child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if project.names("out").iter().any(|name| name.contains(".batchc-")) {
            return true;
        }
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the run neither writes nor ends");
}

/// Work that takes longer than any test waits: every row meets every other of its text.
const ENDLESS: &str = "source rows = csv(\"rows.csv\") {
  id: int
  text: string
}

job others {
  from rows
  rename id as other
}

job pairs {
  from rows
  join others on text expect many_to_many
  group by text { pairs = count() }
}

output plain = csv(\"out/plain.csv\") from pairs
";

#[test]
fn signals_stop_a_run_with_their_code_and_publish_nothing() {
    for (number, code) in [("-INT", 130), ("-TERM", 143)] {
        let project = Project::new(ENDLESS);
        let rows: String = (0..300_000).map(|id| format!("{id},text {}\n", id % 3)).collect();
        project.write("rows.csv", format!("id,text\n{rows}"));
        project.write("out/plain.csv", "old\n");
        let mut child = project
            .command(&["run", "--report", "report.json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("batchc can be started");
        assert!(wait_for_staged(&project, &mut child), "it works long enough");
        let running: serde_json::Value =
            serde_json::from_str(&project.read("report.json")).expect("a report is JSON");
        assert_eq!(running["status"], "RUNNING");
        signal(&child, number);
        let ended = Ended::of(&child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(code), "{}", ended.words);
        assert!(ended.words.contains("was stopped after"), "{}", ended.words);
        assert_eq!(project.report()["status"], "CANCELLED");
        assert_eq!(project.report()["execution_id"], running["execution_id"]);
        assert_eq!(project.names("out"), ["plain.csv"], "nothing is left");
        assert_eq!(project.read("out/plain.csv"), "old\n");
        assert_eq!(project.report()["outputs"], json!([]));
    }
}

/// A sort whose keys begin alike, a grouping and a dedupe, of which each ends a phase of a run.
const BREAKERS: &str = "source rows = csv(\"rows.csv\") {
  id: int
  text: string
}

job sorted {
  from rows
  sort text, id desc
}

job grouped {
  from rows
  group by text, id { rows = count() }
}

job last {
  from rows
  dedupe by text keep newest by id
}

output sorted_csv  = csv(\"out/sorted.csv\") from sorted
output grouped_csv = csv(\"out/grouped.csv\") from grouped
output last_csv    = csv(\"out/last.csv\") from last
";

#[test]
fn a_run_that_is_stopped_ends_soon_at_any_moment() {
    let project = Project::new(BREAKERS);
    let texts = (0..200_000).map(|id| format!("{id},\"the same text, {}\"\n", id * 7919 % 200_000));
    project.write("rows.csv", format!("id,text\n{}", texts.collect::<String>()));
    // In memory, and with nearly everything on disk.
    for memory in ["1GB", "4MB"] {
        let start = || {
            let mut command = project.command(&["run", "-q", "--fresh", "--memory", memory]);
            command.stderr(Stdio::piped()).spawn().expect("batchc can be started")
        };
        let begun = Instant::now();
        let ended = Ended::of(&start().wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let whole = begun.elapsed();
        let names = ["grouped.csv", "last.csv", "sorted.csv"];
        assert_eq!(project.names("out"), names);
        let mut stopped = 0;
        for part in 1..6 {
            fs::remove_dir_all(project.path("out")).expect("it can be removed");
            let child = start();
            std::thread::sleep(whole * part / 6);
            signal(&child, "-TERM");
            let told = Instant::now();
            let ended = Ended::of(&child.wait_with_output().expect("it ends"));
            assert!(told.elapsed() < Duration::from_secs(5), "at {part}/6: {:?}", told.elapsed());
            // Other work on the machine decides whether it was done before.
            let left = project.names("out");
            match ended.code {
                // Without a code it was stopped before it could see to its end itself.
                Some(143) | None => assert!(left.is_empty(), "nothing is left, but {left:?}"),
                code => assert_eq!((code, left), (Some(0), names.map(str::to_owned).to_vec())),
            }
            stopped += u32::from(ended.code == Some(143));
        }
        assert!(stopped > 0, "some runs were stopped");
    }
}

/// A small file system in memory; None where nobody may mount one.
struct SmallDisk<'p>(&'p Path);

impl SmallDisk<'_> {
    fn mount<'p>(path: &'p Path, size: &str) -> Option<SmallDisk<'p>> {
        fs::create_dir_all(path).expect("a folder can be made");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("mode=700,size={size}"), "tmpfs"])
            .arg(path)
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0).status();
    }
}

#[test]
#[allow(clippy::print_stderr)]
fn a_full_disk_is_told_and_changes_nothing() {
    let project = project(40_000);
    let out = project.path("out");
    let Some(_disk) = SmallDisk::mount(&out, "256k") else {
        eprintln!("skipped: no file system can be mounted here");
        return;
    };
    project.write("out/plain.csv", "old\n");
    let ended = project.batchc(&["run", "--report", "report.json"]);
    ended.fails(3, "error: cannot write ");
    ended.fails(3, "no space left on device");
    assert_eq!(project.report()["status"], "FAILED");
    assert_eq!(project.names("out"), ["plain.csv"]);
    assert_eq!(project.read("out/plain.csv"), "old\n");
    let jobs = project.read("pipeline.batch");
    let (jobs, _) = jobs.split_once("output plain").expect("it is there");
    let unique = jobs.replace("version = version", "again = sha256(\"{id}\")");
    let columns = "output columns = parquet(\"out/columns.parquet\") from parts\n";
    project.write("pipeline.batch", unique + columns);
    let ended = project.batchc(&["run"]);
    ended.fails(3, ": no space left on device\n");
    assert!(!ended.words.contains("External"), "{}", ended.words);
}

#[test]
#[allow(clippy::print_stderr)]
fn a_full_disk_for_the_state_is_told_and_changes_nothing() {
    let project = project(40_000);
    let jobs = project.read("pipeline.batch");
    let state = project.path(".batchc");
    project.write("out/plain.csv", "old\n");
    for (size, filled) in [("64k", 64), ("64k", 0), ("128k", 50)] {
        let Some(_disk) = SmallDisk::mount(&state, size) else {
            eprintln!("skipped: no file system can be mounted here");
            return;
        };
        let _ = fs::write(state.join("others"), vec![b'x'; filled << 10]);
        let ended = project.batchc(&["run", "--checkpoints", "always"]);
        ended.fails(3, "error: cannot ");
        ended.fails(3, ".batchc");
        assert_eq!(project.names("out"), ["plain.csv"], "{size}");
        assert_eq!(project.read("out/plain.csv"), "old\n", "{size}");
    }
    // A run can do without checkpoints.
    let Some(_disk) = SmallDisk::mount(&state, "512k") else { return };
    let sorts =
        "job later {\n  from all\n  sort text\n}\n\njob last {\n  from later\n  sort -id\n}\n\n";
    let last = "output last_rows = csv(\"out/last.csv\") from last\n";
    let (jobs, _) = jobs.split_once("job parts").expect("it is there");
    let jobs = jobs.replace("quarantine bad", "drop");
    project.write("pipeline.batch", format!("{jobs}{sorts}{last}"));
    let ended = project.batchc(&["run", "--checkpoints", "always"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.contains("without checkpoints from here on: cannot write .batchc/"));
    assert_eq!(project.names("out"), ["last.csv", "plain.csv"]);
}
