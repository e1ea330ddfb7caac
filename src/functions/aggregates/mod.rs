//! Functions from many rows to one value, by family.
//!
//! No result depends on how rows were split among threads or batches: sums are exact, what comes
//! first is decided by position, ties by value or position.

mod counts;
mod exact;
mod extremes;
mod grouped;
mod sums;

pub(super) use exact::ExactSum;

use super::kernel::PrepareAggregate;

/// The kernel of each aggregate.
pub(super) const KERNELS: &[(&str, PrepareAggregate)] = &[
    ("count", counts::count),
    ("count_if", counts::count_if),
    ("null_rate", counts::null_rate),
    ("all", counts::all),
    ("any", counts::any),
    ("sum", sums::sum),
    ("sum_if", sums::sum_if),
    ("avg", sums::avg),
    ("min", extremes::min),
    ("max", extremes::max),
];
