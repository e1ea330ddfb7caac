//! The graph of jobs: an order in which each comes after those it reads and those it runs after,
//! cycles, and jobs that lead to no output.

use super::aside;
use super::branches::Branch;
use super::exprs::references;
use super::globals::Globals;
use crate::diagnostics::{Diagnostics, graph};
use crate::ir::{self, Input, JobId};
use crate::syntax::ast::{self, DeclarationKind, SettingKind, Step};
use crate::text::Span;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

pub(super) fn jobs_of(file: &ast::File) -> impl Iterator<Item = &ast::Job> {
    declarations_of_jobs(file).map(|(_, job)| job)
}

pub(super) fn declarations_of_jobs(
    file: &ast::File,
) -> impl Iterator<Item = (&Arc<ast::Declaration>, &ast::Job)> {
    file.declarations.iter().filter_map(|declaration| match &declaration.kind {
        DeclarationKind::Job(job) => Some((declaration, job)),
        _ => None,
    })
}

/// The paths that a job reads: of `from`, joins, unions and rules.
pub(super) fn reads(job: &ast::Job) -> impl Iterator<Item = Cow<'_, [ast::Name]>> {
    job.steps.iter().flat_map(tables_of)
}

/// The tables that a step reads, as dotted names.
pub(super) fn tables_of(statement: &ast::Statement) -> Vec<Cow<'_, [ast::Name]>> {
    match &statement.step {
        Step::From(path) => vec![path.into()],
        Step::Join(join) => vec![(&join.right).into()],
        Step::Union(tables) | Step::Except(tables) | Step::Intersect(tables) => {
            tables.iter().map(Cow::from).collect()
        }
        Step::Expect { condition, .. } => {
            references(condition).into_iter().map(|(table, _)| table.into()).collect()
        }
        _ => vec![],
    }
}

/// The paths of the jobs that a job runs after.
fn waits(job: &ast::Job) -> impl Iterator<Item = &[ast::Name]> {
    let after = job.settings.iter().filter_map(|setting| match &setting.kind {
        SettingKind::After(paths) => Some(paths),
        _ => None,
    });
    after.flatten().map(Vec::as_slice)
}

/// The jobs that a job runs after; says what is none.
pub(super) fn afters(job: &ast::Job, globals: &Globals, found: &mut Diagnostics) -> Vec<JobId> {
    let mut after = vec![];
    for path in waits(job) {
        match globals.input(path, found) {
            Some(Input::Job(id)) if !after.contains(&id) => after.push(id),
            Some(Input::Source(_)) => {
                let message =
                    format!("`{}` is a source, which is there from the beginning", path[0].text);
                let help = "name a job, or leave it out";
                found.push(graph::bad_setting(path[0].span, message, help));
            }
            _ => {}
        }
    }
    after
}

/// Leaves of `after` what is more than what jobs read says already, and finds out which jobs are run
/// for the sake of it alone.
pub(super) fn settle_afters(pipeline: &mut ir::Pipeline) {
    if pipeline.jobs.iter().all(|job| job.after.is_empty()) {
        return;
    }
    let before: Vec<BTreeSet<JobId>> = (0..pipeline.jobs.len() as u32)
        .map(|id| pipeline.jobs_before(Input::Job(JobId(id))).into_iter().collect())
        .collect();
    for (job, before) in pipeline.jobs.iter_mut().zip(&before) {
        job.after.retain(|other| !before.contains(other));
    }
    let written = pipeline.outputs.iter().flat_map(|output| pipeline.jobs_before(output.from));
    let written: BTreeSet<JobId> = written.collect();
    let after = pipeline.jobs.iter().flat_map(|job| &job.after);
    pipeline.gates = after.filter(|job| !written.contains(job)).copied().collect();
}

/// A topological order, jobs of the text first among equals. Jobs of a cycle, reported as its
/// path, come last.
pub(super) fn order(jobs: &[&ast::Job], globals: &Globals, found: &mut Diagnostics) -> Vec<JobId> {
    let mut dag: Dag = DiGraph::new();
    let branches = globals.all_branches();
    let count = jobs.len() + branches.len();
    let nodes: Vec<NodeIndex> = (0..count).map(|at| dag.add_node(JobId(at as u32))).collect();
    for (of, _, branch) in &branches {
        dag.add_edge(nodes[of.0 as usize], nodes[branch.id.0 as usize], (branch.span, true));
    }
    for (at, job) in jobs.iter().enumerate() {
        let edges = reads(job).map(|path| (path, true));
        let edges = edges.chain(waits(job).map(|path| (path.into(), false)));
        for (path, reads) in edges {
            for from in before(&path, globals) {
                if let Some(name) = aside::named(&path).filter(|_| from.0 as usize == at) {
                    found.push(graph::reads_its_aside(&job.name.text, &name.text, name.span));
                    continue;
                }
                dag.add_edge(nodes[from.0 as usize], nodes[at], (path[0].span, reads));
            }
        }
    }
    let mut order = vec![];
    let mut waiting: Vec<usize> =
        nodes.iter().map(|&node| dag.edges_directed(node, petgraph::Incoming).count()).collect();
    let mut ready: std::collections::BTreeSet<usize> =
        (0..count).filter(|&at| waiting[at] == 0).collect();
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
    let name = |branch: &(JobId, &str, &Branch)| format!("{}.{}", branch.1, branch.2.name);
    let names = jobs.iter().map(|job| job.name.text.clone()).chain(branches.iter().map(name));
    report_cycles(&names.collect::<Vec<_>>(), &dag, found);
    let done: HashSet<JobId> = order.iter().copied().collect();
    order.extend((0..count as u32).map(JobId).filter(|id| !done.contains(id)));
    order
}

/// The jobs that come before what reads a path: the job itself, or all that set rows aside there.
fn before(path: &[ast::Name], globals: &Globals) -> Vec<JobId> {
    let aside = aside::named(path).and_then(|name| globals.writers.get(&name.text));
    aside.cloned().unwrap_or_else(|| globals.job_of(path).into_iter().collect())
}

/// Jobs, and what leads from one to another: where that is said, and whether its rows are read.
type Dag = DiGraph<JobId, (Span, bool)>;

fn report_cycles(names: &[String], dag: &Dag, found: &mut Diagnostics) {
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
            let read = &names[edge.source().index()];
            let (span, reads) = *edge.weight();
            let job = names[at.index()].clone();
            path.push(graph::Waits { job, span, reads, other: read.clone() });
            at = edge.source();
        }
        found.push(graph::cycle(&path));
    }
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
    // A branch that nobody reads is where rows are meant to end, unless none is read.
    let is_branch = |at: &usize| *at >= pipeline.jobs.len() - globals.all_branches().len();
    for mut chain in chains {
        chain.retain(|at| !is_branch(at));
        if chain.is_empty() {
            continue;
        }
        let job = |at: &usize| (pipeline.jobs[*at].name.as_str(), pipeline.jobs[*at].span);
        found.push(graph::dead_jobs(&chain.iter().rev().map(job).collect::<Vec<_>>()));
    }
}

/// What reads a job.
#[derive(Clone, Copy)]
enum Reader {
    Output,
    Job(usize),
}

/// The readers of each job; None when some are not known, because they could not be read or name
/// no table: then nothing can be said of the others.
fn readers(file: &ast::File, globals: &Globals) -> Option<Vec<Vec<Reader>>> {
    let mut readers: Vec<Vec<Reader>> = globals.job_rows.iter().map(|_| vec![]).collect();
    for (of, _, branch) in globals.all_branches() {
        readers[of.0 as usize].push(Reader::Job(branch.id.0 as usize));
    }
    let mut add = |path: &[ast::Name], reader: Reader| {
        let jobs = before(path, globals);
        if jobs.is_empty() && !globals.sources.contains_key(&path.first()?.text) {
            return None;
        }
        jobs.iter().for_each(|job| readers[job.0 as usize].push(reader));
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
                for path in reads(job).chain(waits(job).map(Cow::from)) {
                    add(&path, Reader::Job(id.0 as usize))?;
                }
            }
            DeclarationKind::Bad(_) | DeclarationKind::Later(_) => return None,
            _ => {}
        }
    }
    Some(readers)
}
