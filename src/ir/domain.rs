//! What is known of the values of a column beside its type. How it comes to be known is the checker's
//! business.

use super::{Comparison, Expr, Input};
use crate::text::Span;
use std::sync::Arc;

/// The values that a column can still have, by conditions that its rows have met and by how it was
/// computed; null is not counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Domain {
    /// The members of its enum that are left, when some are excluded.
    pub members: Option<Members>,
    /// What its values are compared with, and how that comes out.
    pub bounds: Vec<Bound>,
    /// The columns of other tables among whose values they are.
    pub found: Vec<Found>,
}

/// Members of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    /// Their positions in the enum, in order.
    pub left: Arc<[i32]>,
    /// The condition that left these.
    pub since: Span,
}

/// A comparison that is true: `>= 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// How it is compared.
    pub op: Comparison,
    /// With which literal, not null.
    pub value: Expr,
    /// The condition or value that made it known.
    pub since: Span,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The table.
    pub table: Input,
    /// The position of the column.
    pub column: usize,
}

impl Domain {
    /// Is nothing known?
    pub fn is_empty(&self) -> bool {
        self.members.is_none() && self.bounds.is_empty() && self.found.is_empty()
    }

    /// Can it be this member of its enum?
    pub fn can_be(&self, member: i32) -> bool {
        self.members.as_ref().is_none_or(|members| members.left.contains(&member))
    }
}
