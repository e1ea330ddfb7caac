//! `batchc explain`

use crate::cli::args::{Explain, Global};
use crate::cli::load::refuse;
use crate::cli::print::put;
use crate::cli::reference::{lookup, near, not_available_yet};
use crate::diagnostics::Code;

/// Prints the page of a code, what is said of a function or of a word; or lists all codes.
pub(in crate::cli) fn run(explain: &Explain, global: &Global) -> u8 {
    let text = &explain.name.join(" ");
    if text.is_empty() {
        for code in Code::ALL {
            put!("{code}  {}\n", code.title());
        }
        return 0;
    }
    let name = text.to_lowercase();
    let found: Vec<String> = match Code::parse(text) {
        Some(code) => vec![code.page().to_owned()],
        None => lookup(&name),
    };
    if found.is_empty()
        && let Some(line) = not_available_yet(&name)
    {
        put!("{line}");
        return 0;
    }
    if found.is_empty() {
        let message = format!("there is no diagnostic, function or word `{text}`{}", near(&name));
        return refuse(&message, global);
    }
    put!("{}", found.join("\n"));
    0
}
