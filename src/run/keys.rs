//! What a stage is known by in later runs: a digest of all that its rows, counts and outputs depend
//! on. As those of outputs ([`super::made`]) it holds the meaning of the program, values of
//! parameters and bytes of inputs; and the plan, in which passes and the columns that are read show.

use super::held::Held;
use super::made::{Digests, ENGINE, digest, mode_text};
use crate::ir::{Input, StepKind};
use crate::plan::{Node, NodeId, NodeKind, Plan, step_of, steps_of};
use std::collections::{BTreeMap, BTreeSet};

/// The keys of the operators of a plan.
pub(super) struct Keys(Vec<String>);

impl Keys {
    pub(super) fn new(plan: &Plan, digests: &Digests, held: &Held) -> Keys {
        Keys::given(plan, digests, held, |_, _| None)
    }

    /// The same, but what an operator is known to have given stands, for those that read it, in the
    /// place of all that it was made of. `gave` is told an operator and its key.
    pub(super) fn given(
        plan: &Plan,
        digests: &Digests,
        held: &Held,
        mut gave: impl FnMut(NodeId, &str) -> Option<String>,
    ) -> Keys {
        let mut keys: Vec<String> = Vec::with_capacity(plan.nodes.len());
        let mut shown: Vec<String> = Vec::with_capacity(plan.nodes.len());
        for (id, node) in plan.iter() {
            let inputs: Vec<&str> = node.inputs.iter().map(|input| &*shown[input.at()]).collect();
            let Node { live, order, takes, .. } = node;
            let does = does(node, digests, held);
            let key = digest(&format!("{inputs:?} {live:?} {order:?} {takes:?} {does}"));
            shown.push(gave(id, &key).unwrap_or_else(|| key.clone()));
            keys.push(key);
        }
        Keys(keys)
    }

    /// The key of an operator.
    pub(super) fn of(&self, node: NodeId) -> &str {
        &self.0[node.at()]
    }

    /// The key of a stage: of the operators that it runs, which of them it counts, and where it
    /// begins and ends.
    pub(super) fn of_stage(
        &self,
        touched: &BTreeMap<NodeId, bool>,
        ends: &[NodeId],
        may_end_early: bool,
    ) -> String {
        let ends: BTreeSet<&NodeId> = ends.iter().collect();
        let mut text = format!("{ENGINE} {may_end_early}");
        for (node, is_counted) in touched {
            let is_end = ends.contains(node);
            text.push_str(&format!("\n{} {is_counted} {is_end}", self.0[node.at()]));
        }
        digest(&text)
    }
}

/// What an operator does with its inputs.
fn does(node: &Node, digests: &Digests, held: &Held) -> String {
    let pipeline = digests.pipeline;
    // What a step reads besides is an input of its operator, which has a key.
    let meaning = |step: &StepKind| step.meaning(&|_| String::new(), Some(digests.context));
    let what = match node.kind {
        NodeKind::Scan(source) => format!("scan {}", digests.keys[&Input::Source(source)]),
        NodeKind::Read { main, .. } => format!("read {main}"),
        NodeKind::Steps(range) => {
            let steps = steps_of(pipeline, node, range).iter();
            steps.map(|step| format!("{}\n", meaning(&step.kind))).collect()
        }
        NodeKind::Step(step) => meaning(step_of(pipeline, node, step)),
        NodeKind::Build(step) => format!("build {}", meaning(step_of(pipeline, node, step))),
        NodeKind::Gather => "gather".to_owned(),
        NodeKind::Entry => "entry".to_owned(),
        NodeKind::Result => "result".to_owned(),
        NodeKind::Sink(output) => {
            let mode = mode_text(&pipeline.outputs[output].mode);
            let held = held.get(&output);
            format!("sink {}{mode} {held:?}", digests.form_of(output))
        }
    };
    let settings = node.jobs().map(|job| digests.settings(&pipeline.jobs[job.0 as usize]));
    format!("{what} {:?}", settings.collect::<Vec<_>>())
}
