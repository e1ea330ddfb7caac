//! What is said while a run goes on, of the events that it tells: a line that is redrawn on a terminal,
//! plain lines elsewhere.

use super::print::say;
use super::table::{grouped, rows_text};
use crate::run::{Event, Status};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A plain line says how far a run is no more often than that.
const EVERY: Duration = Duration::from_secs(30);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Not at all.
    Nothing,
    /// A line that is redrawn.
    Redrawn,
    /// A line for each job that begins or ends, and one from time to time.
    Lines,
}

/// A run as it is seen from outside.
pub(super) struct Progress {
    mode: Mode,
    state: Arc<State>,
    bar: Option<ProgressBar>,
}

struct State {
    started: Instant,
    rows: Arc<AtomicU64>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    total: usize,
    done: usize,
    at_work: Vec<String>,
    /// When it was said last how far the run is.
    said: Option<Instant>,
}

impl Jobs {
    /// Is it time to say how far the run is that began then?
    fn is_due(&self, started: Instant) -> bool {
        self.said.unwrap_or(started).elapsed() >= EVERY
    }
}

impl Progress {
    /// Begins to show a run, whose rows are counted in `rows`.
    pub(super) fn start(mode: Mode, rows: Arc<AtomicU64>) -> Progress {
        let state = Arc::new(State { started: Instant::now(), rows, jobs: Mutex::default() });
        let bar = (mode == Mode::Redrawn).then(|| redrawn(state.clone()));
        Progress { mode, state, bar }
    }

    /// Something happened.
    pub(super) fn see(&self, event: Event) {
        let mut jobs = self.state.jobs();
        let is_said = self.mode == Mode::Lines;
        match event {
            Event::Jobs(total) => jobs.total = total,
            Event::JobStarted { job } => {
                jobs.at_work.push(job.to_owned());
                if is_said {
                    say!("{job} started");
                }
            }
            Event::JobRetried { job, tries, of, seconds, error } => {
                let text = format!("{job}: try {tries} of {of} in {seconds:.1} s: {error}");
                match &self.bar {
                    Some(bar) => bar.println(text),
                    None if is_said => say!("{text}"),
                    None => {}
                }
            }
            Event::JobProgress { .. } if is_said && jobs.is_due(self.state.started) => {
                jobs.said = Some(Instant::now());
                drop(jobs);
                say!("{}", self.state.text());
            }
            Event::JobEnded(report) if report.status == Status::Success => {
                jobs.done += 1;
                jobs.at_work.retain(|other| *other != report.job);
                if is_said {
                    let rows = rows_text(report.records_out);
                    say!("{} done: {rows} in {:.2} s", report.job, report.seconds);
                }
            }
            _ => {}
        }
    }

    /// The run has ended.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn redrawn(state: Arc<State>) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {state}") {
        let text = move |_: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&state.text());
        };
        bar.set_style(style.with_key("state", text));
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

impl State {
    fn jobs(&self) -> std::sync::MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `1 of 3 jobs · by_country · 1,200,000 rows · 3,000,000 rows/s · 0.4 s`
    fn text(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let rows = self.rows.load(Relaxed);
        let rate = if seconds > 0.0 { (rows as f64 / seconds) as u64 } else { 0 };
        let jobs = self.jobs();
        let mut text = format!("{} of {} jobs", jobs.done, jobs.total);
        if let Some(first) = jobs.at_work.first() {
            let more = jobs.at_work.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            text.push_str(&format!(" · {first}{more}"));
        }
        text.push_str(&format!(" · {} · {} rows/s", rows_text(rows), grouped(rate)));
        text.push_str(&format!(" · {seconds:.1} s"));
        text
    }
}
