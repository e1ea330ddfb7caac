//! Which thread works on which morsel.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Has the stage all that it can use?
pub(super) type HasEnough<'d> = dyn Fn() -> bool + Sync + 'd;

/// When no more of a table is given for the time being, so that what came of it can be kept.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// Not before this.
    pub due: Instant,
    /// Nor before so many morsels.
    pub morsels: u64,
}

/// Gives every morsel of a table to one thread, numbered in the order of the input.
///
/// A stage that may have enough before the end of its input gets them in waves, each as large as
/// all before it: one begins when all morsels of the last are done, if still more is wanted. So what
/// is read depends on the input alone, not on the threads.
pub(super) struct Dispenser<'d> {
    /// The number of the first morsel: those of the tables before it come first.
    pub first: u64,
    has_enough: Option<&'d HasEnough<'d>>,
    pause: Option<Pause>,
    wave: Mutex<Wave>,
    wave_ended: Condvar,
    /// Set when a thread has failed.
    has_failed: AtomicBool,
}

struct Wave {
    /// Morsels that were given.
    given: u64,
    /// So many are given before all of them have to be done.
    end: u64,
    at_work: usize,
    /// Has it ended before the table did?
    is_paused: bool,
}

/// A morsel that a thread works on until it drops this.
pub(super) struct Given<'d, M> {
    /// Its number in the stage.
    pub number: u64,
    pub morsel: M,
    _at_work: AtWork<'d>,
}

struct AtWork<'d>(&'d Dispenser<'d>);

impl<'d> Dispenser<'d> {
    pub fn new(
        first: u64,
        has_enough: Option<&'d HasEnough<'d>>,
        pause: Option<Pause>,
    ) -> Dispenser<'d> {
        let end = if has_enough.is_some() { 1 } else { u64::MAX };
        Dispenser {
            first,
            has_enough,
            pause,
            wave: Mutex::new(Wave { given: 0, end, at_work: 0, is_paused: false }),
            wave_ended: Condvar::new(),
            has_failed: AtomicBool::new(false),
        }
    }

    /// The next morsel, which `next` gets by its number in the table, under the lock; none when
    /// there are no more, when no more are wanted, or when a thread has failed.
    pub fn take<M, E>(
        &'d self,
        next: impl FnOnce(u64) -> Result<Option<M>, E>,
    ) -> Result<Option<Given<'d, M>>, E> {
        let mut wave = self.lock();
        while wave.given == wave.end && !self.has_failed.load(Relaxed) {
            if wave.at_work > 0 {
                wave = self.wave_ended.wait(wave).unwrap_or_else(PoisonError::into_inner);
            } else if self.has_enough.is_some_and(|has_enough| has_enough()) {
                return Ok(None);
            } else {
                wave.end *= 2;
            }
        }
        wave.is_paused |= self.pause.is_some_and(|pause| pause.is_due(wave.given));
        if wave.is_paused || self.has_failed.load(Relaxed) {
            return Ok(None);
        }
        let Some(morsel) = next(wave.given)? else { return Ok(None) };
        let number = self.first + wave.given;
        wave.given += 1;
        wave.at_work += 1;
        Ok(Some(Given { number, morsel, _at_work: AtWork(self) }))
    }

    /// Nothing more is to be given.
    pub fn fail(&self) {
        self.has_failed.store(true, Relaxed);
    }

    /// Morsels that were given.
    pub fn given(&self) -> u64 {
        self.lock().given
    }

    /// May there be more of the table?
    pub fn is_paused(&self) -> bool {
        self.lock().is_paused
    }

    fn lock(&self) -> MutexGuard<'_, Wave> {
        self.wave.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pause {
    fn is_due(self, given: u64) -> bool {
        given >= self.morsels && Instant::now() >= self.due
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let dispenser = self.0;
        let mut wave = dispenser.lock();
        wave.at_work -= 1;
        if wave.at_work == 0 && dispenser.has_enough.is_some() {
            dispenser.wave_ended.notify_all();
        }
    }
}
