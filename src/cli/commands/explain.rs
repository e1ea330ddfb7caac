//! `batchc explain`

use crate::cli::args::Explain;
use crate::cli::load::refuse;
use crate::cli::print::put;
use crate::diagnostics::Code;

/// Prints the page of a code, or all codes.
pub(in crate::cli) fn run(explain: &Explain) -> u8 {
    let Some(text) = &explain.code else {
        for code in Code::ALL {
            put!("{code}  {}\n", code.title());
        }
        return 0;
    };
    match Code::parse(text) {
        Some(code) => {
            put!("{}", code.page());
            0
        }
        None => refuse(&format!("there is no diagnostic `{text}`; `batchc explain` lists them")),
    }
}
