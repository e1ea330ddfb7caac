//! Aggregates over frames that choose one row: `min`, `max`, `min_by`, `max_by`, `first`, `last`,
//! `any_value`. The rows that can still be chosen by a later frame are kept in a queue, so that each
//! is looked at a few times, however wide frames are.

use crate::functions::columns::{Texts, data, strict, texts};
use crate::functions::kernel::{Call, LiteralError, Neighbours, Operand, WindowKernel};
use crate::functions::order::fixed_keys;
use crate::functions::windows::{values_at, window_kernel};
use crate::types::DataType;
use arrow_buffer::NullBuffer;
use std::cmp::Ordering;
use std::collections::VecDeque;

type Kernel = Result<Box<dyn WindowKernel>, LiteralError>;

/// What rows are compared by.
enum Keys<'a> {
    /// All are equal.
    None,
    Fixed(Vec<u128>),
    Text(Texts<'a>),
}

impl Keys<'_> {
    fn of<'a>(ty: &DataType, operand: &'a Operand, rows: usize) -> Keys<'a> {
        match ty {
            DataType::String => Keys::Text(texts(operand)),
            _ => fixed_keys(ty, operand, rows).map_or(Keys::None, Keys::Fixed),
        }
    }

    #[inline]
    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Keys::None => Ordering::Equal,
            Keys::Fixed(keys) => keys[a].cmp(&keys[b]),
            Keys::Text(texts) => texts.at(a).cmp(texts.at(b)),
        }
    }
}

/// Of each frame the first of the rows that no other of it replaces; rows that do not count are left
/// out.
pub(in crate::functions::aggregates) fn best_rows(
    rows: &Neighbours,
    counts: impl Fn(usize) -> bool,
    replaces: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let (mut queue, mut high) = (VecDeque::<usize>::new(), 0);
    let best = |frame: std::ops::Range<usize>| {
        if frame.start >= high {
            queue.clear();
            high = frame.start;
        }
        for row in (high..frame.end).filter(|row| counts(*row)) {
            while queue.back().is_some_and(|last| replaces(row, *last)) {
                queue.pop_back();
            }
            queue.push_back(row);
        }
        high = frame.end;
        while queue.front().is_some_and(|first| *first < frame.start) {
            queue.pop_front();
        }
        queue.front().copied()
    };
    rows.frames().map(best).collect()
}

fn is_valid(valid: Option<&NullBuffer>, row: usize) -> bool {
    valid.is_none_or(|valid| valid.is_valid(row))
}

/// The value in the row whose argument at `by` is the least, or the greatest.
fn extreme(call: &Call, by: usize, better: Ordering) -> Kernel {
    let ty = data(call, by).clone();
    window_kernel(move |context, rows, arguments| {
        let keys = Keys::of(&ty, &arguments[by], context.rows);
        let valid = strict(context.rows, &arguments[by..=by]);
        let counts = |row| is_valid(valid.as_ref(), row);
        let best = best_rows(rows, counts, |a, b| keys.compare(a, b) == better);
        values_at(&arguments[0], best.into_iter())
    })
}

/// `min(x)` over frames
pub(in crate::functions::aggregates) fn min(call: &Call) -> Kernel {
    extreme(call, 0, Ordering::Less)
}

/// `max(x)` over frames
pub(in crate::functions::aggregates) fn max(call: &Call) -> Kernel {
    extreme(call, 0, Ordering::Greater)
}

/// `min_by(x, by)` over frames
pub(in crate::functions::aggregates) fn min_by(call: &Call) -> Kernel {
    extreme(call, 1, Ordering::Less)
}

/// `max_by(x, by)` over frames
pub(in crate::functions::aggregates) fn max_by(call: &Call) -> Kernel {
    extreme(call, 1, Ordering::Greater)
}

/// `first(x)`, `any_value(x)` over frames
pub(in crate::functions::aggregates) fn first(_: &Call) -> Kernel {
    window_kernel(|context, rows, arguments| {
        let valid = strict(context.rows, &arguments[..1]);
        let mut next: Vec<usize> = (0..=context.rows).collect();
        for row in (0..context.rows).rev() {
            if !is_valid(valid.as_ref(), row) {
                next[row] = next[row + 1];
            }
        }
        let first = rows.frames().map(|frame| {
            let first = next[frame.start];
            (first < frame.end).then_some(first)
        });
        values_at(&arguments[0], first)
    })
}

/// `last(x)` over frames
pub(in crate::functions::aggregates) fn last(_: &Call) -> Kernel {
    window_kernel(|context, rows, arguments| {
        let valid = strict(context.rows, &arguments[..1]);
        // Of each row, how many rows there are up to the last valid one before it.
        let mut before = vec![0; context.rows + 1];
        for row in 0..context.rows {
            before[row + 1] = if is_valid(valid.as_ref(), row) { row + 1 } else { before[row] };
        }
        let last = rows.frames().map(|frame| {
            let last = before[frame.end];
            (last > frame.start).then(|| last - 1)
        });
        values_at(&arguments[0], last)
    })
}
