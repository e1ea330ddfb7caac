//! What the checker says about transforms and where they are applied: codes E0134 to E0139.

use super::{Code, Diagnostic, nearest};
use crate::text::Span;
use crate::types::Type;

/// E0134: there is no such transform.
pub fn none_called(name: &str, span: Span, all: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0134,
        format!("there is no transform `{name}`"),
        span,
        "not declared in this file",
    );
    match nearest(name, all.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("declare it: `transform {name}(t: {{ id: int, .. }}) {{ … }}`")),
    }
}

/// E0135: the row lacks a column that the transform needs.
pub fn lacks_column(
    (name, span): (&str, Span),
    (column, ty, declared): (&str, &Type, Span),
    all: &[&str],
) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0135,
        format!("`{name}` needs a column `{column}`"),
        span,
        format!("the row has no `{column}`"),
    )
    .label(declared, format!("declared here as `{ty}`"));
    match nearest(column, all.iter().copied()) {
        Some(near) => found.help(format!("`rename {near} as {column}` above")),
        None => found.help(format!(
            "add it above: `derive {column} = …`; the row is {{{}}}",
            all.join(", ")
        )),
    }
}

/// E0135: a column of the row has another type than the transform needs.
pub fn other_type(
    (name, span): (&str, Span),
    (column, wanted, declared): (&str, &Type, Span),
    ty: &Type,
) -> Diagnostic {
    let help = match ty.data == wanted.data {
        true => format!("`filter {column} is not null` or `fill {column} with …` above"),
        false => format!("`cast {column} as {wanted}` above"),
    };
    Diagnostic::new(
        Code::E0135,
        format!("`{name}` needs `{column}` to be `{wanted}`"),
        span,
        format!("`{column}` is `{ty}` here"),
    )
    .label(declared, "declared here")
    .help(help)
}

/// E0135: a table that has more columns than the transform takes.
pub fn further_column(name: &str, span: Span, column: &str, fields: &[&str]) -> Diagnostic {
    Diagnostic::new(
        Code::E0135,
        format!("`{name}` takes rows of {{{}}} alone", fields.join(", ")),
        span,
        format!("the row has `{column}` too"),
    )
    .help(format!("`select {}` above, or `..` behind its columns", fields.join(", ")))
}

/// E0136: a step of the transform cannot be done with this row.
pub fn fails_here(name: &str, span: Span, message: &str, place: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0136,
        format!("`{name}` cannot be applied to this row"),
        span,
        "applied here",
    )
    .label(place, message)
    .help("select the columns that it needs above")
}

/// E0137: a transform without a table.
pub fn no_table(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0137,
        format!("`{name}` has no table to begin with"),
        span,
        "its first parameter is no table",
    )
    .help(format!("`transform {name}(t: {{ id: int, .. }}) {{ from t … }}`"))
}

/// E0137: a transform that begins otherwise than with its table.
pub fn from_what(span: Span, table: &str) -> Diagnostic {
    let found = "a transform begins with the table that it is given";
    Diagnostic::new(Code::E0137, found, span, "not its table")
        .help(format!("begin with `from {table}`"))
}

/// E0138: a transform that reads another table.
pub fn other_table(span: Span, table: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0138,
        format!("a transform sees its own table alone, and not `{table}`"),
        span,
        "another table",
    )
    .help("do it in the job, above or below the `apply`")
}

/// E0138: a transform that ends in branches.
pub fn ends_in_branches(span: Span, word: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0138,
        format!("a transform gives one table, and `{word}` makes several"),
        span,
        "ends a job",
    )
    .help("do it in the job, below the `apply`")
}

/// E0139: a transform without a value for one of its parameters.
pub fn missing_value(name: &str, parameter: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0139,
        format!("`{name}` needs a value for `{parameter}`"),
        span,
        "applied without one",
    )
    .help(format!("`apply {name}({parameter}: …)`"))
}

/// E0139: a transform with more values than it has parameters.
pub fn too_many(name: &str, span: Span, count: usize) -> Diagnostic {
    let takes = match count {
        0 => "no values".to_owned(),
        1 => "one value".to_owned(),
        count => format!("{count} values"),
    };
    Diagnostic::new(
        Code::E0139,
        format!("`{name}` takes {takes} beside its table"),
        span,
        "one too many",
    )
    .help("leave it out; the table is the one above")
}
