//! A run among others: the lock that it holds, what a run before it left half published, what it may
//! take from earlier ones, and what it leaves to later ones.

use super::checkpoints::Checkpoints;
use super::events::Event;
use super::failure::Failure;
use super::keys::Keys;
use super::made::{Digests, Files, Made, digest};
use super::marks::{Mark, Marked};
use super::memo::{self, Memo, Record};
use super::publish::{KeptAside, kept_aside};
use super::recovery::recover;
use super::report::{FileReport, JobReport, PartitionReport, SourceReport};
use super::reuse::{Decision, decide, quarantine_entry};
use super::{Options, OutputReport, Report, State, Status};
use crate::connect::{
    self, Begun, ConnectError, InputFile, Reading, Readings, Staged, is_digest, is_racy, written,
};
use crate::data::Batch;
use crate::exec::Error;
use crate::ir::{Output, Pipeline, RunContext, SourceId};
use crate::plan::{NodeId, Plan};
use crate::store::history::{JobEntry, Run};
use crate::store::journal::{self, Commit};
use crate::store::ledger::{Entry, FileEntry, Ledger};
use crate::store::lock::{Lock, NoLock};
use crate::store::{StateError, open_folder, runs};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many runs of a pipeline are remembered.
const RUNS_KEPT: u32 = 1000;

/// So many files of a source are listed where it is told what was read.
const FILES_LISTED: usize = 1000;

/// A run that holds the lock of its pipeline.
pub(super) struct Session {
    state: State,
    base: PathBuf,
    ledger: Ledger,
    journal: PathBuf,
    pub decision: Decision,
    /// What the run reads.
    pub readings: Arc<Readings>,
    /// About how many bytes a thread reads at a time.
    pub morsel_bytes: usize,
    /// What stages of earlier runs have made.
    pub checkpoints: Checkpoints,
    /// What operators gave in earlier runs.
    pub memo: Memo,
    /// What they gave in this one.
    records: Vec<Record>,
    /// The keys of the rows of outputs.
    rows: BTreeMap<usize, String>,
    /// How far outputs have taken in sources that are read incrementally.
    marks: BTreeMap<usize, BTreeMap<String, Mark>>,
    /// Outputs that stay as they are, although they might have come out differently.
    unchanged: BTreeSet<usize>,
    _lock: Lock,
}

impl Session {
    /// Begins a run: nobody else runs the pipeline meanwhile, and what a run that died was publishing
    /// is published.
    pub(super) fn begin(
        pipeline: &Pipeline,
        context: &RunContext,
        options: &Options,
        state: &State,
    ) -> Result<Session, Failure> {
        open_folder(&state.folder)?;
        let lock = Lock::take(&state.file("lock"), &context.id, state.wait, options.cancelled);
        let lock = lock.map_err(|error| match error {
            NoLock::Held(by) => Failure::Locked(by),
            NoLock::Stopped => Failure::Stage(Error::Cancelled, vec![]),
            NoLock::Failed(error) => Failure::State(error),
        })?;
        let mut ledger = Ledger::open(&state.folder)?;
        let journal = state.file("journal");
        if let Some(run) = recover(&journal, &mut ledger)? {
            (options.watch)(Event::Recovered(&run));
        }
        ledger.note_run(&run_entry(state, &Report::running(context)), &[])?;
        let wanted = &options.targets.outputs;
        let mut decision = decide(pipeline, context, &options.base, state, wanted, &ledger)?;
        decision.locate(options.files);
        (options.watch)(Event::Decided(&decision));
        ledger.note(&[], &decision.refreshed)?;
        for (_, entry) in &decision.reused {
            (options.watch)(Event::Reused(&reused(entry, &options.base)));
        }
        let checkpoints = Checkpoints::of(state);
        for path in &checkpoints.damaged {
            let message = format!("{} is damaged", path.display());
            (options.watch)(Event::NotTakenUp(&StateError::new(message)));
        }
        let memo = match decision.may_stay.is_empty() {
            true => Memo::default(),
            false => Memo::read(&state.file("memo")),
        };
        let readings = Arc::default();
        let state = state.clone();
        let morsel_bytes = options.chunk;
        Ok(Session {
            state,
            base: options.base.clone(),
            ledger,
            journal,
            decision,
            readings,
            morsel_bytes,
            checkpoints,
            memo,
            records: vec![],
            rows: BTreeMap::new(),
            marks: BTreeMap::new(),
            unchanged: BTreeSet::new(),
            _lock: lock,
        })
    }

    /// Makes everything visible together: once this has begun, a run that dies is completed by the
    /// next one.
    pub(super) fn commit(
        &mut self,
        pipeline: &Pipeline,
        context: &RunContext,
        outputs: &[(String, Staged)],
        quarantines: &[(String, Staged)],
    ) -> Result<Commit, Failure> {
        let files = self.files();
        let digests = self.digests(pipeline, context);
        let mut entries = vec![];
        for &at in &self.decision.outputs {
            let output = &pipeline.outputs[at];
            let (key, mut made) = digests.of(at);
            made.rows = self.rows.get(&at).cloned();
            made.marks = self.marks.get(&at).cloned().unwrap_or_default();
            if self.unchanged.contains(&at) {
                entries.extend(self.stays(output, key, &made)?);
                continue;
            }
            let Some((_, staged)) = outputs.iter().find(|(name, _)| *name == output.name) else {
                continue;
            };
            if let Some(held) = self.decision.held.get(&at) {
                check_held(held, staged)?;
            }
            let path = super::arguments(&output.arguments, context);
            entries.push(Entry {
                pipeline: self.state.pipeline.clone(),
                output: output.name.clone(),
                key,
                path: path.text("path").unwrap_or_default().to_owned(),
                made: text(&made),
                target: target(staged),
                run: context.id.clone(),
                rows: staged.rows,
                bytes: staged.bytes,
            });
        }
        entries.extend(
            quarantines.iter().map(|(name, staged)| self.quarantine(name, staged, context)),
        );
        let staged = quarantines.iter().chain(outputs).map(|(_, staged)| staged);
        let moves = staged.flat_map(|staged| staged.moves.iter().map(absolute)).collect();
        let commit = Commit { run: context.id.clone(), moves, entries, files };
        // A journal that may not last is none.
        journal::begin(&self.journal, &commit)
            .inspect_err(|_| drop(journal::end(&self.journal)))?;
        Ok(commit)
    }

    /// What of the quarantines stays, since its rows are not read again.
    pub(super) fn kept_aside(
        &self,
        pipeline: &Pipeline,
    ) -> Result<BTreeMap<usize, KeptAside>, StateError> {
        kept_aside(pipeline, &self.decision.marks, |name| {
            let entry = self.ledger.output(&self.state.pipeline, &quarantine_entry(name))?;
            Ok(entry.map(|entry| entry.bytes))
        })
    }

    /// Where it is kept what happens in the run.
    pub(super) fn events(&self, context: &RunContext) -> Result<File, StateError> {
        runs::create(&self.state.folder, &context.id)
    }

    /// What was read of each source, or known of it before.
    pub(super) fn sources(&self, pipeline: &Pipeline) -> Vec<SourceReport> {
        let of = |source: SourceId| {
            let files = self.contents(pipeline, source);
            SourceReport {
                source: pipeline.sources[source.0 as usize].name.clone(),
                count: files.len(),
                digest: digest(&format!("{files:?}")),
                files: (files.into_iter().take(FILES_LISTED))
                    .map(|(file, content)| FileReport { file, content })
                    .collect(),
            }
        };
        // Twins have the files of what is written.
        let is_written = |source: &SourceId| (source.0 as usize) < pipeline.sources.len();
        self.decision.files.keys().copied().filter(is_written).map(of).collect()
    }

    /// What is noted of an output that stays as it is: what it would have been made of now.
    fn stays(
        &self,
        output: &Output,
        key: String,
        made: &Made,
    ) -> Result<Option<Entry>, StateError> {
        let known = self.ledger.output(&self.state.pipeline, &output.name)?;
        Ok(known.map(|known| Entry { key, made: text(made), ..known }))
    }

    /// What the operators of a run that is about to publish its outputs gave, and by which keys of
    /// their rows later runs know the outputs.
    pub(super) fn seen(
        &mut self,
        records: Vec<Record>,
        rows: BTreeMap<usize, String>,
        unchanged: BTreeSet<usize>,
    ) {
        (self.records, self.rows, self.unchanged) = (records, rows, unchanged);
    }

    /// Sources are read by others as well, from another place on.
    pub(super) fn add_twins(&mut self, marked: &Marked) {
        for (twin, of) in &marked.twins {
            let files = self.decision.files[of].clone();
            self.decision.files.insert(*twin, files);
        }
    }

    /// Takes in from these tables how far sources were read.
    pub(super) fn reached(&mut self, marked: &Marked, tables: &[Vec<Batch>]) {
        self.marks = marked.reached(tables, &self.decision.marks);
    }

    /// The outputs that stay as they are.
    pub(super) fn unchanged(&self, pipeline: &Pipeline, commit: &Commit) -> Vec<OutputReport> {
        let name = |at: &usize| &pipeline.outputs[*at].name;
        let entry = |at| commit.entries.iter().find(|entry| entry.output == *name(at));
        let entries = self.unchanged.iter().filter_map(entry);
        entries.map(|entry| reused(entry, &self.base)).collect()
    }

    /// The digests of what the outputs are made of, as far as it was read.
    fn digests<'p>(&self, pipeline: &'p Pipeline, context: &'p RunContext) -> Digests<'p> {
        let contents = |source: SourceId| self.contents(pipeline, source);
        Digests::new(pipeline, context, &self.decision.outputs, &contents)
    }

    /// The files of a source with their contents, as far as they were read.
    fn contents(&self, pipeline: &Pipeline, source: SourceId) -> Files {
        let source_of = &pipeline.sources[source.0 as usize];
        if let Some(output) = source_of.held_by {
            let held = self.decision.held[&output].clone();
            return vec![(source_of.name.clone(), held.unwrap_or_default())];
        }
        let content = |(file, before): &(InputFile, String)| {
            (file.name.to_string(), self.content_of(file, before))
        };
        self.decision.files[&source].iter().map(content).collect()
    }

    /// What of a file was read, if its end was not and that is known byte by byte, and what else tells
    /// whether it changes.
    pub(super) fn begun(&self, (file, before): &(InputFile, String)) -> (Option<Begun>, String) {
        let begun = self.readings.begun(&file.path);
        if begun.is_none() {
            self.readings.look_into(&file.path);
        }
        (begun, self.content_of(file, before))
    }

    /// Is a file what it was when an earlier run had read its beginning?
    pub(super) fn goes_on(
        &self,
        (file, before): &(InputFile, String),
        begun: Option<&Begun>,
        content: &str,
    ) -> bool {
        match begun {
            Some(begun) => self.readings.goes_on(file, begun).unwrap_or(false),
            None if is_racy(content) => false,
            None => {
                let of_bytes = || connect::content_of(&file.path).ok().flatten();
                let known = self.content_of(file, before);
                known == content || is_digest(content) && of_bytes().as_deref() == Some(content)
            }
        }
    }

    /// What tells whether a file has changed: of the bytes that were read, or else as it was `before`.
    fn content_of(&self, file: &InputFile, before: &str) -> String {
        let read = self.readings.of(&file.path);
        read.map_or(before.to_owned(), |read| read.content.unwrap_or(read.identity))
    }

    /// The keys of what the operators of a plan make.
    pub(super) fn keys(&self, plan: &Plan, pipeline: &Pipeline, context: &RunContext) -> Keys {
        Keys::new(plan, &self.digests(pipeline, context), &self.decision.held)
    }

    /// The same by what operators are known to have given.
    pub(super) fn keys_by(
        &self,
        plan: &Plan,
        pipeline: &Pipeline,
        context: &RunContext,
        gave: impl FnMut(NodeId, &str) -> Option<String>,
    ) -> Keys {
        Keys::given(plan, &self.digests(pipeline, context), &self.decision.held, gave)
    }

    /// The same as if a source had no files.
    pub(super) fn keys_without(
        &self,
        plan: &Plan,
        pipeline: &Pipeline,
        context: &RunContext,
        source: SourceId,
    ) -> Keys {
        let contents = |of: SourceId| match of == source {
            true => vec![],
            false => self.contents(pipeline, of),
        };
        let digests = Digests::new(pipeline, context, &self.decision.outputs, &contents);
        Keys::new(plan, &digests, &self.decision.held)
    }

    /// A digest of the names and bytes of files, as far as these were read or known before; none if
    /// one was written just before and its bytes are not known.
    pub(super) fn contents_of(&self, files: &[(InputFile, String)]) -> Option<String> {
        let mut text = String::new();
        for (file, before) in files {
            let content = self.content_of(file, before);
            if is_racy(&content) {
                return None;
            }
            text.push_str(&format!("{:?} {content}\n", file.name));
        }
        Some(digest(&text))
    }

    /// Files are as they were when the run began, and an earlier one had read them.
    pub(super) fn known(&self, files: &[(InputFile, String)]) {
        for (file, content) in files {
            let identity = file.identity.clone();
            // Where no digest was made the identity stands for it.
            let content = Some(content.clone()).filter(|content| *content != identity);
            self.readings.known(&file.path, Reading { identity, content });
        }
    }

    /// What is taken from an earlier run was made of the files of these sources as they were found
    /// when this one began: what is read of them still has to be the same.
    pub(super) fn taken_from(&self, sources: BTreeSet<SourceId>) {
        for files in sources.iter().filter_map(|source| self.decision.files.get(source)) {
            self.known(files);
        }
    }

    /// Notes the files that were read so far, by which a later run knows them.
    pub(super) fn note_files(&mut self) -> Result<(), StateError> {
        let files = self.files();
        self.ledger.note(&[], &files)
    }

    /// What is noted of a quarantine: where it is, for knowing whether it is still what was written.
    fn quarantine(&self, name: &str, staged: &Staged, context: &RunContext) -> Entry {
        Entry {
            pipeline: self.state.pipeline.clone(),
            output: quarantine_entry(name),
            key: String::new(),
            path: self.state.quarantine(name).display().to_string(),
            made: String::new(),
            target: target(staged),
            run: context.id.clone(),
            rows: staged.rows,
            bytes: staged.bytes,
        }
    }

    /// Everything is visible.
    pub(super) fn committed(&mut self, commit: &Commit) -> Result<(), Failure> {
        self.ledger.note(&commit.entries, &commit.files)?;
        if !self.records.is_empty() {
            // What is not remembered is computed again.
            let _ = memo::add(&self.state.file("memo"), std::mem::take(&mut self.records));
        }
        Ok(journal::end(&self.journal)?)
    }

    /// Not everything could be made visible, and the run says what. What is visible is noted, so that
    /// rows which were added are not added again; if that fails, the next run publishes the rest.
    pub(super) fn not_committed(&mut self, commit: &Commit, left: &mut [(String, Staged)]) {
        // It may have failed behind the move itself.
        let is_moved = |entry: &Entry, staged: &Staged| {
            let target = staged.moves.first().and_then(|(_, target)| written(target));
            target.as_ref() == Some(&entry.target)
        };
        let is_left = |entry: &Entry| {
            let mut of = left.iter().filter(|(output, _)| *output == entry.output);
            of.any(|(_, staged)| !is_moved(entry, staged))
        };
        let visible: Vec<Entry> =
            commit.entries.iter().filter(|entry| !is_left(entry)).cloned().collect();
        match self.ledger.note(&visible, &commit.files) {
            Ok(()) => drop(journal::end(&self.journal)),
            Err(_) => left.iter_mut().for_each(|(_, staged)| staged.keep()),
        }
    }

    /// The files that were read, with digests where those are all that they can be known by.
    fn files(&self) -> Vec<FileEntry> {
        let mut entries = vec![];
        for (file, _) in self.decision.files.values().flatten() {
            let Some(read) = self.readings.of(&file.path) else { continue };
            let content = read.content.or_else(|| {
                let now = || connect::content_of(&file.path).ok().flatten();
                is_racy(&read.identity).then(now).flatten()
            });
            entries.push(FileEntry {
                path: connect::place(&file.path).display().to_string(),
                identity: read.identity,
                content,
            });
        }
        entries
    }

    /// The run has ended, with this report.
    pub(super) fn end(self, report: &Report) -> Result<(), StateError> {
        self.checkpoints.end(report.status == Status::Success);
        let text = serde_json::to_string(report).expect("a report can be written");
        let run = Run {
            report: Some(text),
            seconds: Some(report.seconds),
            rows_read: Some(report.records_read),
            ..run_entry(&self.state, report)
        };
        let jobs: Vec<JobEntry> = report.jobs.iter().map(job_entry).collect();
        self.ledger.note_run(&run, &jobs)?;
        let forgotten = self.ledger.keep_runs(&self.state.pipeline, RUNS_KEPT)?;
        forgotten.iter().for_each(|run| runs::forget(&self.state.folder, run));
        Ok(())
    }
}

fn reused(entry: &Entry, base: &Path) -> OutputReport {
    OutputReport {
        output: entry.output.clone(),
        path: base.join(&entry.path).display().to_string(),
        records: entry.rows,
        bytes: entry.bytes,
        added: false,
        merged: None,
        reused: true,
    }
}

fn text(made: &Made) -> String {
    serde_json::to_string(made).expect("names and digests can be written")
}

fn run_entry(state: &State, report: &Report) -> Run {
    Run {
        id: report.execution_id.clone(),
        pipeline: state.pipeline.clone(),
        started: report.started.clone(),
        process: std::process::id(),
        status: report.status.name().to_owned(),
        seconds: None,
        rows_read: None,
        error: report.error.clone(),
        report: None,
    }
}

/// What tells whether somebody else wrote where this is published.
fn target(staged: &Staged) -> String {
    staged.moves.first().and_then(|(at, _)| written(at)).unwrap_or_default()
}

/// Fails if somebody else has written to an output since it was looked at, whose rows the new one has
/// to hold.
fn check_held(held: &Option<String>, staged: &Staged) -> Result<(), ConnectError> {
    let Some((_, target)) = staged.moves.first() else { return Ok(()) };
    if written(target) == *held {
        return Ok(());
    }
    let target = target.display();
    let message = format!("{target} was changed by something else while the run went on");
    Err(ConnectError::new(message).help("nothing was published: run again"))
}

fn absolute((staged, target): &(PathBuf, PathBuf)) -> (PathBuf, PathBuf) {
    let of = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    (of(staged), of(target))
}

fn job_entry(report: &JobReport) -> JobEntry {
    let partition = |one: &PartitionReport| (one.records_processed, one.records_failed);
    JobEntry {
        job: report.job.clone(),
        status: report.status.name().to_owned(),
        needs: report.needs.clone(),
        error: report.error.clone(),
        // One that did not begin was not tried.
        tries: report.tries.unwrap_or(u32::from(report.seconds > 0.0)),
        records_in: report.records_in,
        records_out: report.records_out,
        records_failed: report.records_failed,
        seconds: report.seconds,
        peak_memory: report.peak_memory,
        partitions: report.partitions.iter().map(partition).collect(),
    }
}
