//! One thread's part of a stage: morsels taken and read, and what they gave handed over.

use super::dispenser::{Dispenser, Given};
use super::{By, Execution, Root};
use crate::connect::{ConnectError, Extent, Morsel, Piece, Rows, Source};
use crate::data::{Batch, POSITION_ROW_BITS, Positions};
use crate::exec::Error;
use crate::exec::clock::{Busy, Clock};
use crate::exec::nulled::Nulled;
use crate::exec::operators::{self, Output, State};
use crate::exec::rejects::{Origin, Reject};
use crate::exec::rows::hollow;
use crate::expr::Registers;
use crate::plan::NodeId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What a thread works on at a time.
enum Taken<'r> {
    /// A part of a source; the places of its columns, and how many the row has.
    Morsel(Box<dyn Morsel>, (&'r [usize], usize)),
    Batch(&'r Batch),
    /// A piece of a result, and whether it is read for the last time.
    Piece(&'r dyn operators::Pieces, usize, bool),
}

impl Root<'_> {
    fn take<'d>(
        &self,
        dispenser: &'d Dispenser<'d>,
        next_morsel: &dyn Fn(&dyn Source) -> Result<Option<Box<dyn Morsel>>, ConnectError>,
    ) -> Result<Option<Given<'d, Taken<'_>>>, ConnectError> {
        dispenser.take(|at| {
            let at = usize::try_from(at).expect("results are in memory or on disk");
            Ok(match self {
                Root::Result(Output::Batches(batches), _) => batches.get(at).map(Taken::Batch),
                Root::Result(Output::Pieces(pieces), is_last) => {
                    (at < pieces.count()).then_some(Taken::Piece(&**pieces, at, *is_last))
                }
                Root::Scan { source, places, width, .. } => {
                    next_morsel(*source)?.map(|morsel| Taken::Morsel(morsel, (places, *width)))
                }
            })
        })
    }
}

/// One thread's part.
pub(super) struct Worker {
    pub registers: Registers,
    pub states: Vec<Option<Box<dyn State>>>,
    /// Behind the last row of each state. Morsels come to a thread in their order.
    pub next_positions: Vec<u64>,
    /// The morsel at hand.
    pub number: u64,
    /// The part of a source that it is, if it is one.
    pub origin: Option<Origin>,
    /// What it has encoded so far.
    pub pieces: Pieces,
    /// Rows of the morsel with a value that became null.
    pub nulled: Nulled,
    /// What it has set aside so far.
    pub rejects: Vec<Reject>,
    pub rejects_bytes: usize,
    /// The parts of the rows of the batch at hand, if its result has parts.
    pub parts: Option<Arc<Vec<u32>>>,
    pub extents: Vec<(u64, Extent)>,
    pub error: Option<(u64, Option<By>, Error)>,
    /// What has failed, as the operator that noticed it knows.
    pub by: Option<By>,
    /// What its time goes to.
    pub clock: Clock,
}

/// What a morsel has encoded for the sinks.
pub(super) struct Pieces {
    /// By operator, with their parts.
    pub of: Vec<Vec<(u32, Piece)>>,
    /// Rows of the whole morsel, by operator.
    pub rows: Vec<u64>,
    pub bytes: usize,
}

impl Execution<'_> {
    pub(super) fn new_worker(&self) -> Worker {
        Worker {
            registers: Registers::default(),
            states: (0..self.nodes.len()).map(|_| None).collect(),
            next_positions: vec![0; self.nodes.len()],
            number: 0,
            origin: None,
            pieces: Pieces {
                of: self.sinks.iter().map(|_| vec![]).collect(),
                rows: vec![0; self.sinks.len()],
                bytes: 0,
            },
            nulled: Nulled::default(),
            rejects: vec![],
            rejects_bytes: 0,
            parts: None,
            extents: vec![],
            error: None,
            by: None,
            clock: Clock::new(self.tallies.is_some(), self.nodes.len()),
        }
    }

    /// Takes morsels and does all that the stage does with them, until there are no more.
    pub(super) fn work<'d>(
        &self,
        root: NodeId,
        begin: &Root,
        active: &BTreeSet<NodeId>,
        dispenser: &'d Dispenser<'d>,
        worker: &mut Worker,
    ) {
        while !self.cancelled.load(Relaxed) {
            let clock = &worker.clock;
            let next = |source: &dyn Source| clock.with(Busy::Files(root), || source.next());
            let (number, result) = match begin.take(dispenser, &next) {
                Ok(None) => return,
                Ok(Some(given)) => {
                    worker.number = given.number;
                    worker.clock.turn_to(Busy::Own(root));
                    let give = |batch: Batch, worker: &mut Worker| {
                        self.tell_given(root, batch.rows, worker);
                        self.give(root, batch.moved_by(dispenser.first), active, worker)
                    };
                    let done = match given.morsel {
                        Taken::Batch(batch) => give(batch.clone(), worker),
                        Taken::Piece(pieces, at, is_last) => {
                            let batches = pieces.read(at, is_last);
                            if let (None, Ok(batches)) = (pieces.rows(), &batches) {
                                let rows = batches.iter().map(|batch| batch.rows as u64).sum();
                                self.count(root, |counts| &counts.output, rows);
                            }
                            let mut give = |batch| give(batch, worker);
                            batches.and_then(|batches| batches.into_iter().try_for_each(&mut give))
                        }
                        Taken::Morsel(morsel, places) => {
                            self.read(root, given.number, morsel, places, active, worker)
                        }
                    };
                    worker.clock.turn_to(Busy::Nothing);
                    (given.number, done.and_then(|()| self.hand_over(given.number, active, worker)))
                }
                Err(error) => (u64::MAX - 1, Err(error.into())),
            };
            if let Err(error) = result {
                dispenser.fail();
                let rejects = std::mem::take(&mut worker.rejects);
                self.quarantines.fail(number, rejects, &|of| self.count_reject(of));
                for sink in self.sinks.iter().flatten() {
                    sink.abort();
                }
                worker.error = Some((number, worker.by.take(), error));
                return;
            }
        }
    }

    /// Tells the clock of a batch with which the stage begins.
    fn tell_given(&self, root: NodeId, rows: usize, worker: &Worker) {
        worker.clock.tally(root, |tally| {
            tally.batches += 1;
            tally.rows_out += rows as u64;
        });
    }

    /// Reads a morsel of a scan and pushes its rows.
    fn read(
        &self,
        root: NodeId,
        number: u64,
        morsel: Box<dyn Morsel>,
        places: (&[usize], usize),
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let mut rows = 0;
        let mut failed = None;
        // Files are read before, or in the middle of it: then the source says for how long.
        let extent = morsel.read(&mut |mut read| {
            let start = (number << POSITION_ROW_BITS) + rows;
            rows += read.batch.rows as u64;
            read.batch.positions = Positions::Range(start);
            failed = self.scanned(root, read, places, active, worker).err();
            failed.is_none()
        });
        if let Ok(extent) = extent {
            worker.extents.push((number, extent));
        }
        match failed {
            Some(error) => Err(error),
            None => extent.map(drop).map_err(Error::from),
        }
    }

    /// Gives the sinks of this stage what the morsel encoded for them, also when that is nothing,
    /// and what it set aside to the quarantines.
    fn hand_over(
        &self,
        number: u64,
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        worker.pieces.bytes = 0;
        for (at, sink) in self.sinks.iter().enumerate() {
            if let Some(sink) = sink.as_ref().filter(|_| active.contains(&NodeId(at as u32))) {
                let pieces = std::mem::take(&mut worker.pieces.of[at]);
                let rows = std::mem::take(&mut worker.pieces.rows[at]);
                let node = NodeId(at as u32);
                let put = sink.put(number, pieces, rows, &worker.clock.on_files(node));
                put.inspect_err(|_| worker.by = Some(By::Operator(node)))?;
            }
        }
        worker.nulled.clear();
        worker.rejects_bytes = 0;
        let last = worker.extents.last().filter(|(of, _)| *of == number);
        let extent = last.map(|(_, extent)| *extent);
        let (rejects, count) = (std::mem::take(&mut worker.rejects), |of| self.count_reject(of));
        let put = self.quarantines.put(number, rejects, extent, &count);
        put.inspect_err(|_| worker.by = Some(By::All))
    }

    /// Gives the sinks what the morsel has encoded so far: it has become more than a thread may
    /// hold.
    pub(super) fn flush_pieces(&self, worker: &mut Worker) -> Result<(), Error> {
        worker.pieces.bytes = 0;
        let before = worker.clock.turn_to(Busy::Nothing);
        for (at, (pieces, sink)) in worker.pieces.of.iter_mut().zip(&self.sinks).enumerate() {
            if let Some(sink) = sink.as_ref().filter(|_| !pieces.is_empty()) {
                let node = NodeId(at as u32);
                let timer = worker.clock.on_files(node);
                let flushed = sink.flush(worker.number, std::mem::take(pieces), &timer);
                *pieces = flushed.inspect_err(|_| worker.by = Some(By::Operator(node)))?;
            }
        }
        worker.clock.turn_to(before);
        Ok(())
    }

    /// A batch of a scan: to the jobs that read it, each with its say on what could not be read.
    fn scanned(
        &self,
        root: NodeId,
        read: Rows,
        (places, width): (&[usize], usize),
        active: &BTreeSet<NodeId>,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        let rows = read.batch.rows;
        worker.origin = Some(Origin { file: read.file, lines: read.lines });
        self.rows_read.fetch_add(rows as u64, Relaxed);
        self.count(root, |counts| &counts.output, rows as u64);
        self.tell_given(root, rows, worker);
        let mut columns = vec![hollow(rows); width];
        for (column, &place) in read.batch.columns.iter().zip(places) {
            columns[place] = column.clone();
        }
        let batch = Batch { columns, rows, positions: read.batch.positions };
        for &reader in &self.plan.node(root).consumers {
            if !active.contains(&reader) {
                continue;
            }
            self.count(reader, |counts| &counts.input, rows as u64);
            let before = worker.clock.begin(reader, rows);
            let (batch, bad) = self.since(reader, batch.clone(), &read.bad, places, worker);
            let (batch, bad) = self.checked(reader, batch, bad, places, worker);
            let routed = self.route_bad(reader, batch, &bad, places, worker.origin.as_ref());
            let routed = routed.inspect_err(|_| worker.by = Some(By::Operator(reader)))?;
            let batch = self.settle(reader.into(), routed, worker)?;
            self.emit(reader, batch, active, worker)?;
            worker.clock.turn_to(before);
        }
        Ok(())
    }
}
