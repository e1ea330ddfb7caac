//! A pipeline without the names of `type` declarations: what is run knows the types behind them, and
//! nothing more.

use super::{
    Distance, Expr, ExprKind, Frame, Keep, PartitionBy, Pipeline, Row, SortKey, StepKind,
    TableFact, Wanted, Window,
};
use crate::types::{DataType, Type};
use std::sync::Arc;

impl Pipeline {
    /// The same over the types that values have in memory.
    pub fn opened(&self) -> Pipeline {
        let mut pipeline = self.clone();
        for param in &mut pipeline.params {
            open_type(&mut param.ty);
        }
        for source in &mut pipeline.sources {
            open_row(&mut source.row);
            source.arguments.iter_mut().for_each(|(_, value)| value.open_types());
            let checks = source.columns.iter_mut().filter_map(|column| column.check.as_mut());
            checks.for_each(|check| check.condition.open_types());
        }
        for job in &mut pipeline.jobs {
            open_row(&mut job.input_row);
            for step in Arc::make_mut(&mut job.steps) {
                step.kind.open_types();
                open_row(&mut step.row);
            }
            if let Some(PartitionBy::Hash(key)) = job.partition.as_mut().map(|split| &mut split.by)
            {
                key.open_types();
            }
        }
        for output in &mut pipeline.outputs {
            output.arguments.iter_mut().for_each(|(_, value)| value.open_types());
            output.folders.iter_mut().for_each(|folder| folder.value.open_types());
        }
        let wants = pipeline.tests.iter_mut().flat_map(|test| &mut test.wants);
        for want in wants {
            if let Wanted::Rows(rows) = &mut want.wanted {
                rows.columns.iter_mut().for_each(|column| open_type(&mut column.ty));
            }
        }
        pipeline
    }
}

fn open_type(ty: &mut Type) {
    if ty.data.has_named(&|_| true) {
        *ty = ty.opened();
    }
}

fn open_row(row: &mut Arc<Row>) {
    let is_named = |data: &DataType| data.has_named(&|_| true);
    let named: Vec<usize> =
        (0..row.columns.len()).filter(|at| is_named(&row.columns[*at].ty.data)).collect();
    if named.is_empty() {
        return;
    }
    let row = Arc::make_mut(row);
    for at in named {
        let mut column = row.columns[at].clone();
        column.ty = column.ty.opened();
        row.columns.replace(at, column);
    }
}

fn open_all(exprs: &mut [Expr]) {
    exprs.iter_mut().for_each(Expr::open_types);
}

fn open_sort(keys: &mut [SortKey]) {
    keys.iter_mut().for_each(|key| key.value.open_types());
}

impl Expr {
    /// Makes its type, and those of its parts, what values have in memory.
    pub fn open_types(&mut self) {
        open_type(&mut self.ty);
        if let ExprKind::Call { lambda: Some(lambda), .. } = &mut self.kind {
            open_type(&mut lambda.slot_type);
        }
        self.children_mut().into_iter().for_each(Expr::open_types);
    }

    /// Is its type, or that of a part of it, one of a `type` declaration?
    pub fn has_named(&self) -> bool {
        self.ty.data.has_named(&|_| true) || self.children().into_iter().any(Expr::has_named)
    }
}

impl StepKind {
    fn open_types(&mut self) {
        match self {
            StepKind::Filter { condition, .. } => condition.open_types(),
            StepKind::Project(columns) => open_all(columns),
            StepKind::Set { value, .. } => value.open_types(),
            StepKind::Aggregate { keys, aggregates } => {
                open_all(keys);
                for call in aggregates {
                    open_type(&mut call.ty);
                    open_all(&mut call.arguments);
                }
            }
            StepKind::Window(window) => window.open_types(),
            StepKind::Sort(keys) => open_sort(keys),
            StepKind::Take { count, by } => {
                count.open_types();
                open_all(by);
            }
            StepKind::Dedupe(dedupe) => {
                open_all(&mut dedupe.keys);
                match &mut dedupe.keep {
                    Keep::First | Keep::Last => {}
                    Keep::Smallest(by) | Keep::Largest(by) => by.open_types(),
                }
            }
            StepKind::Join(join) => {
                open_row(&mut join.right_row);
                open_all(&mut join.left_keys);
                open_all(&mut join.right_keys);
                if let Some(nearest) = &mut join.nearest {
                    nearest.left.open_types();
                    nearest.right.open_types();
                    nearest.bound.iter_mut().for_each(Expr::open_types);
                }
                join.residual.iter_mut().for_each(Expr::open_types);
            }
            StepKind::Union { columns, .. } => columns.iter_mut().for_each(|all| open_all(all)),
            StepKind::Parse(parse) => {
                parse.fields.iter_mut().for_each(|field| open_type(&mut field.ty));
            }
            StepKind::Expect(rule) => rule.condition.open_types(),
            StepKind::ExpectAll(rule) => match &mut rule.says {
                TableFact::Unique(keys) => open_all(keys),
                TableFact::Holds { aggregates, row, condition } => {
                    for call in aggregates {
                        open_type(&mut call.ty);
                        open_all(&mut call.arguments);
                    }
                    open_row(row);
                    condition.open_types();
                }
            },
            StepKind::Distinct | StepKind::Explode { .. } => {}
        }
    }
}

impl Window {
    fn open_types(&mut self) {
        open_all(&mut self.keys);
        open_sort(&mut self.sort);
        match &mut self.frame {
            Frame::Whole => {}
            Frame::Rows { from, to } => {
                from.iter_mut().chain(to).for_each(Expr::open_types);
            }
            Frame::Range { from, to } => {
                for end in from.iter_mut().chain(to) {
                    if let Distance::Value(value) = end {
                        value.open_types();
                    }
                }
            }
        }
        for call in &mut self.calls {
            open_type(&mut call.ty);
            open_all(&mut call.arguments);
        }
    }
}
