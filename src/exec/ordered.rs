//! Sinks that get their pieces in the order of the input, whatever thread made them.

use super::Error;
use crate::connect::{Piece, Sink, Staged};
use crate::data::Batch;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};

/// How many morsels may wait for an earlier one before their threads wait too.
const WINDOW: u64 = 64;

/// A sink with a ring that puts pieces in order.
pub struct OrderedSink {
    sink: Box<dyn Sink>,
    /// The part of each row, by position, when the target has parts.
    parts: Mutex<Option<Arc<Vec<u32>>>>,
    waiting: Mutex<Waiting>,
    moved: Condvar,
    aborted: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    pieces: BTreeMap<u64, Vec<(u32, Piece)>>,
    appending: bool,
}

impl OrderedSink {
    /// A ring around a sink.
    pub fn new(sink: Box<dyn Sink>) -> OrderedSink {
        OrderedSink {
            sink,
            parts: Mutex::new(None),
            waiting: Mutex::new(Waiting::default()),
            moved: Condvar::new(),
            aborted: AtomicBool::new(false),
        }
    }

    /// Says to which part each row goes, by its number in the result (batch `b` of the stage is
    /// morsel `b`, of at most 64 Ki rows each).
    pub fn set_parts(&self, parts: Arc<Vec<u32>>) {
        *self.parts.lock().expect("no thread panics holding it") = Some(parts);
    }

    /// Encodes a batch into pieces for the parts of the target.
    pub fn encode(&self, batch: &Batch, emit: &mut dyn FnMut(u32, Piece)) -> Result<(), Error> {
        let parts = self.parts.lock().expect("no thread panics holding it").clone();
        let Some(parts) = parts else {
            emit(0, self.sink.encode(batch)?);
            return Ok(());
        };
        let mut rows_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.rows {
            let number = super::operators::buffer::row_number(batch.positions.at(row));
            rows_of.entry(parts[number]).or_default().push(row as u32);
        }
        for (part, rows) in rows_of {
            let part_of_batch = super::gather::take_batch(batch, &rows);
            emit(part, self.sink.encode(&part_of_batch)?);
        }
        Ok(())
    }

    /// Puts the pieces of a morsel; waits when it is too far ahead of the first that is missing.
    pub fn put(&self, number: u64, pieces: Vec<(u32, Piece)>) -> Result<(), Error> {
        let mut waiting = self.waiting.lock().expect("no thread panics holding it");
        while number >= waiting.next + WINDOW && !self.aborted.load(Relaxed) {
            waiting = self.moved.wait(waiting).expect("no thread panics holding it");
        }
        waiting.pieces.insert(number, pieces);
        if waiting.appending {
            return Ok(());
        }
        // One thread at a time appends what is in order; the others go on computing.
        waiting.appending = true;
        loop {
            let next = waiting.next;
            let Some(pieces) = waiting.pieces.remove(&next) else { break };
            drop(waiting);
            let mut result = Ok(());
            for (part, piece) in pieces {
                result = self.sink.append(part, piece);
                if result.is_err() {
                    break;
                }
            }
            waiting = self.waiting.lock().expect("no thread panics holding it");
            waiting.next += 1;
            self.moved.notify_all();
            if let Err(error) = result {
                waiting.appending = false;
                return Err(error.into());
            }
        }
        waiting.appending = false;
        Ok(())
    }

    /// Lets waiting threads go: the stage has failed.
    pub fn abort(&self) {
        self.aborted.store(true, Relaxed);
        self.moved.notify_all();
    }

    /// Ends the stage; the next one numbers its morsels from 0 again.
    pub fn finish(self) -> Result<Staged, Error> {
        Ok(self.sink.finish()?)
    }
}
