//! The checkpoints of a pipeline: what its stages have made, kept until a run has succeeded, so that
//! one after a crash or a failure begins where that one was.

use crate::connect::{discard, hold, written};
use crate::store::checkpoint::{Block, Checkpoint, remove};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
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
/// Checkpoints of runs that failed and were never taken up are kept for so long, and so many.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
const KEPT_MAX: usize = 16;

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

/// An output that is complete beside its target.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedOutput {
    pub end: usize,
    pub staged: PathBuf,
    pub target: PathBuf,
    /// What the system told of it.
    pub written: String,
    pub rows: u64,
    pub bytes: u64,
}

/// What a stage has set aside.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedRejects {
    pub quarantine: String,
    pub rows: u64,
    pub blocks: Vec<Block>,
}

/// The checkpoints of a pipeline.
pub(super) struct Checkpoints {
    folder: PathBuf,
    when: When,
    is_fresh: bool,
    since: Instant,
    /// Outputs that earlier runs have staged, held so that nothing sweeps them.
    held: BTreeMap<PathBuf, File>,
    /// Those that could not be read.
    pub damaged: Vec<PathBuf>,
}

impl Checkpoints {
    /// Opens the folder; checkpoints that are not what was written are removed.
    pub(super) fn open(folder: PathBuf, when: When, is_fresh: bool) -> Checkpoints {
        let (held, damaged) = Default::default();
        let since = Instant::now();
        let mut all = Checkpoints { folder, when, is_fresh, since, held, damaged };
        for path in all.paths() {
            // What a run was writing when it died is nothing, and no damage.
            let is_whole = path.extension().is_none();
            match Checkpoint::open::<Saved>(&path).filter(|_| is_whole) {
                Some((_, saved)) => {
                    let staged = saved.outputs.into_iter().map(|output| output.staged);
                    all.held.extend(staged.filter_map(|path| Some((path.clone(), hold(&path)?))));
                }
                None => {
                    remove(&path);
                    all.damaged.extend(is_whole.then_some(path));
                }
            }
        }
        all
    }

    fn paths(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }

    /// Where the checkpoint of a stage is.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// The checkpoint of a stage, if it is there.
    pub(super) fn find(&self, key: &str) -> Option<(Checkpoint, Saved)> {
        if self.is_fresh || self.when == When::Never {
            return None;
        }
        Checkpoint::open(&self.path(key))
    }

    /// Takes an output that an earlier run has staged, if it is still what that wrote.
    pub(super) fn take(&mut self, output: &SavedOutput) -> Option<File> {
        let is_same = written(&output.staged).as_ref() == Some(&output.written);
        if is_same { self.held.remove(&output.staged) } else { None }
    }

    /// How many bytes a checkpoint may have now; none if there is to be none.
    pub(super) fn bytes_max(&self) -> Option<u64> {
        let seconds = self.since.elapsed().as_secs_f64();
        match self.when {
            When::Always => Some(u64::MAX),
            When::Auto if seconds >= SECONDS_MIN => {
                Some((seconds * SHARE * BYTES_PER_SECOND) as u64)
            }
            When::Auto | When::Never => None,
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

    /// The run has ended. What one that succeeded has made, later ones have no need of; of others,
    /// what is old goes. Best effort: what cannot be removed is in nobody's way.
    pub(super) fn end(self, has_succeeded: bool) {
        let age = |path: &Path| {
            let changed = fs::metadata(path).and_then(|found| found.modified()).ok();
            let age = changed.and_then(|at| SystemTime::now().duration_since(at).ok());
            age.unwrap_or_default()
        };
        let mut paths: Vec<(Duration, PathBuf)> =
            self.paths().into_iter().map(|path| (age(&path), path)).collect();
        paths.sort();
        let mut staged = BTreeSet::new();
        for (at, (age, path)) in paths.iter().enumerate() {
            let is_old = at >= KEPT_MAX || *age > KEPT_FOR;
            match Checkpoint::open::<Saved>(path).filter(|_| !has_succeeded && !is_old) {
                Some((_, saved)) => {
                    staged.extend(saved.outputs.into_iter().map(|output| output.staged));
                }
                None => remove(path),
            }
        }
        // What no checkpoint names any more nobody will publish.
        for path in self.held.keys().filter(|path| !staged.contains(*path)) {
            discard(path);
        }
    }
}
