//! Values of a source whose type is only a part of another: those that do not meet its condition are
//! bad values, as are those that cannot be read.

use super::Execution;
use super::worker::Worker;
use crate::connect::BadValue;
use crate::data::{Batch, display, scalar_at};
use crate::exec::compile::ValueTest;
use crate::ir::ErrorPolicy;
use crate::plan::NodeId;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::borrow::Cow;

impl Execution<'_> {
    /// The rows of a scan and what is bad of them, together with the values that do not meet what
    /// is said of their columns; where the job makes what fails null, they are.
    pub(super) fn checked<'b>(
        &self,
        reader: NodeId,
        mut batch: Batch,
        bad: Cow<'b, [BadValue]>,
        places: &[usize],
        worker: &mut Worker,
    ) -> (Batch, Cow<'b, [BadValue]>) {
        let mut more = vec![];
        for test in &self.nodes[reader.at()].tests {
            let Some(column) = places.iter().position(|place| *place == test.column) else {
                continue;
            };
            let fails = failing(test, &batch, worker);
            if fails.count_set_bits() == 0 {
                continue;
            }
            let array = &batch.columns[test.column];
            more.extend(fails.set_indices().map(|row| BadValue {
                row: row as u32,
                column: Some(column as u32),
                path: String::new(),
                text: display(&scalar_at(array, &test.ty, row), &test.ty),
                record: None,
                is_literal: test.is_literal,
                reason: test.reason.to_string(),
            }));
            if self.policy(reader) == ErrorPolicy::Null {
                batch.columns[test.column] = nulled(array, &fails);
            }
        }
        match more.is_empty() {
            true => (batch, bad),
            false => (batch, bad.iter().cloned().chain(more).collect()),
        }
    }
}

/// The rows with a value that does not meet the condition.
fn failing(test: &ValueTest, batch: &Batch, worker: &mut Worker) -> BooleanBuffer {
    let met = test.program.eval(batch, &mut worker.registers, &mut vec![]);
    let (met, array) = (&met[0], &batch.columns[test.column]);
    let truth = met.array.as_boolean();
    BooleanBuffer::collect_bool(batch.rows, |row| {
        let at = met.index(row);
        array.is_valid(row) && !(truth.is_valid(at) && truth.value(at))
    })
}

/// The column with null in these rows.
fn nulled(array: &ArrayRef, rows: &BooleanBuffer) -> ArrayRef {
    let nulls = NullBuffer::union(array.nulls(), Some(&NullBuffer::new(!rows)));
    let data = array.to_data().into_builder().nulls(nulls);
    make_array(data.build().expect("only nulls are added"))
}
