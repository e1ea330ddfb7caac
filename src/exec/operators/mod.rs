//! What a step does to batches: one file an operator.
//!
//! An operator gets batches whose expressions have been computed and whose failed rows have been
//! taken out; it knows nothing of failure policies, threads or files. Streaming operators turn one
//! batch into others at once; breakers take in all batches, one state a thread, and give their
//! result at the end.

pub mod chain;
pub mod explode;
pub mod filter;
pub mod project;

pub mod aggregate;
pub mod buffer;
pub mod dedupe;
pub mod join;
pub mod sort;
pub mod take;
pub mod united;
pub mod window;

mod bound;
mod collected;
mod gathered;
mod kept;
mod parted;
mod runs;

#[cfg(test)]
mod testing;

use super::Error;
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use arrow_array::ArrayRef;
use rayon::prelude::*;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An operator that needs no other batch than the one it is given.
pub trait Streaming: Send + Sync {
    /// Computes `batch`; `values` are the operator's expressions over it, in the order in which
    /// the operator names them, for exactly the rows of the batch.
    fn apply(
        &self,
        batch: Batch,
        values: Vec<Operand>,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// The rows so far that gave none, of an operator that also gives more rows than it is given.
    fn left_out(&self) -> u64 {
        0
    }

    /// Forgets what it has seen: its stage failed, and all rows come again.
    fn begin_anew(&self) {}
}

/// An operator that gives its result when all its input has come.
pub trait Breaker: Send + Sync {
    /// The state of one thread.
    fn state(&self) -> Box<dyn State>;

    /// Can no rows that are yet to come change the result, if they come in the order of the input?
    /// None if it always needs all.
    fn has_enough(&self) -> Option<bool> {
        None
    }

    /// Forgets what it has seen, states aside: its stage failed, and all rows come again.
    fn begin_anew(&self) {}

    /// Can what its states hold be saved, and be taken up by a later run in any order?
    fn can_be_saved(&self) -> bool {
        false
    }

    /// Saves what states hold, as blocks of columns; gives them back if some of it is on disk.
    fn save(&self, states: Vec<Box<dyn State>>) -> Result<Vec<Vec<ArrayRef>>, Vec<Box<dyn State>>> {
        Err(states)
    }

    /// A state that holds what was saved.
    fn load(&self, _saved: &[Vec<ArrayRef>]) -> Box<dyn State> {
        self.state()
    }

    /// The result of all states, in the operator's order. States come in
    /// no particular order, and the result does not depend on how the input was dealt out among
    /// them. Works in parallel on the current rayon pool, and gives up soon after `stop` is set.
    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error>;
}

/// The result of a breaker, for one stage or several to read.
#[derive(Clone)]
pub enum Output {
    /// Batches of at most 64 Ki rows whose positions count from 0 through the whole result (batch
    /// `b` is morsel `b`).
    Batches(Vec<Batch>),
    /// What did not fit into memory, or is put together when it is read.
    Pieces(Arc<dyn Pieces>),
}

/// A result that is not in memory as it is read, in pieces that threads can read apart from each other.
pub trait Pieces: Send + Sync {
    /// How many pieces there are.
    fn count(&self) -> usize;

    /// Rows of all pieces; none if that is known only when all have been read.
    fn rows(&self) -> Option<u64>;

    /// The rows of a piece, in batches as those of [`Output::Batches`]; piece `p` is morsel `p`.
    /// The last time that a piece is read, what it was kept in may be given up.
    fn read(&self, piece: usize, is_last: bool) -> Result<Vec<Batch>, Error>;
}

/// Batches whose positions count through a piece.
pub fn numbered(mut batches: Vec<Batch>, piece: usize) -> Vec<Batch> {
    let mut start = (piece as u64) << POSITION_ROW_BITS;
    for batch in &mut batches {
        batch.positions = Positions::Range(start);
        start += batch.rows as u64;
    }
    batches
}

impl From<Vec<Batch>> for Output {
    fn from(batches: Vec<Batch>) -> Output {
        Output::Batches(batches)
    }
}

impl Output {
    /// Rows in all; none if that is known only when all have been read.
    pub fn rows(&self) -> Option<u64> {
        match self {
            Output::Batches(batches) => Some(batches.iter().map(|batch| batch.rows as u64).sum()),
            Output::Pieces(pieces) => pieces.rows(),
        }
    }

    /// About how much memory it takes; none of what is not in memory.
    pub fn bytes(&self) -> Option<usize> {
        match self {
            Output::Batches(batches) => {
                Some(batches.iter().map(|batch| super::gather::bytes_of(&batch.columns)).sum())
            }
            Output::Pieces(_) => None,
        }
    }

    /// All rows in memory, for the few who need them there.
    pub fn into_batches(self) -> Result<Vec<Batch>, Error> {
        match self {
            Output::Batches(batches) => Ok(batches),
            Output::Pieces(pieces) => {
                let batches: Vec<Vec<Batch>> = (0..pieces.count())
                    .into_par_iter()
                    .map(|piece| pieces.read(piece, true))
                    .collect::<Result<_, Error>>()?;
                Ok(buffer::renumber(batches.into_iter().flatten().collect()))
            }
        }
    }
}

/// What one thread has collected for a breaker.
pub trait State: Send {
    /// Takes in a batch with its computed expressions, as [`Streaming::apply`] gets them.
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error>;

    /// About how much memory it holds.
    fn bytes(&self) -> usize;

    /// About how much [`Breaker::save`] would save.
    fn saved_bytes(&self) -> usize {
        self.bytes()
    }

    /// Writes to disk what can be; says whether this kind of state can write anything. Fails soon
    /// after `stop` is set.
    fn spill(&mut self, _spool: &Arc<Spool>, _stop: &AtomicBool) -> Result<bool, Error> {
        Ok(false)
    }

    /// For [`Breaker::finish`].
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}
