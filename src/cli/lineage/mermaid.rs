//! Lineage as a drawing: a box for each table, values as lines, what decides over rows as dots.

use super::{Part, Shown, column_name, run_value};
use crate::ir::lineage::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A flowchart of Mermaid.
pub(in crate::cli) fn mermaid(shown: &Shown) -> String {
    let edges = shown.edges();
    let mut out = String::from("flowchart LR\n");
    // Of the sources only what something comes from.
    let mut tables: BTreeMap<(u8, &str), BTreeSet<Origin>> = BTreeMap::new();
    for edge in &edges {
        tables.entry(table_of(shown, edge.origin)).or_default().insert(edge.origin);
    }
    let mut ids = BTreeMap::new();
    for (at, ((_, table), origins)) in tables.iter().enumerate() {
        let _ = writeln!(out, "    subgraph from{at}[\"{table}\"]");
        for origin in origins {
            let id = format!("from{at}_{}", ids.len());
            let _ = writeln!(out, "        {id}[\"{}\"]", label(shown, *origin));
            ids.insert(*origin, id);
        }
        out.push_str("    end\n");
    }
    for (at, target) in shown.targets.iter().enumerate() {
        let parts: BTreeSet<Part> =
            edges.iter().filter(|edge| edge.target == at).map(|edge| edge.part).collect();
        // Of a source that is looked at, only what comes of it.
        let is_shown =
            |column: &usize| shown.from.is_none() || parts.contains(&Part::Column(*column));
        let columns: Vec<usize> = shown.columns(target).into_iter().filter(is_shown).collect();
        let has_rows = parts.iter().any(|part| matches!(part, Part::Rows(_)));
        if columns.is_empty() && !has_rows {
            continue;
        }
        let _ = writeln!(out, "    subgraph to{at}[\"{}\"]", target.name);
        for column in columns {
            let name = &target.row.columns[column].name;
            let _ = writeln!(out, "        {}[\"{name}\"]", node(at, Part::Column(column)));
        }
        if has_rows {
            let _ = writeln!(out, "        to{at}_rows([\"which rows\"])");
        }
        out.push_str("    end\n");
    }
    let mut drawn = BTreeSet::new();
    for edge in &edges {
        let arrow = match edge.role {
            role if role.word() == "value" => "-->".to_owned(),
            role => format!("-.->|{}|", role.word()),
        };
        let line = format!("    {} {arrow} {}\n", ids[&edge.origin], node(edge.target, edge.part));
        if drawn.insert(line.clone()) {
            out.push_str(&line);
        }
    }
    out
}

fn node(target: usize, part: Part) -> String {
    match part {
        Part::Column(column) => format!("to{target}_{column}"),
        Part::Rows(_) => format!("to{target}_rows"),
    }
}

/// What an origin is a part of: tables, parameters and the run, in this order.
fn table_of<'c>(shown: &Shown<'c>, origin: Origin) -> (u8, &'c str) {
    match origin {
        Origin::Column(table, _) | Origin::Rows(table) => (0, shown.pipeline().name_of(table)),
        Origin::Param(_) => (1, "parameters"),
        Origin::Run(_) => (2, "run"),
    }
}

/// Its name within that.
fn label<'c>(shown: &Shown<'c>, origin: Origin) -> &'c str {
    let pipeline = shown.pipeline();
    match origin {
        Origin::Column(table, column) => column_name(pipeline, table, column),
        Origin::Rows(_) => "how many rows",
        Origin::Param(param) => &pipeline.params[param.0 as usize].name,
        Origin::Run(value) => run_value(value),
    }
}
