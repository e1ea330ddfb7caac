//! What is kept of the check of each job, for the next check of a program in which little has changed.
//!
//! What comes of a job depends on three things: on how it is written, on the declarations that all jobs
//! see, and on what it sees of other tables, which is noted while it is checked. Where all three are as
//! they were, what came of it then is taken again. A job that does more than that is checked each time.

use super::globals::Globals;
use super::graph::jobs_of;
use super::jobs::{check_job, quarantine_of};
use super::names::Names;
use crate::diagnostics::Diagnostics;
use crate::ir::{self, Input, JobId, Pipeline, Quarantine, QuarantineId, Row};
use crate::syntax::ast::{self, Declaration, DeclarationKind};
use crate::text::{FileId, Files, Span};
use std::sync::Arc;

/// What is kept of a check.
#[derive(Debug, Default)]
pub struct Kept {
    shared: Shared,
    /// Of each job of the text, if it is as good as new.
    jobs: Vec<Option<Arc<KeptJob>>>,
}

/// A program as it was checked before, with the same values of its parameters.
#[derive(Clone, Copy)]
pub struct Before<'b> {
    /// What is kept of it.
    pub kept: &'b Kept,
    /// What it meant.
    pub pipeline: &'b Pipeline,
}

/// What all jobs see.
#[derive(Debug, Default)]
struct Shared {
    /// The paths of the files, and what each of them uses.
    files: Vec<String>,
    uses: Vec<(FileId, ast::Module)>,
    /// The tables and what could not be read, by their names.
    names: Vec<(Named, String, Vec<String>)>,
    /// All else but outputs and tests, which no job sees.
    others: Vec<Arc<Declaration>>,
}

/// What has a name that jobs can write.
#[derive(Debug, PartialEq)]
enum Named {
    Source,
    Job,
    Bad,
}

/// What came of a job.
#[derive(Debug)]
pub(super) struct KeptJob {
    written: Arc<Declaration>,
    seen: Seen,
    pub(super) names: Names,
    pub(super) found: Diagnostics,
    /// What others see of it.
    pub(super) row: Arc<Row>,
    /// The jobs that it says it runs after.
    after: Vec<JobId>,
}

/// What a job has seen of others than itself, or has said to them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Tables by their names, and where those were given.
    pub(super) tables: Vec<(Input, Option<Span>)>,
    pub(super) rows: Vec<(Input, Option<Arc<Row>>)>,
    /// Quarantines that it names: which they were, and where they were first named.
    pub(super) quarantines: Vec<(ast::Name, QuarantineId, Span)>,
    /// The files and modules that it means.
    pub(super) meant: Vec<(FileId, ast::Module)>,
    /// More than that.
    pub(super) is_more: bool,
}

impl Kept {
    /// Of no job yet.
    pub(super) fn of(file: &ast::File, files: &Files) -> Kept {
        Kept { shared: Shared::of(file, files), jobs: vec![None; jobs_of(file).count()] }
    }

    pub(super) fn keep(&mut self, id: JobId, job: &Arc<KeptJob>) {
        self.jobs[id.0 as usize] = (!job.seen.is_more).then(|| job.clone());
    }
}

impl<'b> Before<'b> {
    /// Do all jobs see what they saw then?
    pub(super) fn is_as(&self, now: &Kept) -> bool {
        self.kept.shared.is_as(&now.shared)
    }

    /// A job that would come to the same as then; what it does to others is done.
    pub(super) fn again(
        &self,
        id: JobId,
        written: &Arc<Declaration>,
        globals: &Globals,
        quarantines: &mut Vec<Quarantine>,
    ) -> Option<(ir::Job, &'b Arc<KeptJob>)> {
        let kept = self.kept.jobs.get(id.0 as usize)?.as_ref()?;
        let is_same = |row: &Option<Arc<Row>>, other: Option<Arc<Row>>| match (row, other) {
            (Some(row), Some(other)) => Arc::ptr_eq(row, &other) || *row == other,
            (row, other) => row.is_none() && other.is_none(),
        };
        let seen = &kept.seen;
        let as_then = Arc::ptr_eq(&kept.written, written)
            && seen.tables.iter().all(|(table, place)| globals.place_of(*table) == *place)
            && seen.rows.iter().all(|(table, row)| is_same(row, globals.row_of(*table)))
            && seen
                .quarantines
                .iter()
                .all(|(name, id, place)| quarantine_of(name, quarantines) == (*id, *place));
        if !as_then {
            return None;
        }
        for used in &seen.meant {
            if let Some(is_meant) = globals.uses.get(used) {
                is_meant.set(true);
            }
        }
        let job = self.pipeline.jobs[id.0 as usize].clone();
        Some((ir::Job { after: kept.after.clone(), ..job }, kept))
    }
}

/// Checks a job, and notes what it sees.
pub(super) fn check(
    (written, job): (&Arc<Declaration>, &ast::Job),
    globals: &mut Globals,
    quarantines: &mut Vec<Quarantine>,
) -> (ir::Job, Arc<KeptJob>) {
    let of_others = std::mem::take(&mut *globals.names());
    globals.seen.take();
    let mut found = Diagnostics::new();
    let (checked, row) = check_job(job, globals, quarantines, &mut found);
    let mut names = std::mem::replace(&mut *globals.names(), of_others);
    names.finish();
    let mut seen = globals.seen.take();
    // What is known of the rows of branches is noted there.
    seen.is_more |= job.steps.iter().any(|one| !one.step.branches().is_empty());
    let (written, after) = (written.clone(), checked.after.clone());
    (checked, Arc::new(KeptJob { written, seen, names, found, row, after }))
}

impl Shared {
    fn of(file: &ast::File, files: &Files) -> Shared {
        let paths = files.all().map(|(_, file)| file.path.clone()).collect();
        let uses = file.uses.iter().map(|used| (used.by, used.module.clone())).collect();
        let mut shared = Shared { files: paths, uses, names: vec![], others: vec![] };
        for declaration in &file.declarations {
            let (named, name, branches) = match &declaration.kind {
                DeclarationKind::Source(source) => (Named::Source, &source.name, vec![]),
                DeclarationKind::Job(job) => {
                    let branches = job.steps.iter().flat_map(|one| one.step.branches());
                    let branches = branches.into_iter().map(|name| name.text.clone()).collect();
                    (Named::Job, &job.name, branches)
                }
                DeclarationKind::Bad(Some(name)) => (Named::Bad, name, vec![]),
                DeclarationKind::Bad(None)
                | DeclarationKind::Output(_)
                | DeclarationKind::Test(_) => continue,
                _ => {
                    shared.others.push(declaration.clone());
                    continue;
                }
            };
            shared.names.push((named, name.text.clone(), branches));
        }
        shared
    }

    fn is_as(&self, other: &Shared) -> bool {
        let others = || self.others.iter().zip(&other.others);
        self.files == other.files
            && self.uses == other.uses
            && self.names == other.names
            && self.others.len() == other.others.len()
            && others().all(|(one, other)| Arc::ptr_eq(one, other))
    }
}
