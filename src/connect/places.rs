//! Where paths lead, however they are spelled: links followed, no `.` and `..` in them.

use super::Arguments;
use super::input::{GLOB, glob_names, has_wildcards, is_pattern};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The place that a path names; what is not there yet is named by where it would come to be.
pub fn place(path: &Path) -> PathBuf {
    // As many links as Linux follows.
    resolve(path, 40)
}

fn resolve(path: &Path, links: u8) -> PathBuf {
    if let Ok(found) = fs::canonicalize(path) {
        return found;
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut place = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            place.pop();
            continue;
        }
        place.push(part);
        if let Ok(next) = fs::read_link(&place)
            && links > 0
        {
            place.pop();
            place = resolve(&place.join(next), links - 1);
        }
    }
    place
}

/// The places that a source reads.
pub struct Reads {
    /// Files, and the folders that patterns look into.
    places: Vec<PathBuf>,
    /// Patterns, below the places of their folders: files that are not there yet match too.
    patterns: Vec<glob::Pattern>,
}

impl Reads {
    /// What the argument `path` of a source names. What cannot be looked at is told by who opens it.
    pub fn of(base: &Path, arguments: &Arguments) -> Reads {
        let mut reads = Reads { places: vec![], patterns: vec![] };
        for text in arguments.texts("path").unwrap_or_default() {
            if !is_pattern(base, text) {
                reads.places.push(place(&base.join(text)));
                continue;
            }
            let mut names = vec![];
            let _ = glob_names(base, text, &mut names);
            reads.places.extend(names.iter().map(|name| place(&base.join(name))));
            let is_plain = |part: &Component| !has_wildcards(&part.as_os_str().to_string_lossy());
            let folder: PathBuf = Path::new(text).components().take_while(is_plain).collect();
            let rest: PathBuf = Path::new(text).components().skip_while(is_plain).collect();
            let folder = place(&base.join(folder));
            let pattern = Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(rest);
            reads.patterns.extend(glob::Pattern::new(&pattern.to_string_lossy()));
            reads.places.push(folder);
        }
        reads
    }

    /// Would an output at this place, a file or a folder, replace what is read?
    pub fn meets(&self, target: &Path) -> bool {
        self.places.iter().any(|read| read.starts_with(target))
            || self.patterns.iter().any(|pattern| pattern.matches_path_with(target, GLOB))
    }
}
