//! The rows that runs have set aside, as they are read again from a state folder.

use super::args::Global;
use super::history::History;
use super::load::refuse_name;
use crate::data::display;
use crate::store::history::Run;
use crate::types::{DataType, Scalar};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A quarantine of a state folder.
pub(super) struct Quarantine {
    pub(super) name: String,
    path: PathBuf,
    /// When it was written: RFC 3339, UTC.
    pub(super) written: String,
}

/// What a quarantine holds, all together.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) rows: u64,
    /// How many rows there are of each job and kind of reason.
    pub(super) reasons: BTreeMap<(String, String), u64>,
}

impl Quarantine {
    /// All of a state folder, by name.
    pub(super) fn all(state: &Path) -> Vec<Quarantine> {
        let entries = fs::read_dir(state.join("quarantine")).into_iter().flatten().flatten();
        let mut all: Vec<Quarantine> = entries.filter_map(|entry| of(&entry.path())).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The one of this name.
    pub(super) fn find(state: &Path, name: &str, global: &Global) -> Result<Quarantine, u8> {
        let mut all = Quarantine::all(state);
        match all.iter().position(|one| one.name == name) {
            Some(at) => Ok(all.swap_remove(at)),
            None => {
                let names = all.iter().map(|one| &*one.name);
                Err(refuse_name("there is no quarantine", name, names, global))
            }
        }
    }

    /// The run that wrote it, as far as that is remembered.
    pub(super) fn run<'h>(&self, history: &'h History) -> Option<&'h Run> {
        history.runs.iter().find(|run| {
            let report: Option<Value> =
                run.report.as_deref().and_then(|text| serde_json::from_str(text).ok());
            let quarantines = report.as_ref().and_then(|report| report["quarantines"].as_array());
            let mut names = quarantines.into_iter().flatten().map(|one| &one["quarantine"]);
            names.any(|name| *name == *self.name)
        })
    }

    /// Its lines, one after the other: the file can be larger than memory.
    pub(super) fn lines(&self) -> Result<impl Iterator<Item = String>, String> {
        let failed = |error| format!("cannot read {}: {error}", self.path.display());
        let file = File::open(&self.path).map_err(failed)?;
        Ok(BufReader::new(file).lines().map_while(Result::ok))
    }

    /// Its rows, counted by what was wrong.
    pub(super) fn counted(&self) -> Result<Counted, String> {
        let mut counted = Counted::default();
        for line in self.lines()? {
            let row: Value = serde_json::from_str(&line).unwrap_or_default();
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            counted.rows += 1;
            *counted.reasons.entry((text("_job"), kind(&text("_reason")))).or_default() += 1;
        }
        Ok(counted)
    }
}

fn of(path: &Path) -> Option<Quarantine> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    let time = modified.duration_since(UNIX_EPOCH).ok()?.as_secs() as i64 * 1_000_000;
    let written = display(&Scalar::Timestamp(time), &DataType::Timestamp);
    let is_hidden = name.starts_with('.');
    (!is_hidden).then(|| Quarantine { name: name.to_owned(), path: path.to_owned(), written })
}

/// A reason without the value that it names, so that rows of one reason count as one.
fn kind(reason: &str) -> String {
    match (reason.find('"'), reason.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}\"…\"{}", &reason[..first], &reason[last + 1..])
        }
        _ => reason.to_owned(),
    }
}

/// Where a row came from, and which job set it aside; of one whose place is not known, all that is.
pub(super) fn identity(line: &str) -> String {
    let row: Value = serde_json::from_str(line).unwrap_or_default();
    match row["_source_row"].is_null() {
        true => line.to_owned(),
        false => format!("{} {} {}", row["_job"], row["_source_file"], row["_source_row"]),
    }
}
