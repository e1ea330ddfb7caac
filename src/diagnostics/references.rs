//! What the checker says about rules that look into another table: E0608, and E0101 of a column that
//! this has not.

use super::names::no_column_there;
use super::{Code, Diagnostic, operand};
use crate::text::Span;
use crate::types::Type;

/// Where it is asked whether a value is in another table, and cannot be.
#[derive(Clone, Copy)]
pub enum Place {
    /// In no rule.
    NoRule,
    /// In a rule about all rows together.
    AllRows,
    /// Of the items of a list.
    Items,
}

/// E0608: `exists_in` elsewhere than in a rule about each row.
pub fn misplaced(span: Span, arguments: &[&str], place: Place) -> Diagnostic {
    let [value, column] = arguments else { return not_a_column(span, arguments) };
    let table = column.rsplit_once('.').map_or("customers", |(table, _)| table);
    let (label, help) = match place {
        Place::NoRule => {
            let join = format!("join {table} on {value} == {column}");
            let help =
                format!("`semi {join}` keeps the rows that are in it, `anti {join}` the others");
            ("not in an `expect`", help)
        }
        Place::AllRows => {
            let help =
                format!("a rule of its own: `expect exists_in({value}, {column}) else warn`");
            ("in a rule about all rows", help)
        }
        Place::Items => {
            let help = format!("a row for each item first: `explode items as {value}`");
            ("of the items of a list", help)
        }
    };
    let message = "`exists_in` looks into another table, which only a rule about each row does";
    Diagnostic::new(Code::E0608, message, span, label).help(help)
}

/// E0608: `exists_in` of something else than a column of a table.
pub fn not_a_column(span: Span, arguments: &[&str]) -> Diagnostic {
    let value = arguments.first().filter(|value| !value.is_empty()).unwrap_or(&"customer");
    let message = "`exists_in` wants to know in which column of which table";
    Diagnostic::new(Code::E0608, message, span, "not a table and its column")
        .help(format!("for instance `exists_in({value}, customers.id)`"))
}

/// E0101: a table that is looked into has no such column.
pub fn no_column(name: &str, span: Span, row_of: (&str, Span), columns: &[&str]) -> Diagnostic {
    no_column_there(name, span, row_of, columns)
}

/// What makes a value of the type of the column that it is looked for in, if it can become one.
pub fn same_type(arguments: &[&str], ty: &Type, becomes: bool) -> String {
    let ty = ty.with_nullable(false);
    match arguments {
        [value, column] if becomes => {
            format!("make both the same type: `exists_in({} as {ty}, {column})`", operand(value))
        }
        _ => format!("look for a value that is `{ty}`, as the column is"),
    }
}
