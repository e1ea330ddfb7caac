//! `take`: the first rows, of all or of each group, in the order of the input.

use super::collected::downcast;
use super::kept::Kept;
use super::{Breaker, Output, State};
use crate::data::Batch;
use crate::exec::gather::{RowRef, row_ref};
use crate::exec::table::GroupTable;
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::types::Type;
use rayon::prelude::*;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Takes rows. Its values: what identifies the group.
pub struct Take {
    plan: Arc<Plan>,
}

struct Plan {
    count: u64,
    keys: Vec<Type>,
    /// Rows kept by all threads.
    kept: AtomicU64,
}

impl Take {
    /// The first `count` rows of each group, whose keys have these types; without keys, of all.
    pub fn new(count: u64, keys: Vec<Type>) -> Take {
        Take { plan: Arc::new(Plan { count, keys, kept: AtomicU64::new(0) }) }
    }
}

/// The first rows of one thread.
struct FirstRows {
    plan: Arc<Plan>,
    table: GroupTable,
    numbers: Vec<u32>,
    groups: Vec<Group>,
    /// The group of each row in `kept`.
    rows: Vec<(u32, RowRef)>,
    kept: Kept,
}

#[derive(Clone, Copy, Default)]
struct Group {
    /// Rows kept, up to the count.
    rows: u64,
    /// The last position among those.
    last: u64,
}

impl FirstRows {
    /// Notes row `row` of the batch that is being taken in, if it can be among the first.
    fn takes(&mut self, row: usize, number: u32, position: u64) -> bool {
        if self.groups.len() <= number as usize {
            self.groups.resize(number as usize + 1, Group::default());
        }
        let group = &mut self.groups[number as usize];
        if group.rows < self.plan.count {
            group.rows += 1;
            group.last = group.last.max(position);
        } else if position >= group.last {
            return false;
        }
        self.rows.push((number, row_ref(self.kept.next_batch(), row)));
        true
    }
}

impl State for FirstRows {
    fn push(&mut self, batch: Batch, values: Vec<Operand>) -> Result<(), Error> {
        if batch.rows == 0 || self.plan.count == 0 {
            return Ok(());
        }
        let mut numbers = std::mem::take(&mut self.numbers);
        self.table.find_or_insert(&values, batch.rows, &mut numbers);
        let mut taken: Vec<u32> = vec![];
        for (row, &number) in numbers.iter().enumerate() {
            if self.takes(taken.len(), number, batch.positions.at(row)) {
                taken.push(row as u32);
            }
        }
        self.numbers = numbers;
        if !taken.is_empty() {
            self.plan.kept.fetch_add(taken.len() as u64, Ordering::Relaxed);
            self.kept.push(&batch, &taken);
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.table.bytes() + self.kept.bytes() + (self.groups.len() + self.rows.len()) * 16
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Breaker for Take {
    fn state(&self) -> Box<dyn State> {
        Box::new(FirstRows {
            plan: self.plan.clone(),
            table: GroupTable::new(&self.plan.keys),
            numbers: vec![],
            groups: vec![],
            rows: vec![],
            kept: Kept::default(),
        })
    }

    /// Morsels are given out in order, so those that have come stand before all others.
    fn has_enough(&self) -> Option<bool> {
        let kept = self.plan.kept.load(Ordering::Relaxed);
        self.plan.keys.is_empty().then_some(kept >= self.plan.count)
    }

    fn begin_anew(&self) {
        self.plan.kept.store(0, Ordering::Relaxed);
    }

    fn finish(&self, states: Vec<Box<dyn State>>, stop: &AtomicBool) -> Result<Output, Error> {
        go_on(stop)?;
        let mut table = GroupTable::new(&self.plan.keys);
        let (mut all, mut candidates) = (vec![], vec![]);
        for state in states {
            let state = downcast::<FirstRows>(state);
            let mine: Vec<u32> = (0..state.table.len() as u32).collect();
            let mut numbers = vec![];
            table.insert_from(&state.table, &mine, &mut numbers);
            let rows = state.rows.into_iter();
            candidates.push(rows.map(|(n, row)| (numbers[n as usize], row)).collect::<Vec<_>>());
            all.push(state.kept);
        }
        let (kept, starts) = Kept::join(all);
        let mut rows: Vec<(u32, u64, RowRef)> = vec![];
        for (candidates, start) in candidates.into_iter().zip(starts) {
            rows.extend(candidates.into_iter().map(|(number, row)| {
                let row = row + row_ref(start, 0);
                (number, kept.position(row), row)
            }));
        }
        rows.par_sort_unstable();
        let count = usize::try_from(self.plan.count).unwrap_or(usize::MAX);
        let groups = rows.chunk_by(|a, b| a.0 == b.0);
        let first = groups.flat_map(|group| group.iter().take(count)).map(|&(_, _, row)| row);
        Ok(kept.into_output(first.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::operators::testing::{
        Values, batches_of, compare_all, run, run_all_ways, shown, table,
    };
    use crate::types::DataType;

    fn types() -> Vec<Type> {
        vec![DataType::String.optional(), DataType::Float.optional(), DataType::Int.required()]
    }

    #[test]
    fn the_first_rows_of_each_group_are_taken() {
        let rows = table(7, &types(), 3000, 30);
        let batches = batches_of(&types(), &rows, 200);
        for count in [0, 1, 3, 100] {
            let mut expected: Vec<Values> = vec![];
            for row in &rows {
                let same = |other: &&Values| compare_all(&other[..2], &row[..2]).is_eq();
                if expected.iter().filter(same).count() < count {
                    expected.push(row.clone());
                }
            }
            let make =
                || Box::new(Take::new(count as u64, types()[..2].to_vec())) as Box<dyn Breaker>;
            let found = run_all_ways(&make, &types(), &batches, &[0, 1]);
            assert_eq!(shown(&types(), &found), shown(&types(), &expected));
        }
    }

    #[test]
    fn the_first_rows_of_all_are_taken_and_no_more_kept() {
        let rows = table(7, &types(), 3000, 30);
        let batches = batches_of(&types(), &rows, 200);
        for count in [1, 199, 200, 2000, 5000] {
            let make = || Box::new(Take::new(count as u64, vec![])) as Box<dyn Breaker>;
            let found = run_all_ways(&make, &types(), &batches, &[]);
            assert_eq!(shown(&types(), &found), shown(&types(), &rows[..count.min(3000)]));
        }
        let take = Take::new(250, vec![]);
        assert_eq!(take.has_enough(), Some(false));
        run(&take, &batches[..2], &[], 1, |_| 0).unwrap();
        assert_eq!(take.has_enough(), Some(true));
        assert_eq!(take.plan.kept.load(Ordering::Relaxed), 250);
        assert_eq!(Take::new(250, types()).has_enough(), None);
    }
}
