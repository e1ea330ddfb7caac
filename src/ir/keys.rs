//! Which secrets are keys in what is computed for some tables, so that a run looks up these and no others.

use super::{Expr, ExprKind, Input, JobId, PartitionBy, Pipeline};
use std::collections::BTreeSet;

impl Pipeline {
    /// The positions of the secrets that are needed for these tables and outputs.
    pub fn keys_for(
        &self,
        tables: impl IntoIterator<Item = Input>,
        outputs: &[usize],
    ) -> BTreeSet<usize> {
        let written = outputs.iter().map(|output| &self.outputs[*output]);
        let mut open: Vec<Input> = written.clone().map(|output| output.from).collect();
        open.extend(tables);
        let mut keys = BTreeSet::new();
        let folders = written.flat_map(|output| &output.folders);
        folders.for_each(|folder| folder.value.add_keys(&mut keys));
        let mut seen: BTreeSet<JobId> = BTreeSet::new();
        while let Some(table) = open.pop() {
            match table {
                Input::Source(source) => {
                    let columns = &self.sources[source.0 as usize].columns;
                    let checks = columns.iter().filter_map(|column| column.check.as_ref());
                    checks.for_each(|check| check.condition.add_keys(&mut keys));
                }
                Input::Job(job) if seen.insert(job) => {
                    open.extend(self.needs(job));
                    let job = &self.jobs[job.0 as usize];
                    let steps = job.steps.iter().flat_map(|step| step.kind.expressions());
                    steps.for_each(|value| value.add_keys(&mut keys));
                    if let Some(PartitionBy::Hash(key)) = job.partition.as_ref().map(|one| &one.by)
                    {
                        key.add_keys(&mut keys);
                    }
                }
                Input::Job(_) => {}
            }
        }
        keys
    }
}

impl Expr {
    /// Adds the positions of the secrets that are keys in it.
    pub fn add_keys(&self, keys: &mut BTreeSet<usize>) {
        if let ExprKind::Secret(at) = self.kind {
            keys.insert(at);
        }
        self.children().into_iter().for_each(|child| child.add_keys(keys));
    }
}
