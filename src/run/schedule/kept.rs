//! What came of files so far, wherever they are read in parts: put together, written, found and taken up.
//!
//! When that is worth it is the business of those who read: file by file, or in progress.

use super::branches::Broken;
use super::saved::{LEFT_OUT, NULL_KEYS, all, write_batch};
use super::{Schedule, Stage};
use crate::connect::{Beginning, Behind, Extent, InputFile, Written};
use crate::data::Batch;
use crate::exec::compile::{Action, Probe};
use crate::exec::gather::compact;
use crate::exec::operators::{Breaker, State, Streaming};
use crate::exec::stage::States;
use crate::plan::NodeId;
use crate::run::Event;
use crate::run::checkpoints::{Epoch, Saved, SavedOutput, SavedResult};
use crate::store::StateError;
use crate::store::checkpoint::{Block, Checkpoint, Writer};
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

/// So many blocks of a file's groups are not put together.
const BLOCKS_MAX: usize = 8;

/// A file, and what is known of its bytes.
pub(super) type KnownFile = (InputFile, String);

/// What came of files, for each operator that ends the stage.
pub(super) type Blocks = BTreeMap<NodeId, Vec<Vec<ArrayRef>>>;

/// What an earlier run has kept of some files.
pub(super) struct Kept {
    found: Checkpoint,
    pub saved: Saved,
    /// By the places of the operators in the stage.
    blocks: Vec<(usize, Vec<Vec<ArrayRef>>)>,
}

/// How far a stage was before files were read.
pub(super) struct Before {
    pub nodes: Vec<NodeId>,
    pub counts: Vec<[u64; 9]>,
    pub quarantines: Vec<Option<Written>>,
}

/// What came so far of files that are read one after the other.
pub(super) struct Progress<'p> {
    /// Where it is kept.
    pub path: PathBuf,
    pub files: &'p [KnownFile],
    /// How many of them an earlier run has read to their end.
    pub first: usize,
    /// What of the next it has read.
    pub after: Beginning,
    /// How far the stage was before.
    pub before: Before,
    /// What can be kept.
    pub blocks: Blocks,
    /// What came since then.
    pub states: States,
}

impl<'p> Progress<'p> {
    pub(super) fn new(path: PathBuf, files: &'p [KnownFile], before: Before) -> Progress<'p> {
        let (after, blocks) = (Beginning::default(), Blocks::new());
        Progress { path, files, first: 0, after, before, blocks, states: vec![] }
    }

    /// Goes on behind what was kept.
    pub(super) fn go_on(&mut self, kept: &Kept, after: Beginning) {
        self.first = kept.saved.epoch.as_ref().map_or(0, |epoch| epoch.files.len());
        self.after = after;
    }

    /// About how many bytes would be kept.
    pub(super) fn bytes(&self) -> usize {
        let states = self.states.iter().flatten().map(|state| state.saved_bytes());
        let columns = self.blocks.values().flatten().flatten();
        states.chain(columns.map(|column| column.get_array_memory_size())).sum()
    }
}

impl<'e> Schedule<'e, '_> {
    /// How far the stage is.
    pub(super) fn before(&self, stage: &Stage) -> Result<Before, Broken> {
        let nodes: Vec<NodeId> = self.touched(stage).into_keys().collect();
        let counts = nodes.iter().map(|node| self.counted_now(*node)).collect();
        let quarantines = self.execution.quarantines.written()?;
        Ok(Before { nodes, counts, quarantines })
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
        counts[LEFT_OUT] += left_out;
        counts[NULL_KEYS] += null_keys;
        counts
    }

    /// Makes blocks of states; not of those that are on disk in another form.
    pub(super) fn save(&self, stage: &Stage, progress: &mut Progress) -> bool {
        let mut is_whole = true;
        let is_sink = |end: &&NodeId| self.execution.sinks[end.at()].is_some();
        for &end in stage.ends.iter().filter(|end| !is_sink(end)) {
            match self.breaker(end).save(std::mem::take(&mut progress.states[end.at()])) {
                Ok(new) => {
                    let mut saved = progress.blocks.remove(&end).unwrap_or_default();
                    saved.extend(new);
                    progress.blocks.insert(end, self.put_together(end, saved));
                }
                Err(states) => {
                    is_whole = false;
                    progress.states[end.at()] = states;
                }
            }
        }
        is_whole
    }

    /// Nothing more is kept, for this reason.
    pub(super) fn give_up_keeping(&mut self, error: &StateError) {
        if let Some(session) = &mut self.session {
            session.checkpoints.give_up();
            (self.watch)(Event::NotLeft(error));
        }
    }

    /// Few blocks of many: each time that a file grows there are more.
    fn put_together(&self, end: NodeId, saved: Vec<Vec<ArrayRef>>) -> Vec<Vec<ArrayRef>> {
        if saved.len() <= BLOCKS_MAX {
            return saved;
        }
        let breaker = self.breaker(end);
        breaker.save(vec![breaker.load(&saved)]).unwrap_or(saved)
    }

    /// Writes what came of files, or of the beginnings of some with outputs that are not complete.
    pub(super) fn write_piece(
        &self,
        path: &Path,
        progress: &Progress,
        epoch: Option<(Epoch, Vec<(NodeId, Behind)>)>,
    ) -> Result<(), StateError> {
        let before = &progress.before;
        let mut writer = Writer::create(path)?;
        let since = |(node, before): (&NodeId, &[u64; 9])| {
            let now = self.counted_now(*node);
            (std::array::from_fn(|at| now[at] - before[at]), self.counted(*node).1)
        };
        let read = self.read();
        let (epoch, outputs) = epoch.unzip();
        let place = |end: &NodeId| before.nodes.binary_search(end).expect("it is one of the stage");
        let outputs = outputs.unwrap_or_default().into_iter();
        let outputs = outputs.map(|(end, behind)| save_begun(place(&end), behind, &mut writer));
        let outputs = outputs.collect::<Result<_, StateError>>()?;
        let mut saved = Saved {
            run: self.context.id.clone(),
            counts: before.nodes.iter().zip(&before.counts).map(since).collect(),
            partitions: vec![],
            results: vec![],
            outputs,
            quarantines: self.write_rejects(&before.quarantines, &mut writer)?,
            read: (read.records, read.lines),
            epoch,
            is_asked: false,
            ends: vec![],
        };
        for (end, blocks) in &progress.blocks {
            let write = |columns: &Vec<ArrayRef>| {
                let rows = columns.first().map_or(0, |column| column.len());
                Ok((rows, writer.columns(&compact(columns), rows)?))
            };
            let piece = blocks.iter().map(write).collect::<Result<_, StateError>>()?;
            saved.results.push(SavedResult { end: place(end), rows: None, pieces: vec![piece] });
        }
        writer.finish(&saved).map(drop)
    }

    /// What was kept, if it is whole.
    pub(super) fn kept(&self, found: Checkpoint, saved: Saved) -> Option<Kept> {
        match blocks_of(&found, &saved) {
            Ok(blocks) => Some(Kept { found, saved, blocks }),
            Err(error) => {
                (self.watch)(Event::NotTakenUp(&error));
                None
            }
        }
    }

    /// Takes up what was kept: counts it, sets its rows aside, and adds its groups to those blocks.
    pub(super) fn take_piece(
        &self,
        stage: &Stage,
        Kept { found, saved, blocks: kept }: Kept,
        blocks: &mut Blocks,
    ) -> Result<(), Broken> {
        let nodes: Vec<NodeId> = self.touched(stage).into_keys().collect();
        for (node, (counts, _)) in nodes.iter().zip(&saved.counts) {
            for (count, value) in all(&self.execution.counts[node.at()]).into_iter().zip(counts) {
                count.fetch_add(*value, Relaxed);
            }
        }
        self.set_aside_again(&found, &saved)?;
        for (end, kept) in kept {
            blocks.entry(nodes[end]).or_default().extend(kept);
        }
        Ok(())
    }

    /// Makes states of what was kept, one for each thread.
    pub(super) fn load(&self, blocks: &Blocks, states: &mut States) {
        for (end, blocks) in blocks {
            let of_thread = blocks.len().div_ceil(rayon::current_num_threads());
            let breaker = self.breaker(*end);
            let load = |blocks: &[Vec<ArrayRef>]| breaker.load(blocks);
            states[end.at()].par_extend(blocks.par_chunks(of_thread.max(1)).map(load));
        }
    }

    fn breaker(&self, end: NodeId) -> &'e dyn Breaker {
        match &self.execution.nodes[end.at()].action {
            Action::Break(operator) => &**operator,
            _ => unreachable!("only groups end such a stage"),
        }
    }
}

impl Kept {
    /// A block of columns that was kept.
    pub(super) fn columns(&self, block: &Block) -> Result<Vec<ArrayRef>, StateError> {
        self.found.columns(block)
    }

    /// A block of bytes that was kept.
    pub(super) fn bytes(&self, block: &Block) -> Result<Vec<u8>, StateError> {
        self.found.bytes(block)
    }
}

/// All columns of a checkpoint, and its bytes proven whole.
fn blocks_of(
    found: &Checkpoint,
    saved: &Saved,
) -> Result<Vec<(usize, Vec<Vec<ArrayRef>>)>, StateError> {
    let rejects = saved.quarantines.iter().flat_map(|rejects| &rejects.blocks);
    rejects.into_iter().try_for_each(|block| found.bytes(block).map(drop))?;
    let of_end = |result: &SavedResult| {
        let blocks = result.pieces.iter().flatten();
        let columns = blocks.map(|(_, block)| found.columns(block));
        Ok((result.end, columns.collect::<Result<_, StateError>>()?))
    };
    saved.results.iter().map(of_end).collect()
}

/// What is kept of an output that is not complete.
fn save_begun(end: usize, behind: Behind, writer: &mut Writer) -> Result<SavedOutput, StateError> {
    let Behind { staged, target, seen, rows, pending, rest, .. } = behind;
    let pending = (!pending.is_empty()).then(|| writer.bytes(&pending)).transpose()?;
    let block = |batch: &Batch| Ok((batch.rows, write_batch(batch, writer)?));
    let rest = rest.iter().map(block).collect::<Result<_, StateError>>()?;
    let (bytes, digest, written) = (seen.bytes(), Some(seen.value()), String::new());
    Ok(SavedOutput { end, staged, target, written, rows, bytes, digest, pending, rest })
}

/// Adds states to those of the same operators.
pub(super) fn add(states: &mut States, new: Vec<Vec<Box<dyn State>>>) {
    states.iter_mut().zip(new).for_each(|(states, new)| states.extend(new));
}
