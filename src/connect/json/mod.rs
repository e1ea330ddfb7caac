//! `json`: a record a line (JSON lines), or one array of records.
//!
//! A chunk is read in two passes: `cells` finds where the wanted values stand, `columns` reads them
//! a column at a time with the same parsers as CSV. Writing is `sink`, always a record a line.
//!
//! A key that no column wants is skipped. Of a key that stands twice in an object the last value
//! counts, as in most readers. A key that is missing is null, as one that says so.

mod cells;
mod columns;
mod marks;
mod scan;
mod sink;
mod source;
#[cfg(test)]
mod tests;

pub(super) use cells::Cells;
pub(super) use columns::{Builder, Spelling};

use super::options::{FILENAME, PATH, ZONE, independent};
use super::{ColumnRule, Connector};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "json",
    extension: "jsonl",
    summary: "JSON, a record a line; an array of records is read too; .gz and .zst as for csv",
    options: &[PATH, ZONE, FILENAME],
    together: independent,
    has_formats: true,
    may_skip: false,
    reads_on: None,
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: Some(sink::open),
    encoder: sink::encoder,
};
