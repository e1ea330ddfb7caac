//! `batchc explain`

use crate::cli::args::Explain;
use crate::cli::load::refuse;
use crate::diagnostics::Code;

/// Prints the page of a code, or all codes.
pub(in crate::cli) fn run(explain: &Explain) -> u8 {
    let Some(text) = &explain.code else {
        for code in Code::ALL {
            println!("{code}  {}", code.title());
        }
        return 0;
    };
    match Code::parse(text) {
        Some(code) => {
            print!("{}", code.page());
            0
        }
        None => refuse(&format!("there is no diagnostic `{text}`; `batchc explain` lists them")),
    }
}
