//! `batchc report`

use crate::cli::args::{Global, Report};
use crate::cli::history::History;
use crate::cli::load::refuse;
use crate::cli::print::put;
use crate::cli::report::page;

/// Writes the page of a run.
pub(in crate::cli) fn run(args: &Report, global: &Global) -> u8 {
    let history = History::open(&args.state, global);
    let kept = history.and_then(|history| history.kept(&args.run, global));
    let page = match kept {
        Ok(kept) => page(&kept),
        Err(code) => return code,
    };
    let Some(file) = &args.output else {
        put!("{page}");
        return 0;
    };
    match std::fs::write(file, page) {
        Ok(()) => 0,
        Err(error) => refuse(&format!("cannot write {}: {error}", file.display()), global),
    }
}
