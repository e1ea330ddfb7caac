//! One pass of a stage over its input: sources opened, operators run, what ends the stage finished, and
//! what it has done counted.

use super::branches::Broken;
use super::epochs::Until;
use super::{Open, Scans, Schedule, Stage};
use crate::connect::{ConnectError, Only};
use crate::exec::compile::{Action, Probe};
use crate::exec::operators::join::UnmatchedRight;
use crate::exec::operators::{Output, Streaming};
use crate::exec::stage::{By, Ran, Root, States, Stopped};
use crate::plan::NodeId;
use crate::run::failure::Failure;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Schedule<'_, '_> {
    /// Runs a stage; what of it failed in the end, while the rest is done.
    pub(super) fn stage(&mut self, stage: &Stage, open: &Open) -> Result<Vec<Broken>, Broken> {
        let execution = self.execution;
        let mut states = match self.source_apart(stage) {
            Some(source) => self.states_apart(stage, source, open)?,
            None => self.states(stage, open, None)?,
        };
        let mut broken: Vec<Broken> = vec![];
        for &node in &stage.active {
            execution.set_aside[node.at()].store(true, Relaxed);
            let left_out = match &execution.nodes[node.at()].action {
                Action::Stream(operator) => operator.left_out(),
                Action::Probe(probe) => {
                    let Some(Probe::Table(probe)) = probe.get() else { continue };
                    if let Err(error) = probe.check() {
                        let by = Some(By::Operator(node));
                        broken.push(Broken { failure: error.into(), by });
                        continue;
                    }
                    execution.count(node, |counts| &counts.null_keys, probe.null_keys());
                    probe.left_out()
                }
                _ => 0,
            };
            execution.count(node, |counts| &counts.left_out, left_out);
        }
        for &end in &stage.ends {
            let states = std::mem::take(&mut states[end.at()]);
            if broken.iter().any(|broken| stage.is_behind(end, broken.by, execution.plan)) {
                continue;
            }
            let timer = self.timer();
            match self.finish(end, states) {
                Ok(is_there) => {
                    if let (Some(profile), Some(timer), true) = (&mut self.profile, timer, is_there)
                    {
                        profile.end_operator(end, &timer);
                    }
                }
                Err(failure) => broken.push(Broken { failure, by: Some(By::Operator(end)) }),
            }
        }
        self.count_done(stage);
        Ok(broken)
    }

    /// What the stage has done is not counted again.
    pub(super) fn count_done(&mut self, stage: &Stage) {
        let execution = self.execution;
        // What is known only when it is read is counted then.
        let is_counted =
            |node: &NodeId| self.results.get(node).is_none_or(|result| result.rows().is_some());
        let done: BTreeSet<NodeId> = stage.done(&self.done).copied().collect();
        for &node in done.iter().filter(|node| is_counted(node)) {
            self.count_in_turn(node);
            execution.counted[node.at()].store(true, Relaxed);
        }
        for root in stage.roots.iter().filter(|_| !done.is_empty()) {
            execution.counted[root.at()].store(true, Relaxed);
        }
        if stage.may_repeat && stage.ends.iter().all(|end| self.done.contains(end)) {
            self.results
                .retain(|node, _| !stage.roots.contains(node) || stage.read_later.contains(node));
        }
    }

    /// Runs the operators of a stage over its input, or over these files of it.
    pub(super) fn states(
        &mut self,
        stage: &Stage,
        open: &Open,
        only: Option<Only>,
    ) -> Result<States, Broken> {
        let scans = self.open_scans(stage, open, only)?;
        Ok(self.states_of(stage, &scans, None)?.states)
    }

    /// Opens what a stage reads, or these files of it.
    pub(super) fn open_scans(
        &self,
        stage: &Stage,
        open: &Open,
        only: Option<Only>,
    ) -> Result<Scans, ConnectError> {
        let is_scan = |root: &&NodeId| self.execution.plan.node(**root).inputs.is_empty();
        let scans = stage.roots.iter().filter(is_scan);
        scans.map(|&root| Ok((root, open(root, only.clone())?))).collect()
    }

    /// Runs the operators of a stage over what was opened, as far as it has not been read.
    pub(super) fn states_of(
        &mut self,
        stage: &Stage,
        scans: &Scans,
        until: Option<&Until>,
    ) -> Result<Ran, Broken> {
        let (execution, active) = (self.execution, &stage.active);
        let plan = execution.plan;
        let is_last = |root: &NodeId| !stage.read_later.contains(root) && !stage.may_repeat;
        let mut begin = |&root: &NodeId| match scans.get(&root) {
            Some((source, places)) => {
                let (places, width) = (places.clone(), plan.node(root).width);
                let before = until.map_or(source.after().into(), |until| until.read);
                (root, Root::Scan { source: &**source, places, width, before })
            }
            None => {
                let is_last = is_last(&root);
                let result = match is_last {
                    true => self.results.remove(&root),
                    false => self.results.get(&root).cloned(),
                };
                (root, Root::Result(result.unwrap_or_else(|| Output::Batches(vec![])), is_last))
            }
        };
        let begins: Vec<(NodeId, Root)> = stage.roots.iter().map(&mut begin).collect();
        let begins = self.with_unmatched(begins, active);
        let pause = until.and_then(|until| until.pause);
        let may_end_early = pause.is_none() && self.may_end_early(stage);
        let ran = execution.run_stage(&begins, active, may_end_early, pause);
        if let Some(profile) = &mut self.profile {
            let volumes = scans.iter().map(|(root, (source, _))| (*root, source.volume()));
            profile.add_operators(execution, &stage.roots, active, &volumes.collect());
        }
        ran.map_err(|Stopped { root, by, error }| {
            let source = scans.get(&begins[root].0);
            let files = source.map_or(vec![], |(source, _)| source.files().to_vec());
            Broken { failure: Failure::Stage(error, files), by }
        })
    }

    /// The roots of a stage, and the right rows of its joins that match nothing, which come when all
    /// left rows have: they begin at the join.
    fn with_unmatched<'r>(
        &self,
        roots: Vec<(NodeId, Root<'r>)>,
        active: &BTreeSet<NodeId>,
    ) -> Vec<(NodeId, Root<'r>)> {
        let reached: Vec<BTreeSet<NodeId>> =
            roots.iter().map(|(root, _)| self.behind(*root, active)).collect();
        let mut all = vec![];
        for (at, root) in roots.into_iter().enumerate() {
            all.push(root);
            let is_last =
                |join: &&NodeId| !reached[at + 1..].iter().any(|later| later.contains(join));
            // Nodes come behind those that they read, and so does a join behind another.
            for &join in reached[at].iter().filter(is_last) {
                if let Action::Probe(probe) = &self.execution.nodes[join.at()].action
                    && let Some(Probe::Table(probe)) = probe.get()
                    && probe.keeps_right()
                {
                    let rows = Output::Pieces(Arc::new(UnmatchedRight(probe.clone())));
                    all.push((join, Root::Result(rows, false)));
                }
            }
        }
        all
    }

    /// The operators of a stage to which the rows of one of its roots come.
    fn behind(&self, root: NodeId, active: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut behind = BTreeSet::new();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            let readers = self.execution.plan.node(node).consumers.iter();
            open.extend(
                readers.filter(|reader| active.contains(reader) && behind.insert(**reader)),
            );
        }
        behind
    }

    /// May it end before the end of its input?
    pub(super) fn may_end_early(&self, stage: &Stage) -> bool {
        let plan = self.execution.plan;
        stage.is_only && !stage.roots.iter().any(|root| plan.goes_on(*root))
    }
}
