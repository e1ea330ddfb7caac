//! `batchc plan`

use crate::cli::args::{Global, Plan};
use crate::cli::load::{checked_values, runnable, targets};
use crate::cli::print::put;
use crate::ir::{PartitionBy, Pipeline};
use crate::plan;

/// Prints the operators that a run would use, and how jobs are split.
pub(in crate::cli) fn run(args: &Plan, global: &Global) -> u8 {
    match show(args, global) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

/// The exit code as an error when there is no plan to show. Parameters need no value for it.
fn show(args: &Plan, global: &Global) -> Result<(), u8> {
    let (path, compiled) = runnable(&args.file, global)?;
    let targets = targets(&compiled.pipeline, &args.selection, &args.passes, global)?;
    checked_values(&compiled, &path, &args.params, global)?;
    put!("{}", text(&compiled.pipeline, &targets));
    Ok(())
}

/// The plan of the targets as text, with the passes that are off.
pub(in crate::cli) fn text(pipeline: &Pipeline, targets: &plan::Targets) -> String {
    let plan = plan::plan(pipeline, targets);
    let mut out = plan::show(&plan, pipeline);
    for job in &pipeline.jobs {
        if let Some(partition) = &job.partition {
            let by = match &partition.by {
                PartitionBy::Hash(_) => "hash",
                PartitionBy::RoundRobin => "round robin",
                PartitionBy::Size => "size",
            };
            out.push_str(&format!("{} is split by {by} into {}\n", job.name, partition.into));
        }
    }
    let without: Vec<&str> = targets.without.names().collect();
    if !without.is_empty() {
        out.push_str(&format!("without {}\n", without.join(", ")));
    }
    out
}
