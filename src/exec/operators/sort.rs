//! `sort`: all rows in the order of their keys, equal ones in the order of the input.

use super::collected::{Collected, downcast, in_order};
use super::gathered::Gathered;
use super::runs::{RunFile, SortedRuns};
use super::{Breaker, Output, State};
use crate::data::Batch;
use crate::exec::order::{Direction, RowOrder};
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
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
}

/// What one thread has collected: rows in memory, and sorted runs on disk, in the order in which
/// they came.
struct Sorting {
    sort: Sort,
    collected: Collected,
    runs: Option<RunFile>,
}

impl State for Sorting {
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        self.collected.push(batch, values)
    }

    fn bytes(&self) -> usize {
        self.collected.bytes()
    }

    fn spill(&mut self, spool: &Arc<Spool>) -> Result<bool, Error> {
        let collected = std::mem::take(&mut self.collected);
        if collected.bytes() > 0 {
            let rows = in_order(vec![Box::new(collected)]);
            let runs = match &mut self.runs {
                Some(runs) => runs,
                none => none.insert(RunFile::new(spool)?),
            };
            runs.write(&self.sort, rows)?;
        }
        Ok(true)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Breaker for Sort {
    fn state(&self) -> Box<dyn State> {
        let collected = Collected::default();
        Box::new(Sorting { sort: self.clone(), collected, runs: None })
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        let mut states: Vec<Sorting> = states.into_iter().map(downcast::<Sorting>).collect();
        let spool =
            states.iter().find_map(|state| state.runs.as_ref()).map(RunFile::spool).cloned();
        if let Some(spool) = spool {
            // What one thread holds may be as much as all others have written.
            states.iter_mut().try_for_each(|state| state.spill(&spool).map(drop))?;
            let runs = states.into_iter().filter_map(|state| state.runs);
            let runs = runs.flat_map(RunFile::into_runs).collect();
            return Ok(Output::Pieces(Arc::new(SortedRuns::new(self.clone(), runs, stop)?)));
        }
        let collected = states.into_iter().map(|state| Box::new(state.collected) as _).collect();
        let (batches, keys): (Vec<Batch>, Vec<_>) = in_order(collected).into_iter().unzip();
        let order = self.order(&keys, &batches).sort_until(stop);
        go_on(stop)?;
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
        Values, all_types, batches_of, compare, rows_of, run_all_ways, run_spilling, shown, table,
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
            Box::new(Sort { directions: ways.to_vec(), columns }) as Box<dyn Breaker>
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
    fn texts_with_long_common_beginnings_do_not_overflow_the_stack() {
        let types = [DataType::String.required(), DataType::Int.required()];
        let text = |n: i64| Scalar::String(format!("{}{}", "x".repeat(20_000), n % 3).into());
        let rows: Vec<Values> = (0..6000).map(|n| vec![text(n), Scalar::Int(n)]).collect();
        check(&types, &[0], &WAYS[..1], &rows, 3000);
    }

    #[test]
    fn sorting_ends_when_the_run_is_to_stop() {
        let sort = Sort { directions: WAYS[..1].to_vec(), columns: vec![Some(0)] };
        let ended = sort.finish(vec![sort.state()], &AtomicBool::new(true));
        assert!(matches!(ended, Err(Error::Cancelled)));
    }

    #[test]
    fn nothing_sorts_to_nothing() {
        let types = [DataType::Int.required()];
        check(&types, &[0], &WAYS[..1], &[], 10);
    }
}
