//! Outputs beside their target, invisible until they are published.
//!
//! A staged file `.NAME.batchc-RUN` is created exclusively in the target's directory, written,
//! fsynced and then renamed over the target, so a reader sees the old output or the new one and
//! nothing between. A link at the target stays: what it leads to is replaced. A directory of parts
//! is staged and exchanged as one. What a dead run left is removed by [`sweep`].

use super::{Behind, ConnectError, Staged};
use crate::files::{self, NewFile};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A staged path; removed when dropped, unless it was handed on by [`Staging::finish`] or is kept.
pub struct Staging {
    staged: PathBuf,
    target: PathBuf,
    owned: AtomicBool,
    /// Locked as long as it is open.
    lock: Arc<File>,
}

impl Staging {
    /// Stages a file for `target`, whose folder is made if it is missing.
    pub fn file(target: &Path, run: &str) -> Result<(Staging, NewFile), ConnectError> {
        let target = &followed(target)?;
        refuse_directory(target)?;
        let old = fs::symlink_metadata(target);
        let staged = staged_path(target, run)?;
        sweep(target);
        let failed = |error| ConnectError::io("create", staged.display(), &error);
        let mut file = NewFile::create(&staged, 0o666).map_err(failed)?;
        file.watch();
        if let Ok(old) = old {
            // Who may read an output does not change with its content.
            file.set_permissions(old.permissions()).map_err(failed)?;
        }
        let lock = lock(file.handle().map_err(failed)?);
        Ok((Staging::new(staged, target, lock), file))
    }

    /// Stages a directory of parts for `target`.
    ///
    /// An existing target is replaced as a whole, so it must hold nothing but parts: files that
    /// somebody else put there are never deleted.
    pub fn directory(target: &Path, run: &str) -> Result<Staging, ConnectError> {
        let target = &followed(target)?;
        sweep(target);
        check_replaceable(target)?;
        let staged = staged_path(target, run)?;
        let failed = |error| ConnectError::io("create", staged.display(), &error);
        files::create_folder(&staged).map_err(failed)?;
        let lock = lock(File::open(&staged).map_err(failed)?);
        let staging = Staging::new(staged, target, lock);
        let marker = marker_in(&staging.staged, &staging.staged);
        NewFile::create(&marker, 0o666)
            .map_err(|error| ConnectError::io("create", marker.display(), &error))?;
        Ok(staging)
    }

    fn new(staged: PathBuf, target: &Path, lock: File) -> Staging {
        let (target, owned) = (target.to_owned(), AtomicBool::new(true));
        Staging { staged, target, owned, lock: Arc::new(lock) }
    }

    /// Goes on with a file that an earlier run has staged.
    pub fn go_on(behind: &Behind) -> Result<(Staging, NewFile), ConnectError> {
        let (staged, target, lock) = (&behind.staged, behind.target.clone(), behind.lock.clone());
        let file = NewFile::go_on(staged, &behind.seen)
            .map_err(|error| ConnectError::io("write", staged.display(), &error))?;
        // Until more of it is kept, what is there already stays.
        let owned = AtomicBool::new(false);
        Ok((Staging { staged: staged.clone(), target, owned, lock }, file))
    }

    /// How far a file has come, whose name is made durable; none if nobody knows what is in it.
    pub fn behind(
        &self,
        file: &NewFile,
        rows: u64,
        pending: Vec<u8>,
    ) -> Result<Option<Behind>, ConnectError> {
        sync_folder(&self.staged)?;
        let Some(seen) = file.digest().cloned() else { return Ok(None) };
        let (staged, target) = (self.staged.clone(), self.target.clone());
        let (lock, rest) = (self.lock.clone(), vec![]);
        Ok(Some(Behind { staged, target, seen, rows, pending, rest, lock }))
    }

    /// It stays when this is dropped.
    pub fn keep(&self) {
        self.owned.store(false, Relaxed);
    }

    /// Is it a file, and no folder?
    pub fn is_file(&self) -> bool {
        !self.staged.is_dir()
    }

    /// The staged path.
    pub fn path(&self) -> &Path {
        &self.staged
    }

    /// What was written and synced; a directory's entries are synced here. Of a single file the digest is
    /// that of its bytes.
    pub fn finish(
        self,
        rows: u64,
        bytes: u64,
        digest: Option<String>,
    ) -> Result<Staged, ConnectError> {
        if self.staged.is_dir() {
            sync_folder(&self.staged.join("entry"))?;
        }
        self.keep();
        let moves = vec![(self.staged.clone(), self.target.clone())];
        Ok(Staged { moves, rows, bytes, digest, _locks: vec![self.lock.clone()] })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.owned.load(Relaxed) {
            remove(&self.staged);
        }
    }
}

impl Staged {
    /// Takes over what an earlier run has staged, if it is as that run left it: `kept` is held since
    /// this one began, so that nothing sweeps it.
    pub fn take_over(
        staged: &Path,
        target: &Path,
        kept: Arc<File>,
        rows: u64,
        bytes: u64,
    ) -> Staged {
        let moves = vec![(staged.to_owned(), target.to_owned())];
        Staged { moves, rows, bytes, digest: None, _locks: vec![kept] }
    }

    /// Leaves what was staged to a later run.
    pub fn keep(&mut self) {
        self.moves.clear();
    }

    /// Fails if the outputs cannot be made visible, as far as that can be known before it is tried:
    /// much may have happened to the targets since they were looked at first.
    pub fn check(&self) -> Result<(), ConnectError> {
        for (staged, target) in &self.moves {
            match staged.is_dir() {
                true => check_replaceable(target)?,
                false => refuse_directory(target)?,
            }
            check_writable(folder_of(target))
                .map_err(|error| ConnectError::io("replace", target.display(), &error))?;
        }
        Ok(())
    }

    /// Makes the outputs visible and durable: every move in order, then the folders are synced.
    /// What is not yet published when one fails goes away with `self`.
    pub fn publish(&mut self) -> Result<(), ConnectError> {
        while let Some((staged, target)) = self.moves.first() {
            publish_move(staged, target)?;
            self.moves.remove(0);
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for (staged, target) in &self.moves {
            remove(staged);
            // It may have failed behind the exchange of a directory.
            remove(&marker_in(target, staged));
        }
    }
}

/// Renames one staged path over its target, which is no link, and syncs the folder. May be called again after a crash as long as the staged path exists.
///
/// A directory is exchanged with the old one in one step (`renameat2`), which then is removed.
/// Where the file system cannot exchange, the old one is moved aside first: for that instant the
/// target is missing, never mixed.
pub fn publish_move(staged: &Path, target: &Path) -> Result<(), ConnectError> {
    let failed = |error: io::Error| ConnectError::io("replace", target.display(), &error);
    let is_directory = fs::symlink_metadata(staged).map_err(failed)?.is_dir();
    if !is_directory {
        files::rename(staged, target).map_err(failed)?;
        return sync_folder(target);
    }
    let marker = marker_in(target, staged);
    if !fs::symlink_metadata(target).is_ok_and(|found| found.is_dir()) {
        files::rename(staged, target).map_err(failed)?;
        sync_folder(target)?;
    } else {
        // With the marker in the target the exchange was made before a crash, and what is under
        // the staged name is the old directory.
        if !marker.exists() && files::exchange(staged, target).is_err() {
            move_aside(staged, target).map_err(failed)?;
        }
        sync_folder(target)?;
        remove(staged);
    }
    remove(&marker);
    Ok(())
}

/// Completes a move of a run that died, wherever in [`publish_move`] that was, or before it.
pub fn complete_move(staged: &Path, target: &Path) -> Result<(), ConnectError> {
    if fs::symlink_metadata(staged).is_ok() {
        return publish_move(staged, target);
    }
    // All is done but for the mark in a directory that was exchanged.
    let marker = marker_in(target, staged);
    if target.is_dir() && marker.exists() {
        remove(&marker);
    }
    Ok(())
}

fn move_aside(staged: &Path, target: &Path) -> io::Result<()> {
    let mut aside = staged.as_os_str().to_owned();
    aside.push(".old");
    let aside = PathBuf::from(aside);
    files::rename(target, &aside)?;
    if let Err(error) = files::rename(staged, target) {
        files::rename(&aside, target)?;
        return Err(error);
    }
    remove(&aside);
    Ok(())
}

/// Locks a staged path. Where the file system knows no locks, nothing is swept either.
fn lock(file: File) -> File {
    let _ = file.try_lock();
    file
}

/// Removes what runs that are dead have staged for a target. Best effort: what cannot be removed
/// is in nobody's way.
pub fn sweep(target: &Path) {
    let Some(name) = target.file_name() else { return };
    let prefix = staged_prefix(name);
    let Ok(entries) = fs::read_dir(folder_of(target)) else { return };
    for entry in entries.flatten() {
        let is_staged = entry.file_name().as_bytes().starts_with(prefix.as_bytes());
        if !is_staged || !is_abandoned(&entry.path()) {
            continue;
        }
        let is_aside = entry.path().extension().is_some_and(|extension| extension == "old");
        if is_aside && fs::symlink_metadata(target).is_err() {
            // The run died after it had moved the old output aside and before the new one came.
            let _ = files::rename(&entry.path(), target);
        } else {
            remove(&entry.path());
        }
    }
}

/// Is a staged path's process dead?
fn is_abandoned(path: &Path) -> bool {
    hold(path).is_some()
}

/// Holds a staged path as long as the file is open, if no process does.
pub fn hold(path: &Path) -> Option<File> {
    File::open(path).ok().filter(|file| file.try_lock().is_ok())
}

/// The empty file in a staged directory that tells it from the one it replaces.
fn marker_in(directory: &Path, staged: &Path) -> PathBuf {
    directory.join(staged.file_name().unwrap_or_default())
}

/// Syncs a file; a failure is final, since the pages may be gone: it must be written anew.
pub fn sync(file: &NewFile) -> Result<(), ConnectError> {
    file.sync().map_err(|error| ConnectError::io("sync", file.path().display(), &error))
}

fn staged_path(target: &Path, run: &str) -> Result<PathBuf, ConnectError> {
    let Some(name) = target.file_name() else {
        return Err(ConnectError::new(format!("{} does not name a file", target.display())));
    };
    let folder = folder_of(target);
    files::create_folders(folder, 0o777)
        .map_err(|error| ConnectError::io("create the folder", folder.display(), &error))?;
    let mut staged = staged_prefix(name);
    staged.push(run);
    Ok(folder.join(staged))
}

/// Where a target is once links are followed; what the last one leads to need not be there yet.
fn followed(target: &Path) -> Result<PathBuf, ConnectError> {
    let mut path = target.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = folder_of(&path).join(next);
    }
    Err(ConnectError::new(format!("{} is a link that leads to itself", target.display()))
        .help("remove it, or choose another path"))
}

/// What the names of all staged paths of a target begin with.
fn staged_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".batchc-");
    prefix
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder(target: &Path) -> Result<(), ConnectError> {
    let folder = folder_of(target);
    files::sync_folder(folder).map_err(|error| ConnectError::io("sync", folder.display(), &error))
}

/// A file does not go where a directory is.
fn refuse_directory(target: &Path) -> Result<(), ConnectError> {
    if fs::symlink_metadata(target).is_ok_and(|found| found.is_dir()) {
        return Err(ConnectError::new(format!("{} is a directory", target.display()))
            .help("give the path of a file, or remove the directory"));
    }
    Ok(())
}

fn check_replaceable(target: &Path) -> Result<(), ConnectError> {
    let Ok(found) = fs::symlink_metadata(target) else { return Ok(()) };
    if !found.is_dir() {
        let message =
            format!("{} is a file, and a directory of parts is to go there", target.display());
        return Err(ConnectError::new(message).help("remove it, or choose another path"));
    }
    check_parts(target, target)
}

/// A directory of parts, and of folders of these, holds nothing else.
fn check_parts(target: &Path, folder: &Path) -> Result<(), ConnectError> {
    let failed = |error| ConnectError::io("read", folder.display(), &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name_text = name.to_string_lossy();
        let is_marker = name_text.starts_with('.') && name_text.contains(".batchc-");
        if name_text.contains('=') && entry.file_type().map_err(failed)?.is_dir() {
            check_parts(target, &entry.path())?;
        } else if !name_text.starts_with("part-") && !is_marker {
            let name = entry.path();
            let message = format!(
                "{} holds {}, which is not a part of an output",
                target.display(),
                name.strip_prefix(target).unwrap_or(&name).display()
            );
            return Err(ConnectError::new(message).help("move it away: the directory is replaced"));
        }
    }
    Ok(())
}

/// Removes what a run has staged that nobody will publish.
pub fn discard(staged: &Path) {
    remove(staged);
}

/// Best effort: what cannot be removed is left under its hidden name.
fn remove(path: &Path) {
    let _ = files::remove(path);
}

/// May entries of this folder be renamed?
#[allow(unsafe_code)]
fn check_writable(folder: &Path) -> io::Result<()> {
    let folder = std::ffi::CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: it is a NUL-terminated string that lives until the call returns.
    match unsafe { libc::access(folder.as_ptr(), libc::W_OK | libc::X_OK) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(staging: Staging) -> Staged {
        staging.finish(0, 0, None).unwrap()
    }

    #[test]
    fn a_file_appears_only_when_published() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("new/out.csv");
        let (staging, mut file) = Staging::file(&target, "r1").unwrap();
        io::Write::write_all(&mut file, b"x").unwrap();
        assert!(Staging::file(&target, "r1").is_err(), "a staged name is taken once");
        assert!(staging.path().exists(), "a living run is not swept");
        assert!(!target.exists());
        staged(staging).publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"x");
        let (staging, _) = Staging::file(&target, "r2").unwrap();
        drop(staged(staging));
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn targets_are_looked_at_again_before_anything_is_published() {
        let dir = tempfile::tempdir().unwrap();
        let (file, parts) = (dir.path().join("a.csv"), dir.path().join("parts"));
        let one = staged(Staging::file(&file, "r").unwrap().0);
        let many = staged(Staging::directory(&parts, "r").unwrap());
        assert!(one.check().is_ok() && many.check().is_ok());
        fs::create_dir(&file).unwrap();
        fs::write(&parts, b"x").unwrap();
        let message = |staged: Staged| staged.check().unwrap_err().message;
        assert!(message(one).ends_with("a.csv is a directory"));
        assert!(message(many).contains("parts is a file, and"));
    }

    #[test]
    fn a_directory_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("out");
        for (run, part) in [("r1", "part-00001.csv"), ("r2", "part-00000.csv")] {
            let staging = Staging::directory(&target, run).unwrap();
            fs::write(staging.path().join(part), b"x").unwrap();
            staged(staging).publish().unwrap();
        }
        let names: Vec<_> =
            fs::read_dir(&target).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["part-00000.csv"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(target.join("mine.txt"), b"x").unwrap();
        assert!(Staging::directory(&target, "r3").is_err(), "a user's file is never deleted");
    }

    #[test]
    fn what_dead_runs_have_left_is_swept_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let names = || {
            let entries = fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        fs::write(dir.path().join(".a.csv.batchc-dead"), b"half").unwrap();
        fs::create_dir(dir.path().join(".out.batchc-dead")).unwrap();
        fs::write(dir.path().join(".out.batchc-dead/part-00000.csv"), b"half").unwrap();
        fs::create_dir(dir.path().join(".out.batchc-dead.old")).unwrap();
        fs::write(dir.path().join(".b.csv.batchc-dead"), b"of another target").unwrap();
        staged(Staging::file(&dir.path().join("a.csv"), "r").unwrap().0).publish().unwrap();
        let target = dir.path().join("out");
        let (living, _) = Staging::file(&dir.path().join("b.csv"), "living").unwrap();
        drop(Staging::directory(&target, "r").unwrap());
        assert_eq!(names(), [".b.csv.batchc-living", "a.csv", "out"]);
        drop(living);
    }

    #[test]
    fn what_a_link_leads_to_is_replaced_and_the_link_stays() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("far")).unwrap();
        fs::write(path("far/real"), b"old").unwrap();
        fs::set_permissions(path("far/real"), PermissionsExt::from_mode(0o640)).unwrap();
        symlink("far/real", path("first")).unwrap();
        symlink("first", path("second")).unwrap();
        symlink("far/new", path("dangling")).unwrap();
        symlink("far/parts", path("parts")).unwrap();
        symlink("around", path("around")).unwrap();
        for target in ["second", "dangling"] {
            let (staging, mut file) = Staging::file(&path(target), "r").unwrap();
            io::Write::write_all(&mut file, b"new").unwrap();
            staged(staging).publish().unwrap();
            assert!(fs::symlink_metadata(path(target)).unwrap().is_symlink());
            assert_eq!(fs::read(path(target)).unwrap(), b"new");
        }
        let mode = fs::metadata(path("far/real")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        for _ in 0..2 {
            staged(Staging::directory(&path("parts"), "r").unwrap()).publish().unwrap();
            assert!(fs::symlink_metadata(path("parts")).unwrap().is_symlink());
            assert!(path("far/parts").is_dir());
        }
        let error = Staging::file(&path("around"), "r").err().unwrap();
        assert!(error.message.ends_with("around is a link that leads to itself"));
    }
}
