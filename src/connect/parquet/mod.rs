//! `parquet`: columns by name, read as the declared types where nothing is lost.
//!
//! The file format is the `parquet` crate's; here is what is between it and the language:
//! `source` for row groups as morsels, `skip` for row groups that nobody wants, `sink` and `groups`
//! for row groups of fixed size.

mod append;
mod dictionaries;
mod finer;
mod groups;
mod pause;
mod sink;
mod skip;
mod source;
#[cfg(test)]
mod tests;

use super::options::{FILENAME, PATH, TRUNCATED, independent, one_of, option};
use super::{ColumnRule, Connector, Side};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "parquet",
    extension: "parquet",
    summary: "Apache Parquet",
    options: &[
        PATH,
        option(
            "compression",
            "string",
            Side::Sink,
            |value, _| one_of(value, &["zstd", "snappy", "lz4", "gzip", "none"]),
            "\"zstd\" (default), \"snappy\", \"lz4\", \"gzip\" or \"none\"",
        ),
        TRUNCATED,
        FILENAME,
    ],
    together: independent,
    has_formats: false,
    may_skip: true,
    reads_on: None,
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: Some(sink::open),
    encoder: sink::encoder,
};
