//! `csv`: comma-separated values, RFC 4180 and its usual deviations.
//!
//! Reading goes in three steps: `source` cuts the bytes into chunks of whole records, `index` finds
//! the fields of a chunk (`exact` where quotes or field counts are irregular), `columns` reads the
//! wanted ones. Writing is `sink`.

pub(super) use columns::shown;
#[cfg(any(test, fuzzing))]
pub(super) use {simd::Level, source::CsvSource};

mod columns;
mod dialect;
mod exact;
mod index;
mod simd;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use super::{ColumnRule, Connector, ConnectorOption, Side};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "csv",
    summary: "Comma-separated values (RFC 4180); .gz and .zst are unpacked and packed",
    options: &[
        option(
            "path",
            "string | list<string>",
            Side::Both,
            true,
            "the file; a source may have many, and patterns such as \"in/*.csv\"",
        ),
        option(
            "header",
            "bool",
            Side::Both,
            false,
            "the first record names the columns (true); columns are bound by these names, else by position",
        ),
        option(
            "delimiter",
            "string",
            Side::Both,
            false,
            "between fields (\",\"), one ASCII character",
        ),
        option(
            "quote",
            "string",
            Side::Both,
            false,
            "around fields (\"\\\"\"); \"\" when quotes are text",
        ),
        option(
            "null",
            "string | list<string>",
            Side::Both,
            false,
            "the spellings of null outside quotes ([\"\"]); a sink writes the first",
        ),
        option("comment", "string", Side::Source, false, "lines that begin with it are skipped"),
        option("skip", "int", Side::Source, false, "lines before the header that are skipped (0)"),
        option("zone", "string", Side::Source, false, "the time zone of timestamps that name none"),
        option(
            "formulas",
            "string",
            Side::Sink,
            false,
            "\"escape\" puts ' before texts that a spreadsheet would run (\"keep\")",
        ),
    ],
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: Some(sink::open),
};

const fn option(
    name: &'static str,
    ty: &'static str,
    side: Side,
    required: bool,
    doc: &'static str,
) -> ConnectorOption {
    ConnectorOption { name, ty, side, required, doc }
}
