//! What runs have done: which outputs are published and from what, what the files they read were, and
//! the runs themselves. An SQLite database in the state folder; without it everything is computed
//! anew, never wrongly.

use super::StateError;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The version of the tables.
const VERSION: i64 = 1;

const TABLES: &str = "
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

/// The ledger of a state folder.
pub struct Ledger {
    path: PathBuf,
    database: Connection,
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

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// The pipeline's file.
    pub pipeline: String,
    /// When it started: RFC 3339, UTC.
    pub started: String,
    /// The process.
    pub process: u32,
    /// How it ended, as its report says; `RUNNING` as long as it did not.
    pub status: String,
    /// Wall time.
    pub seconds: Option<f64>,
    /// Rows read from sources.
    pub rows_read: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The report, as JSON.
    pub report: Option<String>,
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
            if found == 0 {
                let tables =
                    format!("begin immediate; {TABLES} pragma user_version = {VERSION}; commit;");
                let made = database.execute_batch(&tables);
                if made.is_err() {
                    let _ = database.execute_batch("rollback");
                }
                found = database.query_row("pragma user_version", [], version)?;
                // Another run may have been faster; else the disk is full.
                if found == 0 {
                    made?;
                }
            }
            Ok(found)
        };
        let found: i64 = prepare().map_err(failed)?;
        if found != VERSION {
            let message = format!("{} was written by another version of batchc", path.display());
            let help = "use that version, or remove the file: all outputs are then made anew";
            return Err(StateError::new(message).help(help));
        }
        Ok(Ledger { path, database })
    }

    /// Opens the ledger of a state folder, if there is one that can be read.
    pub fn look(state: &Path) -> Option<Ledger> {
        state.join("state.db").is_file().then(|| Ledger::open(state).ok()).flatten()
    }

    fn failed(&self, error: rusqlite::Error) -> StateError {
        unusable(&self.path, &error)
    }

    /// What is known of an output.
    pub fn output(&self, pipeline: &str, output: &str) -> Result<Option<Entry>, StateError> {
        let sql = "select key, path, made, target, run, rows, bytes from outputs \
                   where pipeline = ?1 and output = ?2";
        let entry = |row: &rusqlite::Row| {
            Ok(Entry {
                pipeline: pipeline.to_owned(),
                output: output.to_owned(),
                key: row.get(0)?,
                path: row.get(1)?,
                made: row.get(2)?,
                target: row.get(3)?,
                run: row.get(4)?,
                rows: row.get::<_, i64>(5)? as u64,
                bytes: row.get::<_, i64>(6)? as u64,
            })
        };
        let found = self.database.prepare_cached(sql);
        let found = found.and_then(|mut sql| sql.query_row([pipeline, output], entry).optional());
        found.map_err(|error| self.failed(error))
    }

    /// What is known of a file.
    pub fn file(&self, path: &str) -> Result<Option<FileEntry>, StateError> {
        let sql = "select identity, content from files where path = ?1";
        let entry = |row: &rusqlite::Row| {
            Ok(FileEntry { path: path.to_owned(), identity: row.get(0)?, content: row.get(1)? })
        };
        let found = self.database.prepare_cached(sql);
        let found = found.and_then(|mut sql| sql.query_row([path], entry).optional());
        found.map_err(|error| self.failed(error))
    }

    /// Notes outputs that are published and the files that were read, all or nothing.
    pub fn note(&mut self, outputs: &[Entry], files: &[FileEntry]) -> Result<(), StateError> {
        let mut note = || {
            let change = self.database.transaction()?;
            for one in outputs {
                change.execute(
                    "insert or replace into outputs values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    params![
                        one.pipeline,
                        one.output,
                        one.key,
                        one.path,
                        one.made,
                        one.target,
                        one.run,
                        one.rows as i64,
                        one.bytes as i64
                    ],
                )?;
            }
            for one in files {
                change.execute(
                    "insert or replace into files values (?1, ?2, ?3)",
                    params![one.path, one.identity, one.content],
                )?;
            }
            change.commit()
        };
        note().map_err(|error| unusable(&self.path, &error))
    }

    /// Notes that a run begins, or how it ended.
    pub fn note_run(&self, run: &Run) -> Result<(), StateError> {
        let sql = "insert or replace into runs values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = params![
            run.id,
            run.pipeline,
            run.started,
            run.process,
            run.status,
            run.seconds,
            run.rows_read.map(|rows| rows as i64),
            run.error,
            run.report
        ];
        let noted = self.database.execute(sql, values);
        noted.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// Forgets all runs of a pipeline but the last of them; says which.
    pub fn keep_runs(&self, pipeline: &str, last: u32) -> Result<Vec<String>, StateError> {
        let sql = "delete from runs where pipeline = ?1 and id not in \
                   (select id from runs where pipeline = ?1 order by started desc, id desc limit ?2) returning id";
        let forget = || {
            let mut sql = self.database.prepare(sql)?;
            sql.query_map(params![pipeline, last], |row| row.get(0))?.collect::<Result<_, _>>()
        };
        forget().map_err(|error| self.failed(error))
    }

    /// The runs, the latest first; of one pipeline if one is named.
    pub fn runs(&self, pipeline: Option<&str>) -> Result<Vec<Run>, StateError> {
        let sql = "select id, pipeline, started, process, status, seconds, rows_read, error, report \
                   from runs where ?1 is null or pipeline = ?1 order by started desc, id desc";
        let run = |row: &rusqlite::Row| {
            Ok(Run {
                id: row.get(0)?,
                pipeline: row.get(1)?,
                started: row.get(2)?,
                process: row.get(3)?,
                status: row.get(4)?,
                seconds: row.get(5)?,
                rows_read: row.get::<_, Option<i64>>(6)?.map(|rows| rows as u64),
                error: row.get(7)?,
                report: row.get(8)?,
            })
        };
        let all = || {
            let mut sql = self.database.prepare(sql)?;
            sql.query_map([pipeline], run)?.collect::<Result<_, _>>()
        };
        all().map_err(|error| self.failed(error))
    }
}

fn unusable(path: &Path, error: &rusqlite::Error) -> StateError {
    let damaged = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    );
    let found = StateError::new(format!("cannot use {}: {error}", path.display()));
    match damaged {
        true => found.help("remove the file: all outputs are then made anew"),
        false => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn what_is_no_ledger_is_refused_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state.db"), "x".repeat(5000)).unwrap();
        let error = Ledger::open(folder.path()).err().unwrap();
        assert_eq!(error.help.as_deref(), Some("remove the file: all outputs are then made anew"));
        fs::remove_file(folder.path().join("state.db")).unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        ledger.database.execute_batch("pragma user_version = 99").unwrap();
        drop(ledger);
        let error = Ledger::open(folder.path()).err().unwrap();
        assert!(error.message.ends_with("was written by another version of batchc"));
    }
}
