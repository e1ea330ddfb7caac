//! What the operators of a stage did and took, one clock a thread, when somebody asks for it.
//!
//! A thread works on one operator at a time: who takes a batch turns the clock to itself, and back
//! when it is done, so that the time of an operator is without that of those it hands batches on to.

use crate::plan::NodeId;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// What was done for one operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Batches that it was given, or that it read.
    pub batches: u64,
    /// Rows that it was given.
    pub rows_in: u64,
    /// Rows that it gave before the end of the stage.
    pub rows_out: u64,
    /// Time of its own.
    pub own: Duration,
    /// Time with the files of a source or sink, apart from that.
    pub files: Duration,
    /// The most bytes that its states held, each thread's by itself.
    pub held: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.batches += other.batches;
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.own += other.own;
        self.files += other.files;
        self.held += other.held;
    }
}

/// What a thread is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    /// With nothing, or what belongs to no operator.
    Nothing,
    /// With the rows of an operator.
    Own(NodeId),
    /// With the files of one.
    Files(NodeId),
}

/// The clock of a thread; it stands still unless it is asked for.
pub(super) struct Clock(Option<Running>);

struct Running {
    busy: Cell<Busy>,
    since: Cell<Instant>,
    tallies: RefCell<Vec<Tally>>,
}

impl Clock {
    /// Of a stage of a plan of so many operators.
    pub fn new(is_asked_for: bool, operators: usize) -> Clock {
        Clock(is_asked_for.then(|| Running {
            busy: Cell::new(Busy::Nothing),
            since: Cell::new(Instant::now()),
            tallies: RefCell::new(vec![Tally::default(); operators]),
        }))
    }

    /// From here on the thread is busy with this; says with what it was.
    pub fn turn_to(&self, busy: Busy) -> Busy {
        let Some(running) = &self.0 else { return Busy::Nothing };
        let now = Instant::now();
        let passed = now - running.since.replace(now);
        let before = running.busy.replace(busy);
        let mut tallies = running.tallies.borrow_mut();
        match before {
            Busy::Nothing => {}
            Busy::Own(node) => tallies[node.at()].own += passed,
            Busy::Files(node) => tallies[node.at()].files += passed,
        }
        before
    }

    /// Does something for which the thread is busy with this.
    pub fn with<R>(&self, busy: Busy, work: impl FnOnce() -> R) -> R {
        let before = self.turn_to(busy);
        let done = work();
        self.turn_to(before);
        done
    }

    /// For who is now and then busy with the files of an operator, and else waits.
    pub fn on_files(&self, node: NodeId) -> FilesTimer<'_> {
        FilesTimer { clock: self, node }
    }

    /// An operator takes a batch.
    pub fn begin(&self, node: NodeId, rows: usize) -> Busy {
        self.tally(node, |tally| {
            tally.batches += 1;
            tally.rows_in += rows as u64;
        });
        self.turn_to(Busy::Own(node))
    }

    /// Changes what is told of an operator, when that is asked for.
    pub fn tally(&self, node: NodeId, change: impl FnOnce(&mut Tally)) {
        if let Some(running) = &self.0 {
            change(&mut running.tallies.borrow_mut()[node.at()]);
        }
    }

    /// Adds what the thread has done so far to what others have, and begins anew.
    pub fn give_to(&self, all: &mut [Tally]) {
        let Some(running) = &self.0 else { return };
        for (all, tally) in all.iter_mut().zip(running.tallies.borrow_mut().iter_mut()) {
            all.add(&std::mem::take(tally));
        }
    }
}

/// Times what is done with the files of an operator.
pub struct FilesTimer<'c> {
    clock: &'c Clock,
    node: NodeId,
}

impl FilesTimer<'_> {
    /// Does something with them.
    pub fn with<R>(&self, work: impl FnOnce() -> R) -> R {
        self.clock.with(Busy::Files(self.node), work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_has_the_time_that_is_its_own() {
        let (a, b) = (NodeId(0), NodeId(1));
        let clock = Clock::new(true, 2);
        let wait = || std::thread::sleep(Duration::from_millis(20));
        let started = Instant::now();
        let before = clock.begin(a, 3);
        wait();
        clock.with(Busy::Files(b), wait);
        clock.turn_to(before);
        wait();
        let passed = started.elapsed();
        let mut all = [Tally::default(); 2];
        clock.give_to(&mut all);
        let least = Duration::from_millis(20);
        assert!(all[0].own >= least && all[1].files >= least, "{all:?}");
        assert!(all[0].own + all[1].files + least <= passed, "{all:?} of {passed:?}");
        assert_eq!((all[0].batches, all[0].rows_in, all[1].batches), (1, 3, 0));
    }

    #[test]
    fn a_clock_that_nobody_asks_for_stands_still() {
        let clock = Clock::new(false, 0);
        assert_eq!(clock.begin(NodeId(7), 3), Busy::Nothing);
        assert_eq!(clock.turn_to(Busy::Nothing), Busy::Nothing);
    }
}
