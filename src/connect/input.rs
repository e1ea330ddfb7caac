//! The files of a source: found once when it is opened, read in the order of their names, and
//! checked at their end to be still the files that were opened.

use super::compression::Compression;
use super::meter::Meter;
use super::readings::{Digesting, Readings};
use super::{Arguments, Beginning, Column, ConnectError, Only, SourceSpec};
use crate::files::Input;
use crate::types::{composed, other_characters};
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a source.
pub struct Inputs {
    /// As they are shown to the user: relative where the program's path is.
    pub names: Vec<Arc<str>>,
    /// Where they are.
    pub paths: Vec<PathBuf>,
    /// Where it is noted what was read, if that is wanted.
    readings: Option<Arc<Readings>>,
    /// What of the first file is not read.
    pub after: Beginning,
}

/// A declared column that a file does not have, with the nearest one that it has.
pub fn missing_column(file: &str, wanted: &str, found: &[String]) -> ConnectError {
    let plain = |name: &str| composed(name).to_lowercase();
    let near = |name: &str| strsim::jaro_winkler(&plain(name), &plain(wanted));
    let nearest = found.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    let other_delimiter = ";\t|,".chars().find(
        |sign| matches!(found, [only] if only.split(*sign).count() > 1 && only.split(*sign).any(|name| name.trim() == wanted)),
    );
    let help = match (other_delimiter, nearest) {
        (Some(sign), _) => {
            let sign = sign.escape_default();
            format!("its columns are parted by another sign: `delimiter: \"{sign}\"`")
        }
        (None, Some(nearest)) if near(nearest) > 0.75 => {
            let declare = |nearest: &str| {
                format!("declare it as that, or as `{wanted}: … named \"{nearest}\"`")
            };
            let others = other_characters(wanted, nearest);
            let nearest = shown(nearest);
            match others {
                Some(which) => format!("it has `{nearest}`, {which}; {}", declare(&nearest)),
                None => format!("it has `{nearest}`: {}", declare(&nearest)),
            }
        }
        _ => {
            let names: Vec<String> =
                found.iter().take(20).map(|name| format!("`{}`", shown(name))).collect();
            let more = if found.len() > 20 { ", .." } else { "" };
            format!("it has {}{more}", names.join(", "))
        }
    };
    ConnectError::new(format!("{file} has no column `{wanted}`")).help(help)
}

/// Refuses a column of a file that nobody knows: it would not be there any more when the file is
/// replaced.
pub fn refuse_more(file: &str, declared: &[Column], found: &[String]) -> Result<(), ConnectError> {
    let is_known = |name: &&String| declared.iter().any(|column| *column.external == ***name);
    let Some(other) = found.iter().find(|name| !is_known(name)) else { return Ok(()) };
    let other = shown(other);
    let message = format!("{file} has a column `{other}`, which the rows to come have not");
    Err(ConnectError::new(message)
        .help("give the job that column too, or move the file away to begin anew"))
}

/// A name from a file as a message may show it: escaped, cut at 40 characters.
pub fn shown(name: &str) -> String {
    let more = if name.chars().nth(40).is_some() { "…" } else { "" };
    let start: String = name.chars().take(40).collect();
    format!("{}{more}", start.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'"))
}

/// What a file without compression is that no text can be, with what to do.
fn other_kind(file: &Input, size: u64, name: &str) -> Option<ConnectError> {
    let (mut head, mut tail) = ([0; 4], [0; 4]);
    file.read_exact_at(&mut head, 0).ok()?;
    file.read_exact_at(&mut tail, size.checked_sub(4)?).ok()?;
    let (kind, help) = match (&head, &tail) {
        (b"PAR1", b"PAR1") => ("a Parquet file", format!("read it with `parquet(\"{name}\")`")),
        (b"PK\x03\x04", _) => {
            ("a zip archive, as those of Excel are", "unpack it, or save it as CSV".to_owned())
        }
        _ => return None,
    };
    Some(ConnectError::new(format!("{name} is {kind}")).help(help))
}

/// What tells whether a file changed while it was read.
#[derive(PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Inputs {
    /// The files that the argument `path` of a source names, sorted by name, each once.
    pub fn find(spec: &SourceSpec) -> Result<Inputs, ConnectError> {
        let named = match &spec.only {
            Some(Only { names, after }) => {
                Inputs { after: *after, ..Inputs::of(&spec.base, names.clone())? }
            }
            None => Inputs::named(&spec.base, &spec.arguments)?,
        };
        Ok(Inputs { readings: spec.readings.clone(), ..named })
    }

    /// Those that these arguments name.
    pub fn named(base: &Path, arguments: &Arguments) -> Result<Inputs, ConnectError> {
        let Some(patterns) = arguments.texts("path") else {
            return Err(ConnectError::new("no `path` is given"));
        };
        let mut names = Vec::new();
        for pattern in patterns {
            if is_pattern(base, pattern) {
                glob_names(base, pattern, &mut names)?;
            } else {
                names.push(pattern.to_owned());
            }
        }
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return Err(ConnectError::new("`path` names no file"));
        }
        Inputs::of(base, names.into_iter().map(Arc::from).collect())
    }

    /// These files.
    fn of(base: &Path, names: Vec<Arc<str>>) -> Result<Inputs, ConnectError> {
        let paths: Vec<PathBuf> = names.iter().map(|name| base.join(&**name)).collect();
        for (name, path) in names.iter().zip(&paths) {
            let found =
                std::fs::metadata(path).map_err(|error| ConnectError::io("open", name, &error))?;
            refuse_special(name, &found)?;
        }
        Ok(Inputs { names, paths, readings: None, after: Beginning::default() })
    }

    /// The same files from their beginnings, of which nothing is noted.
    pub fn whole(&self) -> Inputs {
        let (names, paths) = (self.names.clone(), self.paths.clone());
        Inputs { names, paths, readings: None, after: Beginning::default() }
    }

    /// Where of file `at` it is begun to read.
    pub fn start(&self, at: usize) -> u64 {
        if at == 0 { self.after.bytes } else { 0 }
    }

    /// Opens file `at` for reading through its compression, from where it is to be read.
    pub fn open(&self, at: usize, meter: Arc<Meter>) -> Result<OpenInput, ConnectError> {
        self.open_at(at, self.start(at), meter)
    }

    /// The same from this byte of it on, as it is unpacked.
    pub fn open_at(
        &self,
        at: usize,
        start: u64,
        meter: Arc<Meter>,
    ) -> Result<OpenInput, ConnectError> {
        let name = self.names[at].clone();
        let failed = |error| ConnectError::io("open", &name, &error);
        let (mut file, identity) = self.open_plain(at)?;
        let watched = file.again().map_err(failed)?;
        let compression = Compression::of(&self.paths[at]);
        if compression == Compression::None
            && let Some((packed, extension)) = Compression::unsaid(&file)
        {
            return Err(ConnectError::new(format!("{name} is packed with {packed}"))
                .help(format!("give it a name that says so: `{name}.{extension}`")));
        }
        if compression == Compression::None
            && let Some(error) = other_kind(&file, identity.size, &name)
        {
            return Err(error);
        }
        // What is packed is unpacked from its beginning.
        let (stored, packed) =
            if compression == Compression::None { (start, 0) } else { (0, start) };
        file.seek(stored).map_err(failed)?;
        let readings = self.readings.as_ref();
        let path = &self.paths[at];
        let digesting = readings.and_then(|readings| Digesting::new(path, stored, readings));
        let mut reader = compression.reader(file, meter, digesting).map_err(failed)?;
        io::copy(&mut (&mut reader).take(packed), &mut io::sink())
            .map_err(|error| ConnectError::io("read", &name, &error))?;
        Ok(OpenInput { name, reader, watched, identity })
    }

    /// The line of file `at` in which this byte of it stands, unpacked. Reads the file again: only
    /// errors need it.
    pub fn line_at(&self, at: usize, offset: u64) -> Result<u64, ConnectError> {
        let mut input = self.open_at(at, 0, Arc::default())?;
        let (mut buffer, mut left, mut line) = (vec![0; 1 << 16], offset, 1);
        while left > 0 {
            let wanted = left.min(buffer.len() as u64) as usize;
            let read = input.fill(&mut buffer[..wanted])?;
            line += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
            left = if read < wanted { 0 } else { left - read as u64 };
        }
        Ok(line)
    }

    /// Opens file `at` as it is stored.
    pub fn open_plain(&self, at: usize) -> Result<(Input, Identity), ConnectError> {
        let name = &self.names[at];
        let failed = |error| ConnectError::io("open", name, &error);
        let file = Input::open(&self.paths[at]).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        refuse_special(name, &found)?;
        if let Some(readings) = &self.readings
            && !readings.opened(&self.paths[at], &found)
        {
            return Err(changed(name));
        }
        Ok((file, Identity::of(&found)))
    }

    /// Fails if an open file is not any more what it was when it was opened.
    pub fn check_unchanged(
        name: &str,
        file: &Input,
        identity: &Identity,
    ) -> Result<(), ConnectError> {
        let found = file.metadata().map_err(|error| ConnectError::io("read", name, &error))?;
        if Identity::of(&found) == *identity {
            return Ok(());
        }
        Err(changed(name))
    }
}

fn changed(name: &str) -> ConnectError {
    ConnectError::new(format!("{name} changed while it was read"))
        .help("run again when nobody writes to it")
}

/// A file that is being read.
pub struct OpenInput {
    name: Arc<str>,
    reader: Box<dyn Read + Send>,
    watched: Input,
    identity: Identity,
}

impl OpenInput {
    /// Fills the buffer, all of it unless the file ends; gives how much was read. At the end the
    /// file must be what it was at the beginning.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ConnectError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => {
                    Inputs::check_unchanged(&self.name, &self.watched, &self.identity)?;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ConnectError::io("read", &self.name, &error)),
            }
        }
        Ok(filled)
    }
}

impl Identity {
    /// The identity of a file as the system tells it.
    pub fn of(found: &Metadata) -> Identity {
        Identity {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// Only regular files end and stay as they are.
fn refuse_special(name: &str, found: &Metadata) -> Result<(), ConnectError> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(ConnectError::new(format!("{name} is a directory"))
            .help(format!("name its files: \"{}/*\"", name.trim_end_matches('/'))));
    }
    let what = if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(ConnectError::new(format!("{name} is {what}, not a file")))
}

/// How patterns match: hidden files only when asked for.
pub(super) const GLOB: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Is a path a pattern? One that is the name of a file is not.
pub(super) fn is_pattern(base: &Path, path: &str) -> bool {
    has_wildcards(path) && !base.join(path).exists()
}

/// Does a path hold signs that stand for others in patterns?
pub(super) fn has_wildcards(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Is this a pattern that can be looked for?
pub fn check_pattern(pattern: &str) -> Result<(), ConnectError> {
    match glob::Pattern::new(pattern) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(ConnectError::new(format!("`{pattern}` is not a pattern: {}", error.msg))
                .help("`[*]`, `[?]` and `[[]` stand for the characters themselves"))
        }
    }
}

/// Does a path match a pattern, or are they the same? To be asked of many paths.
pub fn matcher(pattern: &str) -> impl Fn(&str) -> bool {
    let compiled = has_wildcards(pattern).then(|| glob::Pattern::new(pattern).ok()).flatten();
    move |path| {
        let matches = |compiled: &glob::Pattern| compiled.matches_with(path, GLOB);
        pattern == path || compiled.as_ref().is_some_and(matches)
    }
}

/// The regular files that match; hidden ones, among them staged outputs, only when asked for.
pub(super) fn glob_names(
    base: &Path,
    pattern: &str,
    names: &mut Vec<String>,
) -> Result<(), ConnectError> {
    let base_text = glob::Pattern::escape(&base.to_string_lossy());
    let full = if Path::new(pattern).is_absolute() || base.as_os_str().is_empty() {
        pattern.to_owned()
    } else {
        format!("{}/{pattern}", base_text.trim_end_matches('/'))
    };
    let found = glob::glob_with(&full, GLOB).map_err(|error| {
        ConnectError::new(format!("`{pattern}` is not a pattern: {}", error.msg))
    })?;
    let before = names.len();
    for path in found {
        let path =
            path.map_err(|error| ConnectError::io("read", error.path().display(), error.error()))?;
        if path.is_dir() {
            continue;
        }
        let shown = if Path::new(pattern).is_absolute() {
            path.as_path()
        } else {
            path.strip_prefix(base).unwrap_or(&path)
        };
        let Some(shown) = shown.to_str() else {
            let message = format!("the name of {} is not UTF-8", shown.display());
            return Err(ConnectError::new(message));
        };
        names.push(shown.to_owned());
    }
    if names.len() == before {
        return Err(ConnectError::new(format!("no file matches {pattern}")));
    }
    Ok(())
}
