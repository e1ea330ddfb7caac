//! The plan as text.

use super::{Node, NodeKind, Placed, Plan, placed_steps, step_of};
use crate::ir::{JobId, Pipeline, SourceId, Step, step_name};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What an operator does, in a few words: `scan orders`, `filter, project ×3`, `sort`.
pub fn operator_name(node: &Node, pipeline: &Pipeline) -> String {
    let source_name = |source: SourceId| &pipeline.sources[source.0 as usize].name;
    match node.kind {
        NodeKind::Scan(source) => format!("scan {}", source_name(source)),
        NodeKind::Read { source, .. } => format!("read {}", source_name(source)),
        NodeKind::Steps(steps) => words(&placed_steps(pipeline, node, steps)),
        NodeKind::Step(step) => step_name(step_of(pipeline, node, step)).to_owned(),
        NodeKind::Build(_) => "build the join table".to_owned(),
        NodeKind::Gather | NodeKind::Entry => "gather".to_owned(),
        NodeKind::Result => "result".to_owned(),
        NodeKind::Sink(output) => format!("write {}", pipeline.outputs[output].name),
    }
}

/// One line an operator: its number, what it does, what it reads, which columns are read of it.
pub fn show(plan: &Plan, pipeline: &Pipeline) -> String {
    let mut out = String::new();
    let early = plan.early_ends(pipeline);
    for (id, node) in plan.iter() {
        let mut what = operator_name(node, pipeline);
        if let NodeKind::Scan(source) = node.kind {
            let columns = pipeline.sources[source.0 as usize].row.columns.iter().zip(&node.live);
            let read = columns.filter(|(_, live)| **live).map(|(column, _)| &*column.name);
            let _ = write!(what, " [{}]", read.collect::<Vec<_>>().join(", "));
            let by: BTreeSet<usize> = node.kept.iter().flatten().map(|kept| kept.column).collect();
            let columns = &pipeline.sources[source.0 as usize].row.columns;
            let by: Vec<&str> = by.into_iter().map(|at| &*columns[at].name).collect();
            if !by.is_empty() {
                let _ = write!(what, ", skips row groups by {}", by.join(", "));
            }
        }
        if node.takes.is_some() {
            what.push_str(", first rows only");
        }
        let names = node.jobs().map(|job| pipeline.jobs[job.0 as usize].name.as_str());
        let job = names.collect::<Vec<_>>().join(", ");
        let inputs: Vec<String> = node.inputs.iter().map(|input| input.0.to_string()).collect();
        let from =
            if inputs.is_empty() { String::new() } else { format!(" ← {}", inputs.join(", ")) };
        let end = match plan.ends_stage(id, pipeline) {
            true if early.contains(&id) => "  ■ reads no more than it needs",
            true if is_asked(node, pipeline) => "  ■ checkpoint",
            true => "  ■",
            false => "",
        };
        let _ = writeln!(out, "{:>3}  {job:<20} {what}{from}{end}", id.0);
    }
    out
}

/// Does its job ask for a checkpoint of what it gives?
fn is_asked(node: &Node, pipeline: &Pipeline) -> bool {
    let asks = |job: JobId| pipeline.jobs[job.0 as usize].checkpoint == Some(true);
    node.job.is_some_and(asks) && !matches!(node.kind, NodeKind::Build(_))
}

/// `filter, project ×3`
fn words(steps: &[(Placed, &Step)]) -> String {
    let steps = steps.iter().filter(|(placed, _)| !placed.makes_room);
    let names: Vec<&str> = steps.map(|(_, step)| step_name(&step.kind)).collect();
    let word = |run: &[&str]| match run.len() {
        1 => run[0].to_owned(),
        times => format!("{} ×{times}", run[0]),
    };
    names.chunk_by(|a, b| a == b).map(word).collect::<Vec<_>>().join(", ")
}
