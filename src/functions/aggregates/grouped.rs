//! The accumulator that most aggregates share: a state per group in one vector, a tight loop over
//! a batch, merging state by state.

use super::saved::Saved;
use crate::data::Positions;
use crate::functions::kernel::{Accumulator, KernelContext, LiteralError, NewAccumulator, Operand};
use arrow_array::builder::LargeBinaryBuilder;
use arrow_array::{ArrayRef, LargeBinaryArray};
use std::any::Any;

/// What an aggregate does with the states of its groups.
pub trait Aggregate: Clone + Send + Sync + 'static {
    /// Does it look at the positions of rows?
    const USES_POSITIONS: bool = false;

    /// What it knows of a group.
    type State: Default + Send + Saved;

    /// Takes in a batch; `groups[i]` is below `states.len()`.
    fn update(
        &mut self,
        states: &mut [Self::State],
        groups: &[u32],
        arguments: &[Operand],
        rows: &Positions,
    );

    /// Takes in what another accumulator knows of the same group.
    fn merge(&mut self, into: &mut Self::State, from: Self::State);

    /// Before states of `other` are merged one by one.
    fn adopt(&mut self, _other: &mut Self) {}

    /// After states were read from so many bytes, and before they are merged one by one.
    fn loaded(&mut self, _bytes: usize) {}

    /// The values of the groups.
    fn finish(&mut self, states: Vec<Self::State>, context: &mut KernelContext) -> ArrayRef;

    /// Bytes of memory beside the states themselves.
    fn heap(&self) -> usize {
        0
    }
}

struct Grouped<A: Aggregate> {
    aggregate: A,
    /// As it was before any rows, for [`Accumulator::finish`].
    empty: A,
    states: Vec<A::State>,
}

impl<A: Aggregate> Grouped<A> {
    fn grow(&mut self, count: usize) {
        if self.states.len() < count {
            self.states.resize_with(count, A::State::default);
        }
    }
}

impl<A: Aggregate> Accumulator for Grouped<A> {
    fn update(&mut self, groups: &[u32], count: usize, arguments: &[Operand], rows: &Positions) {
        self.grow(count);
        self.aggregate.update(&mut self.states, groups, arguments, rows);
    }

    fn uses_positions(&self) -> bool {
        A::USES_POSITIONS
    }

    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], count: usize) {
        self.grow(count);
        let other = same_kind::<Self>(other);
        self.aggregate.adopt(&mut other.aggregate);
        for (from, &group) in std::mem::take(&mut other.states).into_iter().zip(groups) {
            self.aggregate.merge(&mut self.states[group as usize], from);
        }
    }

    fn can_merge_some(&self) -> bool {
        true
    }

    fn merge_some(&mut self, other: &mut dyn Accumulator, pairs: &[(u32, u32)]) {
        let other = same_kind::<Self>(other);
        self.aggregate.adopt(&mut other.aggregate);
        for &(into, from) in pairs {
            let from = std::mem::take(&mut other.states[from as usize]);
            self.aggregate.merge(&mut self.states[into as usize], from);
        }
    }

    fn save(&mut self, count: usize) -> LargeBinaryArray {
        self.grow(count);
        let states = std::mem::take(&mut self.states);
        self.aggregate = self.empty.clone();
        save_each(states.into_iter())
    }

    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], count: usize) {
        self.grow(count);
        self.aggregate.loaded(saved.value_data().len());
        for (&group, mut bytes) in groups.iter().zip(saved.iter().flatten()) {
            self.aggregate.merge(&mut self.states[group as usize], Saved::load(&mut bytes));
        }
    }

    fn finish(&mut self, count: usize, context: &mut KernelContext) -> ArrayRef {
        self.grow(count);
        let states = std::mem::take(&mut self.states);
        let result = self.aggregate.finish(states, context);
        self.aggregate = self.empty.clone();
        result
    }

    fn bytes(&self) -> usize {
        self.states.capacity() * size_of::<A::State>() + self.aggregate.heap()
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// The bytes of each state.
pub fn save_each<S: Saved>(states: impl Iterator<Item = S>) -> LargeBinaryArray {
    let mut saved = LargeBinaryBuilder::new();
    let mut bytes = vec![];
    for state in states {
        bytes.clear();
        state.save(&mut bytes);
        saved.append_value(&bytes);
    }
    saved.finish()
}

/// The other accumulator of a merge.
pub fn same_kind<A: 'static>(other: &mut dyn Accumulator) -> &mut A {
    other.as_any_mut().downcast_mut().expect("accumulators of one call are of one kind")
}

/// Makes accumulators of this aggregate.
pub fn grouped<A: Aggregate>(aggregate: A) -> Result<NewAccumulator, LiteralError> {
    Ok(Box::new(move || {
        let (aggregate, empty) = (aggregate.clone(), aggregate.clone());
        Box::new(Grouped { aggregate, empty, states: Vec::new() })
    }))
}

/// Calls `take` for each row that is null in no operand.
#[inline(always)]
pub fn for_each_value(rows: usize, operands: &[Operand], mut take: impl FnMut(usize)) {
    match crate::functions::columns::strict(rows, operands) {
        None => (0..rows).for_each(take),
        Some(valid) => valid.valid_indices().for_each(&mut take),
    }
}
