//! The left side of a join: rows looked up in the table of the right side.

use super::JoinTable;
use super::candidates::{Candidates, Met, Residual, ask};
use super::key_text;
use super::outer::{Outer, OuterRow};
use crate::data::{Batch, null_array};
use crate::exec::Error;
use crate::exec::gather::{BATCH_ROWS_MAX, optional_rows, take_batch, take_optional};
use crate::exec::operators::Streaming;
use crate::exec::operators::filter::filter_batch;
use crate::exec::rows::hollow;
use crate::exec::table::{Block, NOT_FOUND};
use crate::functions::kernel::{Failure, Operand};
use crate::ir::{Cardinality, JoinKind, Promise};
use crate::text::Span;
use crate::types::{Scalar, Type};
use arrow_array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow_buffer::BooleanBuffer;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Looks rows up. Its values: the left keys. Its columns: the left ones, then the chosen right
/// ones.
pub struct JoinProbe {
    pub(super) table: Arc<JoinTable>,
    pub(super) kind: JoinKind,
    pub(super) right_columns: Vec<usize>,
    residual: Option<Residual>,
    /// Of the right columns, for a right side without rows.
    right_types: Vec<Type>,
    /// Where right rows are kept that match nothing.
    pub(super) outer: Option<Outer>,
    left_unique: Option<LeftUnique>,
    pub(super) right_unique: Option<Breach>,
    left_found: Option<Breach>,
    pub(super) unmatched: AtomicU64,
    null_keys: AtomicU64,
    /// Of a join that compares all pairs of rows, where it is written.
    compares_all: Option<Span>,
    /// Left rows so far.
    looked_up: AtomicU64,
    /// Have all rows been looked up? A later stage that runs the same rows through again has
    /// nothing to check and nothing to count.
    has_passed: AtomicBool,
}

/// Checks that no right row is matched by two left rows.
pub(super) struct LeftUnique {
    /// The first position that has matched each key, or with a residual each right row.
    matched: Vec<AtomicU64>,
    breach: Breach,
}

/// A promise and the left row that breaks it first, if one does.
pub(super) struct Breach {
    promise: Promise,
    /// The side that has a key twice.
    side: &'static str,
    /// The position of the row and its key.
    first: Mutex<Option<(u64, String)>>,
}

/// More pairs than these are a mistake: they would take hours.
pub const PAIRS_MAX: u64 = 10_000_000_000;

/// Nothing has matched yet. No row stands there.
const NOWHERE: u64 = u64::MAX;

impl JoinProbe {
    /// The least and the greatest of a key of the right side, if there is one and it is known.
    pub fn right_keys(&self, key: usize) -> Option<(Scalar, Scalar)> {
        self.table.ranges[key].clone()
    }

    /// A join with `table`; `right_columns` is empty for semi and anti joins. Of the promises,
    /// that of the right side is checked only with a residual: else the table has done it.
    pub fn new(
        table: Arc<JoinTable>,
        kind: JoinKind,
        right_columns: Vec<usize>,
        residual: Option<Residual>,
        promised: Cardinality,
    ) -> JoinProbe {
        let by_row = residual.is_some() || table.finds_rows();
        let matched = if by_row { table.rows() } else { table.len() };
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
            outer: None,
            left_unique,
            right_unique: right_unique.map(|promise| Breach::new(promise, "right")),
            left_found: promised.left_found.map(|promise| Breach::new(promise, "left")),
            unmatched: AtomicU64::new(0),
            null_keys: AtomicU64::new(0),
            compares_all: None,
            looked_up: AtomicU64::new(0),
            has_passed: AtomicBool::new(false),
        }
    }

    /// The same, knowing the types of all right columns, which a right side without rows lacks.
    pub fn with_right_types(mut self, types: Vec<Type>) -> JoinProbe {
        self.right_types = types;
        self
    }

    /// The same, keeping right rows that match nothing.
    pub fn keeping_right(mut self, row: OuterRow) -> JoinProbe {
        self.outer = Some(Outer::new(row, &self.table));
        self
    }

    /// The same, comparing every row with every row.
    pub fn comparing_all(mut self, span: Span) -> JoinProbe {
        self.compares_all = Some(span);
        self
    }

    /// Fails if all pairs of rows are compared and these are too many.
    fn count_pairs(&self, rows: usize) -> Result<(), Error> {
        let Some(span) = self.compares_all else { return Ok(()) };
        self.count(&self.looked_up, rows);
        let (left, right) = (self.looked_up.load(Ordering::Relaxed), self.table.rows() as u64);
        match left.saturating_mul(right) > PAIRS_MAX {
            true => Err(Error::Pairs { span, right }),
            false => Ok(()),
        }
    }

    /// What the rows of a batch meet in the table, and which of them have a pair on which the
    /// residual fails, and why: it is asked before anything is emitted, since a row that fails has
    /// no pairs at all.
    pub fn look_up(&self, batch: &Batch, values: &[Operand]) -> Result<(Met, Vec<Failure>), Error> {
        self.count_pairs(batch.rows)?;
        let mut found = vec![];
        let null_keys = self.table.find(values, batch.rows, &mut Block::default(), &mut found);
        let mut met = Met { found, null_keys, is_pair: None };
        let mut failures = vec![];
        if let Some(residual) = self.residual.as_ref().filter(|residual| residual.may_fail) {
            met.is_pair = ask(self, residual, batch, &met.found, &mut failures);
        }
        Ok((met, failures))
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

    /// Of the promises of the left side and of that of the right side, the position of the first
    /// left row that breaks it.
    pub(super) fn breaches(&self) -> [Option<(u64, Error)>; 3] {
        let left = self.left_unique.as_ref().map(|unique| &unique.breach);
        let others = [self.right_unique.as_ref(), self.left_found.as_ref()];
        [left, others[0], others[1]].map(|breach| breach.and_then(Breach::first))
    }

    /// What, if anything, is still to be checked of left rows that match the same.
    pub(super) fn left_to_check(&self) -> Option<&LeftUnique> {
        self.left_unique.as_ref().filter(|_| !self.has_passed.load(Ordering::Relaxed))
    }

    pub(super) fn count(&self, of: &AtomicU64, rows: usize) {
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
        let (met, _) = self.look_up(&batch, &values)?;
        self.join(batch, &values, met, emit)
    }

    fn left_out(&self) -> u64 {
        match self.kind {
            JoinKind::Inner | JoinKind::Right | JoinKind::Semi => self.unmatched(),
            // They keep all left rows, or those that match nothing.
            JoinKind::Left | JoinKind::Full | JoinKind::Anti | JoinKind::Mark => 0,
        }
    }

    fn begin_anew(&self) {
        self.unmatched.store(0, Ordering::Relaxed);
        self.null_keys.store(0, Ordering::Relaxed);
        self.looked_up.store(0, Ordering::Relaxed);
        self.has_passed.store(false, Ordering::Relaxed);
        if let Some(unique) = &self.left_unique {
            unique.matched.iter().for_each(|first| first.store(NOWHERE, Ordering::Relaxed));
        }
        let breaches = self.left_unique.iter().map(|unique| &unique.breach);
        let breaches = breaches.chain(&self.right_unique).chain(&self.left_found);
        breaches.for_each(Breach::forget);
        self.outer.iter().for_each(Outer::forget);
    }
}

impl JoinProbe {
    /// Joins the rows with what they have met.
    pub fn join(
        &self,
        batch: Batch,
        values: &[Operand],
        met: Met,
        emit: &mut dyn FnMut(Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // What marks rows leaves it to a rule to say something of those without a key.
        if self.kind != JoinKind::Mark {
            self.count(&self.null_keys, met.null_keys);
        }
        let given = self.outer.as_ref().map(|outer| outer.left(&batch, values));
        if let Some(residual) = &self.residual {
            let given = given.as_ref().unwrap_or(&batch);
            return Candidates::new(self, residual, (&batch, given), values).decide(&met, emit);
        }
        let found = met.found;
        let matched = found.iter().filter(|&&key| key != NOT_FOUND).count();
        self.count(&self.unmatched, batch.rows - matched);
        if let Some(breach) = self.left_found.as_ref().filter(|_| matched < batch.rows) {
            for row in (0..batch.rows).filter(|row| found[*row] == NOT_FOUND) {
                breach.note(batch.positions.at(row), self, values, row);
            }
        }
        if let Some(uniqueness) = self.left_to_check() {
            for (row, &key) in found.iter().enumerate().filter(|(_, key)| **key != NOT_FOUND) {
                uniqueness.note(self, key, &batch, values, row);
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
            JoinKind::Mark => {
                let matches: BooleanBuffer = found.iter().map(|&key| key != NOT_FOUND).collect();
                let mut marked = batch;
                marked.columns.push(Arc::new(BooleanArray::new(matches, None)));
                emit(marked)
            }
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                self.emit_matches(given.as_ref().unwrap_or(&batch), &found, emit)
            }
        }
    }
}

/// Left rows and the right row that each goes with, or [`NOT_FOUND`].
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) left: Vec<u32>,
    pub(super) right: Vec<u32>,
}

impl Pairs {
    pub(super) fn push(&mut self, left: u32, right: u32) {
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
        if self.table.finds_rows() {
            for (row, &right) in found.iter().enumerate() {
                if right != NOT_FOUND || self.kind.keeps_left() {
                    pairs.push(row as u32, right);
                }
            }
            return self.emit_pairs(batch, &mut pairs, emit);
        }
        if let Some(rows) = self.table.rows_of_keys() {
            for (row, &key) in found.iter().enumerate() {
                if key != NOT_FOUND {
                    pairs.push(row as u32, rows[key as usize]);
                } else if self.kind.keeps_left() {
                    pairs.push(row as u32, NOT_FOUND);
                }
            }
            if let Some(outer) = &self.outer {
                let matched = pairs.right.iter().filter(|right| **right != NOT_FOUND);
                matched.for_each(|right| outer.note(*right));
            }
            return self.emit_pairs(batch, &mut pairs, emit);
        }
        for (row, &key) in found.iter().enumerate() {
            let mut matches = match key {
                NOT_FOUND if self.kind.keeps_left() => &[NOT_FOUND][..],
                NOT_FOUND => continue,
                _ => self.table.matches(key),
            };
            if let Some(outer) = self.outer.as_ref().filter(|_| key != NOT_FOUND) {
                outer.note_all(matches);
            }
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
    pub(super) fn paired(&self, batch: &Batch, pairs: &Pairs, right_columns: &[usize]) -> Batch {
        let is_all = pairs.left.len() == batch.rows
            && pairs.left.iter().enumerate().all(|(at, &row)| at == row as usize);
        let mut paired = if is_all { batch.clone() } else { take_batch(batch, &pairs.left) };
        let right = optional_rows(&pairs.right, NOT_FOUND);
        let column = |&at: &usize| -> ArrayRef {
            match self.table.columns.get(at) {
                Some(column) if column.is_empty() => {
                    new_null_array(column.data_type(), pairs.left.len())
                }
                Some(column) => take_optional(column, &right),
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
    pub(super) fn note(&self, position: u64, probe: &JoinProbe, keys: &[Operand], row: usize) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(before, _)| position < *before) {
            *first = Some((position, key_text(&probe.table.keys, keys, row)));
        }
    }

    fn forget(&self) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
    pub(super) fn note(
        &self,
        probe: &JoinProbe,
        at: u32,
        batch: &Batch,
        keys: &[Operand],
        row: usize,
    ) {
        let position = batch.positions.at(row);
        let before = self.matched[at as usize].fetch_min(position, Ordering::Relaxed);
        if before == NOWHERE {
            return;
        }
        self.breach.note(before.max(position), probe, keys, row);
    }
}
