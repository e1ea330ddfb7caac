//! What the checker says about tests of the program: codes E0801 to E0899.

use super::{Code, Diagnostic, nearest};
use crate::text::Span;
use crate::types::{DataType, Type};

/// E0801: a column that the table which is given, or wanted, has not.
pub fn no_column(
    name: &str,
    span: Span,
    (table, place): (&str, Span),
    columns: &[&str],
) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0801,
        format!("`{table}` has no column `{name}`"),
        span,
        "not a column of it",
    )
    .label(place, format!("`{table}` is declared here"));
    match nearest(name, columns.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("its columns are `{}`", columns.join("`, `"))),
    }
}

/// E0801: a column twice in one table.
pub fn column_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0801, format!("`{name}` is twice in this table"), span, "again here")
        .label(first, "first here")
        .help("leave one of them")
}

/// E0801: a row that has not as many cells as its table has columns.
pub fn wrong_width(span: Span, cells: usize, header: Span, columns: usize) -> Diagnostic {
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let message = format!(
        "this row has {cells} cell{}, and the table has {columns} column{}",
        s(cells),
        s(columns)
    );
    Diagnostic::new(Code::E0801, message, span, "of this row")
        .label(header, "these are the columns")
        .help("write `null` or `\"\"` where there is nothing; a text with a `|` stands in quotes")
}

/// E0801: a cell that is not of its column's type.
pub fn bad_cell(
    column: &str,
    ty: &Type,
    span: Span,
    declared: Span,
    message: impl Into<String>,
) -> Diagnostic {
    let found = Diagnostic::new(Code::E0801, message, span, format!("`{column}` is `{ty}`"))
        .label(declared, "it comes from here");
    match example(&ty.data) {
        Some(example) => found.help(format!("such values are written as {example}")),
        None => found,
    }
}

/// E0801: a cell of a value that no row of its table has.
pub fn impossible_cell(column: &str, text: &str, span: Span, since: Span) -> Diagnostic {
    let message = format!("`{column}` is never `{text}` in this table");
    Diagnostic::new(Code::E0801, message, span, "rows with it do not come so far")
        .label(since, "since here")
        .help("write a value that rows of it can have; what a step leaves out is given for the table above it")
}

/// How a value of a type is written in a table.
fn example(ty: &DataType) -> Option<&'static str> {
    Some(match ty {
        DataType::Bool => "`true` or `false`",
        DataType::Int => "`12`",
        DataType::Decimal { scale: 0, .. } => "`12`",
        DataType::Decimal { .. } | DataType::Float => "`1.5`",
        DataType::String => "`Rome`, or `\"Rome\"` where signs or blanks count",
        DataType::Date => "`2024-01-31`",
        DataType::Datetime => "`2024-01-31T10:00`",
        DataType::Timestamp => "`2024-01-31T10:00Z`",
        DataType::Duration => "`30m` or `PT30M`",
        DataType::List(_) => "`[1, 2]`",
        DataType::Record(_) => "`{a: 1, b: \"x\"}`",
        _ => return None,
    })
}

/// E0801: a source that is read, and not given.
pub fn source_not_given(
    job: &str,
    source: &str,
    (wanted, want): (Span, Span),
    read: Span,
    given: &str,
) -> Diagnostic {
    let message = format!("`{job}` reads `{source}`, which this test does not give");
    Diagnostic::new(Code::E0801, message, wanted, "wanted here")
        .label(read, format!("`{source}` is read here"))
        .help(format!("a table without rows says that it is empty:\n  {given}"))
        .guess(Span { end: want.start, ..want }, format!("{given}\n  "))
}

/// E0801: columns that steps look at, or that are wanted as they are, and that the given table has not:
/// their names, where they are asked for, and whether by a step.
pub fn columns_not_given(table: &str, header: Span, missing: &[(&str, Span, bool)]) -> Diagnostic {
    let names: Vec<String> = missing.iter().map(|(name, ..)| format!("`{name}`")).collect();
    let names = names.join(", ");
    let by_step = missing.iter().any(|(.., by_step)| *by_step);
    let why = if by_step { "which steps look at" } else { "which the test wants" };
    let s = if missing.len() == 1 { "" } else { "s" };
    let message = format!("this table has no column{s} {names}, {why}");
    let label = format!("rows of `{table}`");
    let mut found = Diagnostic::new(Code::E0801, message, header, label);
    for (name, span, by_step) in missing.iter().take(4) {
        let text = match by_step {
            true => format!("what comes depends on `{name}` here"),
            false => format!("`{name}` is wanted here"),
        };
        found = found.label(*span, text);
    }
    found.help(format!("add the column{s} {names}"))
}

/// E0801: something of the run that has no value in a test.
pub fn not_set(
    job: &str,
    what: &str,
    example: Option<&str>,
    (wanted, want): (Span, Span),
    read: Span,
) -> Diagnostic {
    let message = format!("`{job}` reads `{what}`, which this test does not set");
    let found = Diagnostic::new(Code::E0801, message, wanted, "wanted here")
        .label(read, format!("`{what}` is read here"));
    match example.map(|example| format!("set {what} = {example}")) {
        None => found.help(format!("write `set {what} = …` above, with a value")),
        Some(set) => found
            .help(format!("write `{set}` above"))
            .guess(Span { end: want.start, ..want }, format!("{set}\n  ")),
    }
}

/// E0801: what cannot be set.
pub fn cannot_set(name: &str, span: Span, params: &[&str]) -> Diagnostic {
    let message = format!("there is no parameter `{name}` to set");
    let found = Diagnostic::new(Code::E0801, message, span, "a test sets parameters");
    let known = params.iter().copied().chain(["run.time", "run.date"]);
    match nearest(name, known) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help("parameters, `run.time` and `run.date` can be set"),
    }
}

/// E0801: something is given or set twice.
pub fn said_twice(word: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    let message = format!("`{name}` is {word} twice");
    Diagnostic::new(Code::E0801, message, span, "again here")
        .label(first, "first here")
        .help("leave one of them")
}

/// E0801: a source is wanted.
pub fn wants_source(name: &str, span: Span, jobs: &[&str]) -> Diagnostic {
    let message = format!("`{name}` is a source: nothing is computed of what is given for it");
    let found = Diagnostic::new(Code::E0801, message, span, "a test wants what a job gives");
    match jobs {
        [] => found.help("declare a job that reads it, and name that"),
        jobs => found.help(format!("name a job: `{}`", jobs.join("`, `"))),
    }
}

/// E0801: rows of a table without the `|` that they begin with.
pub fn rows_without_bars(span: Span, row: &str, place: Span, written: String) -> Diagnostic {
    let message = "the rows of a table begin and end with `|`";
    Diagnostic::new(Code::E0801, message, span, "a row without it")
        .help(format!("write `{row}`"))
        .guess(place, written)
}

/// E0801: `given orders { … }`
pub fn table_in_brackets(span: Span, sign: &str) -> Diagnostic {
    let message = "the rows of a table stand on lines of their own, and begin and end with `|`";
    Diagnostic::new(Code::E0801, message, span, format!("`{sign}` begins no table"))
        .help("end the line here, and write rows below: `| id | name |`, `| 1 | Ann |`")
}

/// E0801: nothing is said of what is wanted.
pub fn wants_nothing(name: &str, span: Span, header: &str) -> Diagnostic {
    let message = format!("what is wanted of `{name}` is missing");
    Diagnostic::new(Code::E0801, message, span, "no table follows").help(format!(
        "write its rows below, `{header}`; none if it has to be empty, or `want {name} fails`"
    ))
}

/// E0801: rows of a job that could not come of it.
pub fn key_repeated(job: &str, columns: &str, span: Span, first: Span) -> Diagnostic {
    let message = format!("no two rows of `{job}` can have the same {columns}");
    Diagnostic::new(Code::E0801, message, span, "again here").label(first, "first here").help(
        format!("its steps make {columns} a key: write other values, or give what `{job}` reads"),
    )
}

/// W0802: a test that wants nothing.
pub fn without_want(span: Span, example: &str) -> Diagnostic {
    Diagnostic::new(
        Code::W0802,
        "this test cannot fail: it wants nothing",
        span,
        "no `want` follows",
    )
    .help(format!("say what has to come of what is given: `want {example}`"))
}

/// W0802: a test that wants what it gives.
pub fn wants_given(name: &str, span: Span, given: Span) -> Diagnostic {
    let message = format!("`{name}` is given, so this shows nothing of the job");
    Diagnostic::new(Code::W0802, message, span, "wanted here")
        .label(given, "given here")
        .help(format!("give what `{name}` reads, or want what is made of it"))
}

/// W0802: rows that nothing reads which is wanted.
pub fn given_unread(name: &str, span: Span) -> Diagnostic {
    let message = format!("nothing that this test wants reads `{name}`");
    Diagnostic::new(Code::W0802, message, span, "given here")
        .help("leave it out, or want what is made of it")
}
