//! Joins: a table over the right side ([`JoinBuild`]), then the left rows looked up in it
//! ([`JoinProbe`]).
//!
//! The result has the order of the left rows, and for each of them that of the right ones; then come
//! the right rows that match nothing, where they are kept ([`outer`]). Of the right rows with a key only the nearest one may match
//! ([`nearest`]). Null keys match nothing,
//! unless null equals null. What the residual condition means is its own business: it gets the
//! candidate pairs as a batch. When the right side does not fit into memory, both sides go to disk
//! ([`spill`]).

mod bounds;
mod build;
mod candidates;
mod dense;
mod nearest;
mod outer;
mod probe;
mod ranks;
mod spill;

pub use build::{Built, JoinBuild, JoinTable};
pub use candidates::Residual;
pub use nearest::NearestBy;
pub use outer::{OuterRow, UnmatchedRight};
pub use probe::{JoinProbe, PAIRS_MAX};
pub use spill::SpilledJoin;

use crate::data::{display, scalar_at};
use crate::diagnostics::shown;
use crate::functions::kernel::Operand;
use crate::types::Type;

/// The keys of a row as text, for messages.
fn key_text(types: &[Type], keys: &[Operand], row: usize) -> String {
    let text = |(key, ty): (&Operand, &Type)| {
        shown(&display(&scalar_at(&key.array, &ty.data, key.index(row)), &ty.data))
    };
    keys.iter().zip(types).map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
