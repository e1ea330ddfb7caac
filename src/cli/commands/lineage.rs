//! `batchc lineage`

use crate::Compiled;
use crate::cli::args::{File, Global, Lineage as Args, LineageForm};
use crate::cli::commands::run::job_name;
use crate::cli::lineage::{Shown, Target, json, mermaid, text};
use crate::cli::load::{base, context, refuse, refuse_name, runnable_without};
use crate::cli::print::put;
use crate::diagnostics::Code;
use crate::ir::lineage::Lineage;
use crate::ir::{Input, JobId, Output, Pipeline, Row, SourceId};
use crate::run::openlineage::Events;

/// Shows where columns come from.
pub(in crate::cli) fn run(args: &Args, global: &Global) -> u8 {
    match show(args, global) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

/// The exit code as an error when there is nothing to show.
fn show(args: &Args, global: &Global) -> Result<(), u8> {
    let file = File { file: Some(args.file.clone()) };
    // A job that leads to no output can be looked at all the same.
    let (path, compiled) = runnable_without(&file, &[Code::W0601], global)?;
    let lineage = Lineage::of(&compiled.pipeline);
    let shown = selected(args.name.as_deref(), &compiled, &lineage, global)?;
    let form = match args.to {
        LineageForm::Text => text(&shown),
        LineageForm::Json => json(&shown),
        LineageForm::Mermaid => mermaid(&shown),
        LineageForm::Openlineage => {
            let context = context(&compiled, &path, &args.params, global)?;
            let outputs = whole_outputs(&shown).ok_or_else(|| {
                let message =
                    "`--to openlineage` is of outputs as a whole; name one, or none for all";
                refuse(message, global)
            })?;
            let (pipeline, name) = (&compiled.pipeline, job_name(&compiled.pipeline, &path));
            let events = Events::new(pipeline, &context, base(&path), outputs, name);
            format!("{}\n", events.job())
        }
    };
    put!("{form}");
    Ok(())
}

/// What a name asks for: all outputs without one, the origins of an output or job, or what comes of
/// a source.
fn selected<'c>(
    name: Option<&str>,
    compiled: &'c Compiled,
    lineage: &'c Lineage,
    global: &Global,
) -> Result<Shown<'c>, u8> {
    let pipeline = &compiled.pipeline;
    let all = Shown { compiled, lineage, targets: outputs(pipeline), column: None, from: None };
    let Some(name) = name else { return Ok(all) };
    let (table, column) = match name.split_once('.') {
        Some((table, column)) => (table, Some(column)),
        None => (name, None),
    };
    let jobs = || pipeline.jobs.iter().map(|job| job.name.as_str());
    if let Some(at) = pipeline.outputs.iter().position(|output| output.name == table) {
        let target = outputs(pipeline).swap_remove(at);
        let column = column_of(target.row, "output", table, column, global)?;
        return Ok(Shown { targets: vec![target], column, ..all });
    }
    if let Some(at) = jobs().position(|name| name == table) {
        let row = pipeline.jobs[at].row();
        let (name, id) = (&*pipeline.jobs[at].name, Input::Job(JobId(at as u32)));
        let target = Target { kind: "job", name, output: None, table: id, row };
        let column = column_of(row, "job", table, column, global)?;
        return Ok(Shown { targets: vec![target], column, ..all });
    }
    if let Some(at) = pipeline.sources.iter().position(|source| source.name == table) {
        let column = column_of(&pipeline.sources[at].row, "source", table, column, global)?;
        return Ok(Shown { from: Some((Input::Source(SourceId(at as u32)), column)), ..all });
    }
    let outputs = pipeline.outputs.iter().map(|output| output.name.as_str());
    let sources = pipeline.sources.iter().map(|source| source.name.as_str());
    let names = outputs.chain(jobs()).chain(sources);
    Err(refuse_name("there is no output, job or source", table, names, global))
}

/// The outputs that are shown, by their positions, if nothing else is asked for.
fn whole_outputs(shown: &Shown) -> Option<Vec<usize>> {
    let position = |target: &Target| {
        shown
            .pipeline()
            .outputs
            .iter()
            .position(|output| target.kind == "output" && output.name == target.name)
    };
    let is_whole = shown.column.is_none() && shown.from.is_none();
    shown.targets.iter().map(position).collect::<Option<Vec<usize>>>().filter(|_| is_whole)
}

fn outputs<'p>(pipeline: &'p Pipeline) -> Vec<Target<'p>> {
    let target = |output: &'p Output| Target {
        kind: "output",
        name: &output.name,
        output: Some(output),
        table: output.from,
        row: pipeline.row_of(output.from),
    };
    pipeline.outputs.iter().map(target).collect()
}

/// The position of a column that is asked for.
fn column_of(
    row: &Row,
    kind: &str,
    table: &str,
    column: Option<&str>,
    global: &Global,
) -> Result<Option<usize>, u8> {
    let Some(column) = column else { return Ok(None) };
    if let Some(at) = row.find(column) {
        return Ok(Some(at));
    }
    let names = row.columns.iter().map(|column| &*column.name);
    Err(refuse_name(&format!("the {kind} `{table}` has no column"), column, names, global))
}
