//! What the checker says about types and nulls: codes E0201 to E0399. Those about the arguments of
//! functions are in `arguments`.

use super::{Code, Diagnostic, operand};
use crate::text::Span;
use crate::types::{DataType, Type};

/// E0201: operands that an operator does not take.
pub fn operands(
    verb: &str,
    operator: Span,
    left: (&Type, Span),
    right: (&Type, Span),
    help: Option<String>,
) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0201,
        format!("cannot {verb} `{}` and `{}`", left.0, right.0),
        operator,
        "",
    )
    .label(left.1, format!("this is `{}`", left.0))
    .label(right.1, format!("this is `{}`", right.0));
    let is = |is: fn(&DataType) -> bool| is(&left.0.data) || is(&right.0.data);
    let is_clock = |ty: &DataType| *ty == DataType::Time;
    let is_time =
        |ty: &DataType| matches!(ty, DataType::Date | DataType::Datetime | DataType::Timestamp);
    found.help(match help {
        Some(help) => help,
        None if is(|ty| *ty == DataType::Json) => "say what the json is: `… as int`".to_owned(),
        None if is(is_clock) => {
            "a time of day alone is compared, not computed with: use a `datetime`, which has its day"
                .to_owned()
        }
        None if is(is_time) => {
            "a time goes with a duration: `day + 7d`, `later - earlier`".to_owned()
        }
        None => "convert one of them: `… as …`".to_owned(),
    })
}

/// E0201 for an operator with one operand.
pub fn one_operand(operator: &str, value: Shown, wanted: &str) -> Diagnostic {
    let (text, span, ty) = value;
    Diagnostic::new(
        Code::E0201,
        format!("`{operator}` needs `{wanted}`, this is `{ty}`"),
        span,
        format!("this is `{ty}`"),
    )
    .help(match wanted {
        "bool" => compared(text, ty),
        "list" if ty.data == DataType::String => {
            format!("make a list of it: `split({text}, \",\")`, or take a part: `substring({text}, 1, 1)`")
        }
        "list" => "only a list, a map and json have parts that are asked for so".to_owned(),
        wanted => format!("convert it: `{} as {wanted}`", operand(text)),
    })
}

/// How something is made of a value that is true or false.
fn compared(text: &str, ty: &Type) -> String {
    let text = operand(text);
    match &ty.data {
        data if data.is_number() => format!("compare it: `{text} > 0`"),
        DataType::Json => format!("say what the json is: `{text} as bool`"),
        DataType::String => format!("compare it: `{text} == \"…\"`"),
        _ => format!("compare it with a value: `{text} == …`"),
    }
}

/// E0204: a `case` that forgets members of its enum.
pub fn case_forgets(span: Span, missing: &[&str], declared: Option<Span>) -> Diagnostic {
    let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let found = Diagnostic::new(
        Code::E0204,
        format!("this `case` forgets {names}"),
        span,
        "not every value has a result",
    );
    let found = match declared {
        Some(declared) => found.label(declared, "its members are declared here"),
        None => found,
    };
    found.help(format!("add `{} => …` or `else => …`", missing.join(", ")))
}

/// A value as written, with its place and its type.
pub type Shown<'a> = (&'a str, Span, &'a Type);

/// E0205: results of different types.
pub fn results_differ(first: Shown, other: Shown) -> Diagnostic {
    let message = format!("the results differ: `{}` and `{}`", first.2, other.2);
    made_alike(Diagnostic::new(Code::E0205, message, other.1, ""), first, other)
}

/// E0202: arguments that must be of one type.
pub fn arguments_differ(function: &str, first: Shown, other: Shown) -> Diagnostic {
    let message =
        format!("`{function}` needs values of one type, not `{}` and `{}`", first.2, other.2);
    made_alike(Diagnostic::new(Code::E0202, message, other.1, ""), first, other)
}

/// Both values, and how one becomes of the type of the other.
fn made_alike(mut found: Diagnostic, first: Shown, other: Shown) -> Diagnostic {
    found.labels[0].text = format!("this is `{}`", other.2);
    let found = found.label(first.1, format!("this is `{}`", first.2));
    let [a, b] = [&first.2.data, &other.2.data];
    let (to, (text, span, _)) = match (a, b) {
        (DataType::Float, DataType::Decimal { .. }) => ("float", other),
        (DataType::Decimal { .. }, DataType::Float) => ("float", first),
        (DataType::String, b) if has_text(b) => ("string", other),
        (a, DataType::String) if has_text(a) => ("string", first),
        _ => return found.help("make both the same type, for instance with `as string`"),
    };
    let is_number = text.parse::<f64>().is_ok();
    let written = match to {
        "string" if is_number => format!("\"{text}\""),
        _ => format!("{} as {to}", operand(text)),
    };
    found.help(format!("make both the same type: `{written}`")).guess(span, written)
}

/// Is `as string` a usual thing to say of it?
fn has_text(data: &DataType) -> bool {
    data.is_number() || matches!(data, DataType::Bool | DataType::Date | DataType::Enum(_))
}

/// E0205: `n > 1 ?? false`, where `??` takes what is compared; `place` is all of it.
pub fn coalesce_binds(taken: Span, place: Span, written: &str) -> Diagnostic {
    let message = "`??` takes the value beside it, and not the whole comparison";
    Diagnostic::new(Code::E0205, message, taken, "taken together").perhaps(place, written)
}

/// E0206: more digits than a decimal has.
pub fn too_many_digits(span: Span, digits: u32, text: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0206,
        format!("this may need {digits} digits; `decimal` has 38"),
        span,
        "the result",
    )
    .help(format!(
        "cast an operand to fewer digits first, for instance `as decimal(18, 4)`, in `{text}`"
    ))
}

/// E0207: exact with approximate.
pub fn exact_with_approximate(operator: Span, exact: Span, text: &str, approx: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0207,
        "one side is exact (`decimal`), the other approximate (`float`)",
        operator,
        "",
    )
    .label(exact, "exact")
    .label(approx, "approximate")
    .help(format!("make both approximate: `{} as float`", operand(text)))
}

/// E0212: a condition that is not true or false.
pub fn not_a_condition(what: &str, value: Shown) -> Diagnostic {
    let (text, span, ty) = value;
    Diagnostic::new(
        Code::E0212,
        format!("{what} must be true or false, this is `{ty}`"),
        span,
        format!("this is `{ty}`"),
    )
    .help(compared(text, ty))
}

/// E0213: a conversion that does not exist.
pub fn no_cast(span: Span, from: &Type, to: &DataType, help: Option<String>) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0213,
        format!("`{from}` cannot become `{to}`"),
        span,
        format!("this is `{from}`"),
    );
    found.help(help.unwrap_or_else(|| {
        format!("look for a function that makes `{to}` of it: `batchc doc` lists all by family")
    }))
}

/// E0215: values that cannot be compared.
pub fn not_comparable(
    operator: Span,
    left: (&Type, Span),
    right: (&Type, Span),
    help: Option<String>,
) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0215,
        format!("`{}` and `{}` cannot be compared", left.0, right.0),
        operator,
        if left.1 == right.1 { "in this column" } else { "" },
    );
    // A join `on` one name has both sides in one place, and a list has no sign beside its items.
    let found = if left.1 == right.1 {
        found
    } else if operator == right.1 {
        let mut found = found.label(left.1, format!("this is `{}`", left.0));
        found.labels[0].text = format!("this is `{}`", right.0);
        found
    } else {
        found
            .label(left.1, format!("this is `{}`", left.0))
            .label(right.1, format!("this is `{}`", right.0))
    };
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// E0216: a value that does not fit the type wanted for it.
pub fn does_not_fit(what: &str, span: Span, wanted: &Type, ty: &Type) -> Diagnostic {
    // That null is welcome too is beside the point where a value is of another type.
    let shown = if ty.nullable { wanted.clone() } else { wanted.with_nullable(false) };
    let found = Diagnostic::new(
        Code::E0216,
        format!("{what} needs `{shown}`, this is `{ty}`"),
        span,
        format!("this is `{ty}`"),
    );
    if ty.nullable && !wanted.nullable && ty.data == wanted.data {
        return found.help("give a value for null: `… ?? …`");
    }
    match &wanted.data {
        data if ty.data == DataType::Null => found.help(format!("give a value that is `{data}`")),
        DataType::List(_) | DataType::Record(_) | DataType::Enum(_) => {
            found.help(format!("give a value that is `{}`", wanted.data))
        }
        data => found.help(format!("give a value that is `{data}`, or convert it: `… as {data}`")),
    }
}

/// E0217: not a constant where one is needed.
pub fn not_constant(what: &str, span: Span, may_be_param: bool) -> Diagnostic {
    Diagnostic::new(
        Code::E0217,
        format!("{what} must be known before the run"),
        span,
        "known only when it runs",
    )
    .help(if may_be_param { "use literals or a `param`" } else { "use literals" })
}

/// E0227: a constant whose computation fails.
pub fn constant_fails(what: &str, span: Span, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::E0227, format!("{what} has no value: {reason}"), span, "fails here")
        .help("write what can be computed before any row is read")
}

/// E0227: a negative number of rows.
pub fn count_below_zero(what: &str, span: Span, value: i64) -> Diagnostic {
    Diagnostic::new(
        Code::E0227,
        format!("{what} needs a number of rows, 0 or more"),
        span,
        format!("this is {value}"),
    )
    .help("write 0 or more")
}

/// E0218: lists and records where an order or a key is needed.
pub fn not_ordered(what: &str, span: Span, ty: &Type) -> Diagnostic {
    Diagnostic::new(
        Code::E0218,
        format!("{what} cannot be `{ty}`"),
        span,
        format!("this is `{ty}`"),
    )
    .help(match ty.data {
        DataType::Json => "say what the json is: `… as int`, or take its text: `… as string`",
        DataType::Float => "make it exact: `… as decimal(18, 4)`, or take its text: `… as string`",
        _ => "use one of its parts, or its text: `… as string`",
    })
}

/// E0219: `explode` of something that is no list.
pub fn not_a_list(name: &str, span: Span, ty: &Type) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0219,
        format!("`{name}` is `{ty}`, not a list"),
        span,
        format!("this is `{ty}`"),
    );
    if ty.data == DataType::String {
        found.help(format!("make it one first: `set {name} = split({name}, \",\")`"))
    } else if matches!(ty.data, DataType::Map(..)) {
        found.help(format!("make a list of it first: `set {name} = entries({name})`"))
    } else {
        found.help("only a `list<…>` has items to make rows of")
    }
}

/// E0220: wrong arguments of a type.
pub fn type_arguments(span: Span, message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(Code::E0220, message, span, "this type").help(help)
}

/// E0234: a record that may have any further fields.
pub fn open_record(span: Span) -> Diagnostic {
    let message = "a record has the fields that its type names, and no others";
    Diagnostic::new(Code::E0234, message, span, "this type leaves some open")
        .help("name all fields; what has other fields in each row is `json`")
}

/// E0234: a function as the type of a value.
pub fn function_as_value(span: Span) -> Diagnostic {
    let message = "a function is not a value";
    Diagnostic::new(Code::E0234, message, span, "the type of a function").help(
        "call functions by their names; what is done to each item of a list is written where it \
         is done: `map(prices, p -> p * 2)`",
    )
}

/// E0228: a divisor that is zero in every row.
pub fn division_by_zero(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0228, "nothing can be divided by zero", span, "zero in every row")
        .help("a divisor that may be zero: `… / nullif(n, 0)` is null there")
}

/// E0301: a condition that can be null.
pub fn nullable_condition(
    what: &str,
    span: Span,
    cause: Option<(&str, &Type, Span)>,
    text: &str,
    step: bool,
    null_on_error: Option<Span>,
) -> Diagnostic {
    let mut found = match cause {
        Some((name, ty, origin)) => Diagnostic::new(
            Code::E0301,
            format!("{what} can be null: `{name}` is `{ty}`"),
            span,
            "null when that is null",
        )
        .label(
            origin,
            match null_on_error {
                Some(_) => "it comes from here",
                None => "it may be null since here",
            },
        ),
        None => Diagnostic::new(Code::E0301, format!("{what} can be null"), span, "null at times"),
    };
    if let Some(said) = null_on_error {
        found = found.label(said, "what fails is null");
    }
    if step {
        found = say_what_becomes_of_nulls(found, span, text);
    } else {
        found = found.help(format!("say what null means: `({text}) ?? false`"));
    }
    found
}

/// E0301: a condition of a `filter` that can fail, in a job where that gives null.
pub fn failing_condition(span: Span, null_on_error: Span, text: &str) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0301,
        "this condition can be null: it can fail",
        span,
        "null when it fails",
    )
    .label(null_on_error, "what fails is null");
    say_what_becomes_of_nulls(found, span, text)
}

fn say_what_becomes_of_nulls(found: Diagnostic, span: Span, text: &str) -> Diagnostic {
    found
        .help(format!(
            "say what becomes of those rows: `filter {text} nulls drop` or `filter {text} nulls keep`"
        ))
        .guess(span.after(), " nulls drop")
}

/// W0303: a filter that says what becomes of rows for which its condition is null, which it never is.
pub fn no_nulls_to(word: &str, span: Span) -> Diagnostic {
    let message = format!("this condition is never null, so `nulls {word}` does nothing");
    let found = Diagnostic::new(Code::W0303, message, span, "true or false for every row");
    found.help(format!(
        "leave `nulls {word}` out; `==`, `!=` and `in` take null for a value: to ask for one, write `x is not null and …`"
    ))
}

/// W0303: a test for null of something that never is.
pub fn never_null(text: &str, span: Span, ty: &Type) -> Diagnostic {
    Diagnostic::new(
        Code::W0303,
        format!("`{text}` is never null"),
        span,
        format!("this is `{ty}`, without `?`"),
    )
    .help("remove it, or declare with `?` what may be null")
}

/// W0303: nulls that are replaced by null.
pub fn filled_with_null(name: &str, span: Span) -> Diagnostic {
    let message = format!("`fill {name} with null` changes nothing");
    Diagnostic::new(Code::W0303, message, span, "null, as before").help(format!(
        "give a value, or leave it out; null for one value is `set {name} = nullif({name}, …)`"
    ))
}

/// E0224: a length of time in months where microseconds are needed.
pub fn months(span: Span, text: &str) -> Diagnostic {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (unit, months) = match text.ends_with('y') {
        true => ("year", digits.parse::<i64>().ok().and_then(|years| years.checked_mul(12))),
        false => ("month", digits.parse().ok()),
    };
    let months = months.map_or("n".to_owned(), |months| months.to_string());
    let message = format!("a {unit} has no fixed length");
    Diagnostic::new(Code::E0224, message, span, format!("a number of {unit}s")).help(
        match months.parse::<i64>() {
            Ok(months) => format!(
                "of a date: `add_months(date, {months})`; as a length write days: `{}d`",
                months.saturating_mul(365) / 12
            ),
            Err(_) => "of a date: `add_months(date, 1)`; as a length write days: `30d`".to_owned(),
        },
    )
}

/// E0225: a column that is `null` and nothing else.
pub fn null_column(span: Span, ty: &Type) -> Diagnostic {
    let (message, help) = match &ty.data {
        DataType::Null => ("a column cannot be `null` alone", "`null as string?`"),
        DataType::List(_) => ("the items of this list have no type", "`[] as list<string>`"),
        _ => ("a field cannot be `null` alone", "`null as string?`"),
    };
    Diagnostic::new(Code::E0225, message, span, "which type is it?").help(help)
}

/// E0226: a format for something that is no date or time.
pub fn no_format(span: Span, ty: &DataType) -> Diagnostic {
    Diagnostic::new(Code::E0226, format!("`{ty}` has no format"), span, "this format")
        .help("only `date`, `datetime` and `timestamp` have one")
}

/// E0226: a format where dates and times are no texts.
pub fn no_format_in(connector: &str, span: Span) -> Diagnostic {
    let message = format!("values of `{connector}` are no texts that a format could read");
    Diagnostic::new(Code::E0226, message, span, "this format").help("remove it")
}
