//! One run of a pipeline at a time. The lock is the system's (`flock`), so it is gone with the
//! process that holds it, however that ended; its file stays and says who held it last.

use super::StateError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// So long a lock is waited for in any case: who only looks whether it is held holds it meanwhile.
const LOOKING: Duration = Duration::from_millis(200);

/// How often a run that waits looks again.
const EVERY: Duration = Duration::from_millis(50);

/// A lock; free again when it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NoLock {
    /// Another run holds it: what it said of itself, `run NAME, process 123`.
    Held(String),
    /// The run was stopped while it waited.
    Stopped,
    /// It cannot be had at all.
    Failed(StateError),
}

impl Lock {
    /// Takes the lock of this file for a run; waits for another one that long, unless `stop` is set.
    pub fn take(path: &Path, run: &str, wait: Duration, stop: &AtomicBool) -> Result<Lock, NoLock> {
        let failed = |error| NoLock::Failed(StateError::io("lock", path, &error));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.custom_flags(libc::O_NOFOLLOW).open(path).map_err(failed)?;
        let (begun, wait) = (Instant::now(), wait.max(LOOKING));
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if stop.load(Relaxed) => return Err(NoLock::Stopped),
                Err(TryLockError::WouldBlock) if begun.elapsed() < wait => {
                    std::thread::sleep(EVERY);
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _ = file.read_to_string(&mut holder);
                    return Err(NoLock::Held(holder.trim().to_owned()));
                }
            }
        }
        let holder = format!("run {run}, process {}\n", std::process::id());
        let said = file.set_len(0).and_then(|()| file.rewind());
        said.and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// Who holds the lock of this file, if anybody does.
pub fn holder(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).ok()?;
            Some(holder.trim().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let take = |run, stop| Lock::take(&path, run, Duration::ZERO, &AtomicBool::new(stop));
        let first = take("calm-heron", false).unwrap();
        assert!(matches!(take("noble-newt", true), Err(NoLock::Stopped)));
        let second = take("noble-newt", false);
        let Err(NoLock::Held(who)) = second else { panic!("{second:?}") };
        assert_eq!(who, format!("run calm-heron, process {}", std::process::id()));
        assert_eq!(holder(&path), Some(who));
        drop(first);
        assert_eq!(holder(&path), None);
        assert!(take("noble-newt", false).is_ok());
    }
}
