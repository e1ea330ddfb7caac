//! What the checker says about names of functions, and aggregates out of place: E0104, E0108 to
//! E0110, E0121, E0122, E0125.

use super::foreign::{alike, difference, same};
use super::{Code, Diagnostic, nearest};
use crate::text::Span;

/// The function that was probably meant by a name that is none.
pub fn function_meant<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    same(name).or_else(|| alike(name)).or_else(|| near(name, names))
}

/// The function whose name was misspelled: what begins otherwise, or is longer than a function
/// that it begins as, is of another language.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = |name: &str| name.chars().next().map(|first| first.to_ascii_lowercase());
    nearest(name, names.filter(|known| first(known) == first(name)))
        .filter(|known| known.len() + 3 > name.len())
        .filter(|known| name.len() > 3 || known.len() <= 4)
}

/// E0104: no function of this name.
pub fn no_function(name: &str, span: Span, names: &[&str], types: &[String]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0104,
        format!("there is no function `{name}`"),
        span,
        "not a function",
    );
    if let Some(ours) = same(name) {
        return found.help(format!("it is called `{ours}` here")).fix(span, ours);
    }
    match alike(name) {
        Some(ours) => found.help(difference(ours)).guess(span, ours),
        None if matches!(name, "random" | "rand" | "uuid" | "gen_random_uuid") => found.help(
            "every run gives the same rows: for some of them `sample 10% seed 42`, or `take 10`",
        ),
        None if matches!(name, "unnest" | "flatten" | "explode") => {
            found.help("a row for each item is a step: `explode items as item`")
        }
        None if name == "unique" => found
            .help("it is a rule of its own, about all rows: `expect unique(order_id) else fail`"),
        None => match near(name, names.iter().copied()) {
            Some(near) => found.did_you_mean(span, name, near),
            None => {
                let parameter = |(at, ty)| format!("{}: {ty}", ["a", "b", "c", "d", "e"][at]);
                let parameters: Vec<String> =
                    types.iter().take(5).enumerate().map(parameter).collect();
                found.help(format!(
                    "where it is one of your own, declare it: `fn {name}({}) -> … = …`",
                    parameters.join(", ")
                ))
            }
        },
    }
}

/// E0108: an aggregate used for the larger or smaller of two values.
pub fn aggregate_of_two(name: &str, ours: &str, span: Span, arguments: &str) -> Diagnostic {
    let which = if ours == "greatest" { "larger" } else { "smaller" };
    Diagnostic::new(
        Code::E0108,
        format!("`{name}` looks at many rows; for the {which} of two values use `{ours}`"),
        span,
        "an aggregate",
    )
    .help(format!("`{ours}({arguments})`"))
    .fix(span, ours)
}

/// E0109: an aggregate where there is only one row.
pub fn aggregate_outside(name: &str, span: Span, call: &str) -> Diagnostic {
    Diagnostic::new(Code::E0109, format!("`{name}` needs to know its rows"), span, "an aggregate")
    .help(format!(
        "of all rows, beside each of them: `window {{ value = {call} }}` above, and `value` here; \
         one of each group: `group by KEY {{ value = {call} }}`"
    ))
}

/// E0109: an aggregate of what an aggregate gives for each group.
pub fn aggregate_of_groups(name: &str, span: Span, inner: &str) -> Diagnostic {
    let message = format!("`{name}` of all groups is known only behind the group");
    Diagnostic::new(Code::E0109, message, span, "an aggregate of an aggregate").help(format!(
        "name the inner one in the group, `part = {inner}`, and below it write \
         `window {{ whole = {name}(part) }}`: a share is then `part / whole`"
    ))
}

/// E0109: a function of windows where there is none.
pub fn window_outside(name: &str, span: Span, call: &str) -> Diagnostic {
    let message = format!("`{name}` needs to know the neighbours of its row");
    Diagnostic::new(Code::E0109, message, span, "a function of windows")
        .help(format!("put it in a window of its own: `window by … sort … {{ value = {call} }}`"))
}

/// E0110: a column that has many values in a group.
pub fn not_aggregated(name: &str, span: Span, group: Span, keys: &str) -> Diagnostic {
    let groups = if keys.is_empty() {
        "all rows are one group".to_owned()
    } else {
        format!("groups are by {keys}")
    };
    Diagnostic::new(
        Code::E0110,
        format!("`{name}` has many values per group"),
        span,
        "not an aggregate",
    )
    .label(group, groups)
    .help(format!("add it to `by`, or choose one: `any_value({name})`"))
}

/// E0110: a column of single rows in a rule about all of them.
pub fn not_of_all_rows(name: &str, span: Span, rule: Span) -> Diagnostic {
    let message = format!("`{name}` has a value for each row, and this rule is about all of them");
    Diagnostic::new(Code::E0110, message, span, "not an aggregate")
        .label(rule, "makes it a rule about all rows")
        .help(format!("an aggregate of it: `max({name})`; or a rule of its own, about each row"))
}

/// E0121: a function that calls itself.
pub fn recursive(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(Code::E0121, format!("`{name}` calls itself"), span, "called here")
        .label(declared, "within its own declaration")
        .help("a function is an expression of its parameters; write the repetition as steps")
}

/// E0010: a call that comes to too much with the functions in it.
pub fn too_large(name: &str, span: Span, limit: usize) -> Diagnostic {
    let message = format!(
        "`{name}` comes to more than {limit} operators with the functions that it calls put in their places"
    );
    Diagnostic::new(Code::E0010, message, span, "called here")
        .help("compute a part of it once, with `derive`, and give the function the column")
}

/// E0122: `now()` and the like.
pub fn clock(name: &str, span: Span, call: Span) -> Diagnostic {
    let ours = if name.contains("date") || name == "today" { "run.date" } else { "run.time" };
    Diagnostic::new(
        Code::E0122,
        format!("`{name}()` would make every run different"),
        span,
        "reads the clock",
    )
    .help(format!("`{ours}` is that of this run, the same on a retry"))
    .fix(call, ours)
}

/// E0104: a function of another language for which there is a form of its own.
pub fn function_is_form(name: &str, span: Span, call: Span, written: &str) -> Diagnostic {
    Diagnostic::new(Code::E0104, format!("there is no function `{name}`"), span, "not a function")
        .perhaps(call, written)
}

/// E0125: a `fn` called like a function of the library.
pub fn shadows_function(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0125,
        format!("`{name}` is a function of the library"),
        span,
        "declared again here",
    )
    .help(format!("give it another name, for instance `my_{name}`"))
}
