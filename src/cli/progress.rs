//! What is said while a run goes on: a line that is redrawn on a terminal, plain lines elsewhere.

use super::print::say;
use super::table::{grouped, rows_text};
use crate::run::Event;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a plain line says how far a run is.
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
    ticker: Option<JoinHandle<()>>,
}

struct State {
    started: Instant,
    rows: Arc<AtomicU64>,
    jobs: Mutex<Jobs>,
    /// Told when the run has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Jobs {
    total: usize,
    done: usize,
    at_work: Vec<String>,
    is_over: bool,
}

impl Progress {
    /// Begins to show a run, whose rows are counted in `rows`.
    pub(super) fn start(mode: Mode, rows: Arc<AtomicU64>) -> Progress {
        let state = Arc::new(State {
            started: Instant::now(),
            rows,
            jobs: Mutex::default(),
            ended: Condvar::new(),
        });
        let bar = (mode == Mode::Redrawn).then(|| redrawn(state.clone()));
        let ticker = (mode == Mode::Lines).then(|| {
            let state = state.clone();
            std::thread::spawn(move || state.say_from_time_to_time())
        });
        Progress { mode, state, bar, ticker }
    }

    /// Something happened.
    pub(super) fn see(&self, event: Event) {
        let mut jobs = self.state.jobs();
        let is_said = self.mode == Mode::Lines;
        match event {
            Event::Decided(_) | Event::NotTakenUp(_) | Event::NotLeft(_) | Event::NotNoted(_) => {}
            Event::Jobs(total) => jobs.total = total,
            Event::JobStarted { job } => {
                jobs.at_work.push(job.to_owned());
                if is_said {
                    say!("{job} started");
                }
            }
            Event::JobEnded { job, rows, seconds } => {
                jobs.done += 1;
                jobs.at_work.retain(|other| other != job);
                if is_said {
                    say!("{job} done: {} in {seconds:.2} s", rows_text(rows));
                }
            }
        }
    }

    /// The run has ended.
    pub(super) fn end(self) {
        self.state.jobs().is_over = true;
        self.state.ended.notify_all();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        if let Some(ticker) = self.ticker {
            let _ = ticker.join();
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

    fn say_from_time_to_time(&self) {
        let mut jobs = self.jobs();
        loop {
            let waited = self.ended.wait_timeout_while(jobs, EVERY, |jobs| !jobs.is_over);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if !timeout.timed_out() {
                return;
            }
            drop(guard);
            say!("{}", self.text());
            jobs = self.jobs();
        }
    }
}
