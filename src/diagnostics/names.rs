//! What the checker says about names other than those of functions: E0101 to E0199.

use super::{Code, Diagnostic, foreign, nearest, syntax};
use crate::text::Span;

/// The columns of a row for a message: at most eight of them.
pub(super) fn listed(columns: &[&str]) -> String {
    let mut shown = columns.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    if columns.len() > 8 {
        shown.push_str(", …");
    }
    format!("the row is {{{shown}}}")
}

/// E0101: a column that the row has not.
pub fn no_column(name: &str, span: Span, row_of: (&str, Span), columns: &[&str]) -> Diagnostic {
    let (table, place) = row_of;
    let found = Diagnostic::new(
        Code::E0101,
        format!("`{table}` has no column `{name}`"),
        span,
        "not a column here",
    )
    .label(place, listed(columns));
    match nearest(name, columns.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => match foreign_column(name) {
            Some(help) => found.help(help),
            None => found.help(format!("use one of them, or add it above: `derive {name} = …`")),
        },
    }
}

/// E0101: a column that a step is to drop, rename or change, and that the row has not.
pub fn nothing_to_change(
    name: &str,
    span: Span,
    row_of: (&str, Span),
    columns: &[&str],
) -> Diagnostic {
    let found = no_column(name, span, row_of, columns);
    match found.fix {
        Some(_) => found,
        None => found.help("use one of them"),
    }
}

/// E0101: a value of the same block.
pub fn value_of_block(name: &str, span: Span, step: &str) -> Diagnostic {
    let message = format!("the values of a `{step}` do not see each other, and `{name}` is one");
    Diagnostic::new(Code::E0101, message, span, "not a column here")
        .help(format!("compute it below the block: `derive total = {name} * 2`"))
}

/// How a column is had here that other engines give to every row.
fn foreign_column(name: &str) -> Option<&'static str> {
    match name {
        "_source_file" | "_metadata" | "filename" | "file_name" | "file_path" | "input_file" => {
            Some("a source has a column for the file of each row: `csv(…, filename: \"file\")`")
        }
        "all" => Some("name the columns: `group by country, city { n = count() }`"),
        "_read_at" => Some("the time of the run is `run.time`"),
        _ => None,
    }
}

/// E0101: a column that the right side of a join has not, named with its table.
pub fn no_column_there(
    name: &str,
    span: Span,
    table: (&str, Span),
    columns: &[&str],
) -> Diagnostic {
    let (table, place) = table;
    let message = format!("`{table}` has no column `{name}`");
    let found = Diagnostic::new(Code::E0101, message, span, "not a column there")
        .label(place, listed(columns));
    match nearest(name, columns.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!(
            "use one of them, as `{table}.{}`",
            columns.first().copied().unwrap_or("id")
        )),
    }
}

/// E0101: a column of the right side of a join without its table.
pub fn of_the_right_side(name: &str, span: Span, table: &str, right: &str) -> Diagnostic {
    let message = format!("`{table}` has no column `{name}`, and `{right}` has one");
    let written = format!("{right}.{name}");
    Diagnostic::new(Code::E0101, message, span, "of the right side of this join")
        .instead(span, written)
}

/// E0102: a column that an earlier step removed.
pub fn dropped_column(name: &str, span: Span, dropped: Span) -> Diagnostic {
    Diagnostic::new(Code::E0102, format!("`{name}` is no longer in the row"), span, "used here")
        .label(dropped, "removed here")
        .help("move this step above the one that removes it")
}

/// E0103: neither a source nor a job.
pub fn no_input(name: &str, span: Span, names: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0103,
        format!("there is no source or job `{name}`"),
        span,
        "not declared in this file",
    );
    match nearest(name, names.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None if names.is_empty() => {
            found.help(format!("declare it: `source {name} = csv(…) {{ … }}`"))
        }
        None => found.help(format!("there are {}", backquoted(names))),
    }
}

/// E0103: a quarantine into which nothing comes.
pub fn no_quarantine(name: &str, span: Span, all: &[&str]) -> Diagnostic {
    let message = format!("there is no quarantine `{name}`");
    let found = Diagnostic::new(Code::E0103, message, span, "no row is set aside there");
    match (nearest(name, all.iter().copied()), all) {
        (Some(near), _) => found.did_you_mean(span, name, near),
        (None, []) => found.help(format!("`on error quarantine {name}` in a job makes one")),
        (None, all) => found.help(format!("rows are set aside in `{}`", all.join("`, `"))),
    }
}

/// E0105: `derive` of a column that exists.
pub fn derive_exists(
    name: &str,
    span: Span,
    statement: &str,
    origin: Span,
    word: Option<Span>,
) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0105,
        format!("`{name}` already exists"),
        span,
        "`derive` adds a new column",
    )
    .label(origin, "it comes from here")
    .help(format!("to replace it: `set {statement}`"));
    match word {
        Some(word) => found.guess(word, "set"),
        None => found,
    }
}

/// E0106: `set` of a column that does not exist.
pub fn set_missing(
    name: &str,
    span: Span,
    statement: &str,
    columns: &[&str],
    word: Option<Span>,
) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0106,
        format!("there is no column `{name}` to replace"),
        span,
        "`set` replaces a column",
    );
    match (nearest(name, columns.iter().copied()), word) {
        (Some(near), _) => found
            .help(format!("did you mean `{near}`? To add a column: `derive {statement}`"))
            .guess(span, near),
        (None, Some(word)) => {
            found.help(format!("to add it: `derive {statement}`")).guess(word, "derive")
        }
        (None, None) => found.help(format!("to add it: `derive {statement}`")),
    }
}

/// E0107: both sides of a join have columns of these names, which come from there on the left and on the
/// right. `right_name` is what the right side, which reads the table `read`, is called.
pub fn join_clash(
    clashes: &[(&str, Span, Span)],
    join: Span,
    right_name: &str,
    read: &str,
) -> Diagnostic {
    let names: Vec<&str> = clashes.iter().map(|(name, ..)| *name).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} on both sides of this join", syntax::listed(&names, "and"));
    let renamed = names.iter().map(|name| format!("{name} as {right_name}_{name}"));
    let renamed = renamed.collect::<Vec<_>>().join(", ");
    let mut found = Diagnostic::new(Code::E0107, message, join, "this join");
    if let [(_, left, right), ..] = clashes {
        found = found.label(*left, "on the left from here").label(*right, "on the right from here");
    }
    found.help(format!("`rename {renamed}` in a job that reads `{read}`, and join that job"))
}

/// E0111: declared twice.
pub fn declared_twice(what: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0111,
        format!("{what} `{name}` is declared twice"),
        span,
        "declared again here",
    )
    .label(first, "first declared here")
    .help("give one of them another name")
}

/// E0111: a second `pipeline`.
pub fn second_pipeline(span: Span, first: Span) -> Diagnostic {
    let message = "a file has one `pipeline`, and this is the second";
    Diagnostic::new(Code::E0111, message, span, "declared again here")
        .label(first, "first declared here")
        .help("put all settings into one of them")
}

/// E0112: no type of this name; `arguments` is what is written behind it.
pub fn no_type(name: &str, span: Span, arguments: &str, names: &[&str]) -> Diagnostic {
    let is_array = name.eq_ignore_ascii_case("array") && !arguments.is_empty();
    if matches!(name, "list" | "map") || is_array {
        return not_in_angles(name, span, arguments);
    }
    let found =
        Diagnostic::new(Code::E0112, format!("there is no type `{name}`"), span, "not a type");
    let null = if arguments.ends_with('?') { "?" } else { "" };
    match foreign::type_called(name) {
        Some("decimal") if arguments.is_empty() => {
            let written = "decimal(18, 2)";
            found
                .help(format!("say its digits in all and after the point: `{written}`"))
                .guess(span, written)
        }
        Some("decimal") => {
            let digits = arguments.trim_end_matches('?').trim_matches(['(', ')']);
            let scale = if digits.contains(',') { "" } else { ", 0" };
            let written = format!("decimal({digits}{scale}){null}");
            found.help(format!("it is called `{written}` here")).fix(span, written)
        }
        Some(ours) if ours.contains(['<', '{']) => {
            found.help(format!("say what is in it: `{ours}`")).guess(span, format!("{ours}{null}"))
        }
        Some(ours) => {
            found.help(format!("it is called `{ours}` here")).fix(span, format!("{ours}{null}"))
        }
        None => match nearest(name, names.iter().copied()) {
            Some(near) => found.did_you_mean(span, name, near),
            None => found.help(format!("declare it: `type {name} = string`")),
        },
    }
}

/// E0112: a list or map that does not say what is in it, or not between `<` and `>`.
fn not_in_angles(name: &str, span: Span, arguments: &str) -> Diagnostic {
    let (ours, example) = match name {
        "map" => ("map", "map<string, int>"),
        _ => ("list", "list<string>"),
    };
    let message = format!("a `{ours}` says what is in it between `<` and `>`");
    let label = match arguments.is_empty() {
        true => "it says nothing here",
        false => "it stands between `(` and `)` here",
    };
    let found = Diagnostic::new(Code::E0112, message, span, label);
    match foreign::in_angles(&format!("{name}{arguments}")) {
        Some(written) => found.perhaps(span, written),
        None => found.help(format!("for instance `{example}`")),
    }
}

/// E0113: no connector of this name.
pub fn no_connector(name: &str, span: Span, use_for: &str, names: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0113,
        format!("there is no connector `{name}` {use_for}"),
        span,
        "not a connector",
    );
    match nearest(name, names.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("there are {}", backquoted(names))),
    }
}

/// E0113: a connector that only reads, to write.
pub fn connector_only_reads(name: &str, span: Span, names: &[&str]) -> Diagnostic {
    Diagnostic::new(
        Code::E0113,
        format!("`{name}` reads files and writes none"),
        span,
        "to write, it is not a connector",
    )
    .help(format!("write one of {}; spreadsheets open `csv`", backquoted(names)))
}

/// Arguments of readers of other tools, and what they are called here.
const FOREIGN_OPTIONS: &[(&str, &str)] = &[
    ("sep", "delimiter"),
    ("delim", "delimiter"),
    ("separator", "delimiter"),
    ("field_separator", "delimiter"),
    ("quotechar", "quote"),
    ("na_values", "null"),
    ("null_values", "null"),
    ("nullstr", "null"),
    ("skiprows", "skip"),
    ("skip_rows", "skip"),
    ("skip_header", "skip"),
    ("tz", "zone"),
    ("timezone", "zone"),
    ("file", "path"),
    ("filename", "path"),
    ("filepath", "path"),
    ("filepath_or_buffer", "path"),
];

/// What an argument of a connector is called here that other tools call `name`.
pub fn option_called(name: &str) -> &str {
    let foreign = FOREIGN_OPTIONS.iter().find(|(foreign, _)| *foreign == name);
    foreign.map_or(name, |(_, ours)| ours)
}

/// What is done here with what other tools are told by an argument.
fn instead_of_option(name: &str) -> Option<&'static str> {
    Some(match name {
        "encoding" | "charset" => {
            "files are UTF-8: convert the file, as by `iconv -f LATIN1 -t UTF-8`"
        }
        "compression" => "leave it out: gzip and zstd are known by what is in the file",
        "columns" | "usecols" | "names" | "dtype" | "dtypes" | "schema" | "infer_schema" => {
            "name the columns that are read, with their types, in the block behind it: `{ id: int }`"
        }
        "parse_dates" | "dateformat" | "date_format" => {
            "a column says so itself: `day: date format \"%d.%m.%Y\"`"
        }
        "decimal" | "thousands" => {
            "read a `string`, and `parse_number(text, decimal: \",\", group: \".\")`"
        }
        "on_bad_lines" | "ignore_errors" => "a job says so: `on error drop`",
        "nrows" | "limit" => "a job says so: `take 10`",
        _ => return None,
    })
}

/// E0114: an argument that the connector does not take.
pub fn no_option(connector: &str, name: &str, span: Span, names: &[&str]) -> Diagnostic {
    let message = match name {
        "" => format!("`{connector}` takes fewer arguments"),
        name => format!("`{connector}` takes no argument `{name}`"),
    };
    let found = Diagnostic::new(Code::E0114, message, span, "not an argument of it");
    if let Some(instead) = instead_of_option(name) {
        return found.help(instead);
    }
    let called = option_called(name);
    if called != name && names.contains(&called) {
        return found.help(format!("it is called `{called}` here")).fix(span, called);
    }
    match nearest(name, names.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("it takes {}", backquoted(names))),
    }
}

/// E0115: an argument that must be given.
pub fn missing_option(connector: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0115,
        format!("`{connector}` needs its argument `{name}`"),
        span,
        "not given here",
    )
    .help(format!("`{connector}({name}: …)`"))
}

/// E0116: a name that is nothing at all here.
///
/// `own` are the names of a function's parameters, or of the value of a type, that are known there.
pub fn no_name(name: &str, span: Span, own: &[&str], near: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0116,
        format!("there is nothing called `{name}` here"),
        span,
        "not a parameter or enum member",
    );
    match nearest(name, near.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None if own.is_empty() => {
            found.help("what stands here is known before any row: a literal or a `param`")
        }
        None => found.help(format!("what is known here is {}", backquoted(own))),
    }
}

/// E0130: a secret where its value could be seen.
pub fn secret_value(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` is a secret, and its value is in no expression");
    Diagnostic::new(Code::E0130, message, span, "used here")
        .help("it is the address of a `notify`, or the `key` of `tokenize`; what may be seen is a `param`")
}

/// E0151: a key that is no secret.
pub fn not_a_secret(text: &str, span: Span, secrets: &[&str]) -> Diagnostic {
    let message = "the key of `tokenize` is a secret, which nobody sees";
    let found = Diagnostic::new(Code::E0151, message, span, "not a `secret`");
    match nearest(text, secrets.iter().copied()) {
        Some(near) => found.did_you_mean(span, text, near),
        None => match secrets.first() {
            Some(known) => found.help(format!("`key: {known}`")),
            None => found.help(
                "declare one, `secret TOKEN_KEY from env \"TOKEN_KEY\"`, and say `key: TOKEN_KEY`",
            ),
        },
    }
}

/// E0113: a way to tell somebody that there is not.
pub fn no_notifier_kind(name: &str, span: Span, names: &[&str]) -> Diagnostic {
    let message = format!("`notify` has no `{name}`");
    let found = Diagnostic::new(Code::E0113, message, span, "not a way to tell somebody");
    match nearest(name, names.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("there are {}", backquoted(names))),
    }
}

/// E0116: nobody is told under this name.
pub fn no_notifier(name: &str, span: Span, names: &[&str]) -> Diagnostic {
    let message = format!("there is no `notify {name}`");
    let found = Diagnostic::new(Code::E0116, message, span, "not declared in this file");
    match nearest(name, names.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("declare it: `notify {name} = webhook(\"https://…\")`")),
    }
}

/// E0116: an address that is neither a secret nor a parameter.
pub fn no_address(name: &str, span: Span, names: &[&str]) -> Diagnostic {
    let message = format!("there is no secret or parameter `{name}`");
    let found = Diagnostic::new(Code::E0116, message, span, "not declared in this file");
    match nearest(name, names.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => {
            let variable = name.to_uppercase();
            found.help(format!("declare it: `secret {name} from env \"{variable}\"`"))
        }
    }
}

/// E0117: an enum has no such member.
pub fn no_member(declared: &str, name: &str, span: Span, members: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0117,
        format!("`{declared}` has no member `{name}`"),
        span,
        "not a member",
    );
    match nearest(name, members.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None => found.help(format!("its members are {}", backquoted(members))),
    }
}

/// E0126: a member of several enums, and nothing says which is meant.
pub fn member_of_several(name: &str, span: Span, enums: &[&str]) -> Diagnostic {
    let quoted: Vec<String> = enums.iter().map(|of| format!("`{of}`")).collect();
    let with_enum: Vec<String> = enums.iter().map(|of| format!("`{of}.{name}`")).collect();
    Diagnostic::new(
        Code::E0126,
        format!("`{name}` is a member of {}", quoted.join(" and of ")),
        span,
        "nothing here says which is meant",
    )
    .help(format!("write {}", with_enum.join(" or ")))
}

/// E0111: two members of an enum that files spell alike.
pub fn member_text_twice(text: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0111,
        format!("two members are written `{text}`"),
        span,
        "the same text again",
    )
    .label(first, "the first of this text")
    .help("give one of them another text")
}

/// E0118: two columns of one name in a row.
pub fn column_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0118,
        format!("the row would have two columns `{name}`"),
        span,
        "named again here",
    )
    .label(first, "first named here")
    .help("give one of them another name, or leave it out")
}

/// W0129: a column that hides a parameter.
pub fn hidden_parameter(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::W0129,
        format!("`{name}` is the column here, not the parameter"),
        span,
        "the column of the row",
    )
    .label(declared, "this parameter has the same name")
    .help("give the parameter another name")
}

/// W0129: the variable of a lambda that hides a column.
pub fn hidden_column(name: &str, span: Span, column: Span) -> Diagnostic {
    let message = format!("`{name}` is the item here, not the column");
    Diagnostic::new(Code::W0129, message, span, "the item of the list")
        .label(column, "this column has the same name")
        .help("give the item another name")
}

/// E0118: two fields of one name in a record.
pub fn field_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    let message = format!("the record would have two fields `{name}`");
    Diagnostic::new(Code::E0118, message, span, "named again here")
        .label(first, "first named here")
        .help("give one of them another name, or leave it out")
}

/// E0127: a step that names a column twice.
pub fn named_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0127,
        format!("this step names `{name}` twice"),
        span,
        "named again here",
    )
    .label(first, "first named here")
    .help("leave one of them out")
}

/// E0128: a row without columns.
pub fn no_columns_left(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0128, "no column is left", span, "this drops all columns of the row")
        .help("keep one of them; to count the rows, `group { rows = count() }`")
}

/// E0119: a job whose first step is not `from`, or that has a second one.
pub fn from_first(job: &str, span: Span, again: bool) -> Diagnostic {
    let (message, label, help) = if again {
        ("has two `from`", "a second table", "to stack tables use `union`, to match them `join`")
    } else {
        ("does not begin with `from`", "`from` comes first", "begin it with `from SOURCE`")
    };
    Diagnostic::new(Code::E0119, format!("job `{job}` {message}"), span, label).help(help)
}

/// E0120: a record has no such field.
pub fn no_field(name: &str, span: Span, ty: &str, fields: &[&str]) -> Diagnostic {
    let found =
        Diagnostic::new(Code::E0120, format!("`{ty}` has no field `{name}`"), span, "not a field");
    match nearest(name, fields.iter().copied()) {
        Some(near) => found.did_you_mean(span, name, near),
        None if fields.is_empty() => found.help("only a record has fields"),
        None => found.help(format!("its fields are {}", backquoted(fields))),
    }
}

/// E0123: a column without a name.
pub fn unnamed(span: Span, text: &str) -> Diagnostic {
    let found = Diagnostic::new(Code::E0123, "this column has no name", span, "an expression");
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !matches!(
                name,
                "int"
                    | "float"
                    | "string"
                    | "bool"
                    | "date"
                    | "datetime"
                    | "timestamp"
                    | "duration"
            )
    };
    match text.rsplit_once(" as ").filter(|(_, name)| is_name(name)) {
        Some((value, name)) => {
            let written = format!("{name} = {}", value.trim_end());
            found.help(format!("`as` is for types; write `{written}`")).guess(span, written)
        }
        None if text.parse::<u64>().is_ok() => {
            found.help("a number is no column: write the name of the one that is meant")
        }
        None if ["cube(", "rollup("].iter().any(|sets| text.to_lowercase().starts_with(sets)) => {
            found.help("a group has one set of keys: a job for each, and `union` of them")
        }
        None => found.help(format!("name it: `name = {text}`")),
    }
}

/// E0116: a constant under its name in another language.
pub fn foreign_value(name: &str, span: Span) -> Option<Diagnostic> {
    let ours = match name.to_lowercase().as_str() {
        "none" | "null" | "nil" => "null",
        "true" => "true",
        "false" => "false",
        "current_date" => "run.date",
        "current_timestamp" => "run.time",
        _ => return None,
    };
    let message = format!("`{name}` is written `{ours}`");
    let found = Diagnostic::new(Code::E0116, message, span, "nothing is called so here");
    // A `null` alone has no type, which may be wrong next.
    Some(if ours == "null" { found.perhaps(span, ours) } else { found.instead(span, ours) })
}

/// E0116: a column as an item of a table.
pub fn column_of_table(table: &str, span: Span, column: &str) -> Diagnostic {
    let message =
        format!("there is nothing called `{table}` here, and columns stand for themselves");
    Diagnostic::new(Code::E0116, message, span, "a column as an item of a table")
        .perhaps(span, column)
}

/// E0116: a column with the name of its table.
pub fn table_before_column(table: &str, span: Span, column: &str) -> Diagnostic {
    let message = format!("columns have plain names here: `{column}`, not `{table}.{column}`");
    let label = format!("`{table}` is not a column");
    Diagnostic::new(Code::E0116, message, span, label)
        .help(format!(
            "write `{column}`; only the `on` of a join names the table, of its right side"
        ))
        .guess(span, column)
}

/// E0124: a parameter of the command line that is not declared, or lacks a value.
pub fn no_value(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0124,
        format!("parameter `{name}` has no default and was not given"),
        span,
        "declared here",
    )
    .help(format!("`-p {name}=…`"))
}

/// The names in backquotes; at most a dozen of them.
fn backquoted(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    if names.len() > 12 {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
