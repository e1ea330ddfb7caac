//! Files of text that are not as they are read, UTF-8 with line feeds: what they are instead, and the
//! command that makes one of them.

use super::ConnectError;
use crate::data::parse::NOT_UTF8;
use std::borrow::Cow;

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
        .help(format!("convert it: {}", command(name, "iconv -f UTF-16 -t UTF-8", "utf8"))))
}

/// Refuses a whole file whose lines end in a carriage return alone: it has no line feed, and between what
/// stands before and behind one of them a line could end.
pub(super) fn refuse_carriage_returns(
    name: &str,
    bytes: &[u8],
    could_end: impl Fn(&[u8], &[u8]) -> bool,
) -> Result<(), ConnectError> {
    if memchr::memchr(b'\n', bytes).is_some() {
        return Ok(());
    }
    let mut is_quoted = false;
    let signs = memchr::memchr2_iter(b'\r', b'"', bytes).filter(|&at| {
        is_quoted ^= bytes[at] == b'"';
        bytes[at] == b'\r' && !is_quoted
    });
    let (before, behind) = (|at: usize| &bytes[..at], |at: usize| &bytes[at + 1..]);
    let mut ends = signs.filter(|&at| !behind(at).is_empty() && could_end(before(at), behind(at)));
    if ends.next().is_none() {
        return Ok(());
    }
    let message = format!("the lines of {name} end in a carriage return alone, which ends no line");
    Err(ConnectError::new(message)
        .help(format!("convert it: {}", command(name, r"tr '\r' '\n'", "lf"))))
}

/// The command that makes UTF-8 of a file of another encoding: most likely of that which old systems and
/// spreadsheets write.
pub fn to_utf8(name: &str) -> String {
    command(name, "iconv -f LATIN1 -t UTF-8", "utf8")
}

/// A command of the shell that has a filter write a copy of a file, unpacked, beside it.
fn command(name: &str, filter: &str, part: &str) -> String {
    let packed = [(".gz", "gzip -dc"), (".zst", "zstd -dc")];
    let packed = packed.iter().find_map(|(end, by)| Some((name.strip_suffix(end)?, by)));
    let plain = packed.map_or(name, |(plain, _)| plain);
    let start = plain.rfind('/').map_or(0, |at| at + 1);
    let copy = match plain[start..].rfind('.') {
        Some(dot) if dot > 0 => {
            let (stem, ending) = plain.split_at(start + dot);
            format!("{stem}.{part}{ending}")
        }
        _ => format!("{plain}.{part}"),
    };
    let (name, copy) = (quoted(name), quoted(&copy));
    match packed {
        Some((_, by)) => format!("{by} < {name} | {filter} > {copy}"),
        None => format!("{filter} < {name} > {copy}"),
    }
}

/// A path as a word of the shell.
fn quoted(path: &str) -> Cow<'_, str> {
    let is_plain = |char: char| char.is_alphanumeric() || "_./-+@%=:,".contains(char);
    match path.chars().all(is_plain) {
        true => Cow::Borrowed(path),
        false => Cow::Owned(format!("'{}'", path.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        let told = [
            ("a.csv", "iconv -f LATIN1 -t UTF-8 < a.csv > a.utf8.csv"),
            ("in.d/a", "iconv -f LATIN1 -t UTF-8 < in.d/a > in.d/a.utf8"),
            ("in/.a", "iconv -f LATIN1 -t UTF-8 < in/.a > in/.a.utf8"),
            (
                "my data/it's.tar.csv",
                r"iconv -f LATIN1 -t UTF-8 < 'my data/it'\''s.tar.csv' > 'my data/it'\''s.tar.utf8.csv'",
            ),
            ("a.csv.gz", "gzip -dc < a.csv.gz | iconv -f LATIN1 -t UTF-8 > a.utf8.csv"),
        ];
        for (name, command) in told {
            assert_eq!(to_utf8(name), command);
        }
    }

    #[test]
    fn carriage_returns_end_lines_where_nothing_else_does() {
        let any = |_: &[u8], _: &[u8]| true;
        let is_refused = |bytes: &[u8]| refuse_carriage_returns("a", bytes, any).is_err();
        for refused in [&b"a\rb\r"[..], b"a\rb", b"a,\"b\"\rc\r", b"\rb"] {
            assert!(is_refused(refused), "{}", refused.escape_ascii());
        }
        for taken in [&b""[..], b"a", b"a\r", b"a\rb\n", b"a\r\nb", b"a,\"b\rc\"", b"\r"] {
            assert!(!is_refused(taken), "{}", taken.escape_ascii());
        }
    }
}
