//! Tests of the program: tables that stand in for sources and jobs, and what has to come of them.

use super::{Expr, Name, Text};
use crate::text::Span;

/// `test "..." { given ... want ... set ... }`
#[derive(Debug)]
pub struct Test {
    /// What must hold.
    pub name: Text,
    /// What it says, in its order.
    pub items: Vec<TestItem>,
}

/// A statement of a test.
#[derive(Debug)]
pub enum TestItem {
    /// `given orders | ... |`
    Given {
        /// The source or job.
        table: Vec<Name>,
        /// What it holds.
        rows: Table,
    },
    /// `want clean | ... |`
    Want {
        /// The job or quarantine.
        table: Vec<Name>,
        /// What has to come of it.
        wanted: Wanted,
        /// The statement.
        span: Span,
    },
    /// `set least = 3`
    Set {
        /// The parameter, or `run.time`.
        path: Vec<Name>,
        /// Its value.
        value: Expr,
    },
    /// Did not parse; a diagnostic has been given.
    Bad,
}

/// What a test wants.
#[derive(Debug)]
pub enum Wanted {
    /// These rows.
    Rows(Table),
    /// That it fails, for a reason in which this text is found.
    Fails(Option<Text>),
    /// It does not say.
    Nothing,
}

/// A table as it is written.
#[derive(Debug)]
pub struct Table {
    /// The names of the columns, as cells.
    pub header: TableRow,
    /// The rows.
    pub rows: Vec<TableRow>,
}

/// A line of a table.
#[derive(Debug)]
pub struct TableRow {
    /// What stands between the bars.
    pub cells: Vec<Cell>,
    /// From the first bar to the last.
    pub span: Span,
}

/// A cell of a table.
#[derive(Debug)]
pub struct Cell {
    /// As it is written, without blanks around it.
    pub text: String,
    /// The same as an expression, where it looks like a list, a record or a length of time.
    pub value: Option<Expr>,
    /// Its place.
    pub span: Span,
}
