//! What was *written*: the program as the user typed it, with places and without meaning.
//!
//! No names are resolved here and no types known. A construct that did not parse stands as a
//! `Bad` node, so that what is around it can still be checked; later phases say nothing about it.

mod declarations;
mod expressions;
mod fixtures;
mod steps;

pub use declarations::*;
pub use expressions::*;
pub use fixtures::*;
pub use steps::*;

use crate::text::{FileId, Span};
use std::sync::Arc;

/// A name as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The letters.
    pub text: String,
    /// The place.
    pub span: Span,
}

/// A text literal without interpolation, its escapes resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text meant.
    pub value: String,
    /// The place, quotes included.
    pub span: Span,
}

/// One file.
#[derive(Debug)]
pub struct File {
    /// Which.
    pub id: FileId,
    /// The number after `batch` on the first line, if it is there.
    pub edition: Option<(u32, Span)>,
    /// The declarations in their order.
    pub declarations: Vec<Arc<Declaration>>,
    /// What it and its modules use.
    pub uses: Vec<Used>,
    /// The comments in their order, for the formatter.
    pub comments: Vec<Comment>,
}

/// What a file sees of others.
#[derive(Clone, Debug)]
pub struct Used {
    /// Who does so.
    pub by: FileId,
    /// Whose declarations.
    pub module: Module,
    /// Where it is said.
    pub span: Span,
}

/// Where declarations come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// A file.
    File(FileId),
    /// A module of the library, by its name without `std`.
    Library(String),
}

/// A comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The place, from its first `#` to the end of its line.
    pub span: Span,
    /// Is it documentation (`##`)?
    pub documentation: bool,
}
