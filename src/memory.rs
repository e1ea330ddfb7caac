//! The allocator: how much memory is in use, and what becomes of memory that was freed.
//!
//! What is done when there is too little is decided by the operators that hold much of it.
#![allow(unsafe_code)]

use libmimalloc_sys::{mi_option_set, mi_option_t};
#[cfg(not(fuzzing))]
use mimalloc::MiMalloc as Inner;
#[cfg(fuzzing)]
use std::alloc::System as Inner;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

/// Many small blocks per batch from many threads: what mimalloc is made for. Fuzzing keeps the
/// system's, which its address checks know.
#[global_allocator]
static ALLOCATOR: Counting = Counting(Inner);

/// `mi_option_purge_delay` of `mimalloc.h`, which the crate declares without a name.
const PURGE_DELAY: mi_option_t = 15;

/// Keeps freed memory for what is allocated next. If it is given back to the system soon, every
/// batch pays for fresh pages again: a tenth of the time of a grouping with many groups. A run ends
/// soon and then gives back everything. Not for runs with little memory: what is kept is not
/// counted by [`used`].
pub fn keep_freed() {
    set_purge_delay(-1);
}

/// Gives freed memory back to the system after so many milliseconds: what waits for that is not
/// counted by [`used`]. After 100 a run of 64 MB takes a quarter less at its peak than after 1000,
/// which the allocator would wait, and a twentieth longer. A short time has to be said first of all:
/// what is freed joins what waits already.
pub fn give_back_freed(milliseconds: u16) {
    set_purge_delay(milliseconds.into());
}

fn set_purge_delay(milliseconds: std::ffi::c_long) {
    // SAFETY: the option exists in the mimalloc that is linked, and any number may be its value.
    unsafe { mi_option_set(PURGE_DELAY, milliseconds) };
}

/// Has memory come in small pages. The allocator asks for huge ones, which are cleared whole at the
/// first touch, also what is never used of them; and where a virtual machine has given its free
/// memory back to its host, the host has to find all of it again: more than two seconds of processor
/// time a gigabyte in place of one.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    // SAFETY: it takes numbers alone, and changes how the system maps memory, not what is in it.
    // An old system that does not know it goes on as before.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Bytes that are allocated, exact to [`DRIFT_BYTES_MAX`] for each thread.
pub fn used() -> usize {
    TOTAL.used()
}

/// The most that was allocated since [`begin_peak`], as exact.
pub fn peak() -> usize {
    usize::try_from(TOTAL.peak.load(Relaxed)).unwrap_or(0)
}

/// From now on [`peak`] tells of what comes.
pub fn begin_peak() {
    TOTAL.peak.store(TOTAL.used.load(Relaxed), Relaxed);
}

static TOTAL: Total = Total::new();

/// What all threads have allocated.
struct Total {
    used: AtomicIsize,
    peak: AtomicIsize,
}

impl Total {
    const fn new() -> Total {
        Total { used: AtomicIsize::new(0), peak: AtomicIsize::new(0) }
    }

    fn used(&self) -> usize {
        usize::try_from(self.used.load(Relaxed)).unwrap_or(0)
    }

    fn add(&self, bytes: isize) {
        let used = self.used.fetch_add(bytes, Relaxed) + bytes;
        if used > self.peak.load(Relaxed) {
            self.peak.fetch_max(used, Relaxed);
        }
    }
}

/// What a thread may allocate and free before it is added to [`TOTAL`], which all threads share.
const DRIFT_BYTES_MAX: isize = 1 << 16;

/// What one thread has allocated and freed since it last added that to what all share.
struct Drift {
    bytes: Cell<isize>,
    all: &'static Total,
}

thread_local! {
    static DRIFT: Drift = const { Drift::from(&TOTAL) };
}

impl Drift {
    const fn from(all: &'static Total) -> Drift {
        Drift { bytes: Cell::new(0), all }
    }

    #[inline]
    fn count(&self, bytes: isize) {
        let sum = self.bytes.get() + bytes;
        if sum.abs() < DRIFT_BYTES_MAX {
            self.bytes.set(sum);
        } else {
            self.bytes.set(0);
            self.all.add(sum);
        }
    }
}

impl Drop for Drift {
    fn drop(&mut self) {
        self.all.add(self.bytes.get());
    }
}

#[inline]
fn count(bytes: isize) {
    if DRIFT.try_with(|drift| drift.count(bytes)).is_err() {
        // The thread is ending.
        TOTAL.add(bytes);
    }
}

/// An allocator that counts what is in use.
struct Counting(Inner);

fn bytes_of(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

// SAFETY: every call is handed on as it is; counting neither allocates nor touches the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = unsafe { self.0.alloc(layout) };
        if !block.is_null() {
            count(bytes_of(layout.size()));
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let block = unsafe { self.0.alloc_zeroed(layout) };
        if !block.is_null() {
            count(bytes_of(layout.size()));
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let moved = unsafe { self.0.realloc(block, layout, size) };
        if !moved.is_null() {
            count(bytes_of(size) - bytes_of(layout.size()));
        }
        moved
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { self.0.dealloc(block, layout) };
        count(-bytes_of(layout.size()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_counted_until_it_is_freed() {
        const BYTES: usize = 1 << 30;
        let before = used();
        let block: Vec<u8> = Vec::with_capacity(BYTES);
        let during = used();
        drop(block);
        let after = used();
        // Other tests allocate at the same time, but nothing of that size.
        assert!(during >= before + BYTES / 2, "{before} {during}");
        assert!(after <= during - BYTES / 2, "{during} {after}");
    }

    /// Counted apart from [`TOTAL`], which other tests change at the same time.
    static COUNTED: Total = Total::new();

    thread_local! {
        static COUNTED_HERE: Drift = const { Drift::from(&COUNTED) };
    }

    #[test]
    fn a_thread_that_ended_leaves_nothing_uncounted() {
        for _ in 0..100 {
            let counts = || COUNTED_HERE.with(|drift| drift.count(60_000));
            std::thread::spawn(counts).join().unwrap();
        }
        assert_eq!(COUNTED.used(), 100 * 60_000);
        assert_eq!(COUNTED.peak.load(Relaxed), 100 * 60_000);
    }
}
