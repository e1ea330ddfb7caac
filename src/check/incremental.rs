//! Sources of which a run reads only what came since the one before: by which column, and what may be
//! done with their rows.

use super::globals::Globals;
use crate::diagnostics::{Diagnostics, graph, incremental as told, names};
use crate::ir::lineage::{Lineage, Origin, Origins, Role};
use crate::ir::{
    self, Expr, ExprKind, Folder, Incremental, Input, JobId, Mode, Pipeline, Row, Step, StepKind,
    Window,
};
use crate::syntax::ast::{self, Name, SettingKind};
use crate::text::Span;
use crate::types::DataType;

/// What a source says of it, if it does.
pub(super) fn setting(
    source: &ast::Source,
    row: &Row,
    globals: &Globals,
    found: &mut Diagnostics,
) -> Option<Incremental> {
    let mut said: Option<(&Name, Option<(i64, Span)>, Span)> = None;
    for setting in &source.settings {
        let SettingKind::Incremental { column, lookback } = &setting.kind else { continue };
        if let Some((.., first)) = said {
            found.push(graph::said_twice("incremental by", setting.span, first));
            continue;
        }
        said = Some((column, *lookback, setting.span));
    }
    let (name, lookback, span) = said?;
    let Some(column) = row.find(&name.text) else {
        if !row.broken {
            let all: Vec<&str> = row.columns.iter().map(|column| &*column.name).collect();
            let table = (source.name.text.as_str(), source.name.span);
            found.push(names::no_column(&name.text, name.span, table, &all));
        }
        return None;
    };
    globals.names().column(name.span, &row.columns[column]);
    let ty = &row.columns[column].ty;
    let is_time = match ty.data.opened() {
        DataType::Unknown => return None,
        DataType::Date | DataType::Datetime | DataType::Timestamp => true,
        DataType::Int | DataType::Decimal { .. } => false,
        _ => {
            found.push(told::does_not_grow(&name.text, name.span, ty));
            return None;
        }
    };
    if ty.nullable {
        found.push(told::may_be_null(&name.text, name.span, row.columns[column].origin, ty));
        return None;
    }
    if let Some((_, span)) = lookback.filter(|_| !is_time) {
        found.push(told::no_time_to_look_back(&name.text, span, ty));
        return None;
    }
    let lookback = lookback.map(|(micros, _)| micros);
    Some(Incremental { column, lookback, after: None, span })
}

/// What an output does with rows of which it does not get the same again: an `overwrite` would lose
/// those of earlier runs. `at` is where its mode is said, or else its name.
pub(super) fn check_output(
    (name, from, mode, has_folders): (&str, Input, &Mode, bool),
    at: Span,
    pipeline: &Pipeline,
    found: &mut Diagnostics,
) {
    let sources = || {
        let flows = pipeline.flows_into(from).into_iter();
        flows.filter_map(|source| pipeline.sources.get(source.0 as usize))
    };
    let incremental =
        || sources().filter_map(|source| Some((source, source.incremental.as_ref()?)));
    let key = || {
        let row = pipeline.row_of(from);
        let is_whole = |column: &&usize| !row.columns[**column].ty.nullable;
        let key = row.keys.iter().find(|key| key.columns.iter().all(|at| is_whole(&at)))?;
        let names: Vec<&str> = key.columns.iter().map(|at| &*row.columns[*at].name).collect();
        Some(names.join(", "))
    };
    // Where the rows come from is followed for nothing then, once for each output.
    let is_each_whole = || pipeline.sources.iter().all(|source| source.incremental.is_none());
    match mode {
        Mode::Overwrite if has_folders || is_each_whole() => {}
        Mode::Overwrite => {
            if let Some((source, setting)) = incremental().next() {
                let source = (source.name.as_str(), setting.span);
                found.push(told::loses_rows(name, at, source, key().as_deref()));
            }
        }
        Mode::Append => {
            let looks_back =
                |(_, setting): &(&ir::Source, &Incremental)| setting.lookback.is_some();
            let whole = sources().find(|source| source.incremental.is_none());
            if let (Some(whole), Some(_)) = (whole, incremental().next()) {
                found.push(told::appends_other(name, at, (&whole.name, whole.span)));
            } else if whole.is_some() {
                found.push(graph::appends_everything(name, at));
            } else if let Some((source, setting)) = incremental().find(looks_back) {
                let source = (source.name.as_str(), setting.span);
                found.push(told::appends_again(name, at, source, key().as_deref()));
            }
        }
        Mode::Merge(_) | Mode::Scd2(_) => {}
    }
}

/// What can be said of a program without errors: steps that look at more than one row see those of one
/// run only, and so do folders that are replaced.
pub(super) fn check(pipeline: &Pipeline, found: &mut Diagnostics) {
    if pipeline.sources.iter().all(|source| source.incremental.is_none()) {
        return;
    }
    let lineage = Lineage::of(pipeline);
    let is_whole = |table: Input| is_whole(pipeline, table, &lineage);
    for id in (0..pipeline.jobs.len() as u32).map(JobId) {
        check_job(pipeline, id, is_whole(Input::Job(id)).is_some(), found);
    }
    for output in pipeline.outputs.iter().filter(|output| pipeline.keeps_folders(output)) {
        let by = |folder: &&Folder| folder.column == is_whole(output.from);
        let (source, incremental) =
            incremental_in(pipeline, output.from).expect("that is why it keeps folders");
        let column = &source.row.columns[incremental.column].name;
        let source = (&*source.name, incremental.span);
        let others = || output.folders.iter().filter(|folder| !by(folder));
        if is_whole(output.from).is_none() || !output.folders.iter().any(|folder| by(&folder)) {
            let span = output.folders[0].value.span;
            found.push(told::loses_rows_of_folders(&output.name, span, source, column));
        } else if let (Some(other), Some(_)) = (others().next(), incremental.lookback) {
            let other = (&*other.name, other.value.span);
            found.push(told::moves_between_folders(&output.name, other, source, column));
        }
    }
}

/// The column of a table that is the one by which its sources are read: rows with one value there come in
/// one run.
fn is_whole(pipeline: &Pipeline, table: Input, lineage: &Lineage) -> Option<usize> {
    let mut by = vec![];
    for id in pipeline.flows_into(table) {
        let incremental = pipeline.sources[id.0 as usize].incremental.as_ref()?;
        by.push((Origin::Column(Input::Source(id), incremental.column), Role::Copied));
    }
    let is_it = |origins: &Origins| {
        by.iter().all(|by| origins.contains_key(by))
            && origins.keys().all(|(_, role)| *role == Role::Copied)
    };
    lineage.columns(table).iter().position(is_it)
}

/// An incremental source of which rows come into a table.
fn incremental_in(pipeline: &Pipeline, table: Input) -> Option<(&ir::Source, &Incremental)> {
    let flows = pipeline.flows_into(table).into_iter();
    let mut sources = flows.map(|source| &pipeline.sources[source.0 as usize]);
    sources.find_map(|source| Some((source, source.incremental.as_ref()?)))
}

/// `is_whole`: do rows of one group come in one run, as its result has still the column by which they are
/// read?
fn check_job(pipeline: &Pipeline, id: JobId, is_whole: bool, found: &mut Diagnostics) {
    let job = &pipeline.jobs[id.0 as usize];
    let mut flow = incremental_in(pipeline, job.input);
    for step in job.steps.iter() {
        match &step.kind {
            StepKind::Union { inputs, .. } => {
                let of_inputs = || inputs.iter().find_map(|input| incremental_in(pipeline, *input));
                flow = flow.or_else(of_inputs);
            }
            StepKind::Aggregate { .. } => {
                if let Some((source, incremental)) = flow.filter(|_| !is_whole) {
                    found.push(told::groups_one_run(step.span, (&source.name, incremental.span)));
                }
            }
            StepKind::Window(window) => {
                if let Some((source, incremental)) =
                    flow.filter(|flow| !keeps_runs(window, step, flow))
                {
                    let source = (&*source.name, incremental.span);
                    found.push(told::neighbours_of_one_run(step.span, source));
                }
            }
            StepKind::Join(join) => {
                if let Some((source, incremental)) = incremental_in(pipeline, join.right) {
                    if join.kind.keeps_right() {
                        flow = flow.or(Some((source, incremental)));
                    }
                    found.push(told::looks_up_one_run(step.span, (&source.name, incremental.span)));
                }
            }
            _ => {}
        }
    }
}

/// Is the column by which the source is read a key of the window, so that all neighbours come in one run?
fn keeps_runs(window: &Window, step: &Step, (source, by): &(&ir::Source, &Incremental)) -> bool {
    let name = &source.row.columns[by.column].name;
    let is_it = |key: &Expr| match key.kind {
        ExprKind::Column(at) => step.row.columns[at].name == *name,
        _ => false,
    };
    window.keys.iter().any(is_it)
}
