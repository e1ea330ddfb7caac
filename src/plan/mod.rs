//! What will be *done*: the steps of all jobs as one graph of operators, cut into stages at the
//! operators that need all their input, and which columns anyone reads.
//!
//! Pure: no files, no threads. `batchc plan` prints it; [`crate::exec`] runs it.

mod build;
mod early;
mod liveness;
mod passes;
mod show;
mod verify;

pub use build::plan;
pub(crate) use liveness::{StepUse, computed_calls, may_fail, uses_of};
pub use passes::{PASSES, Pass, Without};
pub use show::{operator_name, show};
use verify::verify;

use crate::ir::{self, Input, JobId, SourceId, StepKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// An operator, by its position in [`Plan::nodes`]. Inputs come before those that read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// As an index.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// The graph of operators of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The operators, inputs before readers.
    pub nodes: Vec<Node>,
    /// Unions whose rows go on as they come, one table after the other, and what brings them the
    /// rows of their tables. Tables that are read by others too are kept instead, and not read
    /// twice.
    pub streamed: BTreeSet<NodeId>,
    /// So many first rows of the tables that are gathered are enough; none if all are wanted.
    pub first_rows: Option<u64>,
    /// Are columns computed also where nobody reads them?
    computes_unread: bool,
}

/// An operator.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub kind: NodeKind,
    /// What it reads.
    pub inputs: Vec<NodeId>,
    /// What reads it.
    pub consumers: Vec<NodeId>,
    /// The job that it belongs to.
    pub job: Option<JobId>,
    /// Other jobs that begin in the same way, for which it computes this as well.
    pub also: Vec<JobId>,
    /// In which order steps are done that go row by row, if not as they are written.
    pub order: Vec<Placed>,
    /// Of a sort of which no more than the first rows are read: the `take` of the job that reads
    /// them.
    pub takes: Option<usize>,
    /// Of a scan, what each that reads it keeps of its rows; empty where one keeps any.
    pub kept: Vec<Vec<Kept>>,
    /// How many columns it gives.
    pub width: usize,
    /// Which of them are computed; the others nobody reads.
    pub live: Vec<bool>,
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Reads a source, once for all that want it.
    Scan(SourceId),
    /// A job's view of a source: what could not be read goes where the job says.
    Read {
        /// The source.
        source: SourceId,
        /// Is it the job's main input, whose rows the job's balance begins with?
        main: bool,
    },
    /// Steps of the job that follow each other and make at most one row of each: filters and
    /// projections.
    Steps(StepRange),
    /// Any other step of the job.
    Step(usize),
    /// The right side of the job's join at this step.
    Build(usize),
    /// Brings the rows of an input of a `union` into the form of the result, or keeps the result of
    /// a job that is partitioned by size.
    Gather,
    /// Keeps the rows of another job until they are all there, so that its end does not depend on what
    /// those who read it wait for.
    Entry,
    /// The job's result.
    Result,
    /// Writes the output at this position of the pipeline.
    Sink(usize),
}

/// The rows whose value of a column is in a range.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The column.
    pub column: usize,
    /// The range.
    pub range: Range,
}

/// A range of values that is known when rows are read.
#[derive(Clone, Debug)]
pub enum Range {
    /// Between these, which do not depend on rows.
    Given(Box<(Bound<ir::Expr>, Bound<ir::Expr>)>),
    /// From the least to the greatest key on the right side of a join.
    KeysOf {
        /// The join.
        join: NodeId,
        /// Which of its keys.
        key: usize,
    },
}

/// When a step is done among those of its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The step, by its position among them.
    pub step: usize,
    /// Does it only make room for the column that it computes later?
    pub makes_room: bool,
}

/// Steps of a job, by their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRange {
    /// The first.
    pub first: usize,
    /// Behind the last.
    pub end: usize,
}

impl Node {
    /// The jobs for which it computes something.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> + '_ {
        self.job.into_iter().chain(self.also.iter().copied())
    }

    /// Is it one of the operators of the job?
    pub fn is_of(&self, job: JobId) -> bool {
        self.jobs().any(|of| of == job)
    }
}

impl Plan {
    /// The operator.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.at()]
    }

    /// All operators with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at as u32), node))
    }

    /// Puts other operators in the place of some: what read these reads those.
    fn replace(&mut self, by: &BTreeMap<NodeId, NodeId>) {
        let mut places: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        let nodes = std::mem::take(&mut self.nodes);
        for (old, node) in (0..).map(NodeId).zip(nodes) {
            if !by.contains_key(&old) {
                places.insert(old, NodeId(self.nodes.len() as u32));
                self.nodes.push(Node { consumers: vec![], ..node });
            }
        }
        for at in 0..self.nodes.len() {
            for input in 0..self.nodes[at].inputs.len() {
                let mut of = self.nodes[at].inputs[input];
                while let Some(other) = by.get(&of) {
                    of = *other;
                }
                let of = places[&of];
                self.nodes[at].inputs[input] = of;
                self.nodes[of.at()].consumers.push(NodeId(at as u32));
            }
        }
    }

    /// Does it need all its input before it gives anything (or nothing follows it)? Stages end
    /// here.
    pub fn ends_stage(&self, id: NodeId, pipeline: &ir::Pipeline) -> bool {
        let node = self.node(id);
        let needs_all = !self.streamed.contains(&id) && self.needs_all(id, pipeline);
        needs_all || node.consumers.is_empty()
    }

    /// Does it need all its input before it gives anything?
    fn needs_all(&self, id: NodeId, pipeline: &ir::Pipeline) -> bool {
        let node = self.node(id);
        match node.kind {
            NodeKind::Build(_) | NodeKind::Gather | NodeKind::Entry | NodeKind::Sink(_) => true,
            NodeKind::Scan(_) | NodeKind::Read { .. } | NodeKind::Steps(_) | NodeKind::Result => {
                false
            }
            NodeKind::Step(step) => match step_of(pipeline, node, step) {
                StepKind::Aggregate { .. }
                | StepKind::Window(_)
                | StepKind::Sort(_)
                | StepKind::Take { .. }
                | StepKind::Distinct
                | StepKind::Dedupe(_)
                | StepKind::Union { .. } => true,
                StepKind::Filter { .. }
                | StepKind::Project(_)
                | StepKind::Set { .. }
                | StepKind::Join(_)
                | StepKind::Explode { .. }
                | StepKind::Parse(_)
                | StepKind::Expect(_)
                | StepKind::ExpectAll(_) => false,
            },
        }
    }
}

/// The steps that a [`NodeKind::Steps`] stands for.
pub fn steps_of<'p>(pipeline: &'p ir::Pipeline, node: &Node, steps: StepRange) -> &'p [ir::Step] {
    let job = node.job.expect("a step belongs to a job");
    &pipeline.jobs[job.0 as usize].steps[steps.first..steps.end]
}

/// The steps that a [`NodeKind::Steps`] stands for, in the order in which they are done.
pub fn placed_steps<'p>(
    pipeline: &'p ir::Pipeline,
    node: &Node,
    steps: StepRange,
) -> Vec<(Placed, &'p ir::Step)> {
    let all = steps_of(pipeline, node, steps);
    let as_written = |step| Placed { step, makes_room: false };
    let order = match node.order.is_empty() {
        true => (0..all.len()).map(as_written).collect(),
        false => node.order.clone(),
    };
    order.into_iter().map(|placed| (placed, &all[placed.step])).collect()
}

/// A table that a job reads, where its rows come into the job.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The first operator of the job that sees them.
    pub node: NodeId,
    /// The table.
    pub table: Input,
    /// What the job does with it.
    pub by: ReadBy,
}

/// How a job reads a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBy {
    /// Its rows are those that the job begins with.
    From,
    /// Its rows follow those that are there.
    Union,
    /// Rows are looked up in it.
    Join,
}

impl Plan {
    /// The tables that a job reads, in the order of the text.
    pub fn entries(&self, job: JobId) -> impl Iterator<Item = Entry> + '_ {
        let nodes = self.iter().filter(move |(_, node)| node.is_of(job));
        nodes.filter_map(move |(id, node)| {
            let from = self.node(*node.inputs.first()?);
            let table = match (node.kind, from.kind, from.job) {
                (NodeKind::Read { source, .. }, ..) => Input::Source(source),
                (_, NodeKind::Result, Some(other)) => Input::Job(other),
                _ => return None,
            };
            Some(Entry { node: id, table, by: self.read_by(id) })
        })
    }

    /// Is it part of the right side of a join?
    pub fn is_looked_up(&self, id: NodeId) -> bool {
        self.read_by(id) == ReadBy::Join
    }

    fn read_by(&self, id: NodeId) -> ReadBy {
        let node = self.node(id);
        match node.kind {
            NodeKind::Build(_) => ReadBy::Join,
            NodeKind::Read { main: false, .. } | NodeKind::Entry => {
                node.consumers.first().map_or(ReadBy::From, |reader| self.read_by(*reader))
            }
            NodeKind::Gather => {
                let is_other = |reader: &NodeId| self.node(*reader).inputs.first() != Some(&id);
                if node.consumers.iter().any(is_other) { ReadBy::Union } else { ReadBy::From }
            }
            _ => ReadBy::From,
        }
    }
}

/// The step that a [`NodeKind::Step`] or [`NodeKind::Build`] stands for.
pub fn step_of<'p>(pipeline: &'p ir::Pipeline, node: &Node, step: usize) -> &'p StepKind {
    let job = node.job.expect("a step belongs to a job");
    &pipeline.jobs[job.0 as usize].steps[step].kind
}

/// What a selection of outputs and jobs needs: the outputs by position, and jobs whose results are
/// wanted for themselves (a preview); and how it is planned.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Outputs by their position.
    pub outputs: Vec<usize>,
    /// Tables to be gathered.
    pub tables: Vec<Input>,
    /// So many first rows of each table are enough; none if all are wanted.
    pub first_rows: Option<u64>,
    /// The passes that are switched off.
    pub without: Without,
}
