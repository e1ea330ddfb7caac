//! `batchc fmt`

use crate::cli::args::{Fmt, Global};
use crate::cli::load::{STDIN, colour_on, print_outside, read_text, system_words};
use crate::cli::print::{put, say};
use crate::cli::{NOT_STARTED, WRONG};
use crate::syntax::format;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Brings programs into the one layout, or says which are not.
pub(in crate::cli) fn run(args: &Fmt, global: &Global) -> u8 {
    let here = [PathBuf::from(".")];
    let given = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let (mut failed, mut changed) = (false, false);
    let mut fails = |message: String| {
        print_outside(&message, None, global);
        failed = true;
    };
    for path in given {
        let files = programs(path).unwrap_or_else(|message| {
            fails(message);
            vec![]
        });
        for path in files {
            match file(&path, args, global) {
                Ok(differs) => changed |= differs,
                Err(message) => fails(message),
            }
        }
    }
    if failed {
        NOT_STARTED
    } else if changed && (args.check || args.diff) {
        WRONG
    } else {
        0
    }
}

/// The programs that a path names: itself, or all below a folder but those that are hidden.
pub(super) fn programs(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        // Pages that show programs are none: what is no program would be laid out as one.
        return match path.extension() == Some(OsStr::new("md")) {
            true => Err(format!("{} is a page, not a program", path.display())),
            false => Ok(vec![path.to_owned()]),
        };
    }
    let found = programs_below(path)?;
    if found.is_empty() {
        return Err(format!("there is no *.batch file in {}", path.display()));
    }
    Ok(found)
}

fn programs_below(path: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot = |error| format!("cannot read {}: {}", path.display(), system_words(&error));
    let mut found = vec![];
    for entry in fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let (inside, is_folder) = (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if is_folder && !is_hidden {
            found.extend(programs_below(&inside)?);
        } else if inside.extension() == Some(OsStr::new("batch")) && !is_folder {
            // `./a.batch` is called `a.batch`.
            found.push(inside.strip_prefix(".").map(Path::to_owned).unwrap_or(inside));
        }
    }
    found.sort();
    Ok(found)
}

/// Formats one program; is it laid out in another way?
fn file(path: &Path, args: &Fmt, global: &Global) -> Result<bool, String> {
    let colour = colour_on(io::stdout().is_terminal(), global);
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { STDIN } else { &path.display().to_string() };
    let text = read_text(path)?;
    let formatted = format(&text);
    let differs = formatted != text;
    if args.diff && differs {
        put!("{}", super::diff::unified(name, &text, &formatted, colour));
    } else if is_stdin && !args.check && !args.diff {
        put!("{formatted}");
    } else if args.check && differs {
        say!("{name} is not formatted");
    } else if differs && !args.diff {
        replace(path, &formatted)
            .map_err(|error| format!("cannot write {name}: {}", system_words(&error)))?;
        if !global.quiet {
            say!("formatted {name}");
        }
    }
    Ok(differs)
}

/// Replaces a file as a whole, so that it is never there in part; a link stays a link.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = || {
        let mut file = fs::File::create_new(&beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    written().inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
