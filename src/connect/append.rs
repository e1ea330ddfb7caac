//! What a target holds already and keeps when rows are added: its bytes come first in the new file,
//! as they are. The target itself is only read.

use super::ConnectError;
use super::compression::Compression;
use super::output::part_name;
use super::shown::shown;
use crate::files::{Input, NewFile};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are copied at a time.
const COPIED: usize = 1 << 20;

/// Of a first line, so much is looked at.
const LINE_BYTES: usize = 1 << 12;

/// The file that a part of a target is in, if there is one.
pub fn held(target: &Path, part: Option<u32>, extension: &str) -> Option<PathBuf> {
    let path =
        part.map_or(target.to_owned(), |part| target.join(part_name(part, target, extension)));
    fs::symlink_metadata(&path).is_ok().then_some(path)
}

/// Refuses a directory that holds parts which there are none of now: they would be lost.
pub fn check_parts(target: &Path, parts: u32, extension: &str) -> Result<(), ConnectError> {
    let Ok(entries) = fs::read_dir(target) else { return Ok(()) };
    let names: Vec<String> = (0..parts).map(|part| part_name(part, target, extension)).collect();
    let mut others: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("part-") && !names.contains(name))
        .collect();
    others.sort();
    let Some(other) = others.first() else { return Ok(()) };
    let last = names.last().map_or("", String::as_str);
    let message = format!(
        "cannot add rows to {}: it holds {other}, and the parts end with {last}",
        target.display()
    );
    Err(ConnectError::new(message)
        .help("split the job into as many partitions as before, or move the directory away"))
}

/// What a file begins with, which says what its columns are.
#[derive(Clone, Copy)]
pub enum Head<'h> {
    /// A line, or nothing; lines follow.
    Lines(&'h [u8]),
    /// Bytes that are no text, behind which such bytes follow, and how a file is called that begins
    /// with others.
    Binary(&'h [u8], &'static str),
}

impl<'h> Head<'h> {
    /// Its bytes.
    pub fn bytes(self) -> &'h [u8] {
        match self {
            Head::Lines(bytes) | Head::Binary(bytes, _) => bytes,
        }
    }
}

/// What of a file stands in front of the rows that are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Nothing.
    Nothing,
    /// Its bytes; the last line may lack its end.
    Bytes {
        /// Does it?
        lacks_end: bool,
    },
}

/// Copies the bytes of a file in front of those that are to come. It has to begin with `head`, which
/// says what the columns are.
pub fn copy_in_front(
    path: &Path,
    new: &mut NewFile,
    compression: Compression,
    head: Head<'_>,
) -> Result<Front, ConnectError> {
    let failed = |error: io::Error| ConnectError::io("read", path.display(), &error);
    let mut old = File::open(path).map_err(failed)?;
    let (first, last) =
        ends_of(path, &old, compression, head.bytes().len().max(LINE_BYTES)).map_err(failed)?;
    let Some(last) = last else { return Ok(Front::Nothing) };
    let is_text = matches!(head, Head::Lines(_));
    if !first.starts_with(head.bytes()) {
        let line = |bytes: &[u8]| {
            let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
            shown(bytes[..end].trim_ascii_end())
        };
        let (path, first) = (path.display(), line(&first));
        let message = match head {
            Head::Lines(head) => format!(
                "cannot add rows to {path}: it begins with `{first}`, and the rows have the columns \
                 `{}`",
                line(head)
            ),
            Head::Binary(_, other) => format!("cannot add rows to {path}: {other}"),
        };
        let help = "give the job the columns of the file, in their order, or move the file away";
        return Err(ConnectError::new(message).help(help));
    }
    let mut buffer = vec![0; COPIED];
    loop {
        let read = old.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok(Front::Bytes { lacks_end: is_text && last != b'\n' });
        }
        let written = new.write_all(&buffer[..read]);
        written.map_err(|error| ConnectError::io("write", new.path().display(), &error))?;
    }
}

/// The first bytes of a file, and the last one, as they are once they are unpacked.
fn ends_of(
    path: &Path,
    file: &File,
    compression: Compression,
    first_bytes: usize,
) -> io::Result<(Vec<u8>, Option<u8>)> {
    let mut first = vec![];
    if compression == Compression::None {
        let bytes = file.metadata()?.len();
        if bytes == 0 {
            return Ok((first, None));
        }
        first = vec![0; first_bytes.min(usize::try_from(bytes).unwrap_or(usize::MAX))];
        file.read_exact_at(&mut first, 0)?;
        let mut last = [0];
        file.read_exact_at(&mut last, bytes - 1)?;
        return Ok((first, Some(last[0])));
    }
    let mut reader = compression.reader(Input::open(path)?, Arc::default(), None)?;
    let (mut last, mut buffer) = (None, vec![0; COPIED]);
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok((first, last));
        }
        last = Some(buffer[read - 1]);
        let wanted = (first_bytes - first.len()).min(read);
        first.extend_from_slice(&buffer[..wanted]);
    }
}
