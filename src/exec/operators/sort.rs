//! `sort`: all rows in the order of their keys, equal ones in the order of the input.

use super::bound::Bound;
use super::collected::{Collected, downcast, in_order};
use super::gathered::Gathered;
use super::runs::{Run, RunFile, SortedRuns};
use super::{Breaker, Output, State};
use crate::data::Batch;
use crate::exec::gather::batch_and_row;
use crate::exec::order::{Direction, RowOrder};
use crate::exec::rows::filter_rows;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use arrow_buffer::BooleanBufferBuilder;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Sorts. Its values are the keys. Equal rows keep the order of the input.
///
/// What does not fit into memory is written to disk as sorted runs.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The direction of each key.
    pub directions: Vec<Direction>,
    /// Of each key that is a column, which.
    pub columns: Vec<Option<usize>>,
    /// So many rows are read of the result, and no others need to be in it.
    pub first: Option<usize>,
}

/// Rows that a thread collects beyond twice those that are read before it drops what comes later.
const SPARE_ROWS: usize = 1 << 12;

/// What one thread has collected: rows in memory, and sorted runs on disk, in the order in which
/// they came.
pub(super) struct Sorting {
    sort: Sort,
    collected: Collected,
    runs: Option<RunFile>,
    /// What comes behind it is not among the first rows.
    bound: Option<Bound>,
}

/// All rows that were collected, in the order of the input.
pub(super) enum Taken {
    /// With their keys.
    Memory(Vec<Batch>, Vec<Vec<Operand>>),
    /// Sorted runs.
    Runs(Vec<Run>),
}

impl Sorting {
    /// Nothing yet, to be sorted like this.
    pub fn new(sort: Sort) -> Sorting {
        Sorting { sort, collected: Collected::default(), runs: None, bound: None }
    }

    /// What all threads have collected.
    pub fn take(mut states: Vec<Sorting>, stop: &AtomicBool) -> Result<Taken, Error> {
        let spool =
            states.iter().find_map(|state| state.runs.as_ref()).map(RunFile::spool).cloned();
        if let Some(spool) = spool {
            // What one thread holds may be as much as all others have written.
            states.iter_mut().try_for_each(|state| state.spill(&spool, stop).map(drop))?;
            let runs = states.into_iter().filter_map(|state| state.runs);
            return Ok(Taken::Runs(runs.flat_map(RunFile::into_runs).collect()));
        }
        let collected = states.into_iter().map(|state| Box::new(state.collected) as _).collect();
        let (batches, keys) = in_order(collected).into_iter().unzip();
        Ok(Taken::Memory(batches, keys))
    }

    /// Drops all rows but the `first` ones.
    fn keep(&mut self, first: usize) -> Result<(), Error> {
        let collected = Box::new(std::mem::take(&mut self.collected));
        let (batches, mut keys): (Vec<Batch>, Vec<_>) =
            in_order(vec![collected]).into_iter().unzip();
        let mut order = self.sort.order(&keys, &batches).sort();
        order.truncate(first);
        if let Some(&last) = order.last() {
            let (batch, row) = batch_and_row(last);
            let position = batches[batch].positions.at(row);
            self.bound = Some(Bound::new(&self.sort.directions, &keys[batch], row, position));
        }
        // Batches stay apart, or those of several threads would overlap.
        order.sort_unstable();
        for rows in order.chunk_by(|a, b| batch_and_row(*a).0 == batch_and_row(*b).0) {
            let (batch, _) = batch_and_row(rows[0]);
            let mut is_kept = BooleanBufferBuilder::new(batches[batch].rows);
            is_kept.append_n(batches[batch].rows, false);
            rows.iter().for_each(|&row| is_kept.set_bit(batch_and_row(row).1, true));
            let kept = filter_rows(&batches[batch], &mut keys[batch], &is_kept.finish());
            self.collected.push(kept, std::mem::take(&mut keys[batch]))?;
        }
        Ok(())
    }
}

impl State for Sorting {
    fn push(&mut self, mut batch: Batch, mut values: Vec<Operand>) -> Result<(), Error> {
        if let Some(bound) = &mut self.bound {
            let before = bound.before(&batch, &values);
            batch = filter_rows(&batch, &mut values, &before);
        }
        self.collected.push(batch, values)?;
        match self.sort.first {
            Some(first) if self.collected.rows() / 2 >= first.saturating_add(SPARE_ROWS) => {
                self.keep(first)
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        self.collected.bytes()
    }

    fn spill(&mut self, spool: &Arc<Spool>, stop: &AtomicBool) -> Result<bool, Error> {
        let collected = std::mem::take(&mut self.collected);
        if collected.bytes() > 0 {
            let rows = in_order(vec![Box::new(collected)]);
            let runs = match &mut self.runs {
                Some(runs) => runs,
                none => none.insert(RunFile::new(spool)?),
            };
            runs.write(&self.sort, rows, stop)?;
        }
        Ok(true)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Breaker for Sort {
    fn state(&self) -> Box<dyn State> {
        Box::new(Sorting::new(self.clone()))
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        let states = states.into_iter().map(downcast::<Sorting>).collect();
        let (batches, keys) = match Sorting::take(states, stop)? {
            Taken::Memory(batches, keys) => (batches, keys),
            Taken::Runs(runs) => {
                return Ok(Output::Pieces(Arc::new(SortedRuns::new(self.clone(), runs, stop)?)));
            }
        };
        let mut order = self.order(&keys, &batches).sort_until(stop);
        go_on(stop)?;
        order.truncate(self.first.unwrap_or(usize::MAX));
        Ok(Gathered::output(batches, order))
    }
}

impl Sort {
    /// The order of the rows of some batches, whose keys are given.
    pub(super) fn order(&self, keys: &[Vec<Operand>], batches: &[Batch]) -> RowOrder {
        let rows: Vec<_> =
            keys.iter().zip(batches).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
        RowOrder::new(&rows, &self.directions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::operators::testing::{
        Values, all_types, batches_of, compare, operands, rows_of, run, run_all_ways, run_spilling,
        shown, table,
    };
    use crate::types::{DataType, Scalar, Type};
    use std::cmp::Ordering;

    const WAYS: [Direction; 4] = [
        Direction { descending: false, nulls_first: false },
        Direction { descending: false, nulls_first: true },
        Direction { descending: true, nulls_first: false },
        Direction { descending: true, nulls_first: true },
    ];

    fn compare_way(a: &Scalar, b: &Scalar, way: Direction) -> Ordering {
        if a.is_null() != b.is_null() {
            let order = a.is_null().cmp(&b.is_null());
            return if way.nulls_first { order.reverse() } else { order };
        }
        if way.descending { compare(b, a) } else { compare(a, b) }
    }

    fn check(types: &[Type], keys: &[usize], ways: &[Direction], rows: &[Values], size: usize) {
        let mut expected = rows.to_vec();
        expected.sort_by(|a, b| {
            let orders = keys.iter().zip(ways).map(|(&k, &way)| compare_way(&a[k], &b[k], way));
            orders.fold(Ordering::Equal, Ordering::then)
        });
        let batches = batches_of(types, rows, size);
        let operator = || {
            let columns = keys.iter().map(|&key| (key != 1).then_some(key)).collect();
            Box::new(Sort { directions: ways.to_vec(), columns, first: None }) as Box<dyn Breaker>
        };
        let sorted = run_all_ways(&operator, types, &batches, keys);
        assert_eq!(shown(types, &sorted), shown(types, &expected));
        if !batches.is_empty() {
            let spilled = run_spilling(&*operator(), &batches, keys, 3);
            assert_eq!(shown(types, &rows_of(types, &spilled)), shown(types, &expected));
        }
    }

    /// The columns of a type twice, then a number that shows whether equal rows kept their order.
    fn numbered(ty: &DataType, seed: u64, rows: usize, spread: usize) -> (Vec<Type>, Vec<Values>) {
        let types = vec![ty.clone().optional(), ty.clone().required(), DataType::Int.required()];
        let mut rows = table(seed, &types, rows, spread);
        for (at, row) in rows.iter_mut().enumerate() {
            row[2] = Scalar::Int(at as i64);
        }
        (types, rows)
    }

    #[test]
    fn every_type_sorts_in_every_direction() {
        for (seed, ty) in all_types().iter().enumerate() {
            for (at, way) in WAYS.into_iter().enumerate() {
                let (types, rows) = numbered(ty, seed as u64, 300, 20);
                check(&types, &[0, 1], &[way, WAYS[(at + 1) % 4]], &rows, 64);
            }
        }
    }

    #[test]
    fn many_rows_sort_as_few_do() {
        for (seed, ty) in [DataType::Int, DataType::Float, DataType::String].iter().enumerate() {
            for spread in [2, 500, 1 << 40] {
                let (types, rows) = numbered(ty, seed as u64, 150_000, spread);
                check(&types, &[0, 1], &[WAYS[2], WAYS[0]], &rows, 30_000);
            }
        }
    }

    #[test]
    fn the_first_rows_are_those_of_the_whole_sort() {
        let types = [DataType::Int, DataType::Float, DataType::String];
        for (seed, (ty, spread)) in types.iter().zip([500, 2, 1 << 40]).enumerate() {
            let (types, rows) = numbered(ty, seed as u64, 15_000, spread);
            let batches = batches_of(&types, &rows, 1000);
            let sort = |first| {
                let (directions, columns) = (vec![WAYS[seed], WAYS[0]], vec![Some(0), None]);
                Box::new(Sort { directions, columns, first }) as Box<dyn Breaker>
            };
            let all = rows_of(&types, &run(&*sort(None), &batches, &[0, 1], 1, |_| 0).unwrap());
            for first in [0, 1, 1000, 20_000] {
                let expected = shown(&types, &all[..all.len().min(first)]);
                let found = run_all_ways(&|| sort(Some(first)), &types, &batches, &[0, 1]);
                assert_eq!(shown(&types, &found), expected);
                let spilled = run_spilling(&*sort(Some(first)), &batches, &[0, 1], 3);
                let spilled = rows_of(&types, &spilled);
                assert_eq!(shown(&types, &spilled[..expected.len()]), expected);
            }
        }
    }

    #[test]
    fn texts_with_long_common_beginnings_do_not_overflow_the_stack() {
        let types = [DataType::String.required(), DataType::Int.required()];
        let text = |n: i64| Scalar::String(format!("{}{}", "x".repeat(20_000), n % 3).into());
        let rows: Vec<Values> = (0..6000).map(|n| vec![text(n), Scalar::Int(n)]).collect();
        check(&types, &[0], &WAYS[..1], &rows, 3000);
    }

    #[test]
    fn sorting_ends_when_the_run_is_to_stop() {
        let sort = Sort { directions: WAYS[..1].to_vec(), columns: vec![Some(0)], first: None };
        let ended = sort.finish(vec![sort.state()], &AtomicBool::new(true));
        assert!(matches!(ended, Err(Error::Cancelled)));
    }

    #[test]
    fn nothing_is_written_when_the_run_is_to_stop() {
        let types = [DataType::Int.required()];
        let batch = batches_of(&types, &[vec![Scalar::Int(1)]], 1).remove(0);
        let sort = Sort { directions: WAYS[..1].to_vec(), columns: vec![Some(0)], first: None };
        let mut state = sort.state();
        let keys = operands(&batch, &[0]);
        state.push(batch, keys).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let spool = Arc::new(Spool::new(folder.path().to_owned(), 1, 1));
        let ended = state.spill(&spool, &AtomicBool::new(true));
        assert!(matches!(ended, Err(Error::Cancelled)));
        assert_eq!(spool.written(), 0);
    }

    #[test]
    fn nothing_sorts_to_nothing() {
        let types = [DataType::Int.required()];
        check(&types, &[0], &WAYS[..1], &[], 10);
    }
}
