//! A long stage that reads files row by row is run in epochs: from time to time it is kept what came of
//! the rows so far and where the next one is, so that a run after a crash reads on there.
//!
//! When an epoch is due all threads end with the morsel that they have, what they made is put together
//! and written with the place of the next morsel, and they go on. Nothing is opened anew, so an epoch
//! costs little more than what it writes.

use super::branches::Broken;
use super::by_file::{Before, Blocks, Kept, KnownFile, add};
use super::{Open, Schedule, Stage};
use crate::connect::{Beginning, Behind, Extent, Only};
use crate::data::{Batch, Positions};
use crate::exec::compile::{Action, Probe};
use crate::exec::operators::Streaming;
use crate::exec::stage::{Pause, States};
use crate::ir::SourceId;
use crate::plan::{NodeId, NodeKind};
use crate::run::checkpoints::{Epoch, SavedOutput};
use crate::run::failure::Failure;
use crate::run::made::digest;
use crate::run::open::Begin;
use crate::run::{Event, FilesTaken};
use crate::store::StateError;
use crate::store::checkpoint::{Block, Writer};
use arrow_array::Array;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Where reading begins, and when it pauses.
pub(super) struct Until {
    /// How much of the file was read before.
    pub read: Extent,
    pub pause: Option<Pause>,
}

/// What came so far of files that are read one after the other.
pub(super) struct Epochs<'p> {
    /// Where it is kept.
    pub path: PathBuf,
    pub files: &'p [KnownFile],
    /// How many of them an earlier run has read to their end.
    first: usize,
    /// What of the next it has read.
    pub after: Beginning,
    /// How far the stage was before.
    pub before: Before,
    /// What can be kept.
    pub blocks: Blocks,
    /// What came since then.
    pub states: States,
}

impl<'p> Epochs<'p> {
    pub(super) fn new(path: PathBuf, files: &'p [KnownFile], before: Before) -> Epochs<'p> {
        let (after, blocks) = (Beginning::default(), Blocks::new());
        Epochs { path, files, first: 0, after, before, blocks, states: vec![] }
    }

    /// About how many bytes would be kept.
    pub(super) fn bytes(&self) -> usize {
        let states = self.states.iter().flatten().map(|state| state.saved_bytes());
        let columns = self.blocks.values().flatten().flatten();
        states.chain(columns.map(|column| column.get_array_memory_size())).sum()
    }
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
                // What is joined has to be what it was.
                Action::Probe(probe) => {
                    is_read_once && matches!(probe.get(), Some(Probe::Table(_)))
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

    /// Runs a stage that writes outputs in epochs.
    pub(super) fn states_in_epochs(
        &mut self,
        stage: &Stage,
        source: SourceId,
        open: &Open,
    ) -> Result<States, Broken> {
        let Some(session) = &self.session else { return self.states(stage, open, None) };
        let files = session.decision.files[&source].clone();
        let Some(key) = self.key_without(stage, source) else {
            return self.states(stage, open, None);
        };
        let path = session.checkpoints.epoch_of_outputs(&key);
        let mut epochs = Epochs::new(path, &files, self.before(stage)?);
        if let Some((kept, after)) = self.find_epoch(&epochs.path, &files)
            && self.go_on_with_outputs(&kept, &epochs)?
        {
            epochs.first = kept.saved.epoch.as_ref().map_or(0, |epoch| epoch.files.len());
            epochs.after = after;
            self.take_piece(stage, kept, &mut epochs.blocks)?;
            let known = FilesTaken { taken: epochs.first, grown: 0, begun: 1, of: files.len() };
            let source = &self.execution.pipeline.sources[source.0 as usize].name;
            (self.watch)(Event::FilesTaken { source, files: &known });
        }
        self.read_in_epochs(stage, open, &mut epochs)?;
        self.load(&epochs.blocks, &mut epochs.states);
        Ok(epochs.states)
    }

    /// Reads the files as far as they were not read; says what came of them from time to time.
    pub(super) fn read_in_epochs(
        &mut self,
        stage: &Stage,
        open: &Open,
        epochs: &mut Epochs,
    ) -> Result<(), Broken> {
        let names = epochs.files[epochs.first..].iter().map(|(file, _)| file.name.clone());
        let only = Only { names: names.collect(), after: epochs.after };
        let scans = self.open_scans(stage, open, Some(only))?;
        epochs.states.resize_with(self.execution.nodes.len(), Vec::new);
        let mut read = Extent::from(epochs.after);
        let (mut kept_at, mut took) = (Instant::now(), Duration::ZERO);
        loop {
            let session = self.session.as_ref();
            let pause = session.and_then(|session| session.checkpoints.pause(took));
            let ran = self.states_of(stage, &scans, Some(&Until { read, pause }))?;
            add(&mut epochs.states, ran.states);
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
                && self.leave_epoch(stage, (position, read), paused - kept_at, epochs)?
            {
                took = paused.elapsed();
                kept_at = Instant::now();
            }
        }
    }

    /// How much was read last.
    pub(super) fn read(&self) -> Extent {
        *self.execution.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an operator has counted, what it counts only at the end of the stage included.
    pub(super) fn counted_now(&self, node: NodeId) -> [u64; 9] {
        let mut counts = self.counted(node).0;
        let (left_out, null_keys) = match &self.execution.nodes[node.at()].action {
            Action::Stream(operator) => (operator.left_out(), 0),
            Action::Probe(probe) => match probe.get() {
                Some(Probe::Table(probe)) => (probe.left_out(), probe.null_keys()),
                _ => (0, 0),
            },
            _ => (0, 0),
        };
        counts[7] += left_out;
        counts[8] += null_keys;
        counts
    }

    /// Keeps what came of the rows before this place, if that is worth it; says whether it did.
    fn leave_epoch(
        &mut self,
        stage: &Stage,
        ((at, position), read): ((usize, u64), Extent),
        since: Duration,
        epochs: &mut Epochs,
    ) -> Result<bool, Broken> {
        let rejects = self.set_aside_since(&epochs.before);
        let Some(session) = &self.session else { return Ok(false) };
        if !session.checkpoints.is_worth(epochs.bytes() + rejects, since.as_secs_f64())
            || !self.save(stage, epochs)
        {
            return Ok(false);
        }
        let (whole, next) = epochs.files.split_at(epochs.first + at);
        let Some(session) = &self.session else { return Ok(false) };
        let files = whole.iter().map(|file| session.begun(file).1).collect();
        let (begun, content) = session.begun(&next[0]);
        let read = (read.records, read.lines);
        let epoch = Epoch { files, position, read, begun, content };
        let sinks = stage
            .ends
            .iter()
            .filter_map(|end| self.execution.sinks[end.at()].as_ref().map(|sink| (*end, sink)));
        let outputs = sinks.clone().map(|(end, sink)| Ok((end, sink.pause()?)));
        let outputs: Vec<(NodeId, Behind)> = outputs.collect::<Result<_, crate::exec::Error>>()?;
        let locks: Vec<_> =
            outputs.iter().map(|(_, to)| (to.staged.clone(), to.lock.clone())).collect();
        match self.write_piece(&epochs.path, epochs, Some((epoch, outputs))) {
            Ok(()) => sinks.for_each(|(_, sink)| sink.keep()),
            Err(error) => self.give_up_keeping(&error),
        }
        if let Some(session) = &mut self.session {
            locks.into_iter().for_each(|(path, lock)| session.checkpoints.hold(&path, lock));
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
        let names: Vec<&str> = files.iter().map(|(file, _)| &*file.name).collect();
        let path = |session: &&mut crate::run::session::Session| {
            session.checkpoints.epoch_path(key, &digest(&format!("{names:?}")))
        };
        self.session.as_ref().map(path).unwrap_or_default()
    }

    /// What an earlier run has kept of the beginnings of files, if these are what they were.
    pub(super) fn find_epoch(
        &self,
        path: &std::path::Path,
        files: &[KnownFile],
    ) -> Option<(Kept, Beginning)> {
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
        session.known(&files[..epoch.files.len()]);
        let (bytes, (records, lines)) = (epoch.position, epoch.read);
        Some((self.kept(found, saved)?, Beginning { bytes, records, lines }))
    }

    /// Has the outputs of a stage begin with what an earlier run had written; says whether all are
    /// there.
    fn go_on_with_outputs(&self, kept: &Kept, epochs: &Epochs) -> Result<bool, Failure> {
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
            Some((epochs.before.nodes[output.end], to))
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

/// What is kept of an output that is not complete.
pub(super) fn save_begun(
    end: usize,
    behind: Behind,
    writer: &mut Writer,
) -> Result<SavedOutput, StateError> {
    let Behind { staged, target, seen, rows, pending, rest, .. } = behind;
    let pending = (!pending.is_empty()).then(|| writer.bytes(&pending)).transpose()?;
    let block = |batch: &Batch| Ok((batch.rows, writer.columns(&batch.columns, batch.rows)?));
    let rest = rest.iter().map(block).collect::<Result<_, StateError>>()?;
    let (bytes, digest, written) = (seen.bytes(), seen.value(), String::new());
    Ok(SavedOutput { end, staged, target, written, rows, bytes, digest, pending, rest })
}
