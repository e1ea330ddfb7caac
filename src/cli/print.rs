//! The only place that prints: data to stdout, words to stderr.
//!
//! A reader of data that goes away (`batchc preview … | head`) ends the command quietly. A reader
//! of words that goes away must not end a run, so nobody is told when words cannot be written.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process;

/// Prints data.
pub(super) fn data(text: fmt::Arguments) {
    let mut out = io::stdout().lock();
    let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(0);
    }
    words(format_args!("error: cannot write to stdout: {error}\n"));
    process::exit(i32::from(super::NOT_STARTED));
}

/// Prints words.
pub(super) fn words(text: fmt::Arguments) {
    let _ = io::stderr().lock().write_fmt(text);
}

/// How many columns the terminal that reads this has, if it is one: what it says itself, or else
/// the variable `COLUMNS`.
pub(super) fn width_of(stream: impl AsFd + IsTerminal) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let said = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
    let width = terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0));
    width.or_else(said).filter(|width| *width > 0)
}

/// Prints data, as `print!` does.
macro_rules! put {
    ($($text:tt)*) => { $crate::cli::print::data(format_args!($($text)*)) };
}

/// Prints a line of words, as `eprintln!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::print::words(format_args!("{}\n", format_args!($($text)*))) };
}

pub(super) use {put, say};
