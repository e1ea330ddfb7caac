//! Faults on purpose, for tests: the variable `BATCHC_FAULTS` has the process end at an operation,
//! or an operation fail, as a crash or a bad disk would; or notes all operations.
//!
//! | value | does |
//! |---|---|
//! | `kill:N` | ends the process, as `kill -9` does, in place of the N-th operation, from 1 |
//! | `tear:N` | the same, after half of the bytes if that one writes |
//! | `fail:N:ERRNO` | has the N-th operation fail with this number of an error of the system |
//! | `short:N` | has it write half of its bytes and then fail, as on a full disk |
//! | `never:ERRNO:TEXT` | has every sync of a path that has this text in it fail so |
//! | `record:FILE` | appends each operation to this file, as a line of JSON |
//! | `read:N:ERRNO` | has the N-th reading of an input, the openings counted too, fail so |
//! | `read-short:N` | has it give no more than one byte |
//! | `reads:FILE` | appends a line to this file for each reading |

use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// An operation that changes a file or a folder.
#[derive(Clone, Copy, Debug)]
pub enum Operation<'o> {
    /// A new file.
    Create(&'o Path),
    /// A new folder.
    CreateFolder(&'o Path),
    /// Bytes at the end of a file.
    Write(&'o Path, &'o [u8]),
    /// Only so many bytes of a file.
    Truncate(&'o Path, u64),
    /// A file or folder made to survive a power cut.
    Sync(&'o Path),
    /// One more name.
    Link(&'o Path, &'o Path),
    /// Another name.
    Rename(&'o Path, &'o Path),
    /// Names exchanged.
    Exchange(&'o Path, &'o Path),
    /// Removed.
    Remove(&'o Path),
}

/// How much of an operation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// All of it.
    All,
    /// So many bytes; then the process ends, or the disk is full.
    Part {
        /// The bytes.
        bytes: usize,
        /// Does it end?
        dies: bool,
    },
}

/// What goes wrong.
trait Files: Send + Sync {
    /// Is told of the N-th operation before it is done, and says how it is done.
    fn before(&self, _at: u64, _operation: Operation) -> io::Result<Act> {
        Ok(Act::All)
    }

    /// Is told of the N-th reading of an input before it is done, and says how many bytes it may give.
    fn before_reading(&self, _at: u64, wanted: usize) -> io::Result<usize> {
        Ok(wanted)
    }
}

/// Everything goes well.
struct Real;

/// One operation goes wrong.
struct Failing {
    at: u64,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Kill,
    Tear,
    Fail(i32),
    Short,
}

/// Files whose paths have this text in them are never synced.
struct Never {
    text: String,
    number: i32,
}

/// Operations are noted.
struct Recording(File);

/// One reading goes wrong.
struct BadReading {
    at: u64,
    /// As the system would say; or it only gives little.
    number: Option<i32>,
}

/// Readings are noted.
struct RecordingReadings(File);

impl Files for Real {}

impl Files for BadReading {
    fn before_reading(&self, at: u64, wanted: usize) -> io::Result<usize> {
        match self.number {
            _ if at != self.at => Ok(wanted),
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(wanted.min(1)),
        }
    }
}

impl Files for RecordingReadings {
    fn before_reading(&self, _: u64, wanted: usize) -> io::Result<usize> {
        (&self.0).write_all(format!("{wanted}\n").as_bytes())?;
        Ok(wanted)
    }
}

impl Files for Failing {
    fn before(&self, at: u64, operation: Operation) -> io::Result<Act> {
        if at != self.at {
            return Ok(Act::All);
        }
        match (self.how, operation) {
            (How::Tear | How::Short, Operation::Write(_, bytes)) => {
                Ok(Act::Part { bytes: bytes.len() / 2, dies: self.how == How::Tear })
            }
            (How::Kill | How::Tear, _) => die(),
            (How::Fail(number), _) => Err(io::Error::from_raw_os_error(number)),
            (How::Short, _) => Err(full()),
        }
    }
}

impl Files for Never {
    fn before(&self, _: u64, operation: Operation) -> io::Result<Act> {
        match operation {
            Operation::Sync(path) if path.to_string_lossy().contains(&self.text) => {
                Err(io::Error::from_raw_os_error(self.number))
            }
            _ => Ok(Act::All),
        }
    }
}

impl Files for Recording {
    fn before(&self, _: u64, operation: Operation) -> io::Result<Act> {
        let line = match operation {
            Operation::Create(path) => json!({ "does": "create", "path": path }),
            Operation::CreateFolder(path) => json!({ "does": "create_folder", "path": path }),
            Operation::Write(path, bytes) => {
                json!({ "does": "write", "path": path, "bytes": bytes })
            }
            Operation::Truncate(path, bytes) => {
                json!({ "does": "truncate", "path": path, "length": bytes })
            }
            Operation::Sync(path) => json!({ "does": "sync", "path": path }),
            Operation::Link(from, to) => json!({ "does": "link", "path": from, "to": to }),
            Operation::Rename(from, to) => json!({ "does": "rename", "path": from, "to": to }),
            Operation::Exchange(one, other) => {
                json!({ "does": "exchange", "path": one, "to": other })
            }
            Operation::Remove(path) => json!({ "does": "remove", "path": path }),
        };
        (&self.0).write_all(format!("{line}\n").as_bytes())?;
        Ok(Act::All)
    }
}

/// Is told of an operation before it is done; says how it is done.
pub(super) fn before(operation: Operation) -> io::Result<Act> {
    static OPERATIONS: AtomicU64 = AtomicU64::new(0);
    files().before(OPERATIONS.fetch_add(1, Relaxed) + 1, operation)
}

/// Is told of a reading of an input before it is done; says how many bytes it may give. An opening wants
/// none.
pub(super) fn before_reading(wanted: usize) -> io::Result<usize> {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    files().before_reading(READINGS.fetch_add(1, Relaxed) + 1, wanted)
}

/// The disk is full.
pub(super) fn full() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOSPC)
}

#[allow(clippy::print_stderr)] // Nobody is there who could be given an error.
fn files() -> &'static dyn Files {
    static FILES: OnceLock<Box<dyn Files>> = OnceLock::new();
    &**FILES.get_or_init(|| match std::env::var("BATCHC_FAULTS") {
        Ok(text) if !text.is_empty() => parse(&text).unwrap_or_else(|| {
            // A test that nothing happens in would prove nothing.
            eprintln!("error: `BATCHC_FAULTS={text}` is none of the forms that are known");
            std::process::exit(2)
        }),
        _ => Box::new(Real),
    })
}

fn parse(text: &str) -> Option<Box<dyn Files>> {
    let (how, rest) = text.split_once(':')?;
    let file = || OpenOptions::new().create(true).append(true).open(rest).ok();
    match how {
        "record" => return Some(Box::new(Recording(file()?))),
        "reads" => return Some(Box::new(RecordingReadings(file()?))),
        _ => {}
    }
    let (at, number) = rest.split_once(':').unwrap_or((rest, ""));
    if how == "never" {
        return Some(Box::new(Never { text: number.to_owned(), number: at.parse().ok()? }));
    }
    if how == "read" || how == "read-short" {
        let number = if how == "read" { Some(number.parse().ok()?) } else { None };
        return Some(Box::new(BadReading { at: at.parse().ok()?, number }));
    }
    let how = match how {
        "kill" => How::Kill,
        "tear" => How::Tear,
        "short" => How::Short,
        "fail" => How::Fail(number.parse().ok()?),
        _ => return None,
    };
    Some(Box::new(Failing { at: at.parse().ok()?, how }))
}

/// Ends the process at once: no destructor runs, nothing is flushed.
#[allow(unsafe_code)]
pub(super) fn die() -> ! {
    // SAFETY: the process ends itself; the call has no other effect.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    std::process::abort()
}
