//! The tests of a program: each is run on the rows that it gives, by the executor that runs pipelines,
//! and what comes is compared with what it wants.
//!
//! Nothing is read but the program, and nothing left behind. How it looks is left to the command line.

mod compare;
mod spell;

pub use compare::{DiffRow, Difference};
pub use spell::{cell, member_or_text};

use crate::connect::Given;
use crate::data::{Batch, array_of, maps, parse, scalar_at};
use crate::ir::{
    Input, JobId, Pipeline, Row, RunContext, SecretText, Test, Tested, Want, WantOf, Wanted,
    WantedColumn, WantedRows,
};
use crate::plan::Targets;
use crate::run::{Fixture, Options, Outcome, Told};
use crate::text::{Files, Span};
use crate::types::{DataType, Scalar};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError};

/// How tests are run.
#[derive(Clone)]
pub struct How<'h> {
    /// The program's files.
    pub files: &'h Files,
    /// A folder of this test alone, for rows that do not fit into memory, or that are set aside and
    /// looked at.
    pub temp: PathBuf,
    /// Bytes of memory to use.
    pub memory: usize,
    /// Set to stop.
    pub cancelled: &'h AtomicBool,
}

/// What came of something that a test wants.
pub enum Verdict {
    /// What is wanted.
    Holds,
    /// Other rows.
    Differs(Difference),
    /// It failed, though rows are wanted.
    Fails(Vec<Told>),
    /// It did not fail, though that is wanted.
    DoesNotFail,
    /// It failed, and not for the reason that is wanted.
    FailsOtherwise(Vec<Told>),
}

impl Verdict {
    /// Is it as it is wanted?
    pub fn holds(&self) -> bool {
        matches!(self, Verdict::Holds)
    }
}

/// Runs a test of a pipeline that was checked with the parameters which it sets: what came of all that it
/// wants, in its order.
pub fn run(pipeline: &Pipeline, test: &Test, how: &How) -> Vec<Verdict> {
    let tested = test.applied(pipeline);
    let context = context(pipeline, test);
    let given = tested.given.iter().zip(&test.given).map(|(id, given)| {
        let row = tested.pipeline.row_of(Input::Source(*id));
        (*id, table(row, &given.rows, how.files))
    });
    let given: BTreeMap<_, _> = given.collect();
    test.wants.iter().map(|want| verdict(want, &tested, &given, &context, how)).collect()
}

/// The values of the run that a test is.
fn context(pipeline: &Pipeline, test: &Test) -> RunContext {
    let mut params: Vec<Scalar> =
        pipeline.params.iter().map(|param| param.default.clone().unwrap_or(Scalar::Null)).collect();
    for (id, value) in &test.params {
        params[id.0 as usize] = value.clone();
    }
    let (time, date) = (test.time.unwrap_or(0), test.date.unwrap_or(0));
    // A test needs nothing but the program: a secret is called by its name.
    let secrets = pipeline.secrets.iter().map(|secret| Some(SecretText::new(&secret.name)));
    RunContext { params, secrets: secrets.collect(), time, date, id: "test".to_owned() }
}

/// Rows as a source can be opened of them.
fn table(row: &Row, rows: &[(Vec<Scalar>, Span)], files: &Files) -> Given {
    let column = |at: usize| {
        let values: Vec<Scalar> = rows.iter().map(|(values, _)| values[at].clone()).collect();
        array_of(&row.columns[at].ty.data, &values)
    };
    let line = |(_, span): &(Vec<Scalar>, Span)| files.position(*span).line as u32 - 1;
    let file = rows.first().map_or("", |(_, span)| &files.get(span.file).path);
    Given {
        file: file.into(),
        columns: (0..row.columns.len()).map(column).collect(),
        lines: rows.iter().map(line).collect(),
    }
}

fn verdict(
    want: &Want,
    tested: &Tested,
    given: &BTreeMap<crate::ir::SourceId, Given>,
    context: &RunContext,
    how: &How,
) -> Verdict {
    let jobs = match want.of {
        WantOf::Job(job) => vec![job],
        WantOf::Quarantine(id) => tested.setting_aside(id),
    };
    let fixture = Fixture {
        given: given.clone(),
        aside: matches!(want.of, WantOf::Quarantine(_)).then(Default::default),
        has_limits: matches!(want.wanted, Wanted::Fails(_)),
    };
    let outcome = run_jobs(&jobs, tested, &fixture, context, how);
    match &want.wanted {
        Wanted::Fails(_) if outcome.failures.is_empty() => Verdict::DoesNotFail,
        Wanted::Fails(reason) => {
            let says = |told: &Told| reason.as_ref().is_none_or(|text| told.message.contains(text));
            match outcome.failures.iter().any(says) {
                true => Verdict::Holds,
                false => Verdict::FailsOtherwise(outcome.failures),
            }
        }
        Wanted::Rows(_) if !outcome.failures.is_empty() => Verdict::Fails(outcome.failures),
        Wanted::Rows(rows) => {
            let came = match (want.of, fixture.aside) {
                (WantOf::Quarantine(id), Some(aside)) => {
                    let name = &tested.pipeline.quarantines[id.0 as usize].name;
                    let mut aside = aside.into_inner().unwrap_or_else(PoisonError::into_inner);
                    rows_aside(&aside.remove(name).unwrap_or_default(), rows)
                }
                _ => rows_of(&outcome.tables, &tested.pipeline, &jobs, rows),
            };
            match compare::compare(rows, came) {
                Some(difference) => Verdict::Differs(difference),
                None => Verdict::Holds,
            }
        }
    }
}

fn run_jobs(
    jobs: &[JobId],
    tested: &Tested,
    fixture: &Fixture,
    context: &RunContext,
    how: &How,
) -> Outcome {
    let tables = jobs.iter().map(|job| Input::Job(*job)).collect();
    let options = Options {
        base: PathBuf::new(),
        threads: 1,
        memory: how.memory,
        chunk: crate::connect::CHUNK_BYTES,
        temp: how.temp.clone(),
        targets: Targets { tables, ..Targets::default() },
        state: None,
        profiles: false,
        keeps_going: true,
        timeout: None,
        cancelled: how.cancelled,
        rows_read: &AtomicU64::new(0),
        events: None,
        fixture: Some(fixture),
        files: how.files,
        watch: &|_| {},
    };
    crate::run::run(&tested.pipeline, context, &options)
}

/// The rows of a job, of the columns that are wanted.
fn rows_of(
    tables: &[Vec<Batch>],
    pipeline: &Pipeline,
    jobs: &[JobId],
    wanted: &WantedRows,
) -> Vec<Vec<Scalar>> {
    let row = pipeline.jobs[jobs[0].0 as usize].row();
    let place = |column: &WantedColumn| row.find(&column.name).expect("it was checked");
    let places: Vec<usize> = wanted.columns.iter().map(place).collect();
    let value = |batch: &Batch, at: usize| {
        let of =
            |place: &usize| scalar_at(&batch.columns[*place], &row.columns[*place].ty.data, at);
        places.iter().map(of).collect()
    };
    let batches = tables.first().into_iter().flatten();
    batches.flat_map(|batch| (0..batch.rows).map(|at| value(batch, at))).collect()
}

/// The rows that were set aside, of the columns that are wanted.
fn rows_aside(lines: &str, wanted: &WantedRows) -> Vec<Vec<Scalar>> {
    let row = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        wanted.columns.iter().map(|column| value_of(&row[&*column.name], column)).collect()
    };
    lines.lines().map(row).collect()
}

/// A value as it was set aside.
fn value_of(value: &serde_json::Value, column: &WantedColumn) -> Scalar {
    let text = match value {
        serde_json::Value::Null => return Scalar::Null,
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    nested(value, &column.ty.data).unwrap_or_else(|| match &column.ty.data {
        DataType::Float => parse::float(text.as_bytes(), true).map_or(Scalar::Null, Scalar::Float),
        _ => parse::scalar(&text, &column.ty).unwrap_or(Scalar::Null),
    })
}

/// The value of a list or a record.
fn nested(value: &serde_json::Value, data: &DataType) -> Option<Scalar> {
    let part = |value: &serde_json::Value, name: &Arc<str>, ty: &crate::types::Type| {
        value_of(value, &WantedColumn { name: name.clone(), ty: ty.clone() })
    };
    match data {
        DataType::Map(entry) => maps::parse_map(&value.to_string(), entry).ok(),
        DataType::List(item) => {
            let items = value.as_array()?.iter();
            Some(Scalar::List(items.map(|value| part(value, &"".into(), item)).collect()))
        }
        DataType::Record(fields) => {
            let of =
                |field: &crate::types::Field| part(&value[&*field.name], &field.name, &field.ty);
            Some(Scalar::Record(fields.iter().map(of).collect()))
        }
        _ => None,
    }
}
