//! How an error of the world is put into words.
//!
//! Leaves say what was tried and on what; who knows a thing to do adds the help.

use super::ConnectError;
use std::fmt;
use std::io;

impl ConnectError {
    /// An error of one sentence.
    pub fn new(message: impl Into<String>) -> ConnectError {
        ConnectError { message: message.into(), help: None, may_pass: false }
    }

    /// What the system said when `verb` was tried on `path`: `cannot open a.csv: no such file`.
    pub fn io(verb: &str, path: impl fmt::Display, error: &io::Error) -> ConnectError {
        let message = format!("cannot {verb} {path}: {}", io_text(error));
        ConnectError { may_pass: may_pass(error), ..ConnectError::new(message) }
    }

    /// The same of an error of a library, which may have come from the system.
    pub fn because(mut self, error: &(dyn std::error::Error + 'static)) -> ConnectError {
        let mut cause = Some(error);
        while let Some(at) = cause {
            self.may_pass |= at.downcast_ref::<io::Error>().is_some_and(may_pass);
            cause = at.source();
        }
        self
    }

    /// The same with one thing to do.
    pub fn help(mut self, help: impl Into<String>) -> ConnectError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConnectError {}

/// Can what the system says be over by itself? Disks, networks, and what others use up for a while;
/// not what somebody has to put right: a file that is not there, or may not be read.
pub fn may_pass(error: &io::Error) -> bool {
    const PASSING: &[i32] = &[
        libc::EINTR,
        libc::EIO,
        libc::EAGAIN,
        libc::ENOMEM,
        libc::EBUSY,
        libc::ENFILE,
        libc::EMFILE,
        libc::ENOSPC,
        libc::EDQUOT,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::ECONNABORTED,
        libc::ECONNRESET,
        libc::ETIMEDOUT,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::ESTALE,
    ];
    let of_system = error.raw_os_error();
    let inner = || error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    of_system.map_or_else(|| inner().is_some_and(may_pass), |number| PASSING.contains(&number))
}

/// The system's words in lower case, without its number.
pub(super) fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => format!("{:?}", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_path_and_the_reason() {
        let error = io::Error::from_raw_os_error(libc::ENOENT);
        let error = ConnectError::io("open", "data/x.csv", &error);
        assert_eq!(error.message, "cannot open data/x.csv: no such file or directory");
        assert!(!error.may_pass);
    }

    #[test]
    fn what_the_system_says_through_others_may_pass_too() {
        let error = |number| io::Error::from_raw_os_error(number);
        assert!(ConnectError::io("read", "x", &error(libc::EIO)).may_pass);
        let through = |number| io::Error::other(error(number));
        assert!(ConnectError::new("").because(&through(libc::ESTALE)).may_pass);
        assert!(!ConnectError::new("").because(&through(libc::EACCES)).may_pass);
        assert!(ConnectError::io("read", "x", &through(libc::ENOSPC)).may_pass);
    }
}
