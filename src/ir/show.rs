//! The pipeline as text, with the type of every row.

use super::{Input, Pipeline, Row, StepKind};
use std::fmt::Write;

/// Each job with its steps and the row after each.
pub fn show(pipeline: &Pipeline) -> String {
    let mut out = String::new();
    for param in &pipeline.params {
        let _ = writeln!(out, "param {}: {}", param.name, param.ty);
    }
    for source in &pipeline.sources {
        let _ = writeln!(out, "source {} = {} {}", source.name, source.connector, row(&source.row));
    }
    for &id in &pipeline.order {
        let job = &pipeline.jobs[id.0 as usize];
        let _ = writeln!(out, "job {}", job.name);
        let input = name(pipeline, job.input);
        let _ = writeln!(out, "  from {input:<10} {}", row(&job.input_row));
        for step in &job.steps {
            let _ = writeln!(out, "  {:<15} {}", step_name(&step.kind), row(&step.row));
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

/// `{id: int, name: string?} key (id) order (name)`
fn row(row: &Row) -> String {
    let columns: Vec<String> =
        row.columns.iter().map(|column| format!("{}: {}", column.name, column.ty)).collect();
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
        StepKind::Sort(_) => "sort",
        StepKind::Take { .. } => "take",
        StepKind::Distinct => "distinct",
        StepKind::Dedupe(_) => "dedupe",
        StepKind::Join(_) => "join",
        StepKind::Union { .. } => "union",
        StepKind::Explode { .. } => "explode",
        StepKind::Parse(_) => "parse",
        StepKind::Expect(_) => "expect",
    }
}
