//! What files were when they were read, so that a later run knows whether they still are the same.
//!
//! A file is known by what the system tells of it (device, inode, size, times) and, when a run read
//! all of it, by a digest of its bytes, made while they pass by. The times are not to be trusted when
//! the file was written just before: two changes within a tick of the clock look like one, as they do
//! to git (racy-git.txt), so such a file is known by its bytes alone.

use super::compression::Compression;
use super::input::Inputs;
use super::{Arguments, ConnectError};
use crate::files::digest::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The times of a file tell nothing when they are less than this before they are looked at: the
/// coarsest clock of a file system that is in use, FAT's, ticks every two seconds.
const RACY_NANOS: i128 = 2_000_000_000;

/// A file as it was when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the system told of it.
    pub identity: String,
    /// The digest of its bytes, once all of them were read.
    pub content: Option<String>,
}

/// The files that a run has opened, by their places.
#[derive(Default)]
pub struct Readings(Mutex<BTreeMap<PathBuf, Known>>);

/// What is known of a file.
struct Known {
    reading: Reading,
    /// What makes the digest of the bytes that have been seen, as they are stored.
    begun: Option<Digest>,
}

/// The beginning of a file that a run has read: what tells whether it still is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Its bytes as they are stored.
    pub bytes: u64,
    /// Their digest.
    pub digest: String,
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.lock(|all| f.debug_set().entries(all.keys()).finish())
    }
}

impl Readings {
    /// Notes that a file is open; says whether it is what it was if it was open before. What is read
    /// twice has to be the same both times.
    pub(super) fn opened(&self, path: &Path, found: &Metadata) -> bool {
        let stamp = stamp(found);
        let new = || Known::new(Reading { identity: identity(found), content: None });
        self.lock(|all| {
            let known = all.entry(path.to_owned()).or_insert_with(new);
            known.reading.identity.starts_with(&stamp)
        })
    }

    /// Notes what a file was when an earlier run read what this one takes from it.
    pub fn known(&self, path: &Path, reading: Reading) {
        self.lock(|all| {
            all.entry(path.to_owned()).or_insert_with(|| Known::new(reading));
        });
    }

    /// Notes how far a file was read, to its end if it is.
    fn read(&self, path: &Path, digest: &Digest, is_end: bool) {
        self.lock(|all| {
            let Some(known) = all.get_mut(path) else { return };
            known.begun = (!is_end).then(|| digest.clone());
            known.reading.content = is_end.then(|| digest.value()).or(known.reading.content.take());
        });
    }

    /// What was noted of a file.
    pub fn of(&self, path: &Path) -> Option<Reading> {
        self.lock(|all| all.get(path).map(|known| known.reading.clone()))
    }

    /// Makes the digest of a file that tells nothing by its times, and of which none is made while it
    /// is read.
    pub fn look_into(&self, path: &Path) {
        let is_racy =
            self.of(path).is_some_and(|known| known.content.is_none() && is_racy(&known.identity));
        if let Some(content) = is_racy.then(|| content_of(path).ok().flatten()).flatten() {
            self.lock(|all| {
                all.entry(path.to_owned())
                    .and_modify(|known| known.reading.content = Some(content));
            });
        }
    }

    /// The beginning of a file that was not read to its end.
    pub fn begun(&self, path: &Path) -> Option<Begun> {
        let begun = self.lock(|all| all.get(path)?.begun.clone());
        begun.map(|digest| Begun { bytes: digest.bytes(), digest: digest.value() })
    }

    /// Does a file begin as it did when an earlier run read it? Then its digest is made from there on.
    pub fn goes_on(&self, file: &InputFile, begun: &Begun) -> io::Result<bool> {
        let from = File::open(&file.path)?;
        if from.metadata()?.len() < begun.bytes {
            return Ok(false);
        }
        let digest = Digest::of_file(&from, begun.bytes)?;
        if digest.value() != begun.digest {
            return Ok(false);
        }
        // It has to be as it is now once it is opened.
        let reading = Reading { identity: identity(&from.metadata()?), content: None };
        let known = Known { reading, begun: Some(digest) };
        self.lock(|all| drop(all.insert(file.path.clone(), known)));
        Ok(true)
    }

    /// What makes the digest of a file that is read from here on; none if what comes before is not
    /// known.
    fn digest_from(&self, path: &Path, start: u64) -> Option<Digest> {
        if start == 0 {
            return Some(Digest::new());
        }
        self.lock(|all| all.get(path)?.begun.clone()).filter(|digest| digest.bytes() >= start)
    }

    fn lock<T>(&self, act: impl FnOnce(&mut BTreeMap<PathBuf, Known>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn new(reading: Reading) -> Known {
        Known { reading, begun: None }
    }
}

/// Makes the digest of a file while it is read.
pub(super) struct Digesting {
    digest: Digest,
    /// How many of the bytes that come next it has seen before.
    ahead: u64,
    path: PathBuf,
    readings: Arc<Readings>,
}

impl Digesting {
    /// Of a file that is read from this byte on; none if nobody knows what comes before.
    pub(super) fn new(path: &Path, start: u64, readings: &Arc<Readings>) -> Option<Digesting> {
        let digest = readings.digest_from(path, start)?;
        let ahead = digest.bytes() - start;
        Some(Digesting { digest, ahead, path: path.to_owned(), readings: readings.clone() })
    }

    /// Sees the next bytes; none at the end.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        let known = self.ahead.min(bytes.len() as u64);
        self.ahead -= known;
        self.digest.see(&bytes[known as usize..]);
        // What it saw before is not the end.
        let is_end = bytes.is_empty() && self.ahead == 0;
        self.readings.read(&self.path, &self.digest, is_end);
    }
}

/// A file that a source would read now.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// As it is shown to the user.
    pub name: Arc<str>,
    /// Where it is.
    pub path: PathBuf,
    /// What the system tells of it.
    pub identity: String,
}

/// The files that a source with these arguments would read now, in their order.
pub fn input_files(base: &Path, arguments: &Arguments) -> Result<Vec<InputFile>, ConnectError> {
    let inputs = Inputs::named(base, arguments)?;
    let file = |(name, path): (&Arc<str>, &PathBuf)| {
        let found = fs::metadata(path).map_err(|error| ConnectError::io("open", name, &error))?;
        Ok(InputFile { name: name.clone(), path: path.clone(), identity: identity(&found) })
    };
    inputs.names.iter().zip(&inputs.paths).map(file).collect()
}

/// What the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The digest of all of them.
    pub digest: String,
    /// The digest of as many first ones as were asked for, if they end with a line.
    pub beginning: Option<String>,
}

/// Reads a file; none if it changes meanwhile.
pub fn content_of(path: &Path) -> io::Result<Option<String>> {
    Ok(look_into(path, u64::MAX)?.map(|content| content.digest))
}

/// The same with the digest of so many first bytes.
pub fn look_into(path: &Path, bytes: u64) -> io::Result<Option<Content>> {
    let file = File::open(path)?;
    let before = file.metadata()?;
    let mut last = [0];
    let is_line = (1..=before.len()).contains(&bytes)
        && file.read_exact_at(&mut last, bytes - 1).is_ok()
        && last == *b"\n";
    let made = Digest::of_file_and_beginning(&file, before.len(), if is_line { bytes } else { 0 });
    let (all, beginning) = match made {
        Ok(made) => made,
        // It has become shorter.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let beginning = is_line.then(|| beginning.value());
    let content = Content { digest: all.value(), beginning };
    Ok((stamp(&file.metadata()?) == stamp(&before)).then_some(content))
}

/// Can so many first bytes of a file be read without what follows them? Not if they are packed, nor if
/// their last line has one of these signs, a quote: a field that it opens may go on behind it.
pub fn ends_whole(path: &Path, bytes: u64, quote: Option<u8>) -> bool {
    let mut line = vec![0; bytes.min(1 << 16) as usize];
    let start = bytes - line.len() as u64;
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut line, start));
    let Some((b'\n', before)) = line.split_last().filter(|_| read.is_ok()) else { return false };
    let last = memchr::memrchr(b'\n', before).map(|at| &before[at + 1..]);
    let last = last.or((start == 0).then_some(before));
    Compression::of(path) == Compression::None
        && last.is_some_and(|last| quote.is_none_or(|quote| !last.contains(&quote)))
}

/// How many bytes the file had that is known by this.
pub fn bytes_of(identity: &str) -> Option<u64> {
    identity.split(' ').nth(1)?.parse().ok()
}

/// What the system tells of a file, as a text that changes when the file does; one that was written
/// just before says so, and is never equal to a later one.
fn identity(found: &Metadata) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i128;
    let latest = (found.mtime(), found.mtime_nsec()).max((found.ctime(), found.ctime_nsec()));
    let latest = i128::from(latest.0) * 1_000_000_000 + i128::from(latest.1);
    let racy = if latest > now - RACY_NANOS { " just written" } else { "" };
    format!("{}{racy}", stamp(found))
}

/// Is what a file is known by a digest of its bytes, and not what the system tells of it?
pub fn is_digest(content: &str) -> bool {
    !content.contains(' ')
}

/// Does an identity say that the file had been written just before?
pub fn is_racy(identity: &str) -> bool {
    identity.ends_with(" just written")
}

fn stamp(found: &Metadata) -> String {
    format!(
        "{}:{} {} {}.{:09} {}.{:09}",
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec()
    )
}

/// What tells whether somebody else wrote to an output: of a file, or of all files in a directory,
/// the inode, the size and the time of the last change, all of which stay when it is renamed. None
/// if nothing is there.
pub fn written(path: &Path) -> Option<String> {
    let of = |found: &Metadata| {
        format!("{} {} {}.{:09}", found.ino(), found.size(), found.mtime(), found.mtime_nsec())
    };
    let found = fs::metadata(path).ok()?;
    if !found.is_dir() {
        return Some(of(&found));
    }
    let (mut parts, mut open) = (vec![], vec![path.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).ok()? {
            let entry = entry.ok()?;
            let found = entry.metadata().ok()?;
            // The mark of an exchange of directories goes away once it is done.
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match found.is_dir() {
                true => open.push(entry.path()),
                false => {
                    let place = entry.path();
                    let name = place.strip_prefix(path).unwrap_or(&place);
                    parts.push(format!("{} {}", name.display(), of(&found)));
                }
            }
        }
    }
    parts.sort();
    Some(parts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_opened_twice_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let readings = Readings::default();
        let open = || readings.opened(&path, &fs::metadata(&path).unwrap());
        fs::write(&path, "one").unwrap();
        assert!(open() && open());
        fs::write(folder.path().join("b"), "two").unwrap();
        fs::rename(folder.path().join("b"), &path).unwrap();
        assert!(!open());
    }

    #[test]
    fn a_file_is_known_by_its_bytes_and_by_what_the_system_tells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let first = content_of(&path).unwrap();
        assert!(is_racy(&identity(&fs::metadata(&path).unwrap())));
        let old = SystemTime::now() - std::time::Duration::from_secs(9);
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        // The time of the last change of its description cannot be set back.
        assert!(is_racy(&identity(&fs::metadata(&path).unwrap())));
        fs::write(&path, "two").unwrap();
        assert_ne!(content_of(&path).unwrap(), first);
        fs::write(&path, "one").unwrap();
        assert_eq!(content_of(&path).unwrap(), first);
        let before = written(&path).unwrap();
        fs::rename(&path, folder.path().join("b")).unwrap();
        assert_eq!(written(&folder.path().join("b")).unwrap(), before);
        assert_eq!(written(&path), None);
    }
}
