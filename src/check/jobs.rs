//! The graph of jobs: an order in which each comes after those it reads, cycles, dead jobs; and
//! each job in that order, settings first.

use super::exprs::Scope;
use super::globals::Globals;
use super::steps::JobChecker;
use super::tries::tries;
use crate::diagnostics::{Diagnostics, graph, names, syntax, types};
use crate::ir::{self, ErrorPolicy, Input, JobId, OnError, Row};
use crate::syntax::ast::{self, DeclarationKind, SettingKind, Step};
use crate::text::Span;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Checks all jobs, in an order in which each comes after those it reads.
pub(super) fn check_jobs(
    file: &ast::File,
    globals: &mut Globals,
    pipeline: &mut ir::Pipeline,
    found: &mut Diagnostics,
) {
    let jobs: Vec<&ast::Job> = jobs_of(file).collect();
    let order = order(&jobs, globals, found);
    let mut checked: Vec<Option<ir::Job>> = jobs.iter().map(|_| None).collect();
    for &id in &order {
        let (job, row) = check_job(jobs[id.0 as usize], globals, &mut pipeline.quarantines, found);
        globals.job_rows[id.0 as usize] = Some(row);
        checked[id.0 as usize] = Some(job);
    }
    Scope::constant(globals, found).check_uncalled(file);
    pipeline.jobs = checked.into_iter().map(|job| job.expect("the order has all jobs")).collect();
    pipeline.order = order;
}

fn jobs_of(file: &ast::File) -> impl Iterator<Item = &ast::Job> {
    file.declarations.iter().filter_map(|declaration| match &declaration.kind {
        DeclarationKind::Job(job) => Some(job),
        _ => None,
    })
}

/// The paths that a job reads: of `from`, joins and unions.
fn reads(job: &ast::Job) -> impl Iterator<Item = &[ast::Name]> {
    job.steps.iter().flat_map(|statement| match &statement.step {
        Step::From(path) => vec![path.as_slice()],
        Step::Join(join) => vec![join.right.as_slice()],
        Step::Union(tables) => tables.iter().map(Vec::as_slice).collect(),
        _ => vec![],
    })
}

/// A topological order, jobs of the text first among equals. Jobs of a cycle, reported as its
/// path, come last.
fn order(jobs: &[&ast::Job], globals: &Globals, found: &mut Diagnostics) -> Vec<JobId> {
    let mut dag: DiGraph<JobId, Span> = DiGraph::new();
    let nodes: Vec<NodeIndex> = (0..jobs.len()).map(|at| dag.add_node(JobId(at as u32))).collect();
    for (at, job) in jobs.iter().enumerate() {
        for path in reads(job) {
            if let Some((from, _)) = globals.jobs.get(&path[0].text) {
                dag.add_edge(nodes[from.0 as usize], nodes[at], path[0].span);
            }
        }
    }
    let mut order = vec![];
    let mut waiting: Vec<usize> =
        nodes.iter().map(|&node| dag.edges_directed(node, petgraph::Incoming).count()).collect();
    let mut ready: std::collections::BTreeSet<usize> =
        (0..jobs.len()).filter(|&at| waiting[at] == 0).collect();
    while let Some(at) = ready.pop_first() {
        order.push(JobId(at as u32));
        for edge in dag.edges(nodes[at]) {
            let next = edge.target().index();
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.insert(next);
            }
        }
    }
    report_cycles(jobs, &dag, found);
    let done: HashSet<JobId> = order.iter().copied().collect();
    order.extend((0..jobs.len() as u32).map(JobId).filter(|id| !done.contains(id)));
    order
}

fn report_cycles(jobs: &[&ast::Job], dag: &DiGraph<JobId, Span>, found: &mut Diagnostics) {
    for component in petgraph::algo::tarjan_scc(dag) {
        let inside: HashSet<NodeIndex> = component.iter().copied().collect();
        let first = *component.iter().min().expect("a component has a node");
        let own_loop = dag.contains_edge(first, first);
        if component.len() == 1 && !own_loop {
            continue;
        }
        // From the first job of the text along the jobs that each reads, within the component.
        let (mut path, mut seen, mut at) = (vec![], HashSet::new(), first);
        while seen.insert(at) {
            let edge = dag
                .edges_directed(at, petgraph::Incoming)
                .filter(|edge| inside.contains(&edge.source()))
                .min_by_key(|edge| {
                    (seen.contains(&edge.source()) && edge.source() != first, edge.source())
                })
                .expect("a job of a cycle reads another of it");
            let read = &jobs[edge.source().index()].name.text;
            path.push((jobs[at.index()].name.text.clone(), *edge.weight(), read.clone()));
            at = edge.source();
        }
        found.push(graph::cycle(&path));
    }
}

/// The job, and the row that others see of it: a broken one where a step was given up.
fn check_job(
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
        row: nothing,
        dropped: HashMap::new(),
        steps: vec![],
    };
    let (on_error, said) = on_error(job, &mut checker);
    checker.null_on_error = said.filter(|_| on_error.policy == ErrorPolicy::Null);
    let (input, input_span) = from(job, &mut checker);
    let input_row = checker.row.clone();
    for statement in job.steps.iter().skip(first_step(job) + 1) {
        checker.step(statement);
    }
    let partition = partition(job, &mut checker);
    let checkpoint = checkpoint(job, &mut checker);
    let (retry, timeout) = tries(&job.settings, checker.found);
    let (any_retry, any_timeout) = checker.globals.tries;
    let row = checker.row.clone();
    let job = ir::Job {
        name: job.name.text.clone(),
        input,
        input_span,
        input_row,
        steps: checker.steps,
        on_error,
        partition,
        checkpoint,
        retry: retry.or(any_retry),
        timeout: timeout.or(any_timeout.map(|any| ir::Timeout { is_own: false, ..any })),
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
    if let Some(row) = checker.row_of(input) {
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
                if said.is_some() {
                    let help = "leave one of them";
                    checker.found.push(graph::bad_setting(
                        setting.span,
                        "`on error` is said twice",
                        help,
                    ));
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
            | SettingKind::Owner(_)
            | SettingKind::Tags(_)
            | SettingKind::Bad => {}
            SettingKind::Mode(_) | SettingKind::Timezone(_) => {
                let help = "it belongs into an output or the pipeline";
                checker.found.push(graph::bad_setting(
                    setting.span,
                    "not a setting of a job",
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
        if said.replace(is_on).is_some() {
            let found = "`checkpoint` is said twice";
            checker.found.push(graph::bad_setting(setting.span, found, "leave one of them"));
        }
    }
    said.or(checker.globals.checkpoint)
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

/// Jobs that lead to no output: each chain of them in one finding.
pub(super) fn find_dead(
    file: &ast::File,
    globals: &Globals,
    pipeline: &ir::Pipeline,
    found: &mut Diagnostics,
) {
    let Some(readers) = readers(file, globals) else { return };
    // Backwards from those that nothing reads. Jobs of a cycle, which is reported, never follow.
    let mut chain_of: Vec<Option<usize>> = vec![None; readers.len()];
    let mut chains: Vec<Vec<usize>> = vec![];
    for at in pipeline.order.iter().rev().map(|id| id.0 as usize) {
        let reader_chains: Option<Vec<usize>> = readers[at]
            .iter()
            .map(|reader| match reader {
                Reader::Job(job) => chain_of[*job],
                Reader::Output => None,
            })
            .collect();
        let Some(reader_chains) = reader_chains else { continue };
        let chain = reader_chains.first().copied().unwrap_or(chains.len());
        if chain == chains.len() {
            chains.push(vec![]);
        }
        chain_of[at] = Some(chain);
        chains[chain].push(at);
    }
    for chain in chains {
        let job = |at: &usize| (pipeline.jobs[*at].name.as_str(), pipeline.jobs[*at].span);
        found.push(graph::dead_jobs(&chain.iter().rev().map(job).collect::<Vec<_>>()));
    }
}

/// What reads a job.
enum Reader {
    Output,
    Job(usize),
}

/// The readers of each job; None when some are not known, because they could not be read or name
/// no table: then nothing can be said of the others.
fn readers(file: &ast::File, globals: &Globals) -> Option<Vec<Vec<Reader>>> {
    let mut readers: Vec<Vec<Reader>> = jobs_of(file).map(|_| vec![]).collect();
    let mut add = |path: &[ast::Name], reader: Reader| {
        let name = &path.first()?.text;
        match globals.jobs.get(name) {
            Some((job, _)) => readers[job.0 as usize].push(reader),
            None if globals.sources.contains_key(name) => {}
            None => return None,
        }
        Some(())
    };
    for declaration in &file.declarations {
        match &declaration.kind {
            DeclarationKind::Output(output) => add(&output.from, Reader::Output)?,
            DeclarationKind::Job(job) => {
                let is_unknown = |statement: &ast::Statement| {
                    matches!(statement.step, Step::Bad | Step::Later(_))
                };
                if job.steps.iter().any(is_unknown) {
                    return None;
                }
                let (id, _) = globals.jobs.get(&job.name.text)?;
                for path in reads(job) {
                    add(path, Reader::Job(id.0 as usize))?;
                }
            }
            DeclarationKind::Bad(_) | DeclarationKind::Later(_) => return None,
            _ => {}
        }
    }
    Some(readers)
}
