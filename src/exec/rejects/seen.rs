//! What a rule about all rows has seen of them: the values that it is about, as they are written.

use crate::data::{Batch, display, scalar_at};
use crate::functions::Registry;
use crate::ir::lineage::COUNTS;
use crate::ir::{AggregateCall, Expr, ExprKind, JobId, Pipeline, Row, StepKind};
use crate::types::{DataType, Scalar};

/// `null_rate(amount) is 0.5`, of the one row of a job that judges a rule about all rows of another.
pub(super) fn by_rule(pipeline: &Pipeline, job: Option<JobId>, batch: &Batch) -> Option<String> {
    let judge = job.filter(|job| pipeline.owner(*job) != *job)?;
    let job = &pipeline.jobs[judge.0 as usize];
    let StepKind::Aggregate { aggregates, .. } = &job.steps.first()?.kind else { return None };
    if job.steps.len() > 2 {
        // Of the keys that come more than once.
        let Scalar::Int(keys) = scalar_at(batch.columns.first()?, &DataType::Int, 0) else {
            return None;
        };
        let verb = if keys == 1 { "key comes" } else { "keys come" };
        return Some(format!("{keys} {verb} more than once"));
    }
    let is_sensitive = pipeline
        .sources
        .iter()
        .any(|source| source.columns.iter().any(|column| column.sensitive.is_some()));
    let values = aggregates.iter().enumerate().filter_map(|(at, call)| {
        let name = &*Registry::standard().declaration(call.function).name;
        if is_sensitive && !COUNTS.contains(&name) {
            return None;
        }
        let value = match scalar_at(batch.columns.get(at)?, &call.ty.data, 0) {
            Scalar::Null => "null".to_owned(),
            Scalar::String(text) => format!("\"{}\"", crate::diagnostics::shown(&text)),
            value => display(&value, &call.ty.data),
        };
        Some(format!("{} is {value}", called(name, call, &job.input_row)))
    });
    let values: Vec<String> = values.collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// A call of columns, as it is written.
fn called(name: &str, call: &AggregateCall, row: &Row) -> String {
    let one = |value: &Expr| match value.kind {
        ExprKind::Column(at) => row.columns.get(at).map(|column| column.name.to_string()),
        _ => None,
    };
    let arguments = call.arguments.iter().map(one).collect::<Option<Vec<String>>>();
    match arguments {
        Some(names) => format!("{name}({})", names.join(", ")),
        None => format!("{name}(…)"),
    }
}
