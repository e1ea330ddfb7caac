//! Limits on time, of the whole run and of jobs, by a clock that nobody can set.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So often it is looked whether a time is up.
const LOOKS_EVERY: Duration = Duration::from_millis(5);

/// When threads have to stop.
pub(super) struct Limits<'c> {
    /// Set when the run is stopped from outside.
    cancelled: &'c AtomicBool,
    /// Set when threads have to stop, for whatever reason.
    stop: AtomicBool,
    /// When the time of the run is up.
    run: Option<Instant>,
    /// When the time of the stage is up.
    stage: Mutex<Option<Instant>>,
    /// Is there any limit?
    is_used: bool,
}

impl<'c> Limits<'c> {
    /// Of a run that has to end then, if it has; jobs may have limits of their own.
    pub(super) fn new(
        cancelled: &'c AtomicBool,
        run: Option<Instant>,
        has_jobs: bool,
    ) -> Limits<'c> {
        let (stop, stage) = (AtomicBool::new(false), Mutex::new(None));
        Limits { cancelled, stop, run, stage, is_used: run.is_some() || has_jobs }
    }

    /// What is set when threads have to stop.
    pub(super) fn flag(&self) -> &AtomicBool {
        if self.is_used { &self.stop } else { self.cancelled }
    }

    /// Does something while somebody looks at the clock.
    pub(super) fn watched<T>(&self, act: impl FnOnce() -> T) -> T {
        if !self.is_used {
            return act();
        }
        let (ended, waits) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while waits.recv_timeout(LOOKS_EVERY) == Err(RecvTimeoutError::Timeout) {
                    self.look(&self.stage());
                }
            });
            // Dropped when it is done, or when something panics.
            let _ended = ended;
            act()
        })
    }

    fn stage(&self) -> MutexGuard<'_, Option<Instant>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, stage: &Option<Instant>) {
        let is_up = |until: &Option<Instant>| until.is_some_and(|until| Instant::now() >= until);
        let stops = self.cancelled.load(Relaxed) || is_up(&self.run) || is_up(stage);
        self.stop.store(stops, Relaxed);
    }

    /// Is the time of the run up, and is it not stopped for another reason?
    pub(super) fn is_run_over(&self) -> bool {
        let is_up = self.run.is_some_and(|until| Instant::now() >= until);
        is_up && !self.cancelled.load(Relaxed)
    }

    /// A stage begins, which has so long.
    pub(super) fn begin(&self, most: Option<Duration>) {
        let mut stage = self.stage();
        *stage = most.map(|most| Instant::now() + most);
        self.look(&stage);
    }

    /// The stage has ended; says whether that was because its time was up. Nothing stops any more what
    /// comes behind it.
    pub(super) fn end(&self) -> bool {
        let mut stage = self.stage();
        let is_up = stage.take().is_some_and(|until| Instant::now() >= until);
        self.look(&None);
        is_up && !self.stop.load(Relaxed)
    }
}
