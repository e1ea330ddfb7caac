//! One text to one value, for the sources that read text. Strict: what is not exactly a value of
//! the type is refused with a reason that does not repeat the text.
//!
//! The plain functions accept every spelling; the `fast_` ones the common spellings alone, from a
//! buffer with slack, and give None for all others.

mod number;
mod time;

pub use number::{boolean, decimal, fast_decimal, fast_float, fast_int, float, int};
pub use time::{Clock, LastDay, date, datetime, duration, fast_date, fast_datetime, timestamp};

use super::ConnectError;
use std::borrow::Cow;

/// Why a text is not a value: `not an int`.
pub type Reason = Cow<'static, str>;

/// Eight bytes at `at`, the first one lowest.
#[inline(always)]
fn load8(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The time zone that an argument names.
pub fn zone_of(name: Option<&str>) -> Result<Option<jiff::tz::TimeZone>, ConnectError> {
    let Some(name) = name else { return Ok(None) };
    if name == "UTC" {
        return Ok(Some(jiff::tz::TimeZone::UTC));
    }
    match jiff::tz::TimeZone::get(name) {
        Ok(zone) => Ok(Some(zone)),
        Err(_) => Err(ConnectError::new(format!("there is no time zone `{name}`"))
            .help("write a name such as \"Europe/Berlin\" or \"UTC\"")),
    }
}
