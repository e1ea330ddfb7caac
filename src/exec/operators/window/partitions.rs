//! Some partitions computed together: the new columns of rows that are in their order.

use super::frames::Ends;
use super::{Argument, Plan, Value, sessions};
use crate::exec::Error;
use crate::exec::rows::hollow;
use crate::functions::kernel::{Failure, Frames, KernelContext, Neighbours, Operand};
use arrow_array::ArrayRef;
use std::collections::BTreeMap;

/// Whole partitions, one after the other.
pub(super) struct Partitions<'a> {
    /// How many rows.
    pub rows: usize,
    /// Where each begins, and the end.
    pub starts: Vec<u32>,
    /// Where rows begin that sort equal, and the end; empty if nobody asks.
    pub peers: Vec<u32>,
    /// The column at a place.
    pub column: &'a dyn Fn(usize) -> ArrayRef,
    /// The key at a place among those that are sorted by.
    pub key: &'a dyn Fn(usize) -> ArrayRef,
}

/// What came of some partitions.
pub(super) struct Computed {
    /// The new columns.
    pub columns: Vec<ArrayRef>,
    /// How many sessions there are, of each column that numbers them.
    pub sessions: Vec<u64>,
}

impl Plan {
    /// Computes the new columns.
    pub(super) fn compute(&self, of: &Partitions) -> Result<Computed, Error> {
        let ends = self.frame.ends(of, self);
        let neighbours = Neighbours {
            partitions: &of.starts,
            peers: &of.peers,
            frames: match &ends {
                Some(Ends { from, to }) => Frames::Each { from, to },
                None => Frames::Whole,
            },
        };
        let mut columns: BTreeMap<usize, ArrayRef> = BTreeMap::new();
        let mut computed = Computed { columns: vec![], sessions: vec![] };
        let mut failures: Vec<Failure> = vec![];
        for (site, column) in (0..).zip(&self.columns) {
            let mut argument = |argument: &Argument| match argument {
                Argument::Constant(value) => value.clone(),
                Argument::Column(at) => {
                    let column = columns.entry(*at).or_insert_with(|| (of.column)(*at));
                    Operand::column(column.clone())
                }
            };
            let arguments: Vec<Operand> = column.arguments.iter().map(&mut argument).collect();
            computed.columns.push(match &column.value {
                Value::Unread => hollow(of.rows),
                Value::Kernel(kernel) => {
                    let failures = &mut failures;
                    let mut context = KernelContext { rows: of.rows, active: None, site, failures };
                    kernel.eval(&mut context, &neighbours, &arguments)
                }
                Value::Session(gap) => {
                    let (numbers, count) = sessions::number(&neighbours, &arguments[0].array, *gap);
                    computed.sessions.push(count);
                    numbers
                }
            });
        }
        match failures.iter().min_by_key(|failure| (failure.row, failure.site)) {
            Some(first) => Err(self.failed(of, first)),
            None => Ok(computed),
        }
    }

    /// Does anything ask which rows sort equal?
    pub(super) fn needs_peers(&self) -> bool {
        // Ranks do, and finding peers costs little beside sorting.
        !self.sort.directions[self.keys.len()..].is_empty()
    }

    fn failed(&self, of: &Partitions, failure: &Failure) -> Error {
        let span = self.columns[failure.site as usize].span;
        let keys = self.keys.iter().enumerate().map(|(at, ty)| ((of.key)(at), ty.clone()));
        Error::of_group((span, &failure.reason), "the window of", keys, failure.row as usize)
    }
}
