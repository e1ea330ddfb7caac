//! Functions from many rows to one value, by family.
//!
//! No result depends on how rows were split among threads or batches: sums are exact, what comes
//! first is decided by position, ties by value or position.

mod grouped;
mod saved;
mod seen;

mod counts;
mod sums;

mod exact;

mod approx;
mod chosen;
mod distinct;
mod distinct_numbers;
mod extremes;
mod gathered;
mod moments;
mod quantiles;

pub(super) use exact::ExactSum;

use super::kernel::PrepareAggregate;

/// The kernel of each aggregate.
pub(super) const KERNELS: &[(&str, PrepareAggregate)] = &[
    ("count", counts::count),
    ("count_if", counts::count_if),
    ("null_rate", counts::null_rate),
    ("sum", sums::sum),
    ("sum_if", sums::sum_if),
    ("avg", sums::avg),
    ("min", extremes::min),
    ("max", extremes::max),
    ("min_by", chosen::min_by),
    ("max_by", chosen::max_by),
    ("first", chosen::first),
    ("last", chosen::last),
    ("any_value", chosen::first),
    ("collect", gathered::collect),
    ("string_agg", gathered::string_agg),
    ("count_distinct", distinct::count_distinct),
    ("distinct_rate", distinct::distinct_rate),
    ("mode", distinct::mode),
    ("median", quantiles::median),
    ("quantile", quantiles::quantile),
    ("approx_count_distinct", approx::approx_count_distinct),
    ("approx_quantile", approx::approx_quantile),
    ("variance", moments::variance),
    ("stddev", moments::stddev),
    ("corr", moments::corr),
];
