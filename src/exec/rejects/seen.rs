//! What a rule about all rows has seen of them, for the message that it does not hold. Values of tables
//! that nobody may see stay out of it; how many there are does not.

use crate::data::{Batch, display, scalar_at};
use crate::diagnostics::shown;
use crate::functions::Registry;
use crate::ir::{AggregateCall, Expr, ExprKind, JobId, Pipeline, Row, StepKind, TableFact};
use crate::types::{DataType, Scalar};

/// Aggregates whose result is none of the values.
const COUNTS: &[&str] =
    &["count", "count_if", "count_distinct", "approx_count_distinct", "distinct_rate", "null_rate"];

/// `null_rate(amount) is 0.5`, `2 keys come more than once`: of the one row of a job that judges a rule
/// about all rows of another. None of other jobs.
pub(super) fn by_rule(pipeline: &Pipeline, job: Option<JobId>, batch: &Batch) -> Option<String> {
    let mut rules = pipeline.rules.iter();
    let ((owner, step), judge) = rules.find(|(_, judge)| Some(**judge) == job)?;
    let of = &pipeline.jobs[owner.0 as usize].steps[*step].kind;
    let StepKind::ExpectAll(rule) = of else { return None };
    let is_hidden = pipeline.reads_sensitive(*owner);
    let judge = &pipeline.jobs[judge.0 as usize];
    match &rule.says {
        TableFact::Unique(keys) => repeated(keys, judge.row(), batch, is_hidden),
        TableFact::Holds { aggregates, .. } => {
            let values = aggregates.iter().zip(&batch.columns).map(|(call, column)| {
                let function = &Registry::standard().declaration(call.function).name;
                let value = match is_hidden && !COUNTS.contains(&function.as_str()) {
                    true => "…".to_owned(),
                    false => told(&scalar_at(column, &call.ty.data, 0), &call.ty.data),
                };
                format!("{} is {value}", written(call, &judge.input_row))
            });
            let values: Vec<String> = values.collect();
            (!values.is_empty()).then(|| values.join(", "))
        }
    }
}

/// How many keys come more than once, and the first of them.
fn repeated(keys: &[Expr], row: &Row, batch: &Batch, is_hidden: bool) -> Option<String> {
    let [count, first] = &batch.columns[..] else { return None };
    let Scalar::Int(count) = scalar_at(count, &DataType::Int, 0) else { return None };
    let come = match count {
        1 => "1 key comes more than once".to_owned(),
        _ => format!("{count} keys come more than once"),
    };
    let Scalar::Record(parts) = scalar_at(first, &row.columns[1].ty.data, 0) else {
        return Some(come);
    };
    let parts = parts.iter().zip(keys).map(|(part, key)| told(part, &key.ty.data));
    let key = match &parts.collect::<Vec<String>>()[..] {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    };
    Some(match (is_hidden, count) {
        (true, _) => come,
        (false, 1) => format!("the key {key} comes more than once"),
        (false, _) => format!("{come}, the first of them {key}"),
    })
}

/// A value as messages show it.
fn told(value: &Scalar, ty: &DataType) -> String {
    match value {
        Scalar::Null => "null".to_owned(),
        Scalar::String(_) => format!("\"{}\"", shown(&display(value, ty))),
        value => shown(&display(value, ty)),
    }
}

/// A call as it is written, if it is one of columns; else its function.
fn written(call: &AggregateCall, row: &Row) -> String {
    let name = &Registry::standard().declaration(call.function).name;
    let column = |value: &Expr| match value.kind {
        ExprKind::Column(at) => row.columns.get(at).map(|column| column.name.to_string()),
        _ => None,
    };
    match call.arguments.iter().map(column).collect::<Option<Vec<String>>>() {
        Some(names) => format!("{name}({})", names.join(", ")),
        None => format!("{name}(…)"),
    }
}
