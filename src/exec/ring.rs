//! What threads make of numbered morsels, taken up in the order of the morsels.

use super::Error;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard};

/// How many morsels may wait for an earlier one before their threads wait too.
const WINDOW: u64 = 64;

/// Items by morsel. One thread at a time takes up what is in order; the others go on computing.
pub struct Ring<T> {
    waiting: Mutex<Waiting<T>>,
    moved: Condvar,
    aborted: AtomicBool,
    /// Bytes that may wait before threads do.
    room: usize,
}

struct Waiting<T> {
    next: u64,
    items: BTreeMap<u64, Item<T>>,
    bytes: usize,
    appending: bool,
}

struct Item<T> {
    value: T,
    bytes: usize,
    /// Nothing is taken up behind it: its morsel has failed.
    is_last: bool,
}

impl<T> Ring<T> {
    /// A ring in which about so many bytes may wait.
    pub fn new(room: usize) -> Ring<T> {
        let waiting = Waiting { next: 0, items: BTreeMap::new(), bytes: 0, appending: false };
        Ring {
            waiting: Mutex::new(waiting),
            moved: Condvar::new(),
            aborted: AtomicBool::new(false),
            room,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().expect("no thread panics holding it")
    }

    /// Hands in the rest of a morsel, and takes up what is in order. Waits when it is too far
    /// ahead of the first that is missing; that one never waits.
    pub fn put(
        &self,
        number: u64,
        value: T,
        bytes: usize,
        append: &dyn Fn(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut waiting = self.lock();
        let is_ahead = |waiting: &Waiting<T>| {
            let is_full = waiting.bytes + bytes > self.room;
            number >= waiting.next + WINDOW || number > waiting.next && is_full
        };
        while is_ahead(&waiting) && !self.aborted.load(Relaxed) {
            waiting = self.moved.wait(waiting).expect("no thread panics holding it");
        }
        self.take_up(waiting, number, Item { value, bytes, is_last: false }, append)
    }

    /// Hands in what a failed morsel has left. What is behind it is not taken up.
    pub fn end(
        &self,
        number: u64,
        value: T,
        append: &dyn Fn(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.take_up(self.lock(), number, Item { value, bytes: 0, is_last: true }, append)
    }

    fn take_up<'a>(
        &'a self,
        mut waiting: MutexGuard<'a, Waiting<T>>,
        number: u64,
        item: Item<T>,
        append: &dyn Fn(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        waiting.bytes += item.bytes;
        waiting.items.insert(number, item);
        if waiting.appending {
            return Ok(());
        }
        waiting.appending = true;
        let mut result = Ok(());
        while result.is_ok() {
            let next = waiting.next;
            let Some(item) = waiting.items.remove(&next) else { break };
            drop(waiting);
            result = append(item.value);
            waiting = self.lock();
            waiting.bytes -= item.bytes;
            if item.is_last {
                break;
            }
            waiting.next += 1;
            self.moved.notify_all();
        }
        waiting.appending = false;
        self.moved.notify_all();
        result
    }

    /// Takes up a part of a morsel of which more is to come, once it is the first that is missing.
    /// Gives it back when the stage has failed before.
    pub fn flush(
        &self,
        number: u64,
        value: T,
        append: &dyn Fn(T) -> Result<(), Error>,
    ) -> Result<Option<T>, Error> {
        let mut waiting = self.lock();
        while waiting.next != number || waiting.appending {
            if self.aborted.load(Relaxed) {
                return Ok(Some(value));
            }
            waiting = self.moved.wait(waiting).expect("no thread panics holding it");
        }
        waiting.appending = true;
        drop(waiting);
        let result = append(value);
        self.lock().appending = false;
        self.moved.notify_all();
        result.map(|()| None)
    }

    /// Lets waiting threads go: the stage has failed.
    pub fn abort(&self) {
        self.aborted.store(true, Relaxed);
        // A thread that has just looked is waiting once the lock is free.
        drop(self.lock());
        self.moved.notify_all();
    }

    /// The next table numbers its morsels from here, whatever a stage that failed has left.
    pub fn restart(&self, first: u64) {
        let mut waiting = self.lock();
        *waiting = Waiting { next: first, items: BTreeMap::new(), bytes: 0, appending: false };
        self.aborted.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_up_in_order_however_they_come() {
        let ring = Ring::new(100);
        let taken = Mutex::new(vec![]);
        let append = |value: &'static str| {
            taken.lock().expect("no thread panics").push(value);
            Ok(())
        };
        ring.put(1, "b", 60, &append).unwrap();
        std::thread::scope(|scope| {
            // There is no room for it until the first has come.
            scope.spawn(|| ring.put(2, "c", 60, &append).unwrap());
            assert_eq!(ring.flush(0, "a1", &append).unwrap(), None);
            ring.put(0, "a2", 1000, &append).unwrap();
        });
        assert_eq!(taken.into_inner().unwrap(), ["a1", "a2", "b", "c"]);
    }

    #[test]
    fn nothing_is_taken_up_behind_a_morsel_that_failed() {
        let ring = Ring::new(100);
        let taken = Mutex::new(vec![]);
        let append = |value: &'static str| {
            taken.lock().expect("no thread panics").push(value);
            Ok(())
        };
        ring.put(2, "c", 1, &append).unwrap();
        ring.end(1, "b", &append).unwrap();
        ring.abort();
        assert!(ring.flush(2, "of the morsel before", &append).unwrap().is_some());
        ring.put(0, "a", 1, &append).unwrap();
        assert_eq!(taken.into_inner().unwrap(), ["a", "b"]);
    }
}
