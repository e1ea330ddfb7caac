//! Power cuts: of the operations on files that a run did, as it noted them itself, those that no sync
//! made durable are lost, torn or done in part, at every moment of the run. Outputs are then old or
//! new, and new for good once the run has said that it succeeded.
//!
//! The model is POSIX's: bytes are durable when their file was synced after they were written, a name
//! when its folder was. What SQLite does is not in it; its database is as it was before the run, or
//! behind it.

use super::project::{Ended, Project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const PIPELINE: &str = "param version: int = 0

source rows = csv(\"rows.csv\") {
  id:   int
  kind: string
}

job all {
  on error quarantine bad
  from rows
  set id = id + version
}

job parts {
  partition by hash(kind) into 2
  from all
}

job totals {
  from all
  group by kind { total = sum(id) }
}

output plain  = csv(\"out/rows.csv\") from all
output folder = csv(\"out/parts\") from parts
output sums   = parquet(\"out/totals.parquet\") from totals
output lake   = json(\"out/lake\") from all { partition by kind }
";

/// Files by their paths; folders by theirs, with a `/` behind.
type Disk = BTreeMap<PathBuf, Vec<u8>>;

fn is_database(path: &Path) -> bool {
    path.to_string_lossy().contains("state.db")
}

fn disk(project: &Project) -> Disk {
    let (mut disk, mut open) = (Disk::new(), vec![project.folder().to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            let name = path.strip_prefix(project.folder()).expect("it is inside").to_owned();
            match path.is_dir() {
                true => {
                    disk.insert(name.join(""), vec![]);
                    open.push(path);
                }
                false => drop(disk.insert(name, fs::read(&path).expect("it can be read"))),
            }
        }
    }
    disk
}

/// Puts this in a folder in place of what is there.
fn write(disk: &Disk, folder: &Path) {
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.expect("it can be removed");
    }
    for (name, bytes) in disk {
        let path = folder.join(name);
        if name.as_os_str().as_encoded_bytes().ends_with(b"/") {
            fs::create_dir_all(path).expect("it can be made");
        } else {
            fs::create_dir_all(path.parent().expect("it is inside")).expect("it can be made");
            fs::write(path, bytes).expect("it can be written");
        }
    }
}

/// An operation as the run noted it.
#[derive(Debug)]
struct Operation {
    does: String,
    path: PathBuf,
    other: PathBuf,
    bytes: Vec<u8>,
}

fn operations(project: &Project) -> Vec<Operation> {
    let path = |value: &Value| {
        let path = PathBuf::from(value.as_str().unwrap_or_default());
        path.strip_prefix(project.folder()).map_or(path.clone(), Path::to_owned)
    };
    let operation = |record: &Value| Operation {
        does: record["does"].as_str().expect("it does something").to_owned(),
        path: path(&record["path"]),
        other: path(&record["to"]),
        bytes: serde_json::from_value(record["bytes"].clone()).unwrap_or_default(),
    };
    project.records("operations").iter().map(operation).collect()
}

/// Which of the first operations survive if the power fails behind them.
fn durable(operations: &[Operation]) -> Vec<bool> {
    let synced_later = |at: usize, path: &Path| {
        operations[at + 1..].iter().any(|later| later.does == "sync" && later.path == path)
    };
    let folder = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    let is_durable = |(at, operation): (usize, &Operation)| match &*operation.does {
        "write" => synced_later(at, &operation.path),
        "sync" => true,
        "link" | "rename" | "exchange" => synced_later(at, &folder(&operation.other)),
        _ => synced_later(at, &folder(&operation.path)),
    };
    operations.iter().enumerate().map(is_durable).collect()
}

/// What is under this path, moved to another.
fn moved(disk: &mut Disk, from: &Path, to: &Path) -> Disk {
    let is_below = |path: &Path| path == from || path.starts_with(from);
    let paths: Vec<PathBuf> = disk.keys().filter(|path| is_below(path)).cloned().collect();
    let mut moved = Disk::new();
    for path in paths {
        let bytes = disk.remove(&path).expect("it is there");
        let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let rest = path.strip_prefix(from).expect("it is below");
        let target = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
        moved.insert(if is_folder { target.join("") } else { target }, bytes);
    }
    moved
}

fn apply(disk: &mut Disk, operation: &Operation, is_torn: bool) {
    let Operation { does, path, other, bytes } = operation;
    match &**does {
        "create" => drop(disk.insert(path.clone(), vec![])),
        "create_folder" => drop(disk.insert(path.join(""), vec![])),
        "write" => {
            // What a file that was lost would have held is lost too.
            if let Some(file) = disk.get_mut(path) {
                file.extend(&bytes[..if is_torn { bytes.len() / 2 } else { bytes.len() }]);
            }
        }
        "link" => drop(disk.get(path).cloned().map(|bytes| disk.insert(other.clone(), bytes))),
        "rename" => {
            let from = moved(disk, path, other);
            if !from.is_empty() {
                moved(disk, other, other);
                disk.extend(from);
            }
        }
        "exchange" => {
            let (one, two) = (moved(disk, path, other), moved(disk, other, path));
            disk.extend(one);
            disk.extend(two);
        }
        "remove" => drop(moved(disk, path, path)),
        "sync" => {}
        other => panic!("nobody knows {other}"),
    }
}

/// What becomes of operations that are not durable.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// They were not done.
    All,
    /// Names are there, and their bytes are not.
    Bytes,
    /// Names are there, and half of each piece of bytes.
    Halves,
    /// None: what was written had come to the disk by itself.
    None,
    /// Some.
    Some(u64),
}

fn after_a_cut(before: &Disk, operations: &[Operation], lost: Lost) -> Disk {
    let mut disk = before.clone();
    for ((at, operation), is_durable) in operations.iter().enumerate().zip(durable(operations)) {
        let is_write = operation.does == "write";
        let (is_done, is_torn) = match lost {
            _ if is_durable => (true, false),
            Lost::All => (false, false),
            Lost::Bytes => (!is_write, false),
            Lost::Halves => (true, is_write),
            Lost::None => (true, false),
            Lost::Some(seed) => {
                // Bits that have nothing to do with each other.
                let bits = (seed + at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
                (bits & 1 == 0, bits & 2 == 0)
            }
        };
        if is_done {
            apply(&mut disk, operation, is_torn);
        }
    }
    disk
}

/// The outputs that are visible.
fn outputs(disk: &Disk) -> Disk {
    let is_hidden = |path: &Path| path.iter().any(|part| part.as_encoded_bytes()[0] == b'.');
    let mut outputs = disk.clone();
    outputs.retain(|path, _| path.starts_with("out") && !is_hidden(path));
    outputs
}

fn run(project: &Project, flags: &[&str], faults: Option<&str>) {
    let mut command = project.command(&[&["run", "-q", "-p"], flags].concat());
    command.envs(faults.map(|faults| ("BATCHC_FAULTS", faults)));
    let ended = Ended::of(&command.output().expect("batchc can be started"));
    assert_eq!(ended.code, Some(0), "{}", ended.words);
}

#[test]
fn outputs_survive_power_cuts() {
    let project = Project::new(PIPELINE);
    project.write("rows.csv", "id,kind\n1,x\n2,y\nbad,x\n4,y\n");
    run(&project, &["version=0"], None);
    let before = disk(&project);
    let always = ["version=1", "--checkpoints", "always"];
    run(&project, &always, Some(&format!("record:{}", project.path("operations").display())));
    let operations = operations(&project);
    fs::remove_file(project.path("operations")).expect("it is there");
    let behind = disk(&project);
    let (old, new) = (outputs(&before), outputs(&behind));
    assert!(old != new && old.keys().eq(new.keys()));
    let whole = after_a_cut(&before, &operations, Lost::None);
    assert!(outputs(&whole) == new, "the model does what the run did");
    let kinds = [Lost::All, Lost::Bytes, Lost::Halves, Lost::None, Lost::Some(1), Lost::Some(2)];
    for at in 0..=operations.len() {
        for lost in kinds {
            let mut found = after_a_cut(&before, &operations[..at], lost);
            let told = format!("{lost:?} lost of {at} operations");
            for (path, bytes) in outputs(&found) {
                let is_known = old.get(&path) == Some(&bytes) || new.get(&path) == Some(&bytes);
                assert!(is_known, "{told}: {} is neither old nor new", path.display());
            }
            let is_over = at == operations.len();
            if is_over {
                assert!(outputs(&found) == new, "{told}, and the run had succeeded");
                found.retain(|path, _| !is_database(path));
                found.extend(behind.clone().into_iter().filter(|(path, _)| is_database(path)));
            }
            // The next run is tried now and then: it takes longer than everything else here.
            if is_over || at % 3 == 0 {
                // Where it was: a journal names places.
                write(&found, project.folder());
                run(&project, &["version=1"], None);
                assert!(outputs(&disk(&project)) == new, "{told}: the next run makes it new");
            }
        }
    }
}
