//! Lineage as it is shown: what is asked for, as a list of edges, and its forms.

mod json;
mod mermaid;
mod text;

pub(super) use json::json;
pub(super) use mermaid::mermaid;
pub(super) use text::text;

use crate::Compiled;
use crate::ir::lineage::{Lineage, Origin, Origins, Role};
use crate::ir::{Expr, Input, JobId, Output, Pipeline, Row, RunValue};
use std::sync::Arc;

/// One output or job whose origins are shown.
pub(super) struct Target<'c> {
    /// `output` or `job`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'c str,
    /// The output, if it is one.
    pub output: Option<&'c Output>,
    /// The table that it is.
    pub table: Input,
    /// The row of that.
    pub row: &'c Arc<Row>,
}

/// What decides something of a target: a column, or the rows that there are.
pub(super) struct Edge<'l> {
    /// Which of [`Shown::targets`].
    pub target: usize,
    /// What of it.
    pub part: Part,
    pub origin: Origin,
    pub role: Role,
    /// The jobs through which it comes.
    pub through: &'l [JobId],
}

/// What of a table comes from somewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A column.
    Column(usize),
    /// Which rows there are and in which order, as this job decides it.
    Rows(JobId),
}

/// What is asked for.
pub(super) struct Shown<'c> {
    pub compiled: &'c Compiled,
    pub lineage: &'c Lineage,
    pub targets: Vec<Target<'c>>,
    /// Only this column of the targets.
    pub column: Option<usize>,
    /// Only what comes from this source, and from this column of it.
    pub from: Option<(Input, Option<usize>)>,
}

impl<'c> Shown<'c> {
    pub(super) fn pipeline(&self) -> &'c Pipeline {
        self.compiled.shown()
    }

    /// The columns of a target that are shown.
    pub(super) fn columns(&self, target: &Target) -> Vec<usize> {
        match self.column {
            Some(column) => vec![column],
            None => (0..target.row.columns.len()).collect(),
        }
    }

    /// All edges, target by target, of each first those of its columns.
    pub(super) fn edges(&self) -> Vec<Edge<'c>> {
        let mut edges = vec![];
        for (at, target) in self.targets.iter().enumerate() {
            let columns = self.columns(target).into_iter();
            let of_column = |column| &self.lineage.columns(target.table)[column];
            let of_columns = columns.map(|column| (Part::Column(column), of_column(column)));
            let before = self.pipeline().jobs_before(target.table).into_iter();
            let of_rows = before.map(|job| (Part::Rows(job), self.lineage.decided(job)));
            for (part, origins) in of_columns.chain(of_rows) {
                edges.extend(self.edges_of(at, part, origins));
            }
        }
        edges
    }

    fn edges_of(
        &self,
        target: usize,
        part: Part,
        origins: &'c Origins,
    ) -> impl Iterator<Item = Edge<'c>> + '_ {
        let is_shown = |origin: Origin| match (self.from, origin) {
            (None, _) => true,
            (Some((of, None)), Origin::Column(table, _) | Origin::Rows(table)) => of == table,
            (Some((of, Some(at))), Origin::Column(table, column)) => of == table && at == column,
            _ => false,
        };
        let shown = origins.iter().filter(move |((origin, _), _)| is_shown(*origin));
        shown.map(move |(&(origin, role), through)| Edge { target, part, origin, role, through })
    }

    /// `raw_orders.amount`, `param since`
    pub(super) fn origin(&self, origin: Origin) -> String {
        let pipeline = self.pipeline();
        match origin {
            Origin::Column(table, column) => {
                let name = column_name(pipeline, table, column);
                format!("{}.{name}", pipeline.name_of(table))
            }
            Origin::Rows(table) => format!("rows of {}", pipeline.name_of(table)),
            Origin::Param(param) => format!("param {}", pipeline.params[param.0 as usize].name),
            Origin::Run(value) => format!("run.{}", run_value(value)),
        }
    }

    pub(super) fn job(&self, job: JobId) -> &'c str {
        &self.pipeline().jobs[job.0 as usize].name
    }

    /// The path that a source or output was given, as it is written.
    pub(super) fn path(&self, arguments: &'c [(String, Expr)]) -> Option<&'c str> {
        let path = arguments.iter().find(|(name, _)| name == "path");
        path.map(|(_, path)| self.compiled.files.text(path.span))
    }
}

pub(super) fn column_name(pipeline: &Pipeline, table: Input, column: usize) -> &str {
    &pipeline.row_of(table).columns[column].name
}

pub(super) fn run_value(value: RunValue) -> &'static str {
    match value {
        RunValue::Time => "time",
        RunValue::Date => "date",
        RunValue::Id => "id",
    }
}
