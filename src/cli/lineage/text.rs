//! Lineage as a tree for people: outputs, their columns, and what each comes from; or a source, its
//! columns, and where they go.

use super::{Edge, Part, Shown, column_name};
use crate::ir::Input;
use crate::ir::lineage::Origin;
use std::fmt::Write;

/// The tree.
pub(in crate::cli) fn text(shown: &Shown) -> String {
    match shown.from {
        Some((table, column)) => forwards(shown, table, column),
        None => backwards(shown),
    }
}

fn backwards(shown: &Shown) -> String {
    let edges = shown.edges();
    let mut out = String::new();
    for (at, target) in shown.targets.iter().enumerate() {
        let path = target.output.and_then(|output| shown.path(&output.arguments));
        let path = path.map_or(String::new(), |path| format!(" {path}"));
        let from = match target.output {
            Some(output) => format!(" from {}", shown.pipeline().name_of(output.from)),
            None => String::new(),
        };
        let _ = writeln!(out, "{} {}{path}{from}", target.kind, target.name);
        let of_target = || edges.iter().filter(|edge| edge.target == at);
        let line = |edge: &Edge| Line::of(shown, edge, shown.origin(edge.origin));
        for column in shown.columns(target) {
            let one = &target.row.columns[column];
            let _ = writeln!(out, "  {}: {}", one.name, one.ty);
            let lines: Vec<Line> =
                of_target().filter(|edge| edge.part == Part::Column(column)).map(line).collect();
            match lines.is_empty() {
                true => out.push_str("    constant\n"),
                false => out.push_str(&aligned(&lines)),
            }
        }
        let lines: Vec<Line> =
            of_target().filter(|edge| matches!(edge.part, Part::Rows(_))).map(line).collect();
        if !lines.is_empty() {
            let _ = write!(out, "  which rows, and in which order\n{}", aligned(&lines));
        }
    }
    out
}

fn forwards(shown: &Shown, table: Input, column: Option<usize>) -> String {
    let Input::Source(id) = table else { unreachable!("only sources are looked at forwards") };
    let source = &shown.pipeline().sources[id.0 as usize];
    let path = shown.path(&source.arguments);
    let mut out = format!("source {} {}\n", source.name, path.unwrap_or_default());
    let edges = shown.edges();
    let of = |origin: Origin| {
        let found = edges.iter().filter(|edge| edge.origin == origin);
        let line = |edge: &Edge| {
            let target = &shown.targets[edge.target];
            let what = match edge.part {
                Part::Column(column) => {
                    format!("{}.{}", target.name, target.row.columns[column].name)
                }
                Part::Rows(_) => format!("rows of {}", target.name),
            };
            Line::of(shown, edge, what)
        };
        found.map(line).collect::<Vec<_>>()
    };
    let columns = 0..source.columns.len();
    for at in columns.filter(|at| column.is_none_or(|one| one == *at)) {
        let name = column_name(shown.pipeline(), table, at);
        let external = &source.columns[at].external;
        let named =
            if **external == *name { String::new() } else { format!(" named {external:?}") };
        let _ = writeln!(out, "  {name}: {}{named}", source.row.columns[at].ty);
        let lines = of(Origin::Column(table, at));
        match lines.is_empty() {
            true => out.push_str("    nothing comes of it\n"),
            false => out.push_str(&aligned(&lines)),
        }
    }
    let lines = of(Origin::Rows(table));
    if !lines.is_empty() {
        let _ = write!(out, "  how many rows there are\n{}", aligned(&lines));
    }
    out
}

/// The words of an edge.
struct Line {
    role: &'static str,
    what: String,
    how: &'static str,
    through: String,
}

impl Line {
    fn of(shown: &Shown, edge: &Edge, what: String) -> Line {
        let way = |jobs: Vec<&str>| match jobs.is_empty() {
            true => String::new(),
            false => format!("through {}", jobs.join(", ")),
        };
        let jobs = edge.through.iter();
        let through = match edge.part {
            Part::Column(_) => way(jobs.map(|job| shown.job(*job)).collect()),
            Part::Rows(by) => {
                let before = jobs.filter(|job| **job != by).map(|job| shown.job(*job));
                format!("in {} {}", shown.job(by), way(before.collect()))
            }
        };
        let how = edge.role.how().unwrap_or_default();
        Line { role: edge.role.word(), what, how, through }
    }
}

fn aligned(lines: &[Line]) -> String {
    let width = |of: fn(&Line) -> &str| {
        lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0)
    };
    let (what, how) = (width(|line| &line.what), width(|line| line.how));
    let mut out = String::new();
    for line in lines {
        let text = format!(
            "    {:<9} {:<what$}  {:<how$}  {}",
            line.role, line.what, line.how, line.through
        );
        let _ = writeln!(out, "{}", text.trim_end());
    }
    out
}
