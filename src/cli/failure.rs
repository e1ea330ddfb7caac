//! How the failure of a run is shown, and what it exits with.

use super::args::Global;
use super::load::{print_one, print_outside};
use super::{FAILED, LOCKED, RULE};
use crate::Compiled;
use crate::run::{Kind, Told};

/// Says why a run failed; the exit code.
pub(super) fn explain_failure(failure: Told, compiled: &Compiled, global: &Global) -> u8 {
    let code = match failure.kind {
        Kind::Failed => FAILED,
        Kind::Rule => RULE,
        Kind::Locked => LOCKED,
        Kind::Stopped => return 130,
    };
    match failure.found {
        Some(found) => print_one(found, &compiled.files, global),
        None => print_outside(&failure.message, failure.help.as_deref(), global),
    }
    code
}
