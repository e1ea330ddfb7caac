//! What a kernel is: from the columns of a batch to a column, or to a state per group.

use crate::data::Positions;
use crate::types::{Scalar, Type};
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use arrow_buffer::BooleanBuffer;
use std::any::Any;

/// A call as the kernel is prepared for it, once a job.
pub struct Call<'a> {
    /// The types of the arguments, after widening, one for each parameter.
    pub arguments: &'a [Type],
    /// Their values, where they are literals.
    pub literals: &'a [Option<Scalar>],
    /// The type of the result.
    pub result: &'a Type,
}

/// Makes the kernel of a call. An error names the argument and says what is wrong with its
/// literal; it is shown at check.
pub type PrepareScalar = fn(&Call) -> Result<Box<dyn ScalarKernel>, LiteralError>;

/// Makes the accumulator of a call.
pub type PrepareAggregate = fn(&Call) -> Result<NewAccumulator, LiteralError>;

/// Makes one more accumulator of the same kind, for another thread.
pub type NewAccumulator = Box<dyn Fn() -> Box<dyn Accumulator> + Send + Sync>;

/// Makes the kernel of a call in a window.
pub type PrepareWindow = fn(&Call) -> Result<Box<dyn WindowKernel>, LiteralError>;

/// A literal that a kernel cannot work with.
#[derive(Clone, Debug, PartialEq)]
pub struct LiteralError {
    /// Position of the parameter.
    pub argument: usize,
    /// What is wrong: `there is no time zone "Mars/Base"`.
    pub reason: String,
}

/// Computes one column from others.
pub trait ScalarKernel: Send + Sync {
    /// The result for `context.rows` rows. Null in, null out, unless the declaration says
    /// otherwise. Rows that fail are null and told to `context.fail`.
    fn eval(&self, context: &mut KernelContext, arguments: &[Operand]) -> ArrayRef;
}

/// An argument's values: a column, or one value for all rows.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The column; of length 1 when `constant`.
    pub array: ArrayRef,
    /// Does its one value stand for every row?
    pub constant: bool,
}

impl Operand {
    /// A column.
    pub fn column(array: ArrayRef) -> Operand {
        Operand { array, constant: false }
    }

    /// One value for all rows.
    pub fn constant(array: ArrayRef) -> Operand {
        debug_assert_eq!(array.len(), 1);
        Operand { array, constant: true }
    }

    /// Where row `row` is found in the array.
    pub fn index(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
}

/// The rows that are computed, and what fails on the way.
pub struct KernelContext<'a> {
    /// How many rows.
    pub rows: usize,
    /// The rows whose result is used; the others (the branch of an `if` not taken) may be computed
    /// and may not fail. None: all.
    pub active: Option<&'a BooleanBuffer>,
    /// Which call of the program this is, for [`Failure::site`].
    pub site: u32,
    /// What failed so far.
    pub failures: &'a mut Vec<Failure>,
}

/// A row that an expression failed on.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Row of the batch; for an aggregate the group.
    pub row: u32,
    /// Which expression, as numbered by the caller.
    pub site: u32,
    /// What went wrong, with the value: `"12x" is not an int`, `division by zero`.
    pub reason: String,
}

impl KernelContext<'_> {
    /// Is the result of this row used?
    pub fn is_active(&self, row: usize) -> bool {
        self.active.is_none_or(|active| active.value(row))
    }

    /// Notes that `row` failed; nothing when its result is not used.
    pub fn fail(&mut self, row: usize, reason: impl FnOnce() -> String) {
        if self.is_active(row) {
            self.failures.push(Failure { row: row as u32, site: self.site, reason: reason() });
        }
    }
}

/// The states of an aggregate, one a group. Groups are numbered from 0 and only grow in number.
pub trait Accumulator: Send {
    /// Takes in a batch: row `i` belongs to group `groups[i]`, all below `count`. Positions break
    /// ties and say what is first; they are unique within a stage.
    fn update(&mut self, groups: &[u32], count: usize, arguments: &[Operand], rows: &Positions);

    /// Does it look at positions?
    fn uses_positions(&self) -> bool {
        false
    }

    /// Takes in the states of another accumulator of the same kind: its group `g` is this one's
    /// `groups[g]`. The result does not depend on the order of merges.
    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], count: usize);

    /// Has each group a state of its own, which [`Self::merge_some`] can take from it?
    fn can_merge_some(&self) -> bool {
        false
    }

    /// Takes in some states of another accumulator of the same kind, and leaves in their place what
    /// a group without rows has: of each pair, its second group is this one's first.
    fn merge_some(&mut self, _other: &mut dyn Accumulator, _pairs: &[(u32, u32)]) {
        unreachable!("only where it is said to be possible")
    }

    /// The states of the groups 0..count as bytes, leaving the accumulator empty.
    fn save(&mut self, count: usize) -> LargeBinaryArray;

    /// Takes in states that an accumulator of the same kind has saved: state `s` is of this one's
    /// group `groups[s]`. It is as if that accumulator were merged.
    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], count: usize);

    /// The value of each group 0..count, leaving the accumulator empty. A group whose value
    /// cannot be had (an integer sum beyond 64 bits) is null and told to `context.fail`.
    fn finish(&mut self, count: usize, context: &mut KernelContext) -> ArrayRef;

    /// About how much memory the states take.
    fn bytes(&self) -> usize;

    /// For [`Self::merge`].
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// Computes one column over the neighbours of rows.
pub trait WindowKernel: Send + Sync {
    /// The result for `context.rows` rows. A row whose value cannot be had is null and told to
    /// `context.fail`.
    fn eval(
        &self,
        context: &mut KernelContext,
        rows: &Neighbours,
        arguments: &[Operand],
    ) -> ArrayRef;
}

/// Rows that are looked at together: whole partitions, one after the other, each in its order.
#[derive(Clone, Copy)]
pub struct Neighbours<'a> {
    /// Where each partition begins, and where the last one ends.
    pub partitions: &'a [u32],
    /// Where rows begin that sort equal, and where the last of them end.
    pub peers: &'a [u32],
    /// The rows at which aggregates look.
    pub frames: Frames<'a>,
}

/// The frame of each row.
#[derive(Clone, Copy)]
pub enum Frames<'a> {
    /// Its partition.
    Whole,
    /// From one row to before another, both within its partition. Neither end is before that of the
    /// row before it.
    Each {
        /// Where it begins.
        from: &'a [u32],
        /// Where it ends.
        to: &'a [u32],
    },
}

impl Neighbours<'_> {
    /// The partitions as ranges of rows.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        ranges_of(self.partitions)
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.partitions.last().map_or(0, |end| *end as usize)
    }

    /// The frame of each row, in order.
    pub fn frames(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let whole = match self.frames {
            Frames::Whole => Some(self.ranges()),
            Frames::Each { .. } => None,
        };
        let whole = whole.into_iter().flatten();
        let each = match self.frames {
            Frames::Whole => (&[][..], &[][..]),
            Frames::Each { from, to } => (from, to),
        };
        let each = each.0.iter().zip(each.1).map(|(from, to)| *from as usize..*to as usize);
        whole.flat_map(|range| std::iter::repeat_n(range.clone(), range.len())).chain(each)
    }
}

/// What lies between neighbouring starts.
pub fn ranges_of(starts: &[u32]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    starts.windows(2).map(|ends| ends[0] as usize..ends[1] as usize)
}
