//! `batchc check`

use crate::cli::WRONG;
use crate::cli::args::{File, Global};
use crate::cli::load::{load, refuse, show_found};
use crate::cli::print::say;
use crate::diagnostics::render::Format;

/// Shows what is wrong; exit code 1 with errors.
pub(in crate::cli) fn run(file: &File, global: &Global) -> u8 {
    let (path, compiled) = match load(file) {
        Ok(loaded) => loaded,
        Err(message) => return refuse(&message, global),
    };
    if show_found(&compiled, &path, global, true) {
        return WRONG;
    }
    if !global.quiet && global.format != Format::Json {
        let pipeline = &compiled.pipeline;
        let jobs = pipeline.jobs.len();
        let s = if jobs == 1 { "" } else { "s" };
        say!("{} is right: {jobs} job{s} checked", path.display());
    }
    0
}
