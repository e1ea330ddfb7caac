//! The processor time of the process, which the standard library does not tell.
#![allow(unsafe_code)]

use std::time::Duration;

/// How long processors have worked for the process: a run is all that it does, and some of its
/// threads come and go.
pub(super) fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the system writes one time to where there is room for it.
    match unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) } {
        0 => Duration::new(time.tv_sec as u64, time.tv_nsec as u32),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_takes_processor_time() {
        let (before, started) = (cpu_time(), Instant::now());
        while started.elapsed() < Duration::from_millis(50) {
            std::hint::black_box(started);
        }
        // Other tests work at the same time, so it may be more, and on a full machine it is less.
        assert!(cpu_time() > before);
    }
}
