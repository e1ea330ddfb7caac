//! How much a source has read, for those who ask where the time of a run goes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts what is read, from all threads.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub stored: AtomicU64,
    pub unpacked: AtomicU64,
    pub skipped: AtomicU64,
    nanos: AtomicU64,
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Volume {
    /// Bytes as they are stored.
    pub stored: u64,
    /// Bytes once they are unpacked.
    pub unpacked: u64,
    /// Rows that were not read because nobody wants them.
    pub skipped: u64,
    /// Of the time that morsels took to be parsed, that of reading their files; none where they
    /// were read before.
    pub reading: Duration,
}

impl Meter {
    /// Reads bytes as they are stored, in the middle of a morsel.
    pub fn timed<E>(&self, bytes: usize, read: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let started = Instant::now();
        let done = read();
        self.nanos.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
        self.stored.fetch_add(bytes as u64, Relaxed);
        done
    }

    pub fn volume(&self) -> Volume {
        Volume {
            stored: self.stored.load(Relaxed),
            unpacked: self.unpacked.load(Relaxed),
            skipped: self.skipped.load(Relaxed),
            reading: Duration::from_nanos(self.nanos.load(Relaxed)),
        }
    }
}
