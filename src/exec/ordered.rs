//! Sinks that get their pieces in the order of the input, whatever thread made them.

use super::Error;
use super::clock::FilesTimer;
use super::gather::compact_rows;
use super::ring::Ring;
use crate::connect::{Behind, Piece, Sink, Staged};
use crate::data::Batch;
use crate::data::partition::in_turn;
use crate::ir::{Partition, PartitionBy};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// A sink with a ring that puts pieces in order.
pub struct OrderedSink {
    /// None once it has ended.
    sink: RwLock<Option<Box<dyn Sink>>>,
    parts: Parts,
    ring: Ring<Pieces>,
    /// Where rows go in turn, the part of the first row of the next morsel.
    turn: Mutex<u64>,
}

/// To which part of the target a row goes.
enum Parts {
    /// There are none.
    One,
    /// What gives the rows says it.
    Given,
    /// To the next.
    InTurn(NonZeroU32),
    /// By its number in the result (batch `b` of the stage is morsel `b`, of at most 64 Ki rows
    /// each), once all rows are there.
    Numbered(Mutex<Arc<Vec<u32>>>),
}

/// Pieces with their parts; where rows go in turn, parts are counted from that of the first row of
/// the morsel.
struct Pieces {
    pieces: Vec<(u32, Piece)>,
    /// Rows of the whole morsel, when these are its last pieces.
    rows: Option<u64>,
}

impl OrderedSink {
    /// A ring, in which about so many bytes may wait, around the sink of a result.
    pub fn new(sink: Box<dyn Sink>, partition: Option<&Partition>, room: usize) -> OrderedSink {
        let parts = match partition {
            None => Parts::One,
            Some(Partition { by: PartitionBy::Hash(_), .. }) => Parts::Given,
            Some(Partition { by: PartitionBy::RoundRobin, into, .. }) => {
                Parts::InTurn(NonZeroU32::new(*into).unwrap_or(NonZeroU32::MIN))
            }
            Some(Partition { by: PartitionBy::Size, .. }) => Parts::Numbered(Mutex::default()),
        };
        let sink = RwLock::new(Some(sink));
        OrderedSink { sink, parts, ring: Ring::new(room), turn: Mutex::new(0) }
    }

    fn with<T>(&self, act: impl FnOnce(&dyn Sink) -> T) -> T {
        let sink = self.sink.read().unwrap_or_else(PoisonError::into_inner);
        act(&**sink.as_ref().expect("rows come before the end"))
    }

    /// Says to which part each row goes, where that is known only when all are there.
    pub fn set_parts(&self, numbered: Arc<Vec<u32>>) {
        if let Parts::Numbered(parts) = &self.parts {
            *parts.lock().unwrap_or_else(PoisonError::into_inner) = numbered;
        }
    }

    /// Encodes a batch into pieces for the parts of the target. `given` are the parts of its rows,
    /// as their result says, and `before` the rows of its morsel that came before it.
    pub fn encode(
        &self,
        batch: &Batch,
        given: Option<&[u32]>,
        before: u64,
        emit: &mut dyn FnMut(u32, Piece),
    ) -> Result<(), Error> {
        let parts = match &self.parts {
            Parts::One => {
                let mut emit = |part, piece| emit(part, compacted(piece));
                return Ok(self.with(|sink| sink.encode_parts(batch, &mut emit))?);
            }
            Parts::Given => given.expect("a result with parts says them").to_vec(),
            Parts::InTurn(into) => in_turn(before, batch.rows, *into),
            Parts::Numbered(parts) => {
                let parts = parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let number = |row| super::operators::buffer::row_number(batch.positions.at(row));
                (0..batch.rows).map(|row| parts[number(row)]).collect()
            }
        };
        let mut rows_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (row, part) in parts.into_iter().enumerate() {
            rows_of.entry(part).or_default().push(row as u32);
        }
        for (part, rows) in rows_of {
            let part_of_batch = super::gather::take_batch(batch, &rows);
            emit(part, compacted(self.with(|sink| sink.encode(&part_of_batch))?));
        }
        Ok(())
    }

    /// Puts the last pieces of a morsel of so many rows; waits when it is too far ahead.
    pub fn put(
        &self,
        number: u64,
        pieces: Vec<(u32, Piece)>,
        rows: u64,
        timer: &FilesTimer,
    ) -> Result<(), Error> {
        let bytes = pieces.iter().map(|(_, piece)| piece.bytes()).sum();
        let pieces = Pieces { pieces, rows: Some(rows) };
        self.ring.put(number, pieces, bytes, &|pieces| timer.with(|| self.append(pieces)))?;
        Ok(timer.with(|| self.with(|sink| sink.work()))?)
    }

    /// Puts pieces of a morsel of which more are to come, once it is their turn. Gives them back
    /// when the stage has failed before.
    pub fn flush(
        &self,
        number: u64,
        pieces: Vec<(u32, Piece)>,
        timer: &FilesTimer,
    ) -> Result<Vec<(u32, Piece)>, Error> {
        let pieces = Pieces { pieces, rows: None };
        let append = |pieces| timer.with(|| self.append(pieces));
        let back = self.ring.flush(number, pieces, &append)?;
        timer.with(|| self.with(|sink| sink.work()))?;
        Ok(back.map_or(vec![], |back| back.pieces))
    }

    fn append(&self, pieces: Pieces) -> Result<(), Error> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for (part, piece) in pieces.pieces {
            let part = match &self.parts {
                Parts::InTurn(into) => ((u64::from(part) + *turn) % u64::from(into.get())) as u32,
                _ => part,
            };
            self.with(|sink| sink.append(part, piece))?;
        }
        *turn += pieces.rows.unwrap_or(0);
        Ok(())
    }

    /// Of the time that sinks took so far, that in which bytes were made of values late.
    pub fn late_encoding(&self) -> Duration {
        self.with(|sink| sink.late_encoding())
    }

    /// Begins a stage, whatever one that failed has left.
    pub fn begin(&self) {
        self.ring.restart(0);
    }

    /// Writes to another sink from its beginning: what was written so far is given up.
    pub fn begin_anew(&self, sink: Box<dyn Sink>) {
        *self.sink.write().unwrap_or_else(PoisonError::into_inner) = Some(sink);
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = 0;
    }

    /// Can a later run go on with what was written?
    pub fn can_pause(&self) -> bool {
        matches!(self.parts, Parts::One) && self.with(|sink| sink.can_pause())
    }

    /// How far it has come, between morsels; none if that cannot be gone on with.
    pub fn pause(&self) -> Result<Option<Behind>, Error> {
        Ok(self.with(|sink| sink.pause())?)
    }

    /// A later run may go on with what was written.
    pub fn keep(&self) {
        self.with(|sink| sink.keep());
    }

    /// Lets waiting threads go: the stage has failed.
    pub fn abort(&self) {
        self.ring.abort();
    }

    /// Ends the sink, which all rows have come to.
    pub fn finish(&self) -> Result<Staged, Error> {
        Ok(self.take().expect("it ends once").finish()?)
    }

    /// Gives up what was written.
    pub fn give_up(&self) {
        drop(self.take());
    }

    fn take(&self) -> Option<Box<dyn Sink>> {
        self.sink.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Rows that wait for others of their row group are not to keep the pieces of files alive that they
/// were read from.
fn compacted(piece: Piece) -> Piece {
    match piece {
        Piece::Rows(rows) => Piece::Rows(rows.with_columns(compact_rows(&rows.columns))),
        bytes @ Piece::Bytes { .. } => bytes,
    }
}
