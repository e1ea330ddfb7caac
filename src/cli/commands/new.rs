//! `batchc new`

use crate::cli::args::New;
use crate::cli::load::refuse;
use crate::cli::print::say;
use std::fs;
use std::path::Path;

/// The files of a new pipeline.
const FILES: &[(&str, &str)] = &[
    ("pipeline.batch", include_str!("../../../stdlib/new/pipeline.batch")),
    ("data/orders.csv", include_str!("../../../stdlib/new/orders.csv")),
    (".gitignore", "/out/\n/.batchc/\n"),
];

/// Makes a folder with a pipeline that runs at once. Nothing that is there is touched.
pub(in crate::cli) fn run(new: &New) -> u8 {
    let dir = &new.dir;
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return refuse(&format!("{} is not empty", dir.display()));
    }
    for (name, text) in FILES {
        if let Err(error) = write(&dir.join(name), text) {
            return refuse(&format!("cannot write {}: {error}", dir.join(name).display()));
        }
    }
    say!("made {}; now run: batchc run {}/pipeline.batch", dir.display(), dir.display());
    0
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}
