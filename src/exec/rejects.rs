//! Rows that fail: where they go, as the job says, and what is kept of those set aside.

mod seen;

use super::nulled::Flow;
use super::quarantine::{write_json, write_value};
use super::rows::filter_rows;
use super::stage::Execution;
use super::{Error, Failing};
use crate::connect::{BadValue, RowLines};
use crate::data::{Batch, POSITION_ROW_BITS, display, scalar_at};
use crate::functions::kernel::{Failure, Operand};
use crate::ir::{ABOUT_ROWS, ErrorPolicy, ExpectAction, Expectation, QuarantineId, Row, StepKind};
use crate::plan::{NodeId, NodeKind, step_of};
use crate::text::Span;
use crate::types::{DataType, Scalar};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::BooleanBufferBuilder;
use std::sync::Arc;

/// The part of a source that a morsel is.
pub struct Origin {
    /// Position of the file among those of the source.
    pub file: usize,
    /// At which lines its records begin.
    pub lines: RowLines,
}

/// Where a row stands in its morsel.
#[derive(Clone, Copy, Debug)]
pub struct PlaceInMorsel {
    /// Position of the file among those of the source, if it is known which source row it is.
    pub file: Option<usize>,
    /// Record, from 0.
    pub row: u64,
    /// Line, from 0.
    pub line: Option<u64>,
}

/// Where rows fail: an operator, and which of its steps, where it is several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The operator.
    pub node: NodeId,
    /// The step, from 0.
    pub step: usize,
}

impl From<NodeId> for Spot {
    fn from(node: NodeId) -> Spot {
        Spot { node, step: 0 }
    }
}

/// A row that was set aside.
#[derive(Clone, Debug)]
pub struct Reject {
    /// Into which quarantine.
    pub quarantine: QuarantineId,
    /// Where it failed.
    pub by: Spot,
    /// Where it stood in the input of its stage.
    pub position: u64,
    /// Where it stood in its source.
    pub place: PlaceInMorsel,
    /// What is known of it before its place is: the beginning of a JSON object with the values as
    /// they were, what was wrong, and the job.
    pub head: Vec<u8>,
    /// The text of its record, if it failed while it was read.
    pub text: Option<Arc<str>>,
}

impl Reject {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Reject>() + self.head.len() + self.text.as_ref().map_or(0, |text| text.len())
    }
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
    /// Positions of the rows with a value that became null.
    pub nulled: Vec<u64>,
    /// Where `on error` is `null`: positions of the rows that broke a rule and are gone.
    pub broken: Vec<u64>,
}

impl Routed {
    /// A batch of which nothing has been taken out.
    fn whole(batch: Batch) -> Routed {
        Routed {
            batch,
            values: vec![],
            rejects: vec![],
            dropped: 0,
            nulled: vec![],
            broken: vec![],
        }
    }
}

/// What is wrong with a row.
struct Fault {
    row: u32,
    reason: String,
    /// The expression or rule, or what reads the row.
    span: Span,
    text: Option<Arc<str>>,
}

impl Execution<'_> {
    pub(super) fn policy(&self, node: NodeId) -> ErrorPolicy {
        self.plan
            .node(node)
            .job
            .map_or(ErrorPolicy::Fail, |job| self.pipeline.jobs[job.0 as usize].on_error.policy)
    }

    /// The step of the job in which rows fail.
    pub(super) fn step_at(&self, spot: Spot) -> Option<usize> {
        match self.plan.node(spot.node).kind {
            NodeKind::Steps(steps) => Some(steps.first + spot.step),
            NodeKind::Step(step) => Some(step),
            _ => None,
        }
    }

    /// The row before an operator or a step of it.
    fn row_before(&self, spot: Spot) -> Arc<Row> {
        let of = self.plan.node(spot.node);
        if let (Some(step), Some(job)) = (self.step_at(spot), of.job) {
            let job = &self.pipeline.jobs[job.0 as usize];
            return match step.checked_sub(1) {
                Some(before) => job.steps[before].row.clone(),
                None => job.input_row.clone(),
            };
        }
        match (of.kind, of.job) {
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
        spot: Spot,
        batch: Batch,
        mut values: Vec<Operand>,
        failures: &[Failure],
        span: &dyn Fn(u32) -> Span,
        origin: Option<&Origin>,
    ) -> Result<Routed, Error> {
        let mut first: Vec<&Failure> = failures.iter().collect();
        first.sort_by_key(|failure| failure.row);
        first.dedup_by_key(|failure| failure.row);
        let rows: Vec<u32> = first.iter().map(|failure| failure.row).collect();
        self.count_failed_in_partitions(spot, &batch, &rows);
        let fault = |failure: &&Failure| Fault {
            row: failure.row,
            reason: failure.reason.clone(),
            span: span(failure.site),
            text: None,
        };
        match self.policy(spot.node) {
            ErrorPolicy::Fail => {
                Err(self.failed(spot.node, &batch, origin, fault(&first[0]), Failing::Expression))
            }
            ErrorPolicy::Null => {
                Ok(Routed { values, nulled: batch.positions.of(&rows), ..Routed::whole(batch) })
            }
            ErrorPolicy::Drop => {
                let batch = without(&batch, &mut values, &rows);
                Ok(Routed { values, dropped: rows.len() as u64, ..Routed::whole(batch) })
            }
            ErrorPolicy::Quarantine(quarantine) => {
                let rejects =
                    self.set_aside(spot, &batch, origin, quarantine, first.iter().map(fault));
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
        origin: Option<&Origin>,
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
        self.count_failed_in_partitions(node.into(), &batch, &rows);
        let row = self.row_before(node.into());
        // What ends a run is told everywhere; what is set aside is in a file that only its owner reads.
        let is_told = self.policy(node) == ErrorPolicy::Fail;
        let fault = |bad: &&BadValue| Fault {
            row: bad.row,
            reason: match bad.column {
                Some(column) => {
                    let column = places[column as usize];
                    let is_hidden = is_told && self.is_sensitive(node, column);
                    bad_value(&row.columns[column].name, bad, is_hidden)
                }
                None => bad.reason.clone(),
            },
            span: self.read_by(node),
            text: bad.record.clone(),
        };
        match self.policy(node) {
            ErrorPolicy::Fail => {
                Err(self.failed(node, &batch, origin, fault(&first[0]), Failing::Expression))
            }
            ErrorPolicy::Drop => {
                let batch = without(&batch, &mut [], &rows);
                Ok(Routed { dropped: rows.len() as u64, ..Routed::whole(batch) })
            }
            ErrorPolicy::Null => {
                // A record that cannot be read at all has no values that could be null.
                let unreadable = first.iter().filter(|bad| bad.column.is_none());
                let gone: Vec<u32> = unreadable.map(|bad| bad.row).collect();
                let readable = first.iter().filter(|bad| bad.column.is_some());
                let nulled = readable.map(|bad| batch.positions.at(bad.row as usize)).collect();
                let batch = without(&batch, &mut [], &gone);
                Ok(Routed { dropped: gone.len() as u64, nulled, ..Routed::whole(batch) })
            }
            ErrorPolicy::Quarantine(quarantine) => {
                let rejects = self.set_aside(
                    node.into(),
                    &batch,
                    origin,
                    quarantine,
                    first.iter().map(fault),
                );
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
        origin: Option<&Origin>,
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
        let gone = match self.policy(node) {
            ErrorPolicy::Null => batch.positions.of(&broken),
            _ => vec![],
        };
        let seen = seen::by_rule(self.pipeline, self.plan.node(node).job, &batch);
        if let Some(seen) = &seen {
            let mut all = self.seen.lock().expect("no thread panics holding it");
            all.insert(node, seen.clone());
        }
        let seen = seen.map_or(String::new(), |seen| format!(": {seen}"));
        let fault = |&row: &u32| Fault {
            row,
            reason: format!("`{}` does not hold{seen}", rule.name),
            span: rule.condition.span,
            text: None,
        };
        match rule.action {
            ExpectAction::Warn => Ok(Routed::whole(batch)),
            ExpectAction::Fail => {
                Err(self.failed(node, &batch, origin, fault(&broken[0]), Failing::Rule))
            }
            ExpectAction::Drop => {
                self.count_failed_in_partitions(node.into(), &batch, &broken);
                let batch = without(&batch, &mut [], &broken);
                let dropped = broken.len() as u64;
                Ok(Routed { dropped, broken: gone, ..Routed::whole(batch) })
            }
            ExpectAction::Quarantine(quarantine) => {
                self.count_failed_in_partitions(node.into(), &batch, &broken);
                let rejects = self.set_aside(
                    node.into(),
                    &batch,
                    origin,
                    quarantine,
                    broken.iter().map(fault),
                );
                let batch = without(&batch, &mut [], &broken);
                Ok(Routed { rejects, broken: gone, ..Routed::whole(batch) })
            }
        }
    }

    /// The error of a row that may not fail.
    fn failed(
        &self,
        node: NodeId,
        batch: &Batch,
        origin: Option<&Origin>,
        fault: Fault,
        of: Failing,
    ) -> Error {
        let place = place_of(batch, fault.row, origin);
        Error::Row {
            span: fault.span,
            job: self.plan.node(node).job.map(|job| self.pipeline.owner(job)),
            of,
            reason: fault.reason,
            // A stage that begins with an earlier result does not know where its rows came from.
            position: place.file.map(|_| batch.positions.at(fault.row as usize)),
            line: place.line,
            place: None,
        }
    }

    fn set_aside(
        &self,
        by: Spot,
        batch: &Batch,
        origin: Option<&Origin>,
        quarantine: QuarantineId,
        faults: impl Iterator<Item = Fault>,
    ) -> Vec<Reject> {
        let row = self.row_before(by);
        let job = self.plan.node(by.node).job;
        let job = job.map(|job| self.pipeline.jobs[job.0 as usize].name.as_str());
        let reject = |fault: Fault| {
            let mut head = b"{".to_vec();
            write_row(&mut head, batch, &row, fault.row as usize);
            write_value(&mut head, "_reason", &fault.reason);
            write_value(&mut head, "_job", &job);
            Reject {
                quarantine,
                by,
                position: batch.positions.at(fault.row as usize),
                place: place_of(batch, fault.row, origin),
                head,
                text: fault.text,
            }
        };
        faults.map(reject).collect()
    }

    /// What the rows of an operator belong to.
    pub(super) fn flows_of(&self, node: NodeId) -> Vec<Flow> {
        let of = self.plan.node(node);
        let is_build = |id: &NodeId| matches!(self.plan.node(*id).kind, NodeKind::Build(_));
        let side = match of.kind {
            NodeKind::Build(_) => Some(node),
            NodeKind::Read { .. } => of.consumers.first().copied().filter(is_build),
            _ => None,
        };
        side.map_or_else(|| of.jobs().map(Flow::Job).collect(), |side| vec![Flow::Side(side)])
    }

    /// May nobody see the values of this column of a source?
    fn is_sensitive(&self, node: NodeId, column: usize) -> bool {
        let NodeKind::Read { source, .. } = self.plan.node(node).kind else { return false };
        self.pipeline.sources[source.0 as usize].is_sensitive(column)
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

/// Where a row of a batch stands in its morsel, if that is one of a source.
fn place_of(batch: &Batch, row: u32, origin: Option<&Origin>) -> PlaceInMorsel {
    let row = batch.positions.at(row as usize) & ((1 << POSITION_ROW_BITS) - 1);
    let file = origin.map(|origin| origin.file);
    PlaceInMorsel { file, row, line: origin.and_then(|origin| origin.lines.of(row)) }
}

/// `who.age: "x" is not an int`
fn bad_value(column: &str, bad: &BadValue, is_hidden: bool) -> String {
    let text = crate::diagnostics::shown(&bad.text);
    let quote = if bad.is_literal { "" } else { "\"" };
    // A literal in quotes that was cut has lost the last.
    let is_open = bad.is_literal && text.starts_with('"') && text.ends_with('…');
    let end = if is_open { "\"" } else { quote };
    let found = match (text.is_empty(), is_hidden) {
        (true, _) => String::new(),
        (false, true) => ": a value that is sensitive".to_owned(),
        (false, false) => format!(": {quote}{text}{end}"),
    };
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

/// The values of a row as JSON: numbers and truth as such, what has parts as outputs spell it, all else
/// as text.
fn write_row(out: &mut Vec<u8>, batch: &Batch, row: &Row, at: usize) {
    for (column, array) in row.columns.iter().zip(&batch.columns) {
        let is_about = ABOUT_ROWS.iter().any(|(name, _)| **name == *column.name);
        if !column.is_hidden() && !is_about {
            write_column(out, &column.name, array, &column.ty.data, at);
        }
    }
}

fn write_column(out: &mut Vec<u8>, name: &str, array: &ArrayRef, ty: &DataType, at: usize) {
    if array.data_type() == &arrow_schema::DataType::Null {
        return write_json(out, name, "null");
    }
    let value = scalar_at(array, ty, at);
    match (&value, ty) {
        (Scalar::Null, _) => write_json(out, name, "null"),
        (Scalar::Bool(value), _) => write_value(out, name, value),
        (Scalar::Int(value), _) => write_value(out, name, value),
        (Scalar::Float(value), _) if value.is_finite() => write_value(out, name, value),
        (_, DataType::List(_) | DataType::Map(_) | DataType::Record(_) | DataType::Json) => {
            write_json(out, name, &display(&value, ty));
        }
        _ => write_value(out, name, &display(&value, ty)),
    }
}
