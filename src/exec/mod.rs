//! How batches are computed: operators over batches, stages of operators run by all threads.
//!
//! Nothing here knows files ([`crate::connect`] does) or decides what is run when (`run` does).

pub mod clock;
pub mod compile;
pub mod operators;
pub mod ordered;
mod parse;
pub mod partition;
pub mod quarantine;
pub mod rejects;
pub mod rows;
pub mod stage;

pub mod contents;
pub mod gather;
pub mod keys;
mod nulled;
mod order;
mod ring;
mod scatter;
pub mod table;

use crate::connect::{ConnectError, Extent};
use crate::data::{POSITION_ROW_BITS, display, scalar_at};
use crate::ir::{JobId, Promise};
use crate::store::StateError;
use crate::store::spool::SpoolError;
use crate::text::Span;
use crate::types::{Scalar, Type};
use arrow_array::ArrayRef;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What can fail on rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// An expression, or what reads a value.
    Expression,
    /// A rule about the data, which does not hold.
    Rule,
    /// The value of a group: no row alone is to blame.
    Group,
}

/// Why a stage stopped.
#[derive(Clone, Debug)]
pub enum Error {
    /// A row failed where the job says that it may not.
    Row {
        /// The expression or rule that failed, or what reads the row.
        span: Span,
        /// The job, when it is known.
        job: Option<JobId>,
        /// What failed.
        of: Failing,
        /// What went wrong, with the value: `"12x" is not an int`.
        reason: String,
        /// Where the row stood in the input of its stage, when that was a source.
        position: Option<u64>,
        /// Line within its morsel.
        line: Option<u64>,
        /// Where the row is found, once that is known.
        place: Option<Place>,
    },
    /// Rows of a join match more than was promised.
    Cardinality {
        /// What is broken.
        promise: Promise,
        /// Which side has a key twice: `right`, `left`.
        side: &'static str,
        /// The key, as text.
        key: String,
    },
    /// A join compares too many pairs of rows.
    Pairs {
        /// The join.
        span: Span,
        /// Rows of its right side.
        right: u64,
    },
    /// Files or services.
    Connect(ConnectError),
    /// The run was cancelled.
    Cancelled,
}

/// Where a row is found in the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the file among those of the source.
    pub file: usize,
    /// Record within the file, from 1, a header not counted.
    pub record: u64,
    /// Line within the file, from 1, when it is known.
    pub line: Option<u64>,
}

impl From<SpoolError> for Error {
    fn from(error: SpoolError) -> Error {
        let help = "give more memory with `--memory`, or another folder with `--temp-dir`";
        let SpoolError { message, may_pass } = error;
        Error::Connect(ConnectError { message, help: Some(help.into()), may_pass })
    }
}

impl From<StateError> for Error {
    fn from(StateError { message, help }: StateError) -> Error {
        Error::Connect(ConnectError { message, help, may_pass: false })
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Error {
        Error::Connect(error)
    }
}

impl Error {
    /// Something of a group of rows could not be had: what the group is called, and its keys, each
    /// with its type, in this row.
    fn of_group(
        (span, reason): (Span, &str),
        what: &str,
        keys: impl Iterator<Item = (ArrayRef, Type)>,
        row: usize,
    ) -> Error {
        let key = |(column, ty): (ArrayRef, Type)| match scalar_at(&column, &ty.data, row) {
            Scalar::Null => "null".to_owned(),
            key => display(&key, &ty.data),
        };
        let keys: Vec<String> = keys.map(key).collect();
        let reason = match keys.is_empty() {
            true => reason.to_owned(),
            false => format!("{reason}, in {what} {}", keys.join(", ")),
        };
        let of = Failing::Group;
        Error::Row { span, job: None, of, line: None, place: None, reason, position: None }
    }

    /// The same with the place of its row, from how much of which file each morsel was; the first
    /// of them has this number, and so much of the first file comes before it.
    fn located(mut self, extents: &[Extent], first: u64, before: Extent) -> Error {
        if let Error::Row { position: Some(position), line, place, .. } = &mut self {
            let position = *position - (first << POSITION_ROW_BITS);
            *place = find_place(position, *line, extents, before.file);
            if let Some(Place { file, record, line }) = place
                && *file == before.file
            {
                *record += before.records;
                line.iter_mut().for_each(|line| *line += before.lines);
            }
        }
        self
    }
}

/// The place of a row: records and lines of the earlier morsels of its file come before it. The
/// extent of its own morsel need not be known; that of the first file is.
pub fn find_place(
    position: u64,
    line: Option<u64>,
    extents: &[Extent],
    first: usize,
) -> Option<Place> {
    let morsel = (position >> POSITION_ROW_BITS) as usize;
    let before = extents.get(..morsel)?;
    let file = extents.get(morsel).or(before.last()).map_or(first, |extent| extent.file);
    let same = before.iter().filter(|extent| extent.file == file);
    let (records, lines) = same
        .fold((0, 0), |(records, lines), extent| (records + extent.records, lines + extent.lines));
    let row = position & ((1 << POSITION_ROW_BITS) - 1);
    Some(Place { file, record: records + row + 1, line: line.map(|line| lines + line + 1) })
}

/// An error once the run is to stop: to be asked now and then by what takes long.
pub fn go_on(stop: &AtomicBool) -> Result<(), Error> {
    if stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
}

/// What an operator has seen.
#[derive(Debug, Default)]
pub struct Counts {
    /// Rows in.
    pub input: AtomicU64,
    /// Rows out.
    pub output: AtomicU64,
    /// Failed rows that were dropped.
    pub dropped: AtomicU64,
    /// Failed rows that were set aside.
    pub quarantined: AtomicU64,
    /// Rows with a value that became null because it failed.
    pub nulled: AtomicU64,
    /// Rows that were dropped or set aside, of which a value had become null before.
    pub nulled_before: AtomicU64,
    /// Rows that broke a rule, whatever became of them.
    pub violations: AtomicU64,
    /// Rows that gave none: without a match in a join, or with an empty list.
    pub left_out: AtomicU64,
    /// Left rows of a join whose key was null, which matches nothing.
    pub null_keys: AtomicU64,
}
