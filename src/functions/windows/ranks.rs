//! What a row is among its neighbours: `row_number`, `rank`, `dense_rank`, `percent_rank`, `ntile`.

use super::window_kernel;
use crate::functions::columns::literal_int;
use crate::functions::kernel::{Call, LiteralError, Neighbours, WindowKernel, ranges_of};
use arrow_array::{Float64Array, Int64Array};
use std::ops::Range;
use std::sync::Arc;

type Kernel = Result<Box<dyn WindowKernel>, LiteralError>;

/// `row_number()`
pub(super) fn row_number(_: &Call) -> Kernel {
    window_kernel(|context, rows, _| {
        let mut numbers = Vec::with_capacity(context.rows);
        rows.ranges().for_each(|range| numbers.extend(1..=range.len() as i64));
        Arc::new(Int64Array::from(numbers))
    })
}

/// Calls `take` for each run of rows that sort equal, with its partition and its number within.
fn each_peers(rows: &Neighbours, mut take: impl FnMut(Range<usize>, &Range<usize>, usize)) {
    let mut partitions = rows.ranges();
    let mut partition = 0..0;
    let mut number = 0;
    for peers in ranges_of(rows.peers) {
        while peers.start >= partition.end {
            partition = partitions.next().expect("rows that sort equal are of one partition");
            number = 0;
        }
        number += 1;
        take(peers, &partition, number);
    }
}

/// `rank()`
pub(super) fn rank(_: &Call) -> Kernel {
    window_kernel(|context, rows, _| {
        let mut ranks = Vec::with_capacity(context.rows);
        each_peers(rows, |peers, partition, _| {
            let rank = (peers.start - partition.start) as i64 + 1;
            ranks.resize(ranks.len() + peers.len(), rank);
        });
        Arc::new(Int64Array::from(ranks))
    })
}

/// `dense_rank()`
pub(super) fn dense_rank(_: &Call) -> Kernel {
    window_kernel(|context, rows, _| {
        let mut ranks = Vec::with_capacity(context.rows);
        each_peers(rows, |peers, _, number| {
            ranks.resize(ranks.len() + peers.len(), number as i64);
        });
        Arc::new(Int64Array::from(ranks))
    })
}

/// `percent_rank()`
pub(super) fn percent_rank(_: &Call) -> Kernel {
    window_kernel(|context, rows, _| {
        let mut ranks = Vec::with_capacity(context.rows);
        each_peers(rows, |peers, partition, _| {
            let before = (peers.start - partition.start) as f64;
            let others = partition.len() - 1;
            let rank = if others == 0 { 0.0 } else { before / others as f64 };
            ranks.resize(ranks.len() + peers.len(), rank);
        });
        Arc::new(Float64Array::from(ranks))
    })
}

/// `ntile(parts)`
pub(super) fn ntile(call: &Call) -> Kernel {
    let parts = literal_int(call, 0)?;
    if parts < 1 {
        let reason = "there is one part at least; write 1 or more, such as `ntile(4)`".into();
        return Err(LiteralError { argument: 0, reason });
    }
    window_kernel(move |context, rows, _| {
        let mut tiles = Vec::with_capacity(context.rows);
        for range in rows.ranges() {
            let (each, longer) = (range.len() as i64 / parts, range.len() as i64 % parts);
            for part in 0..parts.min(range.len() as i64) {
                let rows = each + i64::from(part < longer);
                tiles.resize(tiles.len() + rows as usize, part + 1);
            }
        }
        Arc::new(Int64Array::from(tiles))
    })
}
