//! The runs of a state folder, what became of their jobs, and how many rows their partitions had: a part
//! of the ledger that decides nothing, for who wants to know.

use super::StateError;
use super::ledger::Ledger;
use rusqlite::{Connection, params};

/// The latest first; those that version 1 noted have no number, and came before.
const ORDER: &str = "number desc, started desc, id desc";

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

/// What became of a job in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEntry {
    /// Its name.
    pub job: String,
    /// How it ended, as the report says.
    pub status: String,
    /// The job that it could not do without.
    pub needs: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// How often it was tried.
    pub tries: u32,
    /// Rows in.
    pub records_in: u64,
    /// Rows out.
    pub records_out: u64,
    /// Rows that failed.
    pub records_failed: u64,
    /// How long its stages took.
    pub seconds: f64,
    /// Bytes that the run held at most meanwhile.
    pub peak_memory: u64,
    /// Of each of its partitions, rows of the result and rows that failed.
    pub partitions: Vec<(u64, u64)>,
}

impl Ledger {
    /// Notes that a run begins, or how it and its jobs ended. Runs are numbered in the order in which
    /// they begin, whatever the clock says.
    pub fn note_run(&self, run: &Run, jobs: &[JobEntry]) -> Result<(), StateError> {
        let sql = "insert into runs values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
                   (select coalesce(max(number), 0) + 1 from runs))
                   on conflict (id) do update set status = excluded.status,
                   seconds = excluded.seconds, rows_read = excluded.rows_read,
                   error = excluded.error, report = excluded.report";
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
        let note = || {
            let change = self.database.unchecked_transaction()?;
            change.execute(sql, values)?;
            jobs.iter().try_for_each(|job| note_job(&change, &run.id, job))?;
            change.commit()
        };
        note().map_err(|error| self.failed(error))
    }

    /// Forgets all runs of a pipeline but the last of them; says which.
    pub fn keep_runs(&self, pipeline: &str, last: u32) -> Result<Vec<String>, StateError> {
        let sql = format!(
            "delete from runs where pipeline = ?1 and id not in \
             (select id from runs where pipeline = ?1 order by {ORDER} limit ?2) returning id"
        );
        let forget = || {
            let change = self.database.unchecked_transaction()?;
            let mut sql = change.prepare(&sql)?;
            let runs = sql.query_map(params![pipeline, last], |row| row.get(0))?;
            let runs = runs.collect::<Result<Vec<String>, _>>()?;
            drop(sql);
            for run in &runs {
                change.execute("delete from jobs where run = ?1", [run])?;
                change.execute("delete from partitions where run = ?1", [run])?;
            }
            change.commit()?;
            Ok(runs)
        };
        forget().map_err(|error| self.failed(error))
    }

    /// The runs, the latest first; of one pipeline if one is named.
    pub fn runs(&self, pipeline: Option<&str>) -> Result<Vec<Run>, StateError> {
        let sql = format!(
            "select id, pipeline, started, process, status, seconds, rows_read, error, report \
             from runs where ?1 is null or pipeline = ?1 order by {ORDER}"
        );
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
            let mut sql = self.database.prepare(&sql)?;
            sql.query_map([pipeline], run)?.collect::<Result<_, _>>()
        };
        all().map_err(|error| self.failed(error))
    }
}

fn note_job(change: &Connection, run: &str, job: &JobEntry) -> rusqlite::Result<()> {
    change.execute(
        "insert or replace into jobs values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            run,
            job.job,
            job.status,
            job.needs,
            job.error,
            job.tries,
            job.records_in as i64,
            job.records_out as i64,
            job.records_failed as i64,
            job.seconds,
            job.peak_memory as i64
        ],
    )?;
    let sql = "insert or replace into partitions values (?1, ?2, ?3, ?4, ?5)";
    let mut insert = change.prepare_cached(sql)?;
    for (number, (processed, failed)) in job.partitions.iter().enumerate() {
        let rows = (*processed as i64, *failed as i64);
        insert.execute(params![run, job.job, number as i64, rows.0, rows.1])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_and_partitions_are_kept_as_long_as_their_run() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let run = |id: &str| Run {
            id: id.into(),
            pipeline: "p".into(),
            started: "2026-01-01".into(),
            process: 1,
            status: "SUCCESS".into(),
            seconds: Some(1.0),
            rows_read: Some(u64::from(u32::MAX) + 1),
            error: None,
            report: None,
        };
        let job = |job: &str, partitions: &[(u64, u64)]| JobEntry {
            job: job.into(),
            status: "SUCCESS".into(),
            needs: None,
            error: None,
            tries: 2,
            records_in: 5,
            records_out: 4,
            records_failed: 1,
            seconds: 0.5,
            peak_memory: 1 << 40,
            partitions: partitions.to_vec(),
        };
        for id in ["first", "second"] {
            ledger.note_run(&run(id), &[]).unwrap();
            ledger.note_run(&run(id), &[job("a", &[(3, 1), (1, 0)]), job("b", &[])]).unwrap();
        }
        let count =
            |sql: &str| -> i64 { ledger.database.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(count("select count(*) from jobs where tries = 2"), 4);
        assert_eq!(count("select sum(records_processed + records_failed) from partitions"), 10);
        assert_eq!(count("select max(peak_memory) from jobs"), 1 << 40);
        assert_eq!(ledger.keep_runs("p", 1).unwrap(), ["first"]);
        assert_eq!(count("select count(*) from jobs where run = 'second'"), 2);
        assert_eq!(count("select count(*) from jobs"), 2);
        assert_eq!(count("select count(*) from partitions"), 2);
    }
}
