//! What the parser says about literals: E0005, E0014, E0016, and E0209 for dates.

use super::syntax::listed;
use super::{Code, Diagnostic};
use crate::text::Span;
use crate::types::{days_in_month, why_no_day};

/// A text without its closing quote, which probably ends at `end`, behind `brace`.
pub fn unclosed_text(start: Span, quote: &str, end: Span, brace: &str) -> Diagnostic {
    Diagnostic::new(Code::E0005, "this text is never closed", start, "it starts here")
        .help(format!("add `{brace}{quote}` where the text ends"))
        .guess(end, format!("{brace}{quote}"))
}

/// The unit that a word means.
pub fn unit(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "microsecond" | "microseconds" => "us",
        "millisecond" | "milliseconds" => "ms",
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "day" | "days" => "d",
        "week" | "weeks" => "w",
        "mon" | "mons" | "month" | "months" => "mo",
        "yr" | "year" | "years" => "y",
        "k" | "kb" => "KB",
        "mb" => "MB",
        "g" | "gb" => "GB",
        "tb" => "TB",
        _ => return None,
    })
}

/// Is a text spelled as a date, `2024-01-31`, whether or not there is such a day?
pub fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// `30minutes`, `4parsecs`
pub fn unknown_unit(span: Span, digits: &str, unit: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::E0014,
        format!("there is no unit `{unit}`"),
        span,
        "a number with a unit",
    );
    let Some(meant) = self::unit(unit) else {
        return diagnostic.help("units are us ms s m h d w mo y, and B KB MB GB TB");
    };
    diagnostic.instead(span, format!("{digits}{meant}"))
}

/// `1.5us`, `99999999999d`
pub fn quantity_out_of_range(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0014,
        format!("`{text}` is too long, or too exact"),
        span,
        "cannot be held",
    )
    .help("times are held in whole microseconds, sizes in whole bytes")
}

/// A size or months where a length of time is wanted.
pub fn not_a_duration(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0014,
        format!("`{text}` is not a fixed length of time"),
        span,
        "a length of time is needed",
    )
    .help("write for example `30m`, `12h` or `7d`")
}

/// An integer that needs more than 64 bits.
pub fn number_too_large(span: Span, text: &str) -> Diagnostic {
    let help = format!("the largest `int` is {}; with `.0` behind it, it is a `float`", i64::MAX);
    too_large(span, text, help)
}

/// A number that no float comes near.
pub fn float_too_large(span: Span, text: &str) -> Diagnostic {
    too_large(span, text, "the largest `float` is 1.7976931348623157e308".to_owned())
}

fn too_large(span: Span, text: &str, help: String) -> Diagnostic {
    let shown = if text.len() > 24 { "this number" } else { &format!("`{text}`") };
    Diagnostic::new(Code::E0014, format!("{shown} is too large"), span, "does not fit").help(help)
}

/// A backslash before something that needs none, in a text or its first piece `text` at `whole`.
pub fn bad_escape(span: Span, escape: &str, whole: Span, text: &str) -> Diagnostic {
    let message = format!("`{escape}` means nothing in a text");
    let found = Diagnostic::new(Code::E0014, message, span, "unknown escape");
    let raw = raw_text(text);
    match (escape, raw) {
        ("\\u", _) => found.help("write a character by its number: `\\u{e9}`"),
        ("\\'", _) => found.help("write `'` as it is").guess(whole, text.replace("\\'", "'")),
        ("\\{" | "\\}", _) => {
            let sign = &escape[1..];
            let written = text.replace("\\{", "{{").replace("\\}", "}}");
            found.help(format!("for the sign itself write `{sign}{sign}`")).guess(whole, written)
        }
        (_, Some(raw)) => found
            .help(format!("in a text with an `r` before it nothing is an escape: `{raw}`"))
            .guess(whole, raw),
        _ => found.help(format!("for the sign itself write `\\{escape}`")),
    }
}

/// A text as one in which nothing is an escape. None for one with an interpolation and for a long
/// one, which have no such form.
fn raw_text(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut raw = String::from("r\"");
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' | '{' | '}' if characters.next_if_eq(&character).is_some() => {}
            '\\' => {
                raw.push(character);
                raw.extend(characters.next());
                continue;
            }
            '{' => return None,
            _ => {}
        }
        raw.push(character);
    }
    (!inner.starts_with('"') && !raw.ends_with('\\')).then(|| raw + "\"")
}

/// `r"a "b" c"`
pub fn quote_in_regex(span: Span, text: &str) -> Diagnostic {
    let inner = &text[2..text.len() - 1];
    // `r"""…"""` of another language has no quotes of its own.
    let long = inner.strip_prefix("\"\"").and_then(|inner| inner.strip_suffix("\"\""));
    let mut written = String::from("r\"");
    let mut is_escaped = false;
    for character in long.unwrap_or(inner).chars() {
        if character == '"' && !is_escaped {
            written.push('\\');
        }
        is_escaped = character == '\\' && !is_escaped;
        written.push(character);
    }
    written.push('"');
    let message = "a quote ends a regular expression";
    Diagnostic::new(Code::E0005, message, span, "it goes on behind a quote")
        .help(format!("for the sign itself write `\\\"`: `{written}`"))
        .guess(span, written)
}

/// E0014: the number of a character that is none.
pub fn bad_code_point(span: Span, escape: &str) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0014,
        format!("`{escape}` is no character"),
        span,
        "no number of a character",
    );
    found.help(
        "numbers have hexadecimal digits, up to `\\u{10ffff}`, and a closing `}`: `\\u{e9}` is é",
    )
}

/// A date that is not written as one.
pub fn malformed_date(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(Code::E0014, format!("`{text}` is not a date"), span, "not written as one")
        .help("write `@2024-01-31`, `@2024-01-31T10:00` or `@2024-01-31T10:00:00Z`")
}

/// A date without its `@`, which would be computed as numbers.
pub fn unsigned_date(span: Span, text: &str, meant: &[String]) -> Diagnostic {
    let message = format!("`{text}` is a date only with its `@`");
    let help = format!("write {}", listed(meant, "or"));
    let found = Diagnostic::new(Code::E0014, message, span, "read as numbers").help(help);
    match meant {
        [only] => found.guess(span, only),
        _ => found,
    }
}

/// A day that the calendar does not have.
pub fn no_such_date(span: Span, text: &str, year: i64, month: u32) -> Diagnostic {
    let date = text.split('T').next().unwrap_or(text);
    let reason = why_no_day(year, month);
    let help = match days_in_month(year, month) {
        0 => format!("write a month from 01 to 12: `@{year:04}-01-31`"),
        days => format!("write `@{year:04}-{month:02}-{days:02}`"),
    };
    Diagnostic::new(
        Code::E0209,
        format!("{date} is not a date; {reason}"),
        span,
        "not in the calendar",
    )
    .help(help)
}

/// A time before the year 0001 or, in UTC, after 9999.
pub fn no_such_year(span: Span, text: &str) -> Diagnostic {
    let message = format!("{text} is outside the years 0001 to 9999");
    Diagnostic::new(Code::E0209, message, span, "not within these years")
        .help("dates and times are those from `@0001-01-01` to `@9999-12-31`, in UTC where they have a zone")
}

/// A time that a day does not have.
pub fn no_such_time(span: Span, text: &str) -> Diagnostic {
    let time = text.split_once('T').map_or(text, |(_, time)| time);
    Diagnostic::new(Code::E0209, format!("{time} is not a time of day"), span, "not on the clock")
        .help("hours go from 00 to 23, minutes and seconds from 00 to 59")
}

/// A `{` in a text that opens an interpolation which is never closed, or a `}` alone.
pub fn brace_in_text(span: Span, brace: &str) -> Diagnostic {
    let message = if brace == "{" {
        "in a text `{` begins an expression"
    } else {
        "in a text `}` ends an expression"
    };
    Diagnostic::new(
        Code::E0016,
        message,
        span,
        if brace == "{" { "it is never closed" } else { "none was begun" },
    )
    .help(format!(
        "for the sign itself write `{brace}{brace}`; for a regular expression `r\"...\"`"
    ))
    .fix(span, format!("{brace}{brace}"))
}

/// An interpolation in which, or in a text of which, something is not closed.
pub fn interpolation_never_closed(span: Span) -> Diagnostic {
    let message = "in a text `{` begins an expression";
    Diagnostic::new(Code::E0016, message, span, "it is never closed")
        .help("close the texts and brackets between it and its `}`")
}

/// E0016: a grok pattern, with braces of its own, in a text whose braces are interpolations.
pub fn not_raw(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0016,
        "a grok pattern is written as it is, with `r` before its quotes",
        span,
        "in a text like this `{` begins an expression",
    )
    .instead(span, format!("r{text}"))
}

/// An interpolation where the text must be known beforehand.
pub fn no_interpolation_here(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0016,
        "this text cannot contain an expression",
        span,
        "in a text `{` begins an expression",
    )
    .help("for the sign itself write `{{` and `}}`; for a regular expression `r\"...\"`")
}
