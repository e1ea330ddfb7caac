//! Outputs that stay as they are because what they are made of came out as before (early cut-off):
//! a stage had to run again, its rows are those that an earlier run saw, and so all that follows
//! would be the same. It is not run, and counts what it has counted then.

use super::{Schedule, saved::all};
use crate::exec::contents;
use crate::exec::operators::Output;
use crate::ir::JobId;
use crate::plan::{NodeId, NodeKind};
use crate::run::counts::{is_done, jobs_of};
use crate::run::keys::Keys;
use crate::run::made::quarantines_of;
use crate::run::memo::Record;
use crate::run::{Event, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

/// Of larger results no digest is made: that would take time, and they are seldom the same.
const BYTES_MAX: u64 = 16 << 20;

/// What operators gave: digests of rows with their types.
pub(super) type Contents = BTreeMap<NodeId, String>;

impl Schedule<'_, '_> {
    /// Notes what a result is, for those who would do the same with it as an earlier run.
    pub(super) fn note_contents(&mut self, end: NodeId, result: &Output) {
        let node = self.execution.plan.node(end);
        let keeps = self.session.as_ref().is_some_and(|session| session.checkpoints.has_partials());
        if !keeps || node.consumers.is_empty() || self.bytes_of_result(end, result) > BYTES_MAX {
            return;
        }
        let Some(job) = node.job.map(|job| &self.execution.pipeline.jobs[job.0 as usize]) else {
            return;
        };
        let row = match node.kind {
            NodeKind::Step(step) => &job.steps[step].row,
            NodeKind::Gather => job.row(),
            _ => return,
        };
        // What a number stands for, of those who read it, only its type says.
        let types: Vec<_> = row.columns.iter().map(|column| &column.ty).collect();
        let Ok(rows) = contents::digest_of(result, &node.live) else { return };
        self.contents.insert(end, format!("{rows} {types:?}"));
    }

    /// Leaves those outputs as they are that would come out as they are; says whether it found some.
    pub(super) fn leave_unchanged(&mut self) -> bool {
        let Some(session) = self.session.as_ref().filter(|one| !one.decision.may_stay.is_empty())
        else {
            return false;
        };
        let plan = self.execution.plan;
        let may_stay = |(id, node): (NodeId, &crate::plan::Node)| match node.kind {
            NodeKind::Sink(output) if !self.done.contains(&id) => {
                let rows = session.decision.may_stay.get(&output)?;
                Some((id, output, rows))
            }
            _ => None,
        };
        let open: Vec<_> = plan.iter().filter_map(may_stay).collect();
        if open.is_empty() || self.contents.is_empty() {
            return false;
        }
        let mut contents = self.contents.clone();
        let keys = self.keys_by(&mut contents, true);
        let is_same = |sink: &NodeId, rows: &String| {
            keys.of(*sink) == rows && self.is_all_known(*sink, &keys, &contents)
        };
        let same: Vec<(NodeId, usize)> = open
            .into_iter()
            .filter(|(sink, _, rows)| is_same(sink, rows))
            .map(|(sink, output, _)| (sink, output))
            .collect();
        if same.is_empty() {
            return false;
        }
        self.leave_as_they_are(&same, &keys, contents);
        true
    }

    /// The keys of operators by what those before them gave, as far as that is known: seen in this
    /// run, or else told by earlier ones, which is added.
    fn keys_by(&self, contents: &mut Contents, asks_earlier: bool) -> Keys {
        let session = self.session.as_ref().expect("only who keeps something asks");
        let gave = |node: NodeId, key: &str| {
            if asks_earlier
                && !contents.contains_key(&node)
                && let Some(rows) = session.memo.of(key).and_then(|record| record.rows.clone())
            {
                contents.insert(node, rows);
            }
            contents.get(&node).map(|rows| format!("rows {rows}"))
        };
        session.keys_by(self.execution.plan, self.execution.pipeline, self.context, gave)
    }

    /// An operator and all before it, up to such whose rows are known; and those.
    fn segment(&self, end: NodeId, contents: &Contents) -> (Vec<NodeId>, Vec<NodeId>) {
        let plan = self.execution.plan;
        let (mut nodes, mut before, mut open) = (vec![], vec![], vec![end]);
        while let Some(node) = open.pop() {
            if node != end && contents.contains_key(&node) {
                before.push(node);
            } else if !nodes.contains(&node) {
                nodes.push(node);
                open.extend(&plan.node(node).inputs);
            }
        }
        (nodes, before)
    }

    /// All that need not be run when an operator need not be, in segments.
    fn skipped(&self, end: NodeId, contents: &Contents) -> Vec<(NodeId, Vec<NodeId>)> {
        let (mut segments, mut open): (Vec<(NodeId, Vec<NodeId>)>, _) = (vec![], vec![end]);
        while let Some(end) = open.pop() {
            if self.done.contains(&end) || segments.iter().any(|(of, _)| *of == end) {
                continue;
            }
            let (nodes, before) = self.segment(end, contents);
            segments.push((end, nodes));
            open.extend(before);
        }
        segments
    }

    /// Is it known what all that would not be run has counted, and does it leave nothing else
    /// behind: rows that it sets aside, partitions?
    fn is_all_known(&self, sink: NodeId, keys: &Keys, contents: &Contents) -> bool {
        let Some(session) = &self.session else { return false };
        let pipeline = self.execution.pipeline;
        let is_simple = |job: JobId| {
            let job = &pipeline.jobs[job.0 as usize];
            quarantines_of(job).is_empty() && job.partition.is_none()
        };
        self.skipped(sink, contents).iter().all(|(end, nodes)| {
            let record = session.memo.of(keys.of(*end));
            record.is_some_and(|record| record.counts.len() == nodes.len())
                && nodes.iter().all(|node| self.execution.plan.node(*node).jobs().all(is_simple))
        })
    }

    fn leave_as_they_are(&mut self, same: &[(NodeId, usize)], keys: &Keys, contents: Contents) {
        let skipped: Vec<_> =
            same.iter().flat_map(|(sink, _)| self.skipped(*sink, &contents)).collect();
        for (sink, output) in same {
            if let Some(sink) = &self.execution.sinks[sink.at()] {
                sink.give_up();
            }
            self.done.insert(*sink);
            self.unchanged.insert(*output);
        }
        let not_needed = self.not_needed();
        for (end, nodes) in skipped {
            let nodes = nodes.iter().map(|node| (*node, not_needed.contains(node)));
            self.count_as_then(keys.of(end), nodes);
        }
        self.contents = contents;
        self.tell_not_run();
    }

    /// What leads only to outputs that stay as they are.
    pub(super) fn not_needed(&self) -> BTreeSet<NodeId> {
        let plan = self.execution.plan;
        let stays = |node: &crate::plan::Node| matches!(node.kind, NodeKind::Sink(output) if self.unchanged.contains(&output));
        let ends = plan.iter().filter(|(_, node)| node.consumers.is_empty() && !stays(node));
        let (mut open, mut needed): (Vec<NodeId>, BTreeSet<NodeId>) =
            (ends.map(|(id, _)| id).collect(), BTreeSet::new());
        while let Some(node) = open.pop() {
            if needed.insert(node) {
                open.extend(&plan.node(node).inputs);
            }
        }
        plan.iter().map(|(id, _)| id).filter(|id| !needed.contains(id)).collect()
    }

    /// Operators that will not be run count what they counted then.
    fn count_as_then(&self, key: &str, nodes: impl Iterator<Item = (NodeId, bool)>) {
        let Some(session) = &self.session else { return };
        let Some(record) = session.memo.of(key) else { return };
        for ((node, is_not_needed), then) in nodes.zip(&record.counts) {
            if !is_not_needed || self.execution.counted[node.at()].swap(true, Relaxed) {
                continue;
            }
            for (count, value) in all(&self.execution.counts[node.at()]).into_iter().zip(then) {
                count.store(*value, Relaxed);
            }
        }
    }

    /// Tells of the jobs of which nothing is run, since what they read came out as before.
    fn tell_not_run(&mut self) {
        for job in jobs_of(self.execution) {
            let has_run = self.timings.contains_key(&job) || self.ended.contains_key(&job);
            if !has_run && is_done(self.execution, job) {
                let name = &self.execution.pipeline.jobs[job.0 as usize].name;
                (self.watch)(Event::NotRun { job: name });
                self.end_job(job, Status::Success, None);
            }
        }
    }

    /// Tells what the operators gave, for later runs; the run has succeeded.
    pub(super) fn note_all(&mut self) {
        if self.contents.is_empty() || self.session.is_none() || !self.failed.is_empty() {
            return;
        }
        let plan = self.execution.plan;
        let mut contents = self.contents.clone();
        let keys = self.keys_by(&mut contents, false);
        let counts = |end: NodeId| {
            let (nodes, _) = self.segment(end, &contents);
            nodes.iter().map(|node| self.counted(*node).0).collect()
        };
        let record = |end: NodeId| Record {
            key: keys.of(end).to_owned(),
            rows: contents.get(&end).cloned(),
            counts: counts(end),
        };
        let sinks = plan.iter().filter_map(|(id, node)| match node.kind {
            NodeKind::Sink(output) => Some((id, output)),
            _ => None,
        });
        let sinks: Vec<(NodeId, usize)> = sinks.collect();
        let ends = sinks.iter().map(|(id, _)| *id).chain(contents.keys().copied());
        let records = ends.map(record).collect();
        let rows = sinks.iter().map(|(id, output)| (*output, keys.of(*id).to_owned())).collect();
        let unchanged = self.unchanged.clone();
        if let Some(session) = &mut self.session {
            session.seen(records, rows, unchanged);
        }
    }
}
