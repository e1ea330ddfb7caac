//! Sources of which a run reads only what came since the one before: by which column, and what may be
//! done with their rows.

use crate::diagnostics::{Diagnostics, graph, incremental as told, names};
use crate::ir::{self, Incremental, Input, Mode, Pipeline, Row, StepKind};
use crate::syntax::ast::{self, Name, SettingKind};
use crate::text::Span;
use crate::types::DataType;

/// What a source says of it, if it does.
pub(super) fn setting(
    source: &ast::Source,
    row: &Row,
    found: &mut Diagnostics,
) -> Option<Incremental> {
    let mut said: Option<(&Name, Option<(i64, Span)>, Span)> = None;
    for setting in &source.settings {
        let SettingKind::Incremental { column, lookback } = &setting.kind else { continue };
        if said.is_some() {
            let message = "`incremental by` is said twice";
            found.push(graph::bad_setting(setting.span, message, "leave one of them"));
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
    let ty = &row.columns[column].ty;
    let is_time = match ty.data {
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
    (name, from, mode): (&str, Input, &Mode),
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
    match mode {
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

/// Steps that look at more than one row see those of one run only.
pub(super) fn check_jobs(pipeline: &Pipeline, found: &mut Diagnostics) {
    let incremental = |table: Input| {
        let flows = pipeline.flows_into(table).into_iter();
        let mut sources = flows.filter_map(|source| pipeline.sources.get(source.0 as usize));
        sources.find_map(|source| Some((source.name.as_str(), source.incremental.as_ref()?.span)))
    };
    for job in &pipeline.jobs {
        let mut flow = incremental(job.input);
        for step in &job.steps {
            match &step.kind {
                StepKind::Union { inputs, .. } => {
                    flow = flow.or_else(|| inputs.iter().find_map(|input| incremental(*input)));
                }
                StepKind::Aggregate { .. } => {
                    if let Some(source) = flow {
                        found.push(told::groups_one_run(step.span, source));
                    }
                }
                StepKind::Join(join) => {
                    if let Some(source) = incremental(join.right) {
                        found.push(told::looks_up_one_run(step.span, source));
                    }
                }
                _ => {}
            }
        }
    }
}
