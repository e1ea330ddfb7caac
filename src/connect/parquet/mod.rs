//! `parquet`: columns by name, read as the declared types where nothing is lost.
//!
//! The file format is the `parquet` crate's; here is what is between it and the language:
//! `convert` for types, `source` for row groups as morsels, `sink` for row groups of fixed size.

mod convert;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use super::{ColumnRule, Connector, ConnectorOption, Side};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "parquet",
    summary: "Apache Parquet",
    options: &[
        ConnectorOption {
            name: "path",
            ty: "string | list<string>",
            side: Side::Both,
            required: true,
            doc: "the file; a source may have many, and patterns such as \"in/*.parquet\"",
        },
        ConnectorOption {
            name: "compression",
            ty: "string",
            side: Side::Sink,
            required: false,
            doc: "\"zstd\" (default), \"snappy\", \"lz4\", \"gzip\" or \"none\"",
        },
    ],
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: Some(sink::open),
};
