//! Staged files that bytes are appended to: one, or a directory of parts.

use super::compression::{Compression, Packer};
use super::stage::{self, Staging};
use super::{ConnectError, SinkSpec, Staged};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The files of a sink that writes bytes.
pub struct Outputs {
    staging: Staging,
    parts: Vec<Mutex<Part>>,
}

struct Part {
    path: PathBuf,
    packer: Packer,
    rows: u64,
}

/// The target that the argument `path` of a sink names.
pub fn target_of(spec: &SinkSpec) -> Result<PathBuf, ConnectError> {
    match spec.arguments.text("path") {
        Some(path) => Ok(spec.base.join(path)),
        None => Err(ConnectError::new("no `path` is given")),
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

impl Outputs {
    /// Stages the files of a sink, each beginning with `head`.
    pub fn open(spec: &SinkSpec, extension: &str, head: &[u8]) -> Result<Outputs, ConnectError> {
        let target = target_of(spec)?;
        let compression = Compression::of(&target);
        let part = |path: PathBuf, file| {
            let failed = |error| ConnectError::io("write", path.display(), &error);
            let mut packer = compression.writer(file).map_err(failed)?;
            packer.write(head).map_err(failed)?;
            Ok(Mutex::new(Part { path, packer, rows: 0 }))
        };
        let Some(count) = spec.parts else {
            let (staging, file) = Staging::file(&target, &spec.run)?;
            let part = part(staging.path().to_owned(), file)?;
            return Ok(Outputs { staging, parts: vec![part] });
        };
        let staging = Staging::directory(&target, &spec.run)?;
        let parts = (0..count).map(|at| {
            let path = staging.path().join(part_name(at, &target, extension));
            let file = OpenOptions::new().write(true).create_new(true).open(&path);
            let file = file.map_err(|error| ConnectError::io("create", path.display(), &error))?;
            part(path, file)
        });
        let parts = parts.collect::<Result<_, ConnectError>>()?;
        Ok(Outputs { staging, parts })
    }

    /// Appends to a part.
    pub fn append(&self, part: u32, bytes: &[u8], rows: u64) -> Result<(), ConnectError> {
        let mut part = self.parts[part as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let written = part.packer.write(bytes);
        written.map_err(|error| ConnectError::io("write", part.path.display(), &error))?;
        part.rows += rows;
        Ok(())
    }

    /// Ends and syncs all files.
    pub fn finish(self) -> Result<Staged, ConnectError> {
        let (mut rows, mut bytes) = (0, 0);
        for part in self.parts {
            let part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
            let failed = |error| ConnectError::io("write", part.path.display(), &error);
            let file = part.packer.finish().map_err(failed)?;
            stage::sync(&file, &part.path)?;
            rows += part.rows;
            bytes += file.metadata().map_err(failed)?.len();
        }
        self.staging.finish(rows, bytes)
    }
}
