//! Outputs whose rows are in folders by their values: rows of one folder come together, by a sort in a
//! job of the output's own, so that one file is written after the other, however many there are.

use crate::ir::{
    Column, Expr, ExprKind, Input, Job, JobId, Pipeline, Row, SortKey, Step, StepKind,
};
use std::sync::Arc;

/// The pipeline in which rows come to these outputs folder by folder; none if none of them has some.
pub(super) fn with_folders(pipeline: &Pipeline, outputs: &[usize]) -> Option<Pipeline> {
    let mut parted = None;
    for &at in outputs.iter().filter(|at| !pipeline.outputs[**at].folders.is_empty()) {
        sort(parted.get_or_insert_with(|| pipeline.clone()), at);
    }
    parted
}

/// Has the rows of an output come sorted by its folders, whose values are then columns of them.
fn sort(pipeline: &mut Pipeline, at: usize) {
    let output = pipeline.outputs[at].clone();
    let span = output.span;
    let first = pipeline.row_of(output.from).clone();
    let (mut row, mut steps, mut keys) = (first.clone(), vec![], vec![]);
    for folder in &output.folders {
        let column = folder.column.unwrap_or(row.columns.len());
        if column == row.columns.len() {
            let (name, ty) = (folder.name.clone(), folder.value.ty.clone());
            let new = Column { name, ty, origin: span, domain: None };
            let columns = row.columns.iter().cloned().chain([new]).collect();
            row = Arc::new(Row { columns, ..Row::default() });
            let kind = StepKind::Set { column, value: folder.value.clone() };
            steps.push(Step { kind, row: row.clone(), span });
        }
        let value = Expr { kind: ExprKind::Column(column), ..folder.value.clone() };
        keys.push(SortKey { value, descending: false, nulls_first: false });
    }
    steps.push(Step { kind: StepKind::Sort(keys), row, span });
    let id = JobId(pipeline.jobs.len() as u32);
    pipeline.jobs.push(Job::hidden(&output.name, output.from, &first, steps, span));
    pipeline.order.push(id);
    pipeline.outputs[at].from = Input::Job(id);
}
