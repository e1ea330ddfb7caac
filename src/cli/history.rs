//! What runs have left in a state folder: the list of them, and of each its report and its events.

use super::args::{Global, State};
use super::load::{did_you_mean, refuse};
use crate::run::Begun;
use crate::store::history::Run;
use crate::store::ledger::Ledger;
use crate::store::{STATE, lock, runs};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The runs of a state folder.
pub(super) struct History {
    pub(super) state: PathBuf,
    /// The latest first.
    pub(super) runs: Vec<Run>,
}

/// What a run has left.
pub(super) struct Kept {
    pub(super) run: Run,
    /// What happened in it as it was written down, as far as it is kept.
    pub(super) text: String,
    /// The same, line by line.
    pub(super) events: Vec<Value>,
    /// Its report; of a run that did not end, as much of one as its events give.
    pub(super) report: Value,
}

impl History {
    /// Of the folder that is asked for, or the one that one is in.
    pub(super) fn open(state: &State, global: &Global) -> Result<History, u8> {
        let state = state.state_dir.clone().unwrap_or_else(|| PathBuf::from(STATE));
        if !state.join("state.db").is_file() {
            let message = format!("no run has left anything in {}", state.display());
            return Err(refuse(&message, global));
        }
        let runs = Ledger::open(&state).and_then(|ledger| ledger.runs(None));
        let mut runs = runs.map_err(|error| refuse(&error.message, global))?;
        for run in &mut runs {
            if run.status == "RUNNING" && !goes_on(&state, run) {
                run.status = "INTERRUPTED".into();
            }
        }
        Ok(History { state, runs })
    }

    /// A run by its name, some words that it begins or ends with, `last` or `last-failed`.
    pub(super) fn find(&self, name: &str, global: &Global) -> Result<&Run, u8> {
        let is_meant = |run: &&Run| {
            let ends = run.id.strip_suffix(name).map(|rest| rest.is_empty() || rest.ends_with('-'));
            let begins = run.id.strip_prefix(name).map(|rest| rest.starts_with('-'));
            ends.or(begins).unwrap_or(false)
        };
        let found: Vec<&Run> = match name {
            "last" => self.runs.first().into_iter().collect(),
            "last-failed" => self.runs.iter().find(|run| has_failed(run)).into_iter().collect(),
            _ => self.runs.iter().filter(is_meant).collect(),
        };
        match found[..] {
            [run] => Ok(run),
            [] if name.starts_with("last") && self.runs.is_empty() => {
                Err(refuse("there are no runs yet", global))
            }
            [] if name == "last-failed" => Err(refuse("no run has failed", global)),
            [] => {
                let near = did_you_mean(name, self.runs.iter().map(|run| &*run.id));
                Err(refuse(&format!("there is no run `{name}`{near}"), global))
            }
            [first, second, ..] => {
                let message = format!("`{name}` can be {} or {}", first.id, second.id);
                Err(refuse(&message, global))
            }
        }
    }

    /// The same with what it has left.
    pub(super) fn kept(&self, name: &str, global: &Global) -> Result<Kept, u8> {
        let run = self.find(name, global)?;
        let (text, events) = self.events(run);
        let report = kept_report(run).unwrap_or_else(|| so_far(run, &events));
        Ok(Kept { run: run.clone(), text, events, report })
    }

    /// What happened in a run as it was written down, and line by line.
    fn events(&self, run: &Run) -> (String, Vec<Value>) {
        let text = runs::read(&self.state, &run.id).unwrap_or_default();
        let events = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (text, events)
    }

    /// The report of a run, or as much of one as its events give.
    pub(super) fn report(&self, run: &Run) -> Value {
        kept_report(run).unwrap_or_else(|| so_far(run, &self.events(run).1))
    }
}

impl Kept {
    /// What it began with, if that is kept.
    pub(super) fn begun(&self) -> Option<Begun> {
        serde_json::from_value(self.events.first()?.clone()).ok()
    }

    /// The events of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["ev"] == kind)
    }
}

fn kept_report(run: &Run) -> Option<Value> {
    serde_json::from_str(run.report.as_deref()?).ok()
}

/// Did it end, and not well?
fn has_failed(run: &Run) -> bool {
    !["SUCCESS", "RUNNING"].contains(&&*run.status)
}

/// Does a run that did not say how it ended still go on? Then it holds the lock of its pipeline.
fn goes_on(state: &Path, run: &Run) -> bool {
    let holder = lock::holder(&state.join(format!("{}.lock", run.pipeline)));
    holder.is_some_and(|holder| holder.contains(&run.id))
}

/// A run in a list.
pub(super) fn line(run: &Run) -> Value {
    json!({
        "execution_id": run.id,
        "pipeline": run.pipeline,
        "started": run.started,
        "status": run.status,
        "seconds": run.seconds,
        "records_read": run.rows_read,
        "error": run.error,
    })
}

/// What would be in the report by now.
fn so_far(run: &Run, events: &[Value]) -> Value {
    let mut report = line(run);
    let all = |kind: &str| -> Vec<Value> {
        let of_kind = events.iter().filter(|event| event["ev"] == kind);
        of_kind.map(|event| without_head(event).into()).collect()
    };
    let first = |kind: &str, field: &str| {
        let found = events.iter().find(|event| event["ev"] == kind);
        found.map_or(Value::Null, |event| event[field].clone())
    };
    report["parameters"] = first("run.started", "parameters");
    report["reasons"] = first("plan", "jobs");
    report["jobs"] = all("job.finished").into();
    report["outputs"] =
        ["output.reused", "output.unchanged", "output.committed"].map(all).concat().into();
    report["quarantines"] = all("reject.summary").into();
    report
}

/// The fields of an event that not every event has.
fn without_head(event: &Value) -> Map<String, Value> {
    let fields = event.as_object().into_iter().flatten();
    let own = fields.filter(|(name, _)| !["v", "ts", "run", "seq", "ev"].contains(&&***name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}
