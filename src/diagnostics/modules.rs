//! What is said about modules, and what `use` brings in: codes E0140 to E0145.

use super::{Code, Diagnostic, nearest};
use crate::text::Span;

/// E0140: a file that cannot be read.
pub fn cannot_read(path: &str, span: Span, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::E0140, format!("`{path}` cannot be used: {reason}"), span, "this module")
        .help("a path begins in the folder of the file that it is written in: `use \"lib/cleaning.batch\"`")
}

/// E0140: a module that the library does not have.
pub fn no_module(name: &str, span: Span, all: &[String]) -> Diagnostic {
    let message = format!("there is no module `{name}`");
    let found = Diagnostic::new(Code::E0140, message, span, "not a module of the library");
    let with_std = all.iter().find(|known| known.strip_prefix("std.") == Some(name));
    match with_std.map(String::as_str).or_else(|| nearest(name, all.iter().map(String::as_str))) {
        Some(near) => found.did_you_mean(span, name, near),
        None => {
            let all = all.join("`, `");
            found.help(format!(
                "there are `{all}`; a file is used by its path: `use \"lib/a.batch\"`"
            ))
        }
    }
}

/// E0140: a module that the library does not have, since its functions need none.
pub fn always_there(name: &str, span: Span, family: &str) -> Diagnostic {
    let message = format!("there is no module `{name}`");
    Diagnostic::new(Code::E0140, message, span, "its functions are there without `use`")
        .help(format!("leave it out; `batchc doc {family}` lists them"))
}

/// E0141: a path that leads out of the project.
pub fn outside(path: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0141,
        format!("`{path}` is outside of the project"),
        span,
        "leads out of it",
    )
    .help("a module is a file below the folder with `.git`, or else that of the pipeline")
}

/// E0142: files that use each other.
pub fn cycle(span: Span, names: &[String]) -> Diagnostic {
    let message = format!("these files use each other: {}", names.join(" → "));
    Diagnostic::new(Code::E0142, message, span, "closes the circle")
        .help("put what both need into a third file")
}

/// E0143: something in a module that only a pipeline declares.
pub fn not_of_a_module(span: Span) -> Diagnostic {
    let start = Span { end: span.end.min(span.start + 1), ..span };
    Diagnostic::new(
        Code::E0143,
        "a module declares functions, enums, types and transforms alone",
        start,
        "belongs into the pipeline",
    )
    .help("move it into the file that is run")
}

/// W0144: nothing of a module is meant.
pub fn unused(span: Span, path: &str) -> Diagnostic {
    let message = format!("nothing that `{path}` declares is used here");
    Diagnostic::new(Code::W0144, message, span, "has no effect").help("leave it out").fix(span, "")
}

/// W0144: a module that is used a second time.
pub fn used_twice(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::W0144, "this is used already", span, "has no effect")
        .label(first, "here")
        .help("leave it out")
        .fix(span, "")
}

/// E0145: a function of a module of the library that is not used.
pub fn of_library(name: &str, span: Span, module: &str) -> Diagnostic {
    let message = format!("`{name}` is of `std.{module}`, which this file does not use");
    Diagnostic::new(Code::E0145, message, span, "from elsewhere")
        .help(format!("write `use std.{module}` at the beginning"))
}

/// E0145: something that another file declares, which this one does not use.
pub fn not_used(name: &str, span: Span, path: &str, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0145,
        format!("`{name}` is declared in `{path}`, which this file does not use"),
        span,
        "from elsewhere",
    )
    .label(declared, "declared here")
    .help(format!("`use \"{path}\"` at the beginning, by its path from this file"))
}
