//! Of a source that is read incrementally, the rows that came since: those whose value of a column is
//! greater than what was read before. They are looked for before anything can fail on the others.

use super::Execution;
use super::worker::Worker;
use crate::connect::BadValue;
use crate::data::Batch;
use crate::exec::rows::filter_rows;
use crate::functions::kernel::Operand;
use crate::ir::ErrorPolicy;
use crate::plan::{NodeId, NodeKind};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_buffer::BooleanBuffer;
use std::borrow::Cow;

impl Execution<'_> {
    /// The rows of a scan that its reader has not read in earlier runs, and what is bad of them.
    ///
    /// A row of which that is not known, since the value that would say it cannot be read, is one of
    /// them, so that it goes where the job says; but where that makes it null, it has none to go on
    /// with, and is left out.
    pub(super) fn since<'b>(
        &self,
        reader: NodeId,
        batch: Batch,
        bad: &'b [BadValue],
        places: &[usize],
        worker: &mut Worker,
    ) -> (Batch, Cow<'b, [BadValue]>) {
        let NodeKind::Read { source, .. } = self.plan.node(reader).kind else {
            unreachable!("only readers read sources");
        };
        let incremental = self.pipeline.sources[source.0 as usize].incremental.as_ref();
        let Some(incremental) = incremental else { return (batch, bad.into()) };
        let is_unplaced = |bad: &BadValue| {
            bad.column.is_none_or(|column| places[column as usize] == incremental.column)
        };
        let nulls = self.policy(reader) == ErrorPolicy::Null;
        let mut kept = match &self.nodes[reader.at()].program {
            Some(program) => {
                let values = program.eval(&batch, &mut worker.registers, &mut vec![]);
                are_true(&values[0], batch.rows)
            }
            None => vec![true; batch.rows],
        };
        for bad in bad.iter().filter(|bad| is_unplaced(bad)) {
            kept[bad.row as usize] = !(nulls && bad.column.is_some());
        }
        let kept = BooleanBuffer::from(kept);
        if kept.count_set_bits() == batch.rows {
            return (batch, bad.into());
        }
        let of_kept = |bad: &&BadValue| kept.value(bad.row as usize);
        let moved = |bad: &BadValue| {
            let before = kept.slice(0, bad.row as usize).count_set_bits();
            BadValue { row: before as u32, ..bad.clone() }
        };
        let bad = bad.iter().filter(of_kept).map(moved).collect();
        (filter_rows(&batch, &mut [], &kept), Cow::Owned(bad))
    }
}

fn are_true(condition: &Operand, rows: usize) -> Vec<bool> {
    let truth = condition.array.as_boolean();
    let is_true = |at: usize| truth.is_valid(at) && truth.value(at);
    (0..rows).map(|row| is_true(condition.index(row))).collect()
}
