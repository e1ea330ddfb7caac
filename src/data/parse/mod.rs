//! One text to one value. Strict: what is not exactly a value of the type is refused with a reason
//! that does not repeat the text.
//!
//! These are the rules of the language for `as`, for `parse` and for the sources that read text;
//! connectors may know faster ways for common spellings, with the same result.

mod number;
mod time;

pub use number::{boolean, decimal, float, int};
pub use time::{Clock, date, datetime, days_of, duration, timestamp};

use std::borrow::Cow;

/// Why a text is not a value: `not an int`.
pub type Reason = Cow<'static, str>;
