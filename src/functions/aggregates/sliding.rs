//! Aggregates whose frames are slid: from row to row, the state takes in the rows that have come into
//! the frame and gives up those that have left it. What chooses a row is in [`rows`], what must know
//! all values in [`values`].

pub mod rows;
pub mod values;

use super::grouped::Aggregate;
use crate::functions::columns::strict;
use crate::functions::kernel::{KernelContext, LiteralError, Neighbours, Operand, WindowKernel};
use arrow_array::{Array, ArrayRef};
use arrow_select::concat::concat;

/// So many states are finished at once.
const STATES_TOGETHER: usize = 1 << 12;

/// An aggregate that can give up rows.
pub trait Slide: Aggregate<State: Clone> {
    /// Are rows left out in which an argument is null?
    const SKIPS_NULLS: bool = true;

    /// The arguments, as they are read row by row.
    type View<'a>;

    /// Looks at arguments.
    fn view<'a>(&self, arguments: &'a [Operand], rows: &Neighbours) -> Self::View<'a>;

    /// Takes a row in.
    fn add(&self, state: &mut Self::State, view: &Self::View<'_>, row: usize);

    /// Gives up a row that was taken in.
    fn remove(&self, state: &mut Self::State, view: &Self::View<'_>, row: usize);

    /// Puts into the state of the frame of a row what cannot be given up.
    fn settle(&self, _state: &mut Self::State, _view: &Self::View<'_>, _row: usize) {}
}

struct Sliding<A>(A);

impl<A: Slide> WindowKernel for Sliding<A> {
    fn eval(
        &self,
        context: &mut KernelContext,
        rows: &Neighbours,
        arguments: &[Operand],
    ) -> ArrayRef {
        let mut finished = Finished { aggregate: self.0.clone(), values: vec![], rows: 0 };
        let skipped = if A::SKIPS_NULLS { strict(context.rows, arguments) } else { None };
        let counts = |row: &usize| skipped.as_ref().is_none_or(|valid| valid.is_valid(*row));
        let (view, mut state) = (self.0.view(arguments, rows), A::State::default());
        let mut states: Vec<A::State> = Vec::with_capacity(STATES_TOGETHER);
        let (mut low, mut high) = (0, 0);
        for (row, frame) in rows.frames().enumerate() {
            if states.len() == STATES_TOGETHER {
                finished.take(&mut states, context);
            }
            if frame.start >= high {
                state = A::State::default();
                (low, high) = (frame.start, frame.start);
            }
            let come = (high..frame.end).filter(&counts);
            come.for_each(|row| self.0.add(&mut state, &view, row));
            let go = (low..frame.start).filter(&counts);
            go.for_each(|row| self.0.remove(&mut state, &view, row));
            (low, high) = (frame.start, frame.end);
            let mut settled = state.clone();
            self.0.settle(&mut settled, &view, row);
            states.push(settled);
        }
        finished.take(&mut states, context);
        let pieces: Vec<&dyn Array> = finished.values.iter().map(|piece| &**piece).collect();
        concat(&pieces).expect("pieces of one type")
    }
}

/// The values so far.
struct Finished<A> {
    aggregate: A,
    values: Vec<ArrayRef>,
    rows: usize,
}

impl<A: Aggregate> Finished<A> {
    /// Finishes the states of the next rows.
    fn take(&mut self, states: &mut Vec<A::State>, context: &mut KernelContext) {
        let (before, rows) = (context.failures.len(), states.len());
        let of = std::mem::replace(states, Vec::with_capacity(STATES_TOGETHER));
        self.values.push(self.aggregate.finish(of, context));
        let failed = &mut context.failures[before..];
        failed.iter_mut().for_each(|failure| failure.row += self.rows as u32);
        self.rows += rows;
    }
}

/// The kernel of an aggregate that slides.
pub fn sliding(aggregate: impl Slide) -> Result<Box<dyn WindowKernel>, LiteralError> {
    Ok(Box::new(Sliding(aggregate)))
}
