//! Lineage as JSON for programs. The form only grows.

use super::{Edge, Part, Shown, Target, column_name, run_value};
use crate::ir::lineage::Origin;
use crate::ir::{Row, Source};
use serde_json::{Value, json};

/// Tables with their columns, and the edges between them.
pub(in crate::cli) fn json(shown: &Shown) -> String {
    let pipeline = shown.pipeline();
    let sources: Vec<Value> = pipeline.sources.iter().map(|one| source(shown, one)).collect();
    let targets: Vec<Value> = shown.targets.iter().map(|one| target(shown, one)).collect();
    let edges: Vec<Value> = shown.edges().iter().map(|one| edge(shown, one)).collect();
    let all = json!({
        "version": 1,
        "pipeline": pipeline.name,
        "sources": sources,
        "tables": targets,
        "edges": edges,
    });
    serde_json::to_string_pretty(&all).expect("names can be written") + "\n"
}

fn source(shown: &Shown, source: &Source) -> Value {
    let mut columns = columns(&source.row);
    for (column, of) in columns.iter_mut().zip(&source.columns) {
        column["named"] = json!(*of.external);
    }
    let path = shown.path(&source.arguments).map(plain);
    json!({
        "source": source.name, "connector": source.connector, "path": path, "columns": columns,
    })
}

fn target(shown: &Shown, target: &Target) -> Value {
    let mut columns = columns(target.row);
    if let Some(column) = shown.column {
        columns = vec![columns.swap_remove(column)];
    }
    match target.output {
        Some(output) => json!({
            "output": target.name,
            "connector": output.connector,
            "path": shown.path(&output.arguments).map(plain),
            "from": shown.pipeline().name_of(output.from),
            "columns": columns,
        }),
        None => json!({ target.kind: target.name, "columns": columns }),
    }
}

/// A path as it is written, without the quotes around it.
fn plain(path: &str) -> &str {
    path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path)
}

fn columns(row: &Row) -> Vec<Value> {
    let column = |column: &crate::ir::Column| json!({ "column": *column.name, "type": column.ty.to_string() });
    row.columns.iter().map(column).collect()
}

/// What it is of, where it comes from, as what, and on which way. Without `column` it decides over
/// the rows, in the job `in`; with `rows` it is the number of a source's rows.
fn edge(shown: &Shown, edge: &Edge) -> Value {
    let pipeline = shown.pipeline();
    let target = &shown.targets[edge.target];
    let (column, by) = match edge.part {
        Part::Column(column) => (Some(&*target.row.columns[column].name), None),
        Part::Rows(job) => (None, Some(shown.job(job))),
    };
    let from = match edge.origin {
        Origin::Column(table, column) => json!({
            "source": pipeline.name_of(table),
            "column": column_name(pipeline, table, column),
        }),
        Origin::Rows(table) => json!({ "source": pipeline.name_of(table), "rows": true }),
        Origin::Param(param) => json!({ "param": pipeline.params[param.0 as usize].name }),
        Origin::Run(value) => json!({ "run": run_value(value) }),
    };
    let through: Vec<&str> = edge.through.iter().map(|job| shown.job(*job)).collect();
    json!({
        "of": { target.kind: target.name, "column": column },
        "from": from,
        "role": edge.role.word(),
        "how": edge.role.how(),
        "in": by,
        "through": through,
    })
}
