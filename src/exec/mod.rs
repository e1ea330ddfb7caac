//! How batches are computed: expressions as column programs, operators over batches, stages of
//! operators run by all threads.
//!
//! Nothing here knows files ([`crate::connect`] does) or decides what is run ([`crate::plan`] and
//! `run` do).

pub mod expr;
mod gather;
pub mod keys;
pub mod operators;
mod order;
pub mod rows;
pub mod table;

use crate::text::Span;

/// Why a stage stopped.
#[derive(Clone, Debug)]
pub enum Error {
    /// A row failed where the job says that it may not.
    Row {
        /// The expression that failed.
        span: Span,
        /// What went wrong, with the value: `"12x" is not an int`.
        reason: String,
        /// Where the row stood in the input of its stage, if it still has a place there.
        position: Option<u64>,
    },
    /// Rows of a join match more than was promised.
    Cardinality {
        /// The promise.
        span: Span,
        /// Which side has a key twice: `right`, `left`.
        side: &'static str,
        /// The key, as text.
        key: String,
    },
    /// Files or services.
    Connect(crate::connect::ConnectError),
    /// The run was cancelled.
    Cancelled,
}

impl From<crate::connect::ConnectError> for Error {
    fn from(error: crate::connect::ConnectError) -> Error {
        Error::Connect(error)
    }
}
