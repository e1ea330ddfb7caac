//! What functions and types of SQL, Python and spreadsheets are called here, and how their calls are
//! written. Their formats are in `formats`.

use super::formats::{picture, time_format};
use super::literals::unit as unit_called;
use super::operand;
use crate::syntax::is_name;

/// Names that other languages have for functions, with ours, where nothing but the name differs.
const RENAMED: &[(&str, &str)] = &[
    ("len", "length"),
    ("size", "length"),
    ("initcap", "title"),
    ("array_contains", "contains"),
    ("weekofyear", "iso_week"),
    ("char_length", "length"),
    ("mean", "avg"),
    ("average", "avg"),
    ("substr", "substring"),
    ("mid", "substring"),
    ("listagg", "string_agg"),
    ("array_join", "join"),
    ("array_to_string", "join"),
    ("array_length", "length"),
    ("array_size", "length"),
    ("cardinality", "length"),
    ("list_contains", "contains"),
    ("array_distinct", "distinct_list"),
    ("array_sort", "sort_list"),
    ("list_transform", "map"),
    ("list_filter", "filter_list"),
    ("arg_max", "max_by"),
    ("arg_min", "min_by"),
    ("unix_timestamp", "epoch"),
    ("startswith", "starts_with"),
    ("endswith", "ends_with"),
    ("ifnull", "coalesce"),
    ("nvl", "coalesce"),
    ("isnull", "coalesce"),
    ("ucase", "upper"),
    ("lcase", "lower"),
    ("strip", "trim"),
    ("lstrip", "trim_start"),
    ("rstrip", "trim_end"),
    ("ltrim", "trim_start"),
    ("rtrim", "trim_end"),
    ("lpad", "pad_start"),
    ("rpad", "pad_end"),
    ("ceiling", "ceil"),
    ("pow", "power"),
    ("nunique", "count_distinct"),
    ("array_agg", "collect"),
    ("collect_list", "collect"),
    ("group_concat", "string_agg"),
    ("std", "stddev"),
    ("var", "variance"),
    ("countif", "count_if"),
    ("sumif", "sum_if"),
    ("strptime", "parse_datetime"),
    ("strftime", "format_date"),
];

/// The same where more than the name differs, or may.
const ALIKE: &[(&str, &str)] = &[
    ("log", "ln"),
    ("dayofweek", "weekday"),
    ("day_of_week", "weekday"),
    ("date_diff", "diff"),
    ("datediff", "diff"),
    ("timestampdiff", "diff"),
    ("strpos", "position"),
    ("instr", "position"),
    ("percentile", "quantile"),
    ("percentile_cont", "quantile"),
    ("percentile_approx", "quantile"),
    ("approx_percentile", "quantile"),
    ("date_format", "format_date"),
    ("to_date", "parse_date"),
    ("regexp_replace", "regex_replace"),
    ("regexp_extract", "regex_extract"),
    ("from_unixtime", "from_epoch"),
];

/// All of them.
#[cfg(test)]
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    RENAMED.iter().chain(ALIKE).copied()
}

fn named(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let found = table.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, ours)| *ours)
}

/// The function of ours that does just what one of other languages does under this name.
pub fn same(name: &str) -> Option<&'static str> {
    named(RENAMED, name)
}

/// The function of ours that does nearly what one of other languages does under this name.
pub(super) fn alike(name: &str) -> Option<&'static str> {
    named(ALIKE, name)
}

/// In what a function differs from those of other languages that are called otherwise.
pub(super) fn difference(ours: &str) -> String {
    match ours {
        "weekday" => "`weekday` counts from 1 for Monday to 7 for Sunday, others begin with Sunday",
        "ln" => "the natural logarithm is `ln`, the one to base 10 is `log10`",
        "diff" => {
            "it is called `diff` here, with the unit first: `diff(\"day\", from, to)`"
        }
        "position" => "`position` is null where the part is nowhere, others give 0",
        "quantile" => "`quantile` takes a share from 0 to 1: `quantile(value, 0.9)`",
        "format_date" | "parse_date" => {
            return format!("it is called `{ours}` here, and a format is written as `\"%Y-%m-%d\"`");
        }
        "regex_replace" => "`regex_replace` replaces all matches, others the first one",
        "regex_extract" => {
            "`regex_extract` gives the first group of a pattern that has one, others the whole match"
        }
        "from_epoch" => "`from_epoch` gives a `timestamp`, others a text",
        _ => return format!("it is called `{ours}` here"),
    }
    .to_owned()
}

/// Names that other languages have for types, with ours.
const TYPES: &[(&str, &str)] = &[
    ("integer", "int"),
    ("bigint", "int"),
    ("long", "int"),
    ("int8", "int"),
    ("int16", "int"),
    ("int32", "int"),
    ("int64", "int"),
    ("i64", "int"),
    ("double", "float"),
    ("real", "float"),
    ("float32", "float"),
    ("float64", "float"),
    ("number", "decimal"),
    ("numeric", "decimal"),
    ("dec", "decimal"),
    ("str", "string"),
    ("text", "string"),
    ("varchar", "string"),
    ("boolean", "bool"),
    ("array", "list<string>"),
    ("struct", "{field: string}"),
    ("datetime64[ns]", "datetime"),
    ("timestamptz", "timestamp"),
    ("interval", "duration"),
];

/// The type of ours that other languages call so.
pub(super) fn type_called(name: &str) -> Option<&'static str> {
    named(TYPES, name)
}

/// A type as it is written here, with what is in a list or map between `<` and `>`: of
/// `list[list[int]]` `list<list<int>>`. None where it does not say all that is in it.
pub fn in_angles(written: &str) -> Option<String> {
    let ty = written.trim().trim_end_matches('?');
    let null = &written.trim()[ty.len()..];
    let (name, inner) = ty.split_at(ty.find(['(', '[', '<']).unwrap_or(ty.len()));
    let (name, count) = match name.trim().to_lowercase().as_str() {
        "list" | "array" => ("list", 1),
        "map" => ("map", 2),
        _ => {
            let ours = type_called(ty).filter(|ours| !ours.contains(['<', '{', '(']));
            return Some(format!("{}{null}", ours.filter(|ours| *ours != "decimal").unwrap_or(ty)));
        }
    };
    let inner = inner.get(1..)?.strip_suffix([')', ']', '>'])?;
    let mut depth = 0_usize;
    let is_comma = |sign: char| {
        match sign {
            '(' | '[' | '<' | '{' => depth += 1,
            ')' | ']' | '>' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && sign == ','
    };
    let parts: Vec<&str> = inner.split(is_comma).collect();
    if parts.len() != count || parts.iter().any(|part| part.trim().is_empty()) {
        return None;
    }
    let parts = parts.into_iter().map(in_angles).collect::<Option<Vec<String>>>()?;
    Some(format!("{name}<{}>{null}", parts.join(", ")))
}

/// A call of another language as it is written here, where more than its name differs.
pub fn call(name: &str, arguments: &[&str]) -> Option<String> {
    let lower = name.to_lowercase();
    choice(&lower, arguments)
        .or_else(|| time(&lower, arguments))
        .or_else(|| value(&lower, arguments))
}

/// A choice, or a condition.
fn choice(name: &str, arguments: &[&str]) -> Option<String> {
    Some(match (name, arguments) {
        ("if" | "iff" | "iif" | "ifelse" | "if_else" | "where", [condition, then, otherwise]) => {
            format!("if {condition} then {then} else {otherwise}")
        }
        ("if" | "iff" | "iif", [condition, then]) => {
            format!("if {condition} then {then} else null")
        }
        ("not", [condition]) => format!("not {}", operand(condition)),
        ("decode", [value, pairs @ ..]) if pairs.len() > 1 => {
            let arms = pairs.chunks(2).map(|pair| match pair {
                [one, value] => format!("{one} => {value}"),
                other => format!("else => {}", other[0]),
            });
            let arms: Vec<String> = arms.collect();
            format!("case {value} {{ {} }}", arms.join(", "))
        }
        _ => return None,
    })
}

/// What is counted of times.
fn time(name: &str, arguments: &[&str]) -> Option<String> {
    Some(match (name, arguments) {
        ("date_part" | "datepart", [unit, at]) => part_of_time(unit.trim_matches(['"', '\'']), at)?,
        ("date_add" | "dateadd" | "adddate" | "add_days", [at, days]) => {
            moved(at, "+", days, "day")?
        }
        ("date_sub" | "datesub" | "subdate", [at, days]) => moved(at, "-", days, "day")?,
        ("date_add" | "dateadd" | "timestampadd", [unit, count, at]) => {
            moved(at, "+", count, unit)?
        }
        ("datediff", [to, from]) => format!("diff(\"day\", {from}, {to})"),
        ("datediff" | "date_diff" | "timestampdiff", [unit, from, to]) => {
            let unit = unit.trim_matches(['"', '\'']).to_lowercase();
            format!("diff(\"{unit}\", {from}, {to})")
        }
        _ => return None,
    })
}

/// `extract(dow from day)`: a part of a time as a number.
pub fn part_of_time(part: &str, at: &str) -> Option<String> {
    let part = part.to_lowercase();
    Some(match part.as_str() {
        "year" | "quarter" | "month" | "day" | "hour" | "minute" | "second" | "epoch" => {
            format!("{part}({at})")
        }
        "week" => format!("iso_week({at})"),
        "doy" => format!("day_of_year({at})"),
        "isodow" => format!("weekday({at})"),
        // From 0 for Sunday to 6.
        "dow" => format!("weekday({at}) % 7"),
        _ => return None,
    })
}

/// A conversion, a question about one value, or what is made of a text.
fn value(name: &str, arguments: &[&str]) -> Option<String> {
    Some(match (name, arguments) {
        ("cast", [only]) => cast(only)?,
        ("try_cast" | "safe_cast", [only]) => format!("try({})", cast(only)?),
        ("try_cast" | "safe_cast", [value, ty]) => {
            format!("try({} as {})", operand(value), converted(ty.trim_matches('"'))?)
        }
        ("col" | "column", [name]) if is_name(name.trim_matches('"')) => {
            name.trim_matches('"').to_owned()
        }
        ("lit", [value]) => (*value).to_owned(),
        ("not_null", [value]) => format!("{} is not null", operand(value)),
        ("accepted_values", [value, list]) => format!("{} in {list}", operand(value)),
        ("isnull" | "isna" | "is_null", [value]) => format!("{} is null", operand(value)),
        ("notnull" | "notna" | "isnotnull" | "is_not_null", [value]) => {
            format!("{} is not null", operand(value))
        }
        ("fillna" | "fill_null", [value, other]) => {
            format!("{} ?? {}", operand(value), operand(other))
        }
        ("isin" | "is_in", [value, list]) => format!("{} in {list}", operand(value)),
        ("between", [value, least, most]) => {
            format!("{} between {} and {}", operand(value), operand(least), operand(most))
        }
        (
            "json_extract"
            | "json_value"
            | "get_json_object"
            | "json_extract_scalar"
            | "json_extract_string"
            | "json_extract_path_text",
            [text, path],
        ) => format!("json_get(parse_json({text}), {path}) as string"),
        ("to_number" | "to_float" | "to_double", [value]) => format!("{} as float", operand(value)),
        ("to_int" | "to_integer", [value]) => format!("{} as int", operand(value)),
        ("to_date", [value]) => format!("{} as date", operand(value)),
        ("to_char" | "to_string", [value]) => format!("{} as string", operand(value)),
        ("int" | "float" | "bool" | "str", [value]) => {
            format!("{} as {}", operand(value), converted(name)?)
        }
        ("astype", [value, ty]) => {
            format!("{} as {}", operand(value), converted(ty.trim_matches('"'))?)
        }
        ("regexp_matches" | "regexp_like" | "rlike", [text, pattern]) if pattern.ends_with('"') => {
            format!("{} matches {pattern}", operand(text))
        }
        ("charindex" | "locate", [part, text]) => format!("position({text}, {part})"),
        ("concat_ws", [separator, items @ ..]) if !items.is_empty() => {
            format!("join([{}], {separator})", items.join(", "))
        }
        // As SQLite has it, with the format first.
        ("strftime", [format, at]) if format.starts_with('"') => {
            format!("format_date({at}, {format})")
        }
        ("to_char", [value, format]) => match (time_format(format), picture(format)) {
            (Some(format), _) => format!("format_date({value}, {format})"),
            (None, Some(picture)) => format!("format({value}, {picture})"),
            (None, None) => return None,
        },
        _ => return None,
    })
}

/// `name as type`, with the type as it is called here.
fn cast(text: &str) -> Option<String> {
    let at = text.to_lowercase().rfind(" as ")?;
    let (value, ty) = (text[..at].trim(), text[at + 4..].trim());
    Some(format!("{} as {}", operand(value), converted(ty).unwrap_or(ty)))
}

/// What stands in the place of a call, between this text before and behind it: in parentheses
/// where something else would take a part of it.
pub fn in_place(written: String, before: &str, behind: &str) -> String {
    let (before, behind) = (before.trim_end_matches(' '), behind.trim_start_matches(' '));
    let is_first = before.ends_with(['(', '[', ',', '{'])
        || before.ends_with("filter")
        || before.ends_with("expect")
        || before.ends_with(" =");
    let is_last = behind.is_empty() || behind.starts_with(['\n', '\r', ')', ']', ',', '}', '#']);
    // What stands behind its operand holds on to it.
    let tail = written.rsplit_once(" as ").map(|(_, ty)| ty);
    let is_tight = !written.starts_with("if ")
        && !written.contains(" ?? ")
        && (written.ends_with(" null") || tail.is_some_and(|ty| !ty.contains([' ', ')'])));
    if is_tight || is_first && is_last { written } else { operand(&written) }
}

/// Is it a unit of time as others name it?
pub fn is_unit(name: &str) -> bool {
    matches!(name, "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second")
}

/// A time that is moved by a count of units, or by a length of time.
fn moved(at: &str, sign: &str, count: &str, unit: &str) -> Option<String> {
    let is_length = count.starts_with(|first: char| first.is_ascii_digit())
        && count.ends_with(|last: char| last.is_ascii_alphabetic());
    let minus = if sign == "-" { "-" } else { "" };
    let unit = unit.trim_matches(['"', '\'']).to_lowercase();
    let one = match unit_called(&unit) {
        _ if is_length => "",
        Some("mo") if minus.is_empty() => return Some(format!("add_months({at}, {count})")),
        Some("mo") => return Some(format!("add_months({at}, -{})", operand(count))),
        Some("y") => return Some(format!("add_months({at}, {minus}12 * {})", operand(count))),
        Some(one @ ("w" | "d" | "h" | "m" | "s" | "ms" | "us")) => one,
        _ => return None,
    };
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    Some(match is_length || is_number {
        true => format!("{} {sign} {count}{one}", operand(at)),
        false => format!("{} {sign} {} * 1{one}", operand(at), operand(count)),
    })
}

/// The type that a conversion to this name gives, if it can be written so.
fn converted(name: &str) -> Option<&str> {
    const OURS: [&str; 6] = ["int", "float", "bool", "string", "date", "datetime"];
    let lower = OURS.into_iter().find(|ours| ours.eq_ignore_ascii_case(name));
    lower.or_else(|| type_called(name).filter(|ours| OURS.contains(ours)))
}
