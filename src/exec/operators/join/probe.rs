//! The left side of a join: rows looked up in the table of the right side.

use super::JoinTable;
use super::key_text;
use crate::data::{Batch, null_array};
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, slice_batch, take_batch, take_optional};
use crate::exec::operators::Streaming;
use crate::exec::operators::filter::filter_batch;
use crate::exec::rows::hollow;
use crate::exec::table::{Block, NOT_FOUND};
use crate::functions::kernel::{Failure, Operand};
use crate::ir::{Cardinality, JoinKind, Promise};
use crate::text::Span;
use crate::types::Type;
use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Looks rows up. Its values: the left keys. Its columns: the left ones, then the chosen right
/// ones.
pub struct JoinProbe {
    table: Arc<JoinTable>,
    kind: JoinKind,
    right_columns: Vec<usize>,
    residual: Option<Residual>,
    /// Of the right columns, for a right side without rows.
    right_types: Vec<Type>,
    left_unique: Option<LeftUnique>,
    right_unique: Option<Breach>,
    unmatched: AtomicU64,
    null_keys: AtomicU64,
    /// Have all rows been looked up? A later stage that runs the same rows through again has
    /// nothing to check and nothing to count.
    has_passed: AtomicBool,
}

/// Checks that no right row is matched by two left rows.
struct LeftUnique {
    /// The first position that has matched each key, or with a residual each right row.
    matched: Vec<AtomicU64>,
    breach: Breach,
}

/// A promise and the left row that breaks it first, if one does.
struct Breach {
    promise: Promise,
    /// The side that has a key twice.
    side: &'static str,
    /// The position of the row and its key.
    first: Mutex<Option<(u64, String)>>,
}

/// Nothing has matched yet. No row stands there.
const NOWHERE: u64 = u64::MAX;

impl JoinProbe {
    /// A join with `table`; `right_columns` is empty for semi and anti joins. Of the promises,
    /// that of the right side is checked only with a residual: else the table has done it.
    pub fn new(
        table: Arc<JoinTable>,
        kind: JoinKind,
        right_columns: Vec<usize>,
        residual: Option<Residual>,
        promised: Cardinality,
    ) -> JoinProbe {
        let matched = if residual.is_some() { table.rows() } else { table.len() };
        let left_unique = promised.left_unique.map(|promise| LeftUnique {
            matched: (0..matched).map(|_| AtomicU64::new(NOWHERE)).collect(),
            breach: Breach::new(promise, "left"),
        });
        let right_unique = promised.right_unique.filter(|_| residual.is_some());
        JoinProbe {
            table,
            kind,
            right_columns,
            residual,
            right_types: vec![],
            left_unique,
            right_unique: right_unique.map(|promise| Breach::new(promise, "right")),
            unmatched: AtomicU64::new(0),
            null_keys: AtomicU64::new(0),
            has_passed: AtomicBool::new(false),
        }
    }

    /// The same, knowing the types of all right columns, which a right side without rows lacks.
    pub fn with_right_types(mut self, types: Vec<Type>) -> JoinProbe {
        self.right_types = types;
        self
    }

    /// Of the rows of a batch those with a pair on which the residual fails, and why. They are
    /// asked for before anything is emitted, since a row that fails has no pairs at all.
    pub fn failures(&self, batch: &Batch, values: &[Operand]) -> Vec<Failure> {
        let Some(residual) = self.residual.as_ref().filter(|residual| residual.may_fail) else {
            return vec![];
        };
        let mut found = vec![];
        self.table.find(values, batch.rows, &mut Block::default(), &mut found);
        let all: Vec<usize> = (0..self.table.columns.len()).collect();
        let (mut pairs, mut failures) = (Pairs::default(), BTreeMap::new());
        let mut settle = |pairs: &mut Pairs| {
            let mut failed = vec![];
            if !pairs.left.is_empty() {
                (residual.eval)(&self.paired(batch, pairs, &all), &mut failed);
            }
            failed.sort_by_key(|failure| failure.row);
            for mut failure in failed {
                failure.row = pairs.left[failure.row as usize];
                failures.entry(failure.row).or_insert(failure);
            }
            *pairs = Pairs::default();
        };
        for (row, &key) in found.iter().enumerate().filter(|(_, key)| **key != NOT_FOUND) {
            for &right in self.table.matches(key) {
                pairs.push(row as u32, right);
                if pairs.left.len() == BATCH_ROWS_MAX {
                    settle(&mut pairs);
                }
            }
        }
        settle(&mut pairs);
        failures.into_values().collect()
    }

    /// What a failure of the residual is about.
    pub fn span(&self, site: u32) -> Span {
        let residual = self.residual.as_ref().expect("nothing else fails here");
        (residual.span)(site)
    }

    /// To be asked when all rows have been looked up: fails if rows matched more than they may.
    /// Only then is it known which left row is the first to do so.
    pub fn check(&self) -> Result<(), Error> {
        self.has_passed.store(true, Ordering::Relaxed);
        match self.breaches().into_iter().flatten().next() {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Of the promise of the left side and of that of the right side, the position of the first
    /// left row that breaks it.
    pub(super) fn breaches(&self) -> [Option<(u64, Error)>; 2] {
        let left = self.left_unique.as_ref().map(|unique| &unique.breach);
        [left, self.right_unique.as_ref()].map(|breach| breach.and_then(Breach::first))
    }

    /// What, if anything, is still to be checked of left rows that match the same.
    fn left_to_check(&self) -> Option<&LeftUnique> {
        self.left_unique.as_ref().filter(|_| !self.has_passed.load(Ordering::Relaxed))
    }

    fn count(&self, of: &AtomicU64, rows: usize) {
        if !self.has_passed.load(Ordering::Relaxed) {
            of.fetch_add(rows as u64, Ordering::Relaxed);
        }
    }

    /// The left rows so far that matched nothing.
    pub fn unmatched(&self) -> u64 {
        self.unmatched.load(Ordering::Relaxed)
    }

    /// The left rows so far that had a null key, which matches nothing.
    pub fn null_keys(&self) -> u64 {
        self.null_keys.load(Ordering::Relaxed)
    }
}

impl Streaming for JoinProbe {
    fn apply(
        &self,
        batch: Batch,
        values: Vec<Operand>,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut found = vec![];
        let nulls = self.table.find(&values, batch.rows, &mut Block::default(), &mut found);
        self.count(&self.null_keys, nulls);
        if let Some(residual) = &self.residual {
            return Candidates::new(self, residual, &batch, &values).decide(&found, emit);
        }
        let matched = found.iter().filter(|&&key| key != NOT_FOUND).count();
        self.count(&self.unmatched, batch.rows - matched);
        if let Some(uniqueness) = self.left_to_check() {
            for (row, &key) in found.iter().enumerate().filter(|(_, key)| **key != NOT_FOUND) {
                uniqueness.note(self, key, &batch, &values, row);
            }
        }
        match self.kind {
            JoinKind::Semi => {
                filter_batch(batch, found.iter().map(|&key| key != NOT_FOUND).collect())
                    .map_or(Ok(()), emit)
            }
            JoinKind::Anti => {
                filter_batch(batch, found.iter().map(|&key| key == NOT_FOUND).collect())
                    .map_or(Ok(()), emit)
            }
            JoinKind::Inner | JoinKind::Left => self.emit_matches(&batch, &found, emit),
        }
    }

    fn left_out(&self) -> u64 {
        match self.kind {
            JoinKind::Inner | JoinKind::Semi => self.unmatched(),
            // The one keeps all rows, the other those that match nothing.
            JoinKind::Left | JoinKind::Anti => 0,
        }
    }
}

/// Left rows and the right row that each goes with, or [`NOT_FOUND`].
#[derive(Default)]
struct Pairs {
    left: Vec<u32>,
    right: Vec<u32>,
}

impl Pairs {
    fn push(&mut self, left: u32, right: u32) {
        self.left.push(left);
        self.right.push(right);
    }
}

impl JoinProbe {
    fn emit_matches(
        &self,
        batch: &Batch,
        found: &[u32],
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut pairs = Pairs::default();
        pairs.left.reserve(found.len());
        pairs.right.reserve(found.len());
        for (row, &key) in found.iter().enumerate() {
            let mut matches = match (key, self.kind) {
                (NOT_FOUND, JoinKind::Left) => &[NOT_FOUND][..],
                (NOT_FOUND, _) => continue,
                _ => self.table.matches(key),
            };
            while !matches.is_empty() {
                let room = BATCH_ROWS_MAX - pairs.left.len();
                let (now, later) = matches.split_at(room.min(matches.len()));
                pairs.left.resize(pairs.left.len() + now.len(), row as u32);
                pairs.right.extend_from_slice(now);
                matches = later;
                if pairs.left.len() == BATCH_ROWS_MAX {
                    self.emit_pairs(batch, &mut pairs, emit)?;
                }
            }
        }
        self.emit_pairs(batch, &mut pairs, emit)
    }

    /// Emits the pairs, and leaves none.
    fn emit_pairs(
        &self,
        batch: &Batch,
        pairs: &mut Pairs,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let result = match pairs.left.is_empty() {
            true => Ok(()),
            false => emit(self.paired(batch, pairs, &self.right_columns)),
        };
        pairs.left.clear();
        pairs.right.clear();
        result
    }

    /// The left columns of the pairs, and these right ones.
    fn paired(&self, batch: &Batch, pairs: &Pairs, right_columns: &[usize]) -> Batch {
        let is_all = pairs.left.len() == batch.rows
            && pairs.left.iter().enumerate().all(|(at, &row)| at == row as usize);
        let mut paired = if is_all { batch.clone() } else { take_batch(batch, &pairs.left) };
        let column = |&at: &usize| -> ArrayRef {
            match self.table.columns.get(at) {
                Some(column) => take_optional(column, &pairs.right, NOT_FOUND),
                // A right side without any row has no columns: all is null.
                None => match self.right_types.get(at) {
                    Some(ty) => null_array(&ty.data, pairs.left.len()),
                    None => hollow(pairs.left.len()),
                },
            }
        };
        paired.columns.extend(right_columns.iter().map(column));
        paired
    }
}

impl Breach {
    fn new(promise: Promise, side: &'static str) -> Breach {
        Breach { promise, side, first: Mutex::new(None) }
    }

    /// Notes that the row with this position and key breaks the promise.
    fn note(&self, position: u64, probe: &JoinProbe, keys: &[Operand], row: usize) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(before, _)| position < *before) {
            *first = Some((position, key_text(&probe.table.keys, keys, row)));
        }
    }

    fn first(&self) -> Option<(u64, Error)> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let (position, key) = first.clone()?;
        Some((position, Error::Cardinality { promise: self.promise, side: self.side, key }))
    }
}

impl LeftUnique {
    /// Notes that a left row matches a key or a right row. Whatever the order in which rows come,
    /// the least position at which something was matched already is the second match of a key:
    /// of its two first rows, the one that comes later finds the other.
    fn note(&self, probe: &JoinProbe, at: u32, batch: &Batch, keys: &[Operand], row: usize) {
        let position = batch.positions.at(row);
        let before = self.matched[at as usize].fetch_min(position, Ordering::Relaxed);
        if before == NOWHERE {
            return;
        }
        self.breach.note(before.max(position), probe, keys, row);
    }
}

/// The pairs of a batch with equal keys, which a residual decides on, some at a time.
struct Candidates<'a> {
    probe: &'a JoinProbe,
    residual: &'a Residual,
    batch: &'a Batch,
    keys: &'a [Operand],
    pairs: Pairs,
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
    fn new(
        probe: &'a JoinProbe,
        residual: &'a Residual,
        batch: &'a Batch,
        keys: &'a [Operand],
    ) -> Candidates<'a> {
        let (pairs, decided) = Default::default();
        Candidates {
            probe,
            residual,
            batch,
            keys,
            pairs,
            rows: vec![],
            has_matched: false,
            decided,
            kept: vec![],
        }
    }

    fn decide(
        mut self,
        found: &[u32],
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (row, &key) in found.iter().enumerate() {
            let mut matches = if key == NOT_FOUND { &[] } else { self.probe.table.matches(key) };
            loop {
                let room = BATCH_ROWS_MAX - self.pairs.left.len();
                let (now, later) = matches.split_at(room.min(matches.len()));
                self.pairs.left.resize(self.pairs.left.len() + now.len(), row as u32);
                self.pairs.right.extend_from_slice(now);
                self.rows.push((row as u32, self.pairs.left.len(), later.is_empty()));
                matches = later;
                if self.pairs.left.len() == BATCH_ROWS_MAX {
                    self.settle(emit)?;
                }
                if matches.is_empty() {
                    break;
                }
            }
        }
        self.settle(emit)?;
        match self.probe.kind {
            JoinKind::Semi | JoinKind::Anti if !self.kept.is_empty() => {
                emit(take_batch(self.batch, &self.kept))
            }
            _ => Ok(()),
        }
    }

    /// Decides on the pairs so far.
    fn settle(&mut self, emit: &mut dyn FnMut(Batch) -> Result<(), Error>) -> Result<(), Error> {
        let is_pair = if self.pairs.left.is_empty() {
            BooleanBuffer::new_unset(0)
        } else {
            let all: Vec<usize> = (0..self.probe.table.columns.len()).collect();
            // Where it fails is known before: see `JoinProbe::failures`.
            (self.residual.eval)(&self.probe.paired(self.batch, &self.pairs, &all), &mut vec![])
        };
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
        let whole = self.probe.paired(self.batch, &decided, &self.probe.right_columns);
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
        match self.probe.kind {
            JoinKind::Inner | JoinKind::Left => self.decided.push(row, right),
            JoinKind::Semi | JoinKind::Anti => {}
        }
    }

    fn note_done(&mut self, row: u32) {
        let has_matched = std::mem::take(&mut self.has_matched);
        if !has_matched {
            self.probe.count(&self.probe.unmatched, 1);
        }
        match (self.probe.kind, has_matched) {
            (JoinKind::Semi, true) | (JoinKind::Anti, false) => self.kept.push(row),
            (JoinKind::Left, false) => self.decided.push(row, NOT_FOUND),
            (JoinKind::Semi | JoinKind::Inner, false)
            | (JoinKind::Anti | JoinKind::Inner | JoinKind::Left, true) => {}
        }
    }
}
