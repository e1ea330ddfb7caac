//! A stage that only groups what it reads of many files is run file by file, and what came of each is
//! kept: a later run reads only the files that it does not know, and one after a crash goes on behind
//! the last that was done.
//!
//! Of a file that has grown at its end only that end is read.
//!
//! The states of aggregates can be merged in any order, so the result is the same. Small files are
//! read together with those behind them: threads wait for each other at the end of each piece.

use super::branches::Broken;
use super::kept::{Blocks, Kept, KnownFile, Progress, add};
use super::{Open, Schedule, Stage};
use crate::connect::{self, Beginning, Only};
use crate::exec::stage::States;
use crate::ir::SourceId;
use crate::run::session::Session;
use crate::run::{Event, FilesTaken, arguments};
use crate::store::StateError;
use crate::store::checkpoint::remove;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

/// So many morsels are read together at least.
const PIECE_MORSELS: u64 = 8;

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

impl Schedule<'_, '_> {
    /// Runs the stage over each file that no earlier run has read.
    pub(super) fn states_by_file(
        &mut self,
        stage: &Stage,
        source: SourceId,
        (key, files): (&str, &[KnownFile]),
        open: &Open,
    ) -> Result<States, Broken> {
        let morsel_bytes = self.session.as_ref().map_or(0, |session| session.morsel_bytes);
        let mut partials = Partials::default();
        partials.states.resize_with(self.execution.nodes.len(), Vec::new);
        let mut known = FilesTaken { of: files.len(), ..FilesTaken::default() };
        for piece in pieces(files, PIECE_MORSELS * morsel_bytes as u64) {
            if let Some(kept) = self.find(key, piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.take_piece(stage, kept, &mut partials.blocks)?;
                self.note_known(piece);
                known.taken += piece.len();
            } else if let Some(begun) = self.find_epoch(&self.epoch_of(key, piece), piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.read_piece(stage, open, (key, piece), Some(begun), &mut partials)?;
                known.begun += 1;
            } else if let Some(begun) = self.find_beginning(key, source, piece) {
                self.read_rest(stage, open, &mut partials)?;
                self.note_known(piece);
                self.read_piece(stage, open, (key, piece), Some(begun), &mut partials)?;
                known.grown += 1;
            } else if partials.is_rest {
                partials.rest.extend(piece.iter().map(|(file, _)| file.name.clone()));
            } else {
                self.read_piece(stage, open, (key, piece), None, &mut partials)?;
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

    /// Files are not read again, so nobody else looks whether they change.
    fn note_known(&self, piece: &[KnownFile]) {
        if let Some(session) = &self.session {
            session.known(piece);
        }
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
        let mut progress = Progress::new(path, piece, self.before(stage)?);
        let is_begun = begun.is_some();
        if let Some((kept, beginning)) = begun {
            progress.go_on(&kept, beginning);
            self.take_piece(stage, kept, &mut progress.blocks)?;
        }
        let started = Instant::now();
        self.read_in_epochs(stage, open, &mut progress)?;
        let seconds = started.elapsed().as_secs_f64();
        let session = self.session.as_ref();
        let is_worth =
            |session: &&mut Session| session.checkpoints.is_worth(progress.bytes(), seconds);
        if is_begun || session.is_some_and(is_worth) {
            self.keep_or_hold(stage, key, progress, partials);
        } else {
            // So it will be with those behind it.
            partials.is_rest = true;
            add(&mut partials.states, progress.states);
            partials.take(progress.blocks);
        }
        Ok(())
    }

    /// Keeps what came of files, or only holds it where that is on disk in another form.
    fn keep_or_hold(
        &mut self,
        stage: &Stage,
        key: &str,
        mut progress: Progress,
        partials: &mut Partials,
    ) {
        if self.save(stage, &mut progress)
            && let Err(error) = self.keep(key, &progress)
        {
            self.give_up_keeping(&error);
        }
        add(&mut partials.states, progress.states);
        partials.take(progress.blocks);
    }

    fn keep(&mut self, key: &str, progress: &Progress) -> Result<(), StateError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.note_files()?;
        let Some(contents) = session.contents_of(progress.files) else { return Ok(()) };
        let path = session.checkpoints.partial_path(key, &contents);
        self.write_piece(&path, progress, None)?;
        // What came of its beginning is not needed any more.
        remove(&progress.path);
        Ok(())
    }
}

impl Partials {
    fn take(&mut self, blocks: Blocks) {
        for (end, saved) in blocks {
            self.blocks.entry(end).or_default().extend(saved);
        }
    }
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
