//! `sort`: all rows in the order of their keys, equal ones in the order of the input.

use super::collected::{Collected, in_order};
use super::{Breaker, State};
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::gather::gather_batches;
use crate::exec::order::{Direction, RowOrder};

/// Sorts. Its values: the keys.
#[derive(Debug)]
pub struct Sort {
    /// The direction of each key.
    pub directions: Vec<Direction>,
}

impl Breaker for Sort {
    fn state(&self) -> Box<dyn State> {
        Box::new(Collected::default())
    }

    fn finish(&self, states: Vec<Box<dyn State>>) -> Result<Vec<Batch>, Error> {
        let (batches, keys): (Vec<Batch>, Vec<_>) = in_order(states).into_iter().unzip();
        let rows: Vec<_> =
            keys.iter().zip(&batches).map(|(keys, batch)| (&keys[..], batch.rows)).collect();
        let order = RowOrder::new(&rows, &self.directions).sort();
        drop(keys);
        Ok(gather_batches(&batches, &order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::operators::testing::{
        Values, all_types, batches_of, compare, run_all_ways, shown, table,
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
        let operator = || Box::new(Sort { directions: ways.to_vec() }) as Box<dyn Breaker>;
        let sorted = run_all_ways(&operator, types, &batches, keys);
        assert_eq!(shown(types, &sorted), shown(types, &expected));
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
    fn nothing_sorts_to_nothing() {
        let types = [DataType::Int.required()];
        check(&types, &[0], &WAYS[..1], &[], 10);
    }
}
