//! How an error of the world is put into words.
//!
//! Leaves say what was tried and on what; who knows a thing to do adds the help.

use super::ConnectError;
use std::fmt;
use std::io;

impl ConnectError {
    /// An error of one sentence.
    pub fn new(message: impl Into<String>) -> ConnectError {
        ConnectError { message: message.into(), help: None }
    }

    /// What the system said when `verb` was tried on `path`: `cannot open a.csv: no such file`.
    pub fn io(verb: &str, path: impl fmt::Display, error: &io::Error) -> ConnectError {
        ConnectError::new(format!("cannot {verb} {path}: {}", io_text(error)))
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

/// The system's words in lower case, without its number.
fn io_text(error: &io::Error) -> String {
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
    }
}
