//! `batchc clean`

use crate::cli::args::{Clean, Global};
use crate::cli::load::refuse;
use crate::cli::print::{put, say};
use crate::cli::table::bytes_text;
use crate::run::{Cleaned, Retention, clean};
use crate::store::STATE;
use std::path::PathBuf;

/// Removes checkpoints.
pub(in crate::cli) fn run(args: &Clean, global: &Global) -> u8 {
    let state = args.state.state_dir.clone().unwrap_or_else(|| PathBuf::from(STATE));
    let keep = retention(args);
    let all = match clean(&state, keep, args.dry_run) {
        Ok(all) => all,
        Err(error) => return refuse(&error.message, global),
    };
    let mut code = 0;
    let does = if args.dry_run { "would remove" } else { "removed" };
    for Cleaned { pipeline, files, bytes, held_by } in &all {
        if let Some(by) = held_by {
            say!("{pipeline}: {by} has its checkpoints and goes on");
            code = 5;
        } else if *files > 0 {
            let s = if *files == 1 { "" } else { "s" };
            put!("{pipeline}: {does} {files} checkpoint{s}, {}\n", bytes_text(*bytes));
        }
    }
    if all.iter().all(|one| one.files == 0 && one.held_by.is_none()) && !global.quiet {
        say!("there are no checkpoints in {}", state.display());
    }
    code
}

/// What is kept: nothing, unless it is said what.
fn retention(args: &Clean) -> Retention {
    match (args.keep_last, args.older_than, args.max_size) {
        (None, None, None) => Retention { last: Some(0), ..Retention::default() },
        (last, age, size) => Retention { last, age, bytes: size.map(|size| size as u64) },
    }
}
