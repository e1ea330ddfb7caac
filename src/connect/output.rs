//! Staged files that bytes are appended to: one, or a directory of parts.

use super::append::{self, Front, Head};
use super::compression::{Compression, Packer};
use super::stage::{self, Staging};
use super::{Behind, ConnectError, Digest, SinkSpec, Staged};
use crate::files::{NewFile, PRIVATE};
use std::io::{self, BufRead, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The files of a sink that writes bytes.
pub struct Outputs {
    staging: Staging,
    parts: Vec<Mutex<Part>>,
}

/// How far a file has come.
#[derive(Clone, Debug)]
pub struct Written {
    /// The staged file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// The rows in it.
    pub rows: u64,
}

struct Part {
    path: PathBuf,
    packer: Packer,
    rows: u64,
}

/// The target that the argument `path` of a sink names.
pub fn target_of(spec: &SinkSpec) -> Result<PathBuf, ConnectError> {
    let Some(path) = spec.arguments.text("path") else {
        return Err(ConnectError::new("no `path` is given"));
    };
    let target = spec.base.join(path);
    match std::fs::metadata(&target) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            Err(ConnectError::new(format!("{path} is not a file, and would be replaced by one"))
                .help("name a file"))
        }
        _ => Ok(target),
    }
}

/// `part-00003.csv.gz`: the extension is the one of the target, or else the connector's own.
pub fn part_name(part: u32, target: &Path, extension: &str) -> String {
    let packed = match Compression::of(target) {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
    };
    let plain = if packed.is_empty() { target.to_owned() } else { target.with_extension("") };
    let extension = plain.extension().and_then(|given| given.to_str()).unwrap_or(extension);
    format!("part-{part:05}.{extension}{packed}")
}

/// The file that rows of a part are added to, if there is one.
pub fn held(spec: &SinkSpec, target: &Path, part: usize, extension: &str) -> Option<PathBuf> {
    let part = spec.parts.map(|_| part as u32);
    spec.adds.then(|| append::held(target, part, extension)).flatten()
}

/// Stages the file of a sink, or its directory and the files of all parts.
pub fn stage_files(
    spec: &SinkSpec,
    extension: &str,
) -> Result<(Staging, Vec<NewFile>), ConnectError> {
    let target = target_of(spec)?;
    let Some(count) = spec.parts else {
        let (staging, file) = Staging::file(&target, &spec.run)?;
        return Ok((staging, vec![file]));
    };
    let staging = Staging::directory(&target, &spec.run)?;
    if spec.adds {
        append::check_parts(&target, count, extension)?;
    }
    let mut files = Vec::with_capacity(count as usize);
    for part in 0..count {
        let path = staging.path().join(part_name(part, &target, extension));
        let file = NewFile::create(&path, 0o666);
        files.push(file.map_err(|error| ConnectError::io("create", path.display(), &error))?);
    }
    Ok((staging, files))
}

impl Written {
    /// What was written from there on, of a file that is not packed.
    pub fn read_from(&self, from: u64) -> io::Result<impl BufRead> {
        let mut file = std::fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(from))?;
        Ok(io::BufReader::new(file))
    }
}

impl Outputs {
    /// Stages the files of a sink, each beginning with `head`, which lines follow.
    pub fn open(spec: &SinkSpec, extension: &str, head: &[u8]) -> Result<Outputs, ConnectError> {
        Outputs::open_behind(spec, extension, Head::Lines(head))
    }

    /// The same of any head.
    pub fn open_behind(
        spec: &SinkSpec,
        extension: &str,
        head: Head<'_>,
    ) -> Result<Outputs, ConnectError> {
        let target = target_of(spec)?;
        let compression = Compression::of(&target);
        if let Some(behind) = &spec.behind {
            return Outputs::go_on(behind, compression);
        }
        let (staging, files) = stage_files(spec, extension)?;
        let parts = files.into_iter().enumerate().map(|(part, mut file)| {
            let path = file.path().to_owned();
            let front = match held(spec, &target, part, extension) {
                Some(old) => append::copy_in_front(&old, &mut file, compression, head)?,
                None => Front::Nothing,
            };
            let mut packer = compression.writer(file, front == Front::Nothing);
            let next = match front {
                Front::Nothing => head.bytes(),
                Front::Bytes { lacks_end: true } => b"\n",
                Front::Bytes { lacks_end: false } => b"",
            };
            let written = packer.write(next);
            written.map_err(|error| ConnectError::io("write", path.display(), &error))?;
            Ok(Mutex::new(Part { path, packer, rows: 0 }))
        });
        let parts = parts.collect::<Result<_, ConnectError>>()?;
        Ok(Outputs { staging, parts })
    }

    /// Goes on with what an earlier run had written, as if it had not ended.
    fn go_on(behind: &Behind, compression: Compression) -> Result<Outputs, ConnectError> {
        let path = behind.staged.clone();
        let failed = |error| ConnectError::io("write", path.display(), &error);
        let (staging, file) = Staging::go_on(behind)?;
        let mut packer = compression.writer(file, behind.seen.bytes() == 0);
        packer.write(&behind.pending).map_err(failed)?;
        Ok(Outputs { staging, parts: vec![Mutex::new(Part { path, packer, rows: behind.rows })] })
    }

    /// Can a later run go on with it? Not with parts: each of them may have bytes that wait.
    pub fn can_pause(&self) -> bool {
        self.staging.is_file() && self.parts.len() == 1
    }

    /// How far it has come, once that is durable.
    pub fn pause(&self) -> Result<Option<Behind>, ConnectError> {
        let mut part = self.parts[0].lock().unwrap_or_else(PoisonError::into_inner);
        let Part { path, packer, rows } = &mut *part;
        let failed = |error| ConnectError::io("write", path.display(), &error);
        packer.flush().map_err(failed)?;
        stage::sync(packer.file())?;
        self.staging.behind(packer.file(), *rows, packer.pending().to_vec())
    }

    /// What is written stays when this is dropped.
    pub fn keep(&self) {
        self.staging.keep();
    }

    /// Nobody but the owner may read the files.
    pub fn make_private(&self) -> Result<(), ConnectError> {
        for part in &self.parts {
            let path = &part.lock().unwrap_or_else(PoisonError::into_inner).path;
            std::fs::set_permissions(path, PermissionsExt::from_mode(PRIVATE))
                .map_err(|error| ConnectError::io("write", path.display(), &error))?;
        }
        Ok(())
    }

    /// Appends to a part.
    pub fn append(&self, part: u32, bytes: &[u8], rows: u64) -> Result<(), ConnectError> {
        let mut part = self.parts[part as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let written = part.packer.write(bytes);
        written.map_err(|error| ConnectError::io("write", part.path.display(), &error))?;
        part.rows += rows;
        Ok(())
    }

    /// How far the first part has come; what is packed counts only as far as its blocks are whole.
    pub fn written(&self) -> Result<Written, ConnectError> {
        let mut part = self.parts[0].lock().unwrap_or_else(PoisonError::into_inner);
        let Part { path, packer, rows } = &mut *part;
        let failed = |error| ConnectError::io("write", path.display(), &error);
        packer.flush().map_err(failed)?;
        let bytes = std::fs::metadata(&*path).map_err(failed)?.len();
        Ok(Written { path: path.clone(), bytes, rows: *rows })
    }

    /// Gives up what was written since then.
    pub fn rewind(&self, to: &Written) -> Result<(), ConnectError> {
        let mut part = self.parts[0].lock().unwrap_or_else(PoisonError::into_inner);
        let rewound = part.packer.rewind(to.bytes);
        rewound.map_err(|error| ConnectError::io("write", part.path.display(), &error))?;
        part.rows = to.rows;
        Ok(())
    }

    /// Ends and syncs all files.
    pub fn finish(self) -> Result<Staged, ConnectError> {
        let (mut rows, mut bytes, mut digest) = (0, 0, None);
        for part in self.parts {
            let part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
            let failed = |error| ConnectError::io("write", part.path.display(), &error);
            let file = part.packer.finish().map_err(failed)?;
            stage::sync(&file)?;
            rows += part.rows;
            bytes += file.metadata().map_err(failed)?.len();
            digest = file.digest().map(Digest::value);
        }
        self.staging.finish(rows, bytes, digest)
    }
}
