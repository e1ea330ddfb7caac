//! How a CSV file is spelled: delimiter, quote, header, nulls; from the connector's arguments.

use crate::connect::{Arguments, BadOption, Column, ConnectError, Side, value};
use crate::types::{DataType, Scalar};

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
    /// The spelling that the arguments give, which were checked.
    pub fn of(arguments: &Arguments) -> Dialect {
        let byte = |name| arguments.text(name).map(|text| text.as_bytes().first().copied());
        let nulls = arguments.texts("null").unwrap_or_else(|| vec![""]);
        let skip_lines = match arguments.get("skip") {
            Some(Scalar::Int(lines)) => usize::try_from(*lines).unwrap_or(0),
            _ => 0,
        };
        Dialect {
            delimiter: byte("delimiter").flatten().unwrap_or(b','),
            quote: byte("quote").unwrap_or(Some(b'"')),
            header: arguments.bool("header").unwrap_or(true),
            nulls: nulls.into_iter().map(|text| text.as_bytes().into()).collect(),
            comment: byte("comment").flatten(),
            skip_lines,
        }
    }

    /// Is the text a spelling of null?
    pub fn is_null(&self, text: &[u8]) -> bool {
        self.nulls.iter().any(|null| &**null == text)
    }
}

/// What is wrong with arguments that are right by themselves.
pub fn check(arguments: &Arguments, side: Side, columns: &[Column]) -> Result<(), BadOption> {
    let dialect = Dialect::of(arguments);
    let signs = [
        ("delimiter", Some(dialect.delimiter)),
        ("quote", dialect.quote),
        ("comment", dialect.comment),
    ];
    for (at, (name, sign)) in signs.iter().enumerate() {
        let other = signs[..at].iter().find(|(_, other)| sign.is_some() && sign == other);
        if let Some((other, _)) = other {
            // The one that was written.
            let (name, other) =
                if arguments.get(name).is_some() { (name, other) } else { (other, name) };
            let error = ConnectError::new(format!("`{name}` and `{other}` are the same"));
            return Err((name, error.help("give one of them another character")));
        }
    }
    let ends = |null: &[u8]| {
        null.iter().any(|&byte| {
            matches!(byte, b'\n' | b'\r')
                || byte == dialect.delimiter
                || Some(byte) == dialect.quote
        })
    };
    if let Some(null) = dialect.nulls.iter().find(|null| ends(null)) {
        let message = format!("no field without quotes is {:?}", String::from_utf8_lossy(null));
        let help = "write the text between two delimiters, without quotes";
        return Err(("null", ConnectError::new(message).help(help)));
    }
    if side == Side::Sink { check_written_null(&dialect, columns) } else { Ok(()) }
}

/// A spelling of null that is also a value of a column could not be told from it.
fn check_written_null(dialect: &Dialect, columns: &[Column]) -> Result<(), BadOption> {
    let help = "write one that is no value, such as \"\" or \"NULL\"";
    let Some(null) = dialect.nulls.first() else {
        let error = ConnectError::new("an output needs a spelling of null");
        return Err(("null", error.help(help)));
    };
    for column in columns.iter().filter(|column| column.ty.nullable) {
        let is_value = match &column.ty.data {
            DataType::Int => value::int(null).is_ok(),
            DataType::Float => value::float(null, true).is_ok(),
            DataType::Decimal { .. } => value::decimal(null, 38, 19).is_ok(),
            DataType::Bool => value::boolean(null).is_ok(),
            _ => false,
        };
        if is_value {
            let null = String::from_utf8_lossy(null);
            let message = format!("{null:?} is also a value of column `{}`", column.name);
            return Err(("null", ConnectError::new(message).help(help)));
        }
    }
    Ok(())
}
