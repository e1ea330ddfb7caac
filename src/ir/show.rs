//! The pipeline as text, with the type of every row: behind a step that sets one column, that column.

use super::{Column, Input, Pipeline, Row, StepKind};
use std::fmt::Write;

/// Each job with its steps and the row after each, or what of it is new.
pub fn show(pipeline: &Pipeline) -> String {
    let mut out = String::new();
    for param in &pipeline.params {
        let _ = writeln!(out, "param {}: {}", param.name, param.ty);
    }
    for source in &pipeline.sources {
        let _ = writeln!(
            out,
            "source {} = {} {}",
            source.name,
            source.connector,
            row(&source.row, None)
        );
    }
    for &id in &pipeline.order {
        let job = &pipeline.jobs[id.0 as usize];
        let _ = writeln!(out, "job {}", job.name);
        let input = name(pipeline, job.input);
        let _ = writeln!(out, "  from {input:<10} {}", row(&job.input_row, None));
        for step in job.steps.iter() {
            let changed = match step.kind {
                StepKind::Set { column, .. } => Some(column),
                _ => None,
            };
            let _ = writeln!(out, "  {:<15} {}", step_name(&step.kind), row(&step.row, changed));
        }
    }
    for output in &pipeline.outputs {
        let from = name(pipeline, output.from);
        let _ = writeln!(out, "output {} = {} from {from}", output.name, output.connector);
    }
    out
}

fn name(pipeline: &Pipeline, input: Input) -> &str {
    match input {
        Input::Source(id) => pipeline.sources.get(id.0 as usize).map_or("?", |source| &source.name),
        Input::Job(id) => &pipeline.jobs[id.0 as usize].name,
    }
}

/// `{id: int, name: string?} key (id) order (name)`, or `{…, name: string?} key (id)` where one
/// column has changed: a list of all for each step of a long job would be the square of its length.
fn row(row: &Row, changed: Option<usize>) -> String {
    let column = |column: &Column| format!("{}: {}", column.name, column.ty);
    let columns: Vec<String> = match changed {
        Some(at) if row.columns.len() > 1 => vec!["…".to_owned(), column(&row.columns[at])],
        _ => row.columns.iter().filter(|one| !one.is_hidden()).map(column).collect(),
    };
    let names = |places: &[usize]| -> String {
        let of = |at: &usize| row.columns.get(*at).map_or("…", |column| &*column.name).to_owned();
        places.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let mut out = format!("{{{}}}", columns.join(", "));
    for key in &row.keys {
        let _ = write!(out, " key ({})", names(&key.columns));
    }
    if !row.order.is_empty() {
        let _ = write!(out, " order ({})", names(&row.order));
    }
    out
}

/// The word for a step.
pub fn step_name(step: &StepKind) -> &'static str {
    match step {
        StepKind::Filter { .. } => "filter",
        StepKind::Project(_) | StepKind::Set { .. } => "project",
        StepKind::Aggregate { .. } => "aggregate",
        StepKind::Window(_) => "window",
        StepKind::Sort(_) => "sort",
        StepKind::Take { .. } => "take",
        StepKind::Distinct => "distinct",
        StepKind::Dedupe(_) => "dedupe",
        StepKind::Join(_) => "join",
        StepKind::Union { .. } => "union",
        StepKind::Explode { .. } => "explode",
        StepKind::Parse(_) => "parse",
        StepKind::Expect(_) | StepKind::ExpectAll(_) => "expect",
    }
}
