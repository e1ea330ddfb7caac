//! `batchc plan`

use crate::cli::args::{Global, Plan};
use crate::cli::load::{runnable, targets};
use crate::cli::print::put;
use crate::ir::{PartitionBy, Pipeline};
use crate::plan;

/// Prints the operators that a run would use, and how jobs are split.
pub(in crate::cli) fn run(args: &Plan, global: &Global) -> u8 {
    let (_, compiled) = match runnable(&args.file, global) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    match targets(&compiled.pipeline, &args.select, global) {
        Ok(targets) => {
            put!("{}", text(&compiled.pipeline, &targets));
            0
        }
        Err(code) => code,
    }
}

/// The plan of the targets as text.
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
    out
}
