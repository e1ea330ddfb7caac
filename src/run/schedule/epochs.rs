//! A long stage that reads files row by row is run in epochs: from time to time it is kept what came of
//! the rows so far and where the next one is, so that a run after a crash reads on there.
//!
//! When an epoch is due all threads end with the morsel that they have, what they made is put together
//! and written with the place of the next morsel, and they go on. Nothing is opened anew, so an epoch
//! costs little more than what it writes.

use super::branches::Broken;
use super::kept::{Before, Kept, KnownFile, Progress, add};
use super::{Open, Schedule, Stage};
use crate::connect::{Beginning, Behind, Extent, Only};
use crate::data::{Batch, Positions};
use crate::exec::compile::{Action, Probe};
use crate::exec::stage::{By, Pause, States};
use crate::ir::SourceId;
use crate::plan::{NodeId, NodeKind};
use crate::run::checkpoints::{Epoch, SavedOutput};
use crate::run::failure::Failure;
use crate::run::made::digest;
use crate::run::open::Begin;
use crate::run::{Event, FilesTaken};
use crate::store::checkpoint::Block;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where reading begins, and when it pauses.
pub(super) struct Until {
    /// How much of the file was read before.
    pub read: Extent,
    pub pause: Option<Pause>,
}

impl Schedule<'_, '_> {
    /// The source of a stage that reads nothing else, if what comes of its rows can be kept before all
    /// are read.
    pub(super) fn source_apart(&self, stage: &Stage) -> Option<SourceId> {
        let execution = self.execution;
        let session = self.session.as_ref()?;
        let [root] = stage.roots[..] else { return None };
        let NodeKind::Scan(source) = execution.plan.node(root).kind else { return None };
        let scans = execution.plan.iter().filter(|(_, node)| node.kind == NodeKind::Scan(source));
        let is_read_once = scans.count() == 1;
        let can_be_kept = |node: &NodeId| {
            let mut jobs = execution.plan.node(*node).jobs();
            let is_simple = match &execution.nodes[node.at()].action {
                Action::Break(operator) => operator.can_be_saved(),
                // What is joined has to be what it was, and nothing may depend on all rows.
                Action::Probe(probe) => {
                    let is_row_by_row =
                        matches!(probe.get(), Some(Probe::Table(probe)) if !probe.keeps_right());
                    is_read_once && is_row_by_row
                }
                Action::Sink => {
                    execution.sinks[node.at()].as_ref().is_some_and(|sink| sink.can_pause())
                }
                Action::Build(_) | Action::Split(_) => false,
                _ => true,
            };
            is_simple && !jobs.any(|job| execution.partitions[job.0 as usize].is_some())
        };
        let is_end = |end: &NodeId| {
            matches!(execution.nodes[end.at()].action, Action::Break(_) | Action::Sink)
        };
        let is_worth_it = self.profile.is_none()
            && session.checkpoints.has_partials()
            // Without files nothing would be opened that says why there are none.
            && session.decision.files.get(&source).is_some_and(|files| !files.is_empty())
            && stage.ends.iter().all(is_end)
            && stage.active.iter().all(can_be_kept);
        is_worth_it.then_some(source)
    }

    /// What the epochs of a stage that writes outputs are known by; none of a stage that has none.
    pub(super) fn epoch_key(&self, stage: &Stage) -> Option<String> {
        let writes = |end: &NodeId| self.execution.sinks[end.at()].is_some();
        let source = self.source_apart(stage).filter(|_| stage.ends.iter().any(writes))?;
        self.key_without(stage, source)
    }

    /// Was a run in the middle of the stage when it died, and can it be gone on with?
    pub(super) fn has_epoch(&self, key: Option<&str>) -> bool {
        let (Some(key), Some(session)) = (key, &self.session) else { return false };
        session.checkpoints.has_epoch(key)
    }

    /// Runs a stage over the files of its only source, of which some may be known.
    pub(super) fn states_apart(
        &mut self,
        stage: &Stage,
        source: SourceId,
        open: &Open,
    ) -> Result<States, Broken> {
        let files = self.session.as_ref().map(|session| session.decision.files[&source].clone());
        let (Some(files), Some(key)) = (files, self.key_without(stage, source)) else {
            return self.states(stage, open, None);
        };
        let writes = |node: &NodeId| self.execution.sinks[node.at()].is_some();
        match stage.active.iter().any(writes) {
            true => self.states_in_epochs(stage, source, (&key, &files), open),
            false => self.states_by_file(stage, source, (&key, &files), open),
        }
    }

    /// Runs a stage that writes outputs in progress.
    fn states_in_epochs(
        &mut self,
        stage: &Stage,
        source: SourceId,
        (key, files): (&str, &[KnownFile]),
        open: &Open,
    ) -> Result<States, Broken> {
        let Some(session) = &self.session else { return self.states(stage, open, None) };
        let path = session.checkpoints.epoch_of_outputs(key);
        let mut progress = Progress::new(path, files, self.before(stage)?);
        if let Some((kept, after)) = self.find_epoch(&progress.path, files)
            && self.go_on_with_outputs(&kept, &progress)?
        {
            progress.go_on(&kept, after);
            self.take_piece(stage, kept, &mut progress.blocks)?;
            let known = FilesTaken { taken: progress.first, grown: 0, begun: 1, of: files.len() };
            let source = &self.execution.pipeline.sources[source.0 as usize].name;
            (self.watch)(Event::FilesTaken { source, files: &known });
        }
        self.read_in_epochs(stage, open, &mut progress)?;
        self.load(&progress.blocks, &mut progress.states);
        Ok(progress.states)
    }

    /// Reads the files as far as they were not read; says what came of them from time to time.
    pub(super) fn read_in_epochs(
        &mut self,
        stage: &Stage,
        open: &Open,
        progress: &mut Progress,
    ) -> Result<(), Broken> {
        let names = progress.files[progress.first..].iter().map(|(file, _)| file.name.clone());
        let only = Only { names: names.collect(), after: progress.after };
        let scans = self.open_scans(stage, open, Some(only))?;
        progress.states.resize_with(self.execution.nodes.len(), Vec::new);
        let mut read = Extent::from(progress.after);
        let (mut kept_at, mut took) = (Instant::now(), Duration::ZERO);
        loop {
            let session = self.session.as_ref();
            let pause = session.and_then(|session| session.checkpoints.pause(took));
            let ran = self.states_of(stage, &scans, Some(&Until { read, pause }))?;
            add(&mut progress.states, ran.states);
            if !ran.is_paused {
                return Ok(());
            }
            read = self.read();
            let paused = Instant::now();
            let position = scans.values().find_map(|(source, _)| source.position());
            if let Some((file, _)) = position.filter(|(file, _)| *file != read.file) {
                read = Extent { file, ..Extent::default() };
            }
            if let Some(position) = position
                && self.leave_epoch(stage, (position, read), paused - kept_at, progress)?
            {
                took = paused.elapsed();
                kept_at = Instant::now();
            }
        }
    }

    /// Keeps what came of the rows before this place, if that is worth it; says whether it did.
    fn leave_epoch(
        &mut self,
        stage: &Stage,
        ((at, position), read): ((usize, u64), Extent),
        since: Duration,
        progress: &mut Progress,
    ) -> Result<bool, Broken> {
        let rejects = self.set_aside_since(&progress.before);
        let Some(session) = &self.session else { return Ok(false) };
        if !session.checkpoints.is_worth(progress.bytes() + rejects, since.as_secs_f64())
            || !self.save(stage, progress)
        {
            return Ok(false);
        }
        let (whole, next) = progress.files.split_at(progress.first + at);
        let Some(session) = &self.session else { return Ok(false) };
        let files = whole.iter().map(|file| session.begun(file).1).collect();
        let (begun, content) = session.begun(&next[0]);
        let read = (read.records, read.lines);
        let epoch = Epoch { files, position, read, begun, content };
        let mut outputs = vec![];
        for &end in &stage.ends {
            let Some(sink) = &self.execution.sinks[end.at()] else { continue };
            let by = Some(By::Operator(end));
            match sink.pause().map_err(|error| Broken { failure: error.into(), by })? {
                Some(behind) => outputs.push((end, behind)),
                None => return Ok(false),
            }
        }
        let locks: Vec<_> =
            outputs.iter().map(|(end, to)| (*end, to.staged.clone(), to.lock.clone())).collect();
        match self.write_piece(&progress.path, progress, Some((epoch, outputs))) {
            Ok(()) => locks.into_iter().for_each(|(end, staged, lock)| {
                self.execution.sinks[end.at()].iter().for_each(|sink| sink.keep());
                self.session
                    .iter_mut()
                    .for_each(|session| session.checkpoints.hold(&staged, &lock));
            }),
            Err(error) => self.give_up_keeping(&error),
        }
        Ok(true)
    }

    /// How many bytes of rows were set aside since then.
    fn set_aside_since(&self, before: &Before) -> usize {
        let Ok(now) = self.execution.quarantines.written() else { return usize::MAX };
        let both = now.iter().flatten().zip(before.quarantines.iter().flatten());
        both.map(|(now, before)| (now.bytes - before.bytes) as usize).sum()
    }

    /// Where it is kept what came of the beginnings of these files.
    pub(super) fn epoch_of(&self, key: &str, files: &[KnownFile]) -> PathBuf {
        let Some(session) = &self.session else { return PathBuf::new() };
        let names: Vec<&str> = files.iter().map(|(file, _)| &*file.name).collect();
        session.checkpoints.epoch_path(key, &digest(&format!("{names:?}")))
    }

    /// What an earlier run has kept of the beginnings of files, if these are what they were.
    pub(super) fn find_epoch(&self, path: &Path, files: &[KnownFile]) -> Option<(Kept, Beginning)> {
        let session = self.session.as_ref()?;
        let (found, saved) = session.checkpoints.find_epoch(path)?;
        let epoch = saved.epoch.as_ref()?;
        let next = files.get(epoch.files.len())?;
        let mut whole = files.iter().zip(&epoch.files);
        if !whole.all(|(file, content)| session.goes_on(file, None, content))
            // What nothing was read of may be what it is.
            || epoch.position > 0
                && !session.goes_on(next, epoch.begun.as_ref(), &epoch.content)
        {
            return None;
        }
        let whole = files.iter().zip(&epoch.files);
        let whole: Vec<KnownFile> =
            whole.map(|((file, _), content)| (file.clone(), content.clone())).collect();
        session.known(&whole);
        let (bytes, (records, lines)) = (epoch.position, epoch.read);
        Some((self.kept(found, saved)?, Beginning { bytes, records, lines }))
    }

    /// Has the outputs of a stage begin with what an earlier run had written; says whether all are
    /// there.
    fn go_on_with_outputs(&self, kept: &Kept, progress: &Progress) -> Result<bool, Failure> {
        let Some(session) = &self.session else { return Ok(false) };
        let behind = |output: &SavedOutput| {
            let (lock, seen) = session.checkpoints.take_begun(output)?;
            let pending =
                output.pending.as_ref().map(|block| kept.bytes(block)).transpose().ok()?;
            let pending = pending.unwrap_or_default();
            let batch = |(rows, block): &(usize, Block)| {
                let columns = kept.columns(block).ok()?;
                Some(Batch { columns, rows: *rows, positions: Positions::Range(0) })
            };
            let rest = output.rest.iter().map(batch).collect::<Option<_>>()?;
            let SavedOutput { staged, target, rows, .. } = output.clone();
            let to = Behind { staged, target, seen, rows, pending, rest, lock };
            Some((progress.before.nodes[output.end], to))
        };
        let outputs: Option<Vec<_>> = kept.saved.outputs.iter().map(behind).collect();
        let Some(outputs) = outputs else { return Ok(false) };
        for (end, behind) in outputs {
            let sink = self.execution.sinks[end.at()].as_ref().expect("it was one of the stage");
            let begin = Begin::Behind(Box::new(behind), self.begun_anew + 1);
            sink.begin_anew((self.open_sink)(end, begin)?);
        }
        Ok(true)
    }
}
