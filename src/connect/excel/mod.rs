//! `excel`: one sheet of a workbook as a table, read only.
//!
//! The formats of workbooks are the `calamine` crate's. Here are `workbook` for the cells of a sheet,
//! `cell` for what a cell is as a value of a declared type, and `source`, which binds columns.

mod cell;
mod source;
#[cfg(test)]
mod tests;
mod workbook;

use super::options::{self, BadOption, FILENAME, PATH, ZONE, option};
use super::{Arguments, Column, ColumnRule, ConnectError, Connector, Side};
use crate::types::{DataType, Scalar};

/// The connector.
pub static CONNECTOR: Connector = Connector {
    name: "excel",
    extension: "xlsx",
    summary: "Workbooks of Excel (.xlsx, .xlsm, .xlsb, .xls) and OpenDocument (.ods); read only",
    options: &[
        PATH,
        option(
            "sheet",
            "string | int",
            Side::Source,
            sheet,
            "its name, or its number from 1 on (1)",
        ),
        option(
            "header",
            "bool",
            Side::Source,
            options::any,
            "the first row names the columns (true); without it they are A, B, C and so on",
        ),
        option(
            "skip",
            "int",
            Side::Source,
            options::count,
            "rows of the sheet before the header that are skipped (0)",
        ),
        ZONE,
        FILENAME,
    ],
    together: check,
    has_formats: true,
    may_skip: false,
    reads_on: None,
    columns: ColumnRule::Declared,
    source: Some(source::open),
    sink: None,
    encoder: |_| unreachable!("workbooks are not written"),
};

/// A name, or a number from 1 on.
fn sheet(value: &Scalar, _: Side) -> Result<(), ConnectError> {
    match value {
        Scalar::Int(number) if *number < 1 => {
            Err(ConnectError::new(format!("there is no sheet {number}"))
                .help("sheets are counted from 1 on"))
        }
        _ => Ok(()),
    }
}

/// Says which columns no cell can hold.
fn check(_: &Arguments, _: Side, columns: &[Column]) -> Result<(), BadOption> {
    let is_nested =
        |ty: &DataType| matches!(ty, DataType::List(_) | DataType::Map(_) | DataType::Record(_));
    let Some(column) = columns.iter().find(|column| is_nested(&column.ty.data)) else {
        return Ok(());
    };
    let message = format!(
        "a cell holds a single value, and column `{}` is declared as {}",
        column.external, column.ty
    );
    let help =
        "declare it as `json` if its texts are JSON, or as `string`, and convert it in a job";
    Err(("path", ConnectError::new(message).help(help)))
}
