//! `batchc new`

use crate::cli::args::{Global, New};
use crate::cli::load::refuse;
use crate::cli::print::say;
use crate::connect::shell_word;
use std::fs;
use std::path::Path;

/// The files of a new pipeline.
const FILES: &[(&str, &str)] = &[
    ("pipeline.batch", include_str!("../../../stdlib/new/pipeline.batch")),
    ("data/orders.csv", include_str!("../../../stdlib/new/orders.csv")),
    (".gitignore", "/out/\n/.batchc/\n"),
];

/// Makes a folder with a pipeline that runs at once. Nothing that is there is touched.
pub(in crate::cli) fn run(new: &New, global: &Global) -> u8 {
    let dir = &new.dir;
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return refuse(&format!("{} is not empty", dir.display()), global);
    }
    if dir.exists() && !dir.is_dir() {
        return refuse(&format!("{} is a file, and a folder is made", dir.display()), global);
    }
    for (name, text) in FILES {
        if let Err(error) = write(&dir.join(name), text) {
            let message = format!("cannot write {}: {error}", dir.join(name).display());
            return refuse(&message, global);
        }
    }
    let pipeline = dir.join("pipeline.batch");
    let pipeline = shell_word(&pipeline.to_string_lossy());
    say!("made {}; now run: batchc run {pipeline}", dir.display());
    say!("its tests run with: batchc test {pipeline}");
    0
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}
