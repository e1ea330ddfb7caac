//! Where the events of a run are written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, FromRawFd};
use std::path::Path;

/// What `--events` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// A file by its path.
    File,
    /// `-`
    Stdout,
    /// `fd:N`
    Open(i32),
}

impl Lines {
    pub(super) fn of(name: &Path) -> Lines {
        let text = name.to_string_lossy();
        let number = text.strip_prefix("fd:").and_then(|number| number.parse().ok());
        match (&*text, number) {
            ("-", _) => Lines::Stdout,
            (_, Some(number)) => Lines::Open(number),
            _ => Lines::File,
        }
    }
}

/// Opens what `--events` names, for adding lines.
pub(super) fn open(name: &Path) -> Result<File, String> {
    let opened = match Lines::of(name) {
        Lines::File => OpenOptions::new().create(true).append(true).open(name),
        Lines::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        Lines::Open(number) => again(number),
    };
    opened.map_err(|error| format!("cannot write {}: {error}", name.display()))
}

/// The same open file under a number of our own, so that what is read and written there goes on where
/// others are.
#[allow(unsafe_code)]
fn again(number: i32) -> io::Result<File> {
    // SAFETY: it reads no memory of ours, and fails for what is not open.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    match copy {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the copy is open, and nobody else knows its number.
        copy => Ok(unsafe { File::from_raw_fd(copy) }),
    }
}
