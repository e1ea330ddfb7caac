//! Sources and sinks of a run: opened with the values of its parameters in their arguments.

use super::Options;
use crate::connect::{
    self, Arguments, Behind, ConnectError, Readings, Sink, SinkSpec, Source, SourceSpec,
};
use crate::exec::ordered::OrderedSink;
use crate::exec::stage::Execution;
use crate::expr::{constant, value_in};
use crate::ir::{self, Input, Pipeline, RunContext};
use crate::plan::{Kept, Node, NodeId, NodeKind, Plan, Range};
use crate::types::Scalar;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;

/// The connector's arguments with the parameters' values in.
pub(super) fn arguments(given: &[(String, ir::Expr)], context: &RunContext) -> Arguments {
    let params: Vec<Option<Scalar>> = context.params.iter().cloned().map(Some).collect();
    let value = |value| constant(value, &params).expect("parameters are tried before the run");
    Arguments(given.iter().map(|(name, given)| (name.clone(), value(given))).collect())
}

/// A text that is constant but for parameters.
pub fn text_of(given: &ir::Expr, context: &RunContext) -> Option<String> {
    let params: Vec<Option<Scalar>> = context.params.iter().cloned().map(Some).collect();
    match constant(given, &params) {
        Ok(Scalar::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// Opens the source of a scan, or only these of its files, and says which columns it gives.
pub(super) fn open_source(
    execution: &Execution,
    id: NodeId,
    only: Option<connect::Only>,
    context: &RunContext,
    options: &Options,
    readings: Option<&Arc<Readings>>,
) -> Result<(Box<dyn Source>, Vec<usize>), ConnectError> {
    let node = execution.plan.node(id);
    let NodeKind::Scan(source) = node.kind else { unreachable!("only scans read sources") };
    let projection: Vec<usize> = (0..node.width).filter(|&at| node.live[at]).collect();
    if let Some(given) = options.fixture.and_then(|fixture| fixture.given.get(&source)) {
        return Ok((given.open(&projection), projection));
    }
    let source = &execution.pipeline.sources[source.0 as usize];
    let mut arguments = arguments(&source.arguments, context);
    let mut base = options.base.clone();
    if let Some(aside) = &source.aside {
        arguments.0.push(("path".to_owned(), path_aside(execution, aside)?));
        // Where it is, is known as it is opened here.
        base = PathBuf::new();
    }
    let columns = source
        .row
        .columns
        .iter()
        .zip(&source.columns)
        .map(|(column, external)| connect::Column {
            name: column.name.clone(),
            external: external.external.clone(),
            ty: column.ty.clone(),
            format: external.format.clone(),
        })
        .collect();
    let spec = SourceSpec {
        base,
        arguments,
        columns,
        projection: projection.clone(),
        chunk: options.chunk,
        wanted: node.kept.iter().map(|kept| wanted(kept, execution, context)).collect(),
        readings: readings.cloned(),
        only,
        is_whole: source.held_by.is_some(),
    };
    let connector = connect::find(source.connector).expect("checked");
    Ok((connect::open_source(connector, &spec)?, projection))
}

/// The file in which rows have been set aside by now.
fn path_aside(execution: &Execution, aside: &ir::Aside) -> Result<Scalar, ConnectError> {
    let mut written = execution.quarantines.written()?;
    let file = written.swap_remove(aside.quarantine.0 as usize);
    let file = file.expect("the jobs that set rows aside are run before");
    Ok(Scalar::String(file.path.display().to_string().into()))
}

/// What has to hold of rows that are kept, in this run.
fn wanted(kept: &[Kept], execution: &Execution, context: &RunContext) -> Vec<connect::Within> {
    let bound = |bound: &Bound<ir::Expr>| {
        let value = |expr| value_in(context, expr).filter(|value| !value.is_null());
        Some(match bound {
            Bound::Included(expr) => Bound::Included(value(expr)?),
            Bound::Excluded(expr) => Bound::Excluded(value(expr)?),
            Bound::Unbounded => Bound::Unbounded,
        })
    };
    let range = |range: &Range| match range {
        Range::Given(ends) => Some((bound(&ends.0)?, bound(&ends.1)?)),
        Range::KeysOf { join, key } => {
            let (least, greatest) = execution.nodes[join.at()].right_keys(*key)?;
            Some((Bound::Included(least), Bound::Included(greatest)))
        }
    };
    let within =
        |kept: &Kept| Some(connect::Within { column: kept.column, range: range(&kept.range)? });
    kept.iter().filter_map(within).collect()
}

/// Opens the sinks of the plan, in the places of their operators. About so many bytes may wait in each.
pub(super) fn open_sinks(
    pipeline: &Pipeline,
    plan: &Plan,
    context: &RunContext,
    options: &Options,
    room: usize,
) -> Result<Vec<Option<OrderedSink>>, ConnectError> {
    plan.nodes
        .iter()
        .map(|node| {
            let NodeKind::Sink(output) = node.kind else { return Ok(None) };
            let (_, partition) = written_from(pipeline, &pipeline.outputs[output]);
            let sink = open_sink(pipeline, node, context, options, Begin::Anew(1))?;
            Ok(Some(OrderedSink::new(sink, partition, room)))
        })
        .collect()
}

/// The row that an output writes, and how it is split.
fn written_from<'p>(
    pipeline: &'p Pipeline,
    output: &ir::Output,
) -> (&'p ir::Row, Option<&'p ir::Partition>) {
    match output.from {
        Input::Source(source) => (&pipeline.sources[source.0 as usize].row, None),
        Input::Job(job) => {
            let job = &pipeline.jobs[job.0 as usize];
            (job.row(), job.partition.as_ref())
        }
    }
}

/// How an output begins.
pub(super) enum Begin {
    /// Anew, for this try of its stage. What each writes has a place of its own, so that none can come
    /// into that of another.
    Anew(u32),
    /// With what an earlier run had written, in this try of its stage.
    Behind(Box<Behind>, u32),
}

/// Opens the sink of an output.
pub(super) fn open_sink(
    pipeline: &Pipeline,
    node: &Node,
    context: &RunContext,
    options: &Options,
    begin: Begin,
) -> Result<Box<dyn Sink>, ConnectError> {
    let NodeKind::Sink(output) = node.kind else { unreachable!("only outputs are written") };
    let output = &pipeline.outputs[output];
    let (row, partition) = written_from(pipeline, output);
    let columns = row
        .columns
        .iter()
        .map(|column| connect::Column {
            name: column.name.clone(),
            external: column.name.clone(),
            ty: column.ty.clone(),
            format: None,
        })
        .collect();
    let (run, behind) = match begin {
        Begin::Anew(1) => (context.id.clone(), None),
        Begin::Anew(again) => (format!("{}-{again}", context.id), None),
        Begin::Behind(behind, tries) => (format!("{}-{tries}-on", context.id), Some(*behind)),
    };
    let spec = SinkSpec {
        base: options.base.clone(),
        arguments: arguments(&output.arguments, context),
        columns,
        run,
        parts: partition.map(|partition| partition.into),
        adds: output.mode == ir::Mode::Append,
        behind,
        folders: (!output.folders.is_empty()).then(|| connect::Folders {
            columns: folder_columns(row, output),
            others_stay: pipeline.keeps_folders(output),
        }),
    };
    connect::open_sink(connect::find(output.connector).expect("checked"), &spec)
}

/// Where the values of folders are in the row that comes to an output.
fn folder_columns(row: &ir::Row, output: &ir::Output) -> Vec<usize> {
    let place = |folder: &ir::Folder| row.find(&folder.name).expect("it is a column by now");
    output.folders.iter().map(place).collect()
}
