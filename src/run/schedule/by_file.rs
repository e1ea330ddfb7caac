//! A stage that only groups what it reads of many files is run file by file, and what came of each is
//! kept: a later run reads only the files that it does not know, and one after a crash goes on behind
//! the last that was done.
//!
//! Of a file that has grown at its end only that end is read.
//!
//! The states of aggregates can be merged in any order, so the result is the same. Small files are
//! read together with those behind them: threads wait for each other at the end of each piece.

use super::branches::Broken;
use super::saved::all;
use super::{Open, Schedule, Stage};
use crate::connect::{self, Beginning, InputFile, Only, Written};
use crate::exec::compile::Action;
use crate::exec::operators::{Breaker, State};
use crate::exec::stage::States;
use crate::ir::{SourceId, StepKind};
use crate::plan::{NodeId, NodeKind, step_of};
use crate::run::checkpoints::{Saved, SavedResult};
use crate::run::{Event, FilesTaken, arguments};
use crate::store::StateError;
use crate::store::checkpoint::{Checkpoint, Writer};
use arrow_array::ArrayRef;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// So many morsels are read together at least.
const PIECE_MORSELS: u64 = 8;

/// So many blocks of a file's groups are not put together.
const BLOCKS_MAX: usize = 8;

/// A file, and what is known of its bytes.
type KnownFile = (InputFile, String);

/// What came of files, for each operator that ends the stage.
type Blocks = BTreeMap<NodeId, Vec<Vec<ArrayRef>>>;

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
struct Kept {
    found: Checkpoint,
    saved: Saved,
    /// By the places of the operators in the stage.
    blocks: Vec<(usize, Vec<Vec<ArrayRef>>)>,
}

/// How far a stage was before some files were read.
struct Before {
    nodes: Vec<NodeId>,
    counts: Vec<[u64; 9]>,
    quarantines: Vec<Option<Written>>,
}

impl<'e> Schedule<'e, '_> {
    /// The source that the stage may read file by file.
    pub(super) fn files_apart(&self, stage: &Stage) -> Option<SourceId> {
        let execution = self.execution;
        let session = self.session.as_ref()?;
        let [root] = stage.roots[..] else { return None };
        let NodeKind::Scan(source) = execution.plan.node(root).kind else { return None };
        let can_be_run_so = |node: &NodeId| {
            let of = execution.plan.node(*node);
            let is_partitioned =
                of.jobs().any(|job| execution.partitions[job.0 as usize].is_some());
            let explodes = matches!(of.kind, NodeKind::Step(step)
                if matches!(step_of(execution.pipeline, of, step), StepKind::Explode { .. }));
            let is_simple = match &execution.nodes[node.at()].action {
                Action::Break(operator) => operator.can_be_saved(),
                Action::Probe(_) | Action::Build(_) | Action::Sink | Action::Split(_) => false,
                _ => true,
            };
            is_simple && !is_partitioned && !explodes
        };
        let is_group = |end: &NodeId| matches!(execution.nodes[end.at()].action, Action::Break(_));
        let is_worth_it = self.profile.is_none()
            && session.checkpoints.has_partials()
            // Without files nothing would be opened that says why there are none.
            && session.decision.files.get(&source).is_some_and(|files| !files.is_empty())
            && stage.ends.iter().all(is_group)
            && stage.active.iter().all(can_be_run_so);
        is_worth_it.then_some(source)
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
            } else if let Some((kept, after)) = self.find_beginning(&key, source, piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.read_on(stage, open, (&key, piece), (kept, after), &mut partials)?;
                known.grown += 1;
            } else if partials.is_rest {
                partials.rest.extend(piece.iter().map(|(file, _)| file.name.clone()));
            } else {
                self.read_piece(stage, open, (&key, piece), &mut partials)?;
            }
        }
        self.read_rest(stage, open, &mut partials)?;
        for (end, blocks) in &partials.blocks {
            // A state for each thread.
            let of_thread = blocks.len().div_ceil(rayon::current_num_threads());
            let breaker = self.breaker(*end);
            let load = |blocks: &[Vec<ArrayRef>]| breaker.load(blocks);
            partials.states[end.at()].par_extend(blocks.par_chunks(of_thread.max(1)).map(load));
        }
        if known.taken + known.grown > 0 {
            let source = &self.execution.pipeline.sources[source.0 as usize].name;
            (self.watch)(Event::FilesTaken { source, files: &known });
        }
        Ok(partials.states)
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
        match blocks_of(&found, &saved) {
            Ok(blocks) => Some(Kept { found, saved, blocks }),
            Err(error) => {
                (self.watch)(Event::NotTakenUp(&error));
                None
            }
        }
    }

    fn take_piece(
        &mut self,
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

    fn before(&self, stage: &Stage) -> Result<Before, Broken> {
        let nodes: Vec<NodeId> = self.touched(stage).into_keys().collect();
        let counts = nodes.iter().map(|node| self.counted(*node).0).collect();
        let quarantines = self.execution.quarantines.written()?;
        Ok(Before { nodes, counts, quarantines })
    }

    /// Reads what was added to a file behind its beginning, of which an earlier run has kept what
    /// came of it, and keeps both together.
    fn read_on(
        &mut self,
        stage: &Stage,
        open: &Open,
        (key, piece): (&str, &[KnownFile]),
        (kept, after): (Kept, Beginning),
        partials: &mut Partials,
    ) -> Result<(), Broken> {
        let before = self.before(stage)?;
        let mut blocks = Blocks::new();
        self.take_piece(stage, kept, &mut blocks)?;
        self.note_known(piece);
        let names = piece.iter().map(|(file, _)| file.name.clone()).collect();
        let mut new = self.states(stage, open, Some(Only { names, after }))?;
        for (end, blocks) in blocks {
            new[end.at()].push(self.breaker(end).load(&blocks));
        }
        self.keep_or_hold(stage, (key, piece), &before, new, partials);
        Ok(())
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

    /// Reads files and keeps what came of them, if that is worth it.
    fn read_piece(
        &mut self,
        stage: &Stage,
        open: &Open,
        (key, piece): (&str, &[KnownFile]),
        partials: &mut Partials,
    ) -> Result<(), Broken> {
        let before = self.before(stage)?;
        let started = Instant::now();
        let names = piece.iter().map(|(file, _)| file.name.clone()).collect();
        let only = Only { names, after: Beginning::default() };
        let new = self.states(stage, open, Some(only))?;
        let seconds = started.elapsed().as_secs_f64();
        let bytes = new.iter().flatten().map(|state| state.saved_bytes()).sum();
        let session = self.session.as_ref();
        if session.is_some_and(|session| session.checkpoints.is_worth(bytes, seconds)) {
            self.keep_or_hold(stage, (key, piece), &before, new, partials);
        } else {
            // So it will be with those behind it.
            partials.is_rest = true;
            add(&mut partials.states, new);
        }
        Ok(())
    }

    /// Keeps what came of files, or only holds it where that is on disk in another form.
    fn keep_or_hold(
        &mut self,
        stage: &Stage,
        (key, piece): (&str, &[KnownFile]),
        before: &Before,
        mut new: States,
        partials: &mut Partials,
    ) {
        let (mut blocks, mut is_whole) = (Blocks::new(), true);
        for &end in &stage.ends {
            match self.breaker(end).save(std::mem::take(&mut new[end.at()])) {
                Ok(saved) => drop(blocks.insert(end, self.put_together(end, saved))),
                Err(states) => {
                    is_whole = false;
                    partials.states[end.at()].extend(states);
                }
            }
        }
        if is_whole
            && let Err(error) = self.keep((key, piece), before, &blocks)
            && let Some(session) = &mut self.session
        {
            session.checkpoints.give_up();
            (self.watch)(Event::NotLeft(&error));
        }
        for (end, saved) in blocks {
            partials.blocks.entry(end).or_default().extend(saved);
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

    /// Records and lines of what was read last.
    fn read(&self) -> (u64, u64) {
        let read = self.execution.read.lock().unwrap_or_else(PoisonError::into_inner);
        (read.records, read.lines)
    }

    fn keep(
        &mut self,
        (key, piece): (&str, &[KnownFile]),
        before: &Before,
        blocks: &Blocks,
    ) -> Result<(), StateError> {
        let nodes = &before.nodes;
        let Some(session) = &mut self.session else { return Ok(()) };
        session.note_files()?;
        let Some(contents) = session.contents_of(piece) else { return Ok(()) };
        let mut writer = Writer::create(&session.checkpoints.partial_path(key, &contents))?;
        let since = |(node, before): (&NodeId, &[u64; 9])| {
            let (now, is_counted) = self.counted(*node);
            (std::array::from_fn(|at| now[at] - before[at]), is_counted)
        };
        let mut saved = Saved {
            run: self.context.id.clone(),
            counts: nodes.iter().zip(&before.counts).map(since).collect(),
            partitions: vec![],
            results: vec![],
            outputs: vec![],
            quarantines: self.write_rejects(&before.quarantines, &mut writer)?,
            read: self.read(),
            is_asked: false,
            ends: vec![],
        };
        for (end, blocks) in blocks {
            let write = |columns: &Vec<ArrayRef>| {
                let rows = columns.first().map_or(0, |column| column.len());
                Ok((rows, writer.columns(columns, rows)?))
            };
            let piece = blocks.iter().map(write).collect::<Result<_, StateError>>()?;
            let end = nodes.binary_search(end).expect("it is one of the stage");
            saved.results.push(SavedResult { end, rows: None, pieces: vec![piece] });
        }
        writer.finish(&saved).map(drop)
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

fn add(states: &mut States, new: Vec<Vec<Box<dyn State>>>) {
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
