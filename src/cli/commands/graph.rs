//! `batchc graph`

use crate::cli::args::{Global, Graph, GraphForm};
use crate::cli::load::{load, refuse};
use crate::cli::print::put;
use crate::ir::{Input, Pipeline};

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

fn draw(pipeline: &Pipeline, form: GraphForm) -> String {
    let mut edges: Vec<(String, String)> = vec![];
    for &id in &pipeline.order {
        let job = &pipeline.jobs[id.0 as usize];
        for input in job.inputs() {
            let edge = (name(pipeline, input), job.name.clone());
            if !edges.contains(&edge) {
                edges.push(edge);
            }
        }
    }
    for output in &pipeline.outputs {
        edges.push((name(pipeline, output.from), output.name.clone()));
    }
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
            for (from, to) in &edges {
                out.push_str(&format!("    {from} --> {to}\n"));
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
            for (from, to) in &edges {
                out.push_str(&format!("    \"{from}\" -> \"{to}\";\n"));
            }
            out.push_str("}\n");
            out
        }
    }
}

/// One line a thing, in the order in which they run: what it is and what it reads.
fn text(pipeline: &Pipeline, edges: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut line = |kind: &str, name: &str| {
        let reads: Vec<&str> =
            edges.iter().filter(|(_, to)| to == name).map(|(from, _)| from.as_str()).collect();
        let reads =
            if reads.is_empty() { String::new() } else { format!("  ← {}", reads.join(", ")) };
        out.push_str(&format!("{kind:<7} {name}{reads}\n"));
    };
    pipeline.sources.iter().for_each(|source| line("source", &source.name));
    for &id in &pipeline.order {
        line("job", &pipeline.jobs[id.0 as usize].name);
    }
    pipeline.outputs.iter().for_each(|output| line("output", &output.name));
    out
}
