//! Outputs that are merged into what they hold, in terms of steps that there are: what an output holds
//! is a source, and jobs of the output's own join it with the new rows and put both together. So a
//! merge runs on all threads, within the memory that there is, as any job.

use super::held::Held;
use crate::connect;
use crate::exec::stage::Execution;
use crate::ir::{
    About, Cardinality, Comparison, Expr, ExprKind, Input, Job, JobId, Join, JoinKind, Merge,
    MergeKeep, Mode, Output, Partition, Pipeline, Promise, Row, RunContext, RunValue, Scd2, Source,
    SourceColumn, SourceId, Step, StepKind, VERSION,
};
use crate::plan::{NodeKind, step_of};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What became of the rows that an output held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Those that stayed.
    pub kept: u64,
    /// Those that gave way to new ones.
    pub updated: u64,
    /// New ones whose key was not there.
    pub inserted: u64,
}

/// The pipeline with what these outputs do to the rows that they hold as jobs; none if it is as it is
/// written.
pub(super) fn with_merges(
    pipeline: &Pipeline,
    context: &RunContext,
    base: &Path,
    outputs: &[usize],
    held: &Held,
) -> Option<Pipeline> {
    let mut merged = None;
    for &at in outputs {
        let is_there = held.get(&at).is_some_and(Option::is_some);
        let output = &pipeline.outputs[at];
        if matches!(output.mode, Mode::Overwrite | Mode::Append) {
            continue;
        }
        let merged = merged.get_or_insert_with(|| pipeline.clone());
        let lowering = Lowering { merged, output, at, context, base };
        match &output.mode {
            Mode::Merge(merge) if is_there => lowering.merge(merge),
            Mode::Merge(merge) => lowering.first_rows(merge),
            Mode::Scd2(scd2) if is_there => lowering.scd2(scd2),
            Mode::Scd2(scd2) => lowering.first_versions(scd2),
            Mode::Overwrite | Mode::Append => {}
        }
    }
    merged
}

/// What became of the rows that an output held, once all is computed.
pub(super) fn merged(execution: &Execution, output: &Output) -> Option<Merged> {
    let Input::Job(job) = output.from else { return None };
    let pipeline = execution.pipeline;
    if !pipeline.jobs[job.0 as usize].is_hidden {
        return None;
    }
    // Rows that go into folders are sorted by a further job.
    let (mut held, mut kept, mut all) = (None, 0, 0);
    let mut hidden = Some(job);
    while let Some(job) = hidden.filter(|_| held.is_none()) {
        for (id, node) in execution.plan.iter().filter(|(_, node)| node.is_of(job)) {
            let counts = &execution.counts[id.at()];
            match node.kind {
                NodeKind::Result => all = counts.output.load(Relaxed),
                NodeKind::Step(step) => {
                    if let StepKind::Join(join) = step_of(pipeline, node, step)
                        && join.kind == JoinKind::Anti
                    {
                        held = Some(counts.input.load(Relaxed));
                        kept = counts.output.load(Relaxed);
                    }
                }
                _ => {}
            }
        }
        hidden = match pipeline.jobs[job.0 as usize].input {
            Input::Job(before) if pipeline.jobs[before.0 as usize].is_hidden => Some(before),
            _ => None,
        };
    }
    let updated = held? - kept;
    // Of a version that ends both are there, it and the new one.
    let of_updated = if matches!(output.mode, Mode::Scd2(_)) { 2 * updated } else { updated };
    Some(Merged { kept, updated, inserted: all - kept - of_updated })
}

/// An output that is being merged.
struct Lowering<'p> {
    merged: &'p mut Pipeline,
    output: &'p Output,
    at: usize,
    context: &'p RunContext,
    base: &'p Path,
}

impl Lowering<'_> {
    fn merge(mut self, merge: &Merge) {
        let new = self.output.from;
        let row = self.merged.row_of(new).clone();
        let held = self.held(&row);
        // A row that is there wins over few: those of which there is a new one.
        let wins = match merge.keep {
            MergeKeep::New => None,
            MergeKeep::Old => Some(None),
            MergeKeep::Largest(by) => Some(Some((Comparison::Greater, by))),
            MergeKeep::Smallest(by) => Some(Some((Comparison::Less, by))),
        };
        let keys = &merge.keys;
        let coming = match wins {
            None => new,
            Some(condition) => {
                let of_new = self.join(JoinKind::Semi, keys, &row, (new, &row), None);
                let rivals = self.job(held, &row, vec![of_new], None);
                let residual = condition.map(|(by, column)| self.compare(by, &row, column));
                let beaten = self.join(JoinKind::Anti, keys, &row, (rivals, &row), residual);
                let mut steps = self.keys_checked(&row, keys, merge.declared);
                steps.push(beaten);
                self.job(new, &row, steps, None)
            }
        };
        let mut join = self.join(JoinKind::Anti, keys, &row, (coming, &row), None);
        if coming == new {
            promise(&mut join, merge.declared);
        }
        let union = self.union(&row, vec![coming]);
        self.write(held, &row, vec![join, union]);
    }

    /// What is there ends where a new row differs, and the new one begins.
    fn scd2(mut self, scd2: &Scd2) {
        let new = self.output.from;
        let row = self.merged.row_of(new).clone();
        let versions = self.versions(&row);
        let width = row.columns.len();
        let held = self.held(&versions);
        let is_current = self.column(&versions, width + 2);
        let filter = StepKind::Filter { condition: is_current.clone(), keep_nulls: false };
        let current = self.job(held, &versions, vec![self.step(filter, &versions)], None);
        let same = scd2.track.iter().map(|&at| self.compare(Comparison::Equal, &row, at));
        let same = same.reduce(|a, b| {
            let (ty, span) = (a.ty.clone(), a.span);
            Expr { kind: ExprKind::And(Box::new(a), Box::new(b)), ty, span }
        });
        let keys = &scd2.keys;
        let differ = self.join(JoinKind::Anti, keys, &row, (current, &versions), same);
        let mut steps = self.keys_checked(&row, keys, scd2.declared);
        steps.push(differ);
        let changed = self.job(new, &row, steps, None);
        let begins = self.begins(&row, &versions);
        let begun = self.job(changed, &row, vec![begins], None);
        let ends = self.join(JoinKind::Semi, keys, &versions, (changed, &row), None);
        let mut values: Vec<Expr> = (0..=width).map(|at| self.column(&versions, at)).collect();
        values.extend([self.now(true), self.value(Scalar::Bool(false), DataType::Bool.required())]);
        let end = self.step(StepKind::Project(values), &versions);
        let ended = self.job(current, &versions, vec![ends, end], None);
        let stays = self.join(JoinKind::Anti, keys, &versions, (changed, &row), Some(is_current));
        let union = self.union(&versions, vec![ended, begun]);
        self.write(held, &versions, vec![stays, union]);
    }

    /// Nothing is there yet.
    fn first_rows(self, merge: &Merge) {
        let new = self.output.from;
        let row = self.merged.row_of(new).clone();
        let steps = self.keys_checked(&row, &merge.keys, merge.declared);
        if !steps.is_empty() {
            self.write(new, &row, steps);
        }
    }

    /// Every row is the first version of itself.
    fn first_versions(self, scd2: &Scd2) {
        let new = self.output.from;
        let row = self.merged.row_of(new).clone();
        let versions = self.versions(&row);
        let mut steps = self.keys_checked(&row, &scd2.keys, scd2.declared);
        steps.push(self.begins(&row, &versions));
        self.write(new, &row, steps);
    }

    /// Has the key of the new rows, which a source declares, be checked: each of them is there once.
    fn keys_checked(&self, row: &Arc<Row>, keys: &[usize], declared: Option<Span>) -> Vec<Step> {
        if declared.is_none() {
            return vec![];
        }
        let mut join = self.join(JoinKind::Semi, keys, row, (self.output.from, row), None);
        promise(&mut join, declared);
        vec![join]
    }

    /// A row with the columns of a version.
    fn versions(&self, row: &Row) -> Arc<Row> {
        let types = [
            DataType::Timestamp.required(),
            DataType::Timestamp.optional(),
            DataType::Bool.required(),
        ];
        let added = VERSION.into_iter().zip(types).map(|(name, ty)| crate::ir::Column {
            name: name.into(),
            ty,
            origin: self.output.span,
            domain: None,
        });
        let columns = row.columns.iter().cloned().chain(added).collect();
        Arc::new(Row { columns, ..Row::default() })
    }

    /// A new version begins at the time of the run.
    fn begins(&self, row: &Arc<Row>, versions: &Arc<Row>) -> Step {
        let mut values: Vec<Expr> = (0..row.columns.len()).map(|at| self.column(row, at)).collect();
        values.extend([
            self.now(false),
            self.value(Scalar::Null, DataType::Timestamp.optional()),
            self.value(Scalar::Bool(true), DataType::Bool.required()),
        ]);
        self.step(StepKind::Project(values), versions)
    }

    /// The time of the run, where null could stand or not.
    fn now(&self, nullable: bool) -> Expr {
        let ty = Type { nullable, ..DataType::Timestamp.required() };
        Expr { kind: ExprKind::Run(RunValue::Time), ty, span: self.output.span }
    }

    fn value(&self, value: Scalar, ty: Type) -> Expr {
        Expr { kind: ExprKind::Literal(value), ty, span: self.output.span }
    }

    fn step(&self, kind: StepKind, row: &Arc<Row>) -> Step {
        Step { kind, row: row.clone(), span: self.output.span }
    }

    /// These tables behind the one that is there.
    fn union(&self, row: &Arc<Row>, inputs: Vec<Input>) -> Step {
        let all: Vec<Expr> = (0..row.columns.len()).map(|at| self.column(row, at)).collect();
        let columns = vec![all; inputs.len() + 1];
        self.step(StepKind::Union { inputs, columns }, row)
    }

    /// Has the output written by this job, in as many parts as it was to be.
    fn write(mut self, input: Input, row: &Arc<Row>, steps: Vec<Step>) {
        let partition = match self.output.from {
            Input::Job(job) => self.merged.jobs[job.0 as usize].partition.clone(),
            Input::Source(_) => None,
        };
        let from = self.job(input, row, steps, partition);
        self.merged.outputs[self.at].from = from;
    }

    /// What the output holds, as a source.
    fn held(&mut self, row: &Arc<Row>) -> Input {
        let connector = connect::find(self.output.connector).expect("checked");
        let given = super::arguments(&self.output.arguments, self.context);
        let path = given.text("path").unwrap_or_default();
        let mut arguments = vec![("path".to_owned(), self.literal(files(self.base, path)))];
        for (name, value) in &self.output.arguments {
            let is_read = |option: &connect::ConnectorOption| {
                option.name == name && option.side == connect::Side::Both && name != "path"
            };
            if connector.options.iter().any(is_read) {
                arguments.push((name.clone(), value.clone()));
            }
        }
        let column = |column: &crate::ir::Column| SourceColumn {
            external: column.name.clone(),
            sensitive: None,
            check: None,
            // Only so what is no number is read as it was written.
            format: (connector.has_formats && column.ty.data == DataType::Float)
                .then(|| "nan".into()),
        };
        let id = SourceId(self.merged.sources.len() as u32);
        self.merged.sources.push(Source {
            name: self.output.name.clone(),
            connector: connector.name,
            may_skip: connector.may_skip,
            arguments,
            columns: row.columns.iter().map(column).collect(),
            row: Arc::new(Row { columns: row.columns.clone(), ..Row::default() }),
            held_by: Some(self.at),
            aside: None,
            incremental: None,
            about: About::default(),
            span: self.output.span,
        });
        Input::Source(id)
    }

    fn job(
        &mut self,
        input: Input,
        row: &Arc<Row>,
        steps: Vec<Step>,
        partition: Option<Partition>,
    ) -> Input {
        let id = JobId(self.merged.jobs.len() as u32);
        let job = Job::hidden(&self.output.name, input, row, steps, self.output.span);
        self.merged.jobs.push(Job { partition, ..job });
        self.merged.order.push(id);
        Input::Job(id)
    }

    /// The rows that have, or have not, the key of one of the right side.
    fn join(
        &self,
        kind: JoinKind,
        keys: &[usize],
        row: &Arc<Row>,
        (right, right_row): (Input, &Arc<Row>),
        residual: Option<Expr>,
    ) -> Step {
        let of = |row: &Row| keys.iter().map(|&at| self.column(row, at)).collect();
        let join = Join {
            kind,
            right,
            right_row: right_row.clone(),
            left_keys: of(row),
            right_keys: of(right_row),
            nulls_match: false,
            shared_keys: vec![],
            nearest: None,
            residual,
            right_columns: vec![],
            check: Cardinality::default(),
        };
        self.step(StepKind::Join(Box::new(join)), row)
    }

    /// Does the right side of a join have more, less or the same as the left one?
    fn compare(&self, by: Comparison, row: &Row, column: usize) -> Expr {
        let left = self.column(row, column);
        let kind = ExprKind::Column(row.columns.len() + column);
        let right = Expr { kind, ..left.clone() };
        let kind = ExprKind::Compare(by, Box::new(right), Box::new(left));
        Expr { kind, ty: DataType::Bool.required(), span: self.output.span }
    }

    fn column(&self, row: &Row, at: usize) -> Expr {
        let ty = row.columns[at].ty.clone();
        Expr { kind: ExprKind::Column(at), ty, span: self.output.span }
    }

    fn literal(&self, paths: Vec<Arc<str>>) -> Expr {
        let ty = DataType::List(Box::new(DataType::String.required())).required();
        let paths: Vec<Scalar> = paths.into_iter().map(Scalar::String).collect();
        let kind = ExprKind::Literal(Scalar::List(paths));
        Expr { kind, ty, span: self.output.span }
    }
}

/// Has the key of the right side, which a source declares, be checked.
fn promise(join: &mut Step, declared: Option<Span>) {
    if let StepKind::Join(join) = &mut join.kind {
        join.check.right_unique = declared.map(Promise::Key);
    }
}

/// The file that an output is in, or the files of its parts, in the order of their names.
fn files(base: &Path, path: &str) -> Vec<Arc<str>> {
    let Ok(entries) = std::fs::read_dir(base.join(path)) else { return vec![path.into()] };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_of_it = |name: &String| name.starts_with("part-") || name.contains('=');
    let mut parts: Vec<String> = names.filter(is_of_it).collect();
    parts.sort();
    parts.into_iter().flat_map(|name| files(base, &format!("{path}/{name}"))).collect()
}
