//! A stage that only groups what it reads of many files is run file by file, and what came of each is
//! kept: a later run reads only the files that it does not know, and one after a crash goes on behind
//! the last that was done.
//!
//! Of a file that has grown at its end only that end is read.
//!
//! The states of aggregates can be merged in any order, so the result is the same. Small files are
//! read together with those behind them: threads wait for each other at the end of each piece.

use super::branches::Broken;
use super::epochs::{Epochs, save_begun};
use super::saved::all;
use super::{Open, Schedule, Stage};
use crate::connect::{self, Beginning, Behind, InputFile, Only, Written};
use crate::exec::compile::Action;
use crate::exec::operators::{Breaker, State};
use crate::exec::stage::States;
use crate::ir::SourceId;
use crate::plan::NodeId;
use crate::run::checkpoints::{Epoch, Saved, SavedResult};
use crate::run::session::Session;
use crate::run::{Event, FilesTaken, arguments};
use crate::store::StateError;
use crate::store::checkpoint::{Block, Checkpoint, Writer, remove};
use arrow_array::ArrayRef;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// So many morsels are read together at least.
const PIECE_MORSELS: u64 = 8;

/// So many blocks of a file's groups are not put together.
const BLOCKS_MAX: usize = 8;

/// A file, and what is known of its bytes.
pub(super) type KnownFile = (InputFile, String);

/// What came of files, for each operator that ends the stage.
pub(super) type Blocks = BTreeMap<NodeId, Vec<Vec<ArrayRef>>>;

/// What came of all files so far.
#[derive(Default)]
struct Partials {
    /// As it is kept.
    blocks: Blocks,
    /// Where it is not worth that.
    states: States,
    /// Files that are to be read, of which nothing will be kept.
    rest: Vec<Arc<str>>,
    is_rest: bool,
}

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

impl<'e> Schedule<'e, '_> {
    /// The source that the stage may read file by file.
    pub(super) fn files_apart(&self, stage: &Stage) -> Option<SourceId> {
        let source = self.source_apart(stage)?;
        let writes = |node: &NodeId| self.execution.sinks[node.at()].is_some();
        (!stage.active.iter().any(writes)).then_some(source)
    }

    /// Runs the stage over each file that no earlier run has read.
    pub(super) fn states_by_file(
        &mut self,
        stage: &Stage,
        source: SourceId,
        open: &Open,
    ) -> Result<States, Broken> {
        let Some(session) = &self.session else { return self.states(stage, open, None) };
        let files = session.decision.files[&source].clone();
        let bytes_min = PIECE_MORSELS * session.morsel_bytes as u64;
        let Some(key) = self.key_without(stage, source) else {
            return self.states(stage, open, None);
        };
        let mut partials = Partials::default();
        partials.states.resize_with(self.execution.nodes.len(), Vec::new);
        let mut known = FilesTaken { of: files.len(), ..FilesTaken::default() };
        for piece in pieces(&files, bytes_min) {
            if let Some(kept) = self.find(&key, piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.take_piece(stage, kept, &mut partials.blocks)?;
                self.note_known(piece);
                known.taken += piece.len();
            } else if let Some(begun) = self.find_epoch(&self.epoch_of(&key, piece), piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.read_piece(stage, open, (&key, piece), Some(begun), &mut partials)?;
                known.begun += 1;
            } else if let Some(begun) = self.find_beginning(&key, source, piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.note_known(piece);
                self.read_piece(stage, open, (&key, piece), Some(begun), &mut partials)?;
                known.grown += 1;
            } else if partials.is_rest {
                partials.rest.extend(piece.iter().map(|(file, _)| file.name.clone()));
            } else {
                self.read_piece(stage, open, (&key, piece), None, &mut partials)?;
            }
        }
        self.read_rest(stage, open, &mut partials)?;
        self.load(&partials.blocks, &mut partials.states);
        if known.taken + known.grown + known.begun > 0 {
            let source = &self.execution.pipeline.sources[source.0 as usize].name;
            (self.watch)(Event::FilesTaken { source, files: &known });
        }
        Ok(partials.states)
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

    /// What an earlier run has kept of these files.
    fn find(&mut self, key: &str, piece: &[KnownFile]) -> Option<Kept> {
        let contents = self.session.as_ref()?.contents_of(piece)?;
        self.find_kept(key, &contents)
    }

    /// What one has kept of the beginning of a file that has grown since, and how much that was.
    fn find_beginning(
        &mut self,
        key: &str,
        source: SourceId,
        piece: &[KnownFile],
    ) -> Option<(Kept, Beginning)> {
        let source = &self.execution.pipeline.sources[source.0 as usize];
        let reads_on = connect::find(source.connector)?.reads_on?;
        let [(file, _)] = piece else { return None };
        let session = self.session.as_ref()?;
        let (bytes, content) = session.decision.grown.get(&file.path)?.clone();
        let quote = reads_on(&arguments(&source.arguments, self.context));
        if !connect::ends_whole(&file.path, bytes, quote) {
            return None;
        }
        let contents = session.contents_of(&[(file.clone(), content)])?;
        let kept = self.find_kept(key, &contents)?;
        let (records, lines) = kept.saved.read;
        Some((kept, Beginning { bytes, records, lines }))
    }

    fn find_kept(&mut self, key: &str, contents: &str) -> Option<Kept> {
        let session = self.session.as_mut()?;
        let (found, saved) = session.checkpoints.find_partial(key, contents)?;
        self.kept(found, saved)
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

    /// Files are not read again, so nobody else looks whether they change.
    fn note_known(&self, piece: &[KnownFile]) {
        if let Some(session) = &self.session {
            session.known(piece);
        }
    }

    pub(super) fn before(&self, stage: &Stage) -> Result<Before, Broken> {
        let nodes: Vec<NodeId> = self.touched(stage).into_keys().collect();
        let counts = nodes.iter().map(|node| self.counted_now(*node)).collect();
        let quarantines = self.execution.quarantines.written()?;
        Ok(Before { nodes, counts, quarantines })
    }

    /// Reads files of which nothing is kept.
    fn read_rest(
        &mut self,
        stage: &Stage,
        open: &Open,
        partials: &mut Partials,
    ) -> Result<(), Broken> {
        if !partials.rest.is_empty() {
            let names = std::mem::take(&mut partials.rest);
            let only = Only { names, after: Beginning::default() };
            let new = self.states(stage, open, Some(only))?;
            add(&mut partials.states, new);
        }
        Ok(())
    }

    /// Reads files and keeps what came of them, if that is worth it; of one of which an earlier run
    /// has kept what came of its beginning, only what is behind that.
    fn read_piece(
        &mut self,
        stage: &Stage,
        open: &Open,
        (key, piece): (&str, &[KnownFile]),
        begun: Option<(Kept, Beginning)>,
        partials: &mut Partials,
    ) -> Result<(), Broken> {
        let path = self.epoch_of(key, piece);
        let mut epochs = Epochs::new(path, piece, self.before(stage)?);
        let is_begun = begun.is_some();
        if let Some((kept, beginning)) = begun {
            self.take_piece(stage, kept, &mut epochs.blocks)?;
            epochs.after = beginning;
        }
        let started = Instant::now();
        self.read_in_epochs(stage, open, &mut epochs)?;
        let seconds = started.elapsed().as_secs_f64();
        let session = self.session.as_ref();
        let is_worth =
            |session: &&mut Session| session.checkpoints.is_worth(epochs.bytes(), seconds);
        if is_begun || session.is_some_and(is_worth) {
            self.keep_or_hold(stage, key, epochs, partials);
        } else {
            // So it will be with those behind it.
            partials.is_rest = true;
            add(&mut partials.states, epochs.states);
            partials.take(epochs.blocks);
        }
        Ok(())
    }

    /// Keeps what came of files, or only holds it where that is on disk in another form.
    fn keep_or_hold(
        &mut self,
        stage: &Stage,
        key: &str,
        mut epochs: Epochs,
        partials: &mut Partials,
    ) {
        if self.save(stage, &mut epochs)
            && let Err(error) = self.keep(key, &epochs)
        {
            self.give_up_keeping(&error);
        }
        add(&mut partials.states, epochs.states);
        partials.take(epochs.blocks);
    }

    /// Makes blocks of states; not of those that are on disk in another form.
    pub(super) fn save(&self, stage: &Stage, epochs: &mut Epochs) -> bool {
        let mut is_whole = true;
        let is_sink = |end: &&NodeId| self.execution.sinks[end.at()].is_some();
        for &end in stage.ends.iter().filter(|end| !is_sink(end)) {
            match self.breaker(end).save(std::mem::take(&mut epochs.states[end.at()])) {
                Ok(new) => {
                    let mut saved = epochs.blocks.remove(&end).unwrap_or_default();
                    saved.extend(new);
                    epochs.blocks.insert(end, self.put_together(end, saved));
                }
                Err(states) => {
                    is_whole = false;
                    epochs.states[end.at()] = states;
                }
            }
        }
        is_whole
    }

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

    fn keep(&mut self, key: &str, epochs: &Epochs) -> Result<(), StateError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.note_files()?;
        let Some(contents) = session.contents_of(epochs.files) else { return Ok(()) };
        let path = session.checkpoints.partial_path(key, &contents);
        self.write_piece(&path, epochs, None)?;
        // What came of its beginning is not needed any more.
        remove(&epochs.path);
        Ok(())
    }

    /// Writes what came of files, or of the beginnings of some with outputs that are not complete.
    pub(super) fn write_piece(
        &self,
        path: &Path,
        epochs: &Epochs,
        epoch: Option<(Epoch, Vec<(NodeId, Behind)>)>,
    ) -> Result<(), StateError> {
        let before = &epochs.before;
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
        for (end, blocks) in &epochs.blocks {
            let write = |columns: &Vec<ArrayRef>| {
                let rows = columns.first().map_or(0, |column| column.len());
                Ok((rows, writer.columns(columns, rows)?))
            };
            let piece = blocks.iter().map(write).collect::<Result<_, StateError>>()?;
            saved.results.push(SavedResult { end: place(end), rows: None, pieces: vec![piece] });
        }
        writer.finish(&saved).map(drop)
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

impl Partials {
    fn take(&mut self, blocks: Blocks) {
        for (end, saved) in blocks {
            self.blocks.entry(end).or_default().extend(saved);
        }
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

pub(super) fn add(states: &mut States, new: Vec<Vec<Box<dyn State>>>) {
    states.iter_mut().zip(new).for_each(|(states, new)| states.extend(new));
}

/// Files that are read together.
fn pieces(files: &[KnownFile], bytes_min: u64) -> Vec<&[KnownFile]> {
    let (mut pieces, mut first, mut bytes) = (vec![], 0, 0);
    for (at, (file, _)) in files.iter().enumerate() {
        bytes += fs::metadata(&file.path).map_or(0, |found| found.len());
        if bytes >= bytes_min || at + 1 == files.len() {
            pieces.push(&files[first..=at]);
            (first, bytes) = (at + 1, 0);
        }
    }
    pieces
}
