//! Files of text that are not as they are read, UTF-8 with line feeds: what they are instead, and the
//! command that makes one of them.

use super::ConnectError;
use crate::data::parse::NOT_UTF8;

/// What is wrong with a record of JSON of which a key is no text.
pub const KEY_NOT_UTF8: &str = "a key is not UTF-8";

/// Is that why a row cannot be read: that its file is in another encoding?
pub fn is_of_encoding(reason: &str) -> bool {
    reason.ends_with(NOT_UTF8) || reason.starts_with(&format!("not JSON: {KEY_NOT_UTF8}"))
}

/// Refuses a file in UTF-16, by its first bytes.
pub(super) fn refuse_utf16(name: &str, bytes: &[u8]) -> Result<(), ConnectError> {
    if !bytes.starts_with(b"\xFF\xFE") && !bytes.starts_with(b"\xFE\xFF") {
        return Ok(());
    }
    Err(ConnectError::new(format!("{name} is in UTF-16, and only UTF-8 is read"))
        .help(format!("convert it: {}", command(name, "iconv -f UTF-16 -t UTF-8", "utf16"))))
}

/// Refuses a whole file whose lines end in a carriage return alone: it has no line feed, and its format
/// has a record end at a carriage return.
pub(super) fn refuse_carriage_returns(
    name: &str,
    bytes: &[u8],
    has_lines_by_return: impl Fn(&[u8]) -> bool,
) -> Result<(), ConnectError> {
    let could_be = memchr::memchr(b'\r', bytes).is_some() && memchr::memchr(b'\n', bytes).is_none();
    if !could_be || !has_lines_by_return(bytes) {
        return Ok(());
    }
    let message = format!("the lines of {name} end in a carriage return alone, which ends no line");
    Err(ConnectError::new(message)
        .help(format!("convert it: {}", command(name, r"tr '\r' '\n'", "cr"))))
}

/// The command that makes UTF-8 of a file of another encoding: most likely of that which old systems and
/// spreadsheets write.
pub fn to_utf8(name: &str) -> String {
    command(name, "iconv -f LATIN1 -t UTF-8", "latin1")
}

/// A command of the shell that puts what a filter makes of a file in its place, where the program looks
/// for it, and keeps the file as it was with another ending, which patterns such as `*.csv` leave out.
fn command(name: &str, filter: &str, ending: &str) -> String {
    let packers = [(".gz", "gzip"), (".zst", "zstd")];
    let packer = packers.iter().find(|(end, _)| name.ends_with(end)).map(|(_, by)| by);
    let (kept, name) = (shell_word(&format!("{name}.{ending}")), shell_word(name));
    let made = match packer {
        Some(by) => format!("{by} -dc < {kept} | {filter} | {by} -c > {name}"),
        None => format!("{filter} < {kept} > {name}"),
    };
    format!("mv {name} {kept} && {made}")
}

/// A path as one word of a shell, that no command takes for an option.
pub fn shell_word(path: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+,:@%".contains(char);
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    match !path.is_empty() && path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        let told = [
            ("a.csv", "mv a.csv a.csv.latin1 && iconv -f LATIN1 -t UTF-8 < a.csv.latin1 > a.csv"),
            (
                "in.d/a",
                "mv in.d/a in.d/a.latin1 && iconv -f LATIN1 -t UTF-8 < in.d/a.latin1 > in.d/a",
            ),
            (
                "my data/it's.csv",
                r"mv 'my data/it'\''s.csv' 'my data/it'\''s.csv.latin1' && iconv -f LATIN1 -t UTF-8 < 'my data/it'\''s.csv.latin1' > 'my data/it'\''s.csv'",
            ),
            (
                "a.csv.gz",
                "mv a.csv.gz a.csv.gz.latin1 && gzip -dc < a.csv.gz.latin1 | iconv -f LATIN1 -t UTF-8 | gzip -c > a.csv.gz",
            ),
            (
                "-a.zst",
                "mv ./-a.zst ./-a.zst.latin1 && zstd -dc < ./-a.zst.latin1 | iconv -f LATIN1 -t UTF-8 | zstd -c > ./-a.zst",
            ),
        ];
        for (name, command) in told {
            assert_eq!(to_utf8(name), command);
        }
    }

    #[test]
    fn words_of_a_shell_are_quoted_where_they_have_to_be() {
        let words =
            [("a/b-1.csv", "a/b-1.csv"), ("-a", "./-a"), ("a b", "'a b'"), ("~/a", "'~/a'")];
        for (path, word) in words.into_iter().chain([("", "''"), ("été", "été"), ("=a", "'=a'")])
        {
            assert_eq!(shell_word(path), word);
        }
    }
}
