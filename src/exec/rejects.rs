//! Rows that fail: where they go, as the job says, and what is kept of those set aside.

use super::Error;
use super::rows::filter_rows;
use super::stage::Execution;
use crate::connect::BadValue;
use crate::data::{Batch, display, scalar_at};
use crate::functions::kernel::{Failure, Operand};
use crate::ir::{ErrorPolicy, ExpectAction, Expectation, QuarantineId, Row};
use crate::plan::{NodeId, NodeKind};
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
    /// The place of the expression or rule, if it was not the reader.
    pub span: Option<Span>,
    /// Line within its morsel, of what could not be read.
    pub line: Option<u64>,
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
            (NodeKind::Build(_) | NodeKind::Gather | NodeKind::Result, Some(job)) => {
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
    ) -> Result<Routed, Error> {
        let mut first: Vec<&Failure> = failures.iter().collect();
        first.sort_by_key(|failure| failure.row);
        first.dedup_by_key(|failure| failure.row);
        let nothing =
            |batch, values| Routed { batch, values, rejects: vec![], dropped: 0, nulled: 0 };
        match self.policy(node) {
            ErrorPolicy::Fail => {
                let failure = first[0];
                Err(Error::Row {
                    span: Some(span(failure.site)),
                    reason: failure.reason.clone(),
                    position: self.input_position(node, &batch, failure.row as usize),
                    line: None,
                    place: None,
                })
            }
            ErrorPolicy::Null => {
                Ok(Routed { nulled: first.len() as u64, ..nothing(batch, values) })
            }
            policy @ (ErrorPolicy::Drop | ErrorPolicy::Quarantine(_)) => {
                let row = self.row_before(node);
                let rejects = match policy {
                    ErrorPolicy::Quarantine(quarantine) => first
                        .iter()
                        .map(|failure| Reject {
                            quarantine,
                            node,
                            position: batch.positions.at(failure.row as usize),
                            reason: failure.reason.clone(),
                            span: Some(span(failure.site)),
                            line: None,
                            values: row_values(&batch, &row, failure.row as usize),
                        })
                        .collect(),
                    _ => vec![],
                };
                let dropped = if rejects.is_empty() { first.len() as u64 } else { 0 };
                let failed: Vec<u32> = first.iter().map(|failure| failure.row).collect();
                let batch = without(&batch, &mut values, &failed);
                Ok(Routed { rejects, dropped, ..nothing(batch, values) })
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
    ) -> Result<Routed, Error> {
        let live = &self.plan.node(node).live;
        let used = |bad: &&BadValue| bad.column.is_none_or(|column| live[places[column as usize]]);
        let mut first: Vec<&BadValue> = bad.iter().filter(used).collect();
        first.sort_by_key(|bad| bad.row);
        first.dedup_by_key(|bad| bad.row);
        let nothing =
            |batch| Routed { batch, values: vec![], rejects: vec![], dropped: 0, nulled: 0 };
        if first.is_empty() {
            return Ok(nothing(batch));
        }
        let row = self.row_before(node);
        let reason = |bad: &BadValue| match bad.column {
            Some(column) => {
                let name = &row.columns[places[column as usize]].name;
                let text = crate::diagnostics::shown(&bad.text);
                format!("{name}: \"{text}\" is {}", bad.reason)
            }
            None => bad.reason.clone(),
        };
        match self.policy(node) {
            ErrorPolicy::Fail => Err(Error::Row {
                span: None,
                reason: reason(first[0]),
                position: Some(batch.positions.at(first[0].row as usize)),
                line: Some(first[0].line),
                place: None,
            }),
            ErrorPolicy::Null if first.iter().all(|bad| bad.column.is_some()) => {
                Ok(Routed { nulled: first.len() as u64, ..nothing(batch) })
            }
            ErrorPolicy::Null | ErrorPolicy::Drop => {
                // A record that cannot be read at all has no values that could be null.
                let whole = self.policy(node) == ErrorPolicy::Null;
                let gone: Vec<u32> = first
                    .iter()
                    .filter(|bad| !whole || bad.column.is_none())
                    .map(|bad| bad.row)
                    .collect();
                let dropped = gone.len() as u64;
                let nulled = first.len() as u64 - dropped;
                let batch = without(&batch, &mut [], &gone);
                Ok(Routed { dropped, nulled: if whole { nulled } else { 0 }, ..nothing(batch) })
            }
            ErrorPolicy::Quarantine(quarantine) => {
                let rejects = first
                    .iter()
                    .map(|bad| Reject {
                        quarantine,
                        node,
                        position: batch.positions.at(bad.row as usize),
                        reason: reason(bad),
                        span: None,
                        line: Some(bad.line),
                        values: row_values(&batch, &row, bad.row as usize),
                    })
                    .collect();
                let gone: Vec<u32> = first.iter().map(|bad| bad.row).collect();
                let batch = without(&batch, &mut [], &gone);
                Ok(Routed { rejects, ..nothing(batch) })
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
    ) -> Result<Routed, Error> {
        let truth = holds.array.as_boolean();
        let broken: Vec<u32> = (0..batch.rows)
            .filter(|&row| {
                let at = holds.index(row);
                truth.is_null(at) || !truth.value(at)
            })
            .map(|row| row as u32)
            .collect();
        let nothing =
            |batch| Routed { batch, values: vec![], rejects: vec![], dropped: 0, nulled: 0 };
        if broken.is_empty() {
            return Ok(nothing(batch));
        }
        self.count(node, |counts| &counts.violations, broken.len() as u64);
        match rule.action {
            ExpectAction::Warn => Ok(nothing(batch)),
            ExpectAction::Fail => Err(Error::Row {
                span: Some(rule.condition.span),
                reason: format!("`{}` does not hold", rule.name),
                position: self.input_position(node, &batch, broken[0] as usize),
                line: None,
                place: None,
            }),
            ExpectAction::Drop => {
                let batch = without(&batch, &mut [], &broken);
                Ok(Routed { dropped: broken.len() as u64, ..nothing(batch) })
            }
            ExpectAction::Quarantine(quarantine) => {
                let row = self.row_before(node);
                let rejects = broken
                    .iter()
                    .map(|&at| Reject {
                        quarantine,
                        node,
                        position: batch.positions.at(at as usize),
                        reason: format!("`{}` does not hold", rule.name),
                        span: Some(rule.condition.span),
                        line: None,
                        values: row_values(&batch, &row, at as usize),
                    })
                    .collect();
                let batch = without(&batch, &mut [], &broken);
                Ok(Routed { rejects, ..nothing(batch) })
            }
        }
    }

    /// The position of a row in a scan; None where the stage begins with an earlier result.
    fn input_position(&self, node: NodeId, batch: &Batch, row: usize) -> Option<u64> {
        self.nodes[node.at()].from_scan.then(|| batch.positions.at(row))
    }
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
