//! Values of other rows: `lag`, `lead`, `first_value`, `last_value`, `nth_value`, `fill_forward`.

use super::window_kernel;
use crate::functions::columns::{is_null, literal_int};
use crate::functions::kernel::{Call, LiteralError, Operand, WindowKernel};
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::interleave::interleave;
use arrow_select::take::take;

type Kernel = Result<Box<dyn WindowKernel>, LiteralError>;

/// The values in these rows of an argument, null where there is none.
pub(in crate::functions) fn values_at(
    argument: &Operand,
    rows: impl Iterator<Item = Option<usize>>,
) -> ArrayRef {
    let index = |row: Option<usize>| row.map(|row| argument.index(row) as u32);
    let rows: UInt32Array = rows.map(index).collect();
    take(&argument.array, &rows, None).expect("rows are within the argument")
}

/// The value so many rows before, in a row of the partition; `default` where there is none.
fn moved(call: &Call, sign: i64) -> Kernel {
    let by = literal_int(call, 1)?;
    if by < 0 {
        let other = if sign < 0 { "lead" } else { "lag" };
        let reason = format!("a number of rows is not negative; `{other}` looks the other way");
        return Err(LiteralError { argument: 1, reason });
    }
    let by = by.saturating_mul(sign);
    let has_default = !matches!(call.literals.get(2), Some(Some(value)) if value.is_null());
    window_kernel(move |context, rows, arguments| {
        let others = rows.ranges().flat_map(|range| {
            range.clone().map(move |row| {
                let other = (row as i64).checked_add(by)?;
                let other = usize::try_from(other).ok()?;
                range.contains(&other).then_some(other)
            })
        });
        if !has_default {
            return values_at(&arguments[0], others);
        }
        let (value, default) = (&arguments[0], &arguments[2]);
        let at = others.zip(0..context.rows).map(|(other, row)| match other {
            Some(other) => (0, value.index(other)),
            None => (1, default.index(row)),
        });
        let at: Vec<(usize, usize)> = at.collect();
        interleave(&[&value.array as &dyn Array, &default.array], &at)
            .expect("rows are within the arguments")
    })
}

/// `lag(x, n, default)`
pub(super) fn lag(call: &Call) -> Kernel {
    moved(call, -1)
}

/// `lead(x, n, default)`
pub(super) fn lead(call: &Call) -> Kernel {
    moved(call, 1)
}

/// `first_value(x)`
pub(super) fn first_value(_: &Call) -> Kernel {
    window_kernel(|_, rows, arguments| {
        let first = rows.frames().map(|frame| (!frame.is_empty()).then_some(frame.start));
        values_at(&arguments[0], first)
    })
}

/// `last_value(x)`
pub(super) fn last_value(_: &Call) -> Kernel {
    window_kernel(|_, rows, arguments| {
        let last = rows.frames().map(|frame| (!frame.is_empty()).then(|| frame.end - 1));
        values_at(&arguments[0], last)
    })
}

/// `nth_value(x, n)`
pub(super) fn nth_value(call: &Call) -> Kernel {
    let n = literal_int(call, 1)?;
    if n < 1 {
        let reason = "rows are counted from 1; write 1 for the first".into();
        return Err(LiteralError { argument: 1, reason });
    }
    let behind = usize::try_from(n - 1).unwrap_or(usize::MAX);
    window_kernel(move |_, rows, arguments| {
        let nth = rows.frames().map(|frame| (behind < frame.len()).then(|| frame.start + behind));
        values_at(&arguments[0], nth)
    })
}

/// `fill_forward(x)`
pub(super) fn fill_forward(_: &Call) -> Kernel {
    window_kernel(|_, rows, arguments| {
        let value = &arguments[0];
        let last = rows.ranges().flat_map(|range| {
            range.scan(None, |last, row| {
                if !is_null(value, row) {
                    *last = Some(row);
                }
                Some(*last)
            })
        });
        values_at(value, last)
    })
}
