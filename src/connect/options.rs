//! What the options of connectors may be. Everything about them is tried here and nowhere else,
//! before a run opens a file; who opens one takes its options as they are.

use super::{Arguments, Column, ConnectError, Connector, ConnectorOption, Side};
use crate::types::Scalar;

/// Says what is wrong with the value of an option on this side.
pub type Check = fn(&Scalar, Side) -> Result<(), ConnectError>;

/// An option and what is wrong with it.
pub type BadOption = (&'static str, ConnectError);

/// The first argument of every connector: its file or files.
pub const PATH: ConnectorOption = ConnectorOption {
    name: "path",
    ty: "string | list<string>",
    side: Side::Both,
    required: true,
    check: path,
    doc: "the file; a source may have many, and patterns such as \"in/*.csv\"",
};

/// The zone of instants that name none.
pub const ZONE: ConnectorOption =
    option("zone", "string", Side::Source, zone, "the time zone of timestamps that name none");

/// Whether times lose the digits that batchc has no room for.
pub const TRUNCATED: ConnectorOption = option(
    "allow_truncated_timestamps",
    "bool",
    Side::Source,
    any,
    "digits of times below the microsecond are cut off (false)",
);

/// The column of a source in which the file of each row stands. It is the last of a connector's
/// options, so that no place of another changes.
pub const FILENAME: ConnectorOption = option(
    "filename",
    "string",
    Side::Source,
    filename,
    "a column with the path of the row's file",
);

/// An option that may be left out.
pub const fn option(
    name: &'static str,
    ty: &'static str,
    side: Side,
    check: Check,
    doc: &'static str,
) -> ConnectorOption {
    ConnectorOption { name, ty, side, required: false, check, doc }
}

impl Connector {
    /// Tries the arguments that are known: each by itself, and if all are right, together and
    /// with the columns.
    pub fn check(&self, arguments: &Arguments, side: Side, columns: &[Column]) -> Vec<BadOption> {
        let alone = |option: &ConnectorOption| {
            let error = (option.check)(arguments.get(option.name)?, side).err()?;
            Some((option.name, error))
        };
        let mut bad: Vec<BadOption> = self.options.iter().filter_map(alone).collect();
        if bad.is_empty() {
            bad.extend((self.together)(arguments, side, columns).err());
        }
        bad
    }
}

/// Any value of the type will do.
pub fn any(_: &Scalar, _: Side) -> Result<(), ConnectError> {
    Ok(())
}

/// Any arguments go together.
pub fn independent(_: &Arguments, _: Side, _: &[Column]) -> Result<(), BadOption> {
    Ok(())
}

fn text(value: &Scalar) -> &str {
    if let Scalar::String(text) = value { text } else { "" }
}

fn wrong<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, ConnectError> {
    Err(ConnectError::new(message).help(help))
}

fn filename(value: &Scalar, _: Side) -> Result<(), ConnectError> {
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
    };
    match text(value) {
        name if is_name(name) => Ok(()),
        _ => wrong("that is no name of a column", "for instance `filename: \"file\"`"),
    }
}

fn path(value: &Scalar, side: Side) -> Result<(), ConnectError> {
    match value {
        Scalar::List(_) if side == Side::Sink => {
            wrong("an output is one file", "name one, or write one output for each")
        }
        Scalar::List(paths) if paths.is_empty() => {
            wrong("no file is named", "write a path or a pattern: `[\"in/*.csv\"]`")
        }
        Scalar::List(paths) => paths.iter().try_for_each(|one| path(one, side)),
        one => one_path(text(one), side),
    }
}

fn one_path(path: &str, side: Side) -> Result<(), ConnectError> {
    if path.is_empty() {
        return wrong("this names no file", "write its path, from the folder of the pipeline");
    }
    if path == "~" || path.starts_with("~/") {
        return wrong(
            "`~` is no folder here: nothing is put in its place",
            "write the whole path, or one from the folder of the pipeline",
        );
    }
    if let Some(rest) = path.strip_prefix('$')
        && rest.starts_with(|first: char| first == '{' || first.is_ascii_uppercase())
    {
        return wrong(
            format!("nothing is put in the place of a `$` here, as in `{path}`"),
            "take it from a parameter: `param folder: string`, and `\"{folder}/…\"`",
        );
    }
    if path == "-" {
        return wrong(
            "`-` is no file: a source reads no input of the process, and an output writes none",
            "name a file",
        );
    }
    if path.contains("://") {
        return wrong(format!("`{path}` is not on this machine"), "name a file of this machine");
    }
    if path.contains('\0') {
        return wrong("no path has a character 0", "remove it");
    }
    if side == Side::Sink && path.contains(['*', '?']) {
        return wrong(
            format!("`{path}` is a pattern, and an output is one file"),
            "name the file; a job with a `partition` is written as a directory of parts",
        );
    }
    if side == Side::Sink && path.ends_with('/') {
        return wrong(
            format!("`{path}` is a folder, and an output is a file"),
            format!(
                "name it, `{path}report.csv`; a directory of parts is named without the last `/`"
            ),
        );
    }
    if side == Side::Source && super::input::has_wildcards(path) {
        return super::input::check_pattern(path);
    }
    Ok(())
}

/// A time zone of the IANA database.
pub fn zone(value: &Scalar, _: Side) -> Result<(), ConnectError> {
    match crate::data::time_zone(text(value)) {
        Ok(_) => Ok(()),
        Err(reason) => wrong(reason, "write a name such as \"Europe/Berlin\" or \"UTC\""),
    }
}

/// One ASCII character that ends no line.
pub fn one_character(value: &Scalar, _: Side) -> Result<(), ConnectError> {
    match text(value).as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(()),
        _ => wrong(
            format!("{value:?} is not one ASCII character", value = text(value)),
            "write one, such as \",\" or \"\\t\"",
        ),
    }
}

/// One ASCII character; of a source also none.
pub fn quote(value: &Scalar, side: Side) -> Result<(), ConnectError> {
    match (text(value), side) {
        ("", Side::Source) => Ok(()),
        ("", _) => wrong("a csv file cannot be written without quotes", "leave it out"),
        _ => one_character(value, side),
    }
}

/// Zero or more.
pub fn count(value: &Scalar, _: Side) -> Result<(), ConnectError> {
    match value {
        Scalar::Int(number) if *number < 0 => {
            wrong(format!("{number} is less than 0"), "write 0 or more")
        }
        _ => Ok(()),
    }
}

/// One of a few words.
pub fn one_of(value: &Scalar, words: &[&str]) -> Result<(), ConnectError> {
    let given = text(value);
    if words.contains(&given) {
        return Ok(());
    }
    let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    wrong(format!("there is no {given:?}"), format!("it may be {}", words.join(", ")))
}
