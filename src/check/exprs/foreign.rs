//! Calls of functions of other languages for which there is a form of its own here.

use crate::diagnostics::operand;

/// What is written here in place of a call of `name`, which is no function. An `if` or a sum among
/// other things needs parentheses around it.
pub(super) fn form(name: &str, call: &str) -> Option<String> {
    let given = call.get(name.len()..)?.trim().strip_prefix('(')?.strip_suffix(')')?.trim();
    let name = name.to_lowercase();
    let arguments = arguments(given);
    Some(match (name.as_str(), arguments.as_slice()) {
        ("cast" | "try_cast", [value]) if value.contains(" as ") => (*value).to_owned(),
        ("isnull" | "isna", [value]) => format!("{} is null", operand(value)),
        ("notnull" | "notna", [value]) => format!("{} is not null", operand(value)),
        ("int" | "float" | "bool", [value]) => format!("{} as {name}", operand(value)),
        ("str" | "to_string" | "to_char", [value]) => format!("{} as string", operand(value)),
        ("to_int" | "to_integer", [value]) => format!("{} as int", operand(value)),
        ("to_date", [value]) => format!("{} as date", operand(value)),
        ("iff" | "iif" | "if_else" | "ifelse" | "where", [condition, yes, no]) => {
            format!("if {condition} then {yes} else {no}")
        }
        ("date_add" | "dateadd" | "adddate", [at, days]) => moved(at, "+", days, "day")?,
        ("date_sub" | "datesub" | "subdate", [at, days]) => moved(at, "-", days, "day")?,
        ("date_add" | "dateadd" | "timestampadd", [unit, count, at]) => {
            moved(at, "+", count, unit)?
        }
        ("datediff", [to, from]) => format!("diff(\"day\", {from}, {to})"),
        ("datediff" | "date_diff" | "timestampdiff", [unit, from, to]) => {
            let unit = unit.trim_matches(['"', '\'']).to_lowercase();
            format!("diff(\"{unit}\", {from}, {to})")
        }
        ("regexp_matches" | "regexp_like" | "rlike", [text, pattern]) if pattern.ends_with('"') => {
            format!("{} matches {pattern}", operand(text))
        }
        ("add_days", [at, days]) => moved(at, "+", days, "day")?,
        ("concat_ws", [separator, texts @ ..]) if !texts.is_empty() => {
            format!("join([{}], {separator})", texts.join(", "))
        }
        _ => return None,
    })
}

/// Is it a unit of time as others name it?
pub(super) fn is_unit(name: &str) -> bool {
    matches!(name, "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second")
}

/// A time that is moved by a count of units, or by a length of time.
fn moved(at: &str, sign: &str, count: &str, unit: &str) -> Option<String> {
    let is_length = count.starts_with(|first: char| first.is_ascii_digit())
        && count.ends_with(|last: char| last.is_ascii_alphabetic());
    let minus = if sign == "-" { "-" } else { "" };
    let unit = unit.trim_matches(['"', '\'']).to_lowercase();
    let one = match unit.trim_end_matches('s') {
        _ if is_length => "",
        "month" if minus.is_empty() => return Some(format!("add_months({at}, {count})")),
        "month" => return Some(format!("add_months({at}, -{})", operand(count))),
        "year" => return Some(format!("add_months({at}, {minus}12 * {})", operand(count))),
        "week" => "w",
        "day" => "d",
        "hour" => "h",
        "minute" => "m",
        "second" => "s",
        _ => return None,
    };
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    Some(match is_length || is_number {
        true => format!("{} {sign} {count}{one}", operand(at)),
        false => format!("{} {sign} {} * 1{one}", operand(at), operand(count)),
    })
}

/// The arguments of a call, at the commas outside of brackets and texts.
fn arguments(given: &str) -> Vec<&str> {
    let (mut depth, mut in_text, mut start, mut arguments) = (0, false, 0, vec![]);
    for (at, character) in given.char_indices() {
        match character {
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(given[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !given.is_empty() {
        arguments.push(given[start..].trim());
    }
    arguments
}
