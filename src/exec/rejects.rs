//! Rows that fail: where they go, as the job says, and what is kept of those set aside.

use super::rows::filter_rows;
use super::stage::Execution;
use super::{Error, Failing};
use crate::connect::{BadValue, RowLines};
use crate::data::{Batch, POSITION_ROW_BITS, display, scalar_at};
use crate::functions::kernel::{Failure, Operand};
use crate::ir::{ErrorPolicy, ExpectAction, Expectation, QuarantineId, Row, StepKind};
use crate::plan::{NodeId, NodeKind, step_of};
use crate::text::Span;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_buffer::BooleanBufferBuilder;
use std::sync::Arc;

/// A row that was set aside.
#[derive(Clone, Debug)]
pub struct Reject {
    /// Into which quarantine.
    pub quarantine: QuarantineId,
    /// By which operator.
    pub node: NodeId,
    /// Where it stood in the input of its stage.
    pub position: u64,
    /// What was wrong.
    pub reason: String,
    /// Line within its morsel.
    pub line: Option<u64>,
    /// The text of a record that could not be read at all.
    pub text: Option<String>,
    /// The columns' values as they were, in JSON.
    pub values: serde_json::Map<String, serde_json::Value>,
}

/// A batch after its failed rows have been taken out.
pub struct Routed {
    /// What goes on.
    pub batch: Batch,
    /// The operator's expressions over it.
    pub values: Vec<Operand>,
    /// Rows set aside.
    pub rejects: Vec<Reject>,
    /// Rows dropped.
    pub dropped: u64,
    /// Values that became null.
    pub nulled: u64,
}

impl Routed {
    /// A batch of which nothing has been taken out.
    fn whole(batch: Batch) -> Routed {
        Routed { batch, values: vec![], rejects: vec![], dropped: 0, nulled: 0 }
    }
}

/// What is wrong with a row.
struct Fault {
    row: u32,
    reason: String,
    /// The expression or rule, or what reads the row.
    span: Span,
    text: Option<String>,
}

impl Execution<'_> {
    fn policy(&self, node: NodeId) -> ErrorPolicy {
        self.plan
            .node(node)
            .job
            .map_or(ErrorPolicy::Fail, |job| self.pipeline.jobs[job.0 as usize].on_error.policy)
    }

    /// The row before an operator.
    fn row_before(&self, node: NodeId) -> Arc<Row> {
        let of = self.plan.node(node);
        match (of.kind, of.job) {
            (NodeKind::Step(step), Some(job)) => {
                let job = &self.pipeline.jobs[job.0 as usize];
                match step.checked_sub(1) {
                    Some(before) => job.steps[before].row.clone(),
                    None => job.input_row.clone(),
                }
            }
            (NodeKind::Read { source, .. }, _) => {
                self.pipeline.sources[source.0 as usize].row.clone()
            }
            (NodeKind::Build(step), Some(_)) => match step_of(self.pipeline, of, step) {
                StepKind::Join(join) => join.right_row.clone(),
                _ => unreachable!("only joins have a right side"),
            },
            (NodeKind::Gather | NodeKind::Result, Some(job)) => {
                self.pipeline.jobs[job.0 as usize].row().clone()
            }
            _ => Arc::new(Row::default()),
        }
    }

    /// Takes out the rows on which expressions failed.
    pub(super) fn route(
        &self,
        node: NodeId,
        batch: Batch,
        mut values: Vec<Operand>,
        failures: &[Failure],
        span: &dyn Fn(u32) -> Span,
        lines: &RowLines,
    ) -> Result<Routed, Error> {
        let mut first: Vec<&Failure> = failures.iter().collect();
        first.sort_by_key(|failure| failure.row);
        first.dedup_by_key(|failure| failure.row);
        let rows: Vec<u32> = first.iter().map(|failure| failure.row).collect();
        self.count_failed_in_partitions(node, &batch, &rows);
        let fault = |failure: &&Failure| Fault {
            row: failure.row,
            reason: failure.reason.clone(),
            span: span(failure.site),
            text: None,
        };
        match self.policy(node) {
            ErrorPolicy::Fail => {
                Err(self.failed(node, &batch, lines, fault(&first[0]), Failing::Expression))
            }
            ErrorPolicy::Null => {
                Ok(Routed { values, nulled: rows.len() as u64, ..Routed::whole(batch) })
            }
            ErrorPolicy::Drop => {
                let batch = without(&batch, &mut values, &rows);
                Ok(Routed { values, dropped: rows.len() as u64, ..Routed::whole(batch) })
            }
            ErrorPolicy::Quarantine(quarantine) => {
                let rejects =
                    self.set_aside(node, &batch, lines, quarantine, first.iter().map(fault));
                let batch = without(&batch, &mut values, &rows);
                Ok(Routed { values, rejects, ..Routed::whole(batch) })
            }
        }
    }

    /// Takes out the rows of a scan in which a column that this reader uses could not be read.
    pub(super) fn route_bad(
        &self,
        node: NodeId,
        batch: Batch,
        bad: &[BadValue],
        places: &[usize],
        lines: &RowLines,
    ) -> Result<Routed, Error> {
        let live = &self.plan.node(node).live;
        let used = |bad: &&BadValue| bad.column.is_none_or(|column| live[places[column as usize]]);
        let mut first: Vec<&BadValue> = bad.iter().filter(used).collect();
        first.sort_by_key(|bad| bad.row);
        first.dedup_by_key(|bad| bad.row);
        if first.is_empty() {
            return Ok(Routed::whole(batch));
        }
        let rows: Vec<u32> = first.iter().map(|bad| bad.row).collect();
        self.count_failed_in_partitions(node, &batch, &rows);
        let row = self.row_before(node);
        let fault = |bad: &&BadValue| Fault {
            row: bad.row,
            reason: match bad.column {
                Some(column) => bad_value(&row.columns[places[column as usize]].name, bad),
                None => bad.reason.clone(),
            },
            span: self.read_by(node),
            text: bad.column.is_none().then(|| bad.text.clone()),
        };
        match self.policy(node) {
            ErrorPolicy::Fail => {
                Err(self.failed(node, &batch, lines, fault(&first[0]), Failing::Expression))
            }
            ErrorPolicy::Drop => {
                let batch = without(&batch, &mut [], &rows);
                Ok(Routed { dropped: rows.len() as u64, ..Routed::whole(batch) })
            }
            ErrorPolicy::Null => {
                // A record that cannot be read at all has no values that could be null.
                let unreadable = first.iter().filter(|bad| bad.column.is_none());
                let gone: Vec<u32> = unreadable.map(|bad| bad.row).collect();
                let batch = without(&batch, &mut [], &gone);
                let (dropped, nulled) = (gone.len() as u64, (rows.len() - gone.len()) as u64);
                Ok(Routed { dropped, nulled, ..Routed::whole(batch) })
            }
            ErrorPolicy::Quarantine(quarantine) => {
                let rejects =
                    self.set_aside(node, &batch, lines, quarantine, first.iter().map(fault));
                let batch = without(&batch, &mut [], &rows);
                Ok(Routed { rejects, ..Routed::whole(batch) })
            }
        }
    }

    /// Does with the rows that break a rule what the rule says.
    pub(super) fn judge(
        &self,
        node: NodeId,
        batch: Batch,
        holds: &Operand,
        rule: &Expectation,
        lines: &RowLines,
    ) -> Result<Routed, Error> {
        let truth = holds.array.as_boolean();
        let broken: Vec<u32> = (0..batch.rows)
            .filter(|&row| {
                let at = holds.index(row);
                truth.is_null(at) || !truth.value(at)
            })
            .map(|row| row as u32)
            .collect();
        if broken.is_empty() {
            return Ok(Routed::whole(batch));
        }
        self.count(node, |counts| &counts.violations, broken.len() as u64);
        let fault = |&row: &u32| Fault {
            row,
            reason: format!("`{}` does not hold", rule.name),
            span: rule.condition.span,
            text: None,
        };
        match rule.action {
            ExpectAction::Warn => Ok(Routed::whole(batch)),
            ExpectAction::Fail => {
                Err(self.failed(node, &batch, lines, fault(&broken[0]), Failing::Rule))
            }
            ExpectAction::Drop => {
                self.count_failed_in_partitions(node, &batch, &broken);
                let batch = without(&batch, &mut [], &broken);
                Ok(Routed { dropped: broken.len() as u64, ..Routed::whole(batch) })
            }
            ExpectAction::Quarantine(quarantine) => {
                self.count_failed_in_partitions(node, &batch, &broken);
                let rejects =
                    self.set_aside(node, &batch, lines, quarantine, broken.iter().map(fault));
                let batch = without(&batch, &mut [], &broken);
                Ok(Routed { rejects, ..Routed::whole(batch) })
            }
        }
    }

    /// The error of a row that may not fail.
    fn failed(
        &self,
        node: NodeId,
        batch: &Batch,
        lines: &RowLines,
        fault: Fault,
        of: Failing,
    ) -> Error {
        // A stage that begins with an earlier result does not know where its rows came from.
        let from_scan = self.nodes[node.at()].from_scan;
        Error::Row {
            span: fault.span,
            job: self.plan.node(node).job,
            of,
            reason: fault.reason,
            position: from_scan.then(|| batch.positions.at(fault.row as usize)),
            line: lines.of(row_in_morsel(batch, fault.row)),
            place: None,
        }
    }

    fn set_aside(
        &self,
        node: NodeId,
        batch: &Batch,
        lines: &RowLines,
        quarantine: QuarantineId,
        faults: impl Iterator<Item = Fault>,
    ) -> Vec<Reject> {
        let row = self.row_before(node);
        let reject = |fault: Fault| Reject {
            quarantine,
            node,
            position: batch.positions.at(fault.row as usize),
            reason: fault.reason,
            line: lines.of(row_in_morsel(batch, fault.row)),
            text: fault.text,
            values: row_values(batch, &row, fault.row as usize),
        };
        faults.map(reject).collect()
    }

    /// What makes the job read this source: its `from`, or a join or union.
    fn read_by(&self, node: NodeId) -> Span {
        let of = self.plan.node(node);
        let NodeKind::Read { source, main } = of.kind else {
            unreachable!("only readers see what cannot be read");
        };
        let Some(job) = of.job else { return self.pipeline.sources[source.0 as usize].span };
        let job = &self.pipeline.jobs[job.0 as usize];
        // The right side of a join is built, an input of a union gathered for its step.
        let reader = of.consumers.first().map(|reader| self.plan.node(*reader));
        let step = reader.and_then(|reader| match reader.kind {
            NodeKind::Build(step) => Some(step),
            NodeKind::Gather => reader.consumers.iter().find_map(|next| {
                let NodeKind::Step(step) = self.plan.node(*next).kind else { return None };
                Some(step)
            }),
            _ => None,
        });
        step.filter(|_| !main).map_or(job.input_span, |step| job.steps[step].span)
    }
}

/// The number of a row's source row within its morsel.
fn row_in_morsel(batch: &Batch, row: u32) -> u64 {
    batch.positions.at(row as usize) & ((1 << POSITION_ROW_BITS) - 1)
}

/// `who.age: "x" is not an int`
fn bad_value(column: &str, bad: &BadValue) -> String {
    let text = crate::diagnostics::shown(&bad.text);
    let quote = if bad.is_literal { "" } else { "\"" };
    let found = if text.is_empty() { String::new() } else { format!(": {quote}{text}{quote}") };
    format!("{column}{}{found}{} {}", bad.path, crate::data::parse::verb(&bad.reason), bad.reason)
}

/// The batch without these rows.
fn without(batch: &Batch, values: &mut [Operand], rows: &[u32]) -> Batch {
    if rows.is_empty() {
        return batch.clone();
    }
    let mut keep = BooleanBufferBuilder::new(batch.rows);
    keep.append_n(batch.rows, true);
    for &row in rows {
        keep.set_bit(row as usize, false);
    }
    filter_rows(batch, values, &keep.finish())
}

/// The values of a row as JSON: numbers and truth as such, all else as text.
fn row_values(batch: &Batch, row: &Row, at: usize) -> serde_json::Map<String, serde_json::Value> {
    let mut values = serde_json::Map::new();
    for (column, array) in row.columns.iter().zip(&batch.columns) {
        values.insert(column.name.to_string(), json_of(array, &column.ty.data, at));
    }
    values
}

/// A value as JSON.
pub fn json_of(
    array: &arrow_array::ArrayRef,
    ty: &crate::types::DataType,
    at: usize,
) -> serde_json::Value {
    use crate::types::{DataType, Scalar};
    if array.data_type() == &arrow_schema::DataType::Null {
        return serde_json::Value::Null;
    }
    let value = scalar_at(array, ty, at);
    match (&value, ty) {
        (Scalar::Null, _) => serde_json::Value::Null,
        (Scalar::Bool(value), _) => (*value).into(),
        (Scalar::Int(value), _) => (*value).into(),
        (Scalar::Float(value), _) if value.is_finite() => (*value).into(),
        (_, DataType::List(_) | DataType::Record(_)) => {
            serde_json::from_str(&display(&value, ty)).unwrap_or_default()
        }
        _ => display(&value, ty).into(),
    }
}
