//! What the parser tells the user about the form of a program: E0001 to E0021, but for literals and
//! the habits of other languages.

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
pub fn trailing_operator(operator: &str, span: Span, place: Span, written: String) -> Diagnostic {
    let message = format!("a line that goes on begins with `{operator}`, and does not end with it");
    Diagnostic::new(Code::E0001, message, span, "the statement ends here")
        .help(format!("put `{operator}` at the beginning of the next line"))
        .fix(place, written)
}

/// A parameter behind another, without a comma.
pub fn missing_comma(span: Span) -> Diagnostic {
    let message = "parameters stand apart by commas";
    Diagnostic::new(Code::E0018, message, span, "`,` is missing here")
        .help("add `,` behind each of them")
        .fix(span, ",")
}

/// `A | B` within the braces of an enum.
pub fn members_by_commas(span: Span) -> Diagnostic {
    let message = "the members of an enum stand apart by commas";
    Diagnostic::new(Code::E0009, message, span, "not an operator here").instead(span, ",")
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
pub fn goes_on_meant(what: &str, written: &str, span: Span, meant: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0002,
        format!("`{what}` ends here, but the line goes on"),
        span,
        "not expected here",
    )
    .did_you_mean(span, written, meant)
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
        Some(meant) => diagnostic.did_you_mean(span, word, meant),
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
    .instead(span, meant)
}

/// `select *`
pub fn all_columns(span: Span) -> Diagnostic {
    let message = "a job keeps all columns by itself";
    Diagnostic::new(Code::E0018, message, span, "`*` stands for nothing here")
        .help("leave this line out, or name the columns: `select id, name`")
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
    let help = match in_text {
        true => format!("write it `\\u{{{code:x}}}`"),
        false if character.is_whitespace() => "write a blank in its place".to_owned(),
        false => "remove it".to_owned(),
    };
    let found = Diagnostic::new(
        Code::E0013,
        format!("the character U+{code:04X} may not stand here"),
        span,
        label,
    )
    .help(help);
    // Without any blank two words would become one.
    match !in_text && character.is_whitespace() {
        true => found.fix(span, " "),
        false => found,
    }
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
    .did_you_mean(span, found, meant)
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
        "schedule" => "start `batchc run` from the scheduler of your system",
        quarantine if quarantine.starts_with("quarantine.") => {
            "send rows that break a rule to a branch, `route { bad when …; good otherwise }`, and read that"
        }
        _ => "leave it out for now",
    };
    // What is said in words is no word of the program.
    let what = match later.what.contains(' ') {
        true => later.what.clone(),
        false => format!("`{}`", later.what),
    };
    let message = format!("{what} is not available yet");
    let label = "batchc cannot do this yet";
    Diagnostic::new(Code::E0020, message, later.span, label).help(help)
}

/// `a`, `b` or `c`; at most eight.
pub(super) fn listed(words: &[impl AsRef<str>], last: &str) -> String {
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
