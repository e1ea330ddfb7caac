//! Rules about all rows of a table: each is judged by a hidden job beside the one that states it, which
//! takes in its rows as they come to the rule, and holds no more of them than its aggregates do.

use crate::functions::Registry;
use crate::ir::{
    AggregateCall, Column, Comparison, ExpectAction, Expectation, Expr, ExprKind, Job, JobId,
    Pipeline, Row, Step, StepKind, TableFact, TableRule,
};
use crate::plan::Targets;
use crate::text::Span;
use crate::types::{DataType, Field, Scalar};
use std::sync::Arc;

/// The pipeline in which rules are judged; none if it has none, or if only the first rows of tables are
/// looked at.
pub(super) fn with_judges(pipeline: &Pipeline, targets: &Targets) -> Option<Pipeline> {
    if targets.first_rows.is_some() {
        return None;
    }
    let mut judged: Option<Pipeline> = None;
    for (at, job) in pipeline.jobs.iter().enumerate() {
        for (number, step) in job.steps.iter().enumerate() {
            let StepKind::ExpectAll(rule) = &step.kind else { continue };
            // It may prove a key: what comes to it is what comes before.
            let before = match number.checked_sub(1) {
                Some(before) => &job.steps[before].row,
                None => &job.input_row,
            };
            let judged = judged.get_or_insert_with(|| pipeline.clone());
            let judge = JobId(judged.jobs.len() as u32);
            let steps = steps(rule);
            judged.jobs.push(Job::hidden(&job.name, job.input, before, steps, step.span));
            judged.rules.insert((JobId(at as u32), number), judge);
        }
    }
    judged
}

/// From the rows to one that the rule is about, and the rule about that.
fn steps(rule: &TableRule) -> Vec<Step> {
    let span = rule.span;
    let step = |kind, row: &Arc<Row>| Step { kind, row: row.clone(), span };
    match &rule.says {
        TableFact::Holds { aggregates, row, condition } => {
            let kind = StepKind::Aggregate { keys: vec![], aggregates: aggregates.clone() };
            vec![step(kind, row), step(expect(rule, condition.clone()), row)]
        }
        TableFact::Unique(keys) => {
            let column = |at: usize, key: &Expr| Column {
                name: format!("key_{at}").into(),
                ty: key.ty.clone(),
                origin: span,
                domain: None,
            };
            let counted = |name: &str| Column {
                name: name.into(),
                ty: DataType::Int.required(),
                origin: span,
                domain: None,
            };
            let groups = keys.iter().enumerate().map(|(at, key)| column(at, key));
            let groups = groups.chain([counted("rows")]).collect();
            let groups = Arc::new(Row { columns: groups, ..Row::default() });
            let first = first(keys, span);
            let one = Column { name: "first".into(), ty: first.ty.clone(), ..counted("keys") };
            let one = [counted("keys"), one].into_iter().collect();
            let one = Arc::new(Row { columns: one, ..Row::default() });
            let grouped = StepKind::Aggregate { keys: keys.clone(), aggregates: vec![count(span)] };
            let repeated = compare(Comparison::Greater, keys.len(), 1, span);
            let filter = StepKind::Filter { condition: repeated, keep_nulls: false };
            let all = StepKind::Aggregate { keys: vec![], aggregates: vec![count(span), first] };
            let none = compare(Comparison::Equal, 0, 0, span);
            vec![
                step(grouped, &groups),
                step(filter, &groups),
                step(all, &one),
                step(expect(rule, none), &one),
            ]
        }
    }
}

fn expect(rule: &TableRule, condition: Expr) -> StepKind {
    // A rule is shown where it is written.
    let condition = Expr { span: rule.span, ..condition };
    let action = if rule.fails { ExpectAction::Fail } else { ExpectAction::Warn };
    StepKind::Expect(Box::new(Expectation {
        name: rule.name.clone(),
        condition,
        action,
        above: None,
    }))
}

/// How many rows there are.
fn count(span: Span) -> AggregateCall {
    let ty = DataType::Int.required();
    let overloads = Registry::standard().overloads("count");
    let takes_none = |id: &&crate::functions::FunctionId| {
        Registry::standard().declaration(**id).parameters.is_empty()
    };
    let function = *overloads.iter().find(takes_none).expect("rows can be counted");
    AggregateCall { name: "count".into(), function, arguments: vec![], ty, span }
}

/// The first key in the order of groups, in which threads have no say: as a record, since a part of it may
/// be null.
fn first(keys: &[Expr], span: Span) -> AggregateCall {
    let field =
        |(at, key): (usize, &Expr)| Field { name: format!("key_{at}").into(), ty: key.ty.clone() };
    let record = DataType::Record(keys.iter().enumerate().map(field).collect()).required();
    let parts = keys.iter().enumerate();
    let parts = parts.map(|(at, key)| Expr { kind: ExprKind::Column(at), span, ..key.clone() });
    let key = Expr { kind: ExprKind::Record(parts.collect()), ty: record.clone(), span };
    let function = *Registry::standard().overloads("first").first().expect("rows have a first");
    let ty = record.data.optional();
    AggregateCall { name: "first".into(), function, arguments: vec![key], ty, span }
}

/// A comparison of a column of counts with a number.
fn compare(comparison: Comparison, column: usize, with: i64, span: Span) -> Expr {
    let int = |kind| Expr { kind, ty: DataType::Int.required(), span };
    let (column, with) = (ExprKind::Column(column), ExprKind::Literal(Scalar::Int(with)));
    let kind = ExprKind::Compare(comparison, Box::new(int(column)), Box::new(int(with)));
    Expr { kind, ty: DataType::Bool.required(), span }
}
