//! `batchc fix`: the helps that are safe, made.
//!
//! They are made together and the program is checked again, until none is left: one mistake may hide
//! another. What would leave more wrong than it mends is not made.

use crate::cli::args::{Fix as Args, Global};
use crate::cli::load::{STDIN, colour_on, print_outside, read_text, show_found, system_words};
use crate::cli::print::{put, say};
use crate::cli::{NOT_STARTED, WRONG};
use crate::diagnostics::fixes::{made, together};
use crate::diagnostics::render::{Format, render};
use crate::diagnostics::{Code, Diagnostics, Fix, Severity};
use crate::text::FileId;
use crate::{Compiled, compile};
use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// The file that is mended; those that it uses are programs of their own.
const OWN: FileId = FileId(0);

/// Mends programs, or says what could be; exit code 1 if something is left that is wrong.
pub(in crate::cli) fn run(args: &Args, global: &Global) -> u8 {
    let here = [PathBuf::from(".")];
    let given = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let (mut failed, mut is_left) = (false, false);
    let mut fails = |message: String| {
        print_outside(&message, None, global);
        failed = true;
    };
    for path in given {
        let files = super::fmt::programs(path).unwrap_or_else(|message| {
            fails(message);
            vec![]
        });
        for path in files {
            match program(&path, args, global) {
                Ok(is_wrong) => is_left |= is_wrong,
                Err(message) => fails(message),
            }
        }
    }
    match (failed, is_left) {
        (true, _) => NOT_STARTED,
        (false, true) => WRONG,
        (false, false) => 0,
    }
}

/// Mends one program; is something left to do?
fn program(path: &Path, args: &Args, global: &Global) -> Result<bool, String> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { STDIN } else { &path.display().to_string() };
    let text = read_text(path)?;
    let mut mended = Mended::new(compile(name, text.clone()));
    while mended.round(name) {}
    let new = mended.text();
    let differs = new != text;
    if !global.quiet && !args.diff {
        let word = if args.check { "would fix" } else { "fixed" };
        mended.done.iter().for_each(|one| say!("{word} {one}"));
    }
    if args.diff && differs {
        let colour = colour_on(io::stdout().is_terminal(), global);
        put!("{}", super::diff::unified(name, &text, new, colour));
    }
    if args.check || args.diff {
        return Ok(differs);
    }
    if is_stdin {
        put!("{new}");
    } else if differs {
        super::fmt::replace(path, new)
            .map_err(|error| format!("cannot write {name}: {}", system_words(&error)))?;
    }
    // What a program on stdin is to become is all that stands on stdout.
    if is_stdin && global.format.is_data() {
        return Ok(mended.compiled.found.has_errors());
    }
    Ok(show_found(&mended.compiled, Path::new(name), global, true))
}

/// A program that is being mended.
struct Mended {
    compiled: Compiled,
    /// What was done, each as `a.batch:6:10: error[E0007]: …` at the time.
    done: Vec<String>,
    /// What would do harm.
    refused: HashSet<Edit>,
    /// The texts that there were: none comes again.
    texts: HashSet<String>,
}

/// An edit, and what it is for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Edit {
    code: Code,
    message: String,
    old: String,
    new: String,
}

impl Mended {
    fn new(compiled: Compiled) -> Mended {
        let texts = HashSet::from([compiled.files.get(OWN).text.clone()]);
        Mended { compiled, done: vec![], refused: HashSet::new(), texts }
    }

    fn text(&self) -> &str {
        &self.compiled.files.get(OWN).text
    }

    /// Makes the edits that can be made now; was there one?
    fn round(&mut self, name: &str) -> bool {
        let mut wanted: Vec<(Fix, Edit, String)> = vec![];
        let files = &self.compiled.files;
        for (found, fix) in together(self.compiled.found.iter(), OWN) {
            let (code, message) = (found.code, found.message.clone());
            let old = files.text(fix.span).to_owned();
            let edit = Edit { code, message, old, new: fix.text.clone() };
            if !self.refused.contains(&edit) {
                let mut one = Diagnostics::new();
                one.push(found.clone());
                let said = render(&one, files, Format::Short, false).trim_end().to_owned();
                wanted.push((fix.clone(), edit, said));
            }
        }
        if wanted.is_empty() {
            return false;
        }
        let text = made(self.text(), wanted.iter().map(|(fix, ..)| fix));
        if self.take(compile(name, text)) {
            self.done.extend(wanted.into_iter().map(|(.., said)| said));
            return true;
        }
        // One of them does harm: each alone, the last first, so that places stay.
        let (mut done, mut refused) = (vec![], vec![]);
        for (fix, edit, said) in wanted.into_iter().rev() {
            match self.take(compile(name, made(self.text(), [&fix]))) {
                true => done.push(said),
                false => refused.push(edit),
            }
        }
        self.refused.extend(refused);
        let is_any = !done.is_empty();
        self.done.extend(done.into_iter().rev());
        is_any
    }

    /// Goes on with a program if it is not worse, and new.
    fn take(&mut self, next: Compiled) -> bool {
        let is_new = self.texts.insert(next.files.get(OWN).text.clone());
        let is_better = is_new && wrong(&next) <= wrong(&self.compiled);
        if is_better {
            self.compiled = next;
        }
        is_better
    }
}

/// How wrong a program is. What cannot be read weighs more: it hides what is wrong within.
fn wrong(compiled: &Compiled) -> (usize, usize) {
    let unread = compiled.found.iter().filter(|found| found.code.is_of_the_text()).count();
    (unread, compiled.found.count(Severity::Error) - unread)
}
