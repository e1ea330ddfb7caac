//! The files of rows that are set aside: JSON lines in the order of the input, written as they
//! come.

use super::Error;
use super::rejects::Reject;
use super::ring::Ring;
use crate::connect::{ConnectError, Extent, Outputs, SinkSpec, Staged, Written};
use crate::ir::QuarantineId;
use crate::plan::NodeId;
use std::collections::{BTreeSet, HashSet};
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use twox_hash::XxHash3_128;

/// The staged files of the quarantines of a run.
pub struct Quarantines {
    ring: Ring<Part>,
    files: Mutex<Files>,
    /// Is there any?
    is_used: bool,
}

/// Counts a row that an operator has set aside, once it is written: of a job that has failed as many
/// rows are told as can be read.
pub type Count<'c> = &'c dyn Fn(NodeId);

/// What a morsel has set aside.
struct Part {
    rejects: Vec<Reject>,
    /// How much of the input the morsel was, when it has been read to its end.
    extent: Option<Extent>,
}

struct Files {
    /// By quarantine; those that no job of the run uses are not written.
    outputs: Vec<Option<Outputs>>,
    /// Digests of the lines that they begin with, with their quarantines: a row that is set aside again
    /// is there already.
    kept: HashSet<(usize, u128)>,
    /// The files that the stage reads.
    names: Vec<Arc<str>>,
    /// Which of them the next morsel is of, with its records and lines so far.
    at: Extent,
}

impl Quarantines {
    /// Stages the files; about so many bytes may wait in memory for their turn.
    pub fn open(specs: &[Option<SinkSpec>], room: usize) -> Result<Quarantines, ConnectError> {
        let open = |spec: &SinkSpec| {
            let outputs = Outputs::open(spec, "jsonl", b"")?;
            outputs.make_private().map(|()| outputs)
        };
        let open = |spec: &Option<SinkSpec>| spec.as_ref().map(open).transpose();
        let outputs = specs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let is_used = outputs.iter().any(Option::is_some);
        let (kept, names, at) = (HashSet::new(), vec![], Extent::default());
        let files = Files { outputs, kept, names, at };
        Ok(Quarantines { ring: Ring::new(room), files: Mutex::new(files), is_used })
    }

    /// Begins a file with the rows of these jobs that it holds as far as so many bytes: rows that no
    /// later run reads again.
    pub fn keep(
        &self,
        quarantine: usize,
        path: &Path,
        bytes: u64,
        is_kept: &dyn Fn(&str) -> bool,
    ) -> Result<(), ConnectError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Files { outputs, kept, .. } = &mut *files;
        let Some(output) = &outputs[quarantine] else { return Ok(()) };
        let failed = |error: io::Error| ConnectError::io("read", path.display(), &error);
        let written = Written { path: path.to_owned(), bytes, rows: 0 };
        let mut lines = match written.read_from(0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            lines => lines.map_err(failed)?.take(bytes),
        };
        let mut line = vec![];
        while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            // What somebody has changed by hand is no row of ours.
            let row: Option<serde_json::Value> = serde_json::from_slice(&line).ok();
            if row.is_some_and(|row| row["_job"].as_str().is_some_and(is_kept)) {
                output.append(0, &line, 1)?;
                kept.insert((quarantine, XxHash3_128::oneshot(&line)));
            }
            line.clear();
        }
        Ok(())
    }

    /// Begins a table that reads these files, or none; this is the number of its first morsel, and so
    /// much of the first file comes before it.
    pub fn begin(&self, names: &[Arc<str>], first: u64, before: Extent) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.names = names.to_vec();
        files.at = before;
        self.ring.restart(first);
    }

    /// Writes what is left of a morsel, when it is its turn.
    pub fn put(
        &self,
        number: u64,
        rejects: Vec<Reject>,
        extent: Option<Extent>,
        count: Count<'_>,
    ) -> Result<(), Error> {
        if !self.is_used {
            rejects.iter().for_each(|reject| count(reject.by.node));
            return Ok(());
        }
        let bytes = rejects.iter().map(Reject::bytes).sum();
        let part = Part { rejects: in_order(rejects), extent };
        self.ring.put(number, part, bytes, &|part| self.append(part, count))
    }

    /// Writes a part of a morsel of which more is to come, once it is its turn. Gives it back when
    /// the stage has failed before.
    pub fn flush(
        &self,
        number: u64,
        rejects: Vec<Reject>,
        count: Count<'_>,
    ) -> Result<Vec<Reject>, Error> {
        if !self.is_used {
            // Its turn never comes.
            return self.put(number, rejects, None, count).map(|()| vec![]);
        }
        let part = Part { rejects: in_order(rejects), extent: None };
        let back = self.ring.flush(number, part, &|part| self.append(part, count))?;
        Ok(back.map_or(vec![], |back| back.rejects))
    }

    /// Writes what a morsel had set aside when it failed, once it is its turn, and nothing of the
    /// morsels behind it: what a failed run leaves does not depend on threads.
    pub fn fail(&self, number: u64, rejects: Vec<Reject>, count: Count<'_>) {
        let part = Part { rejects: in_order(rejects), extent: None };
        // Why the morsel has failed is what is told.
        let _ = self.ring.end(number, part, &|part| self.append(part, count));
        self.ring.abort();
    }

    fn append(&self, part: Part, count: Count<'_>) -> Result<(), Error> {
        part.rejects.iter().for_each(|reject| count(reject.by.node));
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Files { outputs, kept, names, at } = &mut *files;
        let mut written: Vec<(Vec<u8>, u64)> = outputs.iter().map(|_| (vec![], 0)).collect();
        for reject in part.rejects {
            if let Some(file) = reject.place.file
                && file != at.file
            {
                *at = Extent { file, records: 0, lines: 0 };
            }
            let quarantine = reject.quarantine.0 as usize;
            let (lines, rows) = &mut written[quarantine];
            let start = lines.len();
            write_line(lines, &reject, at, names);
            // Of others than those of files there may be several alike.
            let is_there = !kept.is_empty()
                && reject.place.file.is_some()
                && kept.contains(&(quarantine, XxHash3_128::oneshot(&lines[start..])));
            match is_there {
                true => lines.truncate(start),
                false => *rows += 1,
            }
        }
        for (output, (lines, rows)) in outputs.iter().zip(written) {
            if let Some(output) = output.as_ref().filter(|_| rows > 0) {
                output.append(0, &lines, rows)?;
            }
        }
        if let Some(extent) = part.extent {
            let same = extent.file == at.file;
            let before = if same { *at } else { Extent::default() };
            *at = Extent {
                file: extent.file,
                records: before.records + extent.records,
                lines: before.lines + extent.lines,
            };
        }
        Ok(())
    }

    /// The files so far, with their lengths and rows.
    pub fn written(&self) -> Result<Vec<Option<Written>>, ConnectError> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |output: &Option<Outputs>| output.as_ref().map(Outputs::written).transpose();
        files.outputs.iter().map(of).collect()
    }

    /// Gives up what was written since then, but for the rows of these jobs.
    pub fn rewind(
        &self,
        to: &[Option<Written>],
        but_of: &BTreeSet<&str>,
    ) -> Result<(), ConnectError> {
        let now = self.written()?;
        for (at, (to, now)) in to.iter().zip(now).enumerate() {
            let (Some(to), Some(now)) = (to, now) else { continue };
            if now.bytes == to.bytes {
                continue;
            }
            let (kept, rows) = lines_of(&now, to.bytes, but_of)
                .map_err(|error| ConnectError::io("read", now.path.display(), &error))?;
            let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(output) = &files.outputs[at] {
                output.rewind(to)?;
                output.append(0, &kept, rows)?;
            }
        }
        Ok(())
    }

    /// Goes on with what an earlier run has written.
    pub fn go_on(&self, quarantine: usize, bytes: &[u8], rows: u64) -> Result<(), ConnectError> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match &files.outputs[quarantine] {
            Some(output) => output.append(0, bytes, rows),
            None => Ok(()),
        }
    }

    /// Ends the files; they are not visible yet.
    pub fn finish(self) -> Result<Vec<(QuarantineId, Staged)>, ConnectError> {
        let files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        let outputs = files.outputs.into_iter().enumerate();
        let finish = |(at, output): (usize, Option<Outputs>)| {
            output.map(|output| Ok((QuarantineId(at as u32), output.finish()?)))
        };
        outputs.filter_map(finish).collect()
    }
}

/// The rows of these jobs behind so many bytes of a file, and how many they are.
fn lines_of(now: &Written, from: u64, jobs: &BTreeSet<&str>) -> io::Result<(Vec<u8>, u64)> {
    let (mut kept, mut rows) = (vec![], 0);
    if jobs.is_empty() {
        return Ok((kept, rows));
    }
    let mut file = now.read_from(from)?;
    let mut line = vec![];
    while file.read_until(b'\n', &mut line)? > 0 {
        let row: serde_json::Value = serde_json::from_slice(&line)?;
        if row["_job"].as_str().is_some_and(|job| jobs.contains(job)) {
            kept.extend_from_slice(&line);
            rows += 1;
        }
        line.clear();
    }
    Ok((kept, rows))
}

/// In the order of the input; those of one row in that of the operators.
fn in_order(mut rejects: Vec<Reject>) -> Vec<Reject> {
    rejects.sort_by_key(|reject| (reject.position, reject.by));
    rejects
}

/// Ends the line of a row with its place: `before` it were so many records and lines of its file.
fn write_line(out: &mut Vec<u8>, reject: &Reject, before: &Extent, names: &[Arc<str>]) {
    let place = &reject.place;
    let name = place.file.and_then(|file| names.get(file));
    let row = place.file.map(|_| before.records + place.row + 1);
    let line = place.line.map(|line| before.lines + line + 1);
    out.extend_from_slice(&reject.head);
    write_value(out, "_source_file", &name.map(|name| &**name));
    write_value(out, "_source_row", &row);
    write_value(out, "_line", &line);
    if let Some(text) = &reject.text {
        write_value(out, "_text", &&**text);
    }
    out.extend_from_slice(b"}\n");
}

/// Goes on in an object that has begun.
pub(super) fn write_value(out: &mut Vec<u8>, key: &str, value: &impl serde::Serialize) {
    write_key(out, key);
    serde_json::to_writer(&mut *out, value).expect("JSON values can be written to memory");
}

/// The same of a value that is JSON already, of which every digit counts.
pub(super) fn write_json(out: &mut Vec<u8>, key: &str, json: &str) {
    write_key(out, key);
    out.extend_from_slice(json.as_bytes());
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    let separator: &[u8] = if out.last() == Some(&b'{') { b"" } else { b"," };
    out.extend_from_slice(separator);
    serde_json::to_writer(&mut *out, key).expect("a text can be written to memory");
    out.push(b':');
}
