//! What a run keeps on disk for itself, apart from its inputs and outputs.
//!
//! Nothing here knows operators or plans: it takes columns and gives them back.

pub mod spool;

use std::path::Path;
use std::{fs, io};

/// The folder beside a pipeline for what runs keep there.
pub const STATE: &str = ".batchc";

/// Makes a folder, and has git ignore the state folder that it is in, if it is in one.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let state = folder.ancestors().find(|above| above.file_name().is_some_and(|n| n == STATE));
    match state.map(|state| state.join(".gitignore")) {
        Some(ignore) if !ignore.exists() => fs::write(ignore, "*\n"),
        _ => Ok(()),
    }
}
