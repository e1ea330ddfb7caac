//! What a run keeps on disk for itself, apart from its inputs and outputs: the state folder with its
//! lock, the journal of outputs that are being published, the ledger of runs and outputs, checkpoints of
//! stages; and the spool.
//!
//! Nothing here knows operators, plans or what is in an output: it takes columns, paths and texts and
//! gives them back.

pub mod checkpoint;
pub mod history;
pub mod journal;
pub mod ledger;
pub mod lock;
pub mod runs;
pub mod spool;

use crate::files::{self, NewFile};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// The folder beside a pipeline for what runs keep there.
pub const STATE: &str = ".batchc";

/// What went wrong with the state of runs: one sentence, lower case first, and one thing to do.
#[derive(Debug)]
pub struct StateError {
    /// `cannot write .batchc/state.db: no space left on device`
    pub message: String,
    /// What can be done, if there is something.
    pub help: Option<String>,
}

impl StateError {
    /// This message.
    pub(crate) fn new(message: impl Into<String>) -> StateError {
        StateError { message: message.into(), help: None }
    }

    /// Something could not be done to a file.
    pub(crate) fn io(verb: &str, path: &Path, error: &io::Error) -> StateError {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default().to_lowercase();
        StateError::new(format!("cannot {verb} {}: {text}", path.display()))
    }

    /// With something to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> StateError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Makes a folder that is its owner's alone, whatever the umask, and has git ignore the state folder
/// that it is in, if it is in one.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let state = folder.ancestors().find(|above| above.file_name().is_some_and(|n| n == STATE));
    if let Some(state) = state {
        make_state_folder(state)?;
    }
    files::create_folders(folder, 0o700)
}

fn make_state_folder(state: &Path) -> io::Result<()> {
    files::create_folders(state, 0o700)?;
    let found = fs::symlink_metadata(state)?;
    if found.is_dir() && found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(state, fs::Permissions::from_mode(0o700))?;
    }
    let ignore = state.join(".gitignore");
    if ignore.exists() {
        return Ok(());
    }
    use std::io::Write;
    NewFile::create(&ignore, 0o644)?.write_all(b"*\n")
}

/// Makes the state folder and refuses one that others could have planted: a link, or a folder of
/// another user.
pub fn open_folder(state: &Path) -> Result<PathBuf, StateError> {
    let elsewhere = "keep the state of runs elsewhere: --state-dir FOLDER";
    if let Ok(found) = fs::symlink_metadata(state) {
        if !found.is_dir() {
            let what = if found.is_symlink() { "a link" } else { "no folder" };
            let message = format!("{} is {what}, and runs keep their state there", state.display());
            return Err(StateError::new(message).help(elsewhere));
        }
        if found.uid() != user() {
            let message = format!("the state folder {} belongs to another user", state.display());
            return Err(StateError::new(message).help(elsewhere));
        }
    }
    let failed = |error| StateError::io("make the state folder", state, &error).help(elsewhere);
    make_state_folder(state).map_err(failed)?;
    Ok(state.to_owned())
}

#[allow(unsafe_code)]
fn user() -> u32 {
    // SAFETY: it has no arguments and cannot fail.
    unsafe { libc::geteuid() }
}

/// Writes a file that appears whole or not at all, and is there after a power cut.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let staged = path.with_extension("new");
    if staged.exists() {
        files::remove(&staged)?;
    }
    let mut file = NewFile::create(&staged, files::PRIVATE)?;
    file.write_all(bytes)?;
    file.sync()?;
    files::rename(&staged, path)?;
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    files::sync_folder(path.parent().expect("it is in the state folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_its_owners_alone_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join(STATE);
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
        open_folder(&state).unwrap();
        assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
        fs::create_dir(folder.path().join("far")).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("far", &link).unwrap();
        assert!(
            open_folder(&link)
                .unwrap_err()
                .message
                .ends_with("is a link, and runs keep their state there")
        );
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(open_folder(&folder.path().join("file")).is_err());
    }
}
