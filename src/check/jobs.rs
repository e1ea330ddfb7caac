//! Each job, in an order in which it comes after those it reads: its settings, then its steps.

use super::about::about;
use super::aside;
use super::branches;
use super::exprs::Scope;
use super::globals::Globals;
use super::graph::{afters, declarations_of_jobs, order, reads};
use super::kept::{self, Before, Kept, KeptJob};
use super::notify::told;
use super::resources::resources;
use super::steps::{self, JobChecker};
use super::tries::tries;
use crate::diagnostics::{self, Diagnostics, graph, names, syntax, types};
use crate::ir::{self, ErrorPolicy, Input, OnError, Row};
use crate::syntax::ast::{self, DeclarationKind, SettingKind, Step};
use crate::text::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// Checks all jobs, in an order in which each comes after those it reads.
pub(super) fn check_jobs(
    file: &ast::File,
    globals: &mut Globals,
    pipeline: &mut ir::Pipeline,
    before: Option<Before>,
    found: &mut Diagnostics,
) -> Kept {
    // Whatever a job applies or calls has been checked.
    Scope::constant(globals, found).check_uncalled(file);
    steps::check_unapplied(file, globals, found);
    let mut kept = Kept::of(file, globals.files);
    let before = before.filter(|before| before.is_as(&kept));
    let written: Vec<(&Arc<ast::Declaration>, &ast::Job)> = declarations_of_jobs(file).collect();
    let jobs: Vec<&ast::Job> = written.iter().map(|(_, job)| *job).collect();
    globals.writers = aside::writers(&jobs, globals);
    let order = order(&jobs, globals, found);
    let mut checked: Vec<Option<ir::Job>> = globals.job_rows.iter().map(|_| None).collect();
    let mut of_jobs: Vec<Option<Arc<KeptJob>>> = vec![None; jobs.len()];
    for &id in &order {
        if id.0 as usize >= jobs.len() {
            let job = branch(id, globals);
            globals.job_rows[id.0 as usize] = Some(job.row().clone());
            checked[id.0 as usize] = Some(job);
            continue;
        }
        for name in
            reads(jobs[id.0 as usize]).filter_map(|path| Some(aside::named(&path)?.text.clone()))
        {
            add_aside(&name, &checked, globals, pipeline);
        }
        let (one, quarantines) = (written[id.0 as usize], &mut pipeline.quarantines);
        let again = before.and_then(|before| before.again(id, one.0, globals, quarantines));
        let (job, of_job) = match again {
            Some((job, of_job)) => (job, of_job.clone()),
            None => kept::check(one, globals, quarantines),
        };
        kept.keep(id, &of_job);
        found.extend(of_job.found.clone());
        globals.job_rows[id.0 as usize] = Some(of_job.row.clone());
        checked[id.0 as usize] = Some(job);
        of_jobs[id.0 as usize] = Some(of_job);
    }
    for of_job in of_jobs.iter().flatten() {
        globals.names().add(&of_job.names);
    }
    for name in others_read(file) {
        add_aside(&name, &checked, globals, pipeline);
    }
    pipeline.jobs = checked.into_iter().map(|job| job.expect("the order has all jobs")).collect();
    pipeline.order = order;
    kept
}

/// The quarantines that outputs read and tests give.
fn others_read(file: &ast::File) -> Vec<String> {
    let paths = file.declarations.iter().flat_map(|declaration| match &declaration.kind {
        DeclarationKind::Output(output) => vec![&output.from],
        DeclarationKind::Test(test) => {
            let given = test.items.iter().filter_map(|item| match item {
                ast::TestItem::Given { table, .. } => Some(table),
                _ => None,
            });
            given.collect()
        }
        _ => vec![],
    });
    paths.filter_map(|path| Some(aside::named(path)?.text.clone())).collect()
}

/// Adds the source that reads a quarantine, unless it is there or no job that is checked sets rows aside
/// in it.
fn add_aside(
    name: &str,
    checked: &[Option<ir::Job>],
    globals: &mut Globals,
    pipeline: &mut ir::Pipeline,
) {
    let known = pipeline.quarantines.iter().position(|one| one.name == name);
    let Some(at) = known.filter(|_| !globals.asides.contains_key(name)) else { return };
    let (id, span) = (ir::QuarantineId(at as u32), pipeline.quarantines[at].span);
    let jobs = checked.iter().enumerate().filter_map(|(at, job)| {
        let job = job.as_ref().filter(|job| job.sets_aside(id))?;
        Some((ir::JobId(at as u32), job))
    });
    let source = aside::source(id, name, span, &jobs.collect::<Vec<_>>());
    globals.asides.insert(name.to_owned(), (ir::SourceId(pipeline.sources.len() as u32), span));
    globals.source_rows.push(source.row.clone());
    pipeline.sources.push(source);
}

/// The job that a branch is.
fn branch(id: ir::JobId, globals: &Globals) -> ir::Job {
    let all = globals.all_branches();
    let at = all.iter().position(|(_, _, branch)| branch.id == id).expect("it has a number");
    let (of, name, branch) = all[at];
    let number = all[..at].iter().filter(|(other, ..)| *other == of).count();
    // In a cycle, which is reported, the job may come behind its branches.
    let nothing = Arc::new(Row { broken: true, ..Row::default() });
    let row = globals.row_of(Input::Job(of)).unwrap_or(nothing);
    branches::job(of, name, &row, number, branch)
}

/// The quarantine of this name and where it is first named, a new one if it is not there yet.
pub(super) fn quarantine_of(
    name: &ast::Name,
    quarantines: &mut Vec<ir::Quarantine>,
) -> (ir::QuarantineId, Span) {
    let at = quarantines.iter().position(|one| one.name == name.text);
    let at = at.unwrap_or_else(|| {
        quarantines.push(ir::Quarantine { name: name.text.clone(), span: name.span });
        quarantines.len() - 1
    });
    (ir::QuarantineId(at as u32), quarantines[at].span)
}

/// The job, and the row that others see of it: a broken one where a step was given up.
pub(super) fn check_job(
    job: &ast::Job,
    globals: &mut Globals,
    quarantines: &mut Vec<ir::Quarantine>,
    found: &mut Diagnostics,
) -> (ir::Job, Arc<Row>) {
    let nothing = Arc::new(Row { broken: true, ..Row::default() });
    let mut checker = JobChecker {
        globals,
        found,
        quarantines,
        name: &job.name,
        null_on_error: None,
        may_lose_rows: false,
        row: nothing,
        dropped: HashMap::new(),
        steps: vec![],
        values: None,
    };
    let (on_error, said) = on_error(job, &mut checker);
    checker.null_on_error = said.filter(|_| on_error.policy == ErrorPolicy::Null);
    checker.may_lose_rows =
        matches!(on_error.policy, ErrorPolicy::Drop | ErrorPolicy::Quarantine(_));
    let (input, input_span) = from(job, &mut checker);
    let input_row = checker.row.clone();
    for statement in job.steps.iter().skip(first_step(job) + 1) {
        checker.step(statement);
    }
    let ends = |statement: &&ast::Statement| !statement.step.branches().is_empty();
    if let Some(at) = job.steps.iter().position(|statement| ends(&statement))
        && let Some(next) = job.steps.get(at + 1)
    {
        let word = checker.text(next.verb);
        let found =
            diagnostics::branches::step_behind_branches(next.verb, &word, job.steps[at].verb);
        checker.found.push(found);
    }
    let partition = partition(job, &mut checker);
    let checkpoint = checkpoint(job, &mut checker);
    let (retry, timeout) = tries(&job.settings, checker.found);
    let (any_retry, any_timeout) = checker.globals.tries;
    let any_resources = checker.globals.resources;
    let resources = match resources(&job.settings, checker.found) {
        Some(own) => Some(own.or(any_resources)),
        None => any_resources.map(|any| ir::Resources { is_own: false, ..any }),
    };
    let after = afters(job, checker.globals, checker.found);
    // Of a job it is for who reads the program.
    about(&job.settings, checker.globals, checker.found);
    let row = checker.row.clone();
    let job = ir::Job {
        name: job.name.text.clone(),
        input,
        input_span,
        input_row,
        steps: Arc::new(checker.steps),
        on_error,
        partition,
        checkpoint,
        retry: retry.or(any_retry),
        timeout: timeout.or(any_timeout.map(|any| ir::Timeout { is_own: false, ..any })),
        resources,
        after,
        notify: told(&job.settings, checker.globals, checker.found),
        is_hidden: false,
        span: job.name.span,
    };
    (job, row)
}

/// The first step that could be read. What stands before it has been reported.
fn first_step(job: &ast::Job) -> usize {
    job.steps.iter().position(|statement| !matches!(statement.step, Step::Bad)).unwrap_or(0)
}

/// The table that the job begins with.
fn from(job: &ast::Job, checker: &mut JobChecker) -> (Input, Span) {
    let nothing = (Input::Source(ir::SourceId(0)), job.name.span);
    let at = first_step(job);
    let Some(first) = job.steps.get(at) else {
        checker.found.push(names::from_first(&job.name.text, job.name.span, false));
        return nothing;
    };
    let Step::From(path) = &first.step else {
        if at == 0 && !matches!(first.step, Step::Bad) {
            checker.found.push(names::from_first(&job.name.text, first.verb, false));
        }
        return nothing;
    };
    let Some(input) = checker.globals.input(path, checker.found) else { return nothing };
    if let Some(mut row) = checker.row_of(input) {
        checker.globals.names().around(first.span, &checker.row, &row);
        let joins_it = |statement: &ast::Statement| match &statement.step {
            Step::Join(join) => {
                join.right.iter().map(|name| &name.text).eq(path.iter().map(|name| &name.text))
            }
            _ => false,
        };
        // Its own values are there, all in the run of a job.
        if matches!(input, Input::Job(_)) && job.steps.iter().any(joins_it) {
            let all = Arc::make_mut(&mut row);
            (0..all.columns.len()).for_each(|column| {
                steps::note_found(all, column, ir::Found { table: input, column });
            });
        }
        checker.row = row;
    }
    (input, path[0].span)
}

/// What it says, and where, if it does.
fn on_error(job: &ast::Job, checker: &mut JobChecker) -> (OnError, Option<Span>) {
    let mut said: Option<(OnError, Span)> = None;
    for setting in &job.settings {
        match &setting.kind {
            SettingKind::OnError { policy, above } => {
                if let Some((_, first)) = said {
                    checker.found.push(graph::said_twice("on error", setting.span, first));
                    continue;
                }
                find_useless_above(policy, above, checker.found);
                said = Some((policy_of(policy, *above, checker), setting.span));
            }
            SettingKind::Later(later) => checker.found.push(syntax::not_available_yet(later)),
            SettingKind::Partition { .. }
            | SettingKind::Checkpoint(_)
            | SettingKind::Retry { .. }
            | SettingKind::Timeout(_)
            | SettingKind::Resources(_)
            | SettingKind::After(_)
            | SettingKind::Notify { .. }
            | SettingKind::Owner(_)
            | SettingKind::Tags(_)
            | SettingKind::Meta(_)
            | SettingKind::Bad => {}
            SettingKind::Mode(_)
            | SettingKind::Timezone(_)
            | SettingKind::Incremental { .. }
            | SettingKind::AllowSensitive(_) => {
                let help = "it belongs into an output or the pipeline";
                checker.found.push(graph::bad_setting(
                    setting.span,
                    "this is not a setting of a job",
                    help,
                ));
            }
        }
    }
    let of_all = checker.globals.on_error.clone();
    let of_all = of_all.map(|(policy, above, at)| (policy_of(&policy, above, checker), at));
    let default = OnError { policy: ErrorPolicy::Fail, above: None };
    said.or(of_all).map_or((default, None), |(on_error, at)| (on_error, Some(at)))
}

fn policy_of(
    policy: &ast::ErrorPolicy,
    above: Option<(f64, Span)>,
    checker: &mut JobChecker,
) -> OnError {
    let policy = match policy {
        ast::ErrorPolicy::Fail => ErrorPolicy::Fail,
        ast::ErrorPolicy::Drop => ErrorPolicy::Drop,
        ast::ErrorPolicy::Null => ErrorPolicy::Null,
        ast::ErrorPolicy::Quarantine(name) => ErrorPolicy::Quarantine(checker.quarantine(name)),
    };
    OnError { policy, above }
}

/// Where the first row that fails ends the run, a share of rows that may fail says nothing.
pub(super) fn find_useless_above(
    policy: &ast::ErrorPolicy,
    above: &Option<(f64, Span)>,
    found: &mut Diagnostics,
) {
    if let (ast::ErrorPolicy::Fail, Some((_, place))) = (policy, above) {
        let message = "the first row that fails ends the run: `above` has no effect";
        let help = "`on error drop above 1%`, or leave `above` out";
        found.push(graph::bad_setting(*place, message, help));
    }
}

/// Is its result kept for later runs, or never, if it says so, or the pipeline for all jobs?
fn checkpoint(job: &ast::Job, checker: &mut JobChecker) -> Option<bool> {
    let mut said = None;
    for setting in &job.settings {
        let SettingKind::Checkpoint(is_on) = setting.kind else { continue };
        match said {
            Some((_, first)) => {
                checker.found.push(graph::said_twice("checkpoint", setting.span, first));
            }
            None => said = Some((is_on, setting.span)),
        }
    }
    said.map(|(is_on, _)| is_on).or(checker.globals.checkpoint)
}

/// How the result is split, over the job's last row.
fn partition(job: &ast::Job, checker: &mut JobChecker) -> Option<ir::Partition> {
    let mut partition = None;
    for setting in &job.settings {
        let SettingKind::Partition { by, into } = &setting.kind else { continue };
        let into = match into {
            Some((into, _)) if *into >= 1 && *into <= 4096 => *into,
            Some((_, at)) => {
                let help = "for instance `into 8`";
                checker.found.push(graph::bad_setting(
                    *at,
                    "a job has 1 to 4,096 partitions",
                    help,
                ));
                continue;
            }
            None => {
                let help = "`partition by hash(key) into 8`";
                checker.found.push(graph::bad_setting(
                    setting.span,
                    "into how many partitions?",
                    help,
                ));
                continue;
            }
        };
        let by = match by {
            ast::PartitionBy::Hash(key) => {
                let key = checker.expression(key);
                if key.ty.is_unknown() {
                    continue;
                }
                if !key.ty.data.is_ordered() {
                    checker.found.push(types::not_ordered("a partition key", key.span, &key.ty));
                    continue;
                }
                ir::PartitionBy::Hash(key)
            }
            ast::PartitionBy::RoundRobin => ir::PartitionBy::RoundRobin,
            ast::PartitionBy::Size => ir::PartitionBy::Size,
            ast::PartitionBy::Values(_) => {
                let help = "`partition by hash(key) into 8`";
                checker.found.push(graph::bad_setting(
                    setting.span,
                    "a job is split by `hash(…)`",
                    help,
                ));
                continue;
            }
        };
        partition = Some(ir::Partition { by, into, span: setting.span });
    }
    partition
}
