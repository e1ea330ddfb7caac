//! Pairs with equal keys, of which a condition says whether they are pairs.

use super::probe::{JoinProbe, Pairs};
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, slice_batch, take_batch};
use crate::exec::table::NOT_FOUND;
use crate::functions::kernel::{Failure, Operand};
use crate::ir::JoinKind;
use crate::text::Span;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use std::collections::BTreeMap;

/// Says for each candidate pair whether it is one.
pub struct Residual {
    /// The condition, over the left columns followed by all right columns. Where it fails, the
    /// rows are no pair.
    pub eval: Box<dyn Fn(&Batch, &mut Vec<Failure>) -> BooleanBuffer + Send + Sync>,
    /// What failed, of a failure.
    pub span: Box<dyn Fn(u32) -> Span + Send + Sync>,
    /// Can it fail?
    pub may_fail: bool,
}

impl Residual {
    /// Which of these candidates are pairs.
    fn of(
        &self,
        probe: &JoinProbe,
        batch: &Batch,
        pairs: &Pairs,
        failures: &mut Vec<Failure>,
    ) -> BooleanBuffer {
        if pairs.left.is_empty() {
            return BooleanBuffer::new_unset(0);
        }
        let all: Vec<usize> = (0..probe.table.columns.len()).collect();
        (self.eval)(&probe.paired(batch, pairs, &all), failures)
    }
}

/// What the rows of a batch have met in the table.
pub struct Met {
    /// The key of each, or [`NOT_FOUND`].
    pub(super) found: Vec<u32>,
    /// How many have a null key.
    pub(super) null_keys: usize,
    /// Of all pairs of all rows in order, which are pairs, if that is known already.
    pub(super) is_pair: Option<BooleanBuffer>,
}

impl Met {
    /// The same without the rows that have failed.
    pub fn without(self, failures: &[Failure], probe: &JoinProbe) -> Met {
        let mut is_kept = vec![true; self.found.len()];
        failures.iter().for_each(|failure| is_kept[failure.row as usize] = false);
        let mut found = vec![];
        let mut is_pair = BooleanBufferBuilder::new(0);
        let mut start = 0;
        for (key, is_kept) in self.found.into_iter().zip(is_kept) {
            let pairs = if key == NOT_FOUND { 0 } else { probe.table.matches(key).len() };
            if is_kept {
                found.push(key);
                if let Some(all) = &self.is_pair {
                    is_pair.append_buffer(&all.slice(start, pairs));
                }
            }
            start += pairs;
        }
        // A row with a null key has no pairs, and none that fails.
        Met { found, is_pair: self.is_pair.map(|_| is_pair.finish()), ..self }
    }
}

/// So many answers are kept; the candidates of a batch that has more are asked about again.
const ANSWERS_MAX: usize = 1 << 28;

/// Asks about all candidates, and says of which rows one fails, and why.
pub(super) fn ask(
    probe: &JoinProbe,
    residual: &Residual,
    batch: &Batch,
    found: &[u32],
    failures: &mut Vec<Failure>,
) -> Option<BooleanBuffer> {
    let rows = found.iter().enumerate().filter(|(_, key)| **key != NOT_FOUND);
    let candidates: usize = rows.clone().map(|(_, &key)| probe.table.matches(key).len()).sum();
    let is_kept = candidates <= ANSWERS_MAX;
    let mut answers = BooleanBufferBuilder::new(if is_kept { candidates } else { 0 });
    let (mut pairs, mut first) = (Pairs::default(), BTreeMap::new());
    let mut settle = |pairs: &mut Pairs| {
        let mut failed = vec![];
        let is_pair = residual.of(probe, batch, pairs, &mut failed);
        if is_kept {
            answers.append_buffer(&is_pair);
        }
        failed.sort_by_key(|failure| failure.row);
        for mut failure in failed {
            failure.row = pairs.left[failure.row as usize];
            first.entry(failure.row).or_insert(failure);
        }
        *pairs = Pairs::default();
    };
    for (row, &key) in rows {
        for &right in probe.table.matches(key) {
            pairs.push(row as u32, right);
            if pairs.left.len() == BATCH_ROWS_MAX {
                settle(&mut pairs);
            }
        }
    }
    settle(&mut pairs);
    failures.extend(first.into_values());
    is_kept.then(|| answers.finish())
}

/// The pairs of a batch with equal keys, which a residual decides on, some at a time.
pub(super) struct Candidates<'a> {
    probe: &'a JoinProbe,
    residual: &'a Residual,
    batch: &'a Batch,
    /// The same rows as the result has them.
    given: &'a Batch,
    keys: &'a [Operand],
    pairs: Pairs,
    /// How many pairs there were before these.
    settled: usize,
    /// For each left row that is among the pairs or done: where its pairs end, and whether all of
    /// them are there.
    rows: Vec<(u32, usize, bool)>,
    /// Has the row whose pairs are not all decided matched something?
    has_matched: bool,
    decided: Pairs,
    /// The rows that match something, or for an anti join nothing.
    kept: Vec<u32>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(
        probe: &'a JoinProbe,
        residual: &'a Residual,
        (batch, given): (&'a Batch, &'a Batch),
        keys: &'a [Operand],
    ) -> Candidates<'a> {
        let (pairs, decided) = Default::default();
        Candidates {
            probe,
            residual,
            batch,
            given,
            keys,
            pairs,
            settled: 0,
            rows: vec![],
            has_matched: false,
            decided,
            kept: vec![],
        }
    }

    pub(super) fn decide(
        mut self,
        met: &Met,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (row, &key) in met.found.iter().enumerate() {
            let mut matches = if key == NOT_FOUND { &[] } else { self.probe.table.matches(key) };
            loop {
                let room = BATCH_ROWS_MAX - self.pairs.left.len();
                let (now, later) = matches.split_at(room.min(matches.len()));
                self.pairs.left.resize(self.pairs.left.len() + now.len(), row as u32);
                self.pairs.right.extend_from_slice(now);
                self.rows.push((row as u32, self.pairs.left.len(), later.is_empty()));
                matches = later;
                if self.pairs.left.len() == BATCH_ROWS_MAX {
                    self.settle(met, emit)?;
                }
                if matches.is_empty() {
                    break;
                }
            }
        }
        self.settle(met, emit)?;
        match self.probe.kind {
            JoinKind::Semi | JoinKind::Anti if !self.kept.is_empty() => {
                emit(take_batch(self.batch, &self.kept))
            }
            _ => Ok(()),
        }
    }

    /// Decides on the pairs so far.
    fn settle(
        &mut self,
        met: &Met,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let is_pair = match &met.is_pair {
            Some(is_pair) => is_pair.slice(self.settled, self.pairs.left.len()),
            // Where it fails is known before: see `ask`.
            None => self.residual.of(self.probe, self.batch, &self.pairs, &mut vec![]),
        };
        self.settled += self.pairs.left.len();
        let mut start = 0;
        for (row, end, is_done) in std::mem::take(&mut self.rows) {
            for pair in (start..end).filter(|&pair| is_pair.value(pair)) {
                self.note_pair(row, self.pairs.right[pair]);
            }
            start = end;
            if is_done {
                self.note_done(row);
            }
        }
        self.pairs.left.clear();
        self.pairs.right.clear();
        let mut decided = std::mem::take(&mut self.decided);
        if decided.left.is_empty() {
            return Ok(());
        }
        // Rows without a match come on top of the pairs, so there may be more than a batch has.
        let whole = self.probe.paired(self.given, &decided, &self.probe.right_columns);
        for start in (0..whole.rows).step_by(BATCH_ROWS_MAX) {
            emit(slice_batch(&whole, start, BATCH_ROWS_MAX.min(whole.rows - start)))?;
        }
        decided.left.clear();
        decided.right.clear();
        self.decided = decided;
        Ok(())
    }

    fn note_pair(&mut self, row: u32, right: u32) {
        if let Some(uniqueness) = self.probe.left_to_check() {
            uniqueness.note(self.probe, right, self.batch, self.keys, row as usize);
        }
        if let Some(breach) = self.probe.right_unique.as_ref().filter(|_| self.has_matched) {
            let position = self.batch.positions.at(row as usize);
            breach.note(position, self.probe, self.keys, row as usize);
        }
        self.has_matched = true;
        if let Some(outer) = &self.probe.outer {
            outer.note(right);
        }
        if self.probe.kind.gives_pairs() {
            self.decided.push(row, right);
        }
    }

    fn note_done(&mut self, row: u32) {
        let has_matched = std::mem::take(&mut self.has_matched);
        if !has_matched {
            self.probe.count(&self.probe.unmatched, 1);
        }
        match (self.probe.kind, has_matched) {
            (JoinKind::Semi, true) | (JoinKind::Anti, false) => self.kept.push(row),
            (kind, false) if kind.keeps_left() => self.decided.push(row, NOT_FOUND),
            _ => {}
        }
    }
}
