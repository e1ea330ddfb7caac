//! What runs have done: which outputs are published and from what, and what the files they read were;
//! the runs themselves are [`super::history`]. An SQLite database in the state folder; without it
//! everything is computed anew, never wrongly.
//!
//! What outputs and files are decided by has a checksum in each entry: one that is not what was written
//! is as one that is not there.

use super::StateError;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_128;

/// The version of the tables.
const VERSION: i64 = 2;

/// Those of version 1, with which every state began.
const FIRST: &str = "
    create table runs (
        id text primary key, pipeline text not null, started text not null, process integer not null,
        status text not null, seconds real, rows_read integer, error text, report text
    ) without rowid;
    create index runs_by_time on runs (started);
    create table outputs (
        pipeline text not null, output text not null, key text not null, path text not null,
        made text not null, target text not null, run text not null,
        rows integer not null, bytes integer not null,
        primary key (pipeline, output)
    ) without rowid;
    create table files (
        path text primary key, identity text not null, content text
    ) without rowid;
";

/// What came with version 2: checksums, the order of runs, and what became of jobs and partitions.
const SECOND: &str = "
    alter table outputs add column checksum text;
    alter table files add column checksum text;
    alter table runs add column number integer;
    drop index runs_by_time;
    create index runs_by_number on runs (number);
    create table jobs (
        run text not null, job text not null, status text not null, needs text, error text,
        tries integer not null, records_in integer not null, records_out integer not null,
        records_failed integer not null, seconds real not null, peak_memory integer not null,
        primary key (run, job)
    ) without rowid;
    create table partitions (
        run text not null, job text not null, partition integer not null,
        records_processed integer not null, records_failed integer not null,
        primary key (run, job, partition)
    ) without rowid;
";

/// The ledger of a state folder.
pub struct Ledger {
    path: PathBuf,
    pub(super) database: Connection,
}

/// An output that is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The pipeline's file.
    pub pipeline: String,
    /// The output.
    pub output: String,
    /// The digest of all that it depends on.
    pub key: String,
    /// Where it is.
    pub path: String,
    /// What it was made from, for saying what is new.
    pub made: String,
    /// What tells whether somebody else wrote there since.
    pub target: String,
    /// The run that made it.
    pub run: String,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its absolute path.
    pub path: String,
    /// What tells whether it was changed since.
    pub identity: String,
    /// The digest of its bytes, if all of them were read.
    pub content: Option<String>,
}

impl Ledger {
    /// Opens the ledger of a state folder, and makes it if there is none.
    pub fn open(state: &Path) -> Result<Ledger, StateError> {
        let path = state.join("state.db");
        // What is made here is its owner's alone; SQLite's other files follow it in that.
        let made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path);
        made.map_err(|error| StateError::io("open", &path, &error))?;
        let failed = |error: rusqlite::Error| unusable(&path, &error);
        let database = Connection::open(&path).map_err(failed)?;
        let prepare = || {
            database.busy_timeout(std::time::Duration::from_secs(10))?;
            database.execute_batch("pragma journal_mode = wal; pragma synchronous = normal;")?;
            let version = |row: &rusqlite::Row| row.get(0);
            let mut found: i64 = database.query_row("pragma user_version", [], version)?;
            if found < VERSION {
                let first = if found == 0 { FIRST } else { "" };
                let tables = format!(
                    "begin immediate; {first} {SECOND} pragma user_version = {VERSION}; commit;"
                );
                let made = database.execute_batch(&tables);
                if made.is_err() {
                    let _ = database.execute_batch("rollback");
                }
                found = database.query_row("pragma user_version", [], version)?;
                // Another run may have been faster; else the disk is full.
                if found < VERSION {
                    made?;
                }
            }
            Ok(found)
        };
        let found: i64 = prepare().map_err(failed)?;
        if found != VERSION {
            let message = format!("{} was written by another version of batchc", path.display());
            let help = "use that version, or remove the file: all outputs are then made anew, but for those that rows are added to, which have to be moved away";
            return Err(StateError::new(message).help(help));
        }
        Ok(Ledger { path, database })
    }

    /// Opens the ledger of a state folder, if there is one that can be read.
    pub fn look(state: &Path) -> Option<Ledger> {
        state.join("state.db").is_file().then(|| Ledger::open(state).ok()).flatten()
    }

    pub(super) fn failed(&self, error: rusqlite::Error) -> StateError {
        unusable(&self.path, &error)
    }

    /// What is known of an output.
    pub fn output(&self, pipeline: &str, output: &str) -> Result<Option<Entry>, StateError> {
        let sql = "select key, path, made, target, run, rows, bytes, checksum from outputs \
                   where pipeline = ?1 and output = ?2";
        let entry = |row: &rusqlite::Row| {
            let entry = Entry {
                pipeline: pipeline.to_owned(),
                output: output.to_owned(),
                key: row.get(0)?,
                path: row.get(1)?,
                made: row.get(2)?,
                target: row.get(3)?,
                run: row.get(4)?,
                rows: row.get::<_, i64>(5)? as u64,
                bytes: row.get::<_, i64>(6)? as u64,
            };
            let is_whole = is_whole(row.get(7)?, &entry.checksum());
            Ok(is_whole.then_some(entry))
        };
        let found = self.database.prepare_cached(sql);
        let found = found.and_then(|mut sql| sql.query_row([pipeline, output], entry).optional());
        found.map(Option::flatten).map_err(|error| self.failed(error))
    }

    /// What is known of a file.
    pub fn file(&self, path: &str) -> Result<Option<FileEntry>, StateError> {
        let sql = "select identity, content, checksum from files where path = ?1";
        let entry = |row: &rusqlite::Row| {
            let (path, identity, content) = (path.to_owned(), row.get(0)?, row.get(1)?);
            let entry = FileEntry { path, identity, content };
            let is_whole = is_whole(row.get(2)?, &entry.checksum());
            Ok(is_whole.then_some(entry))
        };
        let found = self.database.prepare_cached(sql);
        let found = found.and_then(|mut sql| sql.query_row([path], entry).optional());
        found.map(Option::flatten).map_err(|error| self.failed(error))
    }

    /// Notes outputs that are published and the files that were read, all or nothing.
    pub fn note(&mut self, outputs: &[Entry], files: &[FileEntry]) -> Result<(), StateError> {
        let mut note = || {
            let change = self.database.transaction()?;
            for one in outputs {
                change.execute(
                    "insert or replace into outputs values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    params![
                        one.pipeline,
                        one.output,
                        one.key,
                        one.path,
                        one.made,
                        one.target,
                        one.run,
                        one.rows as i64,
                        one.bytes as i64,
                        one.checksum()
                    ],
                )?;
            }
            for one in files {
                change.execute(
                    "insert or replace into files values (?1, ?2, ?3, ?4)",
                    params![one.path, one.identity, one.content, one.checksum()],
                )?;
            }
            change.commit()
        };
        note().map_err(|error| unusable(&self.path, &error))
    }
}

impl Entry {
    fn checksum(&self) -> String {
        let Entry { pipeline, output, key, path, made, target, run, rows, bytes } = self;
        let texts = [pipeline, output, key, path, made, target, run];
        checksum(&texts.map(|text| Some(text.as_str())), &[*rows, *bytes])
    }
}

impl FileEntry {
    fn checksum(&self) -> String {
        checksum(&[Some(&self.path), Some(&self.identity), self.content.as_deref()], &[])
    }
}

/// Of texts, each with its length before it, and numbers.
fn checksum(texts: &[Option<&str>], numbers: &[u64]) -> String {
    let mut hasher = XxHash3_128::new();
    for text in texts {
        hasher.write(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.write(text.unwrap_or_default().as_bytes());
    }
    numbers.iter().for_each(|number| hasher.write(&number.to_le_bytes()));
    format!("{:032x}", hasher.finish_128())
}

/// Is an entry what was written? Those of version 1 have no checksum.
fn is_whole(written: Option<String>, found: &str) -> bool {
    written.is_none_or(|written| written == found)
}

fn unusable(path: &Path, error: &rusqlite::Error) -> StateError {
    let damaged = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    );
    let found = StateError::new(format!("cannot use {}: {error}", path.display()));
    match damaged {
        true => found.help("remove the file: all outputs are then made anew, but for those that rows are added to, which have to be moved away"),
        false => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::history::Run;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn entry(key: &str) -> Entry {
        Entry {
            pipeline: "p.batch".into(),
            output: "o".into(),
            key: key.into(),
            path: "o.csv".into(),
            made: "{}".into(),
            target: "1".into(),
            run: "r".into(),
            rows: u64::from(u32::MAX) + 1,
            bytes: 2,
        }
    }

    #[test]
    fn what_is_noted_is_there_for_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = FileEntry { path: "/a".into(), identity: "i".into(), content: None };
        let mut ledger = Ledger::open(folder.path()).unwrap();
        ledger.note(&[entry("old")], std::slice::from_ref(&file)).unwrap();
        ledger.note(&[entry("new")], &[]).unwrap();
        drop(ledger);
        let ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(ledger.output("p.batch", "o").unwrap(), Some(entry("new")));
        assert_eq!(ledger.output("q.batch", "o").unwrap(), None);
        assert_eq!(ledger.file("/a").unwrap(), Some(file));
        let mode = fs::metadata(folder.path().join("state.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_entry_that_is_not_what_was_written_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = FileEntry { path: "/a".into(), identity: "i".into(), content: Some("c".into()) };
        for (table, columns) in [
            ("outputs", &["key", "path", "made", "target", "run", "rows", "bytes"][..]),
            ("files", &["identity", "content"]),
        ] {
            for column in columns {
                let mut ledger = Ledger::open(folder.path()).unwrap();
                ledger.note(&[entry("new")], std::slice::from_ref(&file)).unwrap();
                assert_eq!(ledger.output("p.batch", "o").unwrap(), Some(entry("new")));
                let other = format!("update {table} set {column} = {column} || '1'");
                ledger.database.execute_batch(&other).unwrap();
                let is_there = match table {
                    "outputs" => ledger.output("p.batch", "o").unwrap().is_some(),
                    _ => ledger.file("/a").unwrap().is_some(),
                };
                assert!(!is_there, "{table} {column}");
            }
        }
    }

    #[test]
    fn the_state_of_the_first_version_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("state.db")).unwrap();
        let old = "insert into outputs values ('p.batch', 'o', 'k', 'o.csv', '{}', '1', 'r', 1, 2);
                   insert into files values ('/a', 'i', null);
                   insert into runs values ('a', 'p', '2026-01-01', 1, 'SUCCESS', 1, 2, null, null);
                   insert into runs values ('b', 'p', '2026-01-02', 1, 'FAILED', 1, 2, 'no', null);
                   pragma user_version = 1;";
        database.execute_batch(&format!("{FIRST} {old}")).unwrap();
        drop(database);
        let ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(ledger.output("p.batch", "o").unwrap().map(|entry| entry.rows), Some(1));
        assert!(ledger.file("/a").unwrap().is_some());
        let run = |id: &str, started: &str| Run {
            id: id.into(),
            pipeline: "p".into(),
            started: started.into(),
            process: 1,
            status: "RUNNING".into(),
            seconds: None,
            rows_read: None,
            error: None,
            report: None,
        };
        // The clock was set back before it.
        ledger.note_run(&run("c", "2025-01-01"), &[]).unwrap();
        ledger.note_run(&run("d", "2024-01-01"), &[]).unwrap();
        ledger.note_run(&Run { status: "SUCCESS".into(), ..run("c", "2025-01-01") }, &[]).unwrap();
        let names = |ledger: &Ledger| -> Vec<String> {
            ledger.runs(None).unwrap().into_iter().map(|run| run.id).collect()
        };
        assert_eq!(names(&ledger), ["d", "c", "b", "a"]);
        assert_eq!(ledger.keep_runs("p", 2).unwrap(), ["a", "b"]);
        assert_eq!(names(&ledger), ["d", "c"]);
    }

    #[test]
    fn what_is_no_ledger_is_refused_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state.db"), "x".repeat(5000)).unwrap();
        let error = Ledger::open(folder.path()).err().unwrap();
        assert_eq!(
            error.help.as_deref(),
            Some(
                "remove the file: all outputs are then made anew, but for those that rows are added to, which have to be moved away"
            )
        );
        fs::remove_file(folder.path().join("state.db")).unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        ledger.database.execute_batch("pragma user_version = 99").unwrap();
        drop(ledger);
        let error = Ledger::open(folder.path()).err().unwrap();
        assert!(error.message.ends_with("was written by another version of batchc"));
    }
}
