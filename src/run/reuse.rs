//! What of a run an earlier one has done: outputs whose program, parameters and input files are the
//! same, and that nobody touched since, are not made again; and why everything else is.

use super::held::{self, Held};
use super::made::{Ancestors, Digests, ENGINE, Files, JobMade, Made, quarantines_of};
use super::marks::{self, Marks};
use super::{State, arguments};
use crate::connect::{self, InputFile, is_digest, is_racy, written};
use crate::diagnostics::reasons::{self, Reason};
use crate::ir::{
    Expr, ExprKind, Input, Job, JobId, Mode, Output, Pipeline, RunContext, SourceId, StepKind,
};
use crate::store::StateError;
use crate::store::ledger::{Entry, FileEntry, Ledger};
use crate::text::Files as TextFiles;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a run will do.
#[derive(Debug, Default)]
pub struct Decision {
    /// The outputs to be made, by position.
    pub outputs: Vec<usize>,
    /// The outputs that are there, with what is known of them.
    pub reused: Vec<(usize, Entry)>,
    /// Why jobs are run or not, and outputs that are written from a source, in the order of running.
    pub reasons: Vec<Verdict>,
    /// Of outputs that are there and may come out as they are, by what key their rows are known.
    pub(super) may_stay: BTreeMap<usize, String>,
    /// Files that were found to be the same although the system tells something else of them.
    pub(super) refreshed: Vec<FileEntry>,
    /// Of files that have grown at their end, how long they were, and what they were then.
    pub(super) grown: BTreeMap<PathBuf, (u64, String)>,
    /// How far outputs have taken in sources that are read incrementally.
    pub(super) marks: Marks,
    /// What outputs hold that keep it.
    pub(super) held: Held,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// What is known of the files of each source, when the run begins.
    pub(super) files: BTreeMap<SourceId, Vec<(InputFile, String)>>,
}

impl Decision {
    /// Puts the places in the program into the reasons: `… at orders.batch:17`.
    pub fn locate(&mut self, files: &TextFiles) {
        for Verdict { reason, .. } in &mut self.reasons {
            let Some(span) = reason.span.take() else { continue };
            let file = files.get(span.file);
            let line = file.position(span.start as usize).line;
            reason.text = format!("{} at {}:{line}", reason.text, file.path);
        }
    }
}

/// Whether something is run, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// A job, or an output.
    pub name: String,
    /// Is it?
    pub runs: bool,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
}

/// Decides which of these outputs are made.
pub fn decide(
    pipeline: &Pipeline,
    context: &RunContext,
    base: &Path,
    state: &State,
    wanted: &[usize],
    ledger: &Ledger,
) -> Result<Decision, StateError> {
    let mut decision = Decision::default();
    let read = read_before(pipeline, state, wanted, ledger)?;
    for source in Ancestors::of(pipeline, wanted.iter().copied()).sources {
        let known = (ledger, &read);
        let found = look_at(pipeline, context, base, source, known, &mut decision)?;
        decision.files.insert(source, found);
    }
    let names = |source: SourceId| -> Files {
        let files = &decision.files[&source];
        files.iter().map(|(file, content)| (file.name.to_string(), content.clone())).collect()
    };
    let digests = Digests::new(pipeline, context, wanted, &names);
    let mut looks = vec![];
    for &at in wanted {
        let output = &pipeline.outputs[at];
        let (key, made) = digests.of(at);
        let known = ledger.output(&state.pipeline, &output.name)?;
        let path =
            arguments(&output.arguments, context).text("path").unwrap_or_default().to_owned();
        let before: Option<Made> =
            known.as_ref().and_then(|known| serde_json::from_str(&known.made).ok());
        let is_there = written(&base.join(&path));
        let last = known.as_ref().zip(before.as_ref());
        let before_it = before.as_ref().filter(|_| is_there.is_some() && !state.fresh);
        let (marks, unknown) =
            before_it.map(|before| marks::known(pipeline, at, (before, &made))).unwrap_or_default();
        decision.marks.insert(at, marks);
        let keeps = output.mode != Mode::Overwrite || pipeline.keeps_folders(output);
        let why = match (&output.mode, last) {
            (mode, _) if keeps => {
                decision.held.insert(at, is_there.clone());
                let (there, name) = (is_there.as_ref(), output.name.as_str());
                let is_fresh = state.fresh;
                let found = held::Found { path: &path, there, last, unknown, is_fresh };
                match mode {
                    Mode::Append => {
                        // In whatever mode they came there.
                        let in_mode =
                            |(_, before): (&Entry, &Made)| digests.key_as(at, &before.mode);
                        let key = last.map(in_mode).unwrap_or_default();
                        found.why_added(name, &key, &made, &mut decision.notes)?
                    }
                    _ => found.why_merged(name, &key, &mut decision.notes),
                }
            }
            _ if state.fresh => Some(reasons::fresh()),
            (_, None) => Some(reasons::first_run()),
            (_, Some(last)) => why_replaced(output, &path, is_there.as_ref(), last, (&key, &made)),
        };
        let jobs = Ancestors::of(pipeline, [at]).jobs;
        looks.push(Look { at, jobs, known, before, made, why });
    }
    with_quarantines(pipeline, &touched(pipeline, state, ledger)?, &mut looks);
    decision.reasons = verdicts(pipeline, &looks);
    for look in looks {
        match (look.why, look.known) {
            (None, Some(known)) => decision.reused.push((look.at, known)),
            (why, _) => {
                // The one reason that says nothing of what is there.
                let output = &pipeline.outputs[look.at];
                let may_stay = !decision.held.contains_key(&look.at)
                    && why == Some(reasons::rows_needed(&output.name));
                let rows = look.before.and_then(|before| before.rows).filter(|_| may_stay);
                decision.may_stay.extend(rows.map(|rows| (look.at, rows)));
                decision.outputs.push(look.at);
            }
        }
    }
    let notes = marks::notes(pipeline, &decision.outputs, &decision.marks);
    decision.notes.extend(notes);
    Ok(decision)
}

/// Why an output is made that is replaced as a whole; none if it is there.
fn why_replaced(
    output: &Output,
    path: &str,
    there: Option<&String>,
    (known, before): (&Entry, &Made),
    (key, made): (&str, &Made),
) -> Option<Reason> {
    match there {
        _ if before.engine != ENGINE => Some(reasons::other_engine(&before.engine)),
        _ if before.output != made.output || before.mode != made.mode => {
            Some(reasons::output_changed(&output.name, output.span))
        }
        None => Some(reasons::output_missing(path)),
        Some(there) if *there != known.target => Some(reasons::output_touched(path)),
        Some(_) => (known.key != key).then(|| reasons::rows_needed(&output.name)),
    }
}

/// The quarantines that are not what the last run that succeeded wrote.
fn touched(
    pipeline: &Pipeline,
    state: &State,
    ledger: &Ledger,
) -> Result<BTreeSet<usize>, StateError> {
    let mut touched = BTreeSet::new();
    for (at, quarantine) in pipeline.quarantines.iter().enumerate() {
        let known = ledger.output(&state.pipeline, &quarantine_entry(&quarantine.name))?;
        if written(&state.quarantine(&quarantine.name)) != known.map(|known| known.target) {
            touched.insert(at);
        }
    }
    Ok(touched)
}

/// What was found of an output.
struct Look {
    at: usize,
    /// The jobs that it is made of.
    jobs: BTreeSet<JobId>,
    known: Option<Entry>,
    before: Option<Made>,
    made: Made,
    /// Why it is made, unless it is there.
    why: Option<Reason>,
}

/// What a quarantine is called where outputs are noted: no output has a space in its name.
pub(super) fn quarantine_entry(name: &str) -> String {
    format!("quarantine {name}")
}

/// A quarantine holds the rows of all jobs that set rows aside there, so when one of them runs, all
/// do; and so they do when it is not what the last run that succeeded wrote: one that failed leaves
/// the rows that show why.
fn with_quarantines(pipeline: &Pipeline, touched: &BTreeSet<usize>, looks: &mut [Look]) {
    let jobs: Vec<BTreeSet<JobId>> = looks.iter().map(|look| look.jobs.clone()).collect();
    loop {
        let running: BTreeSet<JobId> = running(looks);
        let is_anew = |quarantine: usize| {
            let mut writers = jobs
                .iter()
                .flatten()
                .filter(|job| quarantines_of(&pipeline.jobs[job.0 as usize]).contains(&quarantine));
            let some = writers.clone().any(|job| running.contains(job));
            (some || touched.contains(&quarantine)) && !writers.all(|job| running.contains(job))
        };
        let anew: BTreeSet<usize> =
            (0..pipeline.quarantines.len()).filter(|at| is_anew(*at)).collect();
        let shared = |jobs: &BTreeSet<JobId>| {
            let of_jobs =
                jobs.iter().flat_map(|job| quarantines_of(&pipeline.jobs[job.0 as usize]));
            of_jobs.into_iter().find(|at| anew.contains(at))
        };
        let mut is_more = false;
        // Rows that were added are not added again.
        let may_be_made =
            |look: &Look| look.why.is_none() && pipeline.outputs[look.at].mode != Mode::Append;
        for (look, jobs) in looks.iter_mut().zip(&jobs).filter(|(look, _)| may_be_made(look)) {
            look.why =
                shared(jobs).map(|at| reasons::shares_quarantine(&pipeline.quarantines[at].name));
            is_more |= look.why.is_some();
        }
        if !is_more {
            return;
        }
    }
}

/// The files that these outputs were made of, by their names, and what they were.
fn read_before(
    pipeline: &Pipeline,
    state: &State,
    wanted: &[usize],
    ledger: &Ledger,
) -> Result<BTreeMap<String, String>, StateError> {
    let mut read = BTreeMap::new();
    for &at in wanted {
        let known = ledger.output(&state.pipeline, &pipeline.outputs[at].name)?;
        let made: Option<Made> = known.and_then(|known| serde_json::from_str(&known.made).ok());
        let sources = made.into_iter().flat_map(|made| made.sources.into_values());
        read.extend(sources.flat_map(|source| source.files));
    }
    Ok(read)
}

/// The files of a source with digests of their bytes, or of what the system tells of them where no
/// run has read all their bytes.
fn look_at(
    pipeline: &Pipeline,
    context: &RunContext,
    base: &Path,
    source: SourceId,
    (ledger, read): (&Ledger, &BTreeMap<String, String>),
    decision: &mut Decision,
) -> Result<Vec<(InputFile, String)>, StateError> {
    let arguments = arguments(&pipeline.sources[source.0 as usize].arguments, context);
    // Who opens the source says what is wrong with it.
    let Ok(files) = connect::input_files(base, &arguments) else { return Ok(vec![]) };
    let mut found = vec![];
    for file in files {
        let place = connect::place(&file.path).display().to_string();
        let known = ledger.file(&place)?;
        let content = match known {
            // What was written just before may have been changed since within a tick of the clock.
            Some(known) if known.identity == file.identity && !is_racy(&file.identity) => {
                known.content
            }
            Some(FileEntry { content: Some(before), identity, .. }) => {
                let bytes = connect::bytes_of(&identity).unwrap_or(u64::MAX);
                let now = connect::look_into(&file.path, bytes).ok().flatten();
                if let Some(now) = &now
                    && now.beginning.as_ref() == Some(&before)
                    && now.digest != before
                {
                    decision.grown.insert(file.path.clone(), (bytes, before.clone()));
                }
                let now = now.map(|now| now.digest);
                if now.as_ref() == Some(&before) {
                    let identity = file.identity.clone();
                    decision.refreshed.push(FileEntry {
                        path: place,
                        identity,
                        content: now.clone(),
                    });
                }
                now
            }
            // It may have been moved with all that was made of it.
            None if read.get(&*file.name).is_some_and(|content| is_digest(content)) => {
                let content = connect::content_of(&file.path).ok().flatten();
                let identity = file.identity.clone();
                decision.refreshed.extend(content.clone().map(|content| FileEntry {
                    path: place,
                    identity,
                    content: Some(content),
                }));
                content
            }
            _ => None,
        };
        let content = content.unwrap_or_else(|| file.identity.clone());
        found.push((file, content));
    }
    Ok(found)
}

/// The jobs of outputs that are made.
fn running(looks: &[Look]) -> BTreeSet<JobId> {
    let runs = looks.iter().filter(|look| look.why.is_some());
    runs.flat_map(|look| look.jobs.iter().copied()).collect()
}

/// Why each job runs, or does not.
fn verdicts(pipeline: &Pipeline, looks: &[Look]) -> Vec<Verdict> {
    let runs = |look: &&Look| look.why.is_some();
    let running = running(looks);
    let all: BTreeSet<JobId> = looks.iter().flat_map(|look| look.jobs.iter().copied()).collect();
    let mut own: BTreeMap<JobId, Reason> = BTreeMap::new();
    let mut verdicts = vec![];
    for &id in pipeline.order.iter().filter(|id| all.contains(id)) {
        let job = &pipeline.jobs[id.0 as usize];
        let name = job.name.clone();
        if !running.contains(&id) {
            verdicts.push(Verdict { name, runs: false, reason: reasons::same_inputs() });
            continue;
        }
        let of_job: Vec<&Look> =
            looks.iter().filter(runs).filter(|look| look.jobs.contains(&id)).collect();
        let changed = of_job.iter().find_map(|look| change(pipeline, job, look, &own));
        if let Some(changed) = &changed {
            own.insert(id, changed.clone());
        }
        let reason = changed.unwrap_or_else(|| needed(pipeline, id, &of_job, &running));
        verdicts.push(Verdict { name, runs: true, reason });
    }
    for look in looks {
        let output = &pipeline.outputs[look.at];
        let Input::Source(source) = output.from else { continue };
        let files = || {
            let before = look.before.as_ref()?;
            source_change(pipeline, source, before, &look.made)
        };
        let name = output.name.clone();
        verdicts.push(match &look.why {
            None => Verdict { name, runs: false, reason: reasons::same_inputs() },
            Some(why) => {
                let reason = files().unwrap_or_else(|| why.clone());
                Verdict { name, runs: true, reason }
            }
        });
    }
    verdicts
}

/// What changed of a job or of what it reads since an output was made.
fn change(
    pipeline: &Pipeline,
    job: &Job,
    look: &Look,
    own: &BTreeMap<JobId, Reason>,
) -> Option<Reason> {
    let before = look.before.as_ref()?;
    let now = &look.made.jobs[&job.name];
    let Some(was) = before.jobs.get(&job.name) else { return Some(reasons::first_run()) };
    if let Some(reason) = job_change(pipeline, job, was, now, (before, &look.made)) {
        return Some(reason);
    }
    for input in job.inputs().flat_map(|input| pipeline.writers(input).chain([input])) {
        let reason = match input {
            Input::Source(source) => source_change(pipeline, source, before, &look.made),
            Input::Job(read) => {
                own.contains_key(&read).then(|| reasons::reads_what_runs(pipeline.name_of(input)))
            }
        };
        if reason.is_some() {
            return reason;
        }
    }
    None
}

fn job_change(
    pipeline: &Pipeline,
    job: &Job,
    was: &JobMade,
    now: &JobMade,
    (before, made): (&Made, &Made),
) -> Option<Reason> {
    if was.settings != now.settings {
        return Some(reasons::settings_changed(job.span));
    }
    if was.from != now.from {
        return Some(reasons::changed("from", job.input_span));
    }
    for (at, step) in now.steps.iter().enumerate() {
        let written = &job.steps[at];
        match was.steps.get(at) {
            Some(was) if was.written == step.written && was.done == step.done => {}
            Some(was) if was.written == step.written => {
                return Some(
                    value_change(pipeline, &written.kind, before, made)
                        .unwrap_or_else(|| reasons::differs_each_run(written.span)),
                );
            }
            _ if was.steps.len() > now.steps.len() => {
                return Some(reasons::step_removed(written.span));
            }
            _ => return Some(reasons::changed(&step.label, written.span)),
        }
    }
    (was.steps.len() > now.steps.len()).then(|| reasons::step_removed(job.span))
}

/// The parameter of a step that has another value, or its key.
fn value_change(pipeline: &Pipeline, step: &StepKind, before: &Made, now: &Made) -> Option<Reason> {
    fn params(expr: &Expr, found: &mut BTreeSet<u32>) {
        if let ExprKind::Param(param) = expr.kind {
            found.insert(param.0);
        }
        expr.children().iter().for_each(|child| params(child, found));
    }
    let (mut used, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for expr in step.expressions() {
        params(expr, &mut used);
        expr.add_keys(&mut keys);
    }
    let changed = used.iter().find_map(|at| {
        let name = &pipeline.params[*at as usize].name;
        let (before, now) = (before.params.get(name)?, now.params.get(name)?);
        (before != now).then(|| reasons::param_changed(name, before, now))
    });
    let key = || keys.first().map(|at| reasons::key_changed(&pipeline.secrets[*at].name));
    changed.or_else(key)
}

fn source_change(
    pipeline: &Pipeline,
    source: SourceId,
    before: &Made,
    now: &Made,
) -> Option<Reason> {
    let declared = &pipeline.sources[source.0 as usize];
    let now = now.sources.get(&declared.name)?;
    let Some(was) = before.sources.get(&declared.name) else { return Some(reasons::first_run()) };
    if was.declared != now.declared {
        return Some(reasons::source_changed(&declared.name, declared.span));
    }
    let find = |files: &Files, name: &str| {
        files.iter().find(|(of, _)| of == name).map(|(_, content)| content.clone())
    };
    for (name, content) in &now.files {
        match find(&was.files, name) {
            None => return Some(reasons::file_added(name)),
            Some(was) if was != *content => return Some(reasons::file_changed(name)),
            Some(_) => {}
        }
    }
    let gone = was.files.iter().find(|(name, _)| find(&now.files, name).is_none());
    gone.map(|(name, _)| reasons::file_removed(name))
}

/// Why a job runs of which nothing changed: for an output that is made anew, or for a job that is.
fn needed(pipeline: &Pipeline, id: JobId, looks: &[&Look], running: &BTreeSet<JobId>) -> Reason {
    let written = looks.iter().find(|look| pipeline.outputs[look.at].from == Input::Job(id));
    if let Some(why) = written.and_then(|look| look.why.clone()) {
        return why;
    }
    let whole = |look: &&&Look| look.before.is_none();
    if let Some(why) = looks.iter().find(whole).and_then(|look| look.why.clone()) {
        return why;
    }
    let is_of =
        |input: Input| pipeline.writers(input).chain([input]).any(|of| of == Input::Job(id));
    let mut readers = pipeline.order.iter().filter(|job| running.contains(job));
    let reader = readers.find(|job| pipeline.jobs[job.0 as usize].inputs().any(is_of));
    let output = looks.iter().map(|look| &pipeline.outputs[look.at]);
    let output = { output }.find(|output| is_of(output.from));
    let mut waiting = pipeline.order.iter().filter(|job| running.contains(job));
    let waits = waiting.find(|job| pipeline.jobs[job.0 as usize].after.contains(&id));
    let name = |job: &JobId| &*pipeline.jobs[job.0 as usize].name;
    match (reader, output, waits) {
        (Some(reader), _, _) => reasons::rows_needed(name(reader)),
        (None, Some(output), _) => reasons::rows_needed(&output.name),
        (None, None, Some(waits)) => reasons::runs_after(name(waits)),
        (None, None, None) => unreachable!("a job without an output is read or waited for"),
    }
}
