//! `batchc check`

use crate::cli::args::{Check, Global, Warnings};
use crate::cli::load::{STDIN, print_outside, read_text, show_found};
use crate::cli::print::say;
use crate::cli::{NOT_STARTED, WRONG};
use crate::compile;
use crate::diagnostics::render::Format;
use crate::diagnostics::{Code, Diagnostics, Severity};
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
    if !global.quiet && global.format != Format::Json {
        checked.summary();
    }
    match (checked.failed, checked.wrong) {
        (true, _) => NOT_STARTED,
        (false, 1..) => WRONG,
        (false, 0) => 0,
    }
}

/// What came of all programs so far.
#[derive(Default)]
struct Checked {
    names: Vec<String>,
    jobs: usize,
    wrong: usize,
    /// Could something not be read?
    failed: bool,
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
        self.wrong += usize::from(show_found(&compiled, path, global, true));
        self.jobs += compiled.pipeline.jobs.len();
        self.names.push(name);
    }

    fn fails(&mut self, message: &str, global: &Global) {
        print_outside(message, None, global);
        self.failed = true;
    }

    fn summary(&self) {
        let counted = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            many => format!("{many} {what}s"),
        };
        let jobs = counted(self.jobs, "job");
        match (self.wrong, self.names.as_slice()) {
            (_, []) => {}
            (0, [name]) => say!("{name} is right: {jobs} checked"),
            (_, [_]) => {}
            (0, names) => say!("{} programs are right: {jobs} checked", names.len()),
            (wrong, names) => say!("{wrong} of {} are wrong", counted(names.len(), "program")),
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
