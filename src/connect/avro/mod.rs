//! `avro`: object container files, columns by name, read as the declared types where nothing is lost.
//!
//! Records are decoded by the `arrow-avro` crate. Here is what is around them: `file` for headers and
//! blocks, `codec` for how blocks are packed, `source` for blocks as morsels, `plain` for the arrays
//! that come out; and what is written: `schema`, `rows` for records, `sink` for blocks of fixed size.

mod codec;
mod file;
mod plain;
mod rows;
mod schema;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use super::options::{FILENAME, PATH, TRUNCATED, one_of, option};
use super::{ColumnRule, Connector, Side};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "avro",
    extension: "avro",
    summary: "Apache Avro, object container files",
    options: &[
        PATH,
        option(
            "compression",
            "string",
            Side::Sink,
            |value, _| one_of(value, &["deflate", "snappy", "zstd", "none"]),
            "\"deflate\" (default), \"snappy\", \"zstd\" or \"none\"",
        ),
        TRUNCATED,
        FILENAME,
    ],
    together: schema::check,
    has_formats: false,
    may_skip: false,
    reads_on: None,
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: Some(sink::open),
    encoder: sink::encoder,
};
