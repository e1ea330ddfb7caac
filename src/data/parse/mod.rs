//! One text to one value. Strict: what is not exactly a value of the type is refused with a reason
//! that does not repeat the text.
//!
//! These are the rules of the language for `as`, for `parse` and for the sources that read text;
//! connectors may know faster ways for common spellings, with the same result.

mod format;
mod held;
mod number;
mod scalar;
mod time;

pub use format::{check_format, sample};
pub use held::held;
pub use number::{boolean, decimal, float, int};
pub use scalar::scalar;
pub use time::{Clock, date, datetime, duration, time, timestamp};

use std::borrow::Cow;

/// Why a text is not a value: `not an int`.
pub type Reason = Cow<'static, str>;

/// The most bytes of a text that a message shows.
const SHOWN_MAX: usize = 200;

/// The sentence that refuses a text: `"12x" is not an int`.
pub fn refuse(text: &str, reason: &str) -> String {
    // What a source could be told about such texts means nothing where there is none.
    let end = ["(`zone:`", "(`format"].iter().filter_map(|hint| reason.find(hint)).next();
    let reason = reason[..end.unwrap_or(reason.len())].trim_end();
    let (shown, more) = match text.char_indices().find(|(at, _)| *at >= SHOWN_MAX) {
        Some((at, _)) => (&text[..at], "…"),
        None => (text, ""),
    };
    format!("\"{shown}{more}\"{} {reason}", verb(reason))
}

/// What is said of bytes that are no text.
pub const NOT_UTF8: &str = "not UTF-8";

/// What stands between a value and the reason to refuse it: ` is` not an int, has no zone.
pub fn verb(reason: &str) -> &'static str {
    match reason.split(' ').next() {
        Some("has") => "",
        Some("no" | "months" | "an") => ":",
        _ => " is",
    }
}

#[cfg(test)]
mod tests {
    use super::refuse;

    #[test]
    fn refusals_are_sentences() {
        assert_eq!(refuse("12x", "not an int"), "\"12x\" is not an int");
        assert_eq!(refuse("1:00", "has no zone (`zone:` of the source)"), "\"1:00\" has no zone");
        assert_eq!(refuse("1.5", "has more than 0 digits"), "\"1.5\" has more than 0 digits");
        let long = "é".repeat(150);
        assert_eq!(refuse(&long, "not x"), format!("\"{}…\" is not x", "é".repeat(100)));
    }
}
