//! What jobs may use of what their run has.

use super::Options;
use super::made::Ancestors;
use crate::ir::{Pipeline, Resources};
use crate::plan::Node;

/// Threads and bytes of memory that an operator may use.
pub(super) fn of(node: &Node, pipeline: &Pipeline, options: &Options) -> (usize, usize) {
    let limits = node.jobs().filter_map(|job| pipeline.jobs[job.0 as usize].resources);
    limits.fold((options.threads, options.memory), |(threads, memory), limit| {
        let least = |limit: Option<usize>, given| limit.unwrap_or(usize::MAX).min(given);
        (least(limit.threads, threads), least(limit.memory, memory))
    })
}

/// Where jobs ask for more than the run has, in words.
pub(super) fn shortages(pipeline: &Pipeline, options: &Options) -> Vec<String> {
    let run = Ancestors::of(pipeline, options.targets.outputs.iter().copied()).jobs;
    let mut said: Vec<Resources> = vec![];
    let mut shortages = vec![];
    for job in pipeline.order.iter().filter(|job| run.contains(job)) {
        let job = &pipeline.jobs[job.0 as usize];
        let Some(asks) = job.resources.filter(|asks| !said.contains(asks)) else { continue };
        said.push(asks);
        let who = match asks.is_own {
            true => format!("`{}` asks", job.name),
            false => "the pipeline asks".to_owned(),
        };
        if let Some(threads) = asks.threads.filter(|threads| *threads > options.threads) {
            let has = options.threads;
            shortages.push(format!("{who} for {threads} threads, and the run has {has}"));
        }
        if let Some(memory) = asks.memory.filter(|memory| *memory > options.memory) {
            let mib = |bytes: usize| bytes >> 20;
            let (asked, has) = (mib(memory), mib(options.memory));
            shortages.push(format!(
                "{who} for {asked} MiB of memory, and the run has {has}: `--memory {asked}MiB`"
            ));
        }
    }
    shortages
}
