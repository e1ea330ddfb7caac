//! Runs that are killed at random moments, with all processes they have, while somebody looks at their
//! outputs all the time: each is old or new, and the next run goes on to the very bytes of a run that
//! nobody disturbed.
//!
//! `BATCHC_KILLS=300` has that many for each pipeline instead of a few, `BATCHC_KILLS_SEED=N` other
//! moments, and `BATCHC_KILLS_ROWS=N` larger inputs.

use super::project::{Ended, FOUR_OUTPUTS, Project};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SOURCES: &str = "param version: int = 0

source rows = csv(\"rows.csv\") {
  id:    int key
  text:  string
  share: float
}
";

/// Groups, a lookup in them, and a sort: several stages, one behind the other.
const STAGES: &str = "
job texts {
  from rows
  group by text { count = count(), shares = sum(share) }
}

job named {
  from rows
  join texts on text
  derive rank = id % 97 + version
}

job ranks {
  from named
  group by rank { total = sum(share), n = count_distinct(text), most = max(count) }
  sort -total
}

output ranked = csv(\"out/ranks.csv\") from ranks
";

/// The same rows written as they are and in other orders.
const SEVERAL: &str = "
job clean {
  on error quarantine bad
  from rows
  filter share > 0.1
  derive version = version
}

job sorted {
  from clean
  sort text, -id
}

job last {
  from clean
  dedupe by text keep newest by id
}

job aside {
  from quarantine.bad
  select id, text, _reason, _line
}

output aside_rows  = csv(\"out/aside.csv\") from aside
output clean_rows  = parquet(\"out/clean.parquet\") from clean
output clean_blocks = avro(\"out/clean.avro\") from clean
output sorted_rows = csv(\"out/sorted.csv\") from sorted
output last_rows   = json(\"out/last.jsonl\") from last
";

/// The files of an output, by their names; those of a file by none.
type Content = BTreeMap<String, Vec<u8>>;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number is given"))
}

fn project(jobs: &str) -> Project {
    let project = Project::new(&format!("{SOURCES}{jobs}"));
    let mut rows = String::from("id,text,share\n");
    for id in 0..number("BATCHC_KILLS_ROWS", 30_000) {
        let share = if id % 9973 == 9972 { "none".to_owned() } else { format!("0.{}", id % 977) };
        rows.push_str(&format!("{id},text number {},{share}\n", id * 7919 % 1013));
    }
    if jobs == STAGES {
        rows = rows.replace("none", "0.5");
    }
    project.write("rows.csv", rows);
    project
}

/// The outputs that are visible.
fn names(project: &Project) -> Vec<String> {
    project.names("out").into_iter().filter(|name| !name.starts_with('.')).collect()
}

/// What is found under a name; none if it was exchanged meanwhile. What was opened stays the same.
fn look(path: &Path) -> Option<Content> {
    let opened = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let id = opened.metadata().expect("it is open").ino();
    if !opened.metadata().expect("it is open").is_dir() {
        let open = format!("/proc/self/fd/{}", opened.as_raw_fd());
        return Some(Content::from([(String::new(), fs::read(open).expect("it is open"))]));
    }
    let folder = format!("/proc/self/fd/{}", opened.as_raw_fd());
    let mut content = Content::new();
    for entry in fs::read_dir(&folder).ok()? {
        let name = entry.ok()?.file_name().into_string().expect("a plain name");
        if !name.starts_with('.') {
            content.insert(name.clone(), fs::read(format!("{folder}/{name}")).ok()?);
        }
    }
    // An old folder is taken away file by file, when it is not there any more.
    (fs::metadata(path).ok()?.ino() == id).then_some(content)
}

fn outputs(project: &Project) -> BTreeMap<String, Content> {
    let look = |name: String| {
        let content = look(&project.path("out").join(&name)).expect("nobody writes");
        (name, content)
    };
    names(project).into_iter().map(look).collect()
}

fn command(project: &Project, version: u32, flags: &[&str]) -> Command {
    let given = format!("version={version}");
    let mut command = project.command(&[&["run", "-q", "-p", &given], flags].concat());
    command.stderr(Stdio::piped()).process_group(0);
    command
}

fn whole(project: &Project, version: u32, flags: &[&str]) -> BTreeMap<String, Content> {
    let ended = Ended::of(&command(project, version, flags).output().expect("it can be started"));
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(project.names("out").iter().all(|name| !name.starts_with('.')), "nothing is left");
    outputs(project)
}

/// Kills the run and what it has started.
fn kill(child: &Child) {
    let group = format!("-{}", child.id());
    let sent = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
    // It may have ended just before.
    sent.expect("kill is there");
}

fn kill_at_random(jobs: &str) {
    let project = project(jobs);
    let (checkpoints, kills) = (["--checkpoints", "always"], number("BATCHC_KILLS", 8));
    let begun = Instant::now();
    let versions = [whole(&project, 0, &["--fresh"]), whole(&project, 1, &["--fresh"])];
    let each = begun.elapsed() / 2;
    let mut seed = number("BATCHC_KILLS_SEED", 1);
    let mut random = |below: u64| {
        // Knuth's numbers, The Art of Computer Programming 2, 3.3.4.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let is_over = AtomicBool::new(false);
    let looks = AtomicUsize::new(0);
    let (mut killed, mut gone_on) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                for name in versions[0].keys() {
                    let Some(content) = look(&project.path("out").join(name)) else { continue };
                    let is_known = versions.iter().any(|version| version[name] == content);
                    assert!(is_known, "{name} is neither old nor new");
                    looks.fetch_add(1, Relaxed);
                }
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for kills in 0..kills {
                let version = (kills % 2) as usize;
                let mut child = command(&project, version as u32, &checkpoints)
                    .spawn()
                    .expect("it can be started");
                std::thread::sleep(Duration::from_micros(random(each.as_micros() as u64 + 1)));
                kill(&child);
                killed += u32::from(child.wait().expect("it ends").signal() == Some(9));
                let ended =
                    command(&project, version as u32, &["--report", "report.json"]).output();
                let ended = Ended::of(&ended.expect("it can be started"));
                assert_eq!(ended.code, Some(0), "{}", ended.words);
                gone_on += u32::from(project.report()["taken_up"].is_object());
                assert!(outputs(&project) == versions[version], "kill {kills}: the same bytes");
                assert!(project.names("out").iter().all(|name| !name.starts_with('.')));
            }
        }));
        is_over.store(true, Relaxed);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let looks = looks.load(Relaxed);
    assert!(killed > 0 && looks > 0, "{killed} of {kills} runs killed, {looks} looks");
    if std::env::var_os("BATCHC_KILLS").is_some() {
        #[allow(clippy::print_stderr)]
        let () = eprintln!(
            "{killed} of {kills} runs killed within {each:?}, {gone_on} gone on with, {looks} looks"
        );
    }
}

#[test]
fn killed_maps_leave_old_or_new() {
    kill_at_random(FOUR_OUTPUTS);
}

#[test]
fn killed_stages_leave_old_or_new_and_are_gone_on_with() {
    kill_at_random(STAGES);
}

#[test]
fn killed_runs_of_several_outputs_leave_old_or_new() {
    kill_at_random(SEVERAL);
}
