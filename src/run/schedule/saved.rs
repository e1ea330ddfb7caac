//! What a stage has made, left to a later run and taken up there: results, outputs, rows that were
//! set aside, and all that was counted.
//!
//! What a stage gives to joins is not kept: their right sides are read again, uncounted.

use super::{Schedule, Stage};
use crate::connect::{ConnectError, Staged, Written, written};
use crate::data::{Batch, Positions};
use crate::exec::gather::compact;
use crate::exec::operators::{Output, Pieces, numbered};
use crate::exec::stage::Execution;
use crate::exec::{Counts, Error};
use crate::ir::{JobId, PartitionBy, SourceId};
use crate::plan::{NodeId, NodeKind};
use crate::run::Event;
use crate::run::checkpoints::{Saved, SavedOutput, SavedRejects, SavedResult};
use crate::run::failure::Failure;
use crate::store::StateError;
use crate::store::checkpoint::{Block, Checkpoint, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a block of rows that were set aside.
const BLOCK_BYTES: u64 = 4 << 20;
/// About how many bytes a value takes that has not been put together yet.
const VALUE_BYTES: u64 = 16;

/// The counts of an operator, in an order that the form of checkpoints depends on.
pub(super) fn all(counts: &Counts) -> [&AtomicU64; 9] {
    let Counts { input, output, dropped, quarantined, nulled, .. } = counts;
    let Counts { nulled_before, violations, left_out, null_keys, .. } = counts;
    [input, output, dropped, quarantined, nulled, nulled_before, violations, left_out, null_keys]
}

/// Among them, rows that gave none.
pub(super) const LEFT_OUT: usize = 7;
/// And those without a key.
pub(super) const NULL_KEYS: usize = 8;

/// A stage as checkpoints know it.
pub(super) struct Known {
    /// Its operators and where it begins, and which of them were counted before.
    touched: BTreeMap<NodeId, bool>,
    ends: Vec<NodeId>,
    may_end_early: bool,
    /// How far the quarantines had come.
    quarantines: Vec<Option<Written>>,
}

impl Known {
    /// The part of it that is done; it is known by itself, as if there were no other.
    pub(super) fn of_done(mut self, stage: &Stage, done: &BTreeSet<NodeId>) -> Known {
        if self.ends.iter().any(|end| !done.contains(end)) {
            let nodes: BTreeSet<&NodeId> = stage.done(done).chain(&stage.roots).collect();
            self.touched.retain(|node, _| nodes.contains(node));
            // What ended early with all of it would not have ended so with a part.
            self.ends.retain(|end| done.contains(end) && !self.may_end_early);
        }
        self
    }
}

impl Schedule<'_, '_> {
    /// A stage that is about to run; none if nothing of it can be kept.
    pub(super) fn known(&self, stage: &Stage) -> Result<Option<Known>, Failure> {
        let plan = self.execution.plan;
        let is_kept = |end: &NodeId| !matches!(plan.node(*end).kind, NodeKind::Build(_));
        let is_by_size = |node: &NodeId| {
            let job = plan.node(*node).job.map(|job| &self.execution.pipeline.jobs[job.0 as usize]);
            let by = job.and_then(|job| job.partition.as_ref()).map(|partition| &partition.by);
            matches!(by, Some(PartitionBy::Size))
        };
        if self.session.is_none()
            || !stage.ends.iter().any(is_kept)
            || stage.active.iter().any(is_by_size)
        {
            return Ok(None);
        }
        Ok(Some(Known {
            touched: self.touched(stage),
            ends: stage.ends.clone(),
            may_end_early: self.may_end_early(stage),
            quarantines: self.execution.quarantines.written()?,
        }))
    }

    /// The operators of a stage and where it begins, and which of them were counted before.
    pub(super) fn touched(&self, stage: &Stage) -> BTreeMap<NodeId, bool> {
        let nodes = stage.active.iter().chain(&stage.roots);
        let is_counted = |node: &NodeId| self.execution.counted[node.at()].load(Relaxed);
        nodes.map(|node| (*node, is_counted(node))).collect()
    }

    /// The key of a stage whatever the files of a source are.
    pub(super) fn key_without(&self, stage: &Stage, source: SourceId) -> Option<String> {
        let Execution { plan, pipeline, .. } = self.execution;
        let keys = self.session.as_ref()?.keys_without(plan, pipeline, self.context, source);
        Some(keys.of_stage(&self.touched(stage), &stage.ends, false))
    }

    /// Operators that end a stage, by what each is known by.
    pub(super) fn keys_of(&self, ends: &[NodeId]) -> Option<BTreeMap<String, NodeId>> {
        let session = self.session.as_ref()?;
        let Execution { plan, pipeline, .. } = self.execution;
        let keys = session.keys(plan, pipeline, self.context);
        Some(ends.iter().map(|end| (keys.of(*end).to_owned(), *end)).collect())
    }

    fn key(&self, known: &Known) -> Option<String> {
        let session = self.session.as_ref()?;
        let Execution { plan, pipeline, .. } = self.execution;
        let keys = session.keys(plan, pipeline, self.context);
        Some(keys.of_stage(&known.touched, &known.ends, known.may_end_early))
    }

    /// Takes up what an earlier run has made of the stage; says whether there was something.
    pub(super) fn take_up(&mut self, known: &Known) -> Result<bool, Failure> {
        let Some(key) = self.key(known) else { return Ok(false) };
        let sources = self.sources(known);
        let Some(session) = &mut self.session else { return Ok(false) };
        let Some((found, saved)) = session.checkpoints.find(&key) else { return Ok(false) };
        if let Err(error) = is_whole(&found, &saved) {
            (self.watch)(Event::NotTakenUp(&error));
            return Ok(false);
        }
        let found = Arc::new(found);
        let nodes: Vec<NodeId> = known.touched.keys().copied().collect();
        let take = |output| Some((output, session.checkpoints.take(output)?));
        let outputs: Vec<_> = saved.outputs.iter().filter_map(take).collect();
        if outputs.is_empty() && saved.results.is_empty() {
            // They are published, or somebody has changed them.
            return Ok(false);
        }
        for (output, kept) in outputs {
            let end = nodes[output.end];
            if let Some(sink) = &self.execution.sinks[end.at()] {
                sink.give_up();
            }
            let SavedOutput { staged, target, rows, bytes, .. } = output;
            self.staged.insert(end, Staged::take_over(staged, target, kept, *rows, *bytes));
            self.kept.insert(end);
            self.done.insert(end);
        }
        session.taken_from(sources);
        session.checkpoints.begin_anew();
        self.set_aside_again(&found, &saved)?;
        self.count_again(&nodes, &saved);
        for SavedResult { end, rows, pieces } in saved.results {
            let taken = TakenUp { found: found.clone(), rows, pieces };
            let result = Output::Pieces(Arc::new(taken));
            self.note_contents(nodes[end], &result);
            self.results.insert(nodes[end], result);
            self.done.insert(nodes[end]);
        }
        let active = nodes.into_iter().collect();
        self.begin_jobs(&active);
        let jobs = self.jobs_of(&active);
        let jobs = jobs.iter().map(|job| &self.execution.pipeline.jobs[job.0 as usize]);
        for job in jobs.filter(|job| !job.is_hidden) {
            (self.watch)(Event::TakenUp { job: &job.name, from: &saved.run });
        }
        self.is_taken_up = true;
        self.end_jobs(0.0);
        Ok(true)
    }

    /// The jobs of which something is done, of a stage with these operators.
    fn jobs_of(&self, active: &BTreeSet<NodeId>) -> BTreeSet<JobId> {
        let plan = self.execution.plan;
        let mut open: Vec<NodeId> = active.intersection(&self.done).copied().collect();
        let mut seen = BTreeSet::new();
        while let Some(node) = open.pop() {
            if active.contains(&node) && seen.insert(node) {
                open.extend(plan.node(node).inputs.first());
            }
        }
        seen.iter().flat_map(|node| plan.node(*node).jobs()).collect()
    }

    /// What the stage is made of, over however many stages before it.
    fn sources(&self, known: &Known) -> BTreeSet<SourceId> {
        let plan = self.execution.plan;
        let mut open: Vec<NodeId> = known.touched.keys().copied().collect();
        let (mut seen, mut sources) = (BTreeSet::new(), BTreeSet::new());
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                open.extend(&plan.node(node).inputs);
                if let NodeKind::Scan(source) = plan.node(node).kind {
                    sources.insert(source);
                }
            }
        }
        sources
    }

    pub(super) fn set_aside_again(&self, found: &Checkpoint, saved: &Saved) -> Result<(), Failure> {
        let names = &self.execution.pipeline.quarantines;
        for SavedRejects { quarantine, rows, blocks } in &saved.quarantines {
            let Some(at) = names.iter().position(|one| one.name == *quarantine) else { continue };
            for (number, block) in blocks.iter().enumerate() {
                let rows = if number == 0 { *rows } else { 0 };
                self.execution.quarantines.go_on(at, &found.bytes(block)?, rows)?;
            }
        }
        Ok(())
    }

    fn count_again(&self, nodes: &[NodeId], saved: &Saved) {
        let execution = self.execution;
        for (node, (counts, is_counted)) in nodes.iter().zip(&saved.counts) {
            for (count, value) in all(&execution.counts[node.at()]).into_iter().zip(counts) {
                count.store(*value, Relaxed);
            }
            execution.counted[node.at()].store(*is_counted, Relaxed);
        }
        for (at, processed, failed) in &saved.partitions {
            let Some(job) = execution.plan.node(nodes[*at]).job else { continue };
            let Some(counts) = &execution.partitions[job.0 as usize] else { continue };
            let both = counts.processed.iter().zip(processed);
            for (count, value) in both.chain(counts.failed.iter().zip(failed)) {
                count.store(*value, Relaxed);
            }
        }
    }

    /// Leaves what the stage has made to later runs, if that is worth it; says whether it did.
    pub(super) fn leave(&mut self, known: &Known) -> bool {
        let is_last =
            self.execution.plan.iter().all(|(id, node)| {
                self.done.contains(&id) || !matches!(node.kind, NodeKind::Sink(_))
            });
        let is_anything = !known.ends.is_empty();
        let asked = self.asked(known);
        let session = self.session.as_ref().filter(|_| !is_last || asked == Some(true));
        let bytes_max = session.and_then(|session| session.checkpoints.bytes_max(asked));
        let Some(bytes_max) = bytes_max.filter(|_| is_anything) else {
            return false;
        };
        if self.bytes_of(known) > bytes_max {
            return false;
        }
        let left = self.write(known, asked == Some(true));
        let Some(session) = &mut self.session else { return false };
        let is_left = left.is_ok();
        match left {
            Ok(()) => session.checkpoints.begin_anew(),
            Err(error) => {
                session.checkpoints.give_up();
                (self.watch)(Event::NotLeft(&error));
            }
        }
        is_left
    }

    /// Whether one of the jobs whose results these are asks for a checkpoint, or else for none.
    fn asked(&self, known: &Known) -> Option<bool> {
        let jobs = known.ends.iter().filter_map(|end| self.execution.plan.node(*end).job);
        let asked = |job: JobId| self.execution.pipeline.jobs[job.0 as usize].checkpoint;
        jobs.filter_map(asked).max()
    }

    /// About how many bytes the checkpoint would have.
    fn bytes_of(&self, known: &Known) -> u64 {
        let of_end = |end: &NodeId| {
            self.results.get(end).map_or(0, |result| self.bytes_of_result(*end, result))
        };
        known.ends.iter().map(of_end).fold(0, u64::saturating_add)
    }

    /// About how many bytes a result has.
    pub(super) fn bytes_of_result(&self, end: NodeId, result: &Output) -> u64 {
        let of_rows = || {
            let live = self.execution.plan.node(end).live.iter().filter(|live| **live);
            let row = VALUE_BYTES * live.count() as u64;
            result.rows().unwrap_or(u64::MAX).saturating_mul(row)
        };
        result.bytes().map_or_else(of_rows, |bytes| bytes as u64)
    }

    fn write(&mut self, known: &Known, is_asked: bool) -> Result<(), StateError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.note_files()?;
        let Some(key) = self.key(known) else { return Ok(()) };
        let ends = self.keys_of(&known.ends).unwrap_or_default().into_keys().collect();
        let Some(session) = &self.session else { return Ok(()) };
        let mut writer = Writer::create(&session.checkpoints.path(&key))?;
        let nodes: Vec<NodeId> = known.touched.keys().copied().collect();
        let place = |node: &NodeId| nodes.binary_search(node).expect("it is one of the stage");
        let mut saved = Saved {
            run: self.context.id.clone(),
            counts: nodes.iter().map(|node| self.counted(*node)).collect(),
            partitions: self.partitions(&nodes),
            results: vec![],
            outputs: vec![],
            quarantines: self.write_rejects(&known.quarantines, &mut writer)?,
            read: (0, 0),
            epoch: None,
            is_asked,
            ends,
        };
        for end in &known.ends {
            if let Some(result) = self.results.get(end) {
                let pieces = write_result(result, &mut writer)?;
                saved.results.push(SavedResult { end: place(end), rows: result.rows(), pieces });
            }
            if let Some(staged) = self.staged.get(end) {
                let (path, target) = &staged.moves[0];
                saved.outputs.push(SavedOutput {
                    end: place(end),
                    staged: path.clone(),
                    target: target.clone(),
                    written: written(path).unwrap_or_default(),
                    rows: staged.rows,
                    bytes: staged.bytes,
                    digest: staged.digest.clone(),
                    pending: None,
                    rest: vec![],
                });
            }
        }
        writer.finish(&saved)?;
        self.kept.extend(known.ends.iter().filter(|end| self.staged.contains_key(end)));
        Ok(())
    }

    pub(super) fn counted(&self, node: NodeId) -> ([u64; 9], bool) {
        let counts = all(&self.execution.counts[node.at()]).map(|count| count.load(Relaxed));
        (counts, self.execution.counted[node.at()].load(Relaxed))
    }

    /// Of each partitioned job of the stage, by the first of its operators.
    fn partitions(&self, nodes: &[NodeId]) -> Vec<(usize, Vec<u64>, Vec<u64>)> {
        let mut of_jobs = BTreeMap::new();
        for (at, node) in nodes.iter().enumerate() {
            if let Some(job) = self.execution.plan.node(*node).job {
                of_jobs.entry(job).or_insert(at);
            }
        }
        let values =
            |counts: &[AtomicU64]| counts.iter().map(|count| count.load(Relaxed)).collect();
        let of_job = |(job, at): (JobId, usize)| {
            let counts = self.execution.partitions[job.0 as usize].as_ref()?;
            Some((at, values(&counts.processed), values(&counts.failed)))
        };
        of_jobs.into_iter().filter_map(of_job).collect()
    }

    /// What was set aside since then.
    pub(super) fn write_rejects(
        &self,
        before: &[Option<Written>],
        writer: &mut Writer,
    ) -> Result<Vec<SavedRejects>, StateError> {
        let failed = |error: ConnectError| StateError::new(error.message);
        let now = self.execution.quarantines.written().map_err(failed)?;
        let mut all = vec![];
        for (at, (before, now)) in before.iter().zip(now).enumerate() {
            let (Some(before), Some(now)) = (before, now) else { continue };
            let mut saved = SavedRejects {
                quarantine: self.execution.pipeline.quarantines[at].name.clone(),
                rows: now.rows - before.rows,
                blocks: vec![],
            };
            let read = |error| StateError::io("read", &now.path, &error);
            let file = std::fs::File::open(&now.path).map_err(read)?;
            let mut start = before.bytes;
            while start < now.bytes {
                let mut block = vec![0; BLOCK_BYTES.min(now.bytes - start) as usize];
                file.read_exact_at(&mut block, start).map_err(read)?;
                saved.blocks.push(writer.bytes(&block)?);
                start += block.len() as u64;
            }
            all.push(saved);
        }
        Ok(all)
    }

    /// The outputs that checkpoints name are left to later runs, if this one does not publish them.
    pub(in crate::run) fn keep_staged(&mut self) {
        for end in std::mem::take(&mut self.kept) {
            if let Some(mut staged) = self.staged.remove(&end) {
                staged.keep();
            }
        }
    }
}

type SavedPieces = Vec<Vec<(usize, Block)>>;

fn write_result(result: &Output, writer: &mut Writer) -> Result<SavedPieces, StateError> {
    let mut piece = |batches: &[Batch]| {
        batches.iter().map(|batch| Ok((batch.rows, write_batch(batch, writer)?))).collect()
    };
    match result {
        Output::Batches(batches) => {
            batches.iter().map(|batch| piece(std::slice::from_ref(batch))).collect()
        }
        Output::Pieces(pieces) => (0..pieces.count())
            .map(|at| {
                let read = pieces.read(at, false);
                piece(&read.map_err(told)?)
            })
            .collect(),
    }
}

/// Writes rows, and not the buffers that their texts share with others: a sorted batch has a few texts
/// of each piece of a file.
pub(super) fn write_batch(batch: &Batch, writer: &mut Writer) -> Result<Block, StateError> {
    writer.columns(&compact(&batch.columns), batch.rows)
}

fn told(error: Error) -> StateError {
    match error {
        Error::Connect(error) => StateError { message: error.message, help: error.help },
        _ => StateError::new("a result could not be read"),
    }
}

/// Reads all of a checkpoint once: what is damaged is not begun with.
pub(super) fn is_whole(found: &Checkpoint, saved: &Saved) -> Result<(), StateError> {
    let results = saved.results.iter().flat_map(|result| result.pieces.iter().flatten());
    let rejects = saved.quarantines.iter().flat_map(|rejects| &rejects.blocks);
    let mut blocks = results.map(|(_, block)| block).chain(rejects);
    blocks.try_for_each(|block| found.bytes(block).map(drop))
}

/// A result in a checkpoint.
struct TakenUp {
    found: Arc<Checkpoint>,
    rows: Option<u64>,
    pieces: SavedPieces,
}

impl Pieces for TakenUp {
    fn count(&self) -> usize {
        self.pieces.len()
    }

    fn rows(&self) -> Option<u64> {
        self.rows
    }

    fn read(&self, piece: usize, _is_last: bool) -> Result<Vec<Batch>, Error> {
        let batch = |(rows, block): &(usize, Block)| {
            let columns = self.found.columns(block)?;
            Ok(Batch { columns, rows: *rows, positions: Positions::Range(0) })
        };
        let batches = self.pieces[piece].iter().map(batch).collect::<Result<_, Error>>()?;
        Ok(numbered(batches, piece))
    }
}
