//! The branches of jobs that end in `split` or `route`: what they are called, and the job that each
//! of them is.
//!
//! Such a job says in its last column which branch a row goes to; a branch reads the rows that go
//! there, without that column.

use super::exprs::Place;
use super::globals::{Globals, unique};
use super::names::Kind;
use crate::diagnostics::Diagnostics;
use crate::ir::{
    Column, Comparison, Domain, Expr, ExprKind, Input, Job, JobId, Row, Step, StepKind,
};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, EnumMember, EnumType, Scalar};
use std::collections::HashMap;
use std::sync::Arc;

/// The column that says which branch a row goes to.
pub const COLUMN: &str = "_branch";

/// A branch of a job.
pub(super) struct Branch {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) id: JobId,
    /// What is known of columns of rows that go there: those that cannot be null, and members of enums.
    pub(super) known: (Vec<Place>, Vec<(usize, Domain)>),
}

/// The step whose branches the job has, if it has some; it is said of those behind it that they have
/// no rows.
pub(super) fn step_of(job: &ast::Job) -> Option<&ast::Statement> {
    job.steps.iter().find(|statement| !statement.step.branches().is_empty())
}

impl<'a> Globals<'a> {
    /// Gives the branches of all jobs their numbers, behind those of the jobs.
    pub(super) fn collect_branches<'j>(
        &mut self,
        jobs: impl Iterator<Item = &'j ast::Job>,
        found: &mut Diagnostics,
    ) {
        for job in jobs {
            let Some(statement) = step_of(job) else { continue };
            let mut seen = HashMap::new();
            let mut branches: Vec<Branch> = vec![];
            for name in statement.step.branches() {
                unique("branch", name, &mut seen, found);
                let id = JobId(self.job_rows.len() as u32);
                self.job_rows.push(None);
                let (name, span) = (name.text.clone(), name.span);
                self.names().declared(span, Kind::Branch, span);
                self.note_place(id, span);
                branches.push(Branch { name, span, id, known: Default::default() });
            }
            self.branches.entry(job.name.text.clone()).or_insert(branches);
        }
    }

    /// The type of the column that says which branch a row of the job goes to.
    pub(super) fn branch_type(&self, job: &str) -> DataType {
        let branches = self.branches.get(job).map_or(&[][..], Vec::as_slice);
        let member = |branch: &Branch| {
            let name: Arc<str> = branch.name.as_str().into();
            EnumMember { name: name.clone(), text: name }
        };
        let members = branches.iter().map(member).collect();
        DataType::Enum(Arc::new(EnumType { name: job.into(), members }))
    }

    /// What the branches of a job are called.
    pub(super) fn branch_names(&self, job: &str) -> Vec<&str> {
        let branches = self.branches.get(job).map_or(&[][..], Vec::as_slice);
        branches.iter().map(|branch| branch.name.as_str()).collect()
    }

    /// The job that dotted names mean, if they mean one.
    pub(super) fn job_of(&self, path: &[ast::Name]) -> Option<JobId> {
        match path {
            [job] => self.jobs.get(&job.text).map(|(id, _)| *id),
            [job, branch] => {
                let branches = self.branches.get(&job.text)?;
                branches.iter().find(|one| one.name == branch.text).map(|branch| branch.id)
            }
            _ => None,
        }
    }

    /// The branches, each with the job that it is of, in the order of their numbers.
    pub(super) fn all_branches<'s>(&'s self) -> Vec<(JobId, &'s str, &'s Branch)> {
        let of_job = |(job, branches): (&'s String, &'s Vec<Branch>)| {
            let of = self.jobs[job].0;
            branches.iter().map(move |branch| (of, job.as_str(), branch))
        };
        let mut all: Vec<_> = self.branches.iter().flat_map(of_job).collect();
        all.sort_unstable_by_key(|(_, _, branch)| branch.id);
        all
    }
}

/// The job that a branch is, of a job that gives `row`.
pub(super) fn job(of: JobId, name: &str, row: &Arc<Row>, number: usize, branch: &Branch) -> Job {
    let span = branch.span;
    let last = row.find(COLUMN).filter(|at| !row.broken && at + 1 == row.columns.len());
    let Some(last) = last else {
        let row = Arc::new(Row { broken: true, ..(**row).clone() });
        return Job::hidden(&format!("{name}.{}", branch.name), Input::Job(of), &row, vec![], span);
    };
    let expr = |kind, ty: &crate::types::Type| Expr { kind, ty: ty.clone(), span };
    let ty = &row.columns[last].ty;
    let condition = expr(
        ExprKind::Compare(
            Comparison::Equal,
            Box::new(expr(ExprKind::Column(last), ty)),
            Box::new(expr(ExprKind::Literal(Scalar::Enum(number as i32)), ty)),
        ),
        &DataType::Bool.required(),
    );
    let mut columns: Vec<Column> = row.columns.iter().take(last).cloned().collect();
    for place in &branch.known.0 {
        let Some(column) = place.column().and_then(|at| columns.get_mut(at)) else { continue };
        column.ty = column.ty.never_null_at(&place.fields);
    }
    for (column, domain) in &branch.known.1 {
        columns[*column].domain = Some(Arc::new(domain.clone()));
    }
    let keys = row.keys.iter().filter(|key| !key.columns.contains(&last)).cloned().collect();
    let values = columns.iter().enumerate();
    let values = values.map(|(at, column)| expr(ExprKind::Column(at), &column.ty)).collect();
    let columns = columns.into_iter().collect();
    let narrowed = Arc::new(Row { columns, keys, ..(**row).clone() });
    let steps = vec![
        Step { kind: StepKind::Filter { condition, keep_nulls: false }, row: row.clone(), span },
        Step { kind: StepKind::Project(values), row: narrowed, span },
    ];
    let mut job = Job::hidden(&format!("{name}.{}", branch.name), Input::Job(of), row, steps, span);
    job.is_hidden = false;
    job
}
