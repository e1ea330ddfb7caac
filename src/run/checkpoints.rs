//! The checkpoints of a pipeline: what its stages have made, so that a run after a crash or a failure
//! begins where that one was, and one after a change where the first difference is.

use super::State;
use crate::connect::{Begun, Digest, discard, hold, written};
use crate::exec::stage::Pause;
use crate::store::StateError;
use crate::store::checkpoint::{Block, Checkpoint, remove};
use crate::store::lock::{Lock, NoLock};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

/// When stages leave what they have made to later runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// When writing it takes little of the time that computing it took.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never; nor is used what is there.
    Never,
}

/// Of the time since the last checkpoint, or since the run began, that writing one may take.
const SHARE: f64 = 0.1;
/// Bytes a second that are written at least: columns encoded, digested and given to the system.
const BYTES_PER_SECOND: f64 = 1e9;
/// What took less is computed again.
const SECONDS_MIN: f64 = 1.0;
/// What is kept of checkpoints when a run ends.
const KEPT: Retention =
    Retention { last: Some(16), age: Some(Duration::from_secs(7 * 24 * 3600)), bytes: None };
/// So many bytes of those that no job has asked for, when the run has succeeded and nobody waits for
/// it to go on.
const KEPT_BYTES: u64 = 1 << 30;

/// Which checkpoints are kept, of the newest; all where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// So many.
    pub last: Option<usize>,
    /// Those that are not older.
    pub age: Option<Duration>,
    /// As many as have no more bytes together.
    pub bytes: Option<u64>,
}

impl Retention {
    /// Parts files, the newest first, into those that are kept and those that are not.
    fn part(&self, mut paths: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<PathBuf>) {
        paths.sort_by_cached_key(|path| (age(path), path.clone()));
        let (mut count, mut bytes) = (0, 0);
        paths.into_iter().partition(|path| {
            count += 1;
            bytes += length(path);
            self.last.is_none_or(|last| count <= last)
                && self.age.is_none_or(|oldest| age(path) <= oldest)
                && self.bytes.is_none_or(|most| bytes <= most)
        })
    }
}

/// What a checkpoint holds. Operators are named by their place among those of the stage.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    /// The run that made it.
    pub run: String,
    /// What each operator has counted, and whether it is done with counting.
    pub counts: Vec<([u64; 9], bool)>,
    /// Rows and failed rows of each partition of a job, by one of its operators.
    pub partitions: Vec<(usize, Vec<u64>, Vec<u64>)>,
    pub results: Vec<SavedResult>,
    pub outputs: Vec<SavedOutput>,
    pub quarantines: Vec<SavedRejects>,
    /// Records and lines that were read, of what came of a single file.
    pub read: (u64, u64),
    /// Where reading had come to, of files that were not read to their end.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// What the operators are known by that end the stage.
    #[serde(default)]
    pub ends: Vec<String>,
    /// Has a job asked for it?
    #[serde(default)]
    pub is_asked: bool,
}

/// How far files were read, and what they were.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Epoch {
    /// The contents of those that were read to their end.
    pub files: Vec<String>,
    /// So much was read of the next, as [`crate::connect::Beginning`] counts it.
    pub position: u64,
    /// Records and lines of that.
    pub read: (u64, u64),
    /// What that was; none where it is not looked at byte by byte.
    pub begun: Option<Begun>,
    /// What told whether the file had changed, if that is all that is known.
    pub content: String,
}

/// The result of an operator.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedResult {
    pub end: usize,
    /// How many rows, if that was known.
    pub rows: Option<u64>,
    /// Its pieces, of batches of so many rows.
    pub pieces: Vec<Vec<(usize, Block)>>,
}

/// An output beside its target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedOutput {
    pub end: usize,
    pub staged: PathBuf,
    pub target: PathBuf,
    /// What the system told of it.
    pub written: String,
    pub rows: u64,
    pub bytes: u64,
    /// The digest of the bytes that are in the file; none of a directory.
    #[serde(default)]
    pub digest: Option<String>,
    /// Of one that is not complete, bytes that are not yet in it.
    #[serde(default)]
    pub pending: Option<Block>,
    /// And rows, of which a block has so many.
    #[serde(default)]
    pub rest: Vec<(usize, Block)>,
}

impl SavedOutput {
    /// What makes the digest of the bytes that were written, if they still are in the file.
    fn seen(&self) -> Option<Digest> {
        let seen = Digest::of_file(&File::open(&self.staged).ok()?, self.bytes).ok()?;
        (self.digest.as_ref() == Some(&seen.value())).then_some(seen)
    }
}

/// What a stage has set aside.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedRejects {
    pub quarantine: String,
    pub rows: u64,
    pub blocks: Vec<Block>,
}

/// What came of a file is kept at the earliest after so long, and after so many morsels.
const EPOCH: (Duration, u64) = (Duration::from_secs(10), 1);
/// The same where it always is.
const EPOCH_ALWAYS: (Duration, u64) = (Duration::ZERO, 4);
/// Seconds that reading a few files takes at least, for what came of them to be kept.
const PARTIAL_SECONDS_MIN: f64 = 0.002;
/// What came of files in stages that no run has run again is kept for so long.
const PARTIALS_KEPT_FOR: Duration = Duration::from_secs(28 * 24 * 3600);
/// The folder of all checkpoints in the state folder.
const FOLDER: &str = "checkpoints";
/// The folder of what came of files.
const PARTIALS: &str = "files";

/// The checkpoints of a pipeline.
pub(super) struct Checkpoints {
    folder: PathBuf,
    when: When,
    /// The runs whose checkpoints are taken up, if not those of all.
    only: Option<Vec<String>>,
    since: Instant,
    /// Outputs that earlier runs have staged, held so that nothing sweeps them.
    held: BTreeMap<PathBuf, Arc<File>>,
    /// What came of files, of stages that were run: what is not named goes when the run succeeds.
    used: BTreeMap<String, BTreeSet<String>>,
    /// Those that could not be read.
    pub damaged: Vec<PathBuf>,
    /// What the operators are known by that end the stages of which there are checkpoints, the most
    /// first: another run may cut its stages in another way.
    pub parts: Vec<Vec<String>>,
}

impl Checkpoints {
    /// Opens the folder; checkpoints that are not what was written are removed.
    pub(super) fn of(state: &State) -> Checkpoints {
        // What is made anew goes on only with what was made anew.
        let only = state.fresh.then(|| state.request.of.clone());
        let folder = state.folder.join(FOLDER).join(&state.pipeline);
        Checkpoints::open(folder, state.checkpoints, only)
    }

    fn open(folder: PathBuf, when: When, only: Option<Vec<String>>) -> Checkpoints {
        let (held, used, damaged, parts) = Default::default();
        let since = Instant::now();
        let mut all = Checkpoints { folder, when, only, since, held, used, damaged, parts };
        for path in all.paths() {
            // What a run was writing when it died is nothing, and no damage.
            let is_whole = path.extension().is_none();
            match Checkpoint::open::<Saved>(&path).filter(|_| is_whole) {
                Some((_, saved)) => {
                    all.parts.extend(Some(saved.ends).filter(|ends| !ends.is_empty()));
                    let staged = saved.outputs.into_iter().map(|output| output.staged);
                    all.held.extend(
                        staged.filter_map(|path| Some((path.clone(), Arc::new(hold(&path)?)))),
                    );
                }
                None => {
                    remove(&path);
                    all.damaged.extend(is_whole.then_some(path));
                }
            }
        }
        all.parts.sort_by_key(|ends| std::cmp::Reverse(ends.len()));
        all
    }

    fn paths(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| !path.is_dir());
        paths.sort();
        paths
    }

    /// Are what came of files kept, and used?
    pub(super) fn has_partials(&self) -> bool {
        self.when != When::Never
    }

    /// Where that is which came of some files in a stage.
    pub(super) fn partial_path(&mut self, stage: &str, files: &str) -> PathBuf {
        self.used.entry(stage.to_owned()).or_default().insert(format!("{stage}-{files}"));
        self.folder.join(PARTIALS).join(format!("{stage}-{files}"))
    }

    /// The same, if it is there.
    pub(super) fn find_partial(&mut self, stage: &str, files: &str) -> Option<(Checkpoint, Saved)> {
        let path = self.partial_path(stage, files);
        self.open_one(&path)
    }

    /// Where that is which came in a stage of the beginnings of files. A run that succeeds removes it.
    pub(super) fn epoch_path(&self, stage: &str, files: &str) -> PathBuf {
        self.folder.join(PARTIALS).join(format!("{stage}-{files}-begun"))
    }

    /// The same of a stage that writes outputs.
    pub(super) fn epoch_of_outputs(&self, stage: &str) -> PathBuf {
        self.folder.join(format!("{stage}-begun"))
    }

    /// Has a run died in the middle of this stage, whose outputs begin as it left them?
    pub(super) fn has_epoch(&self, stage: &str) -> bool {
        let found = self.find_epoch(&self.epoch_of_outputs(stage));
        found.is_some_and(|(_, saved)| {
            saved.outputs.iter().all(|output| self.held.contains_key(&output.staged))
        })
    }

    /// A stage is complete, and kept as a whole: how far it had come is of no use.
    pub(super) fn forget_epoch(&self, stage: &str) {
        remove(&self.epoch_of_outputs(stage));
    }

    /// What came of the beginnings of files, if it is there.
    pub(super) fn find_epoch(&self, path: &Path) -> Option<(Checkpoint, Saved)> {
        self.open_one(path)
    }

    /// When what comes of files is kept before their end; the last time that took so long.
    pub(super) fn pause(&self, last: Duration) -> Option<Pause> {
        let (after, morsels) = match self.when {
            When::Auto => (EPOCH.0.max(last.div_f64(SHARE)), EPOCH.1),
            When::Always => EPOCH_ALWAYS,
            When::Never => return None,
        };
        Some(Pause { due: Instant::now() + after, morsels })
    }

    /// Holds a staged output that a checkpoint names.
    pub(super) fn hold(&mut self, path: &Path, lock: &Arc<File>) {
        self.held.insert(path.to_owned(), lock.clone());
    }

    /// An output that an earlier run has not completed, if it begins as that run left it: what was
    /// written behind the place where it is gone on does not matter.
    pub(super) fn take_begun(&self, output: &SavedOutput) -> Option<(Arc<File>, Digest)> {
        let lock = self.held.get(&output.staged)?;
        Some((lock.clone(), output.seen()?))
    }

    /// Is it worth to keep so many bytes that came of so many seconds of reading?
    pub(super) fn is_worth(&self, bytes: usize, seconds: f64) -> bool {
        match self.when {
            When::Always => true,
            When::Auto => {
                seconds >= PARTIAL_SECONDS_MIN
                    && bytes as f64 / partial_bytes_per_second(bytes) <= seconds * SHARE
            }
            When::Never => false,
        }
    }

    /// Where the checkpoint of a stage is.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// The checkpoint of a stage, if it is there.
    pub(super) fn find(&self, key: &str) -> Option<(Checkpoint, Saved)> {
        if self.when == When::Never {
            return None;
        }
        self.open_one(&self.path(key))
    }

    /// What is there, if it is of a run whose checkpoints are taken up.
    fn open_one(&self, path: &Path) -> Option<(Checkpoint, Saved)> {
        let is_taken =
            |saved: &Saved| self.only.as_ref().is_none_or(|only| only.contains(&saved.run));
        match &self.only {
            Some(only) if only.is_empty() => None,
            _ => Checkpoint::open(path).filter(|(_, saved)| is_taken(saved)),
        }
    }

    /// Takes an output that an earlier run has staged, if it is still what that wrote.
    pub(super) fn take(&mut self, output: &SavedOutput) -> Option<Arc<File>> {
        let is_same = written(&output.staged).as_ref() == Some(&output.written)
            && (output.digest.is_none() || output.seen().is_some());
        if is_same { self.held.remove(&output.staged) } else { None }
    }

    /// How many bytes a checkpoint may have now; none if there is to be none. A job may have
    /// `asked` for one, or for none.
    pub(super) fn bytes_max(&self, asked: Option<bool>) -> Option<u64> {
        let seconds = self.since.elapsed().as_secs_f64();
        match (self.when, asked) {
            (When::Never, _) | (_, Some(false)) => None,
            (When::Always, _) | (_, Some(true)) => Some(u64::MAX),
            (When::Auto, None) if seconds < SECONDS_MIN => None,
            (When::Auto, None) => Some((seconds * SHARE * BYTES_PER_SECOND) as u64),
        }
    }

    /// A checkpoint was written, or taken up.
    pub(super) fn begin_anew(&mut self) {
        self.since = Instant::now();
    }

    /// None could be written: the run goes on without.
    pub(super) fn give_up(&mut self) {
        self.when = When::Never;
    }

    /// The run has ended: what is old goes, and of what one that succeeded has made, what is much.
    /// Best effort: what cannot be removed is in nobody's way.
    pub(super) fn end(self, has_succeeded: bool) {
        self.end_with(has_succeeded, KEPT_BYTES);
    }

    fn end_with(self, has_succeeded: bool, bytes_max: u64) {
        let (kept, old) = KEPT.part(self.paths());
        old.iter().for_each(|path| remove(path));
        let (mut staged, mut bytes) = (BTreeSet::new(), 0);
        for path in kept {
            let Some((_, saved)) = Checkpoint::open::<Saved>(&path) else {
                remove(&path);
                continue;
            };
            if !has_succeeded {
                staged.extend(saved.outputs.into_iter().map(|output| output.staged));
                continue;
            }
            bytes += if saved.is_asked { 0 } else { length(&path) };
            // Its outputs are published, or will never be.
            let is_over = saved.results.is_empty() || saved.epoch.is_some();
            if is_over || !saved.is_asked && bytes > bytes_max {
                remove(&path);
            }
        }
        if has_succeeded {
            self.remove_partials();
        }
        // What no checkpoint names any more nobody will publish.
        for path in self.held.keys().filter(|path| !staged.contains(*path)) {
            discard(path);
        }
    }

    /// Removes what came of files that stages of this run do not read any more, and what stages have
    /// left that were not run for long.
    fn remove_partials(&self) {
        let folder = self.folder.join(PARTIALS);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let used = name.split('-').next().and_then(|stage| self.used.get(stage));
            let is_needed = match used {
                Some(used) => used.contains(&name),
                None => age(&entry.path()) < PARTIALS_KEPT_FOR,
            };
            if !is_needed {
                remove(&entry.path());
            }
        }
    }
}

/// The checkpoints of a pipeline that were removed, or would be.
#[derive(Debug)]
pub struct Cleaned {
    /// The pipeline, as it is called in the state folder.
    pub pipeline: String,
    /// How many files.
    pub files: usize,
    /// How long they were together.
    pub bytes: u64,
    /// The run that goes on and has them; nothing was removed.
    pub held_by: Option<String>,
}

/// Removes the checkpoints in a state folder that are not to be kept, with the outputs that were
/// staged with them; only looks if it is told so.
pub fn clean(state: &Path, keep: Retention, only_looks: bool) -> Result<Vec<Cleaned>, StateError> {
    let mut all = vec![];
    let entries = fs::read_dir(state.join(FOLDER)).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders {
        let pipeline = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut cleaned = Cleaned { pipeline, files: 0, bytes: 0, held_by: None };
        let lock = state.join(format!("{}.lock", cleaned.pipeline));
        match Lock::take(&lock, "clean", Duration::ZERO, &AtomicBool::new(false)) {
            Ok(_lock) => remove_old(folder, keep, only_looks, &mut cleaned),
            Err(NoLock::Held(by)) => cleaned.held_by = Some(by),
            Err(NoLock::Failed(error)) => return Err(error),
            Err(NoLock::Stopped) => unreachable!("nobody stops it"),
        }
        all.push(cleaned);
    }
    Ok(all)
}

fn remove_old(folder: PathBuf, keep: Retention, only_looks: bool, cleaned: &mut Cleaned) {
    let partials = fs::read_dir(folder.join(PARTIALS)).into_iter().flatten().flatten();
    let partials: Vec<PathBuf> = partials.map(|entry| entry.path()).collect();
    let checkpoints = Checkpoints::open(folder, When::Never, Some(vec![]));
    let paths = checkpoints.paths().into_iter().chain(partials).collect();
    for path in keep.part(paths).1 {
        cleaned.files += 1;
        cleaned.bytes += length(&path);
        if only_looks {
            continue;
        }
        let saved = Checkpoint::open::<Saved>(&path).map(|(_, saved)| saved.outputs);
        saved.iter().flatten().for_each(|output| discard(&output.staged));
        remove(&path);
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// Bytes of states that are saved a second, by how much memory they take: in files they take about
/// half of it, and what fits into no cache is slow to take apart and to put together.
fn partial_bytes_per_second(bytes: usize) -> f64 {
    if bytes <= 64 << 20 { 2e9 } else { 1e8 }
}

/// How long ago a file was written; none if that lies ahead.
fn age(path: &Path) -> Duration {
    let changed = fs::metadata(path).and_then(|found| found.modified()).ok();
    changed.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::Writer;

    #[test]
    fn what_a_job_asked_for_is_kept_however_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, has_results, is_asked) in
            [("asked", true, true), ("other", true, false), ("outputs", false, true)]
        {
            let mut writer = Writer::create(&path(name)).unwrap();
            let rows = writer.bytes(b"rows").unwrap();
            let result = SavedResult { end: 0, rows: None, pieces: vec![vec![(1, rows)]] };
            let saved = Saved {
                run: "r".into(),
                counts: vec![],
                partitions: vec![],
                results: has_results.then_some(result).into_iter().collect(),
                outputs: vec![],
                quarantines: vec![],
                read: (0, 0),
                epoch: None,
                ends: vec![],
                is_asked,
            };
            writer.finish(&saved).unwrap();
        }
        let open = || Checkpoints::open(folder.path().to_owned(), When::Auto, None);
        open().end_with(false, 0);
        assert_eq!(open().paths().len(), 3, "a run that failed keeps all");
        open().end_with(true, u64::MAX);
        assert_eq!(open().paths(), [path("asked"), path("other")]);
        open().end_with(true, 0);
        assert_eq!(open().paths(), [path("asked")]);
    }
}
