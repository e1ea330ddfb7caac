//! `batchc check`

use crate::cli::args::{Check, Global, Warnings};
use crate::cli::load::{STDIN, folder, print_outside, read_text, show_found};
use crate::cli::print::{put, say};
use crate::cli::{NOT_STARTED, WRONG};
use crate::diagnostics::render::{Program, report};
use crate::diagnostics::{Code, Diagnostics, Severity};
use crate::{Compiled, compile};
use std::path::{Path, PathBuf};

/// Shows what is wrong; exit code 1 with errors.
pub(in crate::cli) fn run(args: &Check, global: &Global) -> u8 {
    let here = [PathBuf::from(".")];
    let given = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let mut checked = Checked::default();
    for path in given {
        match super::fmt::programs(path) {
            Ok(files) => files.iter().for_each(|path| checked.program(path, args, global)),
            Err(message) => checked.fails(&message, global),
        }
    }
    if global.format.is_document() {
        let programs: Vec<Program> = checked.programs.iter().map(found_in).collect();
        put!("{}", report(&programs, &checked.failures, global.format, &folder()));
    } else if !global.quiet && !global.format.is_data() {
        checked.summary();
    }
    match (checked.failures.is_empty(), checked.wrong) {
        (false, _) => NOT_STARTED,
        (true, 1..) => WRONG,
        (true, 0) => 0,
    }
}

/// What came of all programs so far.
#[derive(Default)]
struct Checked {
    programs: Vec<(String, Compiled)>,
    wrong: usize,
    /// Why others could not be read.
    failures: Vec<String>,
}

fn found_in((name, compiled): &(String, Compiled)) -> Program<'_> {
    Program { name, found: &compiled.found, files: &compiled.files }
}

impl Checked {
    fn program(&mut self, path: &Path, args: &Check, global: &Global) {
        let text = match read_text(path) {
            Ok(text) => text,
            Err(message) => return self.fails(&message, global),
        };
        let path = if path.as_os_str() == "-" { Path::new(STDIN) } else { path };
        let name = path.display().to_string();
        let mut compiled = compile(&name, text);
        judge(&mut compiled.found, args);
        self.wrong += usize::from(compiled.found.has_errors());
        // A document about all follows.
        if !global.format.is_document() {
            show_found(&compiled, path, global, true);
        }
        self.programs.push((name, compiled));
    }

    fn fails(&mut self, message: &str, global: &Global) {
        if !global.format.is_document() {
            print_outside(message, None, global);
        }
        self.failures.push(message.to_owned());
    }

    fn summary(&self) {
        let counted = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            many => format!("{many} {what}s"),
        };
        let jobs = self.programs.iter().map(|(_, compiled)| compiled.pipeline.jobs.len());
        let jobs = counted(jobs.sum(), "job");
        match (self.wrong, self.programs.as_slice()) {
            (_, []) => {}
            (0, [(name, _)]) => say!("{name} is right: {jobs} checked"),
            (_, [_]) => {}
            (0, all) => say!("{} programs are right: {jobs} checked", all.len()),
            (1, all) => say!("1 of {} programs is wrong", all.len()),
            (wrong, all) => say!("{wrong} of {} programs are wrong", all.len()),
        }
    }
}

/// Makes errors of warnings and takes others out, as the flags say. A code that is named goes before
/// all of them, and what is denied before what is allowed.
fn judge(found: &mut Diagnostics, args: &Check) {
    let is_denied = |code: Code| {
        let is_named = args.deny.contains(&Warnings::Of(code));
        let is_allowed = args.allow.contains(&Warnings::Of(code));
        is_named || args.deny.contains(&Warnings::All) && !is_allowed
    };
    let is_allowed =
        |code| [Warnings::All, Warnings::Of(code)].iter().any(|one| args.allow.contains(one));
    found.deny(is_denied);
    found.retain(|one| one.severity == Severity::Error || !is_allowed(one.code));
}
