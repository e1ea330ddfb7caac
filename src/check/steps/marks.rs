//! `expect` with `exists_in`: the rows are marked before they are judged, each whether its value is among
//! those of a column of another table, and lose their marks behind it.

use super::JobChecker;
use super::joined::note_found;
use crate::check::exprs::{Reference, convert};
use crate::ir::{
    Cardinality, Column, Expectation, Expr, ExprKind, Found, Input, Join, JoinKind, Row, StepKind,
};
use crate::text::Span;
use crate::types::DataType;
use std::sync::Arc;

impl JobChecker<'_, '_> {
    /// Adds the rule, which gives `row`, and before it what marks the rows that it judges.
    pub(super) fn judge_marked(
        &mut self,
        rule: Expectation,
        references: Vec<Reference>,
        row: Row,
        span: Span,
    ) {
        let mut marked = (*self.row).clone();
        let mut marks = vec![];
        for reference in references {
            let mark = Column {
                name: format!("{}{}", Column::HIDDEN, marks.len()).into(),
                ty: DataType::Bool.required(),
                origin: reference.span,
                domain: None,
            };
            let Some(join) = self.marks(reference) else { return self.give_up() };
            marked.columns.push(mark.clone());
            marks.push(mark);
            self.push(StepKind::Join(Box::new(join)), marked.clone(), span);
        }
        let rule = StepKind::Expect(Box::new(rule));
        if marks.is_empty() {
            return self.push(rule, row, span);
        }
        let column = |(at, column): (usize, &Column)| Expr {
            kind: ExprKind::Column(at),
            ty: column.ty.clone(),
            span: column.origin,
        };
        let unmarked = row.columns.iter().enumerate().map(column).collect();
        let mut judged = row.clone();
        marks.into_iter().for_each(|mark| judged.columns.push(mark));
        self.push(rule, judged, span);
        self.push(StepKind::Project(unmarked), row, span);
    }

    /// What marks the rows whose value is in another table.
    fn marks(&self, reference: Reference) -> Option<Join> {
        let Reference { value, table, column, ty, span } = reference;
        let right_row = self.row_of(table)?;
        let kind = ExprKind::Column(column);
        let key = Expr { kind, ty: right_row.columns[column].ty.clone(), span };
        Some(Join {
            kind: JoinKind::Mark,
            right: table,
            right_row,
            left_keys: vec![convert(value, &ty)],
            right_keys: vec![convert(key, &ty)],
            nulls_match: false,
            shared_keys: vec![],
            nearest: None,
            residual: None,
            right_columns: vec![],
            check: Cardinality::default(),
        })
    }
}

/// What is found in another table where a rule over a row with marks holds.
pub(super) fn found<'r>(
    references: &'r [Reference],
    condition: &Expr,
    width: usize,
) -> Vec<&'r Reference> {
    match &condition.kind {
        ExprKind::And(a, b) => {
            [a, b].into_iter().flat_map(|side| found(references, side, width)).collect()
        }
        ExprKind::Column(at) => {
            let mark = at.checked_sub(width).and_then(|mark| references.get(mark));
            mark.into_iter().collect()
        }
        _ => vec![],
    }
}

/// Notes it of the columns that were looked for.
pub(super) fn note(row: &mut Row, found: &[&Reference], other: impl Fn(Input) -> Option<Arc<Row>>) {
    for reference in found {
        let ExprKind::Column(at) = reference.value.kind else { continue };
        // What is widened to be looked for is looked for in another way.
        let (table, column) = (reference.table, reference.column);
        let of = other(table).map(|row| row.columns[column].ty.data.clone());
        if row.columns.get(at).is_some_and(|own| of.as_ref() == Some(&own.ty.data)) {
            note_found(row, at, Found { table, column });
        }
    }
}
