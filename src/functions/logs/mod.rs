//! Functions that read lines of logs into records, by their formats.
//!
//! Each format's fields are those of its declaration, or what the call asks for. A line that is not
//! of its format fails with what was expected where.

mod access;
mod cef;
mod csv_line;
pub mod grok;
mod pairs;
mod syslog;

use super::Shape;
use super::kernel::PrepareScalar;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("parse_common_log", access::parse_common_log),
    ("parse_combined_log", access::parse_combined_log),
    ("parse_syslog", syslog::parse_syslog),
    ("parse_logfmt", pairs::parse_logfmt),
    ("parse_key_value", pairs::parse_key_value),
    ("parse_csv_line", csv_line::parse_csv_line),
    ("parse_cef", cef::parse_cef),
    ("parse_grok", grok::parse_grok),
];

/// What the fields of a result are that depend on the call.
pub(super) const SHAPES: &[(&str, Shape)] = &[
    ("parse_logfmt", pairs::shape),
    ("parse_key_value", pairs::shape),
    ("parse_cef", cef::shape),
    ("parse_grok", grok::shape),
];
