//! `csv`: comma-separated values, RFC 4180 and its usual deviations.
//!
//! Reading goes in three steps: `source` cuts the bytes into chunks of whole records, `index` finds
//! the fields of a chunk (`exact` where quotes or field counts are irregular), `columns` reads the
//! wanted ones. Writing is `sink`.

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

use super::options::{self, FILENAME, PATH, ZONE, option};
use super::{ColumnRule, Connector, Side};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "csv",
    extension: "csv",
    summary: "Comma-separated values (RFC 4180); .gz and .zst are unpacked and packed",
    options: &[
        PATH,
        option(
            "header",
            "bool",
            Side::Both,
            options::any,
            "the first record names the columns (true); columns are bound by these names, else by position",
        ),
        option(
            "delimiter",
            "string",
            Side::Both,
            options::one_character,
            "between fields (\",\"), one ASCII character",
        ),
        option(
            "quote",
            "string",
            Side::Both,
            options::quote,
            "around fields (\"\\\"\"); \"\" when quotes are text",
        ),
        option(
            "null",
            "string | list<string>",
            Side::Both,
            options::any,
            "the spellings of null outside quotes ([\"\"]); a sink writes the first",
        ),
        option(
            "comment",
            "string",
            Side::Source,
            options::one_character,
            "lines that begin with it are skipped",
        ),
        option(
            "skip",
            "int",
            Side::Source,
            options::count,
            "lines before the header that are skipped (0)",
        ),
        ZONE,
        option(
            "formulas",
            "string",
            Side::Sink,
            |value, _| options::one_of(value, &["keep", "escape"]),
            "\"escape\" puts ' before texts that a spreadsheet would run (\"keep\")",
        ),
        FILENAME,
    ],
    together: dialect::check,
    has_formats: true,
    may_skip: false,
    reads_on: Some(|arguments| dialect::Dialect::of(arguments).quote),
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: Some(sink::open),
    encoder: sink::encoder,
};
