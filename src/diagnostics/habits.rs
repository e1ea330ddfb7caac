//! What the parser says about what is written as in another language: E0004, E0007 to E0009, E0017.

use super::names::option_called;
use super::syntax::not_available_yet;
use super::{Code, Diagnostic};
use crate::syntax::ast::Later;
use crate::syntax::is_name;
use crate::text::Span;

/// A word of SQL, of data frames or of another scheduler.
pub fn foreign_word(word: &str, meant: &str, span: Span, written: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0004,
        format!("`{word}` is called `{meant}` here"),
        span,
        "a word of another language",
    )
    .help(format!("write `{written}`"))
}

/// E0004: a condition on the rows of a group by a value that the group has not named.
pub fn having_aggregate(word: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0004,
        format!("`{word}` is called `filter` here"),
        span,
        "a word of another language",
    )
    .help("name the value in the group, and filter by its name: `group by k { n = count() }`, then `filter n > 1`")
}

/// What is written as SQL or Python have it.
#[derive(Clone, Copy)]
pub enum Foreign {
    /// A word, or a form as it is called.
    Form(&'static str),
    /// `4 GB`
    UnitApart,
    /// `@2024-01-31 10:00`
    TimeApart,
    /// `not null` behind a type.
    NotNull,
    /// `null` behind a type.
    MayBeNull,
    /// `primary key` or `unique` behind a type.
    Key,
    /// `.5`
    Fraction,
    /// `"Order Id": int`
    QuotedColumn,
    /// `list[int]`, `map(string, int)`: a list or a map, and what is in it.
    InAngles(&'static str),
    /// An `if` that has no `else`.
    IfAlone,
    /// `expect` with an action and no `else`.
    ExpectAlone,
    /// `AND`
    Capitals,
}

/// What is written as in another language, and is `written` differently here.
pub fn habit(foreign: Foreign, span: Span, written: &str) -> Diagnostic {
    let message = match foreign {
        Foreign::UnitApart => "a number and its unit are written together",
        Foreign::TimeApart => "a date and its time are written together",
        Foreign::NotNull => "a column is not null unless its type has a `?`",
        Foreign::MayBeNull => "what may be null has a `?` behind its type",
        Foreign::Key => "a key is declared with `key` alone",
        Foreign::Fraction => "a number begins with a digit",
        Foreign::QuotedColumn => "what a file calls a column stands behind `named`",
        Foreign::InAngles(name) => &format!("a `{name}` says what is in it between `<` and `>`"),
        Foreign::IfAlone => "an `if` needs an `else`",
        Foreign::Capitals => "words like `and` and `null` are written in small letters",
        Foreign::ExpectAlone => "what becomes of broken rows stands behind `else`",
        Foreign::Form(form) => &format!("`{form}` is written differently here"),
    };
    Diagnostic::new(Code::E0004, message, span, "as in another language").perhaps(span, written)
}

/// `row_number() over (partition by city order by day)`, which is no whole step where it has a `name`.
pub fn over(span: Span, window: &str, name: Option<&str>) -> Diagnostic {
    let message = "a value over neighbours is computed by a step of its own here";
    let found = Diagnostic::new(Code::E0004, message, span, "as in another language");
    match name {
        None => found.perhaps(span, window),
        Some(name) => found.help(format!("write it above: `{window}`, and `{name}` here")),
    }
}

/// E0004: `qualify row_number() over (partition by city order by day) = 1`
pub fn first_of_each(span: Span, sort: &str, take: &str) -> Diagnostic {
    let message = "the first rows of each group are taken in their order";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write `{sort}`, and on the line below `{take}`"))
        .guess(span, format!("{sort}\n  {take}"))
}

/// E0004: `qualify rank() over (partition by city order by day) < 3`
pub fn qualified(span: Span, window: &str, filter: &str) -> Diagnostic {
    let message = "`qualify` is called `filter` here, and its value is computed by a step above";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write `{window}`, and on the line below `{filter}`"))
        .guess(span, format!("{window}\n  {filter}"))
}

/// E0004: `qualify row_number() == 1`, which is not said of which rows.
pub fn qualified_by_number(span: Span) -> Diagnostic {
    let message = "`qualify` is called `filter` here, and rows are numbered by a step above";
    Diagnostic::new(Code::E0004, message, span, "a word of another language").help(
        "write `window by KEY sort KEY { n = row_number() }`, and below it `filter n == 1`; the \
         first row of each is `take 1 by KEY` too",
    )
}

/// `df.filter(…)`, `| filter …`
pub fn step_alone(span: Span, written: &str) -> Diagnostic {
    let message = "each step stands on a line of its own, and takes the rows of the one above";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write it like this: `{written}`"))
}

/// `rename new = old`
pub fn old_name_first(span: Span, written: &str) -> Diagnostic {
    let message = "`rename` has the old name first, and the new one behind `as`";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write `{written}`, or the other way round"))
}

/// `from csv("orders.csv")`
pub fn source_in_from(span: Span, connector: &str) -> Diagnostic {
    let message = "`from` names a source or a job, and does not read itself";
    Diagnostic::new(Code::E0004, message, span, "not a name").help(format!(
        "declare it above, `source orders = {connector} {{ id: int key }}`, and write `from orders`"
    ))
}

/// `from orders, customers`
pub fn two_tables(span: Span, table: &str) -> Diagnostic {
    let message = "`from` names one table, and others are steps below";
    Diagnostic::new(Code::E0004, message, span, "a second table").help(format!(
        "to match rows `join {table} on id`, to stack them `union {table}`, for all pairs `cross join {table}`"
    ))
}

/// `filter id in (select id from customers)`
pub fn rows_of_another(span: Span, written: &str) -> Diagnostic {
    matched_by_a_step(span).help(format!("write `{written}`"))
}

/// `filter id in (select id from customers where active)`
pub fn some_rows_of_another(span: Span, verb: &str, table: &str) -> Diagnostic {
    matched_by_a_step(span).help(format!(
        "declare `job wanted {{ from {table}; filter … }}`, and write `{verb} wanted on KEY` instead of this line; without a filter, `{verb} {table} on KEY`"
    ))
}

fn matched_by_a_step(span: Span) -> Diagnostic {
    let message = "rows are matched with those of another table by a step of its own";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
}

/// `output o = csv("o.csv") from j where x > 1`
pub fn step_of_output(span: Span, table: &str, step: &str) -> Diagnostic {
    let message = "an output writes a table as it is, and steps stand in a job";
    Diagnostic::new(Code::E0004, message, span, "a step")
        .help(format!("declare `job kept {{ from {table}; {step} }}`, and write `from kept`"))
}

/// `explode split(tags, ",")`
pub fn explode_of_value(span: Span, derived: &str, name: &str) -> Diagnostic {
    let message = "`explode` takes the name of a column";
    Diagnostic::new(Code::E0004, message, span, "a value")
        .help(format!("compute it first: `{derived}`, and below `explode {name}`"))
}

/// `enum Level = LOW | HIGH`
pub fn members_in_braces(span: Span, written: &str) -> Diagnostic {
    let message = "the members of an enum stand between braces, apart by commas";
    Diagnostic::new(Code::E0004, message, span, "as in another language").perhaps(span, written)
}

/// `st[0:2]`, where the value may be a list or a text.
pub fn items_or_characters(span: Span, of_list: &str, of_text: &str) -> Diagnostic {
    let message = "a part of a list or of a text is had by a function";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("of a list `{of_list}`, of a text `{of_text}`"))
}

/// `primary key (id)`
pub fn key_of_table(span: Span, column: &str) -> Diagnostic {
    let message = "the key of a source stands behind its column";
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("leave this line out, and write `key` behind the type: `{column}: int key`"))
}

/// A word of the language as a name.
pub fn reserved_name(word: &str, span: Span, whole: Span, written: &str) -> Diagnostic {
    let message = format!("`{word}` is a word of the language and cannot be a name");
    Diagnostic::new(Code::E0018, message, span, "not a name here")
        .help(format!("write for instance `{written}`"))
        .guess(whole, written)
}

/// A part of a statement of SQL that is a step of its own.
pub fn on_the_next_line(foreign: &str, span: Span, step: &str, place: &str) -> Diagnostic {
    let message = format!("`{foreign}` is a step of its own here");
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write `{step}` on a line {place}"))
}

/// `take 10 offset 5`
pub fn rows_behind_others(span: Span, count: u64, before: u64) -> Diagnostic {
    let message = "`take` begins with the first row";
    let last = before.saturating_add(count);
    Diagnostic::new(Code::E0004, message, span, "as in another language").help(format!(
        "number the rows: `window sort KEY {{ n = row_number() }}`, then `filter n > {before} and n <= {last}`"
    ))
}

/// `fill * with 0`
pub fn columns_by_name(span: Span, value: &str) -> Diagnostic {
    Diagnostic::new(Code::E0004, "`fill` names its columns", span, "as in another language").help(
        format!("write `fill a with {value}, b with {value}` with the columns that may be null"),
    )
}

/// `=` in a condition.
pub fn single_equals(span: Span, left: &str, right: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0007, "`=` names a column, `==` compares", span, "used to compare");
    let help = if left.is_empty() || right.is_empty() {
        "write `==`".to_string()
    } else {
        format!("write `{left} == {right}`")
    };
    diagnostic.help(help).fix(span, "==")
}

/// `csv("a.csv", sep=";")`
pub fn argument_equals(span: Span, name: &str, value: &str) -> Diagnostic {
    let message = "an argument is named with `:`";
    let found = Diagnostic::new(Code::E0007, message, span, "as in another language");
    let name = option_called(name);
    let shown = match value {
        "True" | "False" => value.to_lowercase(),
        "" => "…".to_owned(),
        _ => value.to_owned(),
    };
    found.help(format!("write `{name}: {shown}`")).guess(span, format!("{name}: "))
}

/// A file of SQL.
pub fn sql_file(word: Span) -> Diagnostic {
    let message = "a pipeline is not written in SQL";
    Diagnostic::new(Code::E0012, message, word, "a statement of SQL begins here").help(
        "a source says what is read, a job has the steps, an output says where they go; \
         `batchc new DIR` makes a pipeline with one of each",
    )
}

/// A step of other languages whose own is not there yet.
pub fn foreign_word_later(word: &str, later: &Later) -> Diagnostic {
    let message = format!("`{word}` is called `{}` here, and is not available yet", later.what);
    Diagnostic { message, ..not_available_yet(later) }
}

/// `'text'`, or a text in typographic quotes.
pub fn wrong_quotes(span: Span, text: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0008, "texts use double quotes", span, "not a text here");
    if text.is_empty() {
        return diagnostic.help("write `\"text\"`");
    }
    // Two quotes are one in SQL, a backslash means itself, and so do braces.
    let text = text.replace("''", "'");
    let plain = match text.contains('\\') && !text.contains('"') {
        true => format!("r\"{text}\""),
        false => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{}\"", escaped.replace('{', "{{").replace('}', "}}"))
        }
    };
    match with_values(&text) {
        Some(values) => diagnostic
            .help(format!("write `{plain}`; with the values of what is in braces `{values}`"))
            .guess(span, plain),
        None => diagnostic.instead(span, plain),
    }
}

/// A text whose braces hold names, as one that shows their values.
fn with_values(text: &str) -> Option<String> {
    let inner = text.split('{').skip(1).map(|part| part.split_once('}').map(|(name, _)| name));
    let are_names = text.contains('{') && inner.into_iter().all(|name| name.is_some_and(is_name));
    (are_names && !text.contains(['\\', '"'])).then(|| format!("\"{text}\""))
}

/// `` `name` ``
pub fn quoted_name(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(Code::E0008, "names are written without quotes", span, "not a name here").help(
        format!(
            "write `{name}`; a column that a file calls otherwise is declared with `named \"...\"`"
        ),
    )
}

/// `&&`, `||`, `!`, `<>`, ...
pub fn foreign_sign(sign: &str, meant: &str, span: Span, written: &str) -> Diagnostic {
    let message = format!("`{sign}` is written `{meant}`");
    let found = Diagnostic::new(Code::E0009, message, span, "not an operator here");
    let found = found.help(format!("write `{written}`"));
    match sign {
        // These bind otherwise elsewhere, or mean something else.
        "^" | "!" | "~" => found.guess(span, meant),
        _ => found.fix(span, meant),
    }
}

/// `from orders | filter paid`
pub fn steps_in_one_line(sign: &str, span: Span) -> Diagnostic {
    let message = format!("steps stand on lines of their own, without `{sign}` between them");
    Diagnostic::new(Code::E0009, message, span, "not an operator here")
        .help("end the line here, and write the next step below")
}

/// `except all c`
pub fn each_row_once(span: Span, verb: &str, table: &str) -> Diagnostic {
    let message = format!("`{verb}` keeps each row once, however often it comes");
    Diagnostic::new(Code::E0004, message, span, "there is no `all`").help(format!(
        "write `{verb} {table}`; to tell equal rows apart number them in both tables before, by `window by id {{ n = row_number() }}`"
    ))
}

/// `||` between values of which the parser does not know the types.
pub fn two_bars(span: Span) -> Diagnostic {
    let message = "`||` is written differently here";
    Diagnostic::new(Code::E0009, message, span, "not an operator here")
        .help("between conditions write `or`; of texts make one text: `\"{a}{b}\"`")
        .guess(span, "or")
}

/// `// like this`
pub fn foreign_comment(span: Span, sign: &str) -> Diagnostic {
    let label = format!("`{sign}` does not begin a comment");
    let found = Diagnostic::new(Code::E0017, "comments begin with `#`", span, label);
    match sign {
        // Something may stand behind its end.
        "/*" => found.help("write `# like this`, which goes on to the end of the line"),
        _ => found.help("write `# like this`").fix(span, "#"),
    }
}
