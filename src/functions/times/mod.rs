//! Functions on dates, wall clock readings and instants.
//!
//! Calendar fields are plain arithmetic on days; time zones come from the bundled database, never
//! from the machine, so that a program means the same everywhere. An instant has calendar fields
//! only in a zone, so functions on `timestamp` ask for one.

mod calendar;
mod days;
mod fields;
mod format;
mod units;
mod zones;

use super::kernel::PrepareScalar;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("date", zones::date),
    ("time", zones::time),
    ("at_zone", zones::at_zone),
    ("to_timestamp", zones::to_timestamp),
    ("year", |call| fields::field(call, fields::year)),
    ("quarter", |call| fields::field(call, fields::quarter)),
    ("month", |call| fields::field(call, fields::month)),
    ("iso_week", |call| fields::field(call, fields::iso_week)),
    ("day", |call| fields::field(call, fields::day)),
    ("day_of_year", |call| fields::field(call, fields::day_of_year)),
    ("weekday", |call| fields::field(call, fields::weekday)),
    ("hour", |call| fields::clock(call, 3_600_000_000, 24)),
    ("minute", |call| fields::clock(call, 60_000_000, 60)),
    ("second", |call| fields::clock(call, 1_000_000, 60)),
    ("last_day", fields::last_day),
    ("make_date", days::make_date),
    ("add_days", days::add_days),
    ("easter", days::easter),
    ("date_trunc", units::date_trunc),
    ("diff", units::diff),
    ("add", units::add),
    ("add_months", units::add_months),
    ("epoch", units::epoch),
    ("from_epoch", units::from_epoch),
    ("parse_date", format::parse_date),
    ("parse_datetime", format::parse_datetime),
    ("parse_timestamp", format::parse_timestamp),
    ("format_date", format::format_date),
];
