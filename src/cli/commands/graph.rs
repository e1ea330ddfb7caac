//! `batchc graph`

use crate::cli::args::{Global, Graph, GraphForm};
use crate::cli::load::{load, refuse};
use crate::cli::print::put;
use crate::ir::{Input, Pipeline, SourceId};

/// Draws sources, jobs and outputs; a pipeline with mistakes is drawn as far as it is understood.
pub(in crate::cli) fn run(args: &Graph, global: &Global) -> u8 {
    let (_, compiled) = match load(&args.file) {
        Ok(loaded) => loaded,
        Err(message) => return refuse(&message, global),
    };
    put!("{}", draw(&compiled.pipeline, args.to));
    0
}

fn name(pipeline: &Pipeline, input: Input) -> String {
    match input {
        Input::Source(id) => {
            pipeline.sources.get(id.0 as usize).map_or("?".into(), |source| source.name.clone())
        }
        Input::Job(id) => pipeline.jobs[id.0 as usize].name.clone(),
    }
}

/// What leads from one thing to another.
struct Edge {
    from: String,
    to: String,
    /// Does only the order matter, and no rows are read?
    is_order: bool,
}

fn edges(pipeline: &Pipeline) -> Vec<Edge> {
    let mut edges: Vec<Edge> = vec![];
    for at in 0..pipeline.sources.len() as u32 {
        let source = Input::Source(SourceId(at));
        edges.extend(pipeline.writers(source).map(|writer| Edge {
            from: name(pipeline, writer),
            to: name(pipeline, source),
            is_order: false,
        }));
    }
    for &id in &pipeline.order {
        let job = &pipeline.jobs[id.0 as usize];
        let reads = job.inputs().map(|input| (input, false));
        for (from, is_order) in reads.chain(job.after.iter().map(|id| (Input::Job(*id), true))) {
            let edge = Edge { from: name(pipeline, from), to: job.name.clone(), is_order };
            if !edges.iter().any(|other| (&other.from, &other.to) == (&edge.from, &edge.to)) {
                edges.push(edge);
            }
        }
    }
    for output in &pipeline.outputs {
        let from = name(pipeline, output.from);
        edges.push(Edge { from, to: output.name.clone(), is_order: false });
    }
    edges
}

fn draw(pipeline: &Pipeline, form: GraphForm) -> String {
    let edges = edges(pipeline);
    match form {
        GraphForm::Text => text(pipeline, &edges),
        GraphForm::Mermaid => {
            let mut out = String::from("flowchart LR\n");
            for source in &pipeline.sources {
                out.push_str(&format!("    {0}[(\"{0}\")]\n", source.name));
            }
            for output in &pipeline.outputs {
                out.push_str(&format!("    {0}[/\"{0}\"/]\n", output.name));
            }
            for Edge { from, to, is_order } in &edges {
                let arrow = if *is_order { "-.->" } else { "-->" };
                out.push_str(&format!("    {from} {arrow} {to}\n"));
            }
            out
        }
        GraphForm::Dot => {
            let mut out = String::from("digraph pipeline {\n    rankdir=LR;\n");
            for source in &pipeline.sources {
                out.push_str(&format!("    \"{}\" [shape=cylinder];\n", source.name));
            }
            for output in &pipeline.outputs {
                out.push_str(&format!("    \"{}\" [shape=note];\n", output.name));
            }
            for Edge { from, to, is_order } in &edges {
                let style = if *is_order { " [style=dashed]" } else { "" };
                out.push_str(&format!("    \"{from}\" -> \"{to}\"{style};\n"));
            }
            out.push_str("}\n");
            out
        }
    }
}

/// One line a thing, in the order in which they run: what it is, what it reads, and what it runs
/// after.
fn text(pipeline: &Pipeline, edges: &[Edge]) -> String {
    let mut out = String::new();
    let mut line = |kind: &str, name: &str| {
        let before = |is_order: bool| {
            let of = edges.iter().filter(|edge| edge.to == name && edge.is_order == is_order);
            of.map(|edge| edge.from.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (reads, after) = (before(false), before(true));
        let reads = if reads.is_empty() { reads } else { format!("  ← {reads}") };
        let after = if after.is_empty() { after } else { format!("  after {after}") };
        out.push_str(&format!("{kind:<7} {name}{reads}{after}\n"));
    };
    pipeline.sources.iter().for_each(|source| line("source", &source.name));
    for &id in &pipeline.order {
        line("job", &pipeline.jobs[id.0 as usize].name);
    }
    pipeline.outputs.iter().for_each(|output| line("output", &output.name));
    out
}
