//! Keys with the states of their aggregates.

use super::{Input, Plan};
use crate::data::Positions;
use crate::exec::keys::PackedRows;
use crate::exec::table::GroupTable;
use crate::functions::kernel::{Accumulator, Failure, KernelContext, Operand};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Some groups.
pub(super) struct Groups {
    table: GroupTable,
    accumulators: Vec<Box<dyn Accumulator>>,
    has_keys: bool,
    /// The group of each row of the batch at hand.
    numbers: Vec<u32>,
}

/// Groups that are not finished, in no order that means anything.
pub(super) struct Saved {
    /// The keys, then the states of the aggregates.
    pub columns: Vec<ArrayRef>,
    /// The hashes of the keys.
    pub hashes: Vec<u64>,
}

/// The rows of some groups, in no order that means anything.
pub(super) struct Finished {
    /// The keys, then the aggregates.
    pub columns: Vec<ArrayRef>,
    /// How many.
    pub groups: usize,
    /// The hashes of their keys.
    pub hashes: Vec<u64>,
    /// Those whose aggregates could not be had; the site is the position of the aggregate.
    pub failures: Vec<Failure>,
}

impl Groups {
    /// None yet; without keys the one that there always is.
    pub fn new(plan: &Plan) -> Groups {
        Groups {
            table: GroupTable::new(&plan.keys),
            accumulators: plan.aggregates.iter().map(|aggregate| (aggregate.new)()).collect(),
            has_keys: !plan.keys.is_empty(),
            numbers: vec![],
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        if self.has_keys { self.table.len() } else { 1 }
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.table.bytes() + self.accumulators.iter().map(|states| states.bytes()).sum::<usize>()
    }

    /// Takes in rows.
    pub fn update(&mut self, plan: &Plan, input: &Input) {
        let (keys, arguments) = input.values.split_at(plan.keys.len());
        if self.has_keys {
            self.table.find_or_insert(keys, input.rows, &mut self.numbers);
        } else {
            self.numbers.clear();
            self.numbers.resize(input.rows, 0);
        }
        self.aggregate(plan, arguments, &input.positions);
    }

    /// The same for rows whose keys are packed; there must be keys.
    pub fn update_packed(
        &mut self,
        plan: &Plan,
        (keys, rows): (&PackedRows, Range<usize>),
        arguments: &[Operand],
        positions: &Positions,
    ) {
        self.table.find_or_insert_packed(keys, rows, &mut self.numbers);
        self.aggregate(plan, arguments, positions);
    }

    /// Makes room for so many more groups.
    pub fn reserve(&mut self, groups: usize) {
        self.table.reserve(groups);
    }

    /// Takes in the arguments of the rows whose groups are [`Self::numbers`].
    fn aggregate(&mut self, plan: &Plan, mut arguments: &[Operand], positions: &Positions) {
        let count = self.len();
        for (states, aggregate) in self.accumulators.iter_mut().zip(&plan.aggregates) {
            let (own, others) = arguments.split_at(aggregate.arguments);
            states.update(&self.numbers, count, own, positions);
            arguments = others;
        }
    }

    /// The groups of both.
    pub fn merge(self, other: Groups) -> Groups {
        let (mut large, mut small) =
            if self.len() >= other.len() { (self, other) } else { (other, self) };
        if large.has_keys {
            let all: Vec<u32> = (0..small.len() as u32).collect();
            large.table.insert_from(&small.table, &all, &mut large.numbers);
        } else {
            large.numbers = vec![0];
        }
        let (count, numbers) = (large.len(), &large.numbers);
        large
            .accumulators
            .par_iter_mut()
            .zip(&mut small.accumulators)
            .for_each(|(states, others)| states.merge(&mut **others, numbers, count));
        large
    }

    /// Can it take in some groups of another and leave it the others?
    pub fn can_merge_some(&self) -> bool {
        self.has_keys && self.accumulators.iter().all(|states| states.can_merge_some())
    }

    /// Takes in some groups of another: of each pair, the second one becomes part of the first.
    pub fn merge_some(&mut self, other: &mut Groups, pairs: &[(u32, u32)]) {
        self.accumulators
            .par_iter_mut()
            .zip(&mut other.accumulators)
            .for_each(|(states, others)| states.merge_some(&mut **others, pairs));
    }

    /// The table of the keys.
    pub fn table(&self) -> &GroupTable {
        &self.table
    }

    /// Takes in groups that were saved.
    pub fn load(&mut self, plan: &Plan, saved: &[ArrayRef]) {
        let (keys, states) = saved.split_at(plan.keys.len());
        if let Some(rows) = keys.first().map(|key| key.len()) {
            let keys: Vec<Operand> = keys.iter().cloned().map(Operand::column).collect();
            self.table.find_or_insert(&keys, rows, &mut self.numbers);
        } else {
            self.numbers = vec![0];
        }
        let count = self.len();
        for (own, saved) in self.accumulators.iter_mut().zip(states) {
            own.load(saved.as_binary::<i64>(), &self.numbers, count);
        }
    }

    /// The groups as they are written to disk.
    pub fn save(mut self) -> Saved {
        let count = self.len();
        let states: Vec<ArrayRef> = self
            .accumulators
            .par_iter_mut()
            .map(|states| Arc::new(states.save(count)) as ArrayRef)
            .collect();
        let hashes = self.table.hashes().collect();
        let mut columns = if self.has_keys { self.table.into_arrays() } else { vec![] };
        columns.extend(states);
        Saved { columns, hashes }
    }

    /// The rows of the groups.
    pub fn finish(self, plan: &Plan) -> Finished {
        let hashes = if plan.keys.is_empty() { vec![0] } else { self.table.hashes().collect() };
        Finished { hashes, ..self.finish_unhashed(plan) }
    }

    /// The same without the hashes.
    pub fn finish_unhashed(mut self, plan: &Plan) -> Finished {
        let groups = self.len();
        let results: Vec<(ArrayRef, Vec<Failure>)> = self
            .accumulators
            .par_iter_mut()
            .enumerate()
            .map(|(site, states)| {
                let mut failures = vec![];
                let mut context = KernelContext {
                    rows: groups,
                    active: None,
                    site: site as u32,
                    failures: &mut failures,
                };
                let column = states.finish(groups, &mut context);
                (column, failures)
            })
            .collect();
        let mut columns = if plan.keys.is_empty() { vec![] } else { self.table.into_arrays() };
        let mut failures = vec![];
        for (column, failed) in results {
            columns.push(column);
            failures.extend(failed);
        }
        Finished { columns, groups, hashes: vec![], failures }
    }
}
