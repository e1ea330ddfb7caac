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

mod framed;
mod sliding;

mod chosen;
mod distinct;
mod distinct_numbers;
mod extremes;
mod gathered;
mod moments;
mod quantiles;

pub(super) use exact::ExactSum;
pub(super) use framed::over_frames;

use super::kernel::{PrepareAggregate, PrepareWindow};

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

/// The kernels of those that can be slid over the frames of a window.
const SLIDING: &[(&str, PrepareWindow)] = &[
    ("count", counts::sliding_count),
    ("count_if", counts::sliding_count_if),
    ("null_rate", counts::sliding_null_rate),
    ("sum", sums::sliding_sum),
    ("sum_if", sums::sliding_sum_if),
    ("avg", sums::sliding_avg),
    ("min", sliding::rows::min),
    ("max", sliding::rows::max),
    ("min_by", sliding::rows::min_by),
    ("max_by", sliding::rows::max_by),
    ("first", sliding::rows::first),
    ("last", sliding::rows::last),
    ("any_value", sliding::rows::first),
    ("count_distinct", sliding::values::count_distinct),
    ("distinct_rate", sliding::values::distinct_rate),
    ("mode", sliding::values::mode),
    ("median", sliding::values::median),
    ("quantile", sliding::values::quantile),
    ("variance", moments::sliding_variance),
    ("stddev", moments::sliding_stddev),
    ("corr", moments::sliding_corr),
];
