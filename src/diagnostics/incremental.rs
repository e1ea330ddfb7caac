//! Sources of which a run reads only what came since the one before.

use super::{Code, Diagnostic};
use crate::text::Span;
use crate::types::Type;

/// A source and where it says that it is incremental.
type Source<'s> = (&'s str, Span);

/// E0509: rows are read by a column that does not grow.
pub fn does_not_grow(column: &str, span: Span, ty: &Type) -> Diagnostic {
    let message = format!("rows that came since cannot be told by `{column}`, which is `{ty}`");
    Diagnostic::new(Code::E0509, message, span, "its values do not grow with the rows")
        .help("use a column of type timestamp, datetime, date, int or decimal")
}

/// E0509: rows are read by a column that may have no value.
pub fn may_be_null(column: &str, span: Span, origin: Span, ty: &Type) -> Diagnostic {
    let message = format!("whether a row without `{column}` was read before is not known");
    Diagnostic::new(Code::E0509, message, span, "it may be null")
        .label(origin, "declared so here")
        .help(format!("declare it without `?`: `{column}: {}`", ty.data))
}

/// E0509: a time to look back from a number.
pub fn no_time_to_look_back(column: &str, span: Span, ty: &Type) -> Diagnostic {
    let message =
        format!("`{column}` is `{ty}`, and no time before a number can be looked back to");
    Diagnostic::new(Code::E0509, message, span, "this is a time")
        .help("leave `lookback` out, or read by a column with times")
}

/// E0510: an output that is replaced by the new rows alone.
pub fn loses_rows(output: &str, at: Span, source: Source, key: Option<&str>) -> Diagnostic {
    let (source, said) = source;
    let message = format!("each run would replace `{output}` by the new rows of `{source}` alone");
    let help = match key {
        Some(key) => format!("`{{ mode merge on {key} }}` keeps the rows that are there"),
        None => "`{ mode append }` keeps the rows that are there".to_owned(),
    };
    Diagnostic::new(Code::E0510, message, at, "the rows of earlier runs would be lost")
        .label(said, "a run reads only what came since the one before")
        .help(help)
}

/// E0510: folders that are replaced by the new rows alone.
pub fn loses_rows_of_folders(output: &str, by: Span, source: Source, column: &str) -> Diagnostic {
    let (source, said) = source;
    let message =
        format!("folders of `{output}` would lose rows of `{source}` that earlier runs read");
    Diagnostic::new(Code::E0510, message, by, "a folder may get rows of several runs")
        .label(said, "a run reads only what came since the one before")
        .help(format!(
            "`partition by {column}`, so that a run reads all rows of a folder or none; or `mode append`"
        ))
}

/// E0510: rows of which the same are read again, and may be in another folder then.
pub fn moves_between_folders(
    output: &str,
    by: (&str, Span),
    source: Source,
    column: &str,
) -> Diagnostic {
    let ((other, by), (source, said)) = (by, source);
    let message = format!("a row of `{source}` may stay in two folders of `{output}`");
    let found = format!("`{other}` may be another when a row is read again");
    Diagnostic::new(Code::E0510, message, by, found)
        .label(said, "rows of the lookback are read again")
        .help(format!("`partition by {column}` alone, or leave `lookback` out"))
}

/// W0602: an output to which new rows are added, and with them again all rows of another source.
pub fn appends_other(output: &str, at: Span, whole: Source) -> Diagnostic {
    let (whole, declared) = whole;
    let message = format!("`{output}` gets all rows of `{whole}` again with each run");
    Diagnostic::new(Code::W0602, message, at, "they are added to those that are there")
        .label(declared, "a run reads all of it")
        .help(format!(
            "`incremental by` a column of `{whole}`, or write its rows to another output"
        ))
}

/// W0602: an output to which the rows of a lookback are added again and again.
pub fn appends_again(output: &str, at: Span, source: Source, key: Option<&str>) -> Diagnostic {
    let (source, said) = source;
    let message = format!("`{output}` gets rows of `{source}` again with each run");
    let help = match key {
        Some(key) => format!("`mode merge on {key}` takes each of them once"),
        None => {
            "`dedupe` the rows by a key, and `mode merge on` it; or leave `lookback` out".into()
        }
    };
    Diagnostic::new(Code::W0602, message, at, "they are added to those that are there")
        .label(said, "rows of the lookback are read again")
        .help(help)
}

/// W0603: groups of the rows of one run.
pub fn groups_one_run(step: Span, source: Source) -> Diagnostic {
    let (source, said) = source;
    let message = format!("this groups only those rows of `{source}` that one run reads");
    Diagnostic::new(Code::W0603, message, step, "rows of earlier runs are not in these groups")
        .label(said, "a run reads only what came since the one before")
        .help("group what the output holds, in a pipeline that reads it")
}

/// W0603: neighbours among the rows of one run.
pub fn neighbours_of_one_run(step: Span, source: Source) -> Diagnostic {
    let (source, said) = source;
    let message = format!("neighbours are only those rows of `{source}` that one run reads");
    Diagnostic::new(Code::W0603, message, step, "rows of earlier runs are no neighbours here")
        .label(said, "a run reads only what came since the one before")
        .help("compute it of what the output holds, in a pipeline that reads it")
}

/// W0603: a join with the rows of one run.
pub fn looks_up_one_run(step: Span, source: Source) -> Diagnostic {
    let (source, said) = source;
    let message = format!("this finds only those rows of `{source}` that one run reads");
    Diagnostic::new(Code::W0603, message, step, "rows of earlier runs are not found")
        .label(said, "a run reads only what came since the one before")
        .help("look rows up in a source that is read whole: without `incremental by`")
}
