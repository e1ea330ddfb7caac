//! How a CSV file is spelled: delimiter, quote, header, nulls; from the connector's arguments.

use crate::connect::{Arguments, ConnectError};
use crate::types::Scalar;

/// The spelling of a CSV file.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Between fields; one ASCII byte, so that it is never part of another character.
    pub delimiter: u8,
    /// Around fields that hold a delimiter; None when quotes mean nothing.
    pub quote: Option<u8>,
    /// Does the first record name the columns?
    pub header: bool,
    /// The texts that are null in a column that may be null.
    pub nulls: Vec<Box<[u8]>>,
    /// Records that begin with it are skipped.
    pub comment: Option<u8>,
    /// Lines before the header or the first record.
    pub skip_lines: usize,
}

impl Dialect {
    /// The spelling that the arguments give.
    pub fn of(arguments: &Arguments) -> Result<Dialect, ConnectError> {
        let delimiter = byte(arguments, "delimiter")?.unwrap_or(Some(b','));
        let Some(delimiter) = delimiter else {
            return Err(ConnectError::new("`delimiter` is empty"));
        };
        let quote = byte(arguments, "quote")?.unwrap_or(Some(b'"'));
        let comment = byte(arguments, "comment")?.flatten();
        if quote == Some(delimiter)
            || comment == Some(delimiter)
            || comment.is_some_and(|c| Some(c) == quote)
        {
            return Err(ConnectError::new("`delimiter`, `quote` and `comment` must differ"));
        }
        let nulls = arguments.texts("null").unwrap_or_else(|| vec![""]);
        let nulls = nulls.into_iter().map(|text| text.as_bytes().into()).collect();
        let skip_lines = match arguments.get("skip") {
            Some(Scalar::Int(lines)) => {
                usize::try_from(*lines).map_err(|_| ConnectError::new("`skip` is less than 0"))?
            }
            _ => 0,
        };
        let header = arguments.bool("header").unwrap_or(true);
        Ok(Dialect { delimiter, quote, header, nulls, comment, skip_lines })
    }

    /// Is the text a spelling of null?
    pub fn is_null(&self, text: &[u8]) -> bool {
        self.nulls.iter().any(|null| &**null == text)
    }
}

/// An argument of one ASCII character; `Some(None)` when it is given and empty.
fn byte(arguments: &Arguments, name: &str) -> Result<Option<Option<u8>>, ConnectError> {
    let Some(text) = arguments.text(name) else { return Ok(None) };
    match text.as_bytes() {
        [] => Ok(Some(None)),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Some(Some(*byte))),
        _ => Err(ConnectError::new(format!("`{name}` must be one ASCII character"))),
    }
}
