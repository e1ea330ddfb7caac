//! What is said about what is written and has no effect: codes W0146 and W0147. Of jobs that is said
//! in `graph`, of modules in `modules`.

use super::{Code, Diagnostic};
use crate::text::Span;

/// More names are counted instead of said.
const NAMES_MAX: usize = 4;

/// W0146: columns of one statement that nothing reads behind it, with their places.
pub fn columns(columns: &[(String, Span)]) -> Diagnostic {
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("`{name}`")).collect();
    let said = match names.as_slice() {
        [name] => name.clone(),
        [names @ .., last] if names.len() < NAMES_MAX => format!("{} and {last}", names.join(", ")),
        names => {
            let more = names.len() - (NAMES_MAX - 1);
            format!("{} and {more} more", names[..NAMES_MAX - 1].join(", "))
        }
    };
    let message = format!("nothing reads {said} behind this step");
    let ((_, first), more) = (&columns[0], &columns[1..]);
    let found = Diagnostic::new(Code::W0146, message, *first, "computed for nothing");
    let found = more.iter().fold(found, |found, (_, place)| found.label(*place, "this too"));
    found.help(match more {
        [] => "leave it out, or keep the column until an output has it",
        _ => "leave them out, or keep the columns until an output has them",
    })
}

/// W0147: something declared that nothing uses.
pub fn declaration(what: &str, name: &str, span: Span) -> Diagnostic {
    let message = format!("nothing uses the {what} `{name}`");
    Diagnostic::new(Code::W0147, message, span, "only declared").help("leave it out, or use it")
}
