//! One text to one value, for the sources that read text.
//!
//! The plain functions, of [`crate::data::parse`], accept every spelling; the `fast_` ones the
//! common spellings alone, from a buffer with slack, and give None for all others.

mod number;
mod time;

pub use crate::data::parse::{
    Clock, Reason, boolean, date, datetime, decimal, duration, float, held, int, time, timestamp,
};
pub use number::{fast_decimal, fast_float, fast_int};
pub use time::{LastDay, fast_date, fast_datetime};

/// Eight bytes at `at`, the first one lowest.
#[inline(always)]
fn load8(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The time zone that a checked argument names.
pub fn zone_of(name: Option<&str>) -> Option<jiff::tz::TimeZone> {
    crate::data::time_zone(name?).ok()
}
