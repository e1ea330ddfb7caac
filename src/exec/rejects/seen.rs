//! What a rule about all rows has seen of them, for the message that it does not hold. Values that
//! nobody may see are taken out where messages are made.

use crate::data::{Batch, display, scalar_at};
use crate::functions::Registry;
use crate::ir::{AggregateCall, Expr, ExprKind, JobId, Pipeline, Row, StepKind, TableFact};
use crate::types::{DataType, Scalar};

/// `null_rate(amount) is 0.5`, `2 keys come more than once`: of the one row of a job that judges a rule
/// about all rows of another. None of other jobs.
pub(super) fn by_rule(pipeline: &Pipeline, job: Option<JobId>, batch: &Batch) -> Option<String> {
    let mut rules = pipeline.rules.iter();
    let ((owner, step), judge) = rules.find(|(_, judge)| Some(**judge) == job)?;
    let of = &pipeline.jobs[owner.0 as usize].steps[*step].kind;
    let StepKind::ExpectAll(rule) = of else { return None };
    match &rule.says {
        TableFact::Unique(_) => match scalar_at(batch.columns.first()?, &DataType::Int, 0) {
            Scalar::Int(1) => Some("1 key comes more than once".to_owned()),
            Scalar::Int(keys) => Some(format!("{keys} keys come more than once")),
            _ => None,
        },
        TableFact::Holds { aggregates, .. } => {
            let row = &pipeline.jobs[judge.0 as usize].input_row;
            let values = aggregates.iter().zip(&batch.columns).map(|(call, column)| {
                let value = match scalar_at(column, &call.ty.data, 0) {
                    Scalar::Null => "null".to_owned(),
                    Scalar::String(text) => format!("\"{}\"", crate::diagnostics::shown(&text)),
                    value => display(&value, &call.ty.data),
                };
                format!("{} is {value}", written(call, row))
            });
            let values: Vec<String> = values.collect();
            (!values.is_empty()).then(|| values.join(", "))
        }
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
