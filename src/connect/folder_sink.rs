//! A directory of folders that are named by values of the rows in them, each with a file of one of the
//! connectors. Rows come sorted by these values, so one file is written after the other; those that
//! have got all their rows are ended by whatever thread has time.

use super::folders::folder_name;
use super::output::{part_name, target_of};
use super::stage::Staging;
use super::{Column, ConnectError, Connector, Encode, Piece, Sink, SinkSpec, Staged};
use crate::data::{Batch, display, scalar_at};
use crate::files;
use crate::types::Scalar;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

/// So many folders may an output have: each is a file that is made durable by itself.
const FOLDERS_MAX: usize = 10_000;

/// The most bytes of a name of a folder.
const NAME_MAX: usize = 255;

/// So many files may be open that have got all their rows.
const ENDING_MAX: usize = 16;

/// By which of its columns the rows of an output are in folders, and what becomes of what is there.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The columns, by their positions, in the order of the folders.
    pub columns: Vec<usize>,
    /// Do folders stay that no rows come into?
    pub others_stay: bool,
}

/// Opens a sink, of a file, of parts, or of folders.
pub fn open_sink(connector: &Connector, spec: &SinkSpec) -> Result<Box<dyn Sink>, ConnectError> {
    let open = connector.sink.expect("it can be written");
    let Some(folders) = spec.folders.clone() else { return open(spec) };
    let target = target_of(spec)?;
    let staging = Staging::directory(&target, &spec.run)?;
    let is_written = |at: &usize| !folders.columns.contains(at);
    let written: Vec<usize> = (0..spec.columns.len()).filter(is_written).collect();
    let of_files = SinkSpec {
        base: staging.path().to_owned(),
        columns: written.iter().map(|at| spec.columns[*at].clone()).collect(),
        folders: None,
        adds: false,
        ..spec.clone()
    };
    Ok(Box::new(FolderSink {
        open,
        target,
        keys: folders.columns.iter().map(|at| (*at, spec.columns[*at].clone())).collect(),
        written,
        stays: Stays { all: spec.adds, others: folders.others_stay },
        extension: connector.extension,
        encoder: (connector.encoder)(&of_files),
        of_files,
        names: Mutex::default(),
        now: RwLock::default(),
        ending: Mutex::default(),
        totals: Totals::default(),
        staging,
    }))
}

/// What of the target stays in the new one.
struct Stays {
    /// All files.
    all: bool,
    /// Those of folders that no rows come into.
    others: bool,
}

#[derive(Default)]
struct Totals {
    rows: AtomicU64,
    bytes: AtomicU64,
    encoding_nanos: AtomicU64,
}

#[derive(Default)]
struct Names {
    /// Numbers of folders.
    numbers: HashMap<String, u32>,
    /// Folders by their numbers; none once it was opened.
    names: Vec<Option<String>>,
}

struct FolderSink {
    open: fn(&SinkSpec) -> Result<Box<dyn Sink>, ConnectError>,
    target: PathBuf,
    /// The columns that name folders, and their places in a row.
    keys: Vec<(usize, Column)>,
    /// The places of the columns that are in the files.
    written: Vec<usize>,
    stays: Stays,
    extension: &'static str,
    encoder: Box<dyn Encode>,
    /// A file, but for its path.
    of_files: SinkSpec,
    names: Mutex<Names>,
    /// The file that gets rows, and the number of its folder.
    now: RwLock<Option<(u32, Box<dyn Sink>)>>,
    /// Files that have got all their rows.
    ending: Mutex<VecDeque<Box<dyn Sink>>>,
    totals: Totals,
    staging: Staging,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FolderSink {
    /// What is to be written to this path within the directory.
    fn at(&self, path: &str) -> SinkSpec {
        let mut spec = self.of_files.clone();
        for (name, value) in &mut spec.arguments.0 {
            if name == "path" {
                *value = Scalar::String(path.into());
            }
        }
        spec
    }

    /// The folder of a row.
    fn folder_of(&self, batch: &Batch, row: usize) -> Result<String, ConnectError> {
        let mut path = String::new();
        for (at, column) in &self.keys {
            let value = scalar_at(&batch.columns[*at], &column.ty.data, row);
            let text = (!value.is_null()).then(|| display(&value, &column.ty.data));
            let name = folder_name(&column.name, text.as_deref());
            if name.len() > NAME_MAX {
                let text = super::shown::shown(text.unwrap_or_default().as_bytes());
                let name = &column.name;
                let message = format!("no folder can be named by the value {text} of `{name}`");
                return Err(ConnectError::new(message)
                    .help("a name has 255 bytes at most: write the output by something shorter"));
            }
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&name);
        }
        Ok(path)
    }

    fn number_of(&self, folder: String) -> Result<u32, ConnectError> {
        let mut names = lock(&self.names);
        if let Some(&number) = names.numbers.get(&folder) {
            return Ok(number);
        }
        if names.names.len() == FOLDERS_MAX {
            let keys: Vec<String> =
                self.keys.iter().map(|(_, column)| format!("`{}`", column.name)).collect();
            let message = format!(
                "{} would have more than {FOLDERS_MAX} folders, one for each value of {}",
                self.target.display(),
                keys.join(", ")
            );
            return Err(ConnectError::new(message).help(
                "write it by something that has fewer values, as a day, a month or a country",
            ));
        }
        let number = names.names.len() as u32;
        names.names.push(Some(folder.clone()));
        names.numbers.insert(folder, number);
        Ok(number)
    }

    /// Behind the last of the rows that go where this one goes; rows are sorted.
    fn run_end(&self, batch: &Batch, first: usize) -> usize {
        let value = |at: usize, row| {
            let (place, column) = &self.keys[at];
            scalar_at(&batch.columns[*place], &column.ty.data, row)
        };
        let key: Vec<Scalar> = (0..self.keys.len()).map(|at| value(at, first)).collect();
        let is_same = |row: usize| key.iter().enumerate().all(|(at, key)| value(at, row) == *key);
        let (mut same, mut end) = (first, batch.rows);
        if is_same(end - 1) {
            return end;
        }
        while end - same > 1 {
            let middle = same + (end - same) / 2;
            if is_same(middle) { same = middle } else { end = middle }
        }
        end
    }

    /// Begins the file of a folder.
    fn begin(&self, number: u32) -> Result<Box<dyn Sink>, ConnectError> {
        let folder = lock(&self.names).names[number as usize].take();
        let folder = folder.expect("the rows of a folder come together");
        let is_taken = |part: &u32| {
            let name = part_name(*part, &self.target, self.extension);
            self.stays.all && fs::symlink_metadata(self.target.join(&folder).join(name)).is_ok()
        };
        let part = (0..).find(|part| !is_taken(part)).expect("a folder has fewer files");
        let name = part_name(part, &self.target, self.extension);
        (self.open)(&self.at(&format!("{folder}/{name}")))
    }

    /// Ends a file that has got all its rows.
    fn end(&self, sink: Box<dyn Sink>) -> Result<(), ConnectError> {
        let Totals { rows, bytes, encoding_nanos } = &self.totals;
        encoding_nanos.fetch_add(sink.late_encoding().as_nanos() as u64, Relaxed);
        let mut staged = sink.finish_alone()?;
        rows.fetch_add(staged.rows, Relaxed);
        bytes.fetch_add(staged.bytes, Relaxed);
        // Folders are synced when all files are in them.
        for (from, to) in std::mem::take(&mut staged.moves) {
            files::rename(&from, &to)
                .map_err(|error| ConnectError::io("replace", to.display(), &error))?;
        }
        Ok(())
    }

    /// The folders that rows have come into.
    fn come(&self) -> BTreeSet<String> {
        lock(&self.names).numbers.keys().cloned().collect()
    }

    /// Takes over what is there and stays.
    fn take_over(&self) -> Result<(), ConnectError> {
        if !self.stays.all && !self.stays.others {
            return Ok(());
        }
        let come = self.come();
        let mut found = vec![];
        files_below(&self.target, "", &mut found)
            .map_err(|error| ConnectError::io("read", self.target.display(), &error))?;
        for (folder, name) in found {
            self.check_folder(&folder, &name)?;
            if self.stays.others && come.contains(&folder) {
                continue;
            }
            let (from, to) = (self.target.join(&folder), self.staging.path().join(&folder));
            let failed = |error| ConnectError::io("take over", from.join(&name).display(), &error);
            files::create_folders(&to, 0o777).map_err(failed)?;
            files::take_over(&from.join(&name), &to.join(&name)).map_err(failed)?;
        }
        Ok(())
    }

    /// What stays has to be in folders of the same columns.
    fn check_folder(&self, folder: &str, name: &str) -> Result<(), ConnectError> {
        let keys: Vec<String> =
            self.keys.iter().map(|(_, column)| folder_name(&column.name, Some(""))).collect();
        let is_of = |(part, key): (&str, &String)| part.starts_with(&**key);
        let parts = folder.split('/');
        if parts.clone().count() == keys.len() && parts.zip(&keys).all(is_of) {
            return Ok(());
        }
        let file = self.target.join(folder).join(name);
        let message = format!("{} is in no folder `{}…`", file.display(), keys.join("…/"));
        Err(ConnectError::new(message)
            .help("write the output by the columns by which it is there, or move it away"))
    }

    /// Makes the names of all folders durable.
    fn sync_folders(&self) -> Result<(), ConnectError> {
        let (mut folders, mut at) = (vec![self.staging.path().to_owned()], 0);
        while let Some(folder) = folders.get(at).cloned() {
            at += 1;
            let failed = |error| ConnectError::io("read", folder.display(), &error);
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if entry.file_type().map_err(failed)?.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        let sync = |folder: &PathBuf| {
            files::sync_folder(folder)
                .map_err(|error| ConnectError::io("sync", folder.display(), &error))
        };
        folders.par_iter().try_for_each(sync)
    }
}

/// The files below a directory, with the folders that they are in, in order.
fn files_below(root: &Path, below: &str, found: &mut Vec<(String, String)>) -> io::Result<()> {
    let folder = root.join(below);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut entries: Vec<(String, bool)> = entries
        .map(|entry| {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|_| io::Error::other("a name in it is not UTF-8"))?;
            Ok((name, entry.file_type()?.is_dir()))
        })
        .collect::<io::Result<_>>()?;
    entries.sort();
    for (name, is_folder) in entries.into_iter().filter(|(name, _)| !name.starts_with('.')) {
        match is_folder {
            true if below.is_empty() => files_below(root, &name, found)?,
            true => files_below(root, &format!("{below}/{name}"), found)?,
            false => found.push((below.to_owned(), name)),
        }
    }
    Ok(())
}

impl Sink for FolderSink {
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError> {
        let columns = self.written.iter().map(|at| batch.columns[*at].clone()).collect();
        self.encoder.encode(&batch.with_columns(columns))
    }

    fn encode_parts(
        &self,
        batch: &Batch,
        emit: &mut dyn FnMut(u32, Piece),
    ) -> Result<(), ConnectError> {
        let mut first = 0;
        while first < batch.rows {
            let end = self.run_end(batch, first);
            let number = self.number_of(self.folder_of(batch, first)?)?;
            emit(number, self.encode(&batch.slice(first, end - first))?);
            first = end;
        }
        Ok(())
    }

    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, sink)) = now.as_ref().filter(|(number, _)| *number == part) {
            return sink.append(0, piece);
        }
        drop(now);
        let sink = self.begin(part)?;
        sink.append(0, piece)?;
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let before = now.replace((part, sink));
        drop(now);
        let Some((_, before)) = before else { return Ok(()) };
        let mut ending = lock(&self.ending);
        ending.push_back(before);
        let over = (ending.len() > ENDING_MAX).then(|| ending.pop_front()).flatten();
        drop(ending);
        over.map_or(Ok(()), |sink| self.end(sink))
    }

    fn work(&self) -> Result<(), ConnectError> {
        let next = lock(&self.ending).pop_front();
        if let Some(sink) = next {
            self.end(sink)?;
        }
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.as_ref().map_or(Ok(()), |(_, sink)| sink.work())
    }

    fn late_encoding(&self) -> Duration {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        let of_now = now.as_ref().map_or(Duration::ZERO, |(_, sink)| sink.late_encoding());
        of_now + Duration::from_nanos(self.totals.encoding_nanos.load(Relaxed))
    }

    fn finish(mut self: Box<Self>) -> Result<Staged, ConnectError> {
        let now = self.now.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let ending = std::mem::take(&mut *lock(&self.ending));
        let ending: Vec<_> = ending.into_iter().chain(now.map(|(_, sink)| sink)).collect();
        ending.into_par_iter().try_for_each(|sink| self.end(sink))?;
        self.take_over()?;
        self.sync_folders()?;
        let FolderSink { staging, totals, .. } = *self;
        staging.finish(totals.rows.into_inner(), totals.bytes.into_inner(), None)
    }
}
