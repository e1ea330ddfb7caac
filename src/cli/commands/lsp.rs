//! `batchc lsp`

use crate::cli::args::Global;
use crate::cli::load::refuse;
use crate::lsp;

/// Serves the editor that has started this.
pub(in crate::cli) fn run(global: &Global) -> u8 {
    match lsp::serve_stdio() {
        Ok(()) => 0,
        Err(error) => refuse(&format!("cannot serve the editor: {error}"), global),
    }
}
