//! The end of a run: quarantines, and outputs made visible together.

use super::events::Event;
use super::failure::Failure;
use super::marks::Marks;
use super::merged::Merged;
use super::reuse::quarantine_entry;
use super::session::Session;
use super::{Options, OutputReport, QuarantineReport, State, arguments};
use crate::connect::{self, Arguments, ConnectError, SinkSpec, Staged};
use crate::exec::quarantine::Quarantines;
use crate::ir::{Input, JobId, Mode, Pipeline, QuarantineId, RunContext, SourceId};
use crate::plan::{Node, NodeKind, Plan};
use crate::store::{StateError, make_folder};
use crate::types::Scalar;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::{fs, io};

/// Where the rows of a quarantine are found: in the state folder. A run that leaves nothing behind
/// sets rows aside only for those of its jobs, or of a test, that look at them.
fn quarantine_path(name: &str, options: &Options) -> PathBuf {
    match lasting(options) {
        Some(state) => state.quarantine(name),
        None => options.temp.join(format!("{name}.jsonl")),
    }
}

/// Where a run leaves what it sets aside, if it does.
fn lasting<'o>(options: &'o Options) -> Option<&'o State> {
    options.state.as_ref().filter(|_| !options.targets.outputs.is_empty())
}

/// Does a test look at the rows that are set aside?
fn keeps_aside(options: &Options) -> bool {
    options.fixture.is_some_and(|fixture| fixture.aside.is_some())
}

/// The same as it is shown: beside the pipeline, if it is there.
pub(super) fn shown_quarantine(name: &str, options: &Options) -> String {
    let path = quarantine_path(name, options);
    path.strip_prefix(&options.base).unwrap_or(&path).display().to_string()
}

/// Removes what runs that are dead have left beside the outputs of the pipeline, whichever of them
/// are written now.
pub(super) fn sweep(pipeline: &Pipeline, context: &RunContext, options: &Options) {
    if options.state.is_none() {
        return;
    }
    for output in &pipeline.outputs {
        if let Some(path) = arguments(&output.arguments, context).text("path") {
            connect::sweep(&connect::place(&options.base.join(path)));
        }
    }
    for quarantine in &pipeline.quarantines {
        connect::sweep(&quarantine_path(&quarantine.name, options));
    }
}

/// What a run makes visible: quarantines and outputs; and what became of the rows that these held.
pub(super) type Ended = (Vec<(String, Staged)>, Vec<(String, Staged)>, BTreeMap<String, Merged>);

/// Makes all of it visible, once it looks as if it could be, and notes what it was made from.
pub(super) fn publish(
    pipeline: &Pipeline,
    context: &RunContext,
    (mut quarantines, mut outputs, merged): Ended,
    session: Option<&mut Session>,
    options: &Options,
) -> Result<(), Failure> {
    for (_, staged) in outputs.iter().chain(&quarantines) {
        staged.check()?;
    }
    let watch = options.watch;
    let Some(session) = session else {
        publish_quarantines(&mut quarantines, options)?;
        return publish_outputs(pipeline, &merged, &mut outputs, watch);
    };
    let commit = session.commit(pipeline, context, &outputs, &quarantines)?;
    for output in session.unchanged(pipeline, &commit) {
        watch(Event::Unchanged(&output));
    }
    let published = publish_quarantines(&mut quarantines, options);
    match published.and_then(|()| publish_outputs(pipeline, &merged, &mut outputs, watch)) {
        Ok(()) => session.committed(&commit),
        Err(failure) => {
            let aside = |(name, staged): (String, Staged)| (quarantine_entry(&name), staged);
            outputs.extend(quarantines.into_iter().map(aside));
            session.not_committed(&commit, &mut outputs);
            Err(failure)
        }
    }
}

/// Makes the outputs visible one after the other; those that are not yet are left.
fn publish_outputs(
    pipeline: &Pipeline,
    merged: &BTreeMap<String, Merged>,
    outputs: &mut Vec<(String, Staged)>,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<(), Failure> {
    let paths: Vec<String> = outputs.iter().map(|(_, staged)| target_of(staged)).collect();
    for (at, path) in paths.iter().enumerate() {
        let (output, staged) = &mut outputs[0];
        staged.publish().map_err(|error| in_part(error, &paths[..at], &paths[at..]))?;
        let is_it = |one: &&crate::ir::Output| one.name == *output;
        let added = pipeline.outputs.iter().find(is_it).is_some_and(|one| one.mode == Mode::Append);
        watch(Event::Written(&OutputReport {
            output: output.clone(),
            path: path.clone(),
            records: staged.rows,
            bytes: staged.bytes,
            added,
            merged: merged.get(output).copied(),
            reused: false,
        }));
        outputs.remove(0);
    }
    Ok(())
}

fn target_of(staged: &Staged) -> String {
    staged.moves.first().map_or(String::new(), |(_, to)| to.display().to_string())
}

/// Why publishing stopped, with what is new by now.
fn in_part(error: ConnectError, new: &[String], old: &[String]) -> ConnectError {
    if new.is_empty() {
        return error;
    }
    let are = |paths: &[String]| match paths {
        [one] => format!("{one} is"),
        many => format!("{} are", many.join(", ")),
    };
    error.help(format!(
        "{} new and {} as before; remove what is in the way and run again",
        are(new),
        are(old)
    ))
}

/// Ends the quarantines. They are complete, and not yet visible.
pub(super) fn finish_quarantines(
    pipeline: &Pipeline,
    quarantines: Quarantines,
) -> Result<Vec<(String, Staged)>, Failure> {
    let name = |id: QuarantineId| pipeline.quarantines[id.0 as usize].name.clone();
    Ok(quarantines.finish()?.into_iter().map(|(id, staged)| (name(id), staged)).collect())
}

/// Makes the quarantines visible: those of a run that fails are what shows why.
pub(super) fn publish_quarantines(
    quarantines: &mut Vec<(String, Staged)>,
    options: &Options,
) -> Result<(), Failure> {
    if lasting(options).is_none() && !keeps_aside(options) {
        quarantines.clear();
    }
    while let Some((quarantine, staged)) = quarantines.first_mut() {
        let (path, records) = (target_of(staged), staged.rows);
        staged.publish()?;
        if let Some(aside) = options.fixture.and_then(|fixture| fixture.aside.as_ref()) {
            let failed = |error: io::Error| ConnectError::io("read", &path, &error);
            let lines = fs::read_to_string(&path).map_err(failed)?;
            aside.lock().unwrap_or_else(PoisonError::into_inner).insert(quarantine.clone(), lines);
        }
        let quarantine = quarantine.clone();
        (options.watch)(Event::SetAside(&QuarantineReport { quarantine, path, records }));
        quarantines.remove(0);
    }
    Ok(())
}

/// Stages the quarantines that rows of the jobs of the plan can come into. One without rows is
/// written too: an empty file says that nothing was set aside. A preview writes none.
pub(super) fn open_quarantines(
    pipeline: &Pipeline,
    plan: &Plan,
    context: &RunContext,
    options: &Options,
    kept: &BTreeMap<usize, KeptAside>,
    room: usize,
) -> Result<Quarantines, ConnectError> {
    let spec = |at: usize| {
        let id = QuarantineId(at as u32);
        let mut jobs = plan.nodes.iter().filter_map(|node| node.job);
        let is_used = jobs.any(|job| pipeline.jobs[job.0 as usize].sets_aside(id));
        let is_read = |node: &Node| match node.kind {
            NodeKind::Scan(source) => {
                let aside = &pipeline.sources[source.0 as usize].aside;
                aside.as_ref().is_some_and(|aside| aside.quarantine == id)
            }
            _ => false,
        };
        let is_kept = lasting(options).is_some() || keeps_aside(options);
        if !is_used || !is_kept && !plan.nodes.iter().any(is_read) {
            return Ok(None);
        }
        let path = quarantine_path(&pipeline.quarantines[at].name, options);
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(|error| {
                ConnectError::new(format!("cannot make the folder {}: {error}", folder.display()))
            })?;
        }
        let path = Scalar::String(path.display().to_string().into());
        Ok(Some(SinkSpec {
            base: PathBuf::new(),
            arguments: Arguments(vec![("path".to_owned(), path)]),
            columns: vec![],
            run: context.id.clone(),
            parts: None,
            adds: false,
            behind: None,
            folders: None,
        }))
    };
    let specs: Vec<Option<SinkSpec>> =
        (0..pipeline.quarantines.len()).map(spec).collect::<Result<_, ConnectError>>()?;
    let quarantines = Quarantines::open(&specs, room)?;
    for (at, KeptAside { bytes, jobs }) in kept {
        let path = quarantine_path(&pipeline.quarantines[*at].name, options);
        // A job that is run for several outputs is called after them.
        let is_of = |job: &str, name: &String| {
            job.strip_prefix(&**name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(" for "))
        };
        quarantines.keep(*at, &path, *bytes, &|job| jobs.iter().any(|name| is_of(job, name)))?;
    }
    Ok(quarantines)
}

/// What of a quarantine stays, since no run reads it again: rows of jobs that read only what came since.
pub(super) struct KeptAside {
    /// As far as the last run that succeeded wrote it.
    pub bytes: u64,
    /// The jobs.
    pub jobs: BTreeSet<String>,
}

/// The quarantines, by their positions, that hold rows which are not read again where sources are read
/// from these marks on.
pub(super) fn kept_aside(
    pipeline: &Pipeline,
    marks: &Marks,
    written: impl Fn(&str) -> Result<Option<u64>, StateError>,
) -> Result<BTreeMap<usize, KeptAside>, StateError> {
    let marked: BTreeSet<SourceId> = marks.values().flat_map(BTreeMap::keys).copied().collect();
    let mut kept = BTreeMap::new();
    for (at, quarantine) in pipeline.quarantines.iter().enumerate() {
        let jobs = (0..pipeline.jobs.len() as u32).map(JobId).filter(|id| {
            let reads_since = || pipeline.flows_into(Input::Job(*id));
            pipeline.jobs[id.0 as usize].sets_aside(QuarantineId(at as u32))
                && !reads_since().is_disjoint(&marked)
        });
        let jobs: BTreeSet<String> =
            jobs.map(|id| pipeline.jobs[id.0 as usize].name.clone()).collect();
        if let (false, Some(bytes)) = (jobs.is_empty(), written(&quarantine.name)?) {
            kept.insert(at, KeptAside { bytes, jobs });
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Outputs;

    #[test]
    fn outputs_that_are_new_are_told_when_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let staged = |name: &str| {
            let path = folder.path().join(name).display().to_string();
            let spec = SinkSpec {
                base: PathBuf::new(),
                arguments: Arguments(vec![("path".into(), Scalar::String(path.into()))]),
                columns: vec![],
                run: "r".into(),
                parts: None,
                adds: false,
                behind: None,
                folders: None,
            };
            (name.to_owned(), Outputs::open(&spec, "csv", b"new").unwrap().finish().unwrap())
        };
        let mut outputs = vec![staged("a.csv"), staged("b.csv"), staged("c.csv")];
        std::fs::remove_file(&outputs[1].1.moves[0].0).unwrap();
        let made = std::sync::Mutex::new(vec![]);
        let watch = |event: Event| {
            let Event::Written(output) = event else { panic!("{event:?}") };
            made.lock().unwrap().push(output.output.clone());
        };
        let Err(Failure::Stage(crate::exec::Error::Connect(error), _)) =
            publish_outputs(&Pipeline::default(), &BTreeMap::new(), &mut outputs, &watch)
        else {
            panic!("it is told")
        };
        let help = error.help.unwrap().replace(&format!("{}/", folder.path().display()), "");
        assert_eq!(
            help,
            "a.csv is new and b.csv, c.csv are as before; remove what is in the way and run again"
        );
        assert_eq!(made.into_inner().unwrap(), ["a.csv"]);
    }
}
