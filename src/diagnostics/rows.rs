//! What the checker says about tables: codes E0401 to E0499 and W0401 to W0499.

use super::{Code, Diagnostic};
use crate::text::Span;
use crate::types::{DataType, Type};

/// W0401: a join that may multiply rows, and nothing says whether that is meant.
pub fn may_multiply(span: Span, right: &str, right_span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::W0401,
        format!("each row may match several rows of `{right}`"),
        span,
        "this join",
    )
    .label(right_span, format!("the columns compared are not known to identify a row of `{right}`"))
    .help("say what you expect: `expect many_to_one` is checked while it runs, `expect many_to_many` allows it")
}

/// W0402: join keys that may be null. Of joins that keep what matches nothing such rows are kept.
pub fn nullable_key(name: &str, span: Span, are_kept: bool) -> Diagnostic {
    let help = match are_kept {
        true => format!(
            "if another value is meant for them, `fill {name} with …` above; the report counts them"
        ),
        false => format!("`filter {name} is not null` above, or read the count in the report"),
    };
    Diagnostic::new(
        Code::W0402,
        format!("rows without `{name}` never match (null is not a key)"),
        span,
        "may be null",
    )
    .help(help)
}

/// A column in which two tables differ: its type and its place on each side that has it.
pub struct Difference {
    /// Its name.
    pub name: String,
    /// In the table above.
    pub left: Option<(String, Span)>,
    /// In the other one.
    pub right: Option<(String, Span)>,
}

impl Difference {
    /// The step that makes the other table as the one above.
    fn step(&self) -> String {
        let name = &self.name;
        match (&self.left, &self.right) {
            (None, _) => format!("drop {name}"),
            (Some((ty, _)), None) => {
                format!("derive {name} = null as {}?", ty.trim_end_matches('?'))
            }
            (Some((ty, _)), Some(_)) => format!("cast {name} as {ty}"),
        }
    }
}

/// E0403: tables that are stacked or compared and differ in these columns, at least one.
pub fn tables_differ(span: Span, differences: &[Difference], table: &str, how: &str) -> Diagnostic {
    const NAMED: usize = 8;
    // Places of more columns than these would hide what is said.
    const PLACED: usize = 3;
    let names: Vec<String> =
        differences.iter().take(NAMED).map(|one| format!("`{}`", one.name)).collect();
    let more = match differences.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("the tables differ in {}{more}", names.join(", "));
    let mut found = Diagnostic::new(Code::E0403, message, span, format!("{how} here"));
    if differences.len() <= PLACED {
        for (ty, span) in differences.iter().flat_map(|one| [&one.left, &one.right]).flatten() {
            found = found.label(*span, format!("`{ty}` here"));
        }
    }
    let steps: Vec<String> = differences.iter().map(Difference::step).collect();
    let or = match differences {
        [Difference { name, left: None, .. }] => format!(", or add `{name}` above"),
        [Difference { name, right: None, .. }] => format!(", or `drop {name}` above"),
        _ => String::new(),
    };
    found.help(format!("`{}` in a job that reads `{table}`{or}", steps.join("; ")))
}

/// W0408: `count` of a condition, which counts where it is false too.
pub fn count_of_condition(span: Span, condition: Span, text: &str) -> Diagnostic {
    let written = format!("count_if({text})");
    let message = "`count` counts where this is false too";
    Diagnostic::new(Code::W0408, message, condition, "a condition, and not null where it is false")
        .help(format!("to count where it is true: `{written}`"))
        .guess(span, written)
}

/// W0404: the first rows of a table without an order.
pub fn take_unsorted(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::W0404,
        "which rows? `take` keeps the first as they come",
        span,
        "the rows have no order here",
    )
    .help("put `sort …` before it")
}

/// W0404: the first or last value of a group whose rows have no order.
pub fn aggregate_unsorted(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::W0404,
        format!("which row? `{name}` goes by the order of the rows"),
        span,
        "the rows have no order here",
    )
    .help("put `sort …` before the `group`, or say by what: `max_by(value, by)`; `any_value` takes any")
}

/// E0406: a join without anything to compare.
pub fn join_without_condition(span: Span, table: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0406,
        "this join compares no columns of the two sides",
        span,
        "every row would meet every row",
    )
    .help(format!(
        "join on equal columns: `on left_column == {table}.column`; if every row is to meet every row: `cross join {table}`"
    ))
}

/// E0406: a condition of one column, which the other side has too.
pub fn compared_with_itself(name: &str, span: Span, table: &str) -> Diagnostic {
    let message = format!("`{name} == {name}` compares nothing of `{table}`");
    Diagnostic::new(Code::E0406, message, span, "a column of the left side with itself")
        .help(format!("write `on {name}`"))
        .guess(span, name)
}

/// E0212: a column alone among conditions that `and` joins, whose texts these are.
pub fn name_in_and(name: &str, span: Span, whole: Span, parts: &[String]) -> Diagnostic {
    let message = format!("`{name}` alone stands apart from other conditions by a comma");
    let on = parts.join(", ");
    Diagnostic::new(Code::E0212, message, span, "beside `and`, where a condition is needed")
        .help(format!("write `on {on}`"))
        .guess(whole, on)
}

/// E0432: a cross join with a condition.
pub fn cross_join_with_condition(verb: Span, on: Span) -> Diagnostic {
    Diagnostic::new(Code::E0432, "a `cross join` has no conditions", on, "a condition")
        .label(verb, "every row meets every row")
        .help("for the rows that meet it: `join … on …`")
        .guess(verb, "join")
}

/// E0430: an `asof join` without an inequality.
pub fn asof_without_order(verb: Span, table: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0430,
        "nothing says which row this `asof join` is to find",
        verb,
        "without an inequality of the two sides",
    )
    .help(format!("say what comes before what: `on …, at >= {table}.at`"))
}

/// E0430: an `asof join` with another condition than equalities and one inequality.
pub fn asof_condition(span: Span, table: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0430,
        "an `asof join` compares by equalities and one inequality of the two sides",
        span,
        "one condition more",
    )
    .help(format!("`filter` in a job that reads `{table}`, and join that job"))
}

/// E0430: an `asof join` by values that have no distance, or of two types.
pub fn asof_type(span: Span, left: &Type, right: &Type) -> Diagnostic {
    let label = format!("`{left}` and `{right}`");
    Diagnostic::new(
        Code::E0430,
        "an `asof join` goes by two numbers, dates or times of one type",
        span,
        label,
    )
    .help(match (&left.data, &right.data) {
        (DataType::String, DataType::String) => {
            "only what has a distance can be nearest: compare a number, a date or a time instead"
        }
        _ => "make both the same type before: `cast at as timestamp`",
    })
}

/// E0431: `within` where nothing is before or behind something.
pub fn within_without_order(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0431,
        "`within` limits how far apart two values are, and none are compared by order",
        span,
        "how far apart?",
    )
    .help("add which comes first: `on …, at >= other.at within 7d`")
}

/// E0431: a `within` that is no distance of what it limits.
pub fn within_type(span: Span, ty: &Type, of: Span, distance: &Type) -> Diagnostic {
    if ty.data == DataType::Date && distance.data == DataType::Duration {
        let message = "two dates are whole days apart";
        return Diagnostic::new(Code::E0431, message, span, "not a number of days that is written")
            .label(of, format!("`{ty}`"))
            .help("give whole days, written as such: `within 7d`");
    }
    let help = match ty.data {
        DataType::Date => "give whole days, written as such: `within 7d`",
        DataType::Int => "give a whole number: `within 10`",
        _ => "give a distance of the same type",
    };
    Diagnostic::new(
        Code::E0431,
        format!("the distance of two values of `{}` is no `{distance}`", ty.data),
        span,
        format!("this is `{distance}`"),
    )
    .label(of, format!("`{ty}`"))
    .help(help)
}

/// W0415: a sort key that is the same for every row.
pub fn sorted_by_constant(span: Span, text: &str, columns: &[&str]) -> Diagnostic {
    let message = format!("`{text}` is the same for every row, and orders nothing");
    let found = Diagnostic::new(Code::W0415, message, span, "a constant");
    let quoted = columns.iter().find(|name| text.trim_matches('"') == **name);
    // As `ORDER BY 1` of SQL does.
    let counted = || columns.get(text.parse::<usize>().ok()?.checked_sub(1)?);
    match quoted.or_else(counted) {
        Some(column) => found.perhaps(span, *column),
        None => found.help("sort by a column, or an expression of columns"),
    }
}

/// E0407: a column that a bare `on` name needs on both sides.
pub fn join_key_missing(name: &str, span: Span, side: &str, table: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0407,
        format!("`{name}` is not on the {side} side of this join"),
        span,
        format!("`{table}` has no such column"),
    )
    .help(format!("write which columns are equal: `on {name} == {table}.…`"))
}
