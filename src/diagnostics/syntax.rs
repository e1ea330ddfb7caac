//! What the parser tells the user: codes E0001 to E0020, and E0209 for dates.

use super::{Code, Diagnostic};
use crate::syntax::ast::Later;
use crate::text::Span;

/// A statement ends before it is complete.
pub fn incomplete(what: &str, span: Span, label: String, example: &str) -> Diagnostic {
    Diagnostic::new(Code::E0001, format!("this `{what}` is not complete"), span, label)
        .help(format!("write it like this: `{example}`"))
}

/// `group by city`, and below it what belongs into its block.
pub fn group_without_block(head: Span, keys: &str, last: Span, lines: &[&str]) -> Diagnostic {
    let label = "`{` is missing behind it";
    let block = format!("{keys} {{\n    {}\n  }}", lines.join("\n    "));
    Diagnostic::new(Code::E0001, "this `group` is not complete", head, label)
        .help(format!("put what it counts between braces: `{keys} {{ {} }}`", lines.join(", ")))
        .fix(head.to(last), block)
}

/// A line ends with an operator.
pub fn trailing_operator(operator: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0001,
        format!("a value is missing after `{operator}`"),
        span,
        "the line ends here",
    )
    .help(format!(
        "write the value behind it; to go on in the next line, begin that line with `{operator}`"
    ))
}

/// A statement is complete, and then there is more.
pub fn goes_on(what: &str, span: Span, example: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0002,
        format!("`{what}` ends here, but the line goes on"),
        span,
        "not expected here",
    )
    .help(format!("write it like this: `{example}`"))
}

/// The same, where the word that was meant can be guessed.
pub fn goes_on_meant(what: &str, span: Span, meant: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0002,
        format!("`{what}` ends here, but the line goes on"),
        span,
        "not expected here",
    )
    .help(format!("did you mean `{meant}`?"))
    .guess(span, meant)
}

/// A word that begins nothing. `kind` is `step`, `setting`, `declaration`, ...
pub fn unknown_word(
    word: &str,
    kind: &str,
    span: Span,
    nearest: Option<&str>,
    known: &[&str],
) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0003, format!("there is no {kind} `{word}`"), span, "unknown word");
    match nearest {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")).guess(span, meant),
        None => diagnostic.help(format!("a {kind} begins with {}", listed(known, "or"))),
    }
}

/// A word in capitals.
pub fn not_lower_case(word: &str, span: Span, meant: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0003,
        format!("`{word}` is written `{meant}` here"),
        span,
        "words have small letters",
    )
    .help(format!("write `{meant}`"))
    .fix(span, meant)
}

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

/// What SQL or Python write so, `foreign`, and is `written` differently here.
pub fn habit(foreign: &str, span: Span, written: &str) -> Diagnostic {
    let message = match foreign {
        "unit" => "a number and its unit are written together".to_owned(),
        "time" => "a date and its time are written together".to_owned(),
        "if" => "an `if` needs an `else`".to_owned(),
        "expect" => "what becomes of broken rows stands behind `else`".to_owned(),
        _ => format!("`{foreign}` is written differently here"),
    };
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write `{written}`"))
        .guess(span, written)
}

/// A part of a statement of SQL that is a step of its own.
pub fn on_the_next_line(foreign: &str, span: Span, step: &str, place: &str) -> Diagnostic {
    let message = format!("`{foreign}` is a step of its own here");
    Diagnostic::new(Code::E0004, message, span, "as in another language")
        .help(format!("write `{step}` on a line {place}"))
}

/// `select *`
pub fn all_columns(span: Span) -> Diagnostic {
    let message = "a job keeps all columns by itself";
    Diagnostic::new(Code::E0018, message, span, "`*` stands for nothing here")
        .help("leave this line out, or name the columns: `select id, name`")
}

/// A text without its closing quote, which probably ends at `end`, behind `brace`.
pub fn unclosed_text(start: Span, quote: &str, end: Span, brace: &str) -> Diagnostic {
    Diagnostic::new(Code::E0005, "this text is never closed", start, "it starts here")
        .help(format!("add `{brace}{quote}` where the text ends"))
        .guess(end, format!("{brace}{quote}"))
}

/// A block without its `}`.
pub fn unclosed_block(open: Span, next: Option<Span>) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0006, "a `}` is missing", open, "this block is never closed");
    match next {
        Some(next) => diagnostic
            .label(next, "the next declaration begins here")
            .help("add `}` on a line before it"),
        None => diagnostic.help("add `}` where the block ends"),
    }
}

/// Another bracket that is not closed.
pub fn unclosed_bracket(open: Span, bracket: &str, closing: &str, end: Span) -> Diagnostic {
    Diagnostic::new(Code::E0006, format!("this `{bracket}` is never closed"), open, "it opens here")
        .label(end, "the statement ends here")
        .help(format!("add `{closing}`"))
}

/// A declaration whose block has no `{`.
pub fn missing_block(what: &str, span: Span, example: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0006,
        format!("the `{{` of this `{what}` is missing"),
        span,
        "a block begins here",
    )
    .help(format!("write it like this: `{example}`"))
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

/// `'text'`, or a text in typographic quotes.
pub fn wrong_quotes(span: Span, text: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0008, "texts use double quotes", span, "not a text here");
    if text.is_empty() {
        return diagnostic.help("write `\"text\"`");
    }
    let written = format!("\"{}\"", text.replace('"', "\\\""));
    diagnostic.help(format!("write `{written}`")).fix(span, written)
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
    Diagnostic::new(
        Code::E0009,
        format!("`{sign}` is written `{meant}`"),
        span,
        "not an operator here",
    )
    .help(format!("write `{written}`"))
    .fix(span, meant)
}

/// `||` between values of which the parser does not know the types.
pub fn two_bars(span: Span) -> Diagnostic {
    let message = "`||` is written differently here";
    Diagnostic::new(Code::E0009, message, span, "not an operator here")
        .help("between conditions write `or`; of texts make one text: `\"{a}{b}\"`")
        .guess(span, "or")
}

/// Nesting, or an expression of too many operators.
pub fn too_deep(span: Span, limit: usize) -> Diagnostic {
    Diagnostic::new(
        Code::E0010,
        format!("this is nested too deep; {limit} levels are the most"),
        span,
        "the level beyond begins here",
    )
    .help("name a part of it with `derive` and use the name")
}

/// A closing bracket too many.
pub fn stray_bracket(span: Span, bracket: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0011,
        format!("this `{bracket}` closes nothing"),
        span,
        "nothing is open here",
    )
    .help("remove it")
    .fix(span, "")
}

/// A word that stands where it may not.
pub fn out_of_place(word: &str, place: &str, span: Span, belongs: &str) -> Diagnostic {
    let article = if place.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let place = if place == "file" {
        "stand outside of a block".into()
    } else {
        format!("stand in {article} `{place}`")
    };
    Diagnostic::new(Code::E0012, format!("`{word}` cannot {place}"), span, "out of place")
        .help(format!("put it {belongs}"))
}

/// A character that cannot be seen, or that makes the text look different from what it is.
pub fn hidden_character(character: char, span: Span, is_bidi: bool, in_text: bool) -> Diagnostic {
    let code = character as u32;
    let label = if is_bidi {
        "it changes the order in which the line is shown"
    } else {
        "it cannot be seen"
    };
    let help =
        if in_text { format!("write it `\\u{{{code:x}}}`") } else { "remove it".to_string() };
    Diagnostic::new(
        Code::E0013,
        format!("the character U+{code:04X} may not stand here"),
        span,
        label,
    )
    .help(help)
}

/// A sign that means nothing.
pub fn unknown_character(character: char, span: Span) -> Diagnostic {
    let code = character as u32;
    Diagnostic::new(
        Code::E0013,
        format!("`{character}` (U+{code:04X}) means nothing here"),
        span,
        "unknown character",
    )
    .help("remove it, or put it into a text: `\"...\"`")
}

/// The unit that a word means.
pub fn unit(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "day" | "days" => "d",
        "week" | "weeks" => "w",
        "month" | "months" => "mo",
        "yr" | "year" | "years" => "y",
        "k" | "kb" => "KB",
        "mb" => "MB",
        "g" | "gb" => "GB",
        "tb" => "TB",
        _ => return None,
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
    diagnostic.help(format!("write `{digits}{meant}`")).fix(span, format!("{digits}{meant}"))
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
    let shown = if text.len() > 24 { "this number" } else { &format!("`{text}`") };
    Diagnostic::new(Code::E0014, format!("{shown} is too large"), span, "does not fit")
        .help(format!("the largest `int` is {}; with `.0` behind it, it is a `float`", i64::MAX))
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
pub fn no_such_date(span: Span, text: &str, year: i64, month: i64, days: i64) -> Diagnostic {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = text.split('T').next().unwrap_or(text);
    let name = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month));
    let (reason, help) = match name {
        Some(name) => (
            format!("{name} {year} has {days} days"),
            format!("write `@{year:04}-{month:02}-{days:02}`"),
        ),
        None => (
            "a year has 12 months".to_string(),
            format!("write a month from 01 to 12: `@{year:04}-01-31`"),
        ),
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

/// `a < b < c`
pub fn comparisons_do_not_chain(
    second: Span,
    first: Span,
    left: &str,
    middle: &str,
    right: &str,
    sign: &str,
) -> Diagnostic {
    Diagnostic::new(Code::E0015, "comparisons do not chain", second, "the second one")
        .label(first, "the first one")
        .help(format!("write `{left} and {middle} {sign} {right}`"))
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

/// `// like this`
pub fn foreign_comment(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0017,
        "comments begin with `#`",
        span,
        format!("`{sign}` does not begin a comment"),
    )
    .help("write `# like this`")
    .fix(span, "#")
}

/// A token that cannot stand where it does.
pub fn does_not_fit(found: &str, span: Span, expected: &[String], example: &str) -> Diagnostic {
    let label = if expected.is_empty() {
        "not expected here".into()
    } else {
        format!("expected {}", listed(expected, "or"))
    };
    let found = if found.chars().count() > 30 { "this".to_string() } else { format!("`{found}`") };
    Diagnostic::new(Code::E0018, format!("{found} does not fit here"), span, label)
        .help(format!("write it like this: `{example}`"))
}

/// The same, where the word that was meant can be guessed.
pub fn does_not_fit_meant(found: &str, span: Span, meant: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0018,
        format!("`{found}` does not fit here"),
        span,
        format!("expected `{meant}`"),
    )
    .help(format!("did you mean `{meant}`?"))
    .guess(span, meant)
}

/// `email string?`
pub fn missing_colon(name: &str, span: Span, rest: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0018,
        "a `:` is missing between the column and its type",
        span,
        "a column",
    )
    .help(format!("write `{name}: {rest}`"))
    .fix(span.after(), ":")
}

/// `total = price * quantity` as a step.
pub fn missing_verb(name: &str, span: Span, value: &str) -> Diagnostic {
    Diagnostic::new(Code::E0018, "a step begins with its verb", span, "a column alone")
        .help(format!("for a new column write `derive {name} = {value}`, to replace one `set {name} = {value}`"))
}

/// A value without a name in a block of named values.
pub fn missing_name(span: Span, value: &str) -> Diagnostic {
    Diagnostic::new(Code::E0018, "this column has no name", span, "a value alone")
        .help(format!("write `name = {value}`"))
}

/// An arm behind `else`.
pub fn arm_after_else(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0019, "`else` is the last arm of a `case`", span, "never reached")
        .help("move this arm above `else`, or remove it")
}

/// `batch 1` somewhere else than at the beginning.
pub fn late_edition(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0019, "the edition stands on the first line", span, "too late")
        .help("move it to the first line of the file")
}

/// An edition of the language that there is not.
pub fn no_edition(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0021, "the only edition of the language is 1", span, "not an edition")
        .help("write `batch 1`, or get a newer batchc")
        .fix(span, "1")
}

/// Something that is parsed, but has no meaning yet.
pub fn not_available_yet(later: &Later) -> Diagnostic {
    let help = match later.what.as_str() {
        "right join" => "write a `left join` from the other side",
        "secret" => "give it as a `param`",
        "type" => "use the type behind the `=`",
        "except" => "use `anti join` on the columns that are compared",
        "sample" => "use `take`, or `filter` by a column",
        "route" => "write one job with a `filter` for each branch",
        "split" => "write one job with a `filter` for each part",
        "pivot" => "write the columns in a `group`: `fr = sum_if(amount, country == \"FR\")`",
        "unpivot" => "write one `select` for each column, and `union` the jobs",
        "within" => "write the limit as a `filter` behind the join",
        "after" => "read something from the job that must come first",
        "over (…)" => "group in another job, and `join` it",
        "schedule" => "start `batchc run` from the scheduler of your system",
        _ => "",
    };
    let message = format!("`{}` is not available yet", later.what);
    let label = "parsed, but not built yet";
    let help = if help.is_empty() { "leave it out for now" } else { help };
    Diagnostic::new(Code::E0020, message, later.span, label).help(help)
}

/// `a`, `b` or `c`; at most eight.
fn listed(words: &[impl AsRef<str>], last: &str) -> String {
    let quoted =
        |word: &str| if word.contains(['`', ' ']) { word.to_string() } else { format!("`{word}`") };
    let shown: Vec<String> = words.iter().take(8).map(|word| quoted(word.as_ref())).collect();
    match shown.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, _)) if words.len() > 8 => format!("{}, {end}, ...", shown[..7].join(", ")),
        Some((end, before)) => format!("{} {last} {end}", before.join(", ")),
    }
}
